//! What an operator can choose of AMQP.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Users, virtual hosts, limits and waits.
#[derive(Clone, Debug)]
pub struct AmqpConfig {
    /// Who may log in.
    pub users: BTreeMap<String, User>,
    /// The virtual hosts; all users may use all of them.
    pub virtual_hosts: BTreeSet<String>,
    /// How many channels a connection may have open.
    pub channel_max: u16,
    /// Octets of the largest frame, header and end included; at least 4096.
    pub frame_max: u32,
    /// The proposed heartbeat in seconds; what the client answers counts. 0 for none.
    pub heartbeat_secs: u16,
    /// From the socket's opening to Connection.Open.
    pub handshake_timeout: Duration,
    /// Between an error while the connection opens and the silent end of the socket (§4.10.2).
    pub negotiation_failure_pause: Duration,
    /// How long the server waits for Close-Ok; the heartbeat instead, where that is shorter.
    pub close_wait: Duration,
    /// Octets on their way to a client above which it gets no more deliveries until it has taken some.
    pub backlog_max: usize,
    /// Octets on their way to a client above which nothing more that it sends is looked at until it has taken
    /// some: answers nobody reads must not pile up.
    pub answers_max: usize,
    /// Octets of the largest message body.
    pub message_size_max: u64,
}

/// A user's rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// In clear, as this broker guards nothing of value.
    pub password: String,
    /// May set any user-id on messages.
    pub impersonator: bool,
}

impl Default for AmqpConfig {
    /// User guest with password guest, virtual host `/`, RabbitMQ's limits.
    fn default() -> Self {
        let guest = User { password: "guest".to_owned(), impersonator: false };
        Self {
            users: BTreeMap::from([("guest".to_owned(), guest)]),
            virtual_hosts: BTreeSet::from(["/".to_owned()]),
            channel_max: 2047,
            frame_max: 131_072,
            heartbeat_secs: 60,
            handshake_timeout: Duration::from_secs(10),
            negotiation_failure_pause: Duration::from_secs(3),
            close_wait: Duration::from_secs(30),
            backlog_max: 1 << 20,
            answers_max: 16 << 20,
            message_size_max: 128 << 20,
        }
    }
}
