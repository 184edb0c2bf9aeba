//! Properties of decoders, for fuzzers and property tests: of this one, and of anybody's.
//!
//! [`check_decoder`] holds a decoder of yours against this crate's, which notes everything that breaks a rule
//! of the standard. Give it any bytes; it panics with the bytes, both answers and the section that decides.
//! [`check_lenient`] holds this crate's decoder to its own promises.
//!
//! The differential fuzz target of a codec is ten lines:
//!
//! ```
//! use bytes::BytesMut;
//! use mqspec_wire::fuzz::{Known, Reading, check_decoder};
//! use mqspec_wire::{Side, Spec};
//!
//! fn decode(bytes: &[u8]) -> Reading {
//!     let mut stream = BytesMut::from(bytes);
//!     match mqttbytes::v4::read(&mut stream, 1 << 20) {
//!         Ok(_) => Reading::packet(bytes.len() - stream.len()),
//!         Err(mqttbytes::Error::InsufficientBytes(_)) => Reading::Incomplete,
//!         Err(_) => Reading::Refused,
//!     }
//! }
//! // DUP at QoS 0 (MQTT-3.3.1-2) is one of the rules that this decoder leaves to its caller.
//! let known = [Known::lax("mqtt-3.1.1/MQTT-3.3.1-2", "left to the session")];
//! check_decoder(Spec::Mqtt311, Side::Client, &known, b"\x38\x03\x00\x01t\xc0\x00", decode);
//! ```
//!
//! For AMQP frames it is the same, with `amq_protocol::frame::parse_frame`:
//!
//! ```
//! use mqspec_wire::fuzz::{Reading, check_decoder};
//! use mqspec_wire::{Side, Spec};
//!
//! fn decode(bytes: &[u8]) -> Reading {
//!     match amq_protocol::frame::parse_frame(bytes) {
//!         Ok((rest, _)) => Reading::packet(bytes.len() - rest.len()),
//!         Err(error) if error.is_incomplete() => Reading::Incomplete,
//!         Err(_) => Reading::Refused,
//!     }
//! }
//! let heartbeat = b"\x08\0\0\0\0\0\0\xce";
//! check_decoder(Spec::Amqp091, Side::Server, &[], heartbeat, decode);
//! ```

mod difference;
mod lenient;
mod written;

pub use difference::{Difference, Known, Reading, check_decoder};
pub use lenient::{Whole, check_lenient, check_split, check_whole, check_written_again, draft_of, is_lost};
pub use written::{check_malformed, check_messages};

use std::fmt::Write as _;

/// Bytes as hexadecimal digits, all of them: a finding must be complete to be repeated.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all that is written to it");
        text
    })
}
