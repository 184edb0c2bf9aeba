//! Which messages are there after a crash, where and with which marks.

use std::time::Duration;

use mqspec_broker_core::ConnectionId;

use crate::client::{Args, Bench, args, plain, publish_octets};

/// Delivery mode 2.
fn persistent() -> Args {
    args().u16(0x1000).u8(2)
}

fn publish(bench: &mut Bench, client: ConnectionId, key: &str, body: &str) {
    bench.send(client, &publish_octets(1, ("", key), 0, &persistent(), body));
}

/// A durable queue of that name.
fn queue(bench: &mut Bench, client: ConnectionId, name: &str, arguments: &Args) {
    bench.declare(client, name, 2, arguments);
    assert_eq!(bench.seen(client), [format!("1 queue.declare-ok {name} 0 0")]);
}

/// A durable queue `q` and a client.
fn with_queue(arguments: &Args) -> (Bench, ConnectionId) {
    let mut bench = Bench::durable();
    let client = bench.client();
    queue(&mut bench, client, "q", arguments);
    (bench, client)
}

/// Takes all there is out of a queue: bodies in order, with a `*` where redelivered.
fn drain(bench: &mut Bench, name: &str) -> Vec<String> {
    let client = bench.client();
    let mut bodies = Vec::new();
    loop {
        let got = bench.get(client, name, true);
        let Some((head, body)) = got.split_once(" = ") else { return bodies };
        let mark = if head.contains(" again ") { "*" } else { "" };
        bodies.push(format!("{body}{mark}"));
    }
}

#[test]
fn persistent_messages_come_back_in_order_and_others_do_not() {
    let (mut bench, client) = with_queue(&args());
    bench.queue(client, "transient", &args());
    for body in ["1", "2", "3"] {
        publish(&mut bench, client, "q", body);
        publish(&mut bench, client, "transient", body);
        bench.publish(client, "", "q", "not persistent");
    }
    bench.crash();
    assert_eq!(drain(&mut bench, "q"), ["1", "2", "3"]);
    bench.crash();
    assert!(drain(&mut bench, "q").is_empty(), "what was got without ack is gone");
}

#[test]
fn new_messages_stand_behind_old_ones_after_a_compaction_too() {
    let (mut bench, mut client) = with_queue(&args());
    for round in ["a", "b", "c"] {
        publish(&mut bench, client, "q", round);
        publish(&mut bench, client, "q", &format!("{round}2"));
        bench.compact_and_crash();
        client = bench.client();
    }
    assert_eq!(drain(&mut bench, "q"), ["a", "a2", "b", "b2", "c", "c2"]);
}

/// Header and body of the message at the head of a queue.
fn content(bench: &mut Bench, client: ConnectionId, name: &str) -> Vec<Vec<u8>> {
    bench.call(client, 1, (60, 70), &args().u16(0).short(name).u8(0));
    let frames = bench.frames(client);
    frames.into_iter().filter(|frame| frame.kind != 1).map(|frame| frame.payload).collect()
}

#[test]
fn all_properties_and_headers_come_back() {
    let (mut bench, client) = with_queue(&args());
    queue(&mut bench, client, "copy", &args());
    let headers = args().texts("BCC", &["copy"]).int("n", 7).void("nothing");
    let properties = args().u16(0xFFFC).short("text/plain").short("identity").table(&headers).u8(2).u8(3);
    let properties = properties.short("correlation").short("reply").short("60000").short("id").u64(5);
    let properties = properties.short("type").short("guest").short("app").short("cluster");
    bench.send(client, &publish_octets(1, ("", "q"), 0, &properties, "body"));
    let before = content(&mut bench, client, "q");
    assert_eq!(before.len(), 2);
    bench.crash();
    let client = bench.client();
    assert_eq!(content(&mut bench, client, "copy"), before);
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #2 again [] q left=0 = body");
}

#[test]
fn message_in_several_queues_is_kept_once_and_leaves_each_alone() {
    let (mut bench, client) = with_queue(&args());
    for name in ["second", "third"] {
        queue(&mut bench, client, name, &args());
    }
    for name in ["q", "second", "third"] {
        bench.bind(client, name, "amq.fanout", "", &args());
        assert_eq!(bench.seen(client), ["1 queue.bind-ok"]);
    }
    let before = bench.records.len();
    bench.send(client, &publish_octets(1, ("amq.fanout", ""), 0, &persistent(), "x"));
    assert_eq!(bench.records.len(), before + 1);
    assert!(bench.get(client, "second", true).ends_with("= x"));
    bench.compact_and_crash();
    assert_eq!(drain(&mut bench, "q"), ["x"]);
    bench.crash();
    assert!(drain(&mut bench, "second").is_empty());
    assert_eq!(drain(&mut bench, "third"), ["x"]);
}

#[test]
fn settled_messages_do_not_come_back_and_unsettled_ones_come_marked() {
    let (mut bench, client) = with_queue(&args());
    for body in ["acked", "got", "rejected", "requeued", "delivered", "ready"] {
        publish(&mut bench, client, "q", body);
    }
    for _ in 0..5 {
        assert!(bench.get(client, "q", false).contains("get-ok"));
    }
    bench.ack(client, 1, false);
    bench.nack(client, 3, false, false);
    bench.nack(client, 4, false, true);
    bench.crash();
    assert_eq!(drain(&mut bench, "q"), ["got*", "requeued*", "delivered*", "ready"]);
}

#[test]
fn consumer_without_acks_has_what_it_got() {
    let (mut bench, client) = with_queue(&args());
    publish(&mut bench, client, "q", "before");
    bench.consume(client, "q", "c", 2 | 8, &args());
    let known = bench.records.len();
    publish(&mut bench, client, "q", "at once");
    assert_eq!(bench.records.len(), known, "what only passes by is not kept");
    bench.crash();
    assert!(drain(&mut bench, "q").is_empty());
}

#[test]
fn delivered_to_a_consumer_is_marked_and_prefetched_only() {
    let (mut bench, client) = with_queue(&args());
    bench.qos(client, 2, false);
    bench.consume(client, "q", "c", 8, &args());
    for body in ["1", "2", "3"] {
        publish(&mut bench, client, "q", body);
    }
    bench.crash();
    bench.compact_and_crash();
    assert_eq!(drain(&mut bench, "q"), ["1*", "2*", "3"]);
}

#[test]
fn purge_takes_what_is_ready_and_leaves_what_is_delivered() {
    let (mut bench, client) = with_queue(&args());
    for body in ["1", "2", "3"] {
        publish(&mut bench, client, "q", body);
    }
    assert!(bench.get(client, "q", false).contains("= 1"));
    bench.call(client, 1, (50, 30), &args().u16(0).short("q").u8(0));
    assert_eq!(bench.seen(client), ["1 queue.purge-ok 2"]);
    bench.crash();
    assert_eq!(drain(&mut bench, "q"), ["1*"]);
}

#[test]
fn open_transaction_leaves_no_trace_and_a_committed_one_is_whole() {
    let (mut bench, client) = with_queue(&args());
    publish(&mut bench, client, "q", "old");
    bench.call(client, 1, (90, 10), &args());
    bench.seen(client);
    let settle_and_publish = |bench: &mut Bench, client: ConnectionId| {
        let got = bench.get(client, "q", false);
        let tag = got.split(['#', ' ']).nth(3).and_then(|tag| tag.parse().ok()).expect("a delivery tag");
        bench.ack(client, tag, false);
        publish(bench, client, "q", "new");
        publish(bench, client, "q", "newer");
    };
    settle_and_publish(&mut bench, client);
    bench.crash();
    let client = bench.client();
    bench.call(client, 1, (90, 10), &args());
    bench.seen(client);
    settle_and_publish(&mut bench, client);
    bench.call(client, 1, (90, 20), &args());
    assert_eq!(bench.seen(client), ["1 tx.commit-ok"]);
    bench.crash();
    assert_eq!(drain(&mut bench, "q"), ["new", "newer"]);
}

#[test]
fn everything_is_recorded_in_the_call_that_confirms_it() {
    let (mut bench, client) = with_queue(&args());
    bench.call(client, 1, (85, 10), &args().u8(1));
    let before = bench.records.len();
    publish(&mut bench, client, "q", "x");
    assert_eq!(bench.seen(client), ["1 basic.ack 1"]);
    assert_eq!(bench.record_names().get(before..), Some(["amqp.enqueued"].as_slice()));
}

#[test]
fn time_to_live_goes_on_while_the_broker_is_down() {
    let (mut bench, client) = with_queue(&args().int("x-message-ttl", 10_000));
    publish(&mut bench, client, "q", "early");
    bench.pass(Duration::from_secs(4));
    publish(&mut bench, client, "q", "late");
    bench.now += Duration::from_secs(6);
    bench.compact_and_crash();
    let client = bench.client();
    assert!(bench.get(client, "q", false).ends_with("= late"), "six seconds were too many for the other");
    bench.nack(client, 1, false, true);
    bench.pass(Duration::from_secs(4));
    assert!(drain(&mut bench, "q").is_empty());
}

#[test]
fn expired_message_is_dead_lettered_at_the_start_and_keeps_its_history() {
    let dead = args()
        .int("x-message-ttl", 1_000)
        .text("x-dead-letter-exchange", "")
        .text("x-dead-letter-routing-key", "graveyard");
    let (mut bench, client) = with_queue(&dead);
    queue(&mut bench, client, "graveyard", &args());
    publish(&mut bench, client, "q", "x");
    bench.now += Duration::from_secs(1);
    bench.crash();
    let client = bench.client();
    let before = content(&mut bench, client, "graveyard");
    let header = String::from_utf8_lossy(before.first().expect("a header")).into_owned();
    for word in ["x-death", "x-first-death-reason", "expired"] {
        assert!(header.contains(word), "{word} in {header}");
    }
    bench.crash();
    let client = bench.client();
    assert_eq!(content(&mut bench, client, "graveyard"), before);
}

#[test]
fn higher_priority_goes_first_after_a_crash_too() {
    let (mut bench, client) = with_queue(&args().int("x-max-priority", 5));
    for (priority, body) in [(1, "low"), (5, "high"), (9, "capped"), (0, "least")] {
        let properties = args().u16(0x1800).u8(2).u8(priority);
        bench.send(client, &publish_octets(1, ("", "q"), 0, &properties, body));
    }
    bench.crash();
    let client = bench.client();
    bench.send(client, &publish_octets(1, ("", "q"), 0, &args().u16(0x1800).u8(2).u8(5), "third"));
    assert_eq!(drain(&mut bench, "q"), ["high", "capped", "third", "low", "least"]);
}

#[test]
fn length_limit_holds_at_the_start() {
    let (mut bench, client) = with_queue(&args().int("x-max-length", 2));
    for body in ["1", "2", "3"] {
        publish(&mut bench, client, "q", body);
        if body == "1" {
            assert!(bench.get(client, "q", false).contains("= 1"));
        }
    }
    bench.crash();
    assert_eq!(drain(&mut bench, "q"), ["2", "3"], "the oldest came back and had to make room");
}

#[test]
fn single_active_consumer_queue_serves_its_next_consumer() {
    let (mut bench, client) = with_queue(&args().flag("x-single-active-consumer", true));
    bench.consume(client, "q", "c", 8, &args());
    publish(&mut bench, client, "q", "1");
    bench.crash();
    let client = bench.client();
    bench.consume(client, "q", "d", 8, &args());
    assert_eq!(bench.seen(client), ["1 basic.deliver d #1 again [] q = 1"]);
    bench.send(client, &publish_octets(1, ("", "q"), 0, &plain(), "2"));
    assert_eq!(bench.seen(client), ["1 basic.deliver d #2 [] q = 2"]);
}
