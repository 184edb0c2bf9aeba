//! The loop that owns the broker: inputs in, effects out.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use mqspec_broker_core::{Broker, ConnectionId, Effect, Effects, Input, Now, Protocol};

use crate::clock::{Clock, Sleep};
use crate::connection::{Event, Link, connection};
use crate::door::Door;
use crate::durable::StorageError;
use crate::listener::{Accepted, Listener};
use crate::queue::{Receiver, Sender, queue};

/// How many bytes may wait to be written to a connection before nothing more is read from it. A peer that
/// asks without ever reading the answers is held by its own backlog.
pub const BACKLOG_LIMIT: usize = 4 * 1024 * 1024;

/// How long a listener rests after a connection could not be accepted (usually: no file descriptor left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Something an operator may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A client connected.
    Opened {
        /// Its number from now on.
        connection: ConnectionId,
        /// The listener it came in by.
        protocol: Protocol,
        /// Who it is: `127.0.0.1:50812`.
        peer: String,
    },
    /// The broker closed a connection.
    Closed {
        /// Which one.
        connection: ConnectionId,
    },
    /// A connection ended by itself.
    Ended {
        /// Which one.
        connection: ConnectionId,
        /// What broke it. `None`: the peer ended the stream.
        error: Option<String>,
    },
    /// A listener could not let a connection in; it will try again.
    AcceptFailed {
        /// Which listener.
        protocol: Protocol,
        /// What the system says.
        error: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { connection, protocol, peer } => {
                write!(f, "connection {}: {protocol:?} from {peer}", connection.0)
            }
            Self::Closed { connection } => write!(f, "connection {}: closed by the broker", connection.0),
            Self::Ended { connection, error: None } => {
                write!(f, "connection {}: ended by the client", connection.0)
            }
            Self::Ended { connection, error: Some(error) } => {
                write!(f, "connection {}: broke: {error}", connection.0)
            }
            Self::AcceptFailed { protocol, error } => {
                write!(f, "{protocol:?}: a connection could not be accepted: {error}")
            }
        }
    }
}

type Task = Pin<Box<dyn Future<Output = ()>>>;
type Arrival = (Protocol, std::io::Result<Accepted>);

/// A broker, its connections and its listeners. All of it lives in the one future of [`Server::run`] and
/// ends when that is dropped.
pub struct Server<D> {
    door: D,
    clock: Rc<dyn Clock>,
    /// When the batch being handled began.
    now: Now,
    notices: Box<dyn FnMut(Notice)>,
    listeners: Vec<(Protocol, Box<dyn Listener>)>,
    links: BTreeMap<ConnectionId, Peer>,
    /// Connections that have read something and wait for leave to go on.
    held: Vec<ConnectionId>,
    next_connection: u64,
    connections: FuturesUnordered<Task>,
    events: Sender<(ConnectionId, Event)>,
    inbox: Receiver<(ConnectionId, Event)>,
    effects: Effects,
}

/// What the loop woke up for.
enum Wake {
    Arrival(Arrival),
    Event(ConnectionId, Event),
    Alarm,
}

/// A connection as the loop sees it.
struct Peer {
    link: Link,
    /// Bytes queued and not yet taken by the network.
    backlog: usize,
    /// Nothing can be written any more, so nothing waits to be.
    unwritable: bool,
}

/// Serves until `shutdown`, then says goodbye and gives the broker back. For more choice see [`Server`].
///
/// # Errors
///
/// Of [`Server::run`]; a broker that keeps nothing has none.
pub async fn serve(
    broker: Broker,
    listeners: Vec<(Protocol, Box<dyn Listener>)>,
    clock: Rc<dyn Clock>,
    shutdown: impl Future<Output = ()>,
) -> Result<Broker, StorageError> {
    let server = Server::new(broker, clock);
    listeners
        .into_iter()
        .fold(server, |server, (protocol, listener)| server.listen(protocol, listener))
        .run(shutdown)
        .await
}

impl<D: Door> Server<D> {
    /// A server without listeners.
    pub fn new(door: D, clock: Rc<dyn Clock>) -> Self {
        let (events, inbox) = queue();
        Self {
            door,
            now: clock.now(),
            clock,
            notices: Box::new(|_| {}),
            listeners: Vec::new(),
            links: BTreeMap::new(),
            held: Vec::new(),
            next_connection: 0,
            connections: FuturesUnordered::new(),
            events,
            inbox,
            effects: Effects::new(),
        }
    }

    /// Adds a listener for a protocol.
    #[must_use]
    pub fn listen(mut self, protocol: Protocol, listener: Box<dyn Listener>) -> Self {
        self.listeners.push((protocol, listener));
        self
    }

    /// Tells of what happens.
    #[must_use]
    pub fn on_notice(mut self, notices: impl FnMut(Notice) + 'static) -> Self {
        self.notices = Box::new(notices);
        self
    }

    /// Serves until `shutdown`, then says goodbye, waits at most [`crate::LINGER`] for the connections to
    /// end, and gives the broker back.
    ///
    /// # Errors
    ///
    /// The broker cannot keep what it must (see [`Door::commit`]). All connections are dropped as they are.
    ///
    /// # Panics
    ///
    /// When the broker names a deadline that has already passed, as the loop would never rest again.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<D, StorageError> {
        let (arrived, mut arrivals) = queue();
        let mut accepting: FuturesUnordered<Task> = std::mem::take(&mut self.listeners)
            .into_iter()
            .map(|(protocol, listener)| {
                Box::pin(accept_all(protocol, listener, arrived.clone(), Rc::clone(&self.clock))) as Task
            })
            .collect();
        let mut shutdown = pin!(shutdown);
        let mut timer: Option<(Now, Sleep)> = None;
        loop {
            self.set_timer(&mut timer);
            // In this order: the connections' turn comes before the inbox, so that everything they can read
            // now is in it and becomes one batch.
            let wake = tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(()) = self.connections.next() => continue,
                Some(()) = accepting.next() => continue,
                Some(arrival) = arrivals.recv() => Wake::Arrival(arrival),
                Some((connection, event)) = self.inbox.recv() => Wake::Event(connection, event),
                () = alarm(&mut timer) => Wake::Alarm,
            };
            self.now = self.clock.now();
            match wake {
                Wake::Arrival(arrival) => self.on_arrival(arrival),
                Wake::Event(connection, event) => self.on_batch(connection, event),
                Wake::Alarm => timer = None,
            }
            self.pass_time();
            self.apply_effects()?;
        }
        drop(accepting);
        self.now = self.clock.now();
        self.input(Input::ShutDown);
        self.apply_effects()?;
        self.links.clear();
        while self.connections.next().await.is_some() {}
        Ok(self.door)
    }

    fn input(&mut self, input: Input<'_>) {
        self.door.handle(self.now, input, &mut self.effects);
    }

    fn pass_time(&mut self) {
        if self.door.next_deadline().is_none_or(|deadline| deadline > self.now) {
            return;
        }
        self.input(Input::TimePassed);
        let still_due = self.door.next_deadline().filter(|deadline| *deadline <= self.now);
        assert_eq!(still_due, None, "the broker's next deadline is after the time it was just told");
    }

    fn set_timer(&self, timer: &mut Option<(Now, Sleep)>) {
        let deadline = self.door.next_deadline();
        if timer.as_ref().map(|(set_for, _)| *set_for) != deadline {
            *timer = deadline.map(|deadline| (deadline, self.clock.sleep_until(deadline)));
        }
    }

    fn on_arrival(&mut self, (protocol, arrival): Arrival) {
        let Accepted { stream, peer } = match arrival {
            Ok(accepted) => accepted,
            Err(error) => {
                return (self.notices)(Notice::AcceptFailed { protocol, error: error.to_string() });
            }
        };
        let id = ConnectionId(self.next_connection);
        self.next_connection += 1;
        let (link, task) = connection(id, stream, self.events.clone(), Rc::clone(&self.clock));
        self.links.insert(id, Peer { link, backlog: 0, unwritable: false });
        self.connections.push(Box::pin(task.run()));
        (self.notices)(Notice::Opened { connection: id, protocol, peer });
        self.input(Input::Opened { connection: id, protocol });
    }

    /// Handles an event and all that came in beside it.
    fn on_batch(&mut self, connection: ConnectionId, event: Event) {
        self.on_event(connection, event);
        while let Some((connection, event)) = self.inbox.try_recv() {
            self.on_event(connection, event);
        }
    }

    fn on_event(&mut self, connection: ConnectionId, event: Event) {
        let Some(peer) = self.links.get_mut(&connection) else {
            return; // closed by the broker, which has forgotten it
        };
        match event {
            Event::Received(bytes) => {
                self.held.push(connection);
                self.input(Input::Received { connection, bytes: &bytes });
            }
            Event::Taken(bytes) => {
                peer.backlog = peer.backlog.saturating_sub(bytes);
                self.input(Input::Taken { connection, bytes });
            }
            Event::Unwritable => peer.unwritable = true,
            Event::Ended(error) => {
                self.links.remove(&connection);
                let error = error.map(|error| error.to_string());
                (self.notices)(Notice::Ended { connection, error });
                self.input(Input::Closed { connection });
            }
        }
    }

    /// Makes a batch durable, hands its effects to the connections, then lets those read on that may.
    fn apply_effects(&mut self) -> Result<(), StorageError> {
        self.door.commit(self.now, &mut self.effects)?;
        for effect in self.effects.drain() {
            match effect {
                Effect::Send { connection, bytes } => {
                    if let Some(peer) = self.links.get_mut(&connection) {
                        peer.backlog += bytes.len();
                        peer.link.write(bytes);
                    }
                }
                Effect::Close { connection } => {
                    if self.links.remove(&connection).is_some() {
                        (self.notices)(Notice::Closed { connection });
                    }
                }
                Effect::Record { .. } => {
                    unreachable!("a commit takes all records, and without one there are none")
                }
            }
        }
        let links = &self.links;
        // Whoever came first, they go on in one order.
        self.held.sort_unstable();
        self.held.retain(|connection| match links.get(connection) {
            Some(peer) if peer.backlog > BACKLOG_LIMIT && !peer.unwritable => true,
            Some(peer) => {
                peer.link.read_on();
                false
            }
            None => false,
        });
        Ok(())
    }
}

/// Ends when the timer does; without one, never.
async fn alarm(timer: &mut Option<(Now, Sleep)>) {
    match timer {
        Some((_, sleep)) => sleep.await,
        None => pending().await,
    }
}

/// Lets connections in for as long as it is polled.
async fn accept_all(
    protocol: Protocol,
    mut listener: Box<dyn Listener>,
    arrived: Sender<Arrival>,
    clock: Rc<dyn Clock>,
) {
    loop {
        let arrival = listener.accept().await;
        let failed = arrival.is_err();
        if !arrived.send((protocol, arrival)) {
            return; // the server is going down
        }
        if failed {
            clock.sleep_until(clock.now() + ACCEPT_PAUSE).await;
        }
    }
}
