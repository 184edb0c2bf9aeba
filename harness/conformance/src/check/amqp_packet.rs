//! Reading AMQP frames by field name.

use bytes::Bytes;
use mqspec_wire::{Packet, Value};

/// The channel; 0 where a packet has none.
pub(super) fn channel(packet: &Packet) -> u16 {
    packet.integer("channel").and_then(|channel| u16::try_from(channel).ok()).unwrap_or(0)
}

/// A bit; an absent one is not set.
pub(super) fn flag(packet: &Packet, name: &str) -> bool {
    packet.bool(name).unwrap_or(false)
}

/// A string; empty where it is absent.
pub(super) fn bytes(packet: &Packet, name: &str) -> Bytes {
    packet.bytes(name).cloned().unwrap_or_default()
}

/// A number; 0 where it is absent.
pub(super) fn unsigned(packet: &Packet, name: &str) -> u64 {
    packet.integer(name).and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}

/// The entries of a table; none where it is absent.
pub(super) fn table<'a>(packet: &'a Packet, name: &str) -> &'a [(Bytes, Value)] {
    entries(packet.get(name))
}

/// The entries of a value that is a table.
pub(super) fn entries(value: Option<&Value>) -> &[(Bytes, Value)] {
    match value.map(Value::untagged) {
        Some(Value::Map(entries)) => entries,
        _ => &[],
    }
}

/// The value of a table's entry.
pub(super) fn entry<'a>(entries: &'a [(Bytes, Value)], name: &str) -> Option<&'a Value> {
    entries.iter().find(|(key, _)| key.as_ref() == name.as_bytes()).map(|(_, value)| value)
}
