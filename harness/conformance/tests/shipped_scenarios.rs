//! What every scenario in `scenarios/` must keep to.

use std::path::{Path, PathBuf};

use mqspec_conformance::scenario::files::{File, load_dir};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

fn shipped() -> Vec<File> {
    let files = load_dir(&root()).expect("scenarios/ can be read");
    assert!(!files.is_empty(), "there are scenarios");
    files
}

#[test]
fn every_scenario_loads() {
    let mut broken = Vec::new();
    for file in shipped() {
        if let Err(diagnostics) = file.plans {
            broken.push(format!("{:?}", miette::Report::new(diagnostics)));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn addresses_are_paths_with_the_version() {
    let files = shipped();
    let addresses: Vec<_> =
        files.iter().flat_map(|file| file.plans.as_ref().expect("loads")).map(|plan| &plan.address).collect();
    assert!(addresses.contains(&&String::from("mqtt/qos-2/pubrel-resent@mqtt-3.1.1")), "{addresses:?}");
    assert!(addresses.contains(&&String::from("mqtt/qos-2/pubrel-resent@mqtt-5.0")), "{addresses:?}");
    let mut unique = addresses.clone();
    unique.dedup();
    assert_eq!(unique, addresses);
}
