//! Tables (user properties, headers, arguments), and values that no field's shape tells how to read.

use mqspec_wire::Value;

use super::Lowering;
use super::scalar::reference;
use super::value::{Special, VALUE, literal, special};
use crate::plan::Expression;
use crate::scenario::diagnostic::Problem;
use crate::scenario::node::{Kind, Node};

impl Lowering<'_> {
    /// Names and values: a map, or a list of `[name, value]` where names repeat.
    pub(super) fn table(&mut self, node: &Node, what: &str) -> Option<Expression> {
        let pairs: Vec<(String, &Node)> = match &node.kind {
            Kind::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), &entry.value)).collect(),
            Kind::List(items) if items.iter().all(|item| pair(item).is_some()) => {
                items.iter().filter_map(pair).collect()
            }
            Kind::Text(text) if reference(text).is_some() => return self.plain(node),
            Kind::Null
            | Kind::Bool(_)
            | Kind::Integer(_)
            | Kind::Float(_)
            | Kind::Text(_)
            | Kind::List(_) => {
                self.report(
                    Problem::new(node.span.clone(), format!("{what} is a map, not {}", node.describe()))
                        .help("{ name: value }, or [[name, value], [name, value]] where a name repeats"),
                );
                return None;
            }
        };
        let mut values = Vec::new();
        let mut sound = true;
        for (key, value) in pairs {
            if self.spec.is_mqtt() && !matches!(value.kind, Kind::Text(_) | Kind::Map(_)) {
                self.report(
                    Problem::new(
                        value.span.clone(),
                        format!("a user property is text, not {}", value.describe()),
                    )
                    .help("put it in quotes"),
                );
                sound = false;
                continue;
            }
            let value = self.plain(value);
            sound &= value.is_some();
            values.extend(value.map(|value| (key, value)));
        }
        sound.then_some(Expression::Map(values))
    }

    /// A value by its YAML form alone.
    pub(super) fn plain(&mut self, node: &Node) -> Option<Expression> {
        match &node.kind {
            Kind::Null => Some(Expression::Literal(Value::Void)),
            Kind::Bool(bit) => Some(literal(*bit)),
            Kind::Integer(number) => Some(literal(*number)),
            Kind::Float(number) => Some(Expression::Literal(Value::Float(*number))),
            Kind::Text(text) => match reference(text) {
                Some(name) => self.bound(name, node),
                None => self.text(text, node),
            },
            Kind::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.plain(item)).collect();
                Some(Expression::List(items.into_iter().collect::<Option<_>>()?))
            }
            Kind::Map(entries) => match special(entries) {
                Some(Special::Hex(digits)) => self.hex(digits),
                Some(Special::Fill { unit, times }) => self.fill(unit, times, &VALUE),
                Some(Special::Tagged { tag, value }) => self.tagged(tag, value),
                None => self.table(node, "this"),
            },
        }
    }

    fn tagged(&mut self, tag: &Node, value: &Node) -> Option<Expression> {
        let letter = tag.as_text().filter(|tag| tag.len() == 1).and_then(|tag| tag.bytes().next());
        let Some(letter) = letter.filter(u8::is_ascii_alphabetic) else {
            self.report(
                Problem::new(tag.span.clone(), "a tag is one letter")
                    .help("as on the wire: { tag: s, value: -1 } is a signed 16-bit number"),
            );
            return None;
        };
        // A tag F says that a map is a table, also where its keys look like one of our forms.
        let value = if letter == b'F' && value.as_map().is_some() {
            self.table(value, "a table")?
        } else {
            self.plain(value)?
        };
        Some(Expression::Tagged(letter, Box::new(value)))
    }
}

fn pair(node: &Node) -> Option<(String, &Node)> {
    match node.as_list()? {
        [name, value] => Some((name.as_text()?.to_owned(), value)),
        _ => None,
    }
}
