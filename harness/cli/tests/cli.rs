//! The program as a user meets it: exit codes, the closing line, and messages that are enough by themselves.

mod ports;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A scenario that the reference broker passes.
const GOOD: &str = "\
title: A client that connects is welcome
protocols: [mqtt-3.1.1, mqtt-5.0]
statements: [MQTT-3.1.4-4]
actors: [alice]
steps:
  - alice: { connect: { session_present: false } }
";

fn mqspec(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mqspec"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("the program can be started")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ends by itself")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("it writes UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("it writes UTF-8")
}

fn last_line(output: &Output) -> String {
    stdout(output).lines().last().unwrap_or_default().to_owned()
}

/// A folder with `scenarios/mqtt/NAME.yaml` files.
fn folder(scenarios: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let below = folder.path().join("scenarios/mqtt");
    fs::create_dir_all(&below).expect("the folder can be made");
    for (name, text) in scenarios {
        fs::write(below.join(format!("{name}.yaml")), text).expect("the file can be written");
    }
    folder
}

/// A folder without scenarios: the ones built in are used.
fn elsewhere() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report")
}

#[test]
fn a_passing_selection_exits_0_with_the_closing_line() {
    let folder = folder(&[("connect", GOOD)]);
    let output = mqspec(folder.path(), &["test"]);
    assert_eq!(last_line(&output), "2 passed, 0 failed, 0 skipped");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn a_broken_expectation_exits_1_and_its_message_is_enough() {
    let broken = GOOD.replace("session_present: false", "session_present: true");
    let folder = folder(&[("connect", &broken)]);
    let output = mqspec(folder.path(), &["test", "mqtt/connect@mqtt-3.1.1"]);
    let text = stdout(&output);
    for part in [
        "FAIL  mqtt/connect@mqtt-3.1.1",
        "breaks    mqtt-3.1.1/MQTT-3.1.4-4 (MUST",
        "at        scenarios/mqtt/connect.yaml:6",
        "session_present = true",
        "session_present = false",
        "alice ◀──  connack",
        "20 02 00 00",
        "replay    mqspec replay scenarios/mqtt/connect.yaml --protocol mqtt-3.1.1 --seed 0x5eed",
        "reproducible: a second run left the same trace",
    ] {
        assert!(text.contains(part), "{part}\n is missing in\n{text}");
    }
    assert_eq!(last_line(&output), "0 passed, 1 failed, 0 skipped");
    assert_eq!(code(&output), 1);
    assert!(folder.path().join(".mqspec/runs/mqtt/connect@mqtt-3.1.1.lanes").is_file());
}

#[test]
fn a_step_that_only_prepares_makes_the_run_inconclusive_and_exits_3() {
    let broken = GOOD.replace("session_present: false } }", "session_present: true } }\n    proves: []");
    let folder = folder(&[("connect", &broken)]);
    let output = mqspec(folder.path(), &["test"]);
    assert_eq!(last_line(&output), "0 passed, 0 failed, 0 skipped, 2 inconclusive");
    assert_eq!(code(&output), 3);
}

#[test]
fn a_scenario_for_a_live_broker_is_skipped_with_its_reason() {
    let live = format!("{GOOD}world: {{ live: \"it asks for another implementation\" }}\n");
    let folder = folder(&[("connect", &live)]);
    let output = mqspec(folder.path(), &["test"]);
    assert!(stdout(&output).contains("it asks for another implementation"), "{}", stdout(&output));
    assert!(stdout(&output).contains("nothing was judged"), "{}", stdout(&output));
    assert_eq!(last_line(&output), "0 passed, 0 failed, 2 skipped");
    assert_eq!(code(&output), 3, "what was only skipped is no pass");
}

#[test]
fn an_empty_selector_is_bad_input_and_a_dot_is_everything() {
    let folder = folder(&[("connect", GOOD)]);
    for empty in ["", "/"] {
        let output = mqspec(folder.path(), &["test", empty]);
        assert_eq!(code(&output), 2, "`{empty}`: {}", stdout(&output));
        assert!(stderr(&output).contains("to mean everything"), "{}", stderr(&output));
    }
    let output = mqspec(folder.path(), &["test", "."]);
    assert_eq!(last_line(&output), "2 passed, 0 failed, 0 skipped");
}

#[test]
fn mistakes_in_scenarios_exit_2_and_are_pointed_at() {
    for (wrong, right, points_at) in [
        ("conect:", "connect:", "did you mean `connect`"),
        ("[MQTT-3.1.4-99]", "[MQTT-3.1.4-4]", "MQTT-3.1.4-99"),
        ("keep_alive: 70000", "session_present: false", "65535"),
    ] {
        let folder = folder(&[("connect", &GOOD.replace(right, wrong))]);
        let output = mqspec(folder.path(), &["test"]);
        let text = stderr(&output);
        assert_eq!(code(&output), 2, "{wrong}\n{text}");
        assert!(text.contains("scenarios/mqtt/connect.yaml:"), "{text}");
        assert!(text.contains(points_at), "{points_at}\n is missing in\n{text}");
    }
}

#[test]
fn a_selector_that_means_nothing_exits_2_with_a_suggestion() {
    let folder = folder(&[("connect", GOOD)]);
    let output = mqspec(folder.path(), &["test", "mqtt/conect"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("did you mean `mqtt/connect`?"), "{}", stderr(&output));
    let output = mqspec(folder.path(), &["test", "mqtt-5.0/MQTT-3.1.2-1"]);
    assert_eq!(code(&output), 2, "a statement that no scenario claims");
}

#[test]
fn statements_and_sections_select_who_claims_them() {
    let folder = folder(&[("connect", GOOD)]);
    for (selector, addresses) in [
        ("MQTT-3.1.4-4", "mqtt/connect@mqtt-3.1.1\nmqtt/connect@mqtt-5.0\n"),
        ("mqtt5/3.1.4/4", "mqtt/connect@mqtt-5.0\n"),
        ("mqtt311/3.1.4", "mqtt/connect@mqtt-3.1.1\n"),
        ("mqtt5", "mqtt/connect@mqtt-5.0\n"),
        ("scenarios/mqtt/connect.yaml", "mqtt/connect@mqtt-3.1.1\nmqtt/connect@mqtt-5.0\n"),
    ] {
        let output = mqspec(folder.path(), &["test", selector, "--list"]);
        assert_eq!(stdout(&output), addresses, "{selector}\n{}", stderr(&output));
    }
}

#[test]
fn an_unreachable_broker_exits_3_within_its_time_limit() {
    let port = ports::free(1);
    let folder = folder(&[("connect", GOOD)]);
    for scheme in ["mqtt", "amqp"] {
        let started = Instant::now();
        let output = mqspec(folder.path(), &["test", "--broker", &format!("{scheme}://127.0.0.1:{port}")]);
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        assert_eq!(code(&output), 3, "{}", stderr(&output));
        assert!(stderr(&output).contains(&format!("127.0.0.1:{port}")), "{}", stderr(&output));
        assert!(!stdout(&output).contains("passed"), "an environment that failed is no pass");
    }
}

#[test]
fn an_address_of_no_broker_exits_2() {
    let folder = folder(&[("connect", GOOD)]);
    let output = mqspec(folder.path(), &["test", "--broker", "http://127.0.0.1:1883"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("mqtt://"), "{}", stderr(&output));
}

#[test]
fn a_replay_ends_with_the_hash_and_repeats_it() {
    let folder = folder(&[("connect", GOOD)]);
    let replay = |seed: &str| {
        let file = "scenarios/mqtt/connect.yaml";
        mqspec(folder.path(), &["replay", file, "--protocol", "mqtt-5.0", "--seed", seed])
    };
    let first = replay("7");
    let hash = last_line(&first);
    assert_eq!(code(&first), 0, "{}", stderr(&first));
    assert!(hash.strip_prefix("trace hash: ").is_some_and(|hash| hash.len() == 32), "{hash}");
    assert!(stdout(&first).contains("alice ──▶  connect"), "{}", stdout(&first));
    assert_eq!(stdout(&first), stdout(&replay("0x7")));
}

#[test]
fn without_a_folder_the_built_in_scenarios_are_there() {
    let output = mqspec(&elsewhere(), &["list"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("mqtt/qos-2/pubrel-resent"), "{}", stdout(&output));
}

#[test]
fn a_dry_run_prints_the_steps_and_runs_nothing() {
    let folder = folder(&[("connect", GOOD)]);
    let output = mqspec(folder.path(), &["test", "--dry-run"]);
    assert_eq!(code(&output), 0);
    assert!(
        stdout(&output).contains("alice: { connect: { session_present: false } }"),
        "{}",
        stdout(&output)
    );
    assert_eq!(last_line(&output), "2 scenarios and versions would run");
    assert!(!folder.path().join(".mqspec").exists());
}

#[test]
fn reports_are_written_where_asked_for() {
    let folder = folder(&[("connect", GOOD)]);
    let output = mqspec(folder.path(), &["test", "--report", "json=out.json", "--report", "junit=out.xml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let json = fs::read_to_string(folder.path().join("out.json")).expect("the report is there");
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(json.pointer("/summary/passed"), Some(&serde_json::json!(2)));
    assert_eq!(json.pointer("/schema_version"), Some(&serde_json::json!(1)));
    assert_eq!(json.pointer("/cases/1/address"), Some(&serde_json::json!("mqtt/connect@mqtt-5.0")));
    let xml = fs::read_to_string(folder.path().join("out.xml")).expect("the report is there");
    assert!(xml.contains("<testcase name=\"mqtt/connect@mqtt-5.0\" classname=\"mqtt\""), "{xml}");
}

#[test]
fn a_report_that_a_full_disk_does_not_take_exits_3() {
    let folder = folder(&[("connect", GOOD)]);
    let output = mqspec(folder.path(), &["test", "--report", "json=/dev/full"]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert_eq!(last_line(&output), "2 passed, 0 failed, 0 skipped", "the results are told all the same");
}

#[test]
fn decode_shows_each_field_with_its_bytes() {
    let output = mqspec(&elsewhere(), &["decode", "--spec", "mqtt-5.0", "e0 01 04"]);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(text.starts_with("disconnect  3 bytes at offset 0, mqtt-5.0 section 3.14\n"), "{text}");
    assert!(text.contains("disconnect_with_will_message (4)"), "{text}");
}

#[test]
fn decode_names_the_broken_statement_and_exits_1() {
    // SUBSCRIBE with reserved flags 0 instead of 2.
    let bytes = "80 06 00 01 00 00 01 61";
    let output = mqspec(&elsewhere(), &["decode", "--spec", "mqtt-3.1.1", bytes]);
    assert_eq!(code(&output), 1, "{}", stdout(&output));
    assert!(stdout(&output).contains("breaks mqtt-3.1.1/MQTT-"), "{}", stdout(&output));

    let output = mqspec(&elsewhere(), &["decode", "--spec", "amqp", "00"]);
    assert_eq!(code(&output), 2, "there is no such spec");
    let output = mqspec(&elsewhere(), &["decode", "--spec", "mqtt-5.0", "zz"]);
    assert_eq!(code(&output), 2, "no hex digits");
}

#[test]
fn decode_speaks_json_about_amqp() {
    // A heartbeat on channel 1, which must be 0.
    let arguments = ["decode", "--spec", "amqp-0-9-1", "--json", "08 00 01 00 00 00 00 ce"];
    let output = mqspec(&elsewhere(), &arguments);
    assert_eq!(code(&output), 1, "{}", stdout(&output));
    let json: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("it is JSON");
    assert_eq!(json.pointer("/packets/0/name"), Some(&serde_json::json!("heartbeat")));
    assert_eq!(json.pointer("/packets/0/length"), Some(&serde_json::json!(8)));
    let statement = json.pointer("/violations/0/statement").and_then(serde_json::Value::as_str);
    assert!(statement.is_some_and(|id| id.starts_with("amqp-0-9-1/")), "{json}");
    assert_eq!(json.pointer("/incomplete"), Some(&serde_json::json!(false)));
}

#[test]
fn coverage_speaks_json() {
    let folder = folder(&[("connect", GOOD)]);
    let output = mqspec(folder.path(), &["coverage", "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let json: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("it is JSON");
    assert_eq!(json.pointer("/standards/1/id"), Some(&serde_json::json!("mqtt-5.0")));
    assert_eq!(json.pointer("/standards/1/statements"), Some(&serde_json::json!(251)));
    assert_eq!(json.pointer("/standards/1/reachable"), Some(&serde_json::json!(237)));
    assert_eq!(json.pointer("/standards/1/covered"), Some(&serde_json::json!(1)));
}

#[test]
fn explain_says_who_claims_a_statement() {
    let folder = folder(&[("connect", GOOD)]);
    let output = mqspec(folder.path(), &["explain", "mqtt-5.0/MQTT-3.1.4-4"]);
    assert!(stdout(&output).contains("claimed   by mqtt/connect@mqtt-5.0"), "{}", stdout(&output));
    let output = mqspec(folder.path(), &["explain", "MQTT-3.1.4-44"]);
    assert_eq!(code(&output), 2);
}

#[test]
fn shards_of_a_sweep_add_up_to_the_whole() {
    let sweep = |shard: &[&str]| {
        let mut arguments = vec!["sweep", "mqtt/qos-2/pubrel-resent", "--seeds", "0..10", "--json"];
        arguments.extend(shard);
        let output = mqspec(&elsewhere(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let cases = |report: &str| {
        let report: serde_json::Value = serde_json::from_str(report).expect("a report is JSON");
        report.get("cases").and_then(serde_json::Value::as_u64).expect("a number of cases")
    };
    let folder = tempfile::tempdir().expect("a folder for the reports");
    let files: Vec<_> = ["1/3", "2/3", "3/3"]
        .iter()
        .enumerate()
        .map(|(index, shard)| {
            let file = folder.path().join(format!("{index}.json"));
            fs::write(&file, sweep(&["--shard", shard])).expect("the folder can be written");
            file.display().to_string()
        })
        .collect();
    let mut arguments = vec!["merge", "--json"];
    arguments.extend(files.iter().map(String::as_str));
    let merged = stdout(&mqspec(&elsewhere(), &arguments));
    assert_eq!(cases(&merged), 20, "ten seeds in two versions");
    assert_eq!(cases(&merged), cases(&sweep(&[])));
}

#[test]
fn a_fresh_process_leaves_the_same_trace() {
    let hash = |seed: u64| {
        let seed = seed.to_string();
        let file = "scenarios/mqtt/simulation/busy.yaml";
        let output =
            mqspec(&elsewhere(), &["replay", file, "--protocol", "mqtt-5.0", "--no-bytes", "--seed", &seed]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        last_line(&output)
    };
    let mut distinct = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let first = hash(seed);
        assert!(first.starts_with("trace hash: "), "{first}");
        assert_eq!(first, hash(seed), "seed {seed}");
        distinct.insert(first);
    }
    assert!(distinct.len() > 190, "{} traces of 200 seeds", distinct.len());
}

#[test]
fn the_password_of_a_live_broker_is_kept_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let port = ports::free(1);
    let folder = folder(&[("connect", GOOD)]);
    let broker = format!("mqtt://me:s%3Acret@127.0.0.1:{port}");
    let output = mqspec(folder.path(), &["test", "--broker", &broker]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let kept = format!(".mqspec/brokers/mqtt-me-127-0-0-1-{port}.yaml");
    let mode = fs::metadata(folder.path().join(&kept)).expect("it is kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // It is a profile: with it the same broker is asked for.
    let again = mqspec(folder.path(), &["replay", "scenarios/mqtt/connect.yaml", "--broker", &kept]);
    assert_eq!(code(&again), 3, "{}", stderr(&again));
    assert!(stderr(&again).contains(&format!("127.0.0.1:{port}")), "{}", stderr(&again));
}
