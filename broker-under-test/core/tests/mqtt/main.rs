//! The MQTT half of the broker, driven through its one door by bytes written by hand.

mod client;
mod codec;
mod connect;
mod journeys;
mod retained;
mod session;
mod subscribe;
mod will;
