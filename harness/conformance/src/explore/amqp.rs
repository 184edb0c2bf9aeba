//! AMQP cases: exchanges of all types, durable and transient queues, confirms, consumers with a prefetch that
//! acknowledge, refuse, send back or hold.

use mqspec_wire::Spec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::mqtt::wait;
use super::{Act, Case, Client, fault};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];
const QUEUES: [&str; 3] = ["q1", "q2", "q3"];
const EXCHANGES: [(&str, &str); 4] = [("d", "direct"), ("f", "fanout"), ("t", "topic"), ("h", "headers")];
const KEYS: [&str; 4] = ["k", "k.a", "k.b", "other"];
const BINDINGS: [&str; 5] = ["k", "k.a", "k.*", "#", "other"];

/// Cases.
pub(super) fn cases() -> BoxedStrategy<Case> {
    (2..=3_usize, fault::levels(Spec::Amqp091))
        .prop_flat_map(|(clients, levels)| {
            let names: Vec<_> = NAMES.into_iter().take(clients).collect();
            let faults = fault::acts(Spec::Amqp091, &levels, &names);
            let settings: Vec<_> = names.iter().map(|name| client(name)).collect();
            let modes: Vec<_> = (0..clients).map(modes).collect();
            let storm = proptest::collection::vec(act(clients), 4..=24);
            let places = proptest::collection::vec(any::<Index>(), 64);
            let transactions = proptest::option::weighted(0.1, 0..clients);
            (settings, topology(), modes, storm, faults, (places, transactions)).prop_map(
                move |(clients, topology, modes, storm, faults, (places, transactions))| {
                    let mut before = topology;
                    before.push(Act::Settle);
                    before.extend(modes.into_iter().flatten());
                    let storm = fault::scatter(storm, faults, &places);
                    case(levels.clone(), clients, before, storm, transactions)
                },
            )
        })
        .boxed()
}

fn case(
    levels: Vec<(&'static str, u32)>,
    clients: Vec<Client>,
    mut steps: Vec<Act>,
    storm: Vec<Act>,
    transactions: Option<usize>,
) -> Case {
    if let Some(client) = transactions {
        // A channel has one of the two modes.
        steps.retain(|act| !is_confirm(act, client));
        steps.push(call(client, "call tx.select", Vec::new()));
    }
    steps.extend(storm.into_iter().flat_map(|act| match transactions {
        Some(client) if publishes(&act) == Some(client) => {
            vec![act, call(client, "call tx.commit", Vec::new())]
        }
        Some(_) | None => vec![act],
    }));
    let mut number = 0;
    for step in &mut steps {
        let Act::Do { verb: "publish", fields, .. } = step else { continue };
        for (_, body) in fields.iter_mut().filter(|(name, _)| *name == "body") {
            number += 1;
            *body = format!("m{number}");
        }
    }
    let probe = QUEUES.iter().map(|queue| {
        let fields = vec![("queue", name(queue)), ("consumer_tag", format!("probe-{queue}"))];
        call(clients.len(), "call basic.consume", fields)
    });
    let probe = probe.collect();
    let drained: &[&str] = &["drained"];
    let checks = vec![("routing", drained), ("fifo", &[]), ("redelivery", drained), ("confirmed", drained)];
    Case { spec: Spec::Amqp091, seed: 0, levels, clients, steps, probe, checks }
}

fn is_confirm(act: &Act, whose: usize) -> bool {
    matches!(act, Act::Do { client, verb: "call confirm.select", .. } if *client == whose)
}

fn publishes(act: &Act) -> Option<usize> {
    match act {
        Act::Do { client, verb: "publish", .. } => Some(*client),
        Act::Do { .. } | Act::Fault { .. } | Act::Disk(_) | Act::Broker(_) | Act::Wait(_) | Act::Settle => {
            None
        }
    }
}

fn call(client: usize, verb: &'static str, fields: Vec<(&'static str, String)>) -> Act {
    Act::Do { client, verb, fields }
}

fn name(short: &str) -> String {
    format!("\"${{run}}-{short}\"")
}

fn client(name: &'static str) -> impl Strategy<Value = Client> + use<> {
    let answers = select(vec!["ack", "ack, requeue", "ack, ack, reject", "requeue, hold, ack", "hold, ack"]);
    answers.prop_map(move |answers| Client { name, settings: vec![("answers", format!("[{answers}]"))] })
}

/// The first client sets everything up.
fn topology() -> impl Strategy<Value = Vec<Act>> {
    let durable = proptest::collection::vec(any::<bool>(), QUEUES.len() + EXCHANGES.len());
    let bindings = proptest::collection::vec(
        (select(&QUEUES[..]), select(&EXCHANGES[..]), select(&BINDINGS[..])),
        2..=6,
    );
    (durable, bindings).prop_map(|(durable, bindings)| {
        let mut acts = Vec::new();
        let (queues, exchanges) = durable.split_at(QUEUES.len());
        for ((short, kind), durable) in EXCHANGES.iter().zip(exchanges) {
            let mut fields = vec![("exchange", name(short)), ("type", (*kind).to_owned())];
            fields.extend(durable.then(|| ("durable", String::from("true"))));
            acts.push(call(0, "call exchange.declare", fields));
        }
        for (queue, durable) in QUEUES.iter().zip(queues) {
            let mut fields = vec![("queue", name(queue))];
            fields.extend(durable.then(|| ("durable", String::from("true"))));
            acts.push(call(0, "call queue.declare", fields));
        }
        for (queue, (exchange, kind), key) in bindings {
            let mut fields = vec![("queue", name(queue)), ("exchange", name(exchange))];
            if kind == "headers" {
                fields.push(("arguments", String::from("{ x-match: all, colour: red }")));
            } else {
                fields.push(("routing_key", format!("\"{key}\"")));
            }
            acts.push(call(0, "call queue.bind", fields));
        }
        acts
    })
}

/// The modes of a client's channel, and a consumer.
fn modes(client: usize) -> impl Strategy<Value = Vec<Act>> {
    let confirms = proptest::bool::weighted(0.7);
    let prefetch = proptest::option::weighted(0.5, 1..=4_u32);
    (confirms, prefetch, proptest::option::of(consume(client))).prop_map(
        move |(confirms, prefetch, consume)| {
            let mut acts = Vec::new();
            acts.extend(confirms.then(|| call(client, "call confirm.select", Vec::new())));
            acts.extend(
                prefetch
                    .map(|count| call(client, "call basic.qos", vec![("prefetch_count", count.to_string())])),
            );
            acts.extend(consume);
            acts
        },
    )
}

fn consume(client: usize) -> impl Strategy<Value = Act> {
    (select(&QUEUES[..]), proptest::bool::weighted(0.15)).prop_map(move |(queue, no_ack)| {
        // One consumer a queue and client: a second one under the tag would be a mistake of ours.
        let mut fields = vec![("queue", name(queue)), ("consumer_tag", format!("c{client}-{queue}"))];
        fields.extend(no_ack.then(|| ("no_ack", String::from("true"))));
        call(client, "call basic.consume", fields)
    })
}

fn act(clients: usize) -> impl Strategy<Value = Act> {
    let of_queue = move |verb: &'static str| {
        (0..clients, select(&QUEUES[..]))
            .prop_map(move |(client, queue)| call(client, verb, vec![("queue", name(queue))]))
    };
    let simple =
        move |verb: &'static str| (0..clients).prop_map(move |client| call(client, verb, Vec::new()));
    let cancel = (0..clients, select(&QUEUES[..])).prop_map(|(client, queue)| {
        call(client, "call basic.cancel", vec![("consumer_tag", format!("c{client}-{queue}"))])
    });
    let recover = (0..clients)
        .prop_map(|client| call(client, "call basic.recover", vec![("requeue", String::from("true"))]));
    prop_oneof![
        12 => publish(clients),
        2 => of_queue("call basic.get"),
        1 => cancel,
        1 => recover,
        1 => simple("disconnect"),
        1 => simple("reset"),
        4 => wait(),
        1 => Just(Act::Wait(2000)),
    ]
}

fn publish(clients: usize) -> impl Strategy<Value = Act> {
    let target = prop_oneof![
        2 => select(&QUEUES[..]).prop_map(|queue| (None, name(queue))),
        5 => (select(&EXCHANGES[..]), select(&KEYS[..]))
            .prop_map(|((exchange, _), key)| (Some(name(exchange)), format!("\"{key}\""))),
    ];
    let options = (any::<bool>(), proptest::bool::weighted(0.2), any::<bool>());
    (0..clients, target, options).prop_map(|(client, (exchange, key), (persistent, mandatory, red))| {
        let headers = exchange.as_deref() == Some("\"${run}-h\"");
        let mut fields = Vec::new();
        fields.extend(exchange.map(|exchange| ("exchange", exchange)));
        fields.push(("routing_key", key));
        fields.extend(mandatory.then(|| ("mandatory", String::from("true"))));
        fields.extend(persistent.then(|| ("delivery_mode", String::from("persistent"))));
        fields.extend((headers && red).then(|| ("headers", String::from("{ colour: red }"))));
        fields.push(("body", String::from("x")));
        call(client, "publish", fields)
    })
}
