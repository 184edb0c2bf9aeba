//! Consumers: tags, turns, exclusiveness, priorities, single active consumer, cancel.

use crate::client::{Bench, args};

#[test]
fn consumers_take_turns_in_the_order_of_consuming() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    for tag in ["a", "b", "c"] {
        bench.consume(client, "q", tag, 2, &args());
    }
    assert_eq!(bench.seen(client).len(), 3);
    for number in 1..=5 {
        bench.publish(client, "", "q", &number.to_string());
    }
    let tags: Vec<String> =
        bench.seen(client).iter().filter_map(|l| l.split(' ').nth(2).map(str::to_owned)).collect();
    assert_eq!(tags, ["a", "b", "c", "a", "b"]);
}

#[test]
fn tag_in_use_on_the_channel_is_530() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.channel(client, 2);
    bench.consume(client, "q", "ct", 0, &args());
    bench.call(client, 2, (60, 20), &args().u16(0).short("q").short("ct").u8(0).table(&args()));
    assert_eq!(bench.seen(client), ["1 basic.consume-ok ct", "2 basic.consume-ok ct"]);
    bench.consume(client, "q", "ct", 0, &args());
    bench.connection_closed(client, 530, (60, 20));
}

#[test]
fn empty_tag_is_generated() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.consume(client, "q", "", 0, &args());
    bench.consume(client, "q", "", 0, &args());
    let seen = bench.seen(client);
    assert!(seen.iter().all(|line| line.starts_with("1 basic.consume-ok amq.ctag-")), "{seen:?}");
    assert_ne!(seen.first(), seen.last());
}

#[test]
fn missing_queue_cannot_be_consumed_or_got_from() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.consume(client, "missing", "", 0, &args());
    bench.channel_closed(client, 404, (60, 20));
    bench.call(client, 1, (60, 70), &args().u16(0).short("missing").u8(0));
    bench.channel_closed(client, 404, (60, 70));
    bench.consume(client, "", "", 0, &args());
    bench.channel_closed(client, 404, (60, 20));
}

#[test]
fn exclusive_consumer_is_alone() {
    let mut bench = Bench::new();
    let (client, other) = (bench.client(), bench.client());
    bench.queue(client, "q", &args());
    bench.consume(client, "q", "ct", 4, &args());
    assert_eq!(bench.seen(client), ["1 basic.consume-ok ct"]);
    bench.consume(other, "q", "ct", 0, &args());
    bench.channel_closed(other, 403, (60, 20));
    assert_eq!(bench.get(other, "q", true), "1 basic.get-empty", "get is still allowed");
    bench.call(client, 1, (60, 30), &args().short("ct").u8(0));
    bench.consume(other, "q", "ct", 0, &args());
    bench.consume(client, "q", "ct", 4, &args());
    assert_eq!(bench.seen(client), ["1 basic.cancel-ok ct", "1 channel.close 403 60.20"]);
}

#[test]
fn cancel_stops_deliveries_and_keeps_what_was_delivered() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.consume(client, "q", "ct", 0, &args());
    bench.publish(client, "", "q", "one");
    bench.call(client, 1, (60, 30), &args().short("ct").u8(0));
    bench.publish(client, "", "q", "two");
    bench.ack(client, 1, false);
    bench.call(client, 1, (60, 30), &args().short("unknown").u8(0));
    assert_eq!(
        bench.seen(client),
        [
            "1 basic.consume-ok ct",
            "1 basic.deliver ct #1 [] q = one",
            "1 basic.cancel-ok ct",
            "1 basic.cancel-ok unknown"
        ]
    );
    bench.call(client, 1, (60, 30), &args().short("ct").u8(1));
    assert_eq!(bench.seen(client), Vec::<String>::new(), "no-wait");
}

#[test]
fn loss_of_the_queue_is_told_to_those_who_asked_only() {
    let mut bench = Bench::new();
    let (asked, silent) = (bench.client(), bench.open(&[], 131_072, 0));
    bench.channel(silent, 1);
    bench.queue(asked, "q", &args());
    for client in [asked, silent] {
        bench.consume(client, "q", "ct", 0, &args());
        assert_eq!(bench.seen(client), ["1 basic.consume-ok ct"]);
    }
    bench.call(asked, 1, (50, 40), &args().u16(0).short("q").u8(0));
    assert_eq!(bench.seen(asked), ["1 basic.cancel ct no-wait=1", "1 queue.delete-ok 0"]);
    assert_eq!(bench.seen(silent), Vec::<String>::new());
    bench.call(asked, 1, (60, 31), &args().short("ct"));
    bench.queue(asked, "q", &args());
    bench.consume(asked, "q", "ct", 0, &args());
    assert_eq!(bench.seen(asked), ["1 basic.consume-ok ct"], "the tag is free again");
}

#[test]
fn higher_priority_is_served_until_it_is_full() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.qos(client, 1, false);
    bench.consume(client, "q", "default", 0, &args());
    bench.consume(client, "q", "low", 0, &args().int("x-priority", -5));
    bench.consume(client, "q", "high", 0, &args().int("x-priority", 10));
    assert_eq!(bench.seen(client).len(), 3);
    for number in 1..=3 {
        bench.publish(client, "", "q", &number.to_string());
    }
    assert_eq!(
        bench.seen(client),
        [
            "1 basic.deliver high #1 [] q = 1",
            "1 basic.deliver default #2 [] q = 2",
            "1 basic.deliver low #3 [] q = 3"
        ]
    );
    bench.consume(client, "q", "wrong", 0, &args().text("x-priority", "high"));
    bench.channel_closed(client, 406, (60, 20));
}

#[test]
fn single_active_consumer_is_followed_by_the_next() {
    let mut bench = Bench::new();
    let (first, second) = (bench.client(), bench.client());
    bench.queue(first, "q", &args().flag("x-single-active-consumer", true));
    bench.consume(first, "q", "a", 0, &args());
    bench.consume(second, "q", "b", 0, &args());
    bench.publish(first, "", "q", "1");
    bench.publish(first, "", "q", "2");
    assert_eq!(
        bench.seen(first),
        ["1 basic.consume-ok a", "1 basic.deliver a #1 [] q = 1", "1 basic.deliver a #2 [] q = 2"]
    );
    assert_eq!(bench.seen(second), ["1 basic.consume-ok b"]);
    bench.drop_socket(first);
    assert_eq!(
        bench.seen(second),
        ["1 basic.deliver b #1 again [] q = 1", "1 basic.deliver b #2 again [] q = 2"]
    );
    bench.consume(second, "q", "c", 4, &args());
    bench.channel_closed(second, 403, (60, 20));
    bench.declare(second, "other", 0, &args().int("x-single-active-consumer", 1));
    bench.channel_closed(second, 406, (50, 10));
}

#[test]
fn no_local_is_accepted_and_ignored() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.consume(client, "q", "ct", 1, &args());
    bench.publish(client, "", "q", "own");
    assert_eq!(bench.seen(client), ["1 basic.consume-ok ct", "1 basic.deliver ct #1 [] q = own"]);
}
