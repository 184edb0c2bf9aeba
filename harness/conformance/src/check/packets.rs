//! Every packet that the broker sends must be well-formed and lawful for a server in that version.

use crate::trace::{Fate, Trace, What};
use crate::verdict::{Finding, Gravity};

/// One finding per oddity of a packet that the broker really sent. A packet that the fault layer lost was
/// sent all the same; a copy that it made was not.
pub fn check(trace: &Trace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for event in &trace.events {
        if let What::Received { packet, fate: Fate::Passed | Fate::Lost, .. } = &event.what {
            findings.extend(packet.oddities.iter().map(|oddity| Finding {
                statements: vec![oddity.statement.to_owned()],
                gravity: Gravity::of([oddity.statement]),
                origin: None,
                check: "packets",
                expected: format!("a well-formed {}", packet.name),
                actual: format!("{} at byte {}", oddity.message, oddity.span.start),
                event: Some(event.sequence),
            }));
        }
    }
    findings
}
