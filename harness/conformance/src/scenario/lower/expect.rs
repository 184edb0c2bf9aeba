//! Expectations: what a broker's next packet, or its end, must look like.

use mqspec_wire::{PacketShape, Side, Spec, shape};

use super::Lowering;
use super::packet::{Demands, Verb, take};
use crate::plan::{Action, Expect, Field, Pattern, Take};
use crate::scenario::diagnostic::Problem;
use crate::scenario::node::{Entry, Kind, Node, Span};

impl Lowering<'_> {
    /// `expect: packet, matchers…`.
    pub(super) fn expect(&mut self, mut verb: Verb<'_>) {
        let within = self.within(&mut verb.beside);
        let Some(name) = self.packet_name(&verb.head.value) else { return };
        let pattern = self.pattern(name, &verb.head.value.span, verb.beside);
        if let Some(pattern) = pattern {
            self.push(Action::Expect(Expect {
                actor: verb.actor,
                alternatives: vec![pattern],
                take: Take::Next,
                within,
            }));
        }
    }

    /// `expect_any_of: [ { puback: { … } }, closed ]`.
    pub(super) fn expect_any_of(&mut self, mut verb: Verb<'_>) {
        let within = self.within(&mut verb.beside);
        let before = self.names.clone();
        let mut common: Option<std::collections::BTreeMap<String, Span>> = None;
        let mut alternatives = Vec::new();
        for (name, span, entries) in self.alternatives(&verb) {
            self.names.clone_from(&before);
            let Some(pattern) = self.pattern(name, &span, entries) else { continue };
            // What only some alternatives bind cannot be relied on later. After a close nothing follows.
            if matches!(pattern, Pattern::Packet { .. }) {
                let bound = std::mem::take(&mut self.names);
                common = Some(match common {
                    None => bound,
                    Some(common) => common.into_iter().filter(|(name, _)| bound.contains_key(name)).collect(),
                });
            }
            alternatives.push(pattern);
        }
        self.names = common.unwrap_or(before);
        self.push(Action::Expect(Expect { actor: verb.actor, alternatives, take: Take::Next, within }));
    }

    /// `expect_all: [ { puback: { … } }, { publish: { … } } ]`.
    pub(super) fn expect_all(&mut self, mut verb: Verb<'_>) {
        let within = self.within(&mut verb.beside);
        let mut patterns = Vec::new();
        for (name, span, entries) in self.alternatives(&verb) {
            if name == "closed" {
                self.report(Problem::new(span, "an end cannot be one of several packets in any order"));
                continue;
            }
            patterns.extend(self.pattern(name, &span, entries));
        }
        self.push(Action::ExpectAll { actor: verb.actor, patterns, within });
    }

    /// The list of an `expect_any_of` or `expect_all`: each entry a name, or a name with its matchers.
    fn alternatives<'a>(&mut self, verb: &Verb<'a>) -> Vec<(&'a str, Span, Vec<&'a Entry>)> {
        self.nothing_beside(verb);
        let Some(items @ [_, ..]) = verb.head.value.as_list() else {
            self.report(
                Problem::new(verb.head.value.span.clone(), format!("`{}` has a list", verb.head.key))
                    .help(format!("{}: [ {{ puback: {{ reason_code: success }} }}, closed ]", verb.head.key)),
            );
            return Vec::new();
        };
        items.iter().filter_map(|item| self.alternative(item)).collect()
    }

    fn alternative<'a>(&mut self, item: &'a Node) -> Option<(&'a str, Span, Vec<&'a Entry>)> {
        match &item.kind {
            Kind::Text(name) => Some((name.as_str(), item.span.clone(), Vec::new())),
            Kind::Map(entries) if entries.len() == 1 => {
                let entry = entries.first()?;
                let inner = self.map(&entry.value, &entry.key)?;
                Some((entry.key.as_str(), entry.key_span.clone(), inner))
            }
            Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::List(_) | Kind::Map(_) => {
                self.report(
                    Problem::new(
                        item.span.clone(),
                        "an alternative is a packet, or a packet with its matchers",
                    )
                    .help("{ puback: { reason_code: success } } or closed"),
                );
                None
            }
        }
    }

    /// What a packet, or the end of the connection, must look like.
    pub(super) fn pattern(&mut self, name: &str, span: &Span, mut entries: Vec<&Entry>) -> Option<Pattern> {
        if name == "closed" {
            return Some(self.closed(entries));
        }
        let shape = self.named_shape(name, span)?;
        if !shape.sent_by.include(Side::Server) {
            self.report(Problem::new(span.clone(), format!("a broker does not send `{name}`")));
            return None;
        }
        let channel = self.channel(shape.name, &mut entries);
        let demands = self.demands(shape, entries);
        Some(Pattern::Packet {
            name: shape.name.to_owned(),
            channel,
            fields: demands.fields,
            should: demands.should,
            bind: demands.bind,
        })
    }

    /// Matchers, `should` and `bind`.
    pub(super) fn demands(&mut self, shape: &PacketShape, mut entries: Vec<&Entry>) -> Demands {
        let should = take(&mut entries, "should");
        let bind = take(&mut entries, "bind");
        let fields = self.matchers(shape, &entries);
        let should = match should.and_then(|entry| self.map(&entry.value, "should")) {
            Some(entries) => self.matchers(shape, &entries),
            None => Vec::new(),
        };
        let bind = bind.map(|entry| self.binds(shape, &entry.value)).unwrap_or_default();
        Demands { fields, should, bind }
    }

    fn matchers(&mut self, shape: &PacketShape, entries: &[&Entry]) -> Vec<Field> {
        let mut fields = Vec::new();
        for entry in entries {
            if let Some(field) = self.field_shape(shape, entry) {
                fields.extend(self.field(entry, field));
            }
        }
        fields
    }

    /// `bind: { field: name }`.
    fn binds(&mut self, shape: &PacketShape, node: &Node) -> Vec<(String, String)> {
        let mut bound = Vec::new();
        for entry in self.map(node, "bind").unwrap_or_default() {
            if self.field_shape(shape, entry).is_some()
                && let Some(name) = self.new_name(&entry.value)
            {
                bound.push((entry.key.clone(), name));
            }
        }
        bound
    }

    /// `expect: closed`: matchers are for the farewell, if there is one.
    fn closed(&mut self, mut entries: Vec<&Entry>) -> Pattern {
        let silent = take(&mut entries, "silent").and_then(|entry| self.bit(&entry.value, "`silent`"));
        let should = take(&mut entries, "should");
        let farewell = self.farewell(&entries);
        let should = should.and_then(|entry| self.map(&entry.value, "should")).unwrap_or_default();
        let should = self.farewell(&should);
        Pattern::Closed { farewell, should, silent: silent.unwrap_or(false) }
    }

    /// Fields of whichever packet may be the broker's last.
    fn farewell(&mut self, entries: &[&Entry]) -> Vec<Field> {
        let shapes: Vec<_> = farewells(self.spec).iter().filter_map(|name| shape(self.spec, name)).collect();
        let mut fields = Vec::new();
        for entry in entries {
            let reported = self.problems.len();
            for shape in &shapes {
                self.problems.truncate(reported);
                let field = self.field_shape(shape, entry).and_then(|field| self.field(entry, field));
                if let Some(field) = field {
                    fields.push(field);
                    break;
                }
            }
        }
        fields
    }
}

/// The packets that a broker may send last before it ends a connection.
const fn farewells(spec: Spec) -> &'static [&'static str] {
    match spec {
        Spec::Mqtt311 => &["connack"],
        Spec::Mqtt50 => &["connack", "disconnect"],
        Spec::Amqp091 => &["connection.close"],
    }
}
