//! Bindings and the matching of keys and headers (§3.1.3).

use bytes::Bytes;

use super::codec::{FieldTable, FieldValue};
use super::message::Name;
use super::queue::QueueId;

/// Where a binding leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Destination {
    /// A queue.
    Queue(QueueId),
    /// An exchange, by RabbitMQ's exchange.bind.
    Exchange(Name),
}

/// One binding, filed by its key.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) destination: Destination,
    /// The fields of the arguments table.
    pub(crate) arguments: Bytes,
}

impl Binding {
    /// The arguments, to be read.
    pub(crate) fn arguments(&self) -> FieldTable<'_> {
        FieldTable::from_entries(&self.arguments).unwrap_or_default()
    }
}

/// Whether a topic binding key takes a routing key (§3.1.3.3): `*` is one word, `#` any number of words.
///
/// An empty key has no words; an empty word between two dots counts as one, as in RabbitMQ.
pub(crate) fn topic_matches(binding_key: &str, routing_key: &str) -> bool {
    let pattern = words(binding_key);
    let key = words(routing_key);
    let (mut at_pattern, mut at_key) = (0, 0);
    // Where to go on after the latest '#', should what follows it not match: with one word more taken by it.
    let mut resume = None;
    loop {
        match (pattern.get(at_pattern), key.get(at_key)) {
            (Some(&"#"), _) => {
                at_pattern += 1;
                resume = Some((at_pattern, at_key));
                continue;
            }
            (Some(&"*"), Some(_)) => {}
            (Some(wanted), Some(word)) if wanted == word => {}
            (None, None) => return true,
            (_, _) => {
                let Some((after_hash, taken)) = resume else { return false };
                if taken >= key.len() {
                    return false;
                }
                resume = Some((after_hash, taken + 1));
                (at_pattern, at_key) = (after_hash, taken + 1);
                continue;
            }
        }
        at_pattern += 1;
        at_key += 1;
    }
}

fn words(key: &str) -> Vec<&str> {
    if key.is_empty() { Vec::new() } else { key.split('.').collect() }
}

/// How a headers binding combines its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadersMatch {
    /// Every argument has to match; what a binding without `x-match` does.
    All,
    /// One suffices.
    Any,
    /// As [`Self::All`], arguments that begin with `x-` included.
    AllWithX,
    /// As [`Self::Any`], arguments that begin with `x-` included.
    AnyWithX,
}

impl HeadersMatch {
    /// Reads `x-match`; `None` where it says something else.
    pub(crate) fn of(arguments: FieldTable<'_>) -> Option<Self> {
        match arguments.get("x-match") {
            None => Some(Self::All),
            Some(value) => match value.as_string()? {
                b"all" => Some(Self::All),
                b"any" => Some(Self::Any),
                b"all-with-x" => Some(Self::AllWithX),
                b"any-with-x" => Some(Self::AnyWithX),
                _ => None,
            },
        }
    }

    fn takes_part(self, name: &[u8]) -> bool {
        match self {
            Self::All | Self::Any => !name.starts_with(b"x-"),
            Self::AllWithX | Self::AnyWithX => name != b"x-match",
        }
    }
}

/// Whether a headers binding takes a message (§3.1.3.4).
pub(crate) fn headers_match(arguments: FieldTable<'_>, headers: FieldTable<'_>) -> bool {
    let how = HeadersMatch::of(arguments).unwrap_or(HeadersMatch::All);
    let mut outcomes = arguments.iter().filter(|argument| how.takes_part(argument.name)).map(|argument| {
        headers
            .iter()
            .any(|header| header.name == argument.name && value_matches(argument.value, header.value))
    });
    match how {
        HeadersMatch::All | HeadersMatch::AllWithX => outcomes.all(|matched| matched),
        HeadersMatch::Any | HeadersMatch::AnyWithX => outcomes.any(|matched| matched),
    }
}

/// Whether a header has the value that a binding asks for; numbers compare by value, no value takes any.
fn value_matches(wanted: FieldValue<'_>, header: FieldValue<'_>) -> bool {
    match (wanted, header) {
        (FieldValue::Void, _) => true,
        (FieldValue::Float(one), FieldValue::Double(other))
        | (FieldValue::Double(other), FieldValue::Float(one)) => f64::from(one).to_bits() == other.to_bits(),
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_is_one_word_and_hash_any_number() {
        let cases = [
            ("*.stock.#", "usd.stock", true),
            ("*.stock.#", "eur.stock.db", true),
            ("*.stock.#", "stock.nasdaq", false),
            ("*", "", false),
            ("#", "", true),
            ("", "", true),
            ("", "a", false),
            ("a.*.b", "a..b", true),
            ("#.b", "a.b.b", true),
            ("#.#", "", true),
            ("a.#.b.#.c", "a.x.b.b.y.c", true),
            ("a.#.b.#.c", "a.x.y.c", false),
            ("*.*", "a", false),
            ("a.b", "a.b.c", false),
        ];
        for (pattern, key, expected) in cases {
            assert_eq!(topic_matches(pattern, key), expected, "{pattern} against {key}");
        }
    }
}
