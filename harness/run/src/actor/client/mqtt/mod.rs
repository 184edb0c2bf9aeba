//! An MQTT client's duties: both QoS exchanges from either side, and the session that outlives a connection.

mod duties;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mqspec_conformance::plan::Ending;
use mqspec_wire::{Draft, Packet, Spec, Value};

use super::Move;
use super::request::{field, flag, number, set};

/// The first reason code that is an error (5.0 §2.4).
const FIRST_ERROR: i128 = 0x80;

/// How far the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// There is none.
    Away,
    /// CONNECT is out.
    Asking,
    /// CONNACK was success.
    Up,
}

/// A QoS 1 or 2 message of ours that is not settled.
#[derive(Debug)]
struct Unsettled {
    packet_id: i128,
    publish: Draft,
    /// PUBREC has come: what is owed to the broker is PUBREL.
    released: bool,
    /// It went out on this connection.
    sent: bool,
}

/// State that outlives a connection, on the client's side (4.1).
#[derive(Debug, Default)]
struct Session {
    /// In the order in which they were first sent.
    unsettled: Vec<Unsettled>,
    /// Packet identifiers of QoS 2 messages whose PUBREL has not come.
    incoming: BTreeSet<i128>,
}

/// The client's side of MQTT.
#[derive(Debug)]
pub(super) struct Mqtt {
    spec: Spec,
    connect: Draft,
    wanted: bool,
    phase: Phase,
    /// The plan asks for the next CONNECT, as it says; every other one resumes the session.
    told: bool,
    session: Session,
    /// SUBSCRIBE and UNSUBSCRIBE without an answer.
    requests: BTreeMap<i128, Draft>,
    /// What the application is subscribed to: filter, and the SUBSCRIBE for it alone.
    subscriptions: Vec<(Value, Draft)>,
    /// What is asked for and not begun.
    queue: VecDeque<Draft>,
    /// How many unsettled messages the broker takes at a time.
    receive_maximum: usize,
    last_identifier: u16,
    awaiting_pingresp: bool,
    /// How many CONNECTs it has sent.
    connects: u32,
}

impl Mqtt {
    pub(super) fn new(spec: Spec, connect: Draft) -> Self {
        Self {
            spec,
            connect,
            wanted: false,
            phase: Phase::Away,
            told: true,
            session: Session::default(),
            requests: BTreeMap::new(),
            subscriptions: Vec::new(),
            queue: VecDeque::new(),
            receive_maximum: usize::from(u16::MAX),
            last_identifier: 0,
            awaiting_pingresp: false,
            connects: 0,
        }
    }

    /// Whether the session is meant to outlive the connection.
    fn lasts(&self) -> bool {
        match self.spec {
            Spec::Mqtt50 => number(&self.connect, "session_expiry_interval") > 0,
            Spec::Mqtt311 | Spec::Amqp091 => !flag(&self.connect, "clean_start"),
        }
    }

    fn next_identifier(&mut self) -> i128 {
        loop {
            self.last_identifier = self.last_identifier.checked_add(1).unwrap_or(1);
            let id = i128::from(self.last_identifier);
            let taken = self.requests.contains_key(&id)
                || self.session.unsettled.iter().any(|message| message.packet_id == id);
            if !taken {
                return id;
            }
        }
    }

    /// Unsettled PUBLISH packets of this connection.
    fn in_flight(&self) -> usize {
        self.session.unsettled.iter().filter(|message| message.sent).count()
    }

    fn on_connack(&mut self, packet: &Packet, moves: &mut Vec<Move>) {
        if packet.integer("reason_code").unwrap_or(0) != 0 {
            moves.push(Move::Close(Ending::Fin));
            return;
        }
        self.phase = Phase::Up;
        self.receive_maximum = packet
            .integer("receive_maximum")
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(usize::from(u16::MAX));
        let fresh = self.told && flag(&self.connect, "clean_start");
        self.told = false;
        let requests: Vec<Draft> = std::mem::take(&mut self.requests).into_values().collect();
        if packet.bool("session_present") == Some(true) {
            for request in requests {
                self.request(request, moves);
            }
        } else {
            // [MQTT-3.2.2-5] (5.0) the session is gone on both sides.
            self.session = Session::default();
            if fresh {
                self.subscriptions.clear();
            }
            for (_, subscribe) in self.subscriptions.clone() {
                self.request(subscribe, moves);
            }
        }
        self.resend(moves);
    }

    /// Sends what a resumed session owes, in order, as far as the broker takes it (4.4, 4.6).
    fn resend(&mut self, moves: &mut Vec<Move>) {
        let room = self.receive_maximum.saturating_sub(self.in_flight());
        for message in self.session.unsettled.iter_mut().filter(|message| !message.sent).take(room) {
            message.sent = true;
            moves.push(Move::Send(if message.released {
                Draft::new("pubrel").with("packet_id", message.packet_id)
            } else {
                set(message.publish.clone(), "dup", true)
            }));
        }
    }

    /// Sends a SUBSCRIBE or UNSUBSCRIBE.
    fn request(&mut self, draft: Draft, moves: &mut Vec<Move>) {
        let id = self.next_identifier();
        self.requests.insert(id, draft.clone());
        moves.push(Move::Send(set(draft, "packet_id", id)));
    }

    /// Remembers what the application is subscribed to, one SUBSCRIBE for each filter.
    fn remember(&mut self, subscribe: &Draft) {
        let Some(Value::List(entries)) = field(subscribe, "subscriptions") else { return };
        for entry in entries {
            let Some(filter) = filter_of(entry) else { continue };
            let alone = set(subscribe.clone(), "subscriptions", Value::List(vec![entry.clone()]));
            self.subscriptions.retain(|(known, _)| *known != filter);
            self.subscriptions.push((filter, alone));
        }
    }

    fn forget(&mut self, unsubscribe: &Draft) {
        let Some(Value::List(filters)) = field(unsubscribe, "filters") else { return };
        self.subscriptions.retain(|(known, _)| !filters.contains(known));
    }

    /// Begins what is asked for; `false`: it must wait, with everything behind it.
    fn begin(&mut self, request: &Draft, moves: &mut Vec<Move>) -> bool {
        match &*request.name {
            "connect" => {
                self.connect = request.clone();
                self.told = true;
                if self.phase == Phase::Up {
                    moves.push(Move::TakeOver);
                }
                self.wanted = true;
                return true;
            }
            "disconnect" if !self.wanted => return true,
            _ => self.wanted = true,
        }
        if self.phase != Phase::Up {
            return false;
        }
        match &*request.name {
            // One after the other: what two of them under way amount to is nobody's to say.
            "subscribe" | "unsubscribe" if !self.requests.is_empty() => return false,
            "disconnect" => {
                self.wanted = false;
                moves.push(Move::Send(request.clone()));
                moves.push(Move::Close(Ending::Fin));
            }
            "subscribe" => {
                self.remember(request);
                self.request(request.clone(), moves);
            }
            "unsubscribe" => {
                self.forget(request);
                self.request(request.clone(), moves);
            }
            "publish" if number(request, "qos") > 0 => {
                let waits = self.session.unsettled.iter().any(|message| !message.sent);
                if waits || self.in_flight() >= self.receive_maximum {
                    return false;
                }
                let packet_id = self.next_identifier();
                let publish = set(request.clone(), "packet_id", packet_id);
                moves.push(Move::Send(publish.clone()));
                self.session.unsettled.push(Unsettled { packet_id, publish, released: false, sent: true });
            }
            _ => moves.push(Move::Send(request.clone())),
        }
        true
    }

    fn on_publish(&mut self, packet: &Packet, moves: &mut Vec<Move>) {
        let Some(id) = packet.integer("packet_id") else { return };
        let answer = match packet.integer("qos") {
            Some(1) => "puback",
            Some(2) => {
                self.session.incoming.insert(id);
                "pubrec"
            }
            _ => return,
        };
        moves.push(Move::Send(Draft::new(answer).with("packet_id", id)));
    }

    fn on_pubrec(&mut self, id: i128, failed: bool, moves: &mut Vec<Move>) {
        if failed {
            self.session.unsettled.retain(|message| message.packet_id != id);
            return;
        }
        if let Some(message) = self.session.unsettled.iter_mut().find(|message| message.packet_id == id) {
            message.released = true;
        }
        moves.push(Move::Send(Draft::new("pubrel").with("packet_id", id)));
    }

    fn on_suback(&mut self, id: i128, packet: &Packet) {
        let Some(subscribe) = self.requests.remove(&id) else { return };
        let (Some(Value::List(entries)), Some(Value::List(codes))) =
            (field(&subscribe, "subscriptions"), packet.get("reason_codes"))
        else {
            return;
        };
        for (entry, code) in entries.iter().zip(codes) {
            if code.as_integer().is_some_and(|code| code >= FIRST_ERROR)
                && let Some(refused) = filter_of(entry)
            {
                self.subscriptions.retain(|(known, _)| *known != refused);
            }
        }
    }
}

/// The filter of an entry of `subscriptions`.
fn filter_of(entry: &Value) -> Option<Value> {
    let Value::Map(fields) = entry else { return None };
    fields.iter().find(|(name, _)| name.as_ref() == b"filter").map(|(_, value)| value.clone())
}
