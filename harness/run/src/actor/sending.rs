//! What an actor sends: into bytes, into the trace, through the gate and into the queue of its writing task.

use std::rc::Rc;

use bytes::Bytes;
use mqspec_conformance::plan::Ending;
use mqspec_conformance::trace::{ConnectionNumber, EndedBy, Fate, What};
use mqspec_wire::{Decoder, Draft, EncodeError, Packet, Side};

use super::{Actor, second_opinion};
use crate::fault::Way;
use crate::fault::gate::{Deed, LONGEST_HOLD, read_back, unknown};
use crate::fault::pen::{Given, Outgoing};

impl Actor {
    /// Writes a packet, unless a fault wills otherwise.
    ///
    /// # Errors
    ///
    /// A draft that cannot be put into bytes.
    pub fn send(self: &Rc<Self>, draft: &Draft) -> Result<(), EncodeError> {
        for piece in self.encoder.borrow_mut().encode(draft)? {
            if draft.malformed.is_empty() {
                self.disagreements.borrow_mut().extend(second_opinion::on_sent(self.spec, &piece));
            }
            let packet = read_back(self.spec, Side::Client, &piece);
            self.send_packet(packet);
        }
        Ok(())
    }

    /// Writes bytes as they are; those that form whole packets are recorded as such.
    pub fn send_bytes(self: &Rc<Self>, bytes: &Bytes) {
        let mut decoder = Decoder::new(self.spec, Side::Client);
        decoder.push(bytes);
        let mut packets = Vec::new();
        while let Some(packet) = decoder.next_packet() {
            let last = packet.name == "unknown";
            packets.push(packet);
            if last {
                break;
            }
        }
        let whole: usize = packets.iter().map(|packet| packet.raw.len()).sum();
        if let Some(rest) = bytes.get(whole..).filter(|rest| !rest.is_empty()) {
            packets.push(unknown(Bytes::copy_from_slice(rest)));
        }
        for packet in packets {
            self.send_packet(packet);
        }
    }

    fn send_packet(self: &Rc<Self>, packet: Packet) {
        let Some((number, out)) = self.outgoing() else {
            // The broker has closed already: what is written now reaches nobody, as on any socket.
            let connection = ConnectionNumber(self.opened.get());
            self.recorder.record(What::Sent { actor: self.id, connection, packet, fate: Fate::AfterEnd });
            return;
        };
        if self.ending.get() == Some(number) {
            self.recorder.record(What::Sent {
                actor: self.id,
                connection: number,
                packet,
                fate: Fate::AfterEnd,
            });
            return;
        }
        if self.passes_freely(number, Way::Out) {
            let bytes = packet.raw.clone();
            let at = self.layer.now();
            let fate = Fate::Swallowed;
            let event = self.recorder.record(What::Sent { actor: self.id, connection: number, packet, fate });
            // A closed queue means that the connection has just ended; the trace says so.
            let given = Given { bytes, at, packet: Some((event, Fate::Passed)) };
            out.send(Outgoing::Bytes(given));
            return;
        }
        let deeds = self.at_gate(number, Way::Out, |gate| gate.enter(packet));
        self.write_deeds(number, deeds);
    }

    /// Carries out what the gate of this connection's way out has decided.
    pub(super) fn write_deeds(self: &Rc<Self>, number: ConnectionNumber, deeds: Vec<Deed>) {
        let out = self.outgoing().filter(|(current, _)| *current == number).map(|(_, out)| out);
        let sent = |packet, fate| {
            self.recorder.record(What::Sent { actor: self.id, connection: number, packet, fate })
        };
        // A closed queue, or none, means that the connection has just ended; the trace says so.
        let write = |outgoing| out.as_ref().map_or((), |out| out.send(outgoing));
        for deed in deeds {
            match deed {
                Deed::Arrive(packet, fate) => {
                    let bytes = packet.raw.clone();
                    let event = sent(packet, Fate::Swallowed);
                    write(Outgoing::Bytes(Given {
                        bytes,
                        at: self.layer.now(),
                        packet: Some((event, fate)),
                    }));
                }
                Deed::Vanish(packet, fate) => {
                    sent(packet, fate);
                }
                Deed::Part(packet, bytes) => {
                    let bytes = packet.raw.slice(..bytes.min(packet.raw.len()));
                    let packet = Some((sent(packet, Fate::Swallowed), Fate::Cut));
                    write(Outgoing::Bytes(Given { bytes, at: self.layer.now(), packet }));
                }
                Deed::Pause(duration) => write(Outgoing::Pause(duration)),
                Deed::End => {
                    self.ending.set(Some(number));
                    write(Outgoing::End(Ending::Fin, EndedBy::Fault));
                }
                Deed::Remind(hold) => self.remind(number, Way::Out, hold, LONGEST_HOLD),
            }
        }
    }
}
