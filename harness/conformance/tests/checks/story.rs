//! Traces written by hand.

use std::time::Duration;

use bytes::Bytes;
use mqspec_conformance::plan::{ActorId, Ending};
use mqspec_conformance::trace::{ConnectionNumber, EndedBy, Event, Fate, Trace, What};
use mqspec_conformance::verdict::Finding;
use mqspec_wire::{Field, Packet, Side, Spec, Value};

/// A trace that is being told, event by event; each event takes a millisecond.
pub(crate) struct Story {
    trace: Trace,
    connections: Vec<u32>,
    /// The time that passed beside that of the events.
    passed: Duration,
}

/// Starts a story of these actors.
pub(crate) fn story(actors: &[(&str, Spec)]) -> Story {
    let actors: Vec<_> = actors.iter().map(|(name, spec)| ((*name).to_owned(), *spec)).collect();
    let connections = vec![0; actors.len()];
    Story { trace: Trace { actors, events: Vec::new() }, connections, passed: Duration::ZERO }
}

impl Story {
    pub(crate) fn tell(mut self, what: What) -> Self {
        let sequence = u64::try_from(self.trace.events.len()).expect("few events");
        let at = self.passed + Duration::from_millis(sequence);
        self.trace.events.push(Event { sequence, at, what });
        self
    }

    /// So many seconds pass.
    pub(crate) fn later(mut self, seconds: u64) -> Self {
        self.passed += Duration::from_secs(seconds);
        self
    }

    fn key(&self, actor: usize) -> (ActorId, ConnectionNumber) {
        (ActorId(actor), ConnectionNumber(*self.connections.get(actor).expect("an actor of the story")))
    }

    /// An actor opens its next connection.
    pub(crate) fn open(mut self, actor: usize) -> Self {
        *self.connections.get_mut(actor).expect("an actor of the story") += 1;
        let (actor, connection) = self.key(actor);
        self.tell(What::Opened { actor, connection })
    }

    /// An actor sends, and the packet arrives.
    pub(crate) fn sends(self, actor: usize, packet: Packet) -> Self {
        self.sends_with(actor, packet, Fate::Passed)
    }

    /// An actor sends.
    pub(crate) fn sends_with(self, actor: usize, packet: Packet, fate: Fate) -> Self {
        let (actor, connection) = self.key(actor);
        self.tell(What::Sent { actor, connection, packet, fate })
    }

    /// An actor receives.
    pub(crate) fn gets(self, actor: usize, packet: Packet) -> Self {
        self.gets_with(actor, packet, Fate::Passed)
    }

    /// The broker sends to an actor.
    pub(crate) fn gets_with(self, actor: usize, packet: Packet, fate: Fate) -> Self {
        let (actor, connection) = self.key(actor);
        self.tell(What::Received { actor, connection, packet, fate })
    }

    /// An actor's connection ends.
    pub(crate) fn ends(self, actor: usize, by: EndedBy) -> Self {
        let (actor, connection) = self.key(actor);
        self.tell(What::Ended { actor, connection, by, how: Ending::Fin, rest: 0 })
    }

    /// The actor closes its connection.
    pub(crate) fn hangs_up(self, actor: usize) -> Self {
        self.ends(actor, EndedBy::Peer(Side::Client))
    }

    /// Something happens to the broker.
    pub(crate) fn broker(self, text: &str) -> Self {
        self.tell(What::Broker { text: text.to_owned() })
    }

    /// The fault layer did something to an actor's connection.
    pub(crate) fn fault(self, actor: usize, text: &str) -> Self {
        self.tell(What::Fault { actor: Some(ActorId(actor)), text: text.to_owned() })
    }

    /// The trace so far.
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }
}

/// A packet with these fields, without oddities.
pub(crate) fn packet(name: &'static str, fields: &[(&'static str, Value)]) -> Packet {
    let fields = fields
        .iter()
        .map(|(name, value)| Field { name, value: value.clone(), label: None, span: 0..0 })
        .collect();
    Packet { name, fields, oddities: Vec::new(), raw: Bytes::from_static(&[0, 0]) }
}

/// The broken statements of some findings, each finding's joined by blanks.
pub(crate) fn statements(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| finding.statements.join(" ")).collect()
}

/// A text as a value.
pub(crate) fn text(text: &str) -> Value {
    Value::text(text)
}

/// A number as a value.
pub(crate) fn number(number: i128) -> Value {
    Value::Integer(number)
}

/// A map with text keys as a value.
pub(crate) fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(
        entries.iter().map(|(key, value)| (Bytes::copy_from_slice(key.as_bytes()), value.clone())).collect(),
    )
}
