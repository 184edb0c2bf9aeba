//! The values that records hold, as fields and back. Reading lets through what a broker can have written and
//! nothing that it would later trip over.

use std::num::NonZeroU16;
use std::time::Duration;

use bytes::Bytes;

use crate::durable::{BadRecord, RecordReader, RecordWriter};
use crate::effect::Now;
use crate::mqtt::codec::subscribe::SubscriptionOptions;
use crate::mqtt::codec::{PacketIdentifier, Qos, Version};
use crate::mqtt::message::Message;
use crate::mqtt::session::HeldSubscription;
use crate::mqtt::subscription::Subscription;
use crate::mqtt::topic::TopicFilter;
use crate::mqtt::will::Will;

/// The largest Subscription Identifier: a variable byte integer has 28 bits.
const SUBSCRIPTION_IDENTIFIER_MAXIMUM: u32 = 268_435_455;

/// Octet 0 or 1.
pub(super) fn read_flag(fields: &mut RecordReader<'_>) -> Result<bool, BadRecord> {
    match fields.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(BadRecord::Content("a flag that is neither 0 nor 1")),
    }
}

/// A text that fits a string of the protocol (§1.5.3 of 3.1.1, §1.5.4 of 5.0).
pub(super) fn read_string<'a>(fields: &mut RecordReader<'a>) -> Result<&'a str, BadRecord> {
    let text = fields.text()?;
    if text.len() > usize::from(u16::MAX) {
        return Err(BadRecord::Content("a string of more than 65,535 bytes"));
    }
    Ok(text)
}

fn read_qos(fields: &mut RecordReader<'_>) -> Result<Qos, BadRecord> {
    Qos::from_bits(fields.u8()?).ok_or(BadRecord::Content("a QoS above 2"))
}

/// What can be kept for a client.
pub(super) fn read_qos_above_0(fields: &mut RecordReader<'_>) -> Result<Qos, BadRecord> {
    match read_qos(fields)? {
        Qos::AtMostOnce => Err(BadRecord::Content("a QoS 0 message that waits")),
        qos @ (Qos::AtLeastOnce | Qos::ExactlyOnce) => Ok(qos),
    }
}

/// A client identifier and a packet identifier.
pub(super) fn read_exchange<'a>(
    fields: &mut RecordReader<'a>,
) -> Result<(&'a str, PacketIdentifier), BadRecord> {
    let client = read_string(fields)?;
    let number = NonZeroU16::new(fields.u16()?).ok_or(BadRecord::Content("packet identifier 0"))?;
    Ok((client, PacketIdentifier(number)))
}

/// A flag, and the number behind it if it is 1.
pub(super) fn write_optional(number: Option<u32>, fields: &mut RecordWriter) {
    fields.u8(u8::from(number.is_some()));
    if let Some(number) = number {
        fields.u32(number);
    }
}

fn read_optional(fields: &mut RecordReader<'_>) -> Result<Option<u32>, BadRecord> {
    if read_flag(fields)? { fields.u32().map(Some) } else { Ok(None) }
}

fn read_subscription_identifier(fields: &mut RecordReader<'_>) -> Result<Option<u32>, BadRecord> {
    let identifier = read_optional(fields)?;
    if identifier.is_some_and(|number| number == 0 || number > SUBSCRIPTION_IDENTIFIER_MAXIMUM) {
        return Err(BadRecord::Content("a Subscription Identifier out of range"));
    }
    Ok(identifier)
}

/// Each behind a 1, then a 0.
pub(super) fn write_subscription_identifiers(identifiers: &[u32], fields: &mut RecordWriter) {
    for identifier in identifiers {
        write_optional(Some(*identifier), fields);
    }
    write_optional(None, fields);
}

/// The reverse of [`write_subscription_identifiers`].
pub(super) fn read_subscription_identifiers(fields: &mut RecordReader<'_>) -> Result<Vec<u32>, BadRecord> {
    let mut identifiers = Vec::new();
    while let Some(identifier) = read_subscription_identifier(fields)? {
        identifiers.push(identifier);
    }
    Ok(identifiers)
}

/// 64 bits of seconds, 32 of nanoseconds.
pub(super) fn write_time(time: Now, fields: &mut RecordWriter) {
    fields.u64(time.as_secs());
    fields.u32(time.subsec_nanos());
}

/// The reverse of [`write_time`].
pub(super) fn read_time(fields: &mut RecordReader<'_>) -> Result<Now, BadRecord> {
    let (seconds, nanoseconds) = (fields.u64()?, fields.u32()?);
    if nanoseconds >= 1_000_000_000 {
        return Err(BadRecord::Content("a second of more than 10^9 nanoseconds"));
    }
    Ok(Duration::new(seconds, nanoseconds))
}

/// All of a message, its time of arrival included: what is left of its lifetime needs no clock that runs on.
pub(super) fn write_message(message: &Message, fields: &mut RecordWriter) {
    fields.text(&message.topic_name);
    fields.u8(message.qos.bits());
    fields.u8(u8::from(message.retain));
    fields.bytes(&message.payload);
    fields.bytes(&message.forwarded);
    write_optional(message.expiry_secs, fields);
    write_time(message.received_at, fields);
    fields.text(&message.publisher);
}

/// The reverse of [`write_message`].
pub(super) fn read_message(fields: &mut RecordReader<'_>) -> Result<Message, BadRecord> {
    Ok(Message {
        topic_name: read_string(fields)?.into(),
        qos: read_qos(fields)?,
        retain: read_flag(fields)?,
        payload: Bytes::copy_from_slice(fields.bytes()?),
        forwarded: Bytes::copy_from_slice(fields.bytes()?),
        expiry_secs: read_optional(fields)?,
        received_at: read_time(fields)?,
        publisher: read_string(fields)?.into(),
    })
}

/// A will that has not been published.
pub(super) fn write_will(will: &Will, fields: &mut RecordWriter) {
    fields.text(&will.topic_name);
    fields.u8(will.qos.bits());
    fields.u8(u8::from(will.retain));
    fields.u32(will.delay_secs);
    fields.bytes(&will.payload);
    fields.bytes(&will.forwarded);
    write_optional(will.expiry_secs, fields);
}

/// The reverse of [`write_will`].
pub(super) fn read_will(fields: &mut RecordReader<'_>) -> Result<Will, BadRecord> {
    Ok(Will {
        topic_name: read_string(fields)?.into(),
        qos: read_qos(fields)?,
        retain: read_flag(fields)?,
        delay_secs: fields.u32()?,
        payload: Bytes::copy_from_slice(fields.bytes()?),
        forwarded: Bytes::copy_from_slice(fields.bytes()?),
        expiry_secs: read_optional(fields)?,
    })
}

/// The filter as the client wrote it, whether it is shared, options as in SUBSCRIBE, and the identifier.
pub(super) fn write_subscription(filter: &str, held: &HeldSubscription, fields: &mut RecordWriter) {
    fields.text(filter);
    fields.u8(u8::from(held.share_name.is_some()));
    fields.u8(held.subscription.options.byte());
    write_optional(held.subscription.identifier, fields);
}

/// The reverse of [`write_subscription`].
pub(super) fn read_subscription<'a>(
    fields: &mut RecordReader<'a>,
) -> Result<(&'a str, HeldSubscription), BadRecord> {
    let written = read_string(fields)?;
    let filter = if read_flag(fields)? {
        let (share_name, pattern) = written
            .strip_prefix("$share/")
            .and_then(|shared| shared.split_once('/'))
            .ok_or(BadRecord::Content("a shared subscription without a share name"))?;
        TopicFilter { pattern, share_name: Some(share_name) }
    } else {
        TopicFilter { pattern: written, share_name: None }
    };
    let options = SubscriptionOptions::of(fields.u8()?, Version::V50)
        .map_err(|_| BadRecord::Content("subscription options that no client may ask for"))?;
    let identifier = read_subscription_identifier(fields)?;
    Ok((written, HeldSubscription::of(filter, Subscription { options, identifier })))
}
