//! From the broker to clients and to its log: packets, closes and records, now or later.

use bytes::Bytes;
use mqspec_broker_core::durable::record_name;
use mqspec_broker_core::{ConnectionId, Effects, Now};
use mqspec_conformance::mutant::Occasion;
use mqspec_wire::{Packet, Side};

use super::connection::Connection;
use super::content::Frame;
use super::rewrite::{self, Outcome, carries_content};
use super::{LONGEST_HOLD, Liar, Pending, fitter};

/// What goes out later.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) due: Now,
    what: Thing,
}

#[derive(Debug)]
enum Thing {
    /// Bytes to a client.
    Send(ConnectionId, Vec<Bytes>),
    /// The end of a wait for a packet that may never come.
    EndOfHold(ConnectionId),
    /// The end of a wait for a record that may never come.
    EndOfHeldRecords,
    /// The end of a connection.
    Close(ConnectionId),
}

impl Liar {
    pub(super) fn on_sent(&mut self, id: ConnectionId, bytes: &Bytes, effects: &mut Effects) {
        let spec = self.mutant.spec;
        let Some(connection) = self.connections.get_mut(&id) else { return };
        for packet in connection.sent(bytes, spec) {
            let Some(connection) = self.connections.get_mut(&id) else { return };
            connection.was_to_send(packet.raw.len());
            connection.past.told(&packet);
            match connection.contents.take(Side::Server, &packet) {
                Frame::Part => {}
                Frame::Last(outcome) => self.instead_of_sent(id, *outcome, effects),
                Frame::Stranger => self.on_packet_out(id, &packet, effects),
            }
            self.settle_backlog(id);
        }
    }

    fn on_packet_out(&mut self, id: ConnectionId, packet: &Packet, effects: &mut Effects) {
        let lie = self.lie_about(id, packet, Side::Server);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let lies = lie.is_some();
        let mut outcome = lie.unwrap_or_else(|| Outcome::unchanged(packet.raw.clone()));
        if !lies {
            exchange(self.mutant.spec, packet, &mut outcome, &mut connection.held);
        }
        if carries_content(packet.name) && (lies || !connection.held.is_empty()) {
            connection.contents.begin(Side::Server, packet, outcome);
        } else {
            self.instead_of_sent(id, outcome, effects);
        }
    }

    fn instead_of_sent(&mut self, id: ConnectionId, outcome: Outcome, effects: &mut Effects) {
        let hang_up = outcome.hang_up;
        let id = if outcome.to_older { self.older(id) } else { id };
        if let Some(delay) = outcome.delay {
            self.put_off(self.now + delay, Thing::Send(id, outcome.into_packets()));
        } else if outcome.hold {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.held.push(outcome);
            }
            self.put_off(self.now + LONGEST_HOLD, Thing::EndOfHold(id));
        } else {
            let packets = outcome.into_packets();
            let any = !packets.is_empty();
            for bytes in packets {
                self.emit(id, bytes, effects);
            }
            if any {
                self.release(id, effects);
            }
        }
        if hang_up {
            self.hang_up(id, effects);
        }
    }

    /// The connection whose place this one took; this one where it took none.
    fn older(&self, id: ConnectionId) -> ConnectionId {
        self.connections.get(&id).and_then(|connection| connection.past.older).unwrap_or(id)
    }

    /// Sends bytes to a client that is still there.
    pub(super) fn emit(&mut self, id: ConnectionId, bytes: Bytes, effects: &mut Effects) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.sends(bytes.len());
            effects.send(id, bytes);
        }
    }

    /// Sends what was held for the next packet.
    fn release(&mut self, id: ConnectionId, effects: &mut Effects) {
        let held = self.connections.get_mut(&id).map(|connection| std::mem::take(&mut connection.held));
        for bytes in held.into_iter().flatten().flat_map(Outcome::into_packets) {
            self.emit(id, bytes, effects);
        }
    }

    /// The broker waits for no byte that a lie has kept from the network.
    fn settle_backlog(&mut self, id: ConnectionId) {
        if let Some(kept) = self.connections.get_mut(&id).and_then(Connection::kept_back) {
            self.pending.push_back(Pending::Taken(id, kept));
        }
    }

    pub(super) fn on_broker_closes(&mut self, id: ConnectionId, effects: &mut Effects) {
        let Some(action) = self.lie_about_close(id, &Occasion::BrokerCloses) else {
            self.release(id, effects);
            return self.close(id, effects);
        };
        if let Some(delay) = action.delay {
            self.put_off(self.now + delay, Thing::Close(id));
        } else if !action.drop {
            self.close(id, effects);
        }
    }

    fn close(&mut self, id: ConnectionId, effects: &mut Effects) {
        if self.forget(id) {
            effects.close(id);
        }
    }

    pub(super) fn on_record(&mut self, bytes: Bytes, effects: &mut Effects) {
        let cause = self.cause.and_then(|id| self.connections.get(&id));
        let name = record_name(&bytes).unwrap_or_default();
        let lie = fitter(&self.mutant, &mut self.fitted, &self.history).record(cause, name);
        match lie.map(|rewrite| &rewrite.action) {
            Some(action) if action.hold && !action.drop => {
                self.held_records.push(bytes);
                self.put_off(self.now + LONGEST_HOLD, Thing::EndOfHeldRecords);
            }
            None => {
                self.release_records(effects);
                effects.record(bytes);
                return;
            }
            Some(_) => {}
        }
        self.lies.set(self.lies.get() + 1);
    }

    /// Records keep their order: what was held comes before the next one.
    fn release_records(&mut self, effects: &mut Effects) {
        for bytes in self.held_records.drain(..) {
            effects.record(bytes);
        }
    }

    fn put_off(&mut self, due: Now, what: Thing) {
        self.late.push(Late { due, what });
    }

    /// Does what has been put off until now.
    pub(super) fn on_time(&mut self, effects: &mut Effects) {
        let now = self.now;
        let due: Vec<Late> = self.late.extract_if(.., |late| late.due <= now).collect();
        for Late { what, .. } in due {
            match what {
                Thing::Send(id, packets) => {
                    for bytes in packets {
                        self.emit(id, bytes, effects);
                    }
                }
                Thing::EndOfHold(id) => self.release(id, effects),
                Thing::EndOfHeldRecords => self.release_records(effects),
                Thing::Close(id) => self.close(id, effects),
            }
        }
    }
}

/// A packet that overtakes one that waits may exchange fields with it.
fn exchange(spec: mqspec_wire::Spec, packet: &Packet, outcome: &mut Outcome, held: &mut [Outcome]) {
    for waiting in held {
        let Some((behind, fields)) = waiting.exchange.take_if(|(behind, _)| behind.name == packet.name)
        else {
            continue;
        };
        let (overtaker, overtaken) = rewrite::exchanged(spec, packet, &behind, &fields);
        replace_first(outcome, &overtaker);
        replace_first(waiting, &overtaken);
    }
}

/// Puts another packet before the frames of its content.
fn replace_first(outcome: &mut Outcome, packet: &[Bytes]) {
    for copy in &mut outcome.itself {
        if !copy.is_empty() {
            copy.splice(..1, packet.to_vec());
        }
    }
}
