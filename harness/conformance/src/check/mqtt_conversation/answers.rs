//! Acknowledgements answer a packet that the client really sent, as often as it was sent.

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::super::judge::{Findings, Rule};
use super::super::mqtt_packet::{self, packet_id};
use super::session::Session;

const PUBLISH_ANSWER: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-2.3.1-6", "mqtt-3.1.1/MQTT-4.3.2-2"],
    mqtt_5_0: &["mqtt-5.0/MQTT-2.2.1-5", "mqtt-5.0/MQTT-4.3.2-4"],
};
const PUBREC: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-2.3.1-6", "mqtt-3.1.1/MQTT-4.3.3-2"],
    mqtt_5_0: &["mqtt-5.0/MQTT-2.2.1-5", "mqtt-5.0/MQTT-4.3.3-8"],
};
const PUBCOMP: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.3.3-2"],
    mqtt_5_0: &["mqtt-5.0/MQTT-2.2.1-5", "mqtt-5.0/MQTT-4.3.3-11"],
};
const SUBACK: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-2.3.1-7", "mqtt-3.1.1/MQTT-3.8.4-2"],
    mqtt_5_0: &["mqtt-5.0/MQTT-2.2.1-6", "mqtt-5.0/MQTT-3.8.4-2"],
};
const UNSUBACK: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-2.3.1-7", "mqtt-3.1.1/MQTT-3.10.4-4"],
    mqtt_5_0: &["mqtt-5.0/MQTT-2.2.1-6", "mqtt-5.0/MQTT-3.10.4-5"],
};
const PINGRESP: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.12.4-1"], mqtt_5_0: &["mqtt-5.0/MQTT-3.12.4-1"] };
const SUBACK_COUNT: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.8.4-5"], mqtt_5_0: &["mqtt-5.0/MQTT-3.8.4-6"] };
const UNSUBACK_COUNT: Rule = Rule { mqtt_3_1_1: &[], mqtt_5_0: &["mqtt-5.0/MQTT-3.11.3-1"] };
const GRANTED: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.8.4-5"], mqtt_5_0: &["mqtt-5.0/MQTT-3.8.4-7"] };

/// Packets of the client that await an answer on this connection.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// How many answers of a kind may still come for a packet identifier.
    open: BTreeMap<(&'static str, i128), u64>,
    /// SUBSCRIBE packets without an answer, by packet identifier: their event and filters.
    subscribes: BTreeMap<i128, Waiting<Request>>,
    /// UNSUBSCRIBE packets without an answer: how many filters each had.
    unsubscribes: BTreeMap<i128, Waiting<usize>>,
    resumed: bool,
}

/// A SUBSCRIBE: its event, and its filters with the QoS asked for.
type Request = (u64, Vec<(Bytes, u8)>);

/// Requests under one packet identifier.
#[derive(Debug)]
struct Waiting<T> {
    requests: VecDeque<T>,
    /// There were several at a time: nobody can tell which answer is whose, until all are answered.
    confused: bool,
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self { requests: VecDeque::new(), confused: false }
    }
}

impl<T> Waiting<T> {
    fn push(&mut self, request: T) {
        self.confused |= !self.requests.is_empty();
        self.requests.push_back(request);
    }

    /// The request that an answer is for, where that can be told.
    fn pop(&mut self) -> Option<T> {
        let request = self.requests.pop_front();
        let clear = !self.confused;
        self.confused &= !self.requests.is_empty();
        request.filter(|_| clear)
    }
}

impl Answers {
    /// Opens what a client's packet allows.
    pub(super) fn on_sent(&mut self, event: u64, packet: &Packet, session: Option<&mut Session>) {
        let id = packet_id(packet);
        match packet.name {
            "publish" => match mqtt_packet::qos(packet) {
                1 => self.allow("puback", id),
                2 => self.allow("pubrec", id),
                _ => {}
            },
            "pubrel" => self.allow("pubcomp", id),
            "pingreq" => self.allow("pingresp", 0),
            "subscribe" => {
                self.allow("suback", id);
                let filters: Vec<_> = mqtt_packet::subscriptions(packet)
                    .into_iter()
                    .map(|subscription| (subscription.filter, subscription.qos))
                    .collect();
                if let Some(session) = session {
                    for (filter, qos) in &filters {
                        session.ask(event, filter, *qos);
                    }
                    session.identifiers.extend(packet.integer("subscription_identifier"));
                }
                self.subscribes.entry(id).or_default().push((event, filters));
            }
            "unsubscribe" => {
                self.allow("unsuback", id);
                let filters = mqtt_packet::unsubscribed(packet).len();
                self.unsubscribes.entry(id).or_default().push(filters);
            }
            _ => {}
        }
    }

    fn allow(&mut self, answer: &'static str, id: i128) {
        *self.open.entry((answer, id)).or_default() += 1;
    }

    /// The session is older than the connection: answers may concern what was sent on an earlier one.
    pub(super) fn resume(&mut self) {
        self.resumed = true;
    }

    /// Judges an answer from the broker.
    pub(super) fn on_received(
        &mut self,
        spec: Spec,
        event: u64,
        packet: &Packet,
        session: Option<&mut Session>,
        findings: &mut Findings,
    ) {
        let id = packet_id(packet);
        let (answer, rule, question) = match packet.name {
            "puback" => ("puback", PUBLISH_ANSWER, "a QoS 1 PUBLISH"),
            "pubrec" => ("pubrec", PUBREC, "a QoS 2 PUBLISH"),
            "pubcomp" => ("pubcomp", PUBCOMP, "a PUBREL"),
            "suback" => ("suback", SUBACK, "a SUBSCRIBE"),
            "unsuback" => ("unsuback", UNSUBACK, "an UNSUBSCRIBE"),
            "pingresp" => ("pingresp", PINGRESP, "a PINGREQ"),
            _ => return,
        };
        if !self.take(spec, answer, id) {
            let with = if answer == "pingresp" { String::new() } else { format!(" with packet_id {id}") };
            findings.rule(
                spec,
                rule,
                event,
                format!("a {answer} only as the answer to {question}{with} that was sent"),
                format!("a {answer}{with} that no unanswered packet asked for"),
            );
            return;
        }
        match answer {
            "suback" => self.on_suback(spec, event, packet, session, findings),
            "unsuback" => self.on_unsuback(spec, event, packet, findings),
            _ => {}
        }
    }

    fn take(&mut self, spec: Spec, answer: &'static str, id: i128) -> bool {
        // MQTT 3.1.1 does not forbid a broker to repeat its side of a QoS 2 exchange while connected.
        let repeatable = spec == Spec::Mqtt311 && matches!(answer, "pubrec" | "pubcomp");
        match self.open.entry((answer, id)) {
            Entry::Occupied(mut count) => {
                if !repeatable {
                    *count.get_mut() -= 1;
                    if *count.get() == 0 {
                        count.remove();
                    }
                }
                true
            }
            Entry::Vacant(_) => self.resumed && matches!(answer, "puback" | "pubrec" | "pubcomp"),
        }
    }

    fn on_suback(
        &mut self,
        spec: Spec,
        event: u64,
        packet: &Packet,
        session: Option<&mut Session>,
        findings: &mut Findings,
    ) {
        let Some(waiting) = self.subscribes.get_mut(&packet_id(packet)) else { return };
        let Some((asked_at, filters)) = waiting.pop() else { return };
        let codes = mqtt_packet::reason_codes(packet);
        if codes.len() != filters.len() {
            findings.rule(
                spec,
                SUBACK_COUNT,
                event,
                format!("{} reason codes, one for each filter", filters.len()),
                format!("{} reason codes", codes.len()),
            );
            return;
        }
        for ((_, asked), code) in filters.iter().zip(&codes) {
            if *code > i128::from(*asked) && *code < 0x80 {
                findings.rule(
                    spec,
                    GRANTED,
                    event,
                    format!("at most the requested QoS {asked} granted, or a failure"),
                    format!("QoS {code} granted"),
                );
            }
        }
        if let Some(session) = session {
            for ((filter, _), code) in filters.iter().zip(&codes) {
                session.grant(asked_at, filter, *code);
            }
        }
    }

    fn on_unsuback(&mut self, spec: Spec, event: u64, packet: &Packet, findings: &mut Findings) {
        let Some(waiting) = self.unsubscribes.get_mut(&packet_id(packet)) else { return };
        let Some(filters) = waiting.pop() else { return };
        let codes = mqtt_packet::reason_codes(packet).len();
        if codes != filters {
            findings.rule(
                spec,
                UNSUBACK_COUNT,
                event,
                format!("{filters} reason codes, one for each filter"),
                format!("{codes} reason codes"),
            );
        }
    }
}
