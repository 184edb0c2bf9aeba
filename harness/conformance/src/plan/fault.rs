//! Faults as data: what is to go wrong, on whose connection, when.

use std::time::Duration;

use mqspec_wire::Value;

use super::{ActorId, Bindings};

/// A fault on an actor's network connection. It lies in wait until its moment comes, also across a
/// reconnection.
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
        /// Which of these packets it strikes.
        when: When,
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
    /// Acts on attempts to connect.
    Connect {
        /// Whose.
        actor: ActorId,
        /// What happens to them.
        fault: ConnectFault,
        /// How many of them it strikes, from the next on.
        times: u32,
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

/// Which of the packets that it is about a fault strikes. The default: the next one.
///
/// Counted are the packets within the time window. Of these the `nth` is the first that can be struck, and
/// then `every` so many-th; each of them with the given probability, until the fault has struck `times`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The first packet that can be struck: 1 is the next. Never 0.
    pub nth: u32,
    /// The distance between packets that can be struck: 1 is each. Never 0.
    pub every: u32,
    /// How likely one that can be struck is; `None`: it is for sure.
    pub probability: Option<Probability>,
    /// The window's begin, counted from the fault's own step.
    pub after: Duration,
    /// The window's end, counted from there too; `None`: it has none.
    pub until: Option<Duration>,
    /// How often it strikes at most; `None`: without limit.
    pub times: Option<u32>,
}

impl Default for When {
    fn default() -> Self {
        Self { nth: 1, every: 1, probability: None, after: Duration::ZERO, until: None, times: Some(1) }
    }
}

impl When {
    /// The `nth` packet from now on, once.
    pub fn nth(nth: u32) -> Self {
        Self { nth, ..Self::default() }
    }

    /// Whether the fault strikes for sure if enough packets come: a plan in which it does not has not
    /// shown what it says.
    pub const fn is_certain(&self) -> bool {
        self.probability.is_none() && self.until.is_none()
    }
}

/// How likely something is, in millionths, so that it is the same number everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability(u32);

impl Probability {
    /// What always happens.
    pub const ALWAYS: Self = Self(1_000_000);

    /// So many millionths; more than a million are a million.
    pub const fn millionths(number: u32) -> Self {
        Self(if number > 1_000_000 { 1_000_000 } else { number })
    }

    /// The number of millionths, at most a million.
    pub const fn as_millionths(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for Probability {
    /// As a percentage: `12.5 %`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 10_000.0)
    }
}

/// A number that a scenario writes or, as in a `repeat` with a counter, takes from a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// What it is; without meaning before a name has been evaluated.
    pub number: u64,
    /// The name that holds it.
    pub name: Option<String>,
}

impl From<u64> for Amount {
    fn from(number: u64) -> Self {
        Self { number, name: None }
    }
}

impl Amount {
    /// The number that a name holds by the time of the step.
    pub fn named(name: &str) -> Self {
        Self { number: 0, name: Some(name.to_owned()) }
    }

    /// As a size.
    pub fn as_size(&self) -> usize {
        usize::try_from(self.number).unwrap_or(usize::MAX)
    }

    /// Takes the number from its name.
    fn evaluate(&mut self, bindings: &Bindings) -> Result<(), String> {
        let Some(name) = &self.name else { return Ok(()) };
        let value = bindings.get(name).and_then(Value::as_integer);
        let number = value.and_then(|number| u64::try_from(number).ok());
        self.number = number.ok_or_else(|| format!("${name} is no number from 0 on"))?;
        Ok(())
    }
}

impl Fault {
    /// The fault with the numbers that its names hold now.
    ///
    /// # Errors
    ///
    /// A name that holds no such number, in words.
    pub fn evaluate(&self, bindings: &Bindings) -> Result<Self, String> {
        let mut fault = self.clone();
        match &mut fault {
            Self::Packet { fault: PacketFault::CutAfter { bytes }, .. }
            | Self::Packet { fault: PacketFault::Flipped { bit: Some(bytes) }, .. }
            | Self::Stream {
                fault: StreamFault::ResetAfter { bytes } | StreamFault::FinAfter { bytes },
                ..
            } => bytes.evaluate(bindings)?,
            Self::Packet { .. } | Self::Stream { .. } | Self::Connect { .. } | Self::Heal { .. } => {}
        }
        Ok(fault)
    }
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
        bytes: Amount,
    },
    /// Packets behind it overtake it. TCP does not do that; a peer whose threads race does.
    Reordered {
        /// How many packets overtake it, where as many follow within a second.
        behind: u32,
    },
    /// It arrives with one bit changed.
    Flipped {
        /// Which, counted from the most significant bit of the first byte (beyond the end: from the
        /// start again); `None`: drawn.
        bit: Option<Amount>,
    },
}

impl PacketFault {
    /// Whether the connection dies of it.
    pub const fn cuts(&self) -> bool {
        match self {
            Self::LostThenCut | Self::DeliveredThenCut | Self::CutAfter { .. } => true,
            Self::Duplicated { .. } | Self::Delayed(_) | Self::Reordered { .. } | Self::Flipped { .. } => {
                false
            }
        }
    }
}

/// What happens to the stream. A `duration` counts from the fault's own step; `None`: until healed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamFault {
    /// After this many more bytes the connection is reset.
    ResetAfter {
        /// How many bytes still pass.
        bytes: Amount,
    },
    /// After this many more bytes the stream ends in good order.
    FinAfter {
        /// How many bytes still pass.
        bytes: Amount,
    },
    /// Bytes are passed in pieces of these sizes, over and over.
    Fragment {
        /// The sizes, in bytes, none of them 0.
        sizes: Vec<usize>,
    },
    /// What is written within a time is passed as one piece at the end of it.
    Coalesce {
        /// The time, from the first byte of a piece on.
        within: Duration,
        /// How long the fault lasts.
        duration: Option<Duration>,
    },
    /// Bytes are under way for longer, in order.
    Latency {
        /// At least so long.
        base: Duration,
        /// And up to so much longer, drawn for each piece.
        jitter: Duration,
        /// How long the fault lasts.
        duration: Option<Duration>,
    },
    /// The network loses pieces, as a user of TCP sees it: a piece is sent again after 200 ms, then 400 ms,
    /// 800 ms, …, with all that follows waiting behind it, until TCP gives up and the connection is reset.
    Loss {
        /// How likely each sending of a piece is lost.
        probability: Probability,
        /// The connection is reset when a piece was lost this often in a row.
        reset_after: u32,
        /// How long the fault lasts.
        duration: Option<Duration>,
    },
    /// No more than so many bytes pass in a second.
    Bandwidth {
        /// How many; not 0.
        bytes_per_second: u64,
        /// How long the fault lasts.
        duration: Option<Duration>,
    },
    /// The actor reads no faster than this, so that what the broker sends piles up on the broker's side.
    SlowReader {
        /// How many; not 0.
        bytes_per_second: u64,
        /// How long the fault lasts.
        duration: Option<Duration>,
    },
    /// Nothing passes; nothing is lost.
    Stall {
        /// For how long.
        duration: Option<Duration>,
    },
    /// Nothing passes and nobody is told: the peers' writes vanish for good, and the connection is dead
    /// when it is over (a half-open connection).
    Partition {
        /// For how long.
        duration: Option<Duration>,
    },
    /// One of the two peers loses the connection, and the other is not told: its machine lost power, or
    /// something between them forgot the connection. Concerns the connection that is open.
    HalfOpen {
        /// Who goes on thinking that it is open.
        for_whom: OpenFor,
        /// After how long that peer is told, by a reset.
        duration: Option<Duration>,
    },
}

/// Who does not know that a half-open connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenFor {
    /// The actor has gone.
    Broker,
    /// The broker's end has gone.
    Actor,
}

/// What happens to an attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFault {
    /// It is refused at once.
    Refused,
    /// Nobody answers it, until the actor gives up.
    TimedOut,
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
    /// Its machine goes off: what was not synced to its disk may be gone. Only in a simulation.
    PowerLoss,
    /// It is started, and what it finds on its disk does not let it. Only in a simulation.
    StartInVain,
}
