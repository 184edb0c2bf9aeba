//! MQTT topic filters (section 4.7 of both versions), many at once, without recursion: a hostile topic may
//! have 65,535 levels.

use std::collections::BTreeMap;

use bytes::Bytes;

/// Filters with a value each, found by topic.
#[derive(Clone, Debug)]
pub(super) struct FilterTree<V> {
    /// The value of each node; node 0 is the root.
    values: Vec<Option<V>>,
    /// The child of a node for a level.
    children: BTreeMap<(usize, Bytes), usize>,
}

impl<V> Default for FilterTree<V> {
    fn default() -> Self {
        Self { values: vec![None], children: BTreeMap::new() }
    }
}

/// A filter that matches a topic by its characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit<'a, V> {
    /// The filter's value.
    pub(super) value: &'a V,
    /// Whether section 4.7.2 excludes it: the topic begins with `$` and the filter with a wildcard.
    pub(super) excluded: bool,
}

impl<V> FilterTree<V> {
    /// The place for a filter's value.
    pub(super) fn entry(&mut self, filter: &Bytes) -> Option<&mut Option<V>> {
        let mut node = 0;
        for level in levels(filter) {
            let next = self.values.len();
            node = *self.children.entry((node, level)).or_insert(next);
            if node == next {
                self.values.push(None);
            }
        }
        self.values.get_mut(node)
    }

    /// The filters that match a topic name.
    pub(super) fn matching(&self, topic: &Bytes) -> Vec<Hit<'_, V>> {
        let dollar = topic.first() == Some(&b'$');
        let mut hits = Vec::new();
        // Nodes reached so far, each with whether its path began with a wildcard.
        let mut reached = vec![(0_usize, false)];
        for (depth, level) in levels(topic).enumerate() {
            let mut next = Vec::new();
            for (node, wild) in reached {
                // `#` stands for this level and all below it.
                self.hit(self.child(node, b"#"), dollar && (wild || depth == 0), &mut hits);
                next.extend(self.child(node, b"+").map(|child| (child, wild || depth == 0)));
                if level != b"+"[..] && level != b"#"[..] {
                    next.extend(self.children.get(&(node, level.clone())).map(|child| (*child, wild)));
                }
            }
            reached = next;
            if reached.is_empty() {
                break;
            }
        }
        for (node, wild) in reached {
            self.hit(Some(node), dollar && wild, &mut hits);
            // `sport/#` also matches `sport`.
            self.hit(self.child(node, b"#"), dollar && wild, &mut hits);
        }
        hits
    }

    fn child(&self, node: usize, level: &'static [u8]) -> Option<usize> {
        self.children.get(&(node, Bytes::from_static(level))).copied()
    }

    fn hit<'a>(&'a self, node: Option<usize>, excluded: bool, hits: &mut Vec<Hit<'a, V>>) {
        let value = node.and_then(|node| self.values.get(node)).and_then(Option::as_ref);
        hits.extend(value.map(|value| Hit { value, excluded }));
    }
}

/// A filter as a broker understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Understood {
    /// An ordinary filter.
    Plain(Bytes),
    /// `$share/NAME/FILTER`: the filter (MQTT 5.0 section 4.8.2; many 3.1.1 brokers know it too).
    Shared(Bytes),
    /// It begins with `$`, and brokers give some of these a meaning of their own (`$queue/`, `$exclusive/`).
    Special,
}

/// Reads a filter.
pub(super) fn understand(filter: &Bytes) -> Understood {
    if let Some(rest) = filter.strip_prefix(b"$share/") {
        let name = rest.iter().position(|byte| *byte == b'/');
        return match name.and_then(|end| rest.get(end + 1..)) {
            Some(shared) => Understood::Shared(filter.slice_ref(shared)),
            None => Understood::Special,
        };
    }
    if filter.first() == Some(&b'$') && !filter.starts_with(b"$SYS/") {
        return Understood::Special;
    }
    Understood::Plain(filter.clone())
}

fn levels(text: &Bytes) -> impl Iterator<Item = Bytes> + '_ {
    text.split(|byte| *byte == b'/').map(|level| {
        // An empty level has no place of its own in the text.
        if level.is_empty() { Bytes::new() } else { text.slice_ref(level) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(filters: &[&'static str], topic: &'static str) -> Vec<(&'static str, bool)> {
        let mut tree = FilterTree::default();
        for filter in filters {
            *tree.entry(&Bytes::from_static(filter.as_bytes())).expect("every filter has a place") =
                Some(*filter);
        }
        let mut hits: Vec<_> = tree
            .matching(&Bytes::from_static(topic.as_bytes()))
            .into_iter()
            .map(|hit| (*hit.value, hit.excluded))
            .collect();
        hits.sort_unstable();
        hits
    }

    #[test]
    fn wildcards_match_as_section_4_7_1_says() {
        let filters = ["#", "+", "+/+", "/+", "a/#", "a/+", "a/b", "a/b/#", "a/b/c", "+/b/#"];
        assert_eq!(
            matched(&filters, "a/b"),
            [
                ("#", false),
                ("+/+", false),
                ("+/b/#", false),
                ("a/#", false),
                ("a/+", false),
                ("a/b", false),
                ("a/b/#", false)
            ]
        );
        assert_eq!(matched(&filters, "/x"), [("#", false), ("+/+", false), ("/+", false)]);
        assert_eq!(matched(&filters, "a"), [("#", false), ("+", false), ("a/#", false)]);
        assert_eq!(matched(&["a/+", "a/+/c"], "a/"), [("a/+", false)]);
        assert_eq!(matched(&["A/b", "a/B"], "a/b"), []);
    }

    #[test]
    fn leading_wildcards_are_excluded_from_dollar_topics() {
        assert_eq!(
            matched(&["#", "+/x", "$SYS/#", "$SYS/+"], "$SYS/x"),
            [("#", true), ("$SYS/#", false), ("$SYS/+", false), ("+/x", true)]
        );
        assert_eq!(matched(&["#", "+"], "$SYS"), [("#", true), ("+", true)]);
    }

    #[test]
    fn a_topic_of_65535_levels_is_no_trouble() {
        let deep = Bytes::from(vec![b'/'; 65_534]);
        let mut tree = FilterTree::default();
        *tree.entry(&deep).expect("every filter has a place") = Some(1);
        assert_eq!(tree.matching(&deep).len(), 1);
    }

    #[test]
    fn shared_filters_are_unwrapped() {
        let read = |text: &'static str| understand(&Bytes::from_static(text.as_bytes()));
        assert_eq!(read("$share/group/a/+"), Understood::Shared(Bytes::from_static(b"a/+")));
        assert_eq!(read("$share/group"), Understood::Special);
        assert_eq!(read("$queue/a"), Understood::Special);
        assert_eq!(read("$SYS/#"), Understood::Plain(Bytes::from_static(b"$SYS/#")));
        assert_eq!(read("a/b"), Understood::Plain(Bytes::from_static(b"a/b")));
    }
}
