//! What is said of an oddity: a sentence that is put together when somebody reads it.
//!
//! Most packets of a fuzzer or a hostile peer are odd, and nobody reads what is said of them; to write the sentences at
//! once took longer than to decode the packets.

use std::borrow::Cow;
use std::fmt;

use crate::value::show_bytes;

/// How many values a sentence may have.
const VALUES_AT_MOST: usize = 3;

/// A sentence without a full stop, with the values that were seen. Its text is what it displays as.
#[derive(Clone, PartialEq, Eq)]
pub struct Message(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Whole(Cow<'static, str>),
    /// Each `{}` of the template stands for the next value.
    Template(&'static str, [Seen; VALUES_AT_MOST]),
}

/// A value in a sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Seen {
    #[default]
    Nothing,
    Number(u64),
    /// Two hexadecimal digits at least, behind `0x`.
    Hex(u32),
    /// Four binary digits.
    Nibble(u8),
    Text(&'static str),
    Letter(char),
    /// Octets in a list: `[c3, 28]`.
    Octets(Box<[u8]>),
    /// Text in quotation marks where it is text, else hexadecimal digits; cut where it is long.
    Quoted(Box<[u8]>),
}

/// A [`Message`] of a template and its values: `message!("the weight is {}", weight)`.
macro_rules! message {
    ($template:literal $(, $part:expr)+) => {{
        const VALUES: usize = [$(stringify!($part)),+].len();
        const { assert!($crate::message::places($template) == VALUES, "a value for each place") };
        $crate::message::Message::new::<VALUES>($template, [$($crate::message::Seen::from($part)),+])
    }};
}
pub(crate) use message;

/// How many values a template has room for.
pub(crate) const fn places(template: &str) -> usize {
    let (mut rest, mut places) = (template.as_bytes(), 0);
    while let [_, behind @ ..] = rest {
        if let [b'{', b'}', ..] = rest {
            places += 1;
        }
        rest = behind;
    }
    places
}

impl Message {
    /// For [`message!`], which counts the places.
    pub(crate) fn new<const VALUES: usize>(template: &'static str, values: [Seen; VALUES]) -> Self {
        const { assert!(VALUES <= VALUES_AT_MOST, "more values than a sentence may have") };
        let mut parts = <[Seen; VALUES_AT_MOST]>::default();
        for (part, value) in parts.iter_mut().zip(values) {
            *part = value;
        }
        Self(Form::Template(template, parts))
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Whole(text) => f.write_str(text),
            Form::Template(template, parts) => {
                let mut parts = parts.iter();
                for (index, text) in template.split("{}").enumerate() {
                    if let Some(part) = (index > 0).then(|| parts.next()).flatten() {
                        part.fmt(f)?;
                    }
                    f.write_str(text)?;
                }
                Ok(())
            }
        }
    }
}

/// As the text would be.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Number(number) => write!(f, "{number}"),
            Self::Hex(number) => write!(f, "{number:#04x}"),
            Self::Nibble(nibble) => write!(f, "{nibble:04b}"),
            Self::Text(text) => f.write_str(text),
            Self::Letter(letter) => write!(f, "{letter}"),
            Self::Octets(octets) => write!(f, "{octets:02x?}"),
            Self::Quoted(octets) => show_bytes(octets, f),
        }
    }
}

impl From<&'static str> for Message {
    fn from(text: &'static str) -> Self {
        Self(Form::Whole(Cow::Borrowed(text)))
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self(Form::Whole(Cow::Owned(text)))
    }
}

impl From<&'static str> for Seen {
    fn from(text: &'static str) -> Self {
        Self::Text(text)
    }
}

impl From<char> for Seen {
    fn from(letter: char) -> Self {
        Self::Letter(letter)
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl From<$number> for Seen {
            fn from(number: $number) -> Self {
                Self::Number(number.into())
            }
        })*
    };
}
numbers!(u8, u16, u32, u64);

impl From<usize> for Seen {
    /// No packet has a length that does not fit.
    fn from(number: usize) -> Self {
        Self::Number(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Seen, places};

    #[test]
    fn values_stand_at_their_places() {
        let octets = Seen::Octets([0xC3, 0x28].into());
        for (message, text) in [
            (Message::from("both QoS bits are set"), "both QoS bits are set"),
            (Message::from(String::from("owned {}")), "owned {}"),
            (
                message!("`{}` needs {} bytes and {} are left", "topic", 4_u8, 2_usize),
                "`topic` needs 4 bytes and 2 are left",
            ),
            (message!("{} is odd", Seen::Hex(0x8C)), "0x8c is odd"),
            (message!("odd: {}", Seen::Hex(0x1_0000)), "odd: 0x10000"),
            (message!("flags {}", Seen::Nibble(0b10)), "flags 0010"),
            (message!("{} twice", Seen::Quoted((*b"a").into())), "\"a\" twice"),
            (message!("not UTF-8: {}{}", octets, ", a surrogate"), "not UTF-8: [c3, 28], a surrogate"),
        ] {
            assert_eq!(message.to_string(), text);
            assert_eq!(format!("{message:?}"), format!("{text:?}"));
        }
        assert_eq!(places("{}{} {"), 2);
    }
}
