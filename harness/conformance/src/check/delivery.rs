//! `check: delivery`: every message that the broker took over reaches each session that had subscribed
//! before, as often as its QoS allows, and nothing comes that nobody published (MQTT).

use std::collections::BTreeMap;

use super::guarantee::Parameters;
use super::judge::{Findings, Rule};
use super::mqtt_history::{History, Message, Published, Session, read};
use crate::trace::Trace;
use crate::verdict::Finding;

const MISSING: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.5.0-1"], mqtt_5_0: &["mqtt-5.0/MQTT-4.5.0-1"] };
const INVENTED: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.5.0-1"], mqtt_5_0: &["mqtt-5.0/MQTT-4.5.0-1"] };
const MORE_THAN_ONCE_QOS_0: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.3.1-1"], mqtt_5_0: &["mqtt-5.0/MQTT-4.3.1-1"] };
const MORE_THAN_ONCE_QOS_2: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.3.3-2"], mqtt_5_0: &["mqtt-5.0/MQTT-4.3.3-10"] };

const UNSUBSCRIBED: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.10.4-2"], mqtt_5_0: &["mqtt-5.0/MQTT-3.10.4-2"] };

/// Judges a trace. With `drained`, the scenario says that everything has had its time to arrive, and what
/// is missing is lost; a session must be connected at the end to be asked.
pub(super) fn judge(trace: &Trace, parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, parameters.is_set("durable"));
    let mut findings = Findings::new("delivery");
    for session in &history.sessions {
        judge_surplus(&history, session, &mut findings);
        judge_unsubscribed(&history, session, &mut findings);
        if parameters.is_set("drained") && session.connected {
            judge_missing(&history, session, &mut findings);
        }
    }
    findings.into_vec()
}

/// Messages that this session must get, counted, each with its last PUBLISH.
fn owed<'a>(history: &'a History, session: &Session) -> BTreeMap<&'a Message, (u64, u64)> {
    let mut owed: BTreeMap<&Message, (u64, u64)> = BTreeMap::new();
    for published in &history.published {
        if is_owed(history, published, session) {
            let entry = owed.entry(&published.message).or_default();
            *entry = (entry.0 + 1, published.event);
        }
    }
    owed
}

fn is_owed(history: &History, published: &Published, session: &Session) -> bool {
    let indeterminate = published.accepted.is_none() || published.expires || session.limited;
    if indeterminate || history.disturbed.is_some_and(|event| event > published.event) {
        return false;
    }
    let by_itself = history
        .sessions
        .get(published.by)
        .is_some_and(|publisher| publisher.client_id.is_some() && publisher.client_id == session.client_id);
    session.subscriptions.matching(&published.message.0).iter().any(|hit| {
        let subscription = hit.value;
        let established = subscription
            .granted
            .is_some_and(|(since, qos)| since < published.event && qos.min(published.qos) > 0);
        established
            && !hit.excluded
            && subscription.ended.is_none()
            && !subscription.shared
            && !(subscription.no_local && by_itself)
    })
}

fn judge_missing(history: &History, session: &Session, findings: &mut Findings) {
    let mut arrived: BTreeMap<&Message, u64> = BTreeMap::new();
    for delivery in session.deliveries.iter().filter(|delivery| delivery.arrived) {
        *arrived.entry(&delivery.message).or_default() += 1;
    }
    for (message, (count, event)) in owed(history, session) {
        let got = arrived.get(message).copied().unwrap_or(0);
        if got < count {
            findings.rule(
                session.spec,
                MISSING,
                event,
                format!("{} {count} times or more, as published and accepted", show(message)),
                format!("{got} times"),
            );
        }
    }
}

/// Nothing that was published after all subscriptions for it had certainly ended comes any more.
fn judge_unsubscribed(history: &History, session: &Session, findings: &mut Findings) {
    if session.special_filter || history.disturbed.is_some() || history.garbled {
        return;
    }
    for delivery in session.deliveries.iter().filter(|delivery| !delivery.retain) {
        let hits = session.subscriptions.matching(&delivery.message.0);
        // A shared subscription and one that is not may have the same filter inside, and end each by itself.
        if hits.iter().any(|hit| hit.value.shared) {
            continue;
        }
        let gone = hits.iter().map(|hit| hit.value.gone).collect::<Option<Vec<_>>>();
        let Some(gone) = gone.and_then(|gone| gone.into_iter().max()) else { continue };
        let mut published =
            history.published.iter().filter(|published| published.message == delivery.message);
        let (Some(first), None) = (published.next(), published.next()) else { continue };
        if first.event > gone && !history.otherwise.contains_key(&delivery.message) {
            findings.rule(
                session.spec,
                UNSUBSCRIBED,
                delivery.event,
                format!("no {} after the UNSUBACK at event {gone}", show(&delivery.message)),
                "it was delivered",
            );
        }
    }
}

fn judge_surplus(history: &History, session: &Session, findings: &mut Findings) {
    let (sends, topics) = (history.sends(), history.topics());
    let mut exchanges: BTreeMap<&Message, u64> =
        history.otherwise.iter().map(|(message, n)| (message, *n)).collect();
    for published in &history.published {
        // What was published at QoS 0 or 1 may have come twice to the broker without its fault.
        let times = if published.qos == 2 { 1 } else { published.sends };
        *exchanges.entry(&published.message).or_default() += times;
    }
    let mut seen: BTreeMap<(&Message, u8), u64> = BTreeMap::new();
    for delivery in session.deliveries.iter().filter(|delivery| !delivery.retain) {
        let message = &delivery.message;
        let Some(sent) = sends.get(message) else {
            if topics.contains(&message.0) && !history.garbled {
                findings.rule(
                    session.spec,
                    INVENTED,
                    delivery.event,
                    "only payloads that somebody published to the topic",
                    show(message),
                );
            }
            continue;
        };
        let (overlaps, unclear) = session.overlaps(&message.0);
        let count = seen.entry((message, delivery.qos)).or_default();
        *count += 1;
        let (allowed, rule) = match delivery.qos {
            0 => (*sent, MORE_THAN_ONCE_QOS_0),
            // A restart may cost a broker what it knew of unfinished exchanges.
            2 if history.disturbed.is_none() => {
                (exchanges.get(message).copied().unwrap_or(*sent), MORE_THAN_ONCE_QOS_2)
            }
            _ => continue,
        };
        let allowed = allowed.saturating_mul(overlaps);
        // One finding a message: the first that is too many.
        if *count == allowed.saturating_add(1) && !unclear {
            findings.rule(
                session.spec,
                rule,
                delivery.event,
                format!("{} at most {allowed} times at QoS {}", show(message), delivery.qos),
                format!("{count} times"),
            );
        }
    }
}

fn show((topic, payload): &Message) -> String {
    format!(
        "{} on topic {}",
        mqspec_wire::Value::Bytes(payload.clone()),
        mqspec_wire::Value::Bytes(topic.clone())
    )
}
