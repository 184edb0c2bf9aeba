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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_fill_an_octet_from_the_low_bit() {
        let octets = b"\x00\x32\x00\x0a\x00\x00\x01q\x12\x00\x00\x00\x00"; // durable 2, no-wait 16
        let Ok(Method::Queue(queue::Method::Declare(declare))) = Method::decode(octets) else {
            panic!("a queue.declare");
        };
        assert_eq!(declare.queue, "q");
        assert!(declare.durable && declare.no_wait);
        assert!(!declare.passive && !declare.exclusive && !declare.auto_delete);
    }

    #[test]
    fn two_bits_share_one_octet() {
        let octets = b"\x00\x3c\x00\x78\x00\x00\x00\x00\x00\x00\x00\x07\x02"; // requeue only
        let nack = basic::Refuse { delivery_tag: 7, multiple: false, requeue: true };
        assert_eq!(Method::decode(octets), Ok(Method::Basic(basic::Method::Nack(nack))));
    }

    #[test]
    fn every_proper_prefix_and_every_surplus_is_refused() {
        let publish = b"\x00\x3c\x00\x28\x00\x00\x01x\x03key\x01";
        let expected =
            basic::Publish { exchange: "x", routing_key: "key", mandatory: true, immediate: false };
        assert_eq!(Method::decode(publish), Ok(Method::Basic(basic::Method::Publish(expected))));
        for end in 0..publish.len() {
            let prefix = publish.get(..end).expect("end lies inside");
            assert_eq!(Method::decode(prefix), Err(Violation::Arguments), "{end} octets");
        }
        let surplus = [publish.as_slice(), b"\x00"].concat();
        assert_eq!(Method::decode(&surplus), Err(Violation::Arguments));
    }

    #[test]
    fn unknown_and_server_only_methods_are_told_apart() {
        for id in [MethodId::new(50, 12), MethodId::new(11, 10), MethodId::new(0, 0), MethodId::new(90, 40)] {
            let octets = [id.class_id.to_be_bytes(), id.method_id.to_be_bytes()].concat();
            assert_eq!(Method::decode(&octets), Err(Violation::UnknownMethod(id)));
        }
        for id in [MethodId::new(10, 30), MethodId::new(40, 51), MethodId::new(60, 71), MethodId::new(85, 11)]
        {
            let octets = [id.class_id.to_be_bytes(), id.method_id.to_be_bytes()].concat();
            assert_eq!(Method::decode(&octets), Err(Violation::ServerOnlyMethod(id)));
        }
    }
}
