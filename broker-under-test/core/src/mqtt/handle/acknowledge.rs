//! PUBACK, PUBREC and PUBCOMP from a client: what became of messages that it was sent (§4.3).

use crate::effect::ConnectionId;
use crate::mqtt::Mqtt;
use crate::mqtt::codec::{Acknowledgement, AcknowledgementKind, PacketIdentifier, ReasonCode, acknowledge};
use crate::mqtt::connection::Turn;
use crate::mqtt::inflight::OnPubRec;
use crate::mqtt::violation::Violation;

impl Mqtt {
    pub(super) fn on_puback(
        &mut self,
        id: ConnectionId,
        puback: Acknowledgement<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let Some(peer) = self.peer(id) else { return Ok(()) };
        if peer.session.on_puback(puback.packet_identifier, &mut turn.changes)? {
            self.pump(id, turn);
        }
        Ok(())
    }

    pub(super) fn on_pubrec(
        &mut self,
        id: ConnectionId,
        pubrec: Acknowledgement<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let identifier = pubrec.packet_identifier;
        let Some(peer) = self.peer(id) else { return Ok(()) };
        match peer.session.on_pubrec(identifier, pubrec.reason_code.is_error(), &mut turn.changes)? {
            // [mqtt-5.0/MQTT-4.3.3-4]
            Some(OnPubRec::Release) => {
                self.acknowledge(
                    id,
                    AcknowledgementKind::PubRel,
                    identifier,
                    ReasonCode::Success,
                    None,
                    turn,
                );
            }
            Some(OnPubRec::Unknown) => {
                let code = ReasonCode::PacketIdentifierNotFound;
                self.acknowledge(id, AcknowledgementKind::PubRel, identifier, code, None, turn);
            }
            None => self.pump(id, turn),
        }
        Ok(())
    }

    pub(super) fn on_pubcomp(
        &mut self,
        id: ConnectionId,
        pubcomp: Acknowledgement<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let Some(peer) = self.peer(id) else { return Ok(()) };
        if peer.session.on_pubcomp(pubcomp.packet_identifier, &mut turn.changes)? {
            self.pump(id, turn);
        }
        Ok(())
    }

    /// Sends one of the four acknowledgements; without the words where they make it too large.
    pub(super) fn acknowledge(
        &mut self,
        id: ConnectionId,
        kind: AcknowledgementKind,
        identifier: PacketIdentifier,
        code: ReasonCode,
        words: Option<&str>,
        turn: &mut Turn<'_>,
    ) {
        let Some(connection) = self.connections.get(&id) else { return };
        let version = connection.outbound.version;
        let mut packet = acknowledge::encode(kind, version, identifier, code, words);
        // [mqtt-5.0/MQTT-3.4.2-2], [mqtt-5.0/MQTT-3.5.2-2]
        if !connection.outbound.takes(packet.len()) {
            packet = acknowledge::encode(kind, version, identifier, code, None);
        }
        self.reply(id, packet, turn);
    }
}
