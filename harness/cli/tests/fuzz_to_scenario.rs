//! `mqspec fuzz-to-scenario` over the corpus and over what the fuzzers ever found: each input that clients can send is a
//! scenario in which they send the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mqspec_cli::fuzz_scenario::scenario;
use mqspec_conformance::check;
use mqspec_conformance::mutant::{Mutant, built_in};
use mqspec_conformance::plan::Plan;
use mqspec_conformance::scenario::load;
use mqspec_conformance::trace::{Trace, What};
use mqspec_conformance::verdict::{Outcome, Verdict, combine};
use mqspec_fuzz_script::{Act, NoScript, Recording, TARGETS, record};
use mqspec_run::environment::{memory, simulated};
use mqspec_run::sut::mutant::{Lies, doorkeeper};

mod common;

use common::{files, fuzz};

/// So many inputs of a target are enough: every kind of packet is among them.
const EACH: usize = 120;

/// Some of the files of a folder, in the order of their names.
fn some_files(folder: &Path) -> Vec<PathBuf> {
    let files = files(folder);
    let every = files.len().div_ceil(EACH).max(1);
    files.into_iter().step_by(every).collect()
}

fn plan(text: &str) -> Plan {
    let plans = load("scenarios/fuzz.yaml", text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let mut plans = plans.into_iter();
    match (plans.next(), plans.next()) {
        (Some(plan), None) => plan,
        (_, _) => panic!("one version is one plan\n{text}"),
    }
}

/// What the checks say of the correct broker, or of one with a lie.
fn judged(plan: &Plan, mutant: Option<&Mutant>) -> (Trace, Verdict) {
    let settings = simulated::Settings { seed: 7, time_jumps: true };
    let result = match mutant {
        Some(mutant) => memory::run_behind(plan, &settings, &doorkeeper(mutant, &Lies::default())),
        None => memory::run(plan, &settings),
    };
    let mut findings = result.findings;
    findings.extend(check::always_on(&result.trace));
    let verdict = combine(plan, result.stop, findings, false);
    (result.trace, verdict)
}

/// What each client sends in a script.
fn sent_in_script(recording: &Recording) -> BTreeMap<usize, Vec<u8>> {
    let mut sent = BTreeMap::<usize, Vec<u8>>::new();
    for act in &recording.acts {
        if let Act::Sent { client, bytes } = act {
            sent.entry(*client).or_default().extend(bytes);
        }
    }
    sent
}

/// What each actor wrote, also on a connection that had ended.
fn sent_in_trace(trace: &Trace) -> BTreeMap<usize, Vec<u8>> {
    let mut sent = BTreeMap::<usize, Vec<u8>>::new();
    for event in &trace.events {
        if let What::Sent { actor, packet, .. } = &event.what {
            sent.entry(actor.0).or_default().extend(&packet.raw);
        }
    }
    sent
}

/// What is wrong with the scenario of an input.
fn flaw(target: &str, file: &Path) -> Result<Option<String>, NoScript> {
    let input = fs::read(file).expect("an input can be read");
    let recording = record(target, &input)?;
    let text = scenario(target, "an input", &recording);
    let plan = plan(&text);
    let (trace, verdict) = judged(&plan, None);
    if verdict.outcome != Outcome::Pass {
        return Ok(Some(format!("{}: {verdict:#?}\n{text}", file.display())));
    }
    let (wanted, sent) = (sent_in_script(&recording), sent_in_trace(&trace));
    for (client, bytes) in &wanted {
        let sent = sent.get(client).map(Vec::as_slice).unwrap_or_default();
        // A stream that does not begin with a CONNECT was given one.
        let is_same = sent.len() == bytes.len() || text.contains("connect: {}");
        if !sent.ends_with(bytes) || !is_same {
            return Ok(Some(format!("{}: client {client} sends something else\n{text}", file.display())));
        }
    }
    Ok(None)
}

#[test]
fn every_input_of_clients_is_a_scenario_that_sends_the_same() {
    for target in TARGETS {
        let (mut scenarios, mut servers, mut flaws) = (0, 0, Vec::new());
        let folders = ["corpus", "regressions"].map(|folder| fuzz().join(folder).join(target));
        for file in folders.iter().flat_map(|folder| some_files(folder)) {
            match flaw(target, &file) {
                Ok(flaw) => {
                    scenarios += 1;
                    flaws.extend(flaw);
                }
                Err(NoScript::SentByServer) => servers += 1,
                Err(NoScript::Empty) => {}
                Err(why @ NoScript::Target(_)) => panic!("{target}: {why}"),
            }
        }
        assert!(flaws.is_empty(), "{target}: {} of {scenarios}:\n{}", flaws.len(), flaws.join("\n"));
        assert!(scenarios >= 30, "{target}: {scenarios} scenarios, {servers} inputs are a server's");
    }
}

#[test]
fn packets_that_can_be_said_are_said() {
    let connect = b"\x02\x10\x0e\0\x04MQTT\x05\x02\0\0\0\0\x01c";
    let publish = b"\x30\x08\0\x03a/b\0$$";
    let puback = b"\x40\x02\0\x07";
    let stray = b"\x36\x02\0\0";
    let input = [&connect[..], publish, puback, stray].concat();
    let recording = record("decode_mqtt", &input).expect("a client sends it");
    let text = scenario("decode_mqtt", "crash-1", &recording);
    let steps: Vec<_> = text.lines().skip_while(|line| *line != "steps:").skip(1).map(str::trim).collect();
    assert_eq!(
        steps,
        [
            "- client_1: { open: {} }",
            "- client_1: { send: connect, client_id: \"c\" }",
            "- client_1: { send: publish, topic: \"a/b\", payload: \"$$$\" }",
            "- client_1: { send: puback, packet_id: 7 }",
            "- client_1: { send_bytes: { hex: \"36020000\" } } # publish",
            "- wait: 20ms",
        ],
        "{text}"
    );
}

#[test]
fn what_is_no_client_is_refused_with_the_reason() {
    let from_server = record("decode_mqtt", b"\x03\xd0\0").expect_err("a PINGRESP is a server's");
    assert_eq!(from_server, NoScript::SentByServer);
    assert_eq!(record("broker_mqtt", b""), Err(NoScript::Empty));
    let other = record("checks", b"\0\0").expect_err("a trace is no client");
    assert!(other.to_string().contains("`checks`") && other.to_string().contains("broker_amqp"), "{other}");
}

/// Lies of a broker: the script of the corpus whose witness hears of each, and the guarantee that its scenario sees broken.
const LIES: [(&str, &str, &str, &str); 8] = [
    ("broker_mqtt", "witness-000", "payload-cut-short@mqtt-5.0", "delivery"),
    ("broker_mqtt", "witness-001", "session-lost-at-crash@mqtt-5.0", "session"),
    ("broker_mqtt", "witness-002", "first-sending-lost-at-crash@mqtt-5.0", "session"),
    ("broker_mqtt", "witness-006", "dup-missing-on-redelivery@mqtt-5.0", "session"),
    ("broker_mqtt", "witness-007", "session-lost-at-cut@mqtt-5.0", "session"),
    ("broker_amqp", "witness-007", "redelivered-never-set@amqp-0-9-1", "redelivery"),
    ("broker_amqp", "witness-007", "unacked-lost-at-cut@amqp-0-9-1", "redelivery"),
    ("broker_amqp", "witness-001", "log-forgets-queues@amqp-0-9-1", "entities"),
];

#[test]
fn the_scenario_of_a_script_fails_before_a_broker_that_lies() {
    let mutants = built_in();
    for (target, file, name, guarantee) in LIES {
        let input = fs::read(fuzz().join("corpus").join(target).join(file)).expect("the seed is there");
        let recording = record(target, &input).expect("a script of clients");
        let plan = plan(&scenario(target, file, &recording));
        let (_, verdict) = judged(&plan, None);
        assert_eq!(verdict.outcome, Outcome::Pass, "{target} {file}: {verdict:#?}");
        let mutant = mutants.iter().find(|mutant| mutant.name == name).expect("a mutant of this name");
        let (_, verdict) = judged(&plan, Some(mutant));
        assert!(
            verdict.outcome == Outcome::Fail
                && verdict.findings.iter().any(|finding| finding.check == guarantee),
            "{target} {file} before {name}: {verdict:#?}"
        );
    }
}
