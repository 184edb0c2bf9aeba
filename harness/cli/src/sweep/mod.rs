//! A sweep: the same scenarios under many seeds, in chunks that can be divided, interrupted and added up.
//!
//! [`extent`] says which runs there are and which of them are this shard's; [`tally`] adds up what came of
//! them, in any order; [`journal`] keeps the finished chunks on disk; [`report`] is what is told at the end, and
//! adds shards up.

pub mod extent;
pub mod journal;
pub mod report;
pub mod tally;

pub use extent::Extent;
pub use journal::Journal;
pub use report::{Subject, SweepReport};
pub use tally::{SweepFailure, Tally};
