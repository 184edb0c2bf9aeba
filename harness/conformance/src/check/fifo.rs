//! `check: fifo`: messages that take one path come out in the order in which they went in (AMQP section
//! 4.7), unless they are redelivered.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::amqp_history::{Delivered, History, read};
use super::guarantee::Parameters;
use super::judge::Findings;
use crate::trace::Trace;
use crate::verdict::Finding;

/// Judges a trace by the messages that can be told apart: published once, with a body of their own.
pub(super) fn judge(trace: &Trace, _parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, false);
    let mut findings = Findings::new("fifo");
    let distinct = history.distinct();
    let mut last = BTreeMap::new();
    for delivered in &history.delivered {
        let message = &delivered.message;
        let (Some(published), Some(queue)) = (distinct.get(&message.body), &delivered.queue) else {
            continue;
        };
        let ranked = published.message.property("priority").is_some();
        // A transaction's messages enter at its commit, in an order of their own.
        let transacted = published.transacted.is_some();
        if delivered.redelivered || ranked || transacted || message.header("x-death").is_some() {
            continue;
        }
        // Incoming channel, exchange, queue, outgoing channel.
        let path = (published.message.path, &published.message.exchange, queue, message.path);
        let entered = published.message.event;
        if last.get(&path).is_some_and(|before| *before > entered) {
            findings.must(
                &["amqp-0-9-1/AMQP-4.7-content-order", "amqp-0-9-1/AMQP-3.1.4-fifo"],
                message.event,
                "messages of one path in the order in which they were published",
                format!("{} after a later one", mqspec_wire::Value::Bytes(message.body.clone())),
            );
        } else {
            last.insert(path, entered);
        }
    }
    judge_returned(&history, &mut findings);
    findings.into_vec()
}

/// Messages that came back together, as their channel ended, are in the queue in their old order: a consumer that is
/// the only one to read since gets them like that.
fn judge_returned(history: &History, findings: &mut Findings) {
    let distinct = history.distinct();
    let mut previous: BTreeMap<(&Bytes, &Bytes), &Delivered> = BTreeMap::new();
    let mut last: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for delivered in &history.delivered {
        let message = &delivered.message;
        let (Some(published), Some(queue)) = (distinct.get(&message.body), &delivered.queue) else {
            continue;
        };
        let before = previous.insert((queue, &message.body), delivered);
        let ranked = published.message.property("priority").is_some() || published.transacted.is_some();
        let Some((before, returned)) = before.and_then(|before| Some((before, before.orphaned?))) else {
            continue;
        };
        // Who has them back and goes on reading may get some first, and lose them with its connection.
        let is_gone_or_this = |path| path == message.path || path == before.message.path && !before.recovered;
        let others = history
            .readers
            .of(queue)
            .any(|reader| reader.asked < message.event && !is_gone_or_this(reader.path));
        // What was on its way when its holder gave it back is older than its return.
        let stale = !delivered.redelivered || message.event < returned;
        if ranked || others || stale || message.header("x-death").is_some() {
            continue;
        }
        // Where they were published, where they had been, and where they go now.
        let path = (published.message.path, &published.message.exchange, queue, returned, message.path);
        let entered = published.message.event;
        if let Some((_, earlier)) = last.get(&path).filter(|(before, _)| *before > entered) {
            findings.must(
                &["amqp-0-9-1/AMQP-basic-10"],
                message.event,
                "messages that came back together in the order in which they were published",
                format!(
                    "{} behind a later one at event {earlier}",
                    mqspec_wire::Value::Bytes(message.body.clone())
                ),
            );
        } else {
            last.insert(path, (entered, message.event));
        }
    }
}
