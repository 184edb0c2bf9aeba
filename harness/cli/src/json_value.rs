//! A field's value as JSON, the same form in every output (docs/OUTPUT.md).

use mqspec_wire::Value;
use serde_json::json;

/// A value as JSON: text as a string, other bytes as `{"hex": "00ff"}`, a table as a list of
/// `[name, value]` (names may repeat and their order counts), a tagged value as `{"tag": "I", "value": 1}`,
/// AMQP's no-value as null, and an integer that JSON readers would round as a string of digits.
pub fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(bit) => json!(bit),
        Value::Integer(number) => {
            const EXACT: i128 = 1 << 53;
            i64::try_from(*number)
                .ok()
                .filter(|_| (-EXACT..=EXACT).contains(number))
                .map_or_else(|| json!(number.to_string()), |number| json!(number))
        }
        Value::Float(number) => json!(number),
        Value::Bytes(bytes) => bytes_to_json(bytes),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => {
            entries.iter().map(|(name, value)| json!([bytes_to_json(name), to_json(value)])).collect()
        }
        Value::Tagged(tag, value) => json!({ "tag": char::from(*tag), "value": to_json(value) }),
        Value::Void => serde_json::Value::Null,
    }
}

/// Bytes as lower-case hex digits without spaces.
pub fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes_to_json(bytes: &[u8]) -> serde_json::Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => json!(text),
        _ => json!({ "hex": to_hex(bytes) }),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn text_and_other_bytes_are_told_apart() {
        assert_eq!(to_json(&Value::text("a/b")), json!("a/b"));
        assert_eq!(to_json(&Value::Bytes(Bytes::from_static(&[0, 255]))), json!({ "hex": "00ff" }));
    }

    #[test]
    fn no_integer_loses_digits() {
        assert_eq!(to_json(&Value::Integer(7)), json!(7));
        assert_eq!(to_json(&Value::Integer(u64::MAX.into())), json!("18446744073709551615"));
    }

    #[test]
    fn tables_keep_order_and_repeats() {
        let entry =
            |name: &'static str, number| (Bytes::from_static(name.as_bytes()), Value::Integer(number));
        let table = Value::Map(vec![entry("b", 1), entry("a", 2), entry("b", 3)]);
        assert_eq!(to_json(&table), json!([["b", 1], ["a", 2], ["b", 3]]));
        assert_eq!(
            to_json(&Value::Tagged(b'I', Box::new(Value::Void))),
            json!({ "tag": "I", "value": null })
        );
    }
}
