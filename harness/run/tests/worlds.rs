//! The world in memory gives the simulator's verdicts, on every scenario.

#![allow(clippy::expect_used, reason = "a test may stop where it cannot go on")]

use std::path::Path;

use mqspec_conformance::check;
use mqspec_conformance::plan::Plan;
use mqspec_conformance::scenario::files::load_dir;
use mqspec_conformance::trace::hash::hash;
use mqspec_conformance::verdict::{Verdict, combine};
use mqspec_run::RunResult;
use mqspec_run::environment::simulated::Settings;
use mqspec_run::environment::{memory, simulated};
use mqspec_run::sut::capabilities::Capabilities;

fn plans() -> Vec<Plan> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let reference = Capabilities::reference();
    load_dir(&scenarios)
        .expect("the scenarios are shipped")
        .into_iter()
        .flat_map(|file| file.plans.expect("a shipped scenario loads"))
        .filter(|plan| reference.lacks(plan).is_none())
        .collect()
}

fn judge(plan: &Plan, result: RunResult) -> Verdict {
    let mut findings = check::always_on(&result.trace);
    findings.extend(result.findings);
    combine(plan, result.stop, findings, false)
}

#[test]
fn memory_and_simulator_come_to_the_same_verdict() {
    for plan in &plans() {
        for seed in 0..3 {
            let settings = Settings { seed, ..Settings::default() };
            let simulated = judge(plan, simulated::run(plan, &settings));
            let in_memory = judge(plan, memory::run(plan, &settings));
            assert_eq!(simulated.outcome, in_memory.outcome, "{} with seed {seed}", plan.address);
        }
    }
}

#[test]
fn a_seed_gives_one_trace_in_memory() {
    for plan in &plans() {
        let settings = Settings { seed: 11, ..Settings::default() };
        let first = hash(&memory::run(plan, &settings).trace);
        assert_eq!(first, hash(&memory::run(plan, &settings).trace), "{}", plan.address);
    }
}
