//! PUBLISH from a client (§3.3), and its PUBREL (§3.6), which ends it for QoS 2.

use std::sync::Arc;

use bytes::Bytes;

use crate::effect::ConnectionId;
use crate::mqtt::Mqtt;
use crate::mqtt::codec::{
    Acknowledgement, AcknowledgementKind, PacketIdentifier, Publish, Qos, ReasonCode, Version, property,
};
use crate::mqtt::connection::{Client, Turn};
use crate::mqtt::message::Message;
use crate::mqtt::topic;
use crate::mqtt::violation::{Answer, Reach, Violation};

impl Mqtt {
    pub(super) fn on_publish(
        &mut self,
        id: ConnectionId,
        publish: &Publish<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let Some(version) = self.connections.get(&id).map(|connection| connection.outbound.version) else {
            return Ok(());
        };
        self.check_announced_limits(publish, version)?;
        let alias_maximum = self.config.topic_alias_maximum;
        let Some(peer) = self.peer(id) else { return Ok(()) };
        let topic_name = resolve_topic(peer.client, publish, alias_maximum)?;
        match (publish.qos, publish.packet_identifier) {
            (Qos::AtLeastOnce, Some(identifier)) => {
                self.on_publish_at_least_once(id, publish, topic_name, identifier, turn)
            }
            (Qos::ExactlyOnce, Some(identifier)) => {
                self.on_publish_exactly_once(id, publish, topic_name, identifier, turn)
            }
            (Qos::AtMostOnce, _) | (_, None) => {
                // A refusal has nowhere to go: QoS 0 is not answered.
                let _refused = self.take_message(id, publish, topic_name, turn);
                Ok(())
            }
        }
    }

    /// What CONNACK told the client not to send.
    fn check_announced_limits(&self, publish: &Publish<'_>, version: Version) -> Result<(), Violation> {
        if publish.qos > self.config.maximum_qos {
            return Err(Violation::QosNotSupported);
        }
        if publish.retain && !self.config.retain_available && version == Version::V50 {
            return Err(Violation::RetainNotSupported);
        }
        let is_text = publish.properties.payload_is_text == Some(true);
        if self.config.validate_payload_format && is_text && std::str::from_utf8(publish.payload).is_err() {
            return Err(Violation::PayloadFormatInvalid);
        }
        Ok(())
    }

    fn on_publish_at_least_once(
        &mut self,
        id: ConnectionId,
        publish: &Publish<'_>,
        topic_name: Arc<str>,
        identifier: PacketIdentifier,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let Some(peer) = self.peer(id) else { return Ok(()) };
        let version = peer.outbound.version;
        // [mqtt-5.0/MQTT-3.3.4-7] acknowledged at once, so it only counts while others are unfinished.
        if version == Version::V50 && peer.client.receive_quota == 0 {
            return Err(Violation::ReceiveMaximumExceeded);
        }
        let in_use = version == Version::V50 && peer.session.awaits_pubrel(identifier);
        let outcome = if in_use {
            Err(Violation::PacketIdentifierInUse)
        } else {
            self.take_message(id, publish, topic_name, turn)
        };
        end_of_connection(outcome, version)?;
        let (code, words) = self.outcome_code(id, outcome);
        self.acknowledge(id, AcknowledgementKind::PubAck, identifier, code, words.as_deref(), turn);
        Ok(())
    }

    /// Handles a QoS 2 PUBLISH as its receiver (§4.3.3): the first receipt is routed; a repeat is acknowledged
    /// again and goes nowhere.
    fn on_publish_exactly_once(
        &mut self,
        id: ConnectionId,
        publish: &Publish<'_>,
        topic_name: Arc<str>,
        identifier: PacketIdentifier,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let Some(peer) = self.peer(id) else { return Ok(()) };
        let version = peer.outbound.version;
        if version == Version::V50 && !peer.client.receiving.contains(&identifier) {
            if peer.client.receive_quota == 0 {
                return Err(Violation::ReceiveMaximumExceeded);
            }
            peer.client.receive_quota -= 1;
            peer.client.receiving.insert(identifier);
        }
        // [mqtt-5.0/MQTT-4.3.3-10] a repeat must not reach a subscriber.
        let outcome = if peer.session.awaits_pubrel(identifier) {
            Ok(ReasonCode::Success)
        } else {
            self.take_message(id, publish, topic_name, turn)
        };
        end_of_connection(outcome, version)?;
        let accepted = outcome.is_ok();
        let (code, words) = self.outcome_code(id, outcome);
        if let Some(peer) = self.peer(id) {
            // [mqtt-5.0/MQTT-4.3.3-9] after a PUBREC of failure the identifier is free at once.
            if accepted || version == Version::V311 {
                peer.session.receive_exactly_once(identifier, &mut turn.changes);
            } else {
                self.finish_receiving(id, identifier);
            }
        }
        self.acknowledge(id, AcknowledgementKind::PubRec, identifier, code, words.as_deref(), turn);
        Ok(())
    }

    /// A QoS 2 message that counted against Receive Maximum is finished.
    fn finish_receiving(&mut self, id: ConnectionId, identifier: PacketIdentifier) {
        let receive_maximum = self.config.receive_maximum;
        let Some(peer) = self.peer(id) else { return };
        peer.client.receiving.remove(&identifier);
        // Also for one of an earlier connection: the client counts so too, up to the maximum (§4.9).
        peer.client.receive_quota = peer.client.receive_quota.saturating_add(1).min(receive_maximum);
    }

    pub(super) fn on_pubrel(&mut self, id: ConnectionId, pubrel: Acknowledgement<'_>, turn: &mut Turn<'_>) {
        let identifier = pubrel.packet_identifier;
        let Some(peer) = self.peer(id) else { return };
        let code = if peer.session.release(identifier, &mut turn.changes) {
            self.finish_receiving(id, identifier);
            ReasonCode::Success
        } else {
            ReasonCode::PacketIdentifierNotFound
        };
        // [mqtt-5.0/MQTT-4.3.3-11] PUBCOMP in any case.
        self.acknowledge(id, AcknowledgementKind::PubComp, identifier, code, None, turn);
    }

    /// Makes a PUBLISH the broker's own: keeps it, routes it, and says what to acknowledge it with.
    fn take_message(
        &mut self,
        id: ConnectionId,
        publish: &Publish<'_>,
        topic_name: Arc<str>,
        turn: &mut Turn<'_>,
    ) -> Result<ReasonCode, Violation> {
        if topic::is_server_owned(&topic_name) {
            return Err(Violation::TopicOwnedByServer);
        }
        let retain = publish.retain && self.config.retain_available;
        let stored = retain && !publish.payload.is_empty();
        if self.storage_full && (stored || publish.qos != Qos::AtMostOnce) {
            return Err(Violation::StorageFull);
        }
        if stored && self.retained.is_full_for(&topic_name, self.config.retained_messages_maximum) {
            return Err(Violation::TooManyRetainedMessages);
        }
        let Some(peer) = self.peer(id) else { return Ok(ReasonCode::Success) };
        let message = Message {
            topic_name,
            qos: publish.qos,
            retain,
            payload: Bytes::copy_from_slice(publish.payload),
            forwarded: property::forwarded(publish.properties.raw).into(),
            expiry_secs: publish.properties.message_expiry_secs,
            received_at: turn.now,
            publisher: peer.client.id.clone(),
        };
        let anybody = self.accept_message(&message.into(), turn);
        Ok(if anybody { ReasonCode::Success } else { ReasonCode::NoMatchingSubscribers })
    }

    /// What a client is told about its PUBLISH. In 3.1.1 there is no way to refuse but to acknowledge and do
    /// nothing ([mqtt-3.1.1/MQTT-3.3.5-2]).
    fn outcome_code(
        &self,
        id: ConnectionId,
        outcome: Result<ReasonCode, Violation>,
    ) -> (ReasonCode, Option<String>) {
        match outcome {
            Ok(code) => (code, None),
            Err(violation) => match violation.answer(Version::V50) {
                Answer::ReasonCode(code) => (code, self.reason_string(id, violation)),
                Answer::ReturnCode(_) | Answer::Silence => (ReasonCode::UnspecifiedError, None),
            },
        }
    }
}

/// What says that a PUBLISH was not taken in a version that has no code for it.
fn end_of_connection(outcome: Result<ReasonCode, Violation>, version: Version) -> Result<(), Violation> {
    match outcome {
        Err(violation) if violation.reach(version) == Reach::Connection => Err(violation),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The topic that a PUBLISH is for, by name or alias; a name with an alias sets the alias (§3.3.2.3.4).
fn resolve_topic(
    client: &mut Client,
    publish: &Publish<'_>,
    alias_maximum: u16,
) -> Result<Arc<str>, Violation> {
    let Some(alias) = publish.properties.topic_alias else { return Ok(publish.topic_name.into()) };
    if alias > alias_maximum {
        return Err(Violation::TopicAliasTooLarge);
    }
    if publish.topic_name.is_empty() {
        return client.topic_aliases.get(&alias).cloned().ok_or(Violation::TopicAliasUnknown);
    }
    let topic_name: Arc<str> = publish.topic_name.into();
    client.topic_aliases.insert(alias, topic_name.clone());
    Ok(topic_name)
}
