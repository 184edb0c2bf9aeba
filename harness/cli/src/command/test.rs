//! `mqspec test`: runs what is selected, several at a time, and reports.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use mqspec_conformance::plan::{Action, Step};
use mqspec_conformance::statement::Catalogue;

use crate::arguments::TestArguments;
use crate::choose::choose;
use crate::failure::{Conclusion, Failure};
use crate::output::{cannot_write, expect_writable};
use crate::paint::Paint;
use crate::parallel::in_parallel;
use crate::report::progress::Progress;
use crate::report::{ReportFormat, ReportTarget, Run, human, json, junit};
use crate::store;
use crate::suite::{Suite, Trial};
use crate::world::World;

/// Runs the selection, or lists it.
///
/// # Errors
///
/// [`Failure::Input`]: a bad selector, scenario or broker address. [`Failure::Environment`]: a broker that
/// cannot be reached, a report that cannot be written.
pub fn run(
    arguments: &TestArguments,
    suite: &Suite,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    let trials = choose(&arguments.selection.selectors, suite)?;
    if arguments.list {
        for trial in &trials {
            writeln!(out, "{}", trial.plan.address)?;
        }
        return Ok(Conclusion::Holds);
    }
    if arguments.dry_run {
        return dry_run(&trials, paint, out);
    }
    for target in &arguments.report {
        expect_writable(&target.file)?;
    }
    let world = World::open(arguments.broker.as_deref())?;
    if !arguments.quiet {
        writeln!(out, "{}\n", paint.faint(&format!("testing {}", world.describe())))?;
    }
    let (run, not_stored) = run_all(&trials, &world, arguments, paint, out)?;
    // First what needs no file: a report that cannot be written must not take the results with it.
    let ended = world.ended_by_itself();
    if let Some(how) = &ended {
        writeln!(out, "\n{}  {how}", paint.bad("ENDED"))?;
    }
    if let Some(why) = not_stored {
        let line = format!("not stored: cannot write to {}: {why}", store::FOLDER);
        writeln!(out, "\n{}", paint.unsure(&line))?;
    }
    human::write_rest(&run, Catalogue::load(), paint, out)?;
    for target in &arguments.report {
        write_report(target, &run)?;
    }
    let conclusion = run.summary().conclusion();
    // What passed before it ended says nothing about a broker that did.
    let spoiled = ended.is_some() && conclusion == Conclusion::Holds;
    Ok(if spoiled { Conclusion::Undecided } else { conclusion })
}

/// Runs everything. What could not be stored is told as well: a folder that cannot be written must not take the
/// verdicts with it.
fn run_all(
    trials: &[Trial],
    world: &World,
    arguments: &TestArguments,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<(Run, Option<io::Error>), Failure> {
    let started = Instant::now();
    let jobs = arguments.jobs.map_or_else(|| world.jobs(), usize::from);
    let mut not_stored = None;
    let mut progress = Progress::new(trials.len(), arguments.quiet, paint, out);
    // Those that must be alone come last, so that nobody waits for them.
    let (alone, beside): (Vec<_>, Vec<_>) =
        trials.iter().enumerate().partition(|(_, trial)| world.runs_alone(trial));
    let order: Vec<_> = beside.into_iter().chain(alone).collect();
    let judge = |piece: u64| {
        let chosen = usize::try_from(piece).ok().and_then(|piece| order.get(piece));
        chosen.map(|(index, trial)| (*index, world.judge(trial, arguments.seed, arguments.strict)))
    };
    in_parallel(trials.len() as u64, jobs, judge, |_, judged| {
        let Some((index, mut case)) = judged else { return Ok(()) };
        match store::keep(Path::new(store::FOLDER), &case, arguments.seed) {
            Ok(stored) => case.stored = stored,
            Err(why) => not_stored = not_stored.take().or(Some(why)),
        }
        Ok(progress.add(index, case)?)
    })?;
    let run = Run {
        cases: progress.finish(),
        seed: arguments.seed,
        broker: world.broker().map(str::to_owned),
        strict: arguments.strict,
        took: started.elapsed(),
    };
    Ok((run, not_stored))
}

fn write_report(target: &ReportTarget, run: &Run) -> Result<(), Failure> {
    let catalogue = Catalogue::load();
    let content = match target.format {
        ReportFormat::Json => {
            serde_json::to_string_pretty(&json::document(run, catalogue)).map_err(io::Error::other)
        }
        ReportFormat::Junit => junit::document(run, catalogue).to_string().map_err(io::Error::other),
    };
    let written = content.and_then(|content| std::fs::write(&target.file, content + "\n"));
    written.map_err(|why| cannot_write(&target.file, &why))
}

/// What would run, step by step.
fn dry_run(trials: &[Trial], paint: Paint, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    for trial in trials {
        writeln!(out, "{}\n  {}", paint.strong(&trial.plan.address), trial.plan.title)?;
        let mut last_line = 0;
        for step in &trial.plan.steps {
            // A composite verb has become several steps of one line.
            if step.origin.line != last_line || step.origin.line == 0 {
                writeln!(out, "  {:>4}  {}", step.origin.line, step.origin.text)?;
            }
            last_line = step.origin.line;
        }
        writeln!(out, "        {} primitive steps", count_steps(&trial.plan.steps))?;
    }
    writeln!(out, "\n{} scenarios and versions would run", trials.len())?;
    Ok(Conclusion::Holds)
}

fn count_steps(steps: &[Step]) -> usize {
    steps
        .iter()
        .map(|step| match &step.action {
            Action::Repeat { steps, .. } => 1 + count_steps(steps),
            Action::Together(branches) => {
                1 + branches.iter().map(|branch| count_steps(branch)).sum::<usize>()
            }
            Action::Open { .. }
            | Action::OpenFails { .. }
            | Action::Send { .. }
            | Action::SendBytes { .. }
            | Action::Expect(_)
            | Action::ExpectAll { .. }
            | Action::ExpectNothing { .. }
            | Action::Close { .. }
            | Action::Do { .. }
            | Action::Settle { .. }
            | Action::Fault(_)
            | Action::Disk(_)
            | Action::Broker(_)
            | Action::Wait(_)
            | Action::Bind { .. }
            | Action::Check { .. } => 1,
        })
        .sum()
}
