//! Packets out of a stream, and where exactly an oddity points.

mod mqtt_support;

use mqspec_wire::{Decoder, Side, Spec, Value};
use mqtt_support::{bytes, decode, decode_one};

#[test]
fn packets_come_one_by_one_and_the_rest_is_kept() {
    let mut decoder = Decoder::new(Spec::Mqtt311, Side::Client);
    decoder.push(&bytes("C0 00 30 03 0001 74 E0"));
    let names = [decoder.next_packet(), decoder.next_packet()].map(|packet| packet.map(|packet| packet.name));
    assert_eq!(names, [Some("pingreq"), Some("publish")]);
    assert_eq!(decoder.next_packet(), None);
    assert_eq!(decoder.rest(), [0xE0]);
    decoder.push(&[0x00]);
    assert_eq!(decoder.next_packet().map(|packet| packet.name), Some("disconnect"));
    assert!(decoder.rest().is_empty());
}

#[test]
fn a_declared_length_reserves_nothing() {
    let mut decoder = Decoder::new(Spec::Mqtt50, Side::Server);
    decoder.push(&bytes("30 FFFFFF7F 0001 74"));
    assert_eq!(decoder.next_packet(), None);
    assert_eq!(decoder.rest().len(), 8);
}

#[test]
fn an_unknown_type_is_framed_and_the_stream_goes_on() {
    let (packets, rest) = decode(Spec::Mqtt311, Side::Server, &[&bytes("F5 02 AABB D0 00")]);
    let names: Vec<_> = packets.iter().map(|packet| packet.name).collect();
    assert_eq!((names, rest), (vec!["unknown", "pingresp"], 0));
    let unknown = packets.first().expect("it is the first");
    assert_eq!(unknown.integer("packet_type"), Some(15));
    assert_eq!(unknown.integer("flags"), Some(5));
    assert_eq!(unknown.get("body"), Some(&Value::Bytes(bytes("AABB").into())));
}

#[test]
fn nothing_is_framed_after_a_length_of_five_bytes() {
    let mut decoder = Decoder::new(Spec::Mqtt50, Side::Server);
    decoder.push(&bytes("D0 00 30 FFFFFFFF 01 D0 00"));
    assert_eq!(decoder.next_packet().map(|packet| packet.name), Some("pingresp"));
    let lost = decoder.next_packet().expect("the rest is one packet");
    assert_eq!((lost.name, lost.raw.to_vec()), ("unknown", bytes("30 FFFFFFFF 01 D0 00")));
    assert_eq!(lost.oddities.len(), 1);
    assert_eq!(decoder.next_packet(), None);
    decoder.push(&bytes("D0 00"));
    let later = decoder.next_packet().expect("what arrives later is told too");
    assert_eq!((later.name, later.raw.to_vec(), later.oddities), ("unknown", bytes("D0 00"), Vec::new()));
    assert!(decoder.rest().is_empty());
}

#[test]
fn user_properties_are_one_field_also_with_others_between_them() {
    let packet = decode_one(
        Spec::Mqtt50,
        Side::Server,
        "30 16 0001 74 11 26 0001 61 0001 62 01 01 26 0002 6161 0001 63 65",
    );
    assert_eq!(packet.oddities, []);
    let properties: Vec<_> = packet.fields.iter().filter(|field| field.name == "user_property").collect();
    let [properties] = properties.as_slice() else { panic!("{packet:?}") };
    assert_eq!(properties.value, mqtt_support::map(&[("a", "b"), ("aa", "c")]));
    assert_eq!(properties.span, 6..23);
}

#[test]
fn an_oddity_points_at_the_offending_bytes() {
    let cases = [
        (Spec::Mqtt50, Side::Server, "62 02 0000", 2..4, "the packet identifier is 0"),
        (Spec::Mqtt50, Side::Client, "C0 8000", 1..3, "the remaining length 0 takes 2 bytes"),
        (Spec::Mqtt311, Side::Client, "38 03 0001 74", 0..1, "DUP is set at QoS 0"),
        (Spec::Mqtt311, Side::Server, "30 05 0003 61FF62", 5..6, "`topic` is not UTF-8 at byte 1: [ff]"),
        (
            Spec::Mqtt50,
            Side::Client,
            "82 0A 0001 00 0004 612F2361 00",
            9..11,
            "`#` is not the whole of the last level",
        ),
        (
            Spec::Mqtt50,
            Side::Server,
            "90 06 0001 00 00 03 80",
            6..7,
            "the reason code 0x03 is not one of this packet's",
        ),
        (
            Spec::Mqtt50,
            Side::Client,
            "E0 01 8E",
            2..3,
            "the reason code 0x8e (session_taken_over) is for the other side to send",
        ),
        (Spec::Mqtt50, Side::Client, "30 07 0001 74 03 23 0000", 6..9, "`topic_alias` is 0"),
        (
            Spec::Mqtt50,
            Side::Client,
            "30 0A 0001 74 06 23 0001 23 0002",
            9..10,
            "the property 0x23 (topic_alias) is repeated",
        ),
        (Spec::Mqtt311, Side::Server, "30 03 0005 74", 4..5, "`topic` needs 5 bytes and 1 are left"),
        (Spec::Mqtt311, Side::Client, "E0 02 0000", 2..4, "2 bytes follow the last field"),
    ];
    for (spec, sender, hex, span, message) in cases {
        let packet = decode_one(spec, sender, hex);
        let found: Vec<_> =
            packet.oddities.iter().map(|odd| (odd.span.clone(), odd.message.to_string())).collect();
        assert!(!found.is_empty(), "{hex} has no oddity");
        // One for each statement that the breach breaks.
        assert!(found.iter().all(|found| *found == (span.clone(), message.to_owned())), "{hex}: {found:?}");
    }
}
