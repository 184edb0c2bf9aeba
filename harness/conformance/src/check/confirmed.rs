//! `check: confirmed`: what the broker confirmed is not lost (RabbitMQ's publisher confirms).

use std::collections::BTreeSet;

use mqspec_wire::Value;

use super::amqp_history::read;
use super::amqp_topology::Topology;
use super::guarantee::Parameters;
use super::judge::Findings;
use crate::trace::Trace;
use crate::verdict::Finding;

/// Judges a trace by the messages that can be told apart. Without `drained` nothing can be missing yet.
pub(super) fn judge(trace: &Trace, parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, parameters.is_set("durable"));
    let mut findings = Findings::new("confirmed");
    if !parameters.is_set("drained") {
        return findings.into_vec();
    }
    let topology = Topology::of(&history);
    let (steady, distinct) = (history.steady_queues(), history.distinct());
    let durable = history.durable_queues();
    let arrived: BTreeSet<_> = history
        .delivered
        .iter()
        .filter_map(|delivered| Some((delivered.queue.as_ref()?, &delivered.message.body)))
        .collect();
    for published in history.published.iter().filter(|published| published.is_accepted()) {
        let message = &published.message;
        if !distinct.contains_key(&message.body) || message.property("expiration").is_some() {
            continue;
        }
        let restarted = history.restarted_after(message.event);
        for queue in topology.route(published).must.keys() {
            let kept = (!restarted || message.is_persistent() && durable.contains(queue))
                && !history.may_have_lost(queue, message.event);
            let asked_for = steady.contains(queue) && history.read_from.contains(queue);
            if kept && asked_for && !arrived.contains(&(queue, &message.body)) {
                let statement = match (published.confirmed, restarted) {
                    (true, true) => "rabbitmq/RMQ-confirm-persistent-durable",
                    (true, false) => "rabbitmq/RMQ-confirm-all-queues",
                    (false, true) => "rabbitmq/RMQ-tx-commit-responsibility",
                    (false, false) => "amqp-0-9-1/AMQP-tx.commit-applies",
                };
                findings.must(
                    &[statement],
                    message.event,
                    format!("the confirmed message {} in its queue", Value::Bytes(message.body.clone())),
                    format!("queue {} never delivered it", Value::Bytes(queue.clone())),
                );
            }
        }
    }
    findings.into_vec()
}
