//! Windows of consumers and channels, and the backlog of a slow reader.

use mqspec_broker_core::Input;

use crate::client::{Bench, args};

fn fill(bench: &mut Bench, client: mqspec_broker_core::ConnectionId, count: usize) {
    bench.queue(client, "q", &args());
    for number in 1..=count {
        bench.publish(client, "", "q", &number.to_string());
    }
}

/// How many deliveries came for each of two consumers.
fn counts(lines: &[String]) -> (usize, usize) {
    let of = |tag: &str| lines.iter().filter(|line| line.contains(&format!("basic.deliver {tag} "))).count();
    (of("a"), of("b"))
}

#[test]
fn window_holds_back_the_rest_until_an_ack() {
    let mut bench = Bench::new();
    let client = bench.client();
    fill(&mut bench, client, 4);
    bench.qos(client, 2, false);
    bench.consume(client, "q", "a", 0, &args());
    assert_eq!(counts(&bench.seen(client)), (2, 0));
    bench.ack(client, 1, false);
    assert_eq!(bench.seen(client), ["1 basic.deliver a #3 [] q = 3"]);
    bench.nack(client, 3, true, false);
    assert_eq!(bench.seen(client), ["1 basic.deliver a #4 [] q = 4"]);
}

#[test]
fn each_consumer_has_its_own_window() {
    let mut bench = Bench::new();
    let client = bench.client();
    fill(&mut bench, client, 9);
    bench.qos(client, 2, false);
    bench.consume(client, "q", "a", 0, &args());
    bench.qos_later(client, 3, false);
    bench.consume(client, "q", "b", 0, &args());
    assert_eq!(counts(&bench.seen(client)), (2, 3), "running consumers keep theirs");
}

#[test]
fn global_window_is_shared_by_the_channel() {
    let mut bench = Bench::new();
    let client = bench.client();
    fill(&mut bench, client, 9);
    bench.qos(client, 3, true);
    bench.qos(client, 2, false);
    bench.consume(client, "q", "a", 0, &args());
    bench.consume(client, "q", "b", 0, &args());
    assert_eq!(counts(&bench.seen(client)), (2, 1), "both limits apply");
    bench.qos_later(client, 0, true);
    assert_eq!(counts(&bench.seen(client)), (0, 1), "zero lifts the shared one");
}

#[test]
fn windows_do_not_apply_to_no_ack_and_get() {
    let mut bench = Bench::new();
    let client = bench.client();
    fill(&mut bench, client, 5);
    bench.qos(client, 1, false);
    bench.qos(client, 1, true);
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #1 [] q left=4 = 1");
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #2 [] q left=3 = 2");
    bench.consume(client, "q", "a", 2, &args());
    assert_eq!(counts(&bench.seen(client)), (3, 0));
}

#[test]
fn octet_windows_are_540() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.call(client, 1, (60, 10), &args().u32(1).u16(0).u8(0));
    bench.connection_closed(client, 540, (60, 10));
}

#[test]
fn slow_reader_gets_no_more_than_its_backlog_allows_and_goes_on_later() {
    let mut bench = Bench::new();
    let (client, slow) = (bench.client(), bench.client());
    bench.takes = false;
    bench.queue(client, "q", &args());
    bench.consume(slow, "q", "a", 2, &args());
    let body = "x".repeat(100_000);
    for _ in 0..20 {
        bench.publish(client, "", "q", &body);
    }
    let octets = bench.octets(slow).len();
    assert!((1 << 20..(1 << 20) + 200_000).contains(&octets), "{octets} octets");
    bench.input(Input::Taken { connection: slow, bytes: octets });
    let rest = bench.octets(slow).len();
    assert!(octets + rest > 2_000_000, "the rest comes: {rest} octets");
}

#[test]
fn answers_that_nobody_reads_do_not_pile_up() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    let body = "x".repeat(100_000);
    for _ in 0..300 {
        bench.publish(client, "", "q", &body);
    }
    bench.takes = false;
    for _ in 0..300 {
        bench.call(client, 1, (60, 70), &args().u16(0).short("q").u8(1));
    }
    let octets = bench.octets(client).len();
    assert!((16 << 20..(16 << 20) + 200_000).contains(&octets), "{octets} octets");
    bench.input(Input::Taken { connection: client, bytes: octets });
    let rest = bench.octets(client).len();
    assert!(octets + rest > 30_000_000, "the other gets are answered later: {rest} octets");
}
