//! `check: dead_letter`: what a consumer refuses for good goes to its queue's dead-letter exchange (RabbitMQ).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mqspec_wire::Value;

use super::amqp_history::{Change, Delivered, Published, Settlement, read};
use super::amqp_packet::{entry, flag, table};
use super::amqp_topology::Topology;
use super::guarantee::Parameters;
use super::judge::Findings;
use crate::trace::Trace;
use crate::verdict::Finding;

/// Judges a trace by the messages that can be told apart. Without `drained` nothing can be missing yet.
pub(super) fn judge(trace: &Trace, parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, false);
    let mut findings = Findings::new("dead_letter");
    if !parameters.is_set("drained") {
        return findings.into_vec();
    }
    let topology = Topology::of(&history);
    let (steady, distinct) = (history.steady_queues(), history.distinct());
    let passing: BTreeSet<&Bytes> = history
        .changes
        .iter()
        .filter(|Change { packet, .. }| {
            packet.name == "queue.delete" || flag(packet, "auto_delete") || flag(packet, "exclusive")
        })
        .filter_map(|change| change.queue.as_ref())
        .collect();
    let targets: BTreeMap<&Bytes, Target> = history
        .changes
        .iter()
        .filter(|change| change.packet.name == "queue.declare")
        .filter_map(|change| Some((change.queue.as_ref()?, Target::of(table(&change.packet, "arguments"))?)))
        .collect();
    let dead: BTreeSet<(&Bytes, &Bytes)> = history
        .delivered
        .iter()
        .filter(|delivered| delivered.message.header("x-death").is_some())
        .filter_map(|delivered| Some((delivered.queue.as_ref()?, &delivered.message.body)))
        .collect();
    for delivered in &history.delivered {
        // What is refused when its queue is gone already is gone with it.
        let Some((target, published)) = delivered
            .queue
            .as_ref()
            .filter(|queue| !passing.contains(*queue))
            .and_then(|queue| targets.get(queue))
            .zip(distinct.get(&delivered.message.body))
        else {
            continue;
        };
        let (Some(letter), Some(heard)) = (target.letter(delivered, published), delivered.heard) else {
            continue;
        };
        // Dead-lettering is not safe over a restart: nothing confirms it.
        if history.restarted_after(letter.message.event) || history.disturbed.is_some_and(|at| at > heard) {
            continue;
        }
        for queue in topology.route(&letter).must.keys() {
            let asked_for = steady.contains(queue) && history.read_from.contains(queue);
            if asked_for
                && !dead.contains(&(queue, &delivered.message.body))
                && !history.may_have_lost(queue, letter.message.event)
            {
                findings.must(
                    &["rabbitmq/RMQ-dlx-reason-rejected"],
                    heard,
                    format!("the refused message {} in queue {}", text(&letter.message.body), text(queue)),
                    "it never came there",
                );
            }
        }
    }
    findings.into_vec()
}

/// Where a queue sends what is refused.
struct Target {
    exchange: Bytes,
    routing_key: Option<Bytes>,
}

impl Target {
    fn of(arguments: &[(Bytes, Value)]) -> Option<Self> {
        let bytes = |name| entry(arguments, name).and_then(Value::as_bytes).cloned();
        let exchange = bytes("x-dead-letter-exchange")?;
        Some(Self { exchange, routing_key: bytes("x-dead-letter-routing-key") })
    }

    /// What the queue publishes when a delivery is refused for good; `None` where it was not, for certain.
    fn letter(&self, delivered: &Delivered, published: &Published) -> Option<Published> {
        let Some((settled, Settlement::Discarded)) = delivered.settled else { return None };
        if delivered.in_transaction {
            return None;
        }
        let mut letter = published.clone();
        letter.message.event = settled;
        letter.message.exchange = self.exchange.clone();
        if let Some(key) = &self.routing_key {
            letter.message.routing_key = key.clone();
        }
        letter.done = delivered.heard;
        Some(letter)
    }
}

fn text(bytes: &Bytes) -> String {
    Value::Bytes(bytes.clone()).to_string()
}
