//! The report for people: a line per case while it runs, then what needs reading, then the closing line.

use std::collections::BTreeMap;
use std::io::{self, Write};

use mqspec_conformance::statement::Catalogue;
use mqspec_conformance::verdict::{Gravity, Outcome};

use super::{Case, Run, failure};
use crate::paint::Paint;

/// One case on one line.
pub fn case_line(case: &Case, paint: Paint) -> String {
    let address = &case.plan.address;
    match &case.verdict.outcome {
        Outcome::Pass => format!("{}  {address}", paint.good("pass")),
        Outcome::Fail => format!("{}  {}", paint.bad("FAIL"), paint.strong(address)),
        Outcome::NotApplicable(reason) => format!("{}  {address}  ({reason})", paint.faint("skip")),
        Outcome::Inconclusive(_) => format!("{}  {address}", paint.unsure("????")),
    }
}

/// Everything after the lines of the cases.
///
/// # Errors
///
/// What the output returns.
pub fn write_rest(run: &Run, catalogue: &Catalogue, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    write_departures(run, catalogue, paint, out)?;
    for case in &run.cases {
        match &case.verdict.outcome {
            Outcome::Fail => write!(out, "\n{}", failure::render(case, run, catalogue, paint))?,
            Outcome::Inconclusive(reason) => {
                let address = paint.strong(&case.plan.address);
                writeln!(out, "\n{}  {address}\n      {}", paint.unsure("INCONCLUSIVE"), case.plan.title)?;
                writeln!(out, "\n  the run did not get to the point, so nothing is proved either way:")?;
                writeln!(out, "  {reason}\n")?;
                write!(out, "{}", failure::render_trace(case, None, paint))?;
                writeln!(out, "\n  replay    {}", paint.strong(&case.replay(run)))?;
            }
            Outcome::Pass | Outcome::NotApplicable(_) => {}
        }
    }
    write_skipped(run, paint, out)?;
    let world = run.broker.as_ref().map_or_else(
        || format!("in the simulator, seed {}", run.seed),
        |broker| format!("against {}", crate::secret::without_secret(broker)),
    );
    writeln!(out, "\n{}", paint.faint(&format!("{:.2} s {world}", run.took.as_secs_f64())))?;
    writeln!(out, "{}", run.summary())
}

/// What a broker that passes does against a recommendation.
fn write_departures(run: &Run, catalogue: &Catalogue, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let passing = run.cases.iter().filter(|case| case.verdict.outcome == Outcome::Pass);
    for case in passing {
        for finding in &case.verdict.findings {
            debug_assert_eq!(finding.gravity, Gravity::Should, "a case with a MUST finding does not pass");
            writeln!(out, "\n{}  {} (passes)", paint.unsure("SHOULD"), case.plan.address)?;
            write!(out, "{}", failure::render_finding(finding, &case.path, catalogue, paint))?;
        }
    }
    Ok(())
}

/// Why cases were skipped, each reason once.
fn write_skipped(run: &Run, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &run.cases {
        if let Outcome::NotApplicable(reason) = &case.verdict.outcome {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    if !reasons.is_empty() {
        writeln!(out, "\n{}", paint.faint("skipped, as not applicable here:"))?;
    }
    for (reason, times) in reasons {
        writeln!(out, "  {times:>4} × {reason}")?;
    }
    if run.summary().judged_nothing() {
        writeln!(out, "\n{}", paint.bad("everything that was selected was skipped: nothing was judged"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{case, finding, run};
    use super::*;

    fn written(cases: Vec<Case>) -> String {
        let mut out = Vec::new();
        write_rest(&run(cases), Catalogue::load(), Paint::plain(), &mut out).expect("a Vec takes all");
        String::from_utf8(out).expect("the report is text")
    }

    #[test]
    fn the_last_line_is_the_summary() {
        let text = written(vec![case("mqtt/a@mqtt-5.0", Outcome::Pass, Vec::new())]);
        assert_eq!(text.lines().last(), Some("1 passed, 0 failed, 0 skipped"));
    }

    #[test]
    fn each_reason_to_skip_stands_once_with_its_count() {
        let skipped = |address| {
            case(address, Outcome::NotApplicable(String::from("the broker has maximum_qos 1")), Vec::new())
        };
        let text = written(vec![skipped("mqtt/a@mqtt-5.0"), skipped("mqtt/b@mqtt-5.0")]);
        assert!(text.contains("   2 × the broker has maximum_qos 1\n"), "{text}");
    }

    #[test]
    fn inconclusive_says_why() {
        let reason = Outcome::Inconclusive(String::from("line 4: expected connack, got nothing"));
        let text = written(vec![case("mqtt/a@mqtt-5.0", reason, Vec::new())]);
        assert!(text.contains("line 4: expected connack, got nothing"), "{text}");
        assert_eq!(text.lines().last(), Some("0 passed, 0 failed, 0 skipped, 1 inconclusive"));
    }

    #[test]
    fn a_departure_from_a_recommendation_is_told_though_the_case_passes() {
        let text = written(vec![case("mqtt/a@mqtt-5.0", Outcome::Pass, vec![finding(Gravity::Should)])]);
        assert!(
            text.contains("SHOULD  mqtt/a@mqtt-5.0 (passes)\n  departs   mqtt-5.0/MQTT-4.3.3-1"),
            "{text}"
        );
        assert_eq!(text.lines().last(), Some("1 passed, 0 failed, 0 skipped"));
    }

    #[test]
    fn a_line_says_the_verdict_first() {
        let line = |outcome| case_line(&case("mqtt/a@mqtt-5.0", outcome, Vec::new()), Paint::plain());
        assert_eq!(line(Outcome::Pass), "pass  mqtt/a@mqtt-5.0");
        assert_eq!(line(Outcome::Fail), "FAIL  mqtt/a@mqtt-5.0");
        assert_eq!(line(Outcome::NotApplicable(String::from("no TLS"))), "skip  mqtt/a@mqtt-5.0  (no TLS)");
    }
}
