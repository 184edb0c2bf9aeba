//! A broker that does as it is told, and a server around it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use mqspec_broker_core::durable::BadRecord;
use mqspec_broker_core::{ConnectionId, Effects, Input, Now, Protocol};
use mqspec_broker_log::{Disk, Options};
use mqspec_broker_server::{
    Accept, Accepted, Clock, Door, Durable, Listener, Notice, Server, StorageError, StorageNotice,
    SystemClock, TcpListener,
};
use tokio::io::DuplexStream;
use tokio::sync::oneshot;

/// Any free port of this machine.
pub(super) const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What happened to a server.
#[derive(Clone, Default)]
pub(super) struct Log {
    inputs: Rc<RefCell<Vec<(Now, String)>>>,
    notices: Rc<RefCell<Vec<Notice>>>,
    storage: Rc<RefCell<Vec<StorageNotice>>>,
}

impl Log {
    pub(super) fn inputs(&self) -> Vec<String> {
        self.inputs.borrow().iter().map(|(_, input)| input.clone()).collect()
    }

    pub(super) fn notices(&self) -> Vec<Notice> {
        self.notices.borrow().clone()
    }

    pub(super) fn storage(&self) -> Vec<StorageNotice> {
        self.storage.borrow().clone()
    }

    /// When the first input that begins so came.
    pub(super) fn time_of(&self, begins: &str) -> Duration {
        let inputs = self.inputs.borrow();
        inputs.iter().find(|(_, input)| input.starts_with(begins)).expect("such an input came").0
    }
}

/// Obeys lines: `say WORDS`, `fill BYTES`, `wake SECONDS` (then says `awake`), `keep WORDS`, `hoard BYTES`, `forget`, `close`.
/// Every Received is expected to hold whole lines, except after `close`.
pub(super) struct Obedient {
    log: Log,
    kept: Vec<Bytes>,
    open: Vec<ConnectionId>,
    alarm: Option<(Now, ConnectionId)>,
}

impl Obedient {
    pub(super) fn new(log: Log) -> Self {
        Self { log, kept: Vec::new(), open: Vec::new(), alarm: None }
    }

    fn obey(&mut self, now: Now, connection: ConnectionId, line: &str, effects: &mut Effects) {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("say", words) => effects.send(connection, Bytes::copy_from_slice(words.as_bytes())),
            ("fill", count) => {
                effects.send(connection, vec![b'.'; count.parse().expect("a number")].into());
            }
            ("wake", seconds) => {
                let delay = Duration::from_secs(seconds.parse().expect("a number"));
                self.alarm = Some((now + delay, connection));
            }
            ("keep", words) => {
                let words = Bytes::copy_from_slice(words.as_bytes());
                self.kept.push(words.clone());
                effects.record(words);
            }
            ("hoard", count) => {
                let hoard = Bytes::from(vec![b'x'; count.parse().expect("a number")]);
                self.kept.push(hoard.clone());
                effects.record(hoard);
            }
            ("forget", "") => {
                self.kept.clear();
                effects.record(Bytes::new());
            }
            ("close", "") => {
                effects.close(connection);
                self.open.retain(|open| *open != connection);
            }
            _ => panic!("an order that nobody gave: {line}"),
        }
    }

    fn note(&self, now: Now, input: String) {
        self.log.inputs.borrow_mut().push((now, input));
    }
}

impl Door for Obedient {
    fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects) {
        match input {
            Input::Opened { connection, protocol } => {
                self.note(now, format!("opened {} {protocol:?}", connection.0));
                self.open.push(connection);
            }
            Input::Received { connection, bytes } => {
                let text = String::from_utf8_lossy(bytes);
                self.note(now, format!("received {} {}", connection.0, text.trim_end()));
                for line in text.lines() {
                    if self.open.contains(&connection) {
                        self.obey(now, connection, line, effects);
                    }
                }
            }
            Input::Taken { connection, bytes } => {
                self.note(now, format!("taken {} {bytes}", connection.0));
            }
            Input::Closed { connection } => {
                self.note(now, format!("closed {}", connection.0));
                self.open.retain(|open| *open != connection);
            }
            Input::TimePassed => {
                self.note(now, "time passed".to_owned());
                if let Some((_, connection)) = self.alarm.take() {
                    effects.send(connection, Bytes::from_static(b"awake"));
                }
            }
            Input::Storage { full } => self.note(now, format!("storage full: {full}")),
            Input::ShutDown => {
                self.note(now, "shut down".to_owned());
                for connection in self.open.drain(..) {
                    effects.send(connection, Bytes::from_static(b"goodbye"));
                    effects.close(connection);
                }
            }
        }
    }

    fn next_deadline(&self) -> Option<Now> {
        self.alarm.map(|(at, _)| at)
    }

    fn restore(&mut self, record: &[u8]) -> Result<(), BadRecord> {
        match record {
            b"" => self.kept.clear(),
            b"poison" => return Err(BadRecord::Content("poison")),
            _ => self.kept.push(Bytes::copy_from_slice(record)),
        }
        Ok(())
    }

    fn restored(&mut self, now: Now, _effects: &mut Effects) {
        let kept: Vec<_> = self.kept.iter().map(|record| String::from_utf8_lossy(record)).collect();
        self.note(now, format!("restored {}", kept.join(", ")));
    }

    fn snapshot(&self) -> Vec<Bytes> {
        self.kept.clone()
    }
}

/// Lets prepared connections in.
#[derive(Default)]
struct MemoryListener {
    waiting: VecDeque<io::Result<DuplexStream>>,
}

impl Listener for MemoryListener {
    fn accept(&mut self) -> Accept<'_> {
        Box::pin(async {
            match self.waiting.pop_front() {
                Some(stream) => Ok(Accepted { stream: Box::new(stream?), peer: "memory".to_owned() }),
                None => std::future::pending().await,
            }
        })
    }
}

/// A server around an [`Obedient`] broker, and its log.
pub(super) struct Bench {
    log: Log,
    memory: MemoryListener,
    tcp: Option<TcpListener>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { log: Log::default(), memory: MemoryListener::default(), tcp: None }
    }

    /// A client whose pipe holds so many bytes each way.
    pub(super) fn connect(&mut self, capacity: usize) -> DuplexStream {
        let (client, server) = tokio::io::duplex(capacity);
        self.memory.waiting.push_back(Ok(server));
        client
    }

    pub(super) fn fail_next_accept(&mut self, why: &str) {
        self.memory.waiting.push_back(Err(io::Error::other(why.to_owned())));
    }

    pub(super) async fn listen_on_tcp(&mut self) -> SocketAddr {
        let listener = TcpListener::bind(LOOPBACK).await.expect("a free port");
        let address = listener.address();
        self.tcp = Some(listener);
        address
    }

    /// Serves while the client acts, then shuts down.
    pub(super) async fn run(self, client: impl Future<Output = ()>) -> Log {
        let log = self.log.clone();
        self.run_behind(Obedient::new(log.clone()), client).await.expect("a broker that keeps nothing");
        log
    }

    /// As [`Bench::run`], with a log on a disk.
    pub(super) async fn run_on(
        self,
        disk: impl Disk,
        client: impl Future<Output = ()>,
    ) -> (Log, Result<(), StorageError>) {
        let log = self.log.clone();
        let notices = Rc::clone(&log.storage);
        let tell = move |notice| notices.borrow_mut().push(notice);
        let options = Options { ballast: 4096, ..Options::default() };
        let now = SystemClock::new().now();
        let result = match Durable::open(Obedient::new(log.clone()), disk, options, now, tell) {
            Ok(door) => self.run_behind(door, client).await,
            Err(why) => Err(why),
        };
        (log, result)
    }

    async fn run_behind(self, door: impl Door, client: impl Future<Output = ()>) -> Result<(), StorageError> {
        let notices = Rc::clone(&self.log.notices);
        let mut server = Server::new(door, Rc::new(SystemClock::new()))
            .on_notice(move |notice| notices.borrow_mut().push(notice))
            .listen(Protocol::Mqtt, Box::new(self.memory));
        if let Some(tcp) = self.tcp {
            server = server.listen(Protocol::Amqp, Box::new(tcp));
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let act = async {
            client.await;
            drop(stop);
        };
        let (served, ()) = tokio::join!(server.run(async { drop(stopped.await) }), act);
        served.map(drop)
    }
}
