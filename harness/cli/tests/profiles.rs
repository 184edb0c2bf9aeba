//! Broker profiles as a user meets them, with the reference broker on real sockets as the broker that is started.

#![allow(clippy::expect_used, reason = "a test may stop where it cannot go on")]

mod ports;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Stops and starts the broker, between things that only a running broker does.
const RESTARTS: &str = "\
title: A broker that was killed, started, stopped and started serves again
protocols: [mqtt-3.1.1]
statements: [MQTT-3.2.2-1]
actors: [alice]
steps:
  - alice: { connect: { session_present: false } }
  - restart_broker: {}
  - alice: { expect: closed }
  - alice: { connect: { session_present: false } }
  - stop_broker: {}
  - start_broker: {}
  - alice: { connect: { session_present: false } }
";

const CONNECTS: &str = "\
title: A client that connects is welcome
protocols: [mqtt-3.1.1]
statements: [MQTT-3.2.2-1]
actors: [alice]
steps:
  - alice: { connect: { session_present: false } }
";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(profile: &str, scenario: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("scenarios/mqtt")).expect("the folder can be made");
        fs::write(folder.path().join("scenarios/mqtt/it.yaml"), scenario).expect("it can be written");
        fs::write(folder.path().join("broker.yaml"), profile).expect("it can be written");
        Self(folder)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mqspec"));
        command.args(["test", "--broker", "broker.yaml"]).current_dir(self.0.path()).env("NO_COLOR", "1");
        command
    }

    fn test(&self) -> Output {
        self.command().output().expect("the program can be started")
    }
}

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A profile whose broker is `mqspec broker`.
fn profile(port: u16) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_mqspec")).display();
    format!(
        "name: ours\nmqtt: mqtt://127.0.0.1:{port}\nstart: [{program}, broker, --mqtt, {port}]\n\
         start_within: 20s\n"
    )
}

fn text(bytes: &[u8]) -> String {
    // Diagnostics are wrapped to the terminal.
    String::from_utf8_lossy(bytes).replace("\n  │ ", " ")
}

#[test]
fn a_profile_starts_restarts_and_ends_its_broker() {
    let port = ports::free(1);
    let output = Folder::new(&profile(port), RESTARTS).test();
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("testing ours at broker.yaml"), "{}", text(&output.stdout));
    assert!(text(&output.stdout).ends_with("1 passed, 0 failed, 0 skipped\n"));
    assert!(!listens(port), "the broker is left behind");
}

#[test]
fn a_broker_that_cannot_be_stopped_skips_what_would_stop_it() {
    let port = ports::free(1);
    let mut broker = Command::new(env!("CARGO_BIN_EXE_mqspec"))
        .args(["broker", "--mqtt", &port.to_string()])
        .stdout(Stdio::null())
        .spawn()
        .expect("the broker can be started");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !listens(port) && Instant::now() < deadline {
        std::thread::yield_now();
    }
    let output = Folder::new(&format!("mqtt: mqtt://127.0.0.1:{port}\n"), RESTARTS).test();
    broker.kill().expect("it runs");
    broker.wait().expect("it ends");
    assert!(text(&output.stdout).contains("by a profile with `start`"), "{}", text(&output.stdout));
    assert!(text(&output.stdout).ends_with("0 passed, 0 failed, 1 skipped\n"));
}

#[test]
fn what_the_profile_says_a_broker_lacks_is_skipped() {
    let scenario = CONNECTS.replace("actors:", "needs: { durable: true }\nactors:");
    let profile = profile(ports::free(1)) + "has: { durable: false }\n";
    let output = Folder::new(&profile, &scenario).test();
    assert!(
        text(&output.stdout).contains("needs durable true, the broker has false"),
        "{}",
        text(&output.stdout)
    );
    assert!(text(&output.stdout).ends_with("0 passed, 0 failed, 1 skipped\n"));
}

#[test]
fn a_port_that_is_taken_exits_3_and_nothing_is_tested() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = listener.local_addr().expect("it has an address").port();
    let output = Folder::new(&profile(port), CONNECTS).test();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("something listens at"), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("passed"));
}

#[test]
fn a_start_that_fails_exits_3_and_quotes_what_the_broker_said() {
    let port = ports::free(1);
    for (start, said) in [
        ("[sh, -c, 'echo no licence >&2; exit 7']", "no licence"),
        ("[nosuchprogram]", "cannot run `start` (nosuchprogram)"),
    ] {
        let profile = format!("mqtt: mqtt://127.0.0.1:{port}\nstart: {start}\n");
        let output = Folder::new(&profile, CONNECTS).test();
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{said} is missing in {}", text(&output.stderr));
    }
}

#[test]
fn a_broker_that_never_gets_ready_exits_3_in_time_and_is_ended() {
    let profile = format!(
        "mqtt: mqtt://127.0.0.1:{}\nstart: [sh, -c, 'echo $$ > pid; exec sleep 600']\nstart_within: 300ms\n",
        ports::free(1)
    );
    let folder = Folder::new(&profile, CONNECTS);
    let started = Instant::now();
    let output = folder.test();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("not ready within 300ms"), "{}", text(&output.stderr));
    let pid = fs::read_to_string(folder.0.path().join("pid")).expect("it was started");
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "process {pid} is left behind");
}

#[test]
fn a_broker_that_ends_by_itself_is_never_a_pass() {
    let port = ports::free(1);
    // It ends when the only client that waits for it is done; until then everything is as it should be.
    let program = Path::new(env!("CARGO_BIN_EXE_mqspec")).display();
    let profile = format!(
        "mqtt: mqtt://127.0.0.1:{port}\nstart: [sh, -c, '{program} broker --mqtt {port} & p=$!; \
         sleep 2; kill -KILL $p; exit 3']\n"
    );
    let scenario = CONNECTS.replace("actors:", "world: { live: it must last }\nactors:");
    let scenario = scenario + "  - alice: { expect: closed, within: 20s }\n";
    let output = Folder::new(&profile, &scenario).test();
    assert!(text(&output.stdout).contains("the broker ended by itself"), "{}", text(&output.stdout));
    assert_eq!(output.status.code(), Some(3), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn a_service_is_started_and_ended_by_commands_alone() {
    let (port, program) = (ports::free(1), Path::new(env!("CARGO_BIN_EXE_mqspec")).display());
    let profile = format!(
        "mqtt: mqtt://127.0.0.1:{port}\n\
         start: [sh, -c, '{program} broker --mqtt {port} & echo $! > pid']\n\
         stop: [sh, -c, 'kill -TERM $(cat pid)']\n\
         kill: [sh, -c, 'kill -KILL $(cat pid)']\n"
    );
    let output = Folder::new(&profile, RESTARTS).test();
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!listens(port), "the service is left running");
}

#[test]
fn an_interrupted_test_takes_its_broker_with_it() {
    let port = ports::free(1);
    let waits = CONNECTS.to_owned() + "  - wait: 60s\n";
    let folder = Folder::new(&profile(port), &waits);
    let mut testing = folder.command().stdout(Stdio::null()).spawn().expect("the program can be started");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !listens(port) {
        assert!(Instant::now() < deadline, "the broker was not started");
        std::thread::yield_now();
    }
    let signalled = Command::new("sh")
        .args(["-c", &format!("kill -INT {}", testing.id())])
        .status()
        .expect("there is a shell");
    assert!(signalled.success());
    let status = testing.wait().expect("it ends");
    assert_eq!(status.code(), Some(130));
    assert!(!listens(port), "the broker is left behind");
}

#[test]
fn mistakes_in_profiles_exit_2_and_are_pointed_at() {
    for (wrong, points_at) in [
        ("", "begin with `name:`"),
        ("name: x\n", "says nowhere where the broker listens"),
        ("mqtt: mqtt://127.0.0.1:1\nstrat: [x]\n", "did you mean `start`?"),
        ("mqtt: amqp://127.0.0.1:1\n", "begins with `mqtt://`"),
        ("mqtt: 127.0.0.1\n", "write mqtt://127.0.0.1 or"),
        ("mqtt: mqtt://127.0.0.1:1\nhas: { durabel: true }\n", "did you mean `durable`?"),
        ("mqtt: mqtt://127.0.0.1:1\nhas: { maximum_qos: 3 }\n", "a number from 0 to 2"),
        ("mqtt: mqtt://127.0.0.1:1\nhas: { basic.nack: true }\n", "a capability of the other protocol"),
        ("mqtt: mqtt://127.0.0.1:1\npatience: 8\n", "takes a time such as"),
        ("mqtt: mqtt://127.0.0.1:1\nkill: [x]\n", "means nothing without `start`"),
        ("mqtt: mqtt://127.0.0.1:1\nstart: systemctl start x\n", "a list: a program and its arguments"),
        ("mqtt: mqtt://127.0.0.1:1\nmqtt: mqtt://127.0.0.1:2\n", "said twice"),
    ] {
        let output = Folder::new(wrong, CONNECTS).test();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{wrong}\n{said}");
        assert!(said.contains("broker.yaml:"), "{wrong}\n{said}");
        assert!(said.contains(points_at), "{points_at}\n is missing in\n{said}");
    }
    let folder = Folder::new("", CONNECTS);
    fs::remove_file(folder.0.path().join("broker.yaml")).expect("it is there");
    let output = folder.test();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cannot read the profile broker.yaml"), "{}", text(&output.stderr));
}

#[test]
fn the_shipped_profiles_are_read() {
    let profiles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../profiles");
    let mut names = Vec::new();
    for entry in fs::read_dir(profiles).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let text = fs::read_to_string(&path).expect("it can be read");
        let profile = mqspec_run::sut::profile::Profile::parse(&path, &text);
        names.push(profile.unwrap_or_else(|why| panic!("{:?}", miette::Report::new(why))).name);
    }
    names.sort();
    assert_eq!(names, ["Mosquitto", "RabbitMQ"]);
}
