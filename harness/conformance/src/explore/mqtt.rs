//! MQTT cases: clients with sessions of every kind, subscriptions of every form, messages at every QoS.

use mqspec_wire::Spec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Act, Case, Client, fault};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
const TOPICS: [&str; 4] = ["a", "a/b", "c", "a/b/d"];
const FILTERS: [&str; 8] = ["a", "a/b", "c", "a/#", "+", "#", "a/+", "a/b/d"];

/// Cases for a version.
pub(super) fn cases(spec: Spec) -> BoxedStrategy<Case> {
    (2..=4_usize, fault::levels())
        .prop_flat_map(move |(clients, levels)| {
            let names: Vec<_> = NAMES.into_iter().take(clients).collect();
            let faults = fault::acts(spec, &levels, &names);
            let settings: Vec<_> = names.iter().map(|name| client(spec, name)).collect();
            let subscriptions = proptest::collection::vec(subscribe(spec, clients), 1..=4);
            let storm = proptest::collection::vec(act(spec, clients), 4..=30);
            let places = proptest::collection::vec(any::<proptest::sample::Index>(), 64);
            (settings, subscriptions, storm, faults, places).prop_map(
                move |(clients, subscriptions, storm, faults, places)| {
                    case(spec, levels.clone(), clients, subscriptions, storm, faults, &places)
                },
            )
        })
        .boxed()
}

fn case(
    spec: Spec,
    levels: Vec<(&'static str, u32)>,
    clients: Vec<Client>,
    subscriptions: Vec<Act>,
    mut storm: Vec<Act>,
    faults: Vec<Vec<Act>>,
    places: &[proptest::sample::Index],
) -> Case {
    for (fault, place) in faults.into_iter().zip(places) {
        let at = place.index(storm.len() + 1);
        storm.splice(at..at, fault);
    }
    let mut steps = subscriptions;
    steps.push(Act::Settle);
    steps.extend(storm);
    number_payloads(&mut steps);
    let probe = Act::Do {
        client: clients.len(),
        verb: "subscribe",
        fields: vec![("filter", String::from("\"${run}/#\"")), ("qos", String::from("1"))],
    };
    let checks = vec![("delivery", true), ("order", false), ("retained", true), ("will", true)];
    Case { spec, seed: 0, levels, clients, steps, probe: vec![probe], checks }
}

/// Gives every message a payload of its own, so that they can be told apart.
fn number_payloads(steps: &mut [Act]) {
    let mut number = 0;
    for step in steps {
        let Act::Do { verb: "publish", fields, .. } = step else { continue };
        for (_, value) in fields.iter_mut().filter(|(name, value)| *name == "payload" && value == "x") {
            number += 1;
            *value = format!("m{number}");
        }
    }
}

fn client(spec: Spec, name: &'static str) -> impl Strategy<Value = Client> + use<> {
    let session = select(vec!["none", "lasting", "lasting", "lasting", "short"]);
    let receive_maximum = proptest::option::weighted(0.3, 1..=4_u32);
    let keep_alive = proptest::option::weighted(0.2, 5..=30_u32);
    let will = proptest::option::weighted(0.4, (0..=2_u8, any::<bool>(), select(&TOPICS[..]), 0..=2_u8));
    (session, receive_maximum, keep_alive, will).prop_map(
        move |(session, receive_maximum, keep_alive, will)| {
            let mut settings = Vec::new();
            if session != "none" {
                settings.push(("clean_start", String::from("false")));
                if spec == Spec::Mqtt50 {
                    let expiry = if session == "short" { "2s" } else { "1h" };
                    settings.push(("session_expiry", String::from(expiry)));
                }
            }
            if let (Some(most), Spec::Mqtt50) = (receive_maximum, spec) {
                settings.push(("receive_maximum", most.to_string()));
            }
            settings.extend(keep_alive.map(|seconds| ("keep_alive", seconds.to_string())));
            if let Some((qos, retain, topic, delay)) = will {
                let delay = if spec == Spec::Mqtt50 && delay > 0 {
                    format!(", delay_interval: {delay}")
                } else {
                    String::new()
                };
                let text = format!(
                    "{{ topic: \"${{run}}/{topic}\", payload: will-{name}, qos: {qos}, retain: {retain}{delay} }}"
                );
                settings.push(("will", text));
            }
            Client { name, settings }
        },
    )
}

fn act(spec: Spec, clients: usize) -> impl Strategy<Value = Act> + use<> {
    let simple = |verb: &'static str| {
        (0..clients).prop_map(move |client| Act::Do { client, verb, fields: Vec::new() })
    };
    prop_oneof![
        12 => publish(spec, clients),
        2 => subscribe(spec, clients),
        1 => unsubscribe(clients),
        1 => simple("disconnect"),
        1 => simple("connect"),
        1 => simple("reset"),
        4 => wait(),
        1 => Just(Act::Wait(2000)),
    ]
}

pub(super) fn wait() -> impl Strategy<Value = Act> {
    prop_oneof![3 => 1..20_u64, 2 => 20..500_u64, 1 => 500..4000_u64].prop_map(Act::Wait)
}

fn publish(spec: Spec, clients: usize) -> impl Strategy<Value = Act> + use<> {
    let retain = prop_oneof![3 => Just(false), 1 => Just(true)];
    let expiry = proptest::option::weighted(0.08, 1..=5_u32);
    let clears = proptest::bool::weighted(0.15);
    (0..clients, select(&TOPICS[..]), 0..=2_u8, retain, expiry, clears).prop_map(
        move |(client, topic, qos, retain, expiry, clears)| {
            let payload = if retain && clears { "\"\"" } else { "x" };
            let mut fields = vec![
                ("topic", format!("\"${{run}}/{topic}\"")),
                ("qos", qos.to_string()),
                ("payload", payload.to_owned()),
            ];
            if retain {
                fields.push(("retain", String::from("true")));
            }
            if let (Some(seconds), Spec::Mqtt50) = (expiry, spec) {
                fields.push(("message_expiry_interval", seconds.to_string()));
            }
            Act::Do { client, verb: "publish", fields }
        },
    )
}

fn subscribe(spec: Spec, clients: usize) -> impl Strategy<Value = Act> + use<> {
    let options = (proptest::bool::weighted(0.1), proptest::bool::weighted(0.15), 0..=5_u8);
    let shared = proptest::bool::weighted(0.1);
    (0..clients, select(&FILTERS[..]), 0..=2_u8, options, shared).prop_map(
        move |(client, filter, qos, (no_local, as_published, handling), shared)| {
            let new = spec == Spec::Mqtt50;
            let filter = if shared && new {
                format!("\"$$share/g/${{run}}/{filter}\"")
            } else {
                format!("\"${{run}}/{filter}\"")
            };
            let mut fields = vec![("filter", filter), ("qos", qos.to_string())];
            if new && no_local && !shared {
                fields.push(("no_local", String::from("true")));
            }
            if new && as_published {
                fields.push(("retain_as_published", String::from("true")));
            }
            if new && (1..=2).contains(&handling) {
                fields.push(("retain_handling", handling.to_string()));
            }
            Act::Do { client, verb: "subscribe", fields }
        },
    )
}

fn unsubscribe(clients: usize) -> impl Strategy<Value = Act> {
    (0..clients, select(&FILTERS[..])).prop_map(|(client, filter)| Act::Do {
        client,
        verb: "unsubscribe",
        fields: vec![("filters", format!("[\"${{run}}/{filter}\"]"))],
    })
}
