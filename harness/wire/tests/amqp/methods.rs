//! Every method in both directions: payload octets worked out by hand from the standard's reference and
//! RabbitMQ's extended definition, never from this crate's encoder.

use mqspec_wire::amqp::{encode, shapes};
use mqspec_wire::{Draft, Senders, Side, Value};

use crate::support::{decode_one, entry, fields, frame, hex};

/// A method, its payload, and its fields in wire order.
type Row = (&'static str, &'static str, Vec<(&'static str, Value)>);

fn n(number: i32) -> Value {
    Value::from(number)
}

fn s(text: &str) -> Value {
    Value::text(text)
}

fn empty() -> Value {
    Value::Map(Vec::new())
}

const ON: Value = Value::Bool(true);
const OFF: Value = Value::Bool(false);

fn connection_and_channel() -> Vec<Row> {
    let product = Value::Map(vec![entry("product", b'S', s("b"))]);
    vec![
        (
            "connection.start",
            "000a 000a 00 09 0000000e 0770726f64756374 53 00000001 62 00000005 504c41494e 00000005 656e5f5553",
            vec![
                ("version_major", n(0)),
                ("version_minor", n(9)),
                ("server_properties", product),
                ("mechanisms", s("PLAIN")),
                ("locales", s("en_US")),
            ],
        ),
        (
            "connection.start-ok",
            "000a 000b 00000000 05 504c41494e 00000004 00610062 05 656e5f5553",
            vec![
                ("client_properties", empty()),
                ("mechanism", s("PLAIN")),
                ("response", s("\0a\0b")),
                ("locale", s("en_US")),
            ],
        ),
        ("connection.secure", "000a 0014 00000002 6869", vec![("challenge", s("hi"))]),
        ("connection.secure-ok", "000a 0015 00000000", vec![("response", s(""))]),
        (
            "connection.tune",
            "000a 001e 07ff 00020000 003c",
            vec![("channel_max", n(2047)), ("frame_max", n(131_072)), ("heartbeat", n(60))],
        ),
        (
            "connection.tune-ok",
            "000a 001f 0000 00001000 0000",
            vec![("channel_max", n(0)), ("frame_max", n(4096)), ("heartbeat", n(0))],
        ),
        (
            "connection.open",
            "000a 0028 01 2f 00 00",
            vec![("virtual_host", s("/")), ("reserved_1", s("")), ("reserved_2", OFF)],
        ),
        ("connection.open-ok", "000a 0029 00", vec![("reserved_1", s(""))]),
        (
            "connection.close",
            "000a 0032 0194 03 627965 0032 000a",
            vec![("reply_code", n(404)), ("reply_text", s("bye")), ("class_id", n(50)), ("method_id", n(10))],
        ),
        ("connection.close-ok", "000a 0033", vec![]),
        ("connection.blocked", "000a 003c 03 6c6f77", vec![("reason", s("low"))]),
        ("connection.unblocked", "000a 003d", vec![]),
        (
            "connection.update-secret",
            "000a 0046 00000003 616263 01 72",
            vec![("new_secret", s("abc")), ("reason", s("r"))],
        ),
        ("connection.update-secret-ok", "000a 0047", vec![]),
        ("channel.open", "0014 000a 00", vec![("reserved_1", s(""))]),
        ("channel.open-ok", "0014 000b 00000000", vec![("reserved_1", s(""))]),
        ("channel.flow", "0014 0014 01", vec![("active", ON)]),
        ("channel.flow-ok", "0014 0015 00", vec![("active", OFF)]),
        (
            "channel.close",
            "0014 0028 00c8 02 6f6b 0000 0000",
            vec![("reply_code", n(200)), ("reply_text", s("ok")), ("class_id", n(0)), ("method_id", n(0))],
        ),
        ("channel.close-ok", "0014 0029", vec![]),
        (
            "access.request",
            "001e 000a 05 2f64617461 1a",
            vec![
                ("realm", s("/data")),
                ("exclusive", OFF),
                ("passive", ON),
                ("active", OFF),
                ("write", ON),
                ("read", ON),
            ],
        ),
        ("access.request-ok", "001e 000b 0001", vec![("reserved_1", n(1))]),
    ]
}

fn exchange_and_queue() -> Vec<Row> {
    let binding = || vec![("reserved_1", n(0)), ("destination", s("d")), ("source", s("s"))];
    let rest = || vec![("routing_key", s("k")), ("no_wait", ON), ("arguments", empty())];
    let queue = || vec![("reserved_1", n(0)), ("queue", s("q"))];
    vec![
        (
            "exchange.declare",
            "0028 000a 0000 01 65 06 66616e6f7574 16 00000000",
            vec![
                ("reserved_1", n(0)),
                ("exchange", s("e")),
                ("type", s("fanout")),
                ("passive", OFF),
                ("durable", ON),
                ("auto_delete", ON),
                ("internal", OFF),
                ("no_wait", ON),
                ("arguments", empty()),
            ],
        ),
        ("exchange.declare-ok", "0028 000b", vec![]),
        (
            "exchange.delete",
            "0028 0014 0000 01 65 01",
            vec![("reserved_1", n(0)), ("exchange", s("e")), ("if_unused", ON), ("no_wait", OFF)],
        ),
        ("exchange.delete-ok", "0028 0015", vec![]),
        ("exchange.bind", "0028 001e 0000 01 64 01 73 01 6b 01 00000000", [binding(), rest()].concat()),
        ("exchange.bind-ok", "0028 001f", vec![]),
        ("exchange.unbind", "0028 0028 0000 01 64 01 73 01 6b 01 00000000", [binding(), rest()].concat()),
        ("exchange.unbind-ok", "0028 0033", vec![]),
        (
            "queue.declare",
            // durable is the second bit, exclusive the third; the table holds x-expires as a signed long.
            "0032 000a 0000 01 71 06 0000000f 09 782d65787069726573 49 000003e8",
            [
                queue(),
                vec![
                    ("passive", OFF),
                    ("durable", ON),
                    ("exclusive", ON),
                    ("auto_delete", OFF),
                    ("no_wait", OFF),
                    ("arguments", Value::Map(vec![entry("x-expires", b'I', n(1000))])),
                ],
            ]
            .concat(),
        ),
        (
            "queue.declare-ok",
            "0032 000b 01 71 00000007 00000002",
            vec![("queue", s("q")), ("message_count", n(7)), ("consumer_count", n(2))],
        ),
        (
            "queue.bind",
            "0032 0014 0000 01 71 01 65 01 6b 01 00000000",
            [queue(), vec![("exchange", s("e"))], rest()].concat(),
        ),
        ("queue.bind-ok", "0032 0015", vec![]),
        ("queue.purge", "0032 001e 0000 01 71 01", [queue(), vec![("no_wait", ON)]].concat()),
        ("queue.purge-ok", "0032 001f 00000003", vec![("message_count", n(3))]),
        (
            "queue.delete",
            "0032 0028 0000 01 71 03",
            [queue(), vec![("if_unused", ON), ("if_empty", ON), ("no_wait", OFF)]].concat(),
        ),
        ("queue.delete-ok", "0032 0029 00000004", vec![("message_count", n(4))]),
        (
            "queue.unbind",
            "0032 0032 0000 01 71 01 65 01 6b 00000000",
            [queue(), vec![("exchange", s("e")), ("routing_key", s("k")), ("arguments", empty())]].concat(),
        ),
        ("queue.unbind-ok", "0032 0033", vec![]),
    ]
}

fn basic_confirm_and_tx() -> Vec<Row> {
    let tag = || vec![("delivery_tag", n(258))];
    vec![
        (
            "basic.qos",
            "003c 000a 00000000 000a 01",
            vec![("prefetch_size", n(0)), ("prefetch_count", n(10)), ("global", ON)],
        ),
        ("basic.qos-ok", "003c 000b", vec![]),
        (
            "basic.consume",
            "003c 0014 0000 01 71 01 63 0b 00000000",
            vec![
                ("reserved_1", n(0)),
                ("queue", s("q")),
                ("consumer_tag", s("c")),
                ("no_local", ON),
                ("no_ack", ON),
                ("exclusive", OFF),
                ("no_wait", ON),
                ("arguments", empty()),
            ],
        ),
        ("basic.consume-ok", "003c 0015 01 63", vec![("consumer_tag", s("c"))]),
        ("basic.cancel", "003c 001e 01 63 01", vec![("consumer_tag", s("c")), ("no_wait", ON)]),
        ("basic.cancel-ok", "003c 001f 01 63", vec![("consumer_tag", s("c"))]),
        (
            "basic.publish",
            "003c 0028 0000 00 01 71 01",
            vec![
                ("reserved_1", n(0)),
                ("exchange", s("")),
                ("routing_key", s("q")),
                ("mandatory", ON),
                ("immediate", OFF),
            ],
        ),
        (
            "basic.return",
            "003c 0032 0138 02 6e6f 01 65 01 6b",
            vec![
                ("reply_code", n(312)),
                ("reply_text", s("no")),
                ("exchange", s("e")),
                ("routing_key", s("k")),
            ],
        ),
        (
            "basic.deliver",
            "003c 003c 01 63 0000000000000102 01 01 65 01 6b",
            vec![
                ("consumer_tag", s("c")),
                ("delivery_tag", n(258)),
                ("redelivered", ON),
                ("exchange", s("e")),
                ("routing_key", s("k")),
            ],
        ),
        (
            "basic.get",
            "003c 0046 0000 01 71 01",
            vec![("reserved_1", n(0)), ("queue", s("q")), ("no_ack", ON)],
        ),
        (
            "basic.get-ok",
            "003c 0047 0000000000000102 00 01 65 01 6b 00000009",
            vec![
                ("delivery_tag", n(258)),
                ("redelivered", OFF),
                ("exchange", s("e")),
                ("routing_key", s("k")),
                ("message_count", n(9)),
            ],
        ),
        ("basic.get-empty", "003c 0048 00", vec![("reserved_1", s(""))]),
        ("basic.ack", "003c 0050 0000000000000102 01", [tag(), vec![("multiple", ON)]].concat()),
        ("basic.reject", "003c 005a 0000000000000102 01", [tag(), vec![("requeue", ON)]].concat()),
        ("basic.recover-async", "003c 0064 01", vec![("requeue", ON)]),
        ("basic.recover", "003c 006e 01", vec![("requeue", ON)]),
        ("basic.recover-ok", "003c 006f", vec![]),
        (
            "basic.nack",
            "003c 0078 0000000000000102 02",
            [tag(), vec![("multiple", OFF), ("requeue", ON)]].concat(),
        ),
        ("confirm.select", "0055 000a 01", vec![("no_wait", ON)]),
        ("confirm.select-ok", "0055 000b", vec![]),
        ("tx.select", "005a 000a", vec![]),
        ("tx.select-ok", "005a 000b", vec![]),
        ("tx.commit", "005a 0014", vec![]),
        ("tx.commit-ok", "005a 0015", vec![]),
        ("tx.rollback", "005a 001e", vec![]),
        ("tx.rollback-ok", "005a 001f", vec![]),
    ]
}

fn rows() -> Vec<Row> {
    [connection_and_channel(), exchange_and_queue(), basic_confirm_and_tx()].concat()
}

fn channel_of(name: &str) -> u16 {
    u16::from(!name.starts_with("connection."))
}

#[test]
fn every_method_has_a_row() {
    let rows = rows();
    for shape in shapes().iter().filter(|shape| shape.name.contains('.')) {
        let count = rows.iter().filter(|(name, ..)| *name == shape.name).count();
        assert_eq!(count, 1, "{}", shape.name);
    }
}

#[test]
fn every_method_decodes_without_oddity_from_either_sender_it_has() {
    for (name, payload, expected) in rows() {
        let shape = shapes().iter().find(|shape| shape.name == name).expect("every row names a method");
        let octets = frame(1, channel_of(name), &hex(payload));
        let senders: &[Side] = match shape.sent_by {
            Senders::Client => &[Side::Client],
            Senders::Server => &[Side::Server],
            Senders::Both => &[Side::Client, Side::Server],
        };
        for sender in senders {
            let packet = decode_one(*sender, &octets);
            assert_eq!(packet.name, name);
            assert_eq!(packet.oddities, [], "{name}");
            let channel = vec![("channel", Value::from(i32::from(channel_of(name))))];
            assert_eq!(fields(&packet), [channel, expected.clone()].concat(), "{name}");
            assert_eq!(packet.raw, octets, "{name}");
        }
    }
}

#[test]
fn every_method_encodes_to_its_octets() {
    for (name, payload, values) in rows() {
        let mut draft = Draft::new(name);
        draft.fields = values.into_iter().map(|(field, value)| (field.into(), value)).collect();
        let pieces = encode(&draft).expect("a legal packet");
        let expected = frame(1, channel_of(name), &hex(payload));
        assert_eq!(pieces.first().map(|piece| &piece[..]), Some(&expected[..]), "{name}");
    }
}

#[test]
fn every_method_has_legal_defaults() {
    for shape in shapes().iter().filter(|shape| shape.name.contains('.')) {
        let pieces = encode(&Draft::new(shape.name)).expect("every field has a default");
        let content =
            matches!(shape.name, "basic.publish" | "basic.deliver" | "basic.return" | "basic.get-ok");
        assert_eq!(pieces.len(), if content { 2 } else { 1 }, "an empty body has no frame: {}", shape.name);
        let sender = if shape.sent_by == Senders::Server { Side::Server } else { Side::Client };
        let packet = decode_one(sender, pieces.first().expect("a method frame"));
        assert_eq!(packet.name, shape.name);
        let names: Vec<&str> = packet.fields.iter().map(|field| field.name).collect();
        let named = matches!(shape.name, "exchange.declare" | "exchange.delete");
        assert_eq!(packet.oddities.len(), usize::from(named), "only a name has no default: {packet:?}");
        let required = shape.fields.iter().filter(|field| !field.optional);
        assert_eq!(names, required.map(|field| field.name).collect::<Vec<_>>(), "{}", shape.name);
    }
}

#[test]
fn spans_point_at_the_octets_of_a_field() {
    let octets = frame(1, 1, &hex("0032 000a 0000 01 71 06 00000000"));
    let packet = decode_one(Side::Client, &octets);
    let spans: Vec<_> = packet.fields.iter().map(|field| (field.name, field.span.clone())).collect();
    let flags = 15..16;
    let expected = [
        ("channel", 1..3),
        ("reserved_1", 11..13),
        ("queue", 13..15),
        ("passive", flags.clone()),
        ("durable", flags.clone()),
        ("exclusive", flags.clone()),
        ("auto_delete", flags.clone()),
        ("no_wait", flags),
        ("arguments", 16..20),
    ];
    assert_eq!(spans, expected);
}

#[test]
fn reply_codes_carry_their_names() {
    let packet = decode_one(Side::Server, &frame(1, 1, &hex("0014 0028 0194 02 6e6f 0000 0000")));
    let label = packet.fields.iter().find(|field| field.name == "reply_code").and_then(|field| field.label);
    assert_eq!(label, Some("not_found"));
    let draft = Draft::new("channel.close").with("reply_code", "not_found").with("reply_text", "no");
    assert_eq!(encode(&draft).expect("a known name"), [packet.raw]);
}
