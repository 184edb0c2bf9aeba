//! What MQTT clients published, subscribed to and received, over the whole trace: what the guarantees judge.

mod reader;
mod session;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

pub(super) use reader::read;
pub(super) use session::{Delivery, Session};

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
    /// Every time that the broker was killed or stopped.
    pub(super) restarts: Vec<u64>,
    /// When the broker was killed or stopped last and is not durable, or a session without a known beginning appeared.
    pub(super) disturbed: Option<u64>,
    /// A fault has made something of a client's packet that is none: what a broker reads into the bytes
    /// that follow nobody can say.
    pub(super) garbled: bool,
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
