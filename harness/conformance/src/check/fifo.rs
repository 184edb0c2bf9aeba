//! `check: fifo`: messages that take one path come out in the order in which they went in (AMQP section
//! 4.7), unless they are redelivered.

use std::collections::BTreeMap;

use super::amqp_history::read;
use super::guarantee::Parameters;
use super::judge::Findings;
use crate::trace::Trace;
use crate::verdict::Finding;

/// Judges a trace by the messages that can be told apart: published once, with a body of their own.
pub(super) fn judge(trace: &Trace, _parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, false);
    let mut findings = Findings::new("fifo");
    // A transaction's messages enter at its commit, in an order of their own.
    if history.transactions {
        return findings.into_vec();
    }
    let distinct = history.distinct();
    let mut last = BTreeMap::new();
    for delivered in &history.delivered {
        let message = &delivered.message;
        let (Some(published), Some(queue)) = (distinct.get(&message.body), &delivered.queue) else {
            continue;
        };
        let ranked = published.message.property("priority").is_some();
        if delivered.redelivered || ranked || message.header("x-death").is_some() {
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
    findings.into_vec()
}
