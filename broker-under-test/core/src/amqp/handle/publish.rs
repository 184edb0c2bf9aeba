//! A publish whose content is complete: checks, routing, return, confirm.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Turn;
use crate::amqp::channel::{Incoming, Mode, Publication};
use crate::amqp::codec::method::basic::Publish;
use crate::amqp::codec::method::basic::reply::{Ack, Nack, ReturnNoRoute};
use crate::amqp::codec::{Properties, Property, Writer, content_frames};
use crate::amqp::consumer::ChannelKey;
use crate::amqp::dead_letter::{Reason, string_elements};
use crate::amqp::message::{Message, Name};
use crate::amqp::queue::QueueId;
use crate::amqp::queue_arguments::Overflow;
use crate::amqp::reply_to::PSEUDO_QUEUE;
use crate::amqp::violation::Violation;

const DELIVERY_MODE_PERSISTENT: u8 = 2;

/// What became of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every queue has it.
    Taken,
    /// A full queue has not.
    Refused,
}

impl Turn<'_> {
    /// Basic.Publish itself: the rest of the channel waits for its content.
    pub(super) fn on_publish(&mut self, key: ChannelKey, publish: Publish<'_>) {
        self.on_publisher(key.connection);
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
        let queues = self.route(key, &message)?;
        let publication = Publication { message: Arc::new(message), queues, mandatory };
        let refused = self.refuses(&publication);
        match &mut self.channel(key).mode {
            Mode::Plain if refused => return Err(Violation::StorageFull),
            Mode::Plain => {
                self.publish(key, publication);
            }
            Mode::Confirm { published } => {
                *published += 1;
                let delivery_tag = *published;
                // [rabbitmq/RMQ-confirm-return-before-ack] the return goes out inside publish.
                let outcome = if refused { Outcome::Refused } else { self.publish(key, publication) };
                match outcome {
                    Outcome::Taken => self.reply(key, &Ack { delivery_tag }),
                    Outcome::Refused => self.reply(key, &Nack { delivery_tag }),
                }
            }
            // Whether there is room shows at the commit.
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
        let persistent = properties.delivery_mode() == Some(DELIVERY_MODE_PERSISTENT);
        let mut routing_keys = vec![incoming.routing_key];
        for name in ["CC", "BCC"] {
            routing_keys.extend(sender_selected(&properties, name)?);
        }
        let address = self.reply_address(key, &properties)?;
        let stored = stored_properties(&properties, address.as_ref());
        Ok(Message {
            exchange: incoming.exchange,
            routing_keys,
            properties: stored.unwrap_or(header.properties),
            body: header.body.freeze(),
            priority,
            time_to_live,
            persistent,
        })
    }

    /// [rabbitmq/RMQ-drt-reply-to-rewritten] the generated name that stands for the pseudo-queue in a request.
    fn reply_address(
        &mut self,
        key: ChannelKey,
        properties: &Properties<'_>,
    ) -> Result<Option<Name>, Violation> {
        if properties.short_string(Property::ReplyTo) != Some(PSEUDO_QUEUE.as_bytes()) {
            return Ok(None);
        }
        let replies = self.channel(key).replies.as_ref().ok_or(Violation::ReplyConsumerMissing)?;
        Ok(Some(replies.address.clone()))
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
    fn route(&mut self, key: ChannelKey, message: &Message) -> Result<BTreeSet<QueueId>, Violation> {
        let virtual_host = self.vhost_name(key.connection);
        let properties = Properties::decode(&message.properties)?;
        let vhost = self.state.vhost(&virtual_host);
        Ok(vhost.route(&message.exchange, &message.routing_keys, properties.headers()))
    }

    /// Puts a message into its queues, or returns it.
    fn publish(&mut self, key: ChannelKey, publication: Publication) -> Outcome {
        let Publication { message, queues, mandatory } = publication;
        let virtual_host = self.vhost_name(key.connection);
        let replied = self.deliver_reply(&virtual_host, &message);
        if queues.is_empty() && !replied && mandatory {
            self.return_message(key, &message);
        }
        self.distribute(&message, queues)
    }

    /// Gives each queue its copy, unless it is full and refuses.
    pub(crate) fn distribute(&mut self, message: &Arc<Message>, queues: BTreeSet<QueueId>) -> Outcome {
        let mut outcome = Outcome::Taken;
        for id in queues {
            let Some(queue) = self.state.queues.get(&id) else { continue };
            let full = queue.would_exceed(message);
            match queue.arguments.overflow {
                Overflow::RejectPublish if full => outcome = Outcome::Refused,
                Overflow::RejectPublishDeadLetter if full => {
                    outcome = Outcome::Refused;
                    self.dead_letter(id, message, Reason::MaxLength);
                }
                Overflow::DropHead | Overflow::RejectPublish | Overflow::RejectPublishDeadLetter => {
                    self.state.enqueue(id, message, self.now);
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
        let method = ReturnNoRoute { exchange: &message.exchange, routing_key: message.routing_key() };
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

/// [rabbitmq/RMQ-cc-type] further routing keys of a header that has to be an array of strings.
fn sender_selected(properties: &Properties<'_>, name: &'static str) -> Result<Vec<Name>, Violation> {
    let headers = properties.headers();
    if headers.get(name).is_none() {
        return Ok(Vec::new());
    }
    let keys = string_elements(headers, name).ok_or(Violation::SenderSelected(name))?;
    let text = |key| std::str::from_utf8(key).map(Name::from).map_err(|_| Violation::SenderSelected(name));
    keys.into_iter().map(text).collect()
}

/// The properties as they are stored, where that differs from what was sent: without BCC, which the other receivers
/// must not see, and with the requester's address.
fn stored_properties(properties: &Properties<'_>, address: Option<&Name>) -> Option<Bytes> {
    let headers = properties.headers();
    let has_bcc = headers.get("BCC").is_some();
    if !has_bcc && address.is_none() {
        return None;
    }
    let mut kept = Writer::new();
    for field in headers.iter().filter(|field| field.name != b"BCC") {
        kept.octets(field.octets);
    }
    let mut table = Writer::new();
    table.long_octets(&kept.into_bytes());
    let table = table.into_bytes();
    let mut reply_to = Writer::new();
    reply_to.short_string(address.map_or(b"", |address| address.as_bytes()));
    let reply_to = reply_to.into_bytes();
    let mut stored = *properties;
    if has_bcc {
        stored = stored.with(Property::Headers, Some(&table));
    }
    if address.is_some() {
        stored = stored.with(Property::ReplyTo, Some(&reply_to));
    }
    Some(Bytes::from(stored.encode()))
}
