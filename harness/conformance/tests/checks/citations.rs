//! Every statement that a check cites is in the catalogue of its standard.

use std::fs;
use std::path::Path;

use mqspec_conformance::statement::Catalogue;

/// The text between two marks, over and over.
fn cited(source: &str) -> impl Iterator<Item = &str> {
    source.split('"').filter(|text| {
        let standard = text.split('/').next().unwrap_or_default();
        matches!(standard, "mqtt-3.1.1" | "mqtt-5.0" | "amqp-0-9-1" | "rabbitmq") && text.contains('/')
    })
}

fn visit(folder: &Path, count: &mut usize) {
    for entry in fs::read_dir(folder).expect("the folder of the checks") {
        let path = entry.expect("an entry of the folder").path();
        if path.is_dir() {
            visit(&path, count);
            continue;
        }
        let source = fs::read_to_string(&path).expect("a source file");
        for id in cited(&source) {
            assert!(Catalogue::load().find(id).is_some(), "{id} in {} does not exist", path.display());
            *count += 1;
        }
    }
}

#[test]
fn every_cited_statement_exists() {
    let mut count = 0;
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/check"), &mut count);
    assert!(count > 90, "only {count} citations were found: does the search still work?");
}
