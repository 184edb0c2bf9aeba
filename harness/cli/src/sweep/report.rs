//! What a sweep leaves for programs, and how the reports of shards become one.

use std::collections::BTreeSet;

use mqspec_conformance::trace::hash;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::extent::Extent;
use super::tally::{Combined, SweepFailure, Tally, summary};
use crate::report::Summary;
use crate::shard::{Shard, parse_seeds};
use crate::suite::Trial;
use crate::text::count;

/// The version of the document; it grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// A sweep, or a shard of one, or several shards added up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "mqspec sweep report")]
pub struct SweepReport {
    /// 1.
    pub schema_version: u32,
    /// What was swept; shards of one sweep have the same.
    pub sweep: Subject,
    /// The shards that are in it, as `--shard` takes them; none: all of the sweep.
    pub shards: Vec<String>,
    /// How many runs there were.
    pub cases: u64,
    /// How many passed.
    pub passed: u64,
    /// How many were not applicable.
    pub skipped: u64,
    /// How long it took, in seconds; shards add up. Null where times were not wanted.
    pub seconds: Option<f64>,
    /// Runs a second; null as well then.
    pub rate: Option<f64>,
    /// One number for the traces of all runs: equal sweeps, and only they, have the same. 32 hex digits.
    pub hash: String,
    /// What did not pass, in the order of seeds, then of addresses.
    pub failures: Vec<SweepFailure>,
}

/// What was swept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// How many scenarios and versions, each under every seed.
    pub scenarios: usize,
    /// A digest of these scenarios, with everything that stands in them.
    pub digest: String,
    /// The seeds, as `--seeds` takes them.
    pub seeds: String,
    /// `memory` or `simulated`.
    pub world: String,
    /// The lie that the broker told; null: it told none.
    pub mutant: Option<String>,
    /// Whether SHOULD counted as MUST.
    pub strict: bool,
    /// mqspec's version.
    pub mqspec: String,
}

/// Why reports cannot be added up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// They are of different sweeps.
    #[error("it is of another sweep than the first: {0}")]
    Subject(&'static str),
    /// One shard twice, or the whole and a part of it.
    #[error("shard {0} is in two of the files")]
    Twice(String),
    /// Shards of different divisions.
    #[error("{0} and {1} do not divide the sweep into the same number of shards")]
    Division(String, String),
    /// Another version of mqspec wrote it.
    #[error("its `schema_version` is {0}, and this mqspec reads {SCHEMA_VERSION}")]
    Version(u32),
    /// It says something that no sweep writes.
    #[error("no sweep writes such a report: {0}")]
    Impossible(String),
}

impl Subject {
    /// Trials under seeds.
    pub fn new(trials: &[Trial], seeds: &std::ops::Range<u64>) -> Self {
        let texts: Vec<String> =
            trials.iter().map(|trial| format!("{} {:?}", trial.plan.address, trial.plan)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Self {
            scenarios: trials.len(),
            digest: format!("{:032x}", hash::digest(&texts)),
            seeds: format!("{}..{}", seeds.start, seeds.end),
            mqspec: String::from(env!("CARGO_PKG_VERSION")),
            ..Self::default()
        }
    }

    /// What differs first.
    fn differs(&self, other: &Self) -> Option<&'static str> {
        [
            (self.seeds != other.seeds, "the seeds differ"),
            (self.digest != other.digest || self.scenarios != other.scenarios, "the scenarios differ"),
            (self.world != other.world, "the world differs"),
            (self.mutant != other.mutant, "the mutant differs"),
            (self.strict != other.strict, "only one of them is strict"),
            (self.mqspec != other.mqspec, "mqspec's version differs"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }
}

impl SweepReport {
    /// The report of finished runs; `seconds` is left out where times are not wanted.
    pub fn new(sweep: Subject, shard: Option<String>, mut tally: Tally, seconds: Option<f64>) -> Self {
        tally.failures.sort_by(|left, right| left.order().cmp(&right.order()));
        let cases = tally.runs();
        Self {
            schema_version: SCHEMA_VERSION,
            sweep,
            shards: shard.into_iter().collect(),
            cases,
            passed: tally.passed,
            skipped: tally.skipped,
            seconds,
            rate: seconds.map(|seconds| rate(cases, seconds)),
            hash: tally.hash.into(),
            failures: tally.failures,
        }
    }

    /// Holds a report that was read against itself: its numbers are those of the runs that its shards have, so
    /// that what was cut, edited or written by something else does not become part of a sum.
    ///
    /// # Errors
    ///
    /// [`Mismatch::Version`], [`Mismatch::Impossible`].
    pub fn checked(self) -> Result<Self, Mismatch> {
        if self.schema_version != SCHEMA_VERSION {
            return Err(Mismatch::Version(self.schema_version));
        }
        let impossible = |why| Err(Mismatch::Impossible(why));
        let Ok(seeds) = parse_seeds(&self.sweep.seeds) else {
            return impossible(format!("`{}` are no seeds", self.sweep.seeds));
        };
        let mut expected = 0_u64;
        for (index, shard) in self.shards.iter().enumerate() {
            let Ok(shard) = shard.parse::<Shard>() else {
                return impossible(format!("`{shard}` is no shard"));
            };
            if self.shards.iter().take(index).any(|other| other.parse() == Ok(shard)) {
                return impossible(format!("shard {shard} is in it twice"));
            }
            let pieces = Extent::new(self.sweep.scenarios, seeds.clone(), Some(shard)).pieces();
            expected = expected.saturating_add(pieces);
        }
        if self.shards.is_empty() {
            expected = Extent::new(self.sweep.scenarios, seeds, None).pieces();
        }
        let failures = self.failures.len() as u64;
        if Some(self.cases) != self.passed.checked_add(self.skipped).and_then(|sum| sum.checked_add(failures))
        {
            return impossible(format!(
                "{} cases are not {} passed, {} skipped and {failures} failures",
                self.cases, self.passed, self.skipped
            ));
        }
        if self.cases != expected {
            return impossible(format!(
                "its shards have {}, and it counts {}",
                count(expected, "run"),
                self.cases
            ));
        }
        if let Some(other) =
            self.failures.iter().find(|one| !matches!(&*one.verdict, "fail" | "inconclusive"))
        {
            return impossible(format!("`{}` is no verdict of a failure", other.verdict));
        }
        if Combined::try_from(self.hash.clone()).is_err() {
            return impossible(format!("`{}` is no hash", self.hash));
        }
        Ok(self)
    }

    /// Adds another shard of the same sweep; both are [checked](Self::checked).
    ///
    /// # Errors
    ///
    /// It is none, or has been added before.
    pub fn add(&mut self, other: Self) -> Result<(), Mismatch> {
        if let Some(what) = self.sweep.differs(&other.sweep) {
            return Err(Mismatch::Subject(what));
        }
        let (Some(own), Some(first)) = (self.shards.first(), other.shards.first()) else {
            // The whole sweep is in one of them, and so is everything that the other has.
            return Err(Mismatch::Twice(
                other
                    .shards
                    .first()
                    .or(self.shards.first())
                    .map_or_else(|| String::from("1/1"), String::clone),
            ));
        };
        if of(own) != of(first) {
            return Err(Mismatch::Division(own.clone(), first.clone()));
        }
        if let Some(twice) = other.shards.iter().find(|shard| self.shards.contains(shard)) {
            return Err(Mismatch::Twice(twice.clone()));
        }
        self.shards.extend(other.shards);
        self.cases += other.cases;
        self.passed += other.passed;
        self.skipped += other.skipped;
        self.seconds = self.seconds.zip(other.seconds).map(|(own, others)| own + others);
        self.rate = self.seconds.map(|seconds| rate(self.cases, seconds));
        let both = Combined::try_from(self.hash.clone())
            .and_then(|own| Ok(own.with(Combined::try_from(other.hash)?)));
        // What is no number is no sweep's either; the sum says so by being no number itself.
        self.hash = both.map_or_else(|_| String::from("unknown"), String::from);
        self.failures.extend(other.failures);
        Ok(())
    }

    /// Puts what was added into a sweep's order; with all shards in it, it is the report of the whole.
    #[must_use]
    pub fn finished(mut self) -> Self {
        self.failures.sort_by(|left, right| left.order().cmp(&right.order()));
        self.shards.sort_by_key(|shard| number(shard));
        if self.missing().is_empty() {
            self.shards.clear();
        }
        self
    }

    /// The shards that are not in it, as `--shard` takes them; many in a row are one entry, `2/99 to 98/99`.
    pub fn missing(&self) -> Vec<String> {
        let of = self.shards.first().map_or(0, |shard| of(shard));
        let present: BTreeSet<u64> = self.shards.iter().map(|shard| number(shard)).collect();
        let mut missing = Vec::new();
        let mut next = 1;
        for number in present.into_iter().chain([of.saturating_add(1)]) {
            match number.saturating_sub(next) {
                0 => {}
                few @ 1..=3 => missing.extend((next..next + few).map(|shard| format!("{shard}/{of}"))),
                _ => missing.push(format!("{next}/{of} to {}/{of}", number - 1)),
            }
            next = number.saturating_add(1);
        }
        missing
    }

    /// How many of each verdict.
    pub fn summary(&self) -> Summary {
        summary(self.passed, self.skipped, &self.failures)
    }
}

/// The place of `3/16`, 3.
fn number(shard: &str) -> u64 {
    shard.split('/').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// How many parts `3/16` is one of.
fn of(shard: &str) -> u64 {
    shard.rsplit('/').next().and_then(|of| of.parse().ok()).unwrap_or(0)
}

#[allow(clippy::cast_precision_loss, reason = "a rate for people; 2^53 runs are out of reach")]
pub(crate) fn rate(cases: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { cases as f64 / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(shard: &str, passed: u64) -> SweepReport {
        let sweep = Subject { seeds: String::from("0..9"), ..Subject::default() };
        let tally = Tally { passed, ..Tally::default() };
        SweepReport::new(sweep, Some(shard.to_owned()).filter(|shard| !shard.is_empty()), tally, Some(2.0))
    }

    #[test]
    fn all_shards_make_the_whole() {
        let mut sum = report("2/3", 5);
        sum.add(report("1/3", 6)).expect("a shard of the same sweep");
        assert_eq!(sum.missing(), ["3/3"]);
        assert_eq!(sum.clone().finished().shards, ["1/3", "2/3"]);
        sum.add(report("3/3", 4)).expect("a shard of the same sweep");
        let sum = sum.finished();
        assert_eq!((sum.cases, sum.shards.len(), sum.missing().len()), (15, 0, 0));
        assert_eq!((sum.seconds, sum.rate), (Some(6.0), Some(2.5)));
    }

    #[test]
    fn many_missing_shards_are_told_in_few_words() {
        assert_eq!(report("3/9", 1).missing(), ["1/9", "2/9", "4/9 to 9/9"]);
        assert_eq!(report("2/1000000000000", 1).missing().len(), 2);
        assert_eq!(report("", 1).missing(), Vec::<String>::new());
    }

    #[test]
    fn a_report_that_contradicts_itself_is_refused() {
        let good = || {
            let mut report = report("2/3", 3);
            report.sweep.scenarios = 1;
            report
        };
        assert_eq!(good().checked(), Ok(good()), "every third of nine runs");
        let refused = |change: fn(&mut SweepReport)| {
            let mut report = good();
            change(&mut report);
            report.checked().expect_err("it is not what a sweep writes").to_string()
        };
        for (change, why) in [
            ((|report| report.schema_version = 2) as fn(&mut SweepReport), "`schema_version` is 2"),
            (|report| report.passed = 99_999, "3 cases are not 99999 passed"),
            (|report| report.passed = u64::MAX, "3 cases are not"),
            (|report| (report.passed, report.cases) = (4, 4), "its shards have 3 runs, and it counts 4"),
            (|report| report.shards = vec![String::from("9/3")], "`9/3` is no shard"),
            (|report| report.shards = vec![String::from("2/3"); 2], "shard 2/3 is in it twice"),
            (|report| report.shards.clear(), "its shards have 9 runs, and it counts 3"),
            (|report| report.sweep.seeds = String::from("all"), "`all` are no seeds"),
            (|report| report.hash = String::from("?"), "`?` is no hash"),
        ] {
            let told = refused(change);
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn what_does_not_belong_together_is_not_added_up() {
        let mut sum = report("2/3", 5);
        assert_eq!(sum.add(report("2/3", 5)), Err(Mismatch::Twice(String::from("2/3"))));
        assert!(matches!(sum.add(report("1/4", 5)), Err(Mismatch::Division(..))));
        assert!(matches!(sum.add(report("", 5)), Err(Mismatch::Twice(_))));
        let mut other = report("1/3", 5);
        other.sweep.mutant = Some(String::from("liar"));
        assert_eq!(sum.add(other), Err(Mismatch::Subject("the mutant differs")));
        assert_eq!(sum, report("2/3", 5), "nothing was added");
    }
}
