//! A model of exchanges, queues and bindings over time, from what clients asked for and were answered:
//! where a message must go, and where it may.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mqspec_wire::Value;

use super::amqp_history::{Change, History, Message, Published};
use super::amqp_packet::{bytes, entries, entry, flag, table};

/// From when to when something exists. Between a request and its reply nobody can tell.
#[derive(Clone, Copy, Debug)]
struct Span {
    asked: u64,
    done: Option<u64>,
    removal_asked: Option<u64>,
    removal_done: Option<u64>,
}

impl Span {
    fn of(change: &Change) -> Self {
        Self { asked: change.asked, done: change.done, removal_asked: None, removal_done: None }
    }

    /// Whether it certainly exists during the whole of this time.
    fn covers(&self, from: u64, to: u64) -> bool {
        self.done.is_some_and(|done| done < from) && self.removal_asked.is_none_or(|removal| removal > to)
    }

    /// Whether it may exist at some moment of this time.
    fn touches(&self, from: u64, to: u64) -> bool {
        self.asked < to && self.removal_done.is_none_or(|removal| removal > from)
    }

    fn remove(&mut self, change: &Change) {
        if self.removal_asked.is_none() {
            self.removal_asked = Some(change.asked);
            self.removal_done = change.done;
        }
    }
}

/// How an exchange routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// By equal keys.
    Direct,
    /// To all.
    Fanout,
    /// By patterns of words.
    Topic,
    /// By headers.
    Headers,
    /// In a way that this model does not know.
    Unknown,
}

/// A queue or an exchange.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Destination {
    Queue(Bytes),
    Exchange(Bytes),
}

#[derive(Clone, Debug)]
struct Binding {
    destination: Destination,
    key: Bytes,
    arguments: Vec<(Bytes, Value)>,
    span: Span,
}

/// Whether something matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Match {
    Yes,
    No,
    /// Brokers may differ.
    Unclear,
}

/// The queues of a message.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// It must come to these; whether another exchange lies between.
    pub(super) must: BTreeMap<Bytes, bool>,
    /// It may come to these.
    pub(super) may: BTreeSet<Bytes>,
    /// It may come to any.
    pub(super) anywhere: bool,
}

/// The model.
#[derive(Debug, Default)]
pub(super) struct Topology {
    exchanges: BTreeMap<Bytes, Kind>,
    queues: BTreeMap<Bytes, Span>,
    bindings: BTreeMap<Bytes, Vec<Binding>>,
    /// Names of exchanges and queues that were declared and not as durable.
    transient: BTreeSet<Bytes>,
}

impl Topology {
    /// Builds the model.
    pub(super) fn of(history: &History) -> Self {
        let mut topology = Self::default();
        for (name, kind) in [
            ("amq.direct", Kind::Direct),
            ("amq.fanout", Kind::Fanout),
            ("amq.topic", Kind::Topic),
            ("amq.match", Kind::Headers),
            ("amq.headers", Kind::Headers),
        ] {
            topology.exchanges.insert(Bytes::from_static(name.as_bytes()), kind);
        }
        let mut restarts = history.restarts.iter().copied().peekable();
        for change in &history.changes {
            while let Some(at) = restarts.next_if(|at| *at < change.asked) {
                topology.restart(at);
            }
            topology.apply(history, change);
        }
        restarts.for_each(|at| topology.restart(at));
        topology
    }

    /// What is not durable ends with the broker's process.
    fn restart(&mut self, at: u64) {
        let Self { queues, bindings, transient, .. } = self;
        for name in transient.iter() {
            let Some(span) = queues.get_mut(name) else { continue };
            span.removal_asked.get_or_insert(at);
        }
        for (source, bindings) in bindings {
            for binding in bindings {
                let transient = transient.contains(source)
                    || match &binding.destination {
                        Destination::Queue(name) | Destination::Exchange(name) => transient.contains(name),
                    };
                if transient {
                    binding.span.removal_asked.get_or_insert(at);
                }
            }
        }
    }

    fn apply(&mut self, history: &History, change: &Change) {
        let packet = &change.packet;
        let text = |name| bytes(packet, name);
        if matches!(packet.name, "exchange.declare" | "queue.declare") && !flag(packet, "durable") {
            let name = change.queue.clone().unwrap_or_else(|| text("exchange"));
            self.transient.insert(name);
        }
        match packet.name {
            "exchange.declare" if !flag(packet, "passive") => {
                let kind = kind_of(packet);
                let known = self.exchanges.entry(text("exchange")).or_insert(kind);
                if *known != kind {
                    *known = Kind::Unknown;
                }
            }
            // Whatever was bound to it, or would have been routed: no longer certain.
            "exchange.delete" => drop(self.exchanges.insert(text("exchange"), Kind::Unknown)),
            "queue.declare" if !flag(packet, "passive") => self.on_declare(history, change),
            "queue.delete" => {
                let Some(queue) = &change.queue else { return };
                if let Some(span) = self.queues.get_mut(queue) {
                    span.remove(change);
                }
                let gone = Destination::Queue(queue.clone());
                for binding in self.bindings.values_mut().flatten().filter(|b| b.destination == gone) {
                    binding.span.remove(change);
                }
            }
            "queue.bind" | "queue.unbind" => {
                let Some(queue) = change.queue.clone() else { return };
                // Both names empty: the current queue under its own name.
                let own = text("queue").is_empty() && text("routing_key").is_empty();
                let key = if own { queue.clone() } else { text("routing_key") };
                self.bind(&text("exchange"), Destination::Queue(queue), key, change);
            }
            "exchange.bind" | "exchange.unbind" => {
                let destination = Destination::Exchange(text("destination"));
                self.bind(&text("source"), destination, text("routing_key"), change);
            }
            _ => {}
        }
    }

    fn on_declare(&mut self, history: &History, change: &Change) {
        let Some(queue) = change.queue.clone() else { return };
        let mut span = Span::of(change);
        if flag(&change.packet, "exclusive") {
            span.removal_asked = history.ends.get(&change.by).copied();
        }
        if flag(&change.packet, "auto_delete") {
            let after = history.consumer_ends.partition_point(|event| *event < change.asked);
            let end = history.consumer_ends.get(after).copied();
            span.removal_asked = match (span.removal_asked, end) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        match self.queues.get_mut(&queue) {
            // Declared again while it exists: nothing changes.
            Some(known) if known.removal_asked.is_none() => known.done = known.done.or(span.done),
            // Deleted and declared again: it may exist all the time, and does so for certain now.
            Some(known) => *known = Span { asked: known.asked, ..span },
            None => drop(self.queues.insert(queue, span)),
        }
    }

    fn bind(&mut self, source: &Bytes, destination: Destination, key: Bytes, change: &Change) {
        let arguments = table(&change.packet, "arguments").to_vec();
        let bindings = self.bindings.entry(source.clone()).or_default();
        let known = bindings.iter_mut().rev().find(|binding| {
            binding.span.removal_asked.is_none()
                && binding.destination == destination
                && binding.key == key
                && binding.arguments == arguments
        });
        let binds = matches!(change.packet.name, "queue.bind" | "exchange.bind");
        match (known, binds) {
            (Some(known), true) => known.span.done = known.span.done.or(change.done),
            (Some(known), false) => known.span.remove(change),
            (None, true) => bindings.push(Binding { destination, key, arguments, span: Span::of(change) }),
            (None, false) => {}
        }
    }

    /// Whether a queue that was declared stays to the end.
    pub(super) fn keeps(&self, queue: &Bytes) -> bool {
        self.queues.get(queue).is_some_and(|span| span.done.is_some() && span.removal_asked.is_none())
    }

    /// How an exchange routes; `None` for the nameless one.
    pub(super) fn kind(&self, exchange: &Bytes) -> Option<Kind> {
        (!exchange.is_empty()).then(|| self.exchanges.get(exchange).copied().unwrap_or(Kind::Unknown))
    }

    /// Where a published message must and may go.
    pub(super) fn route(&self, published: &Published) -> Route {
        let message = &published.message;
        let (from, to) = (message.event, published.done.unwrap_or(u64::MAX));
        let mut route = Route {
            // Further routing keys (a RabbitMQ extension) are not in the model.
            anywhere: message.header("CC").is_some() || message.header("BCC").is_some(),
            ..Route::default()
        };
        let mut visited = BTreeSet::new();
        let mut waiting = vec![(message.exchange.clone(), true, false)];
        while let Some((exchange, certain, indirect)) = waiting.pop() {
            if !visited.insert((exchange.clone(), certain)) {
                continue;
            }
            let Some(kind) = self.kind(&exchange) else {
                self.reach(&message.routing_key, certain, indirect, (from, to), &mut route);
                continue;
            };
            if kind == Kind::Unknown {
                route.anywhere = true;
                continue;
            }
            for binding in self.bindings.get(&exchange).into_iter().flatten() {
                let matches = matching(kind, binding, message);
                if matches == Match::No || !binding.span.touches(from, to) {
                    continue;
                }
                let certain = certain && matches == Match::Yes && binding.span.covers(from, to);
                match &binding.destination {
                    Destination::Queue(queue) => self.reach(queue, certain, indirect, (from, to), &mut route),
                    Destination::Exchange(next) => waiting.push((next.clone(), certain, true)),
                }
            }
        }
        if route.anywhere {
            route.must.clear();
        }
        route
    }

    fn reach(&self, queue: &Bytes, certain: bool, indirect: bool, (from, to): (u64, u64), route: &mut Route) {
        route.may.insert(queue.clone());
        let exists = self.queues.get(queue).is_some_and(|span| span.covers(from, to));
        if certain && exists && self.keeps(queue) {
            let known = route.must.entry(queue.clone()).or_insert(indirect);
            *known &= indirect;
        }
    }
}

fn kind_of(declare: &mqspec_wire::Packet) -> Kind {
    // An alternate exchange gets what is not routed; an exchange that deletes itself may be gone.
    if !table(declare, "arguments").is_empty() || flag(declare, "auto_delete") {
        return Kind::Unknown;
    }
    match bytes(declare, "type").as_ref() {
        b"direct" => Kind::Direct,
        b"fanout" => Kind::Fanout,
        b"topic" => Kind::Topic,
        b"headers" => Kind::Headers,
        _ => Kind::Unknown,
    }
}

fn matching(kind: Kind, binding: &Binding, message: &Message) -> Match {
    let when = |holds: bool| if holds { Match::Yes } else { Match::No };
    match kind {
        Kind::Fanout => Match::Yes,
        Kind::Direct => when(binding.key == message.routing_key),
        Kind::Topic => when(topic_matches(&binding.key, &message.routing_key)),
        Kind::Headers => headers_match(&binding.arguments, message.headers()),
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
