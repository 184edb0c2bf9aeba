//! The arrows between the crates, and the words that would break determinism.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each crate with the crates of this workspace that it may use. A new arrow is a decision: it is made here.
const ARROWS: [(&str, &[&str]); 8] = [
    ("harness/wire", &[]),
    ("harness/conformance", &["mqspec-wire"]),
    // Plays scripts through the broker's door, for the fuzzers and for whoever turns a find into a scenario.
    ("harness/fuzz-script", &["mqspec-wire", "mqspec-broker-core"]),
    // Only its `sut` module knows the broker.
    (
        "harness/run",
        &[
            "mqspec-wire",
            "mqspec-conformance",
            "mqspec-broker-core",
            "mqspec-broker-log",
            "mqspec-broker-server",
        ],
    ),
    // One of its tests replays what the fuzzers found.
    (
        "harness/cli",
        &["mqspec-wire", "mqspec-conformance", "mqspec-fuzz-script", "mqspec-run", "mqspec-fuzz-properties"],
    ),
    ("broker-under-test/core", &[]),
    ("broker-under-test/log", &[]),
    ("broker-under-test/server", &["mqspec-broker-core", "mqspec-broker-log"]),
];

/// Crates that are told the time and never ask.
const PURE: [&str; 3] = ["harness/wire/src", "harness/conformance/src", "broker-under-test/core/src"];

/// Words that no code may hold, with what they break.
const FORBIDDEN: [(&str, &str); 9] = [
    ("fail_rate(", "turmoil's TCP never retransmits: a lost segment mutes a stream for ever"),
    ("HashMap", "its order differs from run to run: BTreeMap or IndexMap"),
    ("HashSet", "its order differs from run to run: BTreeSet or IndexSet"),
    ("thread::sleep", "waiting is for an event or for virtual time"),
    ("SmallRng", "it is not portable: ChaCha"),
    ("rand::rng(", "all chance comes from the seed"),
    ("new_v4(", "all chance comes from the seed"),
    ("watch::channel", "it hides how often a value changed"),
    ("spawn_blocking", "a simulation has one thread"),
];

/// Words that a pure crate may not hold either.
const FORBIDDEN_IN_PURE: [&str; 6] =
    ["Instant::now", "SystemTime::now", "thread::spawn", "tokio::", "async fn", "std::net::Tcp"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Every Rust file below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The crates of this workspace that a manifest names, in any section.
fn arrows(manifest: &str) -> BTreeSet<&str> {
    manifest
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| name.starts_with("mqspec-"))
        .collect()
}

/// A source line without its comment; none where it is all comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

fn find(folders: &[&str], words: &[(&str, &str)]) -> Vec<String> {
    let mut files = Vec::new();
    for folder in folders {
        sources(&root().join(folder), &mut files);
    }
    assert!(files.len() > folders.len(), "the sources are where this test looks");
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("tests/architecture.rs")) {
        for (number, line) in read(file).lines().enumerate() {
            for (word, why) in words.iter().filter(|(word, _)| code(line).contains(word)) {
                found.push(format!("{}:{}: `{word}` ({why})", file.display(), number + 1));
            }
        }
    }
    found
}

#[test]
fn crates_use_each_other_as_the_table_says() {
    for (folder, allowed) in ARROWS {
        let manifest = read(&root().join(folder).join("Cargo.toml"));
        let own = manifest.lines().find_map(|line| line.strip_prefix("name = ")).expect("a crate has a name");
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        assert_eq!(arrows(&manifest), allowed, "{own}");
    }
}

#[test]
fn the_table_names_every_crate() {
    let workspace = read(&root().join("Cargo.toml"));
    let (_, members) = workspace.split_once("members = [").expect("the workspace lists its members");
    let (members, _) = members.split_once(']').expect("the list ends");
    let members: BTreeSet<&str> = members
        .split(',')
        .map(|member| member.trim().trim_matches('"'))
        .filter(|member| !member.is_empty())
        .collect();
    assert_eq!(members, ARROWS.iter().map(|(folder, _)| *folder).collect());
}

#[test]
fn only_the_systems_under_test_know_the_broker() {
    let mut files = Vec::new();
    sources(&root().join("harness/run/src"), &mut files);
    let knowing: Vec<String> = files
        .iter()
        .filter(|file| read(file).lines().any(|line| code(line).contains("mqspec_broker_core")))
        .map(|file| file.strip_prefix(root().join("harness/run/src")).unwrap_or(file).display().to_string())
        // Both embedded worlds host the broker's process, so they know how to start one.
        .filter(|file| !file.starts_with("sut/"))
        .filter(|file| file != "environment/simulated.rs" && file != "environment/memory.rs")
        .collect();
    assert_eq!(knowing, Vec::<String>::new());
}

#[test]
fn nothing_breaks_determinism() {
    let folders = ARROWS.map(|(folder, _)| folder);
    assert_eq!(find(&folders, &FORBIDDEN), Vec::<String>::new());
}

#[test]
fn pure_crates_are_told_and_never_ask() {
    let words = FORBIDDEN_IN_PURE.map(|word| (word, "a pure crate has no clock, thread, socket or task"));
    assert_eq!(find(&PURE, &words), Vec::<String>::new());
}

#[test]
fn every_select_is_biased() {
    let mut files = Vec::new();
    for (folder, _) in ARROWS {
        sources(&root().join(folder), &mut files);
    }
    for file in files.iter().filter(|file| !file.ends_with("tests/architecture.rs")) {
        let text: String = read(file).lines().flat_map(|line| [code(line), "\n"]).collect();
        for (at, _) in text.match_indices("select!") {
            let body = text.get(at + "select!".len()..).unwrap_or_default().trim_start();
            let first = body.strip_prefix(['{', '(']).map(str::trim_start);
            assert!(
                first.is_some_and(|body| body.starts_with("biased;")),
                "{}: a select! without `biased;` chooses at random",
                file.display()
            );
        }
    }
}
