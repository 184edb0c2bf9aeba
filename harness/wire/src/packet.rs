//! A packet as a tester sees it: named fields with the bytes they came from, and what is odd about them.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use crate::message::Message;
use crate::value::Value;

/// Bytes `start..end` counted from the packet's first byte.
pub type Span = Range<usize>;

/// The name of a packet, a field or a deviation: lent by the layout tables where they have it, so that it costs nothing
/// to hand on.
pub type Name = Cow<'static, str>;

/// One MQTT control packet or one AMQP frame, decoded leniently.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// The standard's name in lower case: `publish`, `connack`; `queue.declare-ok`, `content-header`,
    /// `content-body`, `heartbeat`, `protocol-header`; `unknown` for a type that no table has.
    pub name: &'static str,
    /// The fields in wire order. MQTT properties are fields like any other, named as in the standard with
    /// underscores (`message_expiry_interval`); an absent optional field is not in the list.
    pub fields: Vec<Field>,
    /// What a strict reader of the standard would object to, in wire order.
    pub oddities: Vec<Oddity>,
    /// All bytes of the packet, fixed header or frame header and frame end included.
    pub raw: Bytes,
}

/// One field of a packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The layout table's name for it, the same one that scenarios use.
    pub name: &'static str,
    /// What it says.
    pub value: Value,
    /// The name the standard gives to this value, for enumerations: `not_authorized` for 0x87.
    pub label: Option<&'static str>,
    /// Where it stands. For a bit of a flags byte, that byte.
    pub span: Span,
}

/// Something that breaks a rule of the standard, found while decoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// The broken statement's id with its standard: `mqtt-5.0/MQTT-2.1.3-1`.
    pub statement: &'static str,
    /// The offending bytes.
    pub span: Span,
    /// What is wrong, in one sentence without a full stop, with the value that was seen.
    pub message: Message,
}

/// Inserts an oddity in wire order, behind those that begin at the same byte.
///
/// Most are found in that order. A sort of all of them, once they are found, takes longer and is much more code.
pub(crate) fn insert_in_wire_order(oddities: &mut Vec<Oddity>, oddity: Oddity) {
    let last_before = oddities.iter().rposition(|other| other.span.start <= oddity.span.start);
    oddities.insert(last_before.map_or(0, |place| place + 1), oddity);
}

impl Packet {
    /// The value of a field, where the packet has it (the first one, if it repeats).
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }

    /// A field that is an integer.
    pub fn integer(&self, name: &str) -> Option<i128> {
        self.get(name).and_then(Value::as_integer)
    }

    /// A field that is a bit.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Value::as_bool)
    }

    /// A field that is text or binary data.
    pub fn bytes(&self, name: &str) -> Option<&Bytes> {
        self.get(name).and_then(Value::as_bytes)
    }
}

/// A packet to be written: what a scenario or a plan says, before it is bytes.
///
/// Fields that are not given take the layout's default (the most ordinary legal value). `malformed`
/// holds deviations that no field can express; the layout's documentation lists them per protocol.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Draft {
    /// The packet's name, as in [`Packet::name`].
    pub name: Name,
    /// Field values by name, in the order in which they were written (repeated properties keep it).
    pub fields: Vec<(Name, Value)>,
    /// Deviations by name: `flags`, `remaining_length`, `truncate`, `append`, `frame_end`, …
    pub malformed: Vec<(Name, Value)>,
}

impl Draft {
    /// A packet of this name with every field at its default.
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets a field.
    #[must_use]
    pub fn with(mut self, name: impl Into<Name>, value: impl Into<Value>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Adds a deviation.
    #[must_use]
    pub fn malformed(mut self, name: impl Into<Name>, value: impl Into<Value>) -> Self {
        self.malformed.push((name.into(), value.into()));
        self
    }
}

impl From<bool> for Value {
    fn from(bit: bool) -> Self {
        Self::Bool(bit)
    }
}

impl From<i128> for Value {
    fn from(number: i128) -> Self {
        Self::Integer(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}
