//! What is wrong with a scenario, and where.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::node::Span;
use crate::statement::suggest::nearest;

/// The longest line, in bytes, that is shown to point into it. In a longer one nobody finds the place that is
/// pointed at, and miette cannot print a column beyond 65,535.
const LONGEST_LINE: usize = 2_000;

/// Everything that is wrong with one file.
#[derive(Debug)]
pub struct Diagnostics {
    /// The file's name and text.
    pub source: NamedSource<String>,
    /// What is wrong, in the order of the file.
    pub problems: Vec<Problem>,
    /// Whether the file's lines are shown; otherwise each message begins with its line and column.
    shows_lines: bool,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What, in one sentence without a full stop.
    pub message: String,
    /// The bytes in question.
    pub span: Span,
    /// What to say right below them.
    pub label: Option<String>,
    /// Other places that matter, with what they have to do with it.
    pub related: Vec<(Span, String)>,
    /// What would be right.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span, label: None, related: Vec::new(), help: None }
    }

    /// Says something right below the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Points at another place as well.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// Says what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Diagnostics {
    /// The problems of one file, sorted by place.
    pub fn new(name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.span.start);
        let shows_lines = text.lines().all(|line| line.len() <= LONGEST_LINE);
        if !shows_lines {
            for problem in &mut problems {
                let (line, column) = position(text, problem.span.start);
                let label = problem.label.take().map_or(String::new(), |label| format!(": {label}"));
                problem.message = format!("line {line}, column {column}: {}{label}", problem.message);
            }
        }
        let source = NamedSource::new(name, text.to_owned()).with_language("YAML");
        Self { source, problems, shows_lines }
    }

    /// Line and column of a problem's first character, both counted from 1; columns count characters.
    pub fn position(&self, problem: &Problem) -> (usize, usize) {
        self.position_of(problem.span.start)
    }

    /// Line and column of a byte of the file, both counted from 1; columns count characters.
    pub fn position_of(&self, byte: usize) -> (usize, usize) {
        position(self.source.inner(), byte)
    }
}

/// Line and column of a byte, both counted from 1; columns count characters.
pub(super) fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// `did you mean …`, or the whole list where it is short, or nothing.
pub(super) fn suggest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    const SHORT: usize = 12;
    if let Some(name) = nearest(wrong, names.clone().into_iter())
        && !wrong.is_empty()
    {
        return Some(format!("did you mean `{name}`?"));
    }
    let all: Vec<_> = names.into_iter().collect();
    (!all.is_empty() && all.len() <= SHORT).then(|| format!("there is {}", list(&all)))
}

/// Names as a sentence has them: `a`, `b` and `c`.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => String::from("none"),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first = first.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            format!("{first} and `{last}`")
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let first = LabeledSpan::new_primary_with_span(self.label.clone(), self.span.clone());
        let others = self
            .related
            .iter()
            .map(|(span, label)| LabeledSpan::new_with_span(Some(label.clone()), span.clone()));
        Some(Box::new(std::iter::once(first).chain(others)))
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(f, "{} has a mistake", self.source.name()),
            many => write!(f, "{} has {many} mistakes", self.source.name()),
        }
    }
}

impl std::error::Error for Diagnostics {}

impl Diagnostic for Diagnostics {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.shows_lines.then_some(&self.source as &dyn SourceCode)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, at: usize) -> String {
        let problem =
            Problem::new(at..at + 3, "there is no `bad`").label("0 to 9").help("did you mean `good`?");
        format!("{:?}", miette::Report::new(Diagnostics::new("x.yaml", text, vec![problem])))
    }

    #[test]
    fn a_place_is_shown_in_its_line() {
        let told = told("title: x\nbad: y\n", 9);
        assert!(told.contains("x.yaml:2:1") && told.contains("bad: y") && told.contains("0 to 9"), "{told}");
    }

    #[test]
    fn a_line_of_any_length_is_pointed_into() {
        let text = format!("title: x\n{}bad: y\n", " ".repeat(70_000));
        let told = told(&text, 70_009);
        assert!(told.contains("line 2, column 70001: there is no `bad`: 0 to 9"), "{told}");
        assert!(told.contains("did you mean `good`?"), "{told}");
        assert!(told.len() < 500, "the line itself is not printed");
    }
}
