//! A run's seed as people write it.

use std::fmt;
use std::str::FromStr;

/// The number from which all chance of a run is drawn. Reads `24301` and `0x5eed`, prints `0x5eed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

/// A run without `--seed` uses a fixed one: the same command gives the same run.
impl Default for Seed {
    fn default() -> Self {
        Self(0x5eed)
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        parsed
            .map(Self)
            .map_err(|_| format!("a seed is a number from 0 to {:#x}, like 7 or 0x5eed", u64::MAX))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        for number in [0, 7, 0x5eed, u64::MAX] {
            assert_eq!(Seed(number).to_string().parse(), Ok(Seed(number)));
            assert_eq!(number.to_string().parse(), Ok(Seed(number)));
        }
    }

    #[test]
    fn a_word_is_no_seed() {
        assert!("lucky".parse::<Seed>().is_err());
        assert!("0x".parse::<Seed>().is_err());
    }
}
