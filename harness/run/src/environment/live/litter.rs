//! What a run has left on a live broker, and the scenarios that take it away again.
//!
//! A scenario cleans up in its last steps, which one that stops early never comes to. Names are a run's own, so
//! what is left disturbs nobody; but a broker that is tested every night should not fill up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mqspec_conformance::plan::{ActorId, Plan};
use mqspec_conformance::scenario;
use mqspec_conformance::trace::{Trace, What};
use mqspec_wire::{Packet, Spec, Value};

/// What is left, as far as a trace tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Litter {
    /// Client identifiers of sessions that outlive their connection, with the version to end them in.
    sessions: BTreeMap<String, Spec>,
    /// Topics of retained messages.
    retained: BTreeMap<String, Spec>,
    queues: BTreeSet<String>,
    exchanges: BTreeSet<String>,
    /// Whether the latest CONNECT of an actor asks for a session that lasts.
    lasting: BTreeMap<ActorId, bool>,
    /// The answers that an actor's channel still waits for: whether the queue is to outlive the connection.
    declared: BTreeMap<(ActorId, i128), VecDeque<bool>>,
}

impl Litter {
    /// What a run of this name (`$run`) has left.
    pub(super) fn of(trace: &Trace, run: &str) -> Self {
        let mut litter = Self::default();
        for event in &trace.events {
            if let What::Sent { actor, packet, .. } = &event.what {
                let Some(spec) = trace.actor_spec(*actor) else { continue };
                if spec.is_mqtt() {
                    litter.mqtt_sent(*actor, spec, packet);
                } else {
                    litter.amqp_sent(*actor, packet);
                }
            } else if let What::Received { actor, packet, .. } = &event.what {
                litter.received(*actor, trace.actor_spec(*actor), packet);
            }
        }
        // Other names are the broker's own, or those of a scenario about names.
        litter.retained.retain(|topic, _| topic.contains(run));
        litter.exchanges.retain(|name| name.contains(run));
        litter
    }

    fn mqtt_sent(&mut self, actor: ActorId, spec: Spec, packet: &Packet) {
        let is_set = |field: &str| packet.get(field).and_then(Value::as_bool) == Some(true);
        if packet.name == "connect" {
            let lasts = match spec {
                Spec::Mqtt50 => packet.integer("session_expiry_interval").unwrap_or(0) > 0,
                Spec::Mqtt311 | Spec::Amqp091 => !is_set("clean_start"),
            };
            self.lasting.insert(actor, lasts);
            if let Some(client_id) = text(packet, "client_id") {
                self.session(client_id, spec, lasts);
            }
            if let (Some(topic), true) = (text(packet, "will_topic"), is_set("will_retain")) {
                self.retained.insert(topic, spec);
            }
        } else if packet.name == "publish" && is_set("retain") {
            let Some(topic) = text(packet, "topic") else { return };
            if packet.get("payload").and_then(Value::as_bytes).is_none_or(bytes::Bytes::is_empty) {
                self.retained.remove(&topic);
            } else {
                self.retained.insert(topic, spec);
            }
        }
    }

    fn session(&mut self, client_id: String, spec: Spec, lasts: bool) {
        if lasts {
            self.sessions.insert(client_id, spec);
        } else {
            self.sessions.remove(&client_id);
        }
    }

    fn amqp_sent(&mut self, actor: ActorId, packet: &Packet) {
        let is_set = |field: &str| packet.get(field).and_then(Value::as_bool) == Some(true);
        let stays = !is_set("passive") && !is_set("exclusive");
        match packet.name {
            "queue.declare" => {
                let channel = packet.integer("channel").unwrap_or(0);
                if !is_set("no_wait") {
                    self.declared.entry((actor, channel)).or_default().push_back(stays);
                }
                self.queues.extend(text(packet, "queue").filter(|_| stays));
            }
            "exchange.declare" => self.exchanges.extend(text(packet, "exchange").filter(|_| stays)),
            "queue.delete" => drop(text(packet, "queue").map(|name| self.queues.remove(&name))),
            "exchange.delete" => drop(text(packet, "exchange").map(|name| self.exchanges.remove(&name))),
            _ => {}
        }
    }

    fn received(&mut self, actor: ActorId, spec: Option<Spec>, packet: &Packet) {
        if packet.name == "connack" {
            if let (Some(given), Some(spec)) = (text(packet, "assigned_client_identifier"), spec) {
                let lasts = self.lasting.get(&actor) == Some(&true);
                self.session(given, spec, lasts);
            }
        } else if packet.name == "queue.declare-ok" {
            // The name of a queue that the broker was to name stands only here.
            let channel = packet.integer("channel").unwrap_or(0);
            let asked = self.declared.get_mut(&(actor, channel)).and_then(VecDeque::pop_front);
            self.queues.extend(text(packet, "queue").filter(|_| asked == Some(true)));
        }
    }

    /// A plan for each thing that is left, which takes it away.
    pub(super) fn plans(&self) -> Vec<Plan> {
        let session = |(id, spec): (&String, &Spec)| {
            let steps =
                format!("- a: {{ connect: {{ client_id: {} }} }}\n- a: {{ disconnect: {{}} }}", quoted(id)?);
            plan(*spec, &steps)
        };
        let retained = |(topic, spec): (&String, &Spec)| {
            let clear =
                format!("publish: {{ topic: {}, payload: \"\", qos: 0, retain: true }}", quoted(topic)?);
            let steps = format!(
                "- a: {{ connect: {{}} }}\n- a: {{ {clear} }}\n- a: {{ ping: {{}} }}\n- a: {{ disconnect: {{}} }}"
            );
            plan(*spec, &steps)
        };
        let entity = |class: &str, name: &String| {
            let delete = format!("call: {class}.delete, {class}: {}", quoted(name)?);
            plan(
                Spec::Amqp091,
                &format!("- a: {{ connect: {{}} }}\n- a: {{ {delete} }}\n- a: {{ close: {{}} }}"),
            )
        };
        let sessions = self.sessions.iter().filter_map(session);
        let queues = self.queues.iter().filter_map(|name| entity("queue", name));
        let exchanges = self.exchanges.iter().filter_map(|name| entity("exchange", name));
        sessions.chain(self.retained.iter().filter_map(retained)).chain(queues).chain(exchanges).collect()
    }
}

/// A field's text, where it is some.
fn text(packet: &Packet, field: &str) -> Option<String> {
    packet.get(field).and_then(Value::as_text).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A name as a scenario writes it; none for what YAML cannot hold in one line.
fn quoted(name: &str) -> Option<String> {
    let plain = !name.chars().any(char::is_control);
    plain.then(|| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "$$")))
}

/// A plan of these steps of the actor `a`.
fn plan(spec: Spec, steps: &str) -> Option<Plan> {
    let text = format!(
        "title: What a run has left is taken away\nprotocols: [{spec}]\nstatements: []\nactors: [a]\nsteps:\n{steps}\n"
    );
    // A name that makes no scenario stays where it is: this is best effort.
    scenario::load("clean-up.yaml", &text).ok()?.pop()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mqspec_conformance::trace::{ConnectionNumber, Event, Fate};
    use mqspec_wire::{Decoder, Draft, Side, encode};

    use super::*;

    /// A packet as it would stand in a trace.
    fn packet(spec: Spec, side: Side, name: &str, fields: &[(&str, Value)]) -> Packet {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned().into(), value.clone())).collect();
        let draft = Draft { name: name.to_owned().into(), fields, malformed: Vec::new() };
        let mut decoder = Decoder::new(spec, side);
        for piece in encode(spec, side, &draft).expect("it can be written") {
            decoder.push(&piece);
        }
        decoder.next_packet().expect("it can be read")
    }

    fn trace(spec: Spec, packets: Vec<(Side, Packet)>) -> Trace {
        let (actor, connection, fate) = (ActorId(0), ConnectionNumber(1), Fate::Passed);
        let events = packets.into_iter().enumerate().map(|(sequence, (side, packet))| Event {
            sequence: sequence as u64,
            at: Duration::ZERO,
            what: match side {
                Side::Client => What::Sent { actor, connection, packet, fate },
                Side::Server => What::Received { actor, connection, packet, fate },
            },
        });
        Trace { actors: vec![(String::from("alice"), spec)], events: events.collect() }
    }

    fn names(plans: &[Plan]) -> String {
        let steps = plans.iter().flat_map(|plan| &plan.steps);
        steps.map(|step| step.origin.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn sessions_and_retained_messages_that_are_still_there_are_litter() {
        let spec = Spec::Mqtt311;
        let connect = |id: &str, clean| {
            let fields = [("client_id", Value::text(id)), ("clean_start", Value::Bool(clean))];
            (Side::Client, packet(spec, Side::Client, "connect", &fields))
        };
        let publish = |topic: &str, payload: &str| {
            let fields = [
                ("topic", Value::text(topic)),
                ("payload", Value::text(payload)),
                ("retain", Value::Bool(true)),
            ];
            (Side::Client, packet(spec, Side::Client, "publish", &fields))
        };
        let left = trace(
            spec,
            vec![
                connect("mq1alice", false),
                connect("mq1bob", false),
                connect("mq1bob", true),
                publish("mq1/a", "x"),
                publish("mq1/b", "x"),
                publish("mq1/b", ""),
                publish("elsewhere", "x"),
            ],
        );
        let plans = Litter::of(&left, "mq1").plans();
        assert_eq!(plans.len(), 2, "{}", names(&plans));
        assert!(names(&plans).contains("client_id: \"mq1alice\""), "{}", names(&plans));
        assert!(names(&plans).contains("topic: \"mq1/a\", payload: \"\""), "{}", names(&plans));
    }

    #[test]
    fn queues_and_exchanges_that_nobody_deleted_are_litter() {
        let spec = Spec::Amqp091;
        let call = |name: &str, fields: &[(&str, Value)]| {
            let fields: Vec<_> = [("channel", Value::Integer(1))].iter().chain(fields).cloned().collect();
            (Side::Client, packet(spec, Side::Client, name, &fields))
        };
        let declare = |queue: &str, exclusive| {
            call("queue.declare", &[("queue", Value::text(queue)), ("exclusive", Value::Bool(exclusive))])
        };
        let answer = |queue: &str| {
            let fields = [
                ("channel", Value::Integer(1)),
                ("queue", Value::text(queue)),
                ("message_count", Value::Integer(0)),
                ("consumer_count", Value::Integer(0)),
            ];
            (Side::Server, packet(spec, Side::Server, "queue.declare-ok", &fields))
        };
        let left = trace(
            spec,
            vec![
                declare("", false),
                answer("amq.gen-1"),
                declare("mq1-gone", false),
                answer("mq1-gone"),
                call("queue.delete", &[("queue", Value::text("mq1-gone"))]),
                declare("mq1-mine", true),
                answer("mq1-mine"),
                call(
                    "exchange.declare",
                    &[("exchange", Value::text("mq1-$x")), ("type", Value::text("fanout"))],
                ),
            ],
        );
        let plans = Litter::of(&left, "mq1").plans();
        assert_eq!(plans.len(), 2, "{}", names(&plans));
        assert!(names(&plans).contains("queue.delete, queue: \"amq.gen-1\""), "{}", names(&plans));
        assert!(names(&plans).contains("exchange.delete, exchange: \"mq1-$$x\""), "{}", names(&plans));
    }
}
