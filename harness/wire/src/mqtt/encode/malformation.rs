//! Deviations from the format that no field can express.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::value::{self, Context};
use crate::codec::EncodeError;
use crate::mqtt::layout::{Form, Part};
use crate::mqtt::property::{Sections, WILL};
use crate::mqtt::varint;
use crate::packet::{Draft, Name};
use crate::shape::{FieldShape, Shape};
use crate::value::Value;

const fn shape(name: &'static str, shape: Shape) -> FieldShape {
    FieldShape { name, shape, labels: &[], optional: true }
}

/// The largest number that a declared length can say.
const LENGTH: Shape = Shape::Unsigned(varint::MAXIMUM as u64);

static MALFORMATIONS: [FieldShape; 17] = [
    shape("packet_type", Shape::Unsigned(15)),
    shape("flags", Shape::Unsigned(15)),
    shape("remaining_length", LENGTH),
    shape("remaining_length_bytes", Shape::Binary),
    shape("connect_flags", Shape::Unsigned(255)),
    shape("connack_flags", Shape::Unsigned(255)),
    shape("property_length", LENGTH),
    shape("extra_properties", Shape::Binary),
    shape("omit_properties", Shape::Bool),
    shape("will_property_length", LENGTH),
    shape("will_extra_properties", Shape::Binary),
    shape("will_omit_properties", Shape::Bool),
    shape("subscription_options", Shape::Unsigned(255)),
    shape("omit", Shape::List(Vec::new())),
    shape("truncate", LENGTH),
    shape("append", Shape::Binary),
    shape("cut", LENGTH),
];

/// The deviations that a draft may ask for.
///
/// | name | value | what it does |
/// | --- | --- | --- |
/// | `packet_type` | 0 to 15 | replaces the upper half of the first byte |
/// | `flags` | 0 to 15 | replaces the lower half; fields still follow from `qos` |
/// | `remaining_length` | number | is declared, in the fewest bytes, whatever follows |
/// | `remaining_length_bytes` | bytes | stand in the place of the remaining length, and win over it |
/// | `connect_flags` | byte | replaces the connect flags; the payload follows from the fields given |
/// | `connack_flags` | byte | replaces the acknowledge flags |
/// | `property_length` | number | is declared, whatever follows |
/// | `extra_properties` | bytes | follow the last property, and the property length counts them |
/// | `omit_properties` | true | leaves out properties and property length |
/// | `will_…` of these three | | the same for the will properties |
/// | `subscription_options` | byte | replaces the options of every entry |
/// | `omit` | names | leaves out these fields (a list counts as one; also `connect_flags`, `connack_flags`, `properties`, `will_properties`, `subscription_options`) |
/// | `truncate` | bytes | drops as many at the end of the body; the remaining length counts what stays |
/// | `append` | bytes | follow the body; the remaining length counts them |
/// | `cut` | bytes | sends as many of the finished packet, and adjusts nothing |
///
/// They apply from top to bottom. One that the packet has no place for is an error.
pub fn malformations() -> &'static [FieldShape] {
    &MALFORMATIONS
}

/// The deviations of one property section.
#[derive(Debug)]
pub(super) struct Section {
    /// What the property length says.
    pub(super) length: Option<u32>,
    /// Bytes behind the properties.
    pub(super) extra: Bytes,
    /// Whether the section is left out.
    pub(super) omit: bool,
    /// Whether any of these was asked for.
    wanted: bool,
}

/// The deviations of one draft.
#[derive(Debug)]
pub(super) struct Malformed {
    packet_type: Option<u8>,
    flags: Option<u8>,
    remaining_length: Option<u32>,
    remaining_length_bytes: Option<Bytes>,
    pub(super) connect_flags: Option<u8>,
    pub(super) connack_flags: Option<u8>,
    properties: Section,
    will_properties: Section,
    pub(super) subscription_options: Option<u8>,
    omit: Vec<Bytes>,
    truncate: Option<usize>,
    append: Bytes,
    cut: Option<usize>,
}

impl Section {
    const fn sound() -> Self {
        Self { length: None, extra: Bytes::new(), omit: false, wanted: false }
    }
}

impl Malformed {
    /// No deviation.
    pub(super) const fn none() -> Self {
        Self {
            packet_type: None,
            flags: None,
            remaining_length: None,
            remaining_length_bytes: None,
            connect_flags: None,
            connack_flags: None,
            properties: Section::sound(),
            will_properties: Section::sound(),
            subscription_options: None,
            omit: Vec::new(),
            truncate: None,
            append: Bytes::new(),
            cut: None,
        }
    }

    /// Reads what the draft asks for.
    pub(super) fn read(draft: &Draft) -> Result<Self, EncodeError> {
        let context = Context(&draft.name);
        let mut malformed = Self::none();
        for (name, value) in &draft.malformed {
            let number = || context.number(name, value, varint::MAXIMUM);
            let size = || number().map(|number| usize::try_from(number).ok());
            match &**name {
                "packet_type" => malformed.packet_type = Some(context.byte(name, value, 15)?),
                "flags" => malformed.flags = Some(context.byte(name, value, 15)?),
                "remaining_length" => malformed.remaining_length = Some(number()?),
                "remaining_length_bytes" => {
                    malformed.remaining_length_bytes = Some(context.bytes(name, value)?.clone());
                }
                "connect_flags" => malformed.connect_flags = Some(context.byte(name, value, 255)?),
                "connack_flags" => malformed.connack_flags = Some(context.byte(name, value, 255)?),
                "subscription_options" => {
                    malformed.subscription_options = Some(context.byte(name, value, 255)?);
                }
                "omit" => {
                    for field in value::each(value) {
                        malformed.omit.push(context.bytes(name, field)?.clone());
                    }
                }
                "truncate" => malformed.truncate = size()?,
                "append" => malformed.append = context.bytes(name, value)?.clone(),
                "cut" => malformed.cut = size()?,
                _ => malformed.read_section(context, name, value)?,
            }
        }
        Ok(malformed)
    }

    fn read_section(&mut self, context: Context<'_>, name: &str, value: &Value) -> Result<(), EncodeError> {
        let (section, rest) = match name.strip_prefix("will_") {
            Some(rest) => (&mut self.will_properties, rest),
            None => (&mut self.properties, name),
        };
        match rest {
            "property_length" => section.length = Some(context.number(name, value, varint::MAXIMUM)?),
            "extra_properties" => section.extra = context.bytes(name, value)?.clone(),
            "omit_properties" => section.omit = context.bit(name, value)?,
            _ => return Err(EncodeError::UnknownMalformation(name.to_owned())),
        }
        section.wanted = true;
        Ok(())
    }

    /// Refuses deviations that this packet has no place for.
    pub(super) fn check_parts(&self, draft: &Draft, parts: &[Part]) -> Result<(), EncodeError> {
        if draft.malformed.is_empty() {
            return Ok(());
        }
        let context = Context(&draft.name);
        let has = |name: &str| parts.iter().any(|part| part.name == name);
        let properties =
            parts.iter().any(|part| matches!(part.form, Form::Properties(which) if which != WILL));
        let places = [
            (self.connect_flags.is_some(), has("connect_flags"), "only `connect` has connect flags"),
            (self.connack_flags.is_some(), has("connack_flags"), "only `connack` has acknowledge flags"),
            (self.subscription_options.is_some(), has("subscriptions"), "only `subscribe` has options"),
            (self.properties.wanted, properties, "this packet has no properties"),
            (self.will_properties.wanted, has("will_properties"), "this packet has no will properties"),
        ];
        if let Some((_, _, why)) = places.into_iter().find(|(asked, there, _)| *asked && !there) {
            let value = Value::Map(as_map(&draft.malformed));
            return Err(context.unwritable("malformed", &value, why));
        }
        for name in &self.omit {
            let name = String::from_utf8_lossy(name);
            let known = has(&name) || name == "subscription_options" && has("subscriptions");
            if !known {
                return Err(context.unknown_field(&name));
            }
        }
        Ok(())
    }

    /// Whether this piece is left out.
    pub(super) fn omits(&self, name: &str) -> bool {
        self.omit.iter().any(|omitted| omitted == name.as_bytes())
    }

    /// Whether a property section is wanted even where it would be left out.
    pub(super) const fn wants_properties(&self) -> bool {
        self.properties.wanted
    }

    /// The deviations of a section.
    pub(super) const fn of_section(&self, section: Sections) -> &Section {
        if section == WILL { &self.will_properties } else { &self.properties }
    }

    /// Writes fixed header and body to the end of `paper`, and spoils what is to be spoilt.
    pub(super) fn finish(
        &self,
        draft: &Draft,
        (code, flags): (u8, u8),
        body: &mut Vec<u8>,
        paper: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let context = Context(&draft.name);
        if let Some(dropped) = self.truncate {
            let Some(kept) = body.len().checked_sub(dropped) else {
                let value = Value::Integer(i128::try_from(dropped).unwrap_or(i128::MAX));
                return Err(context.unwritable(
                    "truncate",
                    &value,
                    &format!("the body has {} bytes", body.len()),
                ));
            };
            body.truncate(kept);
        }
        body.extend_from_slice(&self.append);

        let length = match (&self.remaining_length_bytes, self.remaining_length) {
            (Some(_), _) => 0,
            (None, Some(length)) => length,
            (None, None) => context.length(body)?,
        };
        let begin = paper.len();
        paper.put_u8(self.packet_type.unwrap_or(code) << 4 | self.flags.unwrap_or(flags));
        match &self.remaining_length_bytes {
            Some(bytes) => paper.put_slice(bytes),
            None => varint::write(length, paper),
        }
        paper.put_slice(body);
        if let Some(kept) = self.cut {
            paper.truncate(begin.saturating_add(kept));
        }
        Ok(())
    }
}

fn as_map(malformed: &[(Name, Value)]) -> Vec<(Bytes, Value)> {
    let entries = malformed.iter();
    entries.map(|(name, value)| (Bytes::copy_from_slice(name.as_bytes()), value.clone())).collect()
}
