//! `mqspec list`: what there is to run.

use std::collections::BTreeMap;
use std::io::Write;

use crate::failure::{Conclusion, Failure};
use crate::paint::Paint;
use crate::suite::Trial;
use crate::text::count;

/// Prints each scenario with its title and the versions that it is for.
///
/// # Errors
///
/// What the output returns.
pub fn run(trials: &[Trial], paint: Paint, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    let mut scenarios: BTreeMap<&str, Vec<&Trial>> = BTreeMap::new();
    for trial in trials {
        scenarios.entry(&trial.name).or_default().push(trial);
    }
    for (name, versions) in &scenarios {
        let title = versions.first().map_or("", |trial| &trial.plan.title);
        let versions: Vec<&str> = versions.iter().map(|trial| trial.plan.spec.id()).collect();
        writeln!(out, "{}  {}\n    {title}", paint.strong(name), paint.faint(&versions.join(", ")))?;
    }
    writeln!(out, "\n{}, {} with each version counted", count(scenarios.len(), "scenario"), trials.len())?;
    Ok(Conclusion::Holds)
}
