//! A channel: what is being received on it, what it consumes, what it owes (§4.3, §4.5).

use std::collections::{BTreeMap, BTreeSet};

use bytes::BytesMut;

use super::consumer::{ConsumerId, Subscription};
use super::message::{Message, Name};
use super::queue::{Position, QueueId, Queued};

/// An open channel, or one whose Close the client has not confirmed yet.
#[derive(Debug)]
pub(crate) struct Channel {
    /// The server has sent Close: all but Close and Close-Ok is discarded.
    pub(crate) closing: bool,
    /// Whether deliveries may flow (Channel.Flow).
    pub(crate) active: bool,
    /// A publish whose content has not arrived completely.
    pub(crate) incoming: Option<Incoming>,
    /// The queue that an empty queue name means: the one declared last.
    pub(crate) current_queue: Option<Name>,
    pub(crate) mode: Mode,
    pub(crate) subscriptions: BTreeMap<Name, Subscription>,
    /// Deliveries and gets to be settled, by delivery tag.
    pub(crate) unacked: BTreeMap<u64, Unacked>,
    /// For consumers started from now on; 0 is no limit.
    pub(crate) prefetch_count: u16,
    /// For all consumers of the channel together; 0 is no limit.
    pub(crate) shared_prefetch_count: u16,
    /// Unsettled deliveries that count against the shared limit.
    pub(crate) shared_unacked: usize,
    pub(crate) last_delivery_tag: u64,
    /// The consumer of the direct reply-to pseudo-queue.
    pub(crate) replies: Option<ReplyConsumer>,
}

/// What confirms and transactions make of a channel; they exclude each other.
#[derive(Debug)]
pub(crate) enum Mode {
    /// Each publish and each settlement is its own unit of work.
    Plain,
    /// Publishes are numbered and confirmed.
    Confirm {
        /// How many so far.
        published: u64,
    },
    /// Publishes and settlements wait for the commit.
    Transaction(Transaction),
}

/// Work since the last commit or rollback.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) publishes: Vec<Publication>,
    pub(crate) settlements: Vec<(u64, Unacked, Settlement)>,
}

/// A message with its destination queues.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) message: std::sync::Arc<Message>,
    pub(crate) queues: BTreeSet<QueueId>,
    pub(crate) mandatory: bool,
}

/// What becomes of a delivered message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// It is done with.
    Acknowledged,
    /// It is dropped, or dead-lettered.
    Rejected,
    /// It goes back to its place.
    Requeued,
}

/// A delivered message that has not been settled.
#[derive(Debug)]
pub(crate) struct Unacked {
    pub(crate) queue: QueueId,
    pub(crate) position: Position,
    pub(crate) queued: Queued,
    /// Who got it; none for a get.
    pub(crate) consumer: Option<ConsumerId>,
}

/// Basic.Publish up to the end of its content.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) exchange: Name,
    pub(crate) routing_key: Name,
    pub(crate) mandatory: bool,
    pub(crate) immediate: bool,
    pub(crate) header: Option<IncomingHeader>,
}

/// The content header's part, and as much of the body as has arrived.
#[derive(Debug)]
pub(crate) struct IncomingHeader {
    pub(crate) properties: bytes::Bytes,
    pub(crate) body_size: u64,
    pub(crate) body: BytesMut,
}

/// Who gets direct replies on a channel.
#[derive(Debug)]
pub(crate) struct ReplyConsumer {
    pub(crate) tag: Name,
    /// The generated name that stands in the requests' reply-to.
    pub(crate) address: Name,
}

impl Channel {
    /// Just opened: active, nothing declared, no limits.
    pub(crate) fn new() -> Self {
        Self {
            closing: false,
            active: true,
            incoming: None,
            current_queue: None,
            mode: Mode::Plain,
            subscriptions: BTreeMap::new(),
            unacked: BTreeMap::new(),
            prefetch_count: 0,
            shared_prefetch_count: 0,
            shared_unacked: 0,
            last_delivery_tag: 0,
            replies: None,
        }
    }

    /// Just closed by the server.
    pub(crate) fn closing() -> Self {
        Self { closing: true, ..Self::new() }
    }

    /// Whether a delivery to this consumer may go out now.
    pub(crate) fn may_deliver(&self, tag: &Name) -> bool {
        let shared_room =
            self.shared_prefetch_count == 0 || self.shared_unacked < usize::from(self.shared_prefetch_count);
        !self.closing
            && self.active
            && self
                .subscriptions
                .get(tag)
                .is_some_and(|subscription| subscription.has_room() && (subscription.no_ack || shared_room))
    }

    /// The next delivery tag: 1, 2, 3, … for gets and deliveries alike.
    pub(crate) fn next_delivery_tag(&mut self) -> u64 {
        self.last_delivery_tag += 1;
        self.last_delivery_tag
    }

    /// Gives the windows back what one delivery took.
    pub(crate) fn return_credit(&mut self, consumer: ConsumerId) {
        self.shared_unacked = self.shared_unacked.saturating_sub(1);
        if let Some(subscription) =
            self.subscriptions.values_mut().find(|subscription| subscription.id == consumer)
        {
            subscription.unacked = subscription.unacked.saturating_sub(1);
        }
    }

    /// The tags that a settlement names: one, or all up to it; `None` where a tag is unknown.
    pub(crate) fn tags(&self, delivery_tag: u64, multiple: bool) -> Option<Vec<u64>> {
        if !multiple {
            return self.unacked.contains_key(&delivery_tag).then(|| vec![delivery_tag]);
        }
        if delivery_tag == 0 {
            return Some(self.unacked.keys().copied().collect());
        }
        let tags: Vec<u64> = self.unacked.range(..=delivery_tag).map(|(tag, _)| *tag).collect();
        // [amqp-0-9-1/AMQP-basic.ack.multiple-exists] the tag itself has to be outstanding.
        (tags.last() == Some(&delivery_tag)).then_some(tags)
    }
}
