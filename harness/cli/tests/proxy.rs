//! `mqspec proxy` as its user meets it: real sockets, the reference broker or one that lies behind it.

mod ports;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

const CONNECT: &[u8] = b"\x10\x12\x00\x04MQTT\x04\x02\x00\x00\x00\x06client";
const CONNACK: &[u8] = &[0x20, 2, 0, 0];
const PUBLISH: &[u8] = b"\x32\x07\x00\x01a\x00\x05hi";
const PUBACK: &[u8] = &[0x40, 2, 0, 5];

/// A running mqspec that prints its address first, and is ended with the test.
struct Running {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    port: u16,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_mqspec"))
            .args(arguments)
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program can be started");
        let mut output = BufReader::new(process.stdout.take().expect("it has an output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("it says where it listens");
        let address = line.split(',').next().expect("a line");
        let port = address.trim().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Self { process, output, port: port.unwrap_or_else(|| panic!("no address in {line:?}")) }
    }

    fn broker() -> Self {
        Self::start(&["broker", "--mqtt", "0"])
    }

    fn proxy(to: u16, more: &[&str]) -> Self {
        let to = format!("127.0.0.1:{to}");
        let arguments = ["proxy", "--listen", "0", "--to", &to].into_iter().chain(more.iter().copied());
        Self::start(&arguments.collect::<Vec<_>>())
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit can be set");
        stream
    }

    /// Ctrl-C, and all that it says until it ends; with its exit code.
    fn interrupt(mut self) -> (Option<i32>, String) {
        let asked = Command::new("sh").args(["-c", &format!("kill -INT {}", self.process.id())]).status();
        assert!(asked.expect("a shell").success());
        let mut text = String::new();
        self.output.read_to_string(&mut text).expect("UTF-8");
        (self.process.wait().expect("it ends").code(), text)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn says(stream: &mut TcpStream, bytes: &[u8]) {
    let mut heard = vec![0; bytes.len()];
    stream.read_exact(&mut heard).expect("an answer");
    assert_eq!(heard, bytes);
}

fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("faults.yaml");
    fs::write(&path, text).expect("the file can be written");
    let path = path.to_string_lossy().into_owned();
    (folder, path)
}

#[test]
fn what_both_say_passes_and_an_honest_broker_is_not_blamed() {
    let broker = Running::broker();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trace = folder.path().join("trace.txt").to_string_lossy().into_owned();
    let proxy = Running::proxy(broker.port, &["--trace", &trace]);
    let mut client = proxy.connect();
    client.write_all(CONNECT).expect("it takes bytes");
    says(&mut client, CONNACK);
    client.write_all(PUBLISH).expect("it takes bytes");
    says(&mut client, PUBACK);
    client.write_all(&[0xe0, 0]).expect("it takes bytes");
    client.shutdown(Shutdown::Write).expect("it can be ended");
    assert_eq!(client.read(&mut [0; 9]).expect("an orderly end"), 0);
    let (code, text) = proxy.interrupt();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("c1 ──▶  publish qos=1 topic=\"a\" packet_id=5"), "{text}");
    let summary = "1 connection, 5 packets, 0 strikes, 0 connections failed, 0 findings";
    assert_eq!(text.lines().last(), Some(summary), "{text}");
    assert!(fs::read_to_string(trace).expect("the trace is there").contains("40 02 00 05"));
}

#[test]
fn a_planned_fault_strikes_once_and_the_next_connection_is_spared() {
    let broker = Running::broker();
    let (_folder, faults) = file("- { drop: puback, to: client, then: cut }\n");
    let proxy = Running::proxy(broker.port, &["--faults", &faults, "--seed", "7"]);
    let mut client = proxy.connect();
    client.write_all(CONNECT).expect("it takes bytes");
    says(&mut client, CONNACK);
    client.write_all(PUBLISH).expect("it takes bytes");
    let heard = client.read(&mut [0; 9]);
    assert!(matches!(heard, Ok(0) | Err(_)), "no PUBACK, but the end: {heard:?}");
    let mut client = proxy.connect();
    client.write_all(CONNECT).expect("it takes bytes");
    says(&mut client, CONNACK);
    client.write_all(PUBLISH).expect("it takes bytes");
    says(&mut client, PUBACK);
    let (code, text) = proxy.interrupt();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("puback packet_id=5   (lost by a fault)"), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.contains(" 1 strike, ")), "{text}");
}

#[test]
fn a_duplicate_reaches_the_broker_twice() {
    let broker = Running::broker();
    let (_folder, faults) = file("- { duplicate: publish, from: client, set_dup: true }\n");
    let proxy = Running::proxy(broker.port, &["--faults", &faults]);
    let mut client = proxy.connect();
    client.write_all(CONNECT).expect("it takes bytes");
    says(&mut client, CONNACK);
    client.write_all(PUBLISH).expect("it takes bytes");
    says(&mut client, PUBACK);
    says(&mut client, PUBACK);
}

#[test]
fn a_broker_that_breaks_a_rule_is_convicted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let broker = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        says(&mut stream, CONNECT);
        stream.write_all(CONNACK).expect("it takes bytes");
        // PINGRESP with a reserved flag, which nobody asked for.
        stream.write_all(&[0xd1, 0]).expect("it takes bytes");
    });
    let proxy = Running::proxy(port, &[]);
    let mut client = proxy.connect();
    client.write_all(CONNECT).expect("it takes bytes");
    says(&mut client, CONNACK);
    says(&mut client, &[0xd1, 0]);
    broker.join().expect("it has done its part");
    let (code, text) = proxy.interrupt();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("mqtt-3.1.1/MQTT-2.2.2-1"), "{text}");
}

#[test]
fn bad_input_is_pointed_at_and_a_missing_broker_is_no_pass() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_mqspec")).args(arguments).output().expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (_folder, faults) = file("- { drop: pubak, to: client, then: cut }\n");
    let (code, text) = run(&["proxy", "--listen", "0", "--to", "127.0.0.1:1", "--faults", &faults]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("puback"), "{text}");
    let (code, text) = run(&["proxy", "--listen", "0", "--to", "nowhere"]);
    assert_eq!(code, Some(2), "{text}");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let (code, text) = run(&["proxy", "--listen", &port, "--to", "127.0.0.1:1"]);
    assert_eq!(code, Some(3), "{text}");

    let proxy = Running::proxy(ports::free(1), &[]);
    let mut client = proxy.connect();
    client.write_all(CONNECT).expect("it takes bytes");
    let heard = client.read(&mut [0; 9]);
    assert!(matches!(heard, Ok(0) | Err(_)), "{heard:?}");
    let (code, text) = proxy.interrupt();
    assert_eq!(code, Some(3), "{text}");
}

#[test]
fn paho_gets_through() {
    let known = Command::new("python3").args(["-c", "import paho.mqtt.client"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        // The runner captures this unless the test fails or is asked to show it.
        writeln!(std::io::stderr(), "skipped: python3 or its paho-mqtt is not installed").expect("stderr");
        return;
    }
    let broker = Running::broker();
    let (_folder, faults) = file("- { latency: client, by: 2ms, jitter: 5ms }\n");
    let proxy = Running::proxy(broker.port, &["--faults", &faults]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../brokers/clients/paho_pubsub.py");
    let port = proxy.port.to_string();
    let output = Command::new("python3").arg(script).args(["127.0.0.1", &port]).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (code, text) = proxy.interrupt();
    assert_eq!(code, Some(0), "{text}");
}
