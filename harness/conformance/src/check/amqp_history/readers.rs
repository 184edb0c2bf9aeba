//! Who took messages out of which queue, and when: consumers and basic.get.

use bytes::Bytes;
use mqspec_wire::Packet;

use super::super::amqp_packet::{bytes, flag};
use super::Path;

/// Somebody who takes messages out of a queue.
#[derive(Clone, Debug)]
pub(in super::super) struct QueueReader {
    /// The queue.
    pub(in super::super) queue: Bytes,
    /// The channel that it reads on.
    pub(in super::super) path: Path,
    /// A consumer's tag; a basic.get has none.
    pub(in super::super) consumer_tag: Option<Bytes>,
    /// What it is sent needs no acknowledgement.
    pub(in super::super) no_ack: bool,
    /// The event of its request.
    pub(in super::super) asked: u64,
    /// The event of the reply that let it begin.
    pub(in super::super) began: Option<u64>,
    /// The event with which it ended.
    pub(in super::super) ended: Option<u64>,
    /// How that was.
    pub(in super::super) end: End,
}

/// How somebody's reading ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum End {
    /// We have seen everything that it was sent.
    Orderly,
    /// What was on its way to it is lost.
    Lost,
    /// The broker does not know of it, and goes on sending.
    Untold,
}

/// All of them, in the order of their requests.
#[derive(Debug, Default)]
pub(in super::super) struct Readers(Vec<QueueReader>);

impl Readers {
    /// A client asks for messages of a queue.
    pub(super) fn on_asked(&mut self, path: Path, event: u64, packet: &Packet, queue: Option<&Bytes>) {
        let Some(queue) = queue.cloned() else { return };
        let consumes = packet.name == "basic.consume";
        self.0.push(QueueReader {
            queue,
            path,
            consumer_tag: consumes.then(|| bytes(packet, "consumer_tag")),
            no_ack: flag(packet, "no_ack"),
            asked: event,
            began: (consumes && flag(packet, "no_wait")).then_some(event),
            ended: None,
            end: End::Lost,
        });
    }

    /// A consumer begins.
    pub(super) fn on_begun(&mut self, path: Path, event: u64, tag: &Bytes) {
        // An empty tag leaves the choice to the broker.
        let asked = |reader: &&mut QueueReader| {
            reader.path == path
                && reader.began.is_none()
                && reader.ended.is_none()
                && reader.consumer_tag.as_ref().is_some_and(|asked| asked == tag || asked.is_empty())
        };
        if let Some(reader) = self.0.iter_mut().find(asked) {
            reader.began = Some(event);
            reader.consumer_tag = Some(tag.clone());
        }
    }

    /// A basic.get is answered.
    pub(super) fn on_got(&mut self, path: Path, event: u64) {
        let open = |reader: &&mut QueueReader| {
            reader.path == path && reader.consumer_tag.is_none() && reader.ended.is_none()
        };
        if let Some(reader) = self.0.iter_mut().find(open) {
            reader.began = Some(event);
            reader.ended = Some(event);
            reader.end = End::Orderly;
        }
    }

    /// A consumer is cancelled.
    pub(super) fn on_cancelled(&mut self, path: Path, event: u64, tag: &Bytes) {
        self.end(event, End::Orderly, |reader| {
            reader.path == path && reader.consumer_tag.as_ref() == Some(tag)
        });
    }

    /// A channel is closed, and everything that was sent on it has been seen.
    pub(super) fn on_channel_closed(&mut self, path: Path, event: u64) {
        self.end(event, End::Orderly, |reader| reader.path == path);
    }

    /// A connection is over: in an orderly way where the broker has said goodbye on it.
    pub(super) fn on_connection_ended(&mut self, path: Path, event: u64, how: End) {
        self.end(event, how, |reader| (reader.path.0, reader.path.1) == (path.0, path.1));
    }

    fn end(&mut self, event: u64, how: End, whose: impl Fn(&QueueReader) -> bool) {
        for reader in self.0.iter_mut().filter(|reader| reader.ended.is_none() && whose(reader)) {
            reader.ended = Some(event);
            reader.end = how;
        }
    }

    /// All that read from a queue.
    pub(in super::super) fn of<'a>(&'a self, queue: &'a Bytes) -> impl Iterator<Item = &'a QueueReader> {
        self.0.iter().filter(move |reader| reader.queue == *queue)
    }
}
