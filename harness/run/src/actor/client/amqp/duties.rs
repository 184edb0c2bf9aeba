//! What an AMQP client does when something happens.

use std::time::Duration;

use mqspec_conformance::plan::Ending;
use mqspec_wire::{Draft, Packet, Spec, shape};

use super::super::request::number;
use super::super::{Duties, Move, Outstanding};
use super::{Amqp, Phase};

/// The reply code with which a broker goes down; it is about nothing that the client did.
const CONNECTION_FORCED: i128 = 320;

impl Duties for Amqp {
    fn ask(&mut self, request: Draft) {
        self.queue.push_back(request);
    }

    fn wants_connection(&self) -> bool {
        self.wanted
    }

    fn on_open(&mut self, moves: &mut Vec<Move>) {
        self.phase = Phase::Asking;
        moves.push(Move::Send(Draft::new("protocol-header")));
    }

    fn on_end(&mut self) {
        self.phase = Phase::Away;
        self.closing = false;
        self.first.clear();
        // Whether it was done nobody knows; what belongs to the topology is done again.
        self.call = None;
    }

    fn on_packet(&mut self, packet: &Packet, moves: &mut Vec<Move>) {
        let channel = packet.integer("channel").unwrap_or(0);
        if self.answers_call(packet) {
            self.call = None;
        }
        match packet.name {
            "connection.start" => moves.push(Move::Send(self.start_ok())),
            "connection.tune" => self.on_tune(packet, moves),
            "connection.open-ok" => self.on_open_ok(moves),
            "connection.close" => {
                if let Some(call) = self.call.take() {
                    self.topology.forget(&call);
                }
                if packet.integer("reply_code") != Some(CONNECTION_FORCED) {
                    self.channels.values_mut().for_each(|channel| channel.unconfirmed.clear());
                }
                moves.push(Move::Send(Draft::new("connection.close-ok").with("channel", 0)));
            }
            "connection.close-ok" => moves.push(Move::Close(Ending::Fin)),
            "channel.open-ok" => self.on_channel_open(channel),
            "channel.close" => self.on_channel_close(packet, channel, moves),
            "channel.flow" => {
                let active = packet.bool("active").unwrap_or(true);
                let answer = Draft::new("channel.flow-ok").with("channel", channel).with("active", active);
                moves.push(Move::Send(answer));
            }
            "basic.deliver" | "basic.get-ok" if self.recovers(channel) => {}
            "basic.deliver" if self.wants_answers(packet) => self.on_delivery(packet, moves),
            "basic.get-ok" => self.on_delivery(packet, moves),
            "basic.ack" | "basic.nack" => self.on_confirm(packet),
            _ => {}
        }
    }

    fn proceed(&mut self, moves: &mut Vec<Move>) {
        while self.phase == Phase::Up && !self.closing && self.call.is_none() {
            let Some(request) = self.first.pop_front() else { break };
            if !self.send(&request, moves) {
                self.first.push_front(request);
                return;
            }
        }
        while !self.closing
            && let Some(request) = self.queue.pop_front()
        {
            if !self.begin(&request, moves) {
                self.queue.push_front(request);
                return;
            }
        }
    }

    fn longest_silence(&self) -> Option<Duration> {
        let seconds = u64::try_from(number(&self.connect, "heartbeat")).unwrap_or(0);
        (self.phase == Phase::Up && seconds > 0).then(|| Duration::from_millis(seconds * 500))
    }

    fn on_silence(&mut self, moves: &mut Vec<Move>) {
        moves.push(Move::Send(Draft::new("heartbeat").with("channel", 0)));
    }

    fn is_connected(&self) -> bool {
        self.phase == Phase::Up
    }

    fn outstanding(&self) -> Vec<Outstanding> {
        let mut outstanding = Vec::new();
        let mut add = |answer, about: String| outstanding.push(Outstanding { answer, about });
        let waiting = self.queue.len() + self.first.len();
        if waiting > 0 {
            add("turn", format!("for {waiting} requests"));
        }
        match (self.wanted, self.phase) {
            (false, Phase::Away) => return outstanding,
            (true, Phase::Away) => add("connection", String::from("to the broker")),
            (_, Phase::Asking) => add("connection.open-ok", String::from("for the login")),
            (_, Phase::Up) => {}
        }
        if self.closing {
            add("connection.close-ok", String::from("for the farewell"));
        }
        for (number, channel) in &self.channels {
            if !channel.open {
                add("channel.open-ok", format!("for channel {number}"));
            }
            for tag in channel.unconfirmed.keys() {
                add("confirm", format!("for publish {tag} on channel {number}"));
            }
        }
        if let Some(call) = &self.call {
            let reply = shape(Spec::Amqp091, &call.name).and_then(|shape| shape.replies.first());
            add(reply.copied().unwrap_or("turn"), format!("for {}", call.name));
        }
        outstanding
    }
}
