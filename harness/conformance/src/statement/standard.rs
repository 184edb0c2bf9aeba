//! The documents that make statements.

use std::fmt;

use mqspec_wire::Spec;

/// A document that makes normative statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standard {
    /// OASIS MQTT 3.1.1 (2014-10-29).
    Mqtt311,
    /// OASIS MQTT 5.0 (2019-03-07).
    Mqtt50,
    /// AMQP 0-9-1 (2008-11-13).
    Amqp091,
    /// RabbitMQ's extensions of AMQP 0-9-1, as its documentation states them.
    RabbitMq,
}

impl Standard {
    /// Every standard, in the order in which reports list them.
    pub const ALL: [Self; 4] = [Self::Mqtt311, Self::Mqtt50, Self::Amqp091, Self::RabbitMq];

    /// The part of a full id before the slash: `mqtt-3.1.1`, `mqtt-5.0`, `amqp-0-9-1`, `rabbitmq`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Mqtt311 => "mqtt-3.1.1",
            Self::Mqtt50 => "mqtt-5.0",
            Self::Amqp091 => "amqp-0-9-1",
            Self::RabbitMq => "rabbitmq",
        }
    }

    /// Reads [`Standard::id`].
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standard| standard.id() == id)
    }

    /// The protocol on the wire that it speaks about.
    pub const fn spec(self) -> Spec {
        match self {
            Self::Mqtt311 => Spec::Mqtt311,
            Self::Mqtt50 => Spec::Mqtt50,
            Self::Amqp091 | Self::RabbitMq => Spec::Amqp091,
        }
    }

    /// The standards that speak about a protocol.
    pub const fn of(spec: Spec) -> &'static [Self] {
        match spec {
            Spec::Mqtt311 => &[Self::Mqtt311],
            Spec::Mqtt50 => &[Self::Mqtt50],
            Spec::Amqp091 => &[Self::Amqp091, Self::RabbitMq],
        }
    }

    /// The name that a reader knows it by.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Mqtt311 => "MQTT 3.1.1",
            Self::Mqtt50 => "MQTT 5.0",
            Self::Amqp091 => "AMQP 0-9-1",
            Self::RabbitMq => "RabbitMQ extensions",
        }
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
