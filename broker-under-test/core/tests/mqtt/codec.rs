//! The codec against bytes worked out from the standards' text.

use mqspec_broker_core::mqtt::codec::frame::Cut;
use mqspec_broker_core::mqtt::codec::{Frame, Packet, PacketIdentifier, Version};

/// The statement that a packet breaks, or none. Everything must be one whole frame.
fn statement(bytes: &[u8], version: Version) -> Option<&'static str> {
    let whole = match Frame::cut(bytes, 1_000) {
        Ok(Cut::Whole { frame, size }) => {
            assert_eq!(size, bytes.len(), "one packet");
            frame
        }
        Ok(other) => panic!("not a whole packet: {other:?}"),
        Err(violation) => return Some(violation.statement(version)),
    };
    Packet::decode(&whole, version).err().map(|violation| violation.statement(version))
}

#[track_caller]
fn check(version: Version, table: &[(&str, &[u8])]) {
    for (expected, bytes) in table {
        let expected = Some(*expected).filter(|expected| !expected.is_empty());
        let found = statement(bytes, version).map(|full| full.split_once('/').expect("its standard").1);
        assert_eq!(found, expected, "{bytes:02x?}");
    }
}

#[test]
fn a_whole_publish_of_5_0_is_read_field_by_field() {
    // QoS 1, DUP, RETAIN; topic a/b; id 10; expiry 9 s, alias 3, user property k=v; payload xyz
    let bytes = b"\x3b\x1a\x00\x03a/b\x00\x0a\x0f\x02\x00\x00\x00\x09\x23\x00\x03\x26\x00\x01k\x00\x01vxyz";
    let Ok(Cut::Whole { frame, .. }) = Frame::cut(bytes, 100) else { panic!("a whole packet") };
    let Ok(Packet::Publish(publish)) = Packet::decode(&frame, Version::V50) else { panic!("a PUBLISH") };
    assert!(publish.dup && publish.retain);
    assert_eq!(publish.topic_name, "a/b");
    assert_eq!(publish.packet_identifier.map(PacketIdentifier::get), Some(10));
    assert_eq!(publish.properties.message_expiry_secs, Some(9));
    assert_eq!(publish.properties.topic_alias, Some(3));
    assert_eq!(publish.properties.raw, b"\x02\x00\x00\x00\x09\x23\x00\x03\x26\x00\x01k\x00\x01v");
    assert_eq!(publish.payload, b"xyz");
}

#[test]
fn a_frame_is_whole_only_when_its_last_byte_has_arrived() {
    let bytes = b"\x30\x80\x01"; // Remaining Length 128
    assert_eq!(Frame::cut(bytes, 1_000), Ok(Cut::Incomplete));
    let mut long = bytes.to_vec();
    long.extend([0; 128]);
    assert_eq!(Frame::cut(long.get(..130).expect("131 bytes"), 1_000), Ok(Cut::Incomplete));
    assert!(matches!(Frame::cut(&long, 1_000), Ok(Cut::Whole { size: 131, .. })));
    assert!(matches!(Frame::cut(&long, 131), Ok(Cut::Whole { size: 131, .. })));
    assert!(matches!(Frame::cut(bytes, 130), Ok(Cut::TooLarge { .. })), "known before it arrives");
}

#[test]
fn good_packets_of_both_versions_are_taken() {
    for bytes in [
        &b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"[..],
        b"\x10\x1b\x00\x04MQTT\x04\xf6\x00\x0a\x00\x01c\x00\x01w\x00\x02m1\x00\x01u\x00\x02p1",
        b"\x30\x03\x00\x01t",
        b"\x3d\x05\x00\x01t\x00\x01",
        b"\x40\x02\x00\x01",
        b"\x50\x02\xff\xff",
        b"\x62\x02\x00\x01",
        b"\x70\x02\x00\x01",
        b"\x82\x06\x00\x01\x00\x01#\x02",
        b"\xa2\x05\x00\x01\x00\x01#",
        b"\xc0\x00",
        b"\xe0\x00",
        b"\x30\x83\x00\x00\x01t", // 3.1.1 does not ask for the shortest length
    ] {
        assert_eq!(statement(bytes, Version::V311), None, "{bytes:02x?}");
    }
    for bytes in [
        &b"\x10\x0d\x00\x04MQTT\x05\x00\x00\x00\x00\x00\x00"[..],
        // password without user name
        b"\x10\x11\x00\x04MQTT\x05\x40\x00\x00\x00\x00\x01c\x00\x01p",
        // every CONNECT property
        b"\x10\x32\x00\x04MQTT\x05\x00\x00\x00\x24\x11\x00\x00\x00\x01\x21\x00\x01\x27\x00\x00\x00\x01\
          \x22\x00\x00\x19\x01\x17\x00\x26\x00\x01a\x00\x01b\x15\x00\x01m\x16\x00\x02dd\x00\x01c",
        b"\x30\x04\x00\x01t\x00",
        b"\x30\x06\x00\x00\x03\x23\x00\x01",
        b"\x40\x03\x00\x01\x10",
        b"\x40\x04\x00\x01\x00\x00",
        b"\x50\x03\x00\x01\x97",
        b"\x62\x03\x00\x01\x92",
        b"\x70\x08\x00\x01\x92\x04\x1f\x00\x01r",
        b"\x82\x09\x00\x01\x02\x0b\x07\x00\x01#\x2e",
        b"\xa2\x06\x00\x01\x00\x00\x01#",
        b"\xe0\x00",
        b"\xe0\x01\x04",
        b"\xe0\x01\x8c",
        b"\xe0\x02\x00\x00",
        b"\xe0\x07\x00\x05\x11\x00\x00\x00\x01",
        b"\xf0\x06\x18\x04\x15\x00\x01m",
        b"\xf0\x00",
    ] {
        assert_eq!(statement(bytes, Version::V50), None, "{bytes:02x?}");
    }
}

#[test]
fn bad_packets_of_3_1_1_break_their_statements() {
    check(
        Version::V311,
        &[
            ("MQSPEC-2.2.1-packet-type-reserved", b"\x00\x00"),
            ("MQSPEC-2.2.1-packet-type-reserved", b"\xf0\x00"),
            ("MQSPEC-2.2.1-packet-direction", b"\x20\x02\x00\x00"),
            ("MQSPEC-2.2.1-packet-direction", b"\xd0\x00"),
            ("MQSPEC-2.2.3-remaining-length-size", b"\x30\xff\xff\xff\xff\x01"),
            ("MQTT-2.2.2-2", b"\x11\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"),
            ("MQTT-2.2.2-2", b"\x41\x02\x00\x01"),
            ("MQTT-2.2.2-2", b"\xc1\x00"),
            ("MQTT-3.6.1-1", b"\x60\x02\x00\x01"),
            ("MQTT-3.8.1-1", b"\x80\x06\x00\x01\x00\x01#\x02"),
            ("MQTT-3.10.1-1", b"\xa0\x05\x00\x01\x00\x01#"),
            ("MQTT-3.14.1-1", b"\xe1\x00"),
            ("MQTT-3.1.2-1", b"\x10\x0c\x00\x04MQTX\x04\x02\x00\x00\x00\x00"),
            ("MQTT-3.1.2-2", b"\x10\x0c\x00\x04MQTT\x06\x02\x00\x00\x00\x00"),
            ("MQTT-3.1.2-2", b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x00\x00\x01a"),
            ("MQTT-3.1.2-3", b"\x10\x0c\x00\x04MQTT\x04\x03\x00\x00\x00\x00"),
            ("MQTT-3.1.2-13", b"\x10\x0d\x00\x04MQTT\x04\x0a\x00\x00\x00\x01c"),
            ("MQTT-3.1.2-15", b"\x10\x0d\x00\x04MQTT\x04\x22\x00\x00\x00\x01c"),
            ("MQTT-3.1.2-14", b"\x10\x13\x00\x04MQTT\x04\x1e\x00\x00\x00\x01c\x00\x01w\x00\x01m"),
            ("MQTT-3.1.2-22", b"\x10\x10\x00\x04MQTT\x04\x42\x00\x00\x00\x01c\x00\x01p"),
            ("MQTT-3.1.3-3", b"\x10\x0a\x00\x04MQTT\x04\x02\x00\x00"),
            ("MQTT-3.1.2-9", b"\x10\x0d\x00\x04MQTT\x04\x06\x00\x00\x00\x01c"),
            ("MQTT-3.1.2-19", b"\x10\x0d\x00\x04MQTT\x04\x82\x00\x00\x00\x01c"),
            ("MQTT-3.1.2-21", b"\x10\x10\x00\x04MQTT\x04\xc2\x00\x00\x00\x01c\x00\x01u"),
            ("MQTT-3.1.2-18", b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x01c\x00\x01u"),
            ("MQTT-3.1.2-20", b"\x10\x13\x00\x04MQTT\x04\x82\x00\x00\x00\x01c\x00\x01u\x00\x01p"),
            ("MQTT-3.1.3-8", b"\x10\x0c\x00\x04MQTT\x04\x00\x00\x00\x00\x00"),
            ("MQTT-3.1.3-4", b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02\xc0\x80"),
            ("MQTT-1.5.3-2", b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01\x00"),
            ("MQTT-3.1.3-10", b"\x10\x13\x00\x04MQTT\x04\x06\x00\x00\x00\x01c\x00\x01\xff\x00\x01m"),
            ("MQTT-3.1.3-11", b"\x10\x10\x00\x04MQTT\x04\x82\x00\x00\x00\x01c\x00\x01\xff"),
            ("MQTT-4.7.1-1", b"\x10\x13\x00\x04MQTT\x04\x06\x00\x00\x00\x01c\x00\x01#\x00\x01m"),
            ("MQTT-3.3.1-4", b"\x36\x05\x00\x01t\x00\x01"),
            ("MQTT-3.3.1-2", b"\x38\x03\x00\x01t"),
            ("MQTT-2.3.1-1", b"\x32\x05\x00\x01t\x00\x00"),
            ("MQTT-3.3.2-2", b"\x30\x03\x00\x01#"),
            ("MQTT-3.3.2-2", b"\x30\x05\x00\x03a/+"),
            ("MQTT-3.3.2-1", b"\x30\x05\x00\x03\xed\xa0\x80"), // a surrogate
            ("MQTT-4.7.3-1", b"\x30\x02\x00\x00"),
            ("MQTT-4.7.3-2", b"\x30\x03\x00\x01\x00"),
            ("MQSPEC-2.2.3-body-truncated", b"\x30\x03\x00\x02t"),
            ("MQSPEC-2.3.1-acknowledged-packet-id-zero", b"\x40\x02\x00\x00"),
            ("MQSPEC-2.2.3-trailing-bytes", b"\x40\x03\x00\x01\x00"),
            ("MQSPEC-2.2.3-trailing-bytes", b"\xc0\x01\x00"),
            ("MQSPEC-2.2.3-trailing-bytes", b"\xe0\x01\x00"),
            ("MQTT-2.3.1-1", b"\x82\x06\x00\x00\x00\x01#\x02"),
            ("MQTT-3.8.3-3", b"\x82\x02\x00\x01"),
            ("MQTT-3-8.3-4", b"\x82\x06\x00\x01\x00\x01#\x03"),
            ("MQTT-3-8.3-4", b"\x82\x06\x00\x01\x00\x01#\x04"),
            ("MQTT-3.8.3-1", b"\x82\x06\x00\x01\x00\x01\xff\x00"),
            ("MQTT-3.10.3-2", b"\xa2\x02\x00\x01"),
            ("MQTT-3.10.3-1", b"\xa2\x05\x00\x01\x00\x01\xff"),
        ],
    );
}

#[test]
fn bad_packets_of_5_0_break_their_statements() {
    check(
        Version::V50,
        &[
            ("MQSPEC-2.1.2-packet-type-reserved", b"\x00\x00"),
            ("MQSPEC-2.1.2-packet-direction", b"\x20\x03\x00\x00\x00"),
            ("MQTT-1.5.5-1", b"\x30\x84\x00\x00\x01t\x00"),
            ("MQTT-1.5.5-1", b"\x30\x05\x00\x01t\x80\x00"),
            ("MQTT-2.1.3-1", b"\x41\x02\x00\x01"),
            ("MQTT-3.6.1-1", b"\x60\x02\x00\x01"),
            ("MQTT-3.14.1-1", b"\xe1\x00"),
            ("MQTT-3.15.1-1", b"\xf1\x00"),
            ("MQTT-3.1.2-3", b"\x10\x0d\x00\x04MQTT\x05\x03\x00\x00\x00\x00\x00"),
            ("MQTT-3.1.2-11", b"\x10\x0d\x00\x04MQTT\x05\x0a\x00\x00\x00\x00\x00"),
            ("MQTT-3.1.2-13", b"\x10\x0d\x00\x04MQTT\x05\x22\x00\x00\x00\x00\x00"),
            ("MQTT-3.1.2-12", b"\x10\x14\x00\x04MQTT\x05\x1e\x00\x00\x00\x00\x00\x00\x00\x01w\x00\x01m"),
            ("MQTT-3.1.2-9", b"\x10\x0d\x00\x04MQTT\x05\x06\x00\x00\x00\x00\x00"),
            ("MQTT-3.1.2-16", b"\x10\x10\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x00\x00\x01u"),
            ("MQTT-3.1.2-17", b"\x10\x0d\x00\x04MQTT\x05\x82\x00\x00\x00\x00\x00"),
            ("MQTT-3.1.2-19", b"\x10\x0d\x00\x04MQTT\x05\x42\x00\x00\x00\x00\x00"),
            ("MQSPEC-2.2.2.1-property-length", b"\x10\x0a\x00\x04MQTT\x05\x02\x00\x3c"),
            ("MQSPEC-2.2.2.1-property-length", b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x00\x03\x00\x00"),
            ("MQSPEC-2.2.2.2-property-unknown", b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x01\x7f\x00\x00"),
            (
                "MQSPEC-2.2.2.2-property-not-allowed",
                b"\x10\x10\x00\x04MQTT\x05\x02\x00\x00\x03\x23\x00\x01\x00\x00",
            ),
            (
                "MQSPEC-2.2.2.2-property-repeated",
                b"\x10\x13\x00\x04MQTT\x05\x02\x00\x00\x06\x21\x00\x01\x21\x00\x01\x00\x00",
            ),
            (
                "MQSPEC-3.1.2.11.3-receive-maximum-zero",
                b"\x10\x10\x00\x04MQTT\x05\x02\x00\x00\x03\x21\x00\x00\x00\x00",
            ),
            (
                "MQSPEC-3.1.2.11.4-maximum-packet-size-zero",
                b"\x10\x12\x00\x04MQTT\x05\x02\x00\x00\x05\x27\x00\x00\x00\x00\x00\x00",
            ),
            (
                "MQSPEC-3.1.2.11.6-request-response-information-value",
                b"\x10\x0f\x00\x04MQTT\x05\x02\x00\x00\x02\x19\x02\x00\x00",
            ),
            (
                "MQSPEC-3.1.2.11.7-request-problem-information-value",
                b"\x10\x0f\x00\x04MQTT\x05\x02\x00\x00\x02\x17\x02\x00\x00",
            ),
            (
                "MQSPEC-3.1.2.11.10-authentication-data-without-method",
                b"\x10\x10\x00\x04MQTT\x05\x02\x00\x00\x03\x16\x00\x00\x00\x00",
            ),
            (
                "MQSPEC-3.1.3.2.3-will-payload-format-indicator-value",
                b"\x10\x16\x00\x04MQTT\x05\x06\x00\x00\x00\x00\x00\x02\x01\x02\x00\x01w\x00\x01m",
            ),
            ("MQTT-3.3.1-4", b"\x36\x06\x00\x01t\x00\x01\x00"),
            ("MQTT-3.3.1-2", b"\x38\x04\x00\x01t\x00"),
            ("MQTT-2.2.1-3", b"\x32\x06\x00\x01t\x00\x00\x00"),
            ("MQTT-3.3.2-2", b"\x30\x04\x00\x01#\x00"),
            ("MQSPEC-3.3.2.1-topic-empty-without-alias", b"\x30\x03\x00\x00\x00"),
            ("MQTT-3.3.2-8", b"\x30\x07\x00\x01t\x03\x23\x00\x00"),
            ("MQTT-3.3.2-14", b"\x30\x08\x00\x01t\x04\x08\x00\x01#"),
            ("MQTT-4.7.3-1", b"\x30\x07\x00\x01t\x03\x08\x00\x00"),
            ("MQTT-3.3.2-13", b"\x30\x08\x00\x01t\x04\x08\x00\x01\xff"),
            ("MQTT-3.3.2-19", b"\x30\x08\x00\x01t\x04\x03\x00\x01\xff"),
            ("MQTT-1.5.7-1", b"\x30\x0b\x00\x01t\x07\x26\x00\x01k\x00\x01\xff"),
            ("MQTT-3.3.4-6", b"\x30\x06\x00\x01t\x02\x0b\x01"),
            ("MQSPEC-3.3.2.3.2-payload-format-indicator-value", b"\x30\x06\x00\x01t\x02\x01\x02"),
            ("MQTT-3.4.2-1", b"\x40\x03\x00\x01\x01"),
            ("MQTT-3.5.2-1", b"\x50\x03\x00\x01\x92"),
            ("MQTT-3.6.2-1", b"\x62\x03\x00\x01\x80"),
            ("MQTT-3.7.2-1", b"\x70\x03\x00\x01\xff"),
            ("MQSPEC-2.1.4-trailing-bytes", b"\x40\x05\x00\x01\x00\x00\x00"),
            ("MQTT-3.8.3-2", b"\x82\x03\x00\x01\x00"),
            ("MQTT-3.8.3-5", b"\x82\x07\x00\x01\x00\x00\x01#\x40"),
            ("MQTT-3.8.3-5", b"\x82\x07\x00\x01\x00\x00\x01#\x80"),
            ("MQSPEC-3.8.3.1-qos-three", b"\x82\x07\x00\x01\x00\x00\x01#\x03"),
            ("MQSPEC-3.8.3.1-retain-handling-three", b"\x82\x07\x00\x01\x00\x00\x01#\x30"),
            ("MQSPEC-3.8.2.1.2-subscription-identifier-zero", b"\x82\x09\x00\x01\x02\x0b\x00\x00\x01#\x00"),
            (
                "MQSPEC-1.5.5-variable-byte-integer-size",
                b"\x82\x0c\x00\x01\x05\x0b\xff\xff\xff\xff\x00\x01#\x00",
            ),
            ("MQTT-3.10.3-2", b"\xa2\x03\x00\x01\x00"),
            ("MQTT-3.14.2-1", b"\xe0\x01\xff"),
            ("MQTT-3.14.2-1", b"\xe0\x01\x8e"), // only servers say "session taken over"
            ("MQTT-3.15.2-1", b"\xf0\x02\x80\x00"),
        ],
    );
}
