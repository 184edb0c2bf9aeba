//! Which method answers which, and what the answer must repeat.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use mqspec_wire::Packet;

use super::super::amqp_packet::{bytes, flag};
use super::super::judge::Findings;

/// Requests of a client, and the statement that no-wait leaves the reply out (where there is one).
static REQUESTS: &[(&str, &str)] = &[
    ("basic.cancel", "amqp-0-9-1/AMQP-basic.cancel.no-wait"),
    ("basic.consume", "amqp-0-9-1/AMQP-basic.consume.no-wait"),
    ("basic.get", ""),
    ("basic.qos", ""),
    ("basic.recover", ""),
    ("channel.close", ""),
    ("channel.flow", ""),
    ("channel.open", ""),
    ("confirm.select", "rabbitmq/RMQ-confirm-select-nowait"),
    ("connection.close", ""),
    ("connection.open", ""),
    ("exchange.bind", ""),
    ("exchange.declare", "amqp-0-9-1/AMQP-exchange.declare.no-wait"),
    ("exchange.delete", "amqp-0-9-1/AMQP-exchange.delete.no-wait"),
    ("exchange.unbind", ""),
    ("queue.bind", "amqp-0-9-1/AMQP-queue.bind.no-wait"),
    ("queue.declare", "amqp-0-9-1/AMQP-queue.declare.no-wait"),
    ("queue.delete", "amqp-0-9-1/AMQP-queue.delete.no-wait"),
    ("queue.purge", "amqp-0-9-1/AMQP-queue.purge.no-wait"),
    ("queue.unbind", ""),
    ("tx.commit", ""),
    ("tx.rollback", ""),
    ("tx.select", ""),
];

/// The request that a method answers.
fn question(reply: &str) -> Option<(&'static str, &'static str)> {
    let request = if reply == "basic.get-empty" { "basic.get" } else { reply.strip_suffix("-ok")? };
    REQUESTS.iter().find(|(name, _)| *name == request).copied()
}

/// Requests of one channel that await a reply.
#[derive(Debug, Default)]
pub(super) struct Replies {
    /// For each request, the name that its reply must repeat, where there is one.
    open: BTreeMap<&'static str, VecDeque<Option<Bytes>>>,
    silenced: BTreeSet<&'static str>,
    /// Requests whose reply the standard leaves open (a passive declare with no-wait).
    either: BTreeSet<&'static str>,
}

impl Replies {
    /// A client's method.
    pub(super) fn on_sent(&mut self, packet: &Packet) {
        let Some((request, _)) = REQUESTS.iter().find(|(name, _)| *name == packet.name) else { return };
        match (flag(packet, "no_wait"), flag(packet, "passive")) {
            (true, true) => {
                self.either.insert(request);
            }
            (true, false) => {
                self.silenced.insert(request);
            }
            (false, _) => {
                let echo = match *request {
                    "basic.consume" | "basic.cancel" => Some(bytes(packet, "consumer_tag")),
                    // RabbitMQ strips line ends from names.
                    "queue.declare" => Some(bytes(packet, "queue"))
                        .filter(|name| !name.iter().any(|byte| matches!(byte, b'\r' | b'\n'))),
                    _ => None,
                };
                let echo = echo.filter(|name| !name.is_empty());
                self.open.entry(request).or_default().push_back(echo);
            }
        }
    }

    /// Judges a broker's method, if it is a reply.
    pub(super) fn on_received(&mut self, event: u64, packet: &Packet, findings: &mut Findings) {
        let Some((request, no_wait)) = question(packet.name) else { return };
        let Some(echo) = self.open.get_mut(request).and_then(VecDeque::pop_front) else {
            if !self.either.contains(request) {
                let silenced = self.silenced.contains(request) && !no_wait.is_empty();
                let statement = if silenced { no_wait } else { "amqp-0-9-1/AMQP-2.2.1-sync-reply-unique" };
                findings.must(
                    &[statement],
                    event,
                    format!("a {} only as the answer to a {request} that waits for it", packet.name),
                    format!("a {} without one", packet.name),
                );
            }
            return;
        };
        let (field, statement) = match packet.name {
            "queue.declare-ok" => ("queue", "amqp-0-9-1/AMQP-queue.declare-ok.queue"),
            "basic.consume-ok" => ("consumer_tag", "amqp-0-9-1/AMQP-basic.consume-starts"),
            "basic.cancel-ok" => ("consumer_tag", "amqp-0-9-1/AMQP-basic.cancel-stops"),
            _ => return,
        };
        if let Some(echo) = echo
            && echo != bytes(packet, field)
        {
            findings.must(
                &[statement],
                event,
                format!("{field} = {} as asked", mqspec_wire::Value::Bytes(echo)),
                format!("{field} = {}", mqspec_wire::Value::Bytes(bytes(packet, field))),
            );
        }
    }
}
