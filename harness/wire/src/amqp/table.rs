//! Field tables and arrays, read in RabbitMQ's dialect (§4.2.5.5 and the tags in the module's documentation).

use std::collections::BTreeSet;

use bytes::Bytes;

use super::cursor::{Cursor, Notes};
use super::statement;
use crate::message::{Message, Seen, message};
use crate::packet::Span;
use crate::value::Value;

/// How deep tables and arrays may nest before their contents are left as bytes.
pub(super) const MAX_DEPTH: usize = 64;

/// Up to this many entries a duplicate is found by comparing, beyond it with a set.
const FEW: usize = 16;

/// Longest field name (§4.2.5.5).
const MAX_NAME: usize = 128;

/// Whether what is written is judged, or only its structure: a server passes on what publishers put into
/// their properties and is not at fault for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judge {
    All,
    Structure,
}

impl Judge {
    /// Notes what only its author is to blame for.
    fn note(self, notes: &mut Notes, statement: &'static str, span: Span, message: Message) {
        if self == Self::All {
            notes.note(statement, span, message);
        }
    }
}

/// A table read as far as it makes sense.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) value: Value,
    /// False when its length does not fit, so that what follows cannot be trusted.
    pub(super) sound: bool,
}

/// Reads a table with its length. `None`, with nothing read, if not even the length is there.
pub(super) fn table(cursor: &mut Cursor<'_>, judge: Judge, notes: &mut Notes) -> Option<Reading> {
    container(cursor, Kind::Table, judge, 1, notes)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Table,
    Array,
}

impl Kind {
    const fn noun(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Array => "array",
        }
    }

    const fn statement(self) -> &'static str {
        match self {
            Self::Table => statement::TABLE_LAYOUT,
            Self::Array => statement::ARRAY_LAYOUT,
        }
    }
}

fn container(
    cursor: &mut Cursor<'_>,
    kind: Kind,
    judge: Judge,
    depth: usize,
    notes: &mut Notes,
) -> Option<Reading> {
    let start = cursor.at();
    let declared = cursor.long()?;
    let length = usize::try_from(declared).unwrap_or(usize::MAX);
    let sound = length <= cursor.left();
    if !sound {
        let message = message!("a {} of {} bytes where {} are left", kind.noun(), declared, cursor.left());
        notes.note(kind.statement(), cursor.since(start), message);
    }
    let mut part = cursor.part(length);
    if depth > MAX_DEPTH {
        judge.note(
            notes,
            statement::TABLE_DEPTH,
            start..cursor.at(),
            message!("nested more than {} deep", MAX_DEPTH),
        );
        return Some(Reading { value: Value::Bytes(part.rest()), sound });
    }
    let value = match kind {
        Kind::Table => Value::Map(entries(&mut part, judge, depth, notes)),
        Kind::Array => Value::List(elements(&mut part, judge, depth, notes)),
    };
    Some(Reading { value, sound })
}

fn entries(cursor: &mut Cursor<'_>, judge: Judge, depth: usize, notes: &mut Notes) -> Vec<(Bytes, Value)> {
    let mut entries: Vec<(Bytes, Value)> = Vec::new();
    let mut seen = BTreeSet::new();
    while cursor.left() > 0 {
        let start = cursor.at();
        let Some(name) = cursor.short_string() else {
            notes.note(statement::TABLE_LAYOUT, cursor.remainder(), "a field name longer than its table");
            break;
        };
        if judge == Judge::All {
            judge_name(&name, start, notes);
            if is_repeated(&name, &entries, &mut seen) {
                let message = message!("the field {} twice", Seen::Quoted((*name).into()));
                notes.note(statement::DUPLICATE_FIELD, cursor.since(start), message);
            }
        }
        let Some(value) = tagged(cursor, Kind::Table, judge, depth, notes) else { break };
        entries.push((name, value));
    }
    entries
}

fn elements(cursor: &mut Cursor<'_>, judge: Judge, depth: usize, notes: &mut Notes) -> Vec<Value> {
    let mut elements = Vec::new();
    while cursor.left() > 0 {
        let Some(value) = tagged(cursor, Kind::Array, judge, depth, notes) else { break };
        elements.push(value);
    }
    elements
}

/// §4.2.5.5 allows letters, digits, `$`, `#` and `_`, no digit or `_` first. RabbitMQ's own names also
/// hold `-` and `.` (`x-match`, `basic.nack`), so this dialect allows both.
fn judge_name(name: &Bytes, start: usize, notes: &mut Notes) {
    let begins = |octet: &u8| octet.is_ascii_alphabetic() || matches!(octet, b'$' | b'#');
    let goes_on = |octet: &u8| begins(octet) || octet.is_ascii_digit() || matches!(octet, b'_' | b'-' | b'.');
    let well_formed = name.len() <= MAX_NAME && name.first().is_some_and(begins) && name.iter().all(goes_on);
    if !well_formed {
        let message = message!("{} is no field name", Seen::Quoted((**name).into()));
        notes.note(statement::FIELD_NAME, start..start + 1 + name.len(), message);
    }
}

/// Whether a table has this name already, in time that grows little faster than the table.
fn is_repeated(name: &Bytes, entries: &[(Bytes, Value)], seen: &mut BTreeSet<Bytes>) -> bool {
    if entries.len() < FEW {
        return entries.iter().any(|(earlier, _)| earlier == name);
    }
    if seen.is_empty() {
        seen.extend(entries.iter().map(|(earlier, _)| earlier.clone()));
    }
    !seen.insert(name.clone())
}

/// Reads a tag and its value; `None`, noted, where the rest of the container cannot be read.
fn tagged(
    cursor: &mut Cursor<'_>,
    within: Kind,
    judge: Judge,
    depth: usize,
    notes: &mut Notes,
) -> Option<Value> {
    let start = cursor.at();
    let Some(tag) = cursor.octet() else {
        notes.note(within.statement(), cursor.since(start), "a field name without a value");
        return None;
    };
    let value = match tag {
        b'F' => container(cursor, Kind::Table, judge, depth + 1, notes).map(|reading| reading.value),
        b'A' => container(cursor, Kind::Array, judge, depth + 1, notes).map(|reading| reading.value),
        b't' => boolean(cursor, judge, notes),
        b'U' | b'L' => {
            let message = message!("the tag {} does not belong to RabbitMQ's types", char::from(tag));
            judge.note(notes, statement::FIELD_DIALECT, cursor.since(start), message);
            scalar(tag, cursor)
        }
        b'b' | b'B' | b's' | b'u' | b'I' | b'i' | b'l' | b'f' | b'd' | b'D' | b'S' | b'x' | b'T' | b'V' => {
            scalar(tag, cursor)
        }
        unknown => {
            let message = message!("the value tag {} does not exist", Seen::Hex(unknown.into()));
            notes.note(statement::FIELD_TYPE, cursor.since(start), message);
            return None;
        }
    };
    if value.is_none() {
        let message = message!("a value of type {} longer than its {}", char::from(tag), within.noun());
        notes.note(within.statement(), start..cursor.remainder().end, message);
    }
    value.map(|value| Value::Tagged(tag, Box::new(value)))
}

/// §4.2.1: any octet but 0 is true.
fn boolean(cursor: &mut Cursor<'_>, judge: Judge, notes: &mut Notes) -> Option<Value> {
    let start = cursor.at();
    let octet = cursor.octet()?;
    if octet > 1 {
        judge.note(notes, statement::BOOLEAN, cursor.since(start), message!("the boolean {}", octet));
    }
    Some(Value::Bool(octet != 0))
}

/// A value that holds no others. `None`, with nothing read, if it is not all there.
fn scalar(tag: u8, cursor: &mut Cursor<'_>) -> Option<Value> {
    Some(match tag {
        b'b' => Value::Integer(i8::from_be_bytes(cursor.octets()?).into()),
        b'B' => Value::Integer(cursor.octet()?.into()),
        b's' | b'U' => Value::Integer(i16::from_be_bytes(cursor.octets()?).into()),
        b'u' => Value::Integer(cursor.short()?.into()),
        b'I' => Value::Integer(i32::from_be_bytes(cursor.octets()?).into()),
        b'i' => Value::Integer(cursor.long()?.into()),
        b'l' | b'L' => Value::Integer(i64::from_be_bytes(cursor.octets()?).into()),
        b'T' => Value::Integer(cursor.long_long()?.into()),
        b'f' => Value::Float(f32::from_be_bytes(cursor.octets()?).into()),
        b'd' => Value::Float(f64::from_be_bytes(cursor.octets()?)),
        b'D' => {
            let [scale, number @ ..] = cursor.octets::<5>()?;
            Value::List(vec![Value::Integer(scale.into()), Value::Integer(i32::from_be_bytes(number).into())])
        }
        b'S' | b'x' => Value::Bytes(cursor.long_string()?),
        b'V' => Value::Void,
        _ => return None,
    })
}
