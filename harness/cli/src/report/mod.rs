//! What is told about a run, and to whom: people (`human`), programs (`json`), build servers (`junit`).

pub mod failure;
pub mod human;
pub mod json;
pub mod junit;
pub mod progress;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use mqspec_conformance::plan::Plan;
use mqspec_conformance::statement::{Catalogue, Statement};
use mqspec_conformance::trace::Trace;
use mqspec_conformance::verdict::{Finding, Gravity, Outcome, Verdict};

use crate::failure::Conclusion;
use crate::secret;
use crate::seed::Seed;

/// One scenario in one version, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The scenario's file, as to be pasted into a command.
    pub path: String,
    /// What was run.
    pub plan: Plan,
    /// What we conclude.
    pub verdict: Verdict,
    /// What happened; empty where nothing was run.
    pub trace: Trace,
    /// The trace's hash.
    pub hash: String,
    /// Wall time.
    pub took: Duration,
    /// What a second run with the same seed gave.
    pub repetition: Repetition,
    /// Where the whole run was stored, to be read or sent to somebody.
    pub stored: Option<PathBuf>,
    /// Where the second opinions on our reading of packets differ from ours: matters for mqspec's authors.
    pub disagreements: Vec<String>,
}

/// Whether a run comes out the same when repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// It was not repeated: it passed, or the world is not deterministic.
    None,
    /// The same trace.
    Same,
    /// Another trace, with this hash: a fault of mqspec or of its reference broker.
    Differs(String),
}

/// Everything that was selected.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// In the order of their addresses.
    pub cases: Vec<Case>,
    /// The seed of them all.
    pub seed: Seed,
    /// The broker's URL or profile as given; `None` in the simulator.
    pub broker: Option<String>,
    /// Whether SHOULD counted as MUST.
    pub strict: bool,
    /// Wall time.
    pub took: Duration,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Summary {
    /// Every statement at stake holds.
    pub passed: usize,
    /// At least one does not.
    pub failed: usize,
    /// Not applicable to this broker or world.
    pub skipped: usize,
    /// The run did not get to the point. Never a pass.
    pub inconclusive: usize,
}

impl Run {
    /// Counts the verdicts.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for case in &self.cases {
            summary.count(&case.verdict.outcome);
        }
        summary
    }
}

impl Summary {
    /// Counts one more.
    pub const fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Pass => self.passed += 1,
            Outcome::Fail => self.failed += 1,
            Outcome::NotApplicable(_) => self.skipped += 1,
            Outcome::Inconclusive(_) => self.inconclusive += 1,
        }
    }

    /// Whether there was something to judge and nothing was judged: all of it was skipped.
    pub const fn judged_nothing(self) -> bool {
        self.skipped > 0 && self.passed == 0 && self.failed == 0 && self.inconclusive == 0
    }

    /// A failure outweighs what is undecided, and what was only skipped says nothing about a broker.
    pub const fn conclusion(self) -> Conclusion {
        if self.failed > 0 {
            Conclusion::Broken
        } else if self.inconclusive > 0 || self.judged_nothing() {
            Conclusion::Undecided
        } else {
            Conclusion::Holds
        }
    }
}

/// The closing line: `12 passed, 1 failed, 2 skipped`, then `, 1 inconclusive` where there are any.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)?;
        if self.inconclusive > 0 { write!(f, ", {} inconclusive", self.inconclusive) } else { Ok(()) }
    }
}

impl Case {
    /// The findings that made it fail, or all of them where it did not.
    pub fn decisive(&self, strict: bool) -> impl Iterator<Item = &Finding> {
        let fails = self.verdict.outcome == Outcome::Fail;
        self.verdict
            .findings
            .iter()
            .filter(move |finding| !fails || strict || finding.gravity == Gravity::Must)
    }

    /// The command that runs it again.
    pub fn replay(&self, run: &Run) -> String {
        let protocol = self.plan.spec;
        match &run.broker {
            None => format!("mqspec replay {} --protocol {protocol} --seed {}", self.path, run.seed),
            Some(broker) => {
                format!(
                    "mqspec replay {} --protocol {protocol} --broker {}",
                    self.path,
                    secret::to_paste(broker)
                )
            }
        }
    }

    /// The strongest level of the statements that its first finding (or else the plan) names.
    pub fn level(&self, catalogue: &Catalogue, strict: bool) -> Option<&'static str> {
        let named = self.decisive(strict).next().map_or(&self.plan.statements, |finding| &finding.statements);
        named
            .iter()
            .filter_map(|id| catalogue.find(id))
            .map(|statement: &Statement| statement.level)
            .max_by_key(|level| level.strength())
            .map(mqspec_conformance::statement::Level::id)
    }
}

/// A report to write: `json=FILE` or `junit=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTarget {
    /// Its form.
    pub format: ReportFormat,
    /// Where it goes.
    pub file: PathBuf,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// docs/OUTPUT.md.
    Json,
    /// As Jenkins, GitLab and GitHub read it.
    Junit,
}

impl FromStr for ReportTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (format, file) = match text.split_once('=') {
            Some(("json", file)) if !file.is_empty() => (ReportFormat::Json, file),
            Some(("junit", file)) if !file.is_empty() => (ReportFormat::Junit, file),
            _ => return Err(String::from("write `json=FILE` or `junit=FILE`")),
        };
        Ok(Self { format, file: PathBuf::from(file) })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use mqspec_conformance::plan::{Origin, Worlds};
    use mqspec_wire::Spec;

    use super::*;

    /// A case without a trace.
    pub(crate) fn case(address: &str, outcome: Outcome, findings: Vec<Finding>) -> Case {
        let (name, spec) = address.split_once('@').expect("an address names its version");
        let plan = Plan {
            address: address.to_owned(),
            title: String::from("A repeated PUBLISH is routed once"),
            spec: Spec::parse(spec).expect("the version exists"),
            statements: vec![format!("{spec}/MQTT-4.3.3-1")],
            needs: Vec::new(),
            worlds: Worlds::Both,
            broker: Vec::new(),
            actors: Vec::new(),
            steps: Vec::new(),
        };
        Case {
            path: format!("scenarios/{name}.yaml"),
            plan,
            verdict: Verdict { outcome, findings },
            trace: Trace::default(),
            hash: String::from("00ff"),
            took: Duration::from_millis(12),
            repetition: Repetition::None,
            stored: None,
            disagreements: Vec::new(),
        }
    }

    /// A finding of a step.
    pub(crate) fn finding(gravity: Gravity) -> Finding {
        Finding {
            statements: vec![String::from("mqtt-5.0/MQTT-4.3.3-1")],
            gravity,
            origin: Some(Origin { line: 12, text: String::from("- bob: { expect_nothing: 1s }") }),
            check: "step",
            expected: String::from("nothing for 1s"),
            actual: String::from("publish topic=\"t\""),
            event: None,
        }
    }

    /// A run of some cases.
    pub(crate) fn run(cases: Vec<Case>) -> Run {
        Run { cases, seed: Seed(7), broker: None, strict: false, took: Duration::from_secs(1) }
    }

    #[test]
    fn the_closing_line_names_what_is_undecided_only_where_there_is_some() {
        let mut summary = Summary { passed: 3, failed: 1, skipped: 2, inconclusive: 0 };
        assert_eq!(summary.to_string(), "3 passed, 1 failed, 2 skipped");
        summary.inconclusive = 1;
        assert_eq!(summary.to_string(), "3 passed, 1 failed, 2 skipped, 1 inconclusive");
    }

    #[test]
    fn each_outcome_is_counted_as_what_it_is() {
        let cases = [
            Outcome::Pass,
            Outcome::Fail,
            Outcome::NotApplicable(String::from("no QoS 2")),
            Outcome::Inconclusive(String::from("no CONNACK")),
        ]
        .map(|outcome| case("mqtt/a@mqtt-5.0", outcome, Vec::new()));
        let summary = run(cases.to_vec()).summary();
        assert_eq!(summary, Summary { passed: 1, failed: 1, skipped: 1, inconclusive: 1 });
    }

    #[test]
    fn inconclusive_is_never_a_pass_and_a_failure_outweighs_it() {
        let of = |failed, inconclusive| Summary { passed: 9, failed, skipped: 1, inconclusive }.conclusion();
        assert_eq!(of(0, 0), Conclusion::Holds);
        assert_eq!(of(0, 1), Conclusion::Undecided);
        assert_eq!(of(1, 1), Conclusion::Broken);
    }

    #[test]
    fn what_was_only_skipped_is_no_pass() {
        let skipped = Summary { skipped: 3, ..Summary::default() };
        assert_eq!(skipped.conclusion(), Conclusion::Undecided);
        assert_eq!(Summary { passed: 1, ..skipped }.conclusion(), Conclusion::Holds);
        assert_eq!(Summary::default().conclusion(), Conclusion::Holds, "nothing was asked for");
    }

    #[test]
    fn a_live_replay_names_the_broker_but_no_secret() {
        let mut run = run(vec![case("mqtt/a@mqtt-5.0", Outcome::Pass, Vec::new())]);
        let case = run.cases.first().expect("there is one").clone();
        assert_eq!(case.replay(&run), "mqspec replay scenarios/mqtt/a.yaml --protocol mqtt-5.0 --seed 0x7");
        run.broker = Some(String::from("amqp://me:secret@host:5672/v"));
        assert!(case.replay(&run).ends_with("--broker .mqspec/brokers/amqp-me-host-5672-v.yaml"));
        run.broker = Some(String::from("profiles/rabbitmq.yaml"));
        assert!(case.replay(&run).ends_with("--broker profiles/rabbitmq.yaml"));
    }

    #[test]
    fn a_report_names_its_form_and_its_file() {
        let target = "junit=out/x.xml".parse::<ReportTarget>();
        assert_eq!(target.map(|target| target.format), Ok(ReportFormat::Junit));
        for wrong in ["json", "json=", "pdf=x", ""] {
            assert!(wrong.parse::<ReportTarget>().is_err(), "{wrong}");
        }
    }
}
