//! The guarantees that a scenario asks for by name (`check: delivery`), each with its parameters.

use mqspec_wire::Value;

use crate::trace::Trace;
use crate::verdict::Finding;

/// A judgement over the whole history, that a scenario asks for at the point where it is due.
#[derive(Debug)]
pub struct Guarantee {
    /// What a scenario calls it.
    pub name: &'static str,
    /// The names of its parameters. Each is a bit, and false where a scenario does not give it.
    pub parameters: &'static [&'static str],
    /// What it demands, in one sentence.
    pub gist: &'static str,
    pub(super) judge: fn(&Trace, Parameters<'_>) -> Vec<Finding>,
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
        if !guarantee.parameters.contains(&given.as_str()) {
            let known = guarantee.parameters.join(", ");
            return Err(format!("`{name}` has no parameter `{given}`; it has: {known}"));
        }
        if value.as_bool().is_none() {
            return Err(format!("`{given}` of `{name}` is true or false, not {value}"));
        }
    }
    Ok((guarantee.judge)(trace, Parameters(parameters)))
}

/// Every guarantee that [`run`] knows.
pub static GUARANTEES: &[Guarantee] = &[];
