//! What a rewrite of a mutant does to a packet.

use mqspec_wire::{FieldShape, Name, PacketShape};

use super::Lowering;
use super::packet::take;
use crate::mutant::{Assignment, Change, NewValue};
use crate::plan::{Expression, Template};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Kind, Node, Span};

impl Lowering<'_> {
    /// The change that a rewrite makes.
    pub(super) fn change(
        &mut self,
        node: &Node,
        entries: &mut Vec<&Entry>,
        shape: Option<&'static PacketShape>,
    ) -> Change {
        let change = Change {
            set: take(entries, "set").map(|entry| self.assignments(entry, shape)).unwrap_or_default(),
            unset: take(entries, "unset").map(|entry| self.fields_of(entry, shape)).unwrap_or_default(),
            malformed: take(entries, "malformed").map(|entry| self.deviations(entry)).unwrap_or_default(),
            before: take(entries, "before").map(|entry| self.templates(&entry.value)).unwrap_or_default(),
            older: take(entries, "older").map(|entry| self.templates(&entry.value)).unwrap_or_default(),
            drop: self.flag(entries, "drop"),
            twice: self.flag(entries, "twice"),
            then: take(entries, "then").map(|entry| self.templates(&entry.value)).unwrap_or_default(),
            hold: self.flag(entries, "hold"),
            exchange: take(entries, "exchange").map(|entry| self.fields_of(entry, shape)).unwrap_or_default(),
            to_older: self.flag(entries, "to_older"),
            delay: take(entries, "delay").and_then(|entry| self.duration(&entry.value)),
            answer: take(entries, "answer").map(|entry| self.templates(&entry.value)).unwrap_or_default(),
            hang_up: self.flag(entries, "hang_up"),
        };
        if change == Change::default() {
            let problem = Problem::new(node.span.clone(), "this rewrite changes nothing");
            self.report(problem.help("drop: true, set: { … }, then: [ … ], …: docs/MUTANTS.md"));
        }
        change
    }

    /// A bit of a rewrite; false where it is not given.
    pub(super) fn flag(&mut self, entries: &mut Vec<&Entry>, key: &str) -> bool {
        take(entries, key).is_some_and(|entry| self.bit(&entry.value, &format!("`{key}`")) == Some(true))
    }

    fn assignments(&mut self, entry: &Entry, shape: Option<&'static PacketShape>) -> Vec<Assignment> {
        let Some(shape) = self.needs_shape(shape, &entry.key_span) else { return Vec::new() };
        let entries = self.map(&entry.value, "set").unwrap_or_default();
        let mut assignments = Vec::new();
        for entry in entries {
            let Some((list, field)) = self.place(shape, entry) else { continue };
            let value = self.new_value(&entry.value, field);
            assignments.extend(value.map(|value| Assignment { list, field: field.name.to_owned(), value }));
        }
        assignments
    }

    fn new_value(&mut self, node: &Node, field: &FieldShape) -> Option<NewValue> {
        if let Kind::Map(entries) = &node.kind
            && let [Entry { key, value, .. }] = entries.as_slice()
        {
            match (key.as_str(), value.as_integer(), value.as_bool()) {
                ("plus", Some(number), _) => return Some(NewValue::Plus(number)),
                ("reversed", _, Some(true)) => return Some(NewValue::Reversed),
                ("shortened", _, Some(true)) => return Some(NewValue::Shortened),
                _ => {}
            }
        }
        self.expression(node, field).map(NewValue::Value)
    }

    /// A list of names of fields.
    fn fields_of(&mut self, entry: &Entry, shape: Option<&'static PacketShape>) -> Vec<String> {
        let Some(shape) = self.needs_shape(shape, &entry.key_span) else { return Vec::new() };
        let names: Vec<&Node> = entry.value.as_list().unwrap_or_default().iter().collect();
        if names.is_empty() {
            self.report(Problem::new(
                entry.value.span.clone(),
                format!("`{}` is a list of fields", entry.key),
            ));
        }
        let mut fields = Vec::new();
        for node in names {
            let name = node.as_text().unwrap_or_default();
            if shape.fields.iter().any(|field| field.name == name) {
                fields.push(name.to_owned());
            } else {
                let message = format!("`{}` has no field `{name}`", shape.name);
                let mut problem = Problem::new(node.span.clone(), message);
                problem.help = suggest(name, shape.fields.iter().map(|field| field.name));
                self.report(problem);
            }
        }
        fields
    }

    fn needs_shape(
        &mut self,
        shape: Option<&'static PacketShape>,
        span: &Span,
    ) -> Option<&'static PacketShape> {
        if shape.is_none() {
            self.report(Problem::new(span.clone(), "only a named packet has fields to change"));
        }
        shape
    }

    /// `[{ packet: puback, packet_id: $packet_id }]`.
    fn templates(&mut self, node: &Node) -> Vec<Template> {
        let Some(items) = node.as_list() else {
            self.report(
                Problem::new(node.span.clone(), "this is a list of packets")
                    .help("[{ packet: …, field: … }]"),
            );
            return Vec::new();
        };
        items.iter().filter_map(|item| self.one_template(item)).collect()
    }

    fn one_template(&mut self, node: &Node) -> Option<Template> {
        let mut entries = self.map(node, "a packet")?;
        let Some(name) = take(&mut entries, "packet") else {
            self.report(Problem::new(node.span.clone(), "a packet has a name").help("{ packet: puback, … }"));
            return None;
        };
        let shape = self.packet_shape(&name.value)?;
        let malformed = take(&mut entries, "malformed");
        let mut template = self.template(shape, &entries);
        let has_channel = entries.iter().any(|entry| entry.key == "channel");
        let of_a_channel = !shape.name.starts_with("connection.") && shape.name != "heartbeat";
        if !self.spec.is_mqtt() && of_a_channel && !has_channel {
            template.fields.push((Name::from("channel"), Expression::Name(String::from("channel"))));
        }
        template.malformed = malformed.map(|entry| self.deviations(entry)).unwrap_or_default();
        Some(template)
    }
}
