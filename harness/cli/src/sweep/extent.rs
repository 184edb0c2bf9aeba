//! Which runs a sweep has, and which of them belong to a shard.

use std::ops::Range;

use crate::seed::Seed;
use crate::shard::Shard;

/// How many runs are done, counted and written down together: what a killed sweep may have to do again.
pub const CHUNK: u64 = 100;

/// The runs of a sweep or of one shard of it: every scenario under the first seed, then under the next.
///
/// A shard takes every n-th of them, so that each gets some of every scenario and the shards end at about the
/// same time. Nothing is stored per run: a billion of them takes no memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    trials: u64,
    seeds: Range<u64>,
    shard: Option<Shard>,
}

/// One run of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Index into the selected trials.
    pub trial: usize,
    /// Its seed.
    pub seed: Seed,
}

impl Extent {
    /// So many trials, each under every seed; all of it, or a shard. [`Self::is_countable`] says whether that is
    /// more than can be numbered.
    pub fn new(trials: usize, seeds: Range<u64>, shard: Option<Shard>) -> Self {
        Self { trials: trials as u64, seeds, shard }
    }

    /// Whether all runs, those of other shards among them, have a number.
    pub fn is_countable(&self) -> bool {
        self.trials.checked_mul(self.seeds.end.saturating_sub(self.seeds.start)).is_some()
    }

    /// How many runs there are here.
    ///
    /// More than fit count as as many as fit; nobody will see the last of them.
    pub fn pieces(&self) -> u64 {
        let all = self.trials.saturating_mul(self.seeds.end.saturating_sub(self.seeds.start));
        let (index, of) = self.place();
        all.saturating_sub(index).div_ceil(of)
    }

    /// How many chunks they make; the last may be shorter than [`CHUNK`].
    pub fn chunks(&self) -> u64 {
        self.pieces().div_ceil(CHUNK)
    }

    /// How many runs a chunk has.
    pub fn length_of(&self, chunk: u64) -> u64 {
        self.pieces().saturating_sub(chunk.saturating_mul(CHUNK)).min(CHUNK)
    }

    /// The run with a number from 0 to [`Self::pieces`] - 1.
    pub fn piece(&self, number: u64) -> Option<Piece> {
        if number >= self.pieces() {
            return None;
        }
        let (index, of) = self.place();
        let overall = number.checked_mul(of)?.checked_add(index)?;
        let trial = usize::try_from(overall.checked_rem(self.trials)?).ok()?;
        let seed = Seed(self.seeds.start.checked_add(overall.checked_div(self.trials)?)?);
        Some(Piece { trial, seed })
    }

    /// This shard's index and how many shards there are.
    fn place(&self) -> (u64, u64) {
        self.shard.map_or((0, 1), |shard| (shard.index() as u64, shard.of() as u64))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn pieces(extent: &Extent) -> Vec<(u64, usize)> {
        (0..extent.pieces())
            .map(|number| extent.piece(number).expect("it is below the number of pieces"))
            .map(|piece| (piece.seed.0, piece.trial))
            .collect()
    }

    #[test]
    fn a_sweep_goes_seed_by_seed() {
        let extent = Extent::new(2, 5..7, None);
        assert_eq!(pieces(&extent), [(5, 0), (5, 1), (6, 0), (6, 1)]);
        assert_eq!(extent.piece(4), None);
    }

    #[test]
    fn shards_are_a_partition_whatever_their_number() {
        for of in 1..=9 {
            let shards: Vec<Extent> = (1..=of)
                .map(|number| format!("{number}/{of}").parse().expect("a shard"))
                .map(|shard| Extent::new(3, 10..17, Some(shard)))
                .collect();
            let all: Vec<(u64, usize)> = shards.iter().flat_map(pieces).collect();
            let distinct: BTreeSet<(u64, usize)> = all.iter().copied().collect();
            assert_eq!((all.len(), distinct.len()), (21, 21), "{of} shards");
        }
    }

    #[test]
    fn chunks_cover_every_piece_once() {
        let extent = Extent::new(3, 0..77, None);
        assert_eq!((extent.pieces(), extent.chunks()), (231, 3));
        assert_eq!((0..4).map(|chunk| extent.length_of(chunk)).collect::<Vec<_>>(), [100, 100, 31, 0]);
    }

    #[test]
    fn more_runs_than_have_a_number_are_noticed() {
        assert!(Extent::new(1, 0..u64::MAX, None).is_countable());
        assert!(!Extent::new(2, 0..u64::MAX, None).is_countable());
    }

    #[test]
    fn more_shards_than_runs_leave_some_with_nothing() {
        let last = Extent::new(1, 0..2, Some("3/3".parse().expect("a shard")));
        assert_eq!((last.pieces(), last.chunks()), (0, 0));
    }
}
