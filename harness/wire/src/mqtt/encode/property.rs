//! Property sections of 5.0 (section 2.2.2), in the draft's order.

use super::{Writer, value};
use crate::codec::EncodeError;
use crate::mqtt::property::{self, Form, Property, Sections};
use crate::mqtt::varint;
use crate::value::Value;

impl Writer<'_> {
    /// The property length and the properties, in the draft's order.
    pub(super) fn properties(&mut self, section: Sections) -> Result<(), EncodeError> {
        let deviation = self.malformed.of_section(section);
        if deviation.omit {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for (name, value) in &self.draft.fields {
            if let Some(property) = property::by_name(name, section) {
                for item in value::each(value) {
                    self.property(property, name, item, &mut bytes)?;
                }
            }
        }
        bytes.extend_from_slice(&deviation.extra);
        let length = match deviation.length {
            Some(length) => length,
            None => self.context.length(&bytes)?,
        };
        varint::write(length, &mut self.out);
        self.out.append(&mut bytes);
        Ok(())
    }

    fn property(
        &self,
        property: &Property,
        name: &str,
        value: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let id = property.id;
        match property.form {
            Form::Byte => {
                varint::write(id, out);
                out.push(self.context.byte(name, value, 255)?);
            }
            Form::TwoBytes => {
                varint::write(id, out);
                out.extend_from_slice(&self.context.two_bytes(name, value)?.to_be_bytes());
            }
            Form::FourBytes => {
                varint::write(id, out);
                out.extend_from_slice(&self.context.number(name, value, u32::MAX)?.to_be_bytes());
            }
            Form::Variable => {
                varint::write(id, out);
                varint::write(self.context.number(name, value, varint::MAXIMUM)?, out);
            }
            Form::Text(_) | Form::Binary => {
                varint::write(id, out);
                self.context.write_prefixed(name, self.context.bytes(name, value)?, out)?;
            }
            Form::Pair => {
                let Value::Map(pairs) = value.untagged() else {
                    return Err(self.context.unwritable(name, value, "names with their values are needed"));
                };
                for (key, value) in pairs {
                    varint::write(id, out);
                    self.context.write_prefixed(name, key, out)?;
                    self.context.write_prefixed(name, self.context.bytes(name, value)?, out)?;
                }
            }
        }
        Ok(())
    }
}
