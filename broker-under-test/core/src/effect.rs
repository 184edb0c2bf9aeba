//! The whole contact surface of the broker with the outside: [`Input`] in, [`Effect`] out.

use std::time::Duration;

use bytes::Bytes;

/// The time of day as the shell knows it: since 1970-01-01T00:00:00Z. Never goes backwards between calls.
pub type Now = Duration;

/// A network connection, numbered by the shell; a number is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Which protocol a listener speaks. The MQTT version is the client's choice, in its CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// MQTT 3.1.1 and 5.0.
    Mqtt,
    /// AMQP 0-9-1.
    Amqp,
}

/// As its standard writes it.
impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mqtt => "MQTT",
            Self::Amqp => "AMQP",
        })
    }
}

/// What happened outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A client opened a network connection.
    Opened {
        /// Its number from now on.
        connection: ConnectionId,
        /// The listener it came in by.
        protocol: Protocol,
    },
    /// Bytes arrived, in any split.
    Received {
        /// From whom.
        connection: ConnectionId,
        /// The bytes, in stream order.
        bytes: &'a [u8],
    },
    /// The network took bytes that earlier [`Effect::Send`]s asked for. What was sent and not yet taken is
    /// the connection's backlog, by which the broker holds back for a slow reader.
    Taken {
        /// By whom.
        connection: ConnectionId,
        /// How many bytes.
        bytes: usize,
    },
    /// The network connection ended without the broker asking for it (end of stream or reset).
    Closed {
        /// Which one.
        connection: ConnectionId,
    },
    /// Time passed; something may be due (see `Broker::next_deadline`).
    TimePassed,
    /// There is no more room to keep things in, or there is again. While there is none, the broker refuses
    /// what it would have to keep, by the protocols' own codes, and goes on serving what it has.
    Storage {
        /// Whether it is full.
        full: bool,
    },
    /// The operator stops the broker: say goodbye on every connection.
    ShutDown,
}

/// What the broker wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write bytes: whole packets or frames.
    Send {
        /// To whom.
        connection: ConnectionId,
        /// The bytes.
        bytes: Bytes,
    },
    /// Append this to the log. Nothing that the same `handle` asked for may leave before all of its records are
    /// safe, and they must become so together or not at all. Only asked for while `Config::durable` is set.
    Record {
        /// The record: see [`crate::durable`].
        bytes: Bytes,
    },
    /// Close the network connection once everything sent before has been written. The broker has forgotten
    /// the connection: no further input for it is expected, and a late one is ignored.
    Close {
        /// Which one.
        connection: ConnectionId,
    },
}

/// The effects of one or more inputs, in the order in which they must happen.
#[derive(Debug, Default)]
pub struct Effects {
    list: Vec<Effect>,
}

impl Effects {
    /// No effects yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for bytes to be written.
    pub fn send(&mut self, connection: ConnectionId, bytes: Bytes) {
        self.list.push(Effect::Send { connection, bytes });
    }

    /// Asks for a connection to be closed after what was sent before.
    pub fn close(&mut self, connection: ConnectionId) {
        self.list.push(Effect::Close { connection });
    }

    /// Asks for a record to be kept.
    pub fn record(&mut self, bytes: Bytes) {
        self.list.push(Effect::Record { bytes });
    }

    /// Takes the records out, oldest first, and leaves the rest.
    pub fn take_records(&mut self) -> Vec<Bytes> {
        let is_record = |effect: &mut Effect| matches!(effect, Effect::Record { .. });
        self.list
            .extract_if(.., is_record)
            .filter_map(|effect| match effect {
                Effect::Record { bytes } => Some(bytes),
                Effect::Send { .. } | Effect::Close { .. } => None,
            })
            .collect()
    }

    /// Takes all effects out, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = Effect> + '_ {
        self.list.drain(..)
    }

    /// What has been asked for so far.
    pub fn as_slice(&self) -> &[Effect] {
        &self.list
    }
}
