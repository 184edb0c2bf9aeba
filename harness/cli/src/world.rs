//! Where plans run: in the simulator against the reference broker, or against a live one.

use std::time::Instant;

use mqspec_conformance::check;
use mqspec_conformance::mutant::Mutant;
use mqspec_conformance::trace::{Trace, hash};
use mqspec_conformance::verdict::{Outcome, Verdict, combine};
use mqspec_run::RunResult;
use mqspec_run::environment::{memory, simulated};
use mqspec_run::sut::capabilities::Capabilities;
use mqspec_run::sut::mutant::{self, Lies};

use crate::arguments::Engine;
use crate::failure::Failure;
use crate::live::Live;
use crate::report::{Case, Repetition};
use crate::seed::Seed;
use crate::suite::Trial;

/// Plans against a live broker mostly wait, so more of them than there are cores can run at a time.
const LIVE_JOBS: usize = 8;

/// A world, and what its broker can do.
#[derive(Debug)]
pub struct World {
    kind: Kind,
    capabilities: Capabilities,
    /// The lie that the reference broker tells.
    mutant: Option<Mutant>,
    time_jumps: bool,
    /// Whether also what passes is run again, to compare the traces.
    twice: bool,
}

#[derive(Debug)]
enum Kind {
    Simulated,
    Memory,
    Live(Box<Live>),
}

impl World {
    /// The simulator, or the broker at an address or of a profile: started where the profile says how, and
    /// asked what it can do.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`]: no address of a broker, or a profile with mistakes. [`Failure::Environment`]: it
    /// cannot be started, or nothing answers there within 5 s.
    pub fn open(broker: Option<&str>) -> Result<Self, Failure> {
        let Some(given) = broker else {
            return Ok(Self::embedded(Engine::Simulated));
        };
        let (live, capabilities) = Live::open(given)?;
        Ok(Self::new(Kind::Live(Box::new(live)), capabilities))
    }

    /// The reference broker, run by this engine.
    pub fn embedded(engine: Engine) -> Self {
        let kind = match engine {
            Engine::Simulated => Kind::Simulated,
            Engine::Memory => Kind::Memory,
        };
        Self::new(kind, Capabilities::reference())
    }

    fn new(kind: Kind, capabilities: Capabilities) -> Self {
        Self { kind, capabilities, mutant: None, time_jumps: true, twice: false }
    }

    /// The same with the reference broker behind a lie, if there is one.
    #[must_use]
    pub fn with_mutant(self, mutant: Option<Mutant>) -> Self {
        Self { mutant, ..self }
    }

    /// The same with or without jumps over quiet time, which the traces must not show.
    #[must_use]
    pub fn with_time_jumps(self, time_jumps: bool) -> Self {
        Self { time_jumps, ..self }
    }

    /// The same; where `twice`, also what passes is run again at once, to see whether it leaves the same trace.
    #[must_use]
    pub fn running_twice(self, twice: bool) -> Self {
        Self { twice, ..self }
    }

    /// The broker as the user gave it; `None` in the simulator.
    pub fn broker(&self) -> Option<&str> {
        match &self.kind {
            Kind::Simulated | Kind::Memory => None,
            Kind::Live(live) => Some(live.given()),
        }
    }

    /// The broker in words, with what it calls itself.
    pub fn describe(&self) -> String {
        let lie = self.mutant.as_ref().map_or(String::new(), |mutant| format!(" behind {}", mutant.name));
        match &self.kind {
            Kind::Simulated => format!("the reference broker{lie}, simulated"),
            Kind::Memory => format!("the reference broker{lie}, in memory"),
            Kind::Live(live) => live.describe(self.capabilities.product.as_deref()),
        }
    }

    /// How a live broker ended, where nobody asked it to.
    pub fn ended_by_itself(&self) -> Option<String> {
        match &self.kind {
            Kind::Simulated | Kind::Memory => None,
            Kind::Live(live) => live.ended_by_itself(),
        }
    }

    /// How many plans run at a time where the user does not say.
    pub fn jobs(&self) -> usize {
        match self.kind {
            Kind::Simulated | Kind::Memory => {
                std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
            }
            Kind::Live(_) => LIVE_JOBS,
        }
    }

    /// Runs a trial and judges it. What does not pass in the simulator is run again at once, to see whether
    /// it leaves the same trace.
    pub fn judge(&self, trial: &Trial, seed: Seed, strict: bool) -> Case {
        let turn = match &self.kind {
            Kind::Simulated | Kind::Memory => None,
            Kind::Live(live) => Some(live.turn(trial)),
        };
        // What waits for its turn has not begun.
        let started = Instant::now();
        let judged = self.judge_now(trial, seed, strict, started);
        drop(turn);
        judged
    }

    /// Whether nothing else may run beside a trial.
    pub fn runs_alone(&self, trial: &Trial) -> bool {
        match &self.kind {
            Kind::Simulated | Kind::Memory => false,
            Kind::Live(live) => live.runs_alone(trial),
        }
    }

    fn judge_now(&self, trial: &Trial, seed: Seed, strict: bool, started: Instant) -> Case {
        let plan = &trial.plan;
        if let Some(reason) = self.capabilities.lacks(plan) {
            let verdict = Verdict { outcome: Outcome::NotApplicable(reason), findings: Vec::new() };
            return case(trial, verdict, Trace::default(), Vec::new(), Repetition::None, started);
        }
        let result = self.run(trial, seed);
        let mut findings = result.findings;
        findings.extend(check::always_on(&result.trace));
        let verdict = combine(plan, result.stop, findings, strict);
        let again = match (&self.kind, &verdict.outcome) {
            (Kind::Simulated | Kind::Memory, Outcome::Fail | Outcome::Inconclusive(_)) => true,
            (Kind::Simulated | Kind::Memory, Outcome::Pass | Outcome::NotApplicable(_)) => self.twice,
            (Kind::Live(_), _) => false,
        };
        let repetition = if again {
            let again = hash::hash(&self.run(trial, seed).trace);
            if again == hash::hash(&result.trace) { Repetition::Same } else { Repetition::Differs(again) }
        } else {
            Repetition::None
        };
        case(trial, verdict, result.trace, result.disagreements, repetition, started)
    }

    fn run(&self, trial: &Trial, seed: Seed) -> RunResult {
        let settings = simulated::Settings { seed: seed.0, time_jumps: self.time_jumps };
        let liar = self.mutant.as_ref().map(|mutant| mutant::doorkeeper(mutant, &Lies::default()));
        match (&self.kind, liar) {
            (Kind::Simulated, None) => simulated::run(&trial.plan, &settings),
            (Kind::Simulated, Some(liar)) => simulated::run_behind(&trial.plan, &settings, &liar),
            (Kind::Memory, None) => memory::run(&trial.plan, &settings),
            (Kind::Memory, Some(liar)) => memory::run_behind(&trial.plan, &settings, &liar),
            (Kind::Live(live), _) => live.run(trial, seed),
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
