//! The JSON Schema accepts every scenario that we ship and show, and catches what an editor should catch.

use std::path::Path;
use std::sync::LazyLock;

use mqspec_conformance::scenario::files::load_dir;
use mqspec_conformance::scenario::{Kind, Node, parse, schema};
use serde_json::{Map, Number, Value, json};

fn json_of(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(bit) => Value::Bool(*bit),
        Kind::Integer(number) => Number::from_i128(*number).map_or(Value::Null, Value::Number),
        Kind::Float(number) => json!(number),
        Kind::Text(text) => json!(text),
        Kind::List(items) => items.iter().map(json_of).collect(),
        Kind::Map(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), json_of(&entry.value))).collect())
        }
    }
}

/// As much of JSON Schema as our schema uses; a word that it does not know is a failure.
struct Validator {
    root: Value,
}

impl Validator {
    fn accepts(&self, schema: &Value, value: &Value) -> bool {
        let schema = schema.as_object().expect("a schema is an object");
        schema.iter().all(|(word, rule)| self.holds(schema, word, rule, value))
    }

    fn any(&self, rules: &Value, value: &Value) -> usize {
        rules.as_array().expect("a list").iter().filter(|rule| self.accepts(rule, value)).count()
    }

    fn holds(&self, schema: &Map<String, Value>, word: &str, rule: &Value, value: &Value) -> bool {
        let limit = || rule.as_u64().expect("a limit");
        match word {
            "$schema" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let pointer = rule.as_str().expect("text").trim_start_matches('#');
                self.accepts(self.root.pointer(pointer).expect("a definition that exists"), value)
            }
            "type" => match rule.as_array() {
                Some(names) => names.iter().filter_map(Value::as_str).any(|name| is_a(name, value)),
                None => is_a(rule.as_str().expect("a type"), value),
            },
            "enum" => rule.as_array().expect("a list").contains(value),
            "const" => rule == value,
            "anyOf" => self.any(rule, value) > 0,
            "oneOf" => self.any(rule, value) == 1,
            "required" => value.as_object().is_none_or(|map| {
                rule.as_array()
                    .expect("keys")
                    .iter()
                    .all(|key| map.contains_key(key.as_str().expect("a key")))
            }),
            "properties" => value.as_object().is_none_or(|map| {
                map.iter().all(|(key, value)| rule.get(key).is_none_or(|schema| self.accepts(schema, value)))
            }),
            "additionalProperties" => value.as_object().is_none_or(|map| {
                let known = schema.get("properties");
                map.iter()
                    .filter(|(key, _)| known.and_then(|known| known.get(*key)).is_none())
                    .all(|(_, value)| rule.as_bool().unwrap_or_else(|| self.accepts(rule, value)))
            }),
            "items" => value.as_array().is_none_or(|items| items.iter().all(|item| self.accepts(rule, item))),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= limit()),
            "minProperties" => value.as_object().is_none_or(|map| map.len() as u64 >= limit()),
            "maxProperties" => value.as_object().is_none_or(|map| map.len() as u64 <= limit()),
            "minimum" => value.as_i64().is_none_or(|number| number >= rule.as_i64().expect("a limit")),
            "maximum" => value.as_u64().is_none_or(|number| number <= limit()),
            "pattern" => value.as_str().is_none_or(|text| match rule.as_str() {
                Some("^\\$[a-z]") => text
                    .strip_prefix('$')
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase())),
                Some("^[0-9]+(ms|s|m|h)$") => {
                    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
                    unit.len() < text.len() && ["ms", "s", "m", "h"].contains(&unit)
                }
                other => panic!("a pattern that this test does not know: {other:?}"),
            }),
            other => panic!("a word that this test does not know: {other}"),
        }
    }
}

fn is_a(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("a type that this test does not know: {other}"),
    }
}

fn accepts(text: &str) -> bool {
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| Validator { root: schema() });
    let value = json_of(&parse(text).expect("YAML"));
    VALIDATOR.accepts(&VALIDATOR.root, &value)
}

#[test]
fn every_shipped_scenario_fits_the_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = load_dir(&folder).expect("scenarios/ can be read");
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file.path).expect("it was read before");
        assert!(accepts(&text), "{}", file.path);
    }
}

#[test]
fn every_whole_example_of_the_reference_fits_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/SCENARIOS.md");
    let document = std::fs::read_to_string(path).expect("docs/SCENARIOS.md can be read");
    let blocks: Vec<_> = document
        .split("```yaml")
        .skip(1)
        .filter_map(|rest| rest.split_once('\n'))
        .filter_map(|(kind, rest)| Some((kind, rest.split_once("\n```")?.0)))
        .collect();
    assert!(blocks.len() > 20, "{} examples", blocks.len());
    for (kind, block) in blocks {
        let text = if kind.is_empty() {
            block.to_owned()
        } else {
            let steps = block.lines().fold(String::new(), |steps, line| steps + "  " + line + "\n");
            format!("title: t\nprotocols: [mqtt-5.0]\nstatements: []\nactors: [alice]\nsteps:\n{steps}")
        };
        assert!(accepts(&text), "{text}");
    }
}

#[test]
fn the_schema_catches_what_an_editor_should() {
    let with = |steps: &str| {
        format!("title: t\nprotocols: [mqtt-5.0]\nstatements: []\nactors: [alice]\nsteps:\n  - {steps}\n")
    };
    assert!(accepts(&with("alice: { send: publish, topic: a, qos: 1 }")));
    for wrong in [
        "alice: { send: publsh }",
        "alice: { sned: publish }",
        "alice: { send: publish, topc: a }",
        "alice: { expect: puback, reason_code: not_authorised }",
        "alice: { expect: publish, qos: { at_leats: 1 } }",
        "alice: { publish: { topc: a } }",
        "alice: { expect: publish, within: 5 }",
        "alice: { send: pingreq, malformed: { flag: 1 } }",
        "fault: { dorp: publish, to: alice }",
        "fault: { fragment: alice, sizes: [0] }",
        "repeat: { times: 0, steps: [alice: { open: {} }] }",
        "wait: 5",
        "alice",
    ] {
        assert!(!accepts(&with(wrong)), "{wrong}");
    }
    for wrong in [
        "title: t\n",
        "title: t\nprotocols: [mqtt-5]\nstatements: []\nactors: [alice]\nsteps: [alice: { open: {} }]\n",
        "title: t\nprotocol: [mqtt-5.0]\nstatements: []\nactors: [alice]\nsteps: [alice: { open: {} }]\n",
        "title: t\nprotocols: [mqtt-5.0]\nstatements: []\nneeds: { maximum_qs: 1 }\nactors: [alice]\nsteps: [alice: { open: {} }]\n",
        "title: t\nprotocols: [mqtt-5.0]\nstatements: []\nactors: [alice]\nsteps: []\n",
    ] {
        assert!(!accepts(wrong), "{wrong}");
    }
}
