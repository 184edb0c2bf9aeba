//! What the fuzzers assert: one function of bytes for each target, which panics where a promise is broken.
//!
//! libFuzzer calls them with what it invents, `harness/cli/tests/fuzz_regressions.rs` with the corpus and with
//! every find of the past. Nothing here is nightly.

mod agree;
mod decode;
mod known;

pub use decode::{decode_amqp, decode_mqtt};

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the binary in `fuzz_targets/`, and of the folders in `corpus/` and `regressions/`.
    pub name: &'static str,
    /// What it does with its input.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] =
    &[Target { name: "decode_mqtt", run: decode_mqtt }, Target { name: "decode_amqp", run: decode_amqp }];
