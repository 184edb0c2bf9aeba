//! What a rewrite makes of a packet: other bytes, more of them, or none.

use std::time::Duration;

use bytes::Bytes;
use mqspec_conformance::mutant::{Assignment, Change, NewValue};
use mqspec_conformance::plan::{Bindings, Expression, Template};
use mqspec_wire::{Draft, Packet, Side, Spec, Value, encode, shape};

/// What happens instead of a packet.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// In its direction.
    pub(super) packets: Vec<Bytes>,
    /// To the client.
    pub(super) answers: Vec<Bytes>,
    /// Whether the packets wait for the next one.
    pub(super) hold: bool,
    /// How much later they go out.
    pub(super) delay: Option<Duration>,
    /// Whether the broker closes then.
    pub(super) hang_up: bool,
}

/// Applies a change.
///
/// # Panics
///
/// On a value that is not there or has no room in its field: a mistake of the mutant's author, which makes
/// the run inconclusive.
pub(super) fn apply(
    change: &Change,
    spec: Spec,
    packet: &Packet,
    sender: Side,
    bindings: &Bindings,
) -> Outcome {
    let made = |templates: &[Template]| {
        templates
            .iter()
            .flat_map(|template| {
                let draft = template.evaluate(bindings).unwrap_or_else(|unbound| {
                    panic!(
                        "a mutant's packet `{}` cannot be made of `{}`: {unbound}",
                        template.name, packet.name
                    )
                });
                written(spec, Side::Server, &draft)
            })
            .collect::<Vec<_>>()
    };
    let itself = if change.drop { Vec::new() } else { rewritten(change, spec, packet, sender, bindings) };
    let mut packets = made(&change.before);
    packets.extend(itself.iter().cloned());
    if change.twice {
        packets.extend(itself);
    }
    packets.extend(made(&change.then));
    Outcome {
        packets,
        answers: made(&change.answer),
        hold: change.hold,
        delay: change.delay,
        hang_up: change.hang_up,
    }
}

fn written(spec: Spec, sender: Side, draft: &Draft) -> Vec<Bytes> {
    encode(spec, sender, draft).unwrap_or_else(|error| panic!("a mutant's packet cannot be written: {error}"))
}

/// The packet with other fields; as it was where none are named.
fn rewritten(change: &Change, spec: Spec, packet: &Packet, sender: Side, bindings: &Bindings) -> Vec<Bytes> {
    if change.set.is_empty() && change.unset.is_empty() && change.malformed.is_empty() {
        return vec![packet.raw.clone()];
    }
    let mut draft = as_draft(packet);
    for assignment in &change.set {
        assign(&mut draft, assignment, bindings);
    }
    draft.fields.retain(|(name, _)| !change.unset.contains(name));
    for (name, value) in &change.malformed {
        draft.malformed.push((name.clone(), evaluated(value, bindings)));
    }
    written(spec, sender, &draft)
}

/// A draft that is written as the packet was.
fn as_draft(packet: &Packet) -> Draft {
    let fields = packet.fields.iter();
    Draft {
        name: packet.name.to_owned(),
        // Which properties a content header has follows from those that are there.
        fields: fields
            .filter(|field| field.name != "property_flags")
            .map(|field| (field.name.to_owned(), field.value.clone()))
            .collect(),
        // The content behind a method is in frames of its own, which are packets, too.
        malformed: if carries_content(packet.name) { vec![only_itself()] } else { Vec::new() },
    }
}

/// Whether drafts of an AMQP method bring their content along.
fn carries_content(name: &str) -> bool {
    name.contains('.')
        && shape(Spec::Amqp091, name)
            .is_some_and(|shape| shape.fields.iter().any(|field| field.name == "body"))
}

fn only_itself() -> (String, Value) {
    (String::from("only"), Value::List(vec![Value::text("method")]))
}

fn evaluated(expression: &Expression, bindings: &Bindings) -> Value {
    expression
        .evaluate(bindings)
        .unwrap_or_else(|unbound| panic!("a mutant's value cannot be had: {unbound}"))
}

fn assign(draft: &mut Draft, assignment: &Assignment, bindings: &Bindings) {
    if let Some(list) = &assignment.list {
        for (_, value) in draft.fields.iter_mut().filter(|(name, _)| name == list) {
            let Value::List(entries) = value else { continue };
            for entry in entries {
                assign_entry(entry, assignment, bindings);
            }
        }
        return;
    }
    let at = draft.fields.iter().position(|(name, _)| *name == assignment.field);
    let old = at.and_then(|at| draft.fields.get(at)).map(|(_, value)| value);
    let Some(new) = changed(old, &assignment.value, bindings) else { return };
    draft.fields.retain(|(name, _)| *name != assignment.field);
    let at = at.unwrap_or(draft.fields.len()).min(draft.fields.len());
    draft.fields.insert(at, (assignment.field.clone(), new));
}

fn assign_entry(entry: &mut Value, assignment: &Assignment, bindings: &Bindings) {
    let Value::Map(fields) = entry else { return };
    let old = fields.iter_mut().find(|(name, _)| name.as_ref() == assignment.field.as_bytes());
    let new = changed(old.as_ref().map(|(_, value)| value), &assignment.value, bindings);
    match (old, new) {
        (_, None) => {}
        (Some((_, value)), Some(new)) => *value = new,
        (None, Some(new)) => fields.push((Bytes::copy_from_slice(assignment.field.as_bytes()), new)),
    }
}

/// The new value; `None` where there is nothing to change.
fn changed(old: Option<&Value>, new: &NewValue, bindings: &Bindings) -> Option<Value> {
    match new {
        NewValue::Value(expression) => Some(evaluated(expression, bindings)),
        NewValue::Plus(difference) => old?.as_integer().map(|number| Value::Integer(number + difference)),
        NewValue::Reversed => {
            let Value::List(items) = old?.untagged() else { return None };
            Some(Value::List(items.iter().rev().cloned().collect()))
        }
        NewValue::Shortened => shortened(old?.untagged()),
    }
}

/// A list or text without its last element; `None` where there is none.
fn shortened(value: &Value) -> Option<Value> {
    if let Value::List(items) = value {
        return items.split_last().map(|(_, kept)| Value::List(kept.to_vec()));
    }
    let bytes = value.as_bytes()?;
    Some(Value::Bytes(bytes.slice(..bytes.len().checked_sub(1)?)))
}
