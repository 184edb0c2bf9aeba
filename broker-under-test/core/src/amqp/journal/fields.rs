//! The parts that records are made of, written and read side by side.

use bytes::Bytes;

use super::change::Place;
use crate::amqp::binding::Destination;
use crate::amqp::codec::Properties;
use crate::amqp::exchange::{ExchangeSettings, ExchangeType};
use crate::amqp::message::{Message, Name};
use crate::amqp::queue::{Position, QueueId};
use crate::durable::{BadRecord, RecordReader, RecordWriter};
use crate::effect::Now;

/// Numbers are given out one by one and never get here; a greater one would leave no room to count on.
const HIGHEST_NUMBER: u64 = 1 << 62;

/// A name or key, which is a short string on the wire.
pub(super) fn read_name(fields: &mut RecordReader<'_>) -> Result<Name, BadRecord> {
    let text = fields.text()?;
    if text.len() > 255 {
        return Err(BadRecord::Content("a name of more than 255 octets"));
    }
    Ok(Name::from(text))
}

pub(super) fn read_flag(fields: &mut RecordReader<'_>) -> Result<bool, BadRecord> {
    match fields.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(BadRecord::Content("a flag that is neither 0 nor 1")),
    }
}

fn read_number(fields: &mut RecordReader<'_>) -> Result<u64, BadRecord> {
    let number = fields.u64()?;
    if number < HIGHEST_NUMBER { Ok(number) } else { Err(BadRecord::Content("a number out of range")) }
}

pub(super) fn read_queue(fields: &mut RecordReader<'_>) -> Result<QueueId, BadRecord> {
    read_number(fields).map(QueueId)
}

pub(super) fn write_position(position: Position, fields: &mut RecordWriter) {
    fields.u8(position.rank);
    fields.u64(position.sequence);
}

pub(super) fn read_position(fields: &mut RecordReader<'_>) -> Result<Position, BadRecord> {
    Ok(Position { rank: fields.u8()?, sequence: read_number(fields)? })
}

/// Settings: type by name, flags, then the alternate exchange if there is one.
pub(super) fn write_settings(settings: &ExchangeSettings, fields: &mut RecordWriter) {
    fields.text(settings.exchange_type.name());
    fields.u8(u8::from(settings.auto_delete));
    fields.u8(u8::from(settings.internal));
    fields.u8(u8::from(settings.alternate.is_some()));
    if let Some(alternate) = &settings.alternate {
        fields.text(alternate);
    }
}

pub(super) fn read_settings(fields: &mut RecordReader<'_>) -> Result<ExchangeSettings, BadRecord> {
    let exchange_type = ExchangeType::from_name(fields.text()?);
    Ok(ExchangeSettings {
        exchange_type: exchange_type.ok_or(BadRecord::Content("an unknown exchange type"))?,
        durable: true,
        auto_delete: read_flag(fields)?,
        internal: read_flag(fields)?,
        // Of any length, as it comes out of a table.
        alternate: if read_flag(fields)? { Some(Name::from(fields.text()?)) } else { None },
    })
}

/// A queue by its number, or an exchange by its name.
pub(super) fn write_destination(destination: &Destination, fields: &mut RecordWriter) {
    match destination {
        Destination::Queue(id) => {
            fields.u8(0);
            fields.u64(id.0);
        }
        Destination::Exchange(name) => {
            fields.u8(1);
            fields.text(name);
        }
    }
}

pub(super) fn read_destination(fields: &mut RecordReader<'_>) -> Result<Destination, BadRecord> {
    if read_flag(fields)? {
        read_name(fields).map(Destination::Exchange)
    } else {
        read_queue(fields).map(Destination::Queue)
    }
}

/// Queue, position, whether it was delivered, and the time of day when it expires.
pub(super) fn write_place(place: &Place, fields: &mut RecordWriter) {
    fields.u64(place.queue.0);
    write_position(place.position, fields);
    fields.u8(u8::from(place.redelivered));
    fields.u8(u8::from(place.expires_at.is_some()));
    if let Some(at) = place.expires_at {
        fields.u64(at.as_secs());
        fields.u32(at.subsec_nanos());
    }
}

pub(super) fn read_place(fields: &mut RecordReader<'_>) -> Result<Place, BadRecord> {
    Ok(Place {
        queue: read_queue(fields)?,
        position: read_position(fields)?,
        redelivered: read_flag(fields)?,
        expires_at: if read_flag(fields)? { Some(read_time(fields)?) } else { None },
    })
}

fn read_time(fields: &mut RecordReader<'_>) -> Result<Now, BadRecord> {
    let (seconds, nanoseconds) = (fields.u64()?, fields.u32()?);
    if nanoseconds >= 1_000_000_000 {
        return Err(BadRecord::Content("a second of more than 1,000,000,000 nanoseconds"));
    }
    Ok(Now::new(seconds, nanoseconds))
}

/// Exchange, routing keys with their count in front, properties, body. Priority and the like are in the properties.
pub(super) fn write_message(message: &Message, fields: &mut RecordWriter) {
    fields.text(&message.exchange);
    let keys = u32::try_from(message.routing_keys.len());
    fields.u32(keys.expect("a header, in which these are listed, is shorter than 4 GiB"));
    for key in &message.routing_keys {
        fields.text(key);
    }
    fields.bytes(&message.properties);
    fields.bytes(&message.body);
}

pub(super) fn read_message(fields: &mut RecordReader<'_>) -> Result<Message, BadRecord> {
    let exchange = read_name(fields)?;
    // The count reserves nothing: each key has to be there.
    let count = fields.u32()?;
    let mut routing_keys = Vec::new();
    for index in 0..count {
        // The key as published goes out again as a short string; the others come out of a header.
        routing_keys.push(if index == 0 { read_name(fields)? } else { Name::from(fields.text()?) });
    }
    let properties = fields.bytes()?;
    let known = Properties::decode(properties).map_err(|_| BadRecord::Content("malformed properties"))?;
    Ok(Message {
        exchange,
        routing_keys,
        priority: known.priority().unwrap_or(0),
        // It counts from the enqueue on and has become a place's time of expiry there.
        time_to_live: None,
        persistent: true,
        properties: Bytes::copy_from_slice(properties),
        body: Bytes::copy_from_slice(fields.bytes()?),
    })
}
