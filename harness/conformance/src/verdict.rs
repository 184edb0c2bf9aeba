//! Pass · Fail · Inconclusive · NotApplicable, and how several combine.

use crate::plan::{Origin, Plan};
use crate::statement::{Catalogue, Strength};

/// What we conclude for one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The conclusion.
    pub outcome: Outcome,
    /// What was found, worst first. A pass may carry findings about recommendations (SHOULD).
    pub findings: Vec<Finding>,
}

/// The four conclusions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every statement at stake holds.
    Pass,
    /// At least one does not.
    Fail,
    /// The broker lacks what the plan needs, or the plan is for another world; the reason.
    NotApplicable(String),
    /// The run did not get to the point; the reason. Never a pass.
    Inconclusive(String),
}

/// How binding a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Breaks a MUST.
    Must,
    /// Departs from a SHOULD: reported, and a failure only under `--strict`.
    Should,
}

impl Gravity {
    /// As binding as the most binding of these statements (full ids). An id that no catalogue has counts
    /// as a MUST: that something is wrong must not get lost over a typo.
    pub fn of<'a>(statements: impl IntoIterator<Item = &'a str>) -> Self {
        let catalogue = Catalogue::load();
        let strengths = statements
            .into_iter()
            .map(|id| catalogue.find(id).map_or(Strength::Must, |statement| statement.level.strength()));
        match strengths.max() {
            Some(Strength::Must) | None => Self::Must,
            Some(Strength::Should | Strength::May) => Self::Should,
        }
    }
}

/// What a step or a check saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The broken statements' full ids.
    pub statements: Vec<String>,
    /// How binding they are.
    pub gravity: Gravity,
    /// The step that saw it; `None` for an always-on check.
    pub origin: Option<Origin>,
    /// The check that saw it: `step`, `packets`, `delivery`, …
    pub check: &'static str,
    /// What was demanded, in words.
    pub expected: String,
    /// What happened instead.
    pub actual: String,
    /// The event of the trace (its sequence number) around which to look.
    pub event: Option<u64>,
}

/// Why the script ended before its last step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The step.
    pub origin: Origin,
    /// Which statements it proves (see [`crate::plan::Step::proves`]).
    pub proves: Option<Vec<String>>,
    /// Whether the broker is to blame or the surroundings.
    pub cause: Cause,
    /// What the step waited for.
    pub expected: String,
    /// What happened instead.
    pub actual: String,
    /// The last event before the script gave up.
    pub event: Option<u64>,
}

/// What ended a script early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The broker did something else than the step demands, or nothing in time.
    Broker,
    /// The environment failed: the broker could not be reached, a limit of ours was hit.
    Environment,
}

/// Combines how the script ended with what the checks found.
///
/// A MUST finding fails the plan, whoever saw it. A step that only prepares (`proves: []`) makes it
/// inconclusive, as does the environment. Under `strict`, SHOULD counts as MUST.
pub fn combine(plan: &Plan, stop: Option<Stop>, mut findings: Vec<Finding>, strict: bool) -> Verdict {
    let mut inconclusive = None;
    if let Some(stop) = stop {
        let proves = stop.proves.unwrap_or_else(|| plan.statements.clone());
        if stop.cause == Cause::Environment || proves.is_empty() {
            inconclusive =
                Some(format!("line {}: expected {}, got {}", stop.origin.line, stop.expected, stop.actual));
        } else {
            findings.push(Finding {
                gravity: Gravity::of(proves.iter().map(String::as_str)),
                statements: proves,
                origin: Some(stop.origin),
                check: "step",
                expected: stop.expected,
                actual: stop.actual,
                event: stop.event,
            });
        }
    }
    findings.sort_by_key(|finding| (finding.gravity, finding.event));
    let fails = findings.iter().any(|finding| strict || finding.gravity == Gravity::Must);
    let outcome =
        if fails { Outcome::Fail } else { inconclusive.map_or(Outcome::Pass, Outcome::Inconclusive) };
    Verdict { outcome, findings }
}

#[cfg(test)]
mod tests {
    use super::Gravity;

    #[test]
    fn the_most_binding_statement_counts() {
        assert_eq!(Gravity::of(["mqtt-5.0/MQTT-3.1.4-5"]), Gravity::Must);
        assert_eq!(Gravity::of(["amqp-0-9-1/AMQP-1.4.1-constant-names"]), Gravity::Should);
        let both = ["amqp-0-9-1/AMQP-1.4.1-constant-names", "mqtt-5.0/MQTT-3.1.4-5"];
        assert_eq!(Gravity::of(both), Gravity::Must);
    }

    #[test]
    fn a_statement_that_nobody_knows_is_not_made_light_of() {
        assert_eq!(Gravity::of(["mqtt-5.0/nobody-knows-it"]), Gravity::Must);
    }
}
