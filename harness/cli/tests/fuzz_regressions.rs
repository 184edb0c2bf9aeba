//! What the fuzzers assert, asserted again of the corpus and of everything they ever found (`fuzz/README.md`).

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use mqspec_fuzz_properties::{TARGETS, Target};

mod common;

use common::{files, fuzz};

/// Runs each file of a folder through a target; says how many there were.
fn replay(target: &Target, folder: &Path) -> usize {
    let files = files(folder);
    let failed: Vec<_> = files
        .iter()
        .filter(|file| {
            let input = fs::read(file).expect("an input can be read");
            catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err()
        })
        .collect();
    assert!(failed.is_empty(), "{}: {failed:#?}", target.name);
    files.len()
}

#[test]
fn the_corpus_holds() {
    for target in TARGETS {
        let count = replay(target, &fuzz().join("corpus").join(target.name));
        assert!(count >= 10, "{} seeds of {}", count, target.name);
    }
}

#[test]
fn what_was_found_once_stays_fixed() {
    for target in TARGETS {
        replay(target, &fuzz().join("regressions").join(target.name));
    }
    let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    for folder in files(&fuzz().join("regressions")).iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        assert!(known.contains(&name), "{} belongs to no target", folder.display());
    }
}

#[test]
fn every_target_is_a_binary() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("the manifest can be read");
    for target in TARGETS {
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{} has no [[bin]]", target.name);
        let source = fuzz().join("fuzz_targets").join(format!("{}.rs", target.name));
        assert!(source.is_file(), "{} is missing", source.display());
    }
}
