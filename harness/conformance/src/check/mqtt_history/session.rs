//! What is kept of one MQTT client over its connections: its subscriptions, and what it was sent.

use std::collections::BTreeMap;

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::super::mqtt_packet::{self, packet_id, qos};
use super::super::topic::{FilterTree, Understood, understand};
use super::Message;

/// A message that reached a session, or would have without a fault. A PUBLISH sent again is the same one.
#[derive(Clone, Debug)]
pub(in super::super) struct Delivery {
    /// The event of the first PUBLISH.
    pub(in super::super) event: u64,
    /// What it says.
    pub(in super::super) message: Message,
    /// The QoS that it came with.
    pub(in super::super) qos: u8,
    /// It came with RETAIN.
    pub(in super::super) retain: bool,
    /// At least one PUBLISH of it really arrived.
    pub(in super::super) arrived: bool,
}

/// A subscription of a session.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Subscribed {
    /// When it was asked for first.
    pub(in super::super) asked: u64,
    /// When the broker granted it, and at which QoS at least.
    pub(in super::super) granted: Option<(u64, u8)>,
    /// When its end was asked for; also a new request for the same filter, until that is granted.
    pub(in super::super) ended: Option<u64>,
    /// When the broker answered that it has ended, and nobody has asked for it again.
    pub(in super::super) gone: Option<u64>,
    /// It is shared: another session may get the message.
    pub(in super::super) shared: bool,
    /// The session's own messages do not come back.
    pub(in super::super) no_local: bool,
    /// How often it was asked for.
    pub(in super::super) requests: u64,
    /// Retain Handling of the last request: 0 asks for the retained messages.
    pub(in super::super) retain_handling: u8,
    /// Live messages keep their RETAIN flag.
    pub(in super::super) retain_as_published: bool,
}

/// State that outlives connections, from its beginning in the trace on.
#[derive(Debug)]
pub(in super::super) struct Session {
    /// The version that its last connection spoke.
    pub(in super::super) spec: Spec,
    /// The client identifier, where the client chose one.
    pub(in super::super) client_id: Option<Bytes>,
    /// Its subscriptions by filter, shared ones by the filter inside.
    pub(in super::super) subscriptions: FilterTree<Subscribed>,
    /// A filter was used whose meaning the broker defines.
    pub(in super::super) special_filter: bool,
    /// What it was sent.
    pub(in super::super) deliveries: Vec<Delivery>,
    /// It has a connection at the end of the trace.
    pub(in super::super) connected: bool,
    /// The client limits what it can be sent.
    pub(in super::super) limited: bool,
    /// QoS 1 and 2 deliveries that the client has not answered, by packet identifier.
    pub(super) open_deliveries: BTreeMap<i128, usize>,
    /// QoS 1 and 2 messages of the client that are not settled, by packet identifier.
    pub(super) open_publishes: BTreeMap<i128, usize>,
}

impl Session {
    pub(super) fn new(spec: Spec, client_id: Option<Bytes>) -> Self {
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

    /// A session of which nobody knows what it subscribed to and holds.
    pub(super) fn unknown(spec: Spec, client_id: Option<Bytes>) -> Self {
        Self { special_filter: true, limited: true, ..Self::new(spec, client_id) }
    }

    pub(super) fn place(&mut self, filter: &Bytes) -> Option<&mut Option<Subscribed>> {
        match understand(filter) {
            Understood::Plain(filter) | Understood::Shared(filter) => self.subscriptions.entry(&filter),
            Understood::Special => {
                self.special_filter = true;
                None
            }
        }
    }

    pub(super) fn ask(&mut self, event: u64, subscription: &mqtt_packet::Subscription) {
        let shared = matches!(understand(&subscription.filter), Understood::Shared(_));
        let Some(place) = self.place(&subscription.filter) else { return };
        let before = *place;
        *place = Some(Subscribed {
            asked: before.map_or(event, |before| before.asked),
            granted: before.and_then(|before| before.granted),
            ended: before.and_then(|before| before.ended),
            gone: None,
            shared: shared || before.is_some_and(|before| before.shared),
            no_local: subscription.no_local || before.is_some_and(|before| before.no_local),
            requests: before.map_or(0, |before| before.requests) + 1,
            retain_handling: subscription.retain_handling,
            retain_as_published: subscription.retain_as_published
                || before.is_some_and(|before| before.retain_as_published),
        });
    }

    pub(super) fn grant(&mut self, event: u64, filter: &Bytes, code: i128) {
        let Some(Some(subscribed)) = self.place(filter) else { return };
        let Ok(qos @ 0..=2) = u8::try_from(code) else { return };
        // A subscription that had ended begins anew; one that goes on keeps the lower QoS, to be sure.
        subscribed.granted = match (subscribed.granted, subscribed.ended.take()) {
            (Some((since, before)), None) => Some((since, before.min(qos))),
            (Some(_) | None, _) => Some((event, qos)),
        };
    }

    pub(super) fn on_delivery(&mut self, event: u64, packet: &Packet, message: Message, arrived: bool) {
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
    pub(in super::super) fn overlaps(&self, topic: &Bytes) -> (u64, bool) {
        let hits = self.subscriptions.matching(topic);
        let count = hits.iter().filter(|hit| !hit.excluded).count();
        let unclear = self.special_filter || hits.iter().any(|hit| hit.value.shared);
        (u64::try_from(count).unwrap_or(u64::MAX).max(1), unclear)
    }
}
