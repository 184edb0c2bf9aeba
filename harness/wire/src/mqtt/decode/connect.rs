//! CONNECT and CONNACK: the flags bytes, and what depends on them.

use super::Reader;
use crate::message::{Message, Seen, message};
use crate::mqtt::layout::Part;
use crate::mqtt::rule::Rule;
use crate::packet::Span;
use crate::spec::Spec;
use crate::value::Value;

/// Connect flag bit 1.
const CLEAN_START: u8 = 0x02;
/// Connect flag bit 2.
pub(super) const WILL_FLAG: u8 = 0x04;
/// Connect flag bit 5.
const WILL_RETAIN: u8 = 0x20;
/// Connect flag bit 6.
pub(super) const PASSWORD_FLAG: u8 = 0x40;
/// Connect flag bit 7.
pub(super) const USER_NAME_FLAG: u8 = 0x80;

impl Reader<'_> {
    /// The connect flags (section 3.1.2.3): six fields and a reserved bit.
    pub(super) fn connect_flags(&mut self, part: &Part) -> Option<()> {
        let start = self.at;
        let flags = self.byte(part.name, part.missing)?;
        let span = start..self.at;
        self.connect_flags = flags;
        let will_qos = flags >> 3 & 0b11;
        self.field("clean_start", Value::Bool(flags & CLEAN_START != 0), span.clone());
        self.field("will_flag", Value::Bool(flags & WILL_FLAG != 0), span.clone());
        self.number("will_qos", will_qos.into(), span.clone());
        self.field("will_retain", Value::Bool(flags & WILL_RETAIN != 0), span.clone());
        self.field("user_name_flag", Value::Bool(flags & USER_NAME_FLAG != 0), span.clone());
        self.field("password_flag", Value::Bool(flags & PASSWORD_FLAG != 0), span.clone());

        if flags & 1 != 0 {
            self.note(Rule::ConnectFlagReserved, span.clone(), "the reserved connect flag is 1");
        }
        if will_qos == 3 {
            self.note(Rule::WillQosThree, span.clone(), "the will QoS is 3");
        }
        if flags & WILL_FLAG == 0 && will_qos != 0 {
            let message = message!("the will QoS is {} without a will", will_qos);
            self.note(Rule::WillQosWithoutWill, span.clone(), message);
        }
        if flags & WILL_FLAG == 0 && flags & WILL_RETAIN != 0 {
            self.note(Rule::WillRetainWithoutWill, span.clone(), "will retain is 1 without a will");
        }
        if flags & PASSWORD_FLAG != 0 && flags & USER_NAME_FLAG == 0 {
            self.note(Rule::PasswordWithoutUserName, span, "there is a password without a user name");
        }
        Some(())
    }

    /// The connect acknowledge flags (section 3.2.2.1): session present and seven reserved bits.
    pub(super) fn connack_flags(&mut self, part: &Part) -> Option<()> {
        let start = self.at;
        let flags = self.byte(part.name, part.missing)?;
        let span = start..self.at;
        self.field("session_present", Value::Bool(flags & 1 != 0), span.clone());
        if flags > 1 {
            self.note(
                Rule::ConnackFlags,
                span,
                message!("reserved acknowledge flags are set: {}", Seen::Hex(flags.into())),
            );
        }
        Some(())
    }

    /// What the fields of a CONNECT say together.
    pub(super) fn check_connect(&mut self) {
        let expected: u8 = if self.spec == Spec::Mqtt50 { 5 } else { 4 };
        let mut found = Vec::new();
        for field in &self.fields {
            let span = || field.span.clone();
            match (field.name, &field.value) {
                ("protocol_name", Value::Bytes(name)) if &**name != b"MQTT" => {
                    let message = format!("the protocol name is {}", field.value);
                    found.push((Rule::ProtocolName, span(), Message::from(message)));
                }
                ("protocol_level", Value::Integer(level)) if *level != expected.into() => {
                    let level = u64::try_from(*level).unwrap_or_default();
                    let message = message!("the protocol level is {} instead of {}", level, expected);
                    found.push((Rule::ProtocolLevel, span(), message));
                }
                ("client_id", Value::Bytes(id)) if id.is_empty() && self.connect_flags & CLEAN_START == 0 => {
                    let message = "the client identifier is empty and the session is not clean".into();
                    found.push((Rule::ClientIdEmpty, span(), message));
                }
                ("authentication_data", _) if !self.has_property(0x15) => {
                    let message = "there is authentication data without a method".into();
                    found.push((Rule::AuthenticationData, span(), message));
                }
                _ => {}
            }
        }
        for (rule, span, message) in found {
            self.note(rule, span, message);
        }
    }

    /// Bytes behind the last field that the flags announce: most likely the first one that they do not, of
    /// those at the end of the payload.
    pub(super) fn check_left_over(&mut self, span: Span, message: Message) {
        let absent = |flag| self.connect_flags & flag == 0;
        let rule = if absent(USER_NAME_FLAG) {
            Rule::UserNameLeftOver
        } else if absent(PASSWORD_FLAG) {
            Rule::PasswordLeftOver
        } else if absent(WILL_FLAG) {
            Rule::WillLeftOver
        } else {
            return;
        };
        self.note(rule, span, message);
    }

    /// A refusal never speaks of a session (section 3.2.2.1.1).
    pub(super) fn check_connack(&mut self) {
        let present = self.fields.iter().find(|field| field.name == "session_present");
        let code =
            self.fields.iter().find(|field| field.name == "reason_code").and_then(|f| f.value.as_integer());
        let (Some(present), Some(code)) = (present, code) else { return };
        if present.value == Value::Bool(true) && code != 0 {
            let code = Seen::Hex(u32::try_from(code).unwrap_or_default());
            let message = message!("session present is 1 with the reason code {}", code);
            self.note(Rule::SessionPresentOnError, present.span.clone(), message);
        }
    }
}
