//! Deliveries on one channel: to a live consumer, under a fresh tag, within the prefetch limit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use mqspec_wire::Packet;

use super::super::amqp_packet::{bytes, flag, unsigned};
use super::super::judge::Findings;

/// A consumer that may be sent messages.
#[derive(Clone, Copy, Debug, Default)]
struct Consumer {
    no_ack: bool,
    /// Unacknowledged deliveries that it may have, where that is certain.
    limit: Option<u64>,
    unacknowledged: u64,
}

/// Consumers and deliveries of a channel.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    live: BTreeMap<Bytes, Consumer>,
    /// Consumers whose basic.consume waits for its reply, oldest first; an empty tag is the broker's choice.
    asked: VecDeque<(Bytes, Consumer)>,
    over: BTreeSet<Bytes>,
    /// A consumer without a reply got a tag that the broker chose: any tag may be its.
    any_tag: bool,
    last_tag: Option<u64>,
    /// Unacknowledged deliveries; `None` for a basic.get.
    unacknowledged: BTreeMap<u64, Option<Bytes>>,
    qos_sent: u64,
    /// The limit of the only basic.qos so far, once it was answered.
    qos: Option<u64>,
    asked_qos: Option<u64>,
    paused: bool,
    /// A channel.flow was answered by silence so far: the state that was asked for.
    asked_flow: VecDeque<bool>,
}

impl Consumers {
    /// A client's method.
    pub(super) fn on_sent(&mut self, packet: &Packet) {
        match packet.name {
            "basic.qos" => self.on_qos(packet),
            "basic.consume" => self.on_consume(packet),
            "basic.cancel" if flag(packet, "no_wait") => {
                // Nothing will tell when it ends.
                if let Some(consumer) = self.live.get_mut(&bytes(packet, "consumer_tag")) {
                    consumer.limit = None;
                }
            }
            "channel.flow" => {
                let active = flag(packet, "active");
                self.asked_flow.push_back(active);
                if active {
                    self.paused = false;
                }
            }
            "basic.ack" | "basic.nack" | "basic.reject" => {
                self.settle(unsigned(packet, "delivery_tag"), flag(packet, "multiple"));
            }
            "basic.recover" | "basic.recover-async" => self.settle(0, true),
            _ => {}
        }
    }

    fn on_qos(&mut self, packet: &Packet) {
        self.qos_sent += 1;
        self.qos = None;
        if self.qos_sent > 1 || unsigned(packet, "prefetch_size") != 0 {
            // Brokers differ in what a second setting does to running consumers.
            self.asked_qos = None;
            for consumer in self.live.values_mut().chain(self.asked.iter_mut().map(|(_, asked)| asked)) {
                consumer.limit = None;
            }
        } else {
            self.asked_qos = Some(unsigned(packet, "prefetch_count")).filter(|count| *count > 0);
        }
    }

    fn on_consume(&mut self, packet: &Packet) {
        let tag = bytes(packet, "consumer_tag");
        // The limit of one basic.qos binds each later consumer, whether a broker counts by consumer (as
        // RabbitMQ does), by channel or by connection.
        let consumer = Consumer { no_ack: flag(packet, "no_ack"), limit: self.qos, unacknowledged: 0 };
        match (flag(packet, "no_wait"), tag.is_empty()) {
            (true, true) => self.any_tag = true,
            (true, false) => {
                self.live.insert(tag, consumer);
            }
            (false, _) => self.asked.push_back((tag, consumer)),
        }
    }

    fn settle(&mut self, tag: u64, multiple: bool) {
        let settled = if !multiple {
            self.unacknowledged.remove(&tag).into_iter().collect::<Vec<_>>()
        } else if tag == 0 {
            std::mem::take(&mut self.unacknowledged).into_values().collect()
        } else {
            let later = self.unacknowledged.split_off(&tag.saturating_add(1));
            std::mem::replace(&mut self.unacknowledged, later).into_values().collect()
        };
        for tag in settled.into_iter().flatten() {
            if let Some(consumer) = self.live.get_mut(&tag) {
                consumer.unacknowledged = consumer.unacknowledged.saturating_sub(1);
            }
        }
    }

    /// Judges a broker's method.
    pub(super) fn on_received(&mut self, event: u64, packet: &Packet, findings: &mut Findings) {
        match packet.name {
            // What came between the question and this was sent before the broker took everything back.
            "basic.recover-ok" => self.settle(0, true),
            "basic.qos-ok" => self.qos = self.asked_qos.take().or(self.qos),
            "basic.consume-ok" => {
                if let Some((_, consumer)) = self.asked.pop_front() {
                    let tag = bytes(packet, "consumer_tag");
                    self.over.remove(&tag);
                    self.live.insert(tag, consumer);
                }
            }
            "basic.cancel-ok" | "basic.cancel" => {
                let tag = bytes(packet, "consumer_tag");
                self.live.remove(&tag);
                self.over.insert(tag);
            }
            "channel.flow-ok" => {
                if let Some(active) = self.asked_flow.pop_front()
                    && self.asked_flow.is_empty()
                {
                    self.paused = !active && !flag(packet, "active");
                }
            }
            "basic.deliver" => self.on_deliver(event, packet, findings),
            "basic.get-ok" => {
                let tag = unsigned(packet, "delivery_tag");
                self.judge_tag(event, tag, findings);
                self.unacknowledged.insert(tag, None);
            }
            _ => {}
        }
    }

    fn on_deliver(&mut self, event: u64, packet: &Packet, findings: &mut Findings) {
        let tag = unsigned(packet, "delivery_tag");
        self.judge_tag(event, tag, findings);
        if self.paused {
            findings.must(
                &["amqp-0-9-1/AMQP-channel.flow.active-stops-delivery"],
                event,
                "no delivery between channel.flow-ok for active=false and channel.flow with active=true",
                "a basic.deliver",
            );
        }
        let consumer_tag = bytes(packet, "consumer_tag");
        let Some(consumer) = self.live.get_mut(&consumer_tag) else {
            self.judge_stranger(event, &consumer_tag, findings);
            return;
        };
        if consumer.no_ack {
            return;
        }
        consumer.unacknowledged += 1;
        if let Some(limit) = consumer.limit.filter(|limit| consumer.unacknowledged > *limit) {
            findings.must(
                &["amqp-0-9-1/AMQP-basic.qos.prefetch-count-01", "amqp-0-9-1/AMQP-3.1.7-prefetch-window"],
                event,
                format!("at most {limit} unacknowledged deliveries"),
                format!("{} unacknowledged deliveries", consumer.unacknowledged),
            );
        }
        self.unacknowledged.insert(tag, Some(consumer_tag));
    }

    fn judge_tag(&mut self, event: u64, tag: u64, findings: &mut Findings) {
        if let Some(last) = self.last_tag.filter(|last| tag <= *last) {
            findings.must(
                &["amqp-0-9-1/AMQP-basic.deliver-tag-increases"],
                event,
                format!("a delivery tag above {last}, the last on this channel"),
                format!("delivery tag {tag}"),
            );
        } else if self.last_tag.is_none() && tag > 1 {
            // Nothing says MUST; every broker counts from 1.
            findings.should(
                &["amqp-0-9-1/AMQP-basic.deliver-tag-increases"],
                event,
                "delivery tag 1 on the first delivery of a channel",
                format!("delivery tag {tag}"),
            );
        }
        self.last_tag = self.last_tag.max(Some(tag));
    }

    fn judge_stranger(&self, event: u64, tag: &Bytes, findings: &mut Findings) {
        if self.any_tag {
            return;
        }
        let waiting = self.asked.iter().any(|(asked, _)| asked == tag || asked.is_empty());
        let (statement, expected) = if waiting {
            ("amqp-0-9-1/AMQP-4.6-effects-after-reply", "deliveries only after basic.consume-ok")
        } else if self.over.contains(tag) {
            ("amqp-0-9-1/AMQP-basic.cancel-stops", "no delivery to a consumer after its end")
        } else {
            ("amqp-0-9-1/AMQP-3.1.6-consumer-channel-scope", "deliveries only to consumers of this channel")
        };
        let shown = mqspec_wire::Value::Bytes(tag.clone());
        findings.must(&[statement], event, expected, format!("a basic.deliver for {shown}"));
    }
}
