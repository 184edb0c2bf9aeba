//! The tester's codec for AMQP 0-9-1 with RabbitMQ's extensions.
//!
//! `layout.rs` describes every method and property; the decoder and the encoder walk it. A packet is one
//! frame, or the protocol header; [`Assembler`] makes messages of methods and their content. Every frame
//! has a field `channel`. Bytes are never refused: what a strict reader would object to is an
//! [`Oddity`](crate::Oddity) with its statement, from the catalogues or from `unnumbered.tsv` beside this
//! file, which holds the rules that have no id of their own there.
//!
//! # Field tables
//!
//! The standard's list of value tags (§4.2.1) is not what brokers speak. This codec reads and writes
//! RabbitMQ's dialect, the same as Qpid's (`RMQ-table-types`):
//!
//! | tag | value | here |
//! |---|---|---|
//! | `t` | boolean, one octet | `Bool` |
//! | `b` `B` | 8 bits, signed, unsigned | `Integer` |
//! | `s` `u` | 16 bits, signed, unsigned (`s` is a short string in the standard) | `Integer` |
//! | `I` `i` | 32 bits, signed, unsigned | `Integer` |
//! | `l` | 64 bits, signed (unsigned in the standard) | `Integer` |
//! | `f` `d` | IEEE 754, 32 and 64 bits | `Float` |
//! | `D` | decimal: scale octet, signed 32 bits | `List` of the two integers |
//! | `S` `x` | long string, byte array | `Bytes` |
//! | `A` | array | `List` |
//! | `T` | POSIX seconds, 64 bits | `Integer` |
//! | `F` | table | `Map` |
//! | `V` | no value | `Void` |
//!
//! `U` (16 bits, signed) and `L` (64 bits, signed) of the standard are read, and noted as outside the
//! dialect. Field names may hold `-` and `.` besides what §4.2.5.5 allows, as RabbitMQ's own do.
//! Decoded entries are always [`Value::Tagged`](crate::Value::Tagged). In a draft a value without a tag
//! gets `S`, `I` (or `l` beyond 32 bits), `t`, `d`, `F`, `A` or `V`. Tables and arrays are read 64 deep;
//! beyond that a container's contents stay bytes, which the encoder accepts in a container's place.

mod assemble;
mod checked;
mod cursor;
mod decode;
mod encode;
mod fields;
mod layout;
mod rules;
mod shapes;
mod statement;
mod table;
mod write;

pub use assemble::Assembler;
pub use decode::Decoder;
pub use encode::encode;
pub use shapes::{malformations, shapes};

/// The statements that have no id in the catalogues, a line each: full id, section, level, actor, observe,
/// summary, notes, separated by tabs; the first line names the columns.
pub const UNNUMBERED: &str = include_str!("unnumbered.tsv");

#[cfg(test)]
mod tests;
