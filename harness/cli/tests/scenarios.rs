//! One trial per scenario and version, named by its address: `mqtt/qos-2/pubrel-resent@mqtt-5.0`.
//!
//! Each runs in the simulator against the reference broker, which must keep every statement, the
//! recommendations as well; and it must leave the trace that was reviewed, below `snapshots/`. A change there
//! is a change of behaviour: `INSTA_UPDATE=always cargo test -p mqspec --test scenarios` takes it over.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use mqspec_cli::failure::Failure;
use mqspec_cli::report::{Case, Run, failure};
use mqspec_cli::seed::Seed;
use mqspec_cli::suite::Suite;
use mqspec_cli::world::World;
use mqspec_cli::{choose, paint, suite};
use mqspec_conformance::plan::Worlds;
use mqspec_conformance::statement::Catalogue;
use mqspec_conformance::trace::lanes::{self, Detail};
use mqspec_conformance::verdict::Outcome;

fn main() {
    let arguments = Arguments::from_args();
    let trials = match read() {
        Ok(trials) => trials,
        Err(Failure::Input(report) | Failure::Environment(report)) => panic!("{report:?}"),
    };
    let expected: BTreeSet<PathBuf> = trials
        .iter()
        .filter(|trial| !matches!(trial.plan.worlds, Worlds::LiveOnly(_)))
        .map(|trial| snapshots().join(format!("{}.snap", trial.plan.address)))
        .collect();
    let mut tests: Vec<Trial> = trials
        .into_iter()
        .map(|trial| Trial::test(trial.plan.address.clone(), move || hold(&trial)))
        .collect();
    tests.push(Trial::test("snapshots/each-belongs-to-a-scenario", move || no_orphans(&expected)));
    libtest_mimic::run(&arguments, tests).exit();
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn snapshots() -> PathBuf {
    root().join("snapshots")
}

fn read() -> Result<Vec<suite::Trial>, Failure> {
    choose::all(&Suite::open(Some(&root().join("scenarios")))?)
}

/// Runs a trial and holds it against its verdict and its snapshot.
fn hold(trial: &suite::Trial) -> Result<(), Failed> {
    let seed = Seed::default();
    let case = World::open(None).map_err(|_| "the simulator is always there")?.judge(trial, seed, true);
    match (&case.verdict.outcome, &trial.plan.worlds) {
        (Outcome::Pass, Worlds::Both | Worlds::SimulatedOnly(_)) => compare(&case),
        (Outcome::NotApplicable(_), Worlds::LiveOnly(_)) => Ok(()),
        (Outcome::Pass | Outcome::Fail | Outcome::NotApplicable(_) | Outcome::Inconclusive(_), _) => {
            let outcome = format!("{:?}\n\n", case.verdict.outcome);
            let run =
                Run { cases: vec![case], seed, broker: None, strict: true, took: std::time::Duration::ZERO };
            let told = run
                .cases
                .iter()
                .map(|case| failure::render(case, &run, Catalogue::load(), paint::Paint::plain()));
            Err(format!("{outcome}{}", told.collect::<String>()).into())
        }
    }
}

/// Compares the lanes of a trace with the reviewed ones.
fn compare(case: &Case) -> Result<(), Failed> {
    let text = lanes::render(&case.trace, &case.trace.events, Detail { bytes: true, steps: false });
    let (folder, name) = case.plan.address.rsplit_once('/').ok_or("a scenario stands in a folder")?;
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshots().join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(format!(
        "scenarios/{}.yaml",
        case.plan.address.split('@').next().unwrap_or_default()
    ));
    settings.bind(|| insta::assert_snapshot!(name, text));
    Ok(())
}

/// A snapshot whose scenario is gone is no evidence of anything.
fn no_orphans(expected: &BTreeSet<PathBuf>) -> Result<(), Failed> {
    let mut folders = vec![snapshots()];
    let mut orphans = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "snap") && !expected.contains(&path) {
                orphans.push(path.display().to_string());
            }
        }
    }
    if orphans.is_empty() { Ok(()) } else { Err(format!("no scenario leaves {}", orphans.join(", ")).into()) }
}
