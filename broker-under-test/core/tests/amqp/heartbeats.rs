//! Signs of life (§4.2.7).

use std::time::Duration;

use crate::client::{Bench, frame};

#[test]
fn heartbeats_come_at_half_the_interval() {
    let mut bench = Bench::new();
    let client = bench.open(&[], 131_072, 10);
    bench.pass(Duration::from_millis(4999));
    assert_eq!(bench.seen(client), Vec::<String>::new());
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.seen(client), ["heartbeat"]);
    bench.pass(Duration::from_secs(5));
    assert_eq!(bench.seen(client), ["heartbeat"]);
}

#[test]
fn traffic_stands_for_heartbeats() {
    let mut bench = Bench::new();
    let client = bench.open(&[], 131_072, 10);
    bench.pass(Duration::from_secs(4));
    bench.channel(client, 1);
    bench.pass(Duration::from_secs(4));
    assert_eq!(bench.seen(client), Vec::<String>::new());
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.seen(client), ["heartbeat"]);
}

#[test]
fn two_silent_intervals_end_the_socket_without_a_word() {
    let mut bench = Bench::new();
    let client = bench.open(&[], 131_072, 10);
    bench.pass(Duration::from_millis(19_999));
    assert!(!bench.is_closed(client));
    bench.pass(Duration::from_millis(1));
    assert!(bench.is_closed(client));
    assert!(bench.seen(client).iter().all(|line| line == "heartbeat"));
}

#[test]
fn a_trickle_of_a_frame_keeps_the_connection() {
    let mut bench = Bench::new();
    let client = bench.open(&[], 131_072, 10);
    for octet in frame(8, 0, b"") {
        bench.pass(Duration::from_secs(19));
        bench.send(client, &[octet]);
        assert!(!bench.is_closed(client));
    }
}

#[test]
fn zero_means_no_heartbeats_at_all() {
    let mut bench = Bench::new();
    let client = bench.open(&[], 131_072, 0);
    bench.pass(Duration::from_secs(100_000));
    assert!(!bench.is_closed(client));
    assert_eq!(bench.seen(client), Vec::<String>::new());
    assert_eq!(bench.broker.next_deadline(), None);
}
