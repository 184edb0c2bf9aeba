//! The AMQP codec against octets worked out by hand from the standard, against properties, and against
//! another author's codec.

mod assembler;
mod good;
mod methods;
mod oddities;
mod support;
