//! From a client to the broker: its packets, and the end of its connection.

use mqspec_broker_core::{ConnectionId, Effects, Input};
use mqspec_conformance::mutant::{Change, Occasion};
use mqspec_wire::{Packet, Side, Value};

use super::content::Frame;
use super::rewrite::{self, Outcome, carries_content};
use super::{Liar, Pending, fit};

impl Liar {
    pub(super) fn on_received(&mut self, id: ConnectionId, bytes: &[u8], effects: &mut Effects) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let reads = self.mutant.reads_clients() && connection.may_speak(self.mutant.spec, bytes);
        let packets = connection.received(bytes, self.mutant.spec);
        let mut rest = bytes;
        for (packet, length) in packets {
            let (piece, behind) = rest.split_at(length.min(rest.len()));
            rest = behind;
            self.on_arrival(id, &packet);
            if reads {
                self.on_packet(id, packet, effects);
            } else {
                self.note(id, packet);
                self.pass(Input::Received { connection: id, bytes: piece }, effects);
            }
            self.settle(effects);
        }
        if !reads && !rest.is_empty() {
            self.pass(Input::Received { connection: id, bytes: rest }, effects);
        }
    }

    /// A CONNECT tells whose connection this is.
    fn on_arrival(&mut self, id: ConnectionId, packet: &Packet) {
        if packet.name != "connect" {
            return;
        }
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let older = self.history.on_connect(id, packet, &mut connection.past);
        if let Some(older) = older.and_then(|older| self.connections.get_mut(&older)) {
            older.past.replace();
        }
    }

    fn note(&mut self, id: ConnectionId, packet: Packet) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.past.heard(&packet);
            connection.latest = Some(packet);
        }
    }

    fn on_packet(&mut self, id: ConnectionId, packet: Packet, effects: &mut Effects) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match connection.contents.take(Side::Client, &packet) {
            Frame::Part => return,
            Frame::Last(outcome) => return self.instead_of_received(id, *outcome, effects),
            Frame::Stranger => {}
        }
        let outcome = self.lie_about(id, &packet, Side::Client);
        let raw = packet.raw.clone();
        let Some(outcome) = outcome else {
            self.note(id, packet);
            return self.pass(Input::Received { connection: id, bytes: &raw }, effects);
        };
        if carries_content(packet.name) {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.contents.begin(Side::Client, &packet, outcome);
            }
            return self.note(id, packet);
        }
        self.note(id, packet);
        self.instead_of_received(id, outcome, effects);
    }

    fn instead_of_received(&mut self, id: ConnectionId, mut outcome: Outcome, effects: &mut Effects) {
        if let Some(older) = self.connections.get(&id).and_then(|connection| connection.past.older) {
            for bytes in std::mem::take(&mut outcome.older) {
                self.pass(Input::Received { connection: older, bytes: &bytes }, effects);
            }
        }
        let (answers, hang_up) = (std::mem::take(&mut outcome.answers), outcome.hang_up);
        for bytes in outcome.into_packets() {
            self.pass(Input::Received { connection: id, bytes: &bytes }, effects);
        }
        for bytes in answers {
            self.emit(id, bytes, effects);
        }
        if hang_up {
            self.hang_up(id, effects);
        }
    }

    pub(super) fn on_client_closes(&mut self, id: ConnectionId, effects: &mut Effects) {
        let lie = self.lie_about_close(id, &Occasion::ClientCloses);
        if let Some(change) = &lie {
            self.last_words(id, change, effects);
        }
        self.forget(id);
        if !lie.is_some_and(|change| change.drop) {
            self.pass(Input::Closed { connection: id }, effects);
        }
    }

    /// What a mutant makes a client say before its connection ends; in AMQP on each of its channels.
    fn last_words(&mut self, id: ConnectionId, change: &Change, effects: &mut Effects) {
        let Some(connection) = self.connections.get(&id) else { return };
        let mut bindings = fit::remembered(connection);
        let channels: Vec<u16> = match connection.past.channels.iter().copied().collect::<Vec<_>>() {
            none if none.is_empty() => vec![0],
            some => some,
        };
        for channel in channels {
            bindings.insert(String::from("channel"), Value::Integer(channel.into()));
            for bytes in rewrite::made(&change.before, self.mutant.spec, &bindings) {
                self.pass(Input::Received { connection: id, bytes: &bytes }, effects);
            }
        }
    }

    /// Nothing more is known of a connection.
    pub(super) fn forget(&mut self, id: ConnectionId) -> bool {
        let gone = self.connections.remove(&id);
        if let Some(gone) = &gone {
            self.history.on_end(id, &gone.past);
        }
        gone.is_some()
    }

    /// Closes a connection that the broker would have kept.
    pub(super) fn hang_up(&mut self, id: ConnectionId, effects: &mut Effects) {
        if self.forget(id) {
            effects.close(id);
            self.pending.push_back(Pending::Closed(id));
        }
    }
}
