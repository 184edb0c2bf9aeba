//! The guarantees that a scenario asks for by name (`check: delivery`), each with its parameters.

use mqspec_wire::Value;

use crate::trace::Trace;
use crate::verdict::Finding;

/// A judgement over the whole history, that a scenario asks for at the point where it is due.
#[derive(Debug)]
pub struct Guarantee {
    /// What a scenario calls it.
    pub name: &'static str,
    /// What it judges, in a sentence.
    pub about: &'static str,
    /// The parameters that it knows; each is optional.
    pub parameters: &'static [Parameter],
    pub(super) judge: fn(&Trace, Parameters<'_>) -> Vec<Finding>,
}

/// A parameter of a guarantee. All of them are bits so far.
#[derive(Debug)]
pub struct Parameter {
    /// What a scenario calls it.
    pub name: &'static str,
    /// What it means when it is true.
    pub about: &'static str,
}

/// Parameters as given, every one of them known to the guarantee and a bit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a>(&'a [(String, Value)]);

impl Parameters<'_> {
    /// Whether a bit is set; one that is not given is not.
    pub(super) fn is_set(self, name: &str) -> bool {
        self.0.iter().any(|(given, value)| given == name && value.as_bool() == Some(true))
    }
}

/// Every guarantee, by name.
pub fn guarantees() -> &'static [Guarantee] {
    GUARANTEES
}

/// The guarantee of this name.
pub fn guarantee(name: &str) -> Option<&'static Guarantee> {
    GUARANTEES.iter().find(|guarantee| guarantee.name == name)
}

/// Judges a trace by a guarantee.
///
/// # Errors
///
/// A name or a parameter that does not exist, or a parameter that is no bit, in words.
pub fn run(name: &str, parameters: &[(String, Value)], trace: &Trace) -> Result<Vec<Finding>, String> {
    let guarantee = guarantee(name).ok_or_else(|| {
        let known: Vec<_> = GUARANTEES.iter().map(|guarantee| guarantee.name).collect();
        format!("there is no guarantee `{name}`; there are: {}", known.join(", "))
    })?;
    for (given, value) in parameters {
        if !guarantee.parameters.iter().any(|parameter| parameter.name == given) {
            let known: Vec<_> = guarantee.parameters.iter().map(|parameter| parameter.name).collect();
            return Err(format!("`{name}` has no parameter `{given}`; it has: {}", known.join(", ")));
        }
        if value.as_bool().is_none() {
            return Err(format!("`{given}` of `{name}` is true or false, not {value}"));
        }
    }
    Ok((guarantee.judge)(trace, Parameters(parameters)))
}

static GUARANTEES: &[Guarantee] = &[];
