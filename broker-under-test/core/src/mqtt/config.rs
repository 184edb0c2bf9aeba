//! What an operator can choose of MQTT.

use std::collections::BTreeMap;
use std::time::Duration;

use super::codec::Qos;

/// What an operator can choose of MQTT. The default has every feature on and nobody shut out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttConfig {
    /// User names and passwords; `None` lets everybody in, whatever they call themselves.
    pub users: Option<BTreeMap<String, String>>,
    /// The highest QoS that may be published with, and is granted.
    pub maximum_qos: Qos,
    /// Whether retained messages are kept.
    pub retain_available: bool,
    /// How many QoS 1 and 2 messages of a 5.0 client may be unfinished at a time; never 0.
    pub receive_maximum: u16,
    /// The largest packet taken, in bytes, fixed header included.
    pub maximum_packet_size: u32,
    /// How many topic aliases a client may set; 0 for none.
    pub topic_alias_maximum: u16,
    /// Whether filters may hold wildcards.
    pub wildcard_subscription_available: bool,
    /// Whether `$share/` means something in 5.0.
    pub shared_subscription_available: bool,
    /// Whether subscriptions may carry identifiers.
    pub subscription_identifiers_available: bool,
    /// Replaces the keep alive of every 5.0 client, in seconds; 0 turns it off.
    pub server_keep_alive_secs: Option<u16>,
    /// The longest time that a session outlives its connection, in seconds; `u32::MAX` is for ever.
    pub session_expiry_maximum_secs: u32,
    /// How long a connection may exist without a CONNECT.
    pub connect_timeout: Duration,
    /// How many messages wait for one client at most; what comes then is dropped for this client.
    pub queued_messages_maximum: usize,
    /// How many sessions there are at most, connected ones included.
    pub sessions_maximum: usize,
    /// How many subscriptions one session has at most.
    pub subscriptions_maximum: usize,
    /// How many levels a topic filter has at most.
    pub topic_levels_maximum: usize,
    /// How many retained messages are kept at most.
    pub retained_messages_maximum: usize,
    /// How many bytes may wait in front of a slow reader before messages are held back, and those of QoS 0
    /// dropped.
    pub high_water_bytes: usize,
    /// How many bytes of replies (not messages) may wait in front of a client that does not read them, before
    /// it is cut off.
    pub unread_replies_bytes: usize,
    /// Whether refusals say in words what was wrong, where 5.0 allows it.
    pub reason_strings: bool,
    /// Whether payloads that call themselves UTF-8 are looked at.
    pub validate_payload_format: bool,
    /// What clients are told that ask for Response Information.
    pub response_information: Option<String>,
    /// Whether the enhanced authentication method [`ECHO_METHOD`] is offered.
    pub echo_authentication: bool,
}

/// Name of an authentication method made for tests: the server sends a challenge, and the client proves
/// itself by sending it back. Under it, nobody needs a password.
pub const ECHO_METHOD: &str = "mqspec-echo";

impl Default for MqttConfig {
    fn default() -> Self {
        Self {
            users: None,
            maximum_qos: Qos::ExactlyOnce,
            retain_available: true,
            receive_maximum: 100,
            maximum_packet_size: 16 * 1024 * 1024,
            topic_alias_maximum: 64,
            wildcard_subscription_available: true,
            shared_subscription_available: true,
            subscription_identifiers_available: true,
            server_keep_alive_secs: None,
            session_expiry_maximum_secs: u32::MAX,
            connect_timeout: Duration::from_secs(10),
            queued_messages_maximum: 100_000,
            sessions_maximum: 1_000_000,
            subscriptions_maximum: 100_000,
            topic_levels_maximum: 1_024,
            retained_messages_maximum: 1_000_000,
            high_water_bytes: 1024 * 1024,
            unread_replies_bytes: 4 * 1024 * 1024,
            reason_strings: true,
            validate_payload_format: false,
            response_information: None,
            echo_authentication: false,
        }
    }
}
