//! Exchanges and queues: declare, bind, unbind, purge, delete.

use crate::client::{Bench, args};

const PASSIVE: u8 = 1;
const DURABLE: u8 = 2;
const EXCLUSIVE: u8 = 4;
const AUTO_DELETE: u8 = 8; // of a queue; an exchange has it at 4
const NO_WAIT: u8 = 16;

#[test]
fn predeclared_exchanges_exist_and_cannot_be_deleted() {
    let mut bench = Bench::new();
    let client = bench.client();
    for (name, kind) in [
        ("amq.direct", "direct"),
        ("amq.fanout", "fanout"),
        ("amq.topic", "topic"),
        ("amq.headers", "headers"),
        ("amq.match", "headers"),
    ] {
        bench.exchange(client, name, "whatever", PASSIVE, &args());
        bench.exchange(client, name, kind, DURABLE, &args());
        assert_eq!(bench.seen(client), ["1 exchange.declare-ok", "1 exchange.declare-ok"], "{name}");
        bench.call(client, 1, (40, 20), &args().u16(0).short(name).u8(0));
        bench.channel_closed(client, 403, (40, 20));
    }
    bench.exchange(client, "amq.direct", "direct", 0, &args());
    bench.channel_closed(client, 406, (40, 10));
}

#[test]
fn default_exchange_is_for_publishing_only() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.exchange(client, "", "direct", 0, &args());
    bench.channel_closed(client, 403, (40, 10));
    bench.call(client, 1, (40, 20), &args().u16(0).short("").u8(0));
    bench.channel_closed(client, 403, (40, 20));
    bench.bind(client, "q", "", "k", &args());
    bench.channel_closed(client, 403, (50, 20));
    bench.call(client, 1, (50, 50), &args().u16(0).short("q").short("").short("k").table(&args()));
    bench.channel_closed(client, 403, (50, 50));
    bench.call(
        client,
        1,
        (40, 30),
        &args().u16(0).short("amq.direct").short("").short("k").u8(0).table(&args()),
    );
    bench.channel_closed(client, 403, (40, 30));
}

#[test]
fn redeclaring_an_exchange_otherwise_is_406() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.exchange(
        client,
        "x",
        "direct",
        DURABLE,
        &args().text("alternate-exchange", "ae").int("unknown", 1),
    );
    bench.exchange(client, "x", "direct", DURABLE, &args().text("alternate-exchange", "ae"));
    assert_eq!(bench.seen(client), ["1 exchange.declare-ok", "1 exchange.declare-ok"]);
    for (kind, bits, alternate) in [
        ("fanout", 2, "ae"),
        ("direct", 0, "ae"),
        ("direct", 6, "ae"),
        ("direct", 10, "ae"),
        ("direct", 2, "other"),
    ] {
        bench.exchange(client, "x", kind, bits, &args().text("alternate-exchange", alternate));
        bench.channel_closed(client, 406, (40, 10));
    }
    bench.exchange(client, "y", "direct", 0, &args().int("alternate-exchange", 1));
    bench.channel_closed(client, 406, (40, 10));
}

#[test]
fn unknown_exchange_type_is_503() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.exchange(client, "x", "x-nonsense", 0, &args());
    bench.connection_closed(client, 503, (40, 10));
}

#[test]
fn names_that_begin_with_amq_are_reserved() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.exchange(client, "amq.mine", "direct", 0, &args());
    bench.channel_closed(client, 403, (40, 10));
    bench.declare(client, "amq.mine", 0, &args());
    bench.channel_closed(client, 403, (50, 10));
    bench.declare(client, "", 0, &args());
    let seen = bench.seen(client).join("");
    let name = seen.split(' ').nth(2).expect("a name");
    assert!(name.starts_with("amq.gen-"), "{seen}");
    bench.declare(client, name, 0, &args());
    assert_eq!(bench.seen(client), [format!("1 queue.declare-ok {name} 0 0")], "redeclaring is fine");
}

#[test]
fn passive_declares_look_and_create_nothing() {
    let mut bench = Bench::new();
    let client = bench.client();
    for _ in 0..2 {
        bench.exchange(client, "x", "direct", PASSIVE, &args());
        bench.channel_closed(client, 404, (40, 10));
        bench.declare(client, "q", PASSIVE, &args());
        bench.channel_closed(client, 404, (50, 10));
    }
    bench.declare(client, "q", PASSIVE | NO_WAIT, &args());
    bench.channel_closed(client, 404, (50, 10));
}

#[test]
fn names_differ_by_case() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.queue(client, "Q", &args());
    bench.publish(client, "", "Q", "upper");
    assert_eq!(bench.get(client, "q", true), "1 basic.get-empty");
    assert_eq!(bench.get(client, "Q", true), "1 basic.get-ok #1 [] Q left=0 = upper");
}

#[test]
fn no_wait_leaves_the_answer_out() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.exchange(client, "x", "direct", NO_WAIT, &args());
    bench.declare(client, "q", NO_WAIT, &args());
    bench.call(client, 1, (50, 20), &args().u16(0).short("q").short("x").short("k").u8(1).table(&args()));
    bench.call(client, 1, (50, 30), &args().u16(0).short("q").u8(1));
    bench.call(client, 1, (50, 40), &args().u16(0).short("q").u8(4));
    bench.call(client, 1, (40, 20), &args().u16(0).short("x").u8(2));
    assert_eq!(bench.seen(client), Vec::<String>::new());
    bench.declare(client, "q", PASSIVE, &args());
    bench.channel_closed(client, 404, (50, 10));
}

#[test]
fn redeclaring_a_queue_otherwise_is_406_or_405() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.declare(client, "q", DURABLE, &args().int("x-max-length", 5).int("unknown", 1));
    bench.declare(client, "q", DURABLE, &args().int("x-max-length", 5));
    assert_eq!(bench.seen(client), ["1 queue.declare-ok q 0 0", "1 queue.declare-ok q 0 0"]);
    for (bits, length, code) in
        [(0, 5, 406), (DURABLE | AUTO_DELETE, 5, 406), (DURABLE, 6, 406), (DURABLE | EXCLUSIVE, 5, 405)]
    {
        bench.declare(client, "q", bits, &args().int("x-max-length", length));
        bench.channel_closed(client, code, (50, 10));
    }
}

#[test]
fn exclusive_queue_is_locked_for_other_connections() {
    let mut bench = Bench::new();
    let (owner, other) = (bench.client(), bench.client());
    bench.declare(owner, "mine", EXCLUSIVE | DURABLE, &args());
    bench.declare(owner, "mine", EXCLUSIVE, &args());
    bench.bind(owner, "mine", "amq.direct", "k", &args());
    assert_eq!(bench.seen(owner).len(), 3, "durable is ignored: the redeclaration fits");
    bench.declare(other, "mine", EXCLUSIVE, &args());
    bench.channel_closed(other, 405, (50, 10));
    bench.declare(other, "mine", PASSIVE, &args());
    bench.channel_closed(other, 405, (50, 10));
    bench.bind(other, "mine", "amq.direct", "k", &args());
    bench.channel_closed(other, 405, (50, 20));
    bench.call(
        other,
        1,
        (50, 50),
        &args().u16(0).short("mine").short("amq.direct").short("k").table(&args()),
    );
    bench.channel_closed(other, 405, (50, 50));
    bench.call(other, 1, (50, 30), &args().u16(0).short("mine").u8(0));
    bench.channel_closed(other, 405, (50, 30));
    bench.call(other, 1, (50, 40), &args().u16(0).short("mine").u8(0));
    bench.channel_closed(other, 405, (50, 40));
    bench.call(other, 1, (60, 70), &args().u16(0).short("mine").u8(0));
    bench.channel_closed(other, 405, (60, 70));
    bench.consume(other, "mine", "", 0, &args());
    bench.channel_closed(other, 405, (60, 20));
    bench.publish(other, "", "mine", "anybody may publish");
    assert_eq!(bench.get(owner, "mine", true), "1 basic.get-ok #1 [] mine left=0 = anybody may publish");
}

#[test]
fn empty_name_means_the_queue_declared_last() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.bind(client, "", "amq.direct", "k", &args());
    bench.channel_closed(client, 404, (50, 20));
    bench.queue(client, "first", &args());
    bench.queue(client, "last", &args());
    bench.bind(client, "", "amq.direct", "", &args());
    assert_eq!(bench.seen(client), ["1 queue.bind-ok"]);
    bench.publish(client, "amq.direct", "last", "bound under its own name");
    assert_eq!(
        bench.get(client, "", true),
        "1 basic.get-ok #1 [amq.direct] last left=0 = bound under its own name"
    );
}

#[test]
fn binding_what_is_missing_is_404_and_unbinding_it_fine() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.bind(client, "missing", "amq.direct", "k", &args());
    bench.channel_closed(client, 404, (50, 20));
    bench.bind(client, "q", "missing", "k", &args());
    bench.channel_closed(client, 404, (50, 20));
    for (queue, exchange) in [("missing", "amq.direct"), ("q", "missing"), ("q", "amq.direct")] {
        bench.call(
            client,
            1,
            (50, 50),
            &args().u16(0).short(queue).short(exchange).short("k").table(&args()),
        );
        assert_eq!(bench.seen(client), ["1 queue.unbind-ok"]);
    }
    for (destination, source) in [("missing", "amq.direct"), ("amq.direct", "missing")] {
        let arguments = args().u16(0).short(destination).short(source).short("k").u8(0).table(&args());
        bench.call(client, 1, (40, 40), &arguments);
        assert_eq!(bench.seen(client), ["1 exchange.unbind-ok"]);
        bench.call(client, 1, (40, 30), &arguments);
        bench.channel_closed(client, 404, (40, 30));
    }
}

#[test]
fn binding_twice_is_one_binding_whatever_the_order_of_its_arguments() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.bind(client, "q", "amq.direct", "k", &args().int("a", 1).int("b", 2));
    bench.bind(client, "q", "amq.direct", "k", &args().int("b", 2).int("a", 1));
    bench.publish(client, "amq.direct", "k", "once");
    assert_eq!(bench.seen(client), ["1 queue.bind-ok", "1 queue.bind-ok"]);
    assert_eq!(bench.get(client, "q", true), "1 basic.get-ok #1 [amq.direct] k left=0 = once");
    let unbind =
        args().u16(0).short("q").short("amq.direct").short("k").table(&args().int("a", 1).int("b", 2));
    bench.call(client, 1, (50, 50), &unbind);
    bench.publish(client, "amq.direct", "k", "nowhere");
    assert_eq!(bench.seen(client), ["1 queue.unbind-ok"]);
    assert_eq!(bench.get(client, "q", true), "1 basic.get-empty");
}

#[test]
fn purge_counts_and_leaves_unacked_messages_alone() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    for body in ["1", "2", "3"] {
        bench.publish(client, "", "q", body);
    }
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #1 [] q left=2 = 1");
    bench.call(client, 1, (50, 30), &args().u16(0).short("q").u8(0));
    assert_eq!(bench.seen(client), ["1 queue.purge-ok 2"]);
    bench.nack(client, 1, false, true);
    assert_eq!(bench.get(client, "q", true), "1 basic.get-ok #2 again [] q left=0 = 1");
    bench.call(client, 1, (50, 30), &args().u16(0).short("missing").u8(0));
    bench.channel_closed(client, 404, (50, 30));
}

#[test]
fn delete_heeds_if_unused_and_if_empty_and_counts() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.publish(client, "", "q", "1");
    bench.call(client, 1, (50, 40), &args().u16(0).short("q").u8(2));
    bench.channel_closed(client, 406, (50, 40));
    bench.channel(client, 2);
    bench.call(client, 2, (20, 20), &args().u8(0));
    bench.call(client, 2, (60, 20), &args().u16(0).short("q").short("ct").u8(0).table(&args()));
    assert_eq!(bench.seen(client), ["2 channel.flow-ok 0", "2 basic.consume-ok ct"]);
    bench.call(client, 1, (50, 40), &args().u16(0).short("q").u8(1));
    bench.channel_closed(client, 406, (50, 40));
    bench.call(client, 1, (50, 40), &args().u16(0).short("q").u8(0));
    assert_eq!(bench.seen(client), ["2 basic.cancel ct no-wait=1", "1 queue.delete-ok 1"]);
    bench.call(client, 1, (50, 40), &args().u16(0).short("q").u8(0));
    assert_eq!(bench.seen(client), ["1 queue.delete-ok 0"], "a missing queue is no error");
}

#[test]
fn bindings_die_with_their_queue_and_exchange() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.bind(client, "q", "amq.direct", "k", &args());
    bench.call(client, 1, (50, 40), &args().u16(0).short("q").u8(0));
    assert_eq!(bench.seen(client), ["1 queue.bind-ok", "1 queue.delete-ok 0"]);
    bench.queue(client, "q", &args());
    bench.publish(client, "amq.direct", "k", "lost");
    assert_eq!(bench.get(client, "q", true), "1 basic.get-empty");

    bench.exchange(client, "x", "fanout", 0, &args());
    bench.bind(client, "q", "x", "", &args());
    bench.call(client, 1, (40, 20), &args().u16(0).short("x").u8(1));
    let seen = bench.seen(client);
    assert_eq!(seen, ["1 exchange.declare-ok", "1 queue.bind-ok", "1 channel.close 406 40.20"]);
    bench.call(client, 1, (20, 41), &args());
    bench.channel(client, 1);
    bench.call(client, 1, (40, 20), &args().u16(0).short("x").u8(0));
    bench.exchange(client, "x", "fanout", 0, &args());
    bench.publish(client, "x", "", "lost too");
    assert_eq!(bench.seen(client), ["1 exchange.delete-ok", "1 exchange.declare-ok"]);
    assert_eq!(bench.get(client, "q", true), "1 basic.get-empty");
}

#[test]
fn auto_delete_exchange_goes_with_its_last_binding() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.exchange(client, "x", "fanout", 4, &args());
    bench.exchange(client, "x", "fanout", PASSIVE, &args());
    assert_eq!(bench.seen(client), ["1 exchange.declare-ok", "1 exchange.declare-ok"], "unbound it stays");
    bench.queue(client, "q", &args());
    bench.bind(client, "q", "x", "", &args());
    bench.call(client, 1, (50, 40), &args().u16(0).short("q").u8(0));
    assert_eq!(bench.seen(client), ["1 queue.bind-ok", "1 queue.delete-ok 0"]);
    bench.exchange(client, "x", "fanout", PASSIVE, &args());
    bench.channel_closed(client, 404, (40, 10));
}

#[test]
fn auto_delete_queue_goes_with_its_last_consumer() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.declare(client, "q", AUTO_DELETE, &args());
    assert_eq!(bench.get(client, "q", true), "1 queue.declare-ok q 0 0; 1 basic.get-empty");
    bench.consume(client, "q", "a", 0, &args());
    bench.consume(client, "q", "b", 0, &args());
    bench.call(client, 1, (60, 30), &args().short("a").u8(0));
    bench.declare(client, "q", PASSIVE, &args());
    bench.call(client, 1, (60, 30), &args().short("b").u8(0));
    bench.declare(client, "q", PASSIVE, &args());
    assert_eq!(
        bench.seen(client),
        [
            "1 basic.consume-ok a",
            "1 basic.consume-ok b",
            "1 basic.cancel-ok a",
            "1 queue.declare-ok q 0 1",
            "1 basic.cancel-ok b",
            "1 channel.close 404 50.10",
        ]
    );
}

#[test]
fn carriage_returns_and_line_feeds_are_taken_out_of_names() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.declare(client, "a\r\nb", 0, &args());
    assert_eq!(bench.seen(client), ["1 queue.declare-ok ab 0 0"]);
}
