//! A YAML file as written: a tree in which every key and value knows its bytes in the text.
//!
//! A scenario is plain YAML: one document, no anchors, aliases, tags or repeated keys. Size and depth are
//! limited, so that a hostile file costs no more than its bytes.

use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::diagnostic::Problem;

/// Bytes `start..end` of the scenario's text.
pub type Span = Range<usize>;

/// The most bytes that a scenario file may have.
const LARGEST_TEXT: usize = 1 << 20;
/// How deep its lists and maps may be nested.
const DEEPEST: usize = 32;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a YAML value is, by YAML 1.2's core schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing: `~`, `null`, or an empty place.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; wide enough for every field of the protocols.
    Integer(i128),
    /// A number with a point or an exponent.
    Float(f64),
    /// Anything else, and all that is quoted.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// The text, where it is text.
    pub fn as_text(&self) -> Option<&str> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }

    /// The number, where it is a whole one.
    pub fn as_integer(&self) -> Option<i128> {
        if let Kind::Integer(number) = self.kind { Some(number) } else { None }
    }

    /// The truth value, where it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Kind::Bool(bit) = self.kind { Some(bit) } else { None }
    }

    /// The entries, where it is a map.
    pub fn as_map(&self) -> Option<&[Entry]> {
        if let Kind::Map(entries) = &self.kind { Some(entries) } else { None }
    }

    /// The items, where it is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Kind::List(items) = &self.kind { Some(items) } else { None }
    }

    /// The value of a key, where it is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// What it is, in words.
    pub const fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a truth value",
            Kind::Integer(_) => "a number",
            Kind::Float(_) => "a number with a point",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
}

/// A list or map that is not complete yet.
enum Open {
    List(Vec<Node>),
    Map(Vec<Entry>, Option<(String, Span)>),
}

/// Reads one YAML document.
///
/// # Errors
///
/// What is no YAML, or YAML that a scenario does not use. Reading stops at the first error of the first
/// kind; all of the second kind are reported.
pub fn parse(text: &str) -> Result<Node, Vec<Problem>> {
    if text.len() > LARGEST_TEXT {
        return Err(vec![
            Problem::new(
                0..0,
                format!("a scenario has at most {LARGEST_TEXT} bytes, this has {}", text.len()),
            )
            .help("make long payloads with `{ fill: x, times: 70000 }`"),
        ]);
    }
    Reader { offsets: Offsets::new(text), open: Vec::new(), root: None, problems: Vec::new() }.read(text)
}

struct Reader {
    offsets: Offsets,
    /// The lists and maps around the current place, with where they begin.
    open: Vec<(usize, Open)>,
    root: Option<Node>,
    problems: Vec<Problem>,
}

impl Reader {
    fn read(mut self, text: &str) -> Result<Node, Vec<Problem>> {
        for event in Parser::new_from_str(text) {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => {
                    let at = self.offsets.byte(error.marker());
                    self.problems.push(Problem::new(at..at, format!("this is not YAML: {}", error.info())));
                    return Err(self.problems);
                }
            };
            let mut span = self.offsets.byte(&span.start)..self.offsets.byte(&span.end);
            if let Event::Scalar(_, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, ..) = &event {
                span.end = span.start + quoted_length(text.get(span.clone()).unwrap_or_default());
            }
            if self.take(event, span).is_err() {
                return Err(self.problems);
            }
        }
        if self.problems.is_empty()
            && let Some(root) = self.root
        {
            return Ok(root);
        }
        if self.problems.is_empty() {
            self.problems.push(Problem::new(0..0, "the file is empty"));
        }
        Err(self.problems)
    }

    /// Takes one event; `Err` when there is no use in going on.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), ()> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                if self.root.is_some() {
                    self.refuse(span, "a second document", "one scenario a file");
                    return Err(());
                }
            }
            Event::Alias(_) => {
                self.refuse(
                    span.clone(),
                    "an alias",
                    "write the value out; a scenario is read from top to bottom",
                );
                self.place(Node { span, kind: Kind::Null });
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), &span);
                let kind = if style == ScalarStyle::Plain {
                    resolve(&text)
                } else {
                    Kind::Text(text.clone().into_owned())
                };
                let awaits_value = matches!(self.open.last(), Some((_, Open::Map(_, Some(_)))));
                match self.open.last_mut() {
                    Some((_, Open::Map(_, key @ None))) if !awaits_value => {
                        *key = Some((text.into_owned(), span));
                    }
                    _ => self.place(Node { span, kind }),
                }
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), &span);
                self.enter(span, Open::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), &span);
                self.enter(span, Open::Map(Vec::new(), None))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(&span),
        }
        Ok(())
    }

    fn enter(&mut self, span: Span, open: Open) -> Result<(), ()> {
        if let Some((_, Open::Map(_, None))) = self.open.last() {
            self.refuse(span.clone(), "a list or map as a key", "keys are words");
            return Err(());
        }
        if self.open.len() >= DEEPEST {
            self.refuse(span, "nesting this deep", "a scenario nests at most 32 levels");
            return Err(());
        }
        self.open.push((span.start, open));
        Ok(())
    }

    fn leave(&mut self, end: &Span) {
        let Some((start, open)) = self.open.pop() else { return };
        // The end of a block list or map has no bytes of its own: its last value ends it.
        let (last, kind) = match open {
            Open::List(items) => (items.last().map(|item| item.span.end), Kind::List(items)),
            Open::Map(entries, _) => (entries.last().map(|entry| entry.value.span.end), Kind::Map(entries)),
        };
        let end = if end.is_empty() { last.unwrap_or(start) } else { end.end };
        self.place(Node { span: start..end.max(start), kind });
    }

    fn place(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some((_, Open::List(items))) => items.push(node),
            Some((_, Open::Map(entries, key))) => {
                let Some((key, key_span)) = key.take() else { return };
                // An empty value stands nowhere; its key is what a diagnostic can point at.
                let node = if node.span.is_empty() { Node { span: key_span.clone(), ..node } } else { node };
                if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                    self.problems.push(
                        Problem::new(key_span, format!("`{key}` is said twice"))
                            .also(first.key_span.clone(), "first here")
                            .help("keep one of the two"),
                    );
                } else {
                    entries.push(Entry { key, key_span, value: node });
                }
            }
        }
    }

    fn refuse_extras(&mut self, anchor: usize, tagged: bool, span: &Span) {
        if anchor != 0 {
            self.refuse(span.clone(), "an anchor (`&…`)", "quote text that begins with `&`");
        }
        if tagged {
            self.refuse(span.clone(), "a tag (`!…`)", "quote text that begins with `!`");
        }
    }

    fn refuse(&mut self, span: Span, what: &str, help: &str) {
        self.problems.push(Problem::new(span, format!("a scenario does not use {what}")).help(help));
    }
}

/// The bytes of a quoted scalar up to its closing quote: the parser counts a comment behind it as well.
fn quoted_length(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1).peekable();
    while let Some((at, byte)) = bytes.next() {
        match (text.as_bytes().first(), byte) {
            (Some(b'"'), b'\\') => drop(bytes.next()),
            (Some(b'"'), b'"') => return at + 1,
            (Some(b'\''), b'\'') => match bytes.peek() {
                Some((_, b'\'')) => drop(bytes.next()),
                _ => return at + 1,
            },
            _ => {}
        }
    }
    text.len()
}

/// What a plain scalar means by the core schema.
fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" => return Kind::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Kind::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Kind::Float(f64::NAN),
        _ => {}
    }
    let integer = match text.as_bytes() {
        [b'0', b'x', ..] => i128::from_str_radix(text.get(2..).unwrap_or_default(), 16),
        [b'0', b'o', ..] => i128::from_str_radix(text.get(2..).unwrap_or_default(), 8),
        _ => text.parse(),
    };
    if let Ok(number) = integer {
        return Kind::Integer(number);
    }
    let numeric = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'))
        && text.bytes().any(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if numeric => Kind::Float(number),
        _ => Kind::Text(text.to_owned()),
    }
}

/// Byte offsets of characters: the parser counts characters.
struct Offsets {
    /// `None` where every character is one byte.
    bytes: Option<Vec<usize>>,
    length: usize,
}

impl Offsets {
    fn new(text: &str) -> Self {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(byte, _)| byte).collect());
        Self { bytes, length: text.len() }
    }

    fn byte(&self, marker: &Marker) -> usize {
        match &self.bytes {
            None => marker.index().min(self.length),
            Some(bytes) => bytes.get(marker.index()).copied().unwrap_or(self.length),
        }
    }
}
