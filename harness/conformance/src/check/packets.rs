//! Every packet that the broker sends must be well-formed and lawful for a server in that version.

use std::collections::BTreeSet;

use mqspec_wire::Packet;

use crate::trace::{Trace, What};
use crate::verdict::{Finding, Gravity};

/// One finding per oddity of a packet that the broker really sent. A packet that the fault layer lost was
/// sent all the same; a copy that it made was not. Who asks for a protocol level that nobody defined may be
/// refused in the form of any version, so there is nothing to judge the refusal's form by.
pub fn check(trace: &Trace) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut without_version = BTreeSet::new();
    for event in &trace.events {
        if let What::Sent { actor, connection, packet, .. } = &event.what
            && asks_for_no_version(packet)
        {
            without_version.insert((*actor, *connection));
        }
        if let What::Received { actor, connection, packet, fate } = &event.what
            && fate.is_sent()
            && !without_version.contains(&(*actor, *connection))
        {
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

/// Whether this is a CONNECT with a protocol level other than those of MQTT 3.1, 3.1.1 and 5.0.
fn asks_for_no_version(packet: &Packet) -> bool {
    let level = packet.integer("protocol_level");
    packet.name == "connect" && level.is_some_and(|level| !(3..=5).contains(&level))
}
