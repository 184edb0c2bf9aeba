//! A packet on one line, and its bytes on another.

use std::fmt::Write as _;

use bytes::Bytes;
use mqspec_wire::{Field, Packet, Value};

/// How many bytes of a packet are shown; the rest is counted.
pub const SHOWN_BYTES: usize = 64;

/// A table or list shows its entries up to this many letters; the rest is counted.
const LONGEST_VALUE: usize = 80;

/// A packet on one line: its name and the fields that say something.
///
/// A set bit shows as its name; a bit that is not set, an empty list, what is implied rather than written and
/// what every packet of the kind says (`protocol_name=MQTT`) are left out.
pub fn show_packet(packet: &Packet) -> String {
    let mut line = packet.name.to_owned();
    for field in packet.fields.iter().filter(|field| says_something(packet, field)) {
        // Writing to a String cannot fail.
        let _ = match (field.label, &field.value) {
            (Some(label), _) => write!(line, " {}={label}", field.name),
            (None, Value::Bool(_)) => write!(line, " {}", field.name),
            (None, value) => write!(line, " {}={}", field.name, show_value(value)),
        };
    }
    line
}

fn says_something(packet: &Packet, field: &Field) -> bool {
    let implied = field.span.is_empty() && matches!(field.value, Value::Integer(_));
    let usual = match &field.value {
        Value::Bool(bit) => !bit,
        Value::Integer(number) => match field.name {
            // Lengths and AMQP's class, weight and flags follow from the rest of the packet.
            "remaining_length" | "property_length" | "size" | "class_id" | "weight" | "property_flags" => {
                true
            }
            "channel" | "keep_alive" => *number == 0,
            "will_qos" => packet.bool("will_flag") != Some(true) && *number == 0,
            "protocol_level" | "protocol_version" => matches!(number, 4 | 5),
            name => name.starts_with("reserved"),
        },
        Value::Bytes(bytes) => {
            field.name == "protocol_name" && bytes.as_ref() == b"MQTT" || field.name.starts_with("reserved")
        }
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Float(_) | Value::Tagged(..) | Value::Void => false,
    };
    !usual && !implied
}

/// A value without AMQP's type tags and without what is not set in it, cut short where it is long.
fn show_value(value: &Value) -> String {
    let (open, parts, close) = match value.untagged() {
        Value::List(items) => ('[', items.iter().map(show_value).collect::<Vec<_>>(), ']'),
        Value::Map(entries) => ('{', entries.iter().filter_map(show_entry).collect(), '}'),
        plain @ (Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Bytes(_)
        | Value::Tagged(..)
        | Value::Void) => return plain.to_string(),
    };
    let mut text = String::from(open);
    for (index, part) in parts.iter().enumerate() {
        let gap = if index == 0 { "" } else { ", " };
        if text.chars().count() + part.chars().count() > LONGEST_VALUE {
            let _ = write!(text, "{gap}… {} in all", parts.len());
            break;
        }
        let _ = write!(text, "{gap}{part}");
    }
    text.push(close);
    text
}

/// `name: value`, or nothing where that says nothing: the options of a subscription that are not set.
fn show_entry((name, value): &(Bytes, Value)) -> Option<String> {
    let name = String::from_utf8_lossy(name);
    match (&*name, value) {
        ("no_local" | "retain_as_published", Value::Bool(false)) | ("retain_handling", Value::Integer(0)) => {
            None
        }
        (_, value) => Some(format!("{name}: {}", show_value(value))),
    }
}

/// Bytes as hex digits, the first [`SHOWN_BYTES`] of them.
pub fn show_hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (index, byte) in bytes.iter().take(SHOWN_BYTES).enumerate() {
        let _ = write!(text, "{}{byte:02x}", if index == 0 { "" } else { " " });
    }
    if bytes.len() > SHOWN_BYTES {
        let _ = write!(text, " … {} bytes in all", bytes.len());
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn field(name: &'static str, value: impl Into<Value>) -> Field {
        Field { name, value: value.into(), label: None, span: 0..1 }
    }

    /// An ordinary PUBLISH that is sent again.
    pub(in super::super) fn publish() -> Packet {
        Packet {
            name: "publish",
            fields: vec![
                field("dup", true),
                field("qos", 1),
                field("retain", false),
                field("topic", "t"),
                field("packet_id", 7),
            ],
            oddities: Vec::new(),
            raw: Bytes::from_static(&[0x3a, 0x05, 0x00, 0x01, 0x74, 0x00, 0x07]),
        }
    }

    #[test]
    fn tables_show_what_is_set_and_are_cut_short() {
        let entry = |name: &'static str, value| (Bytes::from_static(name.as_bytes()), value);
        let subscription = Value::Map(vec![
            entry("filter", Value::text("a/#")),
            entry("no_local", Value::Bool(false)),
            entry("retain_as_published", Value::Bool(true)),
        ]);
        assert_eq!(
            show_value(&Value::List(vec![subscription])),
            "[{filter: \"a/#\", retain_as_published: true}]"
        );
        let tagged = Value::Tagged(b'I', Box::new(Value::Integer(5)));
        assert_eq!(show_value(&Value::Map(vec![entry("x-max-length", tagged)])), "{x-max-length: 5}");
        let long = Value::List(vec![Value::text("thirty letters and some more"); 9]);
        assert!(show_value(&long).ends_with(", … 9 in all]"), "{}", show_value(&long));
    }

    #[test]
    fn what_is_implied_is_not_shown() {
        let mut packet = publish();
        packet.name = "pubrec";
        packet.fields = vec![field("packet_id", 1), field("reason_code", 0)];
        for field in packet.fields.iter_mut().skip(1) {
            field.span = 4..4;
        }
        assert_eq!(show_packet(&packet), "pubrec packet_id=1");
    }

    #[test]
    fn long_packets_are_cut_short_and_counted() {
        assert_eq!(show_hex(&[0xab; 3]), "ab ab ab");
        let text = show_hex(&[0; 70]);
        assert!(text.ends_with("00 … 70 bytes in all"), "{text}");
        assert_eq!(text.matches("00").count(), SHOWN_BYTES);
    }
}
