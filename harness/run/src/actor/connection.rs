//! One network connection of an actor: a task that reads, a task that writes, the fault layer in both.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use mqspec_conformance::plan::{Ending, OpenFor};
use mqspec_conformance::trace::{ConnectionNumber, EndedBy, Fate};
use mqspec_wire::{Decoder, Side};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::AbortHandle;

use super::writing::Writing;
use super::{Actor, bare};
use crate::environment::chance::Draws;
use crate::environment::{Carriage, Connected, Environment};
use crate::fault::gate::{Deed, LONGEST_HOLD};
use crate::fault::line::{Line, takes};
use crate::fault::pen::{Outgoing, Pen};
use crate::fault::stream::{Opened, Passage};
use crate::fault::{Layer, Trouble, Way};
use crate::queue::{Sender, queue};

/// How long we go on reading after our own FIN. A socket closed with unread bytes answers with a reset,
/// which can destroy what the broker has not read yet, a DISCONNECT for instance.
pub(super) const DRAIN: Duration = Duration::from_secs(1);
/// How many bytes may be under way from the broker while something makes them late: what a pipe holds.
const UNDER_WAY: usize = 1 << 16;
/// As long as some dozens of ordinary packets, in bytes; whoever keeps one of them keeps all that long.
const BLOCK: usize = 2048;
/// A slow reader reads this often in a second.
const READS_PER_SECOND: u64 = 20;

/// A connection that has not ended.
pub(crate) struct Connection {
    pub(crate) number: ConnectionNumber,
    pub(crate) out: Sender<Outgoing>,
    reader: AbortHandle,
    writer: AbortHandle,
    abort: Rc<dyn Fn()>,
    /// The actor has gone and the broker does not know: nothing more is written.
    silent: Rc<Cell<bool>>,
}

impl Connection {
    /// Starts both tasks.
    pub(crate) fn start(
        actor: &Rc<Actor>,
        number: ConnectionNumber,
        connected: Connected,
        environment: &Environment,
    ) -> Self {
        let Connected { reader, writer, abort } = connected;
        let abort: Rc<dyn Fn()> = Rc::from(abort);
        let (out, queue) = queue();
        let stream = |what: &str| environment.chance.stream(&format!("{what} {} {}", actor.id.0, number.0));
        let weathered = environment.carriage == Carriage::Weathered;
        let draws = |way: &str| weathered.then(|| stream(way));
        let opened = actor.layer.open();
        let silent = Rc::new(Cell::new(false));
        if environment.carriage == Carriage::Bare {
            let decoder = Decoder::new(actor.spec, Side::Server);
            let reading = bare::read(Rc::downgrade(actor), number, decoder, reader);
            let reader = tokio::task::spawn_local(reading).abort_handle();
            let writing = bare::write(Rc::downgrade(actor), number, reader.clone(), queue, writer);
            let writer = tokio::task::spawn_local(writing).abort_handle();
            return Self { number, out, reader, writer, abort, silent };
        }
        let reading = Reading {
            actor: Rc::downgrade(actor),
            layer: Rc::clone(&actor.layer),
            number,
            opened,
            abort: Rc::clone(&abort),
            decoder: Decoder::new(actor.spec, Side::Server),
            kept: BytesMut::with_capacity(BLOCK),
            weather: draws("in"),
            line: Line::new(stream("line in")),
            arrivals: VecDeque::new(),
            under_way: 0,
            next_read: Duration::ZERO,
        };
        let reader = tokio::task::spawn_local(reading.run(reader)).abort_handle();
        let writing = Writing {
            actor: Rc::downgrade(actor),
            number,
            opened,
            pen: Pen::new(
                Rc::clone(&actor.layer),
                Way::Out,
                Line::new(stream("line out")),
                draws("out"),
                Rc::clone(&silent),
            ),
            reader: reader.clone(),
        };
        let writer = tokio::task::spawn_local(writing.run(queue, writer)).abort_handle();
        Self { number, out, reader, writer, abort, silent }
    }

    /// Drops both halves, at once or, after our own FIN, when the broker has closed too.
    pub(crate) fn let_go(self, by: EndedBy, how: Ending) {
        match (by, how) {
            // The writing task ends the reading one after DRAIN.
            (EndedBy::Peer(Side::Client) | EndedBy::Fault, Ending::Fin) => {}
            (EndedBy::Peer(Side::Server), Ending::Fin) => {
                self.reader.abort();
                self.writer.abort();
            }
            (_, Ending::Reset) => {
                (self.abort)();
                self.reader.abort();
                self.writer.abort();
            }
        }
    }

    /// Nothing is written any more, and the broker is not told.
    pub(crate) fn fall_silent(&self) {
        self.silent.set(true);
    }
}

/// Bytes, or the end, that the network has brought and the actor has not seen.
struct Arrival {
    due: Duration,
    /// The network gave up: the connection is reset instead.
    reset: bool,
    read: io::Result<Bytes>,
}

struct Reading {
    actor: Weak<Actor>,
    layer: Rc<Layer>,
    number: ConnectionNumber,
    opened: Opened,
    abort: Rc<dyn Fn()>,
    decoder: Decoder,
    kept: BytesMut,
    weather: Option<Draws>,
    line: Line,
    arrivals: VecDeque<Arrival>,
    /// The bytes in `arrivals`.
    under_way: usize,
    /// Before this a slow reader does not read.
    next_read: Duration,
}

impl Reading {
    async fn run(mut self, mut reader: Box<dyn AsyncRead + Unpin>) {
        let layer = Rc::clone(&self.layer);
        // Not zeroed: most connections see a few bytes only.
        let mut buffer = Vec::with_capacity(1 << 16);
        let mut ended = false;
        let mut trouble = pin!(layer.trouble(self.opened));
        loop {
            layer.free(Way::In).await;
            let now = layer.now();
            let room = self.room(ended);
            let pausing = room > 0 && now < self.next_read;
            let due = self.arrivals.front().map_or(Duration::ZERO, |arrival| arrival.due);
            let (waiting, reading) = (!self.arrivals.is_empty(), room > 0 && !pausing);
            let mut target = (&mut buffer).limit(room);
            tokio::select! {
                biased;
                befallen = &mut trouble => match befallen {
                    Trouble::News => trouble.set(layer.trouble(self.opened)),
                    Trouble::Dead => return self.end(EndedBy::Fault, Ending::Reset),
                    Trouble::HalfOpen(OpenFor::Broker) => return self.vanish(reader).await,
                    Trouble::HalfOpen(OpenFor::Actor) => return self.hear_nothing(reader).await,
                },
                () = layer.until(due), if waiting => {
                    if self.deliver().await.is_err() {
                        return;
                    }
                }
                () = layer.until(self.next_read), if pausing => {}
                read = reader.read_buf(&mut target), if reading => {
                    ended = !matches!(read, Ok(1..));
                    let read = read.map(|_| self.keep(&buffer));
                    buffer.clear();
                    let free = layer.is_free(Way::In);
                    self.arrive(read).await;
                    // Where nothing holds it back, nothing can come between.
                    if free && self.is_due() && self.deliver().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Bytes of their own, which the trace keeps: small pieces share their memory.
    fn keep(&mut self, bytes: &[u8]) -> Bytes {
        self.kept.extend_from_slice(bytes);
        self.kept.split().freeze()
    }

    /// How many bytes may be read now. Where nothing makes bytes late, one piece is dealt with at a time.
    fn room(&self, ended: bool) -> usize {
        let most = if self.layer.is_shaped(Way::In) { UNDER_WAY } else { 1 };
        if ended || self.under_way >= most || (most == 1 && !self.arrivals.is_empty()) {
            return 0;
        }
        match self.layer.reading_speed() {
            Some(speed) => usize::try_from((speed / READS_PER_SECOND).max(1)).unwrap_or(1 << 16).min(1 << 16),
            None => 1 << 16,
        }
    }

    /// Notes what came out of the network, and when it reaches the actor.
    async fn arrive(&mut self, read: io::Result<Bytes>) {
        let count = read.as_ref().map_or(0, Bytes::len);
        if let Some(speed) = self.layer.reading_speed() {
            self.next_read = self.layer.now().saturating_add(takes(count, speed));
        }
        // A stall may have begun while we waited.
        self.layer.free(Way::In).await;
        let weather = self
            .weather
            .as_mut()
            .and_then(|draws| draws.once_in(4).then(|| Duration::from_millis(1 + draws.below(3))));
        let now = self.layer.now();
        let journey = self.layer.journey(Way::In, &mut self.line, count, now);
        self.under_way += count;
        let due = journey.due + weather.unwrap_or_default();
        let due = self.arrivals.back().map_or(due, |before| due.max(before.due));
        self.arrivals.push_back(Arrival { due, reset: journey.reset, read });
    }

    /// Whether something has arrived that the actor may see now.
    fn is_due(&self) -> bool {
        self.arrivals.front().is_some_and(|arrival| arrival.due <= self.layer.now())
    }

    /// Hands over what has arrived; an error means that the connection has ended.
    async fn deliver(&mut self) -> Result<(), ()> {
        let Some(arrival) = self.arrivals.pop_front() else { return Ok(()) };
        let Some(actor) = self.actor.upgrade() else { return Err(()) };
        let count = arrival.read.as_ref().map_or(0, Bytes::len);
        self.under_way = self.under_way.saturating_sub(count);
        if arrival.reset {
            self.end(EndedBy::Fault, Ending::Reset);
            return Err(());
        }
        let passage = self.layer.verdict(Way::In, count);
        if passage == Passage::None && count == 0 {
            // The end of the stream does not get through a partition either.
            self.layer.partition_over(self.opened).await;
            self.end(EndedBy::Fault, Ending::Reset);
            return Err(());
        }
        let (bytes, ending) = match (arrival.read, passage) {
            (Err(_), _) => (Bytes::new(), Some((EndedBy::Peer(Side::Server), Ending::Reset))),
            (Ok(bytes), _) if bytes.is_empty() => (bytes, Some((EndedBy::Peer(Side::Server), Ending::Fin))),
            (Ok(bytes), Passage::All) => (bytes, None),
            (Ok(_), Passage::None) => (Bytes::new(), None),
            (Ok(bytes), Passage::Then(passed, how)) => {
                (bytes.slice(..passed.min(count)), Some((EndedBy::Fault, how)))
            }
        };
        self.decoder.push_bytes(bytes);
        self.take_packets(&actor).await?;
        if let Some((by, how)) = ending {
            self.end(by, how);
            return Err(());
        }
        Ok(())
    }

    /// Hands over every whole packet; an error means that a fault has cut the connection.
    async fn take_packets(&mut self, actor: &Rc<Actor>) -> Result<(), ()> {
        while let Some(packet) = self.decoder.next_packet() {
            let lost_framing = packet.name == "unknown" && self.decoder.rest().is_empty();
            if actor.passes_freely(self.number, Way::In) {
                actor.take(self.number, packet, Fate::Passed);
            } else {
                for deed in actor.at_gate(self.number, Way::In, |gate| gate.enter(packet)) {
                    match deed {
                        Deed::Pause(duration) => self.layer.delay(duration).await,
                        Deed::End => {
                            actor.end(self.number, EndedBy::Fault, Ending::Reset, 0);
                            return Err(());
                        }
                        Deed::Arrive(packet, fate) | Deed::Vanish(packet, fate) => {
                            actor.take(self.number, packet, fate);
                        }
                        Deed::Part(packet, _) => actor.take(self.number, packet, Fate::Cut),
                        Deed::Remind(hold) => actor.remind(self.number, Way::In, hold, LONGEST_HOLD),
                    }
                }
            }
            if lost_framing {
                break; // an unframable stream yields its rest once per read
            }
        }
        Ok(())
    }

    fn end(&self, by: EndedBy, how: Ending) {
        if let Some(actor) = self.actor.upgrade() {
            actor.end(self.number, by, how, self.decoder.rest().len());
        }
    }

    /// The actor has gone without a word. The socket stays, unread, until the broker is told.
    async fn vanish(self, reader: Box<dyn AsyncRead + Unpin>) {
        self.layer.half_open_over().await;
        drop(reader);
        if let Some(actor) = self.actor.upgrade() {
            actor.forget(self.number);
        }
    }

    /// The broker's end has gone without a word, and the actor waits in vain.
    async fn hear_nothing(self, reader: Box<dyn AsyncRead + Unpin>) {
        (self.abort)();
        drop(reader);
        self.layer.half_open_over().await;
        self.end(EndedBy::Fault, Ending::Reset);
    }
}
