//! Class 50, Queue.

use super::{MethodId, bare_reply};
use crate::amqp::Violation;
use crate::amqp::codec::{FieldTable, Reader, Reply, Writer};

/// What a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'a> {
    /// 50.10.
    Declare(Declare<'a>),
    /// 50.20.
    Bind(Bind<'a>),
    /// 50.30.
    Purge(Purge<'a>),
    /// 50.40.
    Delete(Delete<'a>),
    /// 50.50, which has no no-wait.
    Unbind(Bind<'a>),
}

/// 50.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Declare<'a> {
    pub queue: &'a str,
    pub passive: bool,
    pub durable: bool,
    pub exclusive: bool,
    pub auto_delete: bool,
    pub no_wait: bool,
    pub arguments: FieldTable<'a>,
}

/// 50.20 and 50.50.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Bind<'a> {
    pub queue: &'a str,
    pub exchange: &'a str,
    pub routing_key: &'a str,
    pub no_wait: bool,
    pub arguments: FieldTable<'a>,
}

/// 50.30.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Purge<'a> {
    pub queue: &'a str,
    pub no_wait: bool,
}

/// 50.40.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Delete<'a> {
    pub queue: &'a str,
    pub if_unused: bool,
    pub if_empty: bool,
    pub no_wait: bool,
}

impl<'a> Method<'a> {
    pub(super) fn read(id: MethodId, reader: &mut Reader<'a>) -> Result<Self, Violation> {
        match id.method_id {
            10 => Declare::read(reader).map(Self::Declare),
            20 => Bind::read(reader, true).map(Self::Bind),
            30 => Purge::read(reader).map(Self::Purge),
            40 => Delete::read(reader).map(Self::Delete),
            50 => Bind::read(reader, false).map(Self::Unbind),
            11 | 21 | 31 | 41 | 51 => Err(Violation::ServerOnlyMethod(id)),
            _ => Err(Violation::UnknownMethod(id)),
        }
    }
}

impl<'a> Declare<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        reader.u16()?; // reserved-1
        let queue = reader.short_string()?;
        let bits = reader.bits()?;
        Ok(Self {
            queue,
            passive: bits.bit(0),
            durable: bits.bit(1),
            exclusive: bits.bit(2),
            auto_delete: bits.bit(3),
            no_wait: bits.bit(4),
            arguments: reader.table()?,
        })
    }
}

impl<'a> Bind<'a> {
    fn read(reader: &mut Reader<'a>, has_no_wait: bool) -> Result<Self, Violation> {
        reader.u16()?; // reserved-1
        let queue = reader.short_string()?;
        let exchange = reader.short_string()?;
        let routing_key = reader.short_string()?;
        let no_wait = has_no_wait && reader.bits()?.bit(0);
        Ok(Self { queue, exchange, routing_key, no_wait, arguments: reader.table()? })
    }
}

impl<'a> Purge<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        reader.u16()?; // reserved-1
        Ok(Self { queue: reader.short_string()?, no_wait: reader.bits()?.bit(0) })
    }
}

impl<'a> Delete<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        reader.u16()?; // reserved-1
        let queue = reader.short_string()?;
        let bits = reader.bits()?;
        Ok(Self { queue, if_unused: bits.bit(0), if_empty: bits.bit(1), no_wait: bits.bit(2) })
    }
}

/// 50.11.
#[derive(Debug)]
pub(crate) struct DeclareOk<'a> {
    pub(crate) queue: &'a str,
    pub(crate) message_count: u32,
    pub(crate) consumer_count: u32,
}

impl Reply for DeclareOk<'_> {
    const ID: MethodId = MethodId::new(50, 11);

    fn write(&self, writer: &mut Writer) {
        writer.short_string(self.queue.as_bytes());
        writer.u32(self.message_count);
        writer.u32(self.consumer_count);
    }
}

/// 50.31.
#[derive(Debug)]
pub(crate) struct PurgeOk {
    pub(crate) message_count: u32,
}

impl Reply for PurgeOk {
    const ID: MethodId = MethodId::new(50, 31);

    fn write(&self, writer: &mut Writer) {
        writer.u32(self.message_count);
    }
}

/// 50.41.
#[derive(Debug)]
pub(crate) struct DeleteOk {
    pub(crate) message_count: u32,
}

impl Reply for DeleteOk {
    const ID: MethodId = MethodId::new(50, 41);

    fn write(&self, writer: &mut Writer) {
        writer.u32(self.message_count);
    }
}

bare_reply!(
    /// 50.21.
    BindOk = 50, 21
);
bare_reply!(
    /// 50.51.
    UnbindOk = 50, 51
);
