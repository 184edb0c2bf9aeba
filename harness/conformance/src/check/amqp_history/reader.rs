//! Reads the history out of a trace, method by method.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::super::amqp_packet::{bytes, channel, flag, unsigned};
use super::answers::{self, Answer};
use super::content::Partial;
use super::readers::End;
use super::transaction::Transactions;
use super::{Change, History, Path, Published, Settlement};
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
    declared: u64,
    /// Its name. One that the broker chooses is unknown until it is told.
    name: Option<Bytes>,
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
    fn orphan(&mut self, path: Path, event: u64, recovered: bool) {
        let Some(channel) = self.channels.get_mut(&path) else { return };
        for index in std::mem::take(&mut channel.open).into_values() {
            if let Some(delivered) = self.history.delivered.get_mut(index) {
                delivered.orphaned = Some(event);
                delivered.recovered = recovered;
            }
        }
    }

    fn on_received(&mut self, path: Path, event: u64, packet: &Packet) {
        self.follow_readers(path, event, packet);
        match packet.name {
            "basic.deliver" | "basic.get-ok" | "basic.return" | "content-header" | "content-body" => {
                self.assemble(path, event, packet, false, true);
            }
            "basic.ack" | "basic.nack" => self.on_confirm(path, event, packet),
            "basic.get-empty" => {
                let channel = self.channels.entry(path).or_default();
                let asked = channel.asked.get_mut("basic.get-ok").and_then(VecDeque::pop_front);
                if let Some(asked) = asked {
                    self.history.answers.push(Answer { event, ..asked.answer });
                    self.history.read_from.extend(asked.queue);
                }
            }
            "channel.close" | "basic.cancel" | "connection.close" => {
                self.history.consumer_ends.push(event);
                if packet.name == "connection.close" {
                    self.history.closes.entry((path.0, path.1)).or_insert(event);
                }
                if packet.name == "channel.close" {
                    self.refuse(path, event, packet);
                    self.orphan(path, event, false);
                }
            }
            name => self.on_reply(path, event, name, packet),
        }
    }

    /// The broker closes a channel over a request.
    fn refuse(&mut self, path: Path, event: u64, close: &Packet) {
        let Some((method, code)) = answers::refusal(close) else { return };
        let channel = self.channels.entry(path).or_default();
        let asked = channel.asked.get_mut(&format!("{method}-ok")).and_then(VecDeque::pop_front);
        if let Some(asked) = asked {
            self.history.answers.push(Answer { event, refused: Some(code), ..asked.answer });
        } else if method == "basic.publish" {
            // Which one cannot be told, least of all where one never got there whole.
            let undone = |published: &&Published| published.message.path == path && published.done.is_none();
            if self.history.published.iter().filter(undone).count() > channel.unsure.len() {
                return;
            }
            for published in channel.unsure.iter().filter_map(|index| self.history.published.get(*index)) {
                let asked = published.message.event;
                self.history.answers.push(Answer {
                    path,
                    method: String::from(method),
                    asked,
                    event,
                    exchange: Some(published.message.exchange.clone()),
                    queue: None,
                    nameless: false,
                    passive: false,
                    refused: Some(code),
                });
            }
        }
    }

    fn follow_readers(&mut self, path: Path, event: u64, packet: &Packet) {
        let readers = &mut self.history.readers;
        match packet.name {
            "basic.consume-ok" => readers.on_begun(path, event, &bytes(packet, "consumer_tag")),
            "basic.get-ok" | "basic.get-empty" => readers.on_got(path, event),
            "basic.cancel" | "basic.cancel-ok" => {
                readers.on_cancelled(path, event, &bytes(packet, "consumer_tag"));
            }
            "channel.close" | "channel.close-ok" => readers.on_channel_closed(path, event),
            "connection.close" | "connection.close-ok" => {
                readers.on_connection_ended(path, event, End::Orderly);
            }
            _ => {}
        }
    }

    fn on_reply(&mut self, path: Path, event: u64, name: &str, packet: &Packet) {
        let channel = self.channels.entry(path).or_default();
        let Some(asked) = channel.asked.get_mut(name).and_then(VecDeque::pop_front) else { return };
        self.known.insert((path.0, path.1), asked.event);
        // A channel's methods are dealt with in order: earlier publishes have been.
        while let Some(index) = channel.unsure.front().copied() {
            let Some(published) = self.history.published.get_mut(index) else { break };
            if published.message.event > asked.event {
                break;
            }
            published.done = published.done.or(Some(event));
            channel.unsure.pop_front();
        }
        if let (Some(transactions), "tx.commit-ok") = (&mut channel.transactions, name) {
            transactions.on_committed(event, &mut self.history.published);
        }
        self.history.answers.push(Answer { event, ..asked.answer });
        hear(&mut self.history, channel, asked.event, event);
        if let Some(change) = asked.change.and_then(|index| self.history.changes.get_mut(index)) {
            change.done = Some(event);
            if name == "queue.declare-ok" {
                change.queue = packet.bytes("queue").cloned();
                if channel.current.declared == asked.event {
                    channel.current.name.clone_from(&change.queue);
                }
            }
        }
        if name == "basic.consume-ok" {
            let tag = packet.bytes("consumer_tag").cloned().unwrap_or(asked.tag);
            self.history.read_from.extend(asked.queue.clone());
            channel.consumers.insert(tag, (asked.queue, asked.no_ack));
        }
    }

    fn on_confirm(&mut self, path: Path, event: u64, packet: &Packet) {
        let channel = self.channels.entry(path).or_default();
        let tag = unsigned(packet, "delivery_tag");
        let confirmed: Vec<_> = if flag(packet, "multiple") {
            let later = channel.numbers.split_off(&tag.saturating_add(1));
            std::mem::replace(&mut channel.numbers, later).into_values().collect()
        } else {
            channel.numbers.remove(&tag).into_iter().collect()
        };
        let mut latest = None;
        for index in confirmed {
            if let Some(published) = self.history.published.get_mut(index) {
                latest = latest.max(Some(published.message.event));
                let known = self.known.entry((path.0, path.1)).or_default();
                *known = (*known).max(published.message.event);
                published.done = published.done.or(Some(event));
                published.confirmed |= packet.name == "basic.ack";
                published.refused |= packet.name == "basic.nack";
            }
        }
        if let Some(asked) = latest {
            hear(&mut self.history, channel, asked, event);
        }
    }
}

/// The broker answers what was sent on a channel at an event: it has dealt with everything before.
fn hear(history: &mut History, channel: &mut Channel, asked: u64, event: u64) {
    let (heard, unheard) = channel.unheard.iter().partition(|(settled, _)| *settled < asked);
    let (heard, unheard): (Vec<(u64, usize)>, _) = (heard, unheard);
    channel.unheard = unheard;
    for (_, index) in heard {
        if let Some(delivered) = history.delivered.get_mut(index) {
            delivered.heard = Some(event);
        }
    }
}
