//! From bytes to packets, and from each packet to the file of its family.

mod acknowledge;
mod auth;
pub(super) mod connect;
mod disconnect;
mod publish;
mod subscribe;

use super::Mqtt;
use super::codec::frame::Cut;
use super::codec::{
    Frame, Packet, PacketType, Version, connect as connect_codec, disconnect as disconnect_codec,
};
use super::connection::{Client, LARGEST_PACKET, Outbound, Phase, Turn};
use super::session::Session;
use super::timer::Timer;
use super::violation::Violation;
use crate::effect::ConnectionId;

/// An accepted client with the two things that its packets change.
struct Peer<'a> {
    client: &'a mut Client,
    outbound: &'a mut Outbound,
    session: &'a mut Session,
}

impl Mqtt {
    /// Takes bytes in any split: whole packets are read where they are, the rest is kept.
    pub(super) fn on_received(&mut self, id: ConnectionId, bytes: &[u8], turn: &mut Turn<'_>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.unread.is_empty() {
            let read = self.read_packets(id, bytes, turn);
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.unread.extend_from_slice(bytes.get(read..).unwrap_or_default());
            }
        } else {
            let mut unread = std::mem::take(&mut connection.unread);
            unread.extend_from_slice(bytes);
            let read = self.read_packets(id, &unread, turn);
            if let Some(connection) = self.connections.get_mut(&id) {
                unread.drain(..read);
                connection.unread = unread;
            }
        }
    }

    /// Handles every whole packet at the front of `bytes`, as long as the connection lasts. Returns how many
    /// bytes these had.
    fn read_packets(&mut self, id: ConnectionId, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        let limit = usize::try_from(self.config.maximum_packet_size).unwrap_or(LARGEST_PACKET);
        let mut read = 0;
        while self.connections.contains_key(&id) {
            let rest = bytes.get(read..).unwrap_or_default();
            match self.read_packet(id, rest, limit, turn) {
                Ok(0) => break,
                Ok(size) => read += size,
                Err(violation) => self.refuse(id, violation, turn),
            }
        }
        read
    }

    /// Handles the packet at the front of `bytes`. Returns its size, or 0 if it is not whole.
    fn read_packet(
        &mut self,
        id: ConnectionId,
        bytes: &[u8],
        limit: usize,
        turn: &mut Turn<'_>,
    ) -> Result<usize, Violation> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(0) };
        let awaits_connect = matches!(connection.phase, Phase::AwaitingConnect);
        // [mqtt-5.0/MQTT-3.1.0-1] known by the first byte, whatever else is wrong with the packet.
        if awaits_connect && bytes.first().is_some_and(|first| first >> 4 != 1) {
            return Err(Violation::FirstPacketNotConnect);
        }
        let (frame, size) = match Frame::cut(bytes, limit)? {
            Cut::Incomplete => return Ok(0),
            Cut::Whole { frame, size } => (frame, size),
            Cut::TooLarge { packet_type: PacketType::Connect, arrived } if awaits_connect => {
                // Whom to answer, and how, is known by protocol name and level.
                if arrived.len() < 7 {
                    return Ok(0);
                }
                let announced = connect_codec::announced_version(arrived);
                connection.outbound.version = announced.unwrap_or(Version::V311);
                return Err(Violation::PacketTooLarge);
            }
            Cut::TooLarge { .. } => return Err(Violation::PacketTooLarge),
        };
        if awaits_connect {
            let announced = connect_codec::announced_version(frame.body);
            connection.outbound.version = announced.unwrap_or(Version::V311);
        } else if frame.packet_type == PacketType::Connect {
            // [mqtt-5.0/MQTT-3.1.0-2] whatever it says; what could be wrong in it has no code in a DISCONNECT.
            return Err(Violation::SecondConnect);
        }
        let packet = Packet::decode(&frame, connection.outbound.version)?;
        self.on_packet(id, &packet, turn)?;
        Ok(size)
    }

    fn on_packet(
        &mut self,
        id: ConnectionId,
        packet: &Packet<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let Some(connection) = self.connections.get(&id) else { return Ok(()) };
        match &connection.phase {
            Phase::AwaitingConnect => match packet {
                Packet::Connect(connect) => self.on_connect(id, connect, turn),
                Packet::Publish(_)
                | Packet::PubAck(_)
                | Packet::PubRec(_)
                | Packet::PubRel(_)
                | Packet::PubComp(_)
                | Packet::Subscribe(_)
                | Packet::Unsubscribe(_)
                | Packet::PingReq
                | Packet::Disconnect(_)
                | Packet::Auth(_) => Err(Violation::FirstPacketNotConnect),
            },
            Phase::Authenticating(_) => self.on_packet_while_authenticating(id, packet, turn),
            Phase::Connected(client) => {
                if let Some(allowed) = client.silence_allowed {
                    self.timers.set(Timer::Silence(id), turn.now + allowed);
                }
                self.on_packet_of_client(id, packet, turn)
            }
        }
    }

    /// [mqtt-5.0/MQTT-3.1.2-30] only AUTH and DISCONNECT come before CONNACK.
    fn on_packet_while_authenticating(
        &mut self,
        id: ConnectionId,
        packet: &Packet<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let packet_type = match packet {
            Packet::Auth(auth) => return self.on_auth_before_connack(id, auth, turn),
            Packet::Disconnect(_) => {
                self.close(id, turn);
                return Ok(());
            }
            Packet::Connect(_) => return Err(Violation::SecondConnect),
            Packet::Publish(_) => PacketType::Publish,
            Packet::PubAck(_) => PacketType::PubAck,
            Packet::PubRec(_) => PacketType::PubRec,
            Packet::PubRel(_) => PacketType::PubRel,
            Packet::PubComp(_) => PacketType::PubComp,
            Packet::Subscribe(_) => PacketType::Subscribe,
            Packet::Unsubscribe(_) => PacketType::Unsubscribe,
            Packet::PingReq => PacketType::PingReq,
        };
        Err(Violation::PacketDuringAuthentication(packet_type))
    }

    fn on_packet_of_client(
        &mut self,
        id: ConnectionId,
        packet: &Packet<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        match packet {
            Packet::Connect(_) => Err(Violation::SecondConnect),
            Packet::Publish(publish) => self.on_publish(id, publish, turn),
            Packet::PubAck(ack) => self.on_puback(id, *ack, turn),
            Packet::PubRec(ack) => self.on_pubrec(id, *ack, turn),
            Packet::PubRel(ack) => {
                self.on_pubrel(id, *ack, turn);
                Ok(())
            }
            Packet::PubComp(ack) => self.on_pubcomp(id, *ack, turn),
            Packet::Subscribe(subscribe) => self.on_subscribe(id, subscribe, turn),
            Packet::Unsubscribe(unsubscribe) => self.on_unsubscribe(id, unsubscribe, turn),
            Packet::PingReq => {
                self.reply(id, disconnect_codec::encode_pingresp(), turn);
                Ok(())
            }
            Packet::Disconnect(disconnect) => self.on_disconnect(id, *disconnect, turn),
            Packet::Auth(auth) => self.on_auth_of_client(id, auth, turn),
        }
    }

    /// An accepted client, its way out and its session.
    fn peer(&mut self, id: ConnectionId) -> Option<Peer<'_>> {
        let connection = self.connections.get_mut(&id)?;
        let Phase::Connected(client) = &mut connection.phase else { return None };
        let session = self.sessions.get_mut(&client.id)?;
        Some(Peer { client, outbound: &mut connection.outbound, session })
    }

    /// Sends a packet that is not a message. A client that cannot take it, or does not read, is cut off.
    fn reply(&mut self, id: ConnectionId, packet: bytes::Bytes, turn: &mut Turn<'_>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !connection.outbound.send_reply(packet, turn) {
            self.close(id, turn);
        } else if connection.outbound.unread_replies() > self.config.unread_replies_bytes {
            self.refuse(id, Violation::RepliesNotRead, turn);
        }
    }

    /// What CONNACK or DISCONNECT says in words.
    fn last_words(&self, id: ConnectionId, violation: Violation) -> Option<String> {
        let version = self.connections.get(&id)?.outbound.version;
        self.config.reason_strings.then(|| explain(violation, version))
    }

    /// What an acknowledgement says in words.
    fn reason_string(&self, id: ConnectionId, violation: Violation) -> Option<String> {
        // [mqtt-5.0/MQTT-3.1.2-29] only CONNACK and DISCONNECT may speak unasked.
        let client = self.connections.get(&id)?.client()?;
        if client.wants_problem_information { self.last_words(id, violation) } else { None }
    }
}

/// A violation in words, with the statement that it breaks.
fn explain(violation: Violation, version: Version) -> String {
    format!("{violation} ({})", violation.statement(version))
}
