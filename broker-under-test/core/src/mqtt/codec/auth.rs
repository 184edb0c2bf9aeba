//! AUTH (MQTT 5.0 §3.15).

use bytes::Bytes;

use super::super::violation::Violation;
use super::frame::{Frame, PacketType};
use super::property::{self, Properties, once};
use super::reader::{Field, Reader};
use super::reason::ReasonCode;
use super::writer::Writer;

/// An AUTH as a client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<'a> {
    /// Continue (0x18) or re-authenticate (0x19); success (0x00), also the short form, is for servers.
    pub reason_code: ReasonCode,
    /// Must be there, and the one of the CONNECT.
    pub authentication_method: Option<&'a str>,
    /// What the method wants said.
    pub authentication_data: Option<&'a [u8]>,
}

impl<'a> Auth<'a> {
    /// Reads the packet in a frame.
    ///
    /// # Errors
    /// The first rule that the packet breaks by itself; which code fits is for the exchange to say.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, Violation> {
        let packet_type = PacketType::Auth;
        let mut reader = Reader::new(frame.body);
        if reader.is_empty() {
            let reason_code = ReasonCode::Success;
            return Ok(Self { reason_code, authentication_method: None, authentication_data: None });
        }
        let reason_code = ReasonCode::of(reader.byte(Field::ReasonCode)?)
            .filter(|code| code.is_for(packet_type))
            .ok_or(Violation::ReasonCodeUnknown(packet_type))?;
        let mut properties = Properties::cut(&mut reader, packet_type, Field::Property)?;
        let (mut method, mut data, mut reason_string) = (None, None, None);
        while let Some(identifier) = properties.next()? {
            match identifier {
                property::AUTHENTICATION_METHOD => {
                    once(&mut method, identifier, properties.string(Field::Property)?)?;
                }
                property::AUTHENTICATION_DATA => once(&mut data, identifier, properties.binary()?)?,
                property::REASON_STRING => {
                    once(&mut reason_string, identifier, properties.string(Field::Property)?)?;
                }
                property::USER_PROPERTY => properties.user_property()?,
                _ => return Err(properties.not_allowed(identifier)),
            }
        }
        reader.finish(packet_type)?;
        Ok(Self { reason_code, authentication_method: method, authentication_data: data })
    }
}

/// An AUTH as bytes.
pub fn encode(reason_code: ReasonCode, method: &str, data: Option<&[u8]>) -> Bytes {
    let mut properties = Writer::new();
    properties.string_property(property::AUTHENTICATION_METHOD, method);
    if let Some(data) = data {
        properties.byte(property::AUTHENTICATION_DATA);
        properties.binary(data);
    }
    let mut body = Writer::new();
    body.byte(reason_code.byte());
    body.behind_length(&properties);
    body.into_packet(0xF0)
}
