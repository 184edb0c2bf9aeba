//! The one source of chance: portable, derived from a seed and the name of what asks.

use mqspec_conformance::plan::Probability;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Derives generators from a run's seed.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    seed: u64,
}

impl Chance {
    /// Chance for a run with this seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A generator of its own for everything that has a name, so that what one part draws does not shift
    /// what another gets.
    pub fn stream(self, name: &str) -> Draws {
        let mut key = name_key(name);
        for (byte, seed) in key.iter_mut().zip(self.seed.to_le_bytes()) {
            *byte ^= seed;
        }
        Draws(ChaCha8Rng::from_seed(key))
    }
}

/// 32 bytes that differ from name to name: the name itself, folded.
fn name_key(name: &str) -> [u8; 32] {
    let mut key = [0_u8; 32];
    for (index, byte) in name.bytes().enumerate() {
        // The first eight bytes hold the seed; the name goes behind them.
        if let Some(slot) = key.get_mut(8 + index % 24) {
            *slot = slot.rotate_left(3) ^ byte;
        }
    }
    key
}

/// A seeded stream of numbers.
#[derive(Clone, Debug)]
pub struct Draws(ChaCha8Rng);

impl Draws {
    /// A number from 0 to `bound - 1`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // A bias of at most bound / 2^64 does not matter here; that the result is portable does.
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Whether something happens that is so likely. What is certain or impossible draws nothing.
    pub fn happens(&mut self, probability: Probability) -> bool {
        let all = Probability::ALWAYS;
        probability == all
            || (probability.as_millionths() > 0
                && self.below(all.as_millionths().into()) < probability.as_millionths().into())
    }

    /// True once in `times` draws on average.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn a_seed_and_a_name_give_the_same_numbers_everywhere() {
        let mut draws = Chance::new(7).stream("alice");
        let first: Vec<u64> = (0..4).map(|_| draws.below(1000)).collect();
        let mut again = Chance::new(7).stream("alice");
        assert_eq!(first, (0..4).map(|_| again.below(1000)).collect::<Vec<_>>());
    }

    #[test]
    fn another_name_or_seed_gives_other_numbers() {
        let take = |seed, name: &str| {
            let mut draws = Chance::new(seed).stream(name);
            (0..8).map(|_| draws.below(1 << 40)).collect::<Vec<_>>()
        };
        assert_ne!(take(7, "alice"), take(8, "alice"));
        assert_ne!(take(7, "alice"), take(7, "bob"));
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        let mut draws = Chance::new(1).stream("x");
        assert!((0..1000).all(|_| draws.below(3) < 3));
        assert_eq!(draws.below(0), 0);
    }
}
