//! Small questions to drafts.

use mqspec_wire::{Draft, Value};

/// The value of a field.
pub(super) fn field<'a>(draft: &'a Draft, name: &str) -> Option<&'a Value> {
    draft.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
}

/// The integer in a field; 0 where there is none.
pub(super) fn number(draft: &Draft, name: &str) -> i128 {
    field(draft, name).and_then(Value::as_integer).unwrap_or(0)
}

/// Whether a bit is set.
pub(super) fn flag(draft: &Draft, name: &str) -> bool {
    field(draft, name).and_then(Value::as_bool).unwrap_or(false)
}

/// The draft with a field set, whether it had it or not.
pub(super) fn set(mut draft: Draft, name: &'static str, value: impl Into<Value>) -> Draft {
    draft.fields.retain(|(field, _)| field != name);
    draft.with(name, value)
}
