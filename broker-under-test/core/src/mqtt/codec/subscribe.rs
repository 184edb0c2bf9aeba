//! SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK (§3.8 to §3.11).

use bytes::Bytes;

use super::super::violation::Violation;
use super::frame::{Frame, PacketType};
use super::property::{self, Properties, once};
use super::reader::{Field, Reader};
use super::reason::ReasonCode;
use super::writer::Writer;
use super::{PacketIdentifier, Qos, Version};

/// A SUBSCRIBE as a client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// Of the request.
    pub packet_identifier: PacketIdentifier,
    /// To be sent with every message that one of these filters brings; 1 to 268,435,455.
    pub subscription_identifier: Option<u32>,
    requests: Reader<'a>,
    version: Version,
}

/// One filter of a SUBSCRIBE with its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionRequest<'a> {
    /// As sent; its wildcards have not been looked at.
    pub filter: &'a str,
    /// What is wanted.
    pub options: SubscriptionOptions,
}

/// Subscription options (MQTT 5.0 §3.8.3.1); 3.1.1 has only the QoS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionOptions {
    /// The highest QoS to deliver with.
    pub maximum_qos: Qos,
    /// Whether the client's own messages stay away.
    pub no_local: bool,
    /// Whether RETAIN is forwarded as published.
    pub retain_as_published: bool,
    /// When retained messages are sent.
    pub retain_handling: RetainHandling,
}

/// When a SUBSCRIBE brings retained messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetainHandling {
    /// 0: always.
    Send,
    /// 1: if there was no such subscription.
    SendIfNew,
    /// 2: never.
    DoNotSend,
}

impl SubscriptionOptions {
    /// The options as 5.0 writes them.
    pub(crate) fn byte(self) -> u8 {
        let retain_handling = match self.retain_handling {
            RetainHandling::Send => 0,
            RetainHandling::SendIfNew => 1,
            RetainHandling::DoNotSend => 2,
        };
        self.maximum_qos.bits()
            | u8::from(self.no_local) << 2
            | u8::from(self.retain_as_published) << 3
            | retain_handling << 4
    }

    /// Reads the options' byte.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(crate) fn of(byte: u8, version: Version) -> Result<Self, Violation> {
        let reserved = match version {
            Version::V311 => byte & 0b1111_1100,
            Version::V50 => byte & 0b1100_0000,
        };
        if reserved != 0 {
            return Err(Violation::SubscriptionOptionsReserved);
        }
        let retain_handling = match byte >> 4 & 0b11 {
            0 => RetainHandling::Send,
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return Err(Violation::RetainHandlingThree),
        };
        Ok(Self {
            maximum_qos: Qos::from_bits(byte & 0b11).ok_or(Violation::SubscriptionQosThree)?,
            no_local: byte & 0b0100 != 0,
            retain_as_published: byte & 0b1000 != 0,
            retain_handling,
        })
    }
}

impl<'a> Subscribe<'a> {
    /// Reads the packet in a frame; every filter is looked at once.
    ///
    /// # Errors
    /// The first rule that the packet breaks.
    pub fn decode(frame: &Frame<'a>, version: Version) -> Result<Self, Violation> {
        let packet_type = PacketType::Subscribe;
        let mut reader = Reader::new(frame.body);
        let packet_identifier = reader.packet_identifier(packet_type)?;
        let mut subscription_identifier = None;
        if version == Version::V50 {
            let mut properties = Properties::cut(&mut reader, packet_type, Field::Property)?;
            while let Some(identifier) = properties.next()? {
                match identifier {
                    property::SUBSCRIPTION_IDENTIFIER => {
                        let number = properties.non_zero_variable_byte(identifier)?;
                        once(&mut subscription_identifier, identifier, number)?;
                    }
                    property::USER_PROPERTY => properties.user_property()?,
                    _ => return Err(properties.not_allowed(identifier)),
                }
            }
        }
        if reader.is_empty() {
            return Err(Violation::NoTopicFilter(packet_type));
        }
        let read = Self { packet_identifier, subscription_identifier, requests: reader, version };
        let mut check = reader;
        while !check.is_empty() {
            read_request(&mut check, version)?;
        }
        Ok(read)
    }

    /// The filters, in their order.
    pub fn requests(&self) -> impl Iterator<Item = SubscriptionRequest<'a>> + use<'a> {
        let mut reader = self.requests;
        let version = self.version;
        std::iter::from_fn(move || read_request(&mut reader, version).ok())
    }
}

fn read_request<'a>(reader: &mut Reader<'a>, version: Version) -> Result<SubscriptionRequest<'a>, Violation> {
    let filter = reader.string(Field::SubscribeFilter)?;
    let options = SubscriptionOptions::of(reader.byte(Field::SubscribeFilter)?, version)?;
    Ok(SubscriptionRequest { filter, options })
}

/// An UNSUBSCRIBE as a client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// Of the request.
    pub packet_identifier: PacketIdentifier,
    filters: Reader<'a>,
}

impl<'a> Unsubscribe<'a> {
    /// Reads the packet in a frame; every filter is looked at once.
    ///
    /// # Errors
    /// The first rule that the packet breaks.
    pub fn decode(frame: &Frame<'a>, version: Version) -> Result<Self, Violation> {
        let packet_type = PacketType::Unsubscribe;
        let mut reader = Reader::new(frame.body);
        let packet_identifier = reader.packet_identifier(packet_type)?;
        if version == Version::V50 {
            let mut properties = Properties::cut(&mut reader, packet_type, Field::Property)?;
            while let Some(identifier) = properties.next()? {
                match identifier {
                    property::USER_PROPERTY => properties.user_property()?,
                    _ => return Err(properties.not_allowed(identifier)),
                }
            }
        }
        if reader.is_empty() {
            return Err(Violation::NoTopicFilter(packet_type));
        }
        let mut check = reader;
        while !check.is_empty() {
            check.string(Field::UnsubscribeFilter)?;
        }
        Ok(Self { packet_identifier, filters: reader })
    }

    /// The filters, in their order.
    pub fn filters(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut reader = self.filters;
        std::iter::from_fn(move || reader.string(Field::UnsubscribeFilter).ok())
    }
}

/// A SUBACK as bytes. In 3.1.1 every failure is 0x80.
pub fn encode_suback(
    version: Version,
    packet_identifier: PacketIdentifier,
    codes: &[ReasonCode],
    reason_string: Option<&str>,
) -> Bytes {
    let mut body = Writer::new();
    body.two_byte(packet_identifier.get());
    if version == Version::V50 {
        write_reason_string(&mut body, reason_string);
    }
    for code in codes {
        body.byte(match version {
            // [mqtt-3.1.1/MQTT-3.9.3-2] there are no other codes.
            Version::V311 if code.is_error() => 0x80,
            Version::V311 | Version::V50 => code.byte(),
        });
    }
    body.into_packet(0x90)
}

/// An UNSUBACK as bytes. 3.1.1 has no codes in it.
pub fn encode_unsuback(
    version: Version,
    packet_identifier: PacketIdentifier,
    codes: &[ReasonCode],
    reason_string: Option<&str>,
) -> Bytes {
    let mut body = Writer::new();
    body.two_byte(packet_identifier.get());
    if version == Version::V50 {
        write_reason_string(&mut body, reason_string);
        for code in codes {
            body.byte(code.byte());
        }
    }
    body.into_packet(0xB0)
}

fn write_reason_string(body: &mut Writer, reason_string: Option<&str>) {
    let mut properties = Writer::new();
    if let Some(text) = reason_string {
        properties.string_property(property::REASON_STRING, text);
    }
    body.behind_length(&properties);
}
