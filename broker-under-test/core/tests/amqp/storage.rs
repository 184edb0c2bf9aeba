//! No room to keep anything more: what is refused, by which codes, and what goes on.

use mqspec_broker_core::{ConnectionId, Input};

use crate::client::{Args, Bench, args, publish_octets};

/// Delivery mode 2.
fn persistent() -> Args {
    args().u16(0x1000).u8(2)
}

fn publish(bench: &mut Bench, client: ConnectionId, key: &str, body: &str) {
    bench.send(client, &publish_octets(1, ("", key), 0, &persistent(), body));
}

/// A full broker with the durable queue `q` and the transient `t`, one message in `q`, and a client with that capability.
fn full(capability: &str) -> (Bench, ConnectionId) {
    let mut bench = Bench::durable();
    let client = bench.open(&[capability], 131_072, 0);
    bench.channel(client, 1);
    bench.declare(client, "q", 2 | 16, &args());
    bench.declare(client, "t", 16, &args());
    publish(&mut bench, client, "q", "old");
    bench.input(Input::Storage { full: true });
    (bench, client)
}

#[test]
fn publisher_in_confirm_mode_gets_a_nack_until_there_is_room() {
    let (mut bench, client) = full("");
    bench.call(client, 1, (85, 10), &args().u8(1));
    publish(&mut bench, client, "q", "refused");
    bench.publish(client, "", "q", "not to be kept");
    publish(&mut bench, client, "t", "not kept there");
    publish(&mut bench, client, "nowhere", "not kept anywhere");
    assert_eq!(bench.seen(client), ["1 basic.nack 1", "1 basic.ack 2", "1 basic.ack 3", "1 basic.ack 4"]);
    bench.input(Input::Storage { full: false });
    publish(&mut bench, client, "q", "new");
    assert_eq!(bench.seen(client), ["1 basic.ack 5"]);
    bench.crash();
    let client = bench.client();
    assert!(bench.get(client, "q", true).ends_with("= old"));
    assert!(bench.get(client, "q", true).ends_with("= new"));
    assert_eq!(bench.get(client, "q", true), "1 basic.get-empty");
}

#[test]
fn refused_message_goes_to_none_of_its_queues() {
    let (mut bench, client) = full("");
    bench.call(client, 1, (85, 10), &args().u8(1));
    let copied = args().u16(0x3000).table(&args().texts("CC", &["t"])).u8(2);
    bench.send(client, &publish_octets(1, ("", "q"), 0, &copied, "x"));
    assert_eq!(bench.seen(client), ["1 basic.nack 1"]);
    assert_eq!(bench.get(client, "t", true), "1 basic.get-empty");
}

#[test]
fn other_publishers_and_new_durable_things_get_506() {
    let new_binding = args().u16(0).short("q").short("amq.fanout").short("").u8(0).table(&args());
    let over = args().u16(0).short("amq.topic").short("amq.fanout").short("").u8(0).table(&args());
    let queue = args().u16(0).short("new").u8(2).table(&args());
    let exchange = args().u16(0).short("new").short("topic").u8(2).table(&args());
    for (id, arguments) in
        [((50, 10), queue), ((40, 10), exchange), ((50, 20), new_binding), ((40, 30), over)]
    {
        let (mut bench, client) = full("");
        bench.call(client, 1, id, &arguments);
        bench.connection_closed(client, 506, id);
    }
    let (mut bench, client) = full("");
    publish(&mut bench, client, "q", "refused");
    bench.connection_closed(client, 506, (60, 40));
}

#[test]
fn commit_is_refused_as_a_whole() {
    let (mut bench, client) = full("");
    bench.call(client, 1, (90, 10), &args());
    bench.seen(client);
    assert!(bench.get(client, "q", false).ends_with("= old"));
    bench.ack(client, 1, false);
    bench.publish(client, "", "t", "with it");
    publish(&mut bench, client, "q", "refused");
    bench.call(client, 1, (90, 20), &args());
    bench.connection_closed(client, 506, (90, 20));
    let other = bench.client();
    assert_eq!(bench.get(other, "t", true), "1 basic.get-empty");
    assert_eq!(bench.get(other, "q", true), "1 basic.get-ok #1 again [] q left=0 = old");
}

#[test]
fn what_is_there_is_served_and_may_go() {
    let (mut bench, client) = full("");
    bench.declare(client, "q", 2, &args());
    bench.declare(client, "another", 0, &args());
    assert_eq!(bench.seen(client), ["1 queue.declare-ok q 1 0", "1 queue.declare-ok another 0 0"]);
    assert!(bench.get(client, "q", false).ends_with("= old"));
    bench.ack(client, 1, false);
    bench.call(client, 1, (50, 30), &args().u16(0).short("q").u8(0));
    assert_eq!(bench.seen(client), ["1 queue.purge-ok 0"]);
    bench.call(client, 1, (50, 40), &args().u16(0).short("q").u8(0));
    assert_eq!(bench.seen(client), ["1 queue.delete-ok 0"]);
    bench.crash();
    assert_eq!(bench.broker.snapshot().len(), 1, "nothing but the start is left");
}

#[test]
fn binding_that_is_there_may_be_bound_again() {
    let mut bench = Bench::durable();
    let client = bench.client();
    bench.declare(client, "q", 2 | 16, &args());
    bench.bind(client, "q", "amq.fanout", "", &args());
    bench.input(Input::Storage { full: true });
    bench.bind(client, "q", "amq.fanout", "", &args());
    assert_eq!(bench.seen(client), ["1 queue.bind-ok", "1 queue.bind-ok"]);
}

#[test]
fn dead_letter_moves_though_there_is_no_room_for_new_ones() {
    let mut bench = Bench::durable();
    let client = bench.client();
    let dead = args().text("x-dead-letter-exchange", "").text("x-dead-letter-routing-key", "graveyard");
    bench.declare(client, "q", 2 | 16, &dead);
    bench.declare(client, "graveyard", 2 | 16, &args());
    publish(&mut bench, client, "q", "x");
    bench.input(Input::Storage { full: true });
    assert!(bench.get(client, "q", false).ends_with("= x"));
    bench.nack(client, 1, false, false);
    bench.crash();
    let client = bench.client();
    assert!(bench.get(client, "graveyard", true).ends_with("= x"));
}

#[test]
fn publishers_that_want_to_know_are_told_once_and_again_when_it_is_over() {
    let (mut bench, publisher) = full("connection.blocked");
    assert_eq!(bench.seen(publisher), ["0 connection.blocked"]);
    bench.input(Input::Storage { full: true });
    let late = bench.open(&["connection.blocked"], 131_072, 0);
    bench.channel(late, 1);
    let consumer = bench.open(&["connection.blocked"], 131_072, 0);
    bench.channel(consumer, 1);
    for _ in 0..2 {
        bench.publish(late, "", "t", "x");
    }
    assert_eq!(bench.seen(late), ["0 connection.blocked"], "with its first publish");
    bench.input(Input::Storage { full: false });
    bench.input(Input::Storage { full: false });
    for publisher in [publisher, late] {
        assert_eq!(bench.seen(publisher), ["0 connection.unblocked"]);
    }
    assert!(bench.seen(consumer).is_empty(), "who only consumes is not concerned");
}

#[test]
fn client_without_the_capability_is_told_nothing() {
    let (mut bench, client) = full("consumer_cancel_notify");
    bench.publish(client, "", "t", "x");
    bench.input(Input::Storage { full: false });
    assert!(bench.seen(client).is_empty());
}

#[test]
fn broker_that_keeps_nothing_has_always_room() {
    let mut bench = Bench::new();
    let client = bench.open(&["connection.blocked"], 131_072, 0);
    bench.channel(client, 1);
    bench.declare(client, "q", 2 | 16, &args());
    bench.input(Input::Storage { full: true });
    publish(&mut bench, client, "q", "x");
    assert!(bench.get(client, "q", true).ends_with("= x"));
}
