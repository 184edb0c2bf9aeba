//! The JSON Schema of scenarios, from the same tables that the loader reads, so that editors complete and check.
//!
//! A schema cannot know which version a file is for when it looks at a step, so fields of both MQTT versions and of AMQP are
//! all allowed where a packet may have them; the loader is the judge. What a schema does well it does: keys,
//! verbs, packets, labels.

use std::collections::{BTreeMap, BTreeSet};

use mqspec_wire::{FieldShape, PacketShape, Shape, Spec, malformations, shapes};
use serde_json::{Map, Value, json};

use super::lower::{amqp, client, disk, fault, head, matcher, mqtt, steps, stream_fault};
use crate::check::GUARANTEES;
use crate::plan::DiskOperation;
use crate::plan::capability::CAPABILITIES;

/// The schema (draft 2020-12) of a scenario file.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mqspec scenario",
        "description": "docs/SCENARIOS.md is the language's reference",
        "type": "object",
        "required": ["title", "protocols", "statements", "actors", "steps"],
        "additionalProperties": false,
        "properties": described(head::KEYS, top_level),
        "$defs": definitions(),
    })
}

/// Keys with what they say, each with its form.
fn described(keys: &[(&str, &str)], form: impl Fn(&str) -> Value) -> Value {
    let properties = keys.iter().map(|(key, says)| {
        let mut schema = form(key);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert(String::from("description"), json!(says));
        }
        ((*key).to_owned(), schema)
    });
    Value::Object(properties.collect())
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn protocols() -> Vec<&'static str> {
    Spec::ALL.into_iter().map(Spec::id).collect()
}

fn top_level(key: &str) -> Value {
    match key {
        "protocols" => json!({ "type": "array", "minItems": 1, "items": { "enum": protocols() } }),
        "statements" => reference("statements"),
        "needs" => needs(),
        "world" => json!({ "oneOf": [
            { "const": "both" },
            { "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
              "properties": { "simulated": { "type": "string" }, "live": { "type": "string" } } },
        ] }),
        "broker" => json!({ "type": "object" }),
        "actors" => json!({ "oneOf": [
            { "type": "array", "items": { "type": "string" } },
            { "type": "object", "additionalProperties": reference("actor") },
        ] }),
        "given" | "steps" => reference("steps"),
        _ => json!({ "type": "string" }),
    }
}

fn needs() -> Value {
    let mut forms: BTreeMap<&str, Value> = BTreeMap::new();
    for capability in CAPABILITIES {
        let mut form = match capability.most {
            Some(most) => json!({ "type": "integer", "minimum": 0, "maximum": most }),
            None => json!({ "type": "boolean" }),
        };
        if let Some(form) = form.as_object_mut() {
            form.insert(String::from("description"), json!(capability.gist));
        }
        forms.insert(capability.name, form);
    }
    for protocol in protocols() {
        forms.insert(protocol, json!({ "type": "object" }));
    }
    json!({ "type": "object", "additionalProperties": false, "properties": forms })
}

fn definitions() -> Value {
    let ids = json!({ "type": "array", "items": { "type": "string" } });
    let versions: Map<String, Value> =
        protocols().into_iter().map(|protocol| (protocol.to_owned(), ids.clone())).collect();
    json!({
        "statements": { "oneOf": [ids, { "type": "object", "additionalProperties": false, "properties": versions }] },
        "duration": { "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" },
        "actor": actor(),
        "steps": { "type": "array", "minItems": 1, "items": reference("step") },
        "step": step(),
        "action": action(),
        "matcher": matcher_form(),
        "value": { "type": "object", "oneOf": [
            { "required": ["hex"], "maxProperties": 1 },
            { "required": ["fill", "times"], "maxProperties": 2 },
            { "required": ["tag", "value"], "maxProperties": 2 },
        ] },
        "inside": inside(),
        "malformed": malformed(),
        "fault": fault_form(),
    })
}

fn shapes_of_all() -> Vec<&'static PacketShape> {
    Spec::ALL.into_iter().flat_map(shapes).collect()
}

/// One schema for each field name of some packets: its labels offered, any form allowed that some packet has.
fn fields_of(packets: &[&'static PacketShape]) -> Map<String, Value> {
    let mut forms: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    let mut open: Vec<&FieldShape> = packets.iter().flat_map(|packet| &packet.fields).collect();
    while let Some(field) = open.pop() {
        let (labels, types) = forms.entry(field.name).or_default();
        labels.extend(field.labels.iter().map(|(label, _)| *label));
        types.insert(type_of(field));
        if let Shape::List(entry) = &field.shape {
            open.extend(entry);
        }
    }
    let properties = forms.into_iter().map(|(name, (labels, types))| {
        let mut any_of = vec![json!({ "type": types })];
        if !labels.is_empty() {
            any_of.push(json!({ "enum": labels }));
        }
        any_of.push(json!({ "type": "string", "pattern": "^\\$[a-z]" }));
        any_of.push(json!({ "type": "array" }));
        any_of.push(reference("matcher"));
        any_of.push(reference("value"));
        (name.to_owned(), json!({ "anyOf": any_of }))
    });
    let versions = protocols().into_iter().map(|protocol| (protocol.to_owned(), reference("inside")));
    properties.chain(versions).collect()
}

const fn type_of(field: &FieldShape) -> &'static str {
    match field.shape {
        Shape::Bool => "boolean",
        Shape::Unsigned(_) => "integer",
        Shape::Text | Shape::Binary => "string",
        Shape::List(_) => "array",
        Shape::Table => "object",
    }
}

fn actor() -> Value {
    let connect: Vec<_> = shapes_of_all().into_iter().filter(|shape| shape.name == "connect").collect();
    let mut properties = fields_of(&connect);
    properties.extend(amqp::CONNECT_KEYS.iter().map(|key| ((*key).to_owned(), json!({}))));
    properties.insert(String::from("protocol"), json!({ "enum": protocols() }));
    let answers = json!({ "type": "array", "items": { "enum": client::ANSWERS } });
    properties.insert(String::from("answers"), answers);
    properties.insert(String::from("role"), json!({ "enum": ["client", "scripted"] }));
    properties.insert(String::from("session_expiry"), reference("duration"));
    properties.insert(String::from("will"), json!({ "type": "object" }));
    json!({ "type": ["object", "null"], "additionalProperties": false, "properties": properties })
}

/// The map of a composite verb: fields, and what composite verbs know beside them.
fn inside() -> Value {
    const ANSWERS: [&str; 6] = ["connack", "suback", "unsuback", "puback", "pubrec", "pubcomp"];
    let mut properties = fields_of(&shapes_of_all());
    properties.extend(beside_verbs());
    properties.extend(ANSWERS.map(|name| (name.to_owned(), json!({ "type": ["object", "null"] }))));
    properties.extend(amqp::CONNECT_KEYS.iter().map(|key| ((*key).to_owned(), json!({}))));
    properties.insert(String::from("session_expiry"), reference("duration"));
    properties.insert(String::from("will"), json!({ "type": "object" }));
    properties.insert(String::from("confirmed"), json!({ "enum": ["ack", "nack"] }));
    properties.insert(String::from("ack"), json!({ "type": "boolean" }));
    properties.insert(String::from("for"), reference("duration"));
    json!({ "type": ["object", "null"], "additionalProperties": false, "properties": properties })
}

fn step() -> Value {
    let mut properties = Map::new();
    for part in [described(steps::WORDS, word), described(steps::BESIDE, beside)] {
        if let Value::Object(part) = part {
            properties.extend(part);
        }
    }
    json!({ "type": "object", "properties": properties, "additionalProperties": reference("action") })
}

fn word(word: &str) -> Value {
    match word {
        "fault" => reference("fault"),
        "disk" => disk_fault(),
        "start_broker" => json!({
            "type": ["object", "null"], "additionalProperties": false,
            "properties": { "fails": { "type": "boolean" } },
        }),
        "settle" | "wait" => reference("duration"),
        "bind" => json!({ "type": "object" }),
        "repeat" => json!({
            "type": "object", "required": ["times", "steps"], "additionalProperties": false,
            "properties": {
                "times": { "type": "integer", "minimum": 1 },
                "counter": { "type": "string" },
                "steps": reference("steps"),
            },
        }),
        "together" => json!({ "type": "array", "minItems": 2, "items": reference("steps") }),
        "check" => {
            let names: Vec<_> = GUARANTEES.iter().map(|guarantee| guarantee.name).collect();
            let bits = |guarantee: &crate::check::Guarantee| {
                let bits = guarantee
                    .parameters
                    .iter()
                    .map(|name| ((*name).to_owned(), json!({ "type": "boolean" })));
                let bits: Map<String, Value> = bits.collect();
                json!({ "type": "object", "additionalProperties": false, "properties": bits })
            };
            let with: Map<String, Value> =
                GUARANTEES.iter().map(|guarantee| (guarantee.name.to_owned(), bits(guarantee))).collect();
            json!({ "oneOf": [
                { "enum": names },
                { "type": "object", "additionalProperties": false, "properties": with },
            ] })
        }
        _ => json!({ "type": ["object", "null"], "maxProperties": 0 }),
    }
}

fn disk_fault() -> Value {
    let one_of = |operations: &[DiskOperation]| {
        let words: Vec<&str> = operations.iter().map(|operation| operation.word()).collect();
        json!({ "enum": words })
    };
    let mut disk = described(disk::DISK_FAULTS, |word| match word {
        "fail" => one_of(&DiskOperation::ALL),
        "tear" => one_of(&[DiskOperation::Append]),
        "lose" => one_of(&[DiskOperation::Sync, DiskOperation::SyncDirectory]),
        "full_after" => json!({ "type": "integer", "minimum": 0 }),
        _ => json!({ "const": "all" }),
    });
    if let Some(disk) = disk.as_object_mut() {
        for key in ["nth", "times"] {
            disk.insert(key.to_owned(), json!({ "type": "integer", "minimum": 1 }));
        }
    }
    json!({ "type": "object", "additionalProperties": false, "properties": disk })
}

fn beside(key: &str) -> Value {
    match key {
        "proves" => reference("statements"),
        "only" => json!({ "oneOf": [
            { "enum": protocols() },
            { "type": "array", "items": { "enum": protocols() } },
        ] }),
        _ => json!({ "type": "string" }),
    }
}

/// What an actor does: a verb, and beside `send`, `expect` and `call` the fields of any packet.
fn action() -> Value {
    let mut properties = fields_of(&shapes_of_all());
    properties.extend(beside_verbs());
    if let Value::Object(verbs) = described(&[steps::VERBS, mqtt::VERBS, amqp::VERBS].concat(), verb) {
        properties.extend(verbs);
    }
    json!({ "type": "object", "minProperties": 1, "additionalProperties": false, "properties": properties })
}

fn beside_verbs() -> Map<String, Value> {
    let forms = [
        ("malformed", reference("malformed")),
        ("should", reference("inside")),
        ("bind", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
        ("within", reference("duration")),
        ("silent", json!({ "type": "boolean" })),
        ("reply", json!({ "type": ["string", "object"] })),
    ];
    forms.into_iter().map(|(key, form)| (key.to_owned(), form)).collect()
}

fn verb(verb: &str) -> Value {
    let names: BTreeSet<_> = shapes_of_all().into_iter().map(|shape| shape.name).collect();
    match verb {
        "send" | "call" => json!({ "enum": names }),
        "expect" => json!({ "enum": names.into_iter().chain(["closed"]).collect::<Vec<_>>() }),
        "expect_any_of" | "expect_all" => json!({ "type": "array", "minItems": 1 }),
        "expect_nothing" => json!({ "anyOf": [reference("duration"), reference("inside")] }),
        "send_bytes" => json!({ "type": ["string", "object"] }),
        "subscribe" | "unsubscribe" => {
            json!({ "anyOf": [{ "type": ["string", "array"] }, reference("inside")] })
        }
        "open_channel" | "close_channel" => json!({ "type": "integer", "minimum": 1, "maximum": 65_535 }),
        "open" | "close" | "reset" => json!({ "type": ["object", "null"], "maxProperties": 0 }),
        "open_fails" => {
            json!({ "enum": stream_fault::FAILURES.iter().map(|(word, _)| word).collect::<Vec<_>>() })
        }
        _ => reference("inside"),
    }
}

fn matcher_form() -> Value {
    json!({
        "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
        "properties": described(matcher::MATCHERS, |word| match word {
            "is" => json!({ "enum": ["present", "absent", "any"] }),
            "one_of" | "each_at_most" | "repeats" => json!({ "type": "array" }),
            "length" => json!({ "type": "integer", "minimum": 0 }),
            _ => json!({}),
        }),
    })
}

fn malformed() -> Value {
    let names = Spec::ALL.into_iter().flat_map(malformations).map(|field| (field.name.to_owned(), json!({})));
    let properties: Map<String, Value> = names.collect();
    json!({ "oneOf": [
        { "const": true },
        { "type": "object", "additionalProperties": false, "properties": properties },
    ] })
}

fn fault_form() -> Value {
    let mut properties = Map::new();
    if let Value::Object(words) = described(fault::FAULTS, |_| json!({ "type": "string" })) {
        properties.extend(words);
    }
    let count = json!({ "type": "integer", "minimum": 1 });
    // `$i` stands for what a counter or a bound value says.
    let amount = json!({ "anyOf": [
        { "type": "integer", "minimum": 0 },
        { "type": "string", "pattern": "^\\$[a-z]" },
    ] });
    let more = json!({
        "to": { "type": "string" },
        "from": { "type": "string" },
        "then": { "const": "cut" },
        "nth": count,
        "every": count,
        "times": count,
        "probability": { "type": "number", "minimum": 0, "maximum": 1 },
        "after": reference("duration"),
        "until": reference("duration"),
        "set_dup": { "type": "boolean" },
        "by": reference("duration"),
        "jitter": reference("duration"),
        "within": reference("duration"),
        "behind": count,
        "bit": amount,
        "bytes": amount,
        "after_bytes": amount,
        "bytes_per_second": count,
        "reset_after": count,
        "open_for": { "enum": ["broker", "actor"] },
        "direction": { "enum": ["to", "from", "both"] },
        "sizes": { "type": "array", "minItems": 1, "items": count },
        "for": reference("duration"),
    });
    if let Value::Object(more) = more {
        properties.extend(more);
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}
