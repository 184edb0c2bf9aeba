//! One network connection: what it may be sent, and how far its client has come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::effect::{ConnectionId, Effects, Now};

use super::codec::{PacketIdentifier, Version};
use super::handle::connect::ConnectRequest;
use super::journal::Changes;
use super::message::ClientId;

/// The moment at which an input is handled, and what comes of it.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    /// The time.
    pub(crate) now: Now,
    /// What must happen.
    pub(crate) effects: &'a mut Effects,
    /// What must outlive the process.
    pub(crate) changes: Changes,
}

/// The largest packet that Remaining Length can express, in bytes.
pub(crate) const LARGEST_PACKET: usize = 268_435_455 + 5;

/// A network connection.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The way to the client.
    pub(crate) outbound: Outbound,
    /// The start of a packet whose end has not arrived.
    pub(crate) unread: Vec<u8>,
    /// How far the client has come.
    pub(crate) phase: Phase,
}

/// How far a client has come.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Nothing is known of it.
    AwaitingConnect,
    /// Its CONNECT was understood, and its authentication goes on (MQTT 5.0 §4.12).
    Authenticating(Box<Authenticating>),
    /// Its CONNECT was accepted.
    Connected(Box<Client>),
}

/// A CONNECT that waits for the client to prove itself.
#[derive(Debug)]
pub(crate) struct Authenticating {
    /// What to go on with.
    pub(crate) request: ConnectRequest,
    /// What the client must send back.
    pub(crate) challenge: Vec<u8>,
}

/// A client whose CONNECT was accepted.
#[derive(Debug)]
pub(crate) struct Client {
    /// The key of its session.
    pub(crate) id: ClientId,
    /// How long it may be silent: one and a half keep alive times.
    pub(crate) silence_allowed: Option<Duration>,
    /// Whether its session was to end with the connection, which is final.
    pub(crate) session_expiry_was_zero: bool,
    /// Whether reason strings may stand in every packet.
    pub(crate) wants_problem_information: bool,
    /// What its aliases stand for.
    pub(crate) topic_aliases: BTreeMap<u16, Arc<str>>,
    /// QoS 1 and 2 messages that it may send before it must wait; 5.0 only.
    pub(crate) receive_quota: u16,
    /// QoS 2 messages that came over this connection and are unfinished.
    pub(crate) receiving: BTreeSet<PacketIdentifier>,
    /// The method of its CONNECT.
    pub(crate) authentication_method: Option<String>,
    /// What it must send back to complete a re-authentication.
    pub(crate) challenge: Option<Vec<u8>>,
}

/// The way to one client: what it takes, and how much of it has not been taken by the network.
#[derive(Debug)]
pub(crate) struct Outbound {
    /// Where to.
    pub(crate) connection: ConnectionId,
    /// What it speaks; 3.1.1 until its CONNECT says otherwise.
    pub(crate) version: Version,
    /// The largest packet that it takes, in bytes.
    pub(crate) maximum_packet_size: usize,
    /// How many QoS 1 and 2 messages it takes at a time.
    pub(crate) receive_maximum: u16,
    /// Sent and not yet taken by the network, in bytes.
    backlog: usize,
    /// Of `backlog` at most: what was sent as replies since the network last kept up.
    unread_replies: usize,
}

impl Outbound {
    fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            version: Version::V311,
            maximum_packet_size: LARGEST_PACKET,
            receive_maximum: u16::MAX,
            backlog: 0,
            unread_replies: 0,
        }
    }

    /// Whether a packet of this size may be sent at all.
    pub(crate) fn takes(&self, size: usize) -> bool {
        size <= self.maximum_packet_size
    }

    /// Sends a message.
    pub(crate) fn send_publish(&mut self, packet: Bytes, turn: &mut Turn<'_>) {
        assert!(self.takes(packet.len()), "a message was not checked against Maximum Packet Size");
        self.backlog += packet.len();
        turn.effects.send(self.connection, packet);
    }

    /// Sends anything else. Whether the client is one that takes it; if not, nothing was sent.
    #[must_use]
    pub(crate) fn send_reply(&mut self, packet: Bytes, turn: &mut Turn<'_>) -> bool {
        // [mqtt-5.0/MQTT-3.1.2-24] nothing above the client's Maximum Packet Size.
        if !self.takes(packet.len()) {
            return false;
        }
        self.backlog += packet.len();
        self.unread_replies += packet.len();
        turn.effects.send(self.connection, packet);
        true
    }

    /// The network took some of what was sent.
    pub(crate) fn on_taken(&mut self, bytes: usize) {
        self.backlog = self.backlog.saturating_sub(bytes);
        self.unread_replies = self.unread_replies.min(self.backlog);
    }

    /// How many bytes wait to be taken.
    pub(crate) fn backlog(&self) -> usize {
        self.backlog
    }

    /// How many bytes of replies wait to be taken, at most.
    pub(crate) fn unread_replies(&self) -> usize {
        self.unread_replies
    }
}

impl Connection {
    /// Just opened.
    pub(crate) fn new(connection: ConnectionId) -> Self {
        Self { outbound: Outbound::new(connection), unread: Vec::new(), phase: Phase::AwaitingConnect }
    }

    /// The client, once its CONNECT was accepted.
    pub(crate) fn client(&self) -> Option<&Client> {
        match &self.phase {
            Phase::Connected(client) => Some(client),
            Phase::AwaitingConnect | Phase::Authenticating(_) => None,
        }
    }
}
