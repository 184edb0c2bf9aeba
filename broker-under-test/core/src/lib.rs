//! The reference broker: MQTT 3.1.1, MQTT 5.0 and AMQP 0-9-1 as state machines.
//!
//! Everything goes through one door, [`Broker::handle`]: time, bytes and disconnects in, bytes to send and
//! connections to close out. No socket, clock, thread or async in here, so that the simulator, the TCP
//! server, the fuzzers and the property tests all drive the very same code.

pub mod amqp;
pub mod broker;
pub mod durable;
pub mod effect;
pub mod fuzz;
pub mod mqtt;

pub use broker::{Broker, Config};
pub use effect::{ConnectionId, Effect, Effects, Input, Now, Protocol};
