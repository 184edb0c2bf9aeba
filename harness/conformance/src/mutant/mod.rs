//! Mutants: the correct reference broker with one lie, to prove that a scenario can fail.
//!
//! A mutant is data. It rewrites what goes in and out at the broker's one door, and names the statements
//! that a broker which does so breaks. The files of `mutants/` hold them; `docs/MUTANTS.md` is the reference
//! of their language, and `mqspec_run::sut::mutant` carries them out.

mod load;

use std::time::Duration;

use mqspec_wire::{Name, Spec};

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
    /// What it does with its disk.
    pub disk: DiskUse,
    /// When the lie can be noticed.
    pub shows: Shows,
}

/// When a lie can be noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shows {
    /// As soon as somebody uses what it is about.
    #[default]
    Always,
    /// Only once a connection is lost or taken over, or the broker's process ends: a *fault mutant*.
    UnderFaults,
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

/// What a broker does with the disk that it keeps its log on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiskUse {
    /// What it must: it syncs before it answers, and stops when it cannot.
    #[default]
    Careful,
    /// It never waits until anything is durable.
    NeverSynced,
    /// It goes on as if a write or a sync that failed had succeeded.
    FailuresIgnored,
    /// It takes a file that cannot be read for one that is not there.
    UnreadableIsEmpty,
    /// It does not start on a file that is shorter than it left it.
    DamageRefused,
}

impl DiskUse {
    /// What a mutant can do, each with its word.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("never-synced", Self::NeverSynced),
        ("failures-ignored", Self::FailuresIgnored),
        ("unreadable-is-empty", Self::UnreadableIsEmpty),
        ("damage-refused", Self::DamageRefused),
    ];
}

/// One rewriting: when, and what happens instead.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewrite {
    /// What it looks at.
    pub on: Occasion,
    /// What the latest packet from the same client must have been.
    pub after: Option<PacketMatch>,
    /// What must have become of connections before; all of it.
    pub when: Vec<Circumstance>,
    /// What the CONNECT of the client's connection before this one must have been (MQTT).
    pub previous: Option<PacketMatch>,
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
    /// The broker writes a record of one of these names into its log; of any, where there are none.
    Record(Vec<String>),
}

/// Something that can have happened before, mostly by a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circumstance {
    /// CONNACK said on this connection that there is a session (MQTT).
    Resumed,
    /// The client had another connection when this one's CONNECT came (MQTT).
    Takeover,
    /// The client has connected once more since (MQTT).
    Replaced,
    /// MQTT: the client's connection before this one ended without DISCONNECT. AMQP: some connection ended
    /// without `connection.close`. At the end of a connection: this one did.
    Cut,
    /// The broker's process has been started more than once.
    Restarted,
}

impl Circumstance {
    /// Each with its word.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("resumed", Self::Resumed),
        ("takeover", Self::Takeover),
        ("replaced", Self::Replaced),
        ("cut", Self::Cut),
        ("restarted", Self::Restarted),
    ];
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
    pub malformed: Vec<(Name, Expression)>,
    /// Packets of the same direction before it; at the end of a client's connection, as its last words, in
    /// AMQP on each of its channels.
    pub before: Vec<Template>,
    /// Packets before it as if the connection had sent them whose place this one takes.
    pub older: Vec<Template>,
    /// Whether the packet itself (or the close) is swallowed.
    pub drop: bool,
    /// Whether it goes out twice.
    pub twice: bool,
    /// Packets of the same direction behind it.
    pub then: Vec<Template>,
    /// Whether it waits for the next packet and goes out behind that one. A record goes before the next.
    pub hold: bool,
    /// Fields whose values a packet that waits exchanges with the one of the same name that overtakes it.
    pub exchange: Vec<String>,
    /// Whether it goes to the connection that this one took the place of.
    pub to_older: bool,
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
    /// Whether it keeps records from the log, or from their place in it.
    pub fn tampers_with_records(&self) -> bool {
        self.rewrites.iter().any(|rewrite| matches!(rewrite.on, Occasion::Record(_)))
    }

    /// Whether it looks at what clients send.
    pub fn reads_clients(&self) -> bool {
        self.rewrites.iter().any(|rewrite| matches!(rewrite.on, Occasion::FromClient(_)))
    }
}

/// What the fields of the latest packet of a name are bound with: `queue_declare`, for `$queue_declare_queue`.
pub fn remembered_as(packet: &str) -> String {
    packet.replace(['.', '-'], "_")
}
