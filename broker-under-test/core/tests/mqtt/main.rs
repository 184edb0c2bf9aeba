//! The MQTT half of the broker, driven through its one door by bytes written by hand.

mod auth;
mod client;
mod codec;
mod connect;
mod crashes;
mod durable;
mod dutiful;
mod hostile;
mod journeys;
mod limits;
mod mourned;
mod publish;
mod records;
mod retained;
mod session;
mod storage;
mod subscribe;
mod will;
