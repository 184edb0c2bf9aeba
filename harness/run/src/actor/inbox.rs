//! What has arrived at an actor and no step has taken yet.

use std::collections::VecDeque;

use mqspec_conformance::plan::Ending;
use mqspec_conformance::trace::{EndedBy, Trace};
use mqspec_wire::amqp::Assembler;
use mqspec_wire::{Packet, Spec};

/// One thing that arrived.
#[derive(Clone, Debug)]
pub enum Item {
    /// A packet; an AMQP method comes with all of its content.
    Packet {
        /// An AMQP method or frame put together. An MQTT packet is in the trace as it is, and nowhere else.
        assembled: Option<Packet>,
        /// Its event in the trace (AMQP: the last frame's).
        sequence: u64,
    },
    /// The connection ended.
    Ended {
        /// From which side.
        by: EndedBy,
        /// In order or not.
        how: Ending,
        /// Its event in the trace.
        sequence: u64,
    },
}

impl Item {
    /// The packet, where it is one; `trace` is the run's.
    pub fn packet<'a>(&'a self, trace: &'a Trace) -> Option<&'a Packet> {
        match self {
            Self::Packet { assembled: Some(packet), .. } => Some(packet),
            Self::Packet { assembled: None, sequence } => {
                trace.events.get(usize::try_from(*sequence).ok()?)?.packet()
            }
            Self::Ended { .. } => None,
        }
    }
}

/// The queue of an actor.
#[derive(Debug)]
pub struct Inbox {
    items: VecDeque<Item>,
    assembler: Option<Assembler>,
}

impl Inbox {
    /// Empty.
    pub fn new(spec: Spec) -> Self {
        Self { items: VecDeque::new(), assembler: (!spec.is_mqtt()).then(Assembler::new) }
    }

    /// A new connection: nothing of the old one is of interest any more.
    pub fn reopen(&mut self) {
        self.items.clear();
        if self.assembler.is_some() {
            self.assembler = Some(Assembler::new());
        }
    }

    /// Takes the packet of an event; or a frame and, once it is complete, the method that it belongs to.
    pub fn receive(&mut self, packet: &Packet, sequence: u64) {
        let assembled = match &mut self.assembler {
            Some(assembler) => match assembler.push(packet.clone()) {
                None => return,
                whole => whole,
            },
            None => None,
        };
        self.items.push_back(Item::Packet { assembled, sequence });
    }

    /// Appends an item as it is.
    pub fn push(&mut self, item: Item) {
        self.items.push_back(item);
    }

    /// What is there, oldest first.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }

    /// Takes out the item at this place.
    pub fn remove(&mut self, index: usize) -> Option<Item> {
        self.items.remove(index)
    }
}
