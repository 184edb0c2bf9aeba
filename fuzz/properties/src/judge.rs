//! The conformance side: scenarios as text, and traces that the checks judge.

use std::time::Duration;

use mqspec_conformance::check::{GUARANTEES, always_on, run};
use mqspec_conformance::plan::{ActorId, Ending};
use mqspec_conformance::scenario;
use mqspec_conformance::trace::{ConnectionNumber, EndedBy, Event, Fate, Trace, What};
use mqspec_fuzz_script::Choices;
use mqspec_wire::{Decoder, Side, Spec, Value};

/// Any text as a scenario: plans, or diagnostics that can be printed; never both nothing.
///
/// # Panics
/// Where there is neither.
pub fn scenario_load(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match scenario::load("scenarios/fuzz.yaml", text) {
        Ok(plans) => assert!(!plans.is_empty(), "a scenario without a plan was accepted"),
        Err(diagnostics) => {
            assert!(!diagnostics.to_string().is_empty(), "a scenario was refused without a reason");
        }
    }
}

/// A script of what three actors saw: whatever it is, it is judged, and every finding points into it.
///
/// # Panics
/// Where one does not.
pub fn checks(input: &[u8]) {
    let mut script = Choices::new(input);
    let specs = [Spec::Mqtt311, Spec::Mqtt50, Spec::Amqp091];
    let actors = specs.iter().map(|spec| (spec.short().to_owned(), *spec)).collect();
    let mut trace = Trace { actors, events: Vec::new() };
    while !script.is_over() && trace.events.len() < 400 {
        let choice = script.byte();
        let actor = usize::from(choice & 3) % specs.len();
        let connection = ConnectionNumber(1 + u32::from(choice >> 2 & 1));
        let spec = specs.get(actor).copied().unwrap_or(Spec::Mqtt50);
        for what in event(choice >> 3, ActorId(actor), connection, spec, &mut script) {
            let sequence = trace.events.len() as u64;
            trace.events.push(Event { sequence, at: Duration::from_millis(sequence), what });
        }
    }
    let mut findings = always_on(&trace);
    for guarantee in GUARANTEES {
        let all: Vec<_> =
            guarantee.parameters.iter().map(|name| ((*name).to_owned(), Value::Bool(true))).collect();
        findings.extend(run(guarantee.name, &all, &trace).expect("its own parameters"));
    }
    for finding in findings {
        let inside = finding.event.is_some_and(|event| event < trace.events.len() as u64);
        assert!(
            inside && !finding.statements.is_empty(),
            "a finding without a place or a statement: {finding:?}"
        );
    }
}

fn event(
    choice: u8,
    actor: ActorId,
    connection: ConnectionNumber,
    spec: Spec,
    script: &mut Choices<'_>,
) -> Vec<What> {
    match choice {
        0 => vec![What::Opened { actor, connection }],
        1 => {
            let by = if script.byte() & 1 == 0 { EndedBy::Fault } else { EndedBy::Peer(Side::Server) };
            vec![What::Ended { actor, connection, by, how: Ending::Reset, rest: 0 }]
        }
        2 => vec![What::Broker { text: "killed".to_owned() }],
        _ => {
            let fate = match script.byte() & 0x1F {
                1 => Fate::Lost,
                2 => Fate::Copy,
                3 => Fate::Cut,
                _ => Fate::Passed,
            };
            let (side, bytes) = if choice & 1 == 0 {
                (Side::Client, script.any_packet(spec, Side::Client))
            } else {
                (Side::Server, script.any_packet(spec, Side::Server))
            };
            let mut decoder = Decoder::new(spec, side);
            decoder.push(&bytes.unwrap_or_default());
            let packets = std::iter::from_fn(|| decoder.next_packet());
            let event = |packet| match side {
                Side::Client => What::Sent { actor, connection, packet, fate },
                Side::Server => What::Received { actor, connection, packet, fate },
            };
            packets.map(event).collect()
        }
    }
}
