//! Opening a connection: Start, Tune, Open (§2.2.4).

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;

use super::Turn;
use crate::amqp::codec::frame::FRAME_MIN_SIZE;
use crate::amqp::codec::method::connection::{OpenOk, Start, StartOk, Tune, TuneOk};
use crate::amqp::codec::{FieldTable, FieldValue, Writer, method_frame};
use crate::amqp::connection::{Capabilities, Stage};
use crate::amqp::message::Name;
use crate::amqp::violation::Violation;
use crate::effect::ConnectionId;

/// The extensions that this server offers.
const CAPABILITIES: [&str; 9] = [
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "consumer_priorities",
    "authentication_failure_close",
    "per_consumer_qos",
    "direct_reply_to",
];

/// connection.start, the longest frame of a handshake and the same for everybody.
static START: LazyLock<Bytes> =
    LazyLock::new(|| method_frame(0, &Start { server_properties: &server_properties() }));

impl Turn<'_> {
    /// The client's protocol header fits: offer to log in.
    pub(super) fn on_header_accepted(&mut self, id: ConnectionId) {
        self.connection(id).stage = Stage::AwaitingStartOk;
        self.send(id, START.clone());
    }

    pub(super) fn on_start_ok(&mut self, id: ConnectionId, start_ok: StartOk<'_>) -> Result<(), Violation> {
        let capabilities = client_capabilities(start_ok.client_properties);
        self.connection(id).capabilities = capabilities;
        let mechanism = Mechanism::from_name(start_ok.mechanism).ok_or(Violation::Mechanism)?;
        let (user, password) = mechanism.credentials(start_ok.response)?;
        let known = self.state.config.users.get(user).is_some_and(|known| known.password == password);
        if !known {
            return Err(if capabilities.authentication_failure_close {
                Violation::LoginRefused(mechanism.name())
            } else {
                Violation::LoginFailed
            });
        }
        let user = Name::from(user);
        let config = &self.state.config;
        let tune = Tune {
            channel_max: config.channel_max,
            frame_max: config.frame_max,
            heartbeat_secs: config.heartbeat_secs,
        };
        let connection = self.connection(id);
        connection.user = user;
        connection.stage = Stage::AwaitingTuneOk;
        self.send(id, method_frame(0, &tune));
        Ok(())
    }

    /// The client may lower the limits, not raise them; a zero would lift them.
    pub(super) fn on_tune_ok(&mut self, id: ConnectionId, tune_ok: TuneOk) -> Result<(), Violation> {
        let config = &self.state.config;
        if tune_ok.frame_max == 0 || tune_ok.frame_max > config.frame_max {
            return Err(Violation::FrameMaxTooHigh(tune_ok.frame_max));
        }
        if tune_ok.frame_max < FRAME_MIN_SIZE {
            return Err(Violation::FrameMaxTooLow(tune_ok.frame_max));
        }
        let unlimited = config.channel_max == 0;
        if !unlimited && (tune_ok.channel_max == 0 || tune_ok.channel_max > config.channel_max) {
            return Err(Violation::ChannelMaxTooHigh(tune_ok.channel_max));
        }
        let connection = self.connection(id);
        connection.frame_max = tune_ok.frame_max;
        connection.channel_max = tune_ok.channel_max;
        // [amqp-0-9-1/AMQP-4.2.7-negotiation] the client's value is the agreed one.
        connection.heartbeat = Duration::from_secs(u64::from(tune_ok.heartbeat_secs));
        connection.stage = Stage::AwaitingOpen;
        Ok(())
    }

    pub(super) fn on_open(&mut self, id: ConnectionId, virtual_host: &str) -> Result<(), Violation> {
        let name = Name::from(virtual_host);
        if !self.state.vhosts.contains_key(&name) {
            return Err(Violation::UnknownVhost(virtual_host.to_owned()));
        }
        let connection = self.connection(id);
        connection.virtual_host = name;
        connection.stage = Stage::Open;
        self.send(id, method_frame(0, &OpenOk));
        Ok(())
    }
}

fn server_properties() -> Vec<u8> {
    let mut capabilities = Writer::new();
    for name in CAPABILITIES {
        capabilities.short_string(name.as_bytes());
        capabilities.octets(b"t\x01");
    }
    let mut properties = Writer::new();
    properties.table_field("capabilities", &capabilities.into_bytes());
    let version = env!("CARGO_PKG_VERSION");
    for (name, value) in [
        ("cluster_name", "mqspec"),
        ("copyright", "The mqspec authors, MIT or Apache-2.0"),
        ("information", "Reference broker for conformance tests"),
        ("platform", "Rust"),
        ("product", "mqspec reference broker"),
        ("version", version),
    ] {
        properties.string_field(name, value.as_bytes());
    }
    properties.into_bytes().to_vec()
}

fn client_capabilities(properties: FieldTable<'_>) -> Capabilities {
    let Some(FieldValue::Table(table)) = properties.get("capabilities") else {
        return Capabilities::default();
    };
    let announced = |name| table.get(name) == Some(FieldValue::Boolean(true));
    Capabilities {
        consumer_cancel_notify: announced("consumer_cancel_notify"),
        authentication_failure_close: announced("authentication_failure_close"),
        blocked: announced("connection.blocked"),
    }
}

/// The SASL mechanisms that are offered.
#[derive(Clone, Copy, Debug)]
enum Mechanism {
    /// `[authorization identity] NUL user NUL password` (RFC 4616).
    Plain,
    /// A field table without its length, with LOGIN and PASSWORD.
    AmqPlain,
}

impl Mechanism {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "PLAIN" => Some(Self::Plain),
            "AMQPLAIN" => Some(Self::AmqPlain),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::AmqPlain => "AMQPLAIN",
        }
    }

    /// User and password from a response.
    fn credentials<'r>(self, response: &'r [u8]) -> Result<(&'r str, &'r str), Violation> {
        let (user, password) = match self {
            Self::Plain => {
                let mut parts = response.splitn(3, |octet| *octet == 0).skip(1);
                (parts.next(), parts.next())
            }
            Self::AmqPlain => {
                let table = FieldTable::from_entries(response).map_err(|_| Violation::SaslResponse)?;
                let string = |name: &str| match table.get(name) {
                    Some(FieldValue::LongString(octets)) => Some(octets),
                    Some(_) | None => None,
                };
                (string("LOGIN"), string("PASSWORD"))
            }
        };
        let text = |octets: Option<&'r [u8]>| octets.and_then(|octets| std::str::from_utf8(octets).ok());
        text(user).zip(text(password)).ok_or(Violation::SaslResponse)
    }
}
