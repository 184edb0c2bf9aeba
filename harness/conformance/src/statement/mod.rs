//! The catalogue of normative statements: what each standard asks, in our words, and who tests it.
//!
//! A statement is only identified together with its standard, as 119 ids exist in both MQTT versions, mostly
//! with other meanings: `mqtt-3.1.1/MQTT-4.4.0-1`. The tables stand in `harness/conformance/catalogue/`, whose
//! README says what each column means.

mod catalogue;
mod level;
mod standard;
pub(crate) mod suggest;
#[cfg(test)]
mod tests;

use std::fmt;

pub use catalogue::{Catalogue, CatalogueError, Counts};
pub use level::{Level, Strength};
pub use standard::Standard;
pub use suggest::nearest;

/// A statement of the catalogue, by its place in it. Ordered as the standards are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementId(pub(super) u16);

impl StatementId {
    /// The statement itself.
    pub fn statement(self) -> &'static Statement {
        Catalogue::load().get(self)
    }

    /// The full id: `mqtt-5.0/MQTT-2.1.3-1`.
    pub fn as_str(self) -> &'static str {
        &self.statement().full_id
    }
}

impl fmt::Display for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatementId({})", self.as_str())
    }
}

/// One normative statement of one standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its place in the catalogue.
    pub key: StatementId,
    /// Whose statement it is.
    pub standard: Standard,
    /// The label as printed in the standard, without the standard: `MQTT-2.1.3-1`.
    pub id: &'static str,
    /// Standard and label: `mqtt-5.0/MQTT-2.1.3-1`.
    pub full_id: String,
    /// Whether the label is the standard's own (or in AMQP, which has none, one of the published list). The
    /// others are rules without a label, to which we gave a `MQSPEC-…` id; published counts leave them out.
    pub numbered: bool,
    /// Where it stands: `3.3.1.1`; `ref 1.8.3.3` in AMQP's generated reference; a page of RabbitMQ's
    /// documentation.
    pub section: &'static str,
    /// The keywords in which it is put.
    pub level: Level,
    /// Who must obey.
    pub actor: Actor,
    /// How a test that has only the network can see it.
    pub observe: Observe,
    /// The requirement in our words, one sentence.
    pub summary: &'static str,
    /// What to expect as reaction, optional features, known disagreements. May be empty.
    pub notes: &'static str,
}

impl Statement {
    /// Whether a broker under test can be seen to keep or break it, over the network and by restarting it.
    pub const fn reachable(&self) -> bool {
        match self.observe {
            Observe::Wire | Observe::WireError | Observe::Fault | Observe::Restart | Observe::Config => true,
            Observe::Client | Observe::Untestable => false,
        }
    }

    /// Whether any AMQP 0-9-1 broker must do it, not just a complete one. MQTT statements are not divided so.
    pub fn core(&self) -> bool {
        self.notes.starts_with("[core")
    }
}

/// Who must obey a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The broker.
    Server,
    /// The peer that connects.
    Client,
    /// Either.
    Both,
}

impl Actor {
    /// Every value, in the order in which reports list them.
    pub const ALL: [Self; 3] = [Self::Server, Self::Client, Self::Both];

    /// The catalogue's word for it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Both => "both",
        }
    }
}

/// How a test that has only the network can see whether a broker keeps a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Observe {
    /// By correct use.
    Wire,
    /// By breaking the rule and looking at the reaction.
    WireError,
    /// With a lost connection, a lost acknowledgement or a reconnect.
    Fault,
    /// With a restart of the broker.
    Restart,
    /// With set-up beyond a plain broker: authentication, TLS, WebSocket, limits.
    Config,
    /// Not at all: it binds clients only.
    Client,
    /// Not at all; the notes say why.
    Untestable,
}

impl Observe {
    /// Every value, in the order in which reports list them.
    pub const ALL: [Self; 7] = [
        Self::Wire,
        Self::WireError,
        Self::Fault,
        Self::Restart,
        Self::Config,
        Self::Client,
        Self::Untestable,
    ];

    /// The catalogue's word for it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::WireError => "wire-error",
            Self::Fault => "fault",
            Self::Restart => "restart",
            Self::Config => "config",
            Self::Client => "client",
            Self::Untestable => "untestable",
        }
    }
}
