//! Who gets what: all subscriptions as a tree of topic levels (§4.7), and the groups that share one (§4.8).

use std::collections::{BTreeMap, BTreeSet};

use super::codec::Qos;
use super::codec::subscribe::SubscriptionOptions;
use super::level::{LevelId, Levels};
use super::message::ClientId;
use super::topic::TopicFilter;

/// One client's subscription to one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// As granted.
    pub(crate) options: SubscriptionOptions,
    /// Goes along with every message that this subscription brings.
    pub(crate) identifier: Option<u32>,
}

/// All subscriptions, by the levels of their patterns. The tree is kept in flat tables: no pattern, however
/// deep, makes anything recurse, and a level costs two entries and not a map of its own.
#[derive(Debug)]
pub(crate) struct SubscriptionTree {
    levels: Levels,
    /// From a node, by a level, to the next node.
    edges: BTreeMap<(NodeId, LevelId), NodeId>,
    /// How each node but the root hangs in the tree.
    nodes: BTreeMap<NodeId, Node>,
    /// What ends at a node, where anything does.
    ends: BTreeMap<NodeId, End>,
    last_node: NodeId,
    search: Search,
}

/// Room for a search, kept from one message to the next.
#[derive(Debug, Default)]
struct Search {
    /// Nodes at the level that has been reached, and at the one below.
    reached: Vec<NodeId>,
    next: Vec<NodeId>,
    /// Nodes whose patterns match.
    found: Vec<NodeId>,
}

type NodeId = u64;
const ROOT: NodeId = 0;

#[derive(Debug)]
struct Node {
    parent: NodeId,
    level: LevelId,
    children: u32,
}

/// The subscriptions whose patterns end at one node.
#[derive(Debug, Default)]
struct End {
    subscribers: BTreeMap<ClientId, Subscription>,
    groups: BTreeMap<Box<str>, Group>,
}

/// The members of a shared subscription (MQTT 5.0 §4.8.2), served in turn.
#[derive(Debug, Default)]
struct Group {
    members: BTreeMap<ClientId, Subscription>,
    last_served: Option<ClientId>,
}

impl Group {
    /// The next member in turn, one that is connected if there is any.
    fn next(&mut self, is_connected: &impl Fn(&ClientId) -> bool) -> Option<(ClientId, Subscription)> {
        let last = self.last_served.clone();
        let is_behind = |client: &ClientId| last.as_ref().is_none_or(|last| client > last);
        let in_turn = || {
            let behind = self.members.iter().filter(|(client, _)| is_behind(client));
            behind.chain(self.members.iter().filter(|(client, _)| !is_behind(client)))
        };
        let (client, subscription) =
            in_turn().find(|(client, _)| is_connected(client)).or_else(|| in_turn().next())?;
        let chosen = (client.clone(), *subscription);
        self.last_served = Some(chosen.0.clone());
        Some(chosen)
    }
}

/// What one client gets of one message for all its own subscriptions together: one copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// [mqtt-5.0/MQTT-3.3.4-2] the highest that was granted.
    pub(crate) granted_qos: Qos,
    /// Whether one of them wants RETAIN as published.
    pub(crate) retain_as_published: bool,
    /// [mqtt-5.0/MQTT-3.3.4-4] of all of them, ascending.
    pub(crate) identifiers: BTreeSet<u32>,
}

impl Match {
    fn of(subscription: &Subscription) -> Self {
        Self {
            granted_qos: subscription.options.maximum_qos,
            retain_as_published: subscription.options.retain_as_published,
            identifiers: subscription.identifier.into_iter().collect(),
        }
    }

    fn merge(&mut self, subscription: &Subscription) {
        self.granted_qos = self.granted_qos.max(subscription.options.maximum_qos);
        self.retain_as_published |= subscription.options.retain_as_published;
        self.identifiers.extend(subscription.identifier);
    }
}

impl SubscriptionTree {
    /// Without subscriptions.
    pub(crate) fn new() -> Self {
        Self {
            levels: Levels::default(),
            edges: BTreeMap::new(),
            nodes: BTreeMap::new(),
            ends: BTreeMap::new(),
            last_node: ROOT,
            search: Search::default(),
        }
    }

    /// Adds a subscription, or replaces the client's former one to the same filter.
    pub(crate) fn insert(&mut self, filter: TopicFilter<'_>, client: &ClientId, subscription: Subscription) {
        let mut at = ROOT;
        for level in filter.pattern.split('/') {
            at = self.child_or_new(at, level);
        }
        let end = self.ends.entry(at).or_default();
        let subscribers = match filter.share_name {
            None => &mut end.subscribers,
            Some(name) => &mut end.groups.entry(name.into()).or_default().members,
        };
        subscribers.insert(client.clone(), subscription);
    }

    fn child_or_new(&mut self, parent: NodeId, level: &str) -> NodeId {
        if let Some(child) = self.child(parent, self.levels.find(level)) {
            return child;
        }
        self.last_node += 1;
        let child = self.last_node;
        let level = self.levels.take(level);
        self.edges.insert((parent, level), child);
        self.nodes.insert(child, Node { parent, level, children: 0 });
        if let Some(node) = self.nodes.get_mut(&parent) {
            node.children += 1;
        }
        child
    }

    fn child(&self, parent: NodeId, level: Option<LevelId>) -> Option<NodeId> {
        self.edges.get(&(parent, level?)).copied()
    }

    /// Removes a client's subscription to exactly this filter.
    pub(crate) fn remove(&mut self, filter: TopicFilter<'_>, client: &str) {
        let mut at = ROOT;
        for level in filter.pattern.split('/') {
            match self.child(at, self.levels.find(level)) {
                Some(child) => at = child,
                None => return,
            }
        }
        let Some(end) = self.ends.get_mut(&at) else { return };
        match filter.share_name {
            None => {
                end.subscribers.remove(client);
            }
            Some(name) => {
                if let Some(group) = end.groups.get_mut(name) {
                    group.members.remove(client);
                }
                end.groups.retain(|_, group| !group.members.is_empty());
            }
        }
        if end.subscribers.is_empty() && end.groups.is_empty() {
            self.ends.remove(&at);
        }
        self.prune(at);
    }

    /// Drops nodes that lead nowhere, upwards from `at`.
    fn prune(&mut self, mut at: NodeId) {
        while !self.ends.contains_key(&at) && self.nodes.get(&at).is_some_and(|node| node.children == 0) {
            let Some(node) = self.nodes.remove(&at) else { return };
            self.edges.remove(&(node.parent, node.level));
            self.levels.give_back(node.level);
            if let Some(parent) = self.nodes.get_mut(&node.parent) {
                parent.children -= 1;
            }
            at = node.parent;
        }
    }

    /// Finds the nodes whose patterns match a topic.
    fn find_nodes(&self, topic_name: &str, search: &mut Search) {
        let (single, multi) = (self.levels.find("+"), self.levels.find("#"));
        let Search { reached, next, found } = search;
        reached.push(ROOT);
        for (depth, level) in topic_name.split('/').enumerate() {
            // [mqtt-5.0/MQTT-4.7.2-1] a leading wildcard never reaches a topic that begins with $.
            let wildcards = depth > 0 || !topic_name.starts_with('$');
            let level = self.levels.find(level);
            for node in reached.drain(..) {
                if let Some(child) = self.child(node, level) {
                    next.push(child);
                }
                if !wildcards {
                    continue;
                }
                if let Some(child) = self.child(node, single) {
                    next.push(child);
                }
                if let Some(child) = self.child(node, multi) {
                    found.push(child);
                }
            }
            std::mem::swap(reached, next);
        }
        for node in reached.drain(..) {
            found.push(node);
            found.extend(self.child(node, multi)); // "a/#" matches "a" too
        }
    }

    /// One copy for each client that subscribes by itself; a shared one for one member of each group.
    /// `publisher` gets nothing by its own subscriptions with No Local.
    pub(crate) fn matching(
        &mut self,
        topic_name: &str,
        publisher: &str,
        is_connected: impl Fn(&ClientId) -> bool,
    ) -> Vec<(ClientId, Match)> {
        // In the order of the clients, as which the subscribers to one filter come.
        let mut own: Vec<(ClientId, Match)> = Vec::new();
        let mut shared = Vec::new();
        let mut search = std::mem::take(&mut self.search);
        self.find_nodes(topic_name, &mut search);
        for id in search.found.drain(..) {
            let Some(end) = self.ends.get_mut(&id) else { continue };
            for (client, subscription) in &end.subscribers {
                // [mqtt-5.0/MQTT-3.8.3-3] No Local.
                if subscription.options.no_local && **client == *publisher {
                    continue;
                }
                match own.binary_search_by(|(other, _)| other.cmp(client)) {
                    Ok(place) => own.get_mut(place).map_or((), |(_, copy)| copy.merge(subscription)),
                    Err(place) => own.insert(place, (client.clone(), Match::of(subscription))),
                }
            }
            for group in end.groups.values_mut() {
                if let Some((client, subscription)) = group.next(&is_connected) {
                    shared.push((client, Match::of(&subscription)));
                }
            }
        }
        self.search = search;
        own.extend(shared);
        own
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.levels.is_empty() && self.edges.is_empty() && self.nodes.is_empty() && self.ends.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mqtt::codec::subscribe::RetainHandling;
    use crate::mqtt::topic;

    fn subscription(qos: Qos, identifier: Option<u32>) -> Subscription {
        let options = SubscriptionOptions {
            maximum_qos: qos,
            no_local: false,
            retain_as_published: false,
            retain_handling: RetainHandling::Send,
        };
        Subscription { options, identifier }
    }

    fn plain(pattern: &str) -> TopicFilter<'_> {
        TopicFilter { pattern, share_name: None }
    }

    #[test]
    fn the_tree_agrees_with_the_rules_of_matching() {
        let patterns = [
            "#", "+", "+/+", "/+", "/#", "a", "a/#", "a/+", "a/b", "a/+/c", "a/b/#", "+/b/c", "$SYS/#",
            "$SYS/+", "+/x", "a//c", "a/b/c/", "/", "//",
        ];
        let topics =
            ["a", "a/b", "a/b/c", "a/b/c/", "/", "//", "/a", "a//c", "$SYS", "$SYS/x", "b/b/c", "$a/x"];
        for topic_name in topics {
            let mut tree = SubscriptionTree::new();
            for pattern in patterns {
                tree.insert(plain(pattern), &pattern.into(), subscription(Qos::AtMostOnce, None));
            }
            let found: BTreeSet<String> = tree
                .matching(topic_name, "nobody", |_| true)
                .into_iter()
                .map(|(client, _)| client.to_string())
                .collect();
            let expected: BTreeSet<String> = patterns
                .iter()
                .filter(|pattern| topic::matches(pattern, topic_name))
                .map(|pattern| (*pattern).to_owned())
                .collect();
            assert_eq!(found, expected, "{topic_name}");
        }
    }

    #[test]
    fn overlapping_subscriptions_merge_to_the_highest_qos_and_all_identifiers() {
        let mut tree = SubscriptionTree::new();
        tree.insert(plain("a/#"), &"c".into(), subscription(Qos::AtMostOnce, Some(7)));
        tree.insert(plain("a/b"), &"c".into(), subscription(Qos::ExactlyOnce, Some(3)));
        tree.insert(plain("+/b"), &"c".into(), subscription(Qos::AtLeastOnce, None));
        let copies = tree.matching("a/b", "p", |_| true);
        let expected = Match {
            granted_qos: Qos::ExactlyOnce,
            retain_as_published: false,
            identifiers: BTreeSet::from([3, 7]),
        };
        assert_eq!(copies, vec![("c".into(), expected)]);
    }

    #[test]
    fn group_members_take_turns_and_connected_ones_go_first() {
        let mut tree = SubscriptionTree::new();
        let filter = TopicFilter { pattern: "t", share_name: Some("g") };
        for client in ["a", "b", "c"] {
            tree.insert(filter, &client.into(), subscription(Qos::AtLeastOnce, None));
        }
        let mut served = Vec::new();
        for _ in 0..4 {
            served.extend(tree.matching("t", "p", |client| &**client != "b"));
        }
        let served: Vec<&str> = served.iter().map(|(client, _)| &**client).collect();
        assert_eq!(served, ["a", "c", "a", "c"]);
        let offline = tree.matching("t", "p", |_| false);
        assert_eq!(offline.len(), 1, "an absent member gets it rather than nobody");
    }

    #[test]
    fn removal_leaves_no_node_behind() {
        let mut tree = SubscriptionTree::new();
        let shared = TopicFilter { pattern: "a/b/+/d", share_name: Some("g") };
        tree.insert(plain("a/b/c"), &"x".into(), subscription(Qos::AtMostOnce, None));
        tree.insert(shared, &"x".into(), subscription(Qos::AtMostOnce, None));
        tree.remove(plain("a/b/c"), "x");
        tree.remove(plain("a/b"), "x");
        tree.remove(shared, "x");
        assert!(tree.is_empty(), "{tree:?}");
        assert!(tree.matching("a/b/c", "p", |_| true).is_empty());
    }

    /// A filter or topic of few levels, so that many meet.
    fn pattern() -> impl Strategy<Value = String> {
        let level = prop::sample::select(vec!["a", "b", "", "$x", "+"]);
        (prop::collection::vec(level, 1..4), any::<bool>()).prop_map(|(mut levels, deep)| {
            if deep {
                levels.push("#");
            }
            levels.join("/")
        })
    }

    proptest! {
        #[test]
        fn any_additions_and_removals_leave_what_a_list_of_filters_would_match(
            steps in prop::collection::vec((any::<bool>(), pattern(), 0_u8..3), 1..40),
            topics in prop::collection::vec(pattern(), 1..10),
        ) {
            let mut tree = SubscriptionTree::new();
            let mut list = BTreeSet::new();
            for (adds, filter, client) in steps {
                if filter.is_empty() {
                    continue;
                }
                let client: ClientId = client.to_string().into();
                if adds {
                    tree.insert(plain(&filter), &client, subscription(Qos::AtMostOnce, None));
                    list.insert((filter, client));
                } else {
                    tree.remove(plain(&filter), &client);
                    list.remove(&(filter, client));
                }
            }
            for topic_name in topics {
                let found: BTreeSet<ClientId> =
                    tree.matching(&topic_name, "nobody", |_| true).into_iter().map(|(client, _)| client).collect();
                let expected: BTreeSet<ClientId> = list
                    .iter()
                    .filter(|(filter, _)| topic::matches(filter, &topic_name))
                    .map(|(_, client)| client.clone())
                    .collect();
                prop_assert_eq!(found, expected, "{}", topic_name);
            }
            for (filter, client) in &list {
                tree.remove(plain(filter), client);
            }
            prop_assert!(tree.is_empty());
        }
    }
}
