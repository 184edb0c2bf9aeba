//! Where plans run: in the simulator against the reference broker, or against a live one.

use std::time::{Duration, Instant, SystemTime};

use mqspec_conformance::check;
use mqspec_conformance::trace::{Trace, hash};
use mqspec_conformance::verdict::{Outcome, Verdict, combine};
use mqspec_run::RunResult;
use mqspec_run::environment::{live, memory, simulated};
use mqspec_run::sut::capabilities::{Capabilities, ProbeError, probe};
use mqspec_run::sut::external::{Target, TargetError};

use crate::arguments::Engine;
use crate::failure::Failure;
use crate::report::{Case, Repetition, without_secret};
use crate::seed::Seed;
use crate::suite::Trial;

/// How long a broker may take to answer the first connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long an expectation waits on a live broker that says nothing else: RabbitMQ sits on some errors for 3 s.
const LIVE_PATIENCE: Duration = Duration::from_secs(8);
/// The longest that one plan may take on a live broker.
const LIVE_LIMIT: Duration = Duration::from_secs(120);
/// Plans against a live broker mostly wait, so more of them than there are cores can run at a time.
const LIVE_JOBS: usize = 8;

/// A world, and what its broker can do.
#[derive(Debug)]
pub struct World {
    kind: Kind,
    capabilities: Capabilities,
}

#[derive(Debug)]
enum Kind {
    Simulated,
    Memory,
    Live { target: Box<Target>, given: String, token: String },
}

/// A broker that cannot be tested.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
enum WorldError {
    #[error("{0}")]
    #[diagnostic(help("for example mqtt://127.0.0.1:1883 or amqp://guest:guest@127.0.0.1:5672/"))]
    Address(TargetError),
    #[error("{why}")]
    #[diagnostic(help(
        "is the broker running, and does it listen there? `mqspec test` without --broker needs none"
    ))]
    Unreachable { why: ProbeError },
}

impl World {
    /// The simulator, or the broker at an address, which is asked what it can do.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`]: no address of a broker. [`Failure::Environment`]: nothing answers there within 5 s.
    pub fn open(broker: Option<&str>) -> Result<Self, Failure> {
        let Some(given) = broker else {
            return Ok(Self::embedded(Engine::Simulated));
        };
        let target = Target::parse(given).map_err(|error| Failure::input(WorldError::Address(error)))?;
        let capabilities = probe(&target, CONNECT_PATIENCE)
            .map_err(|why| Failure::environment(WorldError::Unreachable { why }))?;
        let kind = Kind::Live { target: Box::new(target), given: given.to_owned(), token: token() };
        Ok(Self { kind, capabilities })
    }

    /// The reference broker, run by this engine.
    pub fn embedded(engine: Engine) -> Self {
        let kind = match engine {
            Engine::Simulated => Kind::Simulated,
            Engine::Memory => Kind::Memory,
        };
        Self { kind, capabilities: Capabilities::reference() }
    }

    /// The broker as the user gave it; `None` in the simulator.
    pub fn broker(&self) -> Option<&str> {
        match &self.kind {
            Kind::Simulated | Kind::Memory => None,
            Kind::Live { given, .. } => Some(given),
        }
    }

    /// The broker in words, with what it calls itself.
    pub fn describe(&self) -> String {
        let product = self.capabilities.product.as_deref().unwrap_or("a broker that does not say its name");
        match &self.kind {
            Kind::Simulated => String::from("the reference broker, simulated"),
            Kind::Memory => String::from("the reference broker, in memory"),
            Kind::Live { given, .. } => format!("{product} at {}", without_secret(given)),
        }
    }

    /// How many plans run at a time where the user does not say.
    pub fn jobs(&self) -> usize {
        match self.kind {
            Kind::Simulated | Kind::Memory => {
                std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
            }
            Kind::Live { .. } => LIVE_JOBS,
        }
    }

    /// Runs a trial and judges it. What does not pass in the simulator is run again at once, to see whether
    /// it leaves the same trace.
    pub fn judge(&self, trial: &Trial, seed: Seed, strict: bool) -> Case {
        let started = Instant::now();
        let plan = &trial.plan;
        if let Some(reason) = self.capabilities.lacks(plan) {
            let verdict = Verdict { outcome: Outcome::NotApplicable(reason), findings: Vec::new() };
            return case(trial, verdict, Trace::default(), Vec::new(), Repetition::None, started);
        }
        let result = self.run(trial, seed);
        let mut findings = result.findings;
        findings.extend(check::always_on(&result.trace));
        let verdict = combine(plan, result.stop, findings, strict);
        let repetition = match (&self.kind, &verdict.outcome) {
            (Kind::Simulated | Kind::Memory, Outcome::Fail | Outcome::Inconclusive(_)) => {
                let again = hash::hash(&self.run(trial, seed).trace);
                if again == hash::hash(&result.trace) { Repetition::Same } else { Repetition::Differs(again) }
            }
            (Kind::Simulated | Kind::Memory, Outcome::Pass | Outcome::NotApplicable(_))
            | (Kind::Live { .. }, _) => Repetition::None,
        };
        case(trial, verdict, result.trace, result.disagreements, repetition, started)
    }

    fn run(&self, trial: &Trial, seed: Seed) -> RunResult {
        match &self.kind {
            Kind::Simulated => {
                simulated::run(&trial.plan, &simulated::Settings { seed: seed.0, time_jumps: true })
            }
            Kind::Memory => memory::run(&trial.plan, &simulated::Settings { seed: seed.0, time_jumps: true }),
            Kind::Live { target, token, .. } => {
                let settings = live::Settings {
                    seed: seed.0,
                    token: token.clone(),
                    patience: LIVE_PATIENCE,
                    limit: LIVE_LIMIT,
                };
                live::run(&trial.plan, target, &settings)
            }
        }
    }
}

fn case(
    trial: &Trial,
    verdict: Verdict,
    trace: Trace,
    disagreements: Vec<String>,
    repetition: Repetition,
    started: Instant,
) -> Case {
    Case {
        path: trial.path.clone(),
        plan: trial.plan.clone(),
        verdict,
        hash: hash::hash(&trace),
        trace,
        took: started.elapsed(),
        repetition,
        stored: None,
        disagreements,
    }
}

/// What makes names on a shared broker ours: no other run, before or beside this one, has it.
fn token() -> String {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("mqspec-{:x}-{:x}", std::process::id(), since_epoch.as_millis())
}
