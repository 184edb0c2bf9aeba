//! Mutants: lists of rewrites, lowered with the same words for packets, fields and matchers as scenarios.

use mqspec_wire::{Spec, shapes};

use super::scalar::is_name;
use super::{Lowering, PROVIDED};
use crate::mutant::{DiskUse, Mutant, Pace, Shows, remembered_as};
use crate::scenario::diagnostic::Problem;
use crate::scenario::node::Node;

/// What a mutant may say.
const KEYS: &[&str] = &["name", "lie", "breaks", "rewrites", "clock", "disk", "shows"];

/// Lowers a file of mutants.
///
/// # Errors
///
/// Everything that is wrong with it, each thing once.
pub(crate) fn mutants(text: &str, root: &Node) -> Result<Vec<Mutant>, Vec<Problem>> {
    let Some(items) = root.as_list() else {
        return Err(vec![Problem::new(root.span.clone(), "a file of mutants is a list").help("- name: …")]);
    };
    let mut mutants = Vec::new();
    let mut problems: Vec<Problem> = Vec::new();
    for item in items {
        for (mutant, found) in versions(text, item) {
            mutants.extend(mutant);
            for problem in found {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
    }
    if problems.is_empty() { Ok(mutants) } else { Err(problems) }
}

/// A mutant for each version that it breaks statements of.
fn versions(text: &str, item: &Node) -> Vec<(Option<Mutant>, Vec<Problem>)> {
    let breaks = item.get("breaks").and_then(Node::as_map).unwrap_or_default();
    let specs: Vec<Spec> = breaks.iter().filter_map(|entry| Spec::parse(&entry.key)).collect();
    if specs.is_empty() {
        let problem = Problem::new(item.span.clone(), "a mutant says which statements it breaks")
            .help("breaks: { mqtt-5.0: [MQTT-4.4.0-1] }");
        return vec![(None, vec![problem])];
    }
    specs
        .into_iter()
        .map(|spec| {
            let mut lowering = Lowering::new(text, spec);
            lowering.bind_fields();
            let mutant = lowering.mutant(item);
            (mutant, lowering.problems)
        })
        .collect()
}

impl Lowering<'_> {
    /// Binds every field's name; with `client_` before it that of the latest packet from the client, with a
    /// packet's name that of the latest such packet, with `previous_` that of the client's previous CONNECT.
    fn bind_fields(&mut self) {
        for shape in shapes(self.spec) {
            for name in shape.fields.iter().map(|field| field.name).filter(|name| is_name(name)) {
                if !PROVIDED.contains(&name) {
                    self.names.insert(name.to_owned(), 0..0);
                }
                for prefix in ["client", "previous", &remembered_as(shape.name)] {
                    self.names.insert(format!("{prefix}_{name}"), 0..0);
                }
            }
        }
    }

    fn mutant(&mut self, item: &Node) -> Option<Mutant> {
        let entries = self.map(item, "a mutant")?;
        self.known_keys(&entries, "a mutant", KEYS);
        let name = self.required_text(item, "name");
        let lie = self.required_text(item, "lie");
        let statements = item.get("breaks").map(|node| self.statement_ids(node)).unwrap_or_default();
        let clock = item.get("clock").map_or(Pace::True, |node| self.pace(node));
        let disk = item.get("disk").map_or(DiskUse::Careful, |node| self.disk_use(node));
        let shows = item.get("shows").map_or(Shows::Always, |node| self.shows(node));
        let rewrites = item.get("rewrites").map(|node| self.rewrites(node)).unwrap_or_default();
        // A rewrite with a mistake has been told of already.
        let none_is_right = item.get("rewrites").is_none() || self.problems.is_empty();
        if rewrites.is_empty() && clock == Pace::True && disk == DiskUse::Careful && none_is_right {
            self.report(Problem::new(
                item.span.clone(),
                "a mutant rewrites something, or has another `clock` or `disk`",
            ));
        }
        Some(Mutant {
            name: format!("{}@{}", name?, self.spec),
            lie: lie?,
            spec: self.spec,
            statements,
            rewrites,
            clock,
            disk,
            shows,
        })
    }

    fn required_text(&mut self, item: &Node, key: &str) -> Option<String> {
        let text = item.get(key).and_then(Node::as_text).filter(|text| !text.is_empty());
        if text.is_none() {
            self.report(Problem::new(item.span.clone(), format!("a mutant needs `{key}`")));
        }
        text.map(str::to_owned)
    }

    fn shows(&mut self, node: &Node) -> Shows {
        if node.as_text() != Some("under-faults") {
            let problem = Problem::new(node.span.clone(), "a lie shows always, or `under-faults`");
            self.report(problem.help("leave `shows` out for one that needs no fault"));
        }
        Shows::UnderFaults
    }

    fn pace(&mut self, node: &Node) -> Pace {
        match node.as_text() {
            Some("stopped") => Pace::Stopped,
            Some("half") => Pace::Half,
            Some("double") => Pace::Double,
            _ => {
                let problem = Problem::new(node.span.clone(), "this is no pace of a clock");
                self.report(problem.help("there is `stopped`, `half` and `double`"));
                Pace::True
            }
        }
    }

    fn disk_use(&mut self, node: &Node) -> DiskUse {
        let word = node.as_text().unwrap_or_default();
        if let Some((_, found)) = DiskUse::WORDS.iter().find(|(known, _)| *known == word) {
            return *found;
        }
        let known = DiskUse::WORDS.map(|(word, _)| format!("`{word}`")).join(", ");
        let problem = Problem::new(node.span.clone(), "this is no way to use a disk");
        self.report(problem.help(format!("there is {known}")));
        DiskUse::Careful
    }
}
