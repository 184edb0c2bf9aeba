//! Publisher confirms and returned messages on one channel (RabbitMQ's extension).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mqspec_wire::Packet;

use super::super::amqp_packet::{bytes, flag, unsigned};
use super::super::judge::Findings;

/// Exchange and routing key: what a return repeats.
type Target = (Bytes, Bytes);

/// What a channel's publishes have been told.
#[derive(Debug, Default)]
pub(super) struct Confirms {
    selected: bool,
    published: u64,
    outstanding: BTreeSet<u64>,
    /// The numbers that were settled, and whether by a basic.nack.
    settled: BTreeMap<u64, bool>,
    /// Mandatory publishes by number.
    mandatory: BTreeMap<u64, Target>,
    returnable: BTreeMap<Target, Returnable>,
}

/// Mandatory publishes to one target.
#[derive(Debug, Default)]
struct Returnable {
    /// Those that are not settled.
    unsettled: u64,
    /// Returns seen for them.
    returned: u64,
}

impl Confirms {
    /// A client's method.
    pub(super) fn on_sent(&mut self, packet: &Packet) {
        match packet.name {
            "confirm.select" => self.selected = true,
            "basic.publish" => {
                if self.selected {
                    self.published += 1;
                    self.outstanding.insert(self.published);
                }
                if flag(packet, "mandatory") || flag(packet, "immediate") {
                    let target = (bytes(packet, "exchange"), bytes(packet, "routing_key"));
                    self.returnable.entry(target.clone()).or_default().unsettled += 1;
                    if self.selected {
                        self.mandatory.insert(self.published, target);
                    }
                }
            }
            _ => {}
        }
    }

    /// Judges a broker's method.
    pub(super) fn on_received(&mut self, event: u64, packet: &Packet, findings: &mut Findings) {
        match packet.name {
            "basic.ack" | "basic.nack" => self.on_confirm(event, packet, findings),
            "basic.return" => self.on_return(event, packet, findings),
            _ => {}
        }
    }

    fn on_confirm(&mut self, event: u64, packet: &Packet, findings: &mut Findings) {
        let (tag, multiple) = (unsigned(packet, "delivery_tag"), flag(packet, "multiple"));
        let refused = packet.name == "basic.nack";
        let seen = format!("a {} of {tag}, multiple={multiple}", packet.name);
        if !self.selected {
            let expected = "no confirms without confirm.select";
            findings.must(&["rabbitmq/RMQ-capabilities-absent"], event, expected, seen);
            return;
        }
        if tag > self.published {
            let expected = format!("a confirm for one of the {} publishes", self.published);
            findings.must(&["rabbitmq/RMQ-confirm-sequence-from-one"], event, expected, seen);
            return;
        }
        let settled: Vec<_> = if multiple {
            let later = self.outstanding.split_off(&tag.saturating_add(1));
            std::mem::replace(&mut self.outstanding, later).into_iter().collect()
        } else {
            self.outstanding.take(&tag).into_iter().collect()
        };
        if settled.is_empty() {
            let statement = match self.settled.get(&tag) {
                Some(before) if *before != refused => "rabbitmq/RMQ-confirm-never-both",
                Some(_) | None => "rabbitmq/RMQ-confirm-all-acknowledged",
            };
            findings.must(&[statement], event, "each publish confirmed once", format!("{seen}, again"));
        }
        for number in settled {
            self.settled.insert(number, refused);
            if let Some(returnable) =
                self.mandatory.remove(&number).and_then(|target| self.returnable.get_mut(&target))
            {
                returnable.unsettled = returnable.unsettled.saturating_sub(1);
                // Which of several this return was for cannot be told; assume the one that helps.
                returnable.returned = returnable.returned.saturating_sub(1);
            }
        }
    }

    fn on_return(&mut self, event: u64, packet: &Packet, findings: &mut Findings) {
        let target = (bytes(packet, "exchange"), bytes(packet, "routing_key"));
        match self.returnable.get_mut(&target) {
            Some(returnable) if returnable.returned < returnable.unsettled => returnable.returned += 1,
            Some(_) if self.selected => findings.must(
                &["rabbitmq/RMQ-confirm-return-before-ack"],
                event,
                "the return of a mandatory message before its confirm",
                "a basic.return when all such messages were confirmed or returned",
            ),
            Some(_) | None => findings.must(
                &["amqp-0-9-1/AMQP-basic.publish.mandatory-clear-dropped"],
                event,
                "returns only of messages that were published as mandatory, with their exchange and key",
                "a basic.return that matches none",
            ),
        }
    }
}
