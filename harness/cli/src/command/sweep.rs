//! `mqspec sweep`: the same scenarios under many seeds, on all cores, as one shard of several if need be.

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mqspec_conformance::verdict::Outcome;
use serde::{Deserialize, Serialize};

use crate::arguments::{Engine, MergeArguments, SweepArguments};
use crate::choose::choose;
use crate::failure::{Conclusion, Failure};
use crate::paint::Paint;
use crate::parallel::in_parallel;
use crate::report::{Case, Summary};
use crate::seed::Seed;
use crate::suite::{Suite, Trial};
use crate::world::World;

/// What a sweep leaves for programs, and for `mqspec merge`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepReport {
    /// Grows by one when a field changes its meaning or goes away.
    pub schema_version: u32,
    /// How many runs there were.
    pub cases: u64,
    /// How many passed.
    pub passed: u64,
    /// How many were not applicable.
    pub skipped: u64,
    /// How long it took, in seconds; shards add up.
    pub seconds: f64,
    /// Runs a second.
    pub rate: f64,
    /// What did not pass, in the order of address and seed.
    pub failures: Vec<SweepFailure>,
}

/// A run that did not pass.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SweepFailure {
    /// The scenario and version.
    pub address: String,
    /// The seed, as `--seed` takes it.
    pub seed: String,
    /// `fail` or `inconclusive`.
    pub verdict: String,
    /// The first finding, or why the run did not get to the point.
    pub reason: String,
    /// The trace's hash.
    pub hash: String,
    /// The command that runs it again.
    pub replay: String,
}

/// One piece of a sweep.
struct Piece<'a> {
    trial: &'a Trial,
    seed: Seed,
}

/// Sweeps.
///
/// # Errors
///
/// As [`super::test::run`].
pub fn run(
    arguments: &SweepArguments,
    suite: &Suite,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    let trials = choose(&arguments.selection.selectors, suite)?;
    let world = World::embedded(arguments.world);
    let pieces = pieces(&trials, arguments);
    if !arguments.json {
        let shard = arguments.shard.map_or(String::new(), |shard| format!(", shard {shard}"));
        let line = format!("{} runs of {} scenarios and versions{shard}", pieces.len(), trials.len());
        writeln!(out, "{}\n", paint.faint(&line))?;
    }
    let started = Instant::now();
    let bar = bar(pieces.len());
    let jobs = arguments.jobs.map_or_else(|| world.jobs(), usize::from);
    let mut summary = Summary::default();
    let mut failures = Vec::new();
    let judge = |index: u64| {
        let piece = usize::try_from(index).ok().and_then(|index| pieces.get(index));
        piece.map(|piece| (piece.seed, world.judge(piece.trial, piece.seed, arguments.strict)))
    };
    in_parallel(pieces.len() as u64, jobs, judge, |_, judged| {
        let Some((seed, case)) = judged else { return Ok(()) };
        summary.count(&case.verdict.outcome);
        bar.inc(1);
        if let Some(failure) = failure(&case, seed, arguments.world) {
            bar.set_message(format!("{} not passed", failures.len() + 1));
            if !arguments.json && failures.len() < arguments.show {
                let line = format!(
                    "{}  {} seed {}: {}",
                    paint.bad("FAIL"),
                    failure.address,
                    failure.seed,
                    failure.reason
                );
                bar.suspend(|| writeln!(out, "{line}\n      {}", failure.replay))?;
            }
            failures.push(failure);
        }
        Ok(())
    })?;
    bar.finish_and_clear();
    failures.sort();
    let seconds = started.elapsed().as_secs_f64();
    let cases = pieces.len() as u64;
    let report = SweepReport {
        schema_version: 1,
        cases,
        passed: summary.passed as u64,
        skipped: summary.skipped as u64,
        seconds,
        rate: rate(cases, seconds),
        failures,
    };
    conclude(&report, summary, arguments.json, out)
}

/// Adds the reports of shards up.
///
/// # Errors
///
/// [`Failure::Input`]: a file that is no report of a sweep.
pub fn merge(arguments: &MergeArguments, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    let mut merged: Option<SweepReport> = None;
    for path in &arguments.files {
        let report = read(path)?;
        merged = Some(match merged {
            None => report,
            Some(mut sum) => {
                sum.cases += report.cases;
                sum.passed += report.passed;
                sum.skipped += report.skipped;
                sum.seconds += report.seconds;
                sum.failures.extend(report.failures);
                sum
            }
        });
    }
    let Some(mut report) = merged else { return Ok(Conclusion::Holds) };
    report.rate = rate(report.cases, report.seconds);
    report.failures.sort();
    report.failures.dedup();
    let failed = report.failures.iter().filter(|failure| failure.verdict == "fail").count();
    let summary = Summary {
        passed: usize::try_from(report.passed).unwrap_or(usize::MAX),
        failed,
        skipped: usize::try_from(report.skipped).unwrap_or(usize::MAX),
        inconclusive: report.failures.len() - failed,
    };
    conclude(&report, summary, arguments.json, out)
}

fn conclude(
    report: &SweepReport,
    summary: Summary,
    json: bool,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    if json {
        super::write_json(report, out)?;
    } else {
        writeln!(out, "{} runs in {:.1} s, {:.0} a second", report.cases, report.seconds, report.rate)?;
        writeln!(out, "{summary}")?;
    }
    Ok(summary.conclusion())
}

fn read(path: &Path) -> Result<SweepReport, Failure> {
    let bad = |why: String| {
        Failure::Input(miette::miette!(
            help = "give files that `mqspec sweep --json` has written",
            "{} is no report of a sweep: {why}",
            path.display()
        ))
    };
    let text = std::fs::read_to_string(path).map_err(|why| bad(why.to_string()))?;
    serde_json::from_str(&text).map_err(|why| bad(why.to_string()))
}

/// Every trial under every seed, seeds first, so that a shard gets some of each scenario.
fn pieces<'a>(trials: &'a [Trial], arguments: &SweepArguments) -> Vec<Piece<'a>> {
    let seeds = arguments.seeds.clone();
    let all = seeds.flat_map(|seed| trials.iter().map(move |trial| Piece { trial, seed: Seed(seed) }));
    match arguments.shard {
        None => all.collect(),
        Some(shard) => all.skip(shard.index()).step_by(shard.of()).collect(),
    }
}

fn failure(case: &Case, seed: Seed, world: Engine) -> Option<SweepFailure> {
    let (verdict, reason) = match &case.verdict.outcome {
        Outcome::Pass | Outcome::NotApplicable(_) => return None,
        Outcome::Inconclusive(reason) => ("inconclusive", reason.clone()),
        Outcome::Fail => (
            "fail",
            case.verdict.findings.first().map_or_else(String::new, |finding| {
                format!(
                    "{}: expected {}, got {}",
                    finding.statements.join(", "),
                    finding.expected,
                    finding.actual
                )
            }),
        ),
    };
    let engine = if world == Engine::Memory { " --world memory" } else { "" };
    let protocol = case.plan.spec;
    Some(SweepFailure {
        address: case.plan.address.clone(),
        seed: seed.to_string(),
        verdict: verdict.to_owned(),
        reason,
        hash: case.hash.clone(),
        replay: format!("mqspec replay {} --protocol {protocol} --seed {seed}{engine}", case.path),
    })
}

fn bar(pieces: usize) -> ProgressBar {
    let visible = io::stderr().is_terminal();
    let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(pieces as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar
}

#[allow(clippy::cast_precision_loss, reason = "a rate for people; 2^53 runs are out of reach")]
fn rate(cases: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { cases as f64 / seconds } else { 0.0 }
}
