//! What every scenario in `scenarios/` must keep to.

use std::path::{Path, PathBuf};

use mqspec_conformance::plan::{Action, Bindings, Plan, Step, Template, Worlds};
use mqspec_conformance::scenario::files::{File, load_dir};
use mqspec_conformance::scenario::{Kind, Node, parse};
use mqspec_wire::Value;
use serde_yaml::Value as Yaml;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

fn shipped() -> Vec<File> {
    let files = load_dir(&root()).expect("scenarios/ can be read");
    assert!(!files.is_empty(), "there are scenarios");
    files
}

#[test]
fn every_scenario_loads() {
    let mut broken = Vec::new();
    for file in shipped() {
        if let Err(diagnostics) = file.plans {
            broken.push(format!("{:?}", miette::Report::new(diagnostics)));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn addresses_are_paths_with_the_version() {
    let files = shipped();
    let addresses: Vec<_> =
        files.iter().flat_map(|file| file.plans.as_ref().expect("loads")).map(|plan| &plan.address).collect();
    assert!(addresses.contains(&&String::from("mqtt/qos-2/pubrel-resent@mqtt-3.1.1")), "{addresses:?}");
    assert!(addresses.contains(&&String::from("mqtt/qos-2/pubrel-resent@mqtt-5.0")), "{addresses:?}");
    let mut unique = addresses.clone();
    unique.dedup();
    assert_eq!(unique, addresses);
}

#[test]
fn every_scenario_is_plain_yaml_that_two_readers_read_alike() {
    for file in shipped() {
        let text = std::fs::read_to_string(&file.path).expect("it was read before");
        let ours = parse(&text).expect("it loads");
        let theirs: Yaml = serde_yaml::from_str(&text).expect("it is YAML to others, too");
        assert_eq!(difference("", &ours, &theirs), None, "{}", file.path);
    }
}

#[test]
fn two_readers_differ_where_yaml_leaves_room() {
    let ours = parse("a: [1, x]").expect("YAML");
    let theirs: Yaml = serde_yaml::from_str("a: [1, 'y']").expect("YAML");
    assert_eq!(difference("", &ours, &theirs).as_deref(), Some("/a/1"));
}

/// Where two readings of a file differ.
fn difference(at: &str, ours: &Node, theirs: &Yaml) -> Option<String> {
    let same = match (&ours.kind, theirs) {
        (Kind::Null, Yaml::Null) => true,
        (Kind::Bool(ours), Yaml::Bool(theirs)) => ours == theirs,
        (Kind::Integer(ours), Yaml::Number(theirs)) => {
            theirs.as_i64().map(i128::from).or(theirs.as_u64().map(i128::from)) == Some(*ours)
        }
        (Kind::Float(ours), Yaml::Number(theirs)) => {
            theirs.is_f64() && theirs.as_f64().map(f64::to_bits) == Some(ours.to_bits())
        }
        (Kind::Text(ours), Yaml::String(theirs)) => ours == theirs,
        (Kind::List(ours), Yaml::Sequence(theirs)) if ours.len() == theirs.len() => {
            let mut pairs = ours.iter().zip(theirs).enumerate();
            return pairs
                .find_map(|(index, (ours, theirs))| difference(&format!("{at}/{index}"), ours, theirs));
        }
        (Kind::Map(ours), Yaml::Mapping(theirs)) if ours.len() == theirs.len() => {
            let mut pairs = ours.iter().zip(theirs);
            return pairs.find_map(|(entry, (key, value))| {
                let at = format!("{at}/{}", entry.key);
                let same_key = match key {
                    Yaml::String(key) => *key == entry.key,
                    Yaml::Number(key) => key.to_string() == entry.key,
                    Yaml::Bool(key) => key.to_string() == entry.key,
                    Yaml::Null | Yaml::Sequence(_) | Yaml::Mapping(_) | Yaml::Tagged(_) => false,
                };
                if same_key { difference(&at, &entry.value, value) } else { Some(at) }
            });
        }
        _ => false,
    };
    (!same).then(|| at.to_owned())
}

/// Statements that are about client identifiers, or about text that no broker may take.
const ABOUT_CLIENT_IDS: [&str; 3] = ["/MQTT-3.1.3-", "/MQTT-1.5.3-", "/MQTT-1.5.4-"];

/// `$run` as the live world binds it: 12 letters and digits.
const LIVE_RUN: &str = "mq0123456789";

#[test]
fn client_ids_are_such_as_every_server_must_take() {
    // [mqtt-3.1.1/MQTT-3.1.3-5] letters and digits, 1 to 23 bytes.
    let mut seen = 0;
    for file in shipped() {
        for plan in file.plans.as_ref().expect("it loads") {
            if plan.statements.iter().any(|id| ABOUT_CLIENT_IDS.iter().any(|about| id.contains(about))) {
                continue;
            }
            for id in client_ids(plan) {
                seen += 1;
                let plain = id.chars().all(|letter| letter.is_ascii_alphanumeric());
                assert!(plain && (1..=23).contains(&id.len()), "{}: the client id `{id}`", plan.address);
            }
        }
    }
    assert!(seen > 400, "{seen} client ids of well-formed CONNECTs");
}

/// The client ids of a plan's CONNECTs that are well-formed and name one.
fn client_ids(plan: &Plan) -> Vec<String> {
    let bindings: Bindings =
        [("run", LIVE_RUN)].into_iter().map(|(name, value)| (name.to_owned(), Value::text(value))).collect();
    let mut ids = Vec::new();
    sent(&plan.steps, &mut |packet| {
        if packet.name == "connect" && packet.malformed.is_empty() {
            let id = packet.fields.iter().rev().find(|(name, _)| name == "client_id");
            let value = id.map(|(_, id)| id.evaluate(&bindings).expect("made of `$run`"));
            ids.extend(value.map(|value| value.as_text().expect("a client id is text").to_owned()));
        }
    });
    ids
}

/// Hands over every packet that steps send.
fn sent(steps: &[Step], take: &mut dyn FnMut(&Template)) {
    for step in steps {
        if let Action::Send { packet, .. } = &step.action {
            take(packet);
        } else if let Action::Repeat { steps, .. } = &step.action {
            sent(steps, take);
        } else if let Action::Together(branches) = &step.action {
            for branch in branches {
                sent(branch, take);
            }
        }
    }
}

/// Keys whose values name something on the broker.
const NAMES: [&str; 12] = [
    "topic",
    "will_topic",
    "response_topic",
    "filter",
    "filters",
    "client_id",
    "queue",
    "exchange",
    "destination",
    "source",
    "subscribe",
    "unsubscribe",
];

#[test]
fn names_are_unique_to_their_run() {
    for file in shipped() {
        let plans = file.plans.as_ref().expect("it loads");
        let can_run_live = plans.iter().any(|plan| !matches!(plan.worlds, Worlds::SimulatedOnly(_)));
        let text = std::fs::read_to_string(&file.path).expect("it was read before");
        let root = parse(&text).expect("it loads");
        if can_run_live && root.get("shared_names").is_none() {
            let mut shared = Vec::new();
            shared_names(&root, &mut shared);
            assert!(
                shared.is_empty(),
                "{}: begin {shared:?} with `${{run}}`, or say in `shared_names` why not",
                file.path
            );
        }
    }
}

#[test]
fn names_that_others_could_have_are_found() {
    let steps = "[alice: { subscribe: [a, { filter: \"${run}/b\" }, { filter: \"$share/g/c\" }] }, \
                 alice: { publish: { topic: \"$SYS/x\" } }, alice: { call: queue.declare, queue: \"\" }, \
                 alice: { call: queue.bind, queue: q, exchange: amq.fanout }, alice: { unsubscribe: b }, \
                 alice: { call: queue.declare, queue: \"\", bind: { queue: own } }, \
                 alice: { expect: publish, topic: { starts_with: t } }, alice: { send: connect, client_id: $run }]";
    let mut shared = Vec::new();
    shared_names(&parse(&format!("steps: {steps}")).expect("YAML"), &mut shared);
    assert_eq!(shared, ["a", "$share/g/c", "q", "b", "t"]);
}

fn shared_names(node: &Node, shared: &mut Vec<String>) {
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                if NAMES.contains(&entry.key.as_str()) {
                    named(&entry.value, shared);
                } else if entry.key != "bind" {
                    // `bind: { queue: q }` calls a field's value `q`: that is nobody's name on the broker.
                    shared_names(&entry.value, shared);
                }
            }
        }
        Kind::List(items) => items.iter().for_each(|item| shared_names(item, shared)),
        Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Text(_) => {}
    }
}

/// A value that names something: text, or texts in a list, a matcher, or a subscription.
fn named(node: &Node, shared: &mut Vec<String>) {
    const MATCHERS: [&str; 3] = ["one_of", "starts_with", "repeats"];
    match &node.kind {
        Kind::Text(name) if !is_own(name) => shared.push(name.clone()),
        Kind::List(items) => items.iter().for_each(|item| named(item, shared)),
        Kind::Map(entries) => {
            for entry in entries {
                if MATCHERS.contains(&entry.key.as_str()) {
                    named(&entry.value, shared);
                } else {
                    shared_names(node, shared);
                }
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Text(_) => {}
    }
}

/// Whether a name is the run's, a bound one, or one of the broker's own.
fn is_own(name: &str) -> bool {
    let shared_filter = name.strip_prefix("$share/").or(name.strip_prefix("$$share/"));
    if let Some((_group, filter)) = shared_filter.and_then(|rest| rest.split_once('/')) {
        return is_own(filter);
    }
    name.is_empty() || name.starts_with('$') || name.starts_with("amq.")
}
