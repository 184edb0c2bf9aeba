//! PUBLISH (§3.3), the one packet that both sides send.

use bytes::Bytes;

use super::super::topic;
use super::super::violation::Violation;
use super::frame::{Frame, PacketType};
use super::property::{self, Properties, once};
use super::reader::{Field, Reader};
use super::writer::{self, Writer};
use super::{PacketIdentifier, Qos, Version};

/// A PUBLISH as a client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Whether the client says that it sent this before.
    pub dup: bool,
    /// Its QoS.
    pub qos: Qos,
    /// Whether the server shall keep it for later subscribers.
    pub retain: bool,
    /// Without wildcards; empty only with an alias.
    pub topic_name: &'a str,
    /// For QoS 1 and 2.
    pub packet_identifier: Option<PacketIdentifier>,
    /// None of them in 3.1.1.
    pub properties: PublishProperties<'a>,
    /// The application's bytes.
    pub payload: &'a [u8],
}

/// The properties of a PUBLISH (MQTT 5.0 §3.3.2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishProperties<'a> {
    /// Whether the payload calls itself UTF-8 text.
    pub payload_is_text: Option<bool>,
    /// Lifetime in seconds.
    pub message_expiry_secs: Option<u32>,
    /// 1 to 65,535.
    pub topic_alias: Option<u16>,
    /// Where a reply is wanted; without wildcards.
    pub response_topic: Option<&'a str>,
    /// Says which request a reply belongs to.
    pub correlation_data: Option<&'a [u8]>,
    /// Describes the payload.
    pub content_type: Option<&'a str>,
    /// All properties as they stood in the packet, user properties among them.
    pub raw: &'a [u8],
}

impl<'a> Publish<'a> {
    /// Reads the packet in a frame.
    ///
    /// # Errors
    /// The first rule that the packet breaks.
    pub fn decode(frame: &Frame<'a>, version: Version) -> Result<Self, Violation> {
        let qos = Qos::from_bits(frame.flags >> 1 & 0b11).ok_or(Violation::PublishQosThree)?;
        let dup = frame.flags & 0b1000 != 0;
        if dup && qos == Qos::AtMostOnce {
            return Err(Violation::DupOnQosZero);
        }
        let mut reader = Reader::new(frame.body);
        let topic_name = reader.string(Field::TopicName)?;
        if topic::has_wildcard(topic_name) {
            return Err(Violation::WildcardInTopicName);
        }
        let packet_identifier = match qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce | Qos::ExactlyOnce => Some(reader.packet_identifier(PacketType::Publish)?),
        };
        let properties = match version {
            Version::V311 => PublishProperties::default(),
            Version::V50 => PublishProperties::decode(&mut reader)?,
        };
        if topic_name.is_empty() && properties.topic_alias.is_none() {
            return Err(Violation::EmptyTopicName);
        }
        let retain = frame.flags & 0b0001 != 0;
        Ok(Self { dup, qos, retain, topic_name, packet_identifier, properties, payload: reader.rest() })
    }
}

impl<'a> PublishProperties<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        let mut properties = Properties::cut(reader, PacketType::Publish, Field::Property)?;
        let mut read = Self { raw: properties.raw(), ..Self::default() };
        while let Some(identifier) = properties.next()? {
            match identifier {
                property::TOPIC_ALIAS => match properties.two_byte()? {
                    0 => return Err(Violation::TopicAliasZero),
                    alias => once(&mut read.topic_alias, identifier, alias)?,
                },
                property::SUBSCRIPTION_IDENTIFIER => {
                    return Err(Violation::SubscriptionIdentifierFromClient);
                }
                _ => read.message_property(identifier, &mut properties)?,
            }
        }
        Ok(read)
    }

    /// Reads a property that describes the message itself: what a will may carry too.
    #[inline]
    pub(super) fn message_property(
        &mut self,
        identifier: u8,
        properties: &mut Properties<'a>,
    ) -> Result<(), Violation> {
        match identifier {
            property::PAYLOAD_FORMAT_INDICATOR => {
                once(&mut self.payload_is_text, identifier, properties.flag(identifier)?)
            }
            property::MESSAGE_EXPIRY_INTERVAL => {
                once(&mut self.message_expiry_secs, identifier, properties.four_byte()?)
            }
            property::CONTENT_TYPE => {
                once(&mut self.content_type, identifier, properties.string(Field::ContentType)?)
            }
            property::RESPONSE_TOPIC => {
                let response_topic = properties.string(Field::ResponseTopic)?;
                if topic::has_wildcard(response_topic) {
                    return Err(Violation::WildcardInResponseTopic);
                }
                if response_topic.is_empty() {
                    return Err(Violation::EmptyResponseTopic);
                }
                once(&mut self.response_topic, identifier, response_topic)
            }
            property::CORRELATION_DATA => once(&mut self.correlation_data, identifier, properties.binary()?),
            property::USER_PROPERTY => properties.user_property(),
            _ => Err(properties.not_allowed(identifier)),
        }
    }
}

/// A PUBLISH as the server sends it.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Whether this copy was sent before.
    pub dup: bool,
    /// Its QoS.
    pub qos: Qos,
    /// RETAIN.
    pub retain: bool,
    /// Never empty.
    pub topic_name: &'a str,
    /// For QoS 1 and 2.
    pub packet_identifier: Option<PacketIdentifier>,
    /// What is left of the lifetime, in seconds.
    pub message_expiry_secs: Option<u32>,
    /// Properties passed on unaltered, as bytes.
    pub forwarded: &'a [u8],
    /// Of the subscriptions that this copy is for.
    pub subscription_identifiers: &'a [u32],
    /// The application's bytes.
    pub payload: &'a [u8],
}

impl Outgoing<'_> {
    /// The size of the whole packet in bytes.
    pub fn size(&self, version: Version) -> usize {
        let remaining = self.remaining_length(version);
        1 + writer::variable_byte_size(remaining) + remaining
    }

    /// The packet as bytes.
    pub fn encode(&self, version: Version) -> Bytes {
        let mut writer = Writer::with_capacity(self.size(version));
        let dup = if self.dup { 0b1000 } else { 0 };
        writer.byte(0x30 | dup | self.qos.bits() << 1 | u8::from(self.retain));
        writer.variable_byte(self.remaining_length(version));
        writer.string(self.topic_name);
        if let Some(identifier) = self.packet_identifier {
            writer.two_byte(identifier.get());
        }
        if version == Version::V50 {
            writer.variable_byte(self.properties_length());
            if let Some(seconds) = self.message_expiry_secs {
                writer.byte(property::MESSAGE_EXPIRY_INTERVAL);
                writer.four_byte(seconds);
            }
            writer.bytes(self.forwarded);
            for identifier in self.subscription_identifiers {
                writer.byte(property::SUBSCRIPTION_IDENTIFIER);
                writer.variable_byte(*identifier as usize);
            }
        }
        writer.bytes(self.payload);
        writer.finish()
    }

    fn remaining_length(&self, version: Version) -> usize {
        let properties = match version {
            Version::V311 => 0,
            Version::V50 => {
                let length = self.properties_length();
                writer::variable_byte_size(length) + length
            }
        };
        let identifier = if self.packet_identifier.is_some() { 2 } else { 0 };
        2 + self.topic_name.len() + identifier + properties + self.payload.len()
    }

    fn properties_length(&self) -> usize {
        let expiry = if self.message_expiry_secs.is_some() { 5 } else { 0 };
        let identifiers: usize = self
            .subscription_identifiers
            .iter()
            .map(|identifier| 1 + writer::variable_byte_size(*identifier as usize))
            .sum();
        expiry + self.forwarded.len() + identifiers
    }
}
