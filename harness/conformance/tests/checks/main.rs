//! The checks against traces written by hand: guilty ones that they convict, innocent ones that they acquit.

mod amqp_conversation;
mod amqp_guarantees;
mod amqp_lifetimes;
mod citations;
mod disorder;
mod mqtt_conversation;
mod mqtt_guarantees;
mod mqtt_in_time;
mod nonsense;
mod restarts;
mod session;
mod story;
