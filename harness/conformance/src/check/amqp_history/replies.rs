//! What the broker says on a channel: replies, confirms, refusals.

use std::collections::VecDeque;

use mqspec_wire::Packet;

use super::super::amqp_packet::{bytes, flag, unsigned};
use super::answers::{self, Answer};
use super::reader::{Channel, Reader};
use super::readers::End;
use super::{History, Path, Published};

impl Reader {
    pub(super) fn on_received(&mut self, path: Path, event: u64, packet: &Packet) {
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
            // One that wanted no reply may be the one that was refused.
            let before = |(event, quiet): &(u64, &str)| *event < asked.event && *quiet == method;
            let quiet = std::mem::take(&mut channel.quiet);
            if !quiet.iter().any(before) {
                self.history.answers.push(Answer { event, refused: Some(code), ..asked.answer });
            }
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
        while channel.quiet.front().is_some_and(|(quiet, _)| *quiet < asked.event) {
            channel.quiet.pop_front();
        }
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
