//! `mqspec sweep` and `merge` as their users run them: divided, killed, taken up again, lied to.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test may stop where it cannot go on")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Where no folder `scenarios` is, so that the ones built in are used.
fn elsewhere() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mqspec"));
    command.args(arguments).current_dir(elsewhere()).env("NO_COLOR", "1");
    command
}

fn mqspec(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the program can be started")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("it writes UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("it writes UTF-8")
}

/// A sweep's JSON without times, so that equal results are equal bytes.
fn sweep(selection: &[&str], flags: &[&str]) -> String {
    let arguments: Vec<&str> =
        ["sweep"].iter().chain(selection).chain(flags).chain(&["--json", "--no-times"]).copied().collect();
    let output = mqspec(&arguments);
    assert!(output.status.code().is_some_and(|code| code <= 1), "{}", stderr(&output));
    stdout(&output)
}

fn parsed(report: &str) -> Value {
    serde_json::from_str(report).expect("a report is JSON")
}

fn number(report: &str, field: &str) -> u64 {
    parsed(report).get(field).and_then(Value::as_u64).expect("a number")
}

const SELECTION: [&str; 3] = ["mqtt/qos-2", "--seeds", "3..13"];
/// A lie that some of these scenarios see.
const LIAR: [&str; 2] = ["--mutant", "pubrel-not-sent-again@mqtt-5.0"];

#[test]
fn shards_merge_into_the_report_of_the_whole_failures_and_all() {
    let folder = tempfile::tempdir().expect("a folder for the reports");
    let files: Vec<String> = ["3/3", "1/3", "2/3"]
        .iter()
        .map(|shard| {
            let file = folder.path().join(shard.replace('/', "-of-"));
            let flags = [LIAR[0], LIAR[1], "--shard", *shard];
            fs::write(&file, sweep(&SELECTION, &flags)).expect("the folder can be written");
            file.display().to_string()
        })
        .collect();
    let merge = |files: &[String]| {
        let arguments: Vec<&str> =
            ["merge", "--json"].into_iter().chain(files.iter().map(String::as_str)).collect();
        mqspec(&arguments)
    };
    let whole = sweep(&SELECTION, &LIAR);
    let failures = parsed(&whole).get("failures").and_then(Value::as_array).map_or(0, Vec::len);
    assert!(failures >= 10, "{failures} failures");
    assert_eq!(stdout(&merge(&files)), whole);

    let part = merge(&files[..2]);
    assert_eq!(parsed(&stdout(&part)).get("shards"), Some(&serde_json::json!(["1/3", "3/3"])));
    let twice = merge(&[files[0].clone(), files[0].clone()]);
    assert_eq!(twice.status.code(), Some(2), "{}", stdout(&twice));
    assert!(stderr(&twice).contains("3/3"), "{}", stderr(&twice));
}

#[test]
fn a_merge_that_misses_a_shard_is_no_pass() {
    let folder = tempfile::tempdir().expect("a folder for the report");
    let file = folder.path().join("1.json").display().to_string();
    fs::write(&file, sweep(&SELECTION, &["--shard", "1/2"])).expect("the folder can be written");
    let output = mqspec(&["merge", &file]);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    assert!(stdout(&output).contains("missing are the shards 2/2"), "{}", stdout(&output));
}

#[test]
fn threads_processes_and_time_jumps_change_nothing() {
    for world in ["memory", "simulated"] {
        let flags = ["--world", world];
        let one = sweep(&SELECTION, &[&flags[..], &["--jobs", "1"]].concat());
        assert_eq!(one, sweep(&SELECTION, &[&flags[..], &["--jobs", "3"]].concat()), "{world}");
        assert_eq!(one, sweep(&SELECTION, &[&flags[..], &["--no-jumps"]].concat()), "{world}");
        assert_eq!(one, sweep(&SELECTION, &[&flags[..], &["--twice"]].concat()), "{world}");
        assert_ne!(
            parsed(&one).get("hash"),
            parsed(&sweep(&["mqtt/qos-2", "--seeds", "4..14"], &flags)).get("hash"),
            "{world}: other seeds leave other traces"
        );
    }
}

#[test]
fn a_killed_sweep_is_taken_up_where_it_was() {
    const SWEEP: [&str; 3] = ["mqtt", "--seeds", "0..4"];
    let folder = tempfile::tempdir().expect("a folder for the state");
    let state = folder.path().join("state");
    let resume = ["--resume", state.to_str().expect("a path of ASCII")];
    let mut child = command(&["sweep", "--jobs", "1"])
        .args(SWEEP)
        .args(resume)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program can be started");
    let deadline = Instant::now() + Duration::from_secs(120);
    let lines = || fs::read_to_string(&state).map_or(0, |text| text.matches('\n').count());
    while lines() < 4 {
        assert!(Instant::now() < deadline, "no chunk is kept");
        assert!(child.try_wait().expect("it can be asked").is_none(), "it ended before it was killed");
        // A file tells nobody that it has grown.
        std::thread::yield_now();
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it has ended");
    let kept = (lines() - 1) as u64;

    let told = mqspec(&["sweep", "--dry-run", "mqtt", "--seeds", "0..4"]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    let resumed = sweep(&SWEEP, &resume);
    assert_eq!(resumed, sweep(&SWEEP, &[]), "as if it had never been killed");
    assert!(number(&resumed, "cases") > kept * 100, "something was left to do");
    // All of it is done: the same report again, and nothing is run.
    let length = fs::metadata(&state).expect("it is there").len();
    assert_eq!(sweep(&SWEEP, &resume), resumed);
    assert_eq!(fs::metadata(&state).expect("it is there").len(), length);

    let another = mqspec(&["sweep", "mqtt", "--seeds", "0..5", resume[0], resume[1]]);
    assert_eq!(another.status.code(), Some(2), "{}", stdout(&another));
    assert!(stderr(&another).contains("is of another sweep"), "{}", stderr(&another));
}

#[test]
fn a_failure_is_told_with_the_command_that_repeats_it() {
    let sweep_one =
        ["sweep", "mqtt/qos-2", "--seeds", "3..5", LIAR[0], LIAR[1], "--show", "1", "--jobs", "1"];
    let output = mqspec(&sweep_one);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    let replay =
        text.lines().find_map(|line| line.trim().strip_prefix("mqspec ")).expect("a command to paste");
    assert_eq!(text.matches("FAIL").count(), 1, "{text}");
    let hash = |report: &str| {
        let failures = parsed(report).get("failures").cloned().expect("they are listed");
        failures.get(0).and_then(|failure| failure.get("hash")?.as_str().map(str::to_owned))
    };
    let again = mqspec(&replay.split(' ').collect::<Vec<_>>());
    assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
    let told = stdout(&again).lines().last().map(str::to_owned);
    let listed = hash(&sweep(&["mqtt/qos-2", "--seeds", "3..5"], &LIAR));
    assert_eq!(told, listed.map(|hash| format!("trace hash: {hash}")));
}

#[test]
fn an_unknown_mutant_comes_with_a_near_one() {
    let output = mqspec(&["sweep", "mqtt/qos-2", "--mutant", "pubrel-not-sent-again@mqtt-5"]);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stderr(&output).contains(LIAR[1]), "{}", stderr(&output));
}
