//! DISCONNECT (§3.14) and PINGRESP (§3.13).

use bytes::Bytes;

use super::super::violation::Violation;
use super::Version;
use super::frame::{Frame, PacketType};
use super::property::{self, Properties, once};
use super::reader::{Field, Reader};
use super::reason::ReasonCode;
use super::writer::Writer;

/// A DISCONNECT as a client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect<'a> {
    /// Success in 3.1.1, and where 5.0 leaves it out.
    pub reason_code: ReasonCode,
    /// The client's last word on how long its session shall live, in seconds.
    pub session_expiry_secs: Option<u32>,
    /// For people and logs.
    pub reason_string: Option<&'a str>,
    /// Where to go instead: of use from a server only (§3.14.2.2.5), but no sentence forbids it to a client.
    pub server_reference: Option<&'a str>,
}

impl<'a> Disconnect<'a> {
    /// Reads the packet in a frame.
    ///
    /// # Errors
    /// The first rule that the packet breaks.
    pub fn decode(frame: &Frame<'a>, version: Version) -> Result<Self, Violation> {
        let packet_type = PacketType::Disconnect;
        let mut reader = Reader::new(frame.body);
        let mut read = Self {
            reason_code: ReasonCode::Success,
            session_expiry_secs: None,
            reason_string: None,
            server_reference: None,
        };
        if version == Version::V50 && !reader.is_empty() {
            read.reason_code = ReasonCode::of(reader.byte(Field::ReasonCode)?)
                .filter(|code| code.is_for(packet_type))
                .ok_or(Violation::ReasonCodeUnknown(packet_type))?;
            if !reader.is_empty() {
                read.read_properties(&mut reader)?;
            }
        }
        reader.finish(packet_type)?;
        Ok(read)
    }

    fn read_properties(&mut self, reader: &mut Reader<'a>) -> Result<(), Violation> {
        let mut properties = Properties::cut(reader, PacketType::Disconnect, Field::Property)?;
        while let Some(identifier) = properties.next()? {
            match identifier {
                property::SESSION_EXPIRY_INTERVAL => {
                    once(&mut self.session_expiry_secs, identifier, properties.four_byte()?)?;
                }
                property::REASON_STRING => {
                    once(&mut self.reason_string, identifier, properties.string(Field::Property)?)?;
                }
                property::SERVER_REFERENCE => {
                    once(&mut self.server_reference, identifier, properties.string(Field::Property)?)?;
                }
                property::USER_PROPERTY => properties.user_property()?,
                _ => return Err(properties.not_allowed(identifier)),
            }
        }
        Ok(())
    }
}

/// A DISCONNECT of 5.0 as bytes; 3.1.1 servers send none.
pub fn encode(reason_code: ReasonCode, reason_string: Option<&str>) -> Bytes {
    let mut body = Writer::new();
    body.byte(reason_code.byte());
    if let Some(text) = reason_string {
        let mut properties = Writer::new();
        properties.string_property(property::REASON_STRING, text);
        body.behind_length(&properties);
    }
    body.into_packet(0xE0)
}

/// A PINGRESP as bytes.
pub fn encode_pingresp() -> Bytes {
    Bytes::from_static(&[0xD0, 0])
}
