//! One network connection of an actor: a task that reads, a task that writes, the fault layer in both.

use std::rc::{Rc, Weak};
use std::time::Duration;

use bytes::Bytes;
use mqspec_conformance::plan::{Ending, PacketFault};
use mqspec_conformance::trace::{ConnectionNumber, EndedBy, Fate};
use mqspec_wire::{Decoder, Packet, Side, Spec};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::Actor;
use crate::environment::chance::Draws;
use crate::environment::{Connected, Environment};
use crate::fault::Way;
use crate::fault::stream::Passage;

/// How long we go on reading after our own FIN. A socket closed with unread bytes answers with a reset,
/// which can destroy what the broker has not read yet, a DISCONNECT for instance.
const DRAIN: Duration = Duration::from_secs(1);

/// What the writing task is asked to do, in order.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// Write these bytes.
    Bytes(Bytes),
    /// Hold everything back for so long.
    Pause(Duration),
    /// End the connection.
    End(Ending, EndedBy),
}

/// A connection that has not ended.
pub(crate) struct Connection {
    pub(crate) number: ConnectionNumber,
    pub(crate) out: mpsc::UnboundedSender<Outgoing>,
    reader: AbortHandle,
    writer: AbortHandle,
    abort: Rc<dyn Fn()>,
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
        let (out, queue) = mpsc::unbounded_channel();
        let draws = |way: &str| {
            environment
                .weather
                .then(|| environment.chance.stream(&format!("{way} {} {}", actor.id.0, number.0)))
        };
        let reading = Reading {
            actor: Rc::downgrade(actor),
            number,
            decoder: Decoder::new(actor.spec, Side::Server),
            weather: draws("in"),
        };
        let reader = tokio::task::spawn_local(reading.run(reader)).abort_handle();
        let writing =
            Writing { actor: Rc::downgrade(actor), number, weather: draws("out"), reader: reader.clone() };
        let writer = tokio::task::spawn_local(writing.run(queue, writer)).abort_handle();
        Self { number, out, reader, writer, abort: Rc::from(abort) }
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
}

struct Reading {
    actor: Weak<Actor>,
    number: ConnectionNumber,
    decoder: Decoder,
    weather: Option<Draws>,
}

impl Reading {
    async fn run(mut self, mut reader: Box<dyn AsyncRead + Unpin>) {
        let mut buffer = vec![0; 1 << 16];
        while let Some(actor) = self.actor.upgrade() {
            actor.layer.free(Way::In).await;
            let read = tokio::select! {
                biased;
                () = actor.layer.partition_over() => {
                    return actor.end(self.number, EndedBy::Fault, Ending::Reset, self.decoder.rest().len());
                }
                read = reader.read(&mut buffer) => read,
            };
            // A stall may have begun while we waited.
            actor.layer.free(Way::In).await;
            if let Some(delay) = self
                .weather
                .as_mut()
                .and_then(|draws| draws.once_in(4).then(|| Duration::from_millis(1 + draws.below(3))))
            {
                actor.layer.delay(delay).await;
            }
            let count = read.as_ref().ok().copied().unwrap_or(0);
            let passage = actor.layer.verdict(Way::In, count);
            if passage == Passage::None && count == 0 {
                // The end of the stream does not get through a partition either.
                actor.layer.partition_over().await;
                return actor.end(self.number, EndedBy::Fault, Ending::Reset, self.decoder.rest().len());
            }
            let rest = self.decoder.rest().len();
            match read {
                Ok(0) => return actor.end(self.number, EndedBy::Peer(Side::Server), Ending::Fin, rest),
                Err(_) => return actor.end(self.number, EndedBy::Peer(Side::Server), Ending::Reset, rest),
                Ok(_) => {}
            }
            let (passed, then) = match passage {
                Passage::All => (count, None),
                Passage::None => (0, None),
                Passage::Then(passed, ending) => (passed, Some(ending)),
            };
            self.decoder.push(buffer.get(..passed).unwrap_or_default());
            if self.take_packets(&actor).await.is_err() {
                return;
            }
            if let Some(ending) = then {
                return actor.end(self.number, EndedBy::Fault, ending, self.decoder.rest().len());
            }
        }
    }

    /// Hands over every whole packet; an error means that a fault has cut the connection.
    async fn take_packets(&mut self, actor: &Rc<Actor>) -> Result<(), ()> {
        while let Some(packet) = self.decoder.next_packet() {
            let lost_framing = packet.name == "unknown" && self.decoder.rest().is_empty();
            let cut = |fate| {
                actor.take(self.number, packet.clone(), fate);
                actor.end(self.number, EndedBy::Fault, Ending::Reset, 0);
                Err(())
            };
            match actor.layer.fate(Way::In, packet.name) {
                None => actor.take(self.number, packet, Fate::Passed),
                Some(PacketFault::LostThenCut) => return cut(Fate::Lost),
                Some(PacketFault::CutAfter { .. }) => return cut(Fate::Cut),
                Some(PacketFault::DeliveredThenCut) => return cut(Fate::Passed),
                Some(PacketFault::Duplicated { set_dup }) => {
                    let copy = copy_of(&packet, set_dup, Side::Server, actor.spec);
                    actor.take(self.number, packet, Fate::Passed);
                    actor.take(self.number, copy, Fate::Copy);
                }
                Some(PacketFault::Delayed(duration)) => {
                    actor.layer.delay(duration).await;
                    actor.take(self.number, packet, Fate::Passed);
                }
            }
            if lost_framing {
                break; // an unframable stream yields its rest once per read
            }
        }
        Ok(())
    }
}

struct Writing {
    actor: Weak<Actor>,
    number: ConnectionNumber,
    weather: Option<Draws>,
    reader: AbortHandle,
}

impl Writing {
    async fn run(
        mut self,
        mut queue: mpsc::UnboundedReceiver<Outgoing>,
        mut writer: Box<dyn AsyncWrite + Unpin>,
    ) {
        while let Some(outgoing) = queue.recv().await {
            let Some(actor) = self.actor.upgrade() else { return };
            match outgoing {
                Outgoing::Pause(duration) => actor.layer.delay(duration).await,
                Outgoing::Bytes(bytes) => {
                    if let Some((ending, by)) = self.write(&actor, &mut writer, bytes).await {
                        return self.finish(&actor, writer, ending, by).await;
                    }
                }
                Outgoing::End(ending, by) => {
                    actor.layer.free(Way::Out).await;
                    return self.finish(&actor, writer, ending, by).await;
                }
            }
        }
    }

    /// Writes bytes in pieces, as faults and weather want them; returns how the connection must end now.
    async fn write(
        &mut self,
        actor: &Rc<Actor>,
        writer: &mut Box<dyn AsyncWrite + Unpin>,
        mut bytes: Bytes,
    ) -> Option<(Ending, EndedBy)> {
        let sizes = actor.layer.fragments(Way::Out);
        let mut sizes = sizes.as_ref().map(|sizes| sizes.iter().copied().cycle());
        while !bytes.is_empty() {
            let size = match &mut sizes {
                Some(sizes) => sizes.next().unwrap_or(bytes.len()),
                None => self.split(bytes.len()),
            };
            let mut piece = bytes.split_to(size.clamp(1, bytes.len()));
            actor.layer.free(Way::Out).await;
            let passage = actor.layer.verdict(Way::Out, piece.len());
            let ending = match passage {
                Passage::All => None,
                Passage::None => continue,
                Passage::Then(passed, ending) => {
                    piece.truncate(passed);
                    Some((ending, EndedBy::Fault))
                }
            };
            // A failed write means that the broker has gone; the reading task sees and records it.
            if writer.write_all(&piece).await.is_err() || writer.flush().await.is_err() {
                return ending;
            }
            if ending.is_some() {
                return ending;
            }
        }
        None
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

    async fn finish(
        self,
        actor: &Rc<Actor>,
        mut writer: Box<dyn AsyncWrite + Unpin>,
        ending: Ending,
        by: EndedBy,
    ) {
        if ending == Ending::Fin {
            // An error here: the broker was faster.
            drop(writer.shutdown().await);
        }
        actor.end(self.number, by, ending, 0);
        if ending == Ending::Fin {
            actor.layer.delay(DRAIN).await;
            self.reader.abort();
        }
    }
}

/// A second copy of a packet, with the DUP flag of an MQTT PUBLISH set where asked for.
pub(crate) fn copy_of(packet: &Packet, set_dup: bool, sender: Side, spec: Spec) -> Packet {
    if !set_dup || packet.name != "publish" {
        return packet.clone();
    }
    let mut raw = packet.raw.to_vec();
    if let Some(first) = raw.first_mut() {
        *first |= 0x08;
    }
    let mut decoder = Decoder::new(spec, sender);
    decoder.push(&raw);
    decoder.next_packet().unwrap_or_else(|| packet.clone())
}
