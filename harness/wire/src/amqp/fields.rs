//! The fields of a method or of a content header, read along their layout.

use super::cursor::{Cursor, Notes};
use super::layout::{FieldLayout, MethodLayout, PROPERTIES, Wire, property_flag};
use super::table::{self, Judge};
use super::{rules, statement};
use crate::message::{Seen, message};
use crate::packet::{Field, Span};
use crate::spec::Side;
use crate::value::Value;

/// Reads the arguments of a method up to the cursor's end (§4.2.4).
pub(super) fn arguments(
    method: &MethodLayout,
    cursor: &mut Cursor<'_>,
    fields: &mut Vec<Field>,
    notes: &mut Notes,
) {
    let mut bits = Bits::default();
    for layout in method.fields {
        let read = if layout.wire == Wire::Bit {
            bits.next(cursor).map(|(bit, span)| Read { value: Value::Bool(bit), span, sound: true })
        } else {
            bits.close(notes);
            field(layout, cursor, Judge::All, notes)
        };
        let Some(Read { value, span, sound }) = read else {
            let message = message!("the arguments of {} end before {} does", method.name, layout.name);
            notes.note(statement::ARGUMENTS, cursor.remainder(), message);
            return;
        };
        push(layout, value, span, fields, notes);
        if !sound {
            return;
        }
    }
    bits.close(notes);
    if cursor.left() > 0 {
        let message = message!("{} bytes after the arguments of {}", cursor.left(), method.name);
        notes.note(statement::ARGUMENTS, cursor.remainder(), message);
    }
}

/// Reads property flags and properties up to the cursor's end (§4.2.6.1). The field `property_flags` is
/// the first word; further words are only noted, as Basic has no property for them.
pub(super) fn properties(cursor: &mut Cursor<'_>, fields: &mut Vec<Field>, notes: &mut Notes) {
    let start = cursor.at();
    let Some(flags) = cursor.short() else {
        notes.note(statement::CONTENT_FORM, cursor.remainder(), "a content header without property flags");
        return;
    };
    let span = cursor.since(start);
    fields.push(Field {
        name: "property_flags",
        value: Value::Integer(flags.into()),
        label: None,
        span: span.clone(),
    });
    if flags & 0b10 != 0 {
        notes.note(statement::FLAG_UNDEFINED, span, "the flag 0x0002 has no property");
    }
    if !skip_flag_words(flags, start, cursor, notes) {
        return;
    }
    // A server hands on what the publisher wrote: only the form of it is the server's own.
    let judge = if notes.sender == Side::Client { Judge::All } else { Judge::Structure };
    for (index, layout) in PROPERTIES.iter().enumerate() {
        if flags & property_flag(index) == 0 {
            continue;
        }
        let Some(Read { value, span, sound }) = field(layout, cursor, judge, notes) else {
            let message = message!("the content header ends before {} does", layout.name);
            notes.note(statement::CONTENT_FORM, cursor.remainder(), message);
            return;
        };
        push(layout, value, span, fields, notes);
        if !sound {
            return;
        }
    }
    if cursor.left() > 0 {
        let message = message!("{} bytes after the properties", cursor.left());
        notes.note(statement::CONTENT_FORM, cursor.remainder(), message);
    }
}

/// Passes the words that bit 0 announces; false if they do not end.
fn skip_flag_words(first: u16, start: usize, cursor: &mut Cursor<'_>, notes: &mut Notes) -> bool {
    let mut word = first;
    while word & 1 != 0 {
        let Some(next) = cursor.short() else {
            notes.note(statement::CONTENT_FORM, cursor.remainder(), "the announced word of flags is missing");
            return false;
        };
        word = next;
    }
    if first & 1 != 0 {
        let message = "more than one word of property flags where 14 properties need one";
        notes.note(statement::FLAG_WORDS, cursor.since(start), message);
    }
    true
}

struct Read {
    value: Value,
    span: Span,
    /// False when a length inside did not fit, so that what follows cannot be trusted.
    sound: bool,
}

/// Reads one field that is not a bit; `None`, with nothing read, where it is not all there.
fn field(layout: &FieldLayout, cursor: &mut Cursor<'_>, judge: Judge, notes: &mut Notes) -> Option<Read> {
    let start = cursor.at();
    let mut sound = true;
    let value = match layout.wire {
        Wire::Bit | Wire::Octet => Value::Integer(cursor.octet()?.into()),
        Wire::Short => Value::Integer(cursor.short()?.into()),
        Wire::Long => Value::Integer(cursor.long()?.into()),
        Wire::LongLong => Value::Integer(cursor.long_long()?.into()),
        Wire::ShortString => {
            let text = cursor.short_string()?;
            if judge == Judge::All {
                rules::judge_short_string(layout.name, &text, cursor.since(start), notes);
            }
            Value::Bytes(text)
        }
        Wire::LongString => Value::Bytes(cursor.long_string()?),
        Wire::Table => {
            let reading = table::table(cursor, judge, notes)?;
            sound = reading.sound;
            reading.value
        }
    };
    Some(Read { value, span: cursor.since(start), sound })
}

fn push(layout: &FieldLayout, value: Value, span: Span, fields: &mut Vec<Field>, notes: &mut Notes) {
    rules::judge(layout, &value, span.clone(), notes);
    let label = value
        .as_integer()
        .and_then(|number| layout.labels().iter().find(|(_, known)| *known == number))
        .map(|(label, _)| *label);
    fields.push(Field { name: layout.name, value, label, span });
}

/// Bit arguments in a row, eight to an octet, the first in the lowest bit (§4.2.5.2).
#[derive(Default)]
struct Bits {
    octet: u8,
    at: usize,
    used: u32,
}

impl Bits {
    fn next(&mut self, cursor: &mut Cursor<'_>) -> Option<(bool, Span)> {
        if self.used == 0 || self.used == 8 {
            self.at = cursor.at();
            self.octet = cursor.octet()?;
            self.used = 0;
        }
        let bit = self.octet >> self.used & 1 == 1;
        self.used += 1;
        Some((bit, self.at..self.at + 1))
    }

    /// Notes bits beyond the last argument and makes the next bit start a new octet.
    fn close(&mut self, notes: &mut Notes) {
        if self.used > 0 && u32::from(self.octet) >> self.used != 0 {
            let message =
                message!("bits beyond the last argument are set in {}", Seen::Hex(self.octet.into()));
            notes.note(statement::UNUSED_BITS, self.at..self.at + 1, message);
        }
        self.used = 0;
    }
}
