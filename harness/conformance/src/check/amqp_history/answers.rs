//! What the broker said to requests that name an exchange or a queue: yes, or that it does not know it.

use bytes::Bytes;
use mqspec_wire::Packet;

use super::super::amqp_packet::{bytes, flag, unsigned};
use super::Path;

/// The reply code for an entity that does not exist.
pub(in super::super) const NOT_FOUND: u64 = 404;
/// The reply code for a queue that is another connection's own.
pub(in super::super) const RESOURCE_LOCKED: u64 = 405;

/// The methods that name an entity, by class and method.
const METHODS: [((u64, u64), &str); 11] = [
    ((40, 10), "exchange.declare"),
    ((40, 20), "exchange.delete"),
    ((50, 10), "queue.declare"),
    ((50, 20), "queue.bind"),
    ((50, 30), "queue.purge"),
    ((50, 40), "queue.delete"),
    ((50, 50), "queue.unbind"),
    ((60, 20), "basic.consume"),
    ((60, 40), "basic.publish"),
    ((60, 70), "basic.get"),
    ((40, 30), "exchange.bind"),
];

/// A request with its answer.
#[derive(Clone, Debug)]
pub(in super::super) struct Answer {
    /// The channel.
    pub(in super::super) path: Path,
    /// The request's method.
    pub(in super::super) method: String,
    /// The event of the request.
    pub(in super::super) asked: u64,
    /// The event of the answer.
    pub(in super::super) event: u64,
    /// The exchange that it names.
    pub(in super::super) exchange: Option<Bytes>,
    /// The queue that it names.
    pub(in super::super) queue: Option<Bytes>,
    /// It is about a queue that nobody can name: the channel's current one, if there is any.
    pub(in super::super) nameless: bool,
    /// It only asks whether the entity exists.
    pub(in super::super) passive: bool,
    /// The reply code with which it was refused.
    pub(in super::super) refused: Option<u64>,
}

impl Answer {
    /// The answer to a request, yet to come.
    pub(super) fn to(path: Path, event: u64, packet: &Packet, queue: Option<Bytes>) -> Self {
        Self {
            path,
            method: packet.name.to_owned(),
            asked: event,
            event,
            exchange: packet.get("exchange").map(|_| bytes(packet, "exchange")),
            nameless: queue.is_none() && packet.get("queue").is_some(),
            queue,
            passive: flag(packet, "passive"),
            refused: None,
        }
    }
}

/// The method that a channel.close is about, and its reply code.
pub(super) fn refusal(close: &Packet) -> Option<(&'static str, u64)> {
    let about = (unsigned(close, "class_id"), unsigned(close, "method_id"));
    let (_, method) = METHODS.iter().find(|(ids, _)| *ids == about)?;
    Some((method, unsigned(close, "reply_code")))
}
