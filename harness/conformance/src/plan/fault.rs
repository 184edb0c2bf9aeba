//! Faults as data: what is to go wrong, on whose connection, when.

use std::time::Duration;

use super::ActorId;

/// A fault on an actor's network connection. It lies in wait until its moment comes, also across a
/// reconnection, and happens once unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Acts on whole packets.
    Packet {
        /// On whose connection.
        actor: ActorId,
        /// Which way the packet travels.
        direction: Direction,
        /// The packet's name; `None`: any packet.
        packet: Option<String>,
        /// The first, second, … such packet from now on (1 is the next).
        nth: u32,
        /// What happens to it.
        fault: PacketFault,
    },
    /// Acts on the bytes of the stream.
    Stream {
        /// On whose connection.
        actor: ActorId,
        /// Which way the bytes travel.
        direction: Direction,
        /// What happens to them.
        fault: StreamFault,
    },
    /// Takes back everything planned for an actor, stalls included.
    Heal {
        /// Whose; `None`: everybody's.
        actor: Option<ActorId>,
    },
}

/// Which way something travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the broker to the actor.
    ToActor,
    /// From the actor to the broker.
    FromActor,
    /// Both ways.
    Both,
}

/// What happens to a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketFault {
    /// It never arrives because the connection dies: what was sent before it arrives, then the stream is
    /// reset. This is what loss looks like to somebody who uses TCP.
    LostThenCut,
    /// It arrives, and the connection dies right after.
    DeliveredThenCut,
    /// It arrives twice, byte for byte, or with DUP set the second time. TCP does not do that; a peer that
    /// sends again does.
    Duplicated {
        /// Sets the DUP flag of the second copy (MQTT PUBLISH).
        set_dup: bool,
    },
    /// It arrives this much later, and what follows it too.
    Delayed(Duration),
    /// Only its first bytes arrive, then the connection dies.
    CutAfter {
        /// How many bytes.
        bytes: usize,
    },
}

/// What happens to the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamFault {
    /// After this many more bytes the connection is reset.
    ResetAfter {
        /// How many bytes still pass.
        bytes: u64,
    },
    /// After this many more bytes the stream ends in good order.
    FinAfter {
        /// How many bytes still pass.
        bytes: u64,
    },
    /// Bytes are passed in pieces of these sizes, over and over.
    Fragment {
        /// The sizes, in bytes, none of them 0.
        sizes: Vec<usize>,
    },
    /// Nothing passes; nothing is lost.
    Stall {
        /// For how long; `None`: until healed.
        duration: Option<Duration>,
    },
    /// Nothing passes and nobody is told: the peers' writes vanish for good, and the connection is dead
    /// when it is over (a half-open connection).
    Partition {
        /// For how long; `None`: until healed.
        duration: Option<Duration>,
    },
}

/// Something done to the broker process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerFault {
    /// The process dies at once; its kernel closes the connections.
    Kill,
    /// It starts (again).
    Start,
    /// It is asked to stop and does so in good order.
    Stop,
}
