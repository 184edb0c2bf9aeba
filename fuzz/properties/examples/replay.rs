//! Runs files through a target, as the fuzzer would: `cargo run --example replay -- TARGET FILE-OR-FOLDER...`
//!
//! Stable Rust, no libFuzzer: this is how to look at a crash in a debugger, or with another toolchain.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mqspec_fuzz_properties::{TARGETS, Target};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().and_then(|name| TARGETS.iter().find(|target| target.name == name));
    let Some(target) = target else {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("usage: replay TARGET FILE-OR-FOLDER...; the targets are {}", names.join(", "));
        return ExitCode::from(2);
    };
    let mut files = Vec::new();
    for argument in arguments {
        collect(Path::new(&argument), &mut files);
    }
    files.sort();
    let failed = files.iter().filter(|file| !passes(target, file)).count();
    println!("{} files, {failed} failed", files.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    match fs::read_dir(path) {
        Ok(entries) => {
            for entry in entries.flatten() {
                collect(&entry.path(), files);
            }
        }
        Err(_) => files.push(path.to_owned()),
    }
}

fn passes(target: &Target, file: &Path) -> bool {
    let input = match fs::read(file) {
        Ok(input) => input,
        Err(why) => {
            eprintln!("{}: {why}", file.display());
            return false;
        }
    };
    let passed = std::panic::catch_unwind(|| (target.run)(&input)).is_ok();
    if !passed {
        eprintln!("^ {}\n", file.display());
    }
    passed
}
