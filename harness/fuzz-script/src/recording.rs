//! A script written down: what its clients did, for whoever wants to do the same elsewhere.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mqspec_broker_core::{ConnectionId, Protocol};
use mqspec_wire::{Side, Spec};
use thiserror::Error;

use crate::broker;
use crate::stream::{sender, version};

/// What was done in a script, whole or up to where a promise was broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The clients, in the order in which they first connected.
    pub clients: Vec<Speaker>,
    /// What was done, in order.
    pub acts: Vec<Act>,
    /// What was said when a promise was broken; the script ended there.
    pub broken: Option<String>,
}

/// A client of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// What it speaks, going by what it said.
    pub spec: Spec,
    /// Whether it is the client that keeps its side of the protocol, and connects again as itself.
    pub is_witness: bool,
}

/// A step of a script. Clients are numbered from 0, as in [`Recording::clients`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A client opens a connection.
    Opened {
        /// Which.
        client: usize,
    },
    /// It sends bytes: packets, a part of one, or none at all.
    Sent {
        /// Who.
        client: usize,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// It ends its connection.
    Cut {
        /// Who.
        client: usize,
    },
    /// The broker ended a client's connection.
    Closed {
        /// Whose.
        client: usize,
    },
    /// Time passed.
    Waited(Duration),
    /// A client's side has taken so many bytes of what waits to be sent to it.
    Taken {
        /// Whose.
        client: usize,
        /// How many.
        bytes: usize,
    },
    /// The storage is full from now on, or has room again.
    Storage {
        /// Which of the two.
        full: bool,
    },
    /// The broker asked for a record to be kept.
    Recorded {
        /// The record.
        bytes: Vec<u8>,
    },
    /// The broker died and came back; all connections are gone.
    Crashed {
        /// Nothing of what it did about the last bytes that were sent had left it.
        unheard: bool,
        /// It had just replaced its log by a snapshot.
        compacts: bool,
    },
    /// The broker was told to stop.
    Stopped,
}

/// Why an input is not what clients of a broker do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoScript {
    /// No target has this name, or none whose inputs are clients.
    #[error("the inputs of `{0}` are not what clients do; those of {known} are", known = TARGETS.join(", "))]
    Target(String),
    /// A stream of packets that a server sends.
    #[error("this is what a server sends, and in a scenario mqspec is the client; `mqspec decode` shows it")]
    SentByServer,
    /// No bytes behind those that choose who sends.
    #[error("nothing is sent in it")]
    Empty,
}

/// The targets whose inputs can be recorded.
pub const TARGETS: &[&str] = &[
    "decode_mqtt",
    "decode_amqp",
    "differential_mqtt",
    "differential_mqtt5",
    "differential_amqp",
    "broker_mqtt",
    "broker_amqp",
];

/// Plays an input of a fuzz target and writes down what its clients do. A broken promise ends the play and is kept in
/// [`Recording::broken`]; the panic is told as every panic is.
///
/// # Errors
///
/// Another target, or an input without a client.
pub fn record(target: &str, input: &[u8]) -> Result<Recording, NoScript> {
    let stream = |spec: fn(u8) -> Spec| {
        let (choice, bytes) = input.split_first().ok_or(NoScript::Empty)?;
        if sender(*choice) == Side::Server {
            return Err(NoScript::SentByServer);
        }
        one_client(spec(*choice), bytes)
    };
    match target {
        "decode_mqtt" => stream(version),
        "differential_mqtt5" => stream(|_| Spec::Mqtt50),
        "differential_mqtt" => stream(|_| Spec::Mqtt311),
        "decode_amqp" | "differential_amqp" => stream(|_| Spec::Amqp091),
        "broker_mqtt" => script(Protocol::Mqtt, input),
        "broker_amqp" => script(Protocol::Amqp, input),
        _ => Err(NoScript::Target(target.to_owned())),
    }
}

fn one_client(spec: Spec, bytes: &[u8]) -> Result<Recording, NoScript> {
    if bytes.is_empty() {
        return Err(NoScript::Empty);
    }
    // A CONNECT of another version makes it a conversation in that version.
    let is_connect = spec.is_mqtt() && bytes.first().is_some_and(|first| first >> 4 == 1);
    let spec = if is_connect { broker::spoken(spec, bytes) } else { spec };
    let sent = Act::Sent { client: 0, bytes: bytes.to_vec() };
    Ok(Recording {
        clients: vec![Speaker { spec, is_witness: false }],
        acts: vec![Act::Opened { client: 0 }, sent],
        broken: None,
    })
}

fn script(protocol: Protocol, input: &[u8]) -> Result<Recording, NoScript> {
    let mut notes = Notes::default();
    let played = catch_unwind(AssertUnwindSafe(|| broker::play(protocol, input, Some(&mut notes))));
    let mut recording = notes.recording;
    recording.broken = played.err().map(|why| {
        let text = why.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| why.downcast_ref::<&str>().copied()).unwrap_or("a promise was broken").to_owned()
    });
    if recording.clients.is_empty() {
        return Err(NoScript::Empty);
    }
    Ok(recording)
}

/// A recording in the making.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    recording: Recording,
    /// Which client each connection belongs to.
    connections: Vec<(ConnectionId, usize)>,
}

impl Notes {
    /// A connection was opened by a new client, or by the witness.
    pub(crate) fn opened(&mut self, connection: ConnectionId, spec: Spec, is_witness: bool) {
        let clients = &mut self.recording.clients;
        let known = clients.iter().position(|client| is_witness && client.is_witness);
        let client = known.unwrap_or(clients.len());
        if known.is_none() {
            clients.push(Speaker { spec, is_witness });
        }
        self.connections.push((connection, client));
        self.recording.acts.push(Act::Opened { client });
    }

    /// Something was done, or came of it.
    pub(crate) fn push(&mut self, act: Act) {
        self.recording.acts.push(act);
    }

    /// Something was done by the client of this connection.
    pub(crate) fn by(&mut self, connection: ConnectionId, act: impl FnOnce(usize) -> Act) {
        if let Some(client) = self.client(connection) {
            self.push(act(client));
        }
    }

    /// What the broker speaks to the client of this connection.
    pub(crate) fn speaks(&mut self, connection: ConnectionId, spec: Spec) {
        let client = self.client(connection);
        if let Some(speaker) = client.and_then(|client| self.recording.clients.get_mut(client)) {
            speaker.spec = spec;
        }
    }

    fn client(&self, connection: ConnectionId) -> Option<usize> {
        self.connections.iter().rev().find(|(known, _)| *known == connection).map(|(_, client)| *client)
    }
}
