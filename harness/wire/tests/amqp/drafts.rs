//! Strategies for drafts, drawn from the shapes that the codec tells about itself.

use bytes::Bytes;
use mqspec_wire::amqp::shapes;
use mqspec_wire::{Draft, FieldShape, Shape, Value};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

/// A text that any field takes: letters only, so that exchanges, queues and hosts are well named.
fn word() -> impl Strategy<Value = Value> {
    "[a-z]{1,12}".prop_map(|text| Value::text(&text))
}

fn octets() -> impl Strategy<Value = Value> {
    vec(any::<u8>(), 0..20).prop_map(|octets| Value::Bytes(octets.into()))
}

fn tagged(tag: u8, value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    value.prop_map(move |value| Value::Tagged(tag, Box::new(value)))
}

fn integer(least: i128, most: i128) -> impl Strategy<Value = Value> {
    (least..=most).prop_map(Value::Integer)
}

/// A table value of any type but the containers.
fn scalar() -> impl Strategy<Value = Value> {
    let finite = || proptest::num::f32::NORMAL.prop_map(|number| Value::Float(number.into()));
    let decimal = (integer(0, 255), integer(i32::MIN.into(), i32::MAX.into()));
    prop_oneof![
        tagged(b't', any::<bool>().prop_map(Value::Bool)),
        tagged(b'b', integer(i8::MIN.into(), i8::MAX.into())),
        tagged(b'B', integer(0, u8::MAX.into())),
        tagged(b's', integer(i16::MIN.into(), i16::MAX.into())),
        tagged(b'u', integer(0, u16::MAX.into())),
        tagged(b'I', integer(i32::MIN.into(), i32::MAX.into())),
        tagged(b'i', integer(0, u32::MAX.into())),
        tagged(b'l', integer(i64::MIN.into(), i64::MAX.into())),
        tagged(b'T', integer(0, u64::MAX.into())),
        tagged(b'f', finite()),
        tagged(b'd', finite()),
        tagged(b'D', decimal.prop_map(|(scale, number)| Value::List(vec![scale, number]))),
        tagged(b'S', octets()),
        tagged(b'x', octets()),
        tagged(b'V', Just(Value::Void)),
    ]
}

/// A table whose names are well formed, different and in alphabetical order (a reader that keeps tables
/// in a sorted map can then be compared byte for byte).
pub(crate) fn table() -> impl Strategy<Value = Value> {
    let entries = |value| btree_map("[a-z][a-z0-9_-]{0,8}", value, 0..5);
    let map = |entries: std::collections::BTreeMap<String, Value>| {
        Value::Map(entries.into_iter().map(|(name, value)| (Bytes::from(name), value)).collect())
    };
    let value = scalar().prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            tagged(b'A', vec(inner.clone(), 0..5).prop_map(Value::List)),
            tagged(b'F', entries(inner.boxed()).prop_map(map)),
        ]
    });
    entries(value.boxed()).prop_map(map)
}

/// A legal value of a field.
fn value(field: &FieldShape) -> BoxedStrategy<Value> {
    let named: Vec<Value> = field.labels.iter().map(|(_, number)| Value::Integer(*number)).collect();
    match (&field.shape, field.name) {
        _ if !named.is_empty() => select(named).boxed(),
        (_, "version_major") => Just(Value::from(0)).boxed(),
        (_, "version_minor" | "priority") => Just(Value::from(9)).boxed(),
        (_, "locales") => Just(Value::text("en_US")).boxed(),
        (_, "expiration") => Just(Value::text("60000")).boxed(),
        (_, "cluster_id") => Just(Value::text("")).boxed(),
        (_, "frame_max") => integer(4096, u32::MAX.into()).boxed(),
        (Shape::Bool, _) => any::<bool>().prop_map(Value::Bool).boxed(),
        (Shape::Unsigned(most), _) => integer(1, (*most).into()).boxed(),
        (Shape::Text, _) => word().boxed(),
        (Shape::Binary, _) => octets().boxed(),
        (Shape::Table, _) => table().boxed(),
        (Shape::List(_), _) => unreachable!("no AMQP field is a list"),
    }
}

/// Any legal method, with all of its fields but the reserved ones and some of its optional ones.
pub(crate) fn method() -> impl Strategy<Value = Draft> {
    let methods: Vec<_> = shapes().iter().filter(|shape| shape.name.contains('.')).collect();
    select(methods).prop_flat_map(|shape| {
        let is_set = |field: &&FieldShape| field.name != "channel" && !field.name.starts_with("reserved");
        let fields: Vec<_> = shape
            .fields
            .iter()
            .filter(is_set)
            .map(|field| {
                let present = if field.optional { any::<bool>().boxed() } else { Just(true).boxed() };
                let name = field.name;
                (present, value(field))
                    .prop_map(move |(present, value)| present.then(|| (name.into(), value)))
            })
            .collect();
        let channel = if shape.name.starts_with("connection.") { 0..1 } else { 1..0xffff };
        (fields, channel).prop_map(move |(fields, channel)| {
            let mut draft = Draft::new(shape.name).with("channel", channel);
            draft.fields.extend(fields.into_iter().flatten());
            draft
        })
    })
}
