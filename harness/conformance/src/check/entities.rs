//! `check: entities`: exchanges and queues are there as long as they must be, and no longer (AMQP).

use bytes::Bytes;
use mqspec_wire::Value;

use super::amqp_history::{Answer, Change, History, NOT_FOUND, RESOURCE_LOCKED, read};
use super::amqp_packet::flag;
use super::amqp_topology::Topology;
use super::guarantee::Parameters;
use super::judge::Findings;
use crate::trace::Trace;
use crate::verdict::Finding;

/// Judges what the broker said to requests that name an exchange or a queue.
pub(super) fn judge(trace: &Trace, parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, parameters.is_set("durable"));
    let topology = Topology::of(&history);
    let mut findings = Findings::new("entities");
    for answer in &history.answers {
        // A broker that promises nothing over restarts may have forgotten what it had.
        if history.disturbed.is_some_and(|event| event < answer.event) {
            continue;
        }
        match answer.refused {
            Some(NOT_FOUND) => judge_missing(&history, &topology, answer, &mut findings),
            Some(RESOURCE_LOCKED) => judge_left(&history, answer, "it is still locked", &mut findings),
            None => {
                judge_deleted(&topology, answer, &mut findings);
                judge_left(&history, answer, "it is still there", &mut findings);
            }
            Some(_) => {}
        }
    }
    findings.into_vec()
}

/// The broker does not know an exchange or a queue that certainly exists.
fn judge_missing(history: &History, topology: &Topology, answer: &Answer, findings: &mut Findings) {
    let (from, to) = (answer.asked, answer.event);
    // Of several publishes nobody can tell which one was refused.
    let alike = |other: &&Answer| {
        other.path == answer.path && other.event == answer.event && other.method == answer.method
    };
    let candidates: Vec<&Answer> = history.answers.iter().filter(alike).collect();
    let exchange_exists = |answer: &Answer| {
        answer
            .exchange
            .as_ref()
            .is_none_or(|name| name.is_empty() || topology.has_exchange(name, answer.asked, answer.event))
    };
    let queue_exists = |answer: &Answer| {
        !answer.nameless && answer.queue.as_ref().is_none_or(|name| topology.has_queue(name, from, to))
    };
    if !candidates.iter().all(|answer| exchange_exists(answer) && queue_exists(answer)) {
        return;
    }
    let restarted = history.restarts.iter().any(|restart| *restart < to);
    let (statement, name) = match (&answer.queue, &answer.exchange) {
        (Some(queue), _) if restarted => ("amqp-0-9-1/AMQP-queue.declare.durable-persistence", queue),
        (Some(queue), _) => ("amqp-0-9-1/AMQP-3.1.4-lifetimes", queue),
        (None, Some(exchange)) if restarted => ("amqp-0-9-1/AMQP-exchange.declare.durable-support", exchange),
        (None, Some(exchange)) => ("amqp-0-9-1/AMQP-3.1.3-temporary-until-shutdown", exchange),
        (None, None) => return,
    };
    let expected = format!("{} to be there for {}", text(name), answer.method);
    findings.must(&[statement], to, expected, "404 NOT_FOUND");
}

/// A queue that was deleted, and nobody has declared again.
fn judge_deleted(topology: &Topology, answer: &Answer, findings: &mut Findings) {
    let Some(queue) = asks_for(answer) else { return };
    if topology.is_gone(queue, answer.asked, answer.event) {
        let expected = format!("404 NOT_FOUND for queue {}, which was deleted", text(queue));
        findings.must(&["amqp-0-9-1/AMQP-queue.delete-removes"], answer.event, expected, "it is there");
    }
}

/// A queue that went with its connection or its last consumer. The broker has had time to notice: since then all
/// has been quiet for a while.
fn judge_left(history: &History, answer: &Answer, actual: &str, findings: &mut Findings) {
    let Some(queue) = asks_for(answer) else { return };
    let of_queue = |change: &&Change| change.queue.as_ref() == Some(queue);
    let declares: Vec<&Change> = history
        .changes
        .iter()
        .filter(of_queue)
        .filter(|change| change.packet.name == "queue.declare" && !flag(&change.packet, "passive"))
        .collect();
    let noticed = |event: u64| history.was_quiet_between(event, answer.asked);
    let ended = |change: &&Change| history.ends.get(&change.by).is_some_and(|end| noticed(*end));
    let exclusive = |change: &&Change| flag(&change.packet, "exclusive");
    if declares.is_empty() || !declares.iter().any(|change| change.done.is_some()) {
        return;
    }
    if declares.iter().all(exclusive) && declares.iter().all(ended) {
        let expected = format!("exclusive queue {} to be gone with its connection", text(queue));
        findings.must(
            &[
                "amqp-0-9-1/AMQP-2.1.4.1-exclusive-lifetime",
                "amqp-0-9-1/AMQP-queue.declare.exclusive-deleted-on-close",
            ],
            answer.event,
            expected,
            actual,
        );
    } else if declares.iter().all(|change| flag(&change.packet, "auto_delete"))
        && let Some(last) = declares.iter().map(|change| change.done.unwrap_or(u64::MAX)).max()
        && consumed_since(history, queue, last, answer.asked, noticed)
    {
        let expected = format!("queue {} to be gone with its last consumer", text(queue));
        findings.must(
            &["amqp-0-9-1/AMQP-queue.declare.auto-delete-last-consumer"],
            answer.event,
            expected,
            actual,
        );
    }
}

/// Whether a queue had a consumer after this event, and the broker must have noticed that all of them are gone.
fn consumed_since(
    history: &History,
    queue: &Bytes,
    since: u64,
    until: u64,
    noticed: impl Fn(u64) -> bool,
) -> bool {
    let consumers =
        || history.readers.of(queue).filter(|reader| reader.consumer_tag.is_some() && reader.asked < until);
    consumers().any(|reader| reader.began.is_some_and(|began| began > since))
        && consumers().all(|reader| reader.ended.is_some_and(&noticed))
}

/// The queue that must exist for a request to be granted.
fn asks_for(answer: &Answer) -> Option<&Bytes> {
    let needs = match answer.method.as_str() {
        "queue.declare" => answer.passive,
        "basic.consume" | "basic.get" | "queue.bind" => true,
        _ => false,
    };
    answer.queue.as_ref().filter(|_| needs)
}

fn text(name: &Bytes) -> String {
    Value::Bytes(name.clone()).to_string()
}
