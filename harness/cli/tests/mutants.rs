//! The suite can fail: every mutant is convicted, the correct broker is not, and neither is a mutant whose
//! lie is the truth.

use std::path::Path;

use mqspec_cli::choose;
use mqspec_cli::failure::Failure;
use mqspec_cli::proof;
use mqspec_cli::suite::{Suite, Trial};
use mqspec_conformance::mutant::{
    self, Change, DiskUse, Mutant, Occasion, Pace, PacketMatch, Rewrite, Shows,
};
use mqspec_wire::Spec;

fn trials() -> Vec<Trial> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    done(Suite::open(Some(&scenarios)).and_then(|suite| choose::all(&suite)))
}

fn done<T>(result: Result<T, Failure>) -> T {
    match result {
        Ok(done) => done,
        Err(Failure::Input(report) | Failure::Environment(report)) => panic!("{report:?}"),
    }
}

#[test]
fn every_mutant_is_convicted_under_every_statement_that_it_breaks() {
    let results = done(proof::try_all(&mutant::built_in(), &trials()));
    let survivors: Vec<_> = results
        .iter()
        .filter(|result| !result.is_killed())
        .map(|result| format!("{}: {:?}", result.mutant.name, result.missed))
        .collect();
    assert!(survivors.is_empty(), "`mqspec mutants -q` shows them:\n{}", survivors.join("\n"));
}

#[test]
fn the_correct_broker_is_acquitted_by_every_scenario_that_a_mutant_needs() {
    let witnesses = done(proof::false_witnesses(&mutant::built_in(), &trials()));
    assert!(witnesses.is_empty(), "{witnesses:?}");
}

/// Takes every packet that the broker sends apart, and puts it together again. A scenario that convicts this
/// convicts the rewriting itself, and with it every mutant.
fn truthful(spec: Spec) -> Mutant {
    let takes_apart = Change { unset: vec![String::from("(no field)")], ..Change::default() };
    Mutant {
        name: format!("truthful@{spec}"),
        lie: String::from("None"),
        spec,
        statements: Vec::new(),
        rewrites: vec![Rewrite {
            on: Occasion::FromBroker(PacketMatch::default()),
            after: None,
            when: Vec::new(),
            previous: None,
            nth: None,
            overall: false,
            action: takes_apart,
        }],
        clock: Pace::True,
        disk: DiskUse::Careful,
        shows: Shows::Always,
    }
}

#[test]
fn a_mutant_that_tells_the_truth_is_acquitted_everywhere() {
    let trials = trials();
    for spec in Spec::ALL {
        let accusers = done(proof::accusers(&truthful(spec), &trials));
        assert!(accusers.is_empty(), "{spec}: {accusers:?}");
    }
}
