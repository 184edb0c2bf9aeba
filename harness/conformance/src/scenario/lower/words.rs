//! Words that begin a step and are nobody's action.

use std::collections::BTreeSet;

use super::Lowering;
use super::value::literal;
use crate::check::GUARANTEES;
use crate::plan::{Action, BrokerFault, Step};
use crate::scenario::diagnostic::Problem;
use crate::scenario::node::Node;
use crate::statement::suggest::nearest;

/// How often a step may be done, in nested repeats, too: a run with more of it never comes to its end.
const MOST_ROUNDS: u64 = 1_000_000;

impl<'a> Lowering<'a> {
    pub(super) fn broker(&mut self, value: &Node, faults: &[BrokerFault]) {
        let entries = self.map(value, "broker").unwrap_or_default();
        self.known_keys(&entries, "this step", &[]);
        for fault in faults {
            self.push(Action::Broker(*fault));
        }
    }

    pub(super) fn bind_values(&mut self, node: &Node) {
        for entry in self.map(node, "bind").unwrap_or_default() {
            let value = self.plain(&entry.value);
            let key = Node {
                span: entry.key_span.clone(),
                kind: crate::scenario::node::Kind::Text(entry.key.clone()),
            };
            if let (Some(name), Some(value)) = (self.new_name(&key), value) {
                self.push(Action::Bind { name, value });
            }
        }
    }

    /// `repeat: { times: 10, counter: i, steps: […] }`.
    pub(super) fn repeat(&mut self, node: &'a Node) {
        let Some(entries) = self.map(node, "repeat") else { return };
        self.known_keys(&entries, "repeat", &["times", "counter", "steps"]);
        let times = node.get("times").and_then(|times| self.number(times, "`times`", 1, MOST_ROUNDS));
        let counter = node.get("counter").and_then(|counter| self.new_name(counter));
        for key in ["times", "steps"] {
            if node.get(key).is_none() {
                self.report(
                    Problem::new(node.span.clone(), format!("`repeat` needs `{key}`"))
                        .help("repeat: { times: 10, counter: i, steps: […] }"),
                );
            }
        }
        let outer = self.rounds;
        self.rounds = outer.saturating_mul(times.unwrap_or(1));
        if let (true, Some(times)) = (outer <= MOST_ROUNDS && self.rounds > MOST_ROUNDS, node.get("times")) {
            self.report(
                Problem::new(times.span.clone(), format!("these steps would be done {} times", self.rounds))
                    .help(format!("{MOST_ROUNDS} at most, with every `repeat` around them counted")),
            );
        }
        let steps = node.get("steps").map(|steps| self.nested(steps)).unwrap_or_default();
        self.rounds = outer;
        if let Some(counter) = &counter {
            self.names.remove(counter);
        }
        if let Some(times) = times {
            self.push(Action::Repeat { times, counter, steps });
        }
    }

    /// Steps within a step.
    fn nested(&mut self, node: &'a Node) -> Vec<Step> {
        let outer = std::mem::take(&mut self.steps);
        self.steps_of(node);
        std::mem::replace(&mut self.steps, outer)
    }

    /// `together: [ [steps], [steps] ]`.
    pub(super) fn together(&mut self, node: &'a Node) {
        let Some(branches @ [_, _, ..]) = node.as_list() else {
            self.report(
                Problem::new(node.span.clone(), "`together` has at least two lists of steps")
                    .help("together: [ [ alice: { … } ], [ bob: { … } ] ]"),
            );
            return;
        };
        let names = self.names.clone();
        let mut all_names = names.clone();
        let used = std::mem::take(&mut self.used);
        let mut all_used = BTreeSet::new();
        let mut lowered = Vec::new();
        for branch in branches {
            self.names.clone_from(&names);
            lowered.push(self.nested(branch));
            for actor in std::mem::take(&mut self.used) {
                if !all_used.insert(actor) {
                    let name = self.actors.get(actor.0).map_or("", |actor| actor.name);
                    self.report(
                        Problem::new(
                            branch.span.clone(),
                            format!("`{name}` acts in two branches at the same time"),
                        )
                        .help("an actor is one peer with one connection: give the other branch its own"),
                    );
                }
            }
            for (name, span) in std::mem::take(&mut self.names) {
                if names.contains_key(&name) {
                    continue;
                }
                if let Some(first) = all_names.insert(name.clone(), span.clone())
                    && super::scalar::is_name(&name)
                {
                    self.report(
                        Problem::new(span, format!("`{name}` is bound twice")).also(first, "first here"),
                    );
                }
            }
        }
        self.names = all_names;
        self.used = used.into_iter().chain(all_used).collect();
        self.push(Action::Together(lowered));
    }

    /// `check: guarantee` or `check: { guarantee: { parameters } }`.
    pub(super) fn check(&mut self, node: &Node) {
        let (name, span, parameters) = match (node.as_text(), node.as_map()) {
            (Some(name), _) => (name, &node.span, Vec::new()),
            (None, Some([entry])) => {
                let parameters = self.map(&entry.value, &entry.key).unwrap_or_default();
                (entry.key.as_str(), &entry.key_span, parameters)
            }
            _ => {
                self.report(
                    Problem::new(node.span.clone(), "`check` has the name of one guarantee")
                        .help("check: name, or check: { name: { parameter: value } }"),
                );
                return;
            }
        };
        let Some(guarantee) = GUARANTEES.iter().find(|guarantee| guarantee.name == name) else {
            let mut problem = Problem::new(span.clone(), format!("there is no guarantee `{name}`"));
            let near = nearest(name, GUARANTEES.iter().map(|guarantee| guarantee.name));
            problem.help = near.map(|near| format!("did you mean `{near}`?"));
            self.report(problem);
            return;
        };
        self.known_keys(&parameters, name, guarantee.parameters);
        let mut given = Vec::new();
        for entry in parameters {
            let bit = self.bit(&entry.value, &format!("`{}`", entry.key));
            given.extend(bit.map(|bit| (entry.key.clone(), literal(bit))));
        }
        self.push(Action::Check { guarantee: name.to_owned(), parameters: given });
    }
}
