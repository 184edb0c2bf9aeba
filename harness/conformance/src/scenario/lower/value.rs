//! Values: what a YAML node means for a field of a certain shape.

use mqspec_wire::{FieldShape, Shape, Value};

use super::Lowering;
use super::scalar::{is_name, parse_hex, reference};
use crate::plan::Expression;
use crate::plan::expression::TextPart;
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Kind, Node};

/// The most bytes that `{ fill, times }` may make: the largest MQTT packet.
const LARGEST_FILL: u64 = 268_435_455;

impl Lowering<'_> {
    /// A value for a field.
    pub(super) fn expression(&mut self, node: &Node, field: &FieldShape) -> Option<Expression> {
        if let Some(name) = node.as_text().and_then(reference) {
            return self.bound(name, node);
        }
        match &field.shape {
            Shape::Bool => match node.as_bool() {
                Some(bit) => Some(literal(bit)),
                None => self.wrong_form(node, field, "`true` or `false`"),
            },
            Shape::Unsigned(most) => self.unsigned(node, field, *most),
            Shape::Text | Shape::Binary => self.octets(node, field),
            Shape::List(entry) => self.items(node, field, entry),
            Shape::Table => self.table(node, &format!("`{}`", field.name)),
        }
    }

    /// `$name` as a whole value.
    pub(super) fn bound(&mut self, name: &str, node: &Node) -> Option<Expression> {
        self.uses(name, &node.span).then(|| Expression::Name(name.to_owned()))
    }

    fn unsigned(&mut self, node: &Node, field: &FieldShape, most: u64) -> Option<Expression> {
        match &node.kind {
            Kind::Integer(number) if (0..=i128::from(most)).contains(number) => Some(literal(*number)),
            Kind::Integer(number) => {
                self.report(
                    Problem::new(node.span.clone(), format!("`{}` cannot be {number}", field.name))
                        .label(format!("0 to {most}")),
                );
                None
            }
            Kind::Text(label) => {
                let value = field.labels.iter().find(|(name, _)| name == label);
                if value.is_none() {
                    self.unknown_label(node, field, label);
                }
                value.map(|(_, number)| literal(*number))
            }
            Kind::Null | Kind::Bool(_) | Kind::Float(_) | Kind::List(_) | Kind::Map(_) => {
                self.wrong_form(node, field, &format!("a number from 0 to {most}"))
            }
        }
    }

    fn unknown_label(&mut self, node: &Node, field: &FieldShape, label: &str) {
        let names = field.labels.iter().map(|(name, _)| *name);
        let mut problem = if field.labels.is_empty() {
            Problem::new(node.span.clone(), format!("`{}` is a number, not text", field.name))
        } else {
            Problem::new(node.span.clone(), format!("`{}` has no value called `{label}`", field.name))
        };
        problem.help = suggest(label, names);
        self.report(problem);
    }

    /// Text or bytes: text as it stands, with `${name}` inside, `{ hex: … }` or `{ fill: …, times: … }`.
    pub(super) fn octets(&mut self, node: &Node, field: &FieldShape) -> Option<Expression> {
        match &node.kind {
            Kind::Text(text) => self.text(text, node),
            Kind::Map(entries) => match special(entries) {
                Some(Special::Hex(digits)) => self.hex(digits),
                Some(Special::Fill { unit, times }) => self.fill(unit, times, field),
                Some(Special::Tagged { .. }) | None => {
                    self.wrong_form(node, field, "text, `{ hex: \"00 ff\" }` or `{ fill: x, times: 3 }`")
                }
            },
            Kind::Integer(_) | Kind::Float(_) | Kind::Bool(_) | Kind::Null => {
                let written = self.text.get(node.span.clone()).unwrap_or_default().to_owned();
                self.report(
                    Problem::new(
                        node.span.clone(),
                        format!("{} is text, but YAML reads {} here", subject(field), node.describe()),
                    )
                    .help(format!(
                        "put it in quotes: \"{}\"",
                        if node.kind == Kind::Null { "" } else { &written }
                    )),
                );
                None
            }
            Kind::List(_) => self.wrong_form(node, field, "text"),
        }
    }

    /// Text with `${name}` inside; `$$` at the start or before `{` is a plain `$`.
    pub(super) fn text(&mut self, text: &str, node: &Node) -> Option<Expression> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text.strip_prefix("$$").map_or(text, |rest| {
            plain.push('$');
            rest
        });
        let mut sound = self.is_not_half_a_name(text, node);
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            let after = from.get(2..).unwrap_or_default();
            if let Some(before) = before.strip_suffix('$') {
                plain.push_str(before);
                plain.push_str("${");
                rest = after;
                continue;
            }
            plain.push_str(before);
            let Some((name, after)) = after.split_once('}').filter(|(name, _)| is_name(name)) else {
                self.report(
                    Problem::new(node.span.clone(), "`${` is not followed by a name and `}`")
                        .help("write `$${` for a plain `${`"),
                );
                return None;
            };
            sound &= self.uses(name, &node.span);
            if !plain.is_empty() {
                parts.push(TextPart::Literal(std::mem::take(&mut plain)));
            }
            parts.push(TextPart::Name(name.to_owned()));
            rest = after;
        }
        plain.push_str(rest);
        if parts.is_empty() {
            return Some(Expression::Literal(Value::text(&plain)));
        }
        if !plain.is_empty() {
            parts.push(TextPart::Literal(plain));
        }
        sound.then_some(Expression::Text(parts))
    }

    /// `$run/a` would be plain text, and never what was meant.
    fn is_not_half_a_name(&mut self, text: &str, node: &Node) -> bool {
        let Some(after) = text.strip_prefix('$') else { return true };
        let name = after.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default();
        let rest = after.get(name.len()..).unwrap_or_default();
        if rest.is_empty() || !self.names.contains_key(name) {
            return true;
        }
        self.report(
            Problem::new(node.span.clone(), format!("only a whole value can be `${name}`"))
                .help(format!("write \"${{{name}}}{rest}\", or \"$${after}\" for the plain text")),
        );
        false
    }

    pub(super) fn hex(&mut self, digits: &Node) -> Option<Expression> {
        let bytes = digits.as_text().and_then(parse_hex).or_else(|| {
            // `{ hex: 00 }` and `{ hex: 10 }` are numbers to YAML; their text is meant.
            self.text.get(digits.span.clone()).filter(|_| digits.as_text().is_none()).and_then(parse_hex)
        });
        if bytes.is_none() {
            self.report(
                Problem::new(digits.span.clone(), "these are not bytes in hexadecimal")
                    .help("two digits a byte, spaces where you like: { hex: \"e0 01 04\" }"),
            );
        }
        bytes.map(|bytes| Expression::Literal(Value::Bytes(bytes)))
    }

    pub(super) fn fill(&mut self, unit: &Node, times: &Node, field: &FieldShape) -> Option<Expression> {
        let unit_expression = self.octets(unit, field)?;
        let Some(number) = times.as_integer() else {
            self.report(Problem::new(times.span.clone(), "`times` is a number"));
            return None;
        };
        let length = match &unit_expression {
            Expression::Literal(value) => value.as_bytes().map_or(1, |bytes| bytes.len() as u64).max(1),
            Expression::Name(_)
            | Expression::Text(_)
            | Expression::List(_)
            | Expression::Map(_)
            | Expression::Tagged(..)
            | Expression::Repeated { .. } => 1,
        };
        match u64::try_from(number) {
            Ok(times) if times > 0 && times.saturating_mul(length) <= LARGEST_FILL => {
                Some(Expression::Repeated { unit: Box::new(unit_expression), times })
            }
            _ => {
                self.report(
                    Problem::new(times.span.clone(), format!("`times` cannot be {number}"))
                        .label(format!("at least 1, and at most {LARGEST_FILL} bytes in all")),
                );
                None
            }
        }
    }

    fn items(&mut self, node: &Node, field: &FieldShape, entry: &[FieldShape]) -> Option<Expression> {
        let Some(items) = node.as_list() else {
            return self.wrong_form(node, field, "a list");
        };
        let items: Vec<_> = items.iter().map(|item| self.item(item, field, entry)).collect();
        Some(Expression::List(items.into_iter().collect::<Option<_>>()?))
    }

    /// One entry of a list field.
    pub(super) fn item(
        &mut self,
        node: &Node,
        field: &FieldShape,
        entry: &[FieldShape],
    ) -> Option<Expression> {
        if entry.is_empty() {
            let is_label = node.as_text().is_some_and(|text| reference(text).is_none());
            return if is_label && !field.labels.is_empty() {
                self.unsigned(node, field, u64::MAX)
            } else {
                self.plain(node)
            };
        }
        let Some(entries) = node.as_map() else {
            return self.wrong_form(node, field, "a map for each entry");
        };
        let mut values = Vec::new();
        let mut sound = true;
        for Entry { key, key_span, value } in self.of_this_version(entries.iter().collect()) {
            if let Some(shape) = entry.iter().find(|shape| shape.name == key) {
                let value = self.expression(value, shape);
                sound &= value.is_some();
                values.extend(value.map(|value| (key.clone(), value)));
            } else {
                let mut problem = Problem::new(
                    key_span.clone(),
                    format!("an entry of `{}` has no field `{key}`", field.name),
                );
                problem.help = suggest(key, entry.iter().map(|shape| shape.name));
                self.report(problem);
                sound = false;
            }
        }
        sound.then_some(Expression::Map(values))
    }

    fn wrong_form<T>(&mut self, node: &Node, field: &FieldShape, wanted: &str) -> Option<T> {
        self.report(
            Problem::new(node.span.clone(), format!("{} cannot be {}", subject(field), node.describe()))
                .label(format!("{wanted} is expected")),
        );
        None
    }
}

/// A stand-in for a field that no table has: an entry of a table, raw bytes.
pub(super) static VALUE: FieldShape =
    FieldShape { name: "value", shape: Shape::Binary, labels: &[], optional: false };

/// The field as a sentence's subject.
fn subject(field: &FieldShape) -> String {
    if std::ptr::eq(field, &raw const VALUE) { String::from("this") } else { format!("`{}`", field.name) }
}

/// The maps that stand for a value.
pub(super) enum Special<'a> {
    Hex(&'a Node),
    Fill { unit: &'a Node, times: &'a Node },
    Tagged { tag: &'a Node, value: &'a Node },
}

pub(super) fn special(entries: &[Entry]) -> Option<Special<'_>> {
    match entries {
        [Entry { key, value, .. }] if key == "hex" => Some(Special::Hex(value)),
        [Entry { key: first, value: unit, .. }, Entry { key: second, value: times, .. }]
            if first == "fill" && second == "times" =>
        {
            Some(Special::Fill { unit, times })
        }
        [Entry { key: first, value: tag, .. }, Entry { key: second, value, .. }]
            if first == "tag" && second == "value" =>
        {
            Some(Special::Tagged { tag, value })
        }
        _ => None,
    }
}

/// Whether a map stands for a value.
pub(super) fn is_special(entries: &[Entry]) -> bool {
    special(entries).is_some()
}

pub(super) fn literal(value: impl Into<Value>) -> Expression {
    Expression::Literal(value.into())
}
