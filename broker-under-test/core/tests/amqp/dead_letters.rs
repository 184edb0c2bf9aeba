//! Dead-letter exchanges and the history in x-death.

use std::time::Duration;

use crate::client::{Args, Bench, args, publish_octets};
use mqspec_broker_core::ConnectionId;

/// The octets of the content header that came last.
fn header(bench: &mut Bench, client: ConnectionId) -> Vec<u8> {
    let frames = bench.frames(client);
    frames.into_iter().rfind(|frame| frame.kind == 2).map(|frame| frame.payload).expect("a content header")
}

fn has(octets: &[u8], part: &[u8]) -> bool {
    octets.windows(part.len()).any(|window| window == part)
}

/// A field as its octets.
fn field(fields: &Args) -> &[u8] {
    &fields.0
}

/// Queue `q` that dead-letters to queue `dead` by the default exchange.
fn with_dead(bench: &mut Bench, arguments: Args) -> ConnectionId {
    let client = bench.client();
    bench.queue(client, "dead", &args());
    let arguments = arguments.text("x-dead-letter-exchange", "").text("x-dead-letter-routing-key", "dead");
    bench.queue(client, "q", &arguments);
    client
}

#[test]
fn rejected_message_is_dead_lettered_with_its_history() {
    let mut bench = Bench::new();
    let client = with_dead(&mut bench, args());
    bench.publish(client, "", "q", "x");
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #1 [] q left=0 = x");
    bench.nack(client, 1, false, false);
    bench.call(client, 1, (60, 70), &args().u16(0).short("dead").u8(1));
    let header = header(&mut bench, client);
    let entry = args()
        .short("count")
        .u8(b'l')
        .u64(1)
        .text("reason", "rejected")
        .text("queue", "q")
        .short("time")
        .u8(b'T')
        .u64(1_000_000_000)
        .text("exchange", "")
        .texts("routing-keys", &["q"]);
    let history = args().short("x-death").u8(b'A').long(&args().u8(b'F').table(&entry).0);
    assert!(has(&header, field(&history)), "{header:x?}");
    for (name, value) in
        [("x-first-death-reason", "rejected"), ("x-first-death-queue", "q"), ("x-first-death-exchange", "")]
    {
        assert!(has(&header, field(&args().text(name, value))), "{name}");
    }
}

#[test]
fn acked_requeued_purged_and_deleted_messages_are_not_dead_lettered() {
    let mut bench = Bench::new();
    let client = with_dead(&mut bench, args());
    for body in ["1", "2", "3"] {
        bench.publish(client, "", "q", body);
    }
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #1 [] q left=2 = 1");
    bench.ack(client, 1, false);
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #2 [] q left=1 = 2");
    bench.nack(client, 2, false, true);
    bench.call(client, 1, (50, 30), &args().u16(0).short("q").u8(0));
    bench.publish(client, "", "q", "4");
    bench.call(client, 1, (50, 40), &args().u16(0).short("q").u8(0));
    assert_eq!(bench.seen(client), ["1 queue.purge-ok 2", "1 queue.delete-ok 1"]);
    assert_eq!(bench.get(client, "dead", true), "1 basic.get-empty");
}

#[test]
fn expired_message_loses_its_expiration_and_the_history_keeps_it() {
    let mut bench = Bench::new();
    let client = with_dead(&mut bench, args());
    bench.send(client, &publish_octets(1, ("", "q"), 0, &args().u16(0x0100).short("50"), "x"));
    bench.pass(Duration::from_millis(50));
    bench.pass(Duration::from_secs(1));
    bench.call(client, 1, (60, 70), &args().u16(0).short("dead").u8(1));
    let header = header(&mut bench, client);
    assert_eq!(header.get(12..14), Some([0x20, 0].as_slice()), "headers and nothing else");
    assert!(has(&header, field(&args().text("reason", "expired"))));
    assert!(has(&header, field(&args().text("original-expiration", "50"))));
}

#[test]
fn overflow_is_dead_lettered_with_reason_maxlen() {
    for (overflow, dead) in [("drop-head", "1"), ("reject-publish-dlx", "2")] {
        let mut bench = Bench::new();
        let arguments = args().int("x-max-length", 1).text("x-overflow", overflow);
        let client = with_dead(&mut bench, arguments);
        bench.publish(client, "", "q", "1");
        bench.publish(client, "", "q", "2");
        bench.call(client, 1, (60, 70), &args().u16(0).short("dead").u8(0));
        let frames = bench.frames(client);
        assert!(frames.iter().any(|frame| frame.kind == 3 && frame.payload == dead.as_bytes()), "{overflow}");
        let maxlen = args().text("reason", "maxlen");
        assert!(frames.iter().any(|frame| frame.kind == 2 && has(&frame.payload, field(&maxlen))));
    }
}

#[test]
fn message_keeps_its_key_unless_the_queue_has_one_for_it() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args().text("x-dead-letter-exchange", "amq.fanout").int("x-message-ttl", 0));
    bench.queue(client, "dead", &args());
    bench.bind(client, "dead", "amq.fanout", "", &args());
    bench.publish(client, "", "q", "x");
    assert_eq!(bench.seen(client), ["1 queue.bind-ok"]);
    assert_eq!(bench.get(client, "dead", true), "1 basic.get-ok #1 [amq.fanout] q left=0 = x");
}

#[test]
fn missing_dead_letter_exchange_drops_silently_and_may_be_declared_later() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args().text("x-dead-letter-exchange", "later").int("x-message-ttl", 0));
    bench.queue(client, "dead", &args());
    bench.publish(client, "", "q", "lost");
    bench.exchange(client, "later", "fanout", 0, &args());
    bench.bind(client, "dead", "later", "", &args());
    bench.publish(client, "", "q", "kept");
    assert_eq!(bench.seen(client), ["1 exchange.declare-ok", "1 queue.bind-ok"]);
    assert_eq!(bench.get(client, "dead", true), "1 basic.get-ok #1 [later] q left=0 = kept");
}

#[test]
fn automatic_cycle_is_cut() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args().text("x-dead-letter-exchange", "").int("x-message-ttl", 10));
    bench.publish(client, "", "q", "x");
    bench.pass(Duration::from_secs(1));
    bench.declare(client, "q", 1, &args());
    assert_eq!(bench.seen(client), ["1 queue.declare-ok q 0 0"]);
    assert_eq!(bench.broker.next_deadline(), None);
}

#[test]
fn rejected_cycle_goes_round_and_counts() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args().text("x-dead-letter-exchange", ""));
    bench.publish(client, "", "q", "x");
    for tag in 1..=3 {
        assert!(bench.get(client, "q", false).contains("left=0 = x"));
        bench.nack(client, tag, false, false);
    }
    bench.call(client, 1, (60, 70), &args().u16(0).short("q").u8(1));
    let header = header(&mut bench, client);
    assert!(has(&header, field(&args().short("count").u8(b'l').u64(3))), "{header:x?}");
    let entries = header.windows(8).filter(|window| *window == b"rejected").count();
    assert_eq!(entries, 2, "one entry, and the first death");
}

#[test]
fn chain_of_full_queues_is_no_recursion() {
    let mut bench = Bench::new();
    let client = bench.client();
    for number in 0..300 {
        let arguments = args()
            .int("x-max-length", 0)
            .text("x-overflow", "reject-publish-dlx")
            .text("x-dead-letter-exchange", "")
            .text("x-dead-letter-routing-key", &format!("q{}", number + 1));
        bench.queue(client, &format!("q{number}"), &arguments);
    }
    bench.queue(client, "q300", &args());
    bench.publish(client, "", "q0", "end of the line");
    assert!(bench.get(client, "q300", true).ends_with("left=0 = end of the line"));
}
