//! From a scenario as written to a plan for one protocol version.
//!
//! Everything that can be wrong is reported, not only the first thing. What packets and fields there are,
//! who may send them and which values have names comes from the wire tables ([`mqspec_wire::shapes`]); only
//! the composite verbs (`mqtt`, `amqp`) know packets by name.

mod actors;
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
mod table;
mod value;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use mqspec_wire::Spec;

pub(super) use head::Head;
pub use scalar::parse_duration;

use super::diagnostic::{Problem, suggest};
use super::node::{Entry, Node, Span};
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
