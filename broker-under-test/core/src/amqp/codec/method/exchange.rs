//! Class 40, Exchange, with RabbitMQ's bind and unbind.

use super::{MethodId, bare_reply};
use crate::amqp::Violation;
use crate::amqp::codec::{FieldTable, Reader};

/// What a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'a> {
    /// 40.10.
    Declare(Declare<'a>),
    /// 40.20.
    Delete(Delete<'a>),
    /// 40.30.
    Bind(Bind<'a>),
    /// 40.40.
    Unbind(Bind<'a>),
}

/// 40.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Declare<'a> {
    pub exchange: &'a str,
    pub exchange_type: &'a str,
    pub passive: bool,
    pub durable: bool,
    pub auto_delete: bool,
    pub internal: bool,
    pub no_wait: bool,
    pub arguments: FieldTable<'a>,
}

/// 40.20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Delete<'a> {
    pub exchange: &'a str,
    pub if_unused: bool,
    pub no_wait: bool,
}

/// 40.30 and 40.40.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are RabbitMQ's")]
pub struct Bind<'a> {
    pub destination: &'a str,
    pub source: &'a str,
    pub routing_key: &'a str,
    pub no_wait: bool,
    pub arguments: FieldTable<'a>,
}

impl<'a> Method<'a> {
    pub(super) fn read(id: MethodId, reader: &mut Reader<'a>) -> Result<Self, Violation> {
        match id.method_id {
            10 => Declare::read(reader).map(Self::Declare),
            20 => Delete::read(reader).map(Self::Delete),
            30 => Bind::read(reader).map(Self::Bind),
            40 => Bind::read(reader).map(Self::Unbind),
            11 | 21 | 31 | 51 => Err(Violation::ServerOnlyMethod(id)),
            _ => Err(Violation::UnknownMethod(id)),
        }
    }
}

impl<'a> Declare<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        reader.u16()?; // reserved-1, the ticket of 0-8
        let exchange = reader.short_string()?;
        let exchange_type = reader.short_string()?;
        let bits = reader.bits()?;
        Ok(Self {
            exchange,
            exchange_type,
            passive: bits.bit(0),
            durable: bits.bit(1),
            auto_delete: bits.bit(2),
            internal: bits.bit(3),
            no_wait: bits.bit(4),
            arguments: reader.table()?,
        })
    }
}

impl<'a> Delete<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        reader.u16()?; // reserved-1
        let exchange = reader.short_string()?;
        let bits = reader.bits()?;
        Ok(Self { exchange, if_unused: bits.bit(0), no_wait: bits.bit(1) })
    }
}

impl<'a> Bind<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        reader.u16()?; // reserved-1
        let destination = reader.short_string()?;
        let source = reader.short_string()?;
        let routing_key = reader.short_string()?;
        let no_wait = reader.bits()?.bit(0);
        Ok(Self { destination, source, routing_key, no_wait, arguments: reader.table()? })
    }
}

bare_reply!(
    /// 40.11.
    DeclareOk = 40, 11
);
bare_reply!(
    /// 40.21.
    DeleteOk = 40, 21
);
bare_reply!(
    /// 40.31.
    BindOk = 40, 31
);
bare_reply!(
    /// 40.51, not 41.
    UnbindOk = 40, 51
);
