//! The redelivered flag on a message that nobody can have been sent before.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use mqspec_wire::{Packet, Side};

use super::super::amqp_packet::{self, channel};
use super::super::judge::Findings;
use crate::plan::ActorId;
use crate::trace::{ConnectionNumber, EndedBy};

type Path = (ActorId, ConnectionNumber, u16);
/// Exchange, routing key and body.
type Identity = (Bytes, Bytes, Bytes);

/// A content on its way: what its method says, and the body so far.
#[derive(Debug)]
struct Content {
    exchange: Bytes,
    routing_key: Bytes,
    missing: Option<u64>,
    body: BytesMut,
    /// The event of a delivery that has the flag set.
    flagged: Option<u64>,
    from_client: bool,
}

/// Follows every message through the whole trace.
#[derive(Debug, Default)]
pub(super) struct Redelivered {
    published: BTreeSet<Identity>,
    contents: BTreeMap<(Path, bool), Content>,
    /// Flagged deliveries, by event.
    flagged: Vec<(u64, Identity)>,
    /// Something happened that may have put a message back on its queue, seen or unseen.
    disturbed: bool,
    /// Connections that the client has asked to close.
    closing: BTreeSet<(ActorId, ConnectionNumber)>,
}

impl Redelivered {
    /// The broker's side did something that puts messages back. The news may have come late: a message may
    /// have been delivered again before.
    pub(super) fn on_disturbance(&mut self) {
        self.disturbed = true;
        self.flagged.clear();
    }

    /// A fault is planned or strikes: from here on the broker may lose a client that does not know it, as
    /// in a partition, and hand that client's messages to others.
    pub(super) fn on_fault(&mut self) {
        self.disturbed = true;
    }

    /// A connection ended.
    pub(super) fn on_ended(&mut self, key: (ActorId, ConnectionNumber), by: EndedBy) {
        match by {
            EndedBy::Peer(Side::Client) => self.disturbed = true,
            EndedBy::Peer(Side::Server) if self.closing.contains(&key) => self.disturbed = true,
            EndedBy::Peer(Side::Server) | EndedBy::Fault => self.on_disturbance(),
        }
    }

    /// A client sends.
    pub(super) fn on_sent(&mut self, key: (ActorId, ConnectionNumber), packet: &Packet) {
        match packet.name {
            "basic.nack"
            | "basic.reject"
            | "basic.recover"
            | "basic.recover-async"
            | "basic.cancel"
            | "channel.close"
            | "connection.close"
            | "tx.select"
            | "queue.delete"
            | "unknown" => {
                self.disturbed = true;
                if packet.name == "connection.close" {
                    self.closing.insert(key);
                }
            }
            _ => self.follow(key, 0, packet, true),
        }
    }

    /// The broker sends.
    pub(super) fn on_received(&mut self, key: (ActorId, ConnectionNumber), event: u64, packet: &Packet) {
        match packet.name {
            "basic.cancel" | "channel.close" | "connection.close" | "unknown" => self.on_disturbance(),
            _ => self.follow(key, event, packet, false),
        }
    }

    fn follow(&mut self, key: (ActorId, ConnectionNumber), event: u64, packet: &Packet, from_client: bool) {
        let slot = ((key.0, key.1, channel(packet)), from_client);
        match packet.name {
            "basic.publish" | "basic.deliver" | "basic.get-ok" => {
                let flagged = amqp_packet::flag(packet, "redelivered").then_some(event);
                let content = Content {
                    exchange: amqp_packet::bytes(packet, "exchange"),
                    routing_key: amqp_packet::bytes(packet, "routing_key"),
                    missing: None,
                    body: BytesMut::new(),
                    flagged,
                    from_client,
                };
                self.contents.insert(slot, content);
            }
            "content-header" => {
                if let Some(content) = self.contents.get_mut(&slot) {
                    content.missing = Some(amqp_packet::unsigned(packet, "body_size"));
                }
            }
            "content-body" => {
                if let Some(content) = self.contents.get_mut(&slot) {
                    let body = amqp_packet::bytes(packet, "body");
                    let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
                    content.missing = content.missing.map(|missing| missing.saturating_sub(length));
                    content.body.extend_from_slice(&body);
                }
            }
            _ => return,
        }
        if self.contents.get(&slot).is_some_and(|content| content.missing == Some(0))
            && let Some(content) = self.contents.remove(&slot)
        {
            self.complete(content);
        }
    }

    fn complete(&mut self, content: Content) {
        let identity = (content.exchange, content.routing_key, content.body.freeze());
        if content.from_client {
            self.published.insert(identity);
        } else if let Some(event) = content.flagged.filter(|_| !self.disturbed) {
            self.flagged.push((event, identity));
        }
    }

    /// Judges at the end, as news of a lost connection may come late.
    pub(super) fn judge(self, findings: &mut Findings) {
        for (event, _) in self.flagged.iter().filter(|(_, identity)| self.published.contains(identity)) {
            findings.must(
                &["amqp-0-9-1/AMQP-basic.deliver-fields"],
                *event,
                "redelivered = false on a message that was never delivered before",
                "redelivered = true",
            );
        }
    }
}
