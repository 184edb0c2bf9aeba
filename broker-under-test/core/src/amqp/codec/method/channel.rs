//! Class 20, Channel.

use super::connection::write_close;
use super::{MethodId, bare_reply};
use crate::amqp::Violation;
use crate::amqp::codec::{Reader, Reply, Writer};

/// What a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'a> {
    /// 20.10.
    Open,
    /// 20.20.
    Flow {
        /// Whether deliveries may flow.
        active: bool,
    },
    /// 20.21.
    FlowOk,
    /// 20.40.
    Close {
        /// Why, in words.
        reply_text: &'a [u8],
    },
    /// 20.41.
    CloseOk,
}

impl<'a> Method<'a> {
    pub(super) fn read(id: MethodId, reader: &mut Reader<'a>) -> Result<Self, Violation> {
        Ok(match id.method_id {
            10 => {
                reader.short_octets()?; // reserved-1
                Self::Open
            }
            20 => Self::Flow { active: reader.bits()?.bit(0) },
            21 => {
                reader.bits()?;
                Self::FlowOk
            }
            40 => {
                reader.u16()?; // reply-code
                let reply_text = reader.short_octets()?;
                reader.u16()?; // class-id
                reader.u16()?; // method-id
                Self::Close { reply_text }
            }
            41 => Self::CloseOk,
            11 => return Err(Violation::ServerOnlyMethod(id)),
            _ => return Err(Violation::UnknownMethod(id)),
        })
    }
}

/// 20.11.
#[derive(Debug)]
pub(crate) struct OpenOk;

impl Reply for OpenOk {
    const ID: MethodId = MethodId::new(20, 11);

    fn write(&self, writer: &mut Writer) {
        writer.long_octets(b"");
    }
}

/// 20.21: the setting now in force.
#[derive(Debug)]
pub(crate) struct FlowOk {
    pub(crate) active: bool,
}

impl Reply for FlowOk {
    const ID: MethodId = MethodId::new(20, 21);

    fn write(&self, writer: &mut Writer) {
        writer.u8(u8::from(self.active));
    }
}

/// 20.40: why the server ends the channel.
#[derive(Debug)]
pub(crate) struct Close<'a> {
    pub(crate) reply_code: u16,
    pub(crate) reply_text: &'a str,
    pub(crate) culprit: MethodId,
}

impl Reply for Close<'_> {
    const ID: MethodId = MethodId::new(20, 40);

    fn write(&self, writer: &mut Writer) {
        write_close(writer, self.reply_code, self.reply_text, self.culprit);
    }
}

bare_reply!(
    /// 20.41.
    CloseOk = 20, 41
);
