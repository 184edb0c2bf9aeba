//! Guarantees as pure functions of a trace, one file each.
//!
//! The always-on checks judge every packet that a broker sends, in every plan: `packets` each by itself,
//! the conversations in their order. They cannot be switched off, so they stay silent wherever the trace
//! does not prove a fault: after something malformed from the tester, about a session or a queue that is
//! older than the trace, or about an operation whose answer was never seen (indeterminate).

pub mod amqp_conversation;
mod amqp_history;
mod amqp_packet;
mod amqp_topology;
mod confirmed;
mod dead_letter;
mod delivery;
mod entities;
mod expiry;
mod fifo;
mod guarantee;
mod judge;
pub mod mqtt_conversation;
mod mqtt_history;
mod mqtt_packet;
mod order;
pub mod owed;
pub mod packets;
mod redelivery;
mod retained;
mod routing;
mod session;
mod topic;
mod will;

pub use guarantee::{GUARANTEES, Guarantee, guarantee, run};

use crate::trace::Trace;
use crate::verdict::Finding;

/// Runs every check that needs no parameters.
pub fn always_on(trace: &Trace) -> Vec<Finding> {
    let mut findings = packets::check(trace);
    findings.extend(mqtt_conversation::check(trace));
    findings.extend(amqp_conversation::check(trace));
    findings
}
