//! Matchers: what an expectation says about a field.

use mqspec_wire::{FieldShape, Shape};

use super::Lowering;
use super::value::is_special;
use crate::plan::{Field, Matcher};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Kind, Node};

/// The words that begin a matcher, with what they say.
pub(crate) const MATCHERS: &[(&str, &str)] = &[
    ("is", "`present`, `absent` or `any`"),
    ("one_of", "one of these values"),
    ("not", "any value but this, or none"),
    ("at_least", "a number, at least this"),
    ("at_most", "a number, at most this"),
    ("each_at_most", "a list of numbers, each at most the one in its place"),
    ("repeats", "a field that stands there once for each of these values, in any order"),
    ("contains", "a map with at least these entries"),
    ("length", "text or bytes of this many bytes"),
    ("starts_with", "text or bytes that begin like this"),
];

impl Lowering<'_> {
    /// What must hold for one field.
    pub(super) fn field(&mut self, entry: &Entry, shape: &FieldShape) -> Option<Field> {
        let matcher = self.matcher(&entry.value, shape)?;
        Some(Field { name: shape.name.to_owned(), matcher })
    }

    fn matcher(&mut self, node: &Node, shape: &FieldShape) -> Option<Matcher> {
        match &node.kind {
            Kind::Map(entries) => {
                if let [entry] = entries.as_slice()
                    && MATCHERS.iter().any(|(word, _)| *word == entry.key)
                {
                    return self.worded(entry, shape);
                }
                let may_be_map = matches!(shape.shape, Shape::Table | Shape::List(_));
                if !may_be_map && !is_special(entries) {
                    return self.unknown_matcher(node, entries);
                }
                self.expression(node, shape).map(Matcher::Equals)
            }
            Kind::List(items) if !matches!(shape.shape, Shape::List(_) | Shape::Table) => {
                self.one_of(node, items, shape)
            }
            Kind::Null
            | Kind::Bool(_)
            | Kind::Integer(_)
            | Kind::Float(_)
            | Kind::Text(_)
            | Kind::List(_) => self.expression(node, shape).map(Matcher::Equals),
        }
    }

    fn unknown_matcher(&mut self, node: &Node, entries: &[Entry]) -> Option<Matcher> {
        let words = MATCHERS.iter().map(|(word, _)| *word);
        let (span, message, help) = match entries {
            [entry] => (
                entry.key_span.clone(),
                format!("there is no matcher `{}`", entry.key),
                suggest(&entry.key, words),
            ),
            _ => (node.span.clone(), String::from("a matcher has one key"), None),
        };
        let mut problem = Problem::new(span, message);
        problem.help = help;
        self.report(problem);
        None
    }

    fn worded(&mut self, entry: &Entry, shape: &FieldShape) -> Option<Matcher> {
        let value = &entry.value;
        match entry.key.as_str() {
            "is" => self.presence(value),
            "one_of" => match value.as_list() {
                Some(items) => self.one_of(value, items, shape),
                None => self.wrong_matcher(value, "`one_of` has a list"),
            },
            "not" => self.expression(value, shape).map(Matcher::Not),
            "at_least" => self.bound_of(value, shape).map(Matcher::AtLeast),
            "at_most" => self.bound_of(value, shape).map(Matcher::AtMost),
            "each_at_most" if matches!(shape.shape, Shape::List(_)) => {
                let items = value.as_list().unwrap_or_default();
                let items: Vec<_> = items.iter().map(|item| self.item(item, shape, &[])).collect();
                Some(Matcher::EachAtMost(items.into_iter().collect::<Option<_>>()?))
            }
            "repeats" => {
                let items = value.as_list().unwrap_or_default();
                let items: Vec<_> = items.iter().map(|item| self.expression(item, shape)).collect();
                Some(Matcher::Repeats(items.into_iter().collect::<Option<_>>()?))
            }
            "contains" if shape.shape == Shape::Table => {
                self.no_matchers_within(value)?;
                let crate::plan::Expression::Map(entries) = self.table(value, "`contains`")? else {
                    return self.wrong_matcher(value, "`contains` has a map");
                };
                Some(Matcher::Contains(entries))
            }
            "length" if matches!(shape.shape, Shape::Text | Shape::Binary) => {
                self.number(value, "`length`", 0, u64::from(u32::MAX)).map(Matcher::Length)
            }
            "starts_with" if matches!(shape.shape, Shape::Text | Shape::Binary) => {
                self.octets(value, shape).map(Matcher::StartsWith)
            }
            word => {
                let message = format!("`{word}` does not fit `{}`", shape.name);
                let help = MATCHERS.iter().find(|(known, _)| *known == word).map(|(_, says)| *says);
                self.report(
                    Problem::new(entry.key_span.clone(), message)
                        .help(format!("it stands for {}", help.unwrap_or_default())),
                );
                None
            }
        }
    }

    /// The values below `contains` are compared as they are; `{ is: present }` there would be a table.
    fn no_matchers_within(&mut self, node: &Node) -> Option<()> {
        let nested = node.as_map().into_iter().flatten().find(|entry| {
            let inner = entry.value.as_map();
            let only = inner.and_then(|inner| if let [only] = inner { Some(only) } else { None });
            only.is_some_and(|only| MATCHERS.iter().any(|(word, _)| *word == only.key))
        });
        let Some(entry) = nested else { return Some(()) };
        self.report(
            Problem::new(entry.value.span.clone(), "a value below `contains` is compared as it is")
                .help("matchers do not stand inside others; write the value, or leave the entry out"),
        );
        None
    }

    fn presence(&mut self, node: &Node) -> Option<Matcher> {
        match node.as_text() {
            Some("present") => Some(Matcher::Present),
            Some("absent") => Some(Matcher::Absent),
            Some("any") => Some(Matcher::Any),
            _ => self.wrong_matcher(node, "`is` has `present`, `absent` or `any`"),
        }
    }

    fn one_of(&mut self, node: &Node, items: &[Node], shape: &FieldShape) -> Option<Matcher> {
        if items.is_empty() {
            return self.wrong_matcher(node, "none of no values can match; name at least one");
        }
        let items: Vec<_> = items.iter().map(|item| self.expression(item, shape)).collect();
        Some(Matcher::OneOf(items.into_iter().collect::<Option<_>>()?))
    }

    fn bound_of(&mut self, node: &Node, shape: &FieldShape) -> Option<crate::plan::Expression> {
        if matches!(shape.shape, Shape::Unsigned(_)) {
            return self.expression(node, shape);
        }
        self.wrong_matcher(node, &format!("`{}` is no number that could be compared", shape.name))
    }

    fn wrong_matcher<T>(&mut self, node: &Node, message: &str) -> Option<T> {
        self.report(Problem::new(node.span.clone(), message));
        None
    }
}
