//! The arguments of queue.declare that this broker knows; others are stored by nobody and compared by nobody.

use std::time::Duration;

use bytes::Bytes;

use super::codec::{FieldTable, FieldValue, Writer};
use super::message::Name;
use super::violation::Violation;

/// What the arguments say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct QueueArguments {
    pub(crate) message_ttl: Option<Duration>,
    pub(crate) expires: Option<Duration>,
    pub(crate) max_length: Option<u64>,
    pub(crate) max_length_bytes: Option<u64>,
    pub(crate) overflow: Overflow,
    pub(crate) dead_letter_exchange: Option<Name>,
    pub(crate) dead_letter_routing_key: Option<Name>,
    pub(crate) max_priority: Option<u8>,
    pub(crate) single_active_consumer: bool,
}

/// What happens to a message that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// The oldest ready message makes room.
    #[default]
    DropHead,
    /// The new one is refused.
    RejectPublish,
    /// The new one is refused and dead-lettered.
    RejectPublishDeadLetter,
}

impl QueueArguments {
    /// Reads and checks them; each is the violation of its own rule.
    pub(crate) fn read(table: FieldTable<'_>) -> Result<Self, Violation> {
        let arguments = Self {
            message_ttl: integer(table, "x-message-ttl", 0, Violation::MessageTtl)?
                .map(Duration::from_millis),
            expires: integer(table, "x-expires", 1, Violation::Expires)?.map(Duration::from_millis),
            max_length: integer(table, "x-max-length", 0, Violation::MaxLength("x-max-length"))?,
            max_length_bytes: integer(
                table,
                "x-max-length-bytes",
                0,
                Violation::MaxLength("x-max-length-bytes"),
            )?,
            overflow: overflow(table)?,
            dead_letter_exchange: string(
                table,
                "x-dead-letter-exchange",
                Violation::DeadLetterArgument("x-dead-letter-exchange"),
            )?,
            dead_letter_routing_key: string(
                table,
                "x-dead-letter-routing-key",
                Violation::DeadLetterArgument("x-dead-letter-routing-key"),
            )?,
            max_priority: max_priority(table)?,
            single_active_consumer: single_active_consumer(table)?,
        };
        if arguments.dead_letter_routing_key.is_some() && arguments.dead_letter_exchange.is_none() {
            return Err(Violation::DeadLetterKeyWithoutExchange);
        }
        keyword(table, "x-queue-type", &[b"classic"], Violation::QueueType)?;
        keyword(table, "x-queue-mode", &[b"default", b"lazy"], Violation::QueueMode)?;
        Ok(arguments)
    }

    /// The fields of a table that [`QueueArguments::read`] reads to the same; what has its default is left out.
    pub(crate) fn to_table(&self) -> Bytes {
        let mut writer = Writer::new();
        let milliseconds =
            |time: Option<Duration>| time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        for (name, value) in [
            ("x-message-ttl", milliseconds(self.message_ttl)),
            ("x-expires", milliseconds(self.expires)),
            ("x-max-length", self.max_length),
            ("x-max-length-bytes", self.max_length_bytes),
            ("x-max-priority", self.max_priority.map(u64::from)),
        ] {
            if let Some(value) = value {
                writer.short_string(name.as_bytes());
                writer.u8(b'l');
                writer.u64(value);
            }
        }
        match self.overflow {
            Overflow::DropHead => {}
            Overflow::RejectPublish => writer.string_field("x-overflow", b"reject-publish"),
            Overflow::RejectPublishDeadLetter => writer.string_field("x-overflow", b"reject-publish-dlx"),
        }
        for (name, value) in [
            ("x-dead-letter-exchange", &self.dead_letter_exchange),
            ("x-dead-letter-routing-key", &self.dead_letter_routing_key),
        ] {
            if let Some(value) = value {
                writer.string_field(name, value.as_bytes());
            }
        }
        if self.single_active_consumer {
            writer.short_string(b"x-single-active-consumer");
            writer.octets(b"t\x01");
        }
        writer.into_bytes()
    }

    /// The first argument in which two queues differ.
    pub(crate) fn difference(&self, other: &Self) -> Option<&'static str> {
        let differs = [
            ("x-message-ttl", self.message_ttl != other.message_ttl),
            ("x-expires", self.expires != other.expires),
            ("x-max-length", self.max_length != other.max_length),
            ("x-max-length-bytes", self.max_length_bytes != other.max_length_bytes),
            ("x-overflow", self.overflow != other.overflow),
            ("x-dead-letter-exchange", self.dead_letter_exchange != other.dead_letter_exchange),
            ("x-dead-letter-routing-key", self.dead_letter_routing_key != other.dead_letter_routing_key),
            ("x-max-priority", self.max_priority != other.max_priority),
            ("x-single-active-consumer", self.single_active_consumer != other.single_active_consumer),
        ];
        differs.into_iter().find(|(_, differs)| *differs).map(|(name, _)| name)
    }
}

fn integer(
    table: FieldTable<'_>,
    name: &str,
    minimum: u64,
    violation: Violation,
) -> Result<Option<u64>, Violation> {
    let Some(value) = table.get(name) else { return Ok(None) };
    let value = value.as_integer().and_then(|value| u64::try_from(value).ok());
    value.filter(|value| *value >= minimum).map(Some).ok_or(violation)
}

fn string(table: FieldTable<'_>, name: &str, violation: Violation) -> Result<Option<Name>, Violation> {
    let Some(value) = table.get(name) else { return Ok(None) };
    let octets = value.as_string().filter(|octets| octets.len() <= 255);
    let text = octets.and_then(|octets| std::str::from_utf8(octets).ok());
    text.map(|text| Some(Name::from(text))).ok_or(violation)
}

fn keyword(
    table: FieldTable<'_>,
    name: &str,
    known: &[&[u8]],
    violation: Violation,
) -> Result<(), Violation> {
    match table.get(name) {
        None => Ok(()),
        Some(value) if value.as_string().is_some_and(|word| known.contains(&word)) => Ok(()),
        Some(_) => Err(violation),
    }
}

fn overflow(table: FieldTable<'_>) -> Result<Overflow, Violation> {
    let Some(value) = table.get("x-overflow") else { return Ok(Overflow::default()) };
    match value.as_string() {
        Some(b"drop-head") => Ok(Overflow::DropHead),
        Some(b"reject-publish") => Ok(Overflow::RejectPublish),
        Some(b"reject-publish-dlx") => Ok(Overflow::RejectPublishDeadLetter),
        _ => Err(Violation::Overflow),
    }
}

fn max_priority(table: FieldTable<'_>) -> Result<Option<u8>, Violation> {
    let Some(value) = integer(table, "x-max-priority", 1, Violation::MaxPriority)? else { return Ok(None) };
    u8::try_from(value).map(Some).map_err(|_| Violation::MaxPriority)
}

fn single_active_consumer(table: FieldTable<'_>) -> Result<bool, Violation> {
    match table.get("x-single-active-consumer") {
        None => Ok(false),
        Some(value) => {
            if let FieldValue::Boolean(value) = value {
                Ok(value)
            } else {
                Err(Violation::SingleActiveConsumer)
            }
        }
    }
}
