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
