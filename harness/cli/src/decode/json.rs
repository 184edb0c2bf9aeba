//! `decode --json` (docs/OUTPUT.md).

use mqspec_conformance::statement::Catalogue;
use mqspec_wire::{Oddity, Packet};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Decoded, side_name};
use crate::json_value::{to_hex, to_json};

/// The version of the document; it grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// What some bytes mean.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "mqspec decode output")]
pub struct Document {
    /// 1.
    pub schema_version: u32,
    /// What the bytes were read as: `mqtt-3.1.1`, `mqtt-5.0` or `amqp-0-9-1`.
    pub spec: &'static str,
    /// Who sent them: `client` or `server`.
    pub from: &'static str,
    /// The whole packets (AMQP: frames), in order.
    pub packets: Vec<PacketEntry>,
    /// What breaks a statement.
    pub violations: Vec<Violation>,
    /// Whether the last packet is cut off.
    pub incomplete: bool,
    /// The bytes of that packet, hex digits.
    pub rest: String,
}

/// A packet.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct PacketEntry {
    /// The standard's name in lower case: `publish`, `queue.declare-ok`; `unknown` for what has none.
    pub name: &'static str,
    /// Where it begins, in bytes from the start of the input.
    pub offset: usize,
    /// How many bytes it has.
    pub length: usize,
    /// These bytes, hex digits.
    pub bytes: String,
    /// Its fields in wire order.
    pub fields: Vec<FieldEntry>,
}

/// A field of a packet.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct FieldEntry {
    /// As scenarios name it.
    pub name: &'static str,
    /// Text as a string, other bytes as `{"hex": "00ff"}`, tables as lists of `[name, value]`, tagged
    /// values as `{"tag": "I", "value": 1}`; integers beyond 2^53 as strings.
    pub value: serde_json::Value,
    /// The standard's name for the value, where it has one.
    pub label: Option<&'static str>,
    /// Where it begins, in bytes from the start of the input.
    pub offset: usize,
    /// How many bytes it has; 0 for what is implied.
    pub length: usize,
}

/// A broken statement.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Violation {
    /// Its full id: `mqtt-5.0/MQTT-2.1.3-1`.
    pub statement: &'static str,
    /// The first offending byte, from the start of the input.
    pub offset: usize,
    /// How many bytes offend.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// How strongly the statement binds: `MUST`, `SHOULD`, `implied`, …
    pub level: Option<&'static str>,
    /// Where it stands in the standard.
    pub section: Option<&'static str>,
    /// What it asks, in one sentence.
    pub gist: Option<&'static str>,
}

/// The document of some bytes.
pub fn document(decoded: &Decoded, catalogue: &'static Catalogue) -> Document {
    Document {
        schema_version: SCHEMA_VERSION,
        spec: decoded.spec.id(),
        from: side_name(decoded.from),
        packets: decoded.packets.iter().map(|(offset, packet)| packet_entry(*offset, packet)).collect(),
        violations: decoded
            .violations()
            .map(|(offset, oddity)| violation(offset, oddity, catalogue))
            .collect(),
        incomplete: !decoded.rest.is_empty(),
        rest: to_hex(&decoded.rest),
    }
}

fn packet_entry(offset: usize, packet: &Packet) -> PacketEntry {
    PacketEntry {
        name: packet.name,
        offset,
        length: packet.raw.len(),
        bytes: to_hex(&packet.raw),
        fields: field_entries(offset, packet),
    }
}

/// A packet's fields, their offsets counted from where the packet is said to begin.
pub(crate) fn field_entries(offset: usize, packet: &Packet) -> Vec<FieldEntry> {
    let entry = |field: &mqspec_wire::Field| FieldEntry {
        name: field.name,
        value: to_json(&field.value),
        label: field.label,
        offset: offset + field.span.start,
        length: field.span.len(),
    };
    packet.fields.iter().map(entry).collect()
}

fn violation(offset: usize, oddity: &Oddity, catalogue: &'static Catalogue) -> Violation {
    let statement = catalogue.find(oddity.statement);
    Violation {
        statement: oddity.statement,
        offset,
        length: oddity.span.len(),
        message: oddity.message.to_string(),
        level: statement.map(|statement| statement.level.id()),
        section: statement.map(|statement| statement.section),
        gist: statement.map(|statement| statement.summary),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mqspec_wire::{Field, Side, Spec, Value};

    use super::*;

    #[test]
    fn offsets_count_from_the_start_of_the_input() {
        let packet = Packet {
            name: "disconnect",
            fields: vec![Field { name: "reason_code", value: Value::Integer(4), label: None, span: 2..3 }],
            oddities: vec![Oddity {
                statement: "mqtt-5.0/MQTT-2.1.3-1",
                span: 0..1,
                message: "reserved flags are 1".into(),
            }],
            raw: Bytes::from_static(&[0xe1, 0x01, 0x04]),
        };
        let decoded =
            Decoded { spec: Spec::Mqtt50, from: Side::Server, packets: vec![(10, packet)], rest: vec![0x30] };
        let document = document(&decoded, Catalogue::load());
        let packet = document.packets.first().expect("there is one");
        assert_eq!((packet.offset, packet.length, packet.bytes.as_str()), (10, 3, "e10104"));
        assert_eq!(packet.fields.first().map(|field| (field.offset, field.length)), Some((12, 1)));
        let violation = document.violations.first().expect("there is one");
        assert_eq!((violation.offset, violation.level, violation.section), (10, Some("MUST"), Some("2.1.3")));
        assert!(document.incomplete);
        assert_eq!(document.rest, "30");
    }
}
