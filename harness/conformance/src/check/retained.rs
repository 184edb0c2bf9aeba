//! `check: retained`: a new subscription gets the last retained message of a topic, and only that (MQTT
//! section 3.3.1.3).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::guarantee::Parameters;
use super::judge::{Findings, Rule};
use super::mqtt_history::{History, Published, Session, read};
use crate::trace::Trace;
use crate::verdict::Finding;

const MISSING: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.3.1-6"], mqtt_5_0: &["mqtt-5.0/MQTT-3.3.1-9"] };
const STALE: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.3.1-5"], mqtt_5_0: &["mqtt-5.0/MQTT-3.3.1-5"] };
const CLEARED: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.3.1-10", "mqtt-3.1.1/MQTT-3.3.1-11"],
    mqtt_5_0: &["mqtt-5.0/MQTT-3.3.1-6", "mqtt-5.0/MQTT-3.3.1-7"],
};

/// Judges the sessions that subscribed to a topic once, after its retained message was settled. With
/// `drained`, the scenario says that every retained message has had its time to arrive.
pub(super) fn judge(trace: &Trace, parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, parameters.is_set("durable"));
    let mut findings = Findings::new("retained");
    if history.disturbed.is_some() {
        return findings.into_vec();
    }
    let store = settled(&history);
    for session in &history.sessions {
        for (topic, last) in &store {
            judge_topic(session, topic, last, parameters.is_set("drained"), &mut findings);
        }
    }
    findings.into_vec()
}

/// The last retained message of each topic that only one client wrote to, each time with an answer before
/// the next: whatever else was written, the order of the writes is certain.
fn settled(history: &History) -> BTreeMap<&Bytes, &Published> {
    let wills: BTreeSet<_> = history.otherwise.keys().map(|(topic, _)| topic).collect();
    let mut last: BTreeMap<&Bytes, Option<&Published>> = BTreeMap::new();
    for published in history.published.iter().filter(|published| published.retain) {
        let topic = &published.message.0;
        let certain = published.accepted.is_some() && !published.expires && !wills.contains(topic);
        last.entry(topic)
            .and_modify(|before| {
                let follows = before
                    .and_then(|before| before.accepted)
                    .is_some_and(|accepted| accepted < published.event);
                *before = (certain && follows).then_some(published);
            })
            .or_insert(certain.then_some(published));
    }
    last.into_iter().filter_map(|(topic, published)| Some((topic, published?))).collect()
}

fn judge_topic(session: &Session, topic: &Bytes, last: &Published, drained: bool, findings: &mut Findings) {
    let hits = session.subscriptions.matching(topic);
    let Some(accepted) = last.accepted else { return };
    // One subscription, asked for after the message was settled, and never touched again.
    let [hit] = hits.as_slice() else { return };
    let subscription = hit.value;
    let plain = !hit.excluded
        && !subscription.shared
        && !subscription.retain_as_published
        && subscription.retain_handling == 0
        && subscription.ended.is_none()
        && subscription.requests == 1
        && !session.special_filter;
    if !plain || subscription.asked < accepted {
        return;
    }
    let replayed: Vec<_> = session
        .deliveries
        .iter()
        .filter(|delivery| {
            delivery.retain && delivery.message.0 == topic && delivery.event > subscription.asked
        })
        .collect();
    let cleared = last.message.1.is_empty();
    for delivery in replayed.iter().filter(|delivery| cleared || delivery.message.1 != last.message.1) {
        let (rule, expected) = if cleared {
            (CLEARED, String::from("no retained message, as an empty one removed it"))
        } else {
            (STALE, format!("the last retained message {}", show(&last.message.1)))
        };
        findings.rule(session.spec, rule, delivery.event, expected, show(&delivery.message.1));
    }
    let arrived = replayed.iter().any(|delivery| delivery.arrived);
    // At QoS 0 it may be lost with the connection.
    let owed = subscription.granted.is_some_and(|(_, qos)| qos.min(last.qos) > 0);
    if drained && !cleared && !arrived && session.connected && !session.limited && owed {
        findings.rule(
            session.spec,
            MISSING,
            subscription.asked,
            format!("the retained message {} for the new subscription", show(&last.message.1)),
            "it did not come",
        );
    }
}

fn show(payload: &Bytes) -> String {
    mqspec_wire::Value::Bytes(payload.clone()).to_string()
}
