//! What is run.

use std::fmt::Write as _;
use std::path::Path;

use mqspec_conformance::plan::{Plan, Worlds};
use mqspec_conformance::scenario::{self, files};
use mqspec_conformance::trace::What;
use mqspec_run::environment::memory;
use mqspec_run::environment::simulated::Settings;
use mqspec_run::sut::capabilities::Capabilities;

/// One client, 60 s, a keep alive that two PINGREQs keep up.
pub(crate) fn keep_alive() -> Plan {
    load(
        "keep-alive",
        "actors: { alice: { keep_alive: 40 } }\nsteps:\n  - alice: { connect: {} }\n  - wait: 30s\n  \
         - alice: { ping: {} }\n  - wait: 30s\n  - alice: { ping: {} }\n",
    )
}

/// Four publishers, four subscribers, and about 1,000 packets at QoS 1 and 2.
pub(crate) fn typical() -> Plan {
    load("typical", &conversation(""))
}

/// The same while, on each client's connection, faults lie in wait for packets that never come.
pub(crate) fn typical_with_faults() -> Plan {
    let mut faults = String::new();
    for pair in 0..4 {
        for who in [format!("publisher_{pair}"), format!("subscriber_{pair}")] {
            // Writing to a String cannot fail.
            let _ = writeln!(faults, "  - fault: {{ drop: pingresp, to: {who}, then: cut }}");
            let _ = writeln!(faults, "  - fault: {{ duplicate: pingreq, from: {who} }}");
        }
    }
    load("typical-with-faults", &conversation(&faults))
}

/// How many packets a run of a plan has, both ways.
pub(crate) fn packets(plan: &Plan) -> f64 {
    let trace = memory::run(plan, &Settings { seed: 0, time_jumps: true }).trace;
    let packets =
        trace.events.iter().filter(|event| matches!(event.what, What::Sent { .. } | What::Received { .. }));
    u32::try_from(packets.count()).map_or(f64::INFINITY, f64::from)
}

/// Every shipped scenario that the reference broker runs.
pub(crate) fn shipped() -> Vec<Plan> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = files::load_dir(&scenarios).unwrap_or_else(|why| panic!("{}: {why}", scenarios.display()));
    let reference = Capabilities::reference();
    let plans = files.into_iter().flat_map(|file| file.plans.unwrap_or_default());
    plans
        .filter(|plan| !matches!(plan.worlds, Worlds::LiveOnly(_)) && reference.lacks(plan).is_none())
        .collect()
}

fn conversation(faults: &str) -> String {
    let mut text = String::from("actors:\n");
    for pair in 0..4 {
        let _ = writeln!(text, "  publisher_{pair}: {{}}\n  subscriber_{pair}: {{}}");
    }
    text.push_str("steps:\n");
    for pair in 0..4 {
        let _ = writeln!(text, "  - publisher_{pair}: {{ connect: {{}} }}");
        let _ = writeln!(text, "  - subscriber_{pair}: {{ connect: {{}} }}");
        let subscription = format!("filter: \"${{run}}/{pair}/#\", qos: 2");
        let _ = writeln!(text, "  - subscriber_{pair}: {{ subscribe: {{ {subscription} }} }}");
    }
    text.push_str(faults);
    text.push_str("  - together:\n");
    for pair in 0..4 {
        for (who, verb, counter) in [("publisher", "publish", 'p'), ("subscriber", "receive", 's')] {
            let _ = writeln!(
                text,
                "      - - repeat:\n            times: 15\n            counter: {counter}{pair}"
            );
            text.push_str("            steps:\n");
            for (topic, qos) in [("a", 1), ("b", 1), ("c", 2)] {
                let fields = format!(
                    "topic: \"${{run}}/{pair}/{topic}\", qos: {qos}, payload: \"message ${{{counter}{pair}}} of {topic}\""
                );
                let _ = writeln!(text, "              - {who}_{pair}: {{ {verb}: {{ {fields} }} }}");
            }
        }
    }
    if !faults.is_empty() {
        text.push_str("  - fault: { heal: all }\n");
    }
    text
}

fn load(name: &str, body: &str) -> Plan {
    let text = format!("title: {name}\nprotocols: [mqtt-5.0]\nstatements: [MQTT-4.3.2-2]\n{body}");
    match scenario::load(&format!("{name}.yaml"), &text) {
        Ok(mut plans) => plans.pop().unwrap_or_else(|| panic!("{name} is for one version")),
        Err(diagnostics) => panic!("{:?}", miette::Report::new(diagnostics)),
    }
}
