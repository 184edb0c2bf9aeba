//! A field's value, the same type for what was decoded, what is to be encoded and what a scenario expects.

use std::fmt;

use bytes::Bytes;

/// A value as it stands in a field of a packet.
///
/// Text is bytes here: whether a string is valid UTF-8 is something to find out, not to assume.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A single bit.
    Bool(bool),
    /// Any integer; `i128` holds every unsigned and signed width of both protocols.
    Integer(i128),
    /// An IEEE 754 number (AMQP field tables only).
    Float(f64),
    /// A string or binary data, without its length prefix.
    Bytes(Bytes),
    /// Repeated values in wire order (topic filters, reason codes, AMQP arrays).
    List(Vec<Value>),
    /// Named values in wire order, duplicates kept (user properties, AMQP field tables).
    Map(Vec<(Bytes, Value)>),
    /// An AMQP field-table value whose type tag matters: `Tagged(b's', Integer(-1))`.
    Tagged(u8, Box<Value>),
    /// AMQP's no-value (`V`), and nothing else.
    Void,
}

impl Value {
    /// Text as a value.
    pub fn text(text: &str) -> Self {
        Self::Bytes(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// The value without its AMQP type tag.
    pub fn untagged(&self) -> &Self {
        if let Self::Tagged(_, inner) = self { inner.untagged() } else { self }
    }

    /// The integer, where it is one.
    pub fn as_integer(&self) -> Option<i128> {
        if let Self::Integer(number) = self.untagged() { Some(*number) } else { None }
    }

    /// The bit, where it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(bit) = self.untagged() { Some(*bit) } else { None }
    }

    /// The bytes, where it is text or binary data.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        if let Self::Bytes(bytes) = self.untagged() { Some(bytes) } else { None }
    }

    /// The text, where it is valid UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        self.as_bytes().and_then(|bytes| std::str::from_utf8(bytes).ok())
    }
}

/// Shows bytes that are printable text as `"text"`, anything else as `0x…`, shortened where they are many.
///
/// # Errors
///
/// Only what the formatter itself returns.
pub fn show_bytes(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const SHOWN: usize = 64;
    let head = bytes.get(..SHOWN).unwrap_or(bytes);
    match std::str::from_utf8(head) {
        Ok(text) if !text.chars().any(char::is_control) => write!(f, "{text:?}")?,
        _ => {
            f.write_str("0x")?;
            for byte in head {
                write!(f, "{byte:02x}")?;
            }
        }
    }
    if bytes.len() > SHOWN { write!(f, "…({} bytes)", bytes.len()) } else { Ok(()) }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(bit) => write!(f, "{bit}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Bytes(bytes) => show_bytes(bytes, f),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    show_bytes(key, f)?;
                    write!(f, ": {value}")?;
                }
                f.write_str("}")
            }
            Self::Tagged(tag, value) => write!(f, "{}:{value}", char::from(*tag)),
            Self::Void => f.write_str("void"),
        }
    }
}
