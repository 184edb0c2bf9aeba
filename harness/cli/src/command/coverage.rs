//! `mqspec coverage`: how much of each standard scenarios claim.
//!
//! A statement counts as covered where a scenario claims it, and as proven where that scenario has convicted
//! a mutant of it: a broker that breaks just this.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use mqspec_conformance::mutant::built_in;
use mqspec_conformance::statement::{Catalogue, Observe, Standard, Statement};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::{Conclusion, Failure};
use crate::paint::Paint;
use crate::proof;
use crate::suite::Trial;

/// The version of the document; it grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// What scenarios claim of the standards.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "mqspec coverage output")]
pub struct Document {
    /// 1.
    pub schema_version: u32,
    /// What makes a statement covered: `claimed` (by a scenario).
    pub covered_means: &'static str,
    /// Each standard.
    pub standards: Vec<StandardEntry>,
}

/// One standard.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct StandardEntry {
    /// `mqtt-3.1.1`, `mqtt-5.0`, `amqp-0-9-1` or `rabbitmq`.
    pub id: &'static str,
    /// How many statements it makes.
    pub statements: usize,
    /// How many of them a test of a broker can reach.
    pub reachable: usize,
    /// How many of the reachable ones a scenario claims.
    pub covered: usize,
    /// For how many of those a scenario that claims them has convicted a mutant.
    pub proven: usize,
    /// The covered ones that no mutant proves.
    pub unproven: Vec<String>,
    /// The others, unreachable ones included: `statements` is `covered` plus these.
    pub uncovered: Vec<UncoveredEntry>,
    /// Rules without a label in the standard, with an id of ours, that a scenario claims.
    pub unnumbered_covered: usize,
}

/// A statement that is not covered.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct UncoveredEntry {
    /// Its full id.
    pub id: String,
    /// Why.
    pub reason: String,
    /// Whether a test of a broker can reach it.
    pub reachable: bool,
}

/// What is known of statements, by their full ids.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Scenarios claim them.
    pub claimed: &'a BTreeSet<&'a str>,
    /// Scenarios that claim them have convicted a mutant of them.
    pub proven: &'a BTreeSet<&'a str>,
}

impl Known<'_> {
    fn is_covered(self, statement: &Statement) -> bool {
        statement.reachable() && self.claimed.contains(statement.full_id.as_str())
    }

    fn is_proven(self, statement: &Statement) -> bool {
        self.is_covered(statement) && self.proven.contains(statement.full_id.as_str())
    }
}

/// Prints the counts, by section or as JSON.
///
/// # Errors
///
/// What the output returns.
pub fn run(trials: &[Trial], json: bool, paint: Paint, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    let claimed: BTreeSet<&str> =
        trials.iter().flat_map(|trial| trial.plan.statements.iter().map(String::as_str)).collect();
    let results = proof::try_all(&built_in(), trials)?;
    let proven: BTreeSet<&str> =
        results.iter().flat_map(|result| result.convicted.keys().map(String::as_str)).collect();
    let known = Known { claimed: &claimed, proven: &proven };
    if json {
        super::write_json(&document(known, Catalogue::load()), out)?;
    } else {
        write_table(known, Catalogue::load(), paint, out)?;
    }
    Ok(Conclusion::Holds)
}

/// The document.
pub fn document(known: Known<'_>, catalogue: &Catalogue) -> Document {
    let standards = Standard::ALL.map(|standard| standard_entry(standard, known, catalogue)).into();
    Document { schema_version: SCHEMA_VERSION, covered_means: "claimed", standards }
}

fn standard_entry(standard: Standard, known: Known<'_>, catalogue: &Catalogue) -> StandardEntry {
    let counts = catalogue.counts(standard);
    let numbered = || catalogue.of(standard).filter(|statement| statement.numbered);
    StandardEntry {
        id: standard.id(),
        statements: counts.statements,
        reachable: counts.reachable,
        covered: numbered().filter(|statement| known.is_covered(statement)).count(),
        proven: numbered().filter(|statement| known.is_proven(statement)).count(),
        unproven: numbered()
            .filter(|statement| known.is_covered(statement) && !known.is_proven(statement))
            .map(|statement| statement.full_id.clone())
            .collect(),
        uncovered: numbered()
            .filter(|statement| !known.is_covered(statement))
            .map(|statement| UncoveredEntry {
                id: statement.full_id.clone(),
                reason: reason(statement),
                reachable: statement.reachable(),
            })
            .collect(),
        unnumbered_covered: catalogue
            .of(standard)
            .filter(|statement| !statement.numbered && known.is_covered(statement))
            .count(),
    }
}

fn reason(statement: &Statement) -> String {
    match statement.observe {
        Observe::Client => String::from("binds clients only"),
        Observe::Untestable => statement.notes.to_owned(),
        Observe::Wire | Observe::WireError | Observe::Fault | Observe::Restart | Observe::Config => {
            String::from("no scenario claims it yet")
        }
    }
}

/// A line per top section, then one per standard.
fn write_table(
    known: Known<'_>,
    catalogue: &Catalogue,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    for standard in Standard::ALL {
        let mut sections: BTreeMap<(u32, String), [usize; 3]> = BTreeMap::new();
        for statement in
            catalogue.of(standard).filter(|statement| statement.numbered && statement.reachable())
        {
            let [proven, covered, reachable] = sections.entry(top_section(statement.section)).or_default();
            *reachable += 1;
            *covered += usize::from(known.is_covered(statement));
            *proven += usize::from(known.is_proven(statement));
        }
        writeln!(out, "{}", paint.strong(standard.title()))?;
        for ((_, section), [proven, covered, reachable]) in sections {
            writeln!(out, "  {section:<24} {covered:>4} of {reachable:>4}  {proven:>4} proven")?;
        }
        let entry = standard_entry(standard, known, catalogue);
        writeln!(
            out,
            "  {:<24} {:>4} of {:>4}  {:>4} proven (reachable statements; {} in all); {} rules without a label as well\n",
            "claimed by scenarios",
            entry.covered,
            entry.reachable,
            entry.proven,
            entry.statements,
            entry.unnumbered_covered
        )?;
    }
    writeln!(
        out,
        "The first number is of statements that a scenario claims, the last of those for which one of these \
         scenarios has convicted a mutant (`mqspec mutants`)."
    )?;
    Ok(())
}

/// The part of a section number that a table has a line for, in an order for people: `3.10.4` is `3.10`.
fn top_section(section: &str) -> (u32, String) {
    let first = section.split(';').next().unwrap_or_default().trim();
    let number = first.strip_prefix("ref ").unwrap_or(first);
    let mut parts = number.split('.');
    let (Some(chapter), part) = (parts.next(), parts.next()) else { return (u32::MAX, first.to_owned()) };
    let Ok(chapter) = chapter.parse::<u32>() else { return (u32::MAX, first.to_owned()) };
    let part_number = part.and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    let reference = if number.len() == first.len() { "" } else { "reference " };
    let name =
        part.map_or_else(|| format!("{reference}{chapter}"), |part| format!("{reference}{chapter}.{part}"));
    let after_the_prose = if reference.is_empty() { 0 } else { 1_000_000 };
    (after_the_prose + chapter * 1000 + part_number, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(claimed: &[&str], standard: &str) -> StandardEntry {
        let claimed: BTreeSet<&str> = claimed.iter().copied().collect();
        let proven = BTreeSet::from(["mqtt-5.0/MQTT-4.3.3-1", "mqtt-5.0/MQTT-4.3.3-2"]);
        let known = Known { claimed: &claimed, proven: &proven };
        let document = document(known, Catalogue::load());
        document.standards.into_iter().find(|entry| entry.id == standard).expect("the standard is listed")
    }

    #[test]
    fn counts_are_those_of_the_standards() {
        let entry = entry(&[], "mqtt-5.0");
        assert_eq!((entry.statements, entry.reachable, entry.covered), (251, 237, 0));
        assert_eq!(entry.uncovered.len(), 251);
        assert_eq!(entry.uncovered.iter().filter(|statement| statement.reachable).count(), 237);
        assert!(entry.uncovered.iter().all(|statement| !statement.reason.is_empty()));
    }

    #[test]
    fn a_claim_covers_one_statement_of_one_standard() {
        let claimed = ["mqtt-5.0/MQTT-4.3.3-1"];
        let five = entry(&claimed, "mqtt-5.0");
        assert_eq!((five.covered, five.uncovered.len()), (1, 250));
        assert_eq!((five.proven, five.unproven.len()), (1, 0), "what nobody claims is not proven either");
        assert_eq!(entry(&claimed, "mqtt-3.1.1").covered, 0);
    }

    #[test]
    fn claiming_what_binds_clients_only_covers_nothing() {
        let client = Catalogue::load()
            .of(Standard::Mqtt50)
            .find(|statement| statement.observe == Observe::Client)
            .expect("there are some");
        let entry = entry(&[&client.full_id], "mqtt-5.0");
        assert_eq!(entry.covered, 0);
        let reason =
            entry.uncovered.iter().find(|found| found.id == client.full_id).map(|found| &*found.reason);
        assert_eq!(reason, Some("binds clients only"));
    }

    #[test]
    fn sections_are_ordered_as_people_count() {
        let mut sections =
            ["3.10.4", "3.2.1", "ref 1.8.3.3", "4.12", "confirms; ext confirm.select"].map(top_section);
        sections.sort();
        let names = sections.map(|(_, name)| name);
        assert_eq!(names, ["3.2", "3.10", "4.12", "reference 1.8", "confirms"]);
    }
}
