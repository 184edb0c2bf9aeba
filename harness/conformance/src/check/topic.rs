//! MQTT topic filters (section 4.7 of both versions), many at once, without recursion: a hostile topic may
//! have 65,535 levels.

use std::collections::BTreeMap;

use bytes::Bytes;

/// Filters with a value each, found by topic.
#[derive(Clone, Debug)]
pub(super) struct FilterTree<V> {
    /// Node 0 is the root.
    nodes: Vec<Node<V>>,
}

/// Where filters end, or go on.
#[derive(Clone, Debug)]
struct Node<V> {
    value: Option<V>,
    /// The node for each level that follows.
    children: BTreeMap<Bytes, usize>,
}

impl<V> Default for FilterTree<V> {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl<V> Default for Node<V> {
    fn default() -> Self {
        Self { value: None, children: BTreeMap::new() }
    }
}

impl<V> Node<V> {
    fn child(&self, level: &[u8]) -> Option<usize> {
        self.children.get(level).copied()
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
        let mut at = 0;
        for level in levels(filter) {
            let next = self.nodes.len();
            // An empty level has no place of its own in the text.
            let key = if level.is_empty() { Bytes::new() } else { filter.slice_ref(level) };
            at = *self.nodes.get_mut(at)?.children.entry(key).or_insert(next);
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        self.nodes.get_mut(at).map(|node| &mut node.value)
    }

    /// The filters that match a topic name.
    pub(super) fn matching(&self, topic: &[u8]) -> Vec<Hit<'_, V>> {
        let mut hits = Vec::new();
        self.each_match(topic, |hit| hits.push(hit));
        hits
    }

    /// Tells `tell` of each filter that matches a topic name.
    pub(super) fn each_match<'a>(&'a self, topic: &[u8], mut tell: impl FnMut(Hit<'a, V>)) {
        let dollar = topic.first() == Some(&b'$');
        let mut hit = |at: Option<usize>, excluded| {
            let value = at.and_then(|at| self.nodes.get(at)).and_then(|node| node.value.as_ref());
            if let Some(value) = value {
                tell(Hit { value, excluded });
            }
        };
        // Nodes reached at this level, then those at the next one; each with whether its path began with a wildcard.
        let mut reached = Vec::with_capacity(8);
        reached.push((0, false));
        for (depth, level) in levels(topic).enumerate() {
            let here = reached.len();
            for index in 0..here {
                let Some((at, wild)) = reached.get(index).copied() else { break };
                let Some(node) = self.nodes.get(at) else { continue };
                // `#` stands for this level and all below it.
                hit(node.child(b"#"), dollar && (wild || depth == 0));
                if let Some(child) = node.child(b"+") {
                    reached.push((child, wild || depth == 0));
                }
                if let Some(child) = node.child(level).filter(|_| level != b"+" && level != b"#") {
                    reached.push((child, wild));
                }
            }
            reached.drain(..here);
            if reached.is_empty() {
                break;
            }
        }
        for (at, wild) in reached {
            hit(Some(at), dollar && wild);
            // `sport/#` also matches `sport`.
            hit(self.nodes.get(at).and_then(|node| node.child(b"#")), dollar && wild);
        }
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

fn levels(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'/')
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
