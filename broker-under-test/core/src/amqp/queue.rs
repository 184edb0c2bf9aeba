//! A queue: what is ready, in which order, and for whom (§3.1.4).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::consumer::{Consumer, ConsumerId};
use super::message::{Message, Name};
use super::queue_arguments::QueueArguments;
use crate::effect::{ConnectionId, Now};

/// A queue's number, never used again: a queue declared anew under an old name is another queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct QueueId(pub(crate) u64);

/// A message's place in its queue, which it keeps while it is delivered and unacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// 255 minus the priority, so that the highest priority comes first.
    pub(crate) rank: u8,
    /// Counts enqueues.
    pub(crate) sequence: u64,
}

/// A message in one queue.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    pub(crate) message: Arc<Message>,
    /// It was delivered before.
    pub(crate) redelivered: bool,
    pub(crate) enqueued_at: Now,
    /// When it is not to be delivered any more.
    pub(crate) expires_at: Option<Now>,
}

/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: Name,
    pub(crate) virtual_host: Name,
    pub(crate) durable: bool,
    /// The only connection that may use it, and with which it ends.
    pub(crate) exclusive_to: Option<ConnectionId>,
    pub(crate) auto_delete: bool,
    pub(crate) arguments: QueueArguments,
    /// In order of priority, then of consuming; rotated within a priority.
    pub(crate) consumers: Vec<Consumer>,
    /// The one that gets everything, if the queue has a single active consumer.
    pub(crate) active_consumer: Option<ConsumerId>,
    /// When it last had a consumer, was got from or declared.
    pub(crate) last_used: Now,
    ready: BTreeMap<Position, Queued>,
    ready_bytes: u64,
    last_sequence: u64,
}

impl Queue {
    /// Without messages and consumers.
    pub(crate) fn new(name: Name, virtual_host: Name, arguments: QueueArguments, now: Now) -> Self {
        Self {
            name,
            virtual_host,
            durable: false,
            exclusive_to: None,
            auto_delete: false,
            arguments,
            consumers: Vec::new(),
            active_consumer: None,
            last_used: now,
            ready: BTreeMap::new(),
            ready_bytes: 0,
            last_sequence: 0,
        }
    }

    /// How many messages wait; what is unacked does not count.
    pub(crate) fn message_count(&self) -> u32 {
        u32::try_from(self.ready.len()).unwrap_or(u32::MAX)
    }

    /// How many consumers it has.
    pub(crate) fn consumer_count(&self) -> u32 {
        u32::try_from(self.consumers.len()).unwrap_or(u32::MAX)
    }

    /// Puts a new message at the end of its priority; says where that is, and when it expires.
    pub(crate) fn push(&mut self, message: Arc<Message>, now: Now) -> (Position, Option<Now>) {
        self.last_sequence += 1;
        let priority = message.priority.min(self.arguments.max_priority.unwrap_or(0));
        let position = Position { rank: 255 - priority, sequence: self.last_sequence };
        let time_to_live = [self.arguments.message_ttl, message.time_to_live].into_iter().flatten().min();
        let expires_at = time_to_live.and_then(|time_to_live| now.checked_add(time_to_live));
        self.insert(position, Queued { message, redelivered: false, enqueued_at: now, expires_at });
        (position, expires_at)
    }

    /// Puts a message back where it was.
    pub(crate) fn put_back(&mut self, position: Position, mut queued: Queued) {
        queued.redelivered = true;
        self.insert(position, queued);
    }

    /// Puts a message into the place that it had before a restart; says whether that was free.
    pub(crate) fn restore(&mut self, position: Position, queued: Queued) -> bool {
        if self.ready.contains_key(&position) {
            return false;
        }
        self.last_sequence = self.last_sequence.max(position.sequence);
        self.insert(position, queued);
        true
    }

    /// Takes a message out from wherever it lies.
    pub(crate) fn remove(&mut self, position: Position) {
        if let Some(queued) = self.ready.remove(&position) {
            self.ready_bytes -= queued.message.body.len() as u64;
        }
    }

    /// Remembers that a message was delivered before.
    pub(crate) fn mark_redelivered(&mut self, position: Position) {
        if let Some(queued) = self.ready.get_mut(&position) {
            queued.redelivered = true;
        }
    }

    /// What waits, in the order of delivery.
    pub(crate) fn ready(&self) -> impl Iterator<Item = (&Position, &Queued)> {
        self.ready.iter()
    }

    fn insert(&mut self, position: Position, queued: Queued) {
        self.ready_bytes += queued.message.body.len() as u64;
        self.ready.insert(position, queued);
    }

    /// The message that goes out next.
    pub(crate) fn head(&self) -> Option<&Queued> {
        self.ready.first_key_value().map(|(_, queued)| queued)
    }

    /// Takes the message that goes out next.
    pub(crate) fn pop(&mut self) -> Option<(Position, Queued)> {
        let (position, queued) = self.ready.pop_first()?;
        self.ready_bytes -= queued.message.body.len() as u64;
        Some((position, queued))
    }

    /// Drops what is ready; says how much it was.
    pub(crate) fn purge(&mut self) -> u32 {
        let count = self.message_count();
        self.ready.clear();
        self.ready_bytes = 0;
        count
    }

    /// Whether more is ready than its limits allow.
    pub(crate) fn is_over_limit(&self) -> bool {
        self.exceeds(self.ready.len() as u64, self.ready_bytes)
    }

    /// Whether one more message would be too much.
    pub(crate) fn would_exceed(&self, message: &Message) -> bool {
        self.exceeds(self.ready.len() as u64 + 1, self.ready_bytes + message.body.len() as u64)
    }

    fn exceeds(&self, count: u64, bytes: u64) -> bool {
        self.arguments.max_length.is_some_and(|max| count > max)
            || self.arguments.max_length_bytes.is_some_and(|max| bytes > max)
    }

    /// Adds a consumer behind those of its priority.
    pub(crate) fn add_consumer(&mut self, consumer: Consumer) {
        if self.arguments.single_active_consumer && self.active_consumer.is_none() {
            self.active_consumer = Some(consumer.id);
        }
        let behind = self.consumers.partition_point(|other| other.priority >= consumer.priority);
        self.consumers.insert(behind, consumer);
    }

    /// Removes a consumer; says whether it was there.
    pub(crate) fn remove_consumer(&mut self, id: ConsumerId) -> bool {
        let before = self.consumers.len();
        self.consumers.retain(|consumer| consumer.id != id);
        if self.active_consumer == Some(id) {
            self.active_consumer = self.consumers.first().map(|consumer| consumer.id);
        }
        self.consumers.len() < before
    }

    /// The first consumer, by priority and turn, that can take a message.
    pub(crate) fn next_consumer(&self, can_take: impl Fn(&Consumer) -> bool) -> Option<usize> {
        self.consumers.iter().position(|consumer| {
            self.active_consumer.is_none_or(|active| active == consumer.id) && can_take(consumer)
        })
    }

    /// Sends a consumer behind the others of its priority.
    pub(crate) fn rotate(&mut self, index: usize) {
        let Some(priority) = self.consumers.get(index).map(|consumer| consumer.priority) else { return };
        let behind = self.consumers.partition_point(|other| other.priority >= priority);
        if let Some(turn) = self.consumers.get_mut(index..behind) {
            turn.rotate_left(1);
        }
    }

    /// When its head or the queue itself expires.
    pub(crate) fn deadline(&self) -> Option<Now> {
        [self.head().and_then(|head| head.expires_at), self.expires_at()].into_iter().flatten().min()
    }

    /// When the queue itself expires, if it stays unused.
    pub(crate) fn expires_at(&self) -> Option<Now> {
        let lease = self.arguments.expires.filter(|_| self.consumers.is_empty())?;
        self.last_used.checked_add(lease)
    }
}
