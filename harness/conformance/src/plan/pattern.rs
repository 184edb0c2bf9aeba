//! What a received packet is compared with.

use std::fmt::{self, Write as _};

use mqspec_wire::{Packet, Value};

use super::expression::{Bindings, Expression, TextPart, Unbound, lookup};
use crate::decimal::Decimal;

/// One allowed thing to happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// A packet of this name whose fields match.
    Packet {
        /// The packet's name.
        name: String,
        /// The channel it must arrive on (AMQP).
        channel: Option<u16>,
        /// What must hold; a field that is not named may be anything.
        fields: Vec<Field>,
        /// What the standard only recommends: judged apart, as SHOULD.
        should: Vec<Field>,
        /// Fields to keep: `(field, name)`.
        bind: Vec<(String, String)>,
    },
    /// The broker ends the connection. A farewell may come before (CONNACK or DISCONNECT with an error code,
    /// `connection.close`); the end itself is proved by the socket.
    Closed {
        /// What must hold for the farewell's fields *if* there is one (`reason_code`, `reply_code`).
        farewell: Vec<Field>,
        /// What the standard only recommends about the farewell, its presence included.
        should: Vec<Field>,
        /// Whether a farewell is forbidden (MQTT 3.1.1 after CONNECT, a CONNECT that is no CONNECT).
        silent: bool,
    },
}

/// A field and what must hold for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The field's name.
    pub name: String,
    /// What must hold.
    pub matcher: Matcher,
}

/// What must hold for a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// This value. Text and bytes compare as bytes; a value with an AMQP tag compares with its tag, one
    /// without ignores it; maps compare in order.
    Equals(Expression),
    /// One of these.
    OneOf(Vec<Expression>),
    /// Not this.
    Not(Expression),
    /// An integer, at least this.
    AtLeast(Expression),
    /// An integer, at most this.
    AtMost(Expression),
    /// A list of integers as long as this, each at most the one in its place.
    EachAtMost(Vec<Expression>),
    /// A field that stands there once for each of these values, in any order, and no more.
    Repeats(Vec<Expression>),
    /// There, whatever it says.
    Present,
    /// Not there.
    Absent,
    /// Anything, or nothing (says to the reader that the standard leaves it open).
    Any,
    /// A map that has at least these entries, in any order and with others among them.
    Contains(Vec<(String, Expression)>),
    /// Text or bytes of this length, in bytes.
    Length(u64),
    /// Text that begins with this.
    StartsWith(Expression),
}

/// Why a packet does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What was demanded: `reason_code = not_authorized (0x87)`.
    pub expected: String,
    /// What was there: `reason_code = success (0x00)`.
    pub actual: String,
}

impl Field {
    /// Compares a packet's field.
    ///
    /// # Errors
    ///
    /// The mismatch, in words for the report. A name that is not bound counts as one and says so.
    pub fn compare(&self, packet: &Packet, bindings: &Bindings) -> Result<(), Mismatch> {
        let actual = packet.get(&self.name);
        let holds = if let Matcher::Repeats(values) = &self.matcher {
            let all = packet.fields.iter().filter(|field| field.name == self.name);
            repeats(values, all.map(|field| &field.value).collect(), bindings)
        } else {
            self.matcher.holds(actual, bindings)
        };
        let holds = holds.map_err(|unbound| Mismatch {
            expected: format!("{}: {unbound}", self.name),
            actual: String::from("(not compared)"),
        })?;
        if holds {
            return Ok(());
        }
        let label = packet.fields.iter().find(|field| field.name == self.name).and_then(|field| field.label);
        let actual = match (actual, label) {
            (None, _) => format!("no {}", self.name),
            (Some(value), None) => format!("{} = {value}", self.name),
            (Some(value), Some(label)) => format!("{} = {label} ({value})", self.name),
        };
        Err(Mismatch { expected: format!("{} {}", self.name, self.matcher.describe(bindings)), actual })
    }
}

impl Matcher {
    /// Whether it holds for a value (or its absence).
    ///
    /// # Errors
    ///
    /// A name that is not bound.
    pub fn holds(&self, actual: Option<&Value>, bindings: &Bindings) -> Result<bool, Unbound> {
        let equals = |expected: &Expression| {
            if let (Expression::Text(parts), Some(Value::Bytes(actual))) = (expected, actual) {
                return is_text(parts, actual, bindings);
            }
            let expected = expected.look_up(bindings)?;
            Ok::<_, Unbound>(actual.is_some_and(|actual| same(&expected, actual)))
        };
        Ok(match self {
            Self::Equals(expected) => equals(expected)?,
            Self::OneOf(allowed) => {
                for expected in allowed {
                    if equals(expected)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Not(excluded) => {
                let excluded = excluded.look_up(bindings)?;
                !actual.is_some_and(|actual| same(&excluded, actual))
            }
            Self::AtLeast(least) => {
                let least = least.look_up(bindings)?.as_integer();
                matches!((actual.and_then(Value::as_integer), least), (Some(a), Some(b)) if a >= b)
            }
            Self::AtMost(most) => {
                let most = most.look_up(bindings)?.as_integer();
                matches!((actual.and_then(Value::as_integer), most), (Some(a), Some(b)) if a <= b)
            }
            Self::EachAtMost(limits) => {
                let Some(Value::List(items)) = actual.map(Value::untagged) else { return Ok(false) };
                let limits =
                    limits.iter().map(|limit| limit.look_up(bindings)).collect::<Result<Vec<_>, _>>()?;
                items.len() == limits.len()
                    && items.iter().zip(&limits).all(|(item, limit)| {
                        matches!((item.as_integer(), limit.as_integer()), (Some(a), Some(b)) if a <= b)
                    })
            }
            Self::Repeats(values) => return repeats(values, actual.into_iter().collect(), bindings),
            Self::Present => actual.is_some(),
            Self::Absent => actual.is_none(),
            Self::Any => true,
            Self::Contains(entries) => {
                let Some(Value::Map(present)) = actual.map(Value::untagged) else { return Ok(false) };
                for (key, expected) in entries {
                    let expected = expected.look_up(bindings)?;
                    let found = present
                        .iter()
                        .any(|(name, value)| name.as_ref() == key.as_bytes() && same(&expected, value));
                    if !found {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Length(length) => {
                actual.and_then(Value::as_bytes).is_some_and(|bytes| bytes.len() as u64 == *length)
            }
            Self::StartsWith(start) => {
                let start = start.look_up(bindings)?;
                matches!((actual.and_then(Value::as_bytes), start.as_bytes()),
                    (Some(bytes), Some(start)) if bytes.starts_with(start))
            }
        })
    }

    fn describe(&self, bindings: &Bindings) -> String {
        let show = |expression: &Expression| match expression.look_up(bindings) {
            Ok(value) => value.to_string(),
            Err(unbound) => unbound.to_string(),
        };
        match self {
            Self::Equals(expected) => format!("= {}", show(expected)),
            Self::OneOf(allowed) => {
                format!("one of {}", allowed.iter().map(show).collect::<Vec<_>>().join(", "))
            }
            Self::Not(excluded) => format!("other than {}", show(excluded)),
            Self::AtLeast(least) => format!("at least {}", show(least)),
            Self::AtMost(most) => format!("at most {}", show(most)),
            Self::EachAtMost(limits) => {
                format!("each at most [{}]", limits.iter().map(show).collect::<Vec<_>>().join(", "))
            }
            Self::Repeats(values) => {
                format!("once for each of {}", values.iter().map(show).collect::<Vec<_>>().join(", "))
            }
            Self::Present => String::from("present"),
            Self::Absent => String::from("absent"),
            Self::Any => String::from("any"),
            Self::Contains(entries) => format!(
                "containing {{{}}}",
                entries
                    .iter()
                    .map(|(key, value)| format!("{key}: {}", show(value)))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Self::Length(length) => format!("of {length} bytes"),
            Self::StartsWith(start) => format!("starting with {}", show(start)),
        }
    }
}

/// Whether a text with names in it is these bytes, found out without writing it down.
fn is_text(parts: &[TextPart], actual: &[u8], bindings: &Bindings) -> Result<bool, Unbound> {
    let mut rest = Rest(Some(actual));
    // To the end in any case: a name that is not bound is a mistake of its own.
    for part in parts {
        match part {
            TextPart::Literal(literal) => rest.begins_with(literal.as_bytes()),
            TextPart::Name(name) => {
                let value = lookup(name, bindings)?;
                match (value.as_bytes(), value) {
                    (Some(bytes), _) => rest.begins_with(bytes),
                    (None, Value::Integer(number)) => rest.begins_with(Decimal::signed(*number).as_bytes()),
                    // It takes whatever is written.
                    (None, other) => drop(write!(rest, "{other}")),
                }
            }
        }
    }
    Ok(rest.0.is_some_and(<[u8]>::is_empty))
}

/// What is left of some bytes behind what was written to it; nothing once something else was written.
struct Rest<'a>(Option<&'a [u8]>);

impl Rest<'_> {
    fn begins_with(&mut self, bytes: &[u8]) {
        self.0 = self.0.and_then(|rest| rest.strip_prefix(bytes));
    }
}

impl fmt::Write for Rest<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.begins_with(text.as_bytes());
        Ok(())
    }
}

/// Whether there is exactly one actual value for each expected one, in any order.
fn repeats(expected: &[Expression], mut actual: Vec<&Value>, bindings: &Bindings) -> Result<bool, Unbound> {
    for expression in expected {
        let value = expression.look_up(bindings)?;
        let Some(at) = actual.iter().position(|actual| same(&value, actual)) else { return Ok(false) };
        actual.remove(at);
    }
    Ok(actual.is_empty())
}

/// Whether an expected value and an actual one are the same, as a scenario's author means it.
fn same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Tagged(tag, expected), Value::Tagged(actual_tag, actual)) => {
            tag == actual_tag && same(expected, actual)
        }
        (expected, Value::Tagged(_, actual)) => same(expected, actual),
        (Value::List(expected), Value::List(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(a, b)| same(a, b))
        }
        (Value::Map(expected), Value::Map(actual)) => {
            expected.len() == actual.len()
                && expected
                    .iter()
                    .zip(actual)
                    .all(|((key, a), (actual_key, b))| key == actual_key && same(a, b))
        }
        // An exact comparison is meant: the same bits on the wire.
        (Value::Float(expected), Value::Float(actual)) => expected.to_bits() == actual.to_bits(),
        (expected, actual) => expected == actual,
    }
}

impl Pattern {
    /// The pattern in words, for a report.
    pub fn describe(&self, bindings: &Bindings) -> String {
        let fields = |fields: &[Field]| {
            fields
                .iter()
                .map(|field| format!("{} {}", field.name, field.matcher.describe(bindings)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self {
            Self::Packet { name, channel, fields: demanded, .. } => {
                let channel = channel.map_or(String::new(), |channel| format!(" on channel {channel}"));
                let with = if demanded.is_empty() { "" } else { " with " };
                format!("{name}{channel}{with}{}", fields(demanded))
            }
            Self::Closed { farewell, silent, .. } => {
                let said = if *silent {
                    String::from(" without a farewell")
                } else if farewell.is_empty() {
                    String::new()
                } else {
                    format!(", any farewell with {}", fields(farewell))
                };
                format!("the broker closes the connection{said}")
            }
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, got {}", self.expected, self.actual)
    }
}
