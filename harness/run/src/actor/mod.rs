//! Peers of the broker: they open connections, write what they are told and record what they see. They judge
//! nothing. A scripted one does no more; a [`client`] has duties of its own.

pub mod client;
pub mod connection;
pub mod inbox;
pub mod second_opinion;

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use bytes::Bytes;
use mqspec_conformance::plan::{ActorId, Ending, PacketFault};
use mqspec_conformance::trace::{ConnectionNumber, EndedBy, Fate, What};
use mqspec_wire::{Decoder, Draft, EncodeError, Packet, Side, Spec};
use tokio::sync::Notify;

use self::connection::{Connection, Outgoing};
use self::inbox::{Inbox, Item};
use crate::environment::Environment;
use crate::fault::{Layer, Way};
use crate::recorder::Recorder;

/// A peer of the broker, with at most one connection at a time.
pub struct Actor {
    /// Its place in the plan.
    pub id: ActorId,
    /// What it speaks.
    pub spec: Spec,
    /// What goes wrong on its connections.
    pub layer: Layer,
    /// What has arrived and no step has taken yet.
    pub inbox: RefCell<Inbox>,
    /// Rings whenever the inbox or the connection changes.
    pub news: Notify,
    /// Packets about which our codec and another one disagree: for us to look into.
    pub disagreements: RefCell<Vec<String>>,
    environment: Rc<Environment>,
    recorder: Rc<Recorder>,
    connection: RefCell<Option<Connection>>,
    /// Connections that were left to the broker.
    abandoned: RefCell<Vec<Connection>>,
    opened: Cell<u32>,
}

impl Actor {
    /// A peer without a connection.
    pub fn new(id: ActorId, spec: Spec, environment: Rc<Environment>, recorder: Rc<Recorder>) -> Rc<Self> {
        Rc::new(Self {
            id,
            spec,
            layer: Layer::new(Rc::clone(&environment.clock)),
            inbox: RefCell::new(Inbox::new(spec)),
            news: Notify::new(),
            disagreements: RefCell::default(),
            environment,
            recorder,
            connection: RefCell::default(),
            abandoned: RefCell::default(),
            opened: Cell::new(0),
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
        let connected = tokio::select! {
            biased;
            connected = self.environment.network.connect(self.spec) => connected,
            () = limit => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer to the connection attempt")),
        };
        let connected = connected.inspect_err(|error| {
            self.recorder.record(What::OpenFailed { actor: self.id, why: error.kind().to_string() });
        })?;
        self.opened.set(self.opened.get() + 1);
        let number = ConnectionNumber(self.opened.get());
        self.layer.reopened();
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

    /// Writes a packet, unless a fault wills otherwise.
    ///
    /// # Errors
    ///
    /// A draft that cannot be put into bytes.
    pub fn send(&self, draft: &Draft) -> Result<(), EncodeError> {
        let pieces = mqspec_wire::encode(self.spec, Side::Client, draft)?;
        if draft.malformed.is_empty() {
            let doubts = pieces.iter().filter_map(|piece| second_opinion::on_sent(self.spec, piece));
            self.disagreements.borrow_mut().extend(doubts);
        }
        for piece in pieces {
            let packet = read_back(self.spec, &piece);
            self.send_packet(packet);
        }
        Ok(())
    }

    /// Writes bytes as they are; those that form whole packets are recorded as such.
    pub fn send_bytes(&self, bytes: &Bytes) {
        let mut decoder = Decoder::new(self.spec, Side::Client);
        decoder.push(bytes);
        let mut packets = Vec::new();
        while let Some(packet) = decoder.next_packet() {
            let last = packet.name == "unknown";
            packets.push(packet);
            if last {
                break;
            }
        }
        let whole: usize = packets.iter().map(|packet| packet.raw.len()).sum();
        if let Some(rest) = bytes.get(whole..).filter(|rest| !rest.is_empty()) {
            packets.push(unknown(Bytes::copy_from_slice(rest)));
        }
        for packet in packets {
            self.send_packet(packet);
        }
    }

    fn send_packet(&self, packet: Packet) {
        let Some((number, out)) = self.outgoing() else {
            // The broker has closed already: what is written now reaches nobody, as on any socket.
            let connection = ConnectionNumber(self.opened.get());
            self.recorder.record(What::Sent { actor: self.id, connection, packet, fate: Fate::Lost });
            return;
        };
        let fault = self.layer.fate(Way::Out, packet.name);
        let raw = packet.raw.clone();
        let fate = match fault {
            None
            | Some(
                PacketFault::DeliveredThenCut | PacketFault::Duplicated { .. } | PacketFault::Delayed(_),
            ) => Fate::Passed,
            Some(PacketFault::LostThenCut) => Fate::Lost,
            Some(PacketFault::CutAfter { .. }) => Fate::Cut,
        };
        let sent = |packet, fate| What::Sent { actor: self.id, connection: number, packet, fate };
        self.recorder.record(sent(packet.clone(), fate));
        // A closed queue means that the connection has just ended; the trace says so.
        let write = |outgoing| drop(out.send(outgoing));
        match fault {
            None => write(Outgoing::Bytes(raw)),
            Some(PacketFault::LostThenCut) => write(Outgoing::End(Ending::Fin, EndedBy::Fault)),
            Some(PacketFault::DeliveredThenCut) => {
                write(Outgoing::Bytes(raw));
                write(Outgoing::End(Ending::Fin, EndedBy::Fault));
            }
            Some(PacketFault::Duplicated { set_dup }) => {
                let copy = connection::copy_of(&packet, set_dup, Side::Client, self.spec);
                write(Outgoing::Bytes(raw));
                write(Outgoing::Bytes(copy.raw.clone()));
                self.recorder.record(sent(copy, Fate::Copy));
            }
            Some(PacketFault::Delayed(duration)) => {
                write(Outgoing::Pause(duration));
                write(Outgoing::Bytes(raw));
            }
            Some(PacketFault::CutAfter { bytes }) => {
                write(Outgoing::Bytes(raw.slice(..bytes.min(raw.len()))));
                write(Outgoing::End(Ending::Fin, EndedBy::Fault));
            }
        }
    }

    /// Ends the connection from our side, after everything sent before. Returns when it has ended, or when
    /// the environment's patience is over (a stalled stream does not end): then it is cut off.
    pub async fn close(self: &Rc<Self>, how: Ending) {
        let Some((number, out)) = self.outgoing() else { return };
        drop(out.send(Outgoing::End(how, EndedBy::Peer(Side::Client))));
        let clock = &self.environment.clock;
        let limit = clock.now() + self.environment.patience;
        while self.is_open() {
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

    /// Leaves the connection as it is, open and never used again: what comes on it is recorded and given to nobody,
    /// and it ends when the broker ends it.
    pub fn abandon(&self) {
        self.abandoned.borrow_mut().extend(self.connection.borrow_mut().take());
    }

    fn outgoing(&self) -> Option<(ConnectionNumber, tokio::sync::mpsc::UnboundedSender<Outgoing>)> {
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

    /// Takes a packet that the fault layer let through.
    pub(crate) fn take(&self, number: ConnectionNumber, packet: Packet, fate: Fate) {
        if packet.oddities.is_empty() {
            let doubt = second_opinion::on_received(self.spec, &packet.raw);
            self.disagreements.borrow_mut().extend(doubt);
        }
        let current = self.opened.get() == number.0;
        let delivered = matches!(fate, Fate::Passed | Fate::Copy) && current;
        let event = What::Received { actor: self.id, connection: number, packet: packet.clone(), fate };
        let sequence = self.recorder.record(event);
        if delivered {
            self.inbox.borrow_mut().receive(packet, sequence);
            self.news.notify_waiters();
        }
    }
}

/// Our own bytes as the tester's codec reads them, for the trace.
fn read_back(spec: Spec, bytes: &Bytes) -> Packet {
    let mut decoder = Decoder::new(spec, Side::Client);
    decoder.push(bytes);
    match decoder.next_packet() {
        Some(packet) if packet.raw.len() == bytes.len() => packet,
        Some(_) | None => unknown(bytes.clone()),
    }
}

fn unknown(raw: Bytes) -> Packet {
    Packet { name: "unknown", fields: Vec::new(), oddities: Vec::new(), raw }
}
