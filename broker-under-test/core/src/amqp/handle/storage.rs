//! No more room to keep things in: what is refused then, and who is told.
//!
//! Refused is what would have to be kept: new durable entities and bindings, and persistent messages for durable queues.
//! What takes something away, or moves what is there, goes on.

use super::Turn;
use crate::amqp::channel::{Mode, Publication};
use crate::amqp::codec::method::connection::{Blocked, Unblocked};
use crate::amqp::codec::method_frame;
use crate::amqp::connection::Stage;
use crate::amqp::consumer::ChannelKey;
use crate::amqp::violation::Violation;
use crate::effect::ConnectionId;

impl Turn<'_> {
    /// The shell has run out of room, or has some again.
    pub(crate) fn on_storage(&mut self, full: bool) {
        self.state.storage_full = full;
        let publishers = self.state.connections.iter().filter(|(_, connection)| connection.publishes);
        let publishers: Vec<ConnectionId> = publishers.map(|(id, _)| *id).collect();
        for id in publishers {
            if self.state.refuses_new() {
                self.tell_blocked(id);
            } else {
                self.tell_unblocked(id);
            }
        }
    }

    /// A publish begins: from now on the connection is one of those that want to know.
    pub(super) fn on_publisher(&mut self, id: ConnectionId) {
        self.connection(id).publishes = true;
        if self.state.refuses_new() {
            self.tell_blocked(id);
        }
    }

    /// [rabbitmq/RMQ-blocked-sent] to those that asked for it, and [rabbitmq/RMQ-blocked-once].
    fn tell_blocked(&mut self, id: ConnectionId) {
        let connection = self.connection(id);
        if connection.stage == Stage::Open && connection.capabilities.blocked && !connection.knows_blocked {
            connection.knows_blocked = true;
            self.send(id, method_frame(0, &Blocked { reason: "low on disk" }));
        }
    }

    /// [rabbitmq/RMQ-unblocked-sent] to those that were told.
    fn tell_unblocked(&mut self, id: ConnectionId) {
        let connection = self.connection(id);
        if std::mem::take(&mut connection.knows_blocked) && connection.stage == Stage::Open {
            self.send(id, method_frame(0, &Unblocked));
        }
    }

    /// Whether a publish would have to be kept and there is no room for it.
    pub(super) fn refuses(&self, publication: &Publication) -> bool {
        self.state.refuses_new()
            && publication.message.persistent
            && publication
                .queues
                .iter()
                .any(|id| self.state.queues.get(id).is_some_and(|queue| queue.durable))
    }

    /// A transaction is kept as a whole or not at all: one such publish suffices.
    pub(super) fn check_room_to_commit(&mut self, key: ChannelKey) -> Result<(), Violation> {
        let connection = self.state.connections.get(&key.connection);
        let channel = connection.and_then(|connection| connection.channels.get(&key.number));
        let publishes = channel.map_or(&[][..], |channel| match &channel.mode {
            Mode::Plain | Mode::Confirm { .. } => &[],
            Mode::Transaction(transaction) => &transaction.publishes,
        });
        if publishes.iter().any(|publication| self.refuses(publication)) {
            return Err(Violation::StorageFull);
        }
        Ok(())
    }

    /// Whether there is room for what is to be durable.
    pub(super) fn check_room(&self, durable: bool) -> Result<(), Violation> {
        if durable && self.state.refuses_new() { Err(Violation::StorageFull) } else { Ok(()) }
    }
}
