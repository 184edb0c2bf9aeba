//! A model of exchanges, queues and bindings over time, from what clients asked for and were answered:
//! where a message must go, and where it may.

mod matching;
mod span;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mqspec_wire::Value;

use super::amqp_history::{Change, History, Published};
use super::amqp_packet::{bytes, entry, flag, table};
use matching::{Match, matching};
use span::Span;

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
    /// Those that clients declared.
    declared: BTreeMap<Bytes, Vec<Span>>,
    queues: BTreeMap<Bytes, Vec<Span>>,
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
        let Self { queues, declared, bindings, transient, .. } = self;
        for name in transient.iter() {
            let spans = queues.get_mut(name).into_iter().chain(declared.get_mut(name));
            spans.flatten().filter(|span| span.lasts()).for_each(|span| span.may_end(at));
        }
        for (source, bindings) in bindings {
            for binding in bindings {
                let transient = transient.contains(source)
                    || match &binding.destination {
                        Destination::Queue(name) | Destination::Exchange(name) => transient.contains(name),
                    };
                if transient && binding.span.lasts() {
                    binding.span.may_end(at);
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
                let mut span = Span::of(change);
                if flag(packet, "auto_delete") {
                    // Its last binding may go at any time.
                    span.may_end(change.asked);
                }
                declare(self.declared.entry(text("exchange")).or_default(), span, change);
            }
            // Whatever was bound to it, or would have been routed: no longer certain.
            "exchange.delete" => {
                self.exchanges.insert(text("exchange"), Kind::Unknown);
                let spans = self.declared.entry(text("exchange")).or_default();
                for span in spans {
                    span.remove(change);
                }
            }
            "queue.declare" if !flag(packet, "passive") => self.on_declare(history, change),
            "queue.delete" => {
                let Some(queue) = &change.queue else { return };
                self.queues.entry(queue.clone()).or_default().iter_mut().for_each(|span| span.remove(change));
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
        if flag(&change.packet, "exclusive")
            && let Some(end) = history.closes.get(&change.by).or_else(|| history.ends.get(&change.by))
        {
            span.may_end(*end);
        }
        if flag(&change.packet, "auto_delete") {
            let after = history.consumer_ends.partition_point(|event| *event < change.asked);
            if let Some(end) = history.consumer_ends.get(after) {
                span.may_end(*end);
            }
        }
        // It goes when nobody has used it for a while: after how long is not followed.
        if entry(table(&change.packet, "arguments"), "x-expires").is_some() {
            span.may_end(change.asked);
        }
        declare(self.queues.entry(queue).or_default(), span, change);
    }

    fn bind(&mut self, source: &Bytes, destination: Destination, key: Bytes, change: &Change) {
        let arguments = table(&change.packet, "arguments").to_vec();
        let bindings = self.bindings.entry(source.clone()).or_default();
        let known = bindings.iter_mut().rev().find(|binding| {
            binding.span.lasts()
                && binding.destination == destination
                && binding.key == key
                && binding.arguments == arguments
        });
        let binds = matches!(change.packet.name, "queue.bind" | "exchange.bind");
        match (known, binds) {
            (Some(known), true) => known.span.again(change),
            (Some(known), false) => known.span.remove(change),
            (None, true) => bindings.push(Binding { destination, key, arguments, span: Span::of(change) }),
            (None, false) => {}
        }
    }

    /// Whether a queue that was declared stays to the end.
    pub(super) fn keeps(&self, queue: &Bytes) -> bool {
        self.queues.get(queue).into_iter().flatten().any(Span::stays)
    }

    /// Whether a queue certainly exists during the whole of this time.
    pub(super) fn has_queue(&self, queue: &Bytes, from: u64, to: u64) -> bool {
        self.queues.get(queue).into_iter().flatten().any(|span| span.covers(from, to))
    }

    /// Whether a queue that clients declared is certainly gone during the whole of this time.
    pub(super) fn is_gone(&self, queue: &Bytes, from: u64, to: u64) -> bool {
        let mut known =
            self.queues.get(queue).into_iter().flatten().filter(|span| span.begins_before(to)).peekable();
        known.peek().is_some() && !known.any(|span| span.touches(from, to))
    }

    /// Whether an exchange certainly exists during the whole of this time.
    pub(super) fn has_exchange(&self, exchange: &Bytes, from: u64, to: u64) -> bool {
        self.declared.get(exchange).into_iter().flatten().any(|span| span.covers(from, to))
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
                let matches = matching(kind, &binding.key, &binding.arguments, message);
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
        let exists = self.has_queue(queue, from, to);
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

/// Something is declared: what exists already goes on, and what may be gone begins anew.
fn declare(spans: &mut Vec<Span>, span: Span, change: &Change) {
    match spans.last_mut() {
        Some(known) if known.lasts() && span.lasts() => known.again(change),
        _ => spans.push(span),
    }
}
