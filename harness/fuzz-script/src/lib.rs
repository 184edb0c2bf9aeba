//! What a fuzzer's bytes mean.
//!
//! The fuzz targets (`fuzz/properties`) take each input for a script: clients that connect, packets, noise, cuts, time,
//! crashes. It is played here through the broker's one door, with what must hold asserted on the way. It lives beside
//! the harness, not in `fuzz/`, so that the command line can play a find as well and write down what was done in it,
//! without a libFuzzer or anybody else's codec in sight.

mod broker;
mod choices;
mod recording;
mod stream;

pub use broker::{broker_amqp, broker_mqtt, settings};
pub use choices::Choices;
pub use recording::{Act, NoScript, Recording, Speaker, TARGETS, record};
pub use stream::{sender, version};
