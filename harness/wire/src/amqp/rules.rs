//! Rules that a field's value has to keep to, given who sent it.
//!
//! Values that a server only passes on (names inside a publisher's properties, delivery modes) are
//! judged in what a client sends, so that a broker is never blamed for a publisher's choice.

use super::cursor::Notes;
use super::layout::{FieldLayout, REPLY_CODES, Rule};
use super::statement;
use crate::message::message;
use crate::packet::Span;
use crate::spec::Side;
use crate::value::Value;

/// The least frame limit that may be agreed (`frame-min-size`).
const FRAME_MIN_SIZE: i128 = 4096;
/// Longest exchange, queue and virtual host name.
const MAX_NAME: usize = 127;

/// Notes what is wrong with a field's value beyond its form.
pub(super) fn judge(field: &FieldLayout, value: &Value, span: Span, notes: &mut Notes) {
    let number = value.as_integer().unwrap_or_default();
    let text = value.as_bytes().map(|bytes| &bytes[..]).unwrap_or_default();
    let client = notes.sender == Side::Client;
    let broken = match field.rule {
        Rule::Free => None,
        Rule::Reserved => (!is_zero(value)).then_some(statement::RESERVED),
        Rule::Exchange => (client && !is_entity_name(text)).then_some(statement::EXCHANGE_NAME),
        Rule::DeclaredExchange if client && text.is_empty() => Some(statement::DECLARE_NAME),
        Rule::DeletedExchange if client && text.is_empty() => Some(statement::DELETE_NAME),
        Rule::DeclaredExchange | Rule::DeletedExchange => {
            (client && !is_entity_name(text)).then_some(statement::EXCHANGE_NAME)
        }
        Rule::Queue => (client && !is_entity_name(text)).then_some(statement::QUEUE_NAME),
        Rule::Path => (text.is_empty() || text.len() > MAX_NAME).then_some(statement::PATH),
        Rule::ReplyCode => reply_code(number),
        Rule::ReplyText => text.is_empty().then_some(statement::REPLY_TEXT),
        Rule::DeliveryTag => (number == 0).then_some(statement::DELIVERY_TAG),
        Rule::SettledTag => (!client && number == 0).then_some(statement::CONFIRM_TAG),
        Rule::VersionMajor => (number != 0).then_some(statement::VERSION),
        Rule::VersionMinor => (number != 9).then_some(statement::VERSION),
        Rule::Mechanisms => text.trim_ascii().is_empty().then_some(statement::MECHANISMS),
        Rule::Locales => (!has_word(text, b"en_US")).then_some(statement::LOCALES),
        Rule::TuneFrameMax => is_too_small(number).then_some(statement::TUNE_FRAME_MAX),
        Rule::TuneOkFrameMax => is_too_small(number).then_some(statement::TUNE_OK_FRAME_MAX),
        Rule::CancelNoWait => (!client && is_zero(value)).then_some(statement::CANCEL_NO_WAIT),
        Rule::DeliveryMode => (client && !matches!(number, 1 | 2)).then_some(statement::DELIVERY_MODE),
        Rule::Priority => (client && number > 9).then_some(statement::PRIORITY),
        Rule::Expiration => (client && !is_decimal(text)).then_some(statement::EXPIRATION),
        Rule::ClusterId => (client && !text.is_empty()).then_some(statement::CLUSTER_ID),
    };
    if let Some(statement) = broken {
        notes.note(statement, span, format!("{} is {value}", field.name));
    }
}

/// Notes what a short string may not hold (§4.2.5.3).
pub(super) fn judge_short_string(name: &'static str, text: &[u8], span: Span, notes: &mut Notes) {
    if text.contains(&0) {
        notes.note(statement::SHORT_STRING_NUL, span.clone(), message!("{} holds a zero octet", name));
    }
    if std::str::from_utf8(text).is_err() {
        notes.note(statement::SHORT_STRING, span, message!("{} is not UTF-8", name));
    }
}

fn reply_code(code: i128) -> Option<&'static str> {
    match code {
        code if REPLY_CODES.iter().any(|(_, known)| *known == code) => None,
        200..=599 => Some(statement::REPLY_CODE),
        _ => Some(statement::REPLY_CODE_FORMAT),
    }
}

fn is_zero(value: &Value) -> bool {
    match value.untagged() {
        Value::Bool(bit) => !bit,
        Value::Integer(number) => *number == 0,
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::Float(_) | Value::List(_) | Value::Map(_) | Value::Tagged(..) | Value::Void => false,
    }
}

/// Letters, digits and `- _ . :`, at most 127 of them.
fn is_entity_name(name: &[u8]) -> bool {
    let allowed = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b':');
    name.len() <= MAX_NAME && name.iter().all(allowed)
}

/// A frame limit of 0 states no limit.
fn is_too_small(frame_max: i128) -> bool {
    (1..FRAME_MIN_SIZE).contains(&frame_max)
}

fn is_decimal(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn has_word(list: &[u8], word: &[u8]) -> bool {
    list.split(|octet| *octet == b' ').any(|item| item == word)
}
