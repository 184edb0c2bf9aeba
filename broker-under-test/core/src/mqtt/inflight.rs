//! Messages on their way to one client: sent with QoS 1 or 2 and not finished (§4.3, §4.4).

use std::collections::{BTreeMap, BTreeSet};

use super::codec::{PacketIdentifier, PacketType, Qos};
use super::message::Delivery;
use super::violation::Violation;

/// Counts what was begun for one client, so that order survives the packet identifiers' wrap.
type Sequence = u64;

/// Unfinished deliveries of one session, each under its packet identifier.
#[derive(Debug, Default)]
pub(crate) struct Inflight {
    states: BTreeMap<PacketIdentifier, Awaited>,
    /// Not acknowledged yet, in the order in which they were first sent.
    publishes: BTreeMap<Sequence, (PacketIdentifier, Delivery)>,
    /// PUBREL sent and no PUBCOMP yet, in the order of their PUBRECs.
    releases: BTreeMap<Sequence, PacketIdentifier>,
    /// Those of `publishes` that were not sent again yet since the client came back.
    to_resend: BTreeSet<Sequence>,
    last_sequence: Sequence,
    last_identifier: u16,
}

/// Which acknowledgement ends the step, and where its message stands in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// PUBACK.
    Acknowledgement(Sequence),
    /// PUBREC.
    Receipt(Sequence),
    /// PUBCOMP.
    Completion(Sequence),
}

/// What a PUBREC leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnPubRec {
    /// The message was handed over, now or before: PUBREL.
    Release,
    /// There is no such exchange.
    Unknown,
}

impl Inflight {
    /// How many QoS 1 and 2 messages the client has been sent on this connection, or released before, and
    /// has not finished.
    pub(crate) fn occupied(&self) -> usize {
        self.states.len() - self.to_resend.len()
    }

    /// Begins a delivery under an identifier that nothing else uses; none if all are in use.
    pub(crate) fn begin(&mut self, delivery: Delivery) -> Option<PacketIdentifier> {
        let identifier = self.unused_identifier()?;
        self.begin_as(identifier, delivery);
        Some(identifier)
    }

    /// Begins a delivery under this identifier, in place of what it stood for.
    pub(crate) fn begin_as(&mut self, identifier: PacketIdentifier, delivery: Delivery) {
        self.abandon(identifier);
        let sequence = self.next_sequence();
        let state = match delivery.qos {
            Qos::AtMostOnce => panic!("QoS 0 has no packet identifier, so nothing of it is ever in flight"),
            Qos::AtLeastOnce => Awaited::Acknowledgement(sequence),
            Qos::ExactlyOnce => Awaited::Receipt(sequence),
        };
        self.states.insert(identifier, state);
        self.publishes.insert(sequence, (identifier, delivery));
        self.last_identifier = identifier.get();
    }

    /// Goes on as if a PUBREC of success had come for this identifier, whatever it stood for.
    pub(crate) fn release_as(&mut self, identifier: PacketIdentifier) {
        self.abandon(identifier);
        let sequence = self.next_sequence();
        self.releases.insert(sequence, identifier);
        self.states.insert(identifier, Awaited::Completion(sequence));
    }

    /// Whether an identifier is in use.
    pub(crate) fn is_known(&self, identifier: PacketIdentifier) -> bool {
        self.states.contains_key(&identifier)
    }

    /// Whether only PUBREL and PUBCOMP are left under this identifier.
    pub(crate) fn is_released(&self, identifier: PacketIdentifier) -> bool {
        matches!(self.states.get(&identifier), Some(Awaited::Completion(_)))
    }

    /// What was sent and is not acknowledged, in the order of the first time.
    pub(crate) fn publishes(&self) -> impl Iterator<Item = (PacketIdentifier, &Delivery)> {
        self.publishes.values().map(|(identifier, delivery)| (*identifier, delivery))
    }

    /// Under which identifiers only PUBREL and PUBCOMP are left, in the order of their PUBRECs.
    pub(crate) fn releases(&self) -> impl Iterator<Item = PacketIdentifier> {
        self.releases.values().copied()
    }

    /// Whether another delivery can begin.
    pub(crate) fn has_unused_identifier(&self) -> bool {
        self.states.len() < usize::from(u16::MAX)
    }

    fn unused_identifier(&self) -> Option<PacketIdentifier> {
        let after = self.last_identifier;
        let mut candidates = (after..=u16::MAX).skip(1).chain(1..=after).filter_map(PacketIdentifier::new);
        candidates.find(|identifier| !self.states.contains_key(identifier))
    }

    fn next_sequence(&mut self) -> Sequence {
        self.last_sequence += 1;
        self.last_sequence
    }

    /// A PUBACK finishes a QoS 1 delivery. Whether there was one.
    pub(crate) fn on_puback(&mut self, identifier: PacketIdentifier) -> Result<bool, Violation> {
        match self.states.get(&identifier).copied() {
            None => Ok(false),
            Some(Awaited::Acknowledgement(sequence)) => {
                self.settle(identifier, sequence);
                Ok(true)
            }
            Some(Awaited::Receipt(_) | Awaited::Completion(_)) => {
                Err(Violation::AcknowledgementOfWrongKind(PacketType::PubAck))
            }
        }
    }

    /// A PUBREC hands the message over, or settles it by a code of failure.
    pub(crate) fn on_pubrec(
        &mut self,
        identifier: PacketIdentifier,
        failed: bool,
    ) -> Result<Option<OnPubRec>, Violation> {
        match self.states.get(&identifier).copied() {
            None if failed => Ok(None),
            None => Ok(Some(OnPubRec::Unknown)),
            Some(Awaited::Acknowledgement(_)) => {
                Err(Violation::AcknowledgementOfWrongKind(PacketType::PubRec))
            }
            // [mqtt-5.0/MQTT-4.4.0-2] a refused message is settled: no PUBREL, and never again.
            Some(Awaited::Receipt(sequence)) if failed => {
                self.settle(identifier, sequence);
                Ok(None)
            }
            Some(Awaited::Receipt(_)) => {
                self.release_as(identifier);
                Ok(Some(OnPubRec::Release))
            }
            Some(Awaited::Completion(_)) => Ok(Some(OnPubRec::Release)),
        }
    }

    /// A PUBCOMP finishes a QoS 2 delivery. Whether there was one.
    pub(crate) fn on_pubcomp(&mut self, identifier: PacketIdentifier) -> Result<bool, Violation> {
        match self.states.get(&identifier).copied() {
            None => Ok(false),
            Some(Awaited::Completion(sequence)) => {
                self.settle(identifier, sequence);
                Ok(true)
            }
            Some(Awaited::Acknowledgement(_) | Awaited::Receipt(_)) => {
                Err(Violation::AcknowledgementOfWrongKind(PacketType::PubComp))
            }
        }
    }

    /// Frees an identifier whose exchange is over.
    fn settle(&mut self, identifier: PacketIdentifier, sequence: Sequence) {
        self.states.remove(&identifier);
        self.publishes.remove(&sequence);
        self.releases.remove(&sequence);
        self.to_resend.remove(&sequence);
    }

    /// The client is back: every PUBLISH must go out again. Returns the PUBRELs to repeat, in order.
    pub(crate) fn on_resumed(&mut self) -> Vec<PacketIdentifier> {
        self.to_resend = self.publishes.keys().copied().collect();
        self.releases().collect()
    }

    /// Whether something must go out again before anything new may.
    pub(crate) fn has_to_resend(&self) -> bool {
        !self.to_resend.is_empty()
    }

    /// The next PUBLISH to send again, in the order of the first time. It counts as sent from now on.
    pub(crate) fn next_to_resend(&mut self) -> Option<(PacketIdentifier, Delivery)> {
        let sequence = self.to_resend.pop_first()?;
        self.publishes.get(&sequence).cloned()
    }

    /// Gives a delivery up that cannot be sent to this client, as if it had been finished.
    pub(crate) fn abandon(&mut self, identifier: PacketIdentifier) {
        match self.states.get(&identifier).copied() {
            Some(
                Awaited::Acknowledgement(sequence)
                | Awaited::Receipt(sequence)
                | Awaited::Completion(sequence),
            ) => {
                self.settle(identifier, sequence);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::mqtt::message::Message;

    fn delivery(qos: Qos) -> Delivery {
        let message = Message {
            topic_name: "t".into(),
            qos,
            retain: false,
            payload: Bytes::new(),
            forwarded: Bytes::new(),
            expiry_secs: None,
            received_at: Duration::ZERO,
            publisher: "p".into(),
        };
        Delivery { message: Arc::new(message), qos, retain: false, subscription_identifiers: Vec::new() }
    }

    fn begin(inflight: &mut Inflight, qos: Qos) -> PacketIdentifier {
        inflight.begin(delivery(qos)).expect("identifiers are left")
    }

    #[test]
    fn identifiers_wrap_past_0_and_skip_those_in_use() {
        let mut inflight = Inflight::default();
        let first = begin(&mut inflight, Qos::AtLeastOnce);
        assert_eq!(first.get(), 1);
        for expected in 2..=u16::MAX {
            let identifier = begin(&mut inflight, Qos::AtLeastOnce);
            assert_eq!(identifier.get(), expected);
            assert_eq!(inflight.on_puback(identifier), Ok(true));
        }
        assert_eq!(begin(&mut inflight, Qos::AtLeastOnce).get(), 2, "1 is in use still");
    }

    #[test]
    fn no_identifier_is_left_once_all_are_in_use() {
        let mut inflight = Inflight::default();
        for _ in 1..=u16::MAX {
            begin(&mut inflight, Qos::ExactlyOnce);
        }
        assert!(!inflight.has_unused_identifier());
        assert_eq!(inflight.begin(delivery(Qos::AtLeastOnce)), None);
    }

    #[test]
    fn releases_are_repeated_in_the_order_of_their_pubrecs() {
        let mut inflight = Inflight::default();
        let first = begin(&mut inflight, Qos::ExactlyOnce);
        let second = begin(&mut inflight, Qos::ExactlyOnce);
        assert_eq!(inflight.on_pubrec(second, false), Ok(Some(OnPubRec::Release)));
        assert_eq!(inflight.on_pubrec(first, false), Ok(Some(OnPubRec::Release)));
        assert_eq!(inflight.on_resumed(), vec![second, first]);
        assert!(!inflight.has_to_resend());
    }

    #[test]
    fn a_refused_message_is_settled() {
        let mut inflight = Inflight::default();
        let identifier = begin(&mut inflight, Qos::ExactlyOnce);
        assert_eq!(inflight.on_pubrec(identifier, true), Ok(None));
        assert_eq!(inflight.occupied(), 0);
        assert_eq!(inflight.on_resumed(), Vec::new());
        assert!(!inflight.has_to_resend());
    }

    #[test]
    fn an_acknowledgement_of_the_wrong_kind_is_a_violation() {
        let mut inflight = Inflight::default();
        let once = begin(&mut inflight, Qos::AtLeastOnce);
        let exactly = begin(&mut inflight, Qos::ExactlyOnce);
        assert!(inflight.on_pubrec(once, false).is_err());
        assert!(inflight.on_pubcomp(once).is_err());
        assert!(inflight.on_puback(exactly).is_err());
        assert!(inflight.on_pubcomp(exactly).is_err());
    }
}
