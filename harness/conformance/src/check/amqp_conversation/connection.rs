//! One AMQP connection: its handshake, its limits and its end.

use std::collections::BTreeMap;

use mqspec_wire::{Packet, Value};

use super::super::amqp_packet::{channel, entries, entry, table, unsigned};
use super::super::judge::Findings;
use super::channel::Channel;
use super::replies::Replies;

/// How far the handshake has come (section 2.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Nothing,
    Header,
    Start,
    StartOk,
    Tune,
    TuneOk,
    Open,
    OpenOk,
}

/// A connection so far.
#[derive(Debug, Default)]
pub(super) struct Connection {
    stage: Stage,
    /// The broker's frames cannot be followed.
    blind: bool,
    /// The tester broke a rule: how a broker goes on is its own affair.
    tester_at_fault: bool,
    offered_frame_max: u64,
    offered_channel_max: u64,
    /// The agreed limit in bytes, frame header and end included.
    frame_max: Option<u64>,
    /// The broker's last method.
    farewell: Option<&'static str>,
    notify_cancel: bool,
    notify_blocked: bool,
    replies: Replies,
    channels: BTreeMap<u16, Channel>,
}

impl Connection {
    /// From here on frames of the broker are missing.
    pub(super) fn lose_sight(&mut self) {
        self.blind = true;
    }

    /// The client saw something else than the broker sent: what it answers is not its own doing.
    pub(super) fn mislead(&mut self) {
        self.tester_at_fault = true;
    }

    /// The client sends.
    pub(super) fn on_sent(&mut self, packet: &Packet) {
        if !packet.oddities.is_empty() || packet.name == "unknown" || !self.client_may(packet) {
            self.tester_at_fault = true;
        }
    }

    /// Follows a client's frame; false if it breaks a rule.
    fn client_may(&mut self, packet: &Packet) -> bool {
        match (packet.name, self.stage) {
            ("protocol-header", Stage::Nothing) => self.stage = Stage::Header,
            ("connection.start-ok", Stage::Start) => {
                self.stage = Stage::StartOk;
                let capabilities = entries(entry(table(packet, "client_properties"), "capabilities"));
                let has = |name| entry(capabilities, name).and_then(Value::as_bool) == Some(true);
                self.notify_cancel = has("consumer_cancel_notify");
                self.notify_blocked = has("connection.blocked");
            }
            ("connection.secure-ok", Stage::StartOk) => {}
            ("connection.tune-ok", Stage::Tune) => {
                self.stage = Stage::TuneOk;
                return self.agree(packet);
            }
            ("connection.open", Stage::TuneOk) => {
                self.stage = Stage::Open;
                self.replies.on_sent(packet);
            }
            ("connection.close" | "connection.close-ok" | "heartbeat" | "connection.update-secret", _) => {
                self.replies.on_sent(packet);
            }
            (name, Stage::OpenOk) if !name.starts_with("connection.") && channel(packet) > 0 => {
                return self.channels.entry(channel(packet)).or_default().on_sent(packet);
            }
            _ => return false,
        }
        true
    }

    /// Takes over the agreed limits; false if the client exceeds what was offered.
    fn agree(&mut self, tune_ok: &Packet) -> bool {
        let within = |value: u64, offered: u64| offered == 0 || (value != 0 && value <= offered);
        let frame_max = unsigned(tune_ok, "frame_max");
        self.frame_max = Some(frame_max).filter(|limit| *limit > 0);
        within(frame_max, self.offered_frame_max)
            && within(unsigned(tune_ok, "channel_max"), self.offered_channel_max)
    }

    /// The broker sends.
    pub(super) fn on_received(&mut self, event: u64, packet: &Packet, findings: &mut Findings) {
        if packet.name == "unknown" {
            self.blind = true;
        }
        if self.blind || packet.name == "heartbeat" && self.farewell.is_some() {
            return;
        }
        if let Some(farewell) = self.farewell {
            if packet.name != "connection.close-ok" || farewell == "connection.close-ok" {
                findings.must(
                    &["amqp-0-9-1/AMQP-2.3.7-handshake-close"],
                    event,
                    format!("nothing after {farewell}"),
                    format!("a {}", packet.name),
                );
            }
            return;
        }
        if matches!(packet.name, "connection.close" | "connection.close-ok") {
            self.farewell = Some(packet.name);
        }
        if self.tester_at_fault {
            return;
        }
        self.judge_size(event, packet, findings);
        self.judge_capabilities(event, packet, findings);
        self.judge_place(event, packet, findings);
    }

    fn judge_size(&self, event: u64, packet: &Packet, findings: &mut Findings) {
        let size = u64::try_from(packet.raw.len()).unwrap_or(u64::MAX);
        if let Some(limit) = self.frame_max.filter(|limit| size > *limit) {
            findings.must(
                &["amqp-0-9-1/AMQP-4.2.3-frame-max-sender"],
                event,
                format!("frames of at most {limit} bytes, as agreed"),
                format!("a {} of {size} bytes", packet.name),
            );
        }
    }

    fn judge_capabilities(&self, event: u64, packet: &Packet, findings: &mut Findings) {
        let unasked = match packet.name {
            "basic.cancel" => !self.notify_cancel,
            "connection.blocked" | "connection.unblocked" => !self.notify_blocked,
            _ => false,
        };
        if unasked {
            findings.must(
                &["rabbitmq/RMQ-capabilities-absent"],
                event,
                "no extension method that the client did not announce in its capabilities",
                format!("a {}", packet.name),
            );
        }
    }

    fn judge_place(&mut self, event: u64, packet: &Packet, findings: &mut Findings) {
        match (packet.name, self.stage) {
            ("connection.start", Stage::Header) => self.stage = Stage::Start,
            ("connection.tune", Stage::StartOk) => {
                self.stage = Stage::Tune;
                self.offered_frame_max = unsigned(packet, "frame_max");
                self.offered_channel_max = unsigned(packet, "channel_max");
            }
            ("connection.open-ok", Stage::Open) => self.stage = Stage::OpenOk,
            // The answer to a header that the broker does not speak.
            ("protocol-header", Stage::Header) => self.blind = true,
            ("connection.secure", Stage::StartOk)
            | (
                "connection.blocked" | "connection.unblocked" | "connection.update-secret-ok",
                Stage::OpenOk,
            ) => {}
            ("connection.close", stage) if stage >= Stage::Start => {}
            ("heartbeat", stage) if stage >= Stage::Tune => {}
            ("connection.close-ok", _) => self.replies.on_received(event, packet, findings),
            (name, Stage::OpenOk) if !name.starts_with("connection.") && channel(packet) > 0 => {
                let channel = self.channels.entry(channel(packet)).or_default();
                channel.on_received(event, packet, findings);
            }
            (name, _) => findings.must(
                &["amqp-0-9-1/AMQP-2.2.4-open-sequence"],
                event,
                "the handshake's methods in their order, each once, and others only after connection.open-ok",
                format!("a {name} out of turn"),
            ),
        }
    }
}
