//! `check: redelivery`: what was not acknowledged comes back, and says so (AMQP).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::amqp_history::{Delivered, History, Settlement, read};
use super::amqp_topology::Topology;
use super::guarantee::Parameters;
use super::judge::Findings;
use crate::plan::ActorId;
use crate::trace::{ConnectionNumber, Trace};
use crate::verdict::Finding;

/// Judges a trace by the messages that can be told apart: published once, with a body of their own. With
/// `drained`, the scenario says that everything has had its time to come back.
pub(super) fn judge(trace: &Trace, parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, parameters.is_set("durable"));
    let mut findings = Findings::new("redelivery");
    let topology = Topology::of(&history);
    let steady = history.steady_queues();
    let durable = history.durable_queues();
    for ((queue, _), deliveries) in &copies(&history) {
        if deliveries.iter().any(|delivered| delivered.in_transaction) {
            continue;
        }
        judge_copy(deliveries, &history, &mut findings);
        judge_acknowledged(deliveries, &history, &mut findings);
        // What went back may expire before its turn comes.
        let lasts = deliveries.iter().all(|delivered| delivered.message.property("expiration").is_none());
        if parameters.is_set("drained") && lasts && steady.contains(queue) && topology.keeps(queue) {
            judge_return(&history, deliveries, durable.contains(queue), &mut findings);
        }
    }
    findings.into_vec()
}

/// Each queue's deliveries of each message, in order.
fn copies(history: &History) -> BTreeMap<(&Bytes, &Bytes), Vec<&Delivered>> {
    let distinct = history.distinct();
    let mut copies: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for delivered in &history.delivered {
        let Some(queue) = &delivered.queue else { continue };
        // A dead-lettered message may come to a queue again as if it were new.
        if distinct.contains_key(&delivered.message.body) && delivered.message.header("x-death").is_none() {
            copies.entry((queue, &delivered.message.body)).or_default().push(delivered);
        }
    }
    copies
}

/// Connections are not ordered among each other: what came first on one may have been sent last. So one delivery may be
/// the first wherever it stands among those of other connections; a second one without the flag cannot.
fn judge_copy(deliveries: &[&Delivered], history: &History, findings: &mut Findings) {
    let mut first: Option<&Delivered> = None;
    for (index, again) in deliveries.iter().enumerate().filter(|(_, delivered)| !delivered.redelivered) {
        let earlier = deliveries.iter().take(index).find(|earlier| connection(earlier) == connection(again));
        let before = first.or(earlier.copied());
        // A broker that does not promise to keep anything may have forgotten over a restart.
        if before.is_some_and(|before| !forgotten(history, before, again)) {
            findings.must(
                &["amqp-0-9-1/AMQP-3.1.4-one-client"],
                again.message.event,
                "redelivered = true on a message that was delivered before",
                format!("redelivered = false on delivery tag {}", again.tag),
            );
        }
        first = first.or(Some(again));
    }
}

fn connection(delivered: &Delivered) -> (ActorId, ConnectionNumber) {
    (delivered.message.path.0, delivered.message.path.1)
}

/// A restart of a broker that is not durable lies between.
fn forgotten(history: &History, before: &Delivered, again: &Delivered) -> bool {
    history.disturbed.is_some_and(|_| {
        history.restarts.iter().any(|at| (before.message.event..again.message.event).contains(at))
    })
}

/// What was acknowledged, and the broker knew it, is not delivered again.
fn judge_acknowledged(deliveries: &[&Delivered], history: &History, findings: &mut Findings) {
    for pair in deliveries.windows(2) {
        let [before, again] = pair else { continue };
        let done = matches!(before.settled, Some((_, Settlement::Acknowledged | Settlement::Discarded)));
        // What comes late on another connection may have been sent long before.
        let sent =
            if connection(before) == connection(again) { again.message.event } else { again.sent_after };
        let known = before.heard.filter(|heard| *heard < sent);
        if let (true, Some(known)) = (done, known)
            && !forgotten(history, before, again)
        {
            findings.must(
                &["amqp-0-9-1/AMQP-3.1.8-explicit-ack"],
                again.message.event,
                format!("delivery tag {} gone for good, as it was settled before event {known}", before.tag),
                "the message was delivered again",
            );
        }
    }
}

fn judge_return(history: &History, deliveries: &[&Delivered], durable: bool, findings: &mut Findings) {
    let Some(last) = deliveries.last() else { return };
    let ((Some((gone, Settlement::Requeued)), _) | (None, Some(gone))) = (last.settled, last.orphaned) else {
        return;
    };
    // The last to arrive need not be the last that was sent: on another connection it may be held or settled for good.
    let rests = |other: &&Delivered| {
        connection(other) != connection(last)
            && match other.settled {
                Some((_, Settlement::Acknowledged | Settlement::Discarded)) => true,
                Some((_, Settlement::Requeued)) => false,
                None => other.orphaned.is_none(),
            }
    };
    if deliveries.iter().any(rests) {
        return;
    }
    let distinct = history.distinct();
    let Some(published) = distinct.get(&last.message.body) else { return };
    // Only what was confirmed is certainly on a broker's disk. What the delivery itself came after says nothing: it
    // may have been on its way for long.
    let kept = durable && published.is_accepted() && last.message.is_persistent();
    let since = published.message.event;
    if last.no_ack
        || history.disturbed.is_some_and(|event| event > since)
        || history.restarted_after(since) && !kept
        || last.queue.as_ref().is_some_and(|queue| history.may_have_lost(queue, since))
    {
        return;
    }
    findings.must(
        &["amqp-0-9-1/AMQP-basic-10", "amqp-0-9-1/AMQP-4.5-unacked-redelivered"],
        gone,
        format!("delivery tag {} delivered again", last.tag),
        "it did not come back",
    );
}
