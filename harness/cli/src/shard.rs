//! A part of a sweep, and a range of seeds, as people write them.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::seed::Seed;

/// The first, second, … part of several: `3/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    /// Its place, counted from 0.
    pub const fn index(self) -> usize {
        self.number - 1
    }

    /// How many parts there are.
    pub const fn of(self) -> usize {
        self.of
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('/').and_then(|(number, of)| {
            let shard = Self { number: number.parse().ok()?, of: of.parse().ok()? };
            (1..=shard.of).contains(&shard.number).then_some(shard)
        });
        parsed.ok_or_else(|| String::from("a shard is a part of all, like 1/16 (the first) or 16/16"))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// Reads `0..1000` (without the last one), or one seed.
///
/// # Errors
///
/// Says what would be right.
pub fn parse_seeds(text: &str) -> Result<Range<u64>, String> {
    let wrong = || String::from("seeds are a range like 0..1000 (without its end), or one seed");
    let seed = |text: &str| text.parse::<Seed>().map(|seed| seed.0).map_err(|_| wrong());
    let range = if let Some((first, end)) = text.split_once("..") {
        seed(first)?..seed(end)?
    } else {
        let only = seed(text)?;
        only..only.checked_add(1).ok_or_else(wrong)?
    };
    if range.is_empty() { Err(wrong()) } else { Ok(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_one_of_its_parts() {
        let shard: Shard = "3/16".parse().expect("the third of sixteen");
        assert_eq!((shard.index(), shard.of(), shard.to_string().as_str()), (2, 16, "3/16"));
        for wrong in ["0/16", "17/16", "3", "a/b", "1/0"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn seeds_are_a_range_or_one() {
        assert_eq!(parse_seeds("0..1000"), Ok(0..1000));
        assert_eq!(parse_seeds("0x10..0x20"), Ok(16..32));
        assert_eq!(parse_seeds("7"), Ok(7..8));
        for wrong in ["5..5", "9..1", "x", "", "0..x"] {
            assert!(parse_seeds(wrong).is_err(), "{wrong}");
        }
    }
}
