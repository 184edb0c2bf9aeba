//! What a broker can do, by its own word: asked once before a run, so that a plan which needs more is not
//! applicable rather than failed.

use std::collections::BTreeMap;
use std::time::Duration;

use mqspec_conformance::plan::capability::CAPABILITIES;
use mqspec_conformance::plan::{Action, Need, Plan, Step, Worlds};
use mqspec_conformance::trace::What;
use mqspec_conformance::verdict::Cause;
use mqspec_wire::{Packet, Spec, Value};

use super::external::Target;
use super::question;
use crate::environment::live;
use crate::script::RunResult;

/// What is known of a broker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capabilities {
    /// Per version that it speaks: what it says about itself, by capability name.
    known: BTreeMap<Spec, BTreeMap<String, Value>>,
    /// Whether it is the simulator's, whose settings mqspec chooses.
    ours: bool,
    /// Whether mqspec can start and stop it.
    controlled: bool,
    /// How it calls itself, where it does.
    pub product: Option<String>,
}

/// Why nothing can be said about a broker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// It cannot be reached, or not in time.
    #[error("no broker answers at {address}: {why}")]
    Unreachable {
        /// Where.
        address: String,
        /// What the system says.
        why: String,
    },
    /// Something is there and speaks none of the versions.
    #[error("what listens at {address} speaks none of {versions}: {why}")]
    SpeaksNothing {
        /// Where.
        address: String,
        /// What was tried.
        versions: String,
        /// What it did instead, per version.
        why: String,
    },
}

impl Capabilities {
    /// The reference broker, which can do everything and is ours to start and stop.
    pub fn reference() -> Self {
        let known = Spec::ALL.into_iter().map(|spec| (spec, BTreeMap::new())).collect();
        Self { known, ours: true, controlled: true, product: Some(String::from("mqspec reference broker")) }
    }

    /// Whether the broker speaks a version.
    pub fn speaks(&self, spec: Spec) -> bool {
        self.known.contains_key(&spec)
    }

    /// The versions that it speaks.
    pub fn versions(&self) -> impl Iterator<Item = Spec> + '_ {
        self.known.keys().copied()
    }

    /// What it says about itself in a version, by capability name.
    pub fn of(&self, spec: Spec) -> impl Iterator<Item = (&str, &Value)> {
        self.known.get(&spec).into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }

    /// Takes a profile's word for what the broker can do, and for whether mqspec can start and stop it.
    #[must_use]
    pub fn declared(mut self, has: &[(String, Value)], controlled: bool) -> Self {
        self.controlled = controlled;
        for (name, value) in has {
            for known in CAPABILITIES.iter().filter(|known| known.name == name) {
                let concerned = self.known.iter_mut().filter(|(spec, _)| spec.is_mqtt() == known.mqtt);
                concerned.for_each(|(_, said)| drop(said.insert(name.clone(), value.clone())));
            }
        }
        self
    }

    /// Why a plan means nothing for this broker, where it does not.
    pub fn lacks(&self, plan: &Plan) -> Option<String> {
        let mut versions = plan.actors.iter().map(|actor| actor.spec).chain([plan.spec]);
        if let Some(spec) = versions.find(|spec| !self.speaks(*spec)) {
            return Some(format!("the broker does not speak {spec}"));
        }
        if !self.ours {
            if let Some((setting, value)) = plan.broker.first() {
                return Some(format!("needs a broker set up with {setting}: {value}"));
            }
            if !self.controlled && controls(&plan.steps) {
                return Some(String::from(
                    "needs a broker that mqspec can start and stop, by a profile with `start`",
                ));
            }
            if let Worlds::SimulatedOnly(reason) = &plan.worlds {
                return Some(format!("only in the simulator: {reason}"));
            }
        } else if let Worlds::LiveOnly(reason) = &plan.worlds {
            return Some(format!("only against a live broker: {reason}"));
        }
        plan.needs.iter().find_map(|need| self.misses(plan.spec, need))
    }

    fn misses(&self, spec: Spec, need: &Need) -> Option<String> {
        let known = self.known.get(&spec)?;
        // What a broker says nothing about is tried.
        let has = known.get(&need.capability)?;
        let enough = match (has, &need.value) {
            (Value::Integer(has), Value::Integer(needed)) => has >= needed,
            (has, needed) => has == needed,
        };
        (!enough).then(|| format!("needs {} {}, the broker has {has}", need.capability, need.value))
    }
}

/// Whether steps start or stop the broker.
pub fn controls(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.action {
        Action::Broker(_) | Action::Disk(_) => true,
        Action::Repeat { steps, .. } => controls(steps),
        Action::Together(branches) => branches.iter().any(|branch| controls(branch)),
        Action::Open { .. }
        | Action::OpenFails { .. }
        | Action::Send { .. }
        | Action::SendBytes { .. }
        | Action::Expect(_)
        | Action::ExpectAll { .. }
        | Action::ExpectNothing { .. }
        | Action::Close { .. }
        | Action::Do { .. }
        | Action::Settle { .. }
        | Action::Fault(_)
        | Action::Wait(_)
        | Action::Bind { .. }
        | Action::Check { .. } => false,
    })
}

/// Asks a live broker, on every listener that is known, which versions it speaks and what it can do.
///
/// # Errors
///
/// A listener that does not answer within `patience`, or speaks nothing that we do.
pub fn probe(target: &Target, patience: Duration) -> Result<Capabilities, ProbeError> {
    let mut capabilities = Capabilities::default();
    let listeners =
        [(&target.mqtt, &[Spec::Mqtt311, Spec::Mqtt50][..]), (&target.amqp, &[Spec::Amqp091][..])];
    for (endpoint, versions) in listeners {
        let Some(endpoint) = endpoint else { continue };
        let address = endpoint.to_string();
        let mut refusals = Vec::new();
        for spec in versions.iter().copied() {
            let ask = |plan: &Plan| live::run(plan, target, &settings(patience));
            let result = ask(&question::greeting(spec));
            match answer(spec, &result) {
                Ok(packets) => {
                    let mut said =
                        if spec.is_mqtt() { mqtt_says(spec, &packets) } else { amqp_says(&packets) };
                    // AMQP always has a login; an MQTT broker that lets us in without one asks nobody.
                    let asks = !spec.is_mqtt() || endpoint.login.is_some();
                    said.insert(String::from("authentication"), Value::Bool(asks));
                    said.insert(String::from("anonymous"), Value::Bool(!asks));
                    if spec.is_mqtt() {
                        let nameless = answer(spec, &ask(&question::nameless(spec)));
                        said.insert(String::from("empty_client_id"), Value::Bool(nameless.is_ok()));
                    }
                    capabilities.product = capabilities.product.or_else(|| product(&packets));
                    capabilities.known.insert(spec, said);
                }
                Err((Cause::Environment, why)) => return Err(ProbeError::Unreachable { address, why }),
                Err((Cause::Broker, why)) => refusals.push(format!("{spec}: {why}")),
            }
        }
        if refusals.len() == versions.len() {
            let versions = versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(ProbeError::SpeaksNothing { address, versions, why: refusals.join("; ") });
        }
    }
    Ok(capabilities)
}

fn settings(patience: Duration) -> live::Settings {
    live::Settings {
        seed: 0,
        token: format!("mqspec-probe-{:08x}", std::process::id()),
        patience,
        limit: patience * 3,
    }
}

/// The broker's packets, or what kept it from answering.
fn answer(spec: Spec, result: &RunResult) -> Result<Vec<Packet>, (Cause, String)> {
    let packets: Vec<Packet> = result
        .trace
        .events
        .iter()
        .filter_map(
            |event| if let What::Received { packet, .. } = &event.what { Some(packet.clone()) } else { None },
        )
        .collect();
    let greeted = packets.iter().any(|packet| match packet.name {
        "connack" => packet.integer("reason_code") == Some(0),
        "connection.start" => !spec.is_mqtt(),
        _ => false,
    });
    match &result.stop {
        _ if greeted => Ok(packets),
        Some(stop) => Err((stop.cause, stop.actual.clone())),
        None => Err((Cause::Broker, String::from("it accepted the connection and refused the CONNECT"))),
    }
}

fn mqtt_says(spec: Spec, packets: &[Packet]) -> BTreeMap<String, Value> {
    // What a CONNACK leaves out has these values (MQTT 5.0, section 3.2.2.3).
    let mut said: BTreeMap<String, Value> = [
        ("maximum_qos", Value::Integer(2)),
        ("retain_available", Value::Bool(true)),
        ("wildcard_subscription_available", Value::Bool(true)),
        ("subscription_identifier_available", Value::Bool(true)),
        ("shared_subscription_available", Value::Bool(true)),
        ("topic_alias_maximum", Value::Integer(0)),
        ("receive_maximum", Value::Integer(65_535)),
    ]
    .into_iter()
    .filter(|(name, _)| spec == Spec::Mqtt50 || *name == "maximum_qos")
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    for packet in packets {
        if packet.name == "connack" {
            for field in &packet.fields {
                // A bit and a byte that is 0 or 1 are the same thing to a scenario.
                let value = match field.value.as_integer().filter(|_| field.name.ends_with("_available")) {
                    Some(number) => Value::Bool(number != 0),
                    None => field.value.clone(),
                };
                // The CONNACK's property is in the plural, the capability is not.
                let name = field
                    .name
                    .replace("subscription_identifiers_available", "subscription_identifier_available");
                said.insert(name, value);
            }
        }
        let granted = packet.get("reason_codes").and_then(|codes| {
            if let Value::List(codes) = codes { codes.first().and_then(Value::as_integer) } else { None }
        });
        if let (Some(granted @ 0..=2), Some(Value::Integer(maximum))) = (granted, said.get("maximum_qos")) {
            let lower = granted.min(*maximum);
            said.insert(String::from("maximum_qos"), Value::Integer(lower));
        }
    }
    said
}

/// Extensions that a broker announces by name, or does not have.
const ANNOUNCED: [&str; 8] = [
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "consumer_priorities",
    "authentication_failure_close",
    "per_consumer_qos",
    "direct_reply_to",
];

/// Extensions that no broker announces. RabbitMQ and those that follow it have them; what tells them apart
/// from others is that they announce publisher confirms.
const UNANNOUNCED: [&str; 6] = [
    "message_ttl",
    "dead_lettering",
    "length_limit",
    "priority_queues",
    "alternate_exchange",
    "internal_exchanges",
];

fn amqp_says(packets: &[Packet]) -> BTreeMap<String, Value> {
    let mut said = BTreeMap::new();
    if let Some(Value::Map(properties)) = packets.iter().find_map(|packet| packet.get("server_properties")) {
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        for (name, value) in properties {
            let value = value.untagged();
            if let (b"capabilities", Value::Map(entries)) = (name.as_ref(), value) {
                said.extend(entries.iter().map(|(name, value)| (text(name), value.untagged().clone())));
            } else {
                said.insert(text(name), value.clone());
            }
        }
    }
    let follows_rabbitmq = said.get("publisher_confirms") == Some(&Value::Bool(true));
    for name in ANNOUNCED {
        said.entry(name.to_owned()).or_insert(Value::Bool(false));
    }
    for name in UNANNOUNCED {
        said.entry(name.to_owned()).or_insert(Value::Bool(follows_rabbitmq));
    }
    said
}

fn product(packets: &[Packet]) -> Option<String> {
    let said = amqp_says(packets);
    let product = said.get("product").and_then(Value::as_text)?;
    let version = said.get("version").and_then(Value::as_text).unwrap_or_default();
    Some(format!("{product} {version}").trim().to_owned())
}
