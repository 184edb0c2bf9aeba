//! Mutants: the correct reference broker with one lie, to prove that a scenario can fail.
//!
//! A mutant is data. It rewrites what goes in and out at the broker's one door, and names the statements
//! that a broker which does so breaks. The files of `mutants/` hold them; `docs/MUTANTS.md` is the reference
//! of their language, and `mqspec_run::sut::mutant` carries them out.

mod load;

use std::time::Duration;

use mqspec_wire::Spec;

pub use load::{built_in, load};

use crate::plan::{Expression, Field, Template};

/// One lie in one protocol version.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutant {
    /// Its name and the version, as `puback-withheld@mqtt-5.0`.
    pub name: String,
    /// What the broker does wrong, in one sentence without a full stop.
    pub lie: String,
    /// The version that it lies in. Connections of other versions are left alone.
    pub spec: Spec,
    /// Full ids of the statements that it breaks; each must be shown broken by a scenario that claims it.
    pub statements: Vec<String>,
    /// What is rewritten; of several that fit, the first.
    pub rewrites: Vec<Rewrite>,
    /// How the broker's clock runs.
    pub clock: Pace,
}

/// How fast the broker believes that time passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As it does.
    #[default]
    True,
    /// Not at all: nothing is ever due.
    Stopped,
    /// Half as fast: everything is late.
    Half,
    /// Twice as fast: everything is early.
    Double,
}

/// One rewriting: when, and what happens instead.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewrite {
    /// What it looks at.
    pub on: Occasion,
    /// What the latest packet from the same client must have been.
    pub after: Option<PacketMatch>,
    /// Only the n-th time, counted from 1; `None`: always.
    pub nth: Option<u64>,
    /// Whether `nth` counts over all connections, not each by itself.
    pub overall: bool,
    /// What happens instead.
    pub action: Change,
}

/// What passes the broker's door.
#[derive(Clone, Debug, PartialEq)]
pub enum Occasion {
    /// A packet from a client.
    FromClient(PacketMatch),
    /// A packet to a client.
    FromBroker(PacketMatch),
    /// The broker closes a connection.
    BrokerCloses,
    /// A client's connection has ended.
    ClientCloses,
}

/// Which packets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PacketMatch {
    /// Their names; any packet where there are none.
    pub names: Vec<String>,
    /// What must hold for their fields.
    pub fields: Vec<Condition>,
    /// The statement that the packet itself must break, as far as its bytes show.
    pub breaks: Option<String>,
}

/// What must hold for a field.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The list that the field's entries stand in (`subscriptions`); one entry that matches is enough.
    pub list: Option<String>,
    /// The field and what must hold.
    pub field: Field,
}

/// What happens to a packet. The parts apply in the order in which they stand here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Values of fields.
    pub set: Vec<Assignment>,
    /// Fields that are left out.
    pub unset: Vec<String>,
    /// Deviations that no field can express (see [`mqspec_wire::malformations`]).
    pub malformed: Vec<(String, Expression)>,
    /// Packets of the same direction before it.
    pub before: Vec<Template>,
    /// Whether the packet itself (or the close) is swallowed.
    pub drop: bool,
    /// Whether it goes out twice.
    pub twice: bool,
    /// Packets of the same direction behind it.
    pub then: Vec<Template>,
    /// Whether it waits for the next packet and goes out behind that one.
    pub hold: bool,
    /// How much later it goes out.
    pub delay: Option<Duration>,
    /// Packets to the client, as if the broker had answered.
    pub answer: Vec<Template>,
    /// Whether the broker then closes the connection.
    pub hang_up: bool,
}

/// A field gets a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The list whose every entry is meant.
    pub list: Option<String>,
    /// The field.
    pub field: String,
    /// What it becomes.
    pub value: NewValue,
}

/// What a field becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum NewValue {
    /// This.
    Value(Expression),
    /// What it was and so much more; a field that is not there is left out.
    Plus(i128),
    /// The same list backwards.
    Reversed,
    /// The same list or text without its last element.
    Shortened,
}

impl Mutant {
    /// Whether it looks at what clients send.
    pub fn reads_clients(&self) -> bool {
        self.rewrites.iter().any(|rewrite| matches!(rewrite.on, Occasion::FromClient(_)))
    }
}
