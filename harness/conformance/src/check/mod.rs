//! Guarantees as pure functions of a trace, one file each.
//!
//! `packets` is always on: it judges every packet that a broker sends, in every plan.

pub mod packets;

use crate::trace::Trace;
use crate::verdict::Finding;

/// Runs every check that needs no parameters.
pub fn always_on(trace: &Trace) -> Vec<Finding> {
    packets::check(trace)
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
