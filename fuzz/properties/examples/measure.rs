//! Executions a second and core of targets over a corpus, without libFuzzer:
//! `cargo run --release --example measure -- SECONDS TARGET [FOLDER...]`.
//!
//! Time is that of the processor, so that a busy machine does not count (Linux; wall time elsewhere). Beside the
//! target's rate stands that of a target which only copies its input.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mqspec_fuzz_properties::{TARGETS, baseline, decode_amqp, decode_mqtt};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok());
    let target = arguments.next().and_then(|name| TARGETS.iter().find(|target| target.name == name));
    let (Some(seconds), Some(target)) = (seconds, target) else {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("usage: measure SECONDS TARGET [FOLDER...]; the targets are {}", names.join(", "));
        return ExitCode::from(2);
    };
    let mut folders: Vec<_> = arguments.map(PathBuf::from).collect();
    if folders.is_empty() {
        folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target.name));
    }
    let inputs = inputs(&folders);
    if inputs.is_empty() {
        eprintln!("nothing in {folders:?}");
        return ExitCode::from(2);
    }
    // What is replayed gets more checks than what is fuzzed.
    let run = match target.name {
        "decode_mqtt" => decode_mqtt,
        "decode_amqp" => decode_amqp,
        _ => target.run,
    };
    let copying = rate(&inputs, 1.0, baseline);
    let running = rate(&inputs, seconds, run);
    let bytes = inputs.iter().map(Vec::len).sum::<usize>() / inputs.len();
    println!(
        "{}: {} inputs of {bytes} bytes on average, {running:.0} executions/s; only copying {copying:.0}/s",
        target.name,
        inputs.len()
    );
    ExitCode::SUCCESS
}

/// The files of some folders, in the order of their names.
fn inputs(folders: &[PathBuf]) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files.iter().filter_map(|file| fs::read(file).ok()).collect()
}

/// Runs over all inputs again and again until the time is over; executions a second of processor time.
fn rate(inputs: &[Vec<u8>], seconds: f64, mut run: impl FnMut(&[u8])) -> f64 {
    let (wall, began, mut executions) = (Instant::now(), processor_time(), 0_u32);
    loop {
        for input in inputs {
            run(std::hint::black_box(input));
            executions += 1;
        }
        let spent = match (began, processor_time()) {
            (Some(began), Some(now)) => now.saturating_sub(began),
            _ => wall.elapsed(),
        }
        .as_secs_f64();
        if spent >= seconds {
            return f64::from(executions) / spent;
        }
    }
}

/// How long this process has been on a processor.
fn processor_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
