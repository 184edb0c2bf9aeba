//! Writes what one end of a connection is given, as faults and weather want it: late, in pieces, or not at all.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mqspec_conformance::plan::Ending;
use mqspec_conformance::trace::{EndedBy, Fate};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::line::{Line, SEGMENT};
use super::stream::Passage;
use super::{Layer, Way};
use crate::environment::chance::Draws;
use crate::queue::Receiver;

/// What a [`Pen`] is asked to do, in order.
#[derive(Debug)]
pub enum Outgoing {
    /// Write these bytes.
    Bytes(Given),
    /// Hold everything back for so long.
    Pause(Duration),
    /// The other end has gone: let go of the network, and write into the void.
    Sever,
    /// End the connection.
    End(Ending, EndedBy),
}

/// Bytes to be written, and whose they are.
#[derive(Debug)]
pub struct Given {
    /// What to write.
    pub bytes: Bytes,
    /// When it was given.
    pub at: Duration,
    /// The event of the packet that this is, and its fate if all of it leaves; until then it is
    /// [`Fate::Swallowed`].
    pub packet: Option<(u64, Fate)>,
}

/// What leaves later than this after it was given was held back by a fault, and not by the other work of a process.
const LATE: Duration = Duration::from_millis(5);

/// A packet whose bytes are on their way out: positions in all that is written on the connection.
#[derive(Debug)]
struct Leaving {
    begins: u64,
    ends: u64,
    given_at: Duration,
    event: u64,
    fate: Fate,
}

/// The writing end of one way of a connection.
pub struct Pen {
    layer: Rc<Layer>,
    way: Way,
    line: Line,
    weather: Option<Draws>,
    silent: Rc<Cell<bool>>,
    /// What was taken out of the queue before its turn.
    next: Option<Outgoing>,
    /// How many bytes were given, and how many of these have left.
    given: u64,
    left: u64,
    leaving: VecDeque<Leaving>,
    /// Something has vanished: nothing that follows can arrive either, the stream's end included.
    has_gap: bool,
}

impl Pen {
    /// A pen for a new connection. Where `silent` is set, what is written vanishes.
    pub fn new(
        layer: Rc<Layer>,
        way: Way,
        line: Line,
        weather: Option<Draws>,
        silent: Rc<Cell<bool>>,
    ) -> Self {
        Self {
            layer,
            way,
            line,
            weather,
            silent,
            next: None,
            given: 0,
            left: 0,
            leaving: VecDeque::new(),
            has_gap: false,
        }
    }

    /// Writes what comes out of a queue until the connection must end, and says how; `None` where nobody
    /// has anything more to write. A severed writer is taken.
    pub async fn run(
        &mut self,
        queue: &mut Receiver<Outgoing>,
        writer: &mut Option<Box<dyn AsyncWrite + Unpin>>,
    ) -> Option<(Ending, EndedBy)> {
        loop {
            let outgoing = match self.next.take() {
                Some(outgoing) => outgoing,
                None => queue.recv().await?,
            };
            match outgoing {
                Outgoing::Pause(duration) => self.layer.delay(duration).await,
                Outgoing::Sever => *writer = None,
                Outgoing::Bytes(given) => {
                    let (bytes, written) = self.gather(given, queue).await;
                    let ending = self.send(writer, bytes, written).await;
                    if ending.is_some() {
                        return ending;
                    }
                }
                Outgoing::End(ending, by) => {
                    self.layer.free(self.way).await;
                    return Some((ending, by));
                }
            }
        }
    }

    /// Where a fault says so, waits for what else is written and makes one piece of it. What is not for
    /// writing is kept for later.
    async fn gather(&mut self, first: Given, queue: &mut Receiver<Outgoing>) -> (Bytes, Duration) {
        self.expect(&first);
        let Some(within) = self.layer.gathering(self.way) else { return (first.bytes, first.at) };
        let gathered = self.line.gather(within, first.at);
        self.layer.until(gathered).await;
        let mut whole = BytesMut::from(&*first.bytes);
        while self.next.is_none()
            && let Some(outgoing) = queue.try_recv()
        {
            match outgoing {
                Outgoing::Bytes(more) => {
                    self.expect(&more);
                    whole.extend_from_slice(&more.bytes);
                }
                other @ (Outgoing::Pause(_) | Outgoing::Sever | Outgoing::End(..)) => self.next = Some(other),
            }
        }
        (whole.freeze(), gathered)
    }

    /// Lets bytes travel to the broker; returns how the connection must end now.
    async fn send(
        &mut self,
        writer: &mut Option<Box<dyn AsyncWrite + Unpin>>,
        mut bytes: Bytes,
        written: Duration,
    ) -> Option<(Ending, EndedBy)> {
        if !self.layer.is_shaped(self.way) {
            self.layer.until(self.line.after_what_went_before(written)).await;
            return self.write(writer, bytes).await;
        }
        while !bytes.is_empty() {
            let segment = bytes.split_to(bytes.len().min(SEGMENT));
            let journey = self.layer.journey(self.way, &mut self.line, segment.len(), written);
            self.layer.until(journey.due).await;
            if journey.reset {
                return Some((Ending::Reset, EndedBy::Fault));
            }
            let ending = self.write(writer, segment).await;
            if ending.is_some() {
                return ending;
            }
        }
        None
    }

    /// Writes bytes in pieces, as faults and weather want them; returns how the connection must end now.
    async fn write(
        &mut self,
        writer: &mut Option<Box<dyn AsyncWrite + Unpin>>,
        mut bytes: Bytes,
    ) -> Option<(Ending, EndedBy)> {
        let sizes = self.layer.fragments(self.way);
        let mut sizes = sizes.as_ref().map(|sizes| sizes.iter().copied().cycle());
        while !bytes.is_empty() {
            let size = match &mut sizes {
                Some(sizes) => sizes.next().unwrap_or(bytes.len()),
                None => self.split(bytes.len()),
            };
            let mut piece = bytes.split_to(size.clamp(1, bytes.len()));
            self.layer.free(self.way).await;
            let passage = self.layer.verdict(self.way, piece.len());
            let ending = match passage {
                Passage::All => None,
                Passage::None => {
                    self.has_gap = true;
                    self.cut_short();
                    continue;
                }
                Passage::Then(passed, ending) => {
                    piece.truncate(passed);
                    Some((ending, EndedBy::Fault))
                }
            };
            if let Some(writer) = writer.as_mut().filter(|_| !self.silent.get() && !self.has_gap) {
                // A failed write means that the broker has gone; the reading task sees and records it.
                if writer.write_all(&piece).await.is_err() || writer.flush().await.is_err() {
                    self.cut_short();
                    return ending;
                }
                self.on_left(piece.len());
            } else {
                self.cut_short();
            }
            if ending.is_some() {
                self.cut_short();
                return ending;
            }
        }
        None
    }

    /// Remembers whose bytes are about to leave.
    fn expect(&mut self, given: &Given) {
        let begins = self.given;
        self.given += given.bytes.len() as u64;
        if let Some((event, fate)) = given.packet.filter(|_| !self.has_gap) {
            self.leaving.push_back(Leaving { begins, ends: self.given, given_at: given.at, event, fate });
        }
    }

    /// So many bytes have left, and with them the packets that end there.
    fn on_left(&mut self, bytes: usize) {
        self.left += bytes as u64;
        while let Some(packet) = self.leaving.front().filter(|packet| packet.ends <= self.left) {
            let late = self.layer.now().saturating_sub(packet.given_at) >= LATE;
            let fate = if late && packet.fate == Fate::Passed { Fate::Late } else { packet.fate };
            self.layer.settle(packet.event, fate);
            self.leaving.pop_front();
        }
    }

    /// What has not left never will. Of one packet a part may have left; those behind it stay [`Fate::Swallowed`].
    fn cut_short(&mut self) {
        if let Some(packet) = self.leaving.pop_front().filter(|packet| packet.begins < self.left) {
            self.layer.settle(packet.event, Fate::Cut);
        }
        self.leaving.clear();
    }

    /// Whether the end of the stream cannot arrive now: bytes before it have vanished, or would.
    pub fn cannot_end(&self) -> bool {
        self.has_gap || self.layer.is_partitioned(self.way)
    }

    /// How many of these bytes the network takes in one piece: usually all.
    fn split(&mut self, bytes: usize) -> usize {
        match &mut self.weather {
            Some(draws) if bytes > 1 => {
                let whole = !draws.once_in(4);
                let part = 1 + usize::try_from(draws.below(bytes as u64 - 1)).unwrap_or(0);
                if whole { bytes } else { part }
            }
            Some(_) | None => bytes,
        }
    }
}
