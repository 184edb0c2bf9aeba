//! `mqspec fuzz-to-scenario`: what a fuzzer found, as a scenario to look at, to shrink by hand and to keep.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use mqspec_fuzz_script::{NoScript, record};
use thiserror::Error;

use crate::arguments::FuzzToScenarioArguments;
use crate::failure::{Conclusion, Failure};
use crate::fuzz_scenario::scenario;

#[derive(Debug, Error, miette::Diagnostic)]
#[error("the input `{}` cannot be read", path.display())]
struct NoInput {
    path: PathBuf,
    #[source]
    source: io::Error,
}

#[derive(Debug, Error, miette::Diagnostic)]
#[error("`{}` has no scenario form", path.display())]
struct NoForm {
    path: PathBuf,
    #[source]
    source: NoScript,
    #[help]
    help: Option<&'static str>,
}

/// Prints the scenario.
///
/// # Errors
///
/// [`Failure::Input`]: a file that cannot be read; a target whose inputs are no clients; what a server sends.
pub fn run(arguments: &FuzzToScenarioArguments, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    let path = &arguments.file;
    let input = fs::read(path).map_err(|source| Failure::input(NoInput { path: path.clone(), source }))?;
    let recording = record(&arguments.target, &input).map_err(|source| {
        let help = help(&arguments.target);
        Failure::input(NoForm { path: path.clone(), source, help })
    })?;
    write!(out, "{}", scenario(&arguments.target, &path.display().to_string(), &recording))?;
    Ok(Conclusion::Holds)
}

/// What to do instead.
fn help(target: &str) -> Option<&'static str> {
    match target {
        "scenario_load" => Some("such an input is a scenario itself: `mqspec test --dry-run FILE` loads it"),
        "checks" => Some(
            "such an input is a trace that no broker left: `cargo run --example replay -- checks FILE` in \
             fuzz/properties judges it",
        ),
        "log" => Some(
            "such an input is what a broker finds on its disk: `cargo run --example replay -- log FILE` in \
             fuzz/properties recovers it",
        ),
        _ => None,
    }
}
