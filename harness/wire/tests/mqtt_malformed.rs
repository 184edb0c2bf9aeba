//! What a draft can ask for beyond legal packets, and what it cannot ask for at all.

mod mqtt_support;

use bytes::Bytes;
use mqspec_wire::{Draft, EncodeError, Side, Spec, Value, encode, malformations, shapes};
use mqtt_support::{bytes, list, map, text};

fn written(spec: Spec, draft: &Draft) -> Vec<u8> {
    encode(spec, Side::Client, draft).expect("the draft can be written").concat()
}

fn refused(spec: Spec, draft: &Draft) -> EncodeError {
    encode(spec, Side::Client, draft).expect_err("the draft cannot be written")
}

fn raw(hex: &str) -> Bytes {
    bytes(hex).into()
}

#[test]
fn the_fixed_header_can_say_anything() {
    let ping = Draft::new("pingreq");
    let cases = [
        (ping.clone().malformed("packet_type", 15), "F0 00"),
        (ping.clone().malformed("flags", 15), "CF 00"),
        (ping.clone().malformed("remaining_length", 268_435_455), "C0 FFFFFF7F"),
        (ping.clone().malformed("remaining_length", 128), "C0 8001"),
        (ping.clone().malformed("remaining_length_bytes", raw("8000")), "C0 8000"),
        (ping.clone().malformed("remaining_length_bytes", raw("FFFFFFFF7F")), "C0 FFFFFFFF7F"),
        (ping.clone().malformed("remaining_length_bytes", raw("")), "C0"),
        (ping.malformed("append", raw("AA BB")), "C0 02 AA BB"),
    ];
    for (draft, hex) in cases {
        assert_eq!(written(Spec::Mqtt50, &draft), bytes(hex), "{draft:?}");
    }
}

#[test]
fn a_body_can_be_cut_lengthened_and_holed() {
    let publish = Draft::new("publish").with("topic", "ab").with("qos", 1).with("payload", "x");
    let cases = [
        (publish.clone(), "32 07 0002 6162 0001 78"),
        (publish.clone().malformed("truncate", 4), "32 03 0002 61"),
        (publish.clone().malformed("truncate", 4).malformed("append", raw("00")), "32 04 0002 61 00"),
        (publish.clone().malformed("cut", 5), "32 07 0002 61"),
        (publish.clone().malformed("cut", 500), "32 07 0002 6162 0001 78"),
        (publish.clone().malformed("omit", list([text("packet_id")])), "32 05 0002 6162 78"),
        (publish.clone().malformed("omit", list([text("topic"), text("payload")])), "32 02 0001"),
        (publish.malformed("flags", 0b1001), "39 07 0002 6162 0001 78"),
    ];
    for (draft, hex) in cases {
        assert_eq!(written(Spec::Mqtt311, &draft), bytes(hex), "{draft:?}");
    }
}

#[test]
fn property_sections_can_lie() {
    let publish = Draft::new("publish").with("topic_alias", 1);
    let cases = [
        (publish.clone(), "30 07 0001 74 03 23 0001"),
        (publish.clone().malformed("property_length", 9), "30 07 0001 74 09 23 0001"),
        (publish.clone().malformed("extra_properties", raw("7F")), "30 08 0001 74 04 23 0001 7F"),
        (publish.clone().malformed("omit_properties", true), "30 03 0001 74"),
        (Draft::new("puback").malformed("omit_properties", true), "40 03 0001 00"),
        (Draft::new("puback").malformed("property_length", 1), "40 04 0001 00 01"),
        (
            publish.with("topic_alias", 2).with("receive_maximum", 3),
            "30 0D 0001 74 09 23 0001 23 0002 21 0003",
        ),
    ];
    for (draft, hex) in cases {
        assert_eq!(written(Spec::Mqtt50, &draft), bytes(hex), "{draft:?}");
    }
    let will = Draft::new("connect")
        .with("will_topic_alias", 1)
        .with("user_property", list([map(&[("a", "")]), map(&[("b", "")])]))
        .malformed("will_extra_properties", raw("00"));
    let hex = "10 23 0004 4D515454 05 06 0000 0C 26 0001 61 0000 26 0001 62 0000 \
               0000 04 23 0001 00 0001 74 0000";
    assert_eq!(written(Spec::Mqtt50, &will), bytes(hex));
}

#[test]
fn flags_can_contradict_the_fields() {
    let head = "0004 4D515454 04";
    let cases = [
        (Draft::new("connect"), format!("10 0C {head} 02 0000 0000")),
        (Draft::new("connect").malformed("connect_flags", 3), format!("10 0C {head} 03 0000 0000")),
        (Draft::new("connect").with("will_flag", true), format!("10 0C {head} 06 0000 0000")),
        (Draft::new("connect").with("will_qos", 3), format!("10 0C {head} 1A 0000 0000")),
        (Draft::new("connect").with("user_name_flag", true), format!("10 0C {head} 82 0000 0000")),
        (
            Draft::new("connect").with("user_name", "u").with("user_name_flag", false),
            format!("10 0F {head} 02 0000 0000 0001 75"),
        ),
        (
            Draft::new("connect").malformed("omit", list([text("client_id"), text("connect_flags")])),
            format!("10 09 {head} 0000"),
        ),
        (Draft::new("connack").malformed("connack_flags", 0xFF), "20 02 FF 00".to_owned()),
        (Draft::new("publish").with("packet_id", 7), "30 05 0001 74 0007".to_owned()),
        (Draft::new("publish").with("qos", 3).with("packet_id", 0), "36 05 0001 74 0000".to_owned()),
        (Draft::new("subscribe").malformed("subscription_options", 0xFF), "82 06 0001 0001 74 FF".to_owned()),
        (
            Draft::new("subscribe").malformed("omit", list([text("subscription_options")])),
            "82 05 0001 0001 74".to_owned(),
        ),
        (Draft::new("subscribe").with("subscriptions", list([])), "82 02 0001".to_owned()),
        (Draft::new("unsubscribe").with("filters", list([])), "A2 02 0001".to_owned()),
    ];
    for (draft, hex) in cases {
        assert_eq!(written(Spec::Mqtt311, &draft), bytes(&hex), "{draft:?}");
    }
}

#[test]
fn text_need_not_be_text() {
    let draft = Draft::new("publish").with("topic", raw("FF00"));
    assert_eq!(written(Spec::Mqtt311, &draft), bytes("30 04 0002 FF00"));
}

#[test]
fn packets_that_no_layout_has_can_be_written() {
    let draft = Draft::new("unknown").with("packet_type", 15).with("flags", 3).with("body", raw("0102"));
    assert_eq!(written(Spec::Mqtt311, &draft), bytes("F3 02 0102"));
    assert_eq!(written(Spec::Mqtt50, &Draft::new("unknown")), bytes("00 00"));
}

#[test]
fn names_that_do_not_exist_are_told_apart() {
    let field = |packet: &str, field: &str| EncodeError::UnknownField {
        packet: packet.to_owned(),
        field: field.to_owned(),
    };
    let cases = [
        (Draft::new("auth"), EncodeError::UnknownPacket("auth".to_owned(), Spec::Mqtt311)),
        (Draft::new("publish").with("topik", "t"), field("publish", "topik")),
        (Draft::new("publish").with("topic_alias", 1), field("publish", "topic_alias")),
        (Draft::new("pingreq").with("packet_id", 1), field("pingreq", "packet_id")),
        (Draft::new("unknown").with("topic", "t"), field("unknown", "topic")),
        (
            Draft::new("subscribe").with("subscriptions", map(&[("no_local", "")])),
            field("subscribe", "subscriptions.no_local"),
        ),
        (Draft::new("connack").malformed("omit", text("code")), field("connack", "code")),
        (
            Draft::new("publish").malformed("frame_end", 1),
            EncodeError::UnknownMalformation("frame_end".to_owned()),
        ),
        (
            Draft::new("publish").malformed("will_flags", 1),
            EncodeError::UnknownMalformation("will_flags".to_owned()),
        ),
    ];
    for (draft, error) in cases {
        assert_eq!(refused(Spec::Mqtt311, &draft), error, "{draft:?}");
    }
}

#[test]
fn values_without_room_are_refused_with_what_would_be_right() {
    let long = Bytes::from(vec![b'a'; 65_536]);
    let cases = [
        (
            Draft::new("publish").with("qos", 4),
            "`qos` of `publish` cannot be 4: a number from 0 to 3 is needed",
        ),
        (
            Draft::new("publish").with("packet_id", 65_536),
            "`packet_id` of `publish` cannot be 65536: a number from 0 to 65535 is needed",
        ),
        (
            Draft::new("publish").with("message_expiry_interval", Value::Integer(1 << 32)),
            "`message_expiry_interval` of `publish` cannot be 4294967296: a number from 0 to 4294967295 is needed",
        ),
        (
            Draft::new("publish").with("subscription_identifier", 268_435_456),
            "`subscription_identifier` of `publish` cannot be 268435456: a number from 0 to 268435455 is needed",
        ),
        (
            Draft::new("publish").with("qos", -1),
            "`qos` of `publish` cannot be -1: a number from 0 to 3 is needed",
        ),
        (Draft::new("publish").with("dup", 2), "`dup` of `publish` cannot be 2: true or false is needed"),
        (
            Draft::new("publish").with("topic", 1),
            "`topic` of `publish` cannot be 1: text or bytes are needed",
        ),
        (
            Draft::new("publish").with("topic", "a").with("topic", "b"),
            "`topic` of `publish` cannot be \"b\": it is given twice, which only a property can be",
        ),
        (
            Draft::new("puback").with("reason_code", "granted_qos_0"),
            "`reason_code` of `puback` cannot be \"granted_qos_0\": this packet has no reason code of that name",
        ),
        (
            Draft::new("publish").with("user_property", "a"),
            "`user_property` of `publish` cannot be \"a\": names with their values are needed",
        ),
        (
            Draft::new("puback").malformed("truncate", 3),
            "`truncate` of `puback` cannot be 3: the body has 2 bytes",
        ),
        (
            Draft::new("puback").malformed("connect_flags", 3),
            "`malformed` of `puback` cannot be {\"connect_flags\": 3}: only `connect` has connect flags",
        ),
        (
            Draft::new("pingreq").malformed("property_length", 3),
            "`malformed` of `pingreq` cannot be {\"property_length\": 3}: this packet has no properties",
        ),
    ];
    for (draft, message) in cases {
        assert_eq!(refused(Spec::Mqtt50, &draft).to_string(), message);
    }
    let error = refused(Spec::Mqtt50, &Draft::new("publish").with("topic", long)).to_string();
    assert!(error.ends_with("a string has at most 65535 bytes"), "{error}");
}

#[test]
fn every_malformation_that_is_listed_is_understood() {
    for shape in malformations(Spec::Mqtt50) {
        let value = Value::Void;
        let error = refused(Spec::Mqtt50, &Draft::new("connect").malformed(shape.name, value));
        assert!(matches!(error, EncodeError::Unwritable { .. }), "{}: {error}", shape.name);
    }
}

#[test]
fn every_packet_has_a_default_form_that_is_legal() {
    for spec in [Spec::Mqtt311, Spec::Mqtt50] {
        let expected = if spec == Spec::Mqtt50 { 16 } else { 15 };
        assert_eq!(shapes(spec).len(), expected, "the packets of {spec} and `unknown`");
        for shape in shapes(spec).iter().filter(|shape| shape.name != "unknown") {
            let sender = if shape.sent_by.include(Side::Client) { Side::Client } else { Side::Server };
            let written = encode(spec, sender, &Draft::new(shape.name)).expect("defaults can be written");
            let (packets, rest) = mqtt_support::decode(spec, sender, &[&written.concat()]);
            let [packet] = packets.as_slice() else { panic!("{} is not one packet", shape.name) };
            assert_eq!((packet.name, rest), (shape.name, 0));
            // Nothing but the authentication method, which has no ordinary value.
            let method = "mqtt-5.0/MQSPEC-3.15.2.2.2-authentication-method-missing";
            assert!(packet.oddities.iter().all(|oddity| oddity.statement == method), "{packet:?}");
            assert_eq!(packet.oddities.len(), usize::from(shape.name == "auth"));
            for field in shape.fields.iter().filter(|field| !field.optional) {
                assert!(packet.get(field.name).is_some(), "{} has no {}", shape.name, field.name);
            }
        }
    }
}
