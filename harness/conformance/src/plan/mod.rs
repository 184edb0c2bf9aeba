//! Executable steps: lowered from a scenario, drawn by a strategy, or replayed; always the same data.
//!
//! A plan is for one protocol version. Its actions are primitive: what a scenario writes as one verb
//! (`publish` with the whole QoS 2 exchange) has become several of them, each still pointing at the line
//! that it came from.

pub mod capability;
pub mod disk;
pub mod expression;
pub mod fault;
pub mod pattern;
pub mod setting;

use std::time::Duration;

use mqspec_wire::Spec;

pub use disk::{DiskFault, DiskOperation};
pub use expression::{Bindings, Expression, Form, Template};
pub use fault::{
    Amount, BrokerFault, ConnectFault, Direction, Fault, OpenFor, PacketFault, Probability, StreamFault, When,
};
pub use pattern::{Field, Matcher, Mismatch, Pattern};

/// Everything that a run needs to know, but for the environment that it runs in.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The scenario's path below `scenarios/` without its ending, then the version:
    /// `mqtt/qos-2/pubrel-resent@mqtt-5.0`.
    pub address: String,
    /// What the scenario claims, in one sentence.
    pub title: String,
    /// The version that its actors speak unless they say otherwise.
    pub spec: Spec,
    /// Full ids of the statements that a failing step breaks: `mqtt-5.0/MQTT-4.4.0-1`.
    pub statements: Vec<String>,
    /// What the broker must be able to do for this plan to mean anything.
    pub needs: Vec<Need>,
    /// Where the plan can run.
    pub worlds: Worlds,
    /// How the reference broker is set up for this plan (`maximum_qos: 1`); a broker that mqspec does not
    /// start keeps its own settings, and a plan with settings is not applicable to it.
    pub broker: Vec<(String, mqspec_wire::Value)>,
    /// The peers, in the order of the scenario; an [`ActorId`] counts from the first.
    pub actors: Vec<ActorPlan>,
    /// What to do, in order.
    pub steps: Vec<Step>,
}

/// Index into [`Plan::actors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId(pub usize);

/// A peer of the broker.
#[derive(Clone, Debug, PartialEq)]
pub struct ActorPlan {
    /// Its name in the scenario.
    pub name: String,
    /// What it speaks.
    pub spec: Spec,
    /// What it does without being told.
    pub role: Role,
}

/// What a peer does without being told.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// Nothing: what it sends is what its steps send.
    Scripted,
    /// It keeps its side of the protocol: it acknowledges, connects again after a cut, resumes its session and
    /// sends again what was not acknowledged. Its steps are [`Action::Do`].
    Client {
        /// How it connects: CONNECT as it goes out (MQTT), or a packet named `connect` that holds the settings
        /// of a scenario's `connect` (AMQP).
        connect: Template,
    },
}

/// A capability that a plan relies on, with the value it needs at least: `maximum_qos: 2`,
/// `retain_available: true`, `basic.nack: true`.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// The capability's name.
    pub capability: String,
    /// The value that it must reach (integers: at least; bits: exactly).
    pub value: mqspec_wire::Value,
}

/// Where a plan can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worlds {
    /// In the simulator and against a live broker.
    Both,
    /// Only in the simulator, for this reason.
    SimulatedOnly(String),
    /// Only against a live broker, for this reason.
    LiveOnly(String),
}

/// One action and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// The line of the scenario.
    pub origin: Origin,
    /// Which statements break if this step fails. `None`: all of the plan's. An empty list: none, the step
    /// only prepares, and its failure makes the run inconclusive.
    pub proves: Option<Vec<String>>,
}

/// Where a step stands in its scenario.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Origin {
    /// The line, counted from 1; 0 for a step that no file holds.
    pub line: usize,
    /// The step as written, on one line.
    pub text: String,
}

/// A primitive action.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Opens an actor's network connection (a previous one is closed first, without a farewell).
    Open {
        /// Whose.
        actor: ActorId,
    },
    /// Tries to open an actor's network connection, which must fail as a fault wills it.
    OpenFails {
        /// Whose.
        actor: ActorId,
        /// How.
        how: ConnectFault,
    },
    /// Writes one packet.
    Send {
        /// Who sends.
        actor: ActorId,
        /// The packet.
        packet: Template,
    },
    /// Writes bytes as they are.
    SendBytes {
        /// Who sends.
        actor: ActorId,
        /// The bytes.
        bytes: Expression,
    },
    /// Waits for a packet (or the end of the connection) and compares it.
    Expect(Expect),
    /// Waits for as many packets as there are patterns; each must match one pattern, in any order.
    ExpectAll {
        /// Who receives.
        actor: ActorId,
        /// One for each packet.
        patterns: Vec<Pattern>,
        /// How long to wait for all of them together; `None`: the environment's patience.
        within: Option<Duration>,
    },
    /// Nothing at all may arrive for this long, and the connection stays open.
    ExpectNothing {
        /// Who must receive nothing.
        actor: ActorId,
        /// The channel that must stay quiet (AMQP); `None`: the whole connection.
        channel: Option<u16>,
        /// How long.
        quiet: Duration,
    },
    /// Ends an actor's network connection from its side.
    Close {
        /// Whose.
        actor: ActorId,
        /// How.
        how: Ending,
    },
    /// Asks a client ([`Role::Client`]) to do something, and does not wait for it. What the client is asked for
    /// it does in order, when its connection and the broker's limits allow.
    Do {
        /// Who.
        actor: ActorId,
        /// The packet that begins it, without what the client chooses (packet identifiers): `publish`,
        /// `subscribe`, `connect`, `disconnect`; `queue.declare`, `basic.publish`, `connection.close`.
        request: Template,
    },
    /// Waits until no client has anything outstanding, and nothing moves any more.
    Settle {
        /// How long at most.
        within: Duration,
    },
    /// Plans a fault on an actor's connection, from now on.
    Fault(Fault),
    /// Plans a fault of the broker's disk, or takes them back.
    Disk(DiskFault),
    /// Does something to the broker itself.
    Broker(BrokerFault),
    /// Lets time pass.
    Wait(Duration),
    /// Gives a value a name.
    Bind {
        /// The name, without `$`.
        name: String,
        /// The value.
        value: Expression,
    },
    /// Does steps several times.
    Repeat {
        /// How often.
        times: u64,
        /// The name that counts 1, 2, 3, … meanwhile.
        counter: Option<String>,
        /// The steps.
        steps: Vec<Step>,
    },
    /// Does branches at the same time; ends when all have ended. The first failing branch ends the run.
    Together(Vec<Vec<Step>>),
    /// Judges everything so far by one of the guarantees (see [`crate::check`]).
    Check {
        /// The guarantee's name.
        guarantee: String,
        /// Its parameters.
        parameters: Vec<(String, Expression)>,
    },
}

/// What an actor waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// Who receives.
    pub actor: ActorId,
    /// What is allowed; the first that matches counts.
    pub alternatives: Vec<Pattern>,
    /// Which packet is compared.
    pub take: Take,
    /// How long to wait; `None`: the environment's patience.
    pub within: Option<Duration>,
}

/// Which of the packets that have arrived an expectation looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// The oldest one not yet taken (AMQP: on the pattern's channel). It must match.
    Next,
    /// The oldest that matches; others stay for later steps. For the answers inside composite verbs, which
    /// may be overtaken by unrelated packets.
    Matching,
}

/// How an actor ends its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// An orderly end of the stream (FIN).
    Fin,
    /// An abortive one (RST).
    Reset,
}
