//! `mqspec replay`: one scenario again, told packet by packet.

use std::io::Write;

use mqspec_conformance::statement::Catalogue;
use mqspec_conformance::trace::lanes::{self, Detail};
use mqspec_conformance::verdict::Outcome;

use crate::arguments::ReplayArguments;
use crate::choose::of_file;
use crate::command::sweep::named_mutant;
use crate::failure::{Conclusion, Failure};
use crate::paint::Paint;
use crate::report::{Case, Summary, failure};
use crate::suite::Suite;
use crate::world::World;

/// Runs a scenario in one version, or in each that it lists, and prints the lanes of the whole run, the
/// verdict, and as last line the hash of the trace.
///
/// # Errors
///
/// As [`super::test::run`].
pub fn run(
    arguments: &ReplayArguments,
    suite: &Suite,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    let trials = of_file(&arguments.file, arguments.protocol, suite)?;
    let world = if let Some(broker) = &arguments.broker {
        World::open(Some(broker))?
    } else {
        let mutant = arguments.mutant.as_deref().map(named_mutant).transpose()?;
        World::embedded(arguments.world).with_mutant(mutant)
    };
    let mut summary = Summary::default();
    for (index, trial) in trials.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        let case = world.judge(trial, arguments.seed, arguments.strict);
        writeln!(out, "{}\n{}", paint.strong(&case.plan.address), case.plan.title)?;
        writeln!(out, "{}\n", paint.faint(&format!("{}, seed {}", world.describe(), arguments.seed)))?;
        write_case(&case, arguments, paint, out)?;
        summary.count(&case.verdict.outcome);
    }
    Ok(summary.conclusion())
}

fn write_case(
    case: &Case,
    arguments: &ReplayArguments,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let detail = Detail { bytes: !arguments.no_bytes, steps: true };
    write!(out, "{}", lanes::render(&case.trace, &case.trace.events, detail))?;
    for finding in &case.verdict.findings {
        writeln!(out)?;
        write!(out, "{}", failure::render_finding(finding, &case.path, Catalogue::load(), paint))?;
    }
    for disagreement in &case.disagreements {
        writeln!(out, "\n  note      {disagreement}")?;
    }
    writeln!(out)?;
    match &case.verdict.outcome {
        Outcome::Pass => writeln!(out, "verdict: {}", paint.good("pass"))?,
        Outcome::Fail => writeln!(out, "verdict: {}", paint.bad("FAIL"))?,
        Outcome::NotApplicable(reason) => writeln!(out, "verdict: not applicable: {reason}")?,
        Outcome::Inconclusive(reason) => {
            writeln!(out, "verdict: {}: {reason}", paint.unsure("inconclusive"))?;
        }
    }
    writeln!(out, "trace hash: {}", case.hash)?;
    Ok(())
}
