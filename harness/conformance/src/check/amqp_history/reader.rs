//! Reads the history out of a trace, method by method.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::super::amqp_packet::{bytes, channel, flag, unsigned};
use super::content::Partial;
use super::{Change, History, Path, Settlement};
use crate::plan::ActorId;
use crate::trace::{Fate, Trace, What};

/// Reads a trace. A broker that is `durable` keeps its promises over restarts.
pub(in super::super) fn read(trace: &Trace, durable: bool) -> History {
    let mut reader = Reader::default();
    for event in &trace.events {
        match &event.what {
            What::Sent { actor, connection, packet, fate }
                if speaks_amqp(trace, *actor) && fate.may_reach() =>
            {
                let path = (*actor, *connection, channel(packet));
                reader.on_sent(path, event.sequence, packet, *fate == Fate::Passed);
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
                let paths: Vec<_> = reader
                    .channels
                    .range(first..=(first.0, first.1, u16::MAX))
                    .map(|(path, _)| *path)
                    .collect();
                for path in paths {
                    reader.end(path, event.sequence);
                }
            }
            What::Broker { text } if text != "started" => {
                reader.history.restarts.push(event.sequence);
                if !durable {
                    reader.history.disturbed = Some(event.sequence);
                }
            }
            What::Opened { .. }
            | What::Sent { .. }
            | What::Received { .. }
            | What::Ended { .. }
            | What::OpenFailed { .. }
            | What::Step { .. }
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
}

#[derive(Debug, Default)]
pub(super) struct Channel {
    pub(super) current_queue: Option<Bytes>,
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
}

#[derive(Debug)]
pub(super) struct Asked {
    pub(super) event: u64,
    pub(super) queue: Option<Bytes>,
    pub(super) tag: Bytes,
    pub(super) no_ack: bool,
    pub(super) change: Option<usize>,
}

impl Reader {
    fn on_sent(&mut self, path: Path, event: u64, packet: &Packet, passed: bool) {
        let channel = self.channels.entry(path).or_default();
        match packet.name {
            "basic.publish" | "content-header" | "content-body" => {
                self.assemble(path, event, packet, true, passed);
                return;
            }
            "confirm.select" => channel.confirming = true,
            "tx.select" => self.history.transactions = true,
            "basic.ack" => self.settle(path, event, packet, Settlement::Acknowledged),
            "basic.nack" | "basic.reject" => {
                let requeue = packet.bool("requeue").unwrap_or(true);
                let how = if requeue { Settlement::Requeued } else { Settlement::Discarded };
                self.settle(path, event, packet, how);
            }
            "basic.recover" | "basic.recover-async" => self.end(path, event),
            // Everything unsettled goes back when the broker closes the channel, at the latest.
            "channel.close" | "connection.close" | "basic.cancel" => {
                self.history.consumer_ends.push(event);
                if packet.name == "channel.close" {
                    self.end(path, event);
                }
            }
            _ => {}
        }
        let channel = self.channels.entry(path).or_default();
        let name = packet.bytes("queue").cloned();
        let queue = match name {
            Some(name) if name.is_empty() => channel.current_queue.clone(),
            other => other,
        };
        if matches!(packet.name, "basic.consume" | "basic.get") {
            self.history.read_from.extend(queue.clone());
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
            match packet.name {
                "basic.consume" => drop(channel.consumers.insert(tag, (queue, no_ack))),
                "queue.declare" => channel.current_queue = queue,
                _ => {}
            }
            return;
        }
        if packet.name == "basic.get"
            || change.is_some()
            || matches!(packet.name, "basic.consume" | "basic.qos" | "tx.commit")
        {
            let asked = Asked { event, queue, tag, no_ack, change };
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
                channel.unheard.push((event, index));
            }
        }
    }

    /// Everything unsettled on a channel goes back.
    fn end(&mut self, path: Path, event: u64) {
        let Some(channel) = self.channels.get_mut(&path) else { return };
        for index in std::mem::take(&mut channel.open).into_values() {
            if let Some(delivered) = self.history.delivered.get_mut(index) {
                delivered.orphaned = Some(event);
            }
        }
    }

    fn on_received(&mut self, path: Path, event: u64, packet: &Packet) {
        match packet.name {
            "basic.deliver" | "basic.get-ok" | "basic.return" | "content-header" | "content-body" => {
                self.assemble(path, event, packet, false, true);
            }
            "basic.ack" | "basic.nack" => self.on_confirm(path, event, packet),
            "basic.get-empty" => {
                let channel = self.channels.entry(path).or_default();
                channel.asked.entry(String::from("basic.get-ok")).or_default().pop_front();
            }
            "channel.close" | "basic.cancel" | "connection.close" => {
                self.history.consumer_ends.push(event);
                if packet.name == "channel.close" {
                    self.end(path, event);
                }
            }
            "channel.open-ok" => drop(self.channels.insert(path, Channel::default())),
            name => self.on_reply(path, event, name, packet),
        }
    }

    fn on_reply(&mut self, path: Path, event: u64, name: &str, packet: &Packet) {
        let channel = self.channels.entry(path).or_default();
        let Some(asked) = channel.asked.get_mut(name).and_then(VecDeque::pop_front) else { return };
        // A channel's methods are dealt with in order: earlier publishes have been.
        while let Some(index) = channel.unsure.front().copied() {
            let Some(published) = self.history.published.get_mut(index) else { break };
            if published.message.event > asked.event {
                break;
            }
            published.done = published.done.or(Some(event));
            channel.unsure.pop_front();
        }
        let (heard, unheard) = channel.unheard.iter().partition(|(settled, _)| *settled < asked.event);
        let (heard, unheard): (Vec<(u64, usize)>, _) = (heard, unheard);
        channel.unheard = unheard;
        for (_, index) in heard {
            if let Some(delivered) = self.history.delivered.get_mut(index) {
                delivered.heard = Some(event);
            }
        }
        if let Some(change) = asked.change.and_then(|index| self.history.changes.get_mut(index)) {
            change.done = Some(event);
            if name == "queue.declare-ok" {
                change.queue = packet.bytes("queue").cloned();
                channel.current_queue.clone_from(&change.queue);
            }
        }
        if name == "basic.consume-ok" {
            let tag = packet.bytes("consumer_tag").cloned().unwrap_or(asked.tag);
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
        for index in confirmed {
            if let Some(published) = self.history.published.get_mut(index) {
                published.done = published.done.or(Some(event));
                published.confirmed |= packet.name == "basic.ack";
                published.refused |= packet.name == "basic.nack";
            }
        }
    }
}
