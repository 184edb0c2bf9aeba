//! Guarantees as pure functions of a trace, one file each.
//!
//! The always-on checks judge every packet that a broker sends, in every plan: `packets` each by itself,
//! the conversations in their order. They cannot be switched off, so they stay silent wherever the trace
//! does not prove a fault: after something malformed from the tester, about a session or a queue that is
//! older than the trace, or about an operation whose answer was never seen (indeterminate).

mod guarantee;
mod judge;
pub mod mqtt_conversation;
mod mqtt_packet;
pub mod packets;
mod topic;

pub use guarantee::{Guarantee, Parameter, guarantee, guarantees, run};

use crate::trace::Trace;
use crate::verdict::Finding;

/// Runs every check that needs no parameters.
pub fn always_on(trace: &Trace) -> Vec<Finding> {
    let mut findings = packets::check(trace);
    findings.extend(mqtt_conversation::check(trace));
    findings
}

/// A guarantee that a scenario's `check` step can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarantee {
    /// Its name.
    pub name: &'static str,
    /// The names of its parameters.
    pub parameters: &'static [&'static str],
    /// What it demands, in one sentence.
    pub gist: &'static str,
}

/// Every guarantee that [`run`] knows.
pub const GUARANTEES: &[Guarantee] = &[];

/// Judges a trace by one of the guarantees that a scenario's `check` step can name.
///
/// # Errors
///
/// There is no guarantee of that name, or it has no such parameter.
pub fn run(
    guarantee: &str,
    _parameters: &[(String, mqspec_wire::Value)],
    _trace: &Trace,
) -> Result<Vec<Finding>, String> {
    Err(format!("there is no guarantee `{guarantee}`"))
}
