//! Drafts drawn from the packets' shapes: any value that has room, also where it is forbidden.

use bytes::Bytes;
use mqspec_wire::{Draft, FieldShape, PacketShape, Shape, Spec, Value, shapes};
use proptest::collection::vec;
use proptest::prelude::*;

fn any_text() -> impl Strategy<Value = Value> {
    prop_oneof!["[a-z/+#$]{0,8}", "\\PC{0,4}"].prop_map(|text| Value::text(&text))
}

fn any_raw() -> impl Strategy<Value = Value> {
    vec(any::<u8>(), 0..8).prop_map(|bytes| Value::Bytes(bytes.into()))
}

/// A value that has room in a field of this shape.
fn any_value(field: &FieldShape) -> BoxedStrategy<Value> {
    match &field.shape {
        Shape::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Shape::Unsigned(maximum) => (0..=*maximum).prop_map(|number| Value::Integer(number.into())).boxed(),
        Shape::Text => prop_oneof![any_text(), any_raw()].boxed(),
        Shape::Binary => any_raw().boxed(),
        Shape::Table => {
            let pair = (any_text(), any_text())
                .prop_map(|(key, value)| (key.as_bytes().cloned().unwrap_or_default(), value));
            vec(pair, 1..3).prop_map(Value::Map).boxed()
        }
        Shape::List(entry) if entry.is_empty() && field.name == "filters" => {
            vec(any_text(), 0..3).prop_map(Value::List).boxed()
        }
        Shape::List(entry) if entry.is_empty() => {
            vec((0_i128..256).prop_map(Value::Integer), 0..4).prop_map(Value::List).boxed()
        }
        Shape::List(entry) => {
            let keys: Vec<_> = entry.iter().map(|field| Bytes::from_static(field.name.as_bytes())).collect();
            let values: Vec<_> = entry.iter().map(any_value).collect();
            let map = values.prop_map(move |values| Value::Map(keys.iter().cloned().zip(values).collect()));
            vec(map, 0..3).prop_map(Value::List).boxed()
        }
    }
}

/// A draft with every field that must be there and some of those that may.
pub(crate) fn any_draft(spec: Spec) -> impl Strategy<Value = Draft> {
    let named: Vec<_> = shapes(spec).iter().filter(|shape| shape.name != "unknown").collect();
    proptest::sample::select(named).prop_flat_map(draft_of)
}

fn draft_of(shape: &'static PacketShape) -> impl Strategy<Value = Draft> {
    // The flags of CONNECT follow from what is there.
    let follows = |name: &str| ["will_flag", "user_name_flag", "password_flag"].contains(&name);
    let fields: Vec<_> = shape
        .fields
        .iter()
        .filter(|field| !follows(field.name))
        .map(|field| {
            let given = any_value(field).prop_map(|value| Some((field.name.into(), value)));
            if field.optional { prop_oneof![Just(None), given].boxed() } else { given.boxed() }
        })
        .collect();
    fields.prop_map(|fields| {
        let fields = fields.into_iter().flatten().collect();
        Draft { name: shape.name.into(), fields, malformed: Vec::new() }
    })
}
