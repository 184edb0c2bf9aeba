//! The program in rough hands: readers that go, folders that cannot be written, files that are not what they are
//! taken for. Nothing is lost by it, and no exit code says more than is known.

#![allow(clippy::expect_used, reason = "a test may stop where it cannot go on")]

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A scenario that the reference broker passes in both versions.
const GOOD: &str = "\
title: A client that connects is welcome
protocols: [mqtt-3.1.1, mqtt-5.0]
statements: [MQTT-3.1.4-4]
actors: [alice]
steps:
  - alice: { connect: { session_present: false } }
";

/// One that it fails.
fn bad() -> String {
    GOOD.replace("session_present: false", "session_present: true")
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mqspec"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1");
    command
}

fn mqspec(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the program can be started")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("it writes UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("it writes UTF-8")
}

/// The exit code of bad input, and what of its message stands on one line.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = mqspec(folder, arguments);
    let told = stderr(&output).replace("\n  │ ", " ").replace("\n        ", " ");
    assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{}{told}", stdout(&output));
    told
}

/// A folder without `scenarios`, with `one.yaml` in it.
fn folder(scenario: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("one.yaml"), scenario).expect("it can be written");
    folder
}

#[test]
fn a_reader_that_goes_takes_neither_verdict_nor_report_along() {
    let folder = folder(&bad());
    for (arguments, report) in [
        (["test", "one.yaml", "--report", "json=report.json"], "report.json"),
        (["sweep", "one.yaml", "--output", "sweep.json"], "sweep.json"),
    ] {
        let mut child = command(folder.path(), &arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        drop(child.stdout.take());
        assert_eq!(child.wait().expect("it ends").code(), Some(1), "{arguments:?}");
        let report = fs::read_to_string(folder.path().join(report)).expect("the report is written");
        assert!(report.contains("one@mqtt-5.0"), "{report}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_costs_the_stored_runs_only() {
    let folder = folder(&bad());
    fs::write(folder.path().join(".mqspec"), "").expect("it can be written");
    let output = mqspec(folder.path(), &["test", "one.yaml"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", stderr(&output));
    assert!(text.contains("not stored: cannot write to .mqspec/runs"), "{text}");
    assert!(text.contains("breaks    mqtt-5.0/MQTT-3.1.4-4"), "{text}");
    assert!(text.ends_with("0 passed, 2 failed, 0 skipped\n"), "{text}");
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_runs() {
    let folder = folder(GOOD);
    let tests = ["test", "one.yaml", "--report", "junit=no/such/folder.xml"];
    let sweep = ["sweep", "one.yaml", "--output", "no/such/folder.json"];
    let proxy = ["proxy", "--listen", "0", "--to", "127.0.0.1:1", "--trace", "no/such/folder"];
    for arguments in [&tests[..], &sweep, &proxy] {
        let output = mqspec(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(stderr(&output).contains("no/such/folder"), "{}", stderr(&output));
        assert!(!stdout(&output).contains("passed"), "{}", stdout(&output));
    }
}

#[test]
fn no_edited_report_becomes_part_of_a_sum() {
    let folder = folder(GOOD);
    let output = mqspec(folder.path(), &["sweep", "one.yaml", "--seeds", "0..9", "--output", "whole.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report = fs::read_to_string(folder.path().join("whole.json")).expect("it is written");
    for (right, wrong, why) in [
        ("\"passed\": 18", "\"passed\": 99", "18 cases are not 99 passed"),
        ("\"cases\": 18", "\"cases\": 19", "19 cases are not 18 passed"),
        ("\"shards\": []", "\"shards\": [\"1/1000000000000\"]", "its shards have 1 run, and it counts 18"),
        ("\"schema_version\": 1", "\"schema_version\": 2", "`schema_version` is 2"),
    ] {
        let edited = report.replace(right, wrong);
        assert_ne!(edited, report, "{right}");
        fs::write(folder.path().join("edited.json"), edited).expect("it can be written");
        let told = refused(folder.path(), &["merge", "edited.json"]);
        assert!(told.contains("edited.json cannot be added") && told.contains(why), "{told}");
    }
}

#[test]
fn somebodys_file_is_not_resumed_into() {
    let folder = folder(GOOD);
    fs::write(folder.path().join("notes"), "no line end").expect("it can be written");
    let told = refused(folder.path(), &["sweep", "one.yaml", "--resume", "notes"]);
    assert!(told.contains("notes is not what a sweep has written"), "{told}");
    assert_eq!(fs::read_to_string(folder.path().join("notes")).expect("it is there"), "no line end");
    let told = refused(folder.path(), &["sweep", "one.yaml", "--resume", "/dev/zero"]);
    assert!(told.contains("no ordinary file"), "{told}");
}

#[test]
fn what_would_judge_nothing_is_refused() {
    let folder = folder(GOOD);
    for arguments in [
        ["explore", "--spec", "mqtt5", "--cases", "0"],
        ["sweep", "one.yaml", "--seeds", "0..18446744073709551615", "--dry-run"],
    ] {
        refused(folder.path(), &arguments);
    }
}

#[test]
fn a_folder_of_scenarios_can_be_anywhere() {
    let folder = folder(GOOD);
    fs::create_dir(folder.path().join("mine")).expect("it can be made");
    fs::rename(folder.path().join("one.yaml"), folder.path().join("mine/one.yaml")).expect("it can be moved");
    let output = mqspec(folder.path(), &["test", "mine/", "--list"]);
    assert_eq!(stdout(&output), "mine/one@mqtt-3.1.1\nmine/one@mqtt-5.0\n", "{}", stderr(&output));
    let told = refused(folder.path(), &["replay", "mine"]);
    assert!(told.contains("this is a folder"), "{told}");
    let told = refused(folder.path(), &["test", "--scenarios", "mine/one.yaml"]);
    assert!(told.contains("mqspec test FILE"), "{told}");
}

#[test]
fn a_printed_address_can_be_replayed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = mqspec(folder.path(), &["replay", "mqtt/ping/ping-is-answered@mqtt-5.0", "--no-bytes"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        text.contains("mqtt/ping/ping-is-answered@mqtt-5.0\n") && !text.contains("@mqtt-3.1.1"),
        "{text}"
    );
}

#[test]
fn a_broker_without_a_scheme_is_told_what_to_write_and_a_password_stays_untold() {
    let folder = folder(GOOD);
    let told = refused(folder.path(), &["test", "one.yaml", "--broker", "127.0.0.1:1883"]);
    assert!(told.contains("write mqtt://127.0.0.1:1883 or amqp://127.0.0.1:1883"), "{told}");
    let told = refused(folder.path(), &["test", "one.yaml", "--broker", "mqtt://me:secret@127.0.0.1:99999"]);
    assert!(told.contains("not a URL") && !told.contains("secret"), "{told}");
    let told = refused(folder.path(), &["proxy", "--listen", "0", "--to", "mqtt://127.0.0.1:1883"]);
    assert!(told.contains("without a scheme"), "{told}");
}

#[test]
fn files_that_are_no_scenarios_are_pointed_into() {
    let folder = folder("");
    let file = folder.path().join("one.yaml");
    let long = format!("{GOOD}{}: 1\n", "a".repeat(70_000));
    let twice = GOOD.replace("[alice]", "[alice, alice]");
    for (bytes, why) in [
        (long.as_bytes(), "line 7, column 70001: this is not YAML"),
        (twice.as_bytes(), "`alice` is said twice"),
        (b"title: b\xf6se\n", "line 1, column 9: byte 0xf6 is not UTF-8"),
        (b"\xff\xfet\0", "it is UTF-16"),
        (b"", "begin with `title:`"),
    ] {
        fs::write(&file, bytes).expect("it can be written");
        let told = refused(folder.path(), &["test", "one.yaml"]);
        assert!(told.contains(why), "{told}");
        assert!(told.contains("one.yaml"), "{told}");
    }
    fs::remove_file(&file).expect("it is there");
    std::os::unix::fs::symlink("one.yaml", &file).expect("it can be linked");
    assert!(refused(folder.path(), &["test", "one.yaml"]).contains("cannot read `one.yaml`"));
}

#[test]
fn a_closed_terminal_ends_a_proxy_in_good_order() {
    let folder = folder(GOOD);
    let mut proxy =
        command(folder.path(), &["proxy", "--listen", "0", "--to", "127.0.0.1:1", "--trace", "trace"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be started");
    let mut output = proxy.stdout.take().expect("it is piped");
    let mut first = [0];
    output.read_exact(&mut first).expect("it says where it listens");
    let hang_up =
        Command::new("kill").args(["-HUP", &proxy.id().to_string()]).status().expect("there is kill");
    assert!(hang_up.success());
    assert_eq!(proxy.wait().expect("it ends").code(), Some(0));
    assert!(folder.path().join("trace").is_file());
}

#[test]
fn what_is_interrupted_tells_what_it_found_so_far() {
    let folder = folder(GOOD);
    for (arguments, told) in [
        (
            &["sweep", "one.yaml", "--seeds", "0..1000000000", "--resume", "state"][..],
            "the same command goes on from",
        ),
        (&["explore", "--spec", "mqtt5", "--cases", "1000000000"], "interrupted after"),
    ] {
        let mut child = command(folder.path(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let mut first = [0];
        child.stdout.as_mut().expect("it is piped").read_exact(&mut first).expect("it says what it does");
        let asked =
            Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("there is kill");
        assert!(asked.success());
        let output = child.wait_with_output().expect("it ends");
        let text = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains(told) && text.contains(" passed, 0 failed, 0 skipped"), "{text}");
    }
}
