//! How strongly a statement binds.

use std::fmt;

/// The keywords that stand in a statement, as the catalogue writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `MUST`.
    Must,
    /// `MUST NOT`.
    MustNot,
    /// `MUST` and `MUST NOT`.
    MustAndMustNot,
    /// `MUST` and `SHOULD`.
    MustAndShould,
    /// `MUST` and `MAY`.
    MustAndMay,
    /// `MUST NOT` and `MAY`.
    MustNotAndMay,
    /// `MUST`, `SHOULD` and `MAY`.
    MustAndShouldAndMay,
    /// `SHOULD`.
    Should,
    /// `SHOULD NOT`.
    ShouldNot,
    /// `MAY`.
    May,
    /// `MAY NOT`, which AMQP 0-9-1 uses for "must not".
    MayNot,
    /// Stated as fact, without a keyword (AMQP 0-9-1).
    Implied,
    /// Stated by RabbitMQ's documentation.
    Documented,
    /// A numbered statement without a keyword of its own (MQTT).
    NoKeyword,
}

/// What breaking a statement amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// A permission: a broker may do otherwise.
    May,
    /// A recommendation: a failure only under `--strict`.
    Should,
    /// An obligation.
    Must,
}

impl Level {
    /// Every level, strongest first.
    pub const ALL: [Self; 14] = [
        Self::Must,
        Self::MustNot,
        Self::MustAndMustNot,
        Self::MustAndShould,
        Self::MustAndMay,
        Self::MustNotAndMay,
        Self::MustAndShouldAndMay,
        Self::Implied,
        Self::Documented,
        Self::NoKeyword,
        Self::MayNot,
        Self::Should,
        Self::ShouldNot,
        Self::May,
    ];

    /// The catalogue's spelling.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
            Self::MustAndMustNot => "MUST+MUST NOT",
            Self::MustAndShould => "MUST+SHOULD",
            Self::MustAndMay => "MUST+MAY",
            Self::MustNotAndMay => "MUST NOT+MAY",
            Self::MustAndShouldAndMay => "MUST+SHOULD+MAY",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::May => "MAY",
            Self::MayNot => "MAY NOT",
            Self::Implied => "implied",
            Self::Documented => "doc",
            Self::NoKeyword => "none",
        }
    }

    /// Reads the catalogue's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.id() == text)
    }

    /// The strongest thing that it says. What is stated as fact binds as much as a MUST.
    pub const fn strength(self) -> Strength {
        match self {
            Self::Must
            | Self::MustNot
            | Self::MustAndMustNot
            | Self::MustAndShould
            | Self::MustAndMay
            | Self::MustNotAndMay
            | Self::MustAndShouldAndMay
            | Self::MayNot
            | Self::Implied
            | Self::Documented
            | Self::NoKeyword => Strength::Must,
            Self::Should | Self::ShouldNot => Strength::Should,
            Self::May => Strength::May,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
