//! `check: routing`: each message reaches exactly the queues that the exchanges and bindings say, once and
//! unchanged (AMQP).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mqspec_wire::Value;

use super::amqp_history::{Delivered, History, Message, Published, Transacted, read};
use super::amqp_topology::{Kind, Topology};
use super::guarantee::Parameters;
use super::judge::Findings;
use crate::trace::Trace;
use crate::verdict::Finding;

/// Judges a trace by the messages that can be told apart: published once, with a body of their own. With
/// `drained`, the scenario says that every queue that somebody reads from was emptied.
pub(super) fn judge(trace: &Trace, parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, parameters.is_set("durable"));
    let mut findings = Findings::new("routing");
    let topology = Topology::of(&history);
    let steady = history.steady_queues();
    let (distinct, durable) = (history.distinct(), history.durable_queues());
    judge_copies(&history, &distinct, &mut findings);
    let mut reached: BTreeMap<&Bytes, BTreeSet<&Bytes>> = BTreeMap::new();
    for delivered in history.delivered.iter().filter(|delivered| is_original(delivered)) {
        reached.entry(&delivered.message.body).or_default().extend(&delivered.queue);
    }
    for published in &history.published {
        let message = &published.message;
        if !distinct.contains_key(&message.body) {
            continue;
        }
        let route = topology.route(published);
        let got = reached.remove(&message.body).unwrap_or_default();
        let statements = statements(topology.kind(&message.exchange));
        if !route.anywhere {
            for queue in got.iter().filter(|queue| !route.may.contains(**queue)) {
                let expected = format!("{} only to the queues that its bindings name", show(message));
                findings.must(statements, message.event, expected, format!("it came to {}", text(queue)));
            }
        }
        judge_return(published, route.may.is_empty() && !route.anywhere, &mut findings);
        judge_uncommitted(published, &got, &mut findings);
        let settled = published.done.is_some() && !published.refused;
        let restarted = history.restarted_after(message.event);
        let undisturbed = history.disturbed.is_none_or(|event| event < message.event);
        if !(parameters.is_set("drained") && settled && undisturbed)
            || message.property("expiration").is_some()
        {
            continue;
        }
        // Without a confirm a broker may have dealt with a message and not have it on its disk.
        let kept = !restarted || published.is_accepted() && message.is_persistent();
        for (queue, indirect) in route.must.iter().filter(|_| kept) {
            if restarted && !durable.contains(queue) || history.may_have_lost(queue, message.event) {
                continue;
            }
            if steady.contains(queue) && history.read_from.contains(queue) && !got.contains(queue) {
                let statements: &[&str] = if *indirect { &["rabbitmq/RMQ-e2e-bind"] } else { statements };
                let expected = format!("{} in queue {}", show(message), text(queue));
                findings.must(statements, message.event, expected, "it was never delivered from there");
            }
        }
    }
    findings.into_vec()
}

/// Not dead-lettered: what a publisher sent, on its way through exchanges.
fn is_original(delivered: &Delivered) -> bool {
    delivered.message.header("x-death").is_none()
}

fn judge_copies(history: &History, distinct: &BTreeMap<&Bytes, &Published>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for delivered in history.delivered.iter().filter(|delivered| is_original(delivered)) {
        let message = &delivered.message;
        let (Some(published), Some(queue)) = (distinct.get(&message.body), &delivered.queue) else {
            continue;
        };
        if !delivered.redelivered && !seen.insert((queue, &message.body)) {
            findings.must(
                &["amqp-0-9-1/AMQP-queue.bind-unique"],
                message.event,
                format!("{} once in queue {}", show(message), text(queue)),
                "a second copy that is not marked as redelivered",
            );
        }
        judge_content(&published.message, message, findings);
    }
}

/// A mandatory message that no queue takes is returned before it is confirmed.
fn judge_return(published: &Published, unroutable: bool, findings: &mut Findings) {
    if unroutable && published.mandatory && published.confirmed && !published.returned {
        findings.must(
            &["amqp-0-9-1/AMQP-basic.publish.mandatory-returned"],
            published.message.event,
            format!("{} returned, as no queue takes it", show(&published.message)),
            "it was only confirmed",
        );
    }
}

/// What nobody has committed never happened.
fn judge_uncommitted(published: &Published, got: &BTreeSet<&Bytes>, findings: &mut Findings) {
    let (statement, why) = match published.transacted {
        Some(Transacted::Open) => ("amqp-0-9-1/AMQP-tx.commit-all-or-none-on-disconnect", "never committed"),
        Some(Transacted::RolledBack) => ("amqp-0-9-1/AMQP-tx.rollback-discards", "rolled back"),
        Some(Transacted::Asked | Transacted::Committed) | None => return,
    };
    for queue in got {
        let expected = format!("{} nowhere, as its transaction was {why}", show(&published.message));
        findings.must(&[statement], published.message.event, expected, format!("it came to {}", text(queue)));
    }
}

fn judge_content(published: &Message, delivered: &Message, findings: &mut Findings) {
    let came_from = (&delivered.exchange, &delivered.routing_key);
    if came_from != (&published.exchange, &published.routing_key) {
        findings.must(
            &["amqp-0-9-1/AMQP-basic.deliver-fields"],
            delivered.event,
            format!(
                "exchange {} and key {}, as published",
                text(&published.exchange),
                text(&published.routing_key)
            ),
            format!("exchange {} and key {}", text(came_from.0), text(came_from.1)),
        );
    }
    // Copies for others are not told to anybody.
    let told = |name: &&(Bytes, Value)| name.0.as_ref() != b"BCC";
    for (name, value) in published.headers().iter().filter(told) {
        let here = delivered.headers().iter().find(|(header, _)| header == name);
        if here.is_none_or(|(_, there)| there != value) {
            findings.must(
                &["amqp-0-9-1/AMQP-basic.headers-passed"],
                delivered.event,
                format!("header {} = {value}, as published", text(name)),
                here.map_or(String::from("it is missing"), |(_, there)| there.to_string()),
            );
        }
    }
    // Framing is no property; brokers rewrite reply_to for direct replies, and may add headers.
    let exempt = ["channel", "class_id", "weight", "body_size", "property_flags", "reply_to", "headers"];
    for property in published.properties.iter().filter(|property| !exempt.contains(&property.name)) {
        if delivered.property(property.name) != Some(&property.value) {
            findings.must(
                &["amqp-0-9-1/AMQP-basic.properties-passed"],
                delivered.event,
                format!("{} = {}, as published", property.name, property.value),
                delivered.property(property.name).map_or(String::from("it is missing"), Value::to_string),
            );
        }
    }
}

/// What a kind of exchange promises; `None` is the nameless one.
fn statements(kind: Option<Kind>) -> &'static [&'static str] {
    match kind {
        None => &["amqp-0-9-1/AMQP-3.1.3.1-queues-auto-bound"],
        Some(Kind::Direct) => &["amqp-0-9-1/AMQP-3.1.3.1-direct-match"],
        Some(Kind::Fanout) => &["amqp-0-9-1/AMQP-3.1.3.2-fanout-unconditional"],
        Some(Kind::Topic) => &["amqp-0-9-1/AMQP-3.1.3.3-topic-star", "amqp-0-9-1/AMQP-3.1.3.3-topic-hash"],
        Some(Kind::Headers) => {
            &["amqp-0-9-1/AMQP-3.1.3.4-headers-all", "amqp-0-9-1/AMQP-3.1.3.4-headers-any"]
        }
        Some(Kind::Unknown) => &["amqp-0-9-1/AMQP-queue.bind-required"],
    }
}

fn show(message: &Message) -> String {
    format!("the message {} with key {}", text(&message.body), text(&message.routing_key))
}

fn text(bytes: &Bytes) -> String {
    Value::Bytes(bytes.clone()).to_string()
}
