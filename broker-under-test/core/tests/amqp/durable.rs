//! Which exchanges, queues and bindings are there after a crash.

use std::time::Duration;

use mqspec_broker_core::{Config, ConnectionId, Effects};

use crate::client::{Args, Bench, args, plain, publish_octets};
use crate::crash::restore;

const DURABLE: u8 = 2;

fn exists(bench: &mut Bench, client: ConnectionId, id: (u16, u16), arguments: &Args) -> bool {
    bench.seen(client);
    bench.call(client, 1, id, arguments);
    let seen = bench.seen(client);
    if seen.iter().all(|line| line.contains("declare-ok")) {
        return true;
    }
    assert_eq!(seen, [format!("1 channel.close 404 {}.{}", id.0, id.1)]);
    bench.call(client, 1, (20, 41), &args());
    bench.channel(client, 1);
    false
}

fn has_queue(bench: &mut Bench, client: ConnectionId, name: &str) -> bool {
    exists(bench, client, (50, 10), &args().u16(0).short(name).u8(1).table(&args()))
}

fn has_exchange(bench: &mut Bench, client: ConnectionId, name: &str) -> bool {
    exists(bench, client, (40, 10), &args().u16(0).short(name).short("").u8(1).table(&args()))
}

fn bind_exchange(bench: &mut Bench, client: ConnectionId, to: &str, from: &str, key: &str) {
    let arguments = args().u16(0).short(to).short(from).short(key).u8(1).table(&args());
    bench.call(client, 1, (40, 30), &arguments);
}

/// Publishes a mandatory message and says whether it found a queue.
fn is_routed(bench: &mut Bench, client: ConnectionId, exchange: &str, key: &str) -> bool {
    bench.send(client, &publish_octets(1, (exchange, key), 1, &plain(), "x"));
    bench.seen(client).is_empty()
}

#[test]
fn durable_entities_come_back_and_others_do_not() {
    let mut bench = Bench::durable();
    let client = bench.client();
    bench.declare(client, "kept", DURABLE | 16, &args());
    bench.declare(client, "transient", 16, &args());
    bench.declare(client, "exclusive", DURABLE | 4 | 16, &args());
    bench.exchange(client, "kept", "topic", DURABLE | 16, &args());
    bench.exchange(client, "transient", "topic", 16, &args());
    assert_eq!(bench.record_names(), ["amqp.queue-declared", "amqp.exchange-declared"]);
    bench.crash();
    let client = bench.client();
    assert!(has_queue(&mut bench, client, "kept") && has_exchange(&mut bench, client, "kept"));
    for gone in ["transient", "exclusive"] {
        assert!(!has_queue(&mut bench, client, gone), "{gone}");
    }
    assert!(!has_exchange(&mut bench, client, "transient"));
    assert!(has_exchange(&mut bench, client, "amq.topic"), "predeclared ones are always there");
}

#[test]
fn deleted_entities_stay_away() {
    let mut bench = Bench::durable();
    let client = bench.client();
    bench.declare(client, "q", DURABLE | 16, &args());
    bench.exchange(client, "x", "fanout", DURABLE | 16, &args());
    bench.bind(client, "q", "x", "", &args());
    bench.call(client, 1, (50, 40), &args().u16(0).short("q").u8(4));
    bench.call(client, 1, (40, 20), &args().u16(0).short("x").u8(2));
    bench.crash();
    let client = bench.client();
    assert!(!has_queue(&mut bench, client, "q") && !has_exchange(&mut bench, client, "x"));
    bench.declare(client, "q", DURABLE | 16, &args());
    bench.compact_and_crash();
    let client = bench.client();
    assert!(has_queue(&mut bench, client, "q"), "under the same name it is another queue");
}

#[test]
fn settings_and_arguments_come_back_as_they_were() {
    let mut bench = Bench::durable();
    let client = bench.client();
    let arguments = args()
        .int("x-message-ttl", 60_000)
        .int("x-expires", 1_800_000)
        .int("x-max-length", 5)
        .int("x-max-length-bytes", 1_000)
        .int("x-max-priority", 9)
        .text("x-overflow", "reject-publish-dlx")
        .text("x-dead-letter-exchange", "amq.fanout")
        .text("x-dead-letter-routing-key", "dead")
        .flag("x-single-active-consumer", true);
    bench.declare(client, "q", DURABLE | 8 | 16, &arguments);
    let alternate = args().text("alternate-exchange", "amq.fanout");
    bench.exchange(client, "x", "headers", DURABLE | 4 | 8 | 16, &alternate);
    bench.crash();
    bench.compact_and_crash();
    let client = bench.client();
    // Equivalent declares are answered, all others refused.
    bench.declare(client, "q", DURABLE | 8, &arguments);
    assert_eq!(bench.seen(client), ["1 queue.declare-ok q 0 0"]);
    bench.exchange(client, "x", "headers", DURABLE | 4 | 8, &alternate);
    assert_eq!(bench.seen(client), ["1 exchange.declare-ok"]);
}

#[test]
fn bindings_between_durable_entities_come_back() {
    let mut bench = Bench::durable();
    let client = bench.client();
    bench.declare(client, "kept", DURABLE | 16, &args());
    bench.declare(client, "transient", 16, &args());
    bench.exchange(client, "kept", "topic", DURABLE | 16, &args());
    bench.exchange(client, "second", "direct", DURABLE | 16, &args());
    bench.exchange(client, "transient", "topic", 16, &args());
    bench.bind(client, "kept", "kept", "a.#", &args());
    bench.bind(client, "kept", "amq.headers", "", &args().text("x-match", "any").int("n", 1));
    bench.bind(client, "kept", "kept", "gone", &args());
    bench.bind(client, "transient", "kept", "t", &args());
    bench.bind(client, "kept", "transient", "t", &args());
    bind_exchange(&mut bench, client, "second", "kept", "second");
    bench.bind(client, "kept", "second", "second", &args());
    bind_exchange(&mut bench, client, "transient", "kept", "over");
    let unbind = args().u16(0).short("kept").short("kept").short("gone").table(&args());
    bench.call(client, 1, (50, 50), &unbind);
    bench.crash();
    let client = bench.client();
    for (key, routed) in [("a.b", true), ("second", true), ("gone", false), ("t", false), ("over", false)] {
        assert_eq!(is_routed(&mut bench, client, "kept", key), routed, "{key}");
    }
    let with_header = args().u16(0x2000).table(&args().int("n", 1));
    bench.send(client, &publish_octets(1, ("amq.headers", ""), 1, &with_header, "x"));
    assert!(bench.seen(client).is_empty(), "arguments of bindings count too");
}

#[test]
fn auto_delete_exchange_goes_with_its_last_binding_even_if_that_was_transient() {
    let mut bench = Bench::durable();
    let client = bench.client();
    bench.declare(client, "kept", DURABLE | 16, &args());
    bench.declare(client, "transient", 16, &args());
    bench.exchange(client, "x", "fanout", DURABLE | 4 | 16, &args());
    bench.exchange(client, "y", "fanout", DURABLE | 4 | 16, &args());
    bind_exchange(&mut bench, client, "x", "y", "");
    bench.bind(client, "kept", "x", "", &args());
    bench.bind(client, "transient", "x", "", &args());
    // The durable binding goes, the transient one still holds the exchange.
    bench.call(client, 1, (50, 40), &args().u16(0).short("kept").u8(4));
    assert!(has_exchange(&mut bench, client, "x"));
    bench.assert_restorable();
    // The transient one goes, the exchange with it, and the one that led there.
    bench.call(client, 1, (50, 40), &args().u16(0).short("transient").u8(4));
    bench.crash();
    let client = bench.client();
    assert!(!has_exchange(&mut bench, client, "x") && !has_exchange(&mut bench, client, "y"));
}

#[test]
fn auto_delete_queue_waits_after_a_crash_for_its_next_consumer() {
    let mut bench = Bench::durable();
    let client = bench.client();
    bench.declare(client, "q", DURABLE | 8 | 16, &args());
    bench.consume(client, "q", "c", 8, &args());
    bench.crash();
    let client = bench.client();
    assert!(has_queue(&mut bench, client, "q"), "nobody has cancelled");
    bench.consume(client, "q", "c", 8, &args());
    bench.call(client, 1, (60, 30), &args().short("c").u8(1));
    bench.crash();
    let client = bench.client();
    assert!(!has_queue(&mut bench, client, "q"), "now somebody has");
}

#[test]
fn lease_of_an_expiring_queue_starts_again_with_the_broker() {
    let mut bench = Bench::durable();
    let client = bench.client();
    bench.declare(client, "q", DURABLE | 16, &args().int("x-expires", 10_000));
    bench.now += Duration::from_secs(60);
    bench.crash();
    bench.pass(Duration::from_secs(9));
    bench.crash();
    bench.pass(Duration::from_millis(9_999));
    bench.assert_restorable();
    assert_eq!(bench.broker.snapshot().len(), 2, "the start and the queue");
    bench.pass(Duration::from_millis(1));
    bench.crash();
    let client = bench.client();
    assert!(!has_queue(&mut bench, client, "q"));
}

#[test]
fn invented_names_are_never_invented_again() {
    let mut bench = Bench::durable();
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let client = bench.client();
        for bits in [DURABLE, 0] {
            bench.declare(client, "", bits, &args());
            bench.consume(client, "amq.rabbitmq.reply-to", "", 2, &args());
            assert!(names.insert(bench.seen(client)), "a name was given out twice");
        }
        bench.crash();
    }
}

#[test]
fn nothing_is_recorded_unless_somebody_keeps_it() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.declare(client, "q", DURABLE, &args());
    bench.send(client, &publish_octets(1, ("", "q"), 0, &args().u16(0x1000).u8(2), "x"));
    assert!(bench.get(client, "q", false).contains("= x"));
    assert!(bench.records.is_empty());
}

#[test]
fn records_that_do_not_fit_are_told() {
    let mut bench = Bench::durable();
    let client = bench.client();
    bench.declare(client, "q", DURABLE | 16, &args());
    bench.exchange(client, "x", "topic", DURABLE | 16, &args());
    bench.bind(client, "q", "x", "k", &args());
    bench.send(client, &publish_octets(1, ("", "q"), 0, &args().u16(0x1000).u8(2), "x"));
    let [queue, exchange, bound, enqueued] = bench.records.as_slice() else { panic!("four records") };
    let fits = |records: &[&bytes::Bytes]| {
        let mut broker = mqspec_broker_core::Broker::new(bench.config.clone());
        let (last, before) = records.split_last().expect("there are some");
        assert!(before.iter().all(|record| broker.restore(record).is_ok()), "those before fit");
        broker.restore(last).map_err(|why| why.to_string())
    };
    assert_eq!(fits(&[queue, exchange, bound, enqueued]), Ok(()));
    let errors = [
        fits(&[queue, queue]),
        fits(&[exchange, exchange]),
        fits(&[exchange, bound]),
        fits(&[queue, bound]),
        fits(&[enqueued]),
        fits(&[queue, enqueued, enqueued]),
    ];
    for (number, outcome) in errors.into_iter().enumerate() {
        assert!(outcome.is_err_and(|why| why.contains("does not fit")), "case {number}");
    }
    let elsewhere = mqspec_broker_core::amqp::AmqpConfig {
        virtual_hosts: std::collections::BTreeSet::from(["other".to_owned()]),
        ..mqspec_broker_core::amqp::AmqpConfig::default()
    };
    let config = Config { amqp: elsewhere, durable: true, ..Config::default() };
    let mut other = mqspec_broker_core::Broker::new(config);
    assert!(other.restore(queue).is_err_and(|why| why.to_string().contains("virtual host")));
}

#[test]
fn empty_log_is_a_first_start() {
    let mut broker = restore(&Bench::durable().config, &[]);
    let mut effects = Effects::new();
    broker.restored(Duration::from_secs(1), &mut effects);
    assert_eq!(effects.as_slice().len(), 1, "the start itself is recorded");
    assert_eq!(broker.snapshot().len(), 1);
}
