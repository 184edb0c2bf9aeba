//! SUBSCRIBE and UNSUBSCRIBE (§3.8, §3.10).

use crate::effect::ConnectionId;
use crate::mqtt::Mqtt;
use crate::mqtt::codec::subscribe::{self, RetainHandling, SubscriptionRequest};
use crate::mqtt::codec::{PacketType, Qos, ReasonCode, Subscribe, Unsubscribe, Version};
use crate::mqtt::connection::Turn;
use crate::mqtt::journal::Changes;
use crate::mqtt::message::{ClientId, Delivery};
use crate::mqtt::session::HeldSubscription;
use crate::mqtt::subscription::Subscription;
use crate::mqtt::topic::TopicFilter;
use crate::mqtt::violation::{Answer, Reach, Violation};

impl Mqtt {
    pub(super) fn on_subscribe(
        &mut self,
        id: ConnectionId,
        packet: &Subscribe<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let Some(peer) = self.peer(id) else { return Ok(()) };
        let version = peer.outbound.version;
        let client_id = peer.client.id.clone();
        let in_use = version == Version::V50 && peer.session.awaits_pubrel(packet.packet_identifier);
        if packet.subscription_identifier.is_some() && !self.config.subscription_identifiers_available {
            return Err(Violation::SubscriptionIdentifiersNotSupported);
        }
        // Nothing is done for a packet of which a part is wrong.
        for request in packet.requests() {
            self.check_request(request, version)?;
        }
        let (mut codes, mut words, mut retained) = (Vec::new(), None, Vec::new());
        for request in packet.requests() {
            let outcome = if in_use {
                Err(Violation::PacketIdentifierInUse)
            } else {
                self.subscribe(&client_id, request, packet.subscription_identifier, version, turn)
            };
            match outcome {
                Ok((granted, is_new)) => {
                    codes.push(granted_code(granted.options.maximum_qos));
                    if sends_retained(granted.options.retain_handling, is_new) {
                        retained.push((request.filter, granted));
                    }
                }
                Err(violation) => {
                    codes.push(refused_code(violation));
                    words = words.or_else(|| self.reason_string(id, violation));
                }
            }
        }
        let encode =
            |words: Option<&str>| subscribe::encode_suback(version, packet.packet_identifier, &codes, words);
        // [mqtt-5.0/MQTT-3.9.2-1]
        let suback = self.fitting(id, encode(words.as_deref()), || encode(None));
        self.reply(id, suback, turn);
        for (filter, subscription) in retained {
            self.send_retained(&client_id, filter, subscription, version, turn);
        }
        Ok(())
    }

    /// What is wrong with one filter so that the whole packet, and the connection, must go.
    fn check_request(&self, request: SubscriptionRequest<'_>, version: Version) -> Result<(), Violation> {
        let filter = TopicFilter::parse(request.filter, version, PacketType::Subscribe)?;
        if filter.share_name.is_some() && request.options.no_local {
            return Err(Violation::NoLocalOnShared);
        }
        match self.unavailable(filter) {
            Some(violation) if violation.reach(version) == Reach::Connection => Err(violation),
            Some(_) | None => Ok(()),
        }
    }

    /// The feature that a filter uses and the server does not have.
    fn unavailable(&self, filter: TopicFilter<'_>) -> Option<Violation> {
        if filter.share_name.is_some() && !self.config.shared_subscription_available {
            return Some(Violation::SharedSubscriptionsNotSupported);
        }
        if filter.has_wildcard() && !self.config.wildcard_subscription_available {
            return Some(Violation::WildcardSubscriptionsNotSupported);
        }
        None
    }

    /// Grants one subscription. Whether the client had none to this filter.
    fn subscribe(
        &mut self,
        client_id: &ClientId,
        request: SubscriptionRequest<'_>,
        identifier: Option<u32>,
        version: Version,
        turn: &mut Turn<'_>,
    ) -> Result<(Subscription, bool), Violation> {
        let filter = TopicFilter::parse(request.filter, version, PacketType::Subscribe)?;
        if let Some(violation) = self.unavailable(filter) {
            return Err(violation);
        }
        let too_deep = filter.pattern.split('/').count() > self.config.topic_levels_maximum;
        let Some(session) = self.sessions.get_mut(client_id) else {
            panic!("client {client_id} subscribes without a session although its connection is open")
        };
        let too_many = session.subscription_count() >= self.config.subscriptions_maximum
            && !session.has_subscription(request.filter);
        if too_deep || too_many {
            return Err(Violation::SubscriptionQuotaExceeded);
        }
        if self.storage_full && session.is_kept() {
            return Err(Violation::StorageFull);
        }
        let mut options = request.options;
        options.maximum_qos = options.maximum_qos.min(self.config.maximum_qos);
        let subscription = Subscription { options, identifier };
        let held = HeldSubscription::of(filter, subscription);
        let is_new = self.hold_subscription(client_id, request.filter, &held, &mut turn.changes);
        Ok((subscription, is_new))
    }

    /// [mqtt-5.0/MQTT-3.8.4-3] puts a subscription in place of what the client's session had for the same filter.
    /// Whether there was nothing.
    pub(in crate::mqtt) fn hold_subscription(
        &mut self,
        client_id: &ClientId,
        filter: &str,
        held: &HeldSubscription,
        changes: &mut Changes,
    ) -> bool {
        let Some(session) = self.sessions.get_mut(client_id) else { return false };
        let former = session.subscribe(filter, held.clone(), changes);
        if let Some(former) = former.as_ref().filter(|former| former.filter() != held.filter()) {
            self.subscriptions.remove(former.filter(), client_id);
        }
        self.subscriptions.insert(held.filter(), client_id, held.subscription);
        former.is_none()
    }

    /// Sends the retained messages that a new subscription matches. Shared ones get none (§4.8.2 of 5.0).
    fn send_retained(
        &mut self,
        client_id: &ClientId,
        filter: &str,
        subscription: Subscription,
        version: Version,
        turn: &mut Turn<'_>,
    ) {
        let Ok(filter) = TopicFilter::parse(filter, version, PacketType::Subscribe) else { return };
        if filter.share_name.is_some() {
            return;
        }
        for message in self.retained.matching(filter.pattern, turn.now, &mut turn.changes) {
            let delivery = Delivery {
                qos: message.qos.min(subscription.options.maximum_qos),
                // [mqtt-5.0/MQTT-3.3.1-9] RETAIN says why it comes, whatever the subscription asks for.
                retain: true,
                subscription_identifiers: subscription.identifier.into_iter().collect(),
                message,
            };
            self.deliver_retained(client_id, delivery, turn);
        }
    }

    pub(super) fn on_unsubscribe(
        &mut self,
        id: ConnectionId,
        packet: &Unsubscribe<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let Some(peer) = self.peer(id) else { return Ok(()) };
        let version = peer.outbound.version;
        let client_id = peer.client.id.clone();
        let in_use = version == Version::V50 && peer.session.awaits_pubrel(packet.packet_identifier);
        for filter in packet.filters() {
            TopicFilter::parse(filter, version, PacketType::Unsubscribe)?;
        }
        let mut codes = Vec::new();
        for filter in packet.filters() {
            codes.push(if in_use {
                ReasonCode::PacketIdentifierInUse
            } else {
                self.unsubscribe(&client_id, filter, &mut turn.changes)
            });
        }
        let words = in_use.then_some(Violation::PacketIdentifierInUse);
        let words = words.and_then(|violation| self.reason_string(id, violation));
        let encode = |words: Option<&str>| {
            subscribe::encode_unsuback(version, packet.packet_identifier, &codes, words)
        };
        // [mqtt-5.0/MQTT-3.11.2-1]
        let unsuback = self.fitting(id, encode(words.as_deref()), || encode(None));
        self.reply(id, unsuback, turn);
        Ok(())
    }

    /// [mqtt-5.0/MQTT-3.10.4-1] ends the subscription to exactly this filter.
    pub(in crate::mqtt) fn unsubscribe(
        &mut self,
        client_id: &ClientId,
        filter: &str,
        changes: &mut Changes,
    ) -> ReasonCode {
        let session = self.sessions.get_mut(client_id);
        let former = session.and_then(|session| session.unsubscribe(filter, changes));
        match former {
            Some(held) => {
                self.subscriptions.remove(held.filter(), client_id);
                ReasonCode::Success
            }
            None => ReasonCode::NoSubscriptionExisted,
        }
    }

    /// The packet, or a shorter one where the client does not take it.
    fn fitting(
        &self,
        id: ConnectionId,
        packet: bytes::Bytes,
        shorter: impl FnOnce() -> bytes::Bytes,
    ) -> bytes::Bytes {
        let fits = self.connections.get(&id).is_none_or(|connection| connection.outbound.takes(packet.len()));
        if fits { packet } else { shorter() }
    }
}

fn sends_retained(handling: RetainHandling, is_new: bool) -> bool {
    match handling {
        RetainHandling::Send => true,
        RetainHandling::SendIfNew => is_new,
        RetainHandling::DoNotSend => false,
    }
}

fn granted_code(qos: Qos) -> ReasonCode {
    match qos {
        Qos::AtMostOnce => ReasonCode::Success,
        Qos::AtLeastOnce => ReasonCode::GrantedQos1,
        Qos::ExactlyOnce => ReasonCode::GrantedQos2,
    }
}

/// The code of a refused filter; SUBACK of 3.1.1 has one for all.
fn refused_code(violation: Violation) -> ReasonCode {
    match violation.answer(Version::V50) {
        Answer::ReasonCode(code) => code,
        Answer::ReturnCode(_) | Answer::Silence => ReasonCode::UnspecifiedError,
    }
}
