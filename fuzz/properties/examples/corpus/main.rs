//! Makes the seeds and dictionaries: `cargo run --example corpus`, from any folder.
//!
//! Nothing is collected from elsewhere: seeds are cut from the test vectors and tables of the tester's codec and
//! written from its layouts, a file each in `corpus/TARGET/`, named after where it comes from. Those that add coverage
//! are kept, and made anew; `-- --all` makes the others, too, for `cargo fuzz cmin` to choose from.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mqspec_wire::{Side, Spec};

mod conversations;
mod layouts;
mod scripts;
mod tables;
mod vectors;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let all = std::env::args().any(|argument| argument == "--all");
    let mut corpus = Corpus { folder: root.join("fuzz/corpus"), all, left_out: 0, written: BTreeSet::new() };
    vectors::mqtt_vectors(&root, &mut corpus);
    vectors::amqp_tables(&root, &mut corpus);
    tables::nested_tables(&mut corpus);
    tables::every_table_value(&mut corpus);
    conversations::contents(&mut corpus);
    conversations::scripts(&mut corpus);
    scripts::scripts(&mut corpus);
    scripts::witnesses(&mut corpus);
    scripts::logs(&mut corpus);
    scenarios(&root.join("scenarios"), &mut corpus);
    for spec in Spec::ALL {
        layouts::layouts(spec, &mut corpus);
        layouts::dictionary(spec, &root.join("fuzz/dictionaries"));
    }
    println!("{} seeds written, {} left out", corpus.written.len(), corpus.left_out);
    let others = corpus.others();
    for path in &others {
        println!("not made here: {}", path.display());
    }
    if others.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Corpus {
    folder: PathBuf,
    /// Also what is not kept.
    all: bool,
    left_out: usize,
    written: BTreeSet<PathBuf>,
}

impl Corpus {
    /// A seed of the decoders and of the differential targets: who sends what in which version.
    fn packet(&mut self, name: &str, spec: Spec, sender: Side, bytes: &[u8]) {
        let targets = if spec.is_mqtt() {
            ["decode_mqtt", "differential_mqtt"]
        } else {
            ["decode_amqp", "differential_amqp"]
        };
        let choice = u8::from(sender == Side::Server) | u8::from(spec == Spec::Mqtt50) << 1;
        let fifth = (spec == Spec::Mqtt50).then_some("differential_mqtt5");
        for target in targets.into_iter().chain(fifth) {
            self.write(target, name, &[&[choice], bytes].concat());
        }
    }

    fn write(&mut self, target: &str, name: &str, input: &[u8]) {
        let folder = self.folder.join(target);
        let path = folder.join(name);
        if !self.all && !path.exists() {
            self.left_out += 1;
            return;
        }
        fs::create_dir_all(&folder).expect("the corpus can be written");
        fs::write(&path, input).expect("the corpus can be written");
        let is_first = self.written.insert(path);
        assert!(is_first, "two seeds of {target} are called {name}");
    }

    /// Seeds that nothing here has written.
    fn others(&self) -> Vec<PathBuf> {
        let files = |folder: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(folder).expect("the corpus can be read");
            entries.map(|entry| entry.expect("the corpus can be read").path()).collect()
        };
        let mut seeds: Vec<_> = files(&self.folder).iter().flat_map(|folder| files(folder)).collect();
        seeds.retain(|path| !self.written.contains(path));
        seeds.sort();
        seeds
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The shipped scenarios.
fn scenarios(folder: &Path, corpus: &mut Corpus) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            scenarios(&path, corpus);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            let parts: Vec<_> = path.iter().rev().take(3).filter_map(|part| part.to_str()).collect();
            let name = parts.into_iter().rev().collect::<Vec<_>>().join("-");
            corpus.write("scenario_load", &name, read(&path).as_bytes());
        }
    }
}
