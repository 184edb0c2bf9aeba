//! Reads the history out of a trace.

use std::collections::BTreeMap;

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::super::mqtt_packet::{self, packet_id, qos};
use super::{History, Message, Published, Session};
use crate::plan::ActorId;
use crate::trace::{ConnectionNumber, Fate, Trace, What};

#[derive(Debug, Default)]
struct Line {
    client_id: Option<Bytes>,
    clean_start: bool,
    /// How many seconds its session outlives it.
    expiry: i128,
    connect_seen: bool,
    limited: bool,
    /// The client did not wait for the CONNACK before it subscribed.
    hasty: bool,
    session: Option<usize>,
    aliases: BTreeMap<i128, Bytes>,
    aliases_from_broker: BTreeMap<i128, Bytes>,
    subscribes: BTreeMap<i128, Vec<mqtt_packet::Subscription>>,
    unsubscribes: BTreeMap<i128, Vec<Bytes>>,
}

/// Reads a trace. A broker that is `durable` keeps its promises over restarts.
pub(in super::super) fn read(trace: &Trace, durable: bool) -> History {
    let mut reader = Reader::default();
    for event in &trace.events {
        let line = |actor: &ActorId, connection: &ConnectionNumber| {
            let spec = trace.actor_spec(*actor).filter(|spec| spec.is_mqtt())?;
            Some((spec, (*actor, *connection)))
        };
        match &event.what {
            What::Sent { actor, connection, packet, fate } => {
                if let Some((spec, key)) = line(actor, connection)
                    && fate.may_reach()
                {
                    reader.history.garbled |= *fate == Fate::Copy && !packet.oddities.is_empty();
                    reader.history.garbled |= *fate == Fate::Copy && packet.name == "unknown";
                    reader.on_sent(spec, key, event.sequence, packet);
                }
            }
            What::Received { actor, connection, packet, fate } => {
                if let Some((spec, key)) = line(actor, connection)
                    && *fate != Fate::Copy
                {
                    reader.on_received(spec, key, event.sequence, packet, fate.comes_through());
                }
            }
            What::Ended { actor, connection, .. } => {
                let ended = reader.lines.remove(&(*actor, *connection)).and_then(|line| line.session);
                if let Some(session) = ended.and_then(|index| reader.history.sessions.get_mut(index)) {
                    session.connected = false;
                }
            }
            What::Broker { text } if text != "started" => {
                reader.history.restarts.push(event.sequence);
                if !durable {
                    reader.history.disturbed = Some(event.sequence);
                    reader.by_client_id.clear();
                }
            }
            What::Opened { .. }
            | What::OpenFailed { .. }
            | What::Step { .. }
            | What::Fault { .. }
            | What::Broker { .. }
            | What::Bound { .. } => {}
        }
    }
    reader.history
}

#[derive(Debug, Default)]
struct Reader {
    history: History,
    lines: BTreeMap<(ActorId, ConnectionNumber), Line>,
    by_client_id: BTreeMap<Bytes, usize>,
    /// CONNECTs without an answer, by client identifier; each with whether it may have begun another session.
    unanswered: BTreeMap<Bytes, BTreeMap<(ActorId, ConnectionNumber), bool>>,
    /// For how many seconds the last session of a client is kept.
    kept: BTreeMap<Bytes, i128>,
}

/// A session that is kept for so many seconds certainly outlives whatever keeps its client away in a trace.
const LONG: i128 = 600;

impl Reader {
    fn on_sent(&mut self, spec: Spec, key: (ActorId, ConnectionNumber), event: u64, packet: &Packet) {
        if packet.name == "connect" {
            self.on_connect(spec, key, packet);
            return;
        }
        let Some(line) = self.lines.get_mut(&key) else { return };
        let Some(session) = line.session else {
            line.hasty |= matches!(packet.name, "subscribe" | "unsubscribe");
            if packet.name == "publish"
                && let Some(topic) = mqtt_packet::resolve(packet, &mut line.aliases)
            {
                let message = (topic, mqtt_packet::bytes(packet, "payload"));
                *self.history.otherwise.entry(message).or_default() += 1;
            }
            return;
        };
        let Some(state) = self.history.sessions.get_mut(session) else { return };
        state.spec = spec;
        let id = packet_id(packet);
        match packet.name {
            "publish" => {
                let Some(topic) = mqtt_packet::resolve(packet, &mut line.aliases) else { return };
                let message = (topic, mqtt_packet::bytes(packet, "payload"));
                self.on_publish(session, event, packet, message);
            }
            "puback" | "pubcomp" => {
                state.open_deliveries.remove(&id);
            }
            "pubrec" if mqtt_packet::failed(packet) => {
                state.open_deliveries.remove(&id);
            }
            // From now on the same identifier is a new message.
            "pubrel" => {
                state.open_publishes.remove(&id);
            }
            "subscribe" => {
                let asked = mqtt_packet::subscriptions(packet);
                for subscription in &asked {
                    state.ask(event, subscription);
                }
                line.subscribes.insert(id, asked);
            }
            "unsubscribe" => {
                let filters = mqtt_packet::unsubscribed(packet);
                for filter in &filters {
                    if let Some(Some(subscribed)) = state.place(filter) {
                        subscribed.ended = Some(event);
                    }
                }
                line.unsubscribes.insert(id, filters);
            }
            _ => {}
        }
    }

    fn on_connect(&mut self, spec: Spec, key: (ActorId, ConnectionNumber), packet: &Packet) {
        let will = (mqtt_packet::bytes(packet, "will_topic"), mqtt_packet::bytes(packet, "will_payload"));
        if packet.get("will_topic").is_some() {
            *self.history.otherwise.entry(will).or_default() += 1;
        }
        // A second CONNECT on a connection is an error, and begins nothing.
        if self.lines.contains_key(&key) {
            return;
        }
        let client_id = Some(mqtt_packet::bytes(packet, "client_id")).filter(|id| !id.is_empty());
        let clean_start = mqtt_packet::flag(packet, "clean_start");
        let expiry = match (spec, clean_start) {
            (Spec::Mqtt311, true) => 0,
            (Spec::Mqtt311, false) => LONG,
            (Spec::Mqtt50 | Spec::Amqp091, _) => packet.integer("session_expiry_interval").unwrap_or(0),
        };
        if let Some(id) = &client_id {
            let another = clean_start || self.kept.get(id).is_some_and(|kept| *kept < LONG);
            self.unanswered.entry(id.clone()).or_default().insert(key, another);
        }
        let line = Line {
            client_id,
            clean_start,
            expiry,
            connect_seen: true,
            limited: packet.get("maximum_packet_size").is_some(),
            ..Line::default()
        };
        self.lines.insert(key, line);
    }

    fn on_publish(&mut self, by: usize, event: u64, packet: &Packet, message: Message) {
        let Some(state) = self.history.sessions.get_mut(by) else { return };
        let (id, qos) = (packet_id(packet), qos(packet));
        if qos > 0
            && let Some(published) =
                state.open_publishes.get(&id).and_then(|index| self.history.published.get_mut(*index))
            && published.message == message
        {
            published.sends += 1;
            return;
        }
        // Sent again, though what came first belongs to a session that may be another: whether the broker takes the two for
        // one, and since when it has the message, nobody knows.
        if mqtt_packet::flag(packet, "dup") {
            *self.history.otherwise.entry(message).or_default() += 1;
            return;
        }
        if qos > 0 {
            state.open_publishes.insert(id, self.history.published.len());
        }
        self.history.published.push(Published {
            event,
            by,
            message,
            qos,
            retain: mqtt_packet::flag(packet, "retain"),
            sends: 1,
            accepted: None,
            expires: packet.get("message_expiry_interval").is_some(),
        });
    }

    fn on_received(
        &mut self,
        spec: Spec,
        key: (ActorId, ConnectionNumber),
        event: u64,
        packet: &Packet,
        arrived: bool,
    ) {
        if packet.name == "connack" {
            self.on_connack(spec, key, event, packet);
            return;
        }
        let Some(line) = self.lines.get_mut(&key) else { return };
        let Some(state) = line.session.and_then(|index| self.history.sessions.get_mut(index)) else { return };
        let id = packet_id(packet);
        match packet.name {
            "publish" => {
                if let Some(topic) = mqtt_packet::resolve(packet, &mut line.aliases_from_broker) {
                    let message = (topic, mqtt_packet::bytes(packet, "payload"));
                    state.on_delivery(event, packet, message, arrived);
                }
            }
            "puback" | "pubrec" => {
                let settled = packet.name == "puback" || mqtt_packet::failed(packet);
                let index = state.open_publishes.get(&id).copied();
                if settled {
                    state.open_publishes.remove(&id);
                }
                if let Some(published) = index.and_then(|index| self.history.published.get_mut(index))
                    && !mqtt_packet::failed(packet)
                {
                    published.accepted = published.accepted.or(Some(event));
                }
            }
            "suback" => {
                let Some(asked) = line.subscribes.remove(&id) else { return };
                for (subscription, code) in asked.iter().zip(mqtt_packet::reason_codes(packet)) {
                    state.grant(event, &subscription.filter, code);
                }
            }
            "unsuback" => {
                let refused: Vec<bool> =
                    mqtt_packet::reason_codes(packet).iter().map(|code| *code >= 0x80).collect();
                for (index, filter) in line.unsubscribes.remove(&id).into_iter().flatten().enumerate() {
                    if let Some(Some(subscribed)) = state.place(&filter)
                        && subscribed.ended.is_some()
                        && refused.get(index) != Some(&true)
                    {
                        subscribed.gone = Some(event);
                    }
                }
            }
            _ => {}
        }
    }

    fn on_connack(&mut self, spec: Spec, key: (ActorId, ConnectionNumber), event: u64, packet: &Packet) {
        let Some(line) = self.lines.get_mut(&key).filter(|line| line.connect_seen) else { return };
        if mqtt_packet::reason_code(packet) != 0 || line.session.is_some() {
            return;
        }
        let known = line.client_id.as_ref().and_then(|id| self.by_client_id.get(id)).copied();
        let resumed = mqtt_packet::flag(packet, "session_present") && !line.clean_start;
        let mut others =
            line.client_id.as_ref().and_then(|id| self.unanswered.remove(id)).unwrap_or_default();
        others.remove(&key);
        self.kept.extend(line.client_id.clone().map(|id| (id, line.expiry)));
        let index = match (resumed, known) {
            // A CONNECT between the two, whose answer nobody saw, may have begun this session.
            (true, Some(old)) if others.values().any(|another| *another) => {
                if let Some(old) = self.history.sessions.get_mut(old) {
                    old.connected = false;
                }
                self.history.sessions.push(Session::unknown(spec, line.client_id.clone()));
                self.history.sessions.len() - 1
            }
            (true, Some(index)) => index,
            (true, None) => {
                // What this session subscribed to and holds, nobody here knows.
                self.history.disturbed = Some(event);
                return;
            }
            (false, _) => {
                if let Some(old) = known.and_then(|old| self.history.sessions.get_mut(old)) {
                    old.connected = false;
                }
                self.history.sessions.push(Session::new(spec, line.client_id.clone()));
                self.history.sessions.len() - 1
            }
        };
        if let Some(id) = &line.client_id {
            self.by_client_id.insert(id.clone(), index);
        }
        line.session = Some(index);
        if let Some(session) = self.history.sessions.get_mut(index) {
            session.connected = true;
            session.limited |= line.limited;
            // What it is subscribed to is not followed, then.
            session.special_filter |= line.hasty;
        }
    }
}
