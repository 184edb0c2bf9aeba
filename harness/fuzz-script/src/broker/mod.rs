//! Scripts of connections, packets, noise, cuts, time and crashes through the broker's one door.
//!
//! The bench asserts the rules of the door (effects only for open connections, deadlines in the future, records that
//! build the same state again); here every byte that the broker sends goes through the tester's decoder, which must
//! find nothing odd in it, and a witness sees to it that nothing is lost or comes twice.

mod amqp;
mod limits;
mod mqtt;
mod spoken;
mod witness;

use std::time::Duration;

use mqspec_broker_core::fuzz::Bench;
use mqspec_broker_core::{ConnectionId, Effect, Input, Protocol};
use mqspec_wire::Spec;

use crate::choices::Choices;
use crate::recording::{Act, Notes};
use limits::config;
pub use limits::settings;
use spoken::assert_plain;
pub(crate) use spoken::spoken;
use witness::Witness;

/// Steps of one script, at most: what a longer one finds, a shorter one finds sooner.
const STEPS: usize = 40;
/// Connections of one script, at most.
const CONNECTIONS: u8 = 6;

/// A script for MQTT clients of both versions.
pub fn broker_mqtt(input: &[u8]) {
    play(Protocol::Mqtt, input, None);
}

/// A script for AMQP clients.
pub fn broker_amqp(input: &[u8]) {
    play(Protocol::Amqp, input, None);
}

/// What a client has said.
struct Client {
    id: ConnectionId,
    spec: Spec,
    /// The first bytes that it sent: the version is in there.
    first: Vec<u8>,
    /// What the broker speaks to it, since the first answer.
    spoken: Option<Spec>,
}

struct Play<'n> {
    protocol: Protocol,
    bench: Bench,
    /// Those that have not ended, oldest first.
    clients: Vec<Client>,
    opened: u8,
    witness: Witness,
    /// Packets in the making.
    out: Vec<u8>,
    /// Room for what the broker asks for at a time, empty in between.
    effects: Vec<Effect>,
    /// Where what is done is written down, if anybody wants to know.
    notes: Option<&'n mut Notes>,
}

/// Plays a script, and writes down what its clients do.
///
/// # Panics
/// Where the broker breaks a promise.
pub(crate) fn play(protocol: Protocol, input: &[u8], notes: Option<&mut Notes>) {
    let mut script = Choices::new(input);
    let mut play = Play {
        protocol,
        bench: Bench::new(config()),
        clients: Vec::new(),
        opened: 0,
        witness: Witness::new(protocol),
        out: Vec::new(),
        effects: Vec::new(),
        notes,
    };
    for _ in 0..STEPS {
        if script.is_over() {
            break;
        }
        play.step(&mut script);
        play.hear_witness();
    }
    play.end();
}

impl Play<'_> {
    fn note(&mut self, write: impl FnOnce(&mut Notes)) {
        if let Some(notes) = &mut self.notes {
            write(notes);
        }
    }

    /// Bits 0 to 4 of a byte say what happens, bit 5 on which channel, bits 6 and 7 to whom of those connected.
    fn step(&mut self, script: &mut Choices<'_>) {
        let choice = script.byte();
        let channel: u16 = if choice & 0x20 == 0 { 1 } else { 2 };
        let youngest = usize::from(choice >> 6).checked_rem(self.clients.len());
        let client = youngest.and_then(|youngest| self.clients.iter().rev().nth(youngest));
        let client = client.map(|client| (client.id, client.spec));
        match (choice & 0x1F, client) {
            (2, _) => self.wait(Duration::from_millis(u64::from(script.byte()) * 100)),
            (5, _) => self.witness_step(script.byte()),
            (6, _) => self.crash(script.byte()),
            (7, _) => self.storage(script.byte() & 1 == 1),
            (0, _) | (_, None) => self.open(script),
            (1, Some((client, _))) => self.cut(client),
            (3, Some((client, _))) => {
                let bytes = usize::from(script.byte()) * 16;
                self.note(|notes| notes.by(client, |client| Act::Taken { client, bytes }));
                self.give(Input::Taken { connection: client, bytes });
            }
            (4, Some((client, _))) => self.send(client, script.bytes()),
            (8 | 9, Some((client, spec))) => {
                if let Some(packet) = script.packet(spec, channel) {
                    self.send(client, &packet);
                }
            }
            (10, Some((client, spec))) => {
                let name = if spec.is_mqtt() { "connect" } else { "queue.declare" };
                if let Some(packet) = script.named(spec, name, channel) {
                    self.send(client, &packet);
                }
            }
            (kind, Some((client, spec))) => {
                let mut out = std::mem::take(&mut self.out);
                match spec {
                    Spec::Mqtt311 => mqtt::write(kind - 11, false, script, &mut out),
                    Spec::Mqtt50 => mqtt::write(kind - 11, true, script, &mut out),
                    Spec::Amqp091 => amqp::write(kind - 11, channel, script, &mut out),
                }
                self.send(client, &out);
                out.clear();
                self.out = out;
            }
        }
    }

    fn open(&mut self, script: &mut Choices<'_>) {
        let choice = script.byte();
        if self.opened == CONNECTIONS {
            return;
        }
        self.opened += 1;
        let spec = match self.protocol {
            Protocol::Amqp => Spec::Amqp091,
            Protocol::Mqtt if choice & 1 == 0 => Spec::Mqtt311,
            Protocol::Mqtt => Spec::Mqtt50,
        };
        let id = self.connect(spec, false);
        self.clients.push(Client { id, spec, first: Vec::new(), spoken: None });
        // One in eight is left to say hello by itself.
        if choice & 0x0E == 0x0E {
            return;
        }
        match self.protocol {
            Protocol::Amqp => self.send(id, &amqp::HELLO),
            Protocol::Mqtt => {
                let mut out = Vec::new();
                mqtt::write(7, spec == Spec::Mqtt50, script, &mut out);
                self.send(id, &out);
            }
        }
    }

    fn connect(&mut self, spec: Spec, is_witness: bool) -> ConnectionId {
        let mut effects = std::mem::take(&mut self.effects);
        let id = self.bench.open(self.protocol, &mut |effect| effects.push(effect));
        self.note(|notes| notes.opened(id, spec, is_witness));
        self.hear(effects);
        id
    }

    fn send(&mut self, id: ConnectionId, bytes: &[u8]) {
        if !self.bench.is_open(id) || bytes.is_empty() {
            return;
        }
        if let Some(client) = self.clients.iter_mut().find(|client| client.id == id)
            && client.first.len() < 32
        {
            client.first.extend_from_slice(bytes.get(..bytes.len().min(32)).unwrap_or_default());
        }
        self.note(|notes| notes.by(id, |client| Act::Sent { client, bytes: bytes.to_vec() }));
        self.give(Input::Received { connection: id, bytes });
    }

    fn cut(&mut self, id: ConnectionId) {
        let mut effects = std::mem::take(&mut self.effects);
        self.note(|notes| notes.by(id, |client| Act::Cut { client }));
        self.clients.retain(|client| client.id != id);
        self.bench.cut(id, &mut |effect| effects.push(effect));
        self.hear(effects);
    }

    fn wait(&mut self, time: Duration) {
        let mut effects = std::mem::take(&mut self.effects);
        self.note(|notes| notes.push(Act::Waited(time)));
        self.bench.wait(time, &mut |effect| effects.push(effect));
        self.hear(effects);
    }

    fn storage(&mut self, full: bool) {
        self.note(|notes| notes.push(Act::Storage { full }));
        self.give(Input::Storage { full });
    }

    fn give(&mut self, input: Input<'_>) {
        let mut effects = std::mem::take(&mut self.effects);
        self.bench.handle(input, &mut |effect| effects.push(effect));
        self.hear(effects);
    }

    /// The broker dies: bit 0 with a message of the witness on the way, bit 1 while it compacts its log. Before
    /// there is any record, only the connections do.
    fn crash(&mut self, choice: u8) {
        if !self.bench.has_records() {
            for id in
                self.clients.iter().map(|client| client.id).chain(self.witness.connection).collect::<Vec<_>>()
            {
                self.cut(id);
            }
            return self.witness.cut();
        }
        let unheard = match self.witness.connection {
            Some(connection) if choice & 1 == 1 => Some((connection, self.witness.publish(choice >> 2))),
            Some(_) | None => None,
        };
        let unheard = unheard.as_ref().filter(|(_, bytes)| !bytes.is_empty());
        self.note(|notes| {
            if let Some((connection, bytes)) = unheard {
                notes.by(*connection, |client| Act::Sent { client, bytes: bytes.clone() });
            }
            notes.push(Act::Crashed { unheard: unheard.is_some(), compacts: choice & 2 != 0 });
        });
        let unheard = unheard.map(|(connection, bytes)| Input::Received { connection: *connection, bytes });
        let mut effects = std::mem::take(&mut self.effects);
        self.bench.crash(unheard, choice & 2 != 0, &mut |effect| effects.push(effect));
        self.witness.cut();
        self.clients.clear();
        self.hear(effects);
    }

    /// What the broker sends is whole packets without an oddity.
    fn hear(&mut self, mut effects: Vec<Effect>) {
        let mut taken = 0;
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { connection, bytes } if self.witness.connection == Some(connection) => {
                    assert_plain(self.witness.spec(), &bytes);
                    if !self.witness.is_deaf {
                        self.witness.hear(&bytes);
                    }
                    taken += bytes.len();
                }
                Effect::Send { connection, bytes } => {
                    // What was sent before a close is told before it.
                    let client = self.clients.iter_mut().find(|client| client.id == connection);
                    let client = client.expect("the bench knows the open ones");
                    let spec = *client.spoken.get_or_insert_with(|| spoken(client.spec, &client.first));
                    if let Some(notes) = &mut self.notes {
                        notes.speaks(connection, spec);
                    }
                    assert_plain(spec, &bytes);
                }
                Effect::Close { connection } => {
                    self.note(|notes| notes.by(connection, |client| Act::Closed { client }));
                    if self.witness.connection == Some(connection) {
                        self.witness.cut();
                    }
                    self.clients.retain(|client| client.id != connection);
                }
                Effect::Record { bytes } => {
                    self.note(|notes| notes.push(Act::Recorded { bytes: bytes.to_vec() }));
                }
            }
        }
        self.effects = effects;
        // The witness reads at once.
        if let Some(connection) = self.witness.connection.filter(|_| taken > 0) {
            self.give(Input::Taken { connection, bytes: taken });
        }
    }

    /// There is room again, the witness gets what is its own, the broker stops and lets everybody go.
    fn end(&mut self) {
        self.storage(false);
        if self.witness.is_known() {
            self.witness.hold(false);
            self.hear_witness();
            if !self.witness.is_ready() {
                if let Some(id) = self.witness.connection {
                    self.cut(id);
                    self.witness.cut();
                }
                self.witness_connects();
                self.hear_witness();
            }
            self.witness.assert_nothing_lost();
        }
        self.note(|notes| notes.push(Act::Stopped));
        self.give(Input::ShutDown);
        self.wait(Duration::from_secs(120));
        let left: Vec<_> = self.clients.iter().map(|client| client.id).collect();
        assert!(left.is_empty(), "open two minutes after the broker was told to stop: {left:?}");
    }
}
