//! `mqspec sweep`: the same scenarios under many seeds, on all cores, as one shard of several if need be.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mqspec_conformance::mutant::{Mutant, built_in};
use mqspec_conformance::statement::nearest;
use mqspec_conformance::verdict::Outcome;

use crate::arguments::{Engine, SweepArguments};
use crate::choose::choose;
use crate::failure::{Conclusion, Failure};
use crate::interrupt::asked_to_stop;
use crate::output::{cannot_write, expect_writable};
use crate::paint::Paint;
use crate::parallel::in_parallel_until;
use crate::report::{Case, Repetition};
use crate::seed::Seed;
use crate::suite::Suite;
use crate::sweep::extent::CHUNK;
use crate::sweep::journal::Header;
use crate::sweep::{Extent, Journal, Subject, SweepFailure, SweepReport, Tally};
use crate::text::count;
use crate::world::World;

/// Where the report goes.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// JSON instead of text.
    pub json: bool,
    /// JSON into this file, too.
    pub file: Option<&'a Path>,
}

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("there is no mutant `{name}`")]
struct UnknownMutant {
    name: String,
    #[help]
    help: Option<String>,
}

/// Sweeps.
///
/// # Errors
///
/// As [`super::test::run`]; [`Failure::Input`]: no such mutant, or a file to resume from that is of another
/// sweep.
pub fn run(
    arguments: &SweepArguments,
    suite: &Suite,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    let trials = choose(&arguments.selection.selectors, suite)?;
    let mutant = arguments.mutant.as_deref().map(named_mutant).transpose()?;
    let extent = Extent::new(trials.len(), arguments.seeds.clone(), arguments.shard);
    if !extent.is_countable() {
        return Err(Failure::Input(miette::miette!(
            help = "give fewer seeds, or select less",
            "{} scenarios and versions under the seeds {:?} are more runs than 64 bits can count",
            trials.len(),
            arguments.seeds
        )));
    }
    let stop = asked_to_stop()?;
    if !arguments.json {
        let shard = arguments.shard.map_or(String::new(), |shard| format!(", shard {shard}"));
        let line = format!(
            "{} of {} and versions{shard}",
            count(extent.pieces(), "run"),
            count(trials.len(), "scenario")
        );
        writeln!(out, "{}\n", paint.faint(&line))?;
    }
    if arguments.dry_run {
        return Ok(Conclusion::Holds);
    }
    let subject = Subject {
        world: arguments.world.name().to_owned(),
        mutant: mutant.as_ref().map(|mutant| mutant.name.clone()),
        strict: arguments.strict,
        ..Subject::new(&trials, &arguments.seeds)
    };
    let header =
        Header { sweep: subject, shard: arguments.shard.map(|shard| shard.to_string()), chunk: CHUNK };
    let journal =
        arguments.resume.as_deref().map(|path| Journal::open(path, &header, &extent)).transpose()?;
    if let Some(path) = &arguments.output {
        expect_writable(path)?;
    }
    let world = World::embedded(arguments.world)
        .with_mutant(mutant)
        .with_time_jumps(!arguments.no_jumps)
        .running_twice(arguments.twice);
    let mut sweep = Sweep::new(&extent, journal, arguments, paint, out);
    sweep.tell_what_was_done()?;
    let pending: Vec<u64> = (0..extent.chunks()).filter(|chunk| !sweep.is_done(*chunk)).collect();
    let judge = |number: u64| {
        let chunk = *pending.get(usize::try_from(number / CHUNK).ok()?)?;
        let piece = extent.piece(chunk * CHUNK + number % CHUNK)?;
        let trial = trials.get(piece.trial)?;
        Some((chunk, piece.seed, world.judge(trial, piece.seed, arguments.strict)))
    };
    let jobs = arguments.jobs.map_or_else(|| world.jobs(), usize::from);
    in_parallel_until(&stop, pending.len() as u64 * CHUNK, jobs, judge, |_, judged| {
        judged.map_or(Ok(()), |(chunk, seed, case)| sweep.take(chunk, seed, &case))
    })?;
    if stop.load(Ordering::Relaxed) && !sweep.is_complete() {
        return sweep.interrupted();
    }
    let (tally, seconds) = sweep.finish();
    let seconds = (!arguments.no_times).then_some(seconds);
    let report = SweepReport::new(header.sweep, header.shard, tally, seconds);
    conclude(&report, Output { json: arguments.json, file: arguments.output.as_deref() }, out)
}

/// A sweep under way.
struct Sweep<'a> {
    extent: &'a Extent,
    arguments: &'a SweepArguments,
    paint: Paint,
    out: &'a mut dyn Write,
    journal: Option<Journal>,
    /// What is done, but for what the journal holds.
    tally: Tally,
    /// Chunks of which some runs are done.
    begun: BTreeMap<u64, Tally>,
    /// How many runs have not passed so far.
    found: usize,
    bar: ProgressBar,
    started: Instant,
    /// When the journal was written last, in seconds since the start.
    kept_at: f64,
}

impl<'a> Sweep<'a> {
    fn new(
        extent: &'a Extent,
        journal: Option<Journal>,
        arguments: &'a SweepArguments,
        paint: Paint,
        out: &'a mut dyn Write,
    ) -> Self {
        let bar = bar(extent.pieces());
        let (tally, begun) = (Tally::default(), BTreeMap::new());
        let started = Instant::now();
        Self { extent, arguments, paint, out, journal, tally, begun, found: 0, bar, started, kept_at: 0.0 }
    }

    fn is_done(&self, chunk: u64) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.done().contains_key(&chunk))
    }

    fn tell_what_was_done(&mut self) -> Result<(), Failure> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let done: u64 = journal.done().values().map(Tally::runs).sum();
        self.found = journal.done().values().map(|tally| tally.failures.len()).sum();
        self.bar.set_position(done);
        self.bar.reset_eta();
        if done > 0 && !self.arguments.json {
            let line = format!("{done} of them were done before, {} not passed", self.found);
            writeln!(self.out, "{}\n", self.paint.faint(&line))?;
        }
        Ok(())
    }

    /// Takes a finished run, in any order.
    fn take(&mut self, chunk: u64, seed: Seed, case: &Case) -> Result<(), Failure> {
        let tally = self.begun.entry(chunk).or_default();
        let failures = tally.failures.len();
        tally.count(case, seed, || failure(case, seed, self.arguments));
        self.bar.inc(1);
        if let Some(failure) = tally.failures.get(failures) {
            if !self.arguments.json && self.found < self.arguments.show {
                let lines = failure_lines(failure, self.paint);
                let out = &mut self.out;
                self.bar.suspend(|| writeln!(out, "{lines}"))?;
            }
            self.found += 1;
            self.bar.set_message(format!("{} not passed", self.found));
        }
        if tally.runs() < self.extent.length_of(chunk) {
            return Ok(());
        }
        let tally = self.begun.remove(&chunk).unwrap_or_default();
        match &mut self.journal {
            None => self.tally.add(tally),
            Some(journal) => {
                let now = self.started.elapsed().as_secs_f64();
                journal.keep(chunk, tally, now - self.kept_at)?;
                self.kept_at = now;
            }
        }
        Ok(())
    }

    /// All that is done: chunks of which some runs are missing as well.
    fn so_far(&self) -> Tally {
        let mut tally = self.tally.clone();
        let kept = self.journal.iter().flat_map(|journal| journal.done().values());
        for others in kept.chain(self.begun.values()) {
            tally.add(others.clone());
        }
        tally
    }

    fn is_complete(&self) -> bool {
        self.so_far().runs() == self.extent.pieces()
    }

    /// Tells what was found before somebody stopped it. There is no report: what is not the whole looks like it.
    fn interrupted(self) -> Result<Conclusion, Failure> {
        self.bar.finish_and_clear();
        let tally = self.so_far();
        let again = self.arguments.resume.as_ref().map_or_else(
            || String::from("nothing was kept (--resume FILE would)"),
            |path| format!("the same command goes on from {}", path.display()),
        );
        let line = format!("interrupted after {} of {} runs; {again}", tally.runs(), self.extent.pieces());
        if self.arguments.json {
            // Nobody is left to tell where that fails.
            let _unheard = writeln!(io::stderr(), "{line}");
        } else {
            writeln!(self.out, "\n{}\n{}", self.paint.unsure(&line), tally.summary())?;
        }
        // Also where something failed: schedulers take 1 for a shard that has done its work.
        Ok(Conclusion::Undecided)
    }

    /// Everything, and how long it took in seconds.
    fn finish(mut self) -> (Tally, f64) {
        self.bar.finish_and_clear();
        assert!(self.begun.is_empty(), "every chunk that was begun has been finished");
        let Some(journal) = self.journal else {
            return (self.tally, self.started.elapsed().as_secs_f64());
        };
        for tally in journal.done().values() {
            self.tally.add(tally.clone());
        }
        (self.tally, journal.seconds())
    }
}

/// Tells a report to whom it is for.
///
/// # Errors
///
/// [`Failure::Environment`]: the report's file cannot be written.
pub fn conclude(
    report: &SweepReport,
    output: Output<'_>,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    if output.json {
        super::write_json(report, out)?;
    } else {
        if let (Some(seconds), Some(rate)) = (report.seconds, report.rate) {
            writeln!(out, "{} in {seconds:.1} s, {rate:.0} a second", count(report.cases, "run"))?;
        }
        writeln!(out, "hash of all traces: {}", report.hash)?;
        writeln!(out, "{}", report.summary())?;
    }
    if let Some(path) = output.file {
        let mut text = Vec::new();
        super::write_json(report, &mut text)?;
        std::fs::write(path, text).map_err(|why| cannot_write(path, &why))?;
    }
    Ok(report.summary().conclusion())
}

/// A failure on two lines: what, and how to see it again.
pub fn failure_lines(failure: &SweepFailure, paint: Paint) -> String {
    let SweepFailure { address, seed, reason, replay, .. } = failure;
    let word = if failure.verdict == "fail" { paint.bad("FAIL") } else { paint.unsure("????") };
    let differs = if failure.reproducible { "" } else { "\n      NOT REPRODUCIBLE: a second run differed" };
    format!("{word}  {address} seed {seed}: {reason}\n      {replay}{differs}")
}

fn failure(case: &Case, seed: Seed, arguments: &SweepArguments) -> SweepFailure {
    let finding = case.verdict.findings.first();
    let (verdict, reason) = match (&case.verdict.outcome, finding) {
        (Outcome::Inconclusive(reason) | Outcome::NotApplicable(reason), _) => {
            ("inconclusive", reason.clone())
        }
        (Outcome::Pass, _) => {
            ("inconclusive", String::from("it passes, and a second run of the same seed left another trace"))
        }
        (Outcome::Fail, Some(finding)) => {
            let statements = finding.statements.join(", ");
            ("fail", format!("{statements}: expected {}, got {}", finding.expected, finding.actual))
        }
        (Outcome::Fail, None) => ("fail", String::new()),
    };
    let engine = if arguments.world == Engine::Memory { " --world memory" } else { "" };
    let mutant = arguments.mutant.as_ref().map_or(String::new(), |mutant| format!(" --mutant {mutant}"));
    let strict = if arguments.strict { " --strict" } else { "" };
    let protocol = case.plan.spec;
    SweepFailure {
        address: case.plan.address.clone(),
        seed: seed.to_string(),
        verdict: verdict.to_owned(),
        reason,
        hash: case.hash.clone(),
        reproducible: !matches!(case.repetition, Repetition::Differs(_)),
        replay: format!(
            "mqspec replay {} --protocol {protocol} --seed {seed}{engine}{mutant}{strict}",
            case.path
        ),
    }
}

/// The mutant with exactly this name.
///
/// # Errors
///
/// [`Failure::Input`]: there is none; says which is near.
pub fn named_mutant(name: &str) -> Result<Mutant, Failure> {
    let mutants = built_in();
    if let Some(mutant) = mutants.iter().find(|mutant| mutant.name == name) {
        return Ok(mutant.clone());
    }
    let near = nearest(name, mutants.iter().map(|mutant| mutant.name.as_str()));
    let help = near.map_or_else(
        || String::from("`mqspec mutants --list` prints them all"),
        |near| format!("did you mean `{near}`? `mqspec mutants --list` prints them all"),
    );
    Err(Failure::input(UnknownMutant { name: name.to_owned(), help: Some(help) }))
}

pub(in crate::command) fn bar(pieces: u64) -> ProgressBar {
    let visible = io::stderr().is_terminal();
    let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(pieces), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar
}
