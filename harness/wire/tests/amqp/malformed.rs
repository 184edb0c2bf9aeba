//! What a draft can break on purpose, in octets, and what it cannot write at all.

use bytes::Bytes;
use mqspec_wire::amqp::{encode, malformations};
use mqspec_wire::{Draft, EncodeError, Name, Spec, Value};

use crate::support::hex;

fn octets(digits: &str) -> Bytes {
    hex(digits).into()
}

fn ack() -> Draft {
    Draft::new("basic.ack").with("delivery_tag", 1)
}

fn publish() -> Draft {
    Draft::new("basic.publish").with("routing_key", "q").with("priority", 1).with("body", "hi")
}

fn only(part: &str) -> Value {
    Value::List(vec![Value::text(part)])
}

/// A draft with its deviation, and all octets that it becomes.
fn rows() -> Vec<(Draft, &'static str)> {
    let full = "01 0001 0000000d 003c0050 0000000000000001 00 ce";
    let header = "02 0001 0000000f 003c 0000 0000000000000002 0800 01 ce";
    let body = "03 0001 00000002 6869 ce";
    vec![
        (ack(), full),
        (ack().malformed("raw", octets("474554")), "474554"),
        (ack().with("channel", 0), "01 0000 0000000d 003c0050 0000000000000001 00 ce"),
        (ack().malformed("frame_type", 9), "09 0001 0000000d 003c0050 0000000000000001 00 ce"),
        (ack().malformed("frame_size", 5), "01 0001 00000005 003c0050 0000000000000001 00 ce"),
        (ack().malformed("frame_end", 0), "01 0001 0000000d 003c0050 0000000000000001 00 00"),
        (ack().malformed("truncate", 2), "01 0001 0000000b 003c0050 00000000000000 ce"),
        (ack().malformed("truncate", 99), "01 0001 00000000 ce"),
        (ack().malformed("append", octets("ffff")), "01 0001 0000000f 003c0050 0000000000000001 00 ffff ce"),
        (
            ack().malformed("append", octets("ff")).malformed("truncate", 1),
            "01 0001 0000000d 003c0050 0000000000000001 ff ce",
        ),
        (ack().malformed("cut", 9), "01 0001 0000000d 003c"),
        (ack().malformed("class_id", 0xffff), "01 0001 0000000d ffff0050 0000000000000001 00 ce"),
        (ack().malformed("method_id", 0), "01 0001 0000000d 003c0000 0000000000000001 00 ce"),
        (ack().malformed("arguments", octets("0102")), "01 0001 00000006 003c0050 0102 ce"),
        (publish().malformed("only", only("method")), "01 0001 0000000a 003c 0028 0000 00 01 71 00 ce"),
        (publish().malformed("only", only("header")), header),
        (publish().malformed("only", only("body")), body),
        (publish().malformed("only", Value::List(Vec::new())), ""),
        (
            publish().malformed("only", only("header")).malformed("header_class_id", 50),
            "02 0001 0000000f 0032 0000 0000000000000002 0800 01 ce",
        ),
        (
            publish().malformed("only", only("header")).malformed("weight", 7),
            "02 0001 0000000f 003c 0007 0000000000000002 0800 01 ce",
        ),
        (
            publish().malformed("only", only("header")).malformed("body_size", Value::Integer(u64::MAX.into())),
            "02 0001 0000000f 003c 0000 ffffffffffffffff 0800 01 ce",
        ),
        (
            publish().malformed("only", only("header")).malformed("property_flags", 0x8000),
            "02 0001 0000000f 003c 0000 0000000000000002 8000 01 ce",
        ),
        (
            publish().malformed("only", only("header")).malformed("properties", octets("0000")),
            "02 0001 00000010 003c 0000 0000000000000002 0800 0000 ce",
        ),
        // A deviation of a frame is the last one's.
        (
            publish().malformed("frame_end", 1),
            "01 0001 0000000a 003c 0028 0000 00 01 71 00 ce 02 0001 0000000f 003c 0000 0000000000000002 0800 01 ce
             03 0001 00000002 6869 01",
        ),
        (Draft::new("content-header").with("class_id", 10).with("weight", 1), "02 0001 0000000e 000a 0001 0000000000000000 0000 ce"),
        (Draft::new("content-header").with("body_size", 1).with("type", "t"), "02 0001 00000010 003c 0000 0000000000000001 0020 01 74 ce"),
        (Draft::new("content-header").with("property_flags", 3), "02 0001 0000000e 003c 0000 0000000000000000 0003 ce"),
        // As a header of a class without content reads back: its flags are among the unread octets.
        (
            Draft::new("content-header").with("class_id", 50).with("properties", octets("0800 01")),
            "02 0001 0000000f 0032 0000 0000000000000000 0800 01 ce",
        ),
        (Draft::new("content-body").with("channel", 2).with("body", "x"), "03 0002 00000001 78 ce"),
        (Draft::new("content-body"), "03 0001 00000000 ce"),
        (Draft::new("heartbeat"), "08 0000 00000000 ce"),
        (Draft::new("heartbeat").with("channel", 1).with("payload", "x"), "08 0001 00000001 78 ce"),
        (Draft::new("unknown").with("frame_type", 4).with("channel", 0), "04 0000 00000000 ce"),
        (Draft::new("unknown").with("class_id", 99).with("method_id", 1), "01 0001 00000004 0063 0001 ce"),
        (Draft::new("protocol-header"), "414d5150 00000901"),
        (Draft::new("protocol-header").with("major", 9).malformed("truncate", 1), "414d5150 000909"),
        (Draft::new("protocol-header").malformed("raw", octets("48545450")), "48545450"),
        // A boolean of 2, a tag that does not exist, a table that is octets already.
        (
            table(Value::Tagged(b't', Box::new(Value::from(2)))),
            "01 0001 00000010 0032 000a 0000 00 00 00000004 01 61 74 02 ce",
        ),
        (
            table(Value::Tagged(b'z', Box::new(Value::text("!")))),
            "01 0001 00000010 0032 000a 0000 00 00 00000004 01 61 7a 21 ce",
        ),
        (
            Draft::new("queue.declare").with("arguments", octets("ff")),
            "01 0001 0000000d 0032 000a 0000 00 00 00000001 ff ce",
        ),
    ]
}

fn table(value: Value) -> Draft {
    let entries = vec![(Bytes::from_static(b"a"), value)];
    Draft { fields: vec![("arguments".into(), Value::Map(entries))], ..Draft::new("queue.declare") }
}

#[test]
fn drafts_become_the_octets_they_say() {
    for (draft, expected) in rows() {
        let pieces = encode(&draft).expect("writable");
        assert_eq!(pieces.concat(), hex(expected), "{draft:?}");
    }
}

#[test]
fn every_deviation_is_shown_here() {
    let shown: Vec<Name> =
        rows().into_iter().flat_map(|(draft, _)| draft.malformed).map(|(name, _)| name).collect();
    for deviation in malformations() {
        assert!(shown.iter().any(|name| name == deviation.name), "{}", deviation.name);
    }
}

#[test]
fn each_frame_is_a_piece() {
    let sizes: Vec<usize> = encode(&publish()).expect("legal").iter().map(Bytes::len).collect();
    assert_eq!(sizes, [18, 23, 10]);
}

#[test]
fn the_last_of_a_repeated_field_counts() {
    let twice = Draft::new("heartbeat").with("channel", 1).with("channel", 2);
    assert_eq!(encode(&twice).expect("legal"), [octets("08 0002 00000000 ce")]);
}

#[test]
fn names_that_do_not_exist_are_refused() {
    let unknown = encode(&Draft::new("queue.steal"));
    assert_eq!(unknown, Err(EncodeError::UnknownPacket("queue.steal".to_owned(), Spec::Amqp091)));
    let field = encode(&ack().with("durable", true));
    let expected = EncodeError::UnknownField { packet: "basic.ack".to_owned(), field: "durable".to_owned() };
    assert_eq!(field, Err(expected));
    let malformation = encode(&ack().malformed("dup", 1));
    assert_eq!(malformation, Err(EncodeError::UnknownMalformation("dup".to_owned())));
}

#[test]
fn what_has_no_room_or_no_place_is_unwritable() {
    let long = "x".repeat(256);
    let drafts = [
        (ack().with("channel", 0x1_0000), "channel"),
        (ack().with("channel", -1), "channel"),
        (ack().with("delivery_tag", Value::Integer(1 << 64)), "delivery_tag"),
        (ack().with("delivery_tag", "one"), "delivery_tag"),
        (ack().with("multiple", 1), "multiple"),
        (publish().with("routing_key", &*long), "routing_key"),
        (publish().with("headers", 1), "headers"),
        (publish().with("frame_max", 8), "frame_max"),
        (publish().with("body", 1), "body"),
        (table(Value::Integer(1 << 63)), "arguments"),
        (table(Value::Tagged(b'B', Box::new(Value::from(256)))), "arguments"),
        (table(Value::Tagged(b'V', Box::new(Value::from(0)))), "arguments"),
        (table(Value::Tagged(b'D', Box::new(Value::from(0)))), "arguments"),
        (ack().malformed("frame_end", 256), "frame_end"),
        (ack().malformed("cut", -1), "cut"),
        (ack().malformed("body_size", 1), "body_size"),
        (ack().malformed("only", only("method")), "only"),
        (publish().malformed("only", only("tail")), "only"),
        (Draft::new("heartbeat").malformed("arguments", octets("00")), "arguments"),
        (Draft::new("protocol-header").malformed("frame_end", 0), "frame_end"),
    ];
    for (draft, expected) in drafts {
        match encode(&draft) {
            Err(EncodeError::Unwritable { packet, field, why, .. }) => {
                assert_eq!((packet.as_str(), field.as_str()), (&*draft.name, expected));
                assert!(!why.is_empty());
            }
            other => panic!("{draft:?} became {other:?}"),
        }
    }
}
