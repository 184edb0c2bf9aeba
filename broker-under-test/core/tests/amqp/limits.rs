//! Time to live, expiry of queues, length limits, priorities.

use std::time::Duration;

use crate::client::{Args, Bench, args, publish_octets};
use mqspec_broker_core::ConnectionId;

fn expiring(bench: &mut Bench, client: ConnectionId, expiration: &str, body: &str) {
    let properties = args().u16(0x0100).short(expiration);
    bench.send(client, &publish_octets(1, ("", "q"), 0, &properties, body));
}

fn assert_count(bench: &mut Bench, client: ConnectionId, count: u32) {
    bench.declare(client, "q", 1, &args());
    assert_eq!(bench.seen(client), [format!("1 queue.declare-ok q {count} 0")]);
}

#[test]
fn lower_of_queue_and_message_ttl_wins() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args().int("x-message-ttl", 1000));
    expiring(&mut bench, client, "100", "short");
    expiring(&mut bench, client, "5000", "long");
    bench.pass(Duration::from_millis(99));
    assert_count(&mut bench, client, 2);
    bench.pass(Duration::from_millis(1));
    assert_count(&mut bench, client, 1);
    bench.pass(Duration::from_millis(900));
    assert_count(&mut bench, client, 0);
}

#[test]
fn message_expires_at_the_head_only_and_is_never_handed_out_late() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.publish(client, "", "q", "lasting");
    expiring(&mut bench, client, "10", "short");
    bench.pass(Duration::from_secs(1));
    assert_count(&mut bench, client, 2);
    assert_eq!(bench.get(client, "q", true), "1 basic.get-ok #1 [] q left=1 = lasting");
    assert_eq!(bench.get(client, "q", true), "1 basic.get-empty");
}

#[test]
fn no_time_to_live_is_time_enough_for_a_waiting_consumer() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    expiring(&mut bench, client, "0", "lost");
    assert_eq!(bench.get(client, "q", true), "1 basic.get-empty");
    bench.consume(client, "q", "ct", 0, &args());
    expiring(&mut bench, client, "0", "caught");
    assert_eq!(bench.seen(client), ["1 basic.consume-ok ct", "1 basic.deliver ct #1 [] q = caught"]);
}

#[test]
fn unacked_message_expires_on_its_return() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    expiring(&mut bench, client, "10", "x");
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #1 [] q left=0 = x");
    bench.pass(Duration::from_secs(1));
    bench.nack(client, 1, false, true);
    assert_eq!(bench.get(client, "q", false), "1 basic.get-empty");
}

#[test]
fn malformed_expiration_is_406() {
    for expiration in ["abc", "-1", "1.5", "", "+5", "99999999999999999999"] {
        let mut bench = Bench::new();
        let client = bench.client();
        bench.queue(client, "q", &args());
        expiring(&mut bench, client, expiration, "x");
        bench.channel_closed(client, 406, (60, 40));
    }
}

#[test]
fn unused_queue_expires_and_use_renews_it() {
    let mut bench = Bench::new();
    let client = bench.client();
    let lease = args().int("x-expires", 1000);
    bench.queue(client, "q", &lease);
    bench.pass(Duration::from_millis(900));
    assert_eq!(bench.get(client, "q", true), "1 basic.get-empty");
    bench.pass(Duration::from_millis(900));
    bench.queue(client, "q", &lease);
    bench.pass(Duration::from_millis(900));
    bench.consume(client, "q", "ct", 0, &args());
    bench.pass(Duration::from_secs(9));
    bench.call(client, 1, (60, 30), &args().short("ct").u8(0));
    assert_eq!(bench.seen(client), ["1 basic.consume-ok ct", "1 basic.cancel-ok ct"]);
    bench.publish(client, "", "q", "publishing is no use");
    bench.pass(Duration::from_millis(999));
    assert!(bench.broker.next_deadline().is_some());
    bench.pass(Duration::from_millis(1));
    bench.declare(client, "q", 1, &args());
    bench.channel_closed(client, 404, (50, 10));
}

/// The bodies in `q`, oldest first.
fn drain(bench: &mut Bench, client: ConnectionId) -> Vec<String> {
    let mut bodies = Vec::new();
    while let Some((_, body)) = bench.get(client, "q", true).split_once(" = ") {
        bodies.push(body.to_owned());
    }
    bodies
}

/// Publishes 1 to 4 with confirms to a queue with these arguments.
fn overflow(arguments: &Args) -> (Vec<String>, Vec<String>) {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", arguments);
    bench.call(client, 1, (85, 10), &args().u8(0));
    assert_eq!(bench.seen(client), ["1 confirm.select-ok"]);
    for number in 1..=4 {
        bench.publish(client, "", "q", &number.to_string());
    }
    let confirms = bench.seen(client);
    (confirms, drain(&mut bench, client))
}

#[test]
fn full_queue_drops_its_head_and_confirms() {
    let acks = ["1 basic.ack 1", "1 basic.ack 2", "1 basic.ack 3", "1 basic.ack 4"];
    let (confirms, kept) = overflow(&args().int("x-max-length", 2));
    assert_eq!((confirms, kept), (acks.map(str::to_owned).to_vec(), vec!["3".to_owned(), "4".to_owned()]));
    let (confirms, kept) = overflow(&args().int("x-max-length", 9).int("x-max-length-bytes", 3));
    assert_eq!((confirms.len(), kept), (4, vec!["2".to_owned(), "3".to_owned(), "4".to_owned()]));
    let (confirms, kept) = overflow(&args().int("x-max-length", 0));
    assert_eq!((confirms, kept), (acks.map(str::to_owned).to_vec(), vec![]));
}

#[test]
fn full_queue_that_rejects_nacks_the_new_ones() {
    let (confirms, kept) = overflow(&args().int("x-max-length", 2).text("x-overflow", "reject-publish"));
    assert_eq!(confirms, ["1 basic.ack 1", "1 basic.ack 2", "1 basic.nack 3", "1 basic.nack 4"]);
    assert_eq!(kept, ["1", "2"]);
}

#[test]
fn unacked_messages_do_not_count_as_length() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args().int("x-max-length", 1));
    bench.publish(client, "", "q", "1");
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #1 [] q left=0 = 1");
    bench.publish(client, "", "q", "2");
    assert_eq!(drain(&mut bench, client), ["2"]);
}

#[test]
fn priorities_go_first_and_equals_in_order() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args().int("x-max-priority", 5));
    for (priority, body) in [(0, "a"), (3, "b"), (9, "c"), (5, "d"), (3, "e")] {
        let properties = args().u16(0x0800).u8(priority);
        bench.send(client, &publish_octets(1, ("", "q"), 0, &properties, body));
    }
    bench.publish(client, "", "q", "f");
    assert_eq!(drain(&mut bench, client), ["c", "d", "b", "e", "a", "f"], "above the maximum is the maximum");
}

#[test]
fn priority_is_ignored_by_an_ordinary_queue() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    for (priority, body) in [(0, "a"), (9, "b")] {
        bench.send(client, &publish_octets(1, ("", "q"), 0, &args().u16(0x0800).u8(priority), body));
    }
    assert_eq!(drain(&mut bench, client), ["a", "b"]);
}

#[test]
fn queue_arguments_out_of_range_are_406() {
    for arguments in [
        args().int("x-message-ttl", -1),
        args().text("x-message-ttl", "1"),
        args().int("x-expires", 0),
        args().int("x-max-length", -1),
        args().int("x-max-length-bytes", -1),
        args().text("x-overflow", "sideways"),
        args().int("x-max-priority", 0),
        args().int("x-max-priority", 256),
        args().int("x-max-priority", -1),
        args().int("x-dead-letter-exchange", 1),
        args().text("x-dead-letter-routing-key", "k"),
        args().text("x-queue-type", "nonsense"),
        args().text("x-queue-mode", "nonsense"),
    ] {
        let mut bench = Bench::new();
        let client = bench.client();
        bench.declare(client, "q", 0, &arguments);
        bench.channel_closed(client, 406, (50, 10));
    }
}
