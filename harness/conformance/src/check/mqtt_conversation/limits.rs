//! What a client's CONNECT forbids the broker (MQTT 5.0 section 3.1.2.11).

use std::collections::BTreeMap;

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::super::judge::Findings;
use super::super::mqtt_packet;

/// The limits of one connection, at their defaults until a CONNECT says otherwise.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    /// QoS 1 and 2 deliveries that may be unanswered at a time.
    pub(super) receive_maximum: Option<u64>,
    /// Bytes of a packet.
    maximum_packet_size: Option<u64>,
    /// The highest topic alias; 0 forbids any.
    topic_alias_maximum: i128,
    response_information: bool,
    no_problem_information: bool,
    authentication_method: bool,
}

impl Limits {
    /// Reads a CONNECT.
    pub(super) fn of(connect: &Packet) -> Self {
        let number = |name| connect.integer(name).and_then(|number| u64::try_from(number).ok());
        Self {
            receive_maximum: number("receive_maximum"),
            maximum_packet_size: number("maximum_packet_size"),
            topic_alias_maximum: connect.integer("topic_alias_maximum").unwrap_or(0),
            response_information: mqtt_packet::flag(connect, "request_response_information"),
            no_problem_information: connect.get("request_problem_information").is_some()
                && !mqtt_packet::flag(connect, "request_problem_information"),
            authentication_method: connect.get("authentication_method").is_some(),
        }
    }

    /// Judges a packet by itself. Nothing of this exists in 3.1.1.
    pub(super) fn judge(&self, spec: Spec, event: u64, packet: &Packet, findings: &mut Findings) {
        if spec != Spec::Mqtt50 {
            return;
        }
        let size = u64::try_from(packet.raw.len()).unwrap_or(u64::MAX);
        if let Some(limit) = self.maximum_packet_size
            && size > limit
        {
            findings.must(
                &["mqtt-5.0/MQTT-3.1.2-24"],
                event,
                format!("packets of at most {limit} bytes, as the client said in CONNECT"),
                format!("a {} of {size} bytes", packet.name),
            );
        }
        self.judge_information(event, packet, findings);
        if !self.authentication_method
            && (packet.name == "auth"
                || (packet.name == "connack" && packet.get("authentication_method").is_some()))
        {
            findings.must(
                &["mqtt-5.0/MQTT-4.12.0-6"],
                event,
                "neither AUTH nor an Authentication Method, as CONNECT named none",
                format!("{} of enhanced authentication", packet.name),
            );
        }
    }

    fn judge_information(&self, event: u64, packet: &Packet, findings: &mut Findings) {
        if packet.name == "connack"
            && !self.response_information
            && packet.get("response_information").is_some()
        {
            findings.must(
                &["mqtt-5.0/MQTT-3.1.2-28"],
                event,
                "no Response Information, as the client did not ask for it",
                "a CONNACK with response_information",
            );
        }
        let exempt = matches!(packet.name, "publish" | "connack" | "disconnect" | "unknown");
        if self.no_problem_information && !exempt {
            for name in ["reason_string", "user_property"] {
                if packet.get(name).is_some() {
                    findings.must(
                        &["mqtt-5.0/MQTT-3.1.2-29"],
                        event,
                        "no reason string or user property outside PUBLISH, CONNACK and DISCONNECT, \
                         as the client asked for no problem information",
                        format!("a {} with {name}", packet.name),
                    );
                }
            }
        }
    }

    /// Judges the topic alias of a PUBLISH and returns the topic that it stands for.
    pub(super) fn resolve(
        &self,
        event: u64,
        publish: &Packet,
        aliases: &mut BTreeMap<i128, Bytes>,
        findings: &mut Findings,
    ) -> Option<Bytes> {
        let topic = mqtt_packet::bytes(publish, "topic");
        let Some(alias) = publish.integer("topic_alias") else { return Some(topic) };
        if alias > self.topic_alias_maximum {
            let statements: &[&str] = if self.topic_alias_maximum == 0 {
                &["mqtt-5.0/MQTT-3.1.2-27"]
            } else {
                &["mqtt-5.0/MQTT-3.1.2-26", "mqtt-5.0/MQTT-3.3.2-11"]
            };
            let limit = self.topic_alias_maximum;
            findings.must(
                statements,
                event,
                format!("topic aliases up to the client's Topic Alias Maximum of {limit}"),
                format!("topic alias {alias}"),
            );
        }
        if !topic.is_empty() {
            aliases.insert(alias, topic.clone());
            return Some(topic);
        }
        let known = aliases.get(&alias).cloned();
        if known.is_none() {
            findings.must(
                &["mqtt-5.0/MQTT-3.3.2-7"],
                event,
                "an alias-only PUBLISH only after its alias was set on this connection",
                format!("topic alias {alias}, which no PUBLISH of this connection has set"),
            );
        }
        known
    }
}
