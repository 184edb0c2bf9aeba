//! AMQP cases: exchanges of all types, queues of every lifetime, confirms and transactions, consumers with a prefetch that
//! acknowledge, refuse, send back or hold.
//!
//! A case has a [`Theme`]: what it is about is drawn first, so that most cases do few things often instead of everything
//! once. In most of them all clients leave in the end, so that what they held must come back, and what was theirs must go.

mod theme;

use mqspec_wire::Spec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use self::theme::{Extension, Safety, Theme, theme};
use super::mqtt::{perhaps, wait};
use super::{Act, Case, Client, fault};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];
const QUEUES: [&str; 3] = ["q1", "q2", "q3"];
/// Where refused messages go.
const DEAD: &str = "dead";
/// A queue of one connection, and one that goes with its last consumer.
const PASSING: [(&str, &str); 2] = [("mine", "exclusive"), ("fleeting", "auto_delete")];
const EXCHANGES: [(&str, &str); 4] = [("d", "direct"), ("f", "fanout"), ("t", "topic"), ("h", "headers")];
const KEYS: [&str; 4] = ["k", "k.a", "k.b", "other"];
const BINDINGS: [&str; 5] = ["k", "k.a", "k.*", "#", "other"];

/// Cases.
pub(super) fn cases() -> BoxedStrategy<Case> {
    (theme(), fault::levels(Spec::Amqp091))
        .prop_flat_map(|(theme, levels)| {
            let names: Vec<_> = NAMES.into_iter().take(theme.clients).collect();
            let faults = fault::acts(Spec::Amqp091, &levels, &names);
            let modes: Vec<_> = (0..theme.clients).map(|client| modes(theme, client)).collect();
            let storm = proptest::collection::vec(acts(theme), 3..=16);
            let places = proptest::collection::vec(any::<Index>(), 64);
            let leaves = proptest::bool::weighted(0.7);
            (topology(theme), modes, storm, faults, places, leaves).prop_map(
                move |(mut steps, modes, storm, faults, places, leaves)| {
                    steps.push(Act::Settle);
                    steps.extend(modes.into_iter().flatten());
                    let storm = storm.into_iter().flatten().collect();
                    steps.extend(fault::scatter(storm, faults, &places));
                    case(theme, levels.clone(), steps, leaves)
                },
            )
        })
        .boxed()
}

fn case(theme: Theme, levels: Vec<(&'static str, u32)>, mut steps: Vec<Act>, leaves: bool) -> Case {
    let mut number = 0;
    for step in &mut steps {
        let Act::Do { verb: "publish", fields, .. } = step else { continue };
        for (_, body) in fields.iter_mut().filter(|(name, _)| *name == "body") {
            number += 1;
            *body = format!("m{number}");
        }
    }
    let mut probe = Vec::new();
    if leaves {
        probe.extend((0..theme.clients).map(|client| call(client, "disconnect", Vec::new())));
        probe.push(Act::Settle);
    }
    probe.extend(all_queues(theme).into_iter().map(|queue| {
        let fields = vec![("queue", name(queue)), ("consumer_tag", format!("probe-{queue}"))];
        call(theme.clients, "call basic.consume", fields)
    }));
    let clients = NAMES.into_iter().take(theme.clients).enumerate().map(|(index, name)| {
        let mut settings = vec![("answers", format!("[{}]", theme.answers))];
        settings.extend((theme.timed && index == 0).then(|| ("heartbeat", String::from("4"))));
        Client { name, settings }
    });
    let kept: &[&str] = &["drained", "durable"];
    let mut checks = vec![("routing", kept), ("fifo", &[]), ("redelivery", kept), ("confirmed", kept)];
    checks.push(("entities", &["durable"]));
    checks.extend(theme.dead_letters.then_some(("dead_letter", &["drained"] as &[&str])));
    Case { spec: Spec::Amqp091, seed: 0, levels, clients: clients.collect(), steps, probe, checks }
}

fn queues(theme: Theme) -> Vec<&'static str> {
    QUEUES.into_iter().take(theme.queues).collect()
}

fn exchanges(theme: Theme) -> Vec<(&'static str, &'static str)> {
    EXCHANGES.into_iter().take(theme.exchanges).collect()
}

fn all_queues(theme: Theme) -> Vec<&'static str> {
    let mut all = queues(theme);
    all.extend(theme.dead_letters.then_some(DEAD));
    all.extend(PASSING.iter().filter(|_| theme.passing).map(|(queue, _)| *queue));
    all
}

fn call(client: usize, verb: &'static str, fields: Vec<(&'static str, String)>) -> Act {
    Act::Do { client, verb, fields }
}

fn name(short: &str) -> String {
    format!("\"${{run}}-{short}\"")
}

fn set(field: &'static str) -> (&'static str, String) {
    (field, String::from("true"))
}

/// The first client sets everything up.
fn topology(theme: Theme) -> impl Strategy<Value = Vec<Act>> {
    let durable = proptest::collection::vec(any::<bool>(), QUEUES.len() + EXCHANGES.len());
    let bindings = proptest::collection::vec(binding(theme), 1..=5);
    (durable, bindings).prop_map(move |(durable, bindings)| {
        let mut durable = durable.into_iter().map(|durable| durable || theme.durable);
        let mut acts = Vec::new();
        for (short, kind) in exchanges(theme) {
            let mut fields = vec![("exchange", name(short)), ("type", kind.to_owned())];
            fields.extend(durable.next().filter(|durable| *durable).map(|_| set("durable")));
            if theme.extension == Extension::Alternate && kind == "direct" {
                fields.push(("arguments", format!("{{ alternate-exchange: {} }}", name("f"))));
            }
            acts.push(call(0, "call exchange.declare", fields));
        }
        if theme.dead_letters {
            acts.push(call(0, "call queue.declare", vec![("queue", name(DEAD)), set("durable")]));
        }
        for queue in queues(theme) {
            let mut fields = vec![("queue", name(queue))];
            fields.extend(durable.next().filter(|durable| *durable).map(|_| set("durable")));
            let mut arguments = Vec::new();
            if theme.dead_letters {
                arguments.push(String::from("x-dead-letter-exchange: \"\""));
                arguments.push(format!("x-dead-letter-routing-key: {}", name(DEAD)));
            }
            if theme.extension == Extension::Ranked {
                arguments.push(String::from("x-max-priority: 3"));
            }
            if !arguments.is_empty() {
                fields.push(("arguments", format!("{{ {} }}", arguments.join(", "))));
            }
            acts.push(call(0, "call queue.declare", fields));
        }
        for (queue, flag) in PASSING.iter().filter(|_| theme.passing) {
            acts.push(call(0, "call queue.declare", vec![("queue", name(queue)), set(flag)]));
        }
        acts.extend(bindings.into_iter().map(|fields| call(0, "call queue.bind", fields)));
        acts
    })
}

/// The fields of a binding.
fn binding(theme: Theme) -> impl Strategy<Value = Vec<(&'static str, String)>> + use<> {
    (select(queues(theme)), select(exchanges(theme)), select(&BINDINGS[..])).prop_map(
        |(queue, (exchange, kind), key)| {
            let mut fields = vec![("queue", name(queue)), ("exchange", name(exchange))];
            if kind == "headers" {
                fields.push(("arguments", String::from("{ x-match: all, colour: red }")));
            } else {
                fields.push(("routing_key", format!("\"{key}\"")));
            }
            fields
        },
    )
}

/// The modes of a client's channel, and a consumer.
fn modes(theme: Theme, client: usize) -> impl Strategy<Value = Vec<Act>> {
    let consumes = proptest::option::weighted(0.7, consume(theme, client));
    (perhaps(theme.limited, 0.9, 1..=3_u32), consumes).prop_map(move |(limit, consumes)| {
        let mut acts = Vec::new();
        match theme.safety {
            Safety::Transactions if client == 0 => acts.push(call(client, "call tx.select", Vec::new())),
            Safety::Confirms | Safety::Transactions => {
                acts.push(call(client, "call confirm.select", Vec::new()));
            }
            Safety::None => {}
        }
        acts.extend(
            limit.map(|limit| call(client, "call basic.qos", vec![("prefetch_count", limit.to_string())])),
        );
        if theme.passing && client == 0 {
            let fields = vec![("queue", name("fleeting")), ("consumer_tag", String::from("fleeting"))];
            acts.push(call(client, "call basic.consume", fields));
        }
        acts.extend(consumes);
        acts
    })
}

fn consume(theme: Theme, client: usize) -> impl Strategy<Value = Act> {
    let no_ack = proptest::bool::weighted(if theme.careless { 0.4 } else { 0.0 });
    (select(queues(theme)), no_ack).prop_map(move |(queue, no_ack)| {
        // One consumer a queue and client: a second one under the tag would be a mistake of ours.
        let mut fields = vec![("queue", name(queue)), ("consumer_tag", format!("c{client}-{queue}"))];
        fields.extend(no_ack.then(|| set("no_ack")));
        call(client, "call basic.consume", fields)
    })
}

/// One thing that happens, or several that belong together.
fn acts(theme: Theme) -> impl Strategy<Value = Vec<Act>> + use<> {
    let clients = theme.clients;
    let simple =
        move |verb: &'static str| (0..clients).prop_map(move |client| vec![call(client, verb, Vec::new())]);
    let mut choices = vec![
        (10, messages(theme).boxed()),
        (4, wait().prop_map(|wait| vec![wait]).boxed()),
        (1, simple("reset").boxed()),
    ];
    if theme.careless {
        let get = (0..clients, select(queues(theme)));
        let get = get
            .prop_map(|(client, queue)| vec![call(client, "call basic.get", vec![("queue", name(queue))])]);
        choices.push((3, get.boxed()));
        choices.push((1, simple("disconnect").boxed()));
    }
    if theme.recovery {
        let recover =
            (0..clients).prop_map(|client| vec![call(client, "call basic.recover", vec![set("requeue")])]);
        choices.push((2, recover.boxed()));
        let cancel = (0..clients, select(queues(theme))).prop_map(|(client, queue)| {
            vec![call(client, "call basic.cancel", vec![("consumer_tag", format!("c{client}-{queue}"))])]
        });
        choices.push((1, cancel.boxed()));
    }
    if theme.demolition {
        let delete = select(queues(theme))
            .prop_map(|queue| vec![call(0, "call queue.delete", vec![("queue", name(queue))])]);
        choices.push((1, delete.boxed()));
        choices
            .push((2, binding(theme).prop_map(|fields| vec![call(0, "call queue.unbind", fields)]).boxed()));
        choices.push((1, unlinking(theme).boxed()));
    }
    if theme.extension == Extension::Purges {
        let purge = (0..clients, select(queues(theme)));
        let purge = purge
            .prop_map(|(client, queue)| vec![call(client, "call queue.purge", vec![("queue", name(queue))])]);
        choices.push((2, purge.boxed()));
    }
    if theme.safety == Safety::Transactions {
        choices.push((1, Just(vec![call(0, "call tx.rollback", Vec::new())]).boxed()));
    }
    proptest::strategy::Union::new_weighted(choices)
}

/// A binding is made and taken back, and the broker crashes before a message comes that would have followed it.
fn unlinking(theme: Theme) -> impl Strategy<Value = Vec<Act>> + use<> {
    (binding(theme), select(vec!["kill_broker", "power_loss"]), 1..500_u64).prop_map(
        |(fields, crash, outage)| {
            // A key with wildcards matches itself.
            let of_message = |name: &str| matches!(name, "exchange" | "routing_key");
            let mut message: Vec<_> = fields.iter().filter(|(name, _)| of_message(name)).cloned().collect();
            message.extend([("headers", String::from("{ colour: red }")), ("body", String::from("x"))]);
            vec![
                call(0, "call queue.bind", fields.clone()),
                call(0, "call queue.unbind", fields),
                Act::Wait(5),
                Act::Broker(crash),
                Act::Wait(outage),
                Act::Broker("start_broker"),
                call(0, "publish", message),
            ]
        },
    )
}

/// One message or several of one client to one place, and what becomes of them in a transaction.
fn messages(theme: Theme) -> impl Strategy<Value = Vec<Act>> + use<> {
    let count = prop_oneof![2 => Just(1_usize), 2 => 2..=4_usize];
    (0..theme.clients, publish(theme), count, proptest::bool::weighted(0.7)).prop_map(
        move |(client, fields, count, commits)| {
            let mut acts = vec![call(client, "publish", fields); count];
            if theme.safety == Safety::Transactions && client == 0 && commits {
                acts.push(call(0, "call tx.commit", Vec::new()));
            }
            acts
        },
    )
}

/// The fields of a publish.
fn publish(theme: Theme) -> impl Strategy<Value = Vec<(&'static str, String)>> + use<> {
    let mut direct = queues(theme);
    direct.extend(PASSING.iter().filter(|_| theme.passing).map(|(queue, _)| *queue));
    let target = prop_oneof![
        1 => select(direct).prop_map(|queue| (None, name(queue))),
        2 => (select(exchanges(theme)), select(&KEYS[..]))
            .prop_map(|((exchange, _), key)| (Some(name(exchange)), format!("\"{key}\""))),
    ];
    let persistent = proptest::bool::weighted(if theme.durable { 0.9 } else { 0.4 });
    let mandatory = proptest::bool::weighted(if theme.mandatory { 0.7 } else { 0.0 });
    let red = proptest::bool::weighted(0.3);
    let lives = perhaps(theme.extension == Extension::Expiring, 0.5, 0..2000_u32);
    let priority = perhaps(theme.extension == Extension::Ranked, 0.7, 0..=4_u8);
    (target, persistent, mandatory, red, lives, priority).prop_map(|drawn| {
        let ((exchange, key), persistent, mandatory, red, lives, priority) = drawn;
        let mut fields = Vec::new();
        fields.extend(exchange.map(|exchange| ("exchange", exchange)));
        fields.push(("routing_key", key));
        fields.extend(mandatory.then(|| set("mandatory")));
        fields.extend(persistent.then(|| ("delivery_mode", String::from("persistent"))));
        fields.extend(lives.map(|millis| ("expiration", format!("\"{millis}\""))));
        fields.extend(priority.map(|priority| ("priority", priority.to_string())));
        fields.extend(red.then(|| ("headers", String::from("{ colour: red }"))));
        fields.push(("body", String::from("x")));
        fields
    })
}
