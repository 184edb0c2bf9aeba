//! Writes a draft along its packet's layout, with whatever deviations it asks for.

use bytes::{Bytes, BytesMut};

use super::layout::{Form, Layout, Part, When};
use super::property::{Sections, WILL, by_name};
use super::reason::Codes;
use crate::codec::EncodeError;
use crate::packet::Draft;
use crate::shape::PacketShape;
use crate::spec::{Side, Spec};
use crate::value::Value;
use malformation::Malformed;
use value::Context;

pub(super) mod malformation;
mod property;
mod value;

/// Writes a packet. Which side sends it does not change its bytes.
///
/// A field that is not given has the most ordinary legal value: protocol name and level of the version,
/// clean start 1, keep alive 0, an empty client identifier, the topic `t`, QoS 0, packet identifier 1, one
/// subscription to `t`, reason code 0 (0x18 in AUTH). Connect flags follow from the fields that are there;
/// `will_flag`, `user_name_flag` and `password_flag` set the bit alone. A will is written when its topic,
/// its payload or one of its properties is given. A property may be given where it is forbidden and as
/// often as one likes; a list means one after the other. Acknowledgements, DISCONNECT and their like take
/// the short form of 5.0 unless a reason code or a property is given. Reason codes may be given by name.
///
/// # Errors
///
/// Names that do not exist, and values that have no room in their field.
pub fn encode(spec: Spec, _sender: Side, draft: &Draft) -> Result<Bytes, EncodeError> {
    let mut paper = BytesMut::with_capacity(128);
    encode_on(&mut paper, &mut Vec::with_capacity(128), spec, draft)?;
    Ok(paper.freeze())
}

/// Writes a packet to the end of `paper`, or nothing; see [`encode`]. Its body is put together in `room`, which is empty
/// before and after.
pub(crate) fn encode_on(
    paper: &mut BytesMut,
    room: &mut Vec<u8>,
    spec: Spec,
    draft: &Draft,
) -> Result<(), EncodeError> {
    static SOUND: Malformed = Malformed::none();
    let read;
    let malformed = if draft.malformed.is_empty() {
        &SOUND
    } else {
        read = Malformed::read(draft)?;
        &read
    };
    if draft.name == "unknown" {
        return unknown(paper, draft, malformed);
    }
    let Some((layout, version)) = Layout::by_name(spec, &draft.name) else {
        return Err(EncodeError::UnknownPacket(draft.name.to_string(), spec));
    };
    check_names(layout.shape(spec), draft, version.body)?;
    malformed.check_parts(draft, version.body)?;
    let out = std::mem::take(room);
    let mut writer = Writer { spec, draft, malformed, context: Context(&draft.name), out };
    writer.body(version.body)?;
    let flags = match layout.flags {
        Some((flags, _)) => flags,
        None => writer.publish_flags()?,
    };
    let mut body = writer.out;
    malformed.finish(draft, (layout.code, flags), &mut body, paper)?;
    body.clear();
    *room = body;
    Ok(())
}

/// A packet without a layout: `packet_type`, `flags` and `body` as given.
fn unknown(paper: &mut BytesMut, draft: &Draft, malformed: &Malformed) -> Result<(), EncodeError> {
    let context = Context(&draft.name);
    let (mut code, mut flags, mut body) = (0, 0, Vec::new());
    for (name, value) in &draft.fields {
        match &**name {
            "packet_type" => code = context.byte(name, value, 15)?,
            "flags" => flags = context.byte(name, value, 15)?,
            "body" => body = context.bytes(name, value)?.to_vec(),
            _ => return Err(context.unknown_field(name)),
        }
    }
    malformed.check_parts(draft, &[])?;
    malformed.finish(draft, (code, flags), &mut body, paper)
}

/// Refuses fields that the packet cannot have, and repeats that are not properties.
fn check_names(shape: Option<&PacketShape>, draft: &Draft, parts: &[Part]) -> Result<(), EncodeError> {
    let context = Context(&draft.name);
    let is_field = |name: &str| {
        let mut fields = shape.into_iter().flat_map(|shape| &shape.fields);
        fields.any(|field| field.name == name)
    };
    let is_property = |name: &str| {
        parts.iter().any(|part| match part.form {
            Form::Properties(section) => by_name(name, section).is_some(),
            Form::Byte
            | Form::TwoBytes
            | Form::PacketId(..)
            | Form::Text(_)
            | Form::Binary
            | Form::Payload
            | Form::ConnectFlags
            | Form::ConnackFlags
            | Form::Code(_)
            | Form::Codes(..)
            | Form::Subscriptions
            | Form::Filters => false,
        })
    };
    for (index, (name, value)) in draft.fields.iter().enumerate() {
        if !is_field(name) && !is_property(name) {
            return Err(context.unknown_field(name));
        }
        let is_repeated = draft.fields.iter().take(index).any(|(earlier, _)| earlier == name);
        if is_repeated && !is_property(name) {
            return Err(context.unwritable(name, value, "it is given twice, which only a property can be"));
        }
    }
    Ok(())
}

/// A body in the making.
struct Writer<'a> {
    spec: Spec,
    draft: &'a Draft,
    malformed: &'a Malformed,
    context: Context<'a>,
    out: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn given(&self, name: &str) -> Option<&'a Value> {
        self.draft.fields.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    fn bit(&self, name: &str, default: bool) -> Result<bool, EncodeError> {
        self.given(name).map_or(Ok(default), |value| self.context.bit(name, value))
    }

    fn small(&self, name: &str, maximum: u8) -> Result<u8, EncodeError> {
        self.given(name).map_or(Ok(0), |value| self.context.byte(name, value, maximum))
    }

    fn body(&mut self, parts: &'static [Part]) -> Result<(), EncodeError> {
        let short = parts.iter().any(|part| part.when == When::Optional) && self.is_short(parts);
        for part in parts {
            let there = match part.when {
                When::Always => true,
                When::QosAboveZero => self.given("packet_id").is_some() || self.small("qos", 3)? != 0,
                When::WillFlag => self.has_will(),
                When::UserNameFlag | When::PasswordFlag => self.given(part.name).is_some(),
                When::Optional => !short,
            };
            if there && !self.malformed.omits(part.name) {
                self.part(part)?;
            }
        }
        Ok(())
    }

    /// Whether an acknowledgement leaves out its reason code and properties.
    fn is_short(&self, parts: &[Part]) -> bool {
        parts.iter().all(|part| match part.form {
            Form::Code(codes) => codes.default == 0 && self.given(part.name).is_none(),
            Form::Properties(section) => !self.has_property(section) && !self.malformed.wants_properties(),
            Form::Byte
            | Form::TwoBytes
            | Form::PacketId(..)
            | Form::Text(_)
            | Form::Binary
            | Form::Payload
            | Form::ConnectFlags
            | Form::ConnackFlags
            | Form::Codes(..)
            | Form::Subscriptions
            | Form::Filters => true,
        })
    }

    fn has_property(&self, section: Sections) -> bool {
        self.draft.fields.iter().any(|(name, _)| by_name(name, section).is_some())
    }

    fn has_will(&self) -> bool {
        let with_properties = self.spec == Spec::Mqtt50 && self.has_property(WILL);
        with_properties || self.given("will_topic").is_some() || self.given("will_payload").is_some()
    }

    /// The lower half of a PUBLISH's first byte (section 3.3.1).
    fn publish_flags(&self) -> Result<u8, EncodeError> {
        let dup = u8::from(self.bit("dup", false)?);
        let retain = u8::from(self.bit("retain", false)?);
        Ok(dup << 3 | self.small("qos", 3)? << 1 | retain)
    }

    /// The connect flags, section 3.1.2.3.
    fn connect_flags(&self) -> Result<u8, EncodeError> {
        if let Some(flags) = self.malformed.connect_flags {
            return Ok(flags);
        }
        let clean_start = u8::from(self.bit("clean_start", true)?);
        let will_flag = u8::from(self.bit("will_flag", self.has_will())?);
        let will_retain = u8::from(self.bit("will_retain", false)?);
        let password = u8::from(self.bit("password_flag", self.given("password").is_some())?);
        let user_name = u8::from(self.bit("user_name_flag", self.given("user_name").is_some())?);
        let will_qos = self.small("will_qos", 3)?;
        Ok(clean_start << 1
            | will_flag << 2
            | will_qos << 3
            | will_retain << 5
            | password << 6
            | user_name << 7)
    }

    fn part(&mut self, part: &Part) -> Result<(), EncodeError> {
        let name = part.name;
        match part.form {
            Form::Byte => {
                let default = if self.spec == Spec::Mqtt50 { 5 } else { 4 };
                let byte =
                    self.given(name).map_or(Ok(default), |value| self.context.byte(name, value, 255))?;
                self.out.push(byte);
            }
            Form::TwoBytes => self.two_bytes(name, 0)?,
            Form::PacketId(..) => self.two_bytes(name, 1)?,
            Form::Text(_) => {
                let default: &[u8] = match name {
                    "protocol_name" => b"MQTT",
                    "topic" | "will_topic" => b"t",
                    _ => b"",
                };
                self.prefixed(name, default)?;
            }
            Form::Binary => self.prefixed(name, b"")?,
            Form::Payload => {
                if let Some(value) = self.given(name) {
                    self.out.extend_from_slice(self.context.bytes(name, value)?);
                }
            }
            Form::ConnectFlags => {
                let flags = self.connect_flags()?;
                self.out.push(flags);
            }
            Form::ConnackFlags => {
                let session_present = u8::from(self.bit("session_present", false)?);
                self.out.push(self.malformed.connack_flags.unwrap_or(session_present));
            }
            Form::Code(codes) => {
                let code = match self.given(name) {
                    Some(value) => self.context.code(name, value, codes)?,
                    None => codes.default,
                };
                self.out.push(code);
            }
            Form::Codes(codes, _) => self.codes(name, codes)?,
            Form::Properties(section) => self.properties(section)?,
            Form::Subscriptions => self.subscriptions(name)?,
            Form::Filters => self.filters(name)?,
        }
        Ok(())
    }

    fn two_bytes(&mut self, name: &str, default: u16) -> Result<(), EncodeError> {
        let number = self.given(name).map_or(Ok(default), |value| self.context.two_bytes(name, value))?;
        self.out.extend_from_slice(&number.to_be_bytes());
        Ok(())
    }

    fn prefixed(&mut self, name: &str, default: &[u8]) -> Result<(), EncodeError> {
        let bytes = match self.given(name) {
            Some(value) => self.context.bytes(name, value)?,
            None => default,
        };
        self.context.write_prefixed(name, bytes, &mut self.out)
    }

    fn codes(&mut self, name: &str, codes: &Codes) -> Result<(), EncodeError> {
        let Some(value) = self.given(name) else {
            self.out.push(codes.default);
            return Ok(());
        };
        let mut bytes = Vec::new();
        for item in value::each(value) {
            bytes.push(self.context.code(name, item, codes)?);
        }
        self.out.extend_from_slice(&bytes);
        Ok(())
    }

    fn filters(&mut self, name: &str) -> Result<(), EncodeError> {
        let mut out = Vec::new();
        match self.given(name) {
            Some(value) => {
                for item in value::each(value) {
                    let filter = self.context.bytes(name, item)?;
                    self.context.write_prefixed(name, filter, &mut out)?;
                }
            }
            None => self.context.write_prefixed(name, b"t", &mut out)?,
        }
        self.out.extend_from_slice(&out);
        Ok(())
    }

    fn subscriptions(&mut self, name: &str) -> Result<(), EncodeError> {
        let ordinary = Value::Map(Vec::new());
        let mut out = Vec::new();
        for entry in value::each(self.given(name).unwrap_or(&ordinary)) {
            let Value::Map(entry) = entry else {
                return Err(self.context.unwritable(name, entry, "an entry has a `filter` and options"));
            };
            let (filter, options) = self.context.subscription(self.spec, name, entry)?;
            self.context.write_prefixed("subscriptions.filter", &filter, &mut out)?;
            if !self.malformed.omits("subscription_options") {
                out.push(self.malformed.subscription_options.unwrap_or(options));
            }
        }
        self.out.extend_from_slice(&out);
        Ok(())
    }
}
