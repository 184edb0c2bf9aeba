//! `mqspec explore` on a small scale: the correct broker is innocent, a liar is convicted and its case made small.

use mqspec_cli::exploration::{cases_until_convicted, convict, run};
use mqspec_conformance::explore::Case;
use mqspec_conformance::mutant::built_in;
use mqspec_conformance::scenario::load;
use mqspec_wire::Spec;

const SEED: u64 = 0x5eed;
/// As many as a test can afford; `mqspec explore --cases N` runs as many as one likes.
const CASES: u64 = 60;

fn innocent(spec: Spec) {
    for number in 0..CASES {
        let case = Case::draw(spec, SEED, number);
        let judged = run(&case, None);
        assert!(!judged.fails(), "case {number} ({}): {}", case.summary(), judged.reason());
        assert_eq!(judged.hash, run(&case, None).hash, "case {number} leaves one trace");
    }
}

#[test]
fn the_correct_broker_is_innocent_of_mqtt_5() {
    innocent(Spec::Mqtt50);
}

#[test]
fn the_correct_broker_is_innocent_of_mqtt_3() {
    innocent(Spec::Mqtt311);
}

#[test]
fn the_correct_broker_is_innocent_of_amqp() {
    innocent(Spec::Amqp091);
}

#[test]
fn every_case_is_a_scenario() {
    for spec in Spec::ALL {
        for number in 0..100 {
            let case = Case::draw(spec, SEED, number);
            let plan = case.plan("explored/case").expect("a case is a scenario");
            let again = load("scenarios/explored/case.yaml", &case.yaml(&[])).expect("it loads");
            assert_eq!(again, [plan], "{spec} case {number}");
            assert_eq!(case, Case::draw(spec, SEED, number), "a case is drawn the same each time");
        }
    }
}

#[test]
fn a_liar_is_convicted_by_a_small_case_that_repeats() {
    for name in ["dup-missing-on-redelivery@mqtt-5.0", "retained-never-sent@mqtt-5.0"] {
        let mutant = built_in().into_iter().find(|mutant| mutant.name == name).expect("a built-in mutant");
        let found = cases_until_convicted(mutant.spec, SEED, 200, &mutant);
        let (number, case, judged) = found.unwrap_or_else(|| panic!("{name} survives 200 cases"));
        let convicted = convict(&case, number - 1, judged, Some(&mutant));
        let steps = convicted.small.case.steps();
        assert!(steps <= 12, "{name}: {steps} steps");
        assert!(convicted.repeats, "{name}: one hash each time");
        assert!(
            !run(&convicted.small.case, None).fails(),
            "{name}: the correct broker passes the small case"
        );
    }
}
