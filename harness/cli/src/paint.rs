//! Colours, where the reader is a terminal that wants them.

use std::env;
use std::io::IsTerminal;

use owo_colors::OwoColorize as _;

/// Whether and how words are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    colours: bool,
}

impl Paint {
    /// Colours on a terminal, unless `NO_COLOR` is set (no-color.org) or `TERM` is `dumb`.
    pub fn for_stream(stream: &impl IsTerminal) -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Self { colours: stream.is_terminal() && !refused }
    }

    /// No colours.
    pub const fn plain() -> Self {
        Self { colours: false }
    }

    /// What holds.
    pub fn good(self, text: &str) -> String {
        if self.colours { text.green().to_string() } else { text.to_owned() }
    }

    /// What is broken.
    pub fn bad(self, text: &str) -> String {
        if self.colours { text.red().bold().to_string() } else { text.to_owned() }
    }

    /// What is undecided or only recommended.
    pub fn unsure(self, text: &str) -> String {
        if self.colours { text.yellow().to_string() } else { text.to_owned() }
    }

    /// What the eye should find.
    pub fn strong(self, text: &str) -> String {
        if self.colours { text.bold().to_string() } else { text.to_owned() }
    }

    /// What may be overlooked.
    pub fn faint(self, text: &str) -> String {
        if self.colours { text.dimmed().to_string() } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(Paint::plain().bad("FAIL"), "FAIL");
    }

    #[test]
    fn colours_are_reset_after_the_word() {
        let painted = Paint { colours: true }.good("ok");
        assert!(painted.starts_with("\u{1b}[") && painted.contains("ok") && painted.ends_with('m'));
    }
}
