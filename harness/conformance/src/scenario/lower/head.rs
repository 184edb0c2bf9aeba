//! What stands above the steps.

use mqspec_wire::{Spec, Value};

use super::Lowering;
use crate::plan::capability::CAPABILITIES;
use crate::plan::setting::{SETTINGS, Setting};
use crate::plan::{Expression, Need, Worlds};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Kind, Node};
use crate::statement::Catalogue;

/// The top-level keys, with what each says.
pub(crate) const KEYS: &[(&str, &str)] = &[
    ("title", "what the scenario claims, in one sentence"),
    ("about", "anything else that a reader should know"),
    ("protocols", "the versions it is for, one plan each"),
    ("statements", "what a failure breaks: ids, or a map from version to ids"),
    ("needs", "capabilities without which it means nothing"),
    ("world", "`both`, { simulated: reason } or { live: reason }"),
    ("broker", "settings of the reference broker; makes it simulated-only"),
    ("shared_names", "why it uses names that are not its run's own"),
    ("actors", "the peers and how they connect"),
    ("given", "steps that only prepare: a failure there makes the run inconclusive"),
    ("steps", "what happens, in order"),
];

/// What is the same in every version.
pub(in crate::scenario) struct Head {
    pub(in crate::scenario) title: String,
    pub(in crate::scenario) protocols: Vec<Spec>,
    pub(in crate::scenario) worlds: Worlds,
}

impl Head {
    /// Reads the top of a scenario.
    pub(in crate::scenario) fn read(root: &Node, problems: &mut Vec<Problem>) -> Option<Self> {
        let Some(entries) = root.as_map() else {
            problems.push(Problem::new(root.span.clone(), "a scenario is a map").help("begin with `title:`"));
            return None;
        };
        for entry in entries {
            if KEYS.iter().all(|(key, _)| *key != entry.key) {
                let mut problem =
                    Problem::new(entry.key_span.clone(), format!("a scenario has no key `{}`", entry.key));
                problem.help = suggest(&entry.key, KEYS.iter().map(|(key, _)| *key));
                problems.push(problem);
            }
        }
        for key in ["title", "protocols", "statements", "actors", "steps"] {
            if root.get(key).is_none() {
                let said = KEYS.iter().find(|(known, _)| *known == key).map(|(_, says)| *says);
                problems.push(
                    Problem::new(root.span.start..root.span.start, format!("`{key}` is missing"))
                        .help(format!("{key}: {}", said.unwrap_or_default())),
                );
            }
        }
        for key in ["title", "about", "shared_names"] {
            if let Some(node) = root.get(key)
                && node.as_text().is_none_or(|text| text.trim().is_empty())
            {
                problems.push(Problem::new(node.span.clone(), format!("`{key}` is a sentence")));
            }
        }
        let title = root.get("title").and_then(Node::as_text).unwrap_or_default().trim().to_owned();
        let worlds = worlds(root, problems);
        let protocols = protocols(root.get("protocols")?, problems);
        Some(Self { title, protocols, worlds })
    }
}

fn protocols(node: &Node, problems: &mut Vec<Problem>) -> Vec<Spec> {
    let Some(items @ [_, ..]) = node.as_list() else {
        problems.push(
            Problem::new(node.span.clone(), "`protocols` is a list of versions")
                .help("protocols: [mqtt-3.1.1, mqtt-5.0]"),
        );
        return Vec::new();
    };
    let mut protocols = Vec::new();
    for item in items {
        match named_protocol(item) {
            Ok(spec) if protocols.contains(&spec) => {
                problems.push(Problem::new(item.span.clone(), format!("`{spec}` is said twice")));
            }
            Ok(spec) => protocols.push(spec),
            Err(problem) => problems.push(problem),
        }
    }
    protocols
}

fn named_protocol(node: &Node) -> Result<Spec, Problem> {
    let name = node.as_text().unwrap_or_default();
    Spec::ALL.into_iter().find(|spec| spec.id() == name).ok_or_else(|| {
        let mut problem = Problem::new(node.span.clone(), format!("there is no protocol `{name}`"));
        problem.help = suggest(name, Spec::ALL.into_iter().map(Spec::id));
        problem
    })
}

fn worlds(root: &Node, problems: &mut Vec<Problem>) -> Worlds {
    let mut wrong = |node: &Node| {
        problems.push(
            Problem::new(node.span.clone(), "this is no world")
                .help("world: both, world: { simulated: \"reason\" } or world: { live: \"reason\" }"),
        );
        Worlds::Both
    };
    let said = match root.get("world") {
        None => Worlds::Both,
        Some(node) => match (&node.kind, node.as_map()) {
            (Kind::Text(text), _) if text == "both" => Worlds::Both,
            (_, Some([entry])) => match (entry.key.as_str(), entry.value.as_text()) {
                ("simulated", Some(reason)) => Worlds::SimulatedOnly(reason.to_owned()),
                ("live", Some(reason)) => Worlds::LiveOnly(reason.to_owned()),
                _ => wrong(node),
            },
            _ => wrong(node),
        },
    };
    match (root.get("broker"), said) {
        (Some(_), Worlds::Both) => {
            Worlds::SimulatedOnly(String::from("it needs a broker with settings of its own"))
        }
        (Some(node), Worlds::LiveOnly(_)) => {
            problems.push(Problem::new(
                node.span.clone(),
                "a live broker keeps its own settings, so `broker` and `world: { live: … }` exclude each other",
            ));
            Worlds::Both
        }
        (_, said) => said,
    }
}

impl Lowering<'_> {
    /// One protocol's name.
    pub(super) fn protocol(&mut self, node: &Node) -> Option<Spec> {
        match named_protocol(node) {
            Ok(spec) if spec.is_mqtt() == self.plan_spec.is_mqtt() => Some(spec),
            Ok(spec) => {
                let message = format!("{spec} cannot stand in one plan with the file's other protocols");
                self.report(Problem::new(node.span.clone(), message));
                None
            }
            Err(problem) => {
                self.report(problem);
                None
            }
        }
    }

    /// Full ids of statements: from a list, or from the list for this version in a map.
    pub(super) fn statement_ids(&mut self, node: &Node) -> Vec<String> {
        let list = match &node.kind {
            Kind::List(items) => items,
            Kind::Map(entries) => {
                for entry in entries {
                    if Spec::ALL.into_iter().all(|spec| spec.id() != entry.key) {
                        let mut problem = Problem::new(
                            entry.key_span.clone(),
                            format!("there is no protocol `{}`", entry.key),
                        );
                        problem.help = suggest(&entry.key, Spec::ALL.into_iter().map(Spec::id));
                        self.report(problem);
                    }
                }
                match node.get(self.plan_spec.id()) {
                    Some(Node { kind: Kind::List(items), .. }) => items,
                    Some(other) => return self.no_list(other),
                    None => {
                        let message = format!("no statements for {}", self.plan_spec);
                        self.report(
                            Problem::new(node.span.clone(), message)
                                .help(format!("{}: [], if it proves nothing there", self.plan_spec)),
                        );
                        return Vec::new();
                    }
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Text(_) => {
                return self.no_list(node);
            }
        };
        list.iter().filter_map(|item| self.statement(item)).collect()
    }

    fn no_list(&mut self, node: &Node) -> Vec<String> {
        self.report(
            Problem::new(node.span.clone(), "statements are a list of ids")
                .help("[MQTT-4.4.0-1], or { mqtt-3.1.1: [MQTT-4.4.0-1], mqtt-5.0: [MQTT-4.4.0-1] }"),
        );
        Vec::new()
    }

    pub(super) fn statement(&mut self, node: &Node) -> Option<String> {
        let catalogue = Catalogue::load();
        let id = node.as_text().unwrap_or_default();
        if let Some(statement) = catalogue.find_in(self.plan_spec, id) {
            return Some(statement.full_id.clone());
        }
        let mut problem =
            Problem::new(node.span.clone(), format!("{} has no statement `{id}`", self.plan_spec));
        let elsewhere = catalogue.find_all(id);
        problem.help = match (elsewhere.as_slice(), catalogue.suggest(Some(self.plan_spec), id)) {
            ([other, ..], _) => Some(format!(
                "{} has one; where the numbers differ, write {{ {}: […], {}: […] }}",
                other.standard,
                self.plan_spec,
                other.standard.spec(),
            )),
            ([], Some(near)) => Some(format!("did you mean `{}`: {}", near.id, near.summary)),
            ([], None) => None,
        };
        self.report(problem);
        None
    }

    /// `proves`: like statements, and among them.
    pub(super) fn proves(&mut self, node: &Node) -> Vec<String> {
        let ids = self.statement_ids(node);
        for id in &ids {
            if !self.statements.contains(id) {
                self.report(
                    Problem::new(node.span.clone(), format!("`{id}` is not among the scenario's statements"))
                        .help("add it to `statements`, by which scenarios are found and counted"),
                );
            }
        }
        ids
    }

    pub(super) fn needs(&mut self, node: &Node) -> Vec<Need> {
        let mut needs = Vec::new();
        for entry in self.map(node, "needs").unwrap_or_default() {
            let mqtt = self.plan_spec.is_mqtt();
            let own = || CAPABILITIES.iter().filter(|capability| capability.mqtt == mqtt);
            if let Some(capability) = own().find(|capability| capability.name == entry.key) {
                let value = self.expression(&entry.value, &capability.field());
                if let Some(Expression::Literal(value)) = value {
                    needs.push(Need { capability: entry.key.clone(), value });
                }
            } else {
                let message = format!("there is no capability `{}`", entry.key);
                let mut problem = Problem::new(entry.key_span.clone(), message);
                let known: Vec<_> = own().map(|capability| capability.name).collect();
                problem.help =
                    suggest(&entry.key, known).or_else(|| Some(String::from("docs/SCENARIOS.md lists them")));
                self.report(problem);
            }
        }
        needs
    }

    /// Settings of the reference broker: their names are the broker's own, so they are checked when it starts.
    pub(super) fn broker_settings(&mut self, node: &Node) -> Vec<(String, Value)> {
        let mut settings = Vec::new();
        for entry in self.map(node, "broker").unwrap_or_default() {
            let value = self.plain(&entry.value);
            match value.map(|value| value.evaluate(&crate::plan::Bindings::new())) {
                Some(Ok(value)) => {
                    self.check_setting(entry, &value);
                    settings.push((entry.key.clone(), value));
                }
                Some(Err(_)) => self.report(Problem::new(
                    entry.value.span.clone(),
                    "a setting is fixed before anything is bound",
                )),
                None => {}
            }
        }
        settings
    }

    fn check_setting(&mut self, entry: &Entry, value: &Value) {
        let name = entry.key.as_str();
        let Some(setting) = Setting::find(name) else {
            let mut problem =
                Problem::new(entry.key_span.clone(), format!("the reference broker has no setting `{name}`"));
            problem.help = suggest(name, SETTINGS.iter().map(|setting| setting.name));
            self.report(problem);
            return;
        };
        if !setting.accepts(value) {
            let said = format!("`{name}` cannot be {value}");
            self.report(Problem::new(entry.value.span.clone(), said).help(setting.takes));
        }
    }
}
