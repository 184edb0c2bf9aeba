//! The PUBLISH and PUBREL packets that a broker sends.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::super::judge::{Findings, Rule};
use super::super::mqtt_packet::{self, packet_id, qos};
use super::limits::Limits;
use super::session::{Fit, Session};

const ID_IN_USE: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-2.3.1-4"], mqtt_5_0: &["mqtt-5.0/MQTT-2.2.1-4"] };
const RESENT_WHILE_CONNECTED: Rule = Rule { mqtt_3_1_1: &[], mqtt_5_0: &["mqtt-5.0/MQTT-4.4.0-1"] };
const FIRST_WITH_DUP: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.3.1-3"], mqtt_5_0: &["mqtt-5.0/MQTT-3.3.1-3"] };
const RESENT_WITHOUT_DUP: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.3.1-1"], mqtt_5_0: &["mqtt-5.0/MQTT-3.3.1-1"] };
const RESENT_AFTER_PUBREL: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.3.3-1"], mqtt_5_0: &["mqtt-5.0/MQTT-4.3.3-6"] };
const RECEIVE_MAXIMUM: Rule =
    Rule { mqtt_3_1_1: &[], mqtt_5_0: &["mqtt-5.0/MQTT-3.3.4-9", "mqtt-5.0/MQTT-4.9.0-2"] };
const NOT_SUBSCRIBED: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.3.2-3"], mqtt_5_0: &["mqtt-5.0/MQTT-3.3.2-3"] };
const DOLLAR_TOPIC: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.7.2-1"], mqtt_5_0: &["mqtt-5.0/MQTT-4.7.2-1"] };
const QOS_TOO_HIGH: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.8.4-6"], mqtt_5_0: &["mqtt-5.0/MQTT-3.8.4-8"] };
const IDENTIFIER: Rule = Rule { mqtt_3_1_1: &[], mqtt_5_0: &["mqtt-5.0/MQTT-3.3.4-3"] };
const PUBREL: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-2.3.1-6"], mqtt_5_0: &["mqtt-5.0/MQTT-2.2.1-5"] };
// The ordering rules name the client; only 3.1.1 extends them to the server's own deliveries.
const PUBREL_ORDER: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.6.0-6"], mqtt_5_0: &[] };

/// The broker's deliveries on one connection.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// Unanswered QoS 1 and 2 PUBLISH packets of this connection, by packet identifier: their QoS.
    inflight: BTreeMap<i128, u8>,
    /// Those of them that count against the client's Receive Maximum: an answer cannot have crossed them.
    unanswered: BTreeSet<i128>,
    /// Packet identifiers that the client has settled before it heard of them: the answer may have crossed the PUBLISH.
    early: BTreeSet<i128>,
    /// Packet identifiers that this connection has seen.
    seen: BTreeSet<i128>,
    aliases: BTreeMap<i128, Bytes>,
    /// How many PUBREL packets the client's PUBREC packets allow.
    releases: BTreeMap<i128, u64>,
    /// Packet identifiers of sound PUBREC packets in the order in which the client sent them.
    received: VecDeque<i128>,
    /// Those of them whose PUBREL has not come.
    unreleased: BTreeSet<i128>,
    /// The session was new with this connection, so nothing can have been sent before.
    pub(super) fresh: bool,
}

impl Deliveries {
    /// Takes over what a resumed session may still release.
    pub(super) fn resume(&mut self, session: &Session) {
        // Where the client's PUBCOMP was lost with its connection, the broker is right to send PUBREL again.
        for id in session.received.union(&session.completed) {
            *self.releases.entry(*id).or_default() += 1;
        }
    }

    /// The client answers.
    pub(super) fn on_sent(&mut self, packet: &Packet, session: Option<&mut Session>) {
        let id = packet_id(packet);
        let ends_it = match packet.name {
            "puback" | "pubcomp" => true,
            "pubrec" => {
                *self.releases.entry(id).or_default() += 1;
                if self.inflight.get(&id) == Some(&2) && self.unreleased.insert(id) {
                    self.received.push_back(id);
                }
                // A PUBREC of failure settles the delivery, as does any answer to QoS 1.
                mqtt_packet::failed(packet) || self.inflight.get(&id) == Some(&1)
            }
            _ => return,
        };
        if ends_it {
            self.unanswered.remove(&id);
            if self.inflight.remove(&id).is_none() {
                self.early.insert(id);
            }
        }
        if let Some(session) = session {
            let open = session.unacknowledged.remove(&id).is_some();
            if packet.name == "pubrec" {
                session.received.insert(id);
                // A broker may answer one that belongs to nothing, and goes on as if nothing had been.
                if open {
                    session.handshakes.insert(id);
                }
            }
            if packet.name == "pubcomp" {
                session.completed.insert(id);
            }
            if ends_it {
                session.released.remove(&id);
                session.received.remove(&id);
                session.handshakes.remove(&id);
            }
        }
    }

    /// Judges a PUBREL.
    pub(super) fn on_pubrel(
        &mut self,
        spec: Spec,
        event: u64,
        packet: &Packet,
        session: Option<&mut Session>,
        findings: &mut Findings,
    ) {
        let id = packet_id(packet);
        let Some(session) = session else { return };
        session.released.insert(id);
        match self.releases.get_mut(&id) {
            Some(count) if *count > 0 => {
                // 3.1.1 does not forbid to repeat a PUBREL while connected.
                if spec == Spec::Mqtt50 {
                    *count -= 1;
                }
            }
            _ => findings.rule(
                spec,
                PUBREL,
                event,
                "a PUBREL only for a PUBREC that was sent",
                format!("a PUBREL with packet_id {id}, which no unanswered PUBREC had"),
            ),
        }
        self.judge_release_order(spec, event, id, findings);
    }

    fn judge_release_order(&mut self, spec: Spec, event: u64, id: i128, findings: &mut Findings) {
        if !self.unreleased.remove(&id) {
            return;
        }
        if self.received.pop_front() != Some(id) {
            findings.rule(
                spec,
                PUBREL_ORDER,
                event,
                "PUBREL packets in the order of the PUBREC packets",
                format!("the PUBREL with packet_id {id} before an earlier one's"),
            );
            // One exchange out of turn is one finding, not one for all that follow.
            self.received.clear();
            self.unreleased.clear();
        }
    }

    /// Judges a PUBLISH.
    pub(super) fn on_publish(
        &mut self,
        spec: Spec,
        event: u64,
        packet: &Packet,
        limits: &Limits,
        session: Option<&mut Session>,
        findings: &mut Findings,
    ) {
        let topic = limits.resolve(event, packet, &mut self.aliases, findings);
        let Some(session) = session else {
            self.note_inflight(spec, event, packet, limits, None, findings);
            return;
        };
        if let Some(topic) = &topic {
            judge_topic(spec, event, packet, topic, session, findings);
        }
        for field in packet.fields.iter().filter(|field| field.name == "subscription_identifier") {
            if let Some(identifier) = field.value.as_integer()
                && !session.identifiers.contains(&identifier)
            {
                findings.rule(
                    spec,
                    IDENTIFIER,
                    event,
                    "subscription identifiers of the matching subscriptions only",
                    format!("subscription identifier {identifier}, which no SUBSCRIBE of the session gave"),
                );
            }
        }
        if qos(packet) > 0 {
            let content = (topic.unwrap_or_default(), mqtt_packet::bytes(packet, "payload"));
            self.note_inflight(spec, event, packet, limits, Some((session, content)), findings);
        }
    }

    fn note_inflight(
        &mut self,
        spec: Spec,
        event: u64,
        packet: &Packet,
        limits: &Limits,
        known: Option<(&mut Session, (Bytes, Bytes))>,
        findings: &mut Findings,
    ) {
        let (id, dup) = (packet_id(packet), mqtt_packet::flag(packet, "dup"));
        if qos(packet) == 0 {
            return;
        }
        if self.inflight.contains_key(&id) {
            let (rule, expected) = if dup {
                (RESENT_WHILE_CONNECTED, "a PUBLISH sent again only on a new connection")
            } else {
                (ID_IN_USE, "a packet identifier that is not in use")
            };
            findings.rule(
                spec,
                rule,
                event,
                expected,
                format!("packet_id {id}, still unanswered, dup={dup}"),
            );
        } else if let Some((session, content)) = known {
            self.judge_dup(spec, event, id, dup, session, &content, findings);
            session.unacknowledged.insert(id, content);
            session.completed.remove(&id);
        }
        self.seen.insert(id);
        self.inflight.insert(id, qos(packet));
        if !self.early.contains(&id) {
            self.unanswered.insert(id);
        }
        let unanswered = self.unanswered.len();
        if let Some(limit) = limits.receive_maximum
            && u64::try_from(unanswered).is_ok_and(|count| count > limit)
        {
            findings.rule(
                spec,
                RECEIVE_MAXIMUM,
                event,
                format!("at most {limit} unanswered QoS 1 and 2 deliveries (Receive Maximum)"),
                format!("{unanswered} unanswered deliveries"),
            );
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one delivery's facts, each used once")]
    fn judge_dup(
        &self,
        spec: Spec,
        event: u64,
        id: i128,
        dup: bool,
        session: &Session,
        content: &(Bytes, Bytes),
        findings: &mut Findings,
    ) {
        if session.released.contains(&id) && session.handshakes.contains(&id) {
            findings.rule(
                spec,
                RESENT_AFTER_PUBREL,
                event,
                "no PUBLISH under a packet identifier between its PUBREL and PUBCOMP",
                format!("a PUBLISH with packet_id {id} after its PUBREL"),
            );
        } else if dup && self.fresh && !self.seen.contains(&id) {
            findings.rule(
                spec,
                FIRST_WITH_DUP,
                event,
                "DUP 0 on the first delivery of a message",
                format!("dup=true on packet_id {id}, never sent before in this new session"),
            );
        } else if !dup && session.unacknowledged.get(&id) == Some(content) {
            findings.rule(
                spec,
                RESENT_WITHOUT_DUP,
                event,
                "DUP 1 on a PUBLISH that is sent again",
                format!("dup=false on packet_id {id}, sent before and never answered"),
            );
        }
    }
}

fn judge_topic(
    spec: Spec,
    event: u64,
    packet: &Packet,
    topic: &Bytes,
    session: &Session,
    findings: &mut Findings,
) {
    let shown = mqspec_wire::Value::Bytes(topic.clone());
    match session.fit(topic) {
        Fit::Matches(highest) if qos(packet) > highest => findings.rule(
            spec,
            QOS_TOO_HIGH,
            event,
            format!("at most QoS {highest}, the highest of the matching subscriptions"),
            format!("a PUBLISH to {shown} at QoS {}", qos(packet)),
        ),
        Fit::Unknown | Fit::Matches(_) => {}
        Fit::Excluded => findings.rule(
            spec,
            DOLLAR_TOPIC,
            event,
            "no $ topic for a filter that begins with a wildcard",
            format!("a PUBLISH to {shown}"),
        ),
        Fit::Nothing => findings.rule(
            spec,
            NOT_SUBSCRIBED,
            event,
            "only topics that match a subscription of the session",
            format!("a PUBLISH to {shown}"),
        ),
    }
}
