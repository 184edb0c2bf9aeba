//! Class Basic: qos, consume, cancel, get. Publish and the settling methods have files of their own.

use super::Turn;
use crate::amqp::channel::Unacked;
use crate::amqp::codec::content_frames;
use crate::amqp::codec::method::basic::reply::{CancelOk, ConsumeOk, GetEmpty, GetOk, QosOk};
use crate::amqp::codec::method::basic::{Cancel, Consume, Get, Method, Qos};
use crate::amqp::consumer::{ChannelKey, Consumer, ConsumerId, Subscription};
use crate::amqp::message::Name;
use crate::amqp::reply_to::PSEUDO_QUEUE;
use crate::amqp::violation::Violation;

impl Turn<'_> {
    pub(super) fn on_basic(&mut self, key: ChannelKey, method: Method<'_>) -> Result<(), Violation> {
        match method {
            Method::Qos(qos) => self.on_qos(key, qos),
            Method::Consume(consume) => self.on_consume(key, &consume),
            Method::Cancel(cancel) => {
                self.on_cancel(key, &cancel);
                Ok(())
            }
            Method::CancelOk => Ok(()), // [rabbitmq/RMQ-ccn-nowait-set] not asked for, and tolerated
            Method::Publish(publish) => {
                self.on_publish(key, publish);
                Ok(())
            }
            Method::Get(get) => self.on_get(key, &get),
            Method::Ack(ack) => self.on_ack(key, ack),
            Method::Reject(refuse) => self.on_refuse(key, refuse, Violation::RejectUnknownTag),
            Method::Nack(refuse) => self.on_refuse(key, refuse, Violation::NackUnknownTag),
            Method::RecoverAsync { requeue } => self.on_recover(key, requeue, false),
            Method::Recover { requeue } => self.on_recover(key, requeue, true),
        }
    }

    /// [rabbitmq/RMQ-qos-per-consumer] without global: for consumers started from now on;
    /// [rabbitmq/RMQ-qos-global-channel] with global: for all of the channel together.
    fn on_qos(&mut self, key: ChannelKey, qos: Qos) -> Result<(), Violation> {
        if qos.prefetch_size != 0 {
            return Err(Violation::PrefetchSize(qos.prefetch_size));
        }
        let channel = self.channel(key);
        if qos.global {
            channel.shared_prefetch_count = qos.prefetch_count;
        } else {
            channel.prefetch_count = qos.prefetch_count;
        }
        self.reply(key, &QosOk);
        self.touch_subscribed(key);
        Ok(())
    }

    fn on_consume(&mut self, key: ChannelKey, consume: &Consume<'_>) -> Result<(), Violation> {
        let name = self.queue_name(key, consume.queue)?;
        let tag = self.consumer_tag(key, consume.consumer_tag)?;
        if &*name == PSEUDO_QUEUE {
            return self.consume_replies(key, consume, tag);
        }
        let queue_id =
            self.accessible_queue(key, &name, |name| Violation::ConsumeNotFound(name.to_string()))?;
        let priority = match consume.arguments.get("x-priority") {
            None => 0,
            Some(value) => value.as_integer().ok_or(Violation::ConsumerPriority)?,
        };
        let id = ConsumerId(self.state.next_serial());
        let now = self.now;
        let Some(queue) = self.state.queues.get_mut(&queue_id) else { return Ok(()) };
        if consume.exclusive && queue.arguments.single_active_consumer {
            return Err(Violation::ExclusiveSingleActive(name.to_string()));
        }
        let exclusive_there = queue.consumers.iter().any(|consumer| consumer.exclusive);
        if exclusive_there || (consume.exclusive && !queue.consumers.is_empty()) {
            return Err(Violation::ExclusiveConsumer(name.to_string()));
        }
        queue.last_used = now;
        let exclusive = consume.exclusive;
        queue.add_consumer(Consumer { id, channel: key, tag: tag.clone(), exclusive, priority });
        let channel = self.channel(key);
        let subscription = Subscription {
            id,
            queue: queue_id,
            no_ack: consume.no_ack,
            prefetch_count: channel.prefetch_count,
            unacked: 0,
        };
        channel.subscriptions.insert(tag.clone(), subscription);
        self.state.touched.insert(queue_id);
        self.reply_unless(consume.no_wait, key, &ConsumeOk { consumer_tag: &tag });
        Ok(())
    }

    /// The client's tag if it is free, or one of the server's.
    fn consumer_tag(&mut self, key: ChannelKey, wanted: &str) -> Result<Name, Violation> {
        if wanted.is_empty() {
            return Ok(Name::from(format!("amq.ctag-{:016x}", self.state.next_serial())));
        }
        let channel = self.channel(key);
        let for_replies = channel.replies.as_ref().is_some_and(|replies| &*replies.tag == wanted);
        if for_replies || channel.subscriptions.contains_key(wanted) {
            return Err(Violation::ConsumerTagInUse(wanted.to_owned()));
        }
        Ok(Name::from(wanted))
    }

    /// [amqp-0-9-1/AMQP-basic.cancel-unknown-tag] an unknown tag is answered like a known one.
    fn on_cancel(&mut self, key: ChannelKey, cancel: &Cancel<'_>) {
        if let Some(subscription) = self.channel(key).subscriptions.remove(cancel.consumer_tag) {
            self.remove_consumer(subscription.queue, subscription.id);
        }
        self.cancel_replies(key, cancel.consumer_tag);
        self.reply_unless(cancel.no_wait, key, &CancelOk { consumer_tag: cancel.consumer_tag });
    }

    /// Hands out one message, whatever the windows say ([rabbitmq/RMQ-qos-get-uncounted]).
    fn on_get(&mut self, key: ChannelKey, get: &Get<'_>) -> Result<(), Violation> {
        let name = self.queue_name(key, get.queue)?;
        let queue = self.accessible_queue(key, &name, |name| Violation::GetNotFound(name.to_string()))?;
        self.drop_expired(queue);
        let now = self.now;
        let popped = self.state.queues.get_mut(&queue).and_then(|queue| {
            queue.last_used = now;
            queue.pop().map(|popped| (popped, queue.message_count()))
        });
        self.state.touched.insert(queue);
        let Some(((position, queued), message_count)) = popped else {
            self.reply(key, &GetEmpty);
            return Ok(());
        };
        let frame_max = self.connection(key.connection).frame_max;
        let channel = self.channel(key);
        let delivery_tag = channel.next_delivery_tag();
        let message = queued.message.clone();
        let method = GetOk {
            delivery_tag,
            redelivered: queued.redelivered,
            exchange: &message.exchange,
            routing_key: message.routing_key(),
            message_count,
        };
        if get.no_ack {
            self.state.discard(queue, position, queued);
        } else {
            self.state.hold(key, delivery_tag, Unacked { queue, position, queued, consumer: None });
        }
        let frames = content_frames(key.number, &method, &message.properties, &message.body, frame_max);
        self.send(key.connection, frames);
        Ok(())
    }
}
