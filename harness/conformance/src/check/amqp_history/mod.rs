//! What AMQP clients published, declared and were delivered, over the whole trace, with contents put
//! together: what the guarantees judge.

mod answers;
mod content;
mod reader;
mod readers;
mod replies;
mod transaction;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mqspec_wire::{Field, Packet, Value};

pub(super) use answers::{Answer, NOT_FOUND, RESOURCE_LOCKED};
pub(super) use reader::read;
pub(super) use readers::Readers;
pub(super) use transaction::Transacted;

use readers::End;

use super::amqp_packet::{entries, flag};
use crate::plan::ActorId;
use crate::trace::ConnectionNumber;

/// A channel of a connection of an actor.
pub(super) type Path = (ActorId, ConnectionNumber, u16);

/// A method with its content, as somebody sent it.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// The event of its method.
    pub(super) event: u64,
    /// The channel that it travelled on.
    pub(super) path: Path,
    /// Exchange as published.
    pub(super) exchange: Bytes,
    /// Routing key as published.
    pub(super) routing_key: Bytes,
    /// The content's properties.
    pub(super) properties: Vec<Field>,
    /// The content.
    pub(super) body: Bytes,
}

/// A publish.
#[derive(Clone, Debug)]
pub(super) struct Published {
    /// What was published.
    pub(super) message: Message,
    /// When it was certain that the broker had dealt with it: the event of its basic.ack, or of a reply to
    /// something that was asked later on the same channel.
    pub(super) done: Option<u64>,
    /// The broker confirmed it with basic.ack.
    pub(super) confirmed: bool,
    /// The broker refused it with basic.nack.
    pub(super) refused: bool,
    /// It wants to be returned where no queue takes it.
    pub(super) mandatory: bool,
    /// It was.
    pub(super) returned: bool,
    /// What became of it in its transaction, if it was published in one.
    pub(super) transacted: Option<Transacted>,
}

impl Published {
    /// The broker has taken it over, and said so.
    pub(super) fn is_accepted(&self) -> bool {
        self.confirmed || self.transacted == Some(Transacted::Committed)
    }
}

/// A delivery, by basic.deliver or basic.get-ok.
#[derive(Clone, Debug)]
pub(super) struct Delivered {
    /// What was delivered.
    pub(super) message: Message,
    /// The queue, where the trace tells.
    pub(super) queue: Option<Bytes>,
    /// The broker says that it delivered it before.
    pub(super) redelivered: bool,
    /// No acknowledgement is expected.
    pub(super) no_ack: bool,
    /// The delivery tag.
    pub(super) tag: u64,
    /// The latest event of the client that the broker must have known when it sent this.
    pub(super) sent_after: u64,
    /// How it was settled, and the event.
    pub(super) settled: Option<(u64, Settlement)>,
    /// When it was certain that the broker knew how: the event of a reply to what was asked later.
    pub(super) heard: Option<u64>,
    /// When its channel ended, or took everything back, if it was not settled by then.
    pub(super) orphaned: Option<u64>,
    /// That was basic.recover: the channel goes on.
    pub(super) recovered: bool,
    /// It was settled within a transaction: when that counts cannot be told.
    pub(super) in_transaction: bool,
}

/// What a client did with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settlement {
    /// basic.ack.
    Acknowledged,
    /// Sent back to the queue.
    Requeued,
    /// Refused for good.
    Discarded,
}

/// A request that changes exchanges, queues or bindings, and when it was answered.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// Whose connection asked for it.
    pub(super) by: (ActorId, ConnectionNumber),
    /// The event of the request.
    pub(super) asked: u64,
    /// The event of its reply.
    pub(super) done: Option<u64>,
    /// The request.
    pub(super) packet: Packet,
    /// The queue that it means, with an empty name resolved.
    pub(super) queue: Option<Bytes>,
}

/// The whole history.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Publishes in the order in which they were sent.
    pub(super) published: Vec<Published>,
    /// Deliveries in the order in which they came.
    pub(super) delivered: Vec<Delivered>,
    /// Changes of the topology in the order in which they were asked for.
    pub(super) changes: Vec<Change>,
    /// When connections ended, whose exclusive queues went with them.
    pub(super) ends: BTreeMap<(ActorId, ConnectionNumber), u64>,
    /// When the first connection.close was sent on them, from either side: they may be over for the broker.
    pub(super) closes: BTreeMap<(ActorId, ConnectionNumber), u64>,
    /// When a consumer may have ended, in order: a queue that deletes itself may go with it.
    pub(super) consumer_ends: Vec<u64>,
    /// Queues that somebody consumed or got messages from, and was let.
    pub(super) read_from: BTreeSet<Bytes>,
    /// Everybody who did, or wanted to.
    pub(super) readers: Readers,
    /// What the broker said to requests that name an exchange or a queue.
    pub(super) answers: Vec<Answer>,
    /// The events at which the script had waited until all was quiet.
    pub(super) quiet: Vec<u64>,
    /// Every time that the broker was killed or stopped.
    pub(super) restarts: Vec<u64>,
    /// When the broker was killed or stopped last, unless it is durable.
    pub(super) disturbed: Option<u64>,
}

impl History {
    /// Publishes whose body nothing else has: messages that can be told apart.
    pub(super) fn distinct(&self) -> BTreeMap<&Bytes, &Published> {
        let mut distinct: BTreeMap<&Bytes, Option<&Published>> = BTreeMap::new();
        for published in &self.published {
            let body = &published.message.body;
            distinct.entry(body).and_modify(|known| *known = None).or_insert(Some(published));
        }
        distinct.into_iter().filter_map(|(body, published)| Some((body, published?))).collect()
    }

    /// Queues that were declared as durable.
    pub(super) fn durable_queues(&self) -> BTreeSet<&Bytes> {
        self.changes
            .iter()
            .filter(|change| change.packet.name == "queue.declare" && flag(&change.packet, "durable"))
            .filter_map(|change| change.queue.as_ref())
            .collect()
    }

    /// Whether the broker was killed or stopped after an event.
    pub(super) fn restarted_after(&self, event: u64) -> bool {
        self.restarts.last().is_some_and(|restart| *restart > event)
    }

    /// Whether the script waited between these events until all was quiet: by the second, everybody knows of the first.
    pub(super) fn was_quiet_between(&self, from: u64, until: u64) -> bool {
        self.quiet.iter().any(|quiet| (from..until).contains(quiet))
    }

    /// Whether what was in a queue after this event may be gone unseen: sent to somebody who owed no acknowledgement,
    /// on a connection that was lost, or lost already, and the broker had not noticed.
    pub(super) fn may_have_lost(&self, queue: &Bytes, after: u64) -> bool {
        self.readers.of(queue).filter(|reader| reader.no_ack).any(|reader| match reader.end {
            End::Orderly => false,
            End::Lost => reader.ended.is_some_and(|ended| !self.was_quiet_between(ended, after)),
            End::Untold => true,
        })
    }

    /// Queues that keep what they have until it is consumed: declared in the trace, never purged, without
    /// arguments that make them drop messages.
    pub(super) fn steady_queues(&self) -> BTreeSet<&Bytes> {
        const HARMLESS: [&str; 6] = [
            "x-queue-type",
            "x-max-priority",
            "x-queue-mode",
            "x-single-active-consumer",
            "x-dead-letter-exchange",
            "x-dead-letter-routing-key",
        ];
        let mut steady = BTreeSet::new();
        let mut unsteady = BTreeSet::new();
        for change in &self.changes {
            let Some(queue) = &change.queue else { continue };
            let arguments = super::amqp_packet::table(&change.packet, "arguments");
            let drops =
                arguments.iter().any(|(name, _)| !HARMLESS.iter().any(|known| known.as_bytes() == name));
            match change.packet.name {
                "queue.declare" if !drops && change.done.is_some() => drop(steady.insert(queue)),
                "queue.declare" | "queue.purge" => drop(unsteady.insert(queue)),
                _ => {}
            }
        }
        steady.difference(&unsteady).copied().collect()
    }
}

impl Message {
    /// A header of the content.
    pub(super) fn header(&self, name: &str) -> Option<&Value> {
        self.headers().iter().find(|(key, _)| key.as_ref() == name.as_bytes()).map(|(_, value)| value)
    }

    /// All headers of the content.
    pub(super) fn headers(&self) -> &[(Bytes, Value)] {
        entries(self.property("headers"))
    }

    /// It was published to outlive the broker's process.
    pub(super) fn is_persistent(&self) -> bool {
        self.property("delivery_mode").and_then(Value::as_integer) == Some(2)
    }

    /// A property of the content.
    pub(super) fn property(&self, name: &str) -> Option<&Value> {
        self.properties.iter().find(|field| field.name == name).map(|field| &field.value)
    }
}
