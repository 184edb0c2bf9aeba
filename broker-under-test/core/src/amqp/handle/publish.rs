//! A publish whose content is complete: checks, routing, return, confirm.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Turn;
use crate::amqp::channel::{Incoming, Mode, Publication};
use crate::amqp::codec::method::basic::Publish;
use crate::amqp::codec::method::basic::reply::{Ack, Nack, ReturnNoRoute};
use crate::amqp::codec::{Properties, Property, content_frames};
use crate::amqp::consumer::ChannelKey;
use crate::amqp::message::{Message, Name};
use crate::amqp::queue_arguments::Overflow;
use crate::amqp::violation::Violation;

/// What became of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Taken,
    Refused,
}

impl Turn<'_> {
    /// Basic.Publish itself: the rest of the channel waits for its content.
    pub(super) fn on_publish(&mut self, key: ChannelKey, publish: Publish<'_>) {
        self.channel(key).incoming = Some(Incoming {
            exchange: Name::from(publish.exchange),
            routing_key: Name::from(publish.routing_key),
            mandatory: publish.mandatory,
            immediate: publish.immediate,
            header: None,
        });
    }

    /// The whole of a publish.
    pub(super) fn on_published(&mut self, key: ChannelKey, incoming: Incoming) -> Result<(), Violation> {
        if incoming.immediate {
            return Err(Violation::Immediate);
        }
        self.check_target(key, &incoming.exchange)?;
        let mandatory = incoming.mandatory;
        let message = self.read_message(key, incoming)?;
        let publication = self.route(key, message, mandatory)?;
        match &mut self.channel(key).mode {
            Mode::Plain => {
                self.publish(key, publication);
            }
            Mode::Confirm { published } => {
                *published += 1;
                let delivery_tag = *published;
                // [rabbitmq/RMQ-confirm-return-before-ack] the return goes out inside publish.
                match self.publish(key, publication) {
                    Outcome::Taken => self.reply(key, &Ack { delivery_tag }),
                    Outcome::Refused => self.reply(key, &Nack { delivery_tag }),
                }
            }
            Mode::Transaction(transaction) => transaction.publishes.push(publication),
        }
        Ok(())
    }

    /// The exchange has to exist and to be open to clients.
    fn check_target(&mut self, key: ChannelKey, exchange: &Name) -> Result<(), Violation> {
        if exchange.is_empty() {
            return Ok(());
        }
        let virtual_host = self.vhost_name(key.connection);
        match self.state.vhost(&virtual_host).exchanges.get(exchange) {
            None => Err(Violation::PublishNotFound(exchange.to_string())),
            Some(found) if found.settings.internal => Err(Violation::InternalExchange(exchange.to_string())),
            Some(_) => Ok(()),
        }
    }

    /// Checks the properties that a broker acts on.
    fn read_message(&mut self, key: ChannelKey, incoming: Incoming) -> Result<Message, Violation> {
        let Some(header) = incoming.header else { return Err(Violation::ContentOrder) };
        let properties = Properties::decode(&header.properties)?;
        self.check_user_id(key, &properties)?;
        let time_to_live = expiration(&properties)?;
        let priority = properties.priority().unwrap_or(0);
        Ok(Message {
            exchange: incoming.exchange,
            routing_key: incoming.routing_key,
            properties: header.properties,
            body: header.body.freeze(),
            priority,
            time_to_live,
        })
    }

    /// [rabbitmq/RMQ-user-id-mismatch]
    fn check_user_id(&mut self, key: ChannelKey, properties: &Properties<'_>) -> Result<(), Violation> {
        let Some(claimed) = properties.short_string(Property::UserId) else { return Ok(()) };
        let user = self.connection(key.connection).user.clone();
        let impersonates = self.state.config.users.get(&*user).is_some_and(|user| user.impersonator);
        if claimed == user.as_bytes() || impersonates {
            return Ok(());
        }
        let claimed = String::from_utf8_lossy(claimed).into_owned();
        Err(Violation::UserId { claimed, user: user.to_string() })
    }

    /// Finds the queues, at once even in a transaction.
    fn route(
        &mut self,
        key: ChannelKey,
        message: Message,
        mandatory: bool,
    ) -> Result<Publication, Violation> {
        let virtual_host = self.vhost_name(key.connection);
        let properties = Properties::decode(&message.properties)?;
        let headers = properties.headers();
        let routing_keys = [message.routing_key.clone()];
        let queues: BTreeSet<_> =
            self.state.vhost(&virtual_host).route(&message.exchange, &routing_keys, headers);
        Ok(Publication {
            queues: queues.into_iter().collect(),
            message: Arc::new(message),
            routed_elsewhere: false,
            mandatory,
        })
    }

    /// Puts a message into its queues, or returns it.
    fn publish(&mut self, key: ChannelKey, publication: Publication) -> Outcome {
        let Publication { message, queues, routed_elsewhere, mandatory } = publication;
        if queues.is_empty() && !routed_elsewhere && mandatory {
            self.return_message(key, &message);
        }
        let mut outcome = Outcome::Taken;
        for id in queues {
            let Some(queue) = self.state.queues.get(&id) else { continue };
            let full = queue.would_exceed(&message);
            match queue.arguments.overflow {
                Overflow::RejectPublish if full => outcome = Outcome::Refused,
                Overflow::RejectPublishDeadLetter if full => {
                    outcome = Outcome::Refused;
                    self.dead_letter(id, &message, crate::amqp::dead_letter::Reason::MaxLength);
                }
                Overflow::DropHead | Overflow::RejectPublish | Overflow::RejectPublishDeadLetter => {
                    self.state.enqueue(id, message.clone(), self.now);
                }
            }
        }
        outcome
    }

    /// Publishes what a transaction has gathered.
    pub(super) fn publish_committed(&mut self, key: ChannelKey, publications: Vec<Publication>) {
        for publication in publications {
            self.publish(key, publication);
        }
    }

    /// Sends a mandatory message back as it came.
    fn return_message(&mut self, key: ChannelKey, message: &Message) {
        let method = ReturnNoRoute { exchange: &message.exchange, routing_key: &message.routing_key };
        let frame_max = self.connection(key.connection).frame_max;
        let frames = content_frames(key.number, &method, &message.properties, &message.body, frame_max);
        self.send(key.connection, frames);
    }
}

/// [rabbitmq/RMQ-ttl-expiration-malformed] a decimal number of milliseconds.
fn expiration(properties: &Properties<'_>) -> Result<Option<Duration>, Violation> {
    let Some(octets) = properties.short_string(Property::Expiration) else { return Ok(None) };
    let digits =
        std::str::from_utf8(octets).ok().filter(|text| text.bytes().all(|octet| octet.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(milliseconds) => Ok(Some(Duration::from_millis(milliseconds))),
        None => Err(Violation::Expiration(String::from_utf8_lossy(octets).into_owned())),
    }
}
