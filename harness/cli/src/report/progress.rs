//! Case lines in a stable order while several cases run at a time, and a bar below them on a terminal.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mqspec_conformance::verdict::Outcome;

use super::{Case, human};
use crate::paint::Paint;

/// Prints each case's line as soon as every case before it has been printed.
pub struct Progress<'a> {
    out: &'a mut dyn Write,
    paint: Paint,
    quiet: bool,
    bar: ProgressBar,
    done: Vec<Case>,
    waiting: BTreeMap<usize, Case>,
}

impl<'a> Progress<'a> {
    /// For this many cases. The bar needs stderr to be a terminal.
    pub fn new(cases: usize, quiet: bool, paint: Paint, out: &'a mut dyn Write) -> Self {
        let visible = io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(cases as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed}") {
            bar.set_style(style);
        }
        Self { out, paint, quiet, bar, done: Vec::new(), waiting: BTreeMap::new() }
    }

    /// Takes the case with this index of the selection, in any order.
    ///
    /// # Errors
    ///
    /// What the output returns.
    pub fn add(&mut self, index: usize, case: Case) -> io::Result<()> {
        self.bar.inc(1);
        self.waiting.insert(index, case);
        while let Some(case) = self.waiting.remove(&self.done.len()) {
            let quiet =
                self.quiet && matches!(case.verdict.outcome, Outcome::Pass | Outcome::NotApplicable(_));
            if !quiet {
                let line = human::case_line(&case, self.paint);
                let out = &mut self.out;
                self.bar.suspend(|| writeln!(out, "{line}"))?;
            }
            self.done.push(case);
        }
        Ok(())
    }

    /// Removes the bar and gives the cases in the order of the selection.
    ///
    /// # Panics
    ///
    /// If a case before the last one is missing.
    pub fn finish(self) -> Vec<Case> {
        self.bar.finish_and_clear();
        assert!(self.waiting.is_empty(), "every case of the selection must have been added");
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::case;
    use super::*;

    #[test]
    fn lines_keep_the_order_of_the_selection() {
        let mut out = Vec::new();
        let mut progress = Progress::new(3, false, Paint::plain(), &mut out);
        for (index, address) in [(2, "c@mqtt-5.0"), (0, "a@mqtt-5.0"), (1, "b@mqtt-5.0")] {
            progress.add(index, case(address, Outcome::Pass, Vec::new())).expect("a Vec takes all");
        }
        let order: Vec<_> = progress.finish().into_iter().map(|case| case.plan.address).collect();
        assert_eq!(order, ["a@mqtt-5.0", "b@mqtt-5.0", "c@mqtt-5.0"]);
        assert_eq!(out, b"pass  a@mqtt-5.0\npass  b@mqtt-5.0\npass  c@mqtt-5.0\n");
    }

    #[test]
    fn quiet_prints_what_failed() {
        let mut out = Vec::new();
        let mut progress = Progress::new(2, true, Paint::plain(), &mut out);
        progress.add(0, case("a@mqtt-5.0", Outcome::Pass, Vec::new())).expect("a Vec takes all");
        progress.add(1, case("b@mqtt-5.0", Outcome::Fail, Vec::new())).expect("a Vec takes all");
        assert_eq!(progress.finish().len(), 2);
        assert_eq!(out, b"FAIL  b@mqtt-5.0\n");
    }
}
