//! Which messages a binding takes.

use bytes::Bytes;
use mqspec_wire::Value;

use super::super::amqp_history::Message;
use super::super::amqp_packet::{entries, entry};
use super::Kind;

/// Whether something matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Brokers may differ.
    Unclear,
}

/// Whether a binding with this key and these arguments takes a message from an exchange of this kind.
pub(super) fn matching(kind: Kind, key: &Bytes, arguments: &[(Bytes, Value)], message: &Message) -> Match {
    let when = |holds: bool| if holds { Match::Yes } else { Match::No };
    match kind {
        Kind::Fanout => Match::Yes,
        Kind::Direct => when(*key == message.routing_key),
        Kind::Topic => when(topic_matches(key, &message.routing_key)),
        Kind::Headers => headers_match(arguments, message.headers()),
        Kind::Unknown => Match::Unclear,
    }
}

/// Words between dots: `*` stands for one, `#` for any number (section 3.1.3.3). An empty key has none.
fn topic_matches(pattern: &[u8], key: &[u8]) -> bool {
    let words = |text| <[u8]>::split(text, |byte| *byte == b'.').filter(move |_| !text.is_empty());
    let words_of_key: Vec<_> = words(key).collect();
    // Which numbers of words the pattern so far can stand for.
    let mut reached = vec![false; words_of_key.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for part in words(pattern) {
        let mut next = vec![false; reached.len()];
        let mut open = false;
        for (index, place) in next.iter_mut().enumerate() {
            let here = reached.get(index) == Some(&true);
            let before = index.checked_sub(1);
            let one_less = before.is_some_and(|before| reached.get(before) == Some(&true));
            if part == b"#" {
                open |= here;
                *place = open;
            } else {
                let word = before.and_then(|before| words_of_key.get(before));
                *place = one_less && word.is_some_and(|word| part == b"*" || *word == part);
            }
        }
        reached = next;
    }
    reached.last() == Some(&true)
}

/// Section 3.1.3.4. Values are equal with their types; equal values of other types are unclear.
fn headers_match(arguments: &[(Bytes, Value)], headers: &[(Bytes, Value)]) -> Match {
    let wanted = arguments.iter().filter(|(name, _)| !name.starts_with(b"x-"));
    let matches: Vec<_> = wanted
        .map(|(name, value)| {
            let present = headers.iter().find(|(key, _)| key == name).map(|(_, value)| value);
            match present {
                Some(_) if *value.untagged() == Value::Void => Match::Yes,
                Some(present) if present == value => Match::Yes,
                Some(present) if present.untagged() == value.untagged() => Match::Unclear,
                // Two numbers of different form may be equal to a broker.
                Some(present) if number(present) && number(value) => Match::Unclear,
                None | Some(_) => Match::No,
            }
        })
        .collect();
    let all = if matches.contains(&Match::No) {
        Match::No
    } else if matches.contains(&Match::Unclear) {
        Match::Unclear
    } else {
        Match::Yes
    };
    let any = if matches.contains(&Match::Yes) {
        Match::Yes
    } else if matches.contains(&Match::Unclear) || matches.is_empty() {
        Match::Unclear
    } else {
        Match::No
    };
    match entry(arguments, "x-match").and_then(Value::as_text) {
        Some("all") => all,
        Some("any") => any,
        // The standard names no default, and brokers have further values.
        _ if all == any => all,
        _ => Match::Unclear,
    }
}

fn number(value: &Value) -> bool {
    matches!(value.untagged(), Value::Integer(_) | Value::Float(_)) && entries(Some(value)).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_patterns_match_as_section_3_1_3_3_says() {
        for (pattern, key, expected) in [
            ("*.stock.#", "usd.stock", true),
            ("*.stock.#", "eur.stock.db", true),
            ("*.stock.#", "stock.nasdaq", false),
            ("#", "", true),
            ("*", "", false),
            ("#.#", "a", true),
            ("a.#.b", "a.b", true),
            ("a.#.b", "a.x.y.b", true),
            ("a.#.b", "a.x.y", false),
            ("a.*", "a", false),
            ("a.b", "a.b", true),
        ] {
            assert_eq!(topic_matches(pattern.as_bytes(), key.as_bytes()), expected, "{pattern} and {key}");
        }
    }

    #[test]
    fn headers_match_all_or_any() {
        let map = |entries: &[(&'static str, Value)]| -> Vec<(Bytes, Value)> {
            entries.iter().map(|(key, value)| (Bytes::from_static(key.as_bytes()), value.clone())).collect()
        };
        let wanted = |how: &'static str| {
            map(&[("x-match", Value::text(how)), ("a", Value::text("1")), ("b", Value::Void)])
        };
        let both = map(&[("a", Value::text("1")), ("b", Value::text("z"))]);
        let one = map(&[("a", Value::text("1"))]);
        let none = map(&[("a", Value::text("2"))]);
        assert_eq!(headers_match(&wanted("all"), &both), Match::Yes);
        assert_eq!(headers_match(&wanted("all"), &one), Match::No);
        assert_eq!(headers_match(&wanted("any"), &one), Match::Yes);
        assert_eq!(headers_match(&wanted("any"), &none), Match::No);
        assert_eq!(headers_match(&wanted("one"), &one), Match::Unclear);
    }
}
