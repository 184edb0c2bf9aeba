//! Bytes ⇄ packets as a tester sees them: reads anything, writes anything.
//!
//! Both protocols are described by tables (`layout.rs`); one decoder and one encoder per protocol walk
//! them. The decoder is lenient: it never refuses, it notes what is odd, each oddity with the bytes and
//! the statement that it breaks. The encoder writes what it is told, also what the standards forbid.
//! Nothing here knows the reference broker or shares code with its codec (ARCHITECTURE.md says why).

pub mod amqp;
pub mod codec;
pub mod fuzz;
mod incoming;
pub mod message;
pub mod mqtt;
pub mod packet;
pub mod shape;
pub mod spec;
pub mod value;

pub use codec::{Decoder, EncodeError, Encoder, encode, malformations, shape, shapes};
pub use message::Message;
pub use packet::{Draft, Field, Name, Oddity, Packet, Span};
pub use shape::{FieldShape, PacketShape, Senders, Shape};
pub use spec::{Side, Spec};
pub use value::Value;
