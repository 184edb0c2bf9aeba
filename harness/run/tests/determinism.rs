//! One plan and one seed give one trace: on one thread, on two, and with time jumps off. (That a fresh
//! process gives the same is the command line's test.)

#![allow(clippy::expect_used, reason = "a test may stop where it cannot go on")]

use std::path::Path;

use mqspec_conformance::plan::Plan;
use mqspec_conformance::scenario::files::load_file;
use mqspec_conformance::trace::hash::hash;
use mqspec_run::environment::simulated::{Settings, run};

const SEEDS: u64 = 200;

fn busy_plans() -> Vec<Plan> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut plans = Vec::new();
    for name in ["mqtt/simulation/busy.yaml", "amqp/simulation/busy.yaml"] {
        let file = load_file(&scenarios.join(name)).expect("the scenario is shipped");
        plans.extend(file.plans.expect("a shipped scenario loads"));
    }
    plans
}

fn hashes(plan: &Plan, seeds: impl Iterator<Item = u64>, time_jumps: bool) -> Vec<String> {
    seeds
        .map(|seed| {
            let result = run(plan, &Settings { seed, time_jumps });
            assert_eq!(result.stop, None, "{} with seed {seed}", plan.address);
            hash(&result.trace)
        })
        .collect()
}

#[test]
fn a_seed_gives_one_trace_on_one_thread_and_on_two() {
    for plan in &busy_plans() {
        let first = hashes(plan, 0..SEEDS, true);
        let again = hashes(plan, 0..SEEDS, true);
        assert_eq!(first, again, "{}: the same thread, twice", plan.address);
        let (even, odd) = std::thread::scope(|scope| {
            let even = scope.spawn(|| hashes(plan, (0..SEEDS).step_by(2), true));
            let odd = scope.spawn(|| hashes(plan, (1..SEEDS).step_by(2), true));
            (even.join().expect("no panic"), odd.join().expect("no panic"))
        });
        let parallel: Vec<String> = even.into_iter().zip(odd).flat_map(|(even, odd)| [even, odd]).collect();
        assert_eq!(first, parallel, "{}: two threads at once", plan.address);
        let distinct: std::collections::BTreeSet<&String> = first.iter().collect();
        assert!(distinct.len() > 190, "{}: {} traces of {SEEDS} seeds", plan.address, distinct.len());
    }
}

#[test]
fn a_seed_gives_one_trace_with_time_jumps_and_without() {
    for plan in &busy_plans() {
        let jumping = hashes(plan, 0..SEEDS, true);
        let stepping = hashes(plan, 0..SEEDS, false);
        assert_eq!(jumping, stepping, "{}", plan.address);
    }
}
