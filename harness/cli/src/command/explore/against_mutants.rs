//! How many cases it takes to convict a mutant, in the median over several seeds.

use std::collections::BTreeMap;
use std::io::Write;

use mqspec_conformance::mutant::{Mutant, Shows};
use schemars::JsonSchema;
use serde::Serialize;

use super::{jobs, replay, written};
use crate::arguments::ExploreArguments;
use crate::command::{mutants, sweep, write_json};
use crate::exploration::{self, REPLAYS, cases_until_convicted};
use crate::failure::{Conclusion, Failure};
use crate::paint::Paint;
use crate::parallel::in_parallel;

/// The name that stands for every mutant that shows only under faults.
const UNDER_FAULTS: &str = "under-faults";

/// What an exploration of mutants leaves for programs.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "mqspec explore --mutant output")]
pub struct Document {
    /// 1.
    pub schema_version: u32,
    /// How many mutants were tried.
    pub total: usize,
    /// How many were convicted from every seed.
    pub killed: usize,
    /// Each mutant.
    pub mutants: Vec<Entry>,
}

/// A mutant.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Entry {
    /// Its name with its version.
    pub name: String,
    /// How many cases each seed took; `null`: it survived them all.
    pub cases: Vec<Option<u64>>,
    /// The median of these, where at least half of the seeds convicted it.
    pub median: Option<u64>,
    /// What it was convicted under first.
    pub statements: Vec<String>,
    /// How many steps the shrunk case has.
    pub steps: Option<usize>,
    /// The trace's hash of the shrunk case.
    pub hash: Option<String>,
    /// Whether the shrunk case leaves the same trace each time.
    pub repeats: bool,
    /// In how many of 20 runs it does.
    pub replays: u32,
    /// The command that runs the shrunk case, which the correct broker passes.
    pub replay: Option<String>,
}

/// Explores mutants.
pub(super) fn run(
    arguments: &ExploreArguments,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    let is_group = |name: &&String| *name == "all" || *name == UNDER_FAULTS;
    let only_faults = arguments.mutant.iter().any(|name| name == UNDER_FAULTS);
    let names: Vec<String> = arguments.mutant.iter().filter(|name| !is_group(name)).cloned().collect();
    let of_spec = mutants::known(&arguments.file)?.into_iter().filter(|mutant| {
        mutant.spec == arguments.spec && (!only_faults || mutant.shows == Shows::UnderFaults)
    });
    let chosen = mutants::choose(&names, of_spec.collect())?;
    let rounds = arguments.rounds.max(1);
    let bar = sweep::bar(chosen.len() as u64 * rounds);
    let mut found: BTreeMap<u64, Option<u64>> = BTreeMap::new();
    let pieces = chosen.len() as u64 * rounds;
    let work = |piece: u64| {
        let mutant = usize::try_from(piece / rounds).ok().and_then(|index| chosen.get(index))?;
        let seed = arguments.seed.0.wrapping_add(piece % rounds);
        cases_until_convicted(arguments.spec, seed, arguments.cases, mutant).map(|(cases, ..)| cases)
    };
    in_parallel(pieces, jobs(arguments), work, |piece, cases| {
        bar.inc(1);
        found.insert(piece, cases);
        Ok(())
    })?;
    bar.finish_and_clear();
    if arguments.table {
        writeln!(out, "| mutant | median | fewest to most | survived | steps | replays | broken |")?;
        writeln!(out, "|---|---|---|---|---|---|---|")?;
    }
    let mut entries = Vec::new();
    let all: Vec<Option<u64>> = found.into_values().collect();
    let per_mutant = all.chunks(usize::try_from(rounds).unwrap_or(1));
    for (mutant, cases) in chosen.iter().zip(per_mutant) {
        let entry = entry(arguments, mutant, cases)?;
        if arguments.table {
            row(&entry, out)?;
        } else if !arguments.json {
            tell(&entry, paint, out)?;
        }
        entries.push(entry);
    }
    let killed = entries.iter().filter(|entry| entry.cases.iter().all(Option::is_some)).count();
    let document =
        Document { schema_version: super::SCHEMA_VERSION, total: entries.len(), killed, mutants: entries };
    if arguments.json {
        write_json(&document, out)?;
    } else {
        writeln!(out, "\n{killed} of {} mutants convicted from every seed", document.total)?;
    }
    Ok(if killed == document.total { Conclusion::Holds } else { Conclusion::Broken })
}

/// What is known of a mutant; the first conviction is shrunk and written.
fn entry(arguments: &ExploreArguments, mutant: &Mutant, cases: &[Option<u64>]) -> Result<Entry, Failure> {
    let mut entry = Entry {
        name: mutant.name.clone(),
        cases: cases.to_vec(),
        median: median(cases),
        statements: Vec::new(),
        steps: None,
        hash: None,
        repeats: false,
        replays: 0,
        replay: None,
    };
    let convicted = cases.iter().zip(0..).find_map(|(cases, round)| Some(((*cases)?, round)));
    let Some((most, round)) = convicted.filter(|_| arguments.shrink > 0) else { return Ok(entry) };
    let seed = arguments.seed.0.wrapping_add(round);
    let Some((number, case, judged)) = cases_until_convicted(arguments.spec, seed, most, mutant) else {
        return Ok(entry);
    };
    let convicted = exploration::convict(&case, number - 1, judged, Some(mutant));
    let path = written(&arguments.out, &convicted, Some(&mutant.name))?;
    entry.statements = convicted.judged.broken();
    entry.steps = Some(convicted.small.case.steps());
    entry.hash = Some(convicted.judged.hash.clone());
    entry.repeats = convicted.repeats;
    entry.replays = convicted.replays;
    entry.replay = Some(replay(&path, case.spec, case.seed));
    Ok(entry)
}

/// The middle one, survivors counted as more than any number.
fn median(cases: &[Option<u64>]) -> Option<u64> {
    let mut sorted: Vec<u64> = cases.iter().map(|cases| cases.unwrap_or(u64::MAX)).collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().filter(|cases| *cases != u64::MAX)
}

/// A row of a table in Markdown.
fn row(entry: &Entry, out: &mut dyn Write) -> Result<(), Failure> {
    let known = || entry.cases.iter().flatten();
    let number = |number: Option<u64>| number.map_or(String::from("-"), |number| number.to_string());
    writeln!(
        out,
        "| {} | {} | {} to {} | {} of {} | {} | {} of {REPLAYS} | {} |",
        entry.name,
        number(entry.median),
        number(known().min().copied()),
        number(known().max().copied()),
        entry.cases.len() - known().count(),
        entry.cases.len(),
        number(entry.steps.map(|steps| steps as u64)),
        entry.replays,
        entry.statements.join(" ")
    )?;
    Ok(())
}

fn tell(entry: &Entry, paint: Paint, out: &mut dyn Write) -> Result<(), Failure> {
    let survived = entry.cases.iter().filter(|cases| cases.is_none()).count();
    let verdict = match (entry.median, survived) {
        (Some(median), 0) => format!("{median} cases"),
        (Some(median), survived) => format!("{median} cases, survived {survived} seeds"),
        (None, _) => paint.bad("survived"),
    };
    let steps = entry.steps.map_or(String::new(), |steps| format!(", {steps} steps"));
    let stable = if entry.steps.is_some() && !entry.repeats { ", NOT the same each time" } else { "" };
    writeln!(out, "{}  {verdict}{steps}{stable}  {}", paint.strong(&entry.name), entry.statements.join(" "))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn a_survivor_counts_as_more_than_any_number() {
        assert_eq!(median(&[Some(3), None, Some(1)]), Some(3));
        assert_eq!(median(&[None, None, Some(1)]), None);
        assert_eq!(median(&[Some(7)]), Some(7));
    }
}
