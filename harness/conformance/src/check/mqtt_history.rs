//! What MQTT clients published, subscribed to and received, over the whole trace: what the guarantees judge.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::mqtt_packet::{self, packet_id, qos};
use super::topic::{FilterTree, Understood, understand};
use crate::plan::ActorId;
use crate::trace::{ConnectionNumber, Fate, Trace, What};

/// Topic and payload: how a message is recognised.
pub(super) type Message = (Bytes, Bytes);

/// A message that a client gave to the broker once, however often its PUBLISH was sent.
#[derive(Clone, Debug)]
pub(super) struct Published {
    /// The event of its first PUBLISH.
    pub(super) event: u64,
    /// The session that published it.
    pub(super) by: usize,
    /// What it says.
    pub(super) message: Message,
    /// The QoS that it was published at.
    pub(super) qos: u8,
    /// RETAIN was set.
    pub(super) retain: bool,
    /// How many PUBLISH packets carried it.
    pub(super) sends: u64,
    /// When the broker took it over: the event of its PUBACK or PUBREC without failure.
    pub(super) accepted: Option<u64>,
    /// It may expire before it is delivered.
    pub(super) expires: bool,
}

/// A message that reached a session, or would have without a fault. A PUBLISH sent again is the same one.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// The event of the first PUBLISH.
    pub(super) event: u64,
    /// What it says.
    pub(super) message: Message,
    /// The QoS that it came with.
    pub(super) qos: u8,
    /// It came with RETAIN.
    pub(super) retain: bool,
    /// At least one PUBLISH of it really arrived.
    pub(super) arrived: bool,
}

/// A subscription of a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subscribed {
    /// When it was asked for first.
    pub(super) asked: u64,
    /// When the broker granted it, and at which QoS at least.
    pub(super) granted: Option<(u64, u8)>,
    /// When its end was asked for; also a new request for the same filter, until that is granted.
    pub(super) ended: Option<u64>,
    /// It is shared: another session may get the message.
    pub(super) shared: bool,
    /// The session's own messages do not come back.
    pub(super) no_local: bool,
    /// How often it was asked for.
    pub(super) requests: u64,
    /// Retain Handling of the last request: 0 asks for the retained messages.
    pub(super) retain_handling: u8,
    /// Live messages keep their RETAIN flag.
    pub(super) retain_as_published: bool,
}

/// State that outlives connections, from its beginning in the trace on.
#[derive(Debug)]
pub(super) struct Session {
    /// The version that its last connection spoke.
    pub(super) spec: Spec,
    /// The client identifier, where the client chose one.
    pub(super) client_id: Option<Bytes>,
    /// Its subscriptions by filter, shared ones by the filter inside.
    pub(super) subscriptions: FilterTree<Subscribed>,
    /// A filter was used whose meaning the broker defines.
    pub(super) special_filter: bool,
    /// What it was sent.
    pub(super) deliveries: Vec<Delivery>,
    /// It has a connection at the end of the trace.
    pub(super) connected: bool,
    /// The client limits what it can be sent.
    pub(super) limited: bool,
    /// QoS 1 and 2 deliveries that the client has not answered, by packet identifier.
    open_deliveries: BTreeMap<i128, usize>,
    /// QoS 1 and 2 messages of the client that are not settled, by packet identifier.
    open_publishes: BTreeMap<i128, usize>,
}

/// The whole history.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Every session that the trace saw beginning.
    pub(super) sessions: Vec<Session>,
    /// Every message, in the order in which they were first sent.
    pub(super) published: Vec<Published>,
    /// What may have come to the broker otherwise, and how often: wills, and what was published on a
    /// connection whose session the trace does not know.
    pub(super) otherwise: BTreeMap<Message, u64>,
    /// When the broker was killed or stopped last, or a session without a known beginning appeared.
    pub(super) disturbed: Option<u64>,
    /// A fault has made something of a client's packet that is none: what a broker reads into the bytes
    /// that follow nobody can say.
    pub(super) garbled: bool,
}

#[derive(Debug, Default)]
struct Line {
    client_id: Option<Bytes>,
    clean_start: bool,
    connect_seen: bool,
    limited: bool,
    session: Option<usize>,
    aliases: BTreeMap<i128, Bytes>,
    aliases_from_broker: BTreeMap<i128, Bytes>,
    subscribes: BTreeMap<i128, Vec<mqtt_packet::Subscription>>,
}

/// Reads a trace.
pub(super) fn read(trace: &Trace) -> History {
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
                reader.history.disturbed = Some(event.sequence);
                reader.by_client_id.clear();
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
}

impl Reader {
    fn on_sent(&mut self, spec: Spec, key: (ActorId, ConnectionNumber), event: u64, packet: &Packet) {
        if packet.name == "connect" {
            self.on_connect(key, packet);
            return;
        }
        let Some(line) = self.lines.get_mut(&key) else { return };
        let Some(session) = line.session else {
            if packet.name == "publish"
                && let Some(topic) = resolve(packet, &mut line.aliases)
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
                let Some(topic) = resolve(packet, &mut line.aliases) else { return };
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
                for filter in mqtt_packet::unsubscribed(packet) {
                    if let Some(Some(subscribed)) = state.place(&filter) {
                        subscribed.ended = Some(event);
                    }
                }
            }
            _ => {}
        }
    }

    fn on_connect(&mut self, key: (ActorId, ConnectionNumber), packet: &Packet) {
        let will = (mqtt_packet::bytes(packet, "will_topic"), mqtt_packet::bytes(packet, "will_payload"));
        if packet.get("will_topic").is_some() {
            *self.history.otherwise.entry(will).or_default() += 1;
        }
        let line = Line {
            client_id: Some(mqtt_packet::bytes(packet, "client_id")).filter(|id| !id.is_empty()),
            clean_start: mqtt_packet::flag(packet, "clean_start"),
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
                if let Some(topic) = resolve(packet, &mut line.aliases_from_broker) {
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
        let index = match (resumed, known) {
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
        }
    }
}

impl Session {
    fn new(spec: Spec, client_id: Option<Bytes>) -> Self {
        Self {
            spec,
            client_id,
            subscriptions: FilterTree::default(),
            special_filter: false,
            deliveries: Vec::new(),
            connected: true,
            limited: false,
            open_deliveries: BTreeMap::new(),
            open_publishes: BTreeMap::new(),
        }
    }

    fn place(&mut self, filter: &Bytes) -> Option<&mut Option<Subscribed>> {
        match understand(filter) {
            Understood::Plain(filter) | Understood::Shared(filter) => self.subscriptions.entry(&filter),
            Understood::Special => {
                self.special_filter = true;
                None
            }
        }
    }

    fn ask(&mut self, event: u64, subscription: &mqtt_packet::Subscription) {
        let shared = matches!(understand(&subscription.filter), Understood::Shared(_));
        let Some(place) = self.place(&subscription.filter) else { return };
        let before = *place;
        *place = Some(Subscribed {
            asked: before.map_or(event, |before| before.asked),
            granted: before.and_then(|before| before.granted),
            ended: before.and_then(|before| before.ended),
            shared: shared || before.is_some_and(|before| before.shared),
            no_local: subscription.no_local || before.is_some_and(|before| before.no_local),
            requests: before.map_or(0, |before| before.requests) + 1,
            retain_handling: subscription.retain_handling,
            retain_as_published: subscription.retain_as_published
                || before.is_some_and(|before| before.retain_as_published),
        });
    }

    fn grant(&mut self, event: u64, filter: &Bytes, code: i128) {
        let Some(Some(subscribed)) = self.place(filter) else { return };
        let Ok(qos @ 0..=2) = u8::try_from(code) else { return };
        // A subscription that had ended begins anew; one that goes on keeps the lower QoS, to be sure.
        subscribed.granted = match (subscribed.granted, subscribed.ended.take()) {
            (Some((since, before)), None) => Some((since, before.min(qos))),
            (Some(_) | None, _) => Some((event, qos)),
        };
    }

    fn on_delivery(&mut self, event: u64, packet: &Packet, message: Message, arrived: bool) {
        let (id, qos) = (packet_id(packet), qos(packet));
        if qos > 0
            && mqtt_packet::flag(packet, "dup")
            && let Some(again) =
                self.open_deliveries.get(&id).and_then(|index| self.deliveries.get_mut(*index))
            && again.message == message
        {
            again.arrived |= arrived;
            return;
        }
        if qos > 0 {
            self.open_deliveries.insert(id, self.deliveries.len());
        }
        let retain = mqtt_packet::flag(packet, "retain");
        self.deliveries.push(Delivery { event, message, qos, retain, arrived });
    }

    /// How many subscriptions match a topic, and whether one of them is shared or unclear.
    pub(super) fn overlaps(&self, topic: &Bytes) -> (u64, bool) {
        let hits = self.subscriptions.matching(topic);
        let count = hits.iter().filter(|hit| !hit.excluded).count();
        let unclear = self.special_filter || hits.iter().any(|hit| hit.value.shared);
        (u64::try_from(count).unwrap_or(u64::MAX).max(1), unclear)
    }
}

impl History {
    /// How many PUBLISH packets (and wills) may have brought each message to the broker.
    pub(super) fn sends(&self) -> BTreeMap<&Message, u64> {
        let mut sends: BTreeMap<&Message, u64> = BTreeMap::new();
        for published in &self.published {
            *sends.entry(&published.message).or_default() += published.sends;
        }
        for (message, count) in &self.otherwise {
            *sends.entry(message).or_default() += count;
        }
        sends
    }

    /// The topics that somebody published to or left a will for.
    pub(super) fn topics(&self) -> BTreeSet<&Bytes> {
        let published = self.published.iter().map(|published| &published.message.0);
        published.chain(self.otherwise.keys().map(|(topic, _)| topic)).collect()
    }
}

/// The topic of a PUBLISH, its alias looked up.
fn resolve(publish: &Packet, aliases: &mut BTreeMap<i128, Bytes>) -> Option<Bytes> {
    let topic = mqtt_packet::bytes(publish, "topic");
    let Some(alias) = publish.integer("topic_alias") else { return Some(topic) };
    if topic.is_empty() {
        return aliases.get(&alias).cloned();
    }
    aliases.insert(alias, topic.clone());
    Some(topic)
}
