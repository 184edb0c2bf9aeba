//! The reference broker with one lie: carries out a [`Mutant`] at the broker's one door.
//!
//! `Liar` is a [`Door`] around the broker. It reads both directions of every connection (`connection.rs`),
//! remembers what became of them (`memory.rs`), finds the rewrite that fits a packet (`fit.rs`) and makes
//! other packets of it (`rewrite.rs`). What no rewrite fits passes as the bytes that it was. At its other door,
//! the one to its disk, stands `disk.rs`.

mod connection;
mod content;
mod disk;
mod fit;
mod inbound;
mod memory;
mod outbound;
mod pace;
mod rewrite;

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use mqspec_broker_core::durable::BadRecord;
use mqspec_broker_core::{Broker, ConnectionId, Effect, Effects, Input, Now};
use mqspec_broker_log::Disk;
use mqspec_broker_server::Door;
use mqspec_conformance::mutant::{Mutant, Occasion};
use mqspec_wire::{Packet, Side};

use connection::Connection;
use disk::Promises;
use fit::Fitter;
use memory::History;
use outbound::Late;
use pace::Clock;
use rewrite::Outcome;

use crate::sut::doorkeeper::Doorkeeper;

/// How long a packet that is held for the next one waits when there is none.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// How often a mutant has lied so far, over all of its broker's starts.
pub type Lies = Rc<Cell<u64>>;

/// Puts the mutant's lie before each broker that is started; counts into `lies` how often it lies.
pub fn doorkeeper(mutant: &Mutant, lies: &Lies) -> Rc<dyn Doorkeeper> {
    let disk = Promises::new(mutant.disk, lies);
    Rc::new(Suborned {
        mutant: Rc::new(mutant.clone()),
        lies: Rc::clone(lies),
        disk,
        started: Cell::default(),
    })
}

/// Lets nobody see the broker as it is.
struct Suborned {
    mutant: Rc<Mutant>,
    lies: Lies,
    disk: Promises,
    started: Cell<bool>,
}

impl Doorkeeper for Suborned {
    fn to_clients(&self, broker: Broker) -> Box<dyn Door> {
        let history = History::new(self.started.replace(true));
        Box::new(Liar::new(broker, Rc::clone(&self.mutant), Rc::clone(&self.lies), history))
    }

    fn to_disk(&self, disk: Box<dyn Disk>) -> Box<dyn Disk> {
        self.disk.before(disk)
    }
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
    history: History,
    /// Whose packet or end the broker is dealing with.
    cause: Option<ConnectionId>,
    /// How often each rewrite has fitted on any connection.
    fitted: Vec<u64>,
    /// What goes out later, in the order in which it was put off.
    late: Vec<Late>,
    /// Records that wait for the next one.
    held_records: Vec<Bytes>,
    /// What the broker has to be told because of a lie.
    pending: VecDeque<Pending>,
}

#[derive(Debug)]
enum Pending {
    Taken(ConnectionId, usize),
    Closed(ConnectionId),
}

impl Liar {
    fn new(broker: Broker, mutant: Rc<Mutant>, lies: Lies, history: History) -> Self {
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
            history,
            cause: None,
            fitted,
            late: Vec::new(),
            held_records: Vec::new(),
            pending: VecDeque::new(),
        }
    }

    /// Hands an input to the broker and its effects on.
    fn pass(&mut self, input: Input<'_>, effects: &mut Effects) {
        self.cause = match &input {
            Input::Received { connection, .. } | Input::Closed { connection } => Some(*connection),
            Input::Opened { .. }
            | Input::Taken { .. }
            | Input::TimePassed
            | Input::Storage { .. }
            | Input::ShutDown => None,
        };
        let mut honest = Effects::new();
        self.broker.handle(self.clock.told(self.now), input, &mut honest);
        for effect in honest.drain() {
            match effect {
                Effect::Send { connection, bytes } => self.on_sent(connection, &bytes, effects),
                Effect::Close { connection } => self.on_broker_closes(connection, effects),
                Effect::Record { bytes } => self.on_record(bytes, effects),
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

    /// What a rewrite makes of a packet, where one fits.
    fn lie_about(&mut self, id: ConnectionId, packet: &Packet, sender: Side) -> Option<Outcome> {
        let spec = self.mutant.spec;
        let connection = self.connections.get_mut(&id).filter(|known| known.spec() == Some(spec))?;
        let mut fitter = fitter(&self.mutant, &mut self.fitted, &self.history);
        let rewrite = fitter.packet(connection, packet, sender)?;
        let bindings = fit::bindings(packet, connection);
        self.lies.set(self.lies.get() + 1);
        Some(rewrite::apply(&rewrite.action, spec, packet, sender, &bindings))
    }

    fn lie_about_close(
        &mut self,
        id: ConnectionId,
        occasion: &Occasion,
    ) -> Option<mqspec_conformance::mutant::Change> {
        let spec = self.mutant.spec;
        let connection = self.connections.get_mut(&id).filter(|known| known.spec() == Some(spec))?;
        let rewrite = fitter(&self.mutant, &mut self.fitted, &self.history).close(connection, occasion)?;
        self.lies.set(self.lies.get() + 1);
        Some(rewrite.action.clone())
    }
}

fn fitter<'a>(mutant: &'a Mutant, overall: &'a mut [u64], history: &'a History) -> Fitter<'a> {
    Fitter { rewrites: &mutant.rewrites, overall, history, spec: mutant.spec }
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
        // What refers to a record that a lie kept out of the log has nothing to stand on: such a broker goes on.
        self.broker
            .restore(record)
            .or_else(|bad| if self.mutant.tampers_with_records() { Ok(()) } else { Err(bad) })
    }

    fn restored(&mut self, now: Now, effects: &mut Effects) {
        self.broker.restored(self.clock.told(now), effects);
    }

    fn snapshot(&self) -> Vec<Bytes> {
        self.broker.snapshot()
    }
}
