//! Frames become messages, and frames that belong to none are noted.

use mqspec_wire::amqp::{Assembler, encode};
use mqspec_wire::{Draft, Packet, Side, Value};

use crate::support::{assemble, decode, fields, frame, hex, statements};

const DELIVER: &str = "003c 003c 01 63 0000000000000001 00 00 01 71";
/// Content type `t`, body size 4.
const HEADER: &str = "003c 0000 0000000000000004 8000 01 74";

fn deliver(channel: u16) -> Vec<u8> {
    frame(1, channel, &hex(DELIVER))
}

fn header(channel: u16) -> Vec<u8> {
    frame(2, channel, &hex(HEADER))
}

fn body(channel: u16, text: &str) -> Vec<u8> {
    frame(3, channel, text.as_bytes())
}

fn text(packet: &Packet, field: &str) -> String {
    packet.get(field).and_then(Value::as_text).expect("a text field").to_owned()
}

#[test]
fn content_is_one_packet_named_after_its_method() {
    let stream = [deliver(3), header(3), body(3, "ab"), body(3, "cd")].concat();
    let packets = assemble(Side::Server, &stream);
    let [packet] = &packets[..] else { panic!("one message: {packets:?}") };
    assert_eq!(packet.name, "basic.deliver");
    assert_eq!(packet.raw, stream);
    assert_eq!(packet.oddities, []);
    let expected = [
        ("channel", Value::from(3)),
        ("consumer_tag", Value::text("c")),
        ("delivery_tag", Value::from(1)),
        ("redelivered", Value::Bool(false)),
        ("exchange", Value::text("")),
        ("routing_key", Value::text("q")),
        ("content_type", Value::text("t")),
        ("body", Value::text("abcd")),
    ];
    assert_eq!(fields(packet), expected);
}

#[test]
fn spans_of_a_message_count_from_its_first_frame() {
    let stream = [deliver(3), header(3), body(3, "abcd")].concat();
    let packets = assemble(Side::Server, &stream);
    let property =
        packets.iter().flat_map(|packet| &packet.fields).find(|field| field.name == "content_type");
    let span = property.expect("the property").span.clone();
    assert_eq!(stream.get(span), Some(&b"\x01t"[..]));
}

#[test]
fn an_empty_body_needs_no_body_frame() {
    let stream = [deliver(1), frame(2, 1, &hex("003c 0000 0000000000000000 0000"))].concat();
    let packets = assemble(Side::Server, &stream);
    assert_eq!(packets.iter().map(|packet| text(packet, "body")).collect::<Vec<_>>(), [""]);
}

#[test]
fn contents_of_several_channels_may_be_interleaved() {
    let heartbeat = frame(8, 0, &[]);
    let stream = [
        deliver(1),
        deliver(2),
        header(2),
        heartbeat,
        header(1),
        body(1, "one "),
        body(2, "t"),
        body(2, "wo "),
    ];
    let packets = assemble(Side::Server, &stream.concat());
    let names: Vec<_> = packets.iter().map(|packet| packet.name).collect();
    assert_eq!(names, ["heartbeat", "basic.deliver", "basic.deliver"]);
    let bodies: Vec<_> = packets.iter().skip(1).map(|packet| text(packet, "body")).collect();
    assert_eq!(bodies, ["one ", "two "]);
    assert!(packets.iter().all(|packet| packet.oddities.is_empty()));
}

#[test]
fn content_without_its_method_is_noted() {
    let order = ["amqp-0-9-1/AMQP-4.2.6-content-order"];
    for stray in [header(1), body(1, "x"), [deliver(2), header(1)].concat()] {
        let packets = assemble(Side::Server, &stray);
        assert_eq!(packets.iter().flat_map(statements).collect::<Vec<_>>(), order);
    }
}

#[test]
fn a_body_before_its_header_is_noted_and_the_message_goes_on() {
    let stream = [deliver(1), body(1, "x"), header(1), body(1, "abcd")].concat();
    let packets = assemble(Side::Server, &stream);
    let names: Vec<_> = packets.iter().map(|packet| packet.name).collect();
    assert_eq!(names, ["content-body", "basic.deliver"]);
    let found: Vec<_> = packets.iter().flat_map(statements).collect();
    assert_eq!(found, ["amqp-0-9-1/AMQP-4.2.6-content-order"]);
}

#[test]
fn a_second_header_is_noted() {
    let stream = [deliver(1), header(1), header(1), body(1, "abcd")].concat();
    let found: Vec<_> =
        assemble(Side::Server, &stream).iter().flat_map(statements).map(str::to_owned).collect();
    assert_eq!(found, ["amqp-0-9-1/AMQP-4.2.6-no-mixing"]);
}

#[test]
fn a_body_beyond_its_size_is_noted() {
    let stream = [deliver(1), header(1), body(1, "abc"), body(1, "de")].concat();
    let packets = assemble(Side::Server, &stream);
    assert_eq!(packets.iter().map(|packet| text(packet, "body")).collect::<Vec<_>>(), ["abcde"]);
    let oddity = packets.iter().flat_map(|packet| &packet.oddities).next().expect("an oddity");
    assert_eq!(oddity.statement, "amqp-0-9-1/AMQP-4.2.6.1-body-overrun");
    assert_eq!(oddity.message.to_string(), "5 body bytes where the header declares 4");
    assert_eq!(stream.get(oddity.span.clone()), Some(&body(1, "de")[..]));
}

#[test]
fn a_method_within_a_content_is_noted_and_the_content_kept() {
    let empty = frame(1, 1, &hex("003c 0048 00"));
    let stream = [deliver(1), header(1), body(1, "ab"), empty].concat();
    let mut assembler = Assembler::new();
    let packets: Vec<_> =
        decode(Side::Server, &stream).into_iter().filter_map(|frame| assembler.push(frame)).collect();
    let found: Vec<_> = packets.iter().flat_map(statements).collect();
    assert_eq!(found, ["amqp-0-9-1/AMQP-4.2.6-no-mixing"]);
    let broken = assembler.next_broken_off().expect("the message that was cut short");
    assert_eq!((broken.name, text(&broken, "body").as_str()), ("basic.deliver", "ab"));
    assert_eq!(assembler.next_broken_off(), None);
    assert_eq!(assembler.into_unfinished().count(), 0);
}

#[test]
fn a_method_that_does_not_exist_ends_a_content_too() {
    let stream = [deliver(1), frame(1, 1, &hex("0063 0001")), header(1)].concat();
    let found: Vec<_> =
        assemble(Side::Server, &stream).iter().flat_map(statements).map(str::to_owned).collect();
    let mixed = "amqp-0-9-1/AMQP-4.2.6-no-mixing";
    let unknown = "amqp-0-9-1/AMQP-4.2.4-unknown-method";
    assert_eq!(found, [mixed, unknown, "amqp-0-9-1/AMQP-4.2.6-content-order"]);
}

#[test]
fn a_message_whose_end_never_comes_stays_unfinished() {
    let mut assembler = Assembler::new();
    let frames = decode(Side::Server, &[deliver(1), header(1), body(1, "abc")].concat());
    assert!(frames.into_iter().all(|frame| assembler.push(frame).is_none()));
    let names: Vec<_> = assembler.into_unfinished().map(|packet| packet.name).collect();
    assert_eq!(names, ["basic.deliver"]);
}

#[test]
fn oddities_of_the_frames_stay_with_the_message() {
    let weight = frame(2, 1, &hex("003c 0001 0000000000000000 0000"));
    let stream = [deliver(1), weight].concat();
    let packets = assemble(Side::Server, &stream);
    let oddity = packets.iter().flat_map(|packet| &packet.oddities).next().expect("an oddity");
    assert_eq!(oddity.statement, "amqp-0-9-1/AMQP-4.2.6.1-weight-zero");
    assert_eq!(stream.get(oddity.span.clone()), Some(&[0, 1][..]));
}

#[test]
fn a_publish_is_split_by_its_frame_max() {
    let draft = Draft::new("basic.publish")
        .with("routing_key", "q")
        .with("delivery_mode", 2)
        .with("body", "abcdefg")
        .with("frame_max", 11);
    let pieces = encode(&draft).expect("a legal message");
    let sizes: Vec<_> = pieces.iter().skip(2).map(bytes::Bytes::len).collect();
    assert_eq!(sizes, [11, 11, 9]);
    let packets = assemble(Side::Client, &pieces.concat());
    let [packet] = &packets[..] else { panic!("one message: {packets:?}") };
    assert_eq!(text(packet, "body"), "abcdefg");
    assert_eq!(packet.integer("delivery_mode"), Some(2));
}
