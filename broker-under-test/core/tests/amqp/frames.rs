//! Frames and content that break the rules of the grammar.

use std::time::Duration;

use crate::client::{Bench, args, frame, method, plain, publish_octets};

/// A content header of class, weight, size and properties.
fn header(class: u16, weight: u16, size: u64, properties: &[u8]) -> Vec<u8> {
    let mut payload = args().u16(class).u16(weight).u64(size).0;
    payload.extend(properties);
    frame(2, 1, &payload)
}

fn publish_method() -> Vec<u8> {
    method(1, 60, 40, &args().u16(0).short("").short("q").u8(0))
}

/// Sends octets on an open connection and expects Connection.Close.
fn assert_close(octets: &[u8], code: u16, id: (u16, u16)) {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.send(client, octets);
    bench.connection_closed(client, code, id);
}

#[test]
fn broken_stream_is_closed_with_501_and_dropped_without_close_ok() {
    let mut bad_end = method(1, 50, 10, &args().u16(0).short("q").u8(0).table(&args()));
    *bad_end.last_mut().expect("not empty") = 0xCD;
    let too_large = [1, 0, 1, 0, 2, 0, 0];
    for octets in [&bad_end, &frame(4, 0, b""), &too_large.to_vec()] {
        let mut bench = Bench::new();
        let client = bench.client();
        bench.send(client, octets);
        assert_eq!(bench.seen(client), ["0 connection.close 501 0.0"]);
        bench.declare(client, "late", 0, &args());
        bench.pass(Duration::from_secs(3));
        assert!(bench.is_closed(client));
        let other = bench.client();
        for queue in ["q", "late"] {
            bench.declare(other, queue, 1, &args());
            bench.channel_closed(other, 404, (50, 10));
        }
    }
}

#[test]
fn arguments_have_to_fit_exactly() {
    assert_close(&method(1, 20, 20, &args()), 501, (20, 20));
    assert_close(&method(1, 20, 20, &args().u8(1).u8(1)), 501, (20, 20));
    assert_close(&frame(1, 1, &[0, 50]), 501, (0, 0));
}

#[test]
fn strings_and_tables_have_to_be_well_formed() {
    let declare = |name: &[u8], table: &[u8]| {
        let mut payload = args().u16(50).u16(10).u16(0).u8(u8::try_from(name.len()).expect("short")).0;
        payload.extend(name);
        payload.push(0);
        payload.extend(args().long(table).0);
        frame(1, 1, &payload)
    };
    assert_close(&declare(b"a\0b", b""), 502, (50, 10));
    assert_close(&declare(b"\xff\xfe", b""), 501, (50, 10));
    assert_close(&declare(b"q", b"\x01az"), 502, (50, 10));
    assert_close(&declare(b"q", b"\x01aI\x00"), 502, (50, 10));
}

#[test]
fn unknown_methods_are_540_and_server_methods_503() {
    assert_close(&method(1, 70, 10, &args()), 540, (70, 10));
    assert_close(&method(1, 60, 99, &args()), 540, (60, 99));
    assert_close(&method(1, 20, 11, &args().long(b"")), 503, (20, 11));
    assert_close(&method(1, 60, 60, &args()), 503, (60, 60));
}

#[test]
fn heartbeats_carry_nothing_and_keep_to_channel_zero() {
    assert_close(&frame(8, 0, b"x"), 501, (0, 0));
    assert_close(&frame(8, 1, b""), 503, (0, 0));
    let mut bench = Bench::new();
    let client = bench.client();
    bench.send(client, &frame(8, 0, b""));
    bench.queue(client, "q", &args());
}

#[test]
fn frames_on_channels_that_are_not_open_are_504() {
    assert_close(&publish_octets(2, ("", "q"), 0, &plain(), "x"), 504, (60, 40));
    assert_close(&frame(3, 2, b"x"), 504, (60, 40));
    assert_close(&frame(3, 0, b"x"), 504, (60, 40));
}

#[test]
fn content_out_of_order_is_505() {
    let complete = header(60, 0, 3, &[0, 0]);
    assert_close(&complete, 505, (60, 40));
    assert_close(&frame(3, 1, b"abc"), 505, (60, 40));
    assert_close(&[publish_method(), frame(3, 1, b"abc")].concat(), 505, (60, 40));
    assert_close(&[publish_method(), complete.clone(), complete.clone()].concat(), 505, (60, 40));
    assert_close(&[publish_method(), publish_method()].concat(), 505, (60, 40));
    let qos = method(1, 60, 10, &args().u32(0).u16(1).u8(0));
    assert_close(&[publish_method(), complete, frame(3, 1, b"a"), qos].concat(), 505, (60, 10));
}

#[test]
fn content_headers_have_to_be_well_formed() {
    assert_close(&[publish_method(), header(50, 0, 0, &[0, 0])].concat(), 505, (60, 40));
    assert_close(&[publish_method(), header(60, 1, 0, &[0, 0])].concat(), 505, (60, 40));
    assert_close(&[publish_method(), header(60, 0, 0, &[])].concat(), 501, (60, 40));
    assert_close(&[publish_method(), header(60, 0, 0, &[0x80, 0, 9])].concat(), 505, (60, 40));
    assert_close(&[publish_method(), header(60, 0, 0, &[0, 2])].concat(), 505, (60, 40));
}

#[test]
fn body_longer_than_announced_is_505() {
    let octets = [publish_method(), header(60, 0, 2, &[0, 0]), frame(3, 1, b"abc")].concat();
    assert_close(&octets, 505, (60, 40));
}

#[test]
fn bodies_of_two_channels_may_be_mixed_and_empty_frames_inside() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.channel(client, 2);
    bench.queue(client, "q", &args());
    let on = |channel: u16, octets: Vec<u8>| {
        let mut octets = octets;
        let number = octets.get_mut(1..3).expect("a frame");
        number.copy_from_slice(&channel.to_be_bytes());
        octets
    };
    let pieces = [
        on(1, publish_method()),
        on(2, publish_method()),
        on(2, header(60, 0, 4, &[0, 0])),
        on(1, header(60, 0, 4, &[0, 0])),
        frame(3, 1, b"on"),
        frame(3, 2, b"t"),
        frame(3, 2, b""),
        frame(3, 2, b"wo!"),
        frame(3, 1, b"e!"),
    ];
    bench.send(client, &pieces.concat());
    assert_eq!(bench.get(client, "q", true), "1 basic.get-ok #1 [] q left=1 = two!");
    assert_eq!(bench.get(client, "q", true), "1 basic.get-ok #2 [] q left=0 = one!");
}

#[test]
fn body_is_cut_to_the_receivers_frame_max() {
    let mut bench = Bench::new();
    let (sender, receiver) = (bench.client(), bench.open(&[], 4096, 0));
    bench.channel(receiver, 1);
    bench.queue(sender, "q", &args());
    let body = "x".repeat(10_000);
    bench.publish(sender, "", "q", &body);
    bench.call(receiver, 1, (60, 70), &args().u16(0).short("q").u8(1));
    let frames = bench.frames(receiver);
    assert!(frames.iter().all(|frame| frame.payload.len() + 8 <= 4096));
    let bodies: Vec<usize> = frames.iter().filter(|f| f.kind == 3).map(|f| f.payload.len()).collect();
    assert_eq!(bodies, [4088, 4088, 1824]);
    let size = frames.iter().find(|frame| frame.kind == 2).and_then(|frame| frame.payload.get(4..12));
    assert_eq!(size, Some(10_000_u64.to_be_bytes().as_slice()));
}

#[test]
fn properties_and_headers_pass_octet_by_octet() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    let headers = args().int("a", -1).void("b").int("a", 7).sub("c", &args().texts("d", &["e"]));
    let properties = args()
        .u16(0xFFFC)
        .short("text/plain")
        .short("gzip")
        .table(&headers)
        .u8(2)
        .u8(9)
        .short("correlation")
        .short("reply")
        .short("60000")
        .short("message")
        .u64(1_700_000_000)
        .short("type")
        .short("guest")
        .short("app")
        .short("cluster");
    bench.send(client, &publish_octets(1, ("", "q"), 0, &properties, "body"));
    bench.call(client, 1, (60, 70), &args().u16(0).short("q").u8(1));
    let frames = bench.frames(client);
    let sent = frames.iter().find(|frame| frame.kind == 2).and_then(|frame| frame.payload.get(12..));
    assert_eq!(sent, Some(properties.0.as_slice()));
}
