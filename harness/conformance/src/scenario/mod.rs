//! A YAML file as written, each value with its span, and its lowering to plans.
//!
//! `docs/SCENARIOS.md` is the language's reference.

mod diagnostic;
pub mod files;
mod lower;
mod node;
mod schema;

use std::collections::BTreeSet;

pub use diagnostic::{Diagnostics, Problem};
pub use lower::parse_duration;
pub use node::{Entry, Kind, Node, Span, parse};
pub use schema::schema;

pub(crate) use lower::mutant::mutants as lower_mutants;

use mqspec_wire::Spec;

use crate::plan::{Fault, Plan};

/// Reads a scenario: one plan for each protocol version that it is for, in the order of the file.
///
/// `path` is the file's, with `/` between its parts; what follows its last `scenarios/`, without the ending, is the plans'
/// address.
///
/// # Errors
///
/// Everything that is wrong with the file, each thing with the place and with what would be right.
pub fn load(path: &str, text: &str) -> Result<Vec<Plan>, Diagnostics> {
    let failed = |problems| Diagnostics::new(path, text, problems);
    if text.trim().is_empty() {
        return Err(failed(vec![Problem::new(0..0, "the file is empty").help("begin with `title:`")]));
    }
    let root = parse(text).map_err(failed)?;
    let mut problems = Vec::new();
    let Some(head) = lower::Head::read(&root, &mut problems) else {
        return Err(failed(problems));
    };
    let address = address(path);
    let lowered: Vec<_> =
        head.protocols.iter().map(|spec| lower::lower(&address, text, &root, &head, *spec)).collect();
    if !lowered.is_empty() {
        let used: BTreeSet<_> =
            lowered.iter().flat_map(|lowered| &lowered.used).map(String::as_str).collect();
        problems.extend(unused(&root, &used));
    }
    let all: Vec<_> = lowered.iter().map(|lowered| (lowered.plan.spec.id(), &lowered.problems)).collect();
    problems.extend(merged(&all));
    if problems.is_empty() {
        Ok(lowered.into_iter().map(|lowered| lowered.plan).collect())
    } else {
        Err(failed(problems))
    }
}

/// Reads a list of faults, each as a `fault:` step has it, about an actor called `client`: whoever connects.
///
/// # Errors
///
/// As [`load`]'s; also what only a scenario can do, since there the connection's time is known.
pub fn load_faults(path: &str, text: &str, spec: Spec) -> Result<Vec<Fault>, Diagnostics> {
    let failed = |problems| Diagnostics::new(path, text, problems);
    let root = parse(text).map_err(failed)?;
    lower::fault::faults(text, &root, spec).map_err(failed)
}

/// A scenario's path below `scenarios/` without its ending.
pub fn address(path: &str) -> String {
    let below = path.rsplit_once("scenarios/").map_or(path, |(_, below)| below);
    below.strip_suffix(".yaml").unwrap_or(below).to_owned()
}

/// Actors that do nothing in any version.
fn unused(root: &Node, used: &BTreeSet<&str>) -> Vec<Problem> {
    let names: Vec<(&str, &Span)> = match root.get("actors").map(|node| &node.kind) {
        Some(Kind::Map(entries)) => {
            entries.iter().map(|entry| (entry.key.as_str(), &entry.key_span)).collect()
        }
        Some(Kind::List(items)) => {
            items.iter().filter_map(|item| Some((item.as_text()?, &item.span))).collect()
        }
        _ => Vec::new(),
    };
    names
        .into_iter()
        .filter(|(name, _)| !used.contains(name))
        .map(|(name, span)| {
            Problem::new(span.clone(), format!("`{name}` does nothing"))
                .help("take it out, or give it a step")
        })
        .collect()
}

/// The problems of all versions, each once; one that only some versions have says which.
fn merged(lowered: &[(&str, &Vec<Problem>)]) -> Vec<Problem> {
    let mut merged: Vec<(Problem, Vec<&str>)> = Vec::new();
    for (spec, problems) in lowered {
        for problem in *problems {
            let same = merged
                .iter_mut()
                .find(|(known, _)| known.span == problem.span && known.message == problem.message);
            match same {
                Some((_, specs)) if specs.contains(spec) => {}
                Some((_, specs)) => specs.push(spec),
                None => merged.push((problem.clone(), vec![spec])),
            }
        }
    }
    merged
        .into_iter()
        .map(|(mut problem, specs)| {
            let says_it = specs.iter().any(|spec| problem.message.contains(spec));
            if specs.len() < lowered.len() && !says_it {
                problem.message = format!("{} (in {})", problem.message, specs.join(", "));
            }
            problem
        })
        .collect()
}
