//! What is asked of a broker and what counts as right: values and pure functions, no socket, no clock.
//!
//! `scenario` (a YAML file as written) is lowered to a `plan` (executable data, one per protocol version);
//! running a plan elsewhere leaves a `trace` (what happened); `check`s are pure functions of a trace;
//! a `verdict` combines what they found with the statements that were at stake.

pub mod check;
mod decimal;
pub mod explore;
pub mod mutant;
pub mod plan;
pub mod scenario;
pub mod statement;
pub mod trace;
pub mod verdict;
