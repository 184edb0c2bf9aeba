//! `test --report json=FILE` (docs/OUTPUT.md).

use mqspec_conformance::statement::Catalogue;
use mqspec_conformance::verdict::{Finding, Gravity, Outcome};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Case, Repetition, Run, Summary};
use crate::secret::without_secret;

/// The version of the document; it grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// A run of `mqspec test`.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "mqspec test report")]
pub struct Document {
    /// 1.
    pub schema_version: u32,
    /// How many of each verdict.
    pub summary: Summary,
    /// The seed of the run, as `--seed` takes it: `0x5eed`.
    pub seed: String,
    /// The broker's URL or profile, without its password; null in the simulator.
    pub broker: Option<String>,
    /// Whether a SHOULD counted as a MUST.
    pub strict: bool,
    /// Wall time of the whole run.
    pub duration_ms: u64,
    /// Every scenario and version that was selected, by address.
    pub cases: Vec<CaseEntry>,
}

/// One scenario in one version.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct CaseEntry {
    /// Scenario and version: `mqtt/qos-2/pubrel-resent@mqtt-5.0`.
    pub address: String,
    /// The scenario's file.
    pub scenario: String,
    /// What it claims, in one sentence.
    pub title: String,
    /// `mqtt-3.1.1`, `mqtt-5.0` or `amqp-0-9-1`.
    pub spec: &'static str,
    /// The full ids of the statements at stake; of a failure, those that are broken.
    pub statements: Vec<String>,
    /// The strongest level among these: `MUST`, `SHOULD`, `implied`, …; null where there are none.
    pub level: Option<&'static str>,
    /// What we conclude.
    pub verdict: VerdictName,
    /// Why it was skipped or is inconclusive; else null.
    pub reason: Option<String>,
    /// What was demanded, where something else happened.
    pub expected: Option<String>,
    /// What happened instead.
    pub actual: Option<String>,
    /// Everything that was found, worst first; a pass may depart from recommendations.
    pub findings: Vec<FindingEntry>,
    /// Wall time.
    pub duration_ms: u64,
    /// The seed of its run.
    pub seed: String,
    /// The trace's hash, 32 hex digits; null where nothing was run.
    pub trace_hash: Option<String>,
    /// Whether a second run with the same seed left the same trace; null where there was none.
    pub reproducible: Option<bool>,
    /// The command that runs it again.
    pub replay: String,
}

/// A conclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerdictName {
    /// Every statement at stake holds.
    Pass,
    /// At least one does not.
    Fail,
    /// Not applicable to this broker or world.
    Skipped,
    /// The run did not get to the point.
    Inconclusive,
}

/// Something that a step or a check saw.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct FindingEntry {
    /// The full ids of the statements concerned.
    pub statements: Vec<String>,
    /// `must` or `should`.
    pub gravity: &'static str,
    /// Who saw it: `step`, `packets`, …
    pub check: &'static str,
    /// The line of the scenario; null for a check that watches every scenario.
    pub line: Option<usize>,
    /// What was demanded.
    pub expected: String,
    /// What happened instead.
    pub actual: String,
}

/// The document of a run.
pub fn document(run: &Run, catalogue: &Catalogue) -> Document {
    Document {
        schema_version: SCHEMA_VERSION,
        summary: run.summary(),
        seed: run.seed.to_string(),
        broker: run.broker.as_deref().map(|broker| without_secret(broker).into_owned()),
        strict: run.strict,
        duration_ms: millis(run.took),
        cases: run.cases.iter().map(|case| entry(case, run, catalogue)).collect(),
    }
}

fn entry(case: &Case, run: &Run, catalogue: &Catalogue) -> CaseEntry {
    let (verdict, reason) = match &case.verdict.outcome {
        Outcome::Pass => (VerdictName::Pass, None),
        Outcome::Fail => (VerdictName::Fail, None),
        Outcome::NotApplicable(reason) => (VerdictName::Skipped, Some(reason.clone())),
        Outcome::Inconclusive(reason) => (VerdictName::Inconclusive, Some(reason.clone())),
    };
    let decisive = case.decisive(run.strict).next();
    let broken = decisive.filter(|_| verdict == VerdictName::Fail);
    CaseEntry {
        address: case.plan.address.clone(),
        scenario: case.path.clone(),
        title: case.plan.title.clone(),
        spec: case.plan.spec.id(),
        statements: broken.map_or(&case.plan.statements, |finding| &finding.statements).clone(),
        level: case.level(catalogue, run.strict),
        verdict,
        reason,
        expected: decisive.map(|finding| finding.expected.clone()),
        actual: decisive.map(|finding| finding.actual.clone()),
        findings: case.verdict.findings.iter().map(finding_entry).collect(),
        duration_ms: millis(case.took),
        seed: run.seed.to_string(),
        trace_hash: (!case.trace.events.is_empty()).then(|| case.hash.clone()),
        reproducible: match case.repetition {
            Repetition::None => None,
            Repetition::Same => Some(true),
            Repetition::Differs(_) => Some(false),
        },
        replay: case.replay(run),
    }
}

fn finding_entry(finding: &Finding) -> FindingEntry {
    FindingEntry {
        statements: finding.statements.clone(),
        gravity: match finding.gravity {
            Gravity::Must => "must",
            Gravity::Should => "should",
        },
        check: finding.check,
        line: finding.origin.as_ref().map(|origin| origin.line),
        expected: finding.expected.clone(),
        actual: finding.actual.clone(),
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{case, finding, run};
    use super::*;

    fn as_json(case: Case) -> serde_json::Value {
        let document = document(&run(vec![case]), Catalogue::load());
        serde_json::to_value(document).expect("the document is plain data")
    }

    #[test]
    fn the_contract_of_a_failure() {
        let document =
            as_json(case("mqtt/qos-2/repeat@mqtt-5.0", Outcome::Fail, vec![finding(Gravity::Must)]));
        assert_eq!(
            document,
            json!({
                "schema_version": 1,
                "summary": { "passed": 0, "failed": 1, "skipped": 0, "inconclusive": 0 },
                "seed": "0x7",
                "broker": null,
                "strict": false,
                "duration_ms": 1000,
                "cases": [{
                    "address": "mqtt/qos-2/repeat@mqtt-5.0",
                    "scenario": "scenarios/mqtt/qos-2/repeat.yaml",
                    "title": "A repeated PUBLISH is routed once",
                    "spec": "mqtt-5.0",
                    "statements": ["mqtt-5.0/MQTT-4.3.3-1"],
                    "level": "MUST",
                    "verdict": "fail",
                    "reason": null,
                    "expected": "nothing for 1s",
                    "actual": "publish topic=\"t\"",
                    "findings": [{
                        "statements": ["mqtt-5.0/MQTT-4.3.3-1"],
                        "gravity": "must",
                        "check": "step",
                        "line": 12,
                        "expected": "nothing for 1s",
                        "actual": "publish topic=\"t\"",
                    }],
                    "duration_ms": 12,
                    "seed": "0x7",
                    "trace_hash": null,
                    "reproducible": null,
                    "replay": "mqspec replay scenarios/mqtt/qos-2/repeat.yaml --protocol mqtt-5.0 --seed 0x7",
                }],
            })
        );
    }

    #[test]
    fn a_skipped_case_says_why_and_expects_nothing() {
        let reason = Outcome::NotApplicable(String::from("no QoS 2"));
        let document = as_json(case("mqtt/a@mqtt-5.0", reason, Vec::new()));
        assert_eq!(document.pointer("/cases/0/verdict"), Some(&json!("skipped")));
        assert_eq!(document.pointer("/cases/0/reason"), Some(&json!("no QoS 2")));
        assert_eq!(document.pointer("/cases/0/expected"), Some(&json!(null)));
    }
}
