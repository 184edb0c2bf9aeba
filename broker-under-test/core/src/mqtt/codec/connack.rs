//! CONNACK (§3.2).

use bytes::Bytes;

use super::Qos;
use super::property;
use super::reason::{ConnectReturnCode, ReasonCode};
use super::writer::Writer;

/// What a CONNACK of 5.0 says beyond its code; nothing of it is written where it is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnAckProperties {
    /// Where the server's choice differs from the client's.
    pub session_expiry_secs: Option<u32>,
    /// Where it is below 65,535.
    pub receive_maximum: Option<u16>,
    /// Where it is below 2.
    pub maximum_qos: Option<Qos>,
    /// Where there are no retained messages.
    pub retain_unavailable: bool,
    /// The largest packet that the server takes, in bytes.
    pub maximum_packet_size: Option<u32>,
    /// For a client that sent none.
    pub assigned_client_identifier: Option<String>,
    /// Where it is above 0.
    pub topic_alias_maximum: Option<u16>,
    /// For people and logs.
    pub reason_string: Option<String>,
    /// Where there are no wildcards.
    pub wildcard_unavailable: bool,
    /// Where there are no subscription identifiers.
    pub subscription_identifiers_unavailable: bool,
    /// Where there are no shared subscriptions.
    pub shared_unavailable: bool,
    /// Replaces the client's keep alive.
    pub server_keep_alive_secs: Option<u16>,
    /// Only for a client that asked.
    pub response_information: Option<String>,
    /// As in CONNECT.
    pub authentication_method: Option<String>,
}

/// A CONNACK of 5.0 as bytes.
pub fn encode(session_present: bool, code: ReasonCode, properties: &ConnAckProperties) -> Bytes {
    let mut block = Writer::new();
    if let Some(seconds) = properties.session_expiry_secs {
        block.byte(property::SESSION_EXPIRY_INTERVAL);
        block.four_byte(seconds);
    }
    if let Some(number) = properties.receive_maximum {
        block.byte(property::RECEIVE_MAXIMUM);
        block.two_byte(number);
    }
    if let Some(qos) = properties.maximum_qos {
        block.byte(property::MAXIMUM_QOS);
        block.byte(qos.bits());
    }
    if let Some(size) = properties.maximum_packet_size {
        block.byte(property::MAXIMUM_PACKET_SIZE);
        block.four_byte(size);
    }
    if let Some(number) = properties.topic_alias_maximum {
        block.byte(property::TOPIC_ALIAS_MAXIMUM);
        block.two_byte(number);
    }
    if let Some(seconds) = properties.server_keep_alive_secs {
        block.byte(property::SERVER_KEEP_ALIVE);
        block.two_byte(seconds);
    }
    for (identifier, unavailable) in [
        (property::RETAIN_AVAILABLE, properties.retain_unavailable),
        (property::WILDCARD_SUBSCRIPTION_AVAILABLE, properties.wildcard_unavailable),
        (property::SUBSCRIPTION_IDENTIFIERS_AVAILABLE, properties.subscription_identifiers_unavailable),
        (property::SHARED_SUBSCRIPTION_AVAILABLE, properties.shared_unavailable),
    ] {
        if unavailable {
            block.byte(identifier);
            block.byte(0);
        }
    }
    for (identifier, text) in [
        (property::ASSIGNED_CLIENT_IDENTIFIER, &properties.assigned_client_identifier),
        (property::REASON_STRING, &properties.reason_string),
        (property::RESPONSE_INFORMATION, &properties.response_information),
        (property::AUTHENTICATION_METHOD, &properties.authentication_method),
    ] {
        if let Some(text) = text {
            block.string_property(identifier, text);
        }
    }
    let mut body = Writer::new();
    body.byte(u8::from(session_present));
    body.byte(code.byte());
    body.behind_length(&block);
    body.into_packet(0x20)
}

/// A CONNACK of 3.1.1 that accepts.
pub fn encode_v311(session_present: bool) -> Bytes {
    Bytes::copy_from_slice(&[0x20, 2, u8::from(session_present), 0])
}

/// A CONNACK of 3.1.1 that refuses; Session Present is 0 then.
pub fn encode_refusal_v311(code: ConnectReturnCode) -> Bytes {
    Bytes::copy_from_slice(&[0x20, 2, 0, code.byte()])
}
