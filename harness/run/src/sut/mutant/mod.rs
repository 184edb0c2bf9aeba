//! The reference broker with one lie: carries out a [`Mutant`] at the broker's one door.
//!
//! `Liar` is a [`Door`] around the broker. It reads both directions of every connection (`connection.rs`),
//! finds the rewrite that fits a packet (`fit.rs`) and makes other packets of it (`rewrite.rs`). What no
//! rewrite fits passes as the bytes that it was.

mod connection;
mod fit;
mod pace;
mod rewrite;

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use mqspec_broker_core::durable::BadRecord;
use mqspec_broker_core::{Broker, ConnectionId, Effect, Effects, Input, Now};
use mqspec_broker_server::Door;
use mqspec_conformance::mutant::{Mutant, Occasion};
use mqspec_wire::{Packet, Side};

use connection::Connection;
use pace::Clock;
use rewrite::Outcome;

use crate::environment::simulated::Doorkeeper;

/// How long a packet that is held for the next one waits when there is none.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// How often a mutant has lied so far, over all of its broker's starts.
pub type Lies = Rc<Cell<u64>>;

/// Puts the mutant's lie before each broker that is started; counts into `lies` how often it lies.
pub fn doorkeeper(mutant: &Mutant, lies: &Lies) -> Doorkeeper {
    let (mutant, lies) = (Rc::new(mutant.clone()), Rc::clone(lies));
    Rc::new(move |broker| Box::new(Liar::new(broker, Rc::clone(&mutant), Rc::clone(&lies))))
}

/// A broker behind its lie.
#[derive(Debug)]
struct Liar {
    broker: Broker,
    mutant: Rc<Mutant>,
    lies: Lies,
    clock: Clock,
    now: Now,
    connections: BTreeMap<ConnectionId, Connection>,
    /// How often each rewrite has fitted on any connection.
    fitted: Vec<u64>,
    /// What goes out later, in the order in which it was put off.
    late: Vec<Late>,
    /// What the broker has to be told because of a lie.
    pending: VecDeque<Pending>,
}

#[derive(Debug)]
struct Late {
    due: Now,
    connection: ConnectionId,
    what: LateThing,
}

#[derive(Debug)]
enum LateThing {
    /// Bytes to a client.
    Send(Vec<Bytes>),
    /// The end of a wait for a packet that may never come.
    EndOfHold,
    /// The end of a connection.
    Close,
}

#[derive(Debug)]
enum Pending {
    Taken(ConnectionId, usize),
    Closed(ConnectionId),
}

impl Liar {
    fn new(broker: Broker, mutant: Rc<Mutant>, lies: Lies) -> Self {
        let fitted = vec![0; mutant.rewrites.len()];
        let clock = Clock::new(mutant.clock);
        if clock.lies() {
            lies.set(lies.get() + 1);
        }
        Self {
            broker,
            mutant,
            lies,
            clock,
            now: Now::ZERO,
            connections: BTreeMap::new(),
            fitted,
            late: Vec::new(),
            pending: VecDeque::new(),
        }
    }

    /// Hands an input to the broker and its effects on.
    fn pass(&mut self, input: Input<'_>, effects: &mut Effects) {
        let mut honest = Effects::new();
        self.broker.handle(self.clock.told(self.now), input, &mut honest);
        for effect in honest.drain() {
            match effect {
                Effect::Send { connection, bytes } => self.on_sent(connection, &bytes, effects),
                Effect::Close { connection } => self.on_broker_closes(connection, effects),
                Effect::Record { bytes } => effects.record(bytes),
            }
        }
    }

    /// Tells the broker what follows from lies.
    fn settle(&mut self, effects: &mut Effects) {
        while let Some(pending) = self.pending.pop_front() {
            match pending {
                Pending::Taken(connection, bytes) => self.pass(Input::Taken { connection, bytes }, effects),
                Pending::Closed(connection) => self.pass(Input::Closed { connection }, effects),
            }
        }
    }

    fn on_received(&mut self, id: ConnectionId, bytes: &[u8], effects: &mut Effects) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let reads = self.mutant.reads_clients() && connection.may_speak(self.mutant.spec, bytes);
        let packets = connection.received(bytes, self.mutant.spec);
        let mut rest = bytes;
        for (packet, length) in packets {
            let (piece, behind) = rest.split_at(length.min(rest.len()));
            rest = behind;
            let outcome = if reads { self.lie_about(id, &packet, Side::Client) } else { None };
            let raw = packet.raw.clone();
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.latest = Some(packet);
            }
            match outcome {
                None if reads => self.pass(Input::Received { connection: id, bytes: &raw }, effects),
                None => self.pass(Input::Received { connection: id, bytes: piece }, effects),
                Some(outcome) => self.instead_of_received(id, outcome, effects),
            }
            self.settle(effects);
        }
        if !reads && !rest.is_empty() {
            self.pass(Input::Received { connection: id, bytes: rest }, effects);
        }
    }

    fn instead_of_received(&mut self, id: ConnectionId, outcome: Outcome, effects: &mut Effects) {
        for bytes in &outcome.packets {
            self.pass(Input::Received { connection: id, bytes }, effects);
        }
        for bytes in outcome.answers {
            self.emit(id, bytes, effects);
        }
        if outcome.hang_up {
            self.hang_up(id, effects);
        }
    }

    fn on_sent(&mut self, id: ConnectionId, bytes: &Bytes, effects: &mut Effects) {
        let spec = self.mutant.spec;
        let Some(connection) = self.connections.get_mut(&id) else { return };
        for packet in connection.sent(bytes, spec) {
            let length = packet.raw.len();
            let Some(connection) = self.connections.get_mut(&id) else { return };
            connection.was_to_send(length);
            match self.lie_about(id, &packet, Side::Server) {
                None => {
                    self.emit(id, packet.raw, effects);
                    self.release(id, effects);
                }
                Some(outcome) => self.instead_of_sent(id, outcome, effects),
            }
            self.settle_backlog(id);
        }
    }

    fn instead_of_sent(&mut self, id: ConnectionId, outcome: Outcome, effects: &mut Effects) {
        if let Some(delay) = outcome.delay {
            let what = LateThing::Send(outcome.packets);
            self.late.push(Late { due: self.now + delay, connection: id, what });
        } else if outcome.hold {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.held.extend(outcome.packets);
            }
            self.late.push(Late { due: self.now + LONGEST_HOLD, connection: id, what: LateThing::EndOfHold });
        } else {
            let any = !outcome.packets.is_empty();
            for bytes in outcome.packets {
                self.emit(id, bytes, effects);
            }
            if any {
                self.release(id, effects);
            }
        }
        if outcome.hang_up {
            self.hang_up(id, effects);
        }
    }

    /// Sends bytes to a client that is still there.
    fn emit(&mut self, id: ConnectionId, bytes: Bytes, effects: &mut Effects) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.sends(bytes.len());
            effects.send(id, bytes);
        }
    }

    /// Sends what was held for the next packet.
    fn release(&mut self, id: ConnectionId, effects: &mut Effects) {
        let held = self.connections.get_mut(&id).map(|connection| std::mem::take(&mut connection.held));
        for bytes in held.into_iter().flatten() {
            self.emit(id, bytes, effects);
        }
    }

    /// The broker waits for no byte that a lie has kept from the network.
    fn settle_backlog(&mut self, id: ConnectionId) {
        if let Some(kept) = self.connections.get_mut(&id).and_then(Connection::kept_back) {
            self.pending.push_back(Pending::Taken(id, kept));
        }
    }

    fn on_broker_closes(&mut self, id: ConnectionId, effects: &mut Effects) {
        let Some(action) = self.lie_about_close(id, &Occasion::BrokerCloses) else {
            self.release(id, effects);
            if self.connections.remove(&id).is_some() {
                effects.close(id);
            }
            return;
        };
        if let Some(delay) = action.delay {
            self.late.push(Late { due: self.now + delay, connection: id, what: LateThing::Close });
        } else if !action.drop {
            self.connections.remove(&id);
            effects.close(id);
        }
    }

    fn on_client_closes(&mut self, id: ConnectionId, effects: &mut Effects) {
        let lie = self.lie_about_close(id, &Occasion::ClientCloses);
        self.connections.remove(&id);
        if !lie.is_some_and(|action| action.drop) {
            self.pass(Input::Closed { connection: id }, effects);
        }
    }

    /// Closes a connection that the broker would have kept.
    fn hang_up(&mut self, id: ConnectionId, effects: &mut Effects) {
        if self.connections.remove(&id).is_some() {
            effects.close(id);
            self.pending.push_back(Pending::Closed(id));
        }
    }

    /// Does what has been put off until now.
    fn on_time(&mut self, effects: &mut Effects) {
        let now = self.now;
        let due: Vec<Late> = self.late.extract_if(.., |late| late.due <= now).collect();
        for Late { connection, what, .. } in due {
            match what {
                LateThing::Send(packets) => {
                    for bytes in packets {
                        self.emit(connection, bytes, effects);
                    }
                }
                LateThing::EndOfHold => self.release(connection, effects),
                LateThing::Close => {
                    if self.connections.remove(&connection).is_some() {
                        effects.close(connection);
                    }
                }
            }
        }
    }

    /// What a rewrite makes of a packet, where one fits.
    fn lie_about(&mut self, id: ConnectionId, packet: &Packet, sender: Side) -> Option<Outcome> {
        let connection = self.connections.get_mut(&id)?;
        if connection.spec() != Some(self.mutant.spec) {
            return None;
        }
        let rewrite = fit::packet(&self.mutant.rewrites, connection, &mut self.fitted, packet, sender)?;
        let bindings = fit::bindings(packet, connection.latest.as_ref());
        self.lies.set(self.lies.get() + 1);
        Some(rewrite::apply(&rewrite.action, self.mutant.spec, packet, sender, &bindings))
    }

    fn lie_about_close(
        &mut self,
        id: ConnectionId,
        occasion: &Occasion,
    ) -> Option<mqspec_conformance::mutant::Change> {
        let connection = self.connections.get_mut(&id)?;
        if connection.spec() != Some(self.mutant.spec) {
            return None;
        }
        let rewrite = fit::close(&self.mutant.rewrites, connection, &mut self.fitted, occasion)?;
        self.lies.set(self.lies.get() + 1);
        Some(rewrite.action.clone())
    }
}

impl Door for Liar {
    fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects) {
        self.now = now;
        match input {
            Input::Opened { connection, protocol } => {
                self.connections.insert(connection, Connection::new(protocol, self.fitted.len()));
                self.pass(input, effects);
            }
            Input::Received { connection, bytes } => self.on_received(connection, bytes, effects),
            Input::Taken { connection, bytes } => {
                let known = self.connections.get_mut(&connection);
                let owed = known.map_or(bytes, |connection| connection.taken(bytes));
                self.pass(Input::Taken { connection, bytes: owed }, effects);
            }
            Input::Closed { connection } => self.on_client_closes(connection, effects),
            Input::TimePassed => {
                self.on_time(effects);
                if self.clock.runs() {
                    self.pass(Input::TimePassed, effects);
                }
            }
            Input::Storage { full } => self.pass(Input::Storage { full }, effects),
            Input::ShutDown => self.pass(Input::ShutDown, effects),
        }
        self.settle(effects);
    }

    fn next_deadline(&self) -> Option<Now> {
        let honest = self.broker.next_deadline().and_then(|deadline| self.clock.true_time(deadline));
        let late = self.late.iter().map(|late| late.due);
        late.chain(honest).min().map(|deadline| deadline.max(self.now + Duration::from_nanos(1)))
    }

    fn restore(&mut self, record: &[u8]) -> Result<(), BadRecord> {
        self.broker.restore(record)
    }

    fn restored(&mut self, now: Now, effects: &mut Effects) {
        self.broker.restored(self.clock.told(now), effects);
    }

    fn snapshot(&self) -> Vec<Bytes> {
        self.broker.snapshot()
    }
}
