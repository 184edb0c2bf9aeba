//! PUBACK, PUBREC, PUBREL and PUBCOMP (§3.4 to §3.7): one layout, four tables of reason codes.

use bytes::Bytes;

use super::super::violation::Violation;
use super::frame::{Frame, PacketType};
use super::property::{self, Properties, once};
use super::reader::{Field, Reader};
use super::reason::ReasonCode;
use super::writer::Writer;
use super::{PacketIdentifier, Version};

/// One of the four acknowledgements of a PUBLISH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement<'a> {
    /// That of the PUBLISH.
    pub packet_identifier: PacketIdentifier,
    /// Success in 3.1.1, and where 5.0 leaves it out.
    pub reason_code: ReasonCode,
    /// For people and logs.
    pub reason_string: Option<&'a str>,
}

impl<'a> Acknowledgement<'a> {
    /// Reads the packet in a frame.
    ///
    /// # Errors
    /// The first rule that the packet breaks.
    pub fn decode(frame: &Frame<'a>, version: Version) -> Result<Self, Violation> {
        let packet_type = frame.packet_type;
        let mut reader = Reader::new(frame.body);
        let packet_identifier = reader.packet_identifier(packet_type)?;
        let mut read = Self { packet_identifier, reason_code: ReasonCode::Success, reason_string: None };
        if version == Version::V50 && !reader.is_empty() {
            read.reason_code = ReasonCode::of(reader.byte(Field::ReasonCode)?)
                .filter(|code| code.is_for(packet_type))
                .ok_or(Violation::ReasonCodeUnknown(packet_type))?;
            if !reader.is_empty() {
                read.reason_string = read_reason_string(&mut reader, packet_type)?;
            }
        }
        reader.finish(packet_type)?;
        Ok(read)
    }
}

/// The only properties of an acknowledgement: a reason string and user properties.
fn read_reason_string<'a>(
    reader: &mut Reader<'a>,
    packet_type: PacketType,
) -> Result<Option<&'a str>, Violation> {
    let mut properties = Properties::cut(reader, packet_type, Field::Property)?;
    let mut reason_string = None;
    while let Some(identifier) = properties.next()? {
        match identifier {
            property::REASON_STRING => {
                once(&mut reason_string, identifier, properties.string(Field::Property)?)?;
            }
            property::USER_PROPERTY => properties.user_property()?,
            _ => return Err(properties.not_allowed(identifier)),
        }
    }
    Ok(reason_string)
}

/// Which of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcknowledgementKind {
    /// Finishes QoS 1.
    PubAck,
    /// Takes a QoS 2 message over.
    PubRec,
    /// Releases it.
    PubRel,
    /// Finishes QoS 2.
    PubComp,
}

impl AcknowledgementKind {
    fn first_byte(self) -> u8 {
        match self {
            Self::PubAck => 0x40,
            Self::PubRec => 0x50,
            Self::PubRel => 0x62,
            Self::PubComp => 0x70,
        }
    }
}

/// An acknowledgement as bytes. Success is written short, as both versions allow; 3.1.1 knows no codes.
pub fn encode(
    kind: AcknowledgementKind,
    version: Version,
    packet_identifier: PacketIdentifier,
    reason_code: ReasonCode,
    reason_string: Option<&str>,
) -> Bytes {
    if version == Version::V311 || reason_code == ReasonCode::Success {
        // Almost every one of them: nothing of unknown length follows.
        let mut packet = Writer::with_capacity(4);
        packet.byte(kind.first_byte());
        packet.byte(2);
        packet.two_byte(packet_identifier.get());
        return packet.finish();
    }
    let mut body = Writer::new();
    body.two_byte(packet_identifier.get());
    body.byte(reason_code.byte());
    if let Some(text) = reason_string {
        let mut properties = Writer::new();
        properties.string_property(property::REASON_STRING, text);
        body.behind_length(&properties);
    }
    body.into_packet(kind.first_byte())
}
