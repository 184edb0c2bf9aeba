//! Dutiful clients: actors that keep their side of the protocol by themselves.
//!
//! A [`Client`] is a task on top of an [`Actor`]: it opens the connection, again after a cut, with a backoff in the
//! run's own time, and hands what arrives to the protocol's `Duties`, which say what to send. What it does at
//! all comes from the plan, and how long it backs off from a stream of chance of its own.

mod amqp;
mod mqtt;
mod request;
mod topology;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use mqspec_conformance::plan::Ending;
use mqspec_wire::{Draft, Packet};
use tokio::task::AbortHandle;

use super::Actor;
use super::inbox::Item;
use crate::environment::chance::Draws;
use crate::environment::{Clock, Environment};
use crate::news::News;

/// The wait before the second attempt to connect; it doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// How long a connection must have stood for the next one to be opened at once. A broker that ends each connection
/// as soon as it is there, as one of MQTT 3.1.1 with a full disk must, would else be asked without end.
const STEADY: Duration = FIRST_BACKOFF;
/// The longest wait between attempts.
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Something that a client waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outstanding {
    /// The packet that the broker owes; `connection` or `turn` where it owes nothing yet.
    pub answer: &'static str,
    /// What it is about, in words.
    pub about: String,
}

/// What a client does next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Move {
    /// Sends a packet.
    Send(Draft),
    /// Ends its connection.
    Close(Ending),
    /// Opens a second network connection and leaves the first to the broker.
    TakeOver,
}

/// A client's side of a protocol, without a socket or a clock.
pub(crate) trait Duties {
    /// Takes something that the plan asks for; it is done when its turn comes.
    fn ask(&mut self, request: Draft);
    /// The client wants to be connected.
    fn wants_connection(&self) -> bool;
    /// A network connection is there.
    fn on_open(&mut self, moves: &mut Vec<Move>);
    /// The network connection is gone.
    fn on_end(&mut self);
    /// A packet arrived (AMQP: with its content).
    fn on_packet(&mut self, packet: &Packet, moves: &mut Vec<Move>);
    /// Does what is now possible.
    fn proceed(&mut self, moves: &mut Vec<Move>);
    /// How long the connection may be silent on our side before [`Duties::on_silence`].
    fn longest_silence(&self) -> Option<Duration>;
    /// We have been silent for that long.
    fn on_silence(&mut self, moves: &mut Vec<Move>);
    /// Whether the connection has got as far as the protocol's own agreement to it.
    fn is_connected(&self) -> bool;
    /// What the client waits for.
    fn outstanding(&self) -> Vec<Outstanding>;
}

/// An actor with duties.
pub struct Client {
    actor: Rc<Actor>,
    duties: RefCell<Box<dyn Duties>>,
    asked: News,
    clock: Rc<dyn Clock>,
}

/// A client's task; it ends when this is dropped.
pub struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Client {
    /// Gives an actor its duties; `connect` says how it connects.
    pub fn start(actor: &Rc<Actor>, connect: Draft, environment: &Environment) -> (Rc<Self>, Running) {
        let duties: Box<dyn Duties> = if actor.spec.is_mqtt() {
            Box::new(mqtt::Mqtt::new(actor.spec, connect))
        } else {
            Box::new(amqp::Amqp::new(connect))
        };
        let client = Rc::new(Self {
            actor: Rc::clone(actor),
            duties: RefCell::new(duties),
            asked: News::default(),
            clock: Rc::clone(&environment.clock),
        });
        actor.forget_old_connections();
        let draws = environment.chance.stream(&format!("client {}", actor.id.0));
        let task = tokio::task::spawn_local(Rc::clone(&client).run(draws));
        (client, Running(task.abort_handle()))
    }

    /// Asks for something.
    pub fn ask(&self, request: Draft) {
        self.duties.borrow_mut().ask(request);
        self.asked.notify_waiters();
    }

    /// What it waits for.
    pub fn outstanding(&self) -> Vec<Outstanding> {
        self.duties.borrow().outstanding()
    }

    async fn run(self: Rc<Self>, mut draws: Draws) {
        let mut attempts = 0;
        let mut connected_since = None;
        let mut retry_at = None;
        let mut heard = self.clock.now();
        loop {
            let (news, asked) = (self.actor.news.notified(), self.asked.notified());
            if self.work().await {
                heard = self.clock.now();
            }
            if self.duties.borrow().is_connected() {
                connected_since.get_or_insert_with(|| self.clock.now());
            }
            let wants = self.duties.borrow().wants_connection();
            let deadline = if wants && !self.actor.is_open() {
                if connected_since.take().is_some_and(|since| self.clock.now() >= since + STEADY) {
                    attempts = 0;
                }
                let at = *retry_at.get_or_insert_with(|| self.clock.now() + backoff(attempts, &mut draws));
                if self.clock.now() >= at {
                    (retry_at, attempts) = (None, attempts + 1);
                    self.open().await;
                    heard = self.clock.now();
                    continue;
                }
                Some(at)
            } else {
                self.duties.borrow().longest_silence().map(|silence| heard + silence)
            };
            tokio::select! {
                biased;
                () = news => {}
                () = asked => {}
                () = self.until(deadline) => {
                    if self.actor.is_open() && deadline.is_some_and(|at| self.clock.now() >= at) {
                        let mut moves = Vec::new();
                        self.duties.borrow_mut().on_silence(&mut moves);
                        self.make(moves).await;
                        heard = self.clock.now();
                    }
                }
            }
        }
    }

    async fn until(&self, deadline: Option<Duration>) {
        match deadline {
            Some(at) => self.clock.sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Takes everything that has arrived and does what has become possible; says whether it sent anything.
    async fn work(&self) -> bool {
        let mut moved = false;
        loop {
            let item = self.actor.inbox.borrow_mut().remove(0);
            let mut moves = Vec::new();
            let more = item.is_some();
            match &item {
                Some(arrived @ Item::Packet { .. }) => self.actor.recorder.look(|trace| {
                    if let Some(packet) = arrived.packet(trace) {
                        self.duties.borrow_mut().on_packet(packet, &mut moves);
                    }
                }),
                Some(Item::Ended { .. }) => self.duties.borrow_mut().on_end(),
                None => self.duties.borrow_mut().proceed(&mut moves),
            }
            let quiet = !more && moves.is_empty();
            moved |= !moves.is_empty();
            self.make(moves).await;
            if quiet {
                return moved;
            }
        }
    }

    async fn make(&self, moves: Vec<Move>) {
        for next in moves {
            match next {
                Move::Send(draft) => {
                    // A packet that cannot be written is a mistake of the plan; the trace shows its absence.
                    if let Err(error) = self.actor.send(&draft) {
                        self.actor.disagreements.borrow_mut().push(format!("{}: {error}", draft.name));
                    }
                }
                Move::Close(how) => self.actor.close(how).await,
                Move::TakeOver => {
                    self.actor.abandon();
                    self.open().await;
                }
            }
        }
    }

    async fn open(&self) {
        self.duties.borrow_mut().on_end();
        // The trace has the failure; the next attempt comes after the backoff.
        if self.actor.open().await.is_err() {
            return;
        }
        let mut moves = Vec::new();
        self.duties.borrow_mut().on_open(&mut moves);
        for next in moves {
            if let Move::Send(draft) = next
                && let Err(error) = self.actor.send(&draft)
            {
                self.actor.disagreements.borrow_mut().push(format!("{}: {error}", draft.name));
            }
        }
    }
}

/// How long to wait before this attempt (counted from 0): nothing, then twice as long each time, more or less.
fn backoff(attempts: u32, draws: &mut Draws) -> Duration {
    let Some(doublings) = attempts.checked_sub(1) else { return Duration::ZERO };
    let longest = FIRST_BACKOFF.saturating_mul(1 << doublings.min(10)).min(LONGEST_BACKOFF);
    let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis / 2 + draws.below(millis))
}
