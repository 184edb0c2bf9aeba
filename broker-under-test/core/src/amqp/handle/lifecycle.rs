//! Sockets opening and ending, time, back-pressure, and giving back what a connection or channel held.

use super::{Offence, Turn};
use crate::amqp::channel::{Channel, Mode, Unacked};
use crate::amqp::codec::method::basic::reply::Cancel;
use crate::amqp::codec::{MethodId, heartbeat_frame};
use crate::amqp::connection::{Connection, Stage};
use crate::amqp::consumer::{ChannelKey, ConsumerId};
use crate::amqp::queue::QueueId;
use crate::amqp::timers::Timer;
use crate::amqp::violation::Violation;
use crate::effect::ConnectionId;

impl Turn<'_> {
    pub(crate) fn on_opened(&mut self, id: ConnectionId) {
        self.state.connections.insert(id, Connection::new(self.now));
        self.arm_connection(id);
    }

    /// The network took octets; a client that was too far behind may go on.
    pub(crate) fn on_taken(&mut self, id: ConnectionId, bytes: usize) {
        let state = &mut *self.state;
        let Some(connection) = state.connections.get_mut(&id) else { return };
        let waits = !connection.may_deliver(&state.config);
        let held_back = connection.is_held_back(&state.config);
        connection.backlog = connection.backlog.saturating_sub(bytes);
        let goes_on = held_back && !connection.is_held_back(&state.config);
        if waits && connection.may_deliver(&state.config) {
            for channel in connection.channels.values() {
                state.touched.extend(channel.subscriptions.values().map(|subscription| subscription.queue));
            }
        }
        if goes_on {
            self.read_inbox(id, &[]);
        }
    }

    /// The socket ended on its own.
    pub(crate) fn on_closed(&mut self, id: ConnectionId) {
        if self.state.connections.contains_key(&id) {
            self.release_connection(id);
            self.forget_connection(id);
        }
    }

    /// Says goodbye with 320 wherever a handshake can be had.
    pub(crate) fn on_shut_down(&mut self) {
        let ids: Vec<ConnectionId> = self.state.connections.keys().copied().collect();
        for id in ids {
            match self.connection(id).stage {
                Stage::Open => {
                    let offence =
                        Offence { violation: Violation::ShutDown, channel: 0, culprit: MethodId::default() };
                    self.close_connection(id, &offence);
                    self.arm_connection(id);
                }
                Stage::Closing { .. } => {}
                Stage::AwaitingHeader
                | Stage::AwaitingStartOk
                | Stage::AwaitingTuneOk
                | Stage::AwaitingOpen
                | Stage::Draining { .. } => self.end_connection(id, |_| {}),
            }
        }
    }

    /// Does what has become due.
    pub(crate) fn on_time(&mut self) {
        while let Some(timer) = self.state.timers.pop_due(self.now) {
            match timer {
                Timer::Connection(id) => self.on_connection_due(id),
                Timer::Queue(id) => self.on_queue_due(id),
            }
            self.settle();
        }
    }

    fn on_connection_due(&mut self, id: ConnectionId) {
        let Some(connection) = self.state.connections.get(&id) else { return };
        if connection.ends_at(&self.state.config).is_some_and(|at| at <= self.now) {
            // [amqp-0-9-1/AMQP-4.2.7-two-intervals] no handshake with a peer that is silent.
            self.end_connection(id, |_| {});
            return;
        }
        if connection.heartbeat_at().is_some_and(|at| at <= self.now) {
            self.send(id, heartbeat_frame());
        }
        self.arm_connection(id);
    }

    fn on_queue_due(&mut self, id: QueueId) {
        let now = self.now;
        let Some(queue) = self.state.queues.get(&id) else { return };
        if queue.expires_at().is_some_and(|at| at <= now) {
            self.delete_queue(id);
        } else {
            self.state.touched.insert(id);
        }
    }

    /// Sets the connection's one timer. Sending does not move it: it may fire early and is set again then.
    pub(crate) fn arm_connection(&mut self, id: ConnectionId) {
        let deadline =
            self.state.connections.get(&id).and_then(|connection| connection.deadline(&self.state.config));
        self.state.timers.arm(Timer::Connection(id), deadline);
    }

    /// Ends a connection from this side: gives back what it held, says a last word, closes the socket.
    pub(super) fn end_connection(&mut self, id: ConnectionId, last_word: impl FnOnce(&mut Self)) {
        // [rabbitmq/RMQ-exclusive-deleted-sync] exclusive queues are gone before Close-Ok.
        self.release_connection(id);
        last_word(self);
        self.forget_connection(id);
        self.effects.close(id);
    }

    fn forget_connection(&mut self, id: ConnectionId) {
        self.state.connections.remove(&id);
        self.state.timers.arm(Timer::Connection(id), None);
    }

    /// Ends its channels and deletes its exclusive queues.
    pub(super) fn release_connection(&mut self, id: ConnectionId) {
        let numbers: Vec<u16> = self.connection(id).channels.keys().copied().collect();
        // First all consumers, so that nothing goes back to this very connection.
        let mut channels = Vec::new();
        for number in numbers {
            channels.extend(self.take_channel(ChannelKey { connection: id, number }));
        }
        let held = |queue: &crate::amqp::queue::Queue| queue.exclusive_to == Some(id);
        let exclusive = self.state.queues.iter().filter(|(_, queue)| held(queue)).map(|(id, _)| *id);
        for queue in exclusive.collect::<Vec<_>>() {
            self.delete_queue(queue);
        }
        for channel in channels {
            self.requeue_all(channel);
        }
    }

    /// Ends a channel; until the client's Close-Ok its number stays taken.
    pub(super) fn release_channel(&mut self, key: ChannelKey) {
        if let Some(channel) = self.take_channel(key) {
            self.connection(key.connection).channels.insert(key.number, Channel::closing());
            self.requeue_all(channel);
        }
    }

    /// Ends a channel for good.
    pub(super) fn remove_channel(&mut self, key: ChannelKey) {
        if let Some(channel) = self.take_channel(key) {
            self.requeue_all(channel);
        }
    }

    /// Takes a channel out and ends its consumers.
    fn take_channel(&mut self, key: ChannelKey) -> Option<Channel> {
        let virtual_host = self.vhost_name(key.connection);
        let channel = self.connection(key.connection).channels.remove(&key.number)?;
        for subscription in channel.subscriptions.values() {
            self.remove_consumer(subscription.queue, subscription.id);
        }
        if let Some(replies) = &channel.replies {
            self.state.vhost(&virtual_host).reply_addresses.remove(&replies.address);
        }
        Some(channel)
    }

    /// [amqp-0-9-1/AMQP-4.5-unacked-redelivered] what was not settled, or only in an open transaction.
    fn requeue_all(&mut self, channel: Channel) {
        for unacked in channel.unacked.into_values() {
            self.put_back(unacked);
        }
        match channel.mode {
            Mode::Plain | Mode::Confirm { .. } => {}
            Mode::Transaction(transaction) => {
                for (_, unacked, _) in transaction.settlements {
                    self.put_back(unacked);
                }
            }
        }
    }

    /// Puts a message back into its queue, if that still exists.
    pub(super) fn put_back(&mut self, unacked: Unacked) {
        if let Some(queue) = self.state.queues.get_mut(&unacked.queue) {
            queue.put_back(unacked.position, unacked.queued);
            self.state.touched.insert(unacked.queue);
        }
    }

    /// Takes a consumer off its queue, and with the last one an auto-delete queue.
    pub(super) fn remove_consumer(&mut self, queue_id: QueueId, consumer: ConsumerId) {
        let now = self.now;
        let Some(queue) = self.state.queues.get_mut(&queue_id) else { return };
        if !queue.remove_consumer(consumer) {
            return;
        }
        queue.last_used = now;
        if queue.auto_delete && queue.consumers.is_empty() {
            self.delete_queue(queue_id);
        } else {
            self.state.touched.insert(queue_id);
        }
    }

    /// Deletes a queue, tells its consumers that want to know, and says how many messages it held.
    pub(super) fn delete_queue(&mut self, id: QueueId) -> u32 {
        let Some(queue) = self.state.delete_queue(id) else { return 0 };
        for consumer in &queue.consumers {
            let Some(connection) = self.state.connections.get_mut(&consumer.channel.connection) else {
                continue;
            };
            let Some(channel) = connection.channels.get_mut(&consumer.channel.number) else { continue };
            channel.subscriptions.remove(&consumer.tag);
            if connection.capabilities.consumer_cancel_notify && connection.stage == Stage::Open {
                self.reply(consumer.channel, &Cancel { consumer_tag: &consumer.tag });
            }
        }
        queue.message_count()
    }
}
