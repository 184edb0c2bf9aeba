//! `check: session`: a session that is to outlive its connection does, with what is unfinished in it (MQTT
//! section 4.1, 4.4).

mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::guarantee::Parameters;
use super::judge::{Findings, Rule};
use super::mqtt_packet::{self, flag, packet_id, qos};
use crate::plan::ActorId;
use crate::trace::{ConnectionNumber, Event, Trace, UNTOLD, What};
use crate::verdict::Finding;

use state::{Done, Session, show};

const NOT_RESENT: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.4.0-1"], mqtt_5_0: &["mqtt-5.0/MQTT-4.4.0-1"] };
const NOT_CLOSED: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.1.4-2"], mqtt_5_0: &["mqtt-5.0/MQTT-3.1.4-3"] };

/// How much earlier than by the trace's clock a session may end.
const MARGIN: Duration = Duration::from_secs(1);

type Key = (ActorId, ConnectionNumber);

/// Judges every client by its identifier. With `drained`, the scenario says that everything has had its time to
/// be sent again; with `durable`, the broker promises to keep sessions over restarts.
pub(super) fn judge(trace: &Trace, parameters: Parameters<'_>) -> Vec<Finding> {
    let mut judge = Judge {
        durable: parameters.is_set("durable"),
        lines: BTreeMap::new(),
        began: BTreeSet::new(),
        sessions: BTreeMap::new(),
        published: BTreeMap::new(),
        down: None,
        newest: BTreeMap::new(),
        untold: BTreeSet::new(),
        findings: Findings::new("session"),
    };
    for event in &trace.events {
        judge.take(trace, event);
    }
    if parameters.is_set("drained") {
        judge.judge_unfinished();
    }
    judge.findings.into_vec()
}

struct Judge {
    durable: bool,
    lines: BTreeMap<Key, Line>,
    /// The connections on which a CONNECT was sent.
    began: BTreeSet<Key>,
    /// By client identifier.
    sessions: BTreeMap<Bytes, Session>,
    /// When each message was published first, and how often it may have been; those with a will's words are left out.
    published: BTreeMap<(Bytes, Bytes), (Duration, u64)>,
    /// When the broker was killed or stopped last: the event, and the time.
    down: Option<(u64, Duration)>,
    /// The connection of each actor that was opened last, whatever was said on it.
    newest: BTreeMap<ActorId, ConnectionNumber>,
    /// Actors whose connection is about to end without the broker being told.
    untold: BTreeSet<ActorId>,
    findings: Findings,
}

/// A connection.
#[derive(Debug)]
struct Line {
    client: Bytes,
    /// The event of its CONNECT.
    asked: u64,
    clean_start: bool,
    /// How long its session outlives it; `None`: for ever.
    expiry: Option<Duration>,
    accepted: bool,
    /// Another CONNECT of the client was under way at the same time: nobody knows which the broker took first.
    crossed: bool,
    /// The client has said for how long its session is to be kept, before it was accepted.
    changed: bool,
    aliases: BTreeMap<i128, Bytes>,
    /// Requests whose answer proves that everything before was handled, by the answer's name and identifier.
    probes: BTreeMap<(&'static str, i128), u64>,
}

impl Judge {
    fn take(&mut self, trace: &Trace, event: &Event) {
        let spec = |actor: &ActorId| trace.actor_spec(*actor).filter(|spec| spec.is_mqtt());
        match &event.what {
            What::Sent { actor, connection, packet, fate } if fate.may_reach() => {
                if let Some(spec) = spec(actor) {
                    if packet.name == "publish" {
                        let message =
                            (mqtt_packet::bytes(packet, "topic"), mqtt_packet::bytes(packet, "payload"));
                        self.published.entry(message).or_insert((event.at, 0)).1 += 1;
                    }
                    self.on_sent(spec, (*actor, *connection), event.sequence, packet);
                }
            }
            What::Received { actor, connection, packet, fate } if fate.is_sent() => {
                if let Some(spec) = spec(actor) {
                    self.on_received(spec, (*actor, *connection), event, packet);
                }
            }
            What::Ended { actor, connection, .. } => {
                let told = !self.untold.remove(actor);
                self.on_ended((*actor, *connection), event.at, told);
            }
            What::Fault { actor: Some(actor), text } if text.ends_with(UNTOLD) => {
                self.untold.insert(*actor);
                // Of its older connections the actor hears nothing any more, their ends included.
                let newest = self.newest.get(actor);
                self.lines.retain(|key, _| key.0 != *actor || Some(&key.1) == newest);
            }
            // How long nobody ran it, a broker may not know: an absence can begin anew when it starts.
            What::Broker { text } if text == "started" => {
                for session in
                    self.sessions.values_mut().filter(|session| session.kept != Some(Duration::ZERO))
                {
                    session.away = session.away.map(|(earliest, _)| (earliest, event.at));
                }
            }
            // Its connections end with it, though a client may hear of that much later.
            What::Broker { .. } => {
                self.down = Some((event.sequence, event.at));
                for session in self.sessions.values_mut() {
                    session.unclear |= !self.durable;
                    session.away = session.away.or(Some((event.at, Duration::MAX)));
                }
            }
            What::Opened { actor, connection } => drop(self.newest.insert(*actor, *connection)),
            What::Sent { .. }
            | What::Received { .. }
            | What::OpenFailed { .. }
            | What::Step { .. }
            | What::Fault { .. }
            | What::Bound { .. } => {}
        }
    }

    fn on_connect(&mut self, spec: Spec, key: Key, asked: u64, packet: &Packet) {
        // A second CONNECT on a connection is an error, and begins nothing, whatever became of the first.
        if !self.began.insert(key) {
            return;
        }
        let client = mqtt_packet::bytes(packet, "client_id");
        if client.is_empty() || !packet.oddities.is_empty() {
            return;
        }
        let clean_start = flag(packet, "clean_start");
        let seconds = packet.integer("session_expiry_interval").unwrap_or(0);
        let expiry = match (spec, clean_start) {
            (Spec::Mqtt311, false) => None,
            (Spec::Mqtt311, true) => Some(Duration::ZERO),
            (Spec::Mqtt50 | Spec::Amqp091, _) => (seconds != i128::from(u32::MAX))
                .then(|| Duration::from_secs(u64::try_from(seconds).unwrap_or(0))),
        };
        // Without its CONNACK nobody knows whether this ended the session.
        if let Some(session) = self.sessions.get_mut(&client) {
            session.ending |= clean_start;
        }
        let mut crossed = false;
        for other in self.lines.values_mut().filter(|other| !other.accepted && other.client == client) {
            (other.crossed, crossed) = (true, true);
        }
        let line = Line {
            client,
            asked,
            clean_start,
            expiry,
            accepted: false,
            crossed,
            changed: false,
            aliases: BTreeMap::new(),
            probes: BTreeMap::new(),
        };
        self.lines.insert(key, line);
    }

    fn on_sent(&mut self, spec: Spec, key: Key, event: u64, packet: &Packet) {
        if packet.name == "connect" {
            return self.on_connect(spec, key, event, packet);
        }
        let Some(line) = self.lines.get_mut(&key) else { return };
        let id = packet_id(packet);
        match packet.name {
            "pingreq" => drop(line.probes.insert(("pingresp", 0), event)),
            "subscribe" => drop(line.probes.insert(("suback", id), event)),
            "unsubscribe" => drop(line.probes.insert(("unsuback", id), event)),
            "publish" if qos(packet) == 1 => drop(line.probes.insert(("puback", id), event)),
            "publish" if qos(packet) == 2 => drop(line.probes.insert(("pubrec", id), event)),
            "disconnect" => {
                let changed = packet.integer("session_expiry_interval").is_some();
                line.changed |= changed;
                if let Some(session) = self.sessions.get_mut(&line.client) {
                    session.unclear |= changed;
                }
            }
            _ => {}
        }
        if !line.accepted {
            return;
        }
        let Some(session) = self.sessions.get_mut(&line.client) else { return };
        match packet.name {
            "puback" | "pubrec" => {
                if let Some(open) = session.open.remove(&id) {
                    session
                        .done
                        .insert(id, Done { message: open.message, at: event, known: false, released: false });
                }
            }
            "pubcomp" => drop(session.released.remove(&id)),
            _ => {}
        }
    }

    fn on_received(&mut self, spec: Spec, key: Key, event: &Event, packet: &Packet) {
        if packet.name == "connack" {
            return self.on_connack(spec, key, event, packet);
        }
        let Some(line) = self.lines.get_mut(&key).filter(|line| line.accepted) else { return };
        let Some(session) = self.sessions.get_mut(&line.client) else { return };
        let id = packet_id(packet);
        if let Some(asked) = line.probes.remove(&(packet.name, id)) {
            session.done.values_mut().filter(|done| done.at < asked).for_each(|done| done.known = true);
        }
        match packet.name {
            "publish" if qos(packet) > 0 => {
                let Some(topic) = mqtt_packet::resolve(packet, &mut line.aliases) else { return };
                let message = (topic, mqtt_packet::bytes(packet, "payload"));
                let published = self.published.get(&message).copied();
                session.on_delivery(key, event.sequence, packet, message, published, &mut self.findings);
            }
            "pubrel" => {
                session.released.insert(id, (key, event.sequence));
                if let Some(done) = session.done.get_mut(&id) {
                    (done.known, done.released) = (true, true);
                }
            }
            _ => {}
        }
    }

    fn on_connack(&mut self, spec: Spec, key: Key, event: &Event, packet: &Packet) {
        let Some(line) = self.lines.get_mut(&key) else { return };
        if mqtt_packet::reason_code(packet) != 0 || line.accepted {
            return;
        }
        line.accepted = true;
        if let Some(seconds) = packet.integer("session_expiry_interval") {
            line.expiry = Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
        }
        // An answer that comes late, from a broker that is gone: so is the connection.
        let down = self.down.filter(|(down, _)| line.asked < *down);
        let away = down.map(|(_, at)| (at, Duration::MAX));
        let present = flag(packet, "session_present");
        let known = self.sessions.get_mut(&line.client);
        if let Some(known) = &known
            && !line.clean_start
            && !line.crossed
            && !known.unclear
            && !known.ending
        {
            known.judge_presence(present, event, &mut self.findings);
        }
        match known {
            Some(known) if present && !line.clean_start => {
                known.served_by = Some((key, true));
                known.absence = known.away.filter(|_| known.told).map(|(_, latest)| (latest, event.at));
                (known.kept, known.away) = (line.expiry, away);
                known.unclear |= known.ending;
            }
            _ => {
                let mut session = Session::new(spec, key, line.expiry);
                session.away = away;
                // A session that is older than the trace.
                session.unclear = present;
                self.sessions.insert(line.client.clone(), session);
            }
        }
        if let Some(session) = self.sessions.get_mut(&line.client) {
            session.taken_over = Some((key, event.sequence));
            session.unclear |= line.crossed || line.changed;
        }
    }

    fn on_ended(&mut self, key: Key, at: Duration, told: bool) {
        let Some(line) = self.lines.remove(&key) else { return };
        let Some(session) = self.sessions.get_mut(&line.client) else { return };
        if session.served_by.is_some_and(|(serving, _)| serving == key) {
            session.served_by = None;
            // One that the broker was not told of goes on for a time that nobody knows.
            let earliest = session.away.map_or(at, |(earliest, _)| earliest);
            session.away = Some((earliest, if told { at } else { Duration::MAX }));
            session.told = told;
        } else if !line.accepted {
            // This connection may have become the session's own, with another life.
            let expired = session
                .away
                .zip(session.kept)
                .is_some_and(|((earliest, _), kept)| at.saturating_sub(earliest) + MARGIN >= kept);
            session.unclear |= line.expiry != session.kept || expired;
            // It may have taken the place of one that serves it still for all we see, and the broker may not know that it ended.
            let latest = if told && session.away.is_some() { at } else { Duration::MAX };
            session.away = Some((session.away.map_or(at, |(earliest, _)| earliest), latest));
        }
    }

    /// Everything has had its time: an older connection of a client that is connected is closed, and what a resumed session
    /// still owes is lost.
    fn judge_unfinished(&mut self) {
        for (key, line) in self.lines.iter().filter(|(_, line)| line.accepted) {
            let Some(session) = self.sessions.get(&line.client) else { continue };
            // Of one actor we know which connection was the first.
            let newer = |(serving, _): &(Key, u64)| serving.0 == key.0 && serving.1 > key.1;
            if let Some((serving, event)) = session.taken_over.filter(newer) {
                let (new, old) = (serving.1.0, key.1.0);
                let expected = format!("connection {old} closed, as connection {new} took its place");
                self.findings.rule(session.spec, NOT_CLOSED, event, expected, "it is open");
            }
        }
        for session in self.sessions.values() {
            let Some((key, true)) = session.served_by.filter(|_| !session.unclear) else { continue };
            for (id, open) in session.open.iter().filter(|(_, open)| open.on != key) {
                let expected = format!("{} sent again under packet identifier {id}", show(&open.message));
                self.findings.rule(session.spec, NOT_RESENT, open.event, expected, "it did not come");
            }
            for (id, (_, event)) in session.released.iter().filter(|(_, (on, _))| *on != key) {
                let expected = format!("PUBREL sent again for packet identifier {id}");
                self.findings.rule(session.spec, NOT_RESENT, *event, expected, "it did not come");
            }
        }
    }
}
