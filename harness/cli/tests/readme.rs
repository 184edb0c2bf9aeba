//! What README.md counts is what there is.

#![allow(clippy::expect_used, reason = "a test may stop where it cannot go on")]

use std::fs;
use std::path::Path;

use mqspec_cli::suite::Suite;
use mqspec_conformance::mutant::built_in;

#[test]
fn its_numbers_are_those_of_this_source_tree() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).expect("it is there");
    let (scenarios, mutants) = (Suite::built_in().files.len(), built_in().len());
    for claim in [
        format!("{scenarios} scenarios,"),
        format!("{mutants} broken\nbrokers"),
        format!("{mutants} mutants"),
    ] {
        assert!(readme.contains(&claim), "README.md should say `{claim}`");
    }
}
