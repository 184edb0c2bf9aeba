//! Seeds and dictionaries written from the codec's layouts.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use mqspec_wire::{Draft, FieldShape, PacketShape, Shape, Side, Spec, Value, encode, malformations, shapes};

use crate::Corpus;

/// Each packet with every field, with each number that has a name, with each malformation, and from the wrong side.
pub(crate) fn layouts(spec: Spec, corpus: &mut Corpus) {
    for shape in shapes(spec).iter().filter(|shape| shape.name != "unknown") {
        let full = full(shape);
        for side in [Side::Client, Side::Server].into_iter().filter(|side| shape.sent_by.include(*side)) {
            let from = if side == Side::Client { "client" } else { "server" };
            let name = format!("{}-{}-{from}", spec.short(), shape.name);
            if let Ok(pieces) = encode(spec, side, &full) {
                let other = if side == Side::Client { Side::Server } else { Side::Client };
                corpus.packet(&name, spec, side, &pieces.concat());
                corpus.packet(&format!("{name}-to-its-like"), spec, other, &pieces.concat());
            }
            for (place, field) in shape.fields.iter().enumerate() {
                for (label, number) in field.labels {
                    let mut draft = full.clone();
                    draft.fields.retain(|(name, _)| name != field.name);
                    draft
                        .fields
                        .insert(place.min(draft.fields.len()), (field.name.into(), Value::Integer(*number)));
                    if let Ok(pieces) = encode(spec, side, &draft) {
                        corpus.packet(&format!("{name}-{label}"), spec, side, &pieces.concat());
                    }
                }
            }
            for malformation in malformations(spec) {
                let draft = full.clone().malformed(malformation.name, value(malformation));
                if let Ok(pieces) = encode(spec, side, &draft) {
                    corpus.packet(&format!("{name}-{}", malformation.name), spec, side, &pieces.concat());
                }
            }
        }
    }
}

fn full(shape: &PacketShape) -> Draft {
    let follows =
        |name: &str| ["will_flag", "user_name_flag", "password_flag", "property_flags"].contains(&name);
    let fields = shape.fields.iter().filter(|field| !follows(field.name));
    let fields = fields.map(|field| (field.name.into(), value(field))).collect();
    Draft { name: shape.name.into(), fields, malformed: Vec::new() }
}

fn value(field: &FieldShape) -> Value {
    match &field.shape {
        Shape::Bool => Value::Bool(true),
        Shape::Unsigned(most) => Value::Integer(i128::from((*most).min(1))),
        Shape::Text => Value::text("a"),
        Shape::Binary => Value::Bytes(Bytes::from_static(&[0, 0xff])),
        Shape::Table => Value::Map(vec![(Bytes::from_static(b"a"), Value::text("b"))]),
        Shape::List(entry) if entry.is_empty() && field.name == "filters" => {
            Value::List(vec![Value::text("a/#")])
        }
        Shape::List(entry) if entry.is_empty() => Value::List(vec![Value::Integer(0)]),
        Shape::List(entry) => {
            let value = |field: &FieldShape| (Bytes::from_static(field.name.as_bytes()), value(field));
            Value::List(vec![Value::Map(entry.iter().map(value).collect())])
        }
    }
}

/// A libFuzzer dictionary: the first bytes of every packet, and the numbers that have names.
pub(crate) fn dictionary(spec: Spec, folder: &Path) {
    let mut words =
        vec![b"MQTT".to_vec(), b"AMQP\0\0\x09\x01".to_vec(), b"$share/g/#".to_vec(), b"x-match".to_vec()];
    for shape in shapes(spec) {
        let draft = Draft::new(shape.name);
        let side = if shape.sent_by.include(Side::Client) { Side::Client } else { Side::Server };
        let octets = encode(spec, side, &draft).map(|pieces| pieces.concat()).unwrap_or_default();
        let start = if spec.is_mqtt() { 0..1 } else { 7..11 };
        words.extend(octets.get(start).map(<[u8]>::to_vec));
        if octets.len() <= 32 {
            words.push(octets);
        }
        for (_, number) in shape.fields.iter().flat_map(|field| field.labels) {
            words.extend(u8::try_from(*number).ok().map(|byte| vec![byte]));
        }
    }
    words.retain(|word| !word.is_empty());
    words.sort();
    words.dedup();
    let escaped = |word: &Vec<u8>| {
        let octets: Vec<_> = word.iter().map(|octet| format!("\\x{octet:02x}")).collect();
        format!("\"{}\"\n", octets.concat())
    };
    fs::create_dir_all(folder).expect("the folder can be made");
    let text: String = words.iter().map(escaped).collect();
    fs::write(folder.join(format!("{}.dict", spec.short())), text).expect("the dictionary can be written");
}
