//! What an MQTT client does when something happens.

use std::time::Duration;

use mqspec_conformance::plan::Ending;
use mqspec_wire::{Draft, Packet, Value};

use super::super::request::{field, number, set};
use super::super::{Duties, Move, Outstanding};
use super::{FIRST_ERROR, Mqtt, Phase};

/// 5.0 §3.14.2.1: somebody else is this client now.
const SESSION_TAKEN_OVER: i128 = 0x8E;

impl Duties for Mqtt {
    fn ask(&mut self, request: Draft) {
        self.queue.push_back(request);
    }

    fn wants_connection(&self) -> bool {
        self.wanted
    }

    fn on_open(&mut self, moves: &mut Vec<Move>) {
        self.phase = Phase::Asking;
        self.connects += 1;
        let resumes = !self.told && self.lasts();
        let connect = with_own_will(self.connect.clone(), self.connects);
        moves.push(Move::Send(if resumes { set(connect, "clean_start", false) } else { connect }));
    }

    fn on_end(&mut self) {
        self.phase = Phase::Away;
        self.awaiting_pingresp = false;
        for message in &mut self.session.unsettled {
            message.sent = false;
        }
    }

    fn on_packet(&mut self, packet: &Packet, moves: &mut Vec<Move>) {
        let id = packet.integer("packet_id").unwrap_or(0);
        let failed = packet.integer("reason_code").is_some_and(|code| code >= FIRST_ERROR);
        match packet.name {
            "connack" if self.phase == Phase::Asking => self.on_connack(packet, moves),
            "publish" => self.on_publish(packet, moves),
            "puback" | "pubcomp" => self.session.unsettled.retain(|message| message.packet_id != id),
            "pubrec" => self.on_pubrec(id, failed, moves),
            "pubrel" => {
                self.session.incoming.remove(&id);
                moves.push(Move::Send(Draft::new("pubcomp").with("packet_id", id)));
            }
            "suback" => self.on_suback(id, packet),
            "unsuback" => drop(self.requests.remove(&id)),
            "pingresp" => self.awaiting_pingresp = false,
            "disconnect" if packet.integer("reason_code") == Some(SESSION_TAKEN_OVER) => self.wanted = false,
            _ => {}
        }
    }

    fn proceed(&mut self, moves: &mut Vec<Move>) {
        if self.phase == Phase::Up {
            self.resend(moves);
        }
        while let Some(request) = self.queue.pop_front() {
            let before = moves.len();
            if !self.begin(&request, moves) {
                self.queue.push_front(request);
                return;
            }
            // What ends or replaces the connection comes last; the rest follows when that is done.
            if moves.iter().skip(before).any(|next| !matches!(next, Move::Send(_))) {
                return;
            }
        }
    }

    fn longest_silence(&self) -> Option<Duration> {
        let secs = u64::try_from(number(&self.connect, "keep_alive")).unwrap_or(0);
        (self.phase == Phase::Up && secs > 0).then(|| Duration::from_millis(secs * 700))
    }

    fn on_silence(&mut self, moves: &mut Vec<Move>) {
        if self.awaiting_pingresp {
            // [MQTT-3.1.2-24] (both versions) says it of the server; a client gives up the same way.
            moves.push(Move::Close(Ending::Reset));
        } else {
            self.awaiting_pingresp = true;
            moves.push(Move::Send(Draft::new("pingreq")));
        }
    }

    fn is_connected(&self) -> bool {
        self.phase == Phase::Up
    }

    fn outstanding(&self) -> Vec<Outstanding> {
        let mut outstanding = Vec::new();
        let mut add = |answer, about: String| outstanding.push(Outstanding { answer, about });
        if !self.queue.is_empty() {
            add("turn", format!("{} requests", self.queue.len()));
        }
        match (self.wanted, self.phase) {
            (false, _) => return outstanding,
            (true, Phase::Away) => add("connection", String::from("to the broker")),
            (true, Phase::Asking) => add("connack", String::from("for the CONNECT")),
            (true, Phase::Up) => {}
        }
        for message in &self.session.unsettled {
            let answer = match (message.released, number(&message.publish, "qos")) {
                (true, _) => "pubcomp",
                (false, 1) => "puback",
                (false, _) => "pubrec",
            };
            add(answer, format!("for packet_id {}", message.packet_id));
        }
        for (id, request) in &self.requests {
            let answer = if request.name == "subscribe" { "suback" } else { "unsuback" };
            add(answer, format!("for packet_id {id}"));
        }
        for id in &self.session.incoming {
            add("pubrel", format!("for packet_id {id}"));
        }
        outstanding
    }
}

/// The CONNECT with the number of the connection behind its will's payload, from the second on: so that everybody can
/// tell whose will was published.
fn with_own_will(connect: Draft, number: u32) -> Draft {
    let Some(Value::Bytes(payload)) = field(&connect, "will_payload").filter(|_| number > 1) else {
        return connect;
    };
    let payload = [payload, format!("-{number}").as_bytes()].concat();
    set(connect, "will_payload", Value::Bytes(payload.into()))
}
