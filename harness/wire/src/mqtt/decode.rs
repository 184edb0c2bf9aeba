//! Reads one framed packet along its layout, and notes what a strict reader would object to.

use bytes::Bytes;

use super::layout::{Form, Layout, Part, Version, When};
use super::property::{Sections, WILL};
use super::reason::Codes;
use super::rule::Rule;
use super::varint;
use crate::message::{Message, Seen, message};
use crate::packet::{Field, Oddity, Packet, Span, insert_in_wire_order};
use crate::spec::{Side, Spec};
use crate::value::Value;

mod connect;
mod cursor;
mod property;
mod subscribe;

/// Reads a packet whose fixed header takes `header` bytes and whose remaining length has been checked
/// against the bytes.
pub(super) fn packet(spec: Spec, sender: Side, raw: &Bytes, header: usize) -> Packet {
    let first = raw.first().copied().unwrap_or_default();
    let mut reader = Reader::new(spec, sender, raw, header);
    reader.check_remaining_length();
    let name = if let Some((layout, version)) = Layout::by_code(spec, first >> 4) {
        // One field for each part, and three in the flags of a PUBLISH; properties come on top.
        reader.fields = Vec::with_capacity(version.body.len() + if layout.flags.is_none() { 3 } else { 0 });
        reader.fixed_header(layout, version, first & 0x0F);
        if reader.body(version.body).is_some() {
            reader.check_end(layout.name);
            reader.check_whole(layout.name);
        }
        layout.name
    } else {
        reader.note(Rule::PacketTypeReserved, 0..1, message!("the packet type is {}", first >> 4));
        reader.unknown(first);
        "unknown"
    };
    Packet { name, fields: reader.fields, oddities: reader.oddities, raw: raw.clone() }
}

/// A packet whose remaining length does not end, and all that came with it.
pub(super) fn unframed(spec: Spec, raw: &Bytes) -> Packet {
    let mut reader = Reader::new(spec, Side::Server, raw, 1);
    reader.note(Rule::LengthTooLong, 1..5, "the remaining length does not end with its fourth byte");
    reader.unknown(raw.first().copied().unwrap_or_default());
    Packet { name: "unknown", fields: reader.fields, oddities: reader.oddities, raw: raw.clone() }
}

/// Bytes that arrived after the stream had lost its framing.
pub(super) fn later_rest(raw: Bytes) -> Packet {
    let body = Field { name: "body", value: Value::Bytes(raw.clone()), label: None, span: 0..raw.len() };
    Packet { name: "unknown", fields: vec![body], oddities: Vec::new(), raw }
}

/// A place in a packet, and what has been found up to there. Reading functions return `None` when the
/// packet ends too early, after noting it: whatever comes next has no place any more.
struct Reader<'a> {
    spec: Spec,
    sender: Side,
    raw: &'a Bytes,
    /// The next byte to read.
    at: usize,
    /// Where the packet, or the property section being read, ends.
    end: usize,
    fields: Vec<Field>,
    oddities: Vec<Oddity>,
    /// QoS bits of a PUBLISH.
    qos: u8,
    /// The connect flags.
    connect_flags: u8,
    /// Property identifiers seen, one bit each, outside the will.
    properties_seen: u64,
    /// The section whose payload is said to be UTF-8, or 0.
    text_payload: Sections,
}

impl<'a> Reader<'a> {
    fn new(spec: Spec, sender: Side, raw: &'a Bytes, header: usize) -> Self {
        Self {
            spec,
            sender,
            raw,
            at: header,
            end: raw.len(),
            fields: Vec::new(),
            oddities: Vec::new(),
            qos: 0,
            connect_flags: 0,
            properties_seen: 0,
            text_payload: 0,
        }
    }

    /// Notes that a rule is broken, once for each statement behind it.
    fn note(&mut self, rule: Rule, span: Span, message: impl Into<Message>) {
        let Some((last, others)) = rule.statements(self.spec).split_last() else { return };
        let message = message.into();
        // The checks of a whole packet come last; a reader wants them where they belong.
        for statement in others {
            let oddity = Oddity { statement, span: span.clone(), message: message.clone() };
            insert_in_wire_order(&mut self.oddities, oddity);
        }
        insert_in_wire_order(&mut self.oddities, Oddity { statement: last, span, message });
    }

    fn field(&mut self, name: &'static str, value: Value, span: Span) {
        self.fields.push(Field { name, value, label: None, span });
    }

    fn number(&mut self, name: &'static str, number: u32, span: Span) {
        self.field(name, Value::Integer(number.into()), span);
    }

    fn check_remaining_length(&mut self) {
        let length = self.end - self.at;
        let width = self.at - 1;
        if u32::try_from(length).is_ok_and(|length| varint::width(length) < width) {
            let message = message!("the remaining length {} takes {} bytes", length, width);
            self.note(Rule::LengthNotMinimal, 1..self.at, message);
        }
    }

    fn fixed_header(&mut self, layout: &Layout, version: &Version, flags: u8) {
        if !version.sent_by.include(self.sender) {
            let sender = if self.sender == Side::Client { "client" } else { "server" };
            self.note(Rule::PacketDirection, 0..1, message!("a {} never sends {}", sender, layout.name));
        }
        match layout.flags {
            Some((expected, rule)) if expected != flags => {
                let (flags, expected) = (Seen::Nibble(flags), Seen::Nibble(expected));
                let message = message!("the flags of {} are {} instead of {}", layout.name, flags, expected);
                self.note(rule, 0..1, message);
            }
            Some(_) => {}
            None => self.publish_flags(flags),
        }
    }

    /// DUP, QoS and RETAIN (section 3.3.1).
    fn publish_flags(&mut self, flags: u8) {
        let dup = flags & 0b1000 != 0;
        self.qos = flags >> 1 & 0b11;
        self.field("dup", Value::Bool(dup), 0..1);
        self.number("qos", self.qos.into(), 0..1);
        self.field("retain", Value::Bool(flags & 1 != 0), 0..1);
        if self.qos == 3 {
            self.note(Rule::QosThree, 0..1, "both QoS bits are set");
        }
        if dup && self.qos == 0 {
            self.note(Rule::DupAtQosZero, 0..1, "DUP is set at QoS 0");
        }
    }

    /// A packet that no layout describes: its first byte and the rest.
    fn unknown(&mut self, first: u8) {
        self.number("packet_type", (first >> 4).into(), 0..1);
        self.number("flags", (first & 0x0F).into(), 0..1);
        let span = self.at..self.end;
        self.field("body", Value::Bytes(self.raw.slice(span.clone())), span);
    }

    fn body(&mut self, parts: &'static [Part]) -> Option<()> {
        for part in parts {
            let there = match part.when {
                When::Always => true,
                When::QosAboveZero => self.qos != 0,
                When::WillFlag => self.connect_flags & connect::WILL_FLAG != 0,
                When::UserNameFlag => self.connect_flags & connect::USER_NAME_FLAG != 0,
                When::PasswordFlag => self.connect_flags & connect::PASSWORD_FLAG != 0,
                When::Optional if self.at < self.end => true,
                When::Optional => {
                    self.implied(part);
                    return Some(());
                }
            };
            if there {
                self.part(part)?;
            }
        }
        Some(())
    }

    fn part(&mut self, part: &'static Part) -> Option<()> {
        let start = self.at;
        match part.form {
            Form::Byte => {
                let number = self.byte(part.name, part.missing)?;
                self.number(part.name, number.into(), start..self.at);
            }
            Form::TwoBytes => {
                let number = self.two_bytes(part.name, part.missing)?;
                self.number(part.name, number.into(), start..self.at);
            }
            Form::PacketId(by_client, by_server) => {
                let number = self.two_bytes(part.name, part.missing)?;
                self.number(part.name, number.into(), start..self.at);
                if number == 0 {
                    let rule = if self.sender == Side::Client { by_client } else { by_server };
                    self.note(rule, start..self.at, "the packet identifier is 0");
                }
            }
            Form::Text(text) => {
                let bytes = self.text(text, part.name, part.missing)?;
                self.field(part.name, Value::Bytes(bytes), start..self.at);
            }
            Form::Binary => {
                let bytes = self.prefixed(part.name, part.missing)?;
                self.field(part.name, Value::Bytes(self.raw.slice(bytes.clone())), start..self.at);
                self.check_text_payload(part.name, bytes);
            }
            Form::Payload => {
                let bytes = self.take_rest();
                self.field(part.name, Value::Bytes(self.raw.slice(bytes.clone())), bytes.clone());
                self.check_text_payload(part.name, bytes);
            }
            Form::ConnectFlags => self.connect_flags(part)?,
            Form::ConnackFlags => self.connack_flags(part)?,
            Form::Code(codes) => {
                let code = self.byte(part.name, part.missing)?;
                self.code(part.name, codes, code, start..self.at);
            }
            Form::Codes(codes, empty) => self.codes(part.name, codes, empty),
            Form::Properties(section) => self.properties(part, section)?,
            Form::Subscriptions => self.subscriptions(part.name)?,
            Form::Filters => self.filters(part.name)?,
        }
        Some(())
    }

    /// The short form of an acknowledgement: the code 0 stands for itself, in no byte.
    fn implied(&mut self, part: &'static Part) {
        if let Form::Code(codes) = part.form {
            self.code(part.name, codes, 0, self.end..self.end);
        }
    }

    fn code(&mut self, name: &'static str, codes: &Codes, code: u8, span: Span) {
        let value = Value::Integer(code.into());
        self.fields.push(Field { name, value, label: codes.label(code), span: span.clone() });
        self.check_code(codes, code, span);
    }

    fn codes(&mut self, name: &'static str, codes: &Codes, empty: Rule) {
        let span = self.take_rest();
        let bytes = self.raw.slice(span.clone());
        for (index, code) in bytes.iter().enumerate() {
            let at = span.start + index;
            self.check_code(codes, *code, at..at + 1);
        }
        if bytes.is_empty() {
            self.note(empty, span.clone(), "there is no reason code");
        }
        let list = bytes.iter().map(|&code| Value::Integer(code.into())).collect();
        self.field(name, Value::List(list), span);
    }

    fn check_code(&mut self, codes: &Codes, code: u8, span: Span) {
        if !codes.allows(code, self.sender) {
            let hex = Seen::Hex(code.into());
            let message = if let Some(label) = codes.label(code) {
                message!("the reason code {} ({}) is for the other side to send", hex, label)
            } else {
                message!("the reason code {} is not one of this packet's", hex)
            };
            self.note(codes.rule, span, message);
        }
    }

    /// A payload whose Payload Format Indicator is 1.
    fn check_text_payload(&mut self, name: &'static str, span: Span) {
        let rule = match (self.text_payload, name) {
            (WILL, "will_payload") => Rule::WillPayloadFormat,
            (0 | WILL, _) => return,
            (_, "payload") => Rule::PayloadFormat,
            _ => return,
        };
        if std::str::from_utf8(self.raw.get(span.clone()).unwrap_or_default()).is_err() {
            self.note(rule, span, message!("`{}` is marked as UTF-8 and is none", name));
        }
    }

    /// What is left when every field has been read.
    fn check_end(&mut self, packet: &str) {
        if self.at < self.end {
            let span = self.at..self.end;
            let message = message!("{} bytes follow the last field", span.len());
            if packet == "connect" {
                self.check_left_over(span.clone(), message.clone());
            }
            self.note(Rule::TrailingBytes, span, message);
        }
    }

    /// What only the fields together can break.
    fn check_whole(&mut self, packet: &str) {
        match packet {
            "connect" => self.check_connect(),
            "connack" => self.check_connack(),
            "publish" => self.check_publish(),
            "auth" => self.check_auth(),
            _ => {}
        }
    }

    fn check_publish(&mut self) {
        let topic = self.fields.iter().find(|field| field.name == "topic");
        let Some(Field { value: Value::Bytes(name), span, .. }) = topic else { return };
        if name.is_empty() && !self.has_property(0x23) {
            let span = span.clone();
            let message = if self.spec == Spec::Mqtt50 {
                "the topic name is empty and there is no topic alias"
            } else {
                "the topic name is empty"
            };
            self.note(Rule::PublishTopicEmpty, span, message);
        }
    }

    /// 5.0 section 3.15.2.2.2. An AUTH of remaining length 0 is allowed to have nothing.
    fn check_auth(&mut self) {
        let implied = self.fields.iter().any(|field| field.name == "reason_code" && field.span.is_empty());
        if !implied && !self.has_property(0x15) {
            let span = self.end..self.end;
            self.note(Rule::AuthenticationMethodMissing, span, "there is no authentication method");
        }
    }

    const fn has_property(&self, id: u32) -> bool {
        self.properties_seen >> id & 1 == 1
    }
}
