//! What goes wrong between an actor and the broker, planned as data, struck here.
//!
//! A [`Layer`] belongs to an actor and outlives its connections: a fault lies in wait across a reconnection.
//! `packet` decides the fate of whole packets, `stream` that of bytes.

pub mod packet;
pub mod stream;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use mqspec_conformance::plan::{Direction, PacketFault, StreamFault};
use tokio::sync::Notify;

use crate::environment::Clock;

/// Which way bytes travel; [`Direction`] without `Both`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the broker to the actor.
    In,
    /// From the actor to the broker.
    Out,
}

impl Way {
    /// Whether a plan's direction includes it.
    pub fn is_in(self, direction: Direction) -> bool {
        match direction {
            Direction::Both => true,
            Direction::ToActor => self == Self::In,
            Direction::FromActor => self == Self::Out,
        }
    }
}

/// An actor's faults, planned and under way.
pub struct Layer {
    clock: Rc<dyn Clock>,
    packets: RefCell<Vec<packet::Rule>>,
    streams: RefCell<stream::Streams>,
    changed: Notify,
}

impl Layer {
    /// Nothing goes wrong yet.
    pub fn new(clock: Rc<dyn Clock>) -> Self {
        Self { clock, packets: RefCell::default(), streams: RefCell::default(), changed: Notify::new() }
    }

    /// Plans a fault for packets.
    pub fn plan_packet(&self, direction: Direction, name: Option<String>, nth: u32, fault: PacketFault) {
        self.packets.borrow_mut().push(packet::Rule { direction, name, nth, fault });
    }

    /// Plans a fault for bytes, from now on.
    pub fn plan_stream(&self, direction: Direction, fault: &StreamFault) {
        self.streams.borrow_mut().plan(direction, fault, self.clock.now());
        self.changed.notify_waiters();
    }

    /// Takes everything back. A partition that is healed leaves a dead connection: see `stream`.
    pub fn heal(&self) {
        self.packets.borrow_mut().clear();
        self.streams.borrow_mut().heal();
        self.changed.notify_waiters();
    }

    /// A new connection begins: what a past partition did to the old one does not concern it.
    pub fn reopened(&self) {
        self.streams.borrow_mut().reopened(self.clock.now());
    }

    /// Whether a fault lies in wait that will cut the connection.
    pub fn will_cut(&self) -> bool {
        self.packets.borrow().iter().any(packet::Rule::cuts)
    }

    /// Whether nothing is planned and nothing is under way: what does not arrive now is not our doing.
    pub fn is_calm(&self) -> bool {
        self.packets.borrow().is_empty() && self.streams.borrow().is_calm(self.clock.now())
    }

    /// The packets that faults still lie in wait for.
    pub fn waits_for(&self) -> Vec<String> {
        let name = |rule: &packet::Rule| rule.name.clone().unwrap_or_else(|| String::from("any packet"));
        self.packets.borrow().iter().map(name).collect()
    }

    /// What happens to a packet that is about to pass; counts it against every rule.
    pub fn fate(&self, way: Way, packet: &str) -> Option<PacketFault> {
        packet::strike(&mut self.packets.borrow_mut(), way, packet)
    }

    /// What happens to bytes that are about to pass.
    pub fn verdict(&self, way: Way, bytes: usize) -> stream::Passage {
        self.streams.borrow_mut().pass(way, bytes, self.clock.now())
    }

    /// Ends when the way is free of stalls.
    pub async fn free(&self, way: Way) {
        loop {
            let changed = self.changed.notified();
            let blocked = self.streams.borrow().blocked_until(way, self.clock.now());
            match blocked {
                stream::Blocked::No => return,
                stream::Blocked::Until(time) => {
                    tokio::select! {
                        biased;
                        () = changed => {}
                        () = self.clock.sleep_until(time) => {}
                    }
                }
                stream::Blocked::Indefinitely => changed.await,
            }
        }
    }

    /// Ends when a partition that struck the current connection is over.
    pub async fn partition_over(&self) {
        loop {
            let changed = self.changed.notified();
            let end = self.streams.borrow_mut().partition_end(self.clock.now());
            match end {
                stream::PartitionEnd::Over => return,
                stream::PartitionEnd::At(time) => {
                    tokio::select! {
                        biased;
                        () = changed => {}
                        () = self.clock.sleep_until(time) => {}
                    }
                }
                stream::PartitionEnd::None | stream::PartitionEnd::Unknown => changed.await,
            }
        }
    }

    /// The sizes that bytes are to be cut into, where a fault says so.
    pub fn fragments(&self, way: Way) -> Option<Vec<usize>> {
        self.streams.borrow().fragments(way)
    }

    /// The time now, for delays.
    pub fn delay(&self, duration: Duration) -> futures_util::future::LocalBoxFuture<'static, ()> {
        self.clock.sleep_until(self.clock.now() + duration)
    }
}
