//! A broker and clients that write bytes by hand, so that no encoder vouches for the broker's decoder.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use mqspec_broker_core::durable::record_name;
use mqspec_broker_core::mqtt::MqttConfig;
use mqspec_broker_core::{Broker, Config, ConnectionId, Effect, Effects, Input, Protocol};

/// A broker with a clock that only moves when told to, and what each connection has been sent.
pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) now: Duration,
    /// Whether the network takes everything at once.
    pub(crate) network_takes: bool,
    last_connection: u64,
    sent: BTreeMap<u64, Vec<Vec<u8>>>,
    closed: BTreeSet<u64>,
    config: Config,
    /// How many inputs the broker has handled.
    pub(crate) inputs: u64,
    /// What the broker wants kept, oldest first.
    pub(crate) records: Vec<Bytes>,
}

/// A connection to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client(pub(crate) u64);

impl World {
    pub(crate) fn new() -> Self {
        Self::with(MqttConfig::default())
    }

    pub(crate) fn with(mqtt: MqttConfig) -> Self {
        Self::of(Config { mqtt, ..Config::default() })
    }

    /// A broker whose state outlives its process.
    pub(crate) fn durable() -> Self {
        Self::of(Config { durable: true, ..Config::default() })
    }

    pub(crate) fn of(config: Config) -> Self {
        Self {
            broker: Broker::new(config.clone()),
            now: Duration::from_secs(1_000_000),
            network_takes: true,
            last_connection: 0,
            sent: BTreeMap::new(),
            closed: BTreeSet::new(),
            config,
            inputs: 0,
            records: Vec::new(),
        }
    }

    /// The process ends at once, and another one goes on with what was kept, by now: all connections are gone.
    #[track_caller]
    pub(crate) fn crash(&mut self) {
        let mut broker = restored(self.config.clone(), &self.records);
        assert_eq!(
            named(&broker.snapshot()),
            named(&self.broker.snapshot()),
            "records and a snapshot lead to one state"
        );
        let again = restored(self.config.clone(), &broker.snapshot());
        assert_eq!(named(&again.snapshot()), named(&broker.snapshot()), "a snapshot leads to its own state");
        self.closed = self.sent.keys().copied().collect();
        let mut effects = Effects::new();
        broker.restored(self.now, &mut effects);
        self.broker = broker;
        self.perform(effects);
    }

    /// The log is written anew.
    pub(crate) fn compact(&mut self) {
        self.records = self.broker.snapshot();
    }

    fn handle(&mut self, input: Input<'_>) {
        let mut effects = Effects::new();
        self.broker.handle(self.now, input, &mut effects);
        self.inputs += 1;
        self.perform(effects);
    }

    fn perform(&mut self, mut effects: Effects) {
        if let Some(deadline) = self.broker.next_deadline() {
            assert!(deadline > self.now, "a deadline in the past would never be met");
        }
        let mut taken = Vec::new();
        for effect in effects.drain() {
            match effect {
                Effect::Send { connection, bytes } => {
                    assert!(!self.closed.contains(&connection.0), "sent to {connection:?} after its close");
                    taken.push((connection, bytes.len()));
                    self.sent
                        .get_mut(&connection.0)
                        .expect("sent to a connection that exists")
                        .push(bytes.to_vec());
                }
                Effect::Close { connection } => {
                    assert!(self.sent.contains_key(&connection.0), "closed {connection:?}, which never was");
                    assert!(self.closed.insert(connection.0), "closed {connection:?} twice");
                }
                Effect::Record { bytes } => {
                    assert!(self.config.durable, "nobody keeps records of a broker that is not durable");
                    assert!(record_name(&bytes).is_some(), "a record without a name: {bytes:02x?}");
                    self.records.push(bytes);
                }
            }
        }
        if self.network_takes {
            for (connection, bytes) in taken {
                self.handle(Input::Taken { connection, bytes });
            }
        }
    }

    pub(crate) fn open(&mut self) -> Client {
        self.last_connection += 1;
        self.sent.insert(self.last_connection, Vec::new());
        self.handle(Input::Opened {
            connection: ConnectionId(self.last_connection),
            protocol: Protocol::Mqtt,
        });
        Client(self.last_connection)
    }

    /// Sends bytes from a client.
    pub(crate) fn send(&mut self, client: Client, bytes: &[u8]) {
        self.handle(Input::Received { connection: ConnectionId(client.0), bytes });
    }

    /// The network took some of what a client was sent.
    pub(crate) fn take(&mut self, client: Client, bytes: usize) {
        self.handle(Input::Taken { connection: ConnectionId(client.0), bytes });
    }

    /// The client's network connection breaks.
    pub(crate) fn cut(&mut self, client: Client) {
        self.closed.insert(client.0);
        self.handle(Input::Closed { connection: ConnectionId(client.0) });
    }

    pub(crate) fn shut_down(&mut self) {
        self.handle(Input::ShutDown);
    }

    /// There is no room any more to keep records in, or there is again.
    pub(crate) fn storage(&mut self, full: bool) {
        self.handle(Input::Storage { full });
    }

    /// Lets time pass, with a stop at every deadline on the way.
    pub(crate) fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.broker.next_deadline().filter(|deadline| *deadline <= until) {
            self.now = deadline;
            self.handle(Input::TimePassed);
        }
        self.now = until;
        self.handle(Input::TimePassed);
    }

    pub(crate) fn wait_secs(&mut self, seconds: u64) {
        self.wait(Duration::from_secs(seconds));
    }

    /// What a client has been sent since the last look, a packet each.
    pub(crate) fn take_sent(&mut self, client: Client) -> Vec<Vec<u8>> {
        std::mem::take(self.sent.get_mut(&client.0).expect("a client that exists"))
    }

    pub(crate) fn is_closed(&self, client: Client) -> bool {
        self.closed.contains(&client.0)
    }

    /// Sends bytes and compares what comes back.
    #[track_caller]
    pub(crate) fn exchange(&mut self, client: Client, bytes: &[u8], expected: &[&[u8]]) {
        self.send(client, bytes);
        self.expect(client, expected);
    }

    /// Compares what a client has been sent since the last look.
    #[track_caller]
    pub(crate) fn expect(&mut self, client: Client, expected: &[&[u8]]) {
        let sent = self.take_sent(client);
        assert_eq!(hex_all(&sent), hex_all(expected));
    }

    /// Opens a connection and has a 3.1.1 CONNECT accepted.
    #[track_caller]
    pub(crate) fn connect_311(&mut self, client_id: &str, clean: bool) -> Client {
        let client = self.open();
        self.send(client, &connect_311(client_id, clean, 0));
        let sent = self.take_sent(client);
        let connack = sent.first().expect("a CONNACK");
        assert_eq!((connack.first(), connack.get(3)), (Some(&0x20), Some(&0)), "{connack:02x?}");
        self.sent.get_mut(&client.0).expect("it exists").extend(sent.into_iter().skip(1));
        client
    }

    /// Opens a connection and has a 5.0 CONNECT accepted.
    #[track_caller]
    pub(crate) fn connect_50(&mut self, client_id: &str, clean: bool, properties: &[u8]) -> Client {
        let client = self.open();
        self.send(client, &connect_50(client_id, clean, 0, properties));
        let sent = self.take_sent(client);
        let connack = sent.first().expect("a CONNACK");
        assert_eq!((connack.first(), connack.get(3)), (Some(&0x20), Some(&0)), "{connack:02x?}");
        self.sent.get_mut(&client.0).expect("it exists").extend(sent.into_iter().skip(1));
        client
    }

    /// Subscribes a client of 5.0 to one filter, and swallows the SUBACK only.
    #[track_caller]
    pub(crate) fn subscribe_50(&mut self, client: Client, filter: &str, options: u8) {
        self.send(client, &subscribe_50(0x7001, &[], filter, options));
        let sent = self.take_sent(client);
        let suback = sent.first().expect("a SUBACK");
        assert_eq!(suback[..], [0x90, 4, 0x70, 0x01, 0, options & 3], "{suback:02x?}");
        self.sent.get_mut(&client.0).expect("it exists").extend(sent.into_iter().skip(1));
    }
}

/// A broker made of records, before it goes on.
pub(crate) fn restored(config: Config, records: &[Bytes]) -> Broker {
    let mut broker = Broker::new(config);
    for record in records {
        broker.restore(record).expect("a record that the broker itself wrote");
    }
    broker
}

/// Records with their names, to be read by people.
fn named(records: &[Bytes]) -> Vec<String> {
    let name = |record: &[u8]| record_name(record).expect("a kind that has a name");
    records.iter().map(|record| format!("{} {}", name(record), hex(record))).collect()
}

pub(crate) fn hex_all(packets: &[impl AsRef<[u8]>]) -> Vec<String> {
    packets.iter().map(|packet| hex(packet.as_ref())).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x} ").expect("a string takes all");
        text
    })
}

/// A length-prefixed string.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).expect("short").to_be_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// A packet of less than 128 bytes, or one of up to 16,383.
pub(crate) fn packet(first_byte: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body: Vec<u8> = parts.concat();
    let mut bytes = vec![first_byte];
    if body.len() < 128 {
        bytes.push(u8::try_from(body.len()).expect("below 128"));
    } else {
        assert!(body.len() < 16_384, "long packets are written by hand");
        bytes.push(u8::try_from(body.len() & 0x7F).expect("7 bits") | 0x80);
        bytes.push(u8::try_from(body.len() >> 7).expect("7 bits"));
    }
    bytes.extend(body);
    bytes
}

/// Properties behind their length, of less than 128 bytes.
pub(crate) fn properties(bytes: &[u8]) -> Vec<u8> {
    let mut block = vec![u8::try_from(bytes.len()).expect("short")];
    assert!(bytes.len() < 128, "long properties are written by hand");
    block.extend_from_slice(bytes);
    block
}

pub(crate) fn connect_311(client_id: &str, clean: bool, keep_alive: u16) -> Vec<u8> {
    let flags = if clean { 2 } else { 0 };
    packet(0x10, &[b"\x00\x04MQTT\x04", &[flags], &keep_alive.to_be_bytes(), &text(client_id)])
}

pub(crate) fn connect_50(client_id: &str, clean: bool, keep_alive: u16, props: &[u8]) -> Vec<u8> {
    let flags = if clean { 2 } else { 0 };
    packet(
        0x10,
        &[b"\x00\x04MQTT\x05", &[flags], &keep_alive.to_be_bytes(), &properties(props), &text(client_id)],
    )
}

/// A session that is kept for some seconds.
pub(crate) fn expiry(seconds: u32) -> Vec<u8> {
    [&[0x11][..], &seconds.to_be_bytes()].concat()
}

pub(crate) fn publish_311(flags: u8, topic: &str, id: u16, payload: &[u8]) -> Vec<u8> {
    let id = if flags & 0b110 == 0 { Vec::new() } else { id.to_be_bytes().to_vec() };
    packet(0x30 | flags, &[&text(topic), &id, payload])
}

pub(crate) fn publish_50(flags: u8, topic: &str, id: u16, props: &[u8], payload: &[u8]) -> Vec<u8> {
    let id = if flags & 0b110 == 0 { Vec::new() } else { id.to_be_bytes().to_vec() };
    packet(0x30 | flags, &[&text(topic), &id, &properties(props), payload])
}

pub(crate) fn subscribe_311(id: u16, filter: &str, qos: u8) -> Vec<u8> {
    packet(0x82, &[&id.to_be_bytes(), &text(filter), &[qos]])
}

pub(crate) fn subscribe_50(id: u16, props: &[u8], filter: &str, options: u8) -> Vec<u8> {
    packet(0x82, &[&id.to_be_bytes(), &properties(props), &text(filter), &[options]])
}

/// PUBACK 0x40, PUBREC 0x50, PUBREL 0x62 or PUBCOMP 0x70.
pub(crate) fn ack(first_byte: u8, id: u16) -> Vec<u8> {
    packet(first_byte, &[&id.to_be_bytes()])
}
