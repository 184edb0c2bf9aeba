//! One case that does not pass, so that its message alone shows what went wrong.

use std::fmt::Write as _;

use mqspec_conformance::statement::Catalogue;
use mqspec_conformance::trace::lanes::{self, Detail};
use mqspec_conformance::verdict::{Finding, Gravity};

use super::{Case, Repetition, Run};
use crate::paint::Paint;
use crate::text::count;

/// Events shown before and after the one in question.
const BEFORE: usize = 14;
const AFTER: usize = 4;

/// Findings told in full; more of them are counted.
const MOST_FINDINGS: usize = 5;

/// Tells a failed case, with line ends.
pub fn render(case: &Case, run: &Run, catalogue: &Catalogue, paint: Paint) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}  {}", paint.bad("FAIL"), paint.strong(&case.plan.address));
    let _ = writeln!(text, "      {}", case.plan.title);
    let findings: Vec<&Finding> = case.decisive(run.strict).collect();
    for finding in findings.iter().take(MOST_FINDINGS) {
        text.push('\n');
        text.push_str(&render_finding(finding, &case.path, catalogue, paint));
    }
    if findings.len() > MOST_FINDINGS {
        let _ = writeln!(text, "\n  … and {} more findings", findings.len() - MOST_FINDINGS);
    }
    text.push('\n');
    text.push_str(&render_trace(case, findings.first().and_then(|finding| finding.event), paint));
    text.push('\n');
    text.push_str(&render_replay(case, run, paint));
    text
}

/// Tells one finding: what it breaks, where it was seen, expected, actual.
pub fn render_finding(finding: &Finding, path: &str, catalogue: &Catalogue, paint: Paint) -> String {
    let mut text = String::new();
    let verb = match finding.gravity {
        Gravity::Must => paint.bad("breaks   "),
        Gravity::Should => paint.unsure("departs  "),
    };
    for (index, id) in finding.statements.iter().enumerate() {
        let verb = if index == 0 { &*verb } else { "         " };
        let _ = match catalogue.find(id) {
            Some(statement) => writeln!(
                text,
                "  {verb} {} ({}, {} section {})\n            {}",
                paint.strong(id),
                statement.level,
                statement.standard.title(),
                statement.section,
                statement.summary
            ),
            None => writeln!(text, "  {verb} {}", paint.strong(id)),
        };
    }
    let _ = match &finding.origin {
        Some(origin) if origin.line > 0 => {
            writeln!(text, "  at        {path}:{}\n            {}", origin.line, origin.text)
        }
        Some(origin) => writeln!(text, "  at        {}", origin.text),
        None => writeln!(text, "  seen by   the check `{}`, which watches every scenario", finding.check),
    };
    let _ = writeln!(text, "  expected  {}", finding.expected);
    let _ = writeln!(text, "  actual    {}", paint.strong(&finding.actual));
    text
}

/// The lanes of the trace around an event, which is marked; around the end where none is named.
pub fn render_trace(case: &Case, event: Option<u64>, paint: Paint) -> String {
    let events = &case.trace.events;
    if events.is_empty() {
        return String::from("  nothing was sent or received\n");
    }
    let marked = event.and_then(|event| events.iter().position(|known| known.sequence == event));
    let around = marked.unwrap_or(events.len() - 1);
    let first = around.saturating_sub(BEFORE);
    let end = (around + AFTER + 1).min(events.len());
    let mut text =
        format!("  {}\n", paint.faint("what happened around it (arrows point to and from the broker)"));
    if first > 0 {
        let _ = writeln!(text, "    {}", paint.faint(&format!("… {} before", count(first, "event"))));
    }
    let shown = events.iter().enumerate().skip(first).take(end - first);
    for (index, event) in shown {
        let lines = lanes::render_event(&case.trace, event, Detail { bytes: true, steps: true });
        for (line_index, line) in lines.lines().enumerate() {
            let is_marked = marked == Some(index) && line_index == 0;
            let _ = if is_marked {
                writeln!(text, "  {} {}", paint.bad("▸"), paint.strong(line))
            } else {
                writeln!(text, "    {line}")
            };
        }
    }
    if end < events.len() {
        let _ = writeln!(text, "    {}", paint.faint(&format!("… {} events after", events.len() - end)));
    }
    text
}

/// The line that runs it again, and whether that gives the same.
fn render_replay(case: &Case, run: &Run, paint: Paint) -> String {
    let mut text = format!("  replay    {}\n", paint.strong(&case.replay(run)));
    let _ = match &case.repetition {
        Repetition::None => Ok(()),
        Repetition::Same => {
            writeln!(text, "            reproducible: a second run left the same trace, hash {}", case.hash)
        }
        Repetition::Differs(other) => writeln!(
            text,
            "            {}: a second run left another trace ({} and {other}); this is a fault of mqspec",
            paint.bad("NOT reproducible"),
            case.hash
        ),
    };
    if let Some(file) = &case.stored {
        let _ = writeln!(text, "  stored    {} (the whole run)", file.display());
    }
    for disagreement in &case.disagreements {
        let _ = writeln!(text, "  {}      {disagreement}", paint.unsure("note"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mqspec_conformance::plan::ActorId;
    use mqspec_conformance::trace::{ConnectionNumber, Event, What};
    use mqspec_conformance::verdict::Outcome;
    use mqspec_wire::Spec;

    use super::super::tests::{case, finding, run};
    use super::*;

    fn failing(events: u64, event: Option<u64>) -> Case {
        let mut finding = finding(Gravity::Must);
        finding.event = event;
        let mut case = case("mqtt/qos-2/repeat@mqtt-5.0", Outcome::Fail, vec![finding]);
        case.trace.actors.push((String::from("bob"), Spec::Mqtt50));
        case.trace.events = (0..events)
            .map(|sequence| Event {
                sequence,
                at: Duration::from_millis(sequence),
                what: What::Opened { actor: ActorId(0), connection: ConnectionNumber(1) },
            })
            .collect();
        case
    }

    fn told(case: Case) -> String {
        let run = run(vec![case]);
        let case = run.cases.first().expect("there is one");
        render(case, &run, Catalogue::load(), Paint::plain())
    }

    #[test]
    fn a_failure_says_everything_that_one_needs_to_know() {
        let text = told(failing(3, Some(1)));
        for part in [
            "FAIL  mqtt/qos-2/repeat@mqtt-5.0\n      A repeated PUBLISH is routed once",
            "breaks    mqtt-5.0/MQTT-4.3.3-1 (MUST, MQTT 5.0 section 4.3.3)\n            QoS 2 sender",
            "at        scenarios/mqtt/qos-2/repeat.yaml:12\n            - bob: { expect_nothing: 1s }",
            "expected  nothing for 1s\n  actual    publish topic=\"t\"",
            "replay    mqspec replay scenarios/mqtt/qos-2/repeat.yaml --protocol mqtt-5.0 --seed 0x7",
        ] {
            assert!(text.contains(part), "{part}\n is missing in\n{text}");
        }
    }

    #[test]
    fn the_event_in_question_is_marked_and_its_surroundings_are_counted() {
        let text = told(failing(100, Some(50)));
        assert!(text.contains("… 36 events before"), "{text}");
        assert!(text.contains("… 45 events after"), "{text}");
        assert!(text.contains("  ▸    0.050s  bob ═══  connected"), "{text}");
    }

    #[test]
    fn without_an_event_the_end_is_shown() {
        let text = told(failing(100, None));
        assert!(text.contains("0.099s") && !text.contains("events after") && !text.contains('▸'), "{text}");
    }

    #[test]
    fn a_run_that_cannot_be_repeated_says_so() {
        let mut case = failing(1, None);
        case.repetition = Repetition::Differs(String::from("abcd"));
        assert!(told(case).contains("NOT reproducible: a second run left another trace (00ff and abcd)"));
    }

    #[test]
    fn many_findings_are_cut_short_and_counted() {
        let mut case = failing(1, None);
        case.verdict.findings = vec![finding(Gravity::Must); 7];
        assert!(told(case).contains("… and 2 more findings"));
    }
}
