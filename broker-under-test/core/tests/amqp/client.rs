//! A client made of octets: what it sends is put together here by hand, what it gets is told in short lines.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use mqspec_broker_core::amqp::AmqpConfig;
use mqspec_broker_core::{Broker, Config, ConnectionId, Effect, Effects, Input, Now, Protocol};

/// Arguments of a method, or the fields of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args(pub(crate) Vec<u8>);

pub(crate) fn args() -> Args {
    Args::default()
}

impl Args {
    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }
    pub(crate) fn u16(mut self, value: u16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }
    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }
    pub(crate) fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }
    pub(crate) fn short(self, text: &str) -> Self {
        let mut with_length = self.u8(u8::try_from(text.len()).expect("short"));
        with_length.0.extend(text.bytes());
        with_length
    }
    pub(crate) fn long(self, octets: &[u8]) -> Self {
        let mut with_length = self.u32(u32::try_from(octets.len()).expect("fits"));
        with_length.0.extend(octets);
        with_length
    }
    pub(crate) fn table(self, fields: &Args) -> Self {
        self.long(&fields.0)
    }
    // Fields of a table:
    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.short(name).u8(b'S').long(value.as_bytes())
    }
    pub(crate) fn int(self, name: &str, value: i32) -> Self {
        self.short(name).u8(b'I').u32(value.cast_unsigned())
    }
    pub(crate) fn flag(self, name: &str, value: bool) -> Self {
        self.short(name).u8(b't').u8(u8::from(value))
    }
    pub(crate) fn void(self, name: &str) -> Self {
        self.short(name).u8(b'V')
    }
    pub(crate) fn sub(self, name: &str, fields: &Args) -> Self {
        self.short(name).u8(b'F').table(fields)
    }
    pub(crate) fn texts(self, name: &str, values: &[&str]) -> Self {
        let elements = values.iter().fold(args(), |all, value| all.u8(b'S').long(value.as_bytes()));
        self.short(name).u8(b'A').long(&elements.0)
    }
}

/// The octets of one frame.
pub(crate) fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![kind];
    octets.extend(channel.to_be_bytes());
    octets.extend(u32::try_from(payload.len()).expect("fits").to_be_bytes());
    octets.extend(payload);
    octets.push(0xCE);
    octets
}

/// The octets of a method frame.
pub(crate) fn method(channel: u16, class_id: u16, method_id: u16, arguments: &Args) -> Vec<u8> {
    let mut payload = args().u16(class_id).u16(method_id).0;
    payload.extend(&arguments.0);
    frame(1, channel, &payload)
}

/// The octets of a publish with its content; `properties` are flags and values.
pub(crate) fn publish_octets(
    channel: u16,
    to: (&str, &str),
    bits: u8,
    properties: &Args,
    body: &str,
) -> Vec<u8> {
    let mut octets = method(channel, 60, 40, &args().u16(0).short(to.0).short(to.1).u8(bits));
    let mut header = args().u16(60).u16(0).u64(body.len() as u64);
    header.0.extend(&properties.0);
    octets.extend(frame(2, channel, &header.0));
    if !body.is_empty() {
        octets.extend(frame(3, channel, body.as_bytes()));
    }
    octets
}

/// No properties at all.
pub(crate) fn plain() -> Args {
    args().u16(0)
}

/// One frame from the server.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) kind: u8,
    pub(crate) channel: u16,
    pub(crate) payload: Vec<u8>,
}

/// A broker, its clock and its clients.
pub(crate) struct Bench {
    pub(crate) broker: Broker,
    pub(crate) now: Now,
    last: u64,
    inboxes: BTreeMap<ConnectionId, Vec<u8>>,
    pub(crate) closed: Vec<ConnectionId>,
    pub(crate) config: Config,
    /// All that the broker wanted kept.
    pub(crate) records: Vec<Bytes>,
    /// Whether the network takes all that is sent at once.
    pub(crate) takes: bool,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(AmqpConfig::default())
    }

    pub(crate) fn with(amqp: AmqpConfig) -> Self {
        Self::configured(Config { amqp, ..Config::default() })
    }

    pub(crate) fn configured(config: Config) -> Self {
        Self {
            broker: Broker::new(config.clone()),
            now: Duration::from_secs(1_000_000_000),
            last: 0,
            inboxes: BTreeMap::new(),
            closed: Vec::new(),
            config,
            records: Vec::new(),
            takes: true,
        }
    }

    /// The connections that have not ended.
    pub(crate) fn open_connections(&self) -> Vec<ConnectionId> {
        self.inboxes.keys().filter(|connection| !self.closed.contains(connection)).copied().collect()
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        let mut effects = Effects::new();
        self.broker.handle(self.now, input, &mut effects);
        self.take_effects(effects);
    }

    pub(crate) fn take_effects(&mut self, mut effects: Effects) {
        if let Some(at) = self.broker.next_deadline() {
            assert!(at > self.now, "a deadline lies in the future");
        }
        for effect in effects.drain().collect::<Vec<_>>() {
            match effect {
                Effect::Send { connection, bytes } => {
                    assert!(!self.closed.contains(&connection), "nothing is sent after the close");
                    let inbox = self.inboxes.get_mut(&connection).expect("the connection was opened");
                    inbox.extend_from_slice(&bytes);
                    if self.takes {
                        self.input(Input::Taken { connection, bytes: bytes.len() });
                    }
                }
                Effect::Close { connection } => {
                    assert!(self.inboxes.contains_key(&connection), "the connection was opened");
                    assert!(!self.closed.contains(&connection), "closed once only");
                    self.closed.push(connection);
                }
                Effect::Record { bytes } => {
                    assert!(self.config.durable, "a record although the broker is not durable");
                    self.records.push(bytes);
                }
            }
        }
    }

    /// A socket on which nothing was said.
    pub(crate) fn socket(&mut self) -> ConnectionId {
        self.last += 1;
        let connection = ConnectionId(self.last);
        self.inboxes.insert(connection, Vec::new());
        self.input(Input::Opened { connection, protocol: Protocol::Amqp });
        connection
    }

    pub(crate) fn send(&mut self, connection: ConnectionId, octets: &[u8]) {
        self.input(Input::Received { connection, bytes: octets });
    }

    pub(crate) fn call(&mut self, connection: ConnectionId, channel: u16, id: (u16, u16), arguments: &Args) {
        self.send(connection, &method(channel, id.0, id.1, arguments));
    }

    pub(crate) fn drop_socket(&mut self, connection: ConnectionId) {
        self.input(Input::Closed { connection });
    }

    pub(crate) fn is_closed(&self, connection: ConnectionId) -> bool {
        self.closed.contains(&connection)
    }

    /// Lets time pass, step by step as deadlines come.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.broker.next_deadline().filter(|at| *at <= until) {
            self.now = at;
            self.input(Input::TimePassed);
        }
        self.now = until;
        self.input(Input::TimePassed);
    }

    /// Header, Start-Ok, Tune-Ok, Open as guest on `/`, with capabilities and a heartbeat in seconds.
    pub(crate) fn open(&mut self, capabilities: &[&str], frame_max: u32, heartbeat: u16) -> ConnectionId {
        let connection = self.socket();
        self.send(connection, b"AMQP\x00\x00\x09\x01");
        self.call(connection, 0, (10, 11), &start_ok(capabilities, "PLAIN", b"\0guest\0guest"));
        self.call(connection, 0, (10, 31), &args().u16(2047).u32(frame_max).u16(heartbeat));
        self.call(connection, 0, (10, 40), &args().short("/").short("").u8(0));
        let seen = self.seen(connection);
        assert_eq!(seen, ["0 connection.start", "0 connection.tune 2047 131072 60", "0 connection.open-ok"]);
        connection
    }

    /// An open connection that understands what the server may send, without heartbeats.
    pub(crate) fn client(&mut self) -> ConnectionId {
        let connection = self.open(&["consumer_cancel_notify", "authentication_failure_close"], 131_072, 0);
        self.channel(connection, 1);
        connection
    }

    pub(crate) fn channel(&mut self, connection: ConnectionId, number: u16) {
        self.call(connection, number, (20, 10), &args().short(""));
        assert_eq!(self.seen(connection), [format!("{number} channel.open-ok")]);
    }

    pub(crate) fn frames(&mut self, connection: ConnectionId) -> Vec<Got> {
        let octets = std::mem::take(self.inboxes.get_mut(&connection).expect("opened"));
        let mut rest = octets.as_slice();
        let mut frames = Vec::new();
        while let Some((&[kind, c0, c1, s0, s1, s2, s3], after)) = rest.split_first_chunk::<7>() {
            let size = u32::from_be_bytes([s0, s1, s2, s3]) as usize;
            let (payload, after) = after.split_at_checked(size).expect("whole frames only");
            let (end, after) = after.split_first().expect("whole frames only");
            assert_eq!(*end, 0xCE);
            frames.push(Got { kind, channel: u16::from_be_bytes([c0, c1]), payload: payload.to_vec() });
            rest = after;
        }
        assert!(rest.is_empty(), "whole frames only");
        frames
    }

    /// All that came since the last look, a line a method with its content.
    pub(crate) fn seen(&mut self, connection: ConnectionId) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for frame in self.frames(connection) {
            match frame.kind {
                1 => lines.push(format!("{} {}", frame.channel, crate::tell::method(&frame.payload))),
                2 => {}
                3 => {
                    let line = lines.last_mut().expect("a body follows its method");
                    line.push_str(if line.contains(" = ") { "|" } else { " = " });
                    line.push_str(&String::from_utf8_lossy(&frame.payload));
                }
                8 => lines.push("heartbeat".to_owned()),
                other => panic!("frame type {other}"),
            }
        }
        lines
    }

    // Shorthands on channel 1.

    pub(crate) fn declare(&mut self, connection: ConnectionId, queue: &str, bits: u8, arguments: &Args) {
        self.call(connection, 1, (50, 10), &args().u16(0).short(queue).u8(bits).table(arguments));
    }

    /// Declares a queue and expects it to work.
    pub(crate) fn queue(&mut self, connection: ConnectionId, queue: &str, arguments: &Args) {
        self.declare(connection, queue, 0, arguments);
        assert_eq!(self.seen(connection), [format!("1 queue.declare-ok {queue} 0 0")]);
    }

    pub(crate) fn exchange(
        &mut self,
        connection: ConnectionId,
        name: &str,
        kind: &str,
        bits: u8,
        arguments: &Args,
    ) {
        self.call(connection, 1, (40, 10), &args().u16(0).short(name).short(kind).u8(bits).table(arguments));
    }

    pub(crate) fn bind(
        &mut self,
        connection: ConnectionId,
        queue: &str,
        exchange: &str,
        key: &str,
        arguments: &Args,
    ) {
        let arguments = args().u16(0).short(queue).short(exchange).short(key).u8(0).table(arguments);
        self.call(connection, 1, (50, 20), &arguments);
    }

    pub(crate) fn publish(&mut self, connection: ConnectionId, exchange: &str, key: &str, body: &str) {
        self.send(connection, &publish_octets(1, (exchange, key), 0, &plain(), body));
    }

    pub(crate) fn consume(
        &mut self,
        connection: ConnectionId,
        queue: &str,
        tag: &str,
        bits: u8,
        arguments: &Args,
    ) {
        let arguments = args().u16(0).short(queue).short(tag).u8(bits).table(arguments);
        self.call(connection, 1, (60, 20), &arguments);
    }

    pub(crate) fn get(&mut self, connection: ConnectionId, queue: &str, no_ack: bool) -> String {
        self.call(connection, 1, (60, 70), &args().u16(0).short(queue).u8(u8::from(no_ack)));
        self.seen(connection).join("; ")
    }

    pub(crate) fn ack(&mut self, connection: ConnectionId, tag: u64, multiple: bool) {
        self.call(connection, 1, (60, 80), &args().u64(tag).u8(u8::from(multiple)));
    }

    pub(crate) fn nack(&mut self, connection: ConnectionId, tag: u64, multiple: bool, requeue: bool) {
        let bits = u8::from(multiple) | u8::from(requeue) << 1;
        self.call(connection, 1, (60, 120), &args().u64(tag).u8(bits));
    }

    pub(crate) fn qos(&mut self, connection: ConnectionId, count: u16, global: bool) {
        self.call(connection, 1, (60, 10), &args().u32(0).u16(count).u8(u8::from(global)));
        assert_eq!(self.seen(connection), ["1 basic.qos-ok"]);
    }

    /// Opens channel 1 again after the server closed it with this code for this method.
    pub(crate) fn channel_closed(&mut self, connection: ConnectionId, code: u16, id: (u16, u16)) {
        let seen = self.seen(connection);
        assert_eq!(seen, [format!("1 channel.close {code} {}.{}", id.0, id.1)]);
        self.call(connection, 1, (20, 41), &args());
        self.channel(connection, 1);
    }

    /// Expects Connection.Close with this code, confirms it, and expects the socket to end.
    pub(crate) fn connection_closed(&mut self, connection: ConnectionId, code: u16, id: (u16, u16)) {
        let seen = self.seen(connection);
        assert_eq!(seen, [format!("0 connection.close {code} {}.{}", id.0, id.1)]);
        assert!(!self.is_closed(connection), "the server waits for Close-Ok");
        self.call(connection, 0, (10, 51), &args());
        assert!(self.is_closed(connection));
    }
}

pub(crate) fn start_ok(capabilities: &[&str], mechanism: &str, response: &[u8]) -> Args {
    let capabilities = capabilities.iter().fold(args(), |all, name| all.flag(name, true));
    let properties = args().text("product", "test").sub("capabilities", &capabilities);
    args().table(&properties).short(mechanism).long(response).short("en_US")
}

impl Bench {
    /// The octets that came since the last look.
    pub(crate) fn octets(&mut self, connection: ConnectionId) -> Vec<u8> {
        std::mem::take(self.inboxes.get_mut(&connection).expect("opened"))
    }
}

impl Bench {
    /// Sets a window, and leaves what follows the answer to be seen.
    pub(crate) fn qos_later(&mut self, connection: ConnectionId, count: u16, global: bool) {
        self.call(connection, 1, (60, 10), &args().u32(0).u16(count).u8(u8::from(global)));
    }
}
