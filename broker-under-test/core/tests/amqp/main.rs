//! The AMQP half of the broker, driven by octets through the one door.

mod client;
mod crash;
mod tell;

mod channels;
mod confirms;
mod consumers;
mod crash_model;
mod crashes;
mod dead_letters;
mod durable;
mod durable_messages;
mod entities;
mod frames;
mod handshake;
mod heartbeats;
mod hostile;
mod limits;
mod messages;
mod prefetch;
mod reply_to;
mod routing;
mod settling;
mod storage;
mod transactions;
