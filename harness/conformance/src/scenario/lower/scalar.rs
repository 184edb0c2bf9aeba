//! Scalars of the language itself: times, counts, names, bytes in hexadecimal.

use std::time::Duration;

use bytes::Bytes;

use super::Lowering;
use crate::scenario::diagnostic::Problem;
use crate::scenario::node::{Kind, Node};

impl Lowering<'_> {
    /// A length of time with its unit.
    pub(super) fn duration(&mut self, node: &Node) -> Option<Duration> {
        let parsed = node.as_text().and_then(parse_duration);
        if parsed.is_none() {
            self.report(
                Problem::new(node.span.clone(), "this is not a length of time")
                    .help("a whole number with its unit: 200ms, 5s, 5m or 1h"),
            );
        }
        parsed
    }

    /// A whole number in a range, for settings of the language itself.
    pub(super) fn number(&mut self, node: &Node, what: &str, least: u64, most: u64) -> Option<u64> {
        let number = node.as_integer().and_then(|number| u64::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.report(Problem::new(
                node.span.clone(),
                format!("{what} is a number from {least} to {most}"),
            ));
        }
        number
    }

    /// `true` or `false`, for settings of the language itself.
    pub(super) fn bit(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Kind::Bool(bit) = node.kind {
            return Some(bit);
        }
        self.report(Problem::new(node.span.clone(), format!("{what} is `true` or `false`")));
        None
    }
}

/// The name in `$name`.
pub(super) fn reference(text: &str) -> Option<&str> {
    text.strip_prefix('$').filter(|name| is_name(name))
}

/// Whether this can name a value: a small letter, then small letters, digits and `_`.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

pub(super) fn parse_hex(text: &str) -> Option<Bytes> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|c| c.to_digit(16))
        .map(|d| d?.try_into().ok())
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    Some(pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

/// A time as scenarios write it: `200ms`, `5s`, `5m`, `1h`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}
