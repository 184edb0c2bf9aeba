//! What must hold of the broker and its codecs whatever arrives: for fuzzers, property tests and replays.
//!
//! [`Bench`] is a broker whose every answer is looked at; [`read_mqtt`] and [`read_amqp`] say what the strict codecs
//! make of the start of some bytes. All of them panic, with a sentence, where a promise is broken.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;

use crate::amqp::codec::{ContentHeader, FieldTable, FieldValue, FrameType, Method, split_frame};
use crate::mqtt::codec::frame::Cut;
use crate::mqtt::codec::{Frame, Packet, Version};
use crate::{Broker, Config, ConnectionId, Effect, Effects, Input, Now, Protocol};

/// What a strict codec makes of the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// More bytes are needed.
    Incomplete,
    /// A rule is broken.
    Refused {
        /// The statement, with its standard.
        statement: &'static str,
    },
    /// A packet or frame that breaks no rule which its bytes alone can break.
    Accepted {
        /// How many bytes it has.
        size: usize,
    },
}

/// Reads the start of `bytes` as a client's MQTT packet.
///
/// # Panics
/// If a proper prefix of a whole packet is taken for more than the start of one, if a size exceeds what is there,
/// or if reading what was accepted fails.
pub fn read_mqtt(bytes: &[u8], version: Version) -> Reading {
    let refused = |violation: crate::mqtt::violation::Violation| Reading::Refused {
        statement: violation.statement(version),
    };
    let (frame, size) = match Frame::cut(bytes, usize::MAX) {
        Err(violation) => return refused(violation),
        Ok(Cut::Incomplete) => return Reading::Incomplete,
        Ok(Cut::TooLarge { .. }) => panic!("no packet is larger than memory"),
        Ok(Cut::Whole { frame, size }) => (frame, size),
    };
    assert!(size <= bytes.len() && frame.body.len() < size, "{size} bytes were found in {}", bytes.len());
    let prefixes = [1, size / 2, size - 1].into_iter().filter_map(|end| bytes.get(..end));
    for prefix in prefixes {
        assert_eq!(Frame::cut(prefix, usize::MAX), Ok(Cut::Incomplete), "of {size} bytes");
    }
    assert!(
        matches!(Frame::cut(bytes, size - 1), Ok(Cut::TooLarge { .. })),
        "a limit of one byte less must refuse {size} bytes"
    );
    let packet = match Packet::decode(&frame, version) {
        Err(violation) => return refused(violation),
        Ok(packet) => packet,
    };
    let spoken = match &packet {
        Packet::Connect(connect) => connect.version,
        Packet::Subscribe(subscribe) => {
            assert!(subscribe.requests().next().is_some(), "a SUBSCRIBE without a filter was accepted");
            version
        }
        Packet::Unsubscribe(unsubscribe) => {
            assert!(unsubscribe.filters().next().is_some(), "an UNSUBSCRIBE without a filter was accepted");
            version
        }
        Packet::Publish(_)
        | Packet::PubAck(_)
        | Packet::PubRec(_)
        | Packet::PubRel(_)
        | Packet::PubComp(_)
        | Packet::PingReq
        | Packet::Disconnect(_)
        | Packet::Auth(_) => version,
    };
    if spoken == version {
        Reading::Accepted { size }
    } else {
        refused(crate::mqtt::violation::Violation::ProtocolName)
    }
}

/// Reads the start of `bytes` as a client's AMQP frame, behind the protocol header.
///
/// # Panics
/// If a proper prefix of a whole frame is taken for more than the start of one, or if a size exceeds what is there.
pub fn read_amqp(bytes: &[u8]) -> Reading {
    let refused = |violation: &crate::amqp::Violation| Reading::Refused { statement: violation.statement() };
    let (frame, size) = match split_frame(bytes, u32::MAX) {
        Err(violation) => return refused(&violation),
        Ok(None) => return Reading::Incomplete,
        Ok(Some(found)) => found,
    };
    assert!(size <= bytes.len() && frame.payload.len() < size, "{size} octets were found in {}", bytes.len());
    let prefixes = [1, size / 2, size - 1].into_iter().filter_map(|end| bytes.get(..end));
    for prefix in prefixes {
        assert_eq!(split_frame(prefix, u32::MAX), Ok(None), "of {size} octets");
    }
    let outcome = match frame.frame_type {
        FrameType::Method => Method::decode(frame.payload).map(|_| ()),
        FrameType::Header => ContentHeader::decode(frame.payload).map(|header| {
            check_table(header.properties.headers());
            let again = header.properties.encode();
            let read = crate::amqp::codec::Properties::decode(&again);
            assert_eq!(read, Ok(header.properties), "properties written again are others");
        }),
        FrameType::Body => Ok(()),
        FrameType::Heartbeat if frame.payload.is_empty() => Ok(()),
        FrameType::Heartbeat => Err(crate::amqp::Violation::HeartbeatPayload),
    };
    match outcome {
        Ok(()) => Reading::Accepted { size },
        Err(violation) => refused(&violation),
    }
}

/// Reads every value of a table that was found sound.
///
/// # Panics
/// If the fields, put together, are not the table.
fn check_table(table: FieldTable<'_>) {
    let fields: Vec<_> = table.iter().collect();
    assert_eq!(fields.is_empty(), table.is_empty(), "a table of {:?}", table.octets());
    let together: Vec<u8> = fields.iter().flat_map(|field| field.octets).copied().collect();
    assert_eq!(together, table.octets(), "fields put together are another table");
    for field in fields {
        check_value(field.value);
    }
}

fn check_value(value: FieldValue<'_>) {
    match value {
        FieldValue::Table(table) => check_table(table),
        FieldValue::Array(array) => {
            assert_eq!(array.iter().count(), array.iter_octets().count(), "an array has two lengths");
            for element in array.iter() {
                check_value(element);
            }
        }
        FieldValue::Boolean(_)
        | FieldValue::Integer(_)
        | FieldValue::Float(_)
        | FieldValue::Double(_)
        | FieldValue::Decimal(..)
        | FieldValue::LongString(_)
        | FieldValue::ByteArray(_)
        | FieldValue::Timestamp(_)
        | FieldValue::Void => {}
    }
}

/// A broker with a clock that only moves when told to, whose every answer is looked at, and whose records are kept so
/// that it can die.
#[derive(Debug)]
pub struct Bench {
    config: Config,
    broker: Broker,
    now: Now,
    last_connection: u64,
    open: BTreeSet<ConnectionId>,
    log: Vec<Bytes>,
    effects: Effects,
}

impl Bench {
    /// A broker without connections.
    pub fn new(config: Config) -> Self {
        Self {
            broker: Broker::new(config.clone()),
            config,
            now: Duration::from_secs(1_700_000_000),
            last_connection: 0,
            open: BTreeSet::new(),
            log: Vec::new(),
            effects: Effects::new(),
        }
    }

    /// The clock.
    pub fn now(&self) -> Now {
        self.now
    }

    /// Whether a connection has not ended.
    pub fn is_open(&self, connection: ConnectionId) -> bool {
        self.open.contains(&connection)
    }

    /// Whether the broker has asked for anything to be kept.
    pub fn has_records(&self) -> bool {
        !self.log.is_empty()
    }

    /// A client opens a connection. What comes of it is told to `observe`.
    pub fn open(&mut self, protocol: Protocol, observe: &mut impl FnMut(Effect)) -> ConnectionId {
        self.last_connection += 1;
        let connection = ConnectionId(self.last_connection);
        self.open.insert(connection);
        self.handle(Input::Opened { connection, protocol }, observe);
        connection
    }

    /// A client ends its connection, or the network does.
    pub fn cut(&mut self, connection: ConnectionId, observe: &mut impl FnMut(Effect)) {
        self.open.remove(&connection);
        self.handle(Input::Closed { connection }, observe);
    }

    /// Lets time pass, with a stop at every deadline on the way.
    pub fn wait(&mut self, time: Duration, observe: &mut impl FnMut(Effect)) {
        let until = self.now + time;
        while let Some(deadline) = self.broker.next_deadline().filter(|deadline| *deadline <= until) {
            self.now = deadline;
            self.handle(Input::TimePassed, observe);
        }
        self.now = until;
        self.handle(Input::TimePassed, observe);
    }

    /// Gives the broker any input but an opened connection and an end, for which there are methods.
    ///
    /// # Panics
    /// If the broker speaks to a connection that is not open, asks to be woken in the past, or sends nothing and
    /// calls it something.
    pub fn handle(&mut self, input: Input<'_>, observe: &mut impl FnMut(Effect)) {
        let mut effects = std::mem::take(&mut self.effects);
        self.broker.handle(self.now, input, &mut effects);
        self.look(&mut effects, observe);
        self.effects = effects;
    }

    fn look(&mut self, effects: &mut Effects, observe: &mut impl FnMut(Effect)) {
        if let Some(deadline) = self.broker.next_deadline() {
            assert!(deadline > self.now, "a deadline of {deadline:?} at {:?} would never be met", self.now);
        }
        for effect in effects.drain() {
            match &effect {
                Effect::Send { connection, bytes } => {
                    assert!(self.open.contains(connection), "sent to {connection:?}, which is not open");
                    assert!(!bytes.is_empty(), "sent nothing to {connection:?}");
                }
                Effect::Close { connection } => {
                    assert!(self.open.remove(connection), "closed {connection:?}, which is not open");
                }
                Effect::Record { bytes } => {
                    assert!(self.config.durable, "a record that nobody asked for: {bytes:?}");
                    self.log.push(bytes.clone());
                }
            }
            observe(effect);
        }
    }

    /// The broker dies and comes back with what its records say, every connection is gone.
    ///
    /// With `unheard`, that input was still handled, and nothing of what it asked for left the process. With
    /// `compacts`, the log is replaced by a snapshot on the way.
    ///
    /// # Panics
    /// If a record cannot be applied, or if a snapshot says anything else than the records that led to it.
    pub fn crash(&mut self, unheard: Option<Input<'_>>, compacts: bool, observe: &mut impl FnMut(Effect)) {
        let before = match unheard {
            Some(input) => {
                self.broker.handle(self.now, input, &mut Effects::new());
                None
            }
            None => Some(self.broker.snapshot()),
        };
        self.broker = restored(&self.config, &self.log);
        let again = self.broker.snapshot();
        if let Some(before) = before {
            assert_eq!(
                again,
                restored(&self.config, &before).snapshot(),
                "a snapshot is not what the records say"
            );
        }
        if compacts {
            self.log = again;
        }
        self.open.clear();
        let mut effects = Effects::new();
        self.broker.restored(self.now, &mut effects);
        self.look(&mut effects, observe);
    }
}

/// A broker made of records, which has not been told yet that they end.
fn restored(config: &Config, records: &[Bytes]) -> Broker {
    let mut broker = Broker::new(config.clone());
    for record in records {
        if let Err(why) = broker.restore(record) {
            panic!("the broker cannot apply its own record {record:?}: {why}");
        }
    }
    broker
}
