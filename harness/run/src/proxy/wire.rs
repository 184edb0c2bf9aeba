//! One proxied connection: two readers, two gates, two pens.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use mqspec_conformance::plan::{ActorId, Ending};
use mqspec_conformance::trace::{ConnectionNumber, EndedBy, Fate, What};
use mqspec_wire::{Decoder, Packet, Side, Spec};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use crate::environment::{Chance, Connected};
use crate::fault::gate::{Deed, Gate, LONGEST_HOLD};
use crate::fault::line::{Line, takes};
use crate::fault::pen::{Given, Outgoing, Pen};
use crate::fault::{Layer, Trouble, Way};
use crate::queue::{Receiver, Sender, queue};
use crate::recorder::Recorder;

/// A proxied connection has one actor, and the actor one connection.
const NUMBER: ConnectionNumber = ConnectionNumber(1);
/// How long one side may take to end after the other: a socket closed with unread bytes answers with a
/// reset, which can destroy what the peer has not read yet.
const DRAIN: Duration = Duration::from_secs(1);
/// How much a slow reader reads at a time, in parts of a second.
const READS_PER_SECOND: u64 = 20;

/// The sockets on both sides.
pub(super) struct Ends {
    /// Towards the client.
    pub(super) client: Connected,
    /// Towards the broker.
    pub(super) broker: Connected,
}

/// What both ways of a connection share.
pub(super) struct Wire {
    actor: ActorId,
    spec: Spec,
    layer: Rc<Layer>,
    recorder: Rc<Recorder>,
    into: RefCell<Gate>,
    out: RefCell<Gate>,
    to_client: Sender<Outgoing>,
    to_broker: Sender<Outgoing>,
    /// The end is in the trace.
    ended: Cell<bool>,
    /// A fault has cut the connection: nobody reads any more.
    cut: Cell<bool>,
}

impl Wire {
    /// Passes on what both sides say until one of them ends, or a fault does; `words` is what the client has
    /// said already.
    pub(super) async fn pass(
        actor: ActorId,
        spec: Spec,
        layer: Rc<Layer>,
        recorder: Rc<Recorder>,
        chance: Chance,
        words: &[u8],
        ends: Ends,
    ) {
        let (to_client, mut for_client) = queue();
        let (to_broker, mut for_broker) = queue();
        let gate = |way| RefCell::new(Gate::new(Rc::clone(&layer), way, spec));
        let wire = Rc::new(Self {
            actor,
            spec,
            into: gate(Way::In),
            out: gate(Way::Out),
            layer: Rc::clone(&layer),
            recorder,
            to_client,
            to_broker,
            ended: Cell::new(false),
            cut: Cell::new(false),
        });
        let pen = |way, name| {
            let line = Line::new(chance.stream(&format!("line {name} {}", actor.0)));
            Pen::new(Rc::clone(&layer), way, line, None, Rc::default())
        };
        let opened = layer.open();
        let Ends { client, broker } = ends;
        let mut reading_out = Box::pin(Rc::clone(&wire).read(Way::Out, client.reader, words));
        let mut reading_in = Box::pin(Rc::clone(&wire).read(Way::In, broker.reader, &[]));
        let mut writing_out = Box::pin(write(pen(Way::Out, "out"), &mut for_broker, broker.writer));
        let mut writing_in = Box::pin(write(pen(Way::In, "in"), &mut for_client, client.writer));
        let (mut reads, mut writes) = ([true; 2], [true; 2]);
        let mut deadline = None;
        while writes != [false; 2] {
            let ending = tokio::select! {
                biased;
                trouble = layer.trouble(opened) => match trouble {
                    Trouble::News => continue,
                    Trouble::Dead | Trouble::HalfOpen(_) => Some((Ending::Reset, EndedBy::Fault)),
                },
                () = &mut reading_out, if reads[0] => { reads[0] = false; continue }
                () = &mut reading_in, if reads[1] => { reads[1] = false; continue }
                ending = &mut writing_out, if writes[0] => { writes[0] = false; ending }
                ending = &mut writing_in, if writes[1] => { writes[1] = false; ending }
                () = layer.until(deadline.unwrap_or_default()), if deadline.is_some() => break,
            };
            let Some((how, by)) = ending else { continue };
            wire.end(by, how, 0);
            if how == Ending::Reset {
                (client.abort)();
                (broker.abort)();
                break;
            }
            // A client that has ended may still be sent something; in any other case there is no more to say.
            if by != EndedBy::Peer(Side::Client) {
                deadline = Some(layer.now() + DRAIN);
            }
        }
    }

    /// Reads one side's packets, and what becomes of each.
    async fn read(self: Rc<Self>, way: Way, mut reader: Box<dyn AsyncRead + Unpin>, words: &[u8]) {
        let side = sender(way);
        let mut decoder = Decoder::new(self.spec, side);
        decoder.push(words);
        let mut buffer = vec![0; 1 << 16];
        loop {
            while let Some(packet) = decoder.next_packet() {
                let lost_framing = packet.name == "unknown" && decoder.rest().is_empty();
                let deeds = self.gate(way).borrow_mut().enter(packet);
                self.perform(way, deeds);
                if self.cut.get() {
                    return;
                }
                if lost_framing {
                    break; // an unframable stream yields its rest once per read
                }
            }
            let speed = self.layer.reading_speed().filter(|_| way == Way::In);
            let room = speed.map_or(buffer.len(), |speed| {
                usize::try_from(speed / READS_PER_SECOND).unwrap_or(usize::MAX).clamp(1, buffer.len())
            });
            let read = reader.read(buffer.get_mut(..room).unwrap_or_default()).await;
            let count = match read {
                Ok(count @ 1..) => count,
                Ok(0) => {
                    self.perform(way, self.gate(way).borrow_mut().flush());
                    // What never became a packet goes on as it is.
                    let bytes = Bytes::copy_from_slice(decoder.rest());
                    let given = Given { bytes, at: self.layer.now(), packet: None };
                    self.write(way, Outgoing::Bytes(given));
                    return self.stop(way, Ending::Fin, decoder.rest().len());
                }
                Err(_) => return self.stop(way, Ending::Reset, decoder.rest().len()),
            };
            decoder.push(buffer.get(..count).unwrap_or_default());
            if let Some(speed) = speed {
                self.layer.delay(takes(count, speed)).await;
            }
        }
    }

    fn gate(&self, way: Way) -> &RefCell<Gate> {
        match way {
            Way::In => &self.into,
            Way::Out => &self.out,
        }
    }

    /// A side has ended: the other is told, in its turn.
    fn stop(&self, way: Way, how: Ending, rest: usize) {
        let by = EndedBy::Peer(sender(way));
        self.end(by, how, rest);
        self.write(way, Outgoing::End(how, by));
    }

    /// Carries out what a gate has decided.
    fn perform(self: &Rc<Self>, way: Way, deeds: Vec<Deed>) {
        for deed in deeds {
            match deed {
                Deed::Arrive(packet, fate) => {
                    let bytes = packet.raw.clone();
                    let packet = Some((self.record(way, packet, Fate::Swallowed), fate));
                    self.write(way, Outgoing::Bytes(Given { bytes, at: self.layer.now(), packet }));
                }
                Deed::Vanish(packet, fate) => {
                    self.record(way, packet, fate);
                }
                Deed::Part(packet, bytes) => {
                    let bytes = packet.raw.slice(..bytes.min(packet.raw.len()));
                    let packet = Some((self.record(way, packet, Fate::Swallowed), Fate::Cut));
                    self.write(way, Outgoing::Bytes(Given { bytes, at: self.layer.now(), packet }));
                }
                Deed::Pause(duration) => self.write(way, Outgoing::Pause(duration)),
                Deed::End => {
                    let how = match way {
                        Way::In => Ending::Reset,
                        Way::Out => Ending::Fin,
                    };
                    self.cut.set(true);
                    self.end(EndedBy::Fault, how, 0);
                    self.write(way, Outgoing::End(how, EndedBy::Fault));
                }
                Deed::Remind(hold) => {
                    let wire = Rc::downgrade(self);
                    let time = self.layer.delay(LONGEST_HOLD);
                    tokio::task::spawn_local(async move {
                        time.await;
                        if let Some(wire) = wire.upgrade() {
                            let deeds = wire.gate(way).borrow_mut().overdue(hold);
                            wire.perform(way, deeds);
                        }
                    });
                }
            }
        }
    }

    /// Returns the event's sequence number.
    fn record(&self, way: Way, packet: Packet, fate: Fate) -> u64 {
        let (actor, connection) = (self.actor, NUMBER);
        self.recorder.record(match way {
            Way::Out => What::Sent { actor, connection, packet, fate },
            Way::In => What::Received { actor, connection, packet, fate },
        })
    }

    fn write(&self, way: Way, outgoing: Outgoing) {
        let queue = match way {
            Way::Out => &self.to_broker,
            Way::In => &self.to_client,
        };
        // A closed queue means that the connection has just ended; the trace says so.
        queue.send(outgoing);
    }

    /// Records the end of the connection, once.
    fn end(&self, by: EndedBy, how: Ending, rest: usize) {
        if !self.ended.replace(true) {
            self.recorder.record(What::Ended { actor: self.actor, connection: NUMBER, by, how, rest });
        }
    }
}

/// Writes what comes out of a queue, and ends the socket where that is the last of it.
async fn write(
    mut pen: Pen,
    queue: &mut Receiver<Outgoing>,
    writer: Box<dyn tokio::io::AsyncWrite + Unpin>,
) -> Option<(Ending, EndedBy)> {
    let mut writer = Some(writer);
    let ending = pen.run(queue, &mut writer).await;
    if let (Some((Ending::Fin, _)), Some(writer)) = (ending, &mut writer) {
        // An error here: the peer was faster.
        drop(writer.shutdown().await);
    }
    ending
}

const fn sender(way: Way) -> Side {
    match way {
        Way::In => Side::Server,
        Way::Out => Side::Client,
    }
}
