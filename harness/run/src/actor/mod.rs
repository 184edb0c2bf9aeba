//! Peers of the broker: they open connections, write what they are told and record what they see. They judge
//! nothing. A scripted one does no more; a [`client`] has duties of its own.

mod bare;
pub mod client;
pub mod connection;
pub mod inbox;
pub mod second_opinion;
mod sending;
mod writing;

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use mqspec_conformance::plan::{ActorId, ConnectFault, Ending, OpenFor};
use mqspec_conformance::trace::{ConnectionNumber, EndedBy, Event, Fate, UNTOLD, What};
use mqspec_wire::{Encoder, Packet, Side, Spec};

use self::connection::Connection;
use self::inbox::{Inbox, Item};
use crate::environment::Environment;
use crate::fault::gate::{Deed, Gate};
use crate::fault::pen::Outgoing;
use crate::fault::{Layer, Way};
use crate::news::News;
use crate::queue::Sender;
use crate::recorder::Recorder;

/// A peer of the broker, with at most one connection at a time.
pub struct Actor {
    /// Its place in the plan.
    pub id: ActorId,
    /// What it speaks.
    pub spec: Spec,
    /// What goes wrong on its connections.
    pub layer: Rc<Layer>,
    /// What has arrived and no step has taken yet.
    pub inbox: RefCell<Inbox>,
    /// Rings whenever the inbox or the connection changes.
    pub news: News,
    /// Packets about which our codec and another one disagree: for us to look into.
    pub disagreements: RefCell<Vec<String>>,
    environment: Rc<Environment>,
    recorder: Rc<Recorder>,
    encoder: RefCell<Encoder>,
    connection: RefCell<Option<Connection>>,
    /// Connections that were left to the broker.
    abandoned: RefCell<Vec<Connection>>,
    /// Where packets of the newest connection pass, or do not.
    gates: RefCell<Option<Gates>>,
    /// Connections that the broker thinks are open, and this actor has lost.
    ghosts: RefCell<Vec<Connection>>,
    opened: Cell<u32>,
    /// What still comes on a connection that has ended or been replaced is of no interest, and not recorded.
    only_newest: Cell<bool>,
    /// The connection that a fault is about to end: what is sent on it now comes too late.
    ending: Cell<Option<ConnectionNumber>>,
}

/// Both gates of a connection.
struct Gates {
    number: ConnectionNumber,
    into: Gate,
    out: Gate,
}

impl Gates {
    fn way(&mut self, way: Way) -> &mut Gate {
        match way {
            Way::In => &mut self.into,
            Way::Out => &mut self.out,
        }
    }
}

impl Actor {
    /// A peer without a connection.
    pub fn new(id: ActorId, spec: Spec, environment: Rc<Environment>, recorder: Rc<Recorder>) -> Rc<Self> {
        Rc::new(Self {
            id,
            spec,
            layer: Rc::new(Layer::new(
                id,
                Rc::clone(&environment.clock),
                environment.chance,
                Rc::clone(&recorder),
            )),
            inbox: RefCell::new(Inbox::new(spec)),
            news: News::default(),
            disagreements: RefCell::default(),
            environment,
            recorder,
            encoder: RefCell::new(Encoder::new(spec, Side::Client)),
            connection: RefCell::default(),
            abandoned: RefCell::default(),
            gates: RefCell::default(),
            ghosts: RefCell::default(),
            opened: Cell::new(0),
            only_newest: Cell::new(false),
            ending: Cell::new(None),
        })
    }

    /// Opens a network connection; one that is still open is closed first, without a farewell.
    ///
    /// # Errors
    ///
    /// What the network says, or that it took longer than the environment's patience.
    pub async fn open(self: &Rc<Self>) -> io::Result<()> {
        if self.is_open() {
            self.close(Ending::Fin).await;
        }
        let clock = Rc::clone(&self.environment.clock);
        let limit = clock.sleep_until(clock.now() + self.environment.patience);
        let struck = self.layer.connect();
        let attempt = async {
            match struck {
                None => self.environment.network.connect(self.spec).await,
                Some(ConnectFault::Refused) => Err(io::ErrorKind::ConnectionRefused.into()),
                Some(ConnectFault::TimedOut) => std::future::pending().await,
            }
        };
        let connected = tokio::select! {
            biased;
            connected = attempt => connected,
            () = limit => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer to the connection attempt")),
        };
        let connected = connected.inspect_err(|error| {
            self.recorder.record(What::OpenFailed { actor: self.id, why: error.kind().to_string() });
        })?;
        self.opened.set(self.opened.get() + 1);
        let number = ConnectionNumber(self.opened.get());
        let gate = |way| Gate::new(Rc::clone(&self.layer), way, self.spec);
        *self.gates.borrow_mut() = Some(Gates { number, into: gate(Way::In), out: gate(Way::Out) });
        self.inbox.borrow_mut().reopen();
        self.recorder.record(What::Opened { actor: self.id, connection: number });
        let connection = Connection::start(self, number, connected, &self.environment);
        *self.connection.borrow_mut() = Some(connection);
        Ok(())
    }

    /// Whether there is a connection that has not ended.
    pub fn is_open(&self) -> bool {
        self.connection.borrow().is_some()
    }

    /// Whether packets of this connection just pass.
    pub(crate) fn passes_freely(&self, number: ConnectionNumber, way: Way) -> bool {
        let mut gates = self.gates.borrow_mut();
        gates.as_mut().is_none_or(|gates| gates.number != number || gates.way(way).is_wide_open())
    }

    /// Asks the gate of a connection, if that is the newest one.
    pub(crate) fn at_gate(
        &self,
        number: ConnectionNumber,
        way: Way,
        ask: impl FnOnce(&mut Gate) -> Vec<Deed>,
    ) -> Vec<Deed> {
        let mut gates = self.gates.borrow_mut();
        gates
            .as_mut()
            .filter(|gates| gates.number == number)
            .map_or_else(Vec::new, |gates| ask(gates.way(way)))
    }

    /// Lets a packet that is held back go after a time, if nothing has overtaken it by then.
    pub(crate) fn remind(self: &Rc<Self>, number: ConnectionNumber, way: Way, hold: u64, after: Duration) {
        let actor = Rc::downgrade(self);
        let time = self.layer.delay(after);
        tokio::task::spawn_local(async move {
            time.await;
            let Some(actor) = actor.upgrade() else { return };
            let deeds = actor.at_gate(number, way, |gate| gate.overdue(hold));
            match way {
                Way::Out => actor.write_deeds(number, deeds),
                Way::In => actor.take_deeds(number, deeds),
            }
        });
    }

    /// Takes what the gate of this connection's way in lets go late.
    fn take_deeds(&self, number: ConnectionNumber, deeds: Vec<Deed>) {
        for deed in deeds {
            if let Deed::Arrive(packet, fate) = deed {
                self.take(number, packet, fate);
            }
        }
    }

    /// Ends the connection from our side, after everything sent before. Returns when it has ended, or when
    /// the environment's patience is over (a stalled stream does not end): then it is cut off.
    pub async fn close(self: &Rc<Self>, how: Ending) {
        let Some((number, out)) = self.outgoing() else { return };
        self.write_deeds(number, self.at_gate(number, Way::Out, Gate::flush));
        out.send(Outgoing::End(how, EndedBy::Peer(Side::Client)));
        let clock = &self.environment.clock;
        let limit = clock.now() + self.environment.patience;
        // A client may have opened another one by the time that we look.
        while self.outgoing().is_some_and(|(current, _)| current == number) {
            let news = self.news.notified();
            tokio::select! {
                biased;
                () = news => {}
                () = clock.sleep_until(limit) => {
                    self.end(number, EndedBy::Peer(Side::Client), Ending::Reset, 0);
                }
            }
        }
    }

    /// From now on this is a client: it looks only at the connection that it has open.
    pub(crate) fn forget_old_connections(&self) {
        self.only_newest.set(true);
    }

    /// Leaves the connection as it is, open and never used again: nobody looks at what comes on it, and it ends
    /// when the broker ends it.
    pub fn abandon(&self) {
        self.abandoned.borrow_mut().extend(self.connection.borrow_mut().take());
    }

    fn outgoing(&self) -> Option<(ConnectionNumber, Sender<Outgoing>)> {
        self.connection.borrow().as_ref().map(|connection| (connection.number, connection.out.clone()))
    }

    /// Records the end of a connection, once, and lets go of it.
    pub(crate) fn end(&self, number: ConnectionNumber, by: EndedBy, how: Ending, rest: usize) {
        let mut abandoned = self.abandoned.borrow_mut();
        if let Some(index) = abandoned.iter().position(|connection| connection.number == number) {
            self.recorder.record(What::Ended { actor: self.id, connection: number, by, how, rest });
            abandoned.remove(index).let_go(by, how);
            return;
        }
        drop(abandoned);
        let mut connection = self.connection.borrow_mut();
        if connection.as_ref().is_none_or(|connection| connection.number != number) {
            return;
        }
        let ended = connection.take();
        drop(connection);
        let sequence =
            self.recorder.record(What::Ended { actor: self.id, connection: number, by, how, rest });
        self.inbox.borrow_mut().push(Item::Ended { by, how, sequence });
        if let Some(ended) = ended {
            ended.let_go(by, how);
        }
        self.news.notify_waiters();
    }

    /// One of the two peers loses the connection that is open now, and the other is not told. The layer
    /// knows until when; the reading task holds the socket, or lets go of it.
    pub fn half_open(&self, for_whom: OpenFor) {
        match for_whom {
            OpenFor::Broker => {
                let Some(ghost) = self.connection.borrow_mut().take() else { return };
                self.layer.tell(format!("struck: the actor has gone; {UNTOLD}"));
                let number = ghost.number;
                ghost.fall_silent();
                self.ghosts.borrow_mut().push(ghost);
                // Gone by itself: unlike a cut, this end is one that the broker cannot see.
                let (by, how) = (EndedBy::Peer(Side::Client), Ending::Reset);
                let ended = What::Ended { actor: self.id, connection: number, by, how, rest: 0 };
                let sequence = self.recorder.record(ended);
                self.inbox.borrow_mut().push(Item::Ended { by, how, sequence });
                self.news.notify_waiters();
            }
            OpenFor::Actor => {
                let Some((_, out)) = self.outgoing() else { return };
                self.layer.tell(String::from(
                    "struck: the broker's end has gone; for the actor the connection is still open",
                ));
                // A closed queue means that the connection has just ended.
                out.send(Outgoing::Sever);
            }
        }
    }

    /// The broker is told that a connection has ended which the actor had lost.
    pub(crate) fn forget(&self, number: ConnectionNumber) {
        let mut ghosts = self.ghosts.borrow_mut();
        if let Some(index) = ghosts.iter().position(|ghost| ghost.number == number) {
            ghosts.remove(index).let_go(EndedBy::Fault, Ending::Reset);
        }
    }

    /// Takes a packet that the fault layer let through.
    pub(crate) fn take(&self, number: ConnectionNumber, packet: Packet, fate: Fate) {
        if self.only_newest.get() && self.outgoing().is_none_or(|(current, _)| current != number) {
            return;
        }
        if packet.oddities.is_empty() {
            let doubt = second_opinion::on_received(self.spec, &packet.raw);
            self.disagreements.borrow_mut().extend(doubt);
        }
        let current = self.opened.get() == number.0;
        let delivered = fate.arrives() && current;
        let sequence =
            self.recorder.record(What::Received { actor: self.id, connection: number, packet, fate });
        if delivered {
            self.recorder.look(|trace| {
                if let Some(packet) = trace.events.last().and_then(Event::packet) {
                    self.inbox.borrow_mut().receive(packet, sequence);
                }
            });
            self.news.notify_waiters();
        }
    }
}
