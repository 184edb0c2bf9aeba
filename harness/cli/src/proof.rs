//! Proof that the suite can fail: each mutant must be convicted, the correct broker must not.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use mqspec_conformance::check;
use mqspec_conformance::mutant::Mutant;
use mqspec_conformance::plan::Worlds;
use mqspec_conformance::verdict::{Outcome, Verdict, combine};
use mqspec_run::RunResult;
use mqspec_run::environment::simulated;
use mqspec_run::sut::mutant::{self, Lies};

use crate::failure::Failure;
use crate::parallel::in_parallel;
use crate::seed::Seed;
use crate::suite::Trial;

/// What became of one mutant.
#[derive(Clone, Debug, PartialEq)]
pub struct Trialled {
    /// The mutant.
    pub mutant: Mutant,
    /// The statements that it was convicted under, each with the address of the scenario that did it.
    pub convicted: BTreeMap<String, String>,
    /// The others, each with the reason why nobody noticed.
    pub missed: BTreeMap<String, Missed>,
}

/// Why a broken statement went unnoticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missed {
    /// No scenario claims it.
    Unclaimed,
    /// Scenarios claim it, but nothing that they do makes the mutant lie.
    NeverLied(Vec<String>),
    /// It lied to these scenarios, and they did not blame it for this.
    NotBlamed(Vec<String>),
}

impl Trialled {
    /// Whether it was convicted under every statement that it breaks.
    pub fn is_killed(&self) -> bool {
        self.missed.is_empty()
    }
}

/// Tries mutants before the scenarios that claim what they break, on all cores; the results are in the order
/// of the mutants.
///
/// # Errors
///
/// A thread that cannot be started.
pub fn try_all(mutants: &[Mutant], trials: &[Trial]) -> Result<Vec<Trialled>, Failure> {
    each(mutants, |mutant| try_one(mutant, trials))
}

/// Does work for each item, on all cores; the results are in the order of the items.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Result<Vec<R>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut results = BTreeMap::new();
    let item = |piece: u64| usize::try_from(piece).ok().and_then(|index| items.get(index));
    in_parallel(
        items.len() as u64,
        cores,
        |piece| item(piece).map(&work),
        |piece, result| {
            results.extend(result.map(|result| (piece, result)));
            Ok(())
        },
    )?;
    Ok(results.into_values().collect())
}

/// The scenarios that break under the correct broker, though they claim what one of these mutants breaks:
/// their word against a mutant is worth nothing. Addresses, sorted.
///
/// # Errors
///
/// A thread that cannot be started.
pub fn false_witnesses(mutants: &[Mutant], trials: &[Trial]) -> Result<Vec<String>, Failure> {
    let at_stake: BTreeSet<&String> = mutants.iter().flat_map(|mutant| &mutant.statements).collect();
    let witnesses: Vec<&Trial> = trials
        .iter()
        .filter(|trial| trial.plan.statements.iter().any(|statement| at_stake.contains(statement)))
        .collect();
    not_acquitting(&witnesses, |trial| simulated::run(&trial.plan, &settings()))
}

/// The scenarios of its version that a mutant does not pass, whatever they claim. Addresses, sorted.
///
/// # Errors
///
/// A thread that cannot be started.
pub fn accusers(mutant: &Mutant, trials: &[Trial]) -> Result<Vec<String>, Failure> {
    let of_its_version: Vec<&Trial> = trials.iter().filter(|trial| trial.plan.spec == mutant.spec).collect();
    not_acquitting(&of_its_version, |trial| lied_to(mutant, trial).0)
}

fn not_acquitting(
    trials: &[&Trial],
    run: impl Fn(&Trial) -> RunResult + Sync,
) -> Result<Vec<String>, Failure> {
    let simulated: Vec<&Trial> = trials.iter().copied().filter(|trial| is_simulated(trial)).collect();
    let verdicts = each(&simulated, |trial| judge(trial, run(trial)))?;
    let accusing = simulated.iter().zip(verdicts).filter(|(_, verdict)| verdict.outcome != Outcome::Pass);
    let mut accusers: Vec<String> = accusing.map(|(trial, _)| trial.plan.address.clone()).collect();
    accusers.sort();
    Ok(accusers)
}

/// Tries one mutant, statement by statement. The scenario that claims the least speaks first.
fn try_one(mutant: &Mutant, trials: &[Trial]) -> Trialled {
    let mut verdicts: BTreeMap<&str, (Verdict, bool)> = BTreeMap::new();
    let mut trialled =
        Trialled { mutant: mutant.clone(), convicted: BTreeMap::new(), missed: BTreeMap::new() };
    for statement in &mutant.statements {
        let mut witnesses: Vec<&Trial> = trials
            .iter()
            .filter(|trial| is_simulated(trial) && trial.plan.spec == mutant.spec)
            .filter(|trial| trial.plan.statements.contains(statement))
            .collect();
        witnesses.sort_by_key(|trial| (trial.plan.statements.len(), trial.plan.address.as_str()));
        let by = witnesses.iter().find(|trial| {
            let (verdict, lied) =
                verdicts.entry(trial.plan.address.as_str()).or_insert_with(|| testimony(mutant, trial));
            *lied && blames(verdict, statement)
        });
        match by {
            Some(trial) => {
                trialled.convicted.insert(statement.clone(), trial.plan.address.clone());
            }
            None => {
                trialled.missed.insert(statement.clone(), missed(&witnesses, &verdicts));
            }
        }
    }
    trialled
}

fn missed(witnesses: &[&Trial], verdicts: &BTreeMap<&str, (Verdict, bool)>) -> Missed {
    let address = |trial: &&Trial| trial.plan.address.clone();
    if witnesses.is_empty() {
        return Missed::Unclaimed;
    }
    let heard: Vec<String> = witnesses
        .iter()
        .filter(|trial| verdicts.get(trial.plan.address.as_str()).is_some_and(|(_, lied)| *lied))
        .map(address)
        .collect();
    if heard.is_empty() {
        Missed::NeverLied(witnesses.iter().map(address).collect())
    } else {
        Missed::NotBlamed(heard)
    }
}

/// What a scenario says of a mutant, and whether the mutant lied to it at all.
fn testimony(mutant: &Mutant, trial: &Trial) -> (Verdict, bool) {
    let (result, lied) = lied_to(mutant, trial);
    (judge(trial, result), lied)
}

fn lied_to(mutant: &Mutant, trial: &Trial) -> (RunResult, bool) {
    let lies = Lies::default();
    let doorkeeper = mutant::doorkeeper(mutant, &Rc::clone(&lies));
    let result = simulated::run_behind(&trial.plan, &settings(), &doorkeeper);
    (result, lies.get() > 0)
}

/// Recommendations count: a mutant may break a SHOULD.
fn judge(trial: &Trial, result: RunResult) -> Verdict {
    let mut findings = result.findings;
    findings.extend(check::always_on(&result.trace));
    combine(&trial.plan, result.stop, findings, true)
}

fn blames(verdict: &Verdict, statement: &String) -> bool {
    verdict.outcome == Outcome::Fail
        && verdict.findings.iter().any(|finding| finding.statements.contains(statement))
}

fn is_simulated(trial: &Trial) -> bool {
    !matches!(trial.plan.worlds, Worlds::LiveOnly(_))
}

fn settings() -> simulated::Settings {
    simulated::Settings { seed: Seed::default().0, time_jumps: true }
}
