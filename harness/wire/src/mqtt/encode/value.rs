//! Values of a draft as numbers and bytes, or the reason why they have no room in their field.

use bytes::Bytes;

use crate::codec::EncodeError;
use crate::mqtt::reason::Codes;
use crate::mqtt::varint;
use crate::spec::Spec;
use crate::value::Value;

/// The packet that the errors speak of.
#[derive(Clone, Copy)]
pub(super) struct Context<'a>(pub(super) &'a str);

/// The items of a list, or the value itself.
pub(super) fn each(value: &Value) -> &[Value] {
    if let Value::List(items) = value { items } else { std::slice::from_ref(value) }
}

impl Context<'_> {
    pub(super) fn unknown_field(self, field: &str) -> EncodeError {
        EncodeError::UnknownField { packet: self.0.to_owned(), field: field.to_owned() }
    }

    pub(super) fn unwritable(self, field: &str, value: &Value, why: &str) -> EncodeError {
        EncodeError::Unwritable {
            packet: self.0.to_owned(),
            field: field.to_owned(),
            value: value.to_string(),
            why: why.to_owned(),
        }
    }

    /// A number from 0 to `maximum` that fits its type.
    fn integer<T: TryFrom<i128>>(self, field: &str, value: &Value, maximum: u32) -> Result<T, EncodeError> {
        let number = value.as_integer().filter(|number| (0..=maximum.into()).contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| self.unwritable(field, value, &format!("a number from 0 to {maximum} is needed")))
    }

    pub(super) fn number(self, field: &str, value: &Value, maximum: u32) -> Result<u32, EncodeError> {
        self.integer(field, value, maximum)
    }

    pub(super) fn two_bytes(self, field: &str, value: &Value) -> Result<u16, EncodeError> {
        self.integer(field, value, u16::MAX.into())
    }

    pub(super) fn byte(self, field: &str, value: &Value, maximum: u8) -> Result<u8, EncodeError> {
        self.integer(field, value, maximum.into())
    }

    pub(super) fn bit(self, field: &str, value: &Value) -> Result<bool, EncodeError> {
        match (value.as_bool(), value.as_integer()) {
            (Some(bit), _) => Ok(bit),
            (None, Some(0)) => Ok(false),
            (None, Some(1)) => Ok(true),
            _ => Err(self.unwritable(field, value, "true or false is needed")),
        }
    }

    pub(super) fn bytes<'v>(self, field: &str, value: &'v Value) -> Result<&'v Bytes, EncodeError> {
        value.as_bytes().ok_or_else(|| self.unwritable(field, value, "text or bytes are needed"))
    }

    /// A reason code, as a number or by name.
    pub(super) fn code(self, field: &str, value: &Value, codes: &Codes) -> Result<u8, EncodeError> {
        match value.as_bytes().map(|name| codes.value(name)) {
            Some(Some(code)) => self.byte(field, &Value::Integer(code), 255),
            Some(None) => Err(self.unwritable(field, value, "this packet has no reason code of that name")),
            None => self.byte(field, value, 255),
        }
    }

    /// Writes bytes behind their length of two bytes.
    pub(super) fn write_prefixed(
        self,
        field: &str,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let Ok(length) = u16::try_from(bytes.len()) else {
            let value = Value::Bytes(Bytes::copy_from_slice(bytes));
            return Err(self.unwritable(field, &value, "a string has at most 65535 bytes"));
        };
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(bytes);
        Ok(())
    }

    /// The length of a body or a property section, for its variable byte integer.
    pub(super) fn length(self, bytes: &[u8]) -> Result<u32, EncodeError> {
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= varint::MAXIMUM);
        length.ok_or_else(|| {
            let value = Value::Integer(i128::try_from(bytes.len()).unwrap_or(i128::MAX));
            self.unwritable("remaining_length", &value, "a packet has at most 268435455 bytes")
        })
    }

    /// The filter and the options byte of a subscription (section 3.8.3.1).
    pub(super) fn subscription(
        self,
        spec: Spec,
        list: &str,
        entry: &[(Bytes, Value)],
    ) -> Result<(Bytes, u8), EncodeError> {
        let mut filter = Bytes::from_static(b"t");
        let mut options = 0;
        for (key, value) in entry {
            let key = String::from_utf8_lossy(key);
            let field = format!("{list}.{key}");
            match (&*key, spec) {
                ("filter", _) => filter = self.bytes(&field, value)?.clone(),
                ("qos", _) => options |= self.byte(&field, value, 3)?,
                ("no_local", Spec::Mqtt50) => options |= u8::from(self.bit(&field, value)?) << 2,
                ("retain_as_published", Spec::Mqtt50) => options |= u8::from(self.bit(&field, value)?) << 3,
                ("retain_handling", Spec::Mqtt50) => options |= self.byte(&field, value, 3)? << 4,
                _ => return Err(self.unknown_field(&field)),
            }
        }
        Ok((filter, options))
    }
}
