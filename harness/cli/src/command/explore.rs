//! `mqspec explore`: workloads and faults that nobody wrote, and what they find made small.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use mqspec_conformance::explore::{Case, KINDS};
use mqspec_conformance::verdict::Outcome;
use mqspec_wire::Spec;
use schemars::JsonSchema;
use serde::Serialize;

use super::sweep::bar;
use crate::arguments::ExploreArguments;
use crate::exploration::{self, Convicted, Judged};
use crate::failure::{Conclusion, Failure};
use crate::interrupt::asked_to_stop;
use crate::paint::Paint;
use crate::parallel::in_parallel_until;
use crate::seed::Seed;
use crate::sweep::report::rate;
use crate::text::count;

mod against_mutants;

pub use against_mutants::Document as MutantsDocument;

/// The version of the document; it grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// What an exploration leaves for programs.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "mqspec explore output")]
pub struct Document {
    /// 1.
    pub schema_version: u32,
    /// What the clients spoke.
    pub spec: String,
    /// The seed, as `--seed` takes it.
    pub seed: String,
    /// How many cases were run.
    pub cases: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Cases a second.
    pub rate: f64,
    /// What did not pass, in the order of the cases.
    pub failures: Vec<ExploredFailure>,
}

/// A case that did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExploredFailure {
    /// Its number under the seed.
    pub case: u64,
    /// The seed of its run.
    pub seed: String,
    /// `fail` or `inconclusive`.
    pub verdict: String,
    /// The statements that were broken.
    pub statements: Vec<String>,
    /// The first finding, or why nothing could be said.
    pub reason: String,
    /// What was drawn.
    pub drawn: String,
    /// The trace's hash; of the small case, where it was shrunk.
    pub hash: String,
    /// The scenario that fails by itself, where it was shrunk.
    pub scenario: Option<String>,
    /// How many steps that has.
    pub steps: Option<usize>,
    /// The command that runs it again.
    pub replay: String,
}

/// Explores.
///
/// # Errors
///
/// [`Failure::Input`]: a name that no mutant has. [`Failure::Environment`]: a scenario that cannot be written.
pub fn run(arguments: &ExploreArguments, paint: Paint, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    if let Some(number) = arguments.case {
        return one(arguments, number, paint, out);
    }
    if !arguments.mutant.is_empty() {
        headline(arguments, paint, out)?;
        return against_mutants::run(arguments, paint, out);
    }
    let stop = asked_to_stop()?;
    headline(arguments, paint, out)?;
    let started = Instant::now();
    let (cases, mut failures) = failures(arguments, &stop, paint, out)?;
    let seconds = started.elapsed().as_secs_f64();
    failures.sort_by_key(|(number, _)| *number);
    let mut document = Document {
        schema_version: SCHEMA_VERSION,
        spec: arguments.spec.to_string(),
        seed: arguments.seed.to_string(),
        cases,
        seconds,
        rate: rate(cases, seconds),
        failures: Vec::new(),
    };
    let (mut shrunk, mut not_written) = (0, None);
    for (number, judged) in failures {
        let case = Case::draw(arguments.spec, arguments.seed.0, number);
        document.failures.push(if judged.fails() && shrunk < arguments.shrink {
            shrunk += 1;
            let convicted = exploration::convict(&case, number, judged, None);
            match written(&arguments.out, &convicted, None) {
                Ok(path) => {
                    let failure = small_failure(&convicted, &path);
                    if !arguments.json {
                        tell(&convicted, &failure, paint, out)?;
                    }
                    failure
                }
                Err(why) => {
                    not_written = not_written.or(Some(why));
                    whole_failure(arguments, &case, number, &convicted.judged)
                }
            }
        } else {
            whole_failure(arguments, &case, number, &judged)
        });
    }
    let conclusion = conclude(&document, arguments.json, out)?;
    if let Some(why) = not_written {
        return Err(why);
    }
    if cases == arguments.cases {
        return Ok(conclusion);
    }
    // Nobody is left to tell where that fails.
    let _unheard = writeln!(io::stderr(), "interrupted after {cases} of {} cases", arguments.cases);
    Ok(Conclusion::Undecided)
}

/// What is drawn, in a line.
fn headline(arguments: &ExploreArguments, paint: Paint, out: &mut dyn Write) -> Result<(), Failure> {
    if arguments.json || arguments.table {
        return Ok(());
    }
    let line = format!(
        "{} for {} from seed {}, with faults of {} kinds: {}",
        count(arguments.cases, "case"),
        arguments.spec,
        arguments.seed,
        KINDS.len(),
        KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
    );
    Ok(writeln!(out, "{}\n", paint.faint(&line))?)
}

/// Runs every case, or those that come before an interruption; how many these were, and those that do not pass, with
/// their numbers.
fn failures(
    arguments: &ExploreArguments,
    stop: &AtomicBool,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<(u64, Vec<(u64, Judged)>), Failure> {
    let bar = bar(arguments.cases);
    let (mut cases, mut failures) = (0, Vec::new());
    let work = |number| {
        let judged = exploration::run(&Case::draw(arguments.spec, arguments.seed.0, number), None);
        (judged.verdict.outcome != Outcome::Pass).then_some(judged)
    };
    in_parallel_until(stop, arguments.cases, jobs(arguments), work, |number, judged| {
        bar.inc(1);
        cases += 1;
        let Some(judged) = judged else { return Ok(()) };
        bar.set_message(format!("{} not passed", failures.len() + 1));
        if !arguments.json && failures.len() < 10 {
            let word = if judged.fails() { "FAIL" } else { "INCONCLUSIVE" };
            let line = format!("{}  case {number}: {}", paint.bad(word), judged.reason());
            bar.suspend(|| writeln!(out, "{line}"))?;
        }
        failures.push((number, judged));
        Ok(())
    })?;
    bar.finish_and_clear();
    Ok((cases, failures))
}

/// Prints and runs one case.
fn one(
    arguments: &ExploreArguments,
    number: u64,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    let case = Case::draw(arguments.spec, arguments.seed.0, number);
    writeln!(out, "{}", paint.faint(&format!("case {number}: {}", case.summary())))?;
    writeln!(out, "{}", case.yaml(&[]))?;
    let judged = exploration::run(&case, None);
    writeln!(out, "{}\ntrace hash: {}", judged.reason(), judged.hash)?;
    Ok(match judged.verdict.outcome {
        Outcome::Pass | Outcome::NotApplicable(_) => Conclusion::Holds,
        Outcome::Fail => Conclusion::Broken,
        Outcome::Inconclusive(_) => Conclusion::Undecided,
    })
}

fn jobs(arguments: &ExploreArguments) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    arguments.jobs.map_or_else(cores, usize::from)
}

/// Writes the small case as a scenario.
fn written(folder: &Path, convicted: &Convicted, mutant: Option<&str>) -> Result<PathBuf, Failure> {
    let case = &convicted.small.case;
    let name =
        mutant.map_or_else(|| format!("case-{}", convicted.number), |name| name.replace(['/', '@'], "-"));
    let path = folder.join(format!("{}-{name}.yaml", case.spec.id()));
    let text = case.yaml(&convicted.judged.broken());
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, text))
        .map_err(|why| Failure::Environment(miette::miette!("cannot write {}: {why}", path.display())))?;
    Ok(path)
}

fn replay(path: &Path, spec: Spec, seed: u64) -> String {
    format!("mqspec replay {} --protocol {spec} --seed {} --world memory", path.display(), Seed(seed))
}

fn small_failure(convicted: &Convicted, path: &Path) -> ExploredFailure {
    let case = &convicted.small.case;
    ExploredFailure {
        case: convicted.number,
        seed: Seed(case.seed).to_string(),
        verdict: String::from("fail"),
        statements: convicted.judged.broken(),
        reason: convicted.judged.reason(),
        drawn: convicted.drawn.clone(),
        hash: convicted.judged.hash.clone(),
        scenario: Some(path.display().to_string()),
        steps: Some(case.steps()),
        replay: replay(path, case.spec, case.seed),
    }
}

fn whole_failure(arguments: &ExploreArguments, case: &Case, number: u64, judged: &Judged) -> ExploredFailure {
    ExploredFailure {
        case: number,
        seed: Seed(case.seed).to_string(),
        verdict: String::from(if judged.fails() { "fail" } else { "inconclusive" }),
        statements: judged.broken(),
        reason: judged.reason(),
        drawn: case.summary(),
        hash: judged.hash.clone(),
        scenario: None,
        steps: None,
        replay: format!("mqspec explore --spec {} --seed {} --case {number}", arguments.spec, arguments.seed),
    }
}

/// Prints a failure that was made small.
fn tell(
    convicted: &Convicted,
    failure: &ExploredFailure,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    writeln!(out, "\n{} {}", paint.bad("case"), paint.strong(&convicted.number.to_string()))?;
    writeln!(out, "  drawn   {}", convicted.drawn)?;
    writeln!(out, "  broken  {}", failure.reason)?;
    let steps = convicted.small.case.steps();
    writeln!(out, "  shrunk  to {steps} steps in {} tries", convicted.small.tried)?;
    let again = if convicted.repeats { "the same each time" } else { "NOT the same each time" };
    writeln!(out, "  hash    {} ({again})", failure.hash)?;
    writeln!(out, "  replay  {}", failure.replay)?;
    Ok(())
}

fn conclude(document: &Document, json: bool, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    let failed = document.failures.iter().filter(|failure| failure.verdict == "fail").count();
    let inconclusive = document.failures.len() - failed;
    if json {
        super::write_json(document, out)?;
    } else {
        let passed = document.cases - document.failures.len() as u64;
        writeln!(
            out,
            "{} in {:.1} s, {:.0} a second",
            count(document.cases, "case"),
            document.seconds,
            document.rate
        )?;
        let more = if inconclusive > 0 { format!(", {inconclusive} inconclusive") } else { String::new() };
        writeln!(out, "{passed} passed, {failed} failed, 0 skipped{more}")?;
    }
    Ok(match (failed, inconclusive) {
        (0, 0) => Conclusion::Holds,
        (0, _) => Conclusion::Undecided,
        (_, _) => Conclusion::Broken,
    })
}
