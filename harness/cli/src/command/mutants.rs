//! `mqspec mutants`: proves that the suite can fail.

use std::io::Write;
use std::path::PathBuf;

use mqspec_conformance::mutant::{Mutant, built_in, load};
use mqspec_conformance::statement::{Catalogue, Standard};
use schemars::JsonSchema;
use serde::Serialize;

use crate::arguments::MutantsArguments;
use crate::failure::{Conclusion, Failure};
use crate::paint::Paint;
use crate::proof::{self, Missed, Trialled};
use crate::suite::Trial;
use crate::text;

/// The version of the document; it grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// What became of the mutants.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "mqspec mutants output")]
pub struct Document {
    /// 1.
    pub schema_version: u32,
    /// How many were tried.
    pub total: usize,
    /// How many were convicted under every statement that they break.
    pub killed: usize,
    /// The others.
    pub survivors: Vec<Survivor>,
    /// Scenarios that do not acquit the correct broker; there must be none.
    pub false_witnesses: Vec<String>,
    /// Each standard; a mutant counts for that of the first statement that it breaks.
    pub standards: Vec<StandardEntry>,
}

/// The mutants of one standard.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct StandardEntry {
    /// `mqtt-3.1.1`, `mqtt-5.0`, `amqp-0-9-1` or `rabbitmq`.
    pub id: &'static str,
    /// How many were tried.
    pub total: usize,
    /// How many were convicted under every statement that they break.
    pub killed: usize,
    /// The others.
    pub survivors: Vec<Survivor>,
}

/// A mutant that got away.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Survivor {
    /// Its name with its version.
    pub name: String,
    /// The statements that it breaks and was not convicted under.
    pub statements: Vec<String>,
}

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("there is no mutant `{0}`")]
#[diagnostic(help(
    "`mqspec mutants --list` prints them all; a part of a name means every mutant that has it"
))]
struct UnknownMutant(String);

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot read `{path}`: {why}")]
struct Unreadable {
    path: String,
    why: std::io::Error,
}

/// Tries the mutants, or lists them.
///
/// # Errors
///
/// [`Failure::Input`]: a name that no mutant has; a file that cannot be read or has mistakes.
pub fn run(
    arguments: &MutantsArguments,
    trials: &[Trial],
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    let mutants = choose(&arguments.names, known(&arguments.file)?)?;
    if arguments.list {
        for mutant in &mutants {
            writeln!(out, "{}  {}", paint.strong(&mutant.name), mutant.lie)?;
            writeln!(out, "  breaks {}", paint.faint(&mutant.statements.join(", ")))?;
        }
        return Ok(Conclusion::Holds);
    }
    let results = proof::try_all(&mutants, trials)?;
    let document = document(&results, proof::false_witnesses(&mutants, trials)?);
    if arguments.json {
        super::write_json(&document, out)?;
    } else {
        write_text(&results, &document, arguments.quiet, paint, out)?;
    }
    let proved = document.survivors.is_empty() && document.false_witnesses.is_empty();
    Ok(if proved { Conclusion::Holds } else { Conclusion::Broken })
}

/// The mutants of some files; without files, those built in.
pub(crate) fn known(files: &[PathBuf]) -> Result<Vec<Mutant>, Failure> {
    if files.is_empty() {
        return Ok(built_in());
    }
    let mut mutants = Vec::new();
    for file in files {
        let path = file.display().to_string();
        let text = text::read(file).map_err(|why| Failure::input(Unreadable { path: path.clone(), why }))?;
        mutants.extend(load(&path, &text).map_err(Failure::input)?);
    }
    Ok(mutants)
}

/// The mutants that have one of these in their names; without names, all of them.
pub(crate) fn choose(names: &[String], mutants: Vec<Mutant>) -> Result<Vec<Mutant>, Failure> {
    if let Some(unknown) =
        names.iter().find(|name| !mutants.iter().any(|mutant| mutant.name.contains(name.as_str())))
    {
        return Err(Failure::input(UnknownMutant(unknown.clone())));
    }
    let wanted =
        |mutant: &Mutant| names.is_empty() || names.iter().any(|name| mutant.name.contains(name.as_str()));
    Ok(mutants.into_iter().filter(wanted).collect())
}

/// The document.
pub fn document(results: &[Trialled], false_witnesses: Vec<String>) -> Document {
    let all: Vec<&Trialled> = results.iter().collect();
    let standards = Standard::ALL.map(|standard| {
        let own: Vec<&Trialled> =
            results.iter().filter(|result| standard_of(&result.mutant) == Some(standard)).collect();
        StandardEntry {
            id: standard.id(),
            total: own.len(),
            killed: killed(&own),
            survivors: survivors(&own),
        }
    });
    Document {
        schema_version: SCHEMA_VERSION,
        total: all.len(),
        killed: killed(&all),
        survivors: survivors(&all),
        false_witnesses,
        standards: standards.into(),
    }
}

fn standard_of(mutant: &Mutant) -> Option<Standard> {
    let first = mutant.statements.first()?;
    Catalogue::load().find(first).map(|statement| statement.standard)
}

fn killed(results: &[&Trialled]) -> usize {
    results.iter().filter(|result| result.is_killed()).count()
}

fn survivors(results: &[&Trialled]) -> Vec<Survivor> {
    results
        .iter()
        .filter(|result| !result.is_killed())
        .map(|result| Survivor {
            name: result.mutant.name.clone(),
            statements: result.missed.keys().cloned().collect(),
        })
        .collect()
}

fn write_text(
    results: &[Trialled],
    document: &Document,
    quiet: bool,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    for result in results {
        if result.is_killed() {
            if !quiet {
                let by: Vec<&str> = result.convicted.values().map(String::as_str).collect();
                writeln!(
                    out,
                    "{}  {}  {}",
                    paint.good("killed"),
                    result.mutant.name,
                    paint.faint(&first_and_more(&by))
                )?;
            }
            continue;
        }
        writeln!(out, "{}  {}", paint.bad("SURVIVED"), result.mutant.name)?;
        writeln!(out, "      {}", result.mutant.lie)?;
        for (statement, why) in &result.missed {
            writeln!(out, "      {statement}: {}", in_words(why))?;
        }
    }
    for address in &document.false_witnesses {
        writeln!(out, "{}  {address} does not acquit the correct broker", paint.bad("FALSE"))?;
    }
    writeln!(out)?;
    for standard in document.standards.iter().filter(|standard| standard.total > 0) {
        writeln!(out, "  {:<12} {:>4} of {:>4} killed", standard.id, standard.killed, standard.total)?;
    }
    writeln!(
        out,
        "{} mutants: {} killed, {} survived",
        document.total,
        document.killed,
        document.survivors.len()
    )?;
    Ok(())
}

fn first_and_more(addresses: &[&str]) -> String {
    match addresses {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first, rest @ ..] if rest.iter().all(|other| other == first) => (*first).to_owned(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

fn in_words(why: &Missed) -> String {
    match why {
        Missed::Unclaimed => String::from("no scenario claims it"),
        Missed::NeverLied(scenarios) => {
            format!("nothing in {} makes it lie", scenarios.join(", "))
        }
        Missed::NotBlamed(scenarios) => format!("{} did not notice", scenarios.join(", ")),
    }
}
