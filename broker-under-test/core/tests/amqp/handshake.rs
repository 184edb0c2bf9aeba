//! Opening a connection, failing to, and closing it.

use std::time::Duration;

use mqspec_broker_core::Input;

use crate::client::{Bench, args, start_ok};

const HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";

/// A bench and a socket whose Start-Ok was accepted.
fn tuned() -> (Bench, mqspec_broker_core::ConnectionId) {
    let mut bench = Bench::new();
    let client = bench.socket();
    bench.send(client, HEADER);
    bench.call(client, 0, (10, 11), &start_ok(&[], "PLAIN", b"\0guest\0guest"));
    assert_eq!(bench.seen(client), ["0 connection.start", "0 connection.tune 2047 131072 60"]);
    (bench, client)
}

/// Nothing is said, and after the pause the socket ends.
fn assert_dropped_in_silence(bench: &mut Bench, client: mqspec_broker_core::ConnectionId) {
    assert_eq!(bench.seen(client), Vec::<String>::new());
    assert!(!bench.is_closed(client), "first a pause");
    bench.pass(Duration::from_secs(3));
    assert_eq!(bench.seen(client), Vec::<String>::new());
    assert!(bench.is_closed(client));
}

#[test]
fn other_headers_are_answered_with_ours_and_a_close() {
    for header in
        [&b"AMQP\x00\x00\x0a\x00"[..], b"AMQP\x01\x01\x00\x09", b"AMQP\x03\x01\x00\x00", b"GET / HTTP", b"X"]
    {
        let mut bench = Bench::new();
        let client = bench.socket();
        bench.send(client, header);
        assert_eq!(bench.octets(client), HEADER, "{header:?}");
        assert!(bench.is_closed(client));
    }
}

#[test]
fn header_may_come_octet_by_octet() {
    let mut bench = Bench::new();
    let client = bench.socket();
    for octet in HEADER {
        bench.send(client, &[*octet]);
    }
    assert_eq!(bench.seen(client), ["0 connection.start"]);
}

#[test]
fn start_offers_plain_amqplain_en_us_and_capabilities() {
    let mut bench = Bench::new();
    let client = bench.socket();
    bench.send(client, HEADER);
    let octets = bench.octets(client);
    let has = |text: &[u8]| octets.windows(text.len()).any(|window| window == text);
    assert!(has(b"\x00\x00\x00\x0ePLAIN AMQPLAIN\x00\x00\x00\x05en_US"));
    assert!(has(b"\x12publisher_confirmst\x01"));
    assert!(has(b"\x07product") && has(b"\x07version") && has(b"\x08platform"));
    assert_eq!(octets.get(7..13), Some(b"\x00\x0a\x00\x0a\x00\x09".as_slice()), "10.10, version 0 9");
}

#[test]
fn amqplain_logs_in() {
    let mut bench = Bench::new();
    let client = bench.socket();
    bench.send(client, HEADER);
    let response = args().text("LOGIN", "guest").text("PASSWORD", "guest").0;
    bench.call(client, 0, (10, 11), &start_ok(&[], "AMQPLAIN", &response));
    assert_eq!(bench.seen(client), ["0 connection.start", "0 connection.tune 2047 131072 60"]);
}

#[test]
fn failed_login_is_told_to_those_who_asked_only() {
    for response in [&b"\0guest\0wrong"[..], b"\0nobody\0guest"] {
        let mut bench = Bench::new();
        let client = bench.socket();
        bench.send(client, HEADER);
        bench.call(client, 0, (10, 11), &start_ok(&["authentication_failure_close"], "PLAIN", response));
        assert_eq!(bench.seen(client), ["0 connection.start", "0 connection.close 403 10.11"]);

        let silent = bench.socket();
        bench.send(silent, HEADER);
        assert_eq!(bench.seen(silent), ["0 connection.start"]);
        bench.call(silent, 0, (10, 11), &start_ok(&[], "PLAIN", response));
        assert_dropped_in_silence(&mut bench, silent);
    }
}

#[test]
fn mechanism_that_was_not_offered_ends_in_silence() {
    let mut bench = Bench::new();
    let client = bench.socket();
    bench.send(client, HEADER);
    assert_eq!(bench.seen(client), ["0 connection.start"]);
    bench.call(client, 0, (10, 11), &start_ok(&["authentication_failure_close"], "EXTERNAL", b""));
    assert_dropped_in_silence(&mut bench, client);
}

#[test]
fn malformed_sasl_response_ends_in_silence() {
    for (mechanism, response) in [("PLAIN", &b"guest"[..]), ("AMQPLAIN", b"\x05LOGIN")] {
        let mut bench = Bench::new();
        let client = bench.socket();
        bench.send(client, HEADER);
        assert_eq!(bench.seen(client), ["0 connection.start"]);
        bench.call(client, 0, (10, 11), &start_ok(&[], mechanism, response));
        assert_dropped_in_silence(&mut bench, client);
    }
}

#[test]
fn limits_may_be_lowered_but_not_raised_or_lifted() {
    for (channel_max, frame_max, fine) in [
        (1, 4096, true),
        (2047, 131_072, true),
        (2048, 131_072, false),
        (0, 131_072, false),
        (2047, 131_073, false),
        (2047, 4095, false),
        (2047, 0, false),
    ] {
        let (mut bench, client) = tuned();
        bench.call(client, 0, (10, 31), &args().u16(channel_max).u32(frame_max).u16(0));
        if fine {
            bench.call(client, 0, (10, 40), &args().short("/").short("").u8(0));
            assert_eq!(bench.seen(client), ["0 connection.open-ok"], "{channel_max} {frame_max}");
        } else {
            assert_dropped_in_silence(&mut bench, client);
        }
    }
}

#[test]
fn unknown_virtual_host_is_refused_with_530() {
    let (mut bench, client) = tuned();
    bench.call(client, 0, (10, 31), &args().u16(0x7ff).u32(4096).u16(0));
    bench.call(client, 0, (10, 40), &args().short("nowhere").short("").u8(0));
    bench.connection_closed(client, 530, (10, 40));
}

#[test]
fn methods_out_of_turn_end_in_silence() {
    for (channel, id) in [(0, (10, 40)), (1, (20, 10))] {
        let (mut bench, client) = tuned();
        let arguments = if channel == 0 { args().short("/").short("").u8(0) } else { args().short("") };
        bench.call(client, channel, id, &arguments);
        assert_dropped_in_silence(&mut bench, client);
    }
}

#[test]
fn silent_peer_is_dropped_after_the_handshake_timeout() {
    let mut bench = Bench::new();
    let client = bench.socket();
    bench.pass(Duration::from_secs(9));
    assert!(!bench.is_closed(client));
    bench.pass(Duration::from_secs(1));
    assert!(bench.is_closed(client));
}

#[test]
fn second_open_is_a_channel_error() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.call(client, 0, (10, 40), &args().short("/").short("").u8(0));
    bench.connection_closed(client, 504, (10, 40));
}

#[test]
fn update_secret_is_confirmed() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.call(client, 0, (10, 70), &args().long(b"guest").short("renewed"));
    assert_eq!(bench.seen(client), ["0 connection.update-secret-ok"]);
}

#[test]
fn close_is_confirmed_and_exclusive_queues_are_gone() {
    let mut bench = Bench::new();
    let (client, other) = (bench.client(), bench.client());
    bench.declare(client, "mine", 4, &args());
    assert_eq!(bench.seen(client), ["1 queue.declare-ok mine 0 0"]);
    bench.call(client, 0, (10, 50), &args().u16(200).short("bye").u16(0).u16(0));
    assert_eq!(bench.seen(client), ["0 connection.close-ok"]);
    assert!(bench.is_closed(client));
    bench.declare(other, "mine", 1, &args());
    bench.channel_closed(other, 404, (50, 10));
}

#[test]
fn crossing_closes_are_both_confirmed_and_nothing_else_counts() {
    let mut bench = Bench::new();
    let (client, other) = (bench.client(), bench.client());
    bench.call(client, 7, (50, 10), &args().u16(0).short("q").u8(0).table(&args()));
    assert_eq!(bench.seen(client), ["0 connection.close 504 50.10"]);
    bench.declare(client, "late", 0, &args());
    bench.call(client, 0, (10, 50), &args().u16(200).short("bye").u16(0).u16(0));
    assert_eq!(bench.seen(client), ["0 connection.close-ok"]);
    bench.call(client, 0, (10, 51), &args());
    assert!(bench.is_closed(client));
    bench.declare(other, "late", 1, &args());
    bench.channel_closed(other, 404, (50, 10));
}

#[test]
fn server_waits_thirty_seconds_or_a_heartbeat_for_close_ok() {
    for (heartbeat, wait) in [(0, 30), (5, 5)] {
        let mut bench = Bench::new();
        let client = bench.open(&[], 131_072, heartbeat);
        bench.call(client, 1, (60, 10), &args().u32(0).u16(0).u8(0));
        assert_eq!(bench.seen(client), ["0 connection.close 504 60.10"]);
        bench.pass(Duration::from_millis(wait * 1000 - 1));
        assert!(!bench.is_closed(client));
        bench.pass(Duration::from_millis(1));
        assert!(bench.is_closed(client));
    }
}

#[test]
fn shut_down_says_goodbye_with_320() {
    let mut bench = Bench::new();
    let (client, fresh) = (bench.client(), bench.socket());
    bench.input(Input::ShutDown);
    assert!(bench.is_closed(fresh));
    bench.connection_closed(client, 320, (0, 0));
}
