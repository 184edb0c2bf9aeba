//! CONNECT (§3.1): who comes, whether it may, and which session it gets.

use std::time::Duration;

use crate::effect::ConnectionId;
use crate::mqtt::Mqtt;
use crate::mqtt::codec::connack::{self, ConnAckProperties};
use crate::mqtt::codec::connect::Connect;
use crate::mqtt::codec::{AcknowledgementKind, Qos, ReasonCode, Version, acknowledge};
use crate::mqtt::connection::{Client, LARGEST_PACKET, Outbound, Phase, Turn};
use crate::mqtt::message::ClientId;
use crate::mqtt::timer::Timer;
use crate::mqtt::topic;
use crate::mqtt::violation::Violation;
use crate::mqtt::will::Will;

/// What a CONNECT asks for, kept for as long as an authentication takes.
#[derive(Debug)]
pub(crate) struct ConnectRequest {
    version: Version,
    client_id: String,
    clean_start: bool,
    keep_alive_secs: u16,
    session_expiry_secs: u32,
    receive_maximum: u16,
    maximum_packet_size: usize,
    wants_response_information: bool,
    wants_problem_information: bool,
    will: Option<Will>,
    /// The authentication method.
    pub(crate) authentication_method: Option<String>,
}

impl ConnectRequest {
    fn of(connect: &Connect<'_>) -> Self {
        let properties = &connect.properties;
        let session_expiry_secs = match (connect.version, connect.clean_start) {
            // 3.1.1's sessions end with the connection, or never.
            (Version::V311, true) => 0,
            (Version::V311, false) => u32::MAX,
            (Version::V50, _) => properties.session_expiry_secs.unwrap_or(0),
        };
        Self {
            version: connect.version,
            client_id: connect.client_identifier.to_owned(),
            clean_start: connect.clean_start,
            keep_alive_secs: connect.keep_alive_secs,
            session_expiry_secs,
            receive_maximum: properties.receive_maximum.unwrap_or(u16::MAX),
            maximum_packet_size: properties
                .maximum_packet_size
                .map_or(LARGEST_PACKET, |size| usize::try_from(size).unwrap_or(usize::MAX))
                .min(LARGEST_PACKET),
            wants_response_information: properties.request_response_information.unwrap_or(false),
            wants_problem_information: properties.request_problem_information.unwrap_or(true),
            will: connect.will.as_ref().map(Will::of),
            authentication_method: properties.authentication_method.map(str::to_owned),
        }
    }
}

impl Mqtt {
    pub(super) fn on_connect(
        &mut self,
        id: ConnectionId,
        connect: &Connect<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let request = ConnectRequest::of(connect);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.outbound.version = request.version;
            connection.outbound.maximum_packet_size = request.maximum_packet_size;
            connection.outbound.receive_maximum = request.receive_maximum;
        }
        self.check_will(connect)?;
        if request.authentication_method.is_some() {
            return self.begin_authentication(id, request, turn);
        }
        self.check_credentials(connect)?;
        self.accept_connect(id, request, turn)
    }

    fn check_will(&self, connect: &Connect<'_>) -> Result<(), Violation> {
        let Some(will) = &connect.will else { return Ok(()) };
        if topic::is_server_owned(will.topic) {
            return Err(Violation::TopicOwnedByServer);
        }
        if will.qos > self.config.maximum_qos {
            return Err(Violation::WillQosNotSupported);
        }
        if will.retain && !self.config.retain_available {
            return Err(Violation::WillRetainNotSupported);
        }
        Ok(())
    }

    fn check_credentials(&self, connect: &Connect<'_>) -> Result<(), Violation> {
        let Some(users) = &self.config.users else { return Ok(()) };
        let (Some(user_name), Some(password)) = (connect.user_name, connect.password) else {
            return Err(if connect.user_name.is_none() && connect.password.is_none() {
                Violation::CredentialsMissing
            } else {
                Violation::BadUserNameOrPassword
            });
        };
        match users.get(user_name) {
            Some(expected) if expected.as_bytes() == password => Ok(()),
            Some(_) | None => Err(Violation::BadUserNameOrPassword),
        }
    }

    /// The client may come in: gives it its session, says so, and goes on where the session was.
    pub(super) fn accept_connect(
        &mut self,
        id: ConnectionId,
        mut request: ConnectRequest,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let assigned = request.client_id.is_empty();
        if assigned {
            request.client_id = self.invent_client_id();
        }
        let client_id: ClientId = request.client_id.as_str().into();
        let known = self.sessions.get(&client_id).is_some();
        if !known && self.sessions.count() >= self.config.sessions_maximum {
            return Err(Violation::TooManySessions);
        }
        let begins = !known || request.clean_start;
        let leaves_something = self.granted_expiry(&request) > 0 || request.will.is_some();
        if self.storage_full && begins && leaves_something {
            return Err(Violation::StorageFull);
        }
        self.take_over(&client_id, turn);
        let session_present = self.open_session(id, &client_id, &mut request, turn);
        self.admit(id, &client_id, &request, turn);
        let packet = match request.version {
            Version::V311 => connack::encode_v311(session_present),
            Version::V50 => {
                let properties = self.connack_properties(&request, assigned.then_some(&*client_id));
                connack::encode(session_present, ReasonCode::Success, &properties)
            }
        };
        self.reply(id, packet, turn);
        self.resume(id, turn);
        Ok(())
    }

    /// [mqtt-5.0/MQTT-3.1.3-6] a client identifier that no session has.
    fn invent_client_id(&mut self) -> String {
        loop {
            self.assigned_client_ids += 1;
            let candidate = format!("mqspec-{}", self.assigned_client_ids);
            if self.sessions.get(&candidate).is_none() {
                return candidate;
            }
        }
    }

    /// [mqtt-5.0/MQTT-3.1.4-3] an older connection of the same client is told, and closed.
    fn take_over(&mut self, client_id: &str, turn: &mut Turn<'_>) {
        let older = self.sessions.get(client_id).and_then(|session| session.connection);
        if let Some(older) = older {
            self.dismiss(older, ReasonCode::SessionTakenOver, None, turn);
        }
    }

    /// How long the session will outlive the connection, in seconds.
    fn granted_expiry(&self, request: &ConnectRequest) -> u32 {
        request.session_expiry_secs.min(self.config.session_expiry_maximum_secs)
    }

    /// Resumes the client's session, or begins one. Whether there was one.
    fn open_session(
        &mut self,
        id: ConnectionId,
        client_id: &ClientId,
        request: &mut ConnectRequest,
        turn: &mut Turn<'_>,
    ) -> bool {
        if request.clean_start {
            self.end_session(client_id, turn);
        }
        self.timers.clear(&Timer::Will(client_id.clone()));
        self.timers.clear(&Timer::Session(client_id.clone()));
        let session_present = self.sessions.get(client_id).is_some();
        let expiry = self.granted_expiry(request);
        let session = match self.sessions.get_mut(client_id) {
            Some(session) => session,
            None => self.sessions.create(client_id),
        };
        session.connection = Some(id);
        // [mqtt-5.0/MQTT-3.1.3-9] a will that was still delayed is not sent any more.
        session.on_connected(expiry, request.will.take(), &mut turn.changes);
        session_present
    }

    fn admit(
        &mut self,
        id: ConnectionId,
        client_id: &ClientId,
        request: &ConnectRequest,
        turn: &mut Turn<'_>,
    ) {
        let keep_alive_secs = match request.version {
            Version::V311 => request.keep_alive_secs,
            // [mqtt-5.0/MQTT-3.2.2-22] the client's value unless the server gave another.
            Version::V50 => self.config.server_keep_alive_secs.unwrap_or(request.keep_alive_secs),
        };
        let silence_allowed =
            (keep_alive_secs > 0).then(|| Duration::from_millis(u64::from(keep_alive_secs) * 1500));
        match silence_allowed {
            Some(allowed) => self.timers.set(Timer::Silence(id), turn.now + allowed),
            None => self.timers.clear(&Timer::Silence(id)),
        }
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.phase = Phase::Connected(Box::new(Client {
            id: client_id.clone(),
            silence_allowed,
            session_expiry_was_zero: request.session_expiry_secs == 0,
            wants_problem_information: request.wants_problem_information,
            topic_aliases: std::collections::BTreeMap::new(),
            receive_quota: self.config.receive_maximum,
            receiving: std::collections::BTreeSet::new(),
            authentication_method: request.authentication_method.clone(),
            challenge: None,
        }));
    }

    fn connack_properties(&self, request: &ConnectRequest, assigned: Option<&str>) -> ConnAckProperties {
        let config = &self.config;
        let expiry = config.session_expiry_maximum_secs;
        ConnAckProperties {
            session_expiry_secs: (request.session_expiry_secs > expiry).then_some(expiry),
            receive_maximum: (config.receive_maximum < u16::MAX).then_some(config.receive_maximum),
            maximum_qos: (config.maximum_qos < Qos::ExactlyOnce).then_some(config.maximum_qos),
            retain_unavailable: !config.retain_available,
            maximum_packet_size: Some(config.maximum_packet_size),
            assigned_client_identifier: assigned.map(str::to_owned),
            topic_alias_maximum: (config.topic_alias_maximum > 0).then_some(config.topic_alias_maximum),
            reason_string: None,
            wildcard_unavailable: !config.wildcard_subscription_available,
            subscription_identifiers_unavailable: !config.subscription_identifiers_available,
            shared_unavailable: !config.shared_subscription_available,
            server_keep_alive_secs: config.server_keep_alive_secs,
            response_information: config
                .response_information
                .clone()
                .filter(|_| request.wants_response_information),
            authentication_method: request.authentication_method.clone(),
        }
    }

    /// [mqtt-5.0/MQTT-4.4.0-1] repeats what was unacknowledged, then sends what waited.
    fn resume(&mut self, id: ConnectionId, turn: &mut Turn<'_>) {
        let Some(peer) = self.peer(id) else { return };
        let releases = peer.session.on_resumed();
        let version = peer.outbound.version;
        for identifier in releases {
            let code = ReasonCode::Success;
            self.reply(
                id,
                acknowledge::encode(AcknowledgementKind::PubRel, version, identifier, code, None),
                turn,
            );
        }
        self.pump(id, turn);
    }
}

/// The CONNACK of 5.0 that refuses; without the words where they make it too large.
pub(super) fn refusal(outbound: &Outbound, code: ReasonCode, reason_string: Option<String>) -> bytes::Bytes {
    let with_words = ConnAckProperties { reason_string, ..ConnAckProperties::default() };
    let packet = connack::encode(false, code, &with_words);
    // [mqtt-5.0/MQTT-3.2.2-19]
    if outbound.takes(packet.len()) {
        return packet;
    }
    connack::encode(false, code, &ConnAckProperties::default())
}
