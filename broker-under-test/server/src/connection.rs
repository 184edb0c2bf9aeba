//! One connection: its read half, its write half, and a decent end.

use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use mqspec_broker_core::ConnectionId;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::clock::Clock;
use crate::listener::Stream;
use crate::queue::{Receiver, Sender, queue};

/// How long a connection that the broker has closed may take to write the rest and to see the peer's end.
///
/// Closing a socket with unread input makes the system send a reset, which takes the last packet with it
/// from the peer's receive buffer: the one that says why. So the input is read, and thrown away, first.
pub const LINGER: Duration = Duration::from_secs(5);

/// The most that one read takes, and one write of small packets gathers, in bytes.
const READ_LIMIT: usize = 64 * 1024;

/// What the first read takes. A connection that fills its reads gets larger ones.
const FIRST_READ: usize = 4 * 1024;

/// From this size, in bytes, a packet is written by itself instead of being copied beside others.
const WRITE_ALONE: usize = 16 * 1024;

/// What a connection tells the broker's side.
pub(crate) enum Event {
    /// Bytes arrived; none follow before [`Link::read_on`].
    Received(Bytes),
    /// The network took this many bytes.
    Taken(usize),
    /// Nothing can be written any more; what the peer said before may still be read.
    Unwritable,
    /// The peer ended the stream, or it broke.
    Ended(Option<io::Error>),
}

/// The broker's side of a connection. Dropping it closes the connection once all was written.
pub(crate) struct Link {
    outgoing: Sender<Bytes>,
    permits: Sender<()>,
    /// Tells the connection, by being dropped, that its time is running.
    _closing: Sender<()>,
}

impl Link {
    /// Queues bytes to be written.
    pub(crate) fn write(&self, bytes: Bytes) {
        // A connection that has ended takes nothing more, and has said so by `Event::Ended`.
        let _ended = self.outgoing.send(bytes);
    }

    /// Lets the connection read again.
    pub(crate) fn read_on(&self) {
        let _ended = self.permits.send(()); // as above
    }
}

/// The socket's side of a connection.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    outgoing: Receiver<Bytes>,
    permits: Receiver<()>,
    closing: Receiver<()>,
    reports: Reports,
    clock: Rc<dyn Clock>,
}

/// Events of one connection on their way to the broker's side.
#[derive(Clone)]
struct Reports {
    connection: ConnectionId,
    events: Sender<(ConnectionId, Event)>,
}

impl Reports {
    fn send(&self, event: Event) {
        // The broker's side only goes away together with this connection.
        let _gone = self.events.send((self.connection, event));
    }
}

/// Both sides of a new connection.
pub(crate) fn connection(
    connection: ConnectionId,
    stream: Box<dyn Stream>,
    events: Sender<(ConnectionId, Event)>,
    clock: Rc<dyn Clock>,
) -> (Link, Connection) {
    let (outgoing, queued) = queue();
    let (permits, permitted) = queue();
    let (closing, closed) = queue();
    let reports = Reports { connection, events };
    (
        Link { outgoing, permits, _closing: closing },
        Connection { stream, outgoing: queued, permits: permitted, closing: closed, reports, clock },
    )
}

/// Which half of a connection came to its end first.
enum First {
    Read(io::Result<()>),
    Write(io::Result<()>),
    Lingered,
}

impl Connection {
    /// Moves bytes both ways until the connection is over.
    pub(crate) async fn run(self) {
        let Self { stream, outgoing, permits, mut closing, reports, clock } = self;
        let (read, write) = tokio::io::split(stream);
        let mut reading = pin!(read_half(read, permits, reports.clone()));
        let mut writing = pin!(write_half(write, outgoing, reports.clone()));
        let mut lingered = pin!(async {
            let _dropped = closing.recv().await; // only ever ends by the sender's end
            clock.sleep_until(clock.now() + LINGER).await;
        });
        let first = tokio::select! {
            biased;
            result = &mut reading => First::Read(result),
            result = &mut writing => First::Write(result),
            () = &mut lingered => First::Lingered,
        };
        match first {
            First::Read(Err(error)) => reports.send(Event::Ended(Some(error))),
            First::Read(Ok(())) => {
                // The peer may have closed one direction only and still wait for the answers.
                reports.send(Event::Ended(None));
                tokio::select! { biased; _ = &mut writing => {}, () = &mut lingered => {} }
            }
            First::Write(Ok(())) => {
                tokio::select! { biased; _ = &mut reading => {}, () = &mut lingered => {} }
            }
            First::Write(Err(error)) => {
                // What the peer said before it went may still be unread, and a DISCONNECT decides about a will.
                reports.send(Event::Unwritable);
                let mut patience = clock.sleep_until(clock.now() + LINGER);
                tokio::select! { biased; _ = &mut reading => {}, () = &mut patience => {} }
                reports.send(Event::Ended(Some(error)));
            }
            First::Lingered => {}
        }
    }
}

/// Reads until the peer's end of stream. After the broker's side has gone, what arrives is thrown away.
async fn read_half(
    mut read: ReadHalf<Box<dyn Stream>>,
    mut permits: Receiver<()>,
    reports: Reports,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    let mut size = FIRST_READ;
    let mut listened_to = true;
    loop {
        buffer.reserve(size);
        let count = read.read_buf(&mut (&mut buffer).limit(size)).await?;
        if count == 0 {
            return Ok(());
        }
        if count == size {
            size = (size * 2).min(READ_LIMIT);
        }
        let bytes = buffer.split().freeze();
        if listened_to {
            reports.send(Event::Received(bytes));
            listened_to = permits.recv().await.is_some();
        }
    }
}

/// Writes what is queued, small packets together, until the broker's side has gone; then ends the stream.
async fn write_half(
    mut write: WriteHalf<Box<dyn Stream>>,
    mut outgoing: Receiver<Bytes>,
    reports: Reports,
) -> io::Result<()> {
    let mut gathered = BytesMut::new();
    while let Some(first) = outgoing.recv().await {
        let mut next = Some(first);
        while let Some(bytes) = next {
            if bytes.len() >= WRITE_ALONE {
                write_all(&mut write, gathered.split().freeze(), &reports).await?;
                write_all(&mut write, bytes, &reports).await?;
            } else {
                gathered.extend_from_slice(&bytes);
                if gathered.len() >= READ_LIMIT {
                    write_all(&mut write, gathered.split().freeze(), &reports).await?;
                }
            }
            next = outgoing.try_recv();
        }
        write_all(&mut write, gathered.split().freeze(), &reports).await?;
        write.flush().await?;
    }
    write.shutdown().await
}

/// Writes bytes, telling of every part that was taken.
async fn write_all(
    write: &mut WriteHalf<Box<dyn Stream>>,
    mut bytes: Bytes,
    reports: &Reports,
) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = write.write_buf(&mut bytes).await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        reports.send(Event::Taken(count));
    }
    Ok(())
}
