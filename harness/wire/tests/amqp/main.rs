//! The AMQP codec against octets worked out by hand from the standard, against properties, and against
//! another author's codec.

mod assembler;
mod drafts;
mod good;
mod malformed;
mod methods;
mod oddities;
mod properties;
mod recorded;
mod second_opinion;
mod support;
