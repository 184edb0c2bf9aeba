//! Properties (MQTT 5.0 §2.2.2): identifiers, and the loop that every packet reads its own with.

use super::super::violation::Violation;
use super::frame::PacketType;
use super::reader::{Field, Reader};

/// Payload Format Indicator, a byte.
pub const PAYLOAD_FORMAT_INDICATOR: u8 = 0x01;
/// Message Expiry Interval, four bytes, seconds.
pub const MESSAGE_EXPIRY_INTERVAL: u8 = 0x02;
/// Content Type, a string.
pub const CONTENT_TYPE: u8 = 0x03;
/// Response Topic, a string.
pub const RESPONSE_TOPIC: u8 = 0x08;
/// Correlation Data, binary.
pub const CORRELATION_DATA: u8 = 0x09;
/// Subscription Identifier, a variable byte integer.
pub const SUBSCRIPTION_IDENTIFIER: u8 = 0x0B;
/// Session Expiry Interval, four bytes, seconds.
pub const SESSION_EXPIRY_INTERVAL: u8 = 0x11;
/// Assigned Client Identifier, a string.
pub const ASSIGNED_CLIENT_IDENTIFIER: u8 = 0x12;
/// Server Keep Alive, two bytes, seconds.
pub const SERVER_KEEP_ALIVE: u8 = 0x13;
/// Authentication Method, a string.
pub const AUTHENTICATION_METHOD: u8 = 0x15;
/// Authentication Data, binary.
pub const AUTHENTICATION_DATA: u8 = 0x16;
/// Request Problem Information, a byte.
pub const REQUEST_PROBLEM_INFORMATION: u8 = 0x17;
/// Will Delay Interval, four bytes, seconds.
pub const WILL_DELAY_INTERVAL: u8 = 0x18;
/// Request Response Information, a byte.
pub const REQUEST_RESPONSE_INFORMATION: u8 = 0x19;
/// Response Information, a string.
pub const RESPONSE_INFORMATION: u8 = 0x1A;
/// Server Reference, a string.
pub const SERVER_REFERENCE: u8 = 0x1C;
/// Reason String, a string.
pub const REASON_STRING: u8 = 0x1F;
/// Receive Maximum, two bytes.
pub const RECEIVE_MAXIMUM: u8 = 0x21;
/// Topic Alias Maximum, two bytes.
pub const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
/// Topic Alias, two bytes.
pub const TOPIC_ALIAS: u8 = 0x23;
/// Maximum QoS, a byte.
pub const MAXIMUM_QOS: u8 = 0x24;
/// Retain Available, a byte.
pub const RETAIN_AVAILABLE: u8 = 0x25;
/// User Property, a pair of strings.
pub const USER_PROPERTY: u8 = 0x26;
/// Maximum Packet Size, four bytes.
pub const MAXIMUM_PACKET_SIZE: u8 = 0x27;
/// Wildcard Subscription Available, a byte.
pub const WILDCARD_SUBSCRIPTION_AVAILABLE: u8 = 0x28;
/// Subscription Identifiers Available, a byte.
pub const SUBSCRIPTION_IDENTIFIERS_AVAILABLE: u8 = 0x29;
/// Shared Subscription Available, a byte.
pub const SHARED_SUBSCRIPTION_AVAILABLE: u8 = 0x2A;

/// Whether any packet knows a property of this identifier (table 2-4).
pub fn is_known(identifier: u8) -> bool {
    matches!(
        identifier,
        0x01..=0x03 | 0x08 | 0x09 | 0x0B | 0x11..=0x13 | 0x15..=0x1A | 0x1C | 0x1F | 0x21..=0x2A
    )
}

/// The properties of one packet, in the making: a Property Length and that many bytes.
pub(super) struct Properties<'a> {
    inner: Reader<'a>,
    packet_type: PacketType,
}

impl<'a> Properties<'a> {
    /// Cuts the properties off the front of what is left of a packet.
    #[inline]
    pub(super) fn cut(
        reader: &mut Reader<'a>,
        packet_type: PacketType,
        field: Field,
    ) -> Result<Self, Violation> {
        let length = reader.variable_byte(field)?;
        let length = usize::try_from(length).map_err(|_| Violation::FieldMissing(field))?;
        let inner = Reader::new(reader.take(length, field)?);
        Ok(Self { inner, packet_type })
    }

    /// The bytes of all properties that have not been read yet.
    #[inline]
    pub(super) fn raw(&self) -> &'a [u8] {
        self.inner.rest()
    }

    /// The identifier of the next property, if there is one. All are below 128, so one byte each.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<u8>, Violation> {
        if self.inner.is_empty() { Ok(None) } else { self.inner.byte(Field::Property).map(Some) }
    }

    /// The identifier means nothing in this packet.
    pub(super) fn not_allowed(&self, identifier: u8) -> Violation {
        Violation::PropertyNotAllowed { identifier, packet_type: self.packet_type }
    }

    /// The value is one that the standard rules out here.
    fn ruled_out(&self, identifier: u8) -> Violation {
        Violation::PropertyValue { identifier, packet_type: self.packet_type }
    }

    /// A user property, which may stand any number of times.
    #[inline]
    pub(super) fn user_property(&mut self) -> Result<(), Violation> {
        self.inner.string(Field::UserProperty)?;
        self.inner.string(Field::UserProperty)?;
        Ok(())
    }

    /// A byte that says no or yes.
    #[inline]
    pub(super) fn flag(&mut self, identifier: u8) -> Result<bool, Violation> {
        match self.inner.byte(Field::Property)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.ruled_out(identifier)),
        }
    }

    /// A two-byte number that is never 0.
    pub(super) fn non_zero_two_byte(&mut self, identifier: u8) -> Result<u16, Violation> {
        match self.inner.two_byte(Field::Property)? {
            0 => Err(self.ruled_out(identifier)),
            number => Ok(number),
        }
    }

    /// A four-byte number that is never 0.
    pub(super) fn non_zero_four_byte(&mut self, identifier: u8) -> Result<u32, Violation> {
        match self.inner.four_byte(Field::Property)? {
            0 => Err(self.ruled_out(identifier)),
            number => Ok(number),
        }
    }

    /// A variable byte integer that is never 0.
    pub(super) fn non_zero_variable_byte(&mut self, identifier: u8) -> Result<u32, Violation> {
        match self.inner.variable_byte(Field::Property)? {
            0 => Err(self.ruled_out(identifier)),
            number => Ok(number),
        }
    }

    /// Two bytes.
    #[inline]
    pub(super) fn two_byte(&mut self) -> Result<u16, Violation> {
        self.inner.two_byte(Field::Property)
    }

    /// Four bytes.
    #[inline]
    pub(super) fn four_byte(&mut self) -> Result<u32, Violation> {
        self.inner.four_byte(Field::Property)
    }

    /// A string.
    #[inline]
    pub(super) fn string(&mut self, field: Field) -> Result<&'a str, Violation> {
        self.inner.string(field)
    }

    /// Binary data.
    #[inline]
    pub(super) fn binary(&mut self) -> Result<&'a [u8], Violation> {
        self.inner.binary(Field::Property)
    }
}

/// Stores the value of a property that may stand only once.
#[inline]
pub(super) fn once<T>(slot: &mut Option<T>, identifier: u8, value: T) -> Result<(), Violation> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Violation::PropertyRepeated(identifier)),
    }
}

/// Copies, in their order and byte for byte, the properties of a PUBLISH or will that a server passes on
/// unaltered. Expiry, alias, delay and subscription identifiers are left out: they are the hop's own.
///
/// `raw` must have been checked before; what cannot be read ends the copy.
pub fn forwarded(raw: &[u8]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(raw.len());
    let mut reader = Reader::new(raw);
    while !reader.is_empty() {
        let before = reader.rest();
        let Ok(passed_on) = skip_one(&mut reader) else { break };
        if passed_on {
            let size = before.len() - reader.rest().len();
            copy.extend_from_slice(before.get(..size).unwrap_or_default());
        }
    }
    copy
}

/// Steps over one property of a PUBLISH or will; says whether it is passed on.
fn skip_one(reader: &mut Reader<'_>) -> Result<bool, Violation> {
    let identifier = reader.byte(Field::Property)?;
    match identifier {
        PAYLOAD_FORMAT_INDICATOR => reader.byte(Field::Property).map(|_| true),
        CONTENT_TYPE | RESPONSE_TOPIC | CORRELATION_DATA => reader.binary(Field::Property).map(|_| true),
        USER_PROPERTY => {
            reader.binary(Field::Property)?;
            reader.binary(Field::Property).map(|_| true)
        }
        MESSAGE_EXPIRY_INTERVAL | WILL_DELAY_INTERVAL => reader.four_byte(Field::Property).map(|_| false),
        TOPIC_ALIAS => reader.two_byte(Field::Property).map(|_| false),
        _ => Err(Violation::PropertyNotAllowed { identifier, packet_type: PacketType::Publish }),
    }
}
