//! Sessions (§4.1): what the broker knows of a client beyond one connection.
//!
//! Every change of durable state goes through a method of [`Sessions`] or [`Session`], so that a log can be
//! attached to these few.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::effect::ConnectionId;

use super::codec::{PacketIdentifier, Qos};
use super::inflight::{Inflight, OnPubRec};
use super::message::{ClientId, Delivery};
use super::subscription::Subscription;
use super::topic::TopicFilter;
use super::violation::Violation;
use super::will::Will;

/// The session of every client, connected or not.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_client: BTreeMap<ClientId, Session>,
}

impl Sessions {
    /// Begins a session; there must be none.
    pub(crate) fn create(&mut self, client: &ClientId) -> &mut Session {
        assert!(!self.by_client.contains_key(client), "session {client} begins although it has not ended");
        self.by_client.entry(client.clone()).or_default()
    }

    /// Ends a session and hands out what was in it.
    pub(crate) fn end(&mut self, client: &str) -> Option<Session> {
        self.by_client.remove(client)
    }

    /// The session of a client.
    pub(crate) fn get(&self, client: &str) -> Option<&Session> {
        self.by_client.get(client)
    }

    /// The session of a client, to be changed.
    pub(crate) fn get_mut(&mut self, client: &str) -> Option<&mut Session> {
        self.by_client.get_mut(client)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.by_client.len()
    }

    /// Whether a client is connected.
    pub(crate) fn is_connected(&self, client: &str) -> bool {
        self.get(client).is_some_and(|session| session.connection.is_some())
    }
}

/// What is kept of one client.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// The connection that serves it now. Not durable.
    pub(crate) connection: Option<ConnectionId>,
    expiry_secs: u32,
    will: Option<Will>,
    subscriptions: BTreeMap<String, HeldSubscription>,
    inflight: Inflight,
    queue: VecDeque<Delivery>,
    /// How many of `queue` have QoS 0: retained ones for a reader that was too slow.
    queued_at_most_once: usize,
    /// [mqtt-5.0/MQTT-4.3.3-10] QoS 2 messages received and not released.
    awaiting_pubrel: BTreeSet<PacketIdentifier>,
}

/// A subscription under its filter as the client wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldSubscription {
    /// Options and identifier.
    pub(crate) subscription: Subscription,
    /// ShareName, where the client's version gives it a meaning.
    pub(crate) share_name: Option<String>,
    /// What topics are compared with.
    pub(crate) pattern: String,
}

impl HeldSubscription {
    /// A checked filter with what was granted for it.
    pub(crate) fn of(filter: TopicFilter<'_>, subscription: Subscription) -> Self {
        Self {
            subscription,
            share_name: filter.share_name.map(str::to_owned),
            pattern: filter.pattern.to_owned(),
        }
    }

    /// The filter, taken apart.
    pub(crate) fn filter(&self) -> TopicFilter<'_> {
        TopicFilter { pattern: &self.pattern, share_name: self.share_name.as_deref() }
    }
}

/// What became of a message offered to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queued {
    /// It waits for its turn.
    Waits,
    /// There was no room for it.
    Dropped,
}

impl Session {
    /// How long it outlives its connection, in seconds; `u32::MAX` is for ever.
    pub(crate) fn expiry_secs(&self) -> u32 {
        self.expiry_secs
    }

    /// The client said how long the session shall outlive its connection.
    pub(crate) fn set_expiry(&mut self, seconds: u32) {
        self.expiry_secs = seconds;
    }

    /// The will, if one is stored.
    pub(crate) fn will(&self) -> Option<&Will> {
        self.will.as_ref()
    }

    /// The client left a will, or none.
    pub(crate) fn set_will(&mut self, will: Option<Will>) {
        self.will = will;
    }

    /// The will is published, or no longer wanted.
    pub(crate) fn take_will(&mut self) -> Option<Will> {
        self.will.take()
    }

    /// The client subscribed; returns what the same filter had before.
    pub(crate) fn subscribe(&mut self, filter: &str, held: HeldSubscription) -> Option<HeldSubscription> {
        self.subscriptions.insert(filter.to_owned(), held)
    }

    /// The client unsubscribed; returns what the filter had.
    pub(crate) fn unsubscribe(&mut self, filter: &str) -> Option<HeldSubscription> {
        self.subscriptions.remove(filter)
    }

    /// Whether the client subscribes to exactly this filter.
    pub(crate) fn has_subscription(&self, filter: &str) -> bool {
        self.subscriptions.contains_key(filter)
    }

    /// All subscriptions.
    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = &HeldSubscription> {
        self.subscriptions.values()
    }

    /// How many subscriptions there are.
    pub(crate) fn subscription_count(&self) -> usize {
        self.subscriptions.len()
    }

    /// A message waits for this client, behind those that wait already.
    pub(crate) fn enqueue(&mut self, delivery: Delivery, maximum: usize) -> Queued {
        if self.queue.len() >= maximum {
            return Queued::Dropped;
        }
        self.queued_at_most_once += usize::from(delivery.qos == Qos::AtMostOnce);
        self.queue.push_back(delivery);
        Queued::Waits
    }

    /// Whether QoS 0 messages wait, so that a new one must not overtake them.
    pub(crate) fn has_queued_at_most_once(&self) -> bool {
        self.queued_at_most_once > 0
    }

    /// The message whose turn it is.
    pub(crate) fn next_queued(&self) -> Option<&Delivery> {
        self.queue.front()
    }

    /// Takes out the message whose turn it was.
    pub(crate) fn dequeue(&mut self) -> Option<Delivery> {
        let delivery = self.queue.pop_front()?;
        self.queued_at_most_once -= usize::from(delivery.qos == Qos::AtMostOnce);
        Some(delivery)
    }

    /// The connection is gone: nothing of QoS 0 is kept for another one.
    pub(crate) fn forget_at_most_once(&mut self) {
        if self.has_queued_at_most_once() {
            self.queue.retain(|delivery| delivery.qos != Qos::AtMostOnce);
            self.queued_at_most_once = 0;
        }
    }

    /// A QoS 1 or 2 delivery begins; none while all packet identifiers are in use.
    pub(crate) fn begin_delivery(&mut self, delivery: Delivery) -> Option<PacketIdentifier> {
        self.inflight.begin(delivery)
    }

    /// A delivery is given up as if it had been finished.
    pub(crate) fn abandon_delivery(&mut self, identifier: PacketIdentifier) {
        self.inflight.abandon(identifier);
    }

    /// The client acknowledged a QoS 1 delivery. Whether there was one.
    pub(crate) fn on_puback(&mut self, identifier: PacketIdentifier) -> Result<bool, Violation> {
        self.inflight.on_puback(identifier)
    }

    /// The client took a QoS 2 message over, or refused it. Whether, and how, PUBREL answers.
    pub(crate) fn on_pubrec(
        &mut self,
        identifier: PacketIdentifier,
        failed: bool,
    ) -> Result<Option<OnPubRec>, Violation> {
        self.inflight.on_pubrec(identifier, failed)
    }

    /// The client finished a QoS 2 delivery. Whether there was one.
    pub(crate) fn on_pubcomp(&mut self, identifier: PacketIdentifier) -> Result<bool, Violation> {
        self.inflight.on_pubcomp(identifier)
    }

    /// A QoS 2 message was received and will not be taken again until it is released.
    pub(crate) fn receive_exactly_once(&mut self, identifier: PacketIdentifier) {
        self.awaiting_pubrel.insert(identifier);
    }

    /// Whether a QoS 2 message was received under this identifier and not released.
    pub(crate) fn awaits_pubrel(&self, identifier: PacketIdentifier) -> bool {
        self.awaiting_pubrel.contains(&identifier)
    }

    /// The client released a QoS 2 message. Whether there was one.
    pub(crate) fn release(&mut self, identifier: PacketIdentifier) -> bool {
        self.awaiting_pubrel.remove(&identifier)
    }

    /// The client is back: returns the PUBRELs to repeat. The PUBLISHes follow by [`Session::next_to_resend`].
    pub(crate) fn on_resumed(&mut self) -> Vec<PacketIdentifier> {
        self.inflight.on_resumed()
    }

    /// The next PUBLISH to send again; it counts as sent from now on.
    pub(crate) fn next_to_resend(&mut self) -> Option<(PacketIdentifier, Delivery)> {
        self.inflight.next_to_resend()
    }

    /// Whether a PUBLISH must go out again before anything new.
    pub(crate) fn has_to_resend(&self) -> bool {
        self.inflight.has_to_resend()
    }

    /// Whether the client can be sent one more QoS 1 or 2 message.
    pub(crate) fn has_room(&self, receive_maximum: u16) -> bool {
        self.inflight.occupied() < usize::from(receive_maximum)
            && (self.inflight.has_to_resend() || self.inflight.has_unused_identifier())
    }
}
