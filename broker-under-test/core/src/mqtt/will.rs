//! A will: what to publish for a client that vanishes (§3.1.2.5).

use std::sync::Arc;

use bytes::Bytes;

use crate::effect::Now;

use super::codec::connect::ConnectWill;
use super::codec::{Qos, property};
use super::message::{ClientId, Message};

/// What to publish, kept with the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Will {
    /// Not empty, without wildcards.
    pub(crate) topic_name: Arc<str>,
    /// Its QoS.
    pub(crate) qos: Qos,
    /// Whether it becomes the topic's retained message.
    pub(crate) retain: bool,
    /// Seconds between the end of the connection and the will.
    pub(crate) delay_secs: u32,
    /// The application's bytes.
    pub(crate) payload: Bytes,
    /// Properties passed on unaltered, as bytes and in their order.
    pub(crate) forwarded: Bytes,
    /// Lifetime from its publication on, in seconds.
    pub(crate) expiry_secs: Option<u32>,
}

impl Will {
    /// Takes over the will of a CONNECT.
    pub(crate) fn of(will: &ConnectWill<'_>) -> Self {
        Self {
            topic_name: will.topic.into(),
            qos: will.qos,
            retain: will.retain,
            delay_secs: will.delay_secs,
            payload: Bytes::copy_from_slice(will.payload),
            forwarded: property::forwarded(will.properties.raw).into(),
            expiry_secs: will.properties.message_expiry_secs,
        }
    }

    /// The message as it is published now; its lifetime begins here.
    pub(crate) fn into_message(self, publisher: ClientId, now: Now) -> Message {
        Message {
            topic_name: self.topic_name,
            qos: self.qos,
            retain: self.retain,
            payload: self.payload,
            forwarded: self.forwarded,
            expiry_secs: self.expiry_secs,
            received_at: now,
            publisher,
        }
    }
}
