//! Direct reply-to: a pseudo-queue through which replies reach their requester without a queue.

use super::channel::ReplyConsumer;
use super::codec::content_frames;
use super::codec::method::basic::Consume;
use super::codec::method::basic::reply::{ConsumeOk, Deliver};
use super::consumer::ChannelKey;
use super::handle::Turn;
use super::message::{Message, Name};
use super::violation::Violation;

/// What a requester consumes from and writes into reply-to.
pub(crate) const PSEUDO_QUEUE: &str = "amq.rabbitmq.reply-to";
/// How the names begin that responders see instead.
const ADDRESS_PREFIX: &str = "amq.rabbitmq.reply-to.";

/// Whether a queue name is the pseudo-queue or one of its generated names.
pub(crate) fn is_reply_name(name: &str) -> bool {
    name == PSEUDO_QUEUE || name.starts_with(ADDRESS_PREFIX)
}

impl Turn<'_> {
    /// A consume from the pseudo-queue.
    pub(crate) fn consume_replies(
        &mut self,
        key: ChannelKey,
        consume: &Consume<'_>,
        tag: Name,
    ) -> Result<(), Violation> {
        if !consume.no_ack {
            return Err(Violation::ReplyConsumerAcks);
        }
        if self.channel(key).replies.is_some() {
            return Err(Violation::ReplyConsumerExists);
        }
        let virtual_host = self.vhost_name(key.connection);
        let address = Name::from(format!("{ADDRESS_PREFIX}{:016x}", self.state.next_serial()));
        self.state.vhost(&virtual_host).reply_addresses.insert(address.clone(), key);
        self.reply_unless(consume.no_wait, key, &ConsumeOk { consumer_tag: &tag });
        self.channel(key).replies = Some(ReplyConsumer { tag, address });
        Ok(())
    }

    /// Ends the reply consumer of that tag, if there is one.
    pub(crate) fn cancel_replies(&mut self, key: ChannelKey, tag: &str) {
        let channel = self.channel(key);
        if channel.replies.as_ref().is_none_or(|replies| &*replies.tag != tag) {
            return;
        }
        let Some(replies) = channel.replies.take() else { return };
        let virtual_host = self.vhost_name(key.connection);
        self.state.vhost(&virtual_host).reply_addresses.remove(&replies.address);
    }

    /// The requester behind a generated name, while it lives.
    pub(crate) fn requester(&mut self, virtual_host: &Name, address: &str) -> Option<ChannelKey> {
        self.state.vhost(virtual_host).reply_addresses.get(address).copied()
    }

    /// Hands a reply to its requester; says whether there is one.
    pub(crate) fn deliver_reply(&mut self, virtual_host: &Name, message: &Message) -> bool {
        if !message.exchange.is_empty() {
            return false;
        }
        let Some(key) = self.requester(virtual_host, message.routing_key()) else { return false };
        let frame_max = self.connection(key.connection).frame_max;
        let channel = self.channel(key);
        let delivery_tag = channel.next_delivery_tag();
        let Some(replies) = &channel.replies else { return false };
        let method = Deliver {
            consumer_tag: &replies.tag,
            delivery_tag,
            redelivered: false,
            exchange: &message.exchange,
            routing_key: message.routing_key(),
        };
        let frames = content_frames(key.number, &method, &message.properties, &message.body, frame_max);
        self.send(key.connection, frames);
        true
    }
}
