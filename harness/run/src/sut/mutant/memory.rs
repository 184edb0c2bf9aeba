//! What has become of clients and connections so far: what `when`, `previous` and `$packet_field` look at.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mqspec_broker_core::ConnectionId;
use mqspec_conformance::mutant::Circumstance;
use mqspec_wire::Packet;

/// What one connection has been through.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// The latest packet of each name from the client.
    pub(super) said: BTreeMap<&'static str, Packet>,
    /// The CONNECT of the client's connection before.
    pub(super) previous: Option<Packet>,
    /// The connection that this one took the place of.
    pub(super) older: Option<ConnectionId>,
    /// AMQP: channels that the client has opened and not closed.
    pub(super) channels: BTreeSet<u16>,
    resumed: bool,
    replaced: bool,
    follows_cut: bool,
    said_goodbye: bool,
}

impl Past {
    /// Takes note of a packet from the client.
    pub(super) fn heard(&mut self, packet: &Packet) {
        let channel = packet.integer("channel").and_then(|channel| u16::try_from(channel).ok());
        match (packet.name, channel) {
            ("disconnect" | "connection.close" | "connection.close-ok", _) => self.said_goodbye = true,
            ("channel.open", Some(channel)) => drop(self.channels.insert(channel)),
            ("channel.close" | "channel.close-ok", Some(channel)) => drop(self.channels.remove(&channel)),
            _ => {}
        }
        self.said.insert(packet.name, packet.clone());
    }

    /// Takes note of a packet to the client.
    pub(super) fn told(&mut self, packet: &Packet) {
        if packet.name == "connack" {
            self.resumed = packet.bool("session_present") == Some(true);
        }
    }

    /// Another connection of the same client has come.
    pub(super) fn replace(&mut self) {
        self.replaced = true;
    }

    /// Whether the client's farewell is still owed.
    pub(super) fn is_unfinished(&self) -> bool {
        !self.said_goodbye
    }
}

/// What has happened to all connections.
#[derive(Debug)]
pub(super) struct History {
    /// The latest connection of each MQTT client.
    visits: BTreeMap<Bytes, Visit>,
    /// How many connections ended without a farewell.
    cuts: u64,
    restarted: bool,
}

#[derive(Debug)]
struct Visit {
    connection: ConnectionId,
    connect: Packet,
    /// Whether it ended, and then whether without a farewell.
    ended: Option<bool>,
}

impl History {
    /// A new process; not the first one where it is `restarted`.
    pub(super) const fn new(restarted: bool) -> Self {
        Self { visits: BTreeMap::new(), cuts: 0, restarted }
    }

    /// An MQTT client comes in; gives the connection whose place this one takes.
    pub(super) fn on_connect(
        &mut self,
        connection: ConnectionId,
        connect: &Packet,
        past: &mut Past,
    ) -> Option<ConnectionId> {
        let client = connect.bytes("client_id").filter(|client| !client.is_empty())?;
        let visit = Visit { connection, connect: connect.clone(), ended: None };
        let before =
            self.visits.insert(client.clone(), visit).filter(|visit| visit.connection != connection)?;
        past.follows_cut = before.ended == Some(true);
        past.older = before.ended.is_none().then_some(before.connection);
        past.previous = Some(before.connect);
        past.older
    }

    /// A connection has ended.
    pub(super) fn on_end(&mut self, connection: ConnectionId, past: &Past) {
        let cut = past.is_unfinished();
        self.cuts += u64::from(cut);
        if let Some(visit) = self.visits.values_mut().find(|visit| visit.connection == connection) {
            visit.ended = Some(cut);
        }
    }

    /// Whether something is the case for a packet on a connection.
    pub(super) fn holds(&self, circumstance: Circumstance, past: &Past, is_mqtt: bool) -> bool {
        match circumstance {
            Circumstance::Resumed => past.resumed,
            Circumstance::Takeover => past.older.is_some(),
            Circumstance::Replaced => past.replaced,
            Circumstance::Cut if is_mqtt => past.follows_cut,
            Circumstance::Cut => self.cuts > 0,
            Circumstance::Restarted => self.restarted,
        }
    }
}

#[cfg(test)]
mod tests {
    use mqspec_wire::{Decoder, Draft, Side, Spec, encode};

    use super::*;

    fn said(draft: &Draft) -> Packet {
        let bytes = encode(Spec::Mqtt50, Side::Client, draft).expect("a plain packet").concat();
        let mut decoder = Decoder::new(Spec::Mqtt50, Side::Client);
        decoder.push(&bytes);
        decoder.next_packet().expect("a whole packet")
    }

    fn connect(history: &mut History, number: u64) -> Past {
        let mut past = Past::default();
        let connect = said(&Draft::new("connect").with("client_id", "alice"));
        history.on_connect(ConnectionId(number), &connect, &mut past);
        past.heard(&connect);
        past
    }

    #[test]
    fn a_connection_knows_what_became_of_the_one_before() {
        let mut history = History::new(false);
        let mut first = connect(&mut history, 1);
        assert_eq!((first.older, first.previous.is_some()), (None, false));

        let second = connect(&mut history, 2);
        assert_eq!(second.older, Some(ConnectionId(1)), "the first is still open");
        assert!(!history.holds(Circumstance::Cut, &second, true));

        history.on_end(ConnectionId(2), &second);
        let third = connect(&mut history, 3);
        assert!(history.holds(Circumstance::Cut, &third, true), "the second said no goodbye");
        assert_eq!(third.older, None);

        first.heard(&said(&Draft::new("disconnect")));
        assert!(!first.is_unfinished());
    }

    #[test]
    fn a_farewell_is_no_cut() {
        let mut history = History::new(false);
        let mut first = connect(&mut history, 1);
        first.heard(&said(&Draft::new("disconnect")));
        history.on_end(ConnectionId(1), &first);
        let second = connect(&mut history, 2);
        assert!(!history.holds(Circumstance::Cut, &second, true));
        assert!(!history.holds(Circumstance::Cut, &second, false), "and AMQP counts none");
    }
}
