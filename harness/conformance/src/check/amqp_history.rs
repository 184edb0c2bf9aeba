//! What AMQP clients published, declared and were delivered, over the whole trace, with contents put
//! together: what the guarantees judge.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::{Bytes, BytesMut};
use mqspec_wire::{Field, Packet, Spec, Value};

use super::amqp_packet::{bytes, channel, entries, flag, unsigned};
use crate::plan::ActorId;
use crate::trace::{ConnectionNumber, Fate, Trace, What};

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
    /// How it was settled, and the event.
    pub(super) settled: Option<(u64, Settlement)>,
    /// When its channel ended, if it was not settled by then.
    pub(super) orphaned: Option<u64>,
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
    /// When a consumer may have ended, in order: a queue that deletes itself may go with it.
    pub(super) consumer_ends: Vec<u64>,
    /// Queues that somebody consumed or got messages from.
    pub(super) read_from: BTreeSet<Bytes>,
    /// When the broker was killed or stopped last.
    pub(super) disturbed: Option<u64>,
    /// Transactions are in use: what was published or settled when cannot be told.
    pub(super) transactions: bool,
}

/// Reads a trace.
pub(super) fn read(trace: &Trace) -> History {
    let mut reader = Reader::default();
    for event in &trace.events {
        match &event.what {
            What::Sent { actor, connection, packet, fate }
                if speaks_amqp(trace, *actor) && fate.may_reach() =>
            {
                let path = (*actor, *connection, channel(packet));
                reader.on_sent(path, event.sequence, packet, *fate == Fate::Passed);
            }
            What::Received { actor, connection, packet, fate }
                if speaks_amqp(trace, *actor) && fate.comes_through() =>
            {
                reader.on_received((*actor, *connection, channel(packet)), event.sequence, packet);
            }
            What::Ended { actor, connection, .. } if speaks_amqp(trace, *actor) => {
                reader.history.ends.insert((*actor, *connection), event.sequence);
                reader.history.consumer_ends.push(event.sequence);
                let first = (*actor, *connection, 0);
                let paths: Vec<_> = reader
                    .channels
                    .range(first..=(first.0, first.1, u16::MAX))
                    .map(|(path, _)| *path)
                    .collect();
                for path in paths {
                    reader.end(path, event.sequence);
                }
            }
            What::Broker { text } if text != "started" => reader.history.disturbed = Some(event.sequence),
            What::Opened { .. }
            | What::Sent { .. }
            | What::Received { .. }
            | What::Ended { .. }
            | What::OpenFailed { .. }
            | What::Step { .. }
            | What::Fault { .. }
            | What::Broker { .. }
            | What::Bound { .. } => {}
        }
    }
    reader.history
}

fn speaks_amqp(trace: &Trace, actor: ActorId) -> bool {
    trace.actor_spec(actor) == Some(Spec::Amqp091)
}

#[derive(Debug, Default)]
struct Reader {
    history: History,
    channels: BTreeMap<Path, Channel>,
    partial: BTreeMap<(Path, bool), Partial>,
}

/// A content whose frames are not all there.
#[derive(Debug)]
struct Partial {
    method: Packet,
    event: u64,
    properties: Vec<Field>,
    missing: Option<u64>,
    body: BytesMut,
    lost: bool,
}

#[derive(Debug, Default)]
struct Channel {
    current_queue: Option<Bytes>,
    /// Consumers: their queue and whether they acknowledge.
    consumers: BTreeMap<Bytes, (Option<Bytes>, bool)>,
    /// Consumers, gets and changes that wait for their reply, by the reply's name.
    asked: BTreeMap<String, VecDeque<Asked>>,
    confirming: bool,
    /// Publishes by their confirm number.
    numbers: BTreeMap<u64, usize>,
    next_number: u64,
    /// Publishes that the broker may not have dealt with yet.
    unsure: VecDeque<usize>,
    /// Deliveries that are not settled, by tag.
    open: BTreeMap<u64, usize>,
}

#[derive(Debug)]
struct Asked {
    event: u64,
    queue: Option<Bytes>,
    tag: Bytes,
    no_ack: bool,
    change: Option<usize>,
}

impl Reader {
    fn on_sent(&mut self, path: Path, event: u64, packet: &Packet, passed: bool) {
        let channel = self.channels.entry(path).or_default();
        match packet.name {
            "basic.publish" | "content-header" | "content-body" => {
                self.assemble(path, event, packet, true, passed);
                return;
            }
            "confirm.select" => channel.confirming = true,
            "tx.select" => self.history.transactions = true,
            "basic.ack" => self.settle(path, event, packet, Settlement::Acknowledged),
            "basic.nack" | "basic.reject" => {
                let requeue = packet.bool("requeue").unwrap_or(true);
                let how = if requeue { Settlement::Requeued } else { Settlement::Discarded };
                self.settle(path, event, packet, how);
            }
            "basic.recover" | "basic.recover-async" => self.end(path, event),
            // Everything unsettled goes back when the broker closes the channel, at the latest.
            "channel.close" | "connection.close" | "basic.cancel" => {
                self.history.consumer_ends.push(event);
                if packet.name == "channel.close" {
                    self.end(path, event);
                }
            }
            _ => {}
        }
        let channel = self.channels.entry(path).or_default();
        let name = packet.bytes("queue").cloned();
        let queue = match name {
            Some(name) if name.is_empty() => channel.current_queue.clone(),
            other => other,
        };
        if matches!(packet.name, "basic.consume" | "basic.get") {
            self.history.read_from.extend(queue.clone());
        }
        let changes = matches!(
            packet.name,
            "exchange.declare"
                | "exchange.delete"
                | "exchange.bind"
                | "exchange.unbind"
                | "queue.declare"
                | "queue.bind"
                | "queue.unbind"
                | "queue.delete"
                | "queue.purge"
        );
        let change = changes.then(|| {
            self.history.changes.push(Change {
                by: (path.0, path.1),
                asked: event,
                done: None,
                packet: packet.clone(),
                queue: queue.clone(),
            });
            self.history.changes.len() - 1
        });
        let (tag, no_ack) = (bytes(packet, "consumer_tag"), flag(packet, "no_ack"));
        if flag(packet, "no_wait") {
            match packet.name {
                "basic.consume" => drop(channel.consumers.insert(tag, (queue, no_ack))),
                "queue.declare" => channel.current_queue = queue,
                _ => {}
            }
            return;
        }
        if packet.name == "basic.get"
            || change.is_some()
            || matches!(packet.name, "basic.consume" | "basic.qos" | "tx.commit")
        {
            let asked = Asked { event, queue, tag, no_ack, change };
            channel.asked.entry(format!("{}-ok", packet.name)).or_default().push_back(asked);
        }
    }

    fn settle(&mut self, path: Path, event: u64, packet: &Packet, how: Settlement) {
        let Some(channel) = self.channels.get_mut(&path) else { return };
        let tag = unsigned(packet, "delivery_tag");
        let settled: Vec<_> = match (flag(packet, "multiple"), tag) {
            (false, _) => channel.open.remove(&tag).into_iter().collect(),
            (true, 0) => std::mem::take(&mut channel.open).into_values().collect(),
            (true, _) => {
                let later = channel.open.split_off(&tag.saturating_add(1));
                std::mem::replace(&mut channel.open, later).into_values().collect()
            }
        };
        for index in settled {
            if let Some(delivered) = self.history.delivered.get_mut(index) {
                delivered.settled = Some((event, how));
            }
        }
    }

    /// Everything unsettled on a channel goes back.
    fn end(&mut self, path: Path, event: u64) {
        let Some(channel) = self.channels.get_mut(&path) else { return };
        for index in std::mem::take(&mut channel.open).into_values() {
            if let Some(delivered) = self.history.delivered.get_mut(index) {
                delivered.orphaned = Some(event);
            }
        }
    }

    fn on_received(&mut self, path: Path, event: u64, packet: &Packet) {
        match packet.name {
            "basic.deliver" | "basic.get-ok" | "basic.return" | "content-header" | "content-body" => {
                self.assemble(path, event, packet, false, true);
            }
            "basic.ack" | "basic.nack" => self.on_confirm(path, event, packet),
            "basic.get-empty" => {
                let channel = self.channels.entry(path).or_default();
                channel.asked.entry(String::from("basic.get-ok")).or_default().pop_front();
            }
            "channel.close" | "basic.cancel" | "connection.close" => {
                self.history.consumer_ends.push(event);
                if packet.name == "channel.close" {
                    self.end(path, event);
                }
            }
            "channel.open-ok" => drop(self.channels.insert(path, Channel::default())),
            name => self.on_reply(path, event, name, packet),
        }
    }

    fn on_reply(&mut self, path: Path, event: u64, name: &str, packet: &Packet) {
        let channel = self.channels.entry(path).or_default();
        let Some(asked) = channel.asked.get_mut(name).and_then(VecDeque::pop_front) else { return };
        // A channel's methods are dealt with in order: earlier publishes have been.
        while let Some(index) = channel.unsure.front().copied() {
            let Some(published) = self.history.published.get_mut(index) else { break };
            if published.message.event > asked.event {
                break;
            }
            published.done = published.done.or(Some(event));
            channel.unsure.pop_front();
        }
        if let Some(change) = asked.change.and_then(|index| self.history.changes.get_mut(index)) {
            change.done = Some(event);
            if name == "queue.declare-ok" {
                change.queue = packet.bytes("queue").cloned();
                channel.current_queue.clone_from(&change.queue);
            }
        }
        if name == "basic.consume-ok" {
            let tag = packet.bytes("consumer_tag").cloned().unwrap_or(asked.tag);
            channel.consumers.insert(tag, (asked.queue, asked.no_ack));
        }
    }

    fn on_confirm(&mut self, path: Path, event: u64, packet: &Packet) {
        let channel = self.channels.entry(path).or_default();
        let tag = unsigned(packet, "delivery_tag");
        let confirmed: Vec<_> = if flag(packet, "multiple") {
            let later = channel.numbers.split_off(&tag.saturating_add(1));
            std::mem::replace(&mut channel.numbers, later).into_values().collect()
        } else {
            channel.numbers.remove(&tag).into_iter().collect()
        };
        for index in confirmed {
            if let Some(published) = self.history.published.get_mut(index) {
                published.done = published.done.or(Some(event));
                published.confirmed |= packet.name == "basic.ack";
                published.refused |= packet.name == "basic.nack";
            }
        }
    }

    fn assemble(&mut self, path: Path, event: u64, packet: &Packet, sent: bool, passed: bool) {
        let slot = (path, sent);
        match packet.name {
            "content-header" => {
                let Some(partial) = self.partial.get_mut(&slot) else { return };
                partial.missing = Some(unsigned(packet, "body_size"));
                partial.properties.clone_from(&packet.fields);
                partial.lost |= !passed;
            }
            "content-body" => {
                let Some(partial) = self.partial.get_mut(&slot) else { return };
                let body = bytes(packet, "body");
                let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
                partial.missing = partial.missing.map(|missing| missing.saturating_sub(length));
                partial.body.extend_from_slice(&body);
                partial.lost |= !passed;
            }
            _ => {
                let partial = Partial {
                    method: packet.clone(),
                    event,
                    properties: Vec::new(),
                    missing: None,
                    body: BytesMut::new(),
                    lost: !passed,
                };
                self.partial.insert(slot, partial);
            }
        }
        if self.partial.get(&slot).is_some_and(|partial| partial.missing == Some(0))
            && let Some(partial) = self.partial.remove(&slot)
        {
            self.complete(path, partial);
        }
    }

    fn complete(&mut self, path: Path, partial: Partial) {
        let method = &partial.method;
        let message = Message {
            event: partial.event,
            path,
            exchange: bytes(method, "exchange"),
            routing_key: bytes(method, "routing_key"),
            properties: partial.properties,
            body: partial.body.freeze(),
        };
        let channel = self.channels.entry(path).or_default();
        match method.name {
            "basic.publish" => {
                let index = self.history.published.len();
                if channel.confirming {
                    channel.next_number += 1;
                    channel.numbers.insert(channel.next_number, index);
                }
                if !partial.lost {
                    channel.unsure.push_back(index);
                }
                self.history.published.push(Published {
                    message,
                    done: None,
                    confirmed: false,
                    refused: false,
                });
            }
            "basic.deliver" | "basic.get-ok" => {
                let (queue, no_ack) = if method.name == "basic.deliver" {
                    channel.consumers.get(&bytes(method, "consumer_tag")).cloned().unwrap_or_default()
                } else {
                    let asked = channel.asked.get_mut("basic.get-ok").and_then(VecDeque::pop_front);
                    asked.map(|asked| (asked.queue, asked.no_ack)).unwrap_or_default()
                };
                let tag = unsigned(method, "delivery_tag");
                if !no_ack {
                    channel.open.insert(tag, self.history.delivered.len());
                }
                self.history.delivered.push(Delivered {
                    message,
                    queue,
                    redelivered: flag(method, "redelivered"),
                    no_ack,
                    tag,
                    settled: None,
                    orphaned: None,
                });
            }
            _ => {}
        }
    }
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

    /// Queues that keep what they have until it is consumed: declared in the trace, never purged, without
    /// arguments that make them drop messages.
    pub(super) fn steady_queues(&self) -> BTreeSet<&Bytes> {
        const HARMLESS: [&str; 4] =
            ["x-queue-type", "x-max-priority", "x-queue-mode", "x-single-active-consumer"];
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

    /// A property of the content.
    pub(super) fn property(&self, name: &str) -> Option<&Value> {
        self.properties.iter().find(|field| field.name == name).map(|field| &field.value)
    }
}
