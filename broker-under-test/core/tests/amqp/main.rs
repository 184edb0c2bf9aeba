//! The AMQP half of the broker, driven by octets through the one door.

mod client;
mod messages;
mod tell;
