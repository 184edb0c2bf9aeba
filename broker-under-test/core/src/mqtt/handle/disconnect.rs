//! Every way in which a connection ends: DISCONNECT (§3.14), violations (§4.13), silence, the network.

use std::time::Duration;

use crate::effect::{ConnectionId, Now};
use crate::mqtt::Mqtt;
use crate::mqtt::codec::{Disconnect, ReasonCode, Version, connack, disconnect};
use crate::mqtt::connection::{Phase, Turn};
use crate::mqtt::journal::Changes;
use crate::mqtt::message::ClientId;
use crate::mqtt::timer::Timer;
use crate::mqtt::violation::{Answer, Violation};
use crate::mqtt::will::Will;

use super::connect::refusal;

impl Mqtt {
    pub(super) fn on_disconnect(
        &mut self,
        id: ConnectionId,
        disconnect: Disconnect<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let expiry_maximum = self.config.session_expiry_maximum_secs;
        let Some(peer) = self.peer(id) else { return Ok(()) };
        if let Some(seconds) = disconnect.session_expiry_secs {
            if seconds > 0 && peer.client.session_expiry_was_zero {
                return Err(Violation::SessionExpiryAfterZero);
            }
            peer.session.set_expiry(seconds.min(expiry_maximum), &mut turn.changes);
        }
        // [mqtt-5.0/MQTT-3.14.4-3] a normal goodbye takes the will along; any other code leaves it.
        if disconnect.reason_code == ReasonCode::Success {
            peer.session.take_will(&mut turn.changes);
        }
        self.close(id, turn);
        Ok(())
    }

    /// A violation ends the connection: the client is told where it can be, and what it left is done.
    pub(super) fn refuse(&mut self, id: ConnectionId, violation: Violation, turn: &mut Turn<'_>) {
        let words = self.last_words(id, violation);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match violation.answer(connection.outbound.version) {
            Answer::ReasonCode(code) => self.dismiss(id, code, words, turn),
            Answer::ReturnCode(code) => {
                // 3.1.1 has codes only in CONNACK, and one CONNACK only.
                let early = matches!(connection.phase, Phase::AwaitingConnect);
                if early && !connection.outbound.send_reply(connack::encode_refusal_v311(code), turn) {
                    self.close(id, turn);
                    return;
                }
                self.close(id, turn);
            }
            Answer::Silence => self.close(id, turn),
        }
    }

    /// Ends a connection by the server's will, with a last word where the version has one.
    pub(super) fn dismiss(
        &mut self,
        id: ConnectionId,
        code: ReasonCode,
        words: Option<String>,
        turn: &mut Turn<'_>,
    ) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let outbound = &mut connection.outbound;
        if outbound.version == Version::V50 {
            let last_word = match connection.phase {
                // [mqtt-5.0/MQTT-3.14.0-1] no DISCONNECT before CONNACK.
                Phase::AwaitingConnect | Phase::Authenticating(_) => refusal(outbound, code, words),
                Phase::Connected(_) => farewell(outbound.maximum_packet_size, code, words.as_deref()),
            };
            // Where not even the shortest form fits, the close must say it alone.
            let _told = outbound.send_reply(last_word, turn);
        }
        self.close(id, turn);
    }

    /// Closes a network connection and does what its end brings.
    pub(super) fn close(&mut self, id: ConnectionId, turn: &mut Turn<'_>) {
        if self.connections.contains_key(&id) {
            turn.effects.close(id);
            self.end_connection(id, turn);
        }
    }

    /// A network connection is gone: its session begins to run out, and its will, if there still is one, is
    /// published or waits.
    pub(in crate::mqtt) fn end_connection(&mut self, id: ConnectionId, turn: &mut Turn<'_>) {
        self.timers.clear(&Timer::Silence(id));
        let Some(connection) = self.connections.remove(&id) else { return };
        let Some(client_id) = connection.client().map(|client| client.id.clone()) else { return };
        let Some(session) = self.sessions.get_mut(&client_id) else { return };
        session.on_disconnected(turn.now, &mut turn.changes);
        self.begin_absence(&client_id, turn.now, turn);
    }

    /// What follows from the end of a connection, now or later: the session's end and its will.
    pub(in crate::mqtt) fn begin_absence(&mut self, client_id: &ClientId, since: Now, turn: &mut Turn<'_>) {
        let Some(session) = self.sessions.get(client_id) else { return };
        let after = |seconds: u32| since.saturating_add(Duration::from_secs(u64::from(seconds)));
        match session.expiry_secs() {
            0 => return self.end_session(client_id, turn),
            u32::MAX => {}
            expiry => self.timers.set(Timer::Session(client_id.clone()), after(expiry)),
        }
        match session.will().map(|will| will.delay_secs) {
            None => {}
            Some(0) => self.publish_will(client_id, turn),
            // [mqtt-5.0/MQTT-3.1.2-8] the end of the session, if that comes first, publishes it as well.
            Some(delay) => self.timers.set(Timer::Will(client_id.clone()), after(delay)),
        }
    }

    /// A session is over: nothing of it stays, and a will that still waited is published.
    pub(in crate::mqtt) fn end_session(&mut self, client_id: &ClientId, turn: &mut Turn<'_>) {
        self.timers.clear(&Timer::Session(client_id.clone()));
        self.timers.clear(&Timer::Will(client_id.clone()));
        if let Some(will) = self.forget_session(client_id, &mut turn.changes) {
            let message = will.into_message(client_id.clone(), turn.now);
            self.accept_message(&message.into(), turn);
        }
    }

    /// Drops a session with its subscriptions. Returns the will that it still had.
    pub(in crate::mqtt) fn forget_session(
        &mut self,
        client_id: &ClientId,
        changes: &mut Changes,
    ) -> Option<Will> {
        let session = self.sessions.end(client_id, changes)?;
        for (_, held) in session.subscriptions() {
            self.subscriptions.remove(held.filter(), client_id);
        }
        session.will().cloned()
    }

    /// [mqtt-5.0/MQTT-3.1.2-10] the will goes out, once.
    pub(in crate::mqtt) fn publish_will(&mut self, client_id: &ClientId, turn: &mut Turn<'_>) {
        self.timers.clear(&Timer::Will(client_id.clone()));
        let Some(session) = self.sessions.get_mut(client_id) else { return };
        if let Some(will) = session.take_will(&mut turn.changes) {
            let message = will.into_message(client_id.clone(), turn.now);
            self.accept_message(&message.into(), turn);
        }
    }

    /// Nothing came from a client for too long.
    pub(in crate::mqtt) fn on_silence(&mut self, id: ConnectionId, turn: &mut Turn<'_>) {
        let Some(connection) = self.connections.get(&id) else { return };
        let violation = match connection.phase {
            Phase::AwaitingConnect => Violation::ConnectTimeout,
            Phase::Authenticating(_) => Violation::AuthenticationFailed,
            Phase::Connected(_) => Violation::KeepAliveTimeout,
        };
        self.refuse(id, violation, turn);
    }

    /// The operator stops the broker: everybody is told, then what their ends bring is done.
    pub(in crate::mqtt) fn shut_down(&mut self, turn: &mut Turn<'_>) {
        let everybody: Vec<ConnectionId> = self.connections.keys().copied().collect();
        for id in everybody {
            self.dismiss(id, ReasonCode::ServerShuttingDown, None, turn);
        }
    }
}

/// The DISCONNECT of a server; without the words where they make it too large.
fn farewell(maximum_packet_size: usize, code: ReasonCode, words: Option<&str>) -> bytes::Bytes {
    let packet = disconnect::encode(code, words);
    // [mqtt-5.0/MQTT-3.14.2-3]
    if packet.len() <= maximum_packet_size { packet } else { disconnect::encode(code, None) }
}
