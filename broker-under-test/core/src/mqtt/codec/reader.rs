//! Reads the data types of §1.5 from the front of a slice, and says which field was wrong.

use super::super::violation::Violation;
use super::PacketIdentifier;
use super::frame::PacketType;

/// A part of a packet, to say where a rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Protocol name, level, connect flags, keep alive.
    ConnectHeader,
    /// The client identifier in CONNECT.
    ClientIdentifier,
    /// The will's properties.
    WillProperties,
    /// The will's topic.
    WillTopic,
    /// The will's payload (3.1.1: will message).
    WillPayload,
    /// The user name in CONNECT.
    UserName,
    /// The password in CONNECT.
    Password,
    /// A packet identifier.
    PacketIdentifier,
    /// The topic name of a PUBLISH.
    TopicName,
    /// A topic filter, or its options, in SUBSCRIBE.
    SubscribeFilter,
    /// A topic filter in UNSUBSCRIBE.
    UnsubscribeFilter,
    /// A property length, identifier or value without a rule of its own.
    Property,
    /// A reason code.
    ReasonCode,
    /// The response topic of a PUBLISH or will.
    ResponseTopic,
    /// The content type of a PUBLISH or will.
    ContentType,
    /// Name or value of a user property.
    UserProperty,
}

/// The bytes of a packet that have not been read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all has been read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// Fewer are left.
    #[inline]
    pub fn take(&mut self, count: usize, field: Field) -> Result<&'a [u8], Violation> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Violation::FieldMissing(field))?;
        self.rest = rest;
        Ok(taken)
    }

    /// One byte.
    ///
    /// # Errors
    /// Nothing is left.
    #[inline]
    pub fn byte(&mut self, field: Field) -> Result<u8, Violation> {
        let (byte, rest) = self.rest.split_first().ok_or(Violation::FieldMissing(field))?;
        self.rest = rest;
        Ok(*byte)
    }

    /// Two Byte Integer (§1.5.2), high byte first.
    ///
    /// # Errors
    /// Fewer than two bytes are left.
    #[inline]
    pub fn two_byte(&mut self, field: Field) -> Result<u16, Violation> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Violation::FieldMissing(field))?;
        self.rest = rest;
        Ok(u16::from_be_bytes(*bytes))
    }

    /// Four Byte Integer (§1.5.3), high byte first.
    ///
    /// # Errors
    /// Fewer than four bytes are left.
    #[inline]
    pub fn four_byte(&mut self, field: Field) -> Result<u32, Violation> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Violation::FieldMissing(field))?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*bytes))
    }

    /// Variable Byte Integer (§1.5.5 of 5.0): 0 to 268,435,455 in the fewest bytes that hold it.
    ///
    /// # Errors
    /// Unfinished, longer than four bytes, or padded.
    #[inline]
    pub fn variable_byte(&mut self, field: Field) -> Result<u32, Violation> {
        let mut value = 0_u32;
        for index in 0..4 {
            let byte = self.byte(field)?;
            value |= u32::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                let padded = index > 0 && byte == 0;
                return if padded { Err(Violation::LengthNotMinimal) } else { Ok(value) };
            }
        }
        Err(Violation::VariableByteIntegerTooLong)
    }

    /// Binary Data (§1.5.6 of 5.0): two bytes of length, then that many bytes.
    ///
    /// # Errors
    /// The length promises more than is left.
    #[inline]
    pub fn binary(&mut self, field: Field) -> Result<&'a [u8], Violation> {
        let length = self.two_byte(field)?;
        self.take(usize::from(length), field)
    }

    /// UTF-8 Encoded String (§1.5.4 of 5.0, §1.5.3 of 3.1.1), byte order marks kept.
    ///
    /// # Errors
    /// Cut short, not UTF-8 (surrogates included), or with U+0000.
    #[inline]
    pub fn string(&mut self, field: Field) -> Result<&'a str, Violation> {
        let bytes = self.binary(field)?;
        let text = std::str::from_utf8(bytes).map_err(|_| Violation::NotUtf8(field))?;
        // Without an early end, so that it takes many bytes at a time.
        if bytes.iter().fold(0, |found, byte| found | u8::from(*byte == 0)) != 0 {
            return Err(Violation::NulCharacter(field));
        }
        Ok(text)
    }

    /// A packet identifier, which is never 0.
    ///
    /// # Errors
    /// Cut short, or 0.
    #[inline]
    pub fn packet_identifier(&mut self, packet_type: PacketType) -> Result<PacketIdentifier, Violation> {
        let number = self.two_byte(Field::PacketIdentifier)?;
        PacketIdentifier::new(number).ok_or(Violation::PacketIdentifierZero(packet_type))
    }

    /// Nothing may be left of a packet once its last field has been read.
    ///
    /// # Errors
    /// Something is left.
    #[inline]
    pub fn finish(&self, packet_type: PacketType) -> Result<(), Violation> {
        if self.is_empty() { Ok(()) } else { Err(Violation::TrailingBytes(packet_type)) }
    }
}
