//! Consumers, as a queue and as a channel see them.

use super::message::Name;
use super::queue::QueueId;
use crate::effect::ConnectionId;

/// A consumer's number, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConsumerId(pub(crate) u64);

/// One channel of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChannelKey {
    pub(crate) connection: ConnectionId,
    pub(crate) number: u16,
}

/// A queue's side: whom to deliver to.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) id: ConsumerId,
    pub(crate) channel: ChannelKey,
    pub(crate) tag: Name,
    pub(crate) exclusive: bool,
    /// Of `x-priority`; higher goes first.
    pub(crate) priority: i64,
}

/// A channel's side: how much the consumer may still take.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: ConsumerId,
    pub(crate) queue: QueueId,
    pub(crate) no_ack: bool,
    /// In force when it started; 0 is no limit.
    pub(crate) prefetch_count: u16,
    /// Deliveries not settled yet.
    pub(crate) unacked: usize,
}

impl Subscription {
    /// Whether its own window has room.
    pub(crate) fn has_room(&self) -> bool {
        self.no_ack || self.prefetch_count == 0 || self.unacked < usize::from(self.prefetch_count)
    }
}
