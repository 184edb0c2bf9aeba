//! What the fuzzers assert: one function of bytes for each target, which panics where a promise is broken.
//!
//! libFuzzer calls them with what it invents, `harness/cli/tests/fuzz_regressions.rs` with the corpus and with
//! every find of the past. Nothing here is nightly.

mod agree;
mod decode;
mod difference;
#[cfg(feature = "conformance")]
mod judge;
mod known;
mod log;

pub use decode::{baseline, decode_amqp, decode_mqtt, replay_decode_amqp, replay_decode_mqtt};
pub use difference::{differential_amqp, differential_mqtt, differential_mqtt5};
#[cfg(feature = "conformance")]
pub use judge::{checks, scenario_load};
pub use log::log;
pub use mqspec_fuzz_script::{broker_amqp, broker_mqtt};

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the binary in `fuzz_targets/`, and of the folders in `corpus/` and `regressions/`.
    pub name: &'static str,
    /// What it does with an input that is replayed: at least what the fuzzer does with it.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "decode_mqtt", run: replay_decode_mqtt },
    Target { name: "decode_amqp", run: replay_decode_amqp },
    Target { name: "differential_mqtt", run: differential_mqtt },
    Target { name: "differential_mqtt5", run: differential_mqtt5 },
    Target { name: "differential_amqp", run: differential_amqp },
    Target { name: "broker_mqtt", run: broker_mqtt },
    Target { name: "broker_amqp", run: broker_amqp },
    Target { name: "log", run: log },
    #[cfg(feature = "conformance")]
    Target { name: "scenario_load", run: scenario_load },
    #[cfg(feature = "conformance")]
    Target { name: "checks", run: checks },
];
