//! What came of runs, added up in any order.

use mqspec_conformance::trace::hash;
use mqspec_conformance::verdict::Outcome;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{Case, Repetition, Summary};
use crate::seed::Seed;

/// How some runs came out. Equal runs give equal tallies, however they were divided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many passed.
    pub passed: u64,
    /// How many were not applicable.
    pub skipped: u64,
    /// One number for all traces.
    pub hash: Combined,
    /// What did not pass, in the order in which it was found.
    pub failures: Vec<SweepFailure>,
}

/// The sum, without its carry, of a 128-bit digest of each run: its address, its seed and its trace's hash.
/// A sum, because shards end in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Combined(u128);

/// A run that did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SweepFailure {
    /// The scenario and version.
    pub address: String,
    /// The seed, as `--seed` takes it.
    pub seed: String,
    /// `fail` or `inconclusive`.
    pub verdict: String,
    /// The first finding, or why the run did not get to the point.
    pub reason: String,
    /// The trace's hash.
    pub hash: String,
    /// Whether a second run with the same seed left the same trace.
    pub reproducible: bool,
    /// The command that runs it again.
    pub replay: String,
}

impl Tally {
    /// Counts a run; `failure` says what to tell of one that did not pass.
    pub fn count(&mut self, case: &Case, seed: Seed, failure: impl FnOnce() -> SweepFailure) {
        match (&case.verdict.outcome, &case.repetition) {
            (Outcome::Fail | Outcome::Inconclusive(_), _) | (_, Repetition::Differs(_)) => {
                self.failures.push(failure());
            }
            (Outcome::Pass, Repetition::None | Repetition::Same) => self.passed += 1,
            (Outcome::NotApplicable(_), Repetition::None | Repetition::Same) => self.skipped += 1,
        }
        let digest = hash::digest(&[&case.plan.address, &seed.to_string(), &case.hash]);
        self.hash = Combined(self.hash.0.wrapping_add(digest));
    }

    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.skipped += other.skipped;
        self.hash = self.hash.with(other.hash);
        self.failures.extend(other.failures);
    }

    /// How many of each verdict.
    pub fn summary(&self) -> Summary {
        summary(self.passed, self.skipped, &self.failures)
    }

    /// How many runs were counted; of what somebody else has written, as many as fit.
    pub fn runs(&self) -> u64 {
        self.passed.saturating_add(self.skipped).saturating_add(self.failures.len() as u64)
    }
}

/// How many of each verdict there are.
pub(super) fn summary(passed: u64, skipped: u64, failures: &[SweepFailure]) -> Summary {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let failed = failures.iter().filter(|failure| failure.verdict == "fail").count();
    Summary { passed: count(passed), failed, skipped: count(skipped), inconclusive: failures.len() - failed }
}

impl Combined {
    /// The number of both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }
}

impl From<Combined> for String {
    fn from(combined: Combined) -> Self {
        format!("{:032x}", combined.0)
    }
}

impl TryFrom<String> for Combined {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Self)
    }
}

impl SweepFailure {
    /// By seed, then by scenario: the order of a sweep.
    pub fn order(&self) -> (u64, &str) {
        (self.seed.parse::<Seed>().map_or(u64::MAX, |seed| seed.0), &self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::case;

    fn tally(runs: &[(&str, u64)]) -> Tally {
        let mut tally = Tally::default();
        for (address, seed) in runs {
            let case = case(address, Outcome::Pass, Vec::new());
            tally.count(&case, Seed(*seed), || panic!("it passes"));
        }
        tally
    }

    #[test]
    fn the_order_of_runs_does_not_matter_and_which_runs_does() {
        let whole = tally(&[("mqtt/a@mqtt-5.0", 1), ("mqtt/b@mqtt-5.0", 1), ("mqtt/a@mqtt-5.0", 2)]);
        let mut added = tally(&[("mqtt/a@mqtt-5.0", 2)]);
        added.add(tally(&[("mqtt/b@mqtt-5.0", 1), ("mqtt/a@mqtt-5.0", 1)]));
        assert_eq!((whole.runs(), &whole), (3, &added));
        assert_ne!(whole.hash, tally(&[("mqtt/a@mqtt-5.0", 1), ("mqtt/b@mqtt-5.0", 1)]).hash);
        assert_ne!(tally(&[("mqtt/a@mqtt-5.0", 1)]).hash, tally(&[("mqtt/a@mqtt-5.0", 2)]).hash);
    }

    #[test]
    fn what_passes_and_leaves_two_traces_is_no_pass() {
        let mut case = case("mqtt/a@mqtt-5.0", Outcome::Pass, Vec::new());
        case.repetition = Repetition::Differs(String::from("ff"));
        let mut tally = Tally::default();
        tally.count(&case, Seed(1), || SweepFailure {
            address: case.plan.address.clone(),
            seed: String::from("0x1"),
            verdict: String::from("inconclusive"),
            reason: String::new(),
            hash: case.hash.clone(),
            reproducible: false,
            replay: String::new(),
        });
        assert_eq!((tally.passed, tally.runs()), (0, 1));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let whole = tally(&[("mqtt/a@mqtt-5.0", 1)]);
        let text = serde_json::to_string(&whole).expect("plain data");
        assert_eq!(serde_json::from_str::<Tally>(&text).expect("what was written"), whole);
    }

    #[test]
    fn failures_are_in_the_order_of_their_seeds_as_numbers() {
        let failure = |seed: &str, address: &str| SweepFailure {
            address: address.to_owned(),
            seed: seed.to_owned(),
            verdict: String::from("fail"),
            reason: String::new(),
            hash: String::new(),
            reproducible: true,
            replay: String::new(),
        };
        let (second, tenth) = (failure("0x2", "b"), failure("0xa", "a"));
        assert!(second.order() < tenth.order());
        assert!(failure("0x2", "a").order() < second.order());
    }
}
