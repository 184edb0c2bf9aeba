//! Reads the history out of a trace, method by method.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::super::amqp_packet::{bytes, channel, flag, unsigned};
use super::answers::Answer;
use super::content::Partial;
use super::readers::End;
use super::transaction::Transactions;
use super::{Change, History, Path, Settlement};
use crate::plan::ActorId;
use crate::trace::{ConnectionNumber, Fate, Trace, UNTOLD, What};

/// Reads a trace. A broker that is `durable` keeps its promises over restarts.
pub(in super::super) fn read(trace: &Trace, durable: bool) -> History {
    let mut reader = Reader::default();
    let mut settling = false;
    for event in &trace.events {
        match &event.what {
            What::Sent { actor, connection, packet, fate }
                if speaks_amqp(trace, *actor) && fate.may_reach() =>
            {
                let path = (*actor, *connection, channel(packet));
                reader.on_sent(path, event.sequence, packet, matches!(fate, Fate::Passed | Fate::Late));
            }
            What::Received { actor, connection, packet, fate }
                if speaks_amqp(trace, *actor) && fate.comes_through() =>
            {
                reader.on_received((*actor, *connection, channel(packet)), event.sequence, packet);
            }
            What::Ended { actor, connection, .. } if speaks_amqp(trace, *actor) => {
                reader.history.ends.insert((*actor, *connection), event.sequence);
                reader.history.consumer_ends.push(event.sequence);
                let first = (*actor, *connection, 0);
                let how = if reader.untold.remove(actor) { End::Untold } else { End::Lost };
                reader.history.readers.on_connection_ended(first, event.sequence, how);
                let paths: Vec<_> = reader
                    .channels
                    .range(first..=(first.0, first.1, u16::MAX))
                    .map(|(path, _)| *path)
                    .collect();
                for path in paths {
                    reader.orphan(path, event.sequence, false);
                }
            }
            What::Broker { text } if text != "started" => {
                reader.history.restarts.push(event.sequence);
                if !durable {
                    reader.history.disturbed = Some(event.sequence);
                }
            }
            // A step after `settle` begins when that is over.
            What::Step { text, .. } => {
                if std::mem::replace(&mut settling, text.starts_with("settle")) {
                    reader.history.quiet.push(event.sequence);
                }
            }
            What::Opened { actor, connection } => {
                reader.known.insert((*actor, *connection), event.sequence);
            }
            What::Fault { actor: Some(actor), text } if text.ends_with(UNTOLD) => {
                reader.untold.insert(*actor);
            }
            What::Sent { .. }
            | What::Received { .. }
            | What::Ended { .. }
            | What::OpenFailed { .. }
            | What::Fault { .. }
            | What::Broker { .. }
            | What::Bound { .. } => {}
        }
    }
    reader.history
}

fn speaks_amqp(trace: &Trace, actor: ActorId) -> bool {
    trace.actor_spec(actor) == Some(Spec::Amqp091)
}

#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) history: History,
    pub(super) channels: BTreeMap<Path, Channel>,
    pub(super) partial: BTreeMap<(Path, bool), Partial>,
    /// The latest event on each connection that the broker has shown to know of: that it was opened, or a request.
    pub(super) known: BTreeMap<(ActorId, ConnectionNumber), u64>,
    /// Actors whose connection is about to end without the broker being told.
    untold: BTreeSet<ActorId>,
}

#[derive(Debug, Default)]
pub(super) struct Channel {
    pub(super) current: CurrentQueue,
    /// Consumers: their queue and whether they acknowledge.
    pub(super) consumers: BTreeMap<Bytes, (Option<Bytes>, bool)>,
    /// Consumers, gets and changes that wait for their reply, by the reply's name.
    pub(super) asked: BTreeMap<String, VecDeque<Asked>>,
    /// Requests that wait for no reply and that the broker may not have come to: their event and method.
    pub(super) quiet: VecDeque<(u64, &'static str)>,
    pub(super) confirming: bool,
    /// Publishes by their confirm number.
    pub(super) numbers: BTreeMap<u64, usize>,
    pub(super) next_number: u64,
    /// Publishes that the broker may not have dealt with yet.
    pub(super) unsure: VecDeque<usize>,
    /// Deliveries that are settled, and the broker may not have heard of it.
    pub(super) unheard: Vec<(u64, usize)>,
    /// Deliveries that are not settled, by tag.
    pub(super) open: BTreeMap<u64, usize>,
    pub(super) transactions: Option<Transactions>,
}

/// The queue that an empty name stands for: that of the last queue.declare which was sent on the channel.
#[derive(Debug, Default)]
pub(super) struct CurrentQueue {
    /// The event of the queue.declare.
    pub(super) declared: u64,
    /// Its name. One that the broker chooses is unknown until it is told.
    pub(super) name: Option<Bytes>,
}

#[derive(Debug)]
pub(super) struct Asked {
    pub(super) event: u64,
    pub(super) answer: Answer,
    pub(super) queue: Option<Bytes>,
    pub(super) tag: Bytes,
    pub(super) no_ack: bool,
    pub(super) change: Option<usize>,
}

impl Reader {
    fn on_sent(&mut self, path: Path, event: u64, packet: &Packet, passed: bool) {
        // What a client sends behind it, without waiting for the answer, is the new channel's.
        if packet.name == "channel.open" {
            self.channels.insert(path, Channel::default());
            return;
        }
        let channel = self.channels.entry(path).or_default();
        match packet.name {
            "basic.publish" | "content-header" | "content-body" => {
                self.assemble(path, event, packet, true, passed);
                return;
            }
            "confirm.select" => channel.confirming = true,
            "tx.select" => channel.transactions = Some(channel.transactions.take().unwrap_or_default()),
            "tx.commit" | "tx.rollback" => {
                if let Some(transactions) = &mut channel.transactions {
                    transactions.on_sent(packet.name, &mut self.history.published);
                }
            }
            "basic.ack" => self.settle(path, event, packet, Settlement::Acknowledged),
            "basic.nack" | "basic.reject" => {
                let requeue = packet.bool("requeue").unwrap_or(true);
                let how = if requeue { Settlement::Requeued } else { Settlement::Discarded };
                self.settle(path, event, packet, how);
            }
            "basic.recover" | "basic.recover-async" => self.orphan(path, event, true),
            // Everything unsettled goes back when the broker closes the channel, at the latest.
            "channel.close" | "connection.close" | "basic.cancel" => {
                self.history.consumer_ends.push(event);
                if packet.name == "connection.close" {
                    self.history.closes.entry((path.0, path.1)).or_insert(event);
                }
                if packet.name == "channel.close" {
                    self.orphan(path, event, false);
                }
            }
            _ => {}
        }
        let channel = self.channels.entry(path).or_default();
        let name = packet.bytes("queue").cloned();
        let queue = match name {
            // The broker is to choose a name.
            Some(name) if name.is_empty() && packet.name == "queue.declare" => None,
            Some(name) if name.is_empty() => channel.current.name.clone(),
            other => other,
        };
        if packet.name == "queue.declare" {
            channel.current = CurrentQueue { declared: event, name: queue.clone() };
        }
        if matches!(packet.name, "basic.consume" | "basic.get") {
            self.history.readers.on_asked(path, event, packet, queue.as_ref());
        }
        let changes = matches!(
            packet.name,
            "exchange.declare"
                | "exchange.delete"
                | "exchange.bind"
                | "exchange.unbind"
                | "queue.declare"
                | "queue.bind"
                | "queue.unbind"
                | "queue.delete"
                | "queue.purge"
        );
        let change = changes.then(|| {
            self.history.changes.push(Change {
                by: (path.0, path.1),
                asked: event,
                done: None,
                packet: packet.clone(),
                queue: queue.clone(),
            });
            self.history.changes.len() - 1
        });
        let (tag, no_ack) = (bytes(packet, "consumer_tag"), flag(packet, "no_ack"));
        if flag(packet, "no_wait") {
            channel.quiet.push_back((event, packet.name));
            if packet.name == "basic.consume" {
                self.history.read_from.extend(queue.clone());
                channel.consumers.insert(tag, (queue, no_ack));
            }
            return;
        }
        if packet.name == "basic.get"
            || change.is_some()
            || matches!(packet.name, "basic.consume" | "basic.qos" | "tx.commit")
        {
            let answer = Answer::to(path, event, packet, queue.clone());
            let asked = Asked { event, answer, queue, tag, no_ack, change };
            channel.asked.entry(format!("{}-ok", packet.name)).or_default().push_back(asked);
        }
    }

    fn settle(&mut self, path: Path, event: u64, packet: &Packet, how: Settlement) {
        let Some(channel) = self.channels.get_mut(&path) else { return };
        let tag = unsigned(packet, "delivery_tag");
        let settled: Vec<_> = match (flag(packet, "multiple"), tag) {
            (false, _) => channel.open.remove(&tag).into_iter().collect(),
            (true, 0) => std::mem::take(&mut channel.open).into_values().collect(),
            (true, _) => {
                let later = channel.open.split_off(&tag.saturating_add(1));
                std::mem::replace(&mut channel.open, later).into_values().collect()
            }
        };
        for index in settled {
            if let Some(delivered) = self.history.delivered.get_mut(index) {
                delivered.settled = Some((event, how));
                delivered.in_transaction = channel.transactions.is_some();
                channel.unheard.push((event, index));
            }
        }
    }

    /// Everything unsettled on a channel goes back.
    pub(super) fn orphan(&mut self, path: Path, event: u64, recovered: bool) {
        let Some(channel) = self.channels.get_mut(&path) else { return };
        for index in std::mem::take(&mut channel.open).into_values() {
            if let Some(delivered) = self.history.delivered.get_mut(index) {
                delivered.orphaned = Some(event);
                delivered.recovered = recovered;
            }
        }
    }
}
