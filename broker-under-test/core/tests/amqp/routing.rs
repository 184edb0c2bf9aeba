//! Exchange types against naive models, bindings between exchanges, alternate exchanges.

use proptest::prelude::*;

use crate::client::{Args, Bench, args, plain, publish_octets};
use mqspec_broker_core::ConnectionId;

fn bind_exchange(bench: &mut Bench, client: ConnectionId, destination: &str, source: &str, key: &str) {
    let arguments = args().u16(0).short(destination).short(source).short(key).u8(0).table(&args());
    bench.call(client, 1, (40, 30), &arguments);
    assert_eq!(bench.seen(client), ["1 exchange.bind-ok"]);
}

fn exchange(bench: &mut Bench, client: ConnectionId, name: &str, kind: &str, arguments: &Args) {
    bench.exchange(client, name, kind, 0, arguments);
    assert_eq!(bench.seen(client), ["1 exchange.declare-ok"]);
}

fn bound_queue(
    bench: &mut Bench,
    client: ConnectionId,
    queue: &str,
    exchange: &str,
    key: &str,
    arguments: &Args,
) {
    bench.queue(client, queue, &args());
    bench.bind(client, queue, exchange, key, arguments);
    assert_eq!(bench.seen(client), ["1 queue.bind-ok"]);
}

/// How many messages are in a queue.
fn count(bench: &mut Bench, client: ConnectionId, queue: &str) -> usize {
    let mut count = 0;
    while bench.get(client, queue, true).contains("get-ok") {
        count += 1;
    }
    count
}

#[test]
fn fanout_reaches_every_queue_and_direct_the_matching_ones() {
    let mut bench = Bench::new();
    let client = bench.client();
    for (queue, key) in [("a", "k"), ("b", "k"), ("c", "other")] {
        bound_queue(&mut bench, client, queue, "amq.fanout", "ignored", &args());
        bench.bind(client, queue, "amq.direct", key, &args());
        assert_eq!(bench.seen(client), ["1 queue.bind-ok"]);
    }
    bench.publish(client, "amq.fanout", "any", "x");
    assert_eq!(["a", "b", "c"].map(|queue| count(&mut bench, client, queue)), [1, 1, 1]);
    bench.publish(client, "amq.direct", "k", "x");
    assert_eq!(["a", "b", "c"].map(|queue| count(&mut bench, client, queue)), [1, 1, 0]);
}

#[test]
fn queue_gets_one_copy_over_any_topology_and_cycles_end() {
    let mut bench = Bench::new();
    let client = bench.client();
    exchange(&mut bench, client, "x", "fanout", &args());
    exchange(&mut bench, client, "y", "fanout", &args());
    bind_exchange(&mut bench, client, "y", "x", "");
    bind_exchange(&mut bench, client, "y", "x", "again");
    bind_exchange(&mut bench, client, "x", "y", "");
    bind_exchange(&mut bench, client, "x", "x", "");
    bound_queue(&mut bench, client, "q", "x", "", &args());
    bench.bind(client, "q", "y", "", &args());
    bench.publish(client, "x", "", "x");
    assert_eq!(bench.seen(client), ["1 queue.bind-ok"]);
    assert_eq!(
        bench.get(client, "q", true),
        "1 basic.get-ok #1 [x]  left=0 = x",
        "the first exchange's name"
    );
    assert_eq!(count(&mut bench, client, "q"), 0);
}

#[test]
fn exchange_binding_routes_one_way_and_until_unbound() {
    let mut bench = Bench::new();
    let client = bench.client();
    exchange(&mut bench, client, "from", "direct", &args());
    exchange(&mut bench, client, "to", "topic", &args());
    bind_exchange(&mut bench, client, "to", "from", "k");
    bound_queue(&mut bench, client, "q", "to", "#", &args());
    bench.publish(client, "from", "k", "1");
    bench.publish(client, "from", "other", "2");
    assert_eq!(count(&mut bench, client, "q"), 1);
    bound_queue(&mut bench, client, "back", "from", "k", &args());
    bench.publish(client, "to", "k", "3");
    assert_eq!([count(&mut bench, client, "q"), count(&mut bench, client, "back")], [1, 0]);
    let arguments = args().u16(0).short("to").short("from").short("k").u8(0).table(&args());
    bench.call(client, 1, (40, 40), &arguments);
    assert_eq!(bench.seen(client), ["1 exchange.unbind-ok"]);
    bench.publish(client, "from", "k", "4");
    assert_eq!([count(&mut bench, client, "q"), count(&mut bench, client, "back")], [0, 1]);
}

#[test]
fn alternate_exchange_takes_what_cannot_be_routed() {
    let mut bench = Bench::new();
    let client = bench.client();
    exchange(&mut bench, client, "main", "direct", &args().text("alternate-exchange", "spare"));
    exchange(&mut bench, client, "spare", "direct", &args().text("alternate-exchange", "last"));
    exchange(&mut bench, client, "last", "fanout", &args().text("alternate-exchange", "main"));
    bound_queue(&mut bench, client, "q", "main", "k", &args());
    bench.send(client, &publish_octets(1, ("main", "z"), 1, &plain(), "cycle"));
    assert_eq!(bench.seen(client), ["1 basic.return 312 [main] z = cycle"]);
    bound_queue(&mut bench, client, "rest", "last", "", &args());
    bench.send(client, &publish_octets(1, ("main", "z"), 1, &plain(), "x"));
    bench.publish(client, "main", "k", "y");
    assert_eq!(bench.get(client, "rest", true), "1 basic.get-ok #1 [main] z left=0 = x", "as published");
    assert_eq!([count(&mut bench, client, "rest"), count(&mut bench, client, "q")], [0, 1]);
    exchange(&mut bench, client, "lossy", "direct", &args().text("alternate-exchange", "missing"));
    bench.publish(client, "lossy", "k", "lost without an error");
    assert_eq!(bench.seen(client), Vec::<String>::new());
}

#[test]
fn headers_binding_matches_all_by_default_and_knows_presence_and_x() {
    let headers = |fields: &Args| args().u16(0x2000).table(fields);
    let cases: [(Args, Args, bool); 13] = [
        (args(), args().int("a", 1), true),
        (args().int("a", 1).int("b", 2), args().int("a", 1), false),
        (args().int("a", 1).int("b", 2), args().int("b", 2).int("a", 1), true),
        (args().text("x-match", "any").int("a", 1).int("b", 2), args().int("b", 2), true),
        (args().text("x-match", "any").int("a", 1), args().int("a", 2), false),
        (args().text("x-match", "any"), args().int("a", 1), false),
        (args().void("a"), args().text("a", "anything"), true),
        (args().void("a"), args().text("b", "anything"), false),
        (args().int("x-a", 1), args(), true),
        (args().text("x-match", "all-with-x").int("x-a", 1), args(), false),
        (args().text("x-match", "any-with-x").int("x-a", 1), args().int("x-a", 1), true),
        (args().int("a", 1), args().short("a").u8(b'l').u64(1), true),
        (args().int("a", 1), args().text("a", "1"), false),
    ];
    for (number, (binding, message, matches)) in cases.into_iter().enumerate() {
        let mut bench = Bench::new();
        let client = bench.client();
        bound_queue(&mut bench, client, "q", "amq.headers", "ignored", &binding);
        bench.send(client, &publish_octets(1, ("amq.headers", "k"), 0, &headers(&message), "x"));
        assert_eq!(count(&mut bench, client, "q") == 1, matches, "case {number}");
    }
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.bind(client, "q", "amq.match", "", &args().text("x-match", "some"));
    bench.channel_closed(client, 406, (50, 20));
}

/// The model: what the standard says of patterns, word by word.
fn topic_model(pattern: &[&str], words: &[&str]) -> bool {
    match (pattern.split_first(), words.split_first()) {
        (None, None) => true,
        (Some((&"#", pattern_rest)), _) => {
            topic_model(pattern_rest, words)
                || words.split_first().is_some_and(|(_, words_rest)| topic_model(pattern, words_rest))
        }
        (Some((&wanted, pattern_rest)), Some((&word, words_rest))) => {
            (wanted == "*" || wanted == word) && topic_model(pattern_rest, words_rest)
        }
        (None | Some(_), _) => false,
    }
}

fn words_of(alphabet: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(alphabet), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn topic_routing_equals_the_model(
        patterns in prop::collection::vec(words_of(&["a", "b", "*", "#"]), 1..5),
        key in words_of(&["a", "b", "c"]),
    ) {
        let mut bench = Bench::new();
        let client = bench.client();
        for (number, pattern) in patterns.iter().enumerate() {
            bound_queue(&mut bench, client, &format!("q{number}"), "amq.topic", &pattern.join("."), &args());
        }
        bench.publish(client, "amq.topic", &key.join("."), "x");
        for (number, pattern) in patterns.iter().enumerate() {
            let expected = usize::from(topic_model(pattern, &key));
            let got = count(&mut bench, client, &format!("q{number}"));
            prop_assert_eq!(got, expected, "{:?} against {:?}", pattern, key);
        }
    }

    #[test]
    fn headers_routing_equals_the_model(
        any in any::<bool>(),
        wanted in prop::collection::btree_map("[a-c]", prop::option::of(0..2_i32), 0..4),
        carried in prop::collection::btree_map("[a-d]", 0..2_i32, 0..4),
    ) {
        let mut bench = Bench::new();
        let client = bench.client();
        let mode = args().text("x-match", if any { "any" } else { "all" });
        let binding = wanted.iter().fold(mode, |fields, (name, value)| match value {
            Some(value) => fields.int(name, *value),
            None => fields.void(name),
        });
        bound_queue(&mut bench, client, "q", "amq.headers", "", &binding);
        let headers = carried.iter().fold(args(), |fields, (name, value)| fields.int(name, *value));
        let properties = args().u16(0x2000).table(&headers);
        bench.send(client, &publish_octets(1, ("amq.headers", ""), 0, &properties, "x"));
        let mut hits = wanted.iter().map(|(name, value)| {
            carried.get(name).is_some_and(|carried| value.is_none_or(|value| value == *carried))
        });
        let expected = if any { hits.any(|hit| hit) } else { hits.all(|hit| hit) };
        prop_assert_eq!(count(&mut bench, client, "q") == 1, expected);
    }
}
