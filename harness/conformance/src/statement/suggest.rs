//! What a mistyped id was probably meant to be.

/// The candidate nearest to `typed`, unless even that one is further away than a typo: at most a quarter of
/// the letters, and always two. Of several as near, the one that differs only in punctuation, then the first.
pub fn nearest<'c>(typed: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let typed = typed.to_lowercase();
    let limit = (typed.chars().count() / 4).max(2);
    candidates
        .map(|candidate| (candidate, candidate.to_lowercase()))
        .map(|(candidate, lower)| {
            (edit_distance(&typed, &lower), letters(&typed) != letters(&lower), candidate)
        })
        .filter(|(distance, ..)| *distance <= limit)
        .min_by_key(|(distance, other_letters, _)| (*distance, *other_letters))
        .map(|(.., candidate)| candidate)
}

/// A text without its punctuation.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// How many letters must be inserted, removed or replaced to make one text the other (Levenshtein).
fn edit_distance(left: &str, right: &str) -> usize {
    // `row` holds the distances of the left text's first n letters to every prefix of the right text.
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (count, from) in left.chars().enumerate() {
        let mut diagonal = count;
        let mut left_of = count + 1;
        for (above, to) in row.iter_mut().zip(std::iter::once(None).chain(right.chars().map(Some))) {
            let Some(to) = to else {
                *above = count + 1;
                continue;
            };
            let replaced = diagonal + usize::from(from != to);
            diagonal = *above;
            *above = replaced.min(*above + 1).min(left_of + 1);
            left_of = *above;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{edit_distance, nearest};

    #[test]
    fn distance_counts_letters() {
        for (left, right, distance) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("same", "same", 0),
            ("mqtt-3.8.3-4", "mqtt-3-8.3-4", 1),
        ] {
            assert_eq!(edit_distance(left, right), distance, "{left} to {right}");
        }
    }

    #[test]
    fn nearest_is_silent_when_nothing_is_near() {
        let ids = ["MQTT-4.4.0-1", "MQTT-4.5.0-1"];
        assert_eq!(nearest("mqtt-4.4.0-1", ids.into_iter()), Some("MQTT-4.4.0-1"));
        assert_eq!(nearest("MQTT-4.40-1", ids.into_iter()), Some("MQTT-4.4.0-1"));
        assert_eq!(nearest("basic.publish", ids.into_iter()), None);
    }
}
