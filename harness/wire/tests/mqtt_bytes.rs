//! MQTT packets whose bytes were worked out from the standards' text, each read into fields and written
//! from a draft, so that no encoder vouches for its own decoder.

mod mqtt_support;

use bytes::Bytes;
use mqspec_wire::{Draft, Side, Spec, Value, encode};
use mqtt_support::{bytes, decode_one, list, map, text};

/// The draft makes these bytes, and these bytes read as these fields without an oddity.
fn both_ways(spec: Spec, sender: Side, draft: &Draft, hex: &str, fields: &[(&str, Value)]) {
    let written = encode(spec, sender, draft).expect("the draft can be written").concat();
    assert_eq!(written, bytes(hex), "{} in {spec}", draft.name);
    let packet = decode_one(spec, sender, hex);
    assert_eq!(packet.name, draft.name);
    assert_eq!(packet.oddities, [], "{} in {spec}", draft.name);
    let read: Vec<_> = packet.fields.iter().map(|field| (field.name, field.value.clone())).collect();
    assert_eq!(read, fields, "{} in {spec}", draft.name);
}

fn bit(bit: bool) -> Value {
    Value::Bool(bit)
}

fn number(number: i128) -> Value {
    Value::Integer(number)
}

#[test]
fn connect_of_3_1_1() {
    // 3.1.2 figure 3.6: MQTT, level 4, flags CE = user name, password, will QoS 1, will, clean; keep alive 10.
    let draft = Draft::new("connect")
        .with("keep_alive", 10)
        .with("client_id", "c")
        .with("will_topic", "w")
        .with("will_payload", Bytes::from_static(&[0xFF]))
        .with("will_qos", 1)
        .with("user_name", "u")
        .with("password", "p");
    both_ways(
        Spec::Mqtt311,
        Side::Client,
        &draft,
        "10 19 00 04 4D515454 04 CE 000A 0001 63 0001 77 0001 FF 0001 75 0001 70",
        &[
            ("protocol_name", text("MQTT")),
            ("protocol_level", number(4)),
            ("clean_start", bit(true)),
            ("will_flag", bit(true)),
            ("will_qos", number(1)),
            ("will_retain", bit(false)),
            ("user_name_flag", bit(true)),
            ("password_flag", bit(true)),
            ("keep_alive", number(10)),
            ("client_id", text("c")),
            ("will_topic", text("w")),
            ("will_payload", Value::Bytes(Bytes::from_static(&[0xFF]))),
            ("user_name", text("u")),
            ("password", text("p")),
        ],
    );
}

#[test]
fn connect_of_5_0_with_will_properties() {
    let draft = Draft::new("connect")
        .with("clean_start", false)
        .with("session_expiry_interval", 10)
        .with("receive_maximum", 2)
        .with("user_property", map(&[("a", "b"), ("a", "c")]))
        .with("client_id", "c")
        .with("will_delay_interval", 1)
        .with("will_content_type", "x")
        .with("will_topic", "w")
        .with("will_retain", true);
    let hex = "10 33 0004 4D515454 05 24 0000 \
               16 11 0000000A 21 0002 26 0001 61 0001 62 26 0001 61 0001 63 \
               0001 63  09 18 00000001 03 0001 78  0001 77 0000";
    both_ways(
        Spec::Mqtt50,
        Side::Client,
        &draft,
        hex,
        &[
            ("protocol_name", text("MQTT")),
            ("protocol_level", number(5)),
            ("clean_start", bit(false)),
            ("will_flag", bit(true)),
            ("will_qos", number(0)),
            ("will_retain", bit(true)),
            ("user_name_flag", bit(false)),
            ("password_flag", bit(false)),
            ("keep_alive", number(0)),
            ("session_expiry_interval", number(10)),
            ("receive_maximum", number(2)),
            ("user_property", map(&[("a", "b"), ("a", "c")])),
            ("client_id", text("c")),
            ("will_delay_interval", number(1)),
            ("will_content_type", text("x")),
            ("will_topic", text("w")),
            ("will_payload", text("")),
        ],
    );
}

#[test]
fn connack() {
    let draft = Draft::new("connack").with("reason_code", "not_authorized");
    both_ways(
        Spec::Mqtt311,
        Side::Server,
        &draft,
        "20 02 00 05",
        &[("session_present", bit(false)), ("reason_code", number(5))],
    );
    both_ways(
        Spec::Mqtt50,
        Side::Server,
        &draft,
        "20 03 00 87 00",
        &[("session_present", bit(false)), ("reason_code", number(0x87))],
    );
    let accepted = Draft::new("connack")
        .with("session_present", true)
        .with("maximum_qos", 1)
        .with("assigned_client_identifier", "x")
        .with("server_keep_alive", 60);
    both_ways(
        Spec::Mqtt50,
        Side::Server,
        &accepted,
        "20 0C 01 00 09 24 01 12 0001 78 13 003C",
        &[
            ("session_present", bit(true)),
            ("reason_code", number(0)),
            ("maximum_qos", number(1)),
            ("assigned_client_identifier", text("x")),
            ("server_keep_alive", number(60)),
        ],
    );
}

#[test]
fn publish() {
    let draft = Draft::new("publish")
        .with("topic", "a/b")
        .with("qos", 1)
        .with("retain", true)
        .with("packet_id", 10)
        .with("payload", "hi");
    let fields = [
        ("dup", bit(false)),
        ("qos", number(1)),
        ("retain", bit(true)),
        ("topic", text("a/b")),
        ("packet_id", number(10)),
        ("payload", text("hi")),
    ];
    both_ways(Spec::Mqtt311, Side::Client, &draft, "33 09 0003 612F62 000A 6869", &fields);
    both_ways(Spec::Mqtt50, Side::Client, &draft, "33 0A 0003 612F62 000A 00 6869", &fields);
}

#[test]
fn publish_of_5_0_with_two_subscription_identifiers_and_an_alias() {
    let draft = Draft::new("publish")
        .with("topic", "")
        .with("topic_alias", 7)
        .with("subscription_identifier", list([number(1), number(128)]))
        .with("payload_format_indicator", 1);
    both_ways(
        Spec::Mqtt50,
        Side::Server,
        &draft,
        "30 0D 0000 0A 23 0007 0B 01 0B 8001 01 01",
        &[
            ("dup", bit(false)),
            ("qos", number(0)),
            ("retain", bit(false)),
            ("topic", text("")),
            ("topic_alias", number(7)),
            ("subscription_identifier", number(1)),
            ("subscription_identifier", number(128)),
            ("payload_format_indicator", number(1)),
            ("payload", text("")),
        ],
    );
}

#[test]
fn acknowledgements() {
    for (name, first) in [("puback", "40"), ("pubrec", "50"), ("pubrel", "62"), ("pubcomp", "70")] {
        let draft = Draft::new(name).with("packet_id", 0x1234);
        let id = ("packet_id", number(0x1234));
        let short = format!("{first} 02 1234");
        both_ways(Spec::Mqtt311, Side::Server, &draft, &short, std::slice::from_ref(&id));
        both_ways(Spec::Mqtt50, Side::Server, &draft, &short, &[id.clone(), ("reason_code", number(0))]);
        let draft = draft.with("reason_code", 0).with("reason_string", "ok");
        let long = format!("{first} 09 1234 00 05 1F 0002 6F6B");
        let fields = [id, ("reason_code", number(0)), ("reason_string", text("ok"))];
        both_ways(Spec::Mqtt50, Side::Server, &draft, &long, &fields);
    }
}

#[test]
fn subscribe_and_suback() {
    let entry = |filter: &str, qos| {
        [(Bytes::from_static(b"filter"), text(filter)), (Bytes::from_static(b"qos"), number(qos))].to_vec()
    };
    let both = list([Value::Map(entry("a/b", 1)), Value::Map(entry("c/d", 2))]);
    let draft = Draft::new("subscribe").with("packet_id", 10).with("subscriptions", both.clone());
    // The example of 3.1.1 section 3.8.3.1.
    both_ways(
        Spec::Mqtt311,
        Side::Client,
        &draft,
        "82 0E 000A 0003 612F62 01 0003 632F64 02",
        &[("packet_id", number(10)), ("subscriptions", both)],
    );
    let mut options = entry("#", 2);
    options.extend([
        (Bytes::from_static(b"no_local"), bit(true)),
        (Bytes::from_static(b"retain_as_published"), bit(true)),
        (Bytes::from_static(b"retain_handling"), number(2)),
    ]);
    let one = list([Value::Map(options)]);
    let draft = Draft::new("subscribe").with("subscription_identifier", 3).with("subscriptions", one.clone());
    both_ways(
        Spec::Mqtt50,
        Side::Client,
        &draft,
        "82 09 0001 02 0B 03 0001 23 2E",
        &[("packet_id", number(1)), ("subscription_identifier", number(3)), ("subscriptions", one)],
    );

    let draft = Draft::new("suback").with("reason_codes", list([number(0), number(2), number(0x80)]));
    let codes = [("packet_id", number(1)), ("reason_codes", list([number(0), number(2), number(0x80)]))];
    both_ways(Spec::Mqtt311, Side::Server, &draft, "90 05 0001 00 02 80", &codes);
    both_ways(Spec::Mqtt50, Side::Server, &draft, "90 06 0001 00 00 02 80", &codes);
}

#[test]
fn unsubscribe_and_unsuback() {
    let draft = Draft::new("unsubscribe").with("filters", list([text("a"), text("+/b")]));
    let fields = [("packet_id", number(1)), ("filters", list([text("a"), text("+/b")]))];
    both_ways(Spec::Mqtt311, Side::Client, &draft, "A2 0A 0001 0001 61 0003 2B2F62", &fields);
    both_ways(Spec::Mqtt50, Side::Client, &draft, "A2 0B 0001 00 0001 61 0003 2B2F62", &fields);
    let draft = Draft::new("unsuback");
    both_ways(Spec::Mqtt311, Side::Server, &draft, "B0 02 0001", &[("packet_id", number(1))]);
    let draft = draft.with("reason_codes", list([number(0), text("no_subscription_existed")]));
    both_ways(
        Spec::Mqtt50,
        Side::Server,
        &draft,
        "B0 05 0001 00 00 11",
        &[("packet_id", number(1)), ("reason_codes", list([number(0), number(0x11)]))],
    );
}

#[test]
fn pings_and_the_end_of_a_connection() {
    for spec in [Spec::Mqtt311, Spec::Mqtt50] {
        both_ways(spec, Side::Client, &Draft::new("pingreq"), "C0 00", &[]);
        both_ways(spec, Side::Server, &Draft::new("pingresp"), "D0 00", &[]);
    }
    let draft = Draft::new("disconnect");
    both_ways(Spec::Mqtt311, Side::Client, &draft, "E0 00", &[]);
    both_ways(Spec::Mqtt50, Side::Client, &draft, "E0 00", &[("reason_code", number(0))]);
    let draft = draft.with("reason_code", "session_taken_over").with("server_reference", "h");
    both_ways(
        Spec::Mqtt50,
        Side::Server,
        &draft,
        "E0 06 8E 04 1C 0001 68",
        &[("reason_code", number(0x8E)), ("server_reference", text("h"))],
    );
    let draft = Draft::new("auth").with("authentication_method", "m").with("authentication_data", "d");
    both_ways(
        Spec::Mqtt50,
        Side::Server,
        &draft,
        "F0 0A 18 08 15 0001 6D 16 0001 64",
        &[
            ("reason_code", number(0x18)),
            ("authentication_method", text("m")),
            ("authentication_data", text("d")),
        ],
    );
}

#[test]
fn labels_and_spans_point_at_the_bytes() {
    let packet = decode_one(Spec::Mqtt50, Side::Server, "40 04 0007 97 00");
    let code = packet.fields.iter().find(|field| field.name == "reason_code").expect("it has a code");
    assert_eq!((code.label, code.span.clone()), (Some("quota_exceeded"), 4..5));
    let packet = decode_one(Spec::Mqtt50, Side::Server, "40 02 0007");
    let code = packet.fields.iter().find(|field| field.name == "reason_code").expect("it is implied");
    assert_eq!((code.label, code.span.clone()), (Some("success"), 4..4));
    let packet = decode_one(Spec::Mqtt50, Side::Server, "30 0A 0001 74 05 02 00000009 68");
    let spans: Vec<_> = packet.fields.iter().skip(3).map(|field| (field.name, field.span.clone())).collect();
    assert_eq!(spans, [("topic", 2..5), ("message_expiry_interval", 6..11), ("payload", 11..12)]);
}
