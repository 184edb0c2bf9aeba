//! `test --report junit=FILE`: a suite per folder, a test case per scenario and version.

use std::collections::BTreeMap;

use mqspec_conformance::statement::Catalogue;
use mqspec_conformance::verdict::Outcome;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Case, Run, failure};
use crate::paint::Paint;

/// The report of a run. Inconclusive is an error there, as it is no pass anywhere.
pub fn document(run: &Run, catalogue: &Catalogue) -> Report {
    let mut folders: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for case in &run.cases {
        let folder = case.plan.address.rsplit_once('/').map_or("", |(folder, _)| folder);
        let suite = folders.entry(folder).or_insert_with(|| TestSuite::new(folder));
        suite.add_test_case(test_case(case, folder, run, catalogue));
    }
    let mut report = Report::new("mqspec");
    report.set_time(run.took);
    report.add_test_suites(folders.into_values());
    report
}

fn test_case(case: &Case, folder: &str, run: &Run, catalogue: &Catalogue) -> TestCase {
    let status = match &case.verdict.outcome {
        Outcome::Pass => TestCaseStatus::success(),
        Outcome::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            if let Some(finding) = case.decisive(run.strict).next() {
                status.set_type(finding.statements.join(" "));
                status.set_message(format!("expected {}, got {}", finding.expected, finding.actual));
            }
            status.set_description(failure::render(case, run, catalogue, Paint::plain()));
            status
        }
        Outcome::NotApplicable(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
        Outcome::Inconclusive(reason) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("inconclusive");
            status.set_message(reason.as_str());
            status
        }
    };
    let mut test_case = TestCase::new(case.plan.address.as_str(), status);
    test_case.set_classname(folder.replace('/', "."));
    test_case.set_time(case.took);
    test_case
}

#[cfg(test)]
mod tests {
    use mqspec_conformance::verdict::Gravity;

    use super::super::tests::{case, finding, run};
    use super::*;

    #[test]
    fn each_verdict_has_its_element() {
        let cases = vec![
            case("mqtt/a/pass@mqtt-5.0", Outcome::Pass, Vec::new()),
            case("mqtt/b/fail@mqtt-5.0", Outcome::Fail, vec![finding(Gravity::Must)]),
            case("mqtt/b/skip@mqtt-5.0", Outcome::NotApplicable(String::from("no QoS 2")), Vec::new()),
            case("mqtt/b/undecided@mqtt-5.0", Outcome::Inconclusive(String::from("no CONNACK")), Vec::new()),
        ];
        let xml = document(&run(cases), Catalogue::load()).to_string().expect("the report is valid XML");
        for part in [
            r#"<testsuites name="mqspec" tests="4" skipped="1" failures="1" errors="1""#,
            r#"<testsuite name="mqtt/b" tests="3" skipped="1" errors="1" failures="1">"#,
            r#"<failure message="expected nothing for 1s, got publish topic=&quot;t&quot;" type="mqtt-5.0/MQTT-4.3.3-1">"#,
            r#"<skipped message="no QoS 2"/>"#,
            r#"<error message="no CONNACK" type="inconclusive"/>"#,
        ] {
            assert!(xml.contains(part), "{part}\n is missing in\n{xml}");
        }
    }
}
