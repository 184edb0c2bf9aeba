//! `check: order`: messages of one client to one topic at one QoS arrive in the order in which it
//! published them (MQTT section 4.6).

use std::collections::{BTreeMap, BTreeSet};

use super::guarantee::Parameters;
use super::judge::{Findings, Rule};
use super::mqtt_history::{Message, read};
use crate::trace::Trace;
use crate::verdict::Finding;

const ORDER: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.6.0-6", "mqtt-3.1.1/MQTT-4.6.0-5"],
    mqtt_5_0: &["mqtt-5.0/MQTT-4.6.0-5", "mqtt-5.0/MQTT-4.6.0-6"],
};

/// Judges a trace by the messages that can be told apart: published once, with a payload of their own.
pub(super) fn judge(trace: &Trace, _parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, false);
    let mut findings = Findings::new("order");
    let mut published: BTreeMap<&Message, Option<usize>> = BTreeMap::new();
    for (index, message) in history.published.iter().enumerate() {
        // A message that was sent again, or twice, has no place of its own.
        let place = (message.sends == 1).then_some(index);
        published.entry(&message.message).and_modify(|place| *place = None).or_insert(place);
    }
    for session in &history.sessions {
        let mut last = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for delivery in session.deliveries.iter().filter(|delivery| !delivery.retain) {
            let (_, unordered) = session.overlaps(&delivery.message.0);
            let Some(index) = published.get(&delivery.message).copied().flatten() else { continue };
            let Some(message) = history.published.get(index) else { continue };
            // A copy for another subscription, or a redelivery: only the first counts.
            if unordered || history.otherwise.contains_key(&delivery.message) || !seen.insert(index) {
                continue;
            }
            let path = (message.by, &message.message.0, message.qos, delivery.qos);
            let before = last.insert(path, index).filter(|before| *before > index);
            if let Some(overtaker) = before.and_then(|before| history.published.get(before)) {
                findings.rule(
                    session.spec,
                    ORDER,
                    delivery.event,
                    format!("{} before {}", show(&message.message), show(&overtaker.message)),
                    "the other way round",
                );
            }
        }
    }
    findings.into_vec()
}

fn show((_, payload): &Message) -> String {
    mqspec_wire::Value::Bytes(payload.clone()).to_string()
}
