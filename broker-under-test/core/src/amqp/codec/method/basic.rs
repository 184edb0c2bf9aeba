//! Class 60, Basic: what a client sends. What the server sends is in `reply`.

pub(crate) mod reply;

use super::MethodId;
use crate::amqp::Violation;
use crate::amqp::codec::{FieldTable, Reader};

/// What a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'a> {
    /// 60.10.
    Qos(Qos),
    /// 60.20.
    Consume(Consume<'a>),
    /// 60.30.
    Cancel(Cancel<'a>),
    /// 60.31: an answer to the server's own cancel, which wants none.
    CancelOk,
    /// 60.40.
    Publish(Publish<'a>),
    /// 60.70.
    Get(Get<'a>),
    /// 60.80.
    Ack(Settle),
    /// 60.90.
    Reject(Refuse),
    /// 60.100.
    RecoverAsync {
        /// Whether anybody may get the messages.
        requeue: bool,
    },
    /// 60.110.
    Recover {
        /// Whether anybody may get the messages.
        requeue: bool,
    },
    /// 60.120, of RabbitMQ.
    Nack(Refuse),
}

/// 60.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Qos {
    pub prefetch_size: u32,
    pub prefetch_count: u16,
    pub global: bool,
}

/// 60.20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Consume<'a> {
    pub queue: &'a str,
    pub consumer_tag: &'a str,
    pub no_local: bool,
    pub no_ack: bool,
    pub exclusive: bool,
    pub no_wait: bool,
    pub arguments: FieldTable<'a>,
}

/// 60.30.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Cancel<'a> {
    pub consumer_tag: &'a str,
    pub no_wait: bool,
}

/// 60.40.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Publish<'a> {
    pub exchange: &'a str,
    pub routing_key: &'a str,
    pub mandatory: bool,
    pub immediate: bool,
}

/// 60.70.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Get<'a> {
    pub queue: &'a str,
    pub no_ack: bool,
}

/// 60.80.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Settle {
    pub delivery_tag: u64,
    pub multiple: bool,
}

/// 60.90 (never multiple) and 60.120.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the standard's")]
pub struct Refuse {
    pub delivery_tag: u64,
    pub multiple: bool,
    pub requeue: bool,
}

impl<'a> Method<'a> {
    pub(super) fn read(id: MethodId, reader: &mut Reader<'a>) -> Result<Self, Violation> {
        Ok(match id.method_id {
            10 => Self::Qos(Qos {
                prefetch_size: reader.u32()?,
                prefetch_count: reader.u16()?,
                global: reader.bits()?.bit(0),
            }),
            20 => Self::Consume(Consume::read(reader)?),
            30 => {
                Self::Cancel(Cancel { consumer_tag: reader.short_string()?, no_wait: reader.bits()?.bit(0) })
            }
            31 => {
                reader.short_string()?; // consumer-tag
                Self::CancelOk
            }
            40 => Self::Publish(Publish::read(reader)?),
            70 => {
                reader.u16()?; // reserved-1
                Self::Get(Get { queue: reader.short_string()?, no_ack: reader.bits()?.bit(0) })
            }
            80 => {
                let delivery_tag = reader.u64()?;
                Self::Ack(Settle { delivery_tag, multiple: reader.bits()?.bit(0) })
            }
            90 => {
                let delivery_tag = reader.u64()?;
                Self::Reject(Refuse { delivery_tag, multiple: false, requeue: reader.bits()?.bit(0) })
            }
            100 => Self::RecoverAsync { requeue: reader.bits()?.bit(0) },
            110 => Self::Recover { requeue: reader.bits()?.bit(0) },
            120 => {
                let delivery_tag = reader.u64()?;
                let bits = reader.bits()?;
                Self::Nack(Refuse { delivery_tag, multiple: bits.bit(0), requeue: bits.bit(1) })
            }
            11 | 21 | 50 | 60 | 71 | 72 | 111 => return Err(Violation::ServerOnlyMethod(id)),
            _ => return Err(Violation::UnknownMethod(id)),
        })
    }
}

impl<'a> Consume<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        reader.u16()?; // reserved-1
        let queue = reader.short_string()?;
        let consumer_tag = reader.short_string()?;
        let bits = reader.bits()?;
        Ok(Self {
            queue,
            consumer_tag,
            no_local: bits.bit(0),
            no_ack: bits.bit(1),
            exclusive: bits.bit(2),
            no_wait: bits.bit(3),
            arguments: reader.table()?,
        })
    }
}

impl<'a> Publish<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        reader.u16()?; // reserved-1
        let exchange = reader.short_string()?;
        let routing_key = reader.short_string()?;
        let bits = reader.bits()?;
        Ok(Self { exchange, routing_key, mandatory: bits.bit(0), immediate: bits.bit(1) })
    }
}
