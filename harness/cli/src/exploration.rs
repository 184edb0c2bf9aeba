//! Running drawn cases in memory, against the reference broker or a mutant of it, and shrinking what fails.

use std::rc::Rc;

use mqspec_conformance::check;
use mqspec_conformance::explore::{Case, Shrunk, shrink};
use mqspec_conformance::mutant::Mutant;
use mqspec_conformance::trace::hash;
use mqspec_conformance::verdict::{Gravity, Outcome, Verdict, combine};
use mqspec_run::environment::{memory, simulated};
use mqspec_run::sut::mutant::{self, Lies};
use mqspec_wire::Spec;

/// How often a small case is run again.
pub const REPLAYS: u32 = 20;

/// How many candidates a shrinking tries at most.
const MOST_CANDIDATES: u32 = 1500;

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The conclusion.
    pub verdict: Verdict,
    /// The trace's hash.
    pub hash: String,
}

impl Judged {
    /// Full ids of the statements that were broken, those of the first finding first.
    pub fn broken(&self) -> Vec<String> {
        let musts = self.verdict.findings.iter().filter(|finding| finding.gravity == Gravity::Must);
        let mut broken: Vec<String> = Vec::new();
        for statement in musts.flat_map(|finding| &finding.statements) {
            if !broken.contains(statement) {
                broken.push(statement.clone());
            }
        }
        broken
    }

    /// Whether the broker broke something.
    pub fn fails(&self) -> bool {
        self.verdict.outcome == Outcome::Fail
    }

    /// The first finding, or why nothing could be said.
    pub fn reason(&self) -> String {
        match &self.verdict.outcome {
            Outcome::Pass => String::new(),
            Outcome::NotApplicable(reason) | Outcome::Inconclusive(reason) => reason.clone(),
            Outcome::Fail => self.verdict.findings.first().map_or_else(String::new, |finding| {
                format!(
                    "{} ({}): expected {}, got {}",
                    finding.statements.join(", "),
                    finding.check,
                    finding.expected,
                    finding.actual
                )
            }),
        }
    }
}

/// Runs a case against the reference broker, or a mutant of it, and judges it.
pub fn run(case: &Case, mutant: Option<&Mutant>) -> Judged {
    let plan = match case.plan("explored/case") {
        Ok(plan) => plan,
        Err(problems) => {
            let reason = format!("the case is no scenario, which is a mistake of ours: {problems}");
            let verdict = Verdict { outcome: Outcome::Inconclusive(reason), findings: Vec::new() };
            return Judged { verdict, hash: String::new() };
        }
    };
    let settings = simulated::Settings { seed: case.seed, time_jumps: true };
    let result = match mutant {
        None => memory::run(&plan, &settings),
        Some(mutant) => {
            let doorkeeper = mutant::doorkeeper(mutant, &Rc::clone(&Lies::default()));
            memory::run_behind(&plan, &settings, &doorkeeper)
        }
    };
    let mut findings = result.findings;
    findings.extend(check::always_on(&result.trace));
    let hash = hash::hash(&result.trace);
    Judged { verdict: combine(&plan, result.stop, findings, false), hash }
}

/// A failure, made small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convicted {
    /// The case's number.
    pub number: u64,
    /// What was drawn, in words.
    pub drawn: String,
    /// What became of the whole case.
    pub whole: Judged,
    /// The small case.
    pub small: Shrunk,
    /// What became of that.
    pub judged: Judged,
    /// Both leave the same trace when they are run again.
    pub repeats: bool,
    /// In how many of [`REPLAYS`] runs the small case fails with the same trace.
    pub replays: u32,
}

/// Shrinks a failing case: a smaller one must break one of the same statements. With a mutant it may break any other, too, as long
/// as the correct broker is innocent of it: then it is the lie that shows.
pub fn convict(case: &Case, number: u64, whole: Judged, mutant: Option<&Mutant>) -> Convicted {
    let broken = whole.broken();
    let first = whole.verdict.findings.first().map(|finding| finding.statements.clone()).unwrap_or_default();
    let small = shrink(case, MOST_CANDIDATES, |candidate| {
        let judged = run(candidate, mutant);
        judged.fails()
            && match mutant {
                None => judged.broken().iter().any(|statement| first.contains(statement)),
                Some(_) => !run(candidate, None).fails(),
            }
    });
    let judged = run(&small.case, mutant);
    let replays = (0..REPLAYS).filter(|_| {
        let again = run(&small.case, mutant);
        again.fails() && again.hash == judged.hash
    });
    let replays = u32::try_from(replays.count()).unwrap_or(0);
    let repeats = run(case, mutant).hash == whole.hash && replays == REPLAYS && !broken.is_empty();
    Convicted { number, drawn: case.summary(), whole, small, judged, repeats, replays }
}

/// How many cases a mutant survives from a seed: the number of the first that convicts it and not the correct broker, counted
/// from 1.
pub fn cases_until_convicted(
    spec: Spec,
    seed: u64,
    most: u64,
    mutant: &Mutant,
) -> Option<(u64, Case, Judged)> {
    (0..most).find_map(|number| {
        let case = Case::draw(spec, seed, number);
        let judged = run(&case, Some(mutant));
        let convicts = judged.fails() && !run(&case, None).fails();
        convicts.then_some((number + 1, case, judged))
    })
}
