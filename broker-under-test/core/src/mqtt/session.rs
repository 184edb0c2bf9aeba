//! A session (§4.1): what the broker knows of a client beyond one connection.
//!
//! Every change of durable state goes through a method of [`Session`], which notes it in the [`Changes`] of the input
//! that led to it, if the session outlives its connection.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::effect::{ConnectionId, Now};

use super::codec::{PacketIdentifier, Qos};
use super::inflight::{Inflight, OnPubRec};
use super::journal::{Change, Changes};
use super::message::{ClientId, Delivery};
use super::subscription::Subscription;
use super::topic::TopicFilter;
use super::violation::Violation;
use super::will::Will;

/// What is kept of one client.
#[derive(Debug)]
pub(crate) struct Session {
    client: ClientId,
    /// The connection that serves it now. Not durable.
    pub(crate) connection: Option<ConnectionId>,
    /// When the connection ended; none while there is one, or was when the process ended.
    away_since: Option<Now>,
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
    /// Begins, without a connection.
    pub(crate) fn new(client: ClientId) -> Self {
        Self {
            client,
            connection: None,
            away_since: None,
            expiry_secs: 0,
            will: None,
            subscriptions: BTreeMap::new(),
            inflight: Inflight::default(),
            queue: VecDeque::new(),
            queued_at_most_once: 0,
            awaiting_pubrel: BTreeSet::new(),
        }
    }

    /// Whether it outlives its connection, and so the process.
    pub(crate) fn is_kept(&self) -> bool {
        self.expiry_secs > 0
    }

    fn note(&self, change: &Change<'_>, changes: &mut Changes) {
        if self.is_kept() {
            changes.note(change);
        }
    }

    /// The client came: how long the session shall outlive the connection, in seconds, and the will that it leaves.
    pub(crate) fn on_connected(&mut self, expiry_secs: u32, will: Option<Will>, changes: &mut Changes) {
        let was_kept = self.is_kept();
        self.away_since = None;
        self.expiry_secs = expiry_secs;
        self.will = will;
        if was_kept || self.is_kept() || self.will.is_some() {
            changes.note(&Change::Connected { client: &self.client, expiry_secs, will: self.will.clone() });
        }
    }

    /// The connection is gone: nothing of QoS 0 is kept for another one.
    pub(crate) fn on_disconnected(&mut self, now: Now, changes: &mut Changes) {
        self.connection = None;
        self.away_since = Some(now);
        if self.has_queued_at_most_once() {
            self.queue.retain(|delivery| delivery.qos != Qos::AtMostOnce);
            self.queued_at_most_once = 0;
        }
        self.note(&Change::Disconnected { client: &self.client, at: now }, changes);
    }

    /// When the connection ended; none while there is one.
    pub(crate) fn away_since(&self) -> Option<Now> {
        self.away_since
    }

    /// How long it outlives its connection, in seconds; `u32::MAX` is for ever.
    pub(crate) fn expiry_secs(&self) -> u32 {
        self.expiry_secs
    }

    /// The client said how long the session shall outlive its connection.
    pub(crate) fn set_expiry(&mut self, expiry_secs: u32, changes: &mut Changes) {
        self.note(&Change::Expiry { client: &self.client, expiry_secs }, changes);
        self.expiry_secs = expiry_secs;
    }

    /// The will, if one is stored.
    pub(crate) fn will(&self) -> Option<&Will> {
        self.will.as_ref()
    }

    /// The will is published, or no longer wanted.
    pub(crate) fn take_will(&mut self, changes: &mut Changes) -> Option<Will> {
        let will = self.will.take()?;
        changes.note(&Change::WillTaken { client: &self.client });
        Some(will)
    }

    /// The client subscribed; returns what the same filter had before.
    pub(crate) fn subscribe(
        &mut self,
        filter: &str,
        held: HeldSubscription,
        changes: &mut Changes,
    ) -> Option<HeldSubscription> {
        if self.is_kept() {
            changes.note_subscribed(&self.client, filter, &held);
        }
        self.subscriptions.insert(filter.to_owned(), held)
    }

    /// The client unsubscribed; returns what the filter had.
    pub(crate) fn unsubscribe(&mut self, filter: &str, changes: &mut Changes) -> Option<HeldSubscription> {
        let held = self.subscriptions.remove(filter)?;
        self.note(&Change::Unsubscribed { client: &self.client, filter }, changes);
        Some(held)
    }

    /// Whether the client subscribes to exactly this filter.
    pub(crate) fn has_subscription(&self, filter: &str) -> bool {
        self.subscriptions.contains_key(filter)
    }

    /// All subscriptions, each under its filter as the client wrote it.
    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = (&str, &HeldSubscription)> {
        self.subscriptions.iter().map(|(filter, held)| (filter.as_str(), held))
    }

    /// How many subscriptions there are.
    pub(crate) fn subscription_count(&self) -> usize {
        self.subscriptions.len()
    }

    /// A message waits for this client, behind those that wait already.
    pub(crate) fn enqueue(&mut self, delivery: Delivery, maximum: usize, changes: &mut Changes) -> Queued {
        if self.queue.len() >= maximum {
            return Queued::Dropped;
        }
        if delivery.qos == Qos::AtMostOnce {
            self.queued_at_most_once += 1;
        } else if self.is_kept() {
            changes.note_queued(&self.client, &delivery);
        }
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

    /// Those that wait and outlive the connection, the next one first.
    pub(crate) fn kept_queue(&self) -> impl Iterator<Item = &Delivery> {
        self.queue.iter().filter(|delivery| delivery.qos != Qos::AtMostOnce)
    }

    /// Takes out the message whose turn it was: one of QoS 0 to be sent, any other for good.
    pub(crate) fn dequeue(&mut self, changes: &mut Changes) -> Option<Delivery> {
        let delivery = self.queue.pop_front()?;
        if delivery.qos == Qos::AtMostOnce {
            self.queued_at_most_once -= 1;
        } else {
            self.note(&Change::Dropped { client: &self.client }, changes);
        }
        Some(delivery)
    }

    /// Begins the delivery of the QoS 1 or 2 message whose turn it is; none while all packet identifiers are in use.
    pub(crate) fn begin_next(&mut self, changes: &mut Changes) -> Option<(PacketIdentifier, Delivery)> {
        if !self.inflight.has_unused_identifier() {
            return None;
        }
        let delivery = self.queue.pop_front()?;
        let packet_identifier = self.inflight.begin(delivery.clone())?;
        self.note(&Change::Sent { client: &self.client, packet_identifier }, changes);
        Some((packet_identifier, delivery))
    }

    /// A delivery is given up as if it had been finished.
    pub(crate) fn abandon_delivery(&mut self, identifier: PacketIdentifier, changes: &mut Changes) {
        self.inflight.abandon(identifier);
        self.note_settled(identifier, changes);
    }

    fn note_settled(&self, packet_identifier: PacketIdentifier, changes: &mut Changes) {
        self.note(&Change::Settled { client: &self.client, packet_identifier }, changes);
    }

    /// The client acknowledged a QoS 1 delivery. Whether there was one.
    pub(crate) fn on_puback(
        &mut self,
        identifier: PacketIdentifier,
        changes: &mut Changes,
    ) -> Result<bool, Violation> {
        let found = self.inflight.on_puback(identifier)?;
        if found {
            self.note_settled(identifier, changes);
        }
        Ok(found)
    }

    /// The client took a QoS 2 message over, or refused it. Whether, and how, PUBREL answers.
    pub(crate) fn on_pubrec(
        &mut self,
        packet_identifier: PacketIdentifier,
        failed: bool,
        changes: &mut Changes,
    ) -> Result<Option<OnPubRec>, Violation> {
        let (was_known, was_released) =
            (self.inflight.is_known(packet_identifier), self.inflight.is_released(packet_identifier));
        let outcome = self.inflight.on_pubrec(packet_identifier, failed)?;
        match outcome {
            Some(OnPubRec::Release) if !was_released => {
                self.note(&Change::AwaitingPubComp { client: &self.client, packet_identifier }, changes);
            }
            None if was_known => self.note_settled(packet_identifier, changes),
            Some(OnPubRec::Release | OnPubRec::Unknown) | None => {}
        }
        Ok(outcome)
    }

    /// The client finished a QoS 2 delivery. Whether there was one.
    pub(crate) fn on_pubcomp(
        &mut self,
        identifier: PacketIdentifier,
        changes: &mut Changes,
    ) -> Result<bool, Violation> {
        let found = self.inflight.on_pubcomp(identifier)?;
        if found {
            self.note_settled(identifier, changes);
        }
        Ok(found)
    }

    /// What was begun and is unfinished.
    pub(crate) fn inflight(&self) -> &Inflight {
        &self.inflight
    }

    /// The same, to be built again from records.
    pub(crate) fn inflight_mut(&mut self) -> &mut Inflight {
        &mut self.inflight
    }

    /// A QoS 2 message was received and will not be taken again until it is released.
    pub(crate) fn receive_exactly_once(
        &mut self,
        packet_identifier: PacketIdentifier,
        changes: &mut Changes,
    ) {
        if self.awaiting_pubrel.insert(packet_identifier) {
            self.note(&Change::AwaitingPubRel { client: &self.client, packet_identifier }, changes);
        }
    }

    /// Whether a QoS 2 message was received under this identifier and not released.
    pub(crate) fn awaits_pubrel(&self, identifier: PacketIdentifier) -> bool {
        self.awaiting_pubrel.contains(&identifier)
    }

    /// All that were received and not released.
    pub(crate) fn awaiting_pubrel(&self) -> impl Iterator<Item = PacketIdentifier> {
        self.awaiting_pubrel.iter().copied()
    }

    /// The client released a QoS 2 message. Whether there was one.
    pub(crate) fn release(&mut self, packet_identifier: PacketIdentifier, changes: &mut Changes) -> bool {
        let found = self.awaiting_pubrel.remove(&packet_identifier);
        if found {
            self.note(&Change::Released { client: &self.client, packet_identifier }, changes);
        }
        found
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
