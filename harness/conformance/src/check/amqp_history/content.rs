//! Puts contents together from their frames.

use std::collections::VecDeque;

use bytes::BytesMut;
use mqspec_wire::{Field, Packet};

use super::super::amqp_packet::{bytes, flag, unsigned};
use super::reader::Reader;
use super::{Delivered, Message, Path, Published};

/// A content whose frames are not all there.
#[derive(Debug)]
pub(super) struct Partial {
    method: Packet,
    event: u64,
    properties: Vec<Field>,
    missing: Option<u64>,
    body: BytesMut,
    lost: bool,
}

impl Reader {
    /// Takes a method with content, or a frame of one.
    pub(super) fn assemble(&mut self, path: Path, event: u64, packet: &Packet, sent: bool, passed: bool) {
        let slot = (path, sent);
        match packet.name {
            "content-header" => {
                let Some(partial) = self.partial.get_mut(&slot) else { return };
                partial.missing = Some(unsigned(packet, "body_size"));
                partial.properties.clone_from(&packet.fields);
                partial.lost |= !passed;
            }
            "content-body" => {
                let Some(partial) = self.partial.get_mut(&slot) else { return };
                let body = bytes(packet, "body");
                let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
                partial.missing = partial.missing.map(|missing| missing.saturating_sub(length));
                partial.body.extend_from_slice(&body);
                partial.lost |= !passed;
            }
            _ => {
                let partial = Partial {
                    method: packet.clone(),
                    event,
                    properties: Vec::new(),
                    missing: None,
                    body: BytesMut::new(),
                    lost: !passed,
                };
                self.partial.insert(slot, partial);
            }
        }
        if self.partial.get(&slot).is_some_and(|partial| partial.missing == Some(0))
            && let Some(partial) = self.partial.remove(&slot)
        {
            self.complete(path, partial);
        }
    }

    fn complete(&mut self, path: Path, partial: Partial) {
        let method = &partial.method;
        let message = Message {
            event: partial.event,
            path,
            exchange: bytes(method, "exchange"),
            routing_key: bytes(method, "routing_key"),
            properties: partial.properties,
            body: partial.body.freeze(),
        };
        let sent_after = self.known.get(&(path.0, path.1)).copied().unwrap_or(0);
        let channel = self.channels.entry(path).or_default();
        match method.name {
            "basic.publish" => {
                let index = self.history.published.len();
                if channel.confirming {
                    channel.next_number += 1;
                    channel.numbers.insert(channel.next_number, index);
                }
                let transacted =
                    channel.transactions.as_mut().map(|transactions| transactions.on_publish(index));
                if !partial.lost && transacted.is_none() {
                    channel.unsure.push_back(index);
                }
                self.history.published.push(Published {
                    message,
                    done: None,
                    confirmed: false,
                    refused: false,
                    mandatory: flag(method, "mandatory"),
                    returned: false,
                    transacted,
                });
            }
            "basic.return" => {
                let published = self.history.published.iter_mut().find(|published| {
                    published.message.path == path
                        && !published.returned
                        && published.message.body == message.body
                });
                if let Some(published) = published {
                    published.returned = true;
                }
            }
            "basic.deliver" | "basic.get-ok" => {
                let (queue, no_ack) = if method.name == "basic.deliver" {
                    channel.consumers.get(&bytes(method, "consumer_tag")).cloned().unwrap_or_default()
                } else {
                    let asked = channel.asked.get_mut("basic.get-ok").and_then(VecDeque::pop_front);
                    let (queue, no_ack) = asked.map(|asked| (asked.queue, asked.no_ack)).unwrap_or_default();
                    self.history.read_from.extend(queue.clone());
                    (queue, no_ack)
                };
                let tag = unsigned(method, "delivery_tag");
                if !no_ack {
                    channel.open.insert(tag, self.history.delivered.len());
                }
                self.history.delivered.push(Delivered {
                    message,
                    queue,
                    redelivered: flag(method, "redelivered"),
                    no_ack,
                    tag,
                    sent_after,
                    settled: None,
                    heard: None,
                    orphaned: None,
                    recovered: false,
                    in_transaction: false,
                });
            }
            _ => {}
        }
    }
}
