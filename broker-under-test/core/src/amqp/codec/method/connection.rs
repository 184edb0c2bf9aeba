//! Class 10, Connection.

use super::{MethodId, bare_reply};
use crate::amqp::Violation;
use crate::amqp::codec::{FieldTable, Reader, Reply, Writer};

/// What a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'a> {
    /// 10.11.
    StartOk(StartOk<'a>),
    /// 10.21: an answer to a SASL challenge.
    SecureOk,
    /// 10.31.
    TuneOk(TuneOk),
    /// 10.40, with the virtual host's name.
    Open {
        /// The virtual host.
        virtual_host: &'a str,
    },
    /// 10.50.
    Close,
    /// 10.51.
    CloseOk,
    /// 10.70, of RabbitMQ.
    UpdateSecret,
}

/// 10.11: who the client is and how it logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartOk<'a> {
    /// What it says about itself.
    pub client_properties: FieldTable<'a>,
    /// One of the offered mechanisms.
    pub mechanism: &'a str,
    /// SASL data.
    pub response: &'a [u8],
}

/// 10.31: the limits of this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TuneOk {
    /// How many channels may be open.
    pub channel_max: u16,
    /// Octets of the largest frame.
    pub frame_max: u32,
    /// Seconds; 0 for none.
    pub heartbeat_secs: u16,
}

impl<'a> Method<'a> {
    pub(super) fn read(id: MethodId, reader: &mut Reader<'a>) -> Result<Self, Violation> {
        Ok(match id.method_id {
            11 => {
                let client_properties = reader.table()?;
                let mechanism = reader.short_string()?;
                let response = reader.long_octets()?;
                reader.short_string()?; // locale: any is fine, as in RabbitMQ
                Self::StartOk(StartOk { client_properties, mechanism, response })
            }
            21 => {
                reader.long_octets()?;
                Self::SecureOk
            }
            31 => Self::TuneOk(TuneOk {
                channel_max: reader.u16()?,
                frame_max: reader.u32()?,
                heartbeat_secs: reader.u16()?,
            }),
            40 => {
                let virtual_host = reader.short_string()?;
                reader.short_string()?; // reserved-1
                reader.bits()?; // reserved-2
                Self::Open { virtual_host }
            }
            50 => {
                reader.u16()?; // reply-code
                reader.short_octets()?; // reply-text: never compared
                reader.u16()?; // class-id
                reader.u16()?; // method-id
                Self::Close
            }
            51 => Self::CloseOk,
            70 => {
                reader.long_octets()?; // new-secret
                reader.short_string()?; // reason
                Self::UpdateSecret
            }
            10 | 20 | 30 | 41 | 60 | 61 | 71 => return Err(Violation::ServerOnlyMethod(id)),
            _ => return Err(Violation::UnknownMethod(id)),
        })
    }
}

/// 10.10: version, what the server is, how one may log in.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    pub(crate) server_properties: &'a [u8],
}

impl Reply for Start<'_> {
    const ID: MethodId = MethodId::new(10, 10);

    fn write(&self, writer: &mut Writer) {
        writer.u8(0);
        writer.u8(9);
        writer.long_octets(self.server_properties);
        writer.long_octets(b"PLAIN AMQPLAIN");
        writer.long_octets(b"en_US");
    }
}

/// 10.30: the limits that the server proposes.
#[derive(Debug)]
pub(crate) struct Tune {
    pub(crate) channel_max: u16,
    pub(crate) frame_max: u32,
    pub(crate) heartbeat_secs: u16,
}

impl Reply for Tune {
    const ID: MethodId = MethodId::new(10, 30);

    fn write(&self, writer: &mut Writer) {
        writer.u16(self.channel_max);
        writer.u32(self.frame_max);
        writer.u16(self.heartbeat_secs);
    }
}

/// 10.41.
#[derive(Debug)]
pub(crate) struct OpenOk;

impl Reply for OpenOk {
    const ID: MethodId = MethodId::new(10, 41);

    fn write(&self, writer: &mut Writer) {
        writer.short_string(b"");
    }
}

/// 10.50: why the server ends the connection.
#[derive(Debug)]
pub(crate) struct Close<'a> {
    pub(crate) reply_code: u16,
    pub(crate) reply_text: &'a str,
    pub(crate) culprit: MethodId,
}

impl Reply for Close<'_> {
    const ID: MethodId = MethodId::new(10, 50);

    fn write(&self, writer: &mut Writer) {
        write_close(writer, self.reply_code, self.reply_text, self.culprit);
    }
}

/// Connection.Close and Channel.Close say the same.
pub(super) fn write_close(writer: &mut Writer, reply_code: u16, reply_text: &str, culprit: MethodId) {
    writer.u16(reply_code);
    writer.short_string(reply_text.as_bytes());
    writer.u16(culprit.class_id);
    writer.u16(culprit.method_id);
}

/// 10.60, of RabbitMQ: what the client publishes is not taken for now.
#[derive(Debug)]
pub(crate) struct Blocked<'a> {
    pub(crate) reason: &'a str,
}

impl Reply for Blocked<'_> {
    const ID: MethodId = MethodId::new(10, 60);

    fn write(&self, writer: &mut Writer) {
        writer.short_string(self.reason.as_bytes());
    }
}

bare_reply!(
    /// 10.51.
    CloseOk = 10, 51
);
bare_reply!(
    /// 10.61, of RabbitMQ.
    Unblocked = 10, 61
);
bare_reply!(
    /// 10.71.
    UpdateSecretOk = 10, 71
);
