//! The changes that one input has made so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::change::{Change, Place};
use crate::amqp::message::Message;
use crate::amqp::queue::{Position, QueueId};

/// Changes in their order. What comes and goes while one input is handled leaves nothing behind: a message that is
/// delivered at once to a consumer without acks is never kept.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    changes: Vec<Change>,
    /// Which change put a message into its place.
    enqueued_by: BTreeMap<(QueueId, Position), usize>,
}

impl Notes {
    /// Notes any change but the two below.
    pub(crate) fn add(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Notes that a message has taken a place; several of one message in a row share its octets.
    pub(crate) fn enqueued(&mut self, message: &Arc<Message>, place: Place) {
        let at = (place.queue, place.position);
        match self.changes.last_mut() {
            Some(Change::Enqueued { message: last, places }) if Arc::ptr_eq(last, message) => {
                places.push(place);
            }
            Some(_) | None => {
                self.changes.push(Change::Enqueued { message: message.clone(), places: vec![place] });
            }
        }
        self.enqueued_by.insert(at, self.changes.len() - 1);
    }

    /// Notes that messages have left their queue.
    pub(crate) fn discarded(&mut self, queue: QueueId, mut positions: Vec<Position>) {
        positions.retain(|position| !self.take_back(queue, *position));
        if !positions.is_empty() {
            self.changes.push(Change::Discarded { queue, positions });
        }
    }

    /// Forgets that a message came, if it came just now.
    fn take_back(&mut self, queue: QueueId, position: Position) -> bool {
        let change = self.enqueued_by.remove(&(queue, position)).and_then(|by| self.changes.get_mut(by));
        if let Some(Change::Enqueued { places, .. }) = change {
            places.retain(|place| (place.queue, place.position) != (queue, position));
            return true;
        }
        false
    }

    /// Hands out what is worth a record, oldest first.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Change> {
        self.enqueued_by.clear();
        let changes = std::mem::take(&mut self.changes);
        changes.into_iter().filter(|change| match change {
            Change::Enqueued { places, .. } => !places.is_empty(),
            Change::Started { .. }
            | Change::ExchangeDeclared { .. }
            | Change::ExchangeDeleted { .. }
            | Change::QueueDeclared { .. }
            | Change::QueueDeleted { .. }
            | Change::Bound(_)
            | Change::Unbound(_)
            | Change::Delivered { .. }
            | Change::Discarded { .. } => true,
        })
    }
}
