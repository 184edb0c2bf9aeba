//! Class 60, Basic: what the server sends.

use crate::amqp::codec::method::{MethodId, bare_reply};
use crate::amqp::codec::{Reply, Writer};

bare_reply!(
    /// 60.11.
    QosOk = 60, 11
);
bare_reply!(
    /// 60.111.
    RecoverOk = 60, 111
);

/// 60.21.
#[derive(Debug)]
pub(crate) struct ConsumeOk<'a> {
    pub(crate) consumer_tag: &'a str,
}

impl Reply for ConsumeOk<'_> {
    const ID: MethodId = MethodId::new(60, 21);

    fn write(&self, writer: &mut Writer) {
        writer.short_string(self.consumer_tag.as_bytes());
    }
}

/// 60.30, of RabbitMQ: the consumer is gone, no answer wanted.
#[derive(Debug)]
pub(crate) struct Cancel<'a> {
    pub(crate) consumer_tag: &'a str,
}

impl Reply for Cancel<'_> {
    const ID: MethodId = MethodId::new(60, 30);

    fn write(&self, writer: &mut Writer) {
        writer.short_string(self.consumer_tag.as_bytes());
        writer.u8(1); // no-wait
    }
}

/// 60.31.
#[derive(Debug)]
pub(crate) struct CancelOk<'a> {
    pub(crate) consumer_tag: &'a str,
}

impl Reply for CancelOk<'_> {
    const ID: MethodId = MethodId::new(60, 31);

    fn write(&self, writer: &mut Writer) {
        writer.short_string(self.consumer_tag.as_bytes());
    }
}

/// 60.50, always with 312: the code that the standard's own list lacks.
#[derive(Debug)]
pub(crate) struct ReturnNoRoute<'a> {
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
}

impl Reply for ReturnNoRoute<'_> {
    const ID: MethodId = MethodId::new(60, 50);

    fn write(&self, writer: &mut Writer) {
        writer.u16(312);
        writer.short_string(b"NO_ROUTE");
        writer.short_string(self.exchange.as_bytes());
        writer.short_string(self.routing_key.as_bytes());
    }
}

/// 60.60.
#[derive(Debug)]
pub(crate) struct Deliver<'a> {
    pub(crate) consumer_tag: &'a str,
    pub(crate) delivery_tag: u64,
    pub(crate) redelivered: bool,
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
}

impl Reply for Deliver<'_> {
    const ID: MethodId = MethodId::new(60, 60);

    fn write(&self, writer: &mut Writer) {
        writer.short_string(self.consumer_tag.as_bytes());
        writer.u64(self.delivery_tag);
        writer.u8(u8::from(self.redelivered));
        writer.short_string(self.exchange.as_bytes());
        writer.short_string(self.routing_key.as_bytes());
    }
}

/// 60.71.
#[derive(Debug)]
pub(crate) struct GetOk<'a> {
    pub(crate) delivery_tag: u64,
    pub(crate) redelivered: bool,
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
    pub(crate) message_count: u32,
}

impl Reply for GetOk<'_> {
    const ID: MethodId = MethodId::new(60, 71);

    fn write(&self, writer: &mut Writer) {
        writer.u64(self.delivery_tag);
        writer.u8(u8::from(self.redelivered));
        writer.short_string(self.exchange.as_bytes());
        writer.short_string(self.routing_key.as_bytes());
        writer.u32(self.message_count);
    }
}

/// 60.72.
#[derive(Debug)]
pub(crate) struct GetEmpty;

impl Reply for GetEmpty {
    const ID: MethodId = MethodId::new(60, 72);

    fn write(&self, writer: &mut Writer) {
        writer.short_string(b""); // reserved-1
    }
}

/// 60.80: a publish was taken.
#[derive(Debug)]
pub(crate) struct Ack {
    pub(crate) delivery_tag: u64,
}

impl Reply for Ack {
    const ID: MethodId = MethodId::new(60, 80);

    fn write(&self, writer: &mut Writer) {
        writer.u64(self.delivery_tag);
        writer.u8(0);
    }
}

/// 60.120: a publish was refused.
#[derive(Debug)]
pub(crate) struct Nack {
    pub(crate) delivery_tag: u64,
}

impl Reply for Nack {
    const ID: MethodId = MethodId::new(60, 120);

    fn write(&self, writer: &mut Writer) {
        writer.u64(self.delivery_tag);
        writer.u8(0);
    }
}
