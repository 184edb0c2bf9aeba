//! MQTT cases: clients with sessions of every kind, subscriptions of every form, messages at every QoS.
//!
//! A case has a [`Theme`]: what it is about is drawn first, so that most cases do few things often instead of everything
//! once. Somebody watches in most of them: a client without faults that sees every message.

mod episode;
mod theme;

use mqspec_wire::Spec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use self::episode::{burst, last_words, parting, parting_client, silence};
use self::theme::{Theme, theme};
use super::{Act, Case, Client, fault};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
/// The client that is subscribed to everything and has no faults.
const WATCHER: &str = "watcher";
const TOPICS: [&str; 4] = ["a", "a/b", "c", "a/b/d"];
const FILTERS: [&str; 8] = ["#", "a", "a/#", "+", "a/b", "c", "a/+", "a/b/d"];

/// Cases for a version.
pub(super) fn cases(spec: Spec) -> BoxedStrategy<Case> {
    (theme(spec), fault::levels(spec))
        .prop_flat_map(move |(theme, levels)| {
            let names: Vec<_> = NAMES.into_iter().take(theme.clients).collect();
            let faults = fault::acts(spec, &levels, &names);
            let settings: Vec<_> = names.iter().map(|name| client(theme, name)).collect();
            let subscriptions = proptest::collection::vec(subscribe(theme), 1..=4);
            let storm = proptest::collection::vec(acts(theme), 4..=20);
            let places = proptest::collection::vec(any::<Index>(), 64);
            let returns = proptest::bool::weighted(0.6);
            (settings, subscriptions, storm, faults, places, returns).prop_map(
                move |(clients, subscriptions, storm, faults, places, returns)| {
                    let storm = storm.into_iter().flatten().collect();
                    let storm = fault::scatter(storm, faults, &places);
                    case(theme, levels.clone(), clients, subscriptions, storm, returns)
                },
            )
        })
        .boxed()
}

fn case(
    theme: Theme,
    levels: Vec<(&'static str, u32)>,
    mut clients: Vec<Client>,
    subscriptions: Vec<Act>,
    storm: Vec<Act>,
    returns: bool,
) -> Case {
    let everything = |client| Act::Do {
        client,
        verb: "subscribe",
        fields: vec![("filter", String::from("\"${run}/#\"")), ("qos", String::from("2"))],
    };
    let mut steps = Vec::new();
    if theme.watched {
        let mut settings = vec![("clean_start", String::from("false"))];
        if theme.spec == Spec::Mqtt50 {
            settings.push(("session_expiry", String::from("1h")));
        }
        steps.push(everything(clients.len()));
        clients.push(Client { name: WATCHER, settings });
    }
    steps.extend(subscriptions);
    steps.push(Act::Settle);
    steps.extend(storm);
    number_payloads(&mut steps);
    let back = |client| Act::Do { client, verb: "connect", fields: Vec::new() };
    let mut probe: Vec<Act> = if returns { (0..theme.clients).map(back).collect() } else { Vec::new() };
    probe.push(everything(clients.len()));
    let kept: &[&str] = &["drained", "durable"];
    let mut checks =
        vec![("delivery", kept), ("order", &[]), ("retained", kept), ("will", kept), ("session", kept)];
    if theme.spec == Spec::Mqtt50 {
        checks.push(("expiry", &["durable"]));
    }
    Case { spec: theme.spec, seed: 0, levels, clients, steps, probe, checks }
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

fn client(theme: Theme, name: &'static str) -> impl Strategy<Value = Client> + use<> {
    let session = select(vec!["none", "lasting", "lasting", "lasting", "short"]);
    let receive_maximum = perhaps(theme.limited, 0.8, 1..=4_u32);
    let keep_alive = perhaps(theme.timed && name == NAMES[0], 0.8, 2..=5_u32);
    let parts = NAMES.get(parting_client(theme)) == Some(&name);
    let wills = theme.wills && !parts || theme.timed && name == NAMES[0];
    let will = perhaps(wills, 0.8, will(theme, name));
    (session, receive_maximum, keep_alive, will).prop_map(
        move |(session, receive_maximum, keep_alive, will)| {
            let mut settings = Vec::new();
            if session != "none" {
                settings.push(("clean_start", String::from("false")));
                if theme.spec == Spec::Mqtt50 {
                    let short = session == "short" && theme.expiring;
                    settings.push(("session_expiry", String::from(if short { "2s" } else { "1h" })));
                }
            }
            settings.extend(receive_maximum.map(|most| ("receive_maximum", most.to_string())));
            settings.extend(keep_alive.map(|seconds| ("keep_alive", seconds.to_string())));
            settings.extend(will.map(|will| ("will", will)));
            Client { name, settings }
        },
    )
}

/// A will as `connect` has it. Its client makes the payload of each CONNECT another one.
fn will(theme: Theme, name: &'static str) -> impl Strategy<Value = String> + use<> {
    let delay = perhaps(theme.spec == Spec::Mqtt50, 0.3, 1..=5_u8);
    (topic(theme), select(theme.qos), proptest::bool::weighted(0.15), delay).prop_map(
        move |(topic, qos, retain, delay)| {
            let delay = delay.map_or_else(String::new, |delay| format!(", delay_interval: {delay}"));
            let retain = if retain { ", retain: true" } else { "" };
            format!("{{ topic: \"${{run}}/{topic}\", payload: will-{name}, qos: {qos}{retain}{delay} }}")
        },
    )
}

/// One thing that happens, or several that belong together.
fn acts(theme: Theme) -> impl Strategy<Value = Vec<Act>> + use<> {
    let simple = |verb: &'static str| {
        (0..theme.clients).prop_map(move |client| Act::Do { client, verb, fields: Vec::new() })
    };
    let one = |act: BoxedStrategy<Act>| act.prop_map(|act| vec![act]).boxed();
    let comings = if theme.comings { 3 } else { 0 };
    let mut choices = vec![
        (10, one(publish(theme).boxed())),
        (4, burst(theme).boxed()),
        (2, one(subscribe(theme).boxed())),
        (1, one(unsubscribe(theme.clients).boxed())),
        (5, one(wait().boxed())),
    ];
    if comings > 0 {
        choices.push((comings, one(connect(theme).boxed())));
        choices.push((comings, one(simple("disconnect").boxed())));
    }
    if theme.timed {
        choices.push((2, Just(silence()).boxed()));
    }
    if theme.wills {
        choices.push((1, parting(theme).boxed()));
    }
    if theme.fragile {
        choices.push((3, last_words(theme).boxed()));
    }
    proptest::strategy::Union::new_weighted(choices)
}

pub(super) fn wait() -> impl Strategy<Value = Act> {
    prop_oneof![3 => 1..20_u64, 2 => 20..500_u64, 1 => 500..4000_u64].prop_map(Act::Wait)
}

/// A client connects, in place of itself where it is connected, as always or as if it were somebody else.
fn connect(theme: Theme) -> impl Strategy<Value = Act> + use<> {
    let fresh = prop_oneof![3 => Just(None), 2 => Just(Some(true)), 1 => Just(Some(false))];
    let expiry = proptest::option::weighted(0.3, select(vec!["0s", "2s", "1h"]));
    let will = perhaps(theme.wills, 0.3, will(theme, "other"));
    (0..theme.clients, fresh, expiry, will).prop_map(move |(client, fresh, expiry, will)| {
        let mut fields = Vec::new();
        fields.extend(fresh.map(|fresh| ("clean_start", fresh.to_string())));
        let ends = fresh == Some(true) && expiry == Some("0s");
        if let Some(expiry) = expiry.filter(|_| theme.expiring || ends && theme.spec == Spec::Mqtt50) {
            fields.push(("session_expiry", String::from(expiry)));
        }
        fields.extend(will.map(|will| ("will", will)));
        Act::Do { client, verb: "connect", fields }
    })
}

fn publish(theme: Theme) -> impl Strategy<Value = Act> + use<> {
    let retain = perhaps(theme.retained, 0.6, Just(()));
    let expiry = perhaps(theme.expiring, 0.4, 1..=5_u32);
    let clears = proptest::bool::weighted(0.2);
    (0..theme.clients, topic(theme), select(theme.qos), retain, expiry, clears).prop_map(
        move |(client, topic, qos, retain, expiry, clears)| {
            let mut more = Vec::new();
            if retain.is_some() {
                more.push(("retain", String::from("true")));
            }
            if retain.is_some() && clears {
                more.push(("payload", String::from("\"\"")));
            }
            more.extend(expiry.map(|seconds| ("message_expiry_interval", seconds.to_string())));
            message(client, topic, qos, more)
        },
    )
}

fn message(client: usize, topic: &'static str, qos: u8, more: Vec<(&'static str, String)>) -> Act {
    let mut fields = vec![("topic", format!("\"${{run}}/{topic}\"")), ("qos", qos.to_string())];
    if more.iter().all(|(name, _)| *name != "payload") {
        fields.push(("payload", String::from("x")));
    }
    fields.extend(more);
    Act::Do { client, verb: "publish", fields }
}

/// Something that only cases with the theme have, and then with a probability.
pub(super) fn perhaps<T: std::fmt::Debug>(
    theme: bool,
    probability: f64,
    what: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<T>> {
    (proptest::bool::weighted(probability), what)
        .prop_map(move |(drawn, what)| (theme && drawn).then_some(what))
}

fn topic(theme: Theme) -> impl Strategy<Value = &'static str> + use<> {
    select(TOPICS.into_iter().take(theme.topics).collect::<Vec<_>>())
}

fn subscribe(theme: Theme) -> impl Strategy<Value = Act> + use<> {
    let often = || perhaps(theme.options, 0.3, Just(())).prop_map(|drawn| drawn.is_some());
    let options = (often(), often(), 0..=5_u8, often());
    (0..theme.clients, select(&FILTERS[..]), select(theme.qos), options).prop_map(
        move |(client, filter, qos, (no_local, as_published, handling, shared))| {
            let share = if shared { "$$share/g/" } else { "" };
            let mut fields =
                vec![("filter", format!("\"{share}${{run}}/{filter}\"")), ("qos", qos.to_string())];
            if no_local && !shared {
                fields.push(("no_local", String::from("true")));
            }
            if as_published {
                fields.push(("retain_as_published", String::from("true")));
            }
            if theme.options && (1..=2).contains(&handling) {
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
