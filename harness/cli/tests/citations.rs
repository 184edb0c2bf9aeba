//! Every statement id that is cited anywhere exists in the catalogue.

use std::fs;
use std::path::{Path, PathBuf};

use mqspec_conformance::statement::{Catalogue, Standard};

/// What ids begin with.
const PREFIXES: [&str; 4] = ["MQTT-", "AMQP-", "RMQ-", "MQSPEC-"];

/// Folders with text that people wrote.
const FOLDERS: [&str; 4] = ["harness", "broker-under-test", "scenarios", "docs"];

/// Files that hold wrong ids on purpose: they test what happens then, or tell of misprints.
const WRONG_ON_PURPOSE: [&str; 7] = [
    "catalogue/README.md",
    "statement/tests.rs",
    "statement/suggest.rs",
    "cli/src/selector.rs",
    "cli/src/command/explain.rs",
    "cli/tests/cli.rs",
    "cli/tests/citations.rs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            texts(&path, found);
        } else if [".rs", ".yaml", ".md"].iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
}

/// The ids in a line, with their standard where one stands before them.
fn cited(line: &str) -> Vec<(Option<Standard>, String)> {
    let mut found = Vec::new();
    for prefix in PREFIXES {
        for (at, _) in line.match_indices(prefix) {
            let before = line.get(..at).unwrap_or_default();
            // A part of a longer word (`XMQTT-`) is no id.
            if before.ends_with(|letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '.')) {
                continue;
            }
            let id: String = line
                .get(at..)
                .unwrap_or_default()
                .chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_'))
                .collect();
            let id = id.trim_end_matches(['.', '-']).to_owned();
            // `MQTT-…`, `MQTT-x` and a range's `MQTT-4.8.2-*` name no single statement.
            let rest = id.get(prefix.len()..).unwrap_or_default();
            let followed_by_star =
                line.get(at + id.len()..).is_some_and(|rest| rest.starts_with(['*', '-', '<', '{']));
            if rest.len() < 3 || followed_by_star {
                continue;
            }
            let standard = before.strip_suffix('/').and_then(|before| {
                Standard::ALL.into_iter().find(|standard| before.ends_with(standard.id()))
            });
            found.push((standard, id));
        }
    }
    found
}

#[test]
fn every_cited_id_exists() {
    let catalogue = Catalogue::load();
    let mut files =
        vec![root().join("README.md"), root().join("ARCHITECTURE.md"), root().join("CONTRIBUTING.md")];
    files.retain(|file| file.exists());
    for folder in FOLDERS {
        texts(&root().join(folder), &mut files);
    }
    let mut citations = 0;
    let mut unknown = Vec::new();
    for file in &files {
        let shown = file.strip_prefix(root()).unwrap_or(file).display().to_string();
        if WRONG_ON_PURPOSE.iter().any(|wrong| shown.ends_with(wrong)) {
            continue;
        }
        let text = fs::read_to_string(file).unwrap_or_else(|why| panic!("{shown}: {why}"));
        for (number, line) in text.lines().enumerate() {
            for (standard, id) in cited(line) {
                citations += 1;
                let exists = match standard {
                    Some(standard) => catalogue.find(&format!("{standard}/{id}")).is_some(),
                    None => !catalogue.find_all(&id).is_empty(),
                };
                if !exists {
                    unknown.push(format!("{shown}:{}: {id}", number + 1));
                }
            }
        }
    }
    assert!(citations > 100, "only {citations} citations were found: this test looks in the wrong place");
    assert!(unknown.is_empty(), "cited, and not in the catalogue:\n{}", unknown.join("\n"));
}

#[test]
fn ids_are_found_in_prose_and_code() {
    let ids = |line| {
        cited(line).into_iter().map(|(standard, id)| (standard.map(Standard::id), id)).collect::<Vec<_>>()
    };
    let one = |standard, id: &str| vec![(standard, id.to_owned())];
    assert_eq!(ids("// [mqtt-5.0/MQTT-4.3.3-10] a repeat"), one(Some("mqtt-5.0"), "MQTT-4.3.3-10"));
    assert_eq!(ids("statements: [MQTT-4.4.0-1]"), one(None, "MQTT-4.4.0-1"));
    assert_eq!(ids("as AMQP-basic.ack-single says."), one(None, "AMQP-basic.ack-single"));
    assert_eq!(ids("AMQP-0-9-1 or `MQTT-…` or MQTT-4.8.2-*"), one(None, "AMQP-0-9-1"));
}
