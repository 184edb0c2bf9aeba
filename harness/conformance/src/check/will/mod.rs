//! `check: will`: a will is published if and only if its connection ends without DISCONNECT, and once (MQTT
//! section 3.1.2.5).

mod reader;

use std::collections::BTreeMap;
use std::time::Duration;

use self::reader::{Will, wills};
use super::guarantee::Parameters;
use super::judge::{Findings, Rule};
use super::mqtt_history::{Delivery, History, Message, Session, read};
use crate::trace::{Event, Trace, What};
use crate::verdict::Finding;

const UNPUBLISHED: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.1.2-8"], mqtt_5_0: &["mqtt-5.0/MQTT-3.1.2-8"] };
const AFTER_DISCONNECT: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.14.4-3", "mqtt-3.1.1/MQTT-3.1.2-10"],
    mqtt_5_0: &["mqtt-5.0/MQTT-3.14.4-3", "mqtt-5.0/MQTT-3.1.2-10"],
};
const TWICE: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.1.2-10"], mqtt_5_0: &["mqtt-5.0/MQTT-3.1.2-10"] };
const CANCELLED: Rule = Rule { mqtt_3_1_1: &[], mqtt_5_0: &["mqtt-5.0/MQTT-3.1.3-9"] };
const KEEP_ALIVE: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.1.2-24"], mqtt_5_0: &["mqtt-5.0/MQTT-3.1.2-22"] };

/// How much later than by the trace's clock something may be due.
const MARGIN: Duration = Duration::from_secs(1);

/// How long a broker may take to notice the end of a connection that it is told of.
const NOTICE: Duration = Duration::from_secs(5);

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
            judge_time(trace, &history, will, session, &mut findings);
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
    if let (Some(cancelled), Some(delivery)) = (will.cancelled, got.first()) {
        let expected = format!("no will {shown}, as its session went on in time at event {cancelled}");
        findings.rule(will.spec, CANCELLED, delivery.event, expected, "the will was published");
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
        && will.delay.is_zero()
        && !will.expires
        && !got.iter().any(|delivery| delivery.arrived);
    if owed && subscribed_before(session, will, will.over.unwrap_or(ended)) {
        findings.rule(
            will.spec,
            UNPUBLISHED,
            ended,
            format!("the will {shown}, as the connection ended without DISCONNECT"),
            "it was not published",
        );
    }
}

/// A connection that has ended, or whose client has fallen silent, is given up in time: its will shows when. Judged where
/// an actor without faults, and connected all the while, got the will.
fn judge_time(trace: &Trace, history: &History, will: &Will, session: &Session, findings: &mut Findings) {
    let got = |delivery: &&Delivery| delivery.message == will.message && !delivery.retain && delivery.arrived;
    let Some(delivery) = session.deliveries.iter().find(got) else { return };
    let event = usize::try_from(delivery.event).ok().and_then(|event| trace.events.get(event));
    let Some(event) = event.filter(|_| will.delay.is_zero() && history.disturbed.is_none()) else { return };
    let silence = will.patience.zip(will.heard).map(|(patience, heard)| (heard, patience + MARGIN));
    let end = will.closed.map(|closed| (closed, NOTICE));
    for ((since, allowed), rule, what) in
        [silence.map(|time| (time, KEEP_ALIVE, "silence")), end.map(|time| (time, UNPUBLISHED, "its end"))]
            .into_iter()
            .flatten()
    {
        let late = event.at.saturating_sub(since);
        if late > allowed && is_undisturbed(trace, since, event) {
            let shown = mqspec_wire::Value::Bytes(will.message.1.clone());
            findings.rule(
                will.spec,
                rule,
                delivery.event,
                format!("the will {shown} within {} s after {what}", allowed.as_secs_f64()),
                format!("it came after {} s", late.as_secs_f64()),
            );
        }
    }
}

/// Whether neither the broker nor whoever received this had any trouble since then.
fn is_undisturbed(trace: &Trace, since: Duration, received: &Event) -> bool {
    let What::Received { actor, .. } = received.what else { return false };
    trace.events.iter().all(|event| {
        let meanwhile = event.at >= since && event.at <= received.at;
        match event.what {
            What::Fault { actor: Some(struck), .. } => struck != actor,
            What::Broker { .. } => !meanwhile,
            What::Opened { actor: other, .. } | What::Ended { actor: other, .. } => {
                !meanwhile || other != actor
            }
            What::Step { .. }
            | What::OpenFailed { .. }
            | What::Sent { .. }
            | What::Received { .. }
            | What::Fault { .. }
            | What::Bound { .. } => true,
        }
    })
}

fn subscribed_before(session: &Session, will: &Will, ended: u64) -> bool {
    let hits = session.subscriptions.matching(&will.message.0);
    // A retained will comes there with RETAIN, as a copy from the store does.
    if hits.iter().any(|hit| hit.value.retain_as_published) {
        return false;
    }
    hits.iter().any(|hit| {
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
