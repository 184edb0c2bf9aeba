//! The actors of a scenario: their names, what `connect` says for each of them, and which packet identifiers are
//! free.

use std::collections::BTreeSet;

use mqspec_wire::Spec;

use super::{Actor, Lowering, packet, scalar, steps};
use crate::plan::{ActorId, Role};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Kind, Node, Span};

impl<'a> Lowering<'a> {
    /// The actors and what they are like. The steps tell which packet identifiers are taken.
    pub(super) fn actors(&mut self, node: &'a Node, steps: &[Option<&'a Node>]) {
        let named: Vec<(&str, &Span, Option<&'a Node>)> = match &node.kind {
            Kind::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.as_str(), &entry.key_span, Some(&entry.value)))
                .collect(),
            Kind::List(items) => {
                items.iter().map(|item| (item.as_text().unwrap_or_default(), &item.span, None)).collect()
            }
            Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Text(_) => {
                self.report(
                    Problem::new(node.span.clone(), "`actors` is a map or a list of names")
                        .help("actors: { alice: { clean_start: false }, bob: {} }, or actors: [alice, bob]"),
                );
                Vec::new()
            }
        };
        for (name, span, defaults) in named {
            if !scalar::is_name(name) || steps::WORDS.iter().any(|(word, _)| *word == name) {
                self.report(
                    Problem::new(span.clone(), format!("`{name}` cannot be an actor's name"))
                        .help("a small letter, then small letters, digits and `_`; no word of the language"),
                );
            }
            if self.actors.iter().any(|actor| actor.name == name) {
                self.report(
                    Problem::new(span.clone(), format!("`{name}` is said twice"))
                        .help("an actor is one client; give the other one a name of its own"),
                );
                continue;
            }
            let mut taken = BTreeSet::new();
            for steps in steps.iter().flatten() {
                identifiers_of(name, steps, &mut taken);
            }
            let (spec, role, defaults) = self.actor_defaults(name, defaults);
            self.actors.push(Actor { name, spec, defaults, role, taken, next_identifier: 1 });
        }
        for index in 0..self.actors.len() {
            self.check_defaults(ActorId(index));
        }
    }

    fn actor_defaults(&mut self, name: &str, node: Option<&'a Node>) -> (Spec, Role, Vec<&'a Entry>) {
        let Some(node) = node else { return (self.plan_spec, Role::Scripted, Vec::new()) };
        let mut entries: Vec<_> = match node.as_map() {
            Some(entries) => entries.iter().collect(),
            None => self.map(node, name).unwrap_or_default(),
        };
        let protocol = packet::take(&mut entries, "protocol");
        let spec = protocol.and_then(|entry| self.protocol(&entry.value)).unwrap_or(self.plan_spec);
        let role = packet::take(&mut entries, "role").map_or(Role::Scripted, |entry| self.role(&entry.value));
        self.spec = spec;
        let entries = self.of_this_version(entries);
        self.spec = self.plan_spec;
        (spec, role, entries)
    }

    /// Reports what `connect` could not use, also where an actor never connects; a client keeps it.
    fn check_defaults(&mut self, id: ActorId) {
        let Some(actor) = self.actors.get(id.0) else { return };
        let (defaults, scripted) = (actor.defaults.clone(), actor.role == Role::Scripted);
        self.spec = actor.spec;
        if scripted {
            self.check_connect(id, &defaults);
        } else {
            let connect = self.client_connect(id, defaults);
            if let Some(actor) = self.actors.get_mut(id.0) {
                actor.role = Role::Client { connect };
            }
        }
        self.spec = self.plan_spec;
    }

    /// The actor that a node names.
    pub(super) fn actor_named(&mut self, node: &Node) -> Option<ActorId> {
        let name = node.as_text().unwrap_or_default();
        let found = self.actors.iter().position(|actor| actor.name == name).map(ActorId);
        match found {
            Some(id) => {
                self.used.insert(id);
            }
            None => self.no_such_actor(name, &node.span),
        }
        found
    }

    pub(super) fn no_such_actor(&mut self, name: &str, span: &Span) {
        let mut problem = Problem::new(span.clone(), format!("there is no actor `{name}`"));
        problem.help = suggest(name, self.actors.iter().map(|actor| actor.name));
        self.report(problem);
    }

    /// The next packet identifier that nobody else uses.
    pub(super) fn next_identifier(&mut self, id: ActorId) -> u16 {
        let Some(actor) = self.actors.get_mut(id.0) else { return 1 };
        while actor.taken.contains(&actor.next_identifier) {
            actor.next_identifier = actor.next_identifier.checked_add(1).unwrap_or(1);
        }
        let identifier = actor.next_identifier;
        actor.next_identifier = identifier.checked_add(1).unwrap_or(1);
        identifier
    }

    /// A name that no author can write, for what composite verbs carry from packet to packet.
    pub(super) fn internal(&self, id: ActorId, field: &str) -> String {
        format!("{}.{field}", self.actors.get(id.0).map_or("", |actor| actor.name))
    }
}

/// Collects the packet identifiers that are written in an actor's steps.
fn identifiers_of(actor: &str, node: &Node, taken: &mut BTreeSet<u16>) {
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                if entry.key == actor {
                    written_identifiers(&entry.value, taken);
                } else {
                    identifiers_of(actor, &entry.value, taken);
                }
            }
        }
        Kind::List(items) => items.iter().for_each(|item| identifiers_of(actor, item, taken)),
        Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Text(_) => {}
    }
}

fn written_identifiers(node: &Node, taken: &mut BTreeSet<u16>) {
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                match entry.value.as_integer() {
                    Some(number) if entry.key == "packet_id" => taken.extend(u16::try_from(number).ok()),
                    _ => written_identifiers(&entry.value, taken),
                }
            }
        }
        Kind::List(items) => items.iter().for_each(|item| written_identifiers(item, taken)),
        Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Text(_) => {}
    }
}
