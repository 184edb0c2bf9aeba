//! Octets that a strict reader accepts: no oddity, and the values that the standard gives them.

use mqspec_wire::Side::{Client, Server};
use mqspec_wire::{Packet, Side, Value};

use crate::support::{decode, decode_one, entry, frame, hex};

/// Sender, frame type, channel, payload: the corners that `methods.rs` has no row for.
#[rustfmt::skip]
const FRAMES: &[(Side, u8, u16, &str)] = &[
    (Client, 8, 0, ""),
    (Server, 8, 0, ""),
    // The highest channel, the longest consumer tag, the highest tag.
    (Server, 1, 0xffff, "0014 000b 00000000"),
    (Client, 1, 1, "003c 0050 ffffffffffffffff 00"),
    // Everything outstanding: tag 0 is a client's to use.
    (Client, 1, 1, "003c 0050 0000000000000000 01"),
    (Client, 1, 1, "003c 0078 0000000000000000 03"),
    // Frame limits: none, the least.
    (Server, 1, 0, "000a 001e 0000 00000000 0000"),
    (Client, 1, 0, "000a 001f 0000 00001000 0000"),
    // Several mechanisms and locales.
    (Server, 1, 0, "000a 000a 00 09 00000000 0000000e 504c41494e20414d51504c41494e 0000000b 64655f444520656e5f5553"),
    // A challenge of any octets; a response of none.
    (Server, 1, 0, "000a 0014 00000003 00ff80"),
    // UTF-8 beyond ASCII in a consumer tag.
    (Server, 1, 1, "003c 0015 02 c3a9"),
    // An empty queue name is the current queue, an empty exchange the default one.
    (Client, 1, 1, "0032 0014 0000 00 00 00 00 00000000"),
    // Names with all four signs.
    (Client, 1, 1, "0032 001e 0000 07 612d5f2e3a3941 00"),
    // A close that nothing caused; a return with RabbitMQ's code 312.
    (Server, 1, 0, "000a 0032 0140 01 78 0000 0000"),
    (Server, 1, 1, "003c 0032 0138 01 78 00 00"),
    // A server's cancel.
    (Server, 1, 1, "003c 001e 01 63 01"),
    // Contents: no properties and no body; an empty body frame; any octets in a body.
    (Client, 2, 1, "003c 0000 0000000000000000 0000"),
    (Client, 3, 1, ""),
    (Server, 3, 1, "00ce00ce"),
    // All fourteen properties: flags 0xfffc.
    (Client, 2, 1, "003c 0000 000000000000000a fffc 01 74 01 65 00000000 02 09 01 63 01 72 02 3130 01 6d 000000005f5e1000 01 74 01 75 01 61 00"),
    // Persistent, priority 0; expiration 0; an empty reserved property.
    (Client, 2, 1, "003c 0000 0000000000000001 1800 01 00"),
    (Client, 2, 1, "003c 0000 0000000000000001 0100 01 30"),
    (Client, 2, 1, "003c 0000 0000000000000001 0004 00"),
    // A body of the largest size.
    (Server, 2, 1, "003c 0000 ffffffffffffffff 0000"),
    // Tables: names of RabbitMQ's own, names with $ and #, an empty array, an empty table.
    (Client, 1, 1, "0032 000a 0000 00 00 00000009 07 782d6d61746368 56"),
    (Client, 1, 1, "0032 000a 0000 00 00 00000009 02 2461 56 03 235f39 56"),
    (Client, 1, 1, "0032 000a 0000 00 00 0000000e 01 61 41 00000000 01 62 46 00000000"),
    // The same name in two tables is no repetition.
    (Client, 1, 1, "0032 000a 0000 00 00 0000000a 01 61 46 00000003 01 61 56"),
    // All bits of an octet in use but the last three.
    (Client, 1, 1, "0032 000a 0000 00 1f 00000000"),
];

#[test]
fn good_frames_are_not_odd() {
    for (sender, frame_type, channel, payload) in FRAMES {
        let packet = decode_one(*sender, &frame(*frame_type, *channel, &hex(payload)));
        assert_ne!(packet.name, "unknown", "{payload}");
        assert_eq!(packet.oddities, [], "{payload}");
        assert_eq!(packet.integer("channel"), Some(i128::from(*channel)), "{payload}");
    }
}

#[test]
fn a_protocol_header_stands_at_the_beginning_of_either_side() {
    for (sender, stream) in [
        (Client, "414d5150 00000901 08 0000 00000000 ce"),
        (Server, "414d5150 00000901 08 0000 00000000 ce"),
        (Server, "414d5150 03010000 08 0000 00000000 ce"),
    ] {
        let packets = decode(sender, &hex(stream));
        let names: Vec<_> = packets.iter().map(|packet| packet.name).collect();
        assert_eq!(names, ["protocol-header", "heartbeat"], "{stream}");
        assert!(packets.iter().all(|packet| packet.oddities.is_empty()), "{stream}");
    }
    let packet = decode_one(Server, &hex("414d5150 03010000"));
    let octets = ["protocol_id", "major", "minor", "revision"].map(|name| packet.integer(name));
    assert_eq!(octets, [Some(3), Some(1), Some(0), Some(0)]);
}

fn property(packet: &Packet, name: &str) -> Value {
    packet.get(name).cloned().expect("a property")
}

#[test]
fn every_property_has_its_flag_and_its_place() {
    let payload = "003c 0000 000000000000000a fffc 01 74 01 65 00000003 01 68 56 02 09 01 63 01 72 02 3130
                   01 6d 000000005f5e1000 02 7479 01 75 01 61 00";
    let packet = decode_one(Client, &frame(2, 1, &hex(payload)));
    assert_eq!(packet.oddities, []);
    assert_eq!(packet.integer("body_size"), Some(10));
    assert_eq!(packet.integer("property_flags"), Some(0xfffc));
    let texts = [
        ("content_type", "t"),
        ("content_encoding", "e"),
        ("correlation_id", "c"),
        ("reply_to", "r"),
        ("expiration", "10"),
        ("message_id", "m"),
        ("type", "ty"),
        ("user_id", "u"),
        ("app_id", "a"),
        ("cluster_id", ""),
    ];
    for (name, text) in texts {
        assert_eq!(property(&packet, name), Value::text(text), "{name}");
    }
    assert_eq!(property(&packet, "headers"), Value::Map(vec![entry("h", b'V', Value::Void)]));
    assert_eq!(property(&packet, "delivery_mode"), Value::from(2));
    assert_eq!(property(&packet, "priority"), Value::from(9));
    assert_eq!(property(&packet, "timestamp"), Value::from(1_600_000_000));
}

#[test]
fn each_property_flag_alone_announces_its_property() {
    let properties = [
        (0x8000, "content_type", "01 78"),
        (0x4000, "content_encoding", "01 78"),
        (0x2000, "headers", "00000000"),
        (0x1000, "delivery_mode", "01"),
        (0x0800, "priority", "01"),
        (0x0400, "correlation_id", "01 78"),
        (0x0200, "reply_to", "01 78"),
        (0x0100, "expiration", "01 31"),
        (0x0080, "message_id", "01 78"),
        (0x0040, "timestamp", "0000000000000001"),
        (0x0020, "type", "01 78"),
        (0x0010, "user_id", "01 78"),
        (0x0008, "app_id", "01 78"),
        (0x0004, "cluster_id", "00"),
    ];
    for (flag, name, octets) in properties {
        let payload = format!("003c 0000 0000000000000000 {flag:04x} {octets}");
        let packet = decode_one(Client, &frame(2, 1, &hex(&payload)));
        assert_eq!(packet.oddities, [], "{name}");
        let names: Vec<_> = packet.fields.iter().map(|field| field.name).collect();
        assert_eq!(names, ["channel", "class_id", "weight", "body_size", "property_flags", name]);
    }
}

#[test]
fn each_type_of_table_value_is_read_with_its_tag() {
    let n = |number: i128| Value::Integer(number);
    let nested = Value::Map(vec![entry("b", b't', Value::Bool(true))]);
    let array =
        Value::List(vec![Value::Tagged(b'b', Box::new(n(-1))), Value::Tagged(b'V', Box::new(Value::Void))]);
    let values = [
        (b't', "00", Value::Bool(false)),
        (b't', "01", Value::Bool(true)),
        (b'b', "ff", n(-1)),
        (b'B', "ff", n(255)),
        (b's', "8000", n(-32_768)),
        (b'u', "8000", n(32_768)),
        (b'I', "80000000", n(-2_147_483_648)),
        (b'i', "80000000", n(2_147_483_648)),
        (b'l', "ffffffffffffffff", n(-1)),
        (b'T', "ffffffffffffffff", n(u64::MAX.into())),
        (b'f', "3fc00000", Value::Float(1.5)),
        (b'd', "bff8000000000000", Value::Float(-1.5)),
        (b'D', "02 ffffff85", Value::List(vec![n(2), n(-123)])),
        (b'S', "00000002 6869", Value::text("hi")),
        (b'x', "00000002 00ff", Value::Bytes(vec![0, 0xff].into())),
        (b'A', "00000003 62ff 56", array),
        (b'F', "00000004 01 62 74 01", nested),
        (b'V', "", Value::Void),
    ];
    for (tag, octets, value) in values {
        let length = 3 + hex(octets).len();
        let payload = format!("0032 000a 0000 00 00 {length:08x} 01 61 {tag:02x} {octets}");
        let packet = decode_one(Client, &frame(1, 1, &hex(&payload)));
        assert_eq!(packet.oddities, [], "{payload}");
        assert_eq!(property(&packet, "arguments"), Value::Map(vec![entry("a", tag, value)]), "{payload}");
    }
}
