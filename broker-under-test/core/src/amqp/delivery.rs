//! Handing out: which message goes to which consumer now, and what limits and expiry take away.

use super::channel::Unacked;
use super::codec::content_frames;
use super::codec::method::basic::reply::Deliver;
use super::consumer::{ChannelKey, Consumer};
use super::dead_letter::Reason;
use super::handle::Turn;
use super::queue::{Position, QueueId, Queued};
use super::queue_arguments::Overflow;
use super::timers::Timer;
use crate::effect::Now;

impl Turn<'_> {
    /// Lets every touched queue do what it can; done after each frame, so that its effects follow its reply.
    pub(crate) fn settle(&mut self) {
        loop {
            if let Some(death) = self.state.deaths.pop_front() {
                self.bury(&death);
            } else if let Some(queue) = self.state.touched.pop_first() {
                self.settle_queue(queue);
            } else {
                return;
            }
        }
    }

    fn settle_queue(&mut self, id: QueueId) {
        while self.deliver_next(id) {}
        // A message with no time to live had its chance above.
        self.drop_expired(id);
        self.trim(id);
        let deadline = self.state.queues.get(&id).and_then(super::queue::Queue::deadline);
        self.state.timers.arm(Timer::Queue(id), deadline);
    }

    /// Moves the queue's head to a consumer, or drops it if it has expired; says whether there may be more.
    fn deliver_next(&mut self, id: QueueId) -> bool {
        let now = self.now;
        // [rabbitmq/RMQ-ttl-zero] what arrived just now is delivered even with no time to live.
        if self
            .drop_head(id, Reason::Expired, |queued, now| queued.has_expired(now) && queued.enqueued_at < now)
        {
            return true;
        }
        let state = &mut *self.state;
        let Some(queue) = state.queues.get_mut(&id) else { return false };
        let (connections, config) = (&state.connections, &state.config);
        let can_take = |consumer: &Consumer| {
            connections.get(&consumer.channel.connection).is_some_and(|connection| {
                connection.may_deliver(config)
                    && connection
                        .channels
                        .get(&consumer.channel.number)
                        .is_some_and(|channel| channel.may_deliver(&consumer.tag))
            })
        };
        if queue.head().is_none() {
            return false;
        }
        let Some(index) = queue.next_consumer(can_take) else { return false };
        let Some(consumer) = queue.consumers.get(index) else { return false };
        let (channel, tag) = (consumer.channel, consumer.tag.clone());
        let Some((position, queued)) = queue.pop() else { return false };
        if !queue.arguments.single_active_consumer {
            queue.rotate(index);
        }
        queue.last_used = now;
        self.deliver(id, position, queued, channel, &tag);
        true
    }

    /// Sends one message to one consumer, and remembers it until it is settled.
    fn deliver(
        &mut self,
        queue: QueueId,
        position: Position,
        queued: Queued,
        key: ChannelKey,
        tag: &super::message::Name,
    ) {
        let Some(connection) = self.state.connections.get_mut(&key.connection) else { return };
        let frame_max = connection.frame_max;
        let Some(channel) = connection.channels.get_mut(&key.number) else { return };
        let delivery_tag = channel.next_delivery_tag();
        let Some(subscription) = channel.subscriptions.get_mut(tag) else { return };
        let message = &queued.message;
        let method = Deliver {
            consumer_tag: tag,
            delivery_tag,
            redelivered: queued.redelivered,
            exchange: &message.exchange,
            routing_key: message.routing_key(),
        };
        let frames = content_frames(key.number, &method, &message.properties, &message.body, frame_max);
        if subscription.no_ack {
            self.state.discard(queue, position, queued);
        } else {
            subscription.unacked += 1;
            channel.shared_unacked += 1;
            let consumer = Some(subscription.id);
            self.state.hold(key, delivery_tag, Unacked { queue, position, queued, consumer });
        }
        self.send(key.connection, frames);
    }

    /// [rabbitmq/RMQ-ttl-head-of-queue] what has expired at the head of the queue goes.
    pub(crate) fn drop_expired(&mut self, id: QueueId) {
        while self.drop_head(id, Reason::Expired, Queued::has_expired) {}
    }

    /// Drops the head if it is due to go; says whether it was.
    fn drop_head(&mut self, id: QueueId, reason: Reason, is_due: impl Fn(&Queued, Now) -> bool) -> bool {
        let now = self.now;
        let Some(queue) = self.state.queues.get_mut(&id) else { return false };
        if !queue.head().is_some_and(|head| is_due(head, now)) {
            return false;
        }
        let Some((position, queued)) = queue.pop() else { return false };
        self.dead_letter(id, &queued.message, reason);
        self.state.discard(id, position, queued);
        true
    }

    /// [rabbitmq/RMQ-maxlen-drop-head] the oldest ready messages make room.
    fn trim(&mut self, id: QueueId) {
        let drops = |queue: &super::queue::Queue| {
            queue.arguments.overflow == Overflow::DropHead && queue.is_over_limit()
        };
        while self.state.queues.get(&id).is_some_and(drops) {
            if !self.drop_head(id, Reason::MaxLength, |_, _| true) {
                return;
            }
        }
    }
}

impl Queued {
    /// Whether its time is over.
    pub(crate) fn has_expired(&self, now: Now) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}
