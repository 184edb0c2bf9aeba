//! `check: will`: a will is published if and only if its connection ends without DISCONNECT, and once (MQTT
//! section 3.1.2.5).

use std::collections::BTreeMap;

use bytes::Bytes;
use mqspec_wire::{Packet, Side, Spec};

use super::guarantee::Parameters;
use super::judge::{Findings, Rule};
use super::mqtt_history::{History, Message, Session, read};
use super::mqtt_packet;
use crate::plan::{ActorId, Ending};
use crate::trace::{ConnectionNumber, EndedBy, Fate, Trace, What};
use crate::verdict::Finding;

const UNPUBLISHED: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.1.2-8"], mqtt_5_0: &["mqtt-5.0/MQTT-3.1.2-8"] };
const AFTER_DISCONNECT: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.14.4-3", "mqtt-3.1.1/MQTT-3.1.2-10"],
    mqtt_5_0: &["mqtt-5.0/MQTT-3.14.4-3", "mqtt-5.0/MQTT-3.1.2-10"],
};
const TWICE: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.1.2-10"], mqtt_5_0: &["mqtt-5.0/MQTT-3.1.2-10"] };

/// A connection with a will.
#[derive(Debug)]
struct Will {
    spec: Spec,
    message: Message,
    qos: u8,
    /// It waits before it is published (5.0), and a reconnection may take it back.
    delayed: bool,
    accepted: bool,
    /// The client said DISCONNECT in good order, and it arrived.
    recalled: Option<u64>,
    /// The client said something in farewell that a broker may or may not have seen, or not understood.
    unclear: bool,
    ended: Option<u64>,
}

/// Judges the wills that can be told apart: a topic and payload that one CONNECT has and no PUBLISH. With
/// `drained`, the scenario says that every will has had its time to arrive.
pub(super) fn judge(trace: &Trace, parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, parameters.is_set("durable"));
    let mut findings = Findings::new("will");
    let mut wills = wills(trace);
    for will in &mut wills {
        // A broker that dies may not have read what it was sent last.
        let last = history.restarts.last();
        will.unclear |= will.recalled.is_some_and(|recalled| last.is_some_and(|restart| *restart > recalled));
    }
    let mut count: BTreeMap<&Message, u64> = BTreeMap::new();
    for will in &wills {
        *count.entry(&will.message).or_default() += 1;
    }
    for published in &history.published {
        *count.entry(&published.message).or_default() += 1;
    }
    if history.disturbed.is_some() {
        return findings.into_vec();
    }
    for will in wills.iter().filter(|will| will.accepted && count.get(&will.message) == Some(&1)) {
        for session in &history.sessions {
            judge_session(&history, will, session, parameters.is_set("drained"), &mut findings);
        }
    }
    findings.into_vec()
}

fn judge_session(history: &History, will: &Will, session: &Session, drained: bool, findings: &mut Findings) {
    // What `otherwise` counts beyond this CONNECT was published by somebody unknown.
    if history.otherwise.get(&will.message) != Some(&1) {
        return;
    }
    let got: Vec<_> = session
        .deliveries
        .iter()
        .filter(|delivery| delivery.message == will.message && !delivery.retain)
        .collect();
    let shown = mqspec_wire::Value::Bytes(will.message.1.clone());
    if let (Some(recalled), Some(delivery)) = (will.recalled, got.first())
        && !will.unclear
    {
        findings.rule(
            will.spec,
            AFTER_DISCONNECT,
            delivery.event,
            format!("no will {shown} after the DISCONNECT at event {recalled}"),
            "the will was published",
        );
    }
    let (overlaps, unclear) = session.overlaps(&will.message.0);
    let copies = u64::try_from(got.len()).unwrap_or(u64::MAX);
    // QoS 1 may deliver again; more copies than subscriptions at QoS 0 or 2 are more than one publication.
    if let Some(second) = got.get(usize::try_from(overlaps).unwrap_or(usize::MAX))
        && copies > overlaps
        && !unclear
        && got.iter().all(|delivery| delivery.qos != 1)
    {
        let expected = format!("the will {shown} once");
        findings.rule(will.spec, TWICE, second.event, expected, format!("{copies} times"));
    }
    let Some(ended) = will.ended else { return };
    let owed = drained
        && session.connected
        && !session.limited
        && will.recalled.is_none()
        && !will.unclear
        && !will.delayed
        && !got.iter().any(|delivery| delivery.arrived);
    if owed && subscribed_before(session, will, ended) {
        findings.rule(
            will.spec,
            UNPUBLISHED,
            ended,
            format!("the will {shown}, as the connection ended without DISCONNECT"),
            "it was not published",
        );
    }
}

fn subscribed_before(session: &Session, will: &Will, ended: u64) -> bool {
    session.subscriptions.matching(&will.message.0).iter().any(|hit| {
        let subscription = hit.value;
        let established =
            subscription.granted.is_some_and(|(since, qos)| since < ended && qos.min(will.qos) > 0);
        established
            && !hit.excluded
            && !subscription.shared
            && !subscription.no_local
            && subscription.ended.is_none()
    })
}

fn wills(trace: &Trace) -> Vec<Will> {
    let mut wills: Vec<Will> = Vec::new();
    let mut current: BTreeMap<(ActorId, ConnectionNumber), usize> = BTreeMap::new();
    for event in &trace.events {
        match &event.what {
            What::Sent { actor, connection, packet, fate } if fate.may_reach() => {
                let key = (*actor, *connection);
                let spec = trace.actor_spec(*actor).filter(|spec| spec.is_mqtt());
                if packet.name == "connect"
                    && let Some(spec) = spec
                    && let Some(will) = will_of(spec, packet)
                {
                    current.insert(key, wills.len());
                    wills.push(will);
                } else if let Some(will) = current.get(&key).and_then(|index| wills.get_mut(*index)) {
                    will.on_sent(event.sequence, packet, *fate);
                }
            }
            What::Received { actor, connection, packet, .. } if packet.name == "connack" => {
                let index = current.get(&(*actor, *connection));
                if let Some(will) = index.and_then(|index| wills.get_mut(*index)) {
                    will.accepted |= mqtt_packet::reason_code(packet) == 0;
                }
            }
            What::Ended { actor, connection, by, how, .. } => {
                let index = current.remove(&(*actor, *connection));
                if let Some(will) = index.and_then(|index| wills.get_mut(index)) {
                    will.ended = Some(event.sequence);
                    // What a dying network or a reset overtakes may never come to be read.
                    let overtaken =
                        *by == EndedBy::Fault || (*by, *how) == (EndedBy::Peer(Side::Client), Ending::Reset);
                    will.unclear |= overtaken && will.recalled.is_some();
                }
            }
            What::Sent { .. }
            | What::Received { .. }
            | What::Opened { .. }
            | What::OpenFailed { .. }
            | What::Step { .. }
            | What::Fault { .. }
            | What::Broker { .. }
            | What::Bound { .. } => {}
        }
    }
    wills
}

fn will_of(spec: Spec, connect: &Packet) -> Option<Will> {
    let topic: Bytes = connect.bytes("will_topic")?.clone();
    Some(Will {
        spec,
        message: (topic, mqtt_packet::bytes(connect, "will_payload")),
        qos: connect.integer("will_qos").and_then(|qos| u8::try_from(qos).ok()).unwrap_or(0),
        delayed: connect.integer("will_delay_interval").is_some_and(|delay| delay > 0)
            || connect.get("will_message_expiry_interval").is_some(),
        accepted: false,
        recalled: None,
        unclear: !connect.oddities.is_empty(),
        ended: None,
    })
}

impl Will {
    fn on_sent(&mut self, event: u64, packet: &Packet, fate: Fate) {
        if packet.name == "unknown" || !packet.oddities.is_empty() {
            self.unclear = true;
        } else if packet.name == "disconnect" {
            // Any other code than 0x00 keeps the will; whether a lost one counted nobody knows.
            let plain = mqtt_packet::reason_code(packet) == 0 && fate == Fate::Passed;
            if plain && self.recalled.is_none() && self.ended.is_none() {
                self.recalled = Some(event);
            } else {
                self.unclear = true;
            }
        }
    }
}
