//! Cases that nobody wrote: topology, workload and faults drawn from a seed, to be run and judged.
//!
//! A [`Case`] is data. It is written as a scenario (`write`), and that text is what is lowered and run, so a
//! failing case is a scenario already. `shrink` makes it small. Which faults a case has at all, and how many of
//! each, is drawn first (swarm testing): cases with only cuts, or only stalls, find what a mixture hides.

mod amqp;
mod fault;
mod mqtt;
mod shrink;
mod write;

use std::fmt::Write as _;

use mqspec_wire::Spec;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

pub use fault::{KINDS, Kind, Part};
pub use shrink::{Shrunk, shrink};

/// A drawn workload with its faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What its clients speak.
    pub spec: Spec,
    /// The seed of its run.
    pub seed: u64,
    /// How many faults of each kind were drawn.
    pub levels: Vec<(&'static str, u32)>,
    /// The clients.
    pub clients: Vec<Client>,
    /// What happens until everything is healed.
    pub steps: Vec<Act>,
    /// What is asked for when everything is healed, by the clients and by one that comes only then: to see what the
    /// broker keeps.
    pub probe: Vec<Act>,
    /// The guarantees that judge it in the end, each with the parameters that are set.
    pub checks: Vec<(&'static str, &'static [&'static str])>,
}

/// A client of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name.
    pub name: &'static str,
    /// Its settings, as a scenario writes them.
    pub settings: Vec<(&'static str, String)>,
}

/// A step of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A client is asked for something.
    Do {
        /// Its place among the clients.
        client: usize,
        /// The verb; `call NAME` for an AMQP method.
        verb: &'static str,
        /// The fields, as a scenario writes them.
        fields: Vec<(&'static str, String)>,
    },
    /// A fault on a client's connection.
    Fault {
        /// Its place among the clients.
        client: usize,
        /// What stands between the braces of `fault: { … }`.
        text: String,
    },
    /// A fault of the broker's disk: what stands between the braces of `disk: { … }`.
    Disk(String),
    /// `restart_broker`, `kill_broker`, `power_loss`, `start_broker`, or a start on a disk that cannot be read.
    Broker(&'static str),
    /// Time passes, in milliseconds.
    Wait(u64),
    /// Until the clients are done; 30 s at most.
    Settle,
}

impl Case {
    /// The case of this number under a seed; the same one everywhere.
    pub fn draw(spec: Spec, seed: u64, number: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(spec.id().as_bytes());
        hasher.update(&seed.to_le_bytes());
        hasher.update(&number.to_le_bytes());
        let key = hasher.finalize();
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, key.as_bytes());
        let config = Config { failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let cases = if spec.is_mqtt() { mqtt::cases(spec) } else { amqp::cases() };
        // The strategies reject nothing, so there is always a tree.
        let mut case = cases.new_tree(&mut runner).map_or_else(|_| Self::empty(spec), |tree| tree.current());
        let seed = key.as_bytes().iter().rev().take(4).fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        case.seed = seed;
        case
    }

    fn empty(spec: Spec) -> Self {
        Self {
            spec,
            seed: 0,
            levels: Vec::new(),
            clients: Vec::new(),
            steps: Vec::new(),
            probe: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// What was drawn, on one line: `3 clients, 24 steps; faults: drop 2, stall 1`.
    pub fn summary(&self) -> String {
        let mut line = format!("{} clients, {} steps; faults:", self.clients.len(), self.steps.len());
        let mut first = true;
        for (name, level) in self.levels.iter().filter(|(_, level)| *level > 0) {
            let _ = write!(line, "{} {name} {level}", if first { "" } else { "," });
            first = false;
        }
        if first { line + " none" } else { line }
    }
}
