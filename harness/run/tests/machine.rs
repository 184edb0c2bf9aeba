//! What a loss of power leaves comes from the seed alone, in both embedded worlds.

#![allow(clippy::expect_used, reason = "a test may stop where it cannot go on")]

use std::collections::BTreeSet;
use std::path::Path;

use mqspec_conformance::plan::Plan;
use mqspec_conformance::scenario::files::load_file;
use mqspec_conformance::trace::hash::hash;
use mqspec_conformance::trace::{Trace, What};
use mqspec_run::RunResult;
use mqspec_run::environment::simulated::Settings;
use mqspec_run::environment::{memory, simulated};

const SEEDS: u64 = 40;

fn plan(name: &str) -> Plan {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let file = load_file(&scenarios.join(name)).expect("the scenario is shipped");
    file.plans.expect("a shipped scenario loads").into_iter().next().expect("it has a version")
}

fn in_memory(plan: &Plan, seed: u64) -> RunResult {
    memory::run(plan, &Settings { seed, ..Settings::default() })
}

fn simulated(plan: &Plan, seed: u64, time_jumps: bool) -> RunResult {
    simulated::run(plan, &Settings { seed, time_jumps })
}

/// What the broker and its disk had to say.
fn told(trace: &Trace) -> Vec<&str> {
    let texts = trace.events.iter().filter_map(|event| match &event.what {
        What::Fault { actor: None, text } | What::Broker { text } => Some(text.as_str()),
        What::Fault { .. }
        | What::Step { .. }
        | What::Opened { .. }
        | What::OpenFailed { .. }
        | What::Sent { .. }
        | What::Received { .. }
        | What::Ended { .. }
        | What::Bound { .. } => None,
    });
    texts.collect()
}

#[test]
fn a_seed_decides_what_a_loss_of_power_leaves() {
    // Its disk has synced nothing of two messages when the power goes.
    let plan = plan("mqtt/durability/lost-sync-is-survived.yaml");
    let mut left = BTreeSet::new();
    for seed in 0..SEEDS {
        let first = in_memory(&plan, seed);
        assert_eq!(first.stop, None, "seed {seed}");
        assert_eq!(hash(&first.trace), hash(&in_memory(&plan, seed).trace), "seed {seed}");
        let jumping = simulated(&plan, seed, true);
        assert_eq!(jumping.stop, None, "seed {seed}");
        assert_eq!(hash(&jumping.trace), hash(&simulated(&plan, seed, false).trace), "seed {seed}");
        let told = told(&first.trace).join("\n");
        assert_eq!(told, self::told(&jumping.trace).join("\n"), "both worlds have the same disk");
        left.insert(told);
    }
    assert!(left.len() > 3, "{SEEDS} seeds leave {} different disks", left.len());
    assert!(left.iter().any(|told| told.contains("were cut off")), "a warning is in the trace");
}

#[test]
fn a_broker_that_stops_by_itself_ends_neither_world() {
    let plan = plan("mqtt/durability/unsynced-is-not-acknowledged.yaml");
    for result in [in_memory(&plan, 1), simulated(&plan, 1, true)] {
        assert_eq!(result.stop, None);
        let stops = "stops: syncing the file `log` of the data directory failed: input/output error";
        let told = told(&result.trace);
        let places =
            [stops, "without power", "started"].map(|text| told.iter().position(|told| *told == text));
        let [Some(stopped), Some(off), Some(started)] = places else { panic!("{told:?}") };
        assert!(stopped < off && off < started, "{told:?}");
    }
}

#[test]
fn a_broker_that_cannot_start_says_why() {
    let plan = plan("mqtt/durability/disk-that-cannot-be-read.yaml");
    for result in [in_memory(&plan, 1), simulated(&plan, 1, true)] {
        assert_eq!(result.stop, None);
        let refusal =
            "does not start: reading the file `log` of the data directory failed: input/output error";
        assert!(told(&result.trace).contains(&refusal), "{:?}", told(&result.trace));
    }
}
