//! A draft that names only what exists, asked for its values in octets.

use bytes::Bytes;

use super::layout::{self, FieldLayout, Preset, Wire};
use super::shapes::{malformations, shapes};
use super::write::{self, Problem};
use crate::codec::EncodeError;
use crate::packet::Draft;
use crate::shape::FieldShape;
use crate::spec::Spec;
use crate::value::Value;

/// A draft whose names all exist.
pub(super) struct Checked<'draft> {
    draft: &'draft Draft,
    has_method: bool,
    has_header: bool,
}

impl<'draft> Checked<'draft> {
    pub(super) fn new(draft: &'draft Draft) -> Result<Self, EncodeError> {
        let Some(shape) = shapes().iter().find(|shape| shape.name == draft.name) else {
            return Err(EncodeError::UnknownPacket(draft.name.to_string(), Spec::Amqp091));
        };
        let knows = |shapes: &[FieldShape], name: &str| shapes.iter().any(|shape| shape.name == name);
        if let Some((field, _)) = draft.fields.iter().find(|(name, _)| !knows(&shape.fields, name)) {
            return Err(EncodeError::UnknownField {
                packet: draft.name.to_string(),
                field: field.to_string(),
            });
        }
        if let Some((name, _)) = draft.malformed.iter().find(|(name, _)| !knows(malformations(), name)) {
            return Err(EncodeError::UnknownMalformation(name.to_string()));
        }
        let has_method = layout::method_by_name(&draft.name).is_some();
        let has_header = draft.name == "content-header" || layout::carries_content(&draft.name);
        let checked = Self { draft, has_method, has_header };
        checked.check_places()?;
        Ok(checked)
    }

    /// A deviation that would change nothing is a mistake of whoever asked for it.
    fn check_places(&self) -> Result<(), EncodeError> {
        let is_frame = self.name() != "protocol-header";
        for (name, value) in &self.draft.malformed {
            let (has_place, what) = match &**name {
                "class_id" | "method_id" | "arguments" => (self.has_method, "method"),
                "header_class_id" | "weight" | "body_size" | "property_flags" | "properties" => {
                    (self.has_header, "content header")
                }
                "only" => (self.has_method && self.has_header, "content"),
                "frame_type" | "frame_size" | "frame_end" => (is_frame, "frame around it"),
                _ => (true, ""),
            };
            if !has_place {
                return Err(self.unwritable(name, value, format!("this packet has no {what}")));
            }
        }
        Ok(())
    }

    pub(super) fn name(&self) -> &'draft str {
        &self.draft.name
    }

    pub(super) fn field(&self, name: &str) -> Option<&'draft Value> {
        self.draft.fields.iter().rfind(|(field, _)| field == name).map(|(_, value)| value)
    }

    pub(super) fn deviation(&self, name: &'static str) -> Option<(&'static str, &'draft Value)> {
        self.draft.malformed.iter().rfind(|(field, _)| field == name).map(|(_, value)| (name, value))
    }

    pub(super) fn unwritable(&self, field: &str, value: &Value, why: Problem) -> EncodeError {
        EncodeError::Unwritable {
            packet: self.draft.name.to_string(),
            field: field.to_owned(),
            value: value.to_string(),
            why,
        }
    }

    /// A number of `N` octets: the first of the given places that the draft fills, or the default.
    pub(super) fn number<const N: usize>(
        &self,
        places: [Option<(&str, &Value)>; 2],
        default: [u8; N],
    ) -> Result<[u8; N], EncodeError> {
        let Some((name, value)) = places.into_iter().flatten().next() else { return Ok(default) };
        write::unsigned(value).map_err(|why| self.unwritable(name, value, why))
    }

    pub(super) fn number_field<const N: usize>(
        &self,
        name: &str,
        default: [u8; N],
    ) -> Result<[u8; N], EncodeError> {
        self.number([self.field(name).map(|value| (name, value)), None], default)
    }

    /// A deviation that counts octets.
    pub(super) fn count(&self, name: &'static str) -> Result<Option<usize>, EncodeError> {
        let Some((name, value)) = self.deviation(name) else { return Ok(None) };
        let count = write::unsigned(value).map(u32::from_be_bytes);
        let count = count.map_err(|why| self.unwritable(name, value, why))?;
        Ok(Some(usize::try_from(count).unwrap_or(usize::MAX)))
    }

    pub(super) fn octets(&self, name: &str, value: &Value) -> Result<Bytes, EncodeError> {
        let octets = value.as_bytes().cloned();
        octets.ok_or_else(|| self.unwritable(name, value, "it takes bytes".to_owned()))
    }

    pub(super) fn octets_field(&self, name: &str) -> Result<Vec<u8>, EncodeError> {
        self.field(name).map_or(Ok(Vec::new()), |value| self.octets(name, value).map(Vec::from))
    }

    /// Writes one field, or its default, that is not a bit.
    pub(super) fn write(&self, layout: &FieldLayout, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let (zero, empty) = match layout.preset() {
            Preset::Zero => (Value::Integer(0), Value::Bytes(Bytes::new())),
            Preset::Number(number) => (Value::Integer(number.into()), Value::Bytes(Bytes::new())),
            Preset::Text(text) => (Value::Integer(0), Value::Bytes(Bytes::from_static(text.as_bytes()))),
        };
        let given = self.field(layout.name);
        let label = given.and_then(|value| labelled(layout, value));
        let number = label.as_ref().or(given).unwrap_or(&zero);
        let text = given.unwrap_or(&empty);
        let written = match layout.wire {
            Wire::Bit | Wire::Octet => write::unsigned::<1>(number).map(|octets| out.extend(octets)),
            Wire::Short => write::unsigned::<2>(number).map(|octets| out.extend(octets)),
            Wire::Long => write::unsigned::<4>(number).map(|octets| out.extend(octets)),
            Wire::LongLong => write::unsigned::<8>(number).map(|octets| out.extend(octets)),
            Wire::ShortString => write::short_string(text, out),
            Wire::LongString => write::long_string(text, out),
            Wire::Table => write::table(text, out),
        };
        written.map_err(|why| self.unwritable(layout.name, given.unwrap_or(&zero), why))
    }

    pub(super) fn bit(&self, name: &str) -> Result<bool, EncodeError> {
        let Some(value) = self.field(name) else { return Ok(false) };
        value.as_bool().ok_or_else(|| self.unwritable(name, value, "it takes true or false".to_owned()))
    }
}

/// The number that a name stands for, where the field has names for its values.
fn labelled(layout: &FieldLayout, value: &Value) -> Option<Value> {
    let name = value.as_text()?;
    let (_, number) = layout.labels().iter().find(|(label, _)| *label == name)?;
    Some(Value::Integer(*number))
}
