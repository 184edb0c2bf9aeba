//! What is known of a client's session from the trace, and whether it must (or cannot) have survived.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use mqspec_wire::{Packet, Side, Spec};

use super::super::mqtt_packet;
use super::super::topic::{FilterTree, Understood, understand};
use crate::trace::EndedBy;

/// A session whose beginning the trace has seen.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The version that its connection spoke.
    pub(super) spec: Spec,
    /// Every subscription ever asked for: a message may still come after an unsubscription.
    subscriptions: FilterTree<Claims>,
    /// A filter was used whose meaning the broker defines; topics cannot be judged.
    special_filter: bool,
    /// Every subscription identifier ever given.
    pub(super) identifiers: BTreeSet<i128>,
    /// QoS 1 and 2 deliveries that the client has not answered, by packet identifier: topic and payload.
    pub(super) unacknowledged: BTreeMap<i128, (Bytes, Bytes)>,
    /// Packet identifiers whose PUBREL the broker has sent and the client has not answered.
    pub(super) released: BTreeSet<i128>,
    /// Packet identifiers that the client has answered with PUBREC, and not yet with PUBCOMP.
    pub(super) received: BTreeSet<i128>,
    /// Those of them that answered a PUBLISH.
    pub(super) handshakes: BTreeSet<i128>,
    /// Packet identifiers that the client has answered with PUBCOMP, which may not have reached the broker.
    pub(super) completed: BTreeSet<i128>,
    /// Whether it outlives its connection.
    pub(super) persistence: Persistence,
    /// When and by whom its last connection ended.
    pub(super) ended: Option<(Duration, EndedBy)>,
}

/// How long a session outlives its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    /// Not at all.
    None,
    /// This long; `None`: for ever.
    For(Option<Duration>),
    /// The trace does not say.
    Unknown,
}

/// The QoS that a filter's subscriptions may deliver at.
#[derive(Clone, Debug, Default)]
struct Claims {
    /// The highest that was ever granted.
    granted: Option<u8>,
    /// What requests without an answer asked for, by the event of the request.
    asked: BTreeMap<u64, u8>,
}

/// How a topic fits a session's subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It matches, and this is the highest QoS that any matching subscription may deliver at.
    Matches(u8),
    /// It would match but for its `$` (section 4.7.2).
    Excluded,
    /// No subscription matches.
    Nothing,
    /// Cannot be told.
    Unknown,
}

impl Session {
    /// A session without state.
    pub(super) fn new(spec: Spec, persistence: Persistence) -> Self {
        Self {
            spec,
            subscriptions: FilterTree::default(),
            special_filter: false,
            identifiers: BTreeSet::new(),
            unacknowledged: BTreeMap::new(),
            released: BTreeSet::new(),
            received: BTreeSet::new(),
            handshakes: BTreeSet::new(),
            completed: BTreeSet::new(),
            persistence,
            ended: None,
        }
    }

    /// A filter was asked for in the SUBSCRIBE of this event.
    pub(super) fn ask(&mut self, event: u64, filter: &Bytes, qos: u8) {
        if let Some(claims) = self.claims(filter) {
            claims.asked.insert(event, qos);
        }
    }

    /// The SUBSCRIBE of this event was answered for a filter.
    pub(super) fn grant(&mut self, event: u64, filter: &Bytes, code: i128) {
        if let Some(claims) = self.claims(filter) {
            claims.asked.remove(&event);
            if let Ok(qos @ 0..=2) = u8::try_from(code) {
                claims.granted = claims.granted.max(Some(qos));
            }
        }
    }

    fn claims(&mut self, filter: &Bytes) -> Option<&mut Claims> {
        match understand(filter) {
            Understood::Plain(filter) | Understood::Shared(filter) => {
                self.subscriptions.entry(&filter).map(Option::get_or_insert_default)
            }
            Understood::Special => {
                self.special_filter = true;
                None
            }
        }
    }

    /// Compares a topic with the subscriptions.
    pub(super) fn fit(&self, topic: &Bytes) -> Fit {
        if self.special_filter {
            return Fit::Unknown;
        }
        let mut fit = Fit::Nothing;
        self.subscriptions.each_match(topic, |hit| {
            let Some(qos) = hit.value.asked.values().copied().max().max(hit.value.granted) else { return };
            fit = match (fit, hit.excluded) {
                (Fit::Matches(highest), false) => Fit::Matches(highest.max(qos)),
                (_, false) => Fit::Matches(qos),
                (Fit::Nothing, true) => Fit::Excluded,
                (other, true) => other,
            };
        });
        fit
    }

    /// Whether the broker must still have it at this time.
    pub(super) fn must_exist(&self, now: Duration) -> bool {
        match (self.persistence, self.ended) {
            (Persistence::For(Some(kept)), Some((ended, _))) => now.saturating_sub(ended) < kept,
            // A connection that was taken over had not ended: the interval has not begun.
            (Persistence::For(None), _) | (Persistence::For(Some(_)), None) => true,
            (Persistence::None | Persistence::Unknown, _) => false,
        }
    }

    /// Whether the broker cannot have it any more. In 5.0 the end of the old connection must be known to
    /// the broker: where our side closed it, a new connection may overtake the news.
    pub(super) fn cannot_exist(&self) -> bool {
        self.persistence == Persistence::None
            && (self.spec == Spec::Mqtt311 || matches!(self.ended, Some((_, EndedBy::Peer(Side::Server)))))
    }
}

/// How long the session of an accepted connection will outlive it.
pub(super) fn persistence(
    spec: Spec,
    clean_start: bool,
    connect: Option<i128>,
    connack: &Packet,
) -> Persistence {
    if spec == Spec::Mqtt311 {
        return if clean_start { Persistence::None } else { Persistence::For(None) };
    }
    match connack.integer("session_expiry_interval").or(connect).unwrap_or(0) {
        0 => Persistence::None,
        0xFFFF_FFFF => Persistence::For(None),
        seconds => u64::try_from(seconds)
            .map_or(Persistence::Unknown, |seconds| Persistence::For(Some(Duration::from_secs(seconds)))),
    }
}

/// What a client's DISCONNECT does to it (MQTT 5.0 section 3.14.2.2.2).
pub(super) fn after_disconnect(before: Persistence, disconnect: &Packet) -> Persistence {
    match disconnect.integer("session_expiry_interval") {
        None => before,
        // A broker may have seen it or not; nobody can tell what holds.
        Some(_) => Persistence::Unknown,
    }
}

/// The client identifier that a CONNECT names, unless it leaves the choice to the server.
pub(super) fn client_id(connect: &Packet) -> Option<Bytes> {
    Some(mqtt_packet::bytes(connect, "client_id")).filter(|id| !id.is_empty())
}
