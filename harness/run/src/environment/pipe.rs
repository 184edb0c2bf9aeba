//! A connection in memory: two ends on one thread, so that nothing is locked, and room that grows with what is under way.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop;

/// How many bytes are under way one way before their writer must wait.
const MOST: usize = 1 << 16;

/// A new connection.
pub(super) fn pipe() -> (End, End) {
    let (there, back) = (Rc::<RefCell<Way>>::default(), Rc::<RefCell<Way>>::default());
    (End { into: Rc::clone(&back), out: Rc::clone(&there) }, End { into: there, out: back })
}

/// Bytes on their way to one end.
#[derive(Debug, Default)]
struct Way {
    bytes: BytesMut,
    /// One of the two ends has closed it: what is under way can still be read.
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// One end; it closes both ways when it is dropped.
#[derive(Debug)]
pub(super) struct End {
    into: Rc<RefCell<Way>>,
    out: Rc<RefCell<Way>>,
}

impl End {
    /// One half to read from and one to write to. The end is dropped with the last of them.
    pub(super) fn split(self) -> (Half, Half) {
        let end = Rc::new(self);
        (Half(Rc::clone(&end)), Half(end))
    }

    fn take(&self, context: &mut Context<'_>, target: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut way = self.into.borrow_mut();
        let count = way.bytes.len().min(target.remaining());
        // First, as most often there is nothing: then it does not matter whose turn it is.
        if count == 0 && !way.closed && target.remaining() > 0 {
            way.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        ready!(coop::poll_proceed(context)).made_progress();
        target.put_slice(way.bytes.get(..count).unwrap_or_default());
        way.bytes.advance(count);
        let waits = if count > 0 { way.writer.take() } else { None };
        drop(way);
        waits.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(()))
    }

    fn give(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let turn = ready!(coop::poll_proceed(context));
        let mut way = self.out.borrow_mut();
        let count = bytes.len().min(MOST - way.bytes.len());
        if count == 0 && !way.closed && !bytes.is_empty() {
            way.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        turn.made_progress();
        if way.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        way.bytes.extend_from_slice(bytes.get(..count).unwrap_or_default());
        let waits = if count > 0 { way.reader.take() } else { None };
        drop(way);
        waits.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(count))
    }
}

/// Closes a way, and tells who waits for it.
fn close(way: &RefCell<Way>) {
    let mut way = way.borrow_mut();
    way.closed = true;
    let waiting = [way.reader.take(), way.writer.take()];
    drop(way);
    waiting.into_iter().flatten().for_each(Waker::wake);
}

impl Drop for End {
    fn drop(&mut self) {
        close(&self.out);
        close(&self.into);
    }
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.take(context, target)
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.give(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        close(&self.out);
        Poll::Ready(Ok(()))
    }
}

/// One half of an end.
#[derive(Debug)]
pub(super) struct Half(Rc<End>);

impl AsyncRead for Half {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.take(context, target)
    }
}

impl AsyncWrite for Half {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.give(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        close(&self.0.out);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn bytes_come_out_at_the_other_end_and_then_the_end() {
        let (mut ours, mut theirs) = pipe();
        assert_eq!(ours.write(b"abc").now_or_never().expect("there is room").ok(), Some(3));
        let mut buffer = [0; 8];
        assert_eq!(theirs.read(&mut buffer).now_or_never().expect("bytes wait").ok(), Some(3));
        assert!(theirs.read(&mut buffer).now_or_never().is_none(), "no more bytes, and no end");
        let (_reader, mut writer) = ours.split();
        writer.shutdown().now_or_never().expect("at once").expect("it was open");
        assert_eq!(theirs.read(&mut buffer).now_or_never().expect("the end").ok(), Some(0));
        assert_eq!(theirs.write(b"x").now_or_never().expect("the other way is open").ok(), Some(1));
    }

    #[test]
    fn a_full_pipe_waits_until_somebody_reads() {
        let (mut ours, mut theirs) = pipe();
        let much = vec![7; MOST + 1];
        assert_eq!(ours.write(&much).now_or_never().expect("there is room").ok(), Some(MOST));
        assert!(ours.write(&much).now_or_never().is_none(), "it is full");
        let mut buffer = [0; 100];
        assert_eq!(theirs.read(&mut buffer).now_or_never().expect("bytes wait").ok(), Some(100));
        assert_eq!(ours.write(&much).now_or_never().expect("there is room").ok(), Some(100));
    }

    #[test]
    fn an_end_that_is_gone_breaks_both_ways_once_both_halves_are() {
        let (ours, mut theirs) = pipe();
        let (reader, writer) = ours.split();
        drop(writer);
        assert!(theirs.read_u8().now_or_never().is_none(), "a half is left");
        drop(reader);
        assert!(theirs.read_u8().now_or_never().expect("the end").is_err());
        let broken = theirs.write(b"x").now_or_never().expect("nobody reads").map_err(|error| error.kind());
        assert_eq!(broken, Err(io::ErrorKind::BrokenPipe));
    }
}
