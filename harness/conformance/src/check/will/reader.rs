//! What a trace tells of every CONNECT with a will.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use mqspec_wire::{Packet, Side, Spec};

use super::super::mqtt_history::Message;
use super::super::mqtt_packet;
use crate::plan::{ActorId, Ending};
use crate::trace::{ConnectionNumber, EndedBy, Event, Fate, Trace, UNTOLD, What};

/// An event and its time.
type Moment = (u64, Duration);

type Key = (ActorId, ConnectionNumber);

/// A connection with a will.
#[derive(Debug)]
pub(super) struct Will {
    pub(super) spec: Spec,
    pub(super) message: Message,
    pub(super) qos: u8,
    /// How long it waits before it is published (5.0); a reconnection takes it back meanwhile.
    pub(super) delay: Duration,
    /// It may expire before it is delivered.
    pub(super) expires: bool,
    pub(super) accepted: bool,
    /// The client said DISCONNECT in good order, and it arrived.
    pub(super) recalled: Option<u64>,
    /// The client said something in farewell that a broker may or may not have seen, or not understood.
    pub(super) unclear: bool,
    pub(super) ended: Option<u64>,
    /// The first event after which the broker may have ended the connection, by itself or because it noticed its end.
    pub(super) over: Option<u64>,
    /// After how long a silence the broker must end the connection; `None`: never.
    pub(super) patience: Option<Duration>,
    /// When the client was heard last, at the latest; `None`: a fault made it late, and how late nobody knows.
    pub(super) heard: Option<Duration>,
    /// When the broker was told that the connection has ended, where our side ended it.
    pub(super) closed: Option<Duration>,
    /// When its session was resumed in time, so that it must not be published: the event.
    pub(super) cancelled: Option<u64>,
    client: Bytes,
    /// The next connection of the client.
    successor: Option<Key>,
    /// When the connection was certainly alive for the broker.
    alive: Moment,
    /// When the client was heard last.
    latest: Moment,
    /// Requests by their answer and packet identifier: when each was sent.
    requests: BTreeMap<(&'static str, i128), Moment>,
}

/// Every CONNECT with a will, in order.
pub(super) fn wills(trace: &Trace) -> Vec<Will> {
    let mut reader = Reader::default();
    for event in &trace.events {
        match &event.what {
            What::Sent { actor, connection, packet, fate } if fate.may_reach() => {
                if let Some(spec) = trace.actor_spec(*actor).filter(|spec| spec.is_mqtt()) {
                    reader.on_sent(spec, (*actor, *connection), event, packet, *fate);
                }
            }
            What::Received { actor, connection, packet, .. } => {
                reader.on_received((*actor, *connection), event, packet);
            }
            What::Ended { actor, connection, by, how, .. } => {
                let told = !reader.untold.remove(actor);
                reader.on_ended((*actor, *connection), event, told, *by, *how);
            }
            What::Fault { actor: Some(actor), text } if text.ends_with(UNTOLD) => {
                reader.untold.insert(*actor);
            }
            What::Broker { .. } => {
                for index in reader.current.values() {
                    if let Some(will) = reader.wills.get_mut(*index) {
                        will.over.get_or_insert(event.sequence);
                    }
                }
            }
            What::Sent { .. }
            | What::Opened { .. }
            | What::OpenFailed { .. }
            | What::Step { .. }
            | What::Fault { .. }
            | What::Bound { .. } => {}
        }
    }
    reader.wills
}

#[derive(Debug, Default)]
struct Reader {
    wills: Vec<Will>,
    /// The will of a connection.
    current: BTreeMap<Key, usize>,
    /// The client identifiers of CONNECTs that resume a session and have no answer yet.
    resuming: BTreeMap<Key, Bytes>,
    /// Actors whose connection is about to end without the broker being told.
    untold: BTreeSet<ActorId>,
}

impl Reader {
    fn will(&mut self, key: Key) -> Option<&mut Will> {
        self.current.get(&key).and_then(|index| self.wills.get_mut(*index))
    }

    fn on_sent(&mut self, spec: Spec, key: Key, event: &Event, packet: &Packet, fate: Fate) {
        if packet.name != "connect" {
            if let Some(will) = self.will(key) {
                will.on_sent(event, packet, fate);
            }
            return;
        }
        let client = mqtt_packet::bytes(packet, "client_id");
        // A newer connection of the client takes the place of the older ones.
        for will in self.wills.iter_mut().filter(|will| will.client == client) {
            will.successor.get_or_insert(key);
            will.over.get_or_insert(event.sequence);
        }
        if !mqtt_packet::flag(packet, "clean_start") {
            self.resuming.insert(key, client);
        }
        if let Some(will) = will_of(spec, packet, event, fate) {
            self.current.insert(key, self.wills.len());
            self.wills.push(will);
        }
    }

    fn on_received(&mut self, key: Key, event: &Event, packet: &Packet) {
        if packet.name == "connack" && mqtt_packet::reason_code(packet) == 0 {
            let resumed = self.resuming.remove(&key).filter(|_| mqtt_packet::flag(packet, "session_present"));
            if let Some(client) = resumed {
                self.cancel(key, event, &client);
            }
            if let Some(will) = self.will(key) {
                will.accepted = true;
            }
        }
        if let Some(will) = self.will(key)
            && let Some(asked) = will.requests.remove(&(packet.name, mqtt_packet::packet_id(packet)))
        {
            will.alive = will.alive.max(asked);
        }
    }

    /// A session goes on: a will that still waits for it is not published any more (5.0 section 3.1.3.2.2).
    fn cancel(&mut self, key: Key, event: &Event, client: &Bytes) {
        // After a connection between the two it may be another session.
        let before =
            self.wills.iter_mut().filter(|will| will.successor == Some(key) && will.client == *client);
        for will in before {
            let in_time = event.at.saturating_sub(will.alive.1) + super::MARGIN < will.delay;
            will.cancelled = in_time.then_some(event.sequence);
        }
    }

    fn on_ended(&mut self, key: Key, event: &Event, told: bool, by: EndedBy, how: Ending) {
        self.resuming.remove(&key);
        let index = self.current.remove(&key);
        if let Some(will) = index.and_then(|index| self.wills.get_mut(index)) {
            will.ended = Some(event.sequence);
            will.closed = (told && by != EndedBy::Peer(Side::Server)).then_some(event.at);
            // Where the broker ended it, it did so at some time after it was heard of last; so it may have, too, where a
            // client has a keep alive.
            let first = match by {
                EndedBy::Peer(Side::Server) => will.alive.0,
                _ if will.patience.is_some() => will.latest.0,
                EndedBy::Peer(Side::Client) | EndedBy::Fault => event.sequence,
            };
            will.over = Some(will.over.unwrap_or(first).min(first));
            // What a dying network or a reset overtakes may never come to be read.
            let overtaken = by == EndedBy::Fault || (by, how) == (EndedBy::Peer(Side::Client), Ending::Reset);
            will.unclear |= overtaken && will.recalled.is_some();
        }
    }
}

fn will_of(spec: Spec, connect: &Packet, event: &Event, fate: Fate) -> Option<Will> {
    let topic: Bytes = connect.bytes("will_topic")?.clone();
    let seconds = |name| connect.integer(name).and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0);
    let keep_alive = seconds("keep_alive");
    Some(Will {
        spec,
        message: (topic, mqtt_packet::bytes(connect, "will_payload")),
        qos: connect.integer("will_qos").and_then(|qos| u8::try_from(qos).ok()).unwrap_or(0),
        delay: Duration::from_secs(seconds("will_delay_interval")),
        expires: connect.get("will_message_expiry_interval").is_some(),
        accepted: false,
        recalled: None,
        unclear: !connect.oddities.is_empty(),
        ended: None,
        over: None,
        patience: (keep_alive > 0).then(|| Duration::from_millis(1500 * keep_alive)),
        heard: (fate == Fate::Passed).then_some(event.at),
        closed: None,
        cancelled: None,
        client: mqtt_packet::bytes(connect, "client_id"),
        successor: None,
        alive: (event.sequence, event.at),
        latest: (event.sequence, event.at),
        requests: BTreeMap::new(),
    })
}

impl Will {
    fn on_sent(&mut self, event: &Event, packet: &Packet, fate: Fate) {
        self.latest = (event.sequence, event.at);
        self.heard = self.heard.filter(|_| fate == Fate::Passed).map(|_| event.at);
        let answer = match packet.name {
            "publish" if mqtt_packet::qos(packet) == 2 => "pubrec",
            "publish" => "puback",
            "pubrel" => "pubcomp",
            "subscribe" => "suback",
            "unsubscribe" => "unsuback",
            "pingreq" => "pingresp",
            _ => "nothing",
        };
        self.requests.insert((answer, mqtt_packet::packet_id(packet)), self.latest);
        if packet.name == "unknown" || !packet.oddities.is_empty() {
            self.unclear = true;
        } else if packet.name == "disconnect" {
            // Any other code than 0x00 keeps the will; whether a lost one counted nobody knows.
            let plain = mqtt_packet::reason_code(packet) == 0 && fate == Fate::Passed;
            if plain && self.recalled.is_none() && self.ended.is_none() {
                self.recalled = Some(event.sequence);
            } else {
                self.unclear = true;
            }
        }
    }
}
