//! Enhanced authentication (MQTT 5.0 §4.12) with the one method that is built in, made for tests.

use crate::effect::ConnectionId;
use crate::mqtt::codec::{Auth, ReasonCode, auth};
use crate::mqtt::connection::{Authenticating, Phase, Turn};
use crate::mqtt::violation::Violation;
use crate::mqtt::{ECHO_METHOD, Mqtt};

use super::connect::ConnectRequest;

impl Mqtt {
    /// A CONNECT named a method: the client must prove itself before it is accepted.
    pub(super) fn begin_authentication(
        &mut self,
        id: ConnectionId,
        request: ConnectRequest,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let offered = self.config.echo_authentication;
        if !offered || request.authentication_method.as_deref() != Some(ECHO_METHOD) {
            return Err(Violation::BadAuthenticationMethod);
        }
        let challenge = self.invent_challenge();
        let packet = auth::encode(ReasonCode::ContinueAuthentication, ECHO_METHOD, Some(&challenge));
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.phase = Phase::Authenticating(Box::new(Authenticating { request, challenge }));
        }
        self.reply(id, packet, turn);
        Ok(())
    }

    /// Something that was never asked before. Nothing secret: the method proves only that AUTH works.
    fn invent_challenge(&mut self) -> Vec<u8> {
        self.challenges += 1;
        format!("challenge {}", self.challenges).into_bytes()
    }

    pub(super) fn on_auth_before_connack(
        &mut self,
        id: ConnectionId,
        packet: &Auth<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let Phase::Authenticating(authenticating) = &connection.phase else { return Ok(()) };
        check_method(packet, ECHO_METHOD)?;
        // [mqtt-5.0/MQTT-4.12.0-3]
        if packet.reason_code != ReasonCode::ContinueAuthentication {
            return Err(Violation::AuthOutOfPlace);
        }
        if packet.authentication_data != Some(&authenticating.challenge) {
            return Err(Violation::AuthenticationFailed);
        }
        let before = std::mem::replace(&mut connection.phase, Phase::AwaitingConnect);
        let Phase::Authenticating(authenticating) = before else { return Ok(()) };
        self.accept_connect(id, authenticating.request, turn)
    }

    pub(super) fn on_auth_of_client(
        &mut self,
        id: ConnectionId,
        packet: &Auth<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let challenge = self.invent_challenge();
        let Some(peer) = self.peer(id) else { return Ok(()) };
        // [mqtt-5.0/MQTT-4.12.0-7]
        let method = peer.client.authentication_method.as_deref().ok_or(Violation::AuthWithoutMethod)?;
        check_method(packet, method)?;
        let (code, data) = match (packet.reason_code, peer.client.challenge.take()) {
            (ReasonCode::ReAuthenticate, None) => {
                peer.client.challenge = Some(challenge.clone());
                (ReasonCode::ContinueAuthentication, Some(challenge))
            }
            (ReasonCode::ContinueAuthentication, Some(expected)) => {
                if packet.authentication_data != Some(&expected) {
                    return Err(Violation::ReAuthenticationFailed);
                }
                (ReasonCode::Success, None)
            }
            (_, _) => return Err(Violation::AuthOutOfPlace),
        };
        self.reply(id, auth::encode(code, ECHO_METHOD, data.as_deref()), turn);
        Ok(())
    }
}

/// [mqtt-5.0/MQTT-4.12.0-5] every AUTH names the method of CONNECT.
fn check_method(packet: &Auth<'_>, method: &str) -> Result<(), Violation> {
    match packet.authentication_method {
        Some(named) if named == method => Ok(()),
        Some(_) => Err(Violation::AuthenticationMethodChanged),
        None => Err(Violation::AuthenticationMethodMissing),
    }
}
