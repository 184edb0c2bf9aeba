//! Class Channel: open, flow, close.

use super::Turn;
use crate::amqp::channel::Channel;
use crate::amqp::codec::MethodId;
use crate::amqp::codec::method::channel::{CloseOk, FlowOk, Method, OpenOk};
use crate::amqp::consumer::ChannelKey;
use crate::amqp::violation::Violation;

const CLOSE: MethodId = MethodId::new(20, 40);
const CLOSE_OK: MethodId = MethodId::new(20, 41);

impl Turn<'_> {
    pub(super) fn on_channel(&mut self, key: ChannelKey, method: Method<'_>) -> Result<(), Violation> {
        match method {
            Method::Open => self.on_channel_open(key),
            Method::Flow { active } => {
                self.on_flow(key, active);
                Ok(())
            }
            Method::FlowOk => Ok(()), // this server never asks for it
            Method::Close { .. } => {
                self.remove_channel(key);
                self.reply(key, &CloseOk);
                Ok(())
            }
            Method::CloseOk => Err(Violation::UnsolicitedCloseOk),
        }
    }

    /// [rabbitmq/RMQ-channel-max-count] the number of channels is limited, not their numbers.
    fn on_channel_open(&mut self, key: ChannelKey) -> Result<(), Violation> {
        let connection = self.connection(key.connection);
        if connection.channels.contains_key(&key.number) {
            return Err(Violation::ChannelAlreadyOpen);
        }
        let limit = connection.channel_max;
        if limit != 0 && connection.channels.len() >= usize::from(limit) {
            return Err(Violation::TooManyChannels(limit));
        }
        connection.channels.insert(key.number, Channel::new());
        self.reply(key, &OpenOk);
        Ok(())
    }

    /// [amqp-0-9-1/AMQP-channel.flow.active-stops-delivery]; RabbitMQ refuses to stop with 540.
    fn on_flow(&mut self, key: ChannelKey, active: bool) {
        self.channel(key).active = active;
        self.reply(key, &FlowOk { active });
        self.touch_subscribed(key);
    }

    /// Lets the queues that this channel consumes from look at it again.
    pub(super) fn touch_subscribed(&mut self, key: ChannelKey) {
        let queues: Vec<_> = self.channel(key).subscriptions.values().map(|one| one.queue).collect();
        self.state.touched.extend(queues);
    }

    /// A method on a channel that the server has closed.
    pub(super) fn on_method_while_channel_closing(&mut self, key: ChannelKey, method: MethodId) {
        match method {
            CLOSE => self.reply(key, &CloseOk),
            CLOSE_OK => self.remove_channel(key),
            _ => {}
        }
    }
}
