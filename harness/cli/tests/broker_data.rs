//! `mqspec broker --data`: what was acknowledged is there after the process was killed.

#![allow(clippy::expect_used, reason = "a test may stop where it cannot go on")]

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// How long anything may take; only a failure takes that long.
const DEADLINE: Duration = Duration::from_secs(20);

fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mqspec"));
    command.args(["broker", "--mqtt", "0", "--data"]).arg(directory);
    command
}

/// A broker process; killed when it goes out of scope.
struct Process {
    child: Child,
    mqtt: SocketAddr,
}

impl Process {
    fn start(directory: &Path) -> Self {
        let mut child = command(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built with its tests");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("it prints text");
        let address = line.trim().strip_prefix("MQTT on ").and_then(|address| address.parse().ok());
        let Some(mqtt) = address else {
            child.kill().expect("it is ours");
            let output = child.wait_with_output().expect("it has ended");
            panic!("it says {line:?}, {}", String::from_utf8_lossy(&output.stderr))
        };
        Self { child, mqtt }
    }

    /// kill -9; gives what it had written to standard error.
    fn kill(mut self) -> String {
        self.child.kill().expect("it is ours");
        let mut errors = String::new();
        let mut stderr = self.child.stderr.take().expect("it is piped");
        stderr.read_to_string(&mut errors).expect("it writes text");
        errors
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which its test will say.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// An MQTT 3.1.1 client that speaks in bytes.
struct Client(TcpStream);

impl Client {
    /// Connects with client id `name`; `clean` is the Clean Session bit. Gives Session Present, too.
    fn connect(broker: &Process, name: u8, clean: bool) -> (Self, bool) {
        let stream = TcpStream::connect(broker.mqtt).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time limit");
        let mut client = Self(stream);
        let flags = if clean { 2 } else { 0 };
        client.send(&[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, flags, 0, 0, 0, 1, name]);
        let [.., present, code] = client.receive::<4>();
        assert_eq!(code, 0, "the connection is accepted");
        (client, present == 1)
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("it reads");
    }

    fn receive<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).expect("it answers in time");
        bytes
    }

    /// Publishes one byte to topic `t`, QoS 1, and waits for the PUBACK.
    fn publish(&mut self, payload: u8, retain: bool) {
        self.send(&[0x32 | u8::from(retain), 6, 0, 1, b't', 0, 1, payload]);
        assert_eq!(self.receive(), [0x40, 2, 0, 1]);
    }

    /// Subscribes to topic `t`, QoS 1.
    fn subscribe(&mut self) {
        self.send(&[0x82, 6, 0, 9, 0, 1, b't', 1]);
        assert_eq!(self.receive(), [0x90, 3, 0, 9, 1]);
    }

    /// Receives one byte on topic `t`, QoS 1, and whether it is marked as retained.
    fn delivery(&mut self) -> (u8, bool) {
        let [head, 6, 0, 1, b't', high, low, payload] = self.receive() else { panic!("another packet") };
        self.send(&[0x40, 2, high, low]);
        assert_eq!(head & 0xf6, 0x32, "a PUBLISH with QoS 1, sent for the first time");
        (payload, head & 1 == 1)
    }
}

fn refused(directory: &Path) -> Output {
    command(directory).output().expect("the program was built with its tests")
}

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let place = tempfile::tempdir().expect("a directory");
    let directory = place.path().join("data");
    let broker = Process::start(&directory);
    let (mut subscriber, present) = Client::connect(&broker, b's', false);
    assert!(!present);
    subscriber.subscribe();
    drop(subscriber);
    let (mut publisher, _) = Client::connect(&broker, b'p', true);
    publisher.publish(b'1', true);
    publisher.publish(b'2', false);
    let errors = broker.kill();
    assert_eq!(errors, "");

    let broker = Process::start(&directory);
    let (mut subscriber, present) = Client::connect(&broker, b's', false);
    assert!(present, "the session is there");
    assert_eq!(subscriber.delivery(), (b'1', false));
    assert_eq!(subscriber.delivery(), (b'2', false));
    let (mut newcomer, _) = Client::connect(&broker, b'n', true);
    newcomer.subscribe();
    assert_eq!(newcomer.delivery(), (b'1', true), "the retained message is there");
}

#[test]
fn a_damaged_end_is_cut_off_and_told_of() {
    let place = tempfile::tempdir().expect("a directory");
    let broker = Process::start(place.path());
    Client::connect(&broker, b'p', true).0.publish(b'1', true);
    broker.kill();
    let mut log = OpenOptions::new().append(true).open(place.path().join("log")).expect("the log is there");
    log.write_all(&[1, 2, 3]).expect("there is room");
    let broker = Process::start(place.path());
    let (mut newcomer, _) = Client::connect(&broker, b'n', true);
    newcomer.subscribe();
    assert_eq!(newcomer.delivery(), (b'1', true));
    let errors = broker.kill();
    assert!(errors.starts_with("warning: `log`: the last 3 bytes, from offset "), "{errors}");
}

#[test]
fn two_brokers_do_not_share_a_directory() {
    let place = tempfile::tempdir().expect("a directory");
    let _first = Process::start(place.path());
    let second = refused(place.path());
    assert_eq!(second.status.code(), Some(3));
    let errors = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(errors.contains("another broker uses the data directory"), "{errors}");
}

#[test]
fn a_file_is_no_data_directory() {
    let place = tempfile::NamedTempFile::new().expect("a file");
    let output = refused(place.path());
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("is not a directory"), "{errors}");
}
