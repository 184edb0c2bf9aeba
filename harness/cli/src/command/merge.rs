//! `mqspec merge`: the reports of a sweep's shards, added up.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::sweep::{self, Output};
use crate::arguments::MergeArguments;
use crate::failure::{Conclusion, Failure};
use crate::paint::Paint;
use crate::sweep::SweepReport;
use crate::text;

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{} cannot be added: {why}", path.display())]
#[diagnostic(help(
    "give files that `mqspec sweep --json` has written for the shards of one sweep, each once"
))]
struct NoShard {
    path: PathBuf,
    why: String,
}

/// Adds the reports of shards up, and tells the sum like the sweep itself.
///
/// # Errors
///
/// [`Failure::Input`]: a file that is no report of a sweep, or of another one.
pub fn run(arguments: &MergeArguments, paint: Paint, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    let mut merged: Option<SweepReport> = None;
    for path in &arguments.files {
        let report = read(path)?;
        match &mut merged {
            None => merged = Some(report),
            Some(sum) => sum.add(report).map_err(|why| no_shard(path, why.to_string()))?,
        }
    }
    let Some(merged) = merged.map(SweepReport::finished) else { return Ok(Conclusion::Holds) };
    let missing = merged.missing();
    if !arguments.json {
        for failure in merged.failures.iter().take(arguments.show) {
            writeln!(out, "{}", sweep::failure_lines(failure, paint))?;
        }
        if !missing.is_empty() {
            let line = format!("not the whole sweep: missing are the shards {}", missing.join(", "));
            writeln!(out, "{}", paint.bad(&line))?;
        }
    }
    let output = Output { json: arguments.json, file: arguments.output.as_deref() };
    let conclusion = sweep::conclude(&merged, output, out)?;
    // What nobody has run says nothing.
    let incomplete = conclusion == Conclusion::Holds && !missing.is_empty();
    Ok(if incomplete { Conclusion::Undecided } else { conclusion })
}

fn read(path: &Path) -> Result<SweepReport, Failure> {
    let text = text::read(path).map_err(|why| no_shard(path, why.to_string()))?;
    let report: SweepReport = serde_json::from_str(&text)
        .map_err(|why| no_shard(path, format!("it is no report of a sweep ({why})")))?;
    report.checked().map_err(|why| no_shard(path, why.to_string()))
}

fn no_shard(path: &Path, why: String) -> Failure {
    Failure::input(NoShard { path: path.to_owned(), why })
}
