//! What a rewrite makes of a packet: other bytes, more of them, or none.

use std::time::Duration;

use bytes::Bytes;
use mqspec_conformance::mutant::{Assignment, Change, NewValue};
use mqspec_conformance::plan::{Bindings, Template};
use mqspec_wire::{Draft, Name, Packet, Side, Spec, Value, encode, shape};

/// What happens instead of a packet.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// In its direction, before the packet.
    pub(super) before: Vec<Bytes>,
    /// The packet itself, as often as it goes out, each with the content frames that follow it.
    pub(super) itself: Vec<Vec<Bytes>>,
    /// In its direction, behind it.
    pub(super) then: Vec<Bytes>,
    /// From the client's older connection, before all this.
    pub(super) older: Vec<Bytes>,
    /// To the client.
    pub(super) answers: Vec<Bytes>,
    /// Whether the packets wait for the next one.
    pub(super) hold: bool,
    /// A packet that waits, with the fields that it exchanges with the one that overtakes it.
    pub(super) exchange: Option<(Packet, Vec<String>)>,
    /// Whether they go to the connection before.
    pub(super) to_older: bool,
    /// How much later they go out.
    pub(super) delay: Option<Duration>,
    /// Whether the broker closes then.
    pub(super) hang_up: bool,
}

impl Outcome {
    /// The packet as it was.
    pub(super) fn unchanged(raw: Bytes) -> Self {
        Self { itself: vec![vec![raw]], ..Self::default() }
    }

    /// Everything that goes in the packet's direction.
    pub(super) fn into_packets(self) -> Vec<Bytes> {
        self.before.into_iter().chain(self.itself.into_iter().flatten()).chain(self.then).collect()
    }

    /// Adds a frame of the packet's content to each copy of it.
    pub(super) fn continue_with(&mut self, frame: &Bytes) {
        for copy in &mut self.itself {
            copy.push(frame.clone());
        }
    }
}

/// Applies a change. What would need a name that nothing is bound to is left out: a packet that nobody has
/// sent yet, a field that this one does not have.
///
/// # Panics
///
/// On a value that has no room in its field: a mistake of the mutant's author, which makes the run
/// inconclusive.
pub(super) fn apply(
    change: &Change,
    spec: Spec,
    packet: &Packet,
    sender: Side,
    bindings: &Bindings,
) -> Outcome {
    let mut itself = Vec::new();
    if !change.drop {
        itself.push(rewritten(change, spec, packet, sender, bindings));
    }
    if change.twice {
        itself.extend_from_within(..);
    }
    Outcome {
        before: made(&change.before, spec, bindings),
        itself,
        then: made(&change.then, spec, bindings),
        older: made(&change.older, spec, bindings),
        answers: made(&change.answer, spec, bindings),
        hold: change.hold,
        exchange: (!change.exchange.is_empty()).then(|| (packet.clone(), change.exchange.clone())),
        to_older: change.to_older,
        delay: change.delay,
        hang_up: change.hang_up,
    }
}

/// Packets made of templates.
pub(super) fn made(templates: &[Template], spec: Spec, bindings: &Bindings) -> Vec<Bytes> {
    let drafts = templates.iter().filter_map(|template| template.evaluate(bindings).ok());
    drafts.flat_map(|draft| written(spec, Side::Server, &draft)).collect()
}

/// Two packets of one name, each with these fields of the other.
pub(super) fn exchanged(
    spec: Spec,
    one: &Packet,
    other: &Packet,
    fields: &[String],
) -> (Vec<Bytes>, Vec<Bytes>) {
    let with = |packet: &Packet, donor: &Packet| {
        let mut draft = as_draft(packet);
        for (name, value) in &mut draft.fields {
            if fields.iter().any(|field| field == name)
                && let Some(theirs) = donor.get(name)
            {
                *value = theirs.clone();
            }
        }
        written(spec, Side::Server, &draft)
    };
    (with(one, other), with(other, one))
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
    draft.fields.retain(|(name, _)| change.unset.iter().all(|unset| unset != name));
    for (name, value) in &change.malformed {
        draft.malformed.extend(value.evaluate(bindings).ok().map(|value| (name.clone(), value)));
    }
    written(spec, sender, &draft)
}

/// A draft that is written as the packet was.
fn as_draft(packet: &Packet) -> Draft {
    let fields = packet.fields.iter();
    Draft {
        name: packet.name.into(),
        // Which properties a content header has follows from those that are there.
        fields: fields
            .filter(|field| field.name != "property_flags")
            .map(|field| (field.name.into(), field.value.clone()))
            .collect(),
        // The content behind a method is in frames of its own, which are packets, too.
        malformed: if carries_content(packet.name) { vec![only_itself()] } else { Vec::new() },
    }
}

/// Whether drafts of an AMQP method bring their content along.
pub(super) fn carries_content(name: &str) -> bool {
    name.contains('.')
        && shape(Spec::Amqp091, name)
            .is_some_and(|shape| shape.fields.iter().any(|field| field.name == "body"))
}

fn only_itself() -> (Name, Value) {
    (Name::from("only"), Value::List(vec![Value::text("method")]))
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
    draft.fields.insert(at, (assignment.field.clone().into(), new));
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
        NewValue::Value(expression) => expression.evaluate(bindings).ok(),
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
