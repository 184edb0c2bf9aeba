//! Property sections of 5.0 (section 2.2.2).

use bytes::Bytes;

use super::Reader;
use crate::message::{Seen, message};
use crate::mqtt::layout::Part;
use crate::mqtt::property::{self, Form, Property, Sections, WILL};
use crate::mqtt::rule::Rule;
use crate::mqtt::text::Text;
use crate::packet::{Field, Span};
use crate::value::Value;

/// What has been read of one section.
struct Section {
    which: Sections,
    /// Identifiers seen, one bit each.
    seen: u64,
    /// Where the field stands that gathers the user properties.
    user_property: Option<usize>,
}

impl Reader<'_> {
    /// The property length and that many bytes of properties.
    pub(super) fn properties(&mut self, part: &'static Part, which: Sections) -> Option<()> {
        let start = self.at;
        let length = self.variable(part.name, part.missing)?;
        let packet_end = self.end;
        let section_end = self.at + usize::try_from(length).ok()?;
        if section_end > packet_end {
            let left = packet_end - self.at;
            let message = message!("the property length is {} and {} bytes are left", length, left);
            self.note(Rule::PropertyLength, start..self.at, message);
        }
        self.end = section_end.min(packet_end);
        let mut section = Section { which, seen: 0, user_property: None };
        while self.at < self.end && self.property(&mut section).is_some() {}
        if which != WILL {
            self.properties_seen = section.seen;
        }
        self.at = self.end;
        self.end = packet_end;
        (section_end <= packet_end).then_some(())
    }

    /// One property. After an unknown identifier or a cut value nothing more can be told apart.
    fn property(&mut self, section: &mut Section) -> Option<()> {
        let start = self.at;
        let id = self.variable("property identifier", Rule::PropertyLength)?;
        let Some(property) = property::by_id(id) else {
            self.note(
                Rule::PropertyUnknown,
                start..self.at,
                message!("there is no property {}", Seen::Hex(id)),
            );
            return None;
        };
        self.check_place(property, section, start..self.at);
        section.seen |= 1 << id;

        let name = property.name_in(section.which);
        let cut = Rule::PropertyLength;
        let number = match property.form {
            Form::Byte => self.byte(name, cut)?.into(),
            Form::TwoBytes => self.two_bytes(name, cut)?.into(),
            Form::FourBytes => self.four_bytes(name, cut)?,
            Form::Variable => self.variable(name, cut)?,
            Form::Text(text) => {
                let text = if section.which == WILL { text.in_will() } else { text };
                let bytes = self.text(text, name, cut)?;
                self.field(name, Value::Bytes(bytes), start..self.at);
                return Some(());
            }
            Form::Binary => {
                let bytes = self.prefixed(name, cut)?;
                self.field(name, Value::Bytes(self.raw.slice(bytes)), start..self.at);
                return Some(());
            }
            Form::Pair => {
                let key = self.text(Text::PairHalf, name, cut)?;
                let value = self.text(Text::PairHalf, name, cut)?;
                self.user_property(section, name, (key, value), start..self.at);
                return Some(());
            }
        };
        self.number(name, number, start..self.at);
        self.check_limits(property, section.which, number, start..self.at);
        if id == 0x01 && number == 1 {
            self.text_payload = section.which;
        }
        Some(())
    }

    /// All user properties of a section are one field, in wire order.
    fn user_property(
        &mut self,
        section: &mut Section,
        name: &'static str,
        (key, value): (Bytes, Bytes),
        span: Span,
    ) {
        let entry = (key, Value::Bytes(value));
        let gathered = section.user_property.and_then(|index| self.fields.get_mut(index));
        if let Some(Field { value: Value::Map(entries), span: whole, .. }) = gathered {
            entries.push(entry);
            whole.end = span.end;
        } else {
            section.user_property = Some(self.fields.len());
            self.field(name, Value::Map(vec![entry]), span);
        }
    }

    /// Whether the property may stand here, from this side, once more.
    fn check_place(&mut self, property: &Property, section: &Section, span: Span) {
        let Property { id, name, .. } = *property;
        let hex = || Seen::Hex(id);
        if property.sections & section.which == 0 {
            let place = if section.which == WILL { "the will" } else { "this packet" };
            let message = message!("{} has no property {} ({})", place, hex(), name);
            self.note(Rule::PropertyNotAllowed, span.clone(), message);
        }
        if let Some((sections, side, rule)) = property.never_from
            && sections & section.which != 0
            && side == self.sender
        {
            let message = message!("this side never sends the property {} ({}) here", hex(), name);
            self.note(rule, span.clone(), message);
        }
        if section.seen >> id & 1 == 1 && property.repeats & section.which == 0 {
            self.note(
                Rule::PropertyRepeated,
                span,
                message!("the property {} ({}) is repeated", hex(), name),
            );
        }
    }

    fn check_limits(&mut self, property: &Property, which: Sections, number: u32, span: Span) {
        for (sections, limit, rule) in property.limits {
            if sections & which != 0 && !limit.allows(number) {
                let message = message!("`{}` is {}", property.name_in(which), number);
                self.note(*rule, span.clone(), message);
            }
        }
    }
}
