//! From a scenario as written to a plan for one protocol version.
//!
//! Everything that can be wrong is reported, not only the first thing. What packets and fields there are,
//! who may send them and which values have names comes from the wire tables ([`mqspec_wire::shapes`]); only
//! the composite verbs (`mqtt`, `amqp`) know packets by name.

pub(super) mod amqp;
mod change;
pub(super) mod client;
pub(super) mod disk;
mod exchange;
mod expect;
pub(super) mod fault;
mod handshake;
pub(super) mod head;
pub(super) mod matcher;
pub(super) mod mqtt;
pub(super) mod mutant;
mod packet;
mod rewrite;
mod scalar;
pub(super) mod steps;
pub(super) mod stream_fault;
mod value;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use mqspec_wire::Spec;

pub(super) use head::Head;
pub use scalar::parse_duration;

use super::diagnostic::{Problem, suggest};
use super::node::{Entry, Kind, Node, Span};
use crate::plan::expression::TextPart;
use crate::plan::{Action, ActorId, ActorPlan, Expression, Origin, Plan, Role, Step, Worlds};
use crate::statement::suggest::nearest;

/// Names that the environment binds.
pub(super) const PROVIDED: [&str; 4] = ["run", "user", "password", "vhost"];

/// A plan in the making.
pub(super) struct Lowering<'a> {
    /// The scenario's text.
    text: &'a str,
    /// The version that the plan is for.
    plan_spec: Spec,
    /// The version of whoever is spoken of right now.
    spec: Spec,
    actors: Vec<Actor<'a>>,
    /// Who does something in the steps.
    used: BTreeSet<ActorId>,
    /// What is bound so far, and where.
    names: BTreeMap<String, Span>,
    statements: Vec<String>,
    steps: Vec<Step>,
    origin: Origin,
    proves: Option<Vec<String>>,
    /// Something is asked for that only a simulated broker can be made to suffer.
    needs_simulation: bool,
    /// How often the steps of the `repeat`s that are being lowered are done, all of them counted.
    rounds: u64,
    problems: Vec<Problem>,
}

struct Actor<'a> {
    name: &'a str,
    spec: Spec,
    /// What its `connect` says unless the step says otherwise.
    defaults: Vec<&'a Entry>,
    /// What it does without being told.
    role: Role,
    /// Packet identifiers that the author wrote for it.
    taken: BTreeSet<u16>,
    next_identifier: u16,
}

/// What lowering for one version found out.
pub(super) struct Lowered {
    /// The plan; only whole when there are no problems.
    pub(super) plan: Plan,
    /// What is wrong in this version.
    pub(super) problems: Vec<Problem>,
    /// The actors that do something.
    pub(super) used: BTreeSet<String>,
}

/// Lowers a scenario for one of its versions.
pub(super) fn lower(address: &str, text: &str, root: &Node, head: &Head, spec: Spec) -> Lowered {
    let mut lowering = Lowering::new(text, spec);
    if let Some(node) = root.get("statements") {
        lowering.statements = lowering.statement_ids(node);
    }
    let needs = root.get("needs").map(|node| lowering.needs(node)).unwrap_or_default();
    let broker = root.get("broker").map(|node| lowering.broker_settings(node)).unwrap_or_default();
    if let Some(node) = root.get("actors") {
        lowering.actors(node, &[root.get("given"), root.get("steps")]);
    }
    if let Some(node) = root.get("given") {
        lowering.proves = Some(Vec::new());
        lowering.steps_of(node);
        lowering.proves = None;
    }
    if let Some(node) = root.get("steps") {
        lowering.steps_of(node);
    }
    let used = lowering.used.iter().filter_map(|id| lowering.actors.get(id.0));
    let used = used.map(|actor| actor.name.to_owned()).collect();
    let actors = lowering.actors.iter();
    let actors = actors.map(|actor| ActorPlan {
        name: actor.name.to_owned(),
        spec: actor.spec,
        role: actor.role.clone(),
    });
    let actors = actors.collect();
    let plan = Plan {
        address: format!("{address}@{spec}"),
        title: head.title.clone(),
        spec,
        statements: lowering.statements,
        needs,
        worlds: match &head.worlds {
            Worlds::Both if lowering.needs_simulation => {
                Worlds::SimulatedOnly(String::from("it needs a machine and a disk that can fail"))
            }
            said @ (Worlds::Both | Worlds::SimulatedOnly(_) | Worlds::LiveOnly(_)) => said.clone(),
        },
        broker,
        actors,
        steps: lowering.steps,
    };
    Lowered { plan, problems: lowering.problems, used }
}

impl<'a> Lowering<'a> {
    /// Nothing lowered yet.
    fn new(text: &'a str, spec: Spec) -> Self {
        Self {
            text,
            plan_spec: spec,
            spec,
            actors: Vec::new(),
            used: BTreeSet::new(),
            names: PROVIDED.into_iter().map(|name| (name.to_owned(), 0..0)).collect(),
            statements: Vec::new(),
            steps: Vec::new(),
            origin: Origin::default(),
            proves: None,
            needs_simulation: false,
            rounds: 1,
            problems: Vec::new(),
        }
    }

    fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Appends a primitive action of the current step.
    fn push(&mut self, action: Action) {
        self.steps.push(Step { action, origin: self.origin.clone(), proves: self.proves.clone() });
    }

    /// The actors and what they are like. The steps tell which packet identifiers are taken.
    fn actors(&mut self, node: &'a Node, steps: &[Option<&'a Node>]) {
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
    fn actor_named(&mut self, node: &Node) -> Option<ActorId> {
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

    fn no_such_actor(&mut self, name: &str, span: &Span) {
        let mut problem = Problem::new(span.clone(), format!("there is no actor `{name}`"));
        problem.help = suggest(name, self.actors.iter().map(|actor| actor.name));
        self.report(problem);
    }

    /// The next packet identifier that nobody else uses.
    fn next_identifier(&mut self, id: ActorId) -> u16 {
        let Some(actor) = self.actors.get_mut(id.0) else { return 1 };
        while actor.taken.contains(&actor.next_identifier) {
            actor.next_identifier = actor.next_identifier.checked_add(1).unwrap_or(1);
        }
        let identifier = actor.next_identifier;
        actor.next_identifier = identifier.checked_add(1).unwrap_or(1);
        identifier
    }

    /// A name that no author can write, for what composite verbs carry from packet to packet.
    fn internal(&self, id: ActorId, field: &str) -> String {
        format!("{}.{field}", self.actors.get(id.0).map_or("", |actor| actor.name))
    }

    /// Notes the use of a bound name.
    fn uses(&mut self, name: &str, span: &Span) -> bool {
        let bound = self.names.contains_key(name);
        if !bound {
            let mut problem = Problem::new(span.clone(), format!("`${name}` is not bound at this point"));
            let known = self.names.keys().map(String::as_str).filter(|name| scalar::is_name(name));
            problem.help = Some(match nearest(name, known) {
                Some(near) => format!("did you mean `${near}`?"),
                None => String::from("bind it in an earlier step, or write `$$` for a plain `$`"),
            });
            self.report(problem);
        }
        bound
    }

    /// Takes a name for a value.
    fn new_name(&mut self, node: &Node) -> Option<String> {
        let name = node.as_text().unwrap_or_default();
        if !scalar::is_name(name) {
            let plain = name.strip_prefix('$').filter(|name| scalar::is_name(name));
            self.report(Problem::new(node.span.clone(), "this cannot name a value").help(match plain {
                Some(plain) => format!("where it is bound, a name has no `$`: `{plain}`"),
                None => String::from("a small letter, then small letters, digits and `_`"),
            }));
            return None;
        }
        if let Some(first) = self.names.get(name) {
            let first = first.clone();
            let problem = Problem::new(node.span.clone(), format!("`{name}` is bound twice"));
            self.report(if first.is_empty() {
                problem.help("the environment binds it")
            } else {
                problem.also(first, "first here").help("take another name")
            });
            return None;
        }
        self.names.insert(name.to_owned(), node.span.clone());
        Some(name.to_owned())
    }

    /// Reports keys that are not among the known ones.
    fn known_keys(&mut self, entries: &[&Entry], what: &str, known: &[&str]) {
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let message = format!("`{what}` has no key `{}`", entry.key);
                let mut problem = Problem::new(entry.key_span.clone(), message);
                problem.help = suggest(&entry.key, known.iter().copied());
                self.report(problem);
            }
        }
    }

    /// Opens up keys like `mqtt-5.0: { … }`, whose fields exist in that version only.
    fn of_this_version<'n>(&mut self, entries: Vec<&'n Entry>) -> Vec<&'n Entry> {
        let mut kept = Vec::new();
        for entry in entries {
            match Spec::ALL.into_iter().find(|spec| spec.id() == entry.key) {
                None => kept.push(entry),
                Some(spec) => match entry.value.as_map() {
                    Some(inner) if spec == self.spec => kept.extend(inner),
                    Some(_) => {}
                    None => self.report(
                        Problem::new(entry.value.span.clone(), format!("`{spec}` has a map of fields"))
                            .help(format!("{spec}: {{ field: value }}")),
                    ),
                },
            }
        }
        kept
    }
}

/// `${run}name`: unique on a broker that others use too, and nothing but letters and digits, as a 3.1.1 server
/// need not take more (3.1.3.1).
fn run_name(name: &str) -> Expression {
    let plain = name.chars().filter(char::is_ascii_alphanumeric).collect();
    Expression::Text(vec![TextPart::Name(String::from("run")), TextPart::Literal(plain)])
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
