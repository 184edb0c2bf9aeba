//! What happened: every packet, fault and connection event of a run, in one global order.
//!
//! The sequence number orders events; the clock of a simulated host never does. A trace can be rendered
//! as text lanes (`lanes`), hashed (`hash`) and judged again later by the same checks.

pub mod hash;
pub mod lanes;

use std::time::Duration;

use mqspec_wire::{Packet, Side, Spec, Value};

use crate::plan::{ActorId, Ending};

/// The record of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The actors' names and what each speaks; an [`ActorId`] counts from the first.
    pub actors: Vec<(String, Spec)>,
    /// What happened, oldest first.
    pub events: Vec<Event>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its place in the global order, counted from 0.
    pub sequence: u64,
    /// Time since the run began (virtual in a simulation).
    pub at: Duration,
    /// What it was.
    pub what: What,
}

impl Event {
    /// The packet that was sent or received.
    pub const fn packet(&self) -> Option<&Packet> {
        match &self.what {
            What::Sent { packet, .. } | What::Received { packet, .. } => Some(packet),
            What::Step { .. }
            | What::Opened { .. }
            | What::OpenFailed { .. }
            | What::Ended { .. }
            | What::Fault { .. }
            | What::Broker { .. }
            | What::Bound { .. } => None,
        }
    }
}

/// A network connection of an actor: the actor's first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionNumber(pub u32);

/// Kinds of event.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The script came to a step.
    Step {
        /// Its line in the scenario.
        line: usize,
        /// The step as written.
        text: String,
    },
    /// An actor's network connection was opened.
    Opened {
        /// Whose.
        actor: ActorId,
        /// Which.
        connection: ConnectionNumber,
    },
    /// It could not be opened.
    OpenFailed {
        /// Whose.
        actor: ActorId,
        /// Why, without addresses or times.
        why: String,
    },
    /// An actor wrote a packet (or, as `unknown`, bytes that are none).
    Sent {
        /// Who.
        actor: ActorId,
        /// On which connection.
        connection: ConnectionNumber,
        /// What.
        packet: Packet,
        /// What the fault layer did to it.
        fate: Fate,
    },
    /// A packet from the broker reached an actor, or would have without the fault layer.
    Received {
        /// Who.
        actor: ActorId,
        /// On which connection.
        connection: ConnectionNumber,
        /// What.
        packet: Packet,
        /// What the fault layer did to it.
        fate: Fate,
    },
    /// A connection ended.
    Ended {
        /// Whose.
        actor: ActorId,
        /// Which.
        connection: ConnectionNumber,
        /// From which side.
        by: EndedBy,
        /// In order or not.
        how: Ending,
        /// Bytes of a packet that never became whole.
        rest: usize,
    },
    /// A fault was planned or struck.
    Fault {
        /// On whose connection, where it concerns one.
        actor: Option<ActorId>,
        /// What, in words.
        text: String,
    },
    /// Something happened to the broker process.
    Broker {
        /// What: `started`, `killed`, `stopped`.
        text: String,
    },
    /// A name was bound.
    Bound {
        /// The name.
        name: String,
        /// The value.
        value: Value,
    },
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// One of the two peers.
    Peer(Side),
    /// The fault layer.
    Fault,
}

/// How the text of a [`What::Fault`] ends that stands before the end of a connection which the broker is not told of.
pub const UNTOLD: &str = "for the broker the connection is still open";

/// What the fault layer did to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It passed as it was, as soon as it was written.
    Passed,
    /// It passed as it was, but left later than it was written: a fault held its bytes back.
    Late,
    /// It never left, not whole: a partition swallowed its bytes, or its connection ended before their turn came.
    Swallowed,
    /// It was held back, and arrives as the [`Fate::Copy`] that follows those that overtook it.
    Reordered,
    /// It never arrived.
    Lost,
    /// The fault layer put it there: its sender did not send it, or not now, or not like this.
    Copy,
    /// Only a part of it arrived.
    Cut,
    /// It arrived with a bit changed, as the [`Fate::Copy`] that follows.
    Flipped,
    /// It was written when its connection had ended: nobody was there to receive it.
    AfterEnd,
}

impl Fate {
    /// Whether the packet reached its receiver, at this point and like this.
    pub const fn arrives(self) -> bool {
        match self {
            Self::Passed | Self::Late | Self::Copy => true,
            Self::Swallowed | Self::Reordered | Self::Lost | Self::Cut | Self::Flipped | Self::AfterEnd => {
                false
            }
        }
    }

    /// Whether the broker may have got a packet of a client, at this point and like this. Of a cut one it
    /// knows a part, and of a lost one, to be sure, we cannot know.
    pub const fn may_reach(self) -> bool {
        match self {
            Self::Passed | Self::Late | Self::Copy | Self::Lost | Self::Cut => true,
            Self::Swallowed | Self::Reordered | Self::Flipped | Self::AfterEnd => false,
        }
    }

    /// Whether the broker sent this packet, at this point and like this, and not only a part of it is known.
    pub const fn is_sent(self) -> bool {
        match self {
            Self::Passed
            | Self::Late
            | Self::Swallowed
            | Self::Reordered
            | Self::Lost
            | Self::Flipped
            | Self::AfterEnd => true,
            Self::Copy | Self::Cut => false,
        }
    }

    /// Whether the broker sent this packet and an actor got it in some form, sooner or later.
    pub const fn comes_through(self) -> bool {
        match self {
            Self::Passed | Self::Late | Self::Reordered | Self::Flipped => true,
            Self::Swallowed | Self::Copy | Self::Lost | Self::Cut | Self::AfterEnd => false,
        }
    }
}

impl Trace {
    /// The packets that an actor received (those that really arrived), oldest first.
    pub fn received(&self, by: ActorId) -> impl Iterator<Item = (&Event, &Packet)> {
        self.events.iter().filter_map(move |event| {
            let What::Received { actor, packet, fate, .. } = &event.what else { return None };
            (*actor == by && fate.arrives()).then_some((event, packet))
        })
    }

    /// An actor's name, for a report.
    pub fn actor_name(&self, actor: ActorId) -> &str {
        self.actors.get(actor.0).map_or("?", |(name, _)| name)
    }

    /// What an actor speaks.
    pub fn actor_spec(&self, actor: ActorId) -> Option<Spec> {
        self.actors.get(actor.0).map(|(_, spec)| *spec)
    }
}
