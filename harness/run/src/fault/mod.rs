//! What goes wrong between a client and the broker, planned as data, struck here.
//!
//! A [`Layer`] belongs to an actor and outlives its connections: a fault lies in wait across a reconnection.
//! `packet` decides which packets are struck and `gate` carries it out; `stream` knows what happens to bytes,
//! `line` when they come out, and `pen` writes them. Every strike is an event of the trace.

pub mod gate;
pub mod line;
pub mod packet;
pub mod pen;
pub mod stream;
mod trouble;
pub mod words;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use mqspec_conformance::plan::{ActorId, ConnectFault, Direction, Fault, PacketFault, StreamFault, When};
use mqspec_conformance::trace::{Fate, What};

use mqspec_wire::Packet;

use self::line::{Journey, Line};
use self::stream::{Opened, Over, Passage, Streams};
pub use self::trouble::Trouble;
use crate::environment::{Chance, Clock};
use crate::news::News;
use crate::recorder::Recorder;

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

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::In => "to the actor",
            Self::Out => "from the actor",
        }
    }
}

/// An actor's faults, planned and under way.
pub struct Layer {
    actor: ActorId,
    clock: Rc<dyn Clock>,
    chance: Chance,
    recorder: Rc<Recorder>,
    planned: Rc<Planned>,
}

/// What is planned; several layers can share it.
#[derive(Default)]
struct Planned {
    packets: RefCell<packet::Rules>,
    streams: RefCell<Streams>,
    connects: RefCell<Vec<(ConnectFault, u32)>>,
    /// How many faults were planned so far; each has chance of its own.
    count: Cell<u32>,
    changed: News,
}

impl Layer {
    /// Nothing goes wrong yet.
    pub fn new(actor: ActorId, clock: Rc<dyn Clock>, chance: Chance, recorder: Rc<Recorder>) -> Self {
        Self { actor, clock, chance, recorder, planned: Rc::default() }
    }

    /// The same faults for one more actor: each strikes one or the other.
    #[must_use]
    pub fn shared_with(&self, actor: ActorId) -> Self {
        Self {
            actor,
            clock: Rc::clone(&self.clock),
            chance: self.chance,
            recorder: Rc::clone(&self.recorder),
            planned: Rc::clone(&self.planned),
        }
    }

    /// Plans a fault, whoever it names.
    pub fn plan(&self, fault: Fault) {
        match fault {
            Fault::Packet { direction, packet, when, fault, .. } => {
                self.plan_packet(direction, packet, when, fault);
            }
            Fault::Stream { direction, fault, .. } => self.plan_stream(direction, &fault),
            Fault::Connect { fault, times, .. } => self.plan_connect(fault, times),
            Fault::Heal { .. } => self.heal(),
        }
    }

    /// Plans a fault for packets.
    pub fn plan_packet(&self, direction: Direction, name: Option<String>, when: When, fault: PacketFault) {
        let number = self.planned.count.replace(self.planned.count.get() + 1);
        let draws = self.chance.stream(&format!("fault {} {number}", self.actor.0));
        self.planned.packets.borrow_mut().plan(direction, name, when, fault, (self.clock.now(), draws));
    }

    /// Plans a fault for bytes, from now on.
    pub fn plan_stream(&self, direction: Direction, fault: &StreamFault) {
        self.planned.streams.borrow_mut().plan(direction, fault, self.clock.now());
        self.planned.changed.notify_waiters();
    }

    /// Plans a fault for so many attempts to connect.
    pub fn plan_connect(&self, fault: ConnectFault, times: u32) {
        self.planned.connects.borrow_mut().push((fault, times));
    }

    /// Takes everything back. A partition that is healed leaves a dead connection: see `stream`.
    pub fn heal(&self) {
        self.planned.packets.borrow_mut().clear();
        self.planned.connects.borrow_mut().clear();
        self.planned.streams.borrow_mut().heal(self.clock.now());
        self.planned.changed.notify_waiters();
    }

    /// Whether a fault lies in wait that will cut the connection.
    pub fn will_cut(&self) -> bool {
        self.planned.packets.borrow().will_cut()
    }

    /// Whether nothing is planned and nothing is under way: what does not arrive now is not our doing.
    pub fn is_calm(&self) -> bool {
        self.spares_packets()
            && self.planned.connects.borrow().is_empty()
            && self.planned.streams.borrow().is_calm(self.clock.now())
    }

    /// Whether no fault lies in wait for packets.
    pub fn spares_packets(&self) -> bool {
        self.planned.packets.borrow().is_empty()
    }

    /// What faults had to strike and have not.
    pub fn never_struck(&self) -> Vec<String> {
        let connects = self.planned.connects.borrow();
        let connects = connects.iter().map(|_| String::from("an attempt to connect"));
        self.planned.packets.borrow().never_struck().chain(connects).collect()
    }

    /// What happens to an attempt to connect that begins now.
    pub fn connect(&self) -> Option<ConnectFault> {
        let mut connects = self.planned.connects.borrow_mut();
        let (fault, times) = connects.first_mut()?;
        let fault = *fault;
        *times = times.saturating_sub(1);
        if *times == 0 {
            connects.remove(0);
        }
        self.tell(format!("struck: the attempt to connect {}", words::connect_fault(fault)));
        Some(fault)
    }

    /// What happens to a packet that is about to pass; counts it against every rule.
    pub fn fate(&self, way: Way, packet: &Packet) -> Option<PacketFault> {
        if self.spares_packets() {
            return None;
        }
        let struck = self.planned.packets.borrow_mut().strike(way, packet, self.clock.now())?;
        self.tell(format!("struck: the {} {} {}", packet.name, way.name(), words::packet_fault(&struck)));
        Some(struck)
    }

    /// What happens to bytes that are about to pass.
    pub fn verdict(&self, way: Way, bytes: usize) -> Passage {
        let passage = self.planned.streams.borrow_mut().pass(way, bytes, self.clock.now());
        if let Passage::Then(passed, _) = passage {
            self.tell(format!("struck: of {bytes} bytes {} {passed} pass, then the stream ends", way.name()));
        }
        passage
    }

    /// Whether what is written now vanishes.
    pub fn is_partitioned(&self, way: Way) -> bool {
        self.planned.streams.borrow().is_partitioned(way, self.clock.now())
    }

    /// When bytes written at `written` come out of a line. Delays that chance had a say in are events.
    pub fn journey(&self, way: Way, line: &mut Line, bytes: usize, written: Duration) -> Journey {
        let Some(shape) = self.planned.streams.borrow().shape(way, self.clock.now()) else {
            return Journey { due: line.after_what_went_before(written), losses: 0, reset: false };
        };
        let gathered = match (way, shape.coalesce) {
            // Whoever writes gathers by itself.
            (Way::Out, _) | (_, None) => written,
            (Way::In, Some(within)) => line.gather(within, written),
        };
        let journey = line.send(&shape, bytes, gathered);
        let late = journey.due.saturating_sub(written);
        let jitters = shape.latency.is_some_and(|(_, jitter)| !jitter.is_zero());
        if journey.reset {
            self.tell(format!(
                "struck: {bytes} bytes {} are lost {} times in a row: the stream is reset",
                way.name(),
                journey.losses
            ));
        } else if journey.losses > 0 {
            self.tell(format!(
                "struck: {bytes} bytes {} are lost {} and arrive {} late",
                way.name(),
                if journey.losses == 1 { String::from("once") } else { format!("{} times", journey.losses) },
                words::seconds(late)
            ));
        } else if jitters {
            self.tell(format!("struck: {bytes} bytes {} arrive {} late", way.name(), words::seconds(late)));
        }
        journey
    }

    /// Whether something makes bytes late now, so that more of them can be under way at a time.
    pub fn is_shaped(&self, way: Way) -> bool {
        self.planned.streams.borrow().shape(way, self.clock.now()).is_some()
    }

    /// Within which time what is written is to be one piece.
    pub fn gathering(&self, way: Way) -> Option<Duration> {
        self.planned.streams.borrow().shape(way, self.clock.now()).and_then(|shape| shape.coalesce)
    }

    /// How many bytes per second the actor reads at most.
    pub fn reading_speed(&self) -> Option<u64> {
        self.planned.streams.borrow().reading_speed(self.clock.now())
    }

    /// Whether the way is free of stalls now.
    pub fn is_free(&self, way: Way) -> bool {
        self.planned.streams.borrow().stalled(way, self.clock.now()) == Over::Now
    }

    /// Ends when the way is free of stalls.
    pub async fn free(&self, way: Way) {
        // Asked for every packet, and almost always so.
        if !self.is_free(way) {
            self.until_over(|streams, now| Some(streams.stalled(way, now))).await;
        }
    }

    /// A connection begins.
    pub fn open(&self) -> Opened {
        self.planned.streams.borrow_mut().open(self.clock.now())
    }

    /// The sizes that bytes are to be cut into, where a fault says so.
    pub fn fragments(&self, way: Way) -> Option<Vec<usize>> {
        self.planned.streams.borrow().fragments(way)
    }

    /// The time now.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Ends after a time.
    pub fn delay(&self, duration: Duration) -> futures_util::future::LocalBoxFuture<'static, ()> {
        self.clock.sleep_until(self.clock.now() + duration)
    }

    /// Ends at a time: mostly one that has come, so there is a timer only where it has not.
    pub async fn until(&self, time: Duration) {
        if self.clock.now() < time {
            self.clock.sleep_until(time).await;
        }
    }

    /// Says what has become of a packet.
    pub(crate) fn settle(&self, event: u64, fate: Fate) {
        self.recorder.settle(event, fate);
    }

    /// Puts into the trace what was struck.
    pub fn tell(&self, text: String) {
        self.recorder.record(What::Fault { actor: Some(self.actor), text });
    }
}
