//! Method payloads: class id, method id, a fixed list of arguments (§4.2.4); a file per class.

pub mod basic;
pub mod channel;
pub mod connection;
pub mod exchange;
pub mod queue;
pub mod transaction;

use super::Reader;
use crate::amqp::Violation;

/// The two numbers that name a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MethodId {
    /// Which class.
    pub class_id: u16,
    /// Which method of it.
    pub method_id: u16,
}

impl MethodId {
    /// `class_id`.`method_id`.
    pub const fn new(class_id: u16, method_id: u16) -> Self {
        Self { class_id, method_id }
    }
}

impl std::fmt::Display for MethodId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.class_id, self.method_id)
    }
}

/// A method that a client may send, by class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'a> {
    /// 10.
    Connection(connection::Method<'a>),
    /// 20.
    Channel(channel::Method<'a>),
    /// 30, of AMQP 0-8: access.request, answered and without effect.
    AccessRequest,
    /// 40.
    Exchange(exchange::Method<'a>),
    /// 50.
    Queue(queue::Method<'a>),
    /// 60.
    Basic(basic::Method<'a>),
    /// 85.
    ConfirmSelect {
        /// No reply wanted.
        no_wait: bool,
    },
    /// 90.
    Transaction(transaction::Method),
}

impl<'a> Method<'a> {
    /// The class and method ids at the start of a method payload.
    ///
    /// # Errors
    /// [`Violation::Arguments`] where there are fewer than four octets.
    pub fn id(payload: &[u8]) -> Result<MethodId, Violation> {
        let mut reader = Reader::new(payload);
        Ok(MethodId::new(reader.u16()?, reader.u16()?))
    }

    /// Reads a method payload.
    ///
    /// # Errors
    /// [`Violation::UnknownMethod`], [`Violation::ServerOnlyMethod`], or what is wrong with the arguments.
    pub fn decode(payload: &'a [u8]) -> Result<Self, Violation> {
        let mut reader = Reader::new(payload);
        let id = MethodId::new(reader.u16()?, reader.u16()?);
        let method = Self::read(id, &mut reader)?;
        reader.end()?;
        Ok(method)
    }

    fn read(id: MethodId, reader: &mut Reader<'a>) -> Result<Self, Violation> {
        match id.class_id {
            10 => connection::Method::read(id, reader).map(Self::Connection),
            20 => channel::Method::read(id, reader).map(Self::Channel),
            30 => match id.method_id {
                10 => {
                    reader.short_string()?; // realm
                    reader.bits()?;
                    Ok(Self::AccessRequest)
                }
                11 => Err(Violation::ServerOnlyMethod(id)),
                _ => Err(Violation::UnknownMethod(id)),
            },
            40 => exchange::Method::read(id, reader).map(Self::Exchange),
            50 => queue::Method::read(id, reader).map(Self::Queue),
            60 => basic::Method::read(id, reader).map(Self::Basic),
            85 => match id.method_id {
                10 => Ok(Self::ConfirmSelect { no_wait: reader.bits()?.bit(0) }),
                11 => Err(Violation::ServerOnlyMethod(id)),
                _ => Err(Violation::UnknownMethod(id)),
            },
            90 => transaction::Method::read(id).map(Self::Transaction),
            _ => Err(Violation::UnknownMethod(id)),
        }
    }
}

/// Declares a method of the server without arguments.
macro_rules! bare_reply {
    ($(#[$doc:meta])* $name:ident = $class:literal, $method:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl $crate::amqp::codec::Reply for $name {
            const ID: $crate::amqp::codec::MethodId = $crate::amqp::codec::MethodId::new($class, $method);

            fn write(&self, _writer: &mut $crate::amqp::codec::Writer) {}
        }
    };
}
pub(crate) use bare_reply;

/// 85.11.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConfirmSelectOk;

impl super::Reply for ConfirmSelectOk {
    const ID: MethodId = MethodId::new(85, 11);

    fn write(&self, _writer: &mut super::Writer) {}
}

/// 30.11, with the ticket that nobody looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AccessRequestOk;

impl super::Reply for AccessRequestOk {
    const ID: MethodId = MethodId::new(30, 11);

    fn write(&self, writer: &mut super::Writer) {
        writer.u16(1);
    }
}
