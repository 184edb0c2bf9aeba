//! The tester's codec for MQTT 3.1.1 and 5.0.
//!
//! `layout.rs`, `property.rs` and `reason.rs` are tables of what stands in each packet; `decode.rs` and
//! `encode.rs` walk them. `rule.rs` says which statement each breach breaks. Fields have the same names in
//! both versions where they are the same thing (`clean_start` is 3.1.1's clean session too, `reason_code`
//! its return code); properties are fields, named as in the standard with underscores, those of the will
//! behind `will_`.
//!
//! ```
//! use mqspec_wire::{Decoder, Side, Spec};
//!
//! let mut decoder = Decoder::new(Spec::Mqtt50, Side::Server);
//! decoder.push(&[0xE0, 0x01, 0x8E]);
//! let disconnect = decoder.next_packet().expect("three bytes are a whole DISCONNECT");
//! assert_eq!(disconnect.integer("reason_code"), Some(0x8E));
//! assert_eq!(disconnect.fields[0].label, Some("session_taken_over"));
//! ```

mod decode;
mod encode;
mod frame;
mod layout;
mod property;
mod reason;
mod rule;
mod shapes;
mod text;
mod varint;

pub use encode::encode;
pub(crate) use encode::encode_on;
pub use encode::malformation::malformations;
pub use frame::Decoder;
pub use shapes::shapes;

/// The statements of both versions that have no label of their own, a line each: full id, section, level,
/// actor, observe, summary, notes, separated by tabs; the first line names the columns.
pub const UNNUMBERED: &str = include_str!("unnumbered.tsv");
