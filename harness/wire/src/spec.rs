//! Which standard a connection speaks, and which side of it a peer is on.

use std::fmt;

/// A protocol version that mqspec tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spec {
    /// OASIS MQTT 3.1.1 (2014-10-29).
    Mqtt311,
    /// OASIS MQTT 5.0 (2019-03-07).
    Mqtt50,
    /// AMQP 0-9-1 (2008-11-13) with RabbitMQ's extensions.
    Amqp091,
}

impl Spec {
    /// Every version, in the order in which reports list them.
    pub const ALL: [Self; 3] = [Self::Mqtt311, Self::Mqtt50, Self::Amqp091];

    /// The name used in scenarios, reports and statement ids: `mqtt-3.1.1`, `mqtt-5.0`, `amqp-0-9-1`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Mqtt311 => "mqtt-3.1.1",
            Self::Mqtt50 => "mqtt-5.0",
            Self::Amqp091 => "amqp-0-9-1",
        }
    }

    /// The short form that selectors and addresses use: `mqtt311`, `mqtt5`, `amqp091`.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Mqtt311 => "mqtt311",
            Self::Mqtt50 => "mqtt5",
            Self::Amqp091 => "amqp091",
        }
    }

    /// Reads either form of the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|spec| spec.id() == name || spec.short() == name)
    }

    /// Whether this is one of the two MQTT versions.
    pub const fn is_mqtt(self) -> bool {
        matches!(self, Self::Mqtt311 | Self::Mqtt50)
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Who sent a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The peer that opened the network connection.
    Client,
    /// The broker.
    Server,
}
