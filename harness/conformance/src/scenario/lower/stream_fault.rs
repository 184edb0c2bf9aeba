//! `fault:` steps about bytes and about attempts to connect.

use std::time::Duration;

use super::Lowering;
use super::packet::take;
use crate::plan::{Amount, ConnectFault, Direction, Fault, OpenFor, StreamFault};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Node};

/// How often a piece is lost in a row, where a scenario does not say, before TCP gives up: after 12.6 s.
const RESET_AFTER: u32 = 6;

/// How an attempt to connect can fail, with its word.
pub(crate) const FAILURES: &[(&str, ConnectFault)] =
    &[("refused", ConnectFault::Refused), ("timed_out", ConnectFault::TimedOut)];

impl Lowering<'_> {
    pub(super) fn stream_fault(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<Fault> {
        let actor = self.actor_named(&head.value);
        let direction = match head.key.as_str() {
            // These know no other direction.
            "slow_reader" => Some(Direction::ToActor),
            "half_open" => Some(Direction::Both),
            _ => self.direction(take(entries, "direction")),
        };
        let fault = match head.key.as_str() {
            "reset" => self.after_bytes(head, entries).map(|bytes| StreamFault::ResetAfter { bytes }),
            "fin" => self.after_bytes(head, entries).map(|bytes| StreamFault::FinAfter { bytes }),
            "fragment" => self.sizes(head, entries),
            _ => self.lasting_fault(head, entries),
        };
        Some(Fault::Stream { actor: actor?, direction: direction?, fault: fault? })
    }

    /// The faults that last until they are healed, or `for` a time.
    fn lasting_fault(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<StreamFault> {
        let duration = match take(entries, "for") {
            Some(entry) => Some(self.duration(&entry.value)?),
            None => None,
        };
        Some(match head.key.as_str() {
            "coalesce" => {
                let within = self.needed(head, entries, "within", "20ms")?;
                StreamFault::Coalesce { within: self.duration(&within.value)?, duration }
            }
            "latency" => {
                let base = self.needed(head, entries, "by", "50ms")?;
                let jitter = take(entries, "jitter");
                StreamFault::Latency {
                    base: self.duration(&base.value)?,
                    jitter: jitter.map_or(Some(Duration::ZERO), |entry| self.duration(&entry.value))?,
                    duration,
                }
            }
            "loss" => {
                let probability = self.needed(head, entries, "probability", "0.1")?;
                let reset_after = take(entries, "reset_after");
                StreamFault::Loss {
                    probability: self.probability(&probability.value)?,
                    reset_after: reset_after
                        .map_or(Some(RESET_AFTER), |entry| self.count(&entry.value, "`reset_after`"))?,
                    duration,
                }
            }
            "bandwidth" => StreamFault::Bandwidth { bytes_per_second: self.rate(head, entries)?, duration },
            "slow_reader" => {
                StreamFault::SlowReader { bytes_per_second: self.rate(head, entries)?, duration }
            }
            "stall" => StreamFault::Stall { duration },
            "partition" => StreamFault::Partition { duration },
            _ => StreamFault::HalfOpen { for_whom: self.open_for(take(entries, "open_for"))?, duration },
        })
    }

    fn rate(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<u64> {
        let rate = self.needed(head, entries, "bytes_per_second", "1000")?;
        self.number(&rate.value, "`bytes_per_second`", 1, u64::from(u32::MAX))
    }

    /// `open_for: broker` (default) or `open_for: actor`.
    fn open_for(&mut self, entry: Option<&Entry>) -> Option<OpenFor> {
        let Some(entry) = entry else { return Some(OpenFor::Broker) };
        match entry.value.as_text() {
            Some("broker") => Some(OpenFor::Broker),
            Some("actor") => Some(OpenFor::Actor),
            _ => {
                self.report(
                    Problem::new(entry.value.span.clone(), "`open_for` is `broker` or `actor`")
                        .label("who goes on thinking that the connection is open"),
                );
                None
            }
        }
    }

    /// `refuse: alice` and `connect_timeout: alice`, once or several `times`.
    pub(super) fn connect_fault(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<Fault> {
        let actor = self.actor_named(&head.value);
        let times = take(entries, "times");
        let times = times.map_or(Some(1), |entry| self.count(&entry.value, "`times`"));
        let fault = if head.key == "refuse" { ConnectFault::Refused } else { ConnectFault::TimedOut };
        Some(Fault::Connect { actor: actor?, fault, times: times? })
    }

    /// The value of `open_fails: refused`.
    pub(super) fn connect_failure(&mut self, node: &Node) -> Option<ConnectFault> {
        let word = node.as_text().unwrap_or_default();
        let found = FAILURES.iter().find(|(known, _)| *known == word);
        if found.is_none() {
            let mut problem = Problem::new(
                node.span.clone(),
                "`open_fails` is `refused` or `timed_out`, as the planned fault wills it",
            );
            problem.help = suggest(word, FAILURES.iter().map(|(known, _)| *known));
            self.report(problem);
        }
        found.map(|(_, how)| *how)
    }

    fn direction(&mut self, entry: Option<&Entry>) -> Option<Direction> {
        let Some(entry) = entry else { return Some(Direction::Both) };
        match entry.value.as_text() {
            Some("to") => Some(Direction::ToActor),
            Some("from") => Some(Direction::FromActor),
            Some("both") => Some(Direction::Both),
            _ => {
                self.report(
                    Problem::new(entry.value.span.clone(), "a direction is `to`, `from` or `both`")
                        .label("as the actor sees it"),
                );
                None
            }
        }
    }

    fn after_bytes(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<Amount> {
        let bytes = self.needed(head, entries, "after_bytes", "137")?;
        self.amount(&bytes.value, "`after_bytes`")
    }

    fn sizes(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<StreamFault> {
        let entry = self.needed(head, entries, "sizes", "[1, 2, 3]")?;
        let Some(items @ [_, ..]) = entry.value.as_list() else {
            self.report(
                Problem::new(entry.value.span.clone(), "`sizes` is a list with at least one size")
                    .help("[1] passes every byte by itself"),
            );
            return None;
        };
        let sizes = items.iter().map(|item| self.number(item, "a size", 1, u64::from(u32::MAX)));
        let sizes: Vec<_> = sizes.collect();
        let sizes = sizes.into_iter().map(|size| usize::try_from(size?).ok()).collect::<Option<_>>()?;
        Some(StreamFault::Fragment { sizes })
    }
}
