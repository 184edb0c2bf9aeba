//! The checks against traces written by hand: guilty ones that they convict, innocent ones that they acquit.

mod amqp_conversation;
mod citations;
mod mqtt_conversation;
mod nonsense;
mod story;
