//! Dead-lettering: what a queue drops may go on to another exchange, with its history in the headers.

use std::sync::Arc;

use bytes::Bytes;

use super::codec::{FieldTable, FieldValue, Properties, Property, Writer};
use super::handle::Turn;
use super::message::{Message, Name};
use super::queue::QueueId;
use crate::effect::Now;

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

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::MaxLength => "maxlen",
        }
    }
}

/// A message that is on its way from a queue to that queue's dead-letter exchange.
#[derive(Debug)]
pub(crate) struct Death {
    virtual_host: Name,
    queue: Name,
    exchange: Name,
    routing_key: Option<Name>,
    message: Arc<Message>,
    reason: Reason,
}

impl Turn<'_> {
    /// Notes a dropped message for its queue's dead-letter exchange, if the queue has one.
    ///
    /// It moves on when the queues settle, not at once: a chain of full queues is a loop there, no recursion.
    pub(crate) fn dead_letter(&mut self, id: QueueId, message: &Arc<Message>, reason: Reason) {
        let Some(queue) = self.state.queues.get(&id) else { return };
        let Some(exchange) = queue.arguments.dead_letter_exchange.clone() else { return };
        self.state.deaths.push_back(Death {
            virtual_host: queue.virtual_host.clone(),
            queue: queue.name.clone(),
            exchange,
            routing_key: queue.arguments.dead_letter_routing_key.clone(),
            message: message.clone(),
            reason,
        });
    }

    /// Publishes a dead-lettered message.
    pub(crate) fn bury(&mut self, death: &Death) {
        let vhost = self.state.vhost(&death.virtual_host);
        // [rabbitmq/RMQ-dlx-missing-exchange] dropped silently.
        if !death.exchange.is_empty() && !vhost.exchanges.contains_key(&death.exchange) {
            return;
        }
        let Some(message) = death.reborn(self.now) else { return };
        let Ok(properties) = Properties::decode(&message.properties) else { return };
        let headers = properties.headers();
        let vhost = self.state.vhost(&death.virtual_host);
        let mut queues = vhost.route(&death.exchange, &message.routing_keys, headers);
        queues.retain(|id| {
            let name = self.state.queues.get(id).map(|queue| queue.name.clone());
            name.is_some_and(|name| !is_automatic_cycle(death.reason, headers, &name))
        });
        self.distribute(&Arc::new(message), queues);
    }
}

impl Death {
    /// The message as the dead-letter exchange gets it.
    fn reborn(&self, now: Now) -> Option<Message> {
        let properties = Properties::decode(&self.message.properties).ok()?;
        let headers = self.headers(&properties, now);
        let mut with_length = Writer::new();
        with_length.long_octets(&headers);
        let with_length = with_length.into_bytes();
        let properties =
            properties.with(Property::Headers, Some(&with_length)).with(Property::Expiration, None).encode();
        let routing_keys = match &self.routing_key {
            Some(key) => vec![key.clone()],
            None => self.message.routing_keys.clone(),
        };
        Some(Message {
            exchange: self.exchange.clone(),
            routing_keys,
            properties: Bytes::from(properties),
            body: self.message.body.clone(),
            priority: self.message.priority,
            time_to_live: None,
            persistent: self.message.persistent,
        })
    }

    /// The headers with this death in front of `x-death`, and the first one noted for good.
    fn headers(&self, properties: &Properties<'_>, now: Now) -> Bytes {
        let before = properties.headers();
        let mut writer = Writer::new();
        for field in before.iter() {
            // [rabbitmq/RMQ-dlx-override-removes-cc]
            let replaced = field.name == b"x-death" || (field.name == b"CC" && self.routing_key.is_some());
            if !replaced {
                writer.octets(field.octets);
            }
        }
        writer.short_string(b"x-death");
        writer.u8(b'A');
        writer.long_octets(&self.history(properties, now));
        if before.get("x-first-death-reason").is_none() {
            writer.string_field("x-first-death-reason", self.reason.name().as_bytes());
            writer.string_field("x-first-death-queue", self.queue.as_bytes());
            writer.string_field("x-first-death-exchange", self.message.exchange.as_bytes());
        }
        writer.into_bytes()
    }

    /// The elements of `x-death`: the entry of this queue and reason first, with its count raised.
    fn history(&self, properties: &Properties<'_>, now: Now) -> Bytes {
        let mut others = Writer::new();
        let mut known = None;
        if let Some(FieldValue::Array(array)) = properties.headers().get("x-death") {
            for (octets, value) in array.iter_octets() {
                if let FieldValue::Table(entry) = value
                    && known.is_none()
                    && self.is_same_death(entry)
                {
                    known = Some(entry);
                } else {
                    others.octets(octets);
                }
            }
        }
        let entry = known.map_or_else(|| self.first_entry(properties, now), raised);
        let mut writer = Writer::new();
        writer.u8(b'F');
        writer.long_octets(&entry);
        writer.octets(&others.into_bytes());
        writer.into_bytes()
    }

    fn is_same_death(&self, entry: FieldTable<'_>) -> bool {
        is_string(entry, "queue", &self.queue) && is_string(entry, "reason", self.reason.name())
    }

    /// The entry of the first death in this queue for this reason: where the message was, and under which keys.
    fn first_entry(&self, properties: &Properties<'_>, now: Now) -> Bytes {
        let mut keys = Writer::new();
        let published = [self.message.routing_key()];
        let copied = string_elements(properties.headers(), "CC").unwrap_or_default();
        for key in published.iter().map(|key| key.as_bytes()).chain(copied.iter().copied()) {
            keys.u8(b'S');
            keys.long_octets(key);
        }
        let mut entry = Writer::new();
        entry.short_string(b"count");
        entry.u8(b'l');
        entry.u64(1);
        entry.string_field("reason", self.reason.name().as_bytes());
        entry.string_field("queue", self.queue.as_bytes());
        entry.short_string(b"time");
        entry.u8(b'T');
        entry.u64(now.as_secs());
        entry.string_field("exchange", self.message.exchange.as_bytes());
        entry.short_string(b"routing-keys");
        entry.u8(b'A');
        entry.long_octets(&keys.into_bytes());
        if let Some(expiration) = properties.short_string(Property::Expiration) {
            entry.string_field("original-expiration", expiration);
        }
        entry.into_bytes()
    }
}

/// An entry with its count one higher; all else stays as it was at the first such death.
fn raised(entry: FieldTable<'_>) -> Bytes {
    let count = entry.get("count").and_then(|count| count.as_integer()).unwrap_or(0);
    let mut writer = Writer::new();
    writer.short_string(b"count");
    writer.u8(b'l');
    writer.u64(count.saturating_add(1).cast_unsigned());
    for field in entry.iter().filter(|field| field.name != b"count") {
        writer.octets(field.octets);
    }
    writer.into_bytes()
}

fn is_string(table: FieldTable<'_>, name: &str, wanted: &str) -> bool {
    table.get(name).is_some_and(|value| value.as_string() == Some(wanted.as_bytes()))
}

/// [rabbitmq/RMQ-dlx-cycle-automatic-dropped] the message was in that queue already, and nobody rejected it since.
fn is_automatic_cycle(reason: Reason, headers: FieldTable<'_>, queue: &str) -> bool {
    let Some(FieldValue::Array(history)) = headers.get("x-death") else { return false };
    if reason == Reason::Rejected {
        return false;
    }
    for value in history.iter() {
        let FieldValue::Table(entry) = value else { continue };
        if is_string(entry, "reason", Reason::Rejected.name()) {
            return false;
        }
        if is_string(entry, "queue", queue) {
            return true;
        }
    }
    false
}

/// The strings of a header that is an array of strings; `None` where it is something else.
pub(crate) fn string_elements<'a>(headers: FieldTable<'a>, name: &str) -> Option<Vec<&'a [u8]>> {
    let FieldValue::Array(array) = headers.get(name)? else { return None };
    array
        .iter()
        .map(|value| if let FieldValue::LongString(octets) = value { Some(octets) } else { None })
        .collect()
}
