//! An application message on its way through the broker.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::effect::Now;

use super::codec::Qos;

/// A client identifier: the key of a session.
pub(crate) type ClientId = Arc<str>;

/// What somebody published, once for all who get it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Message {
    /// Never empty, without wildcards.
    pub(crate) topic_name: Arc<str>,
    /// As published.
    pub(crate) qos: Qos,
    /// As published.
    pub(crate) retain: bool,
    /// The application's bytes.
    pub(crate) payload: Bytes,
    /// Properties passed on unaltered, as bytes and in their order.
    pub(crate) forwarded: Bytes,
    /// Lifetime from `received_at` on, in seconds.
    pub(crate) expiry_secs: Option<u32>,
    /// When the broker took it.
    pub(crate) received_at: Now,
    /// For No Local.
    pub(crate) publisher: ClientId,
}

impl Message {
    fn age(&self, now: Now) -> Duration {
        now.saturating_sub(self.received_at)
    }

    /// Whether its lifetime has passed. What is passed on in the moment of its arrival is never too late.
    pub(crate) fn is_expired(&self, now: Now) -> bool {
        let age = self.age(now);
        self.expiry_secs
            .is_some_and(|seconds| age > Duration::ZERO && age >= Duration::from_secs(u64::from(seconds)))
    }

    /// [mqtt-5.0/MQTT-3.3.2-6] the lifetime that is left, in whole seconds.
    pub(crate) fn expiry_left_secs(&self, now: Now) -> Option<u32> {
        let waited = u32::try_from(self.age(now).as_secs()).unwrap_or(u32::MAX);
        self.expiry_secs.map(|seconds| seconds.saturating_sub(waited))
    }
}

/// One copy of a message for one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// What is delivered.
    pub(crate) message: Arc<Message>,
    /// The lower of published and granted.
    pub(crate) qos: Qos,
    /// RETAIN of this copy.
    pub(crate) retain: bool,
    /// Of every subscription that this copy is for.
    pub(crate) subscription_identifiers: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(expiry_secs: Option<u32>) -> Message {
        Message {
            topic_name: "t".into(),
            qos: Qos::AtMostOnce,
            retain: false,
            payload: Bytes::new(),
            forwarded: Bytes::new(),
            expiry_secs,
            received_at: Duration::from_secs(100),
            publisher: "p".into(),
        }
    }

    #[test]
    fn a_message_expires_when_its_interval_has_passed() {
        let message = message(Some(2));
        assert!(!message.is_expired(Duration::from_millis(101_999)));
        assert!(message.is_expired(Duration::from_secs(102)));
    }

    #[test]
    fn a_message_without_interval_never_expires() {
        assert!(!message(None).is_expired(Duration::MAX));
        assert_eq!(message(None).expiry_left_secs(Duration::MAX), None);
    }

    #[test]
    fn interval_0_lives_for_the_moment_of_its_arrival() {
        assert!(!message(Some(0)).is_expired(Duration::from_secs(100)));
        assert!(message(Some(0)).is_expired(Duration::from_millis(100_001)));
    }

    #[test]
    fn the_interval_left_counts_whole_seconds_waited() {
        assert_eq!(message(Some(10)).expiry_left_secs(Duration::from_millis(103_900)), Some(7));
        assert_eq!(message(Some(10)).expiry_left_secs(Duration::from_secs(200)), Some(0));
    }
}
