//! What the fuzzers assert: one function of bytes for each target, which panics where a promise is broken.
//!
//! libFuzzer calls them with what it invents, `harness/cli/tests/fuzz_regressions.rs` with the corpus and with
//! every find of the past. Nothing here is nightly.

mod agree;
mod broker;
mod decode;
mod difference;
mod judge;
mod known;
mod script;

pub use broker::{broker_amqp, broker_mqtt};
pub use decode::{decode_amqp, decode_mqtt};
pub use difference::{differential_amqp, differential_mqtt};
pub use judge::{checks, scenario_load};

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the binary in `fuzz_targets/`, and of the folders in `corpus/` and `regressions/`.
    pub name: &'static str,
    /// What it does with its input.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "decode_mqtt", run: decode_mqtt },
    Target { name: "decode_amqp", run: decode_amqp },
    Target { name: "differential_mqtt", run: differential_mqtt },
    Target { name: "differential_amqp", run: differential_amqp },
    Target { name: "broker_mqtt", run: broker_mqtt },
    Target { name: "broker_amqp", run: broker_amqp },
    Target { name: "scenario_load", run: scenario_load },
    Target { name: "checks", run: checks },
];
