//! `disk:` steps.

use super::Lowering;
use super::packet::take;
use crate::plan::{Action, BrokerFault, DiskFault, DiskOperation};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Node};

/// The words that a disk's fault begins with, with what they do.
pub(crate) const DISK_FAULTS: &[(&str, &str)] = &[
    ("fail", "an operation fails with an input/output error"),
    ("tear", "an append writes a part of its bytes and fails"),
    ("lose", "a sync says that it succeeded, and has done nothing"),
    ("full_after", "only so many more bytes fit"),
    ("heal", "takes everything back"),
];

impl Lowering<'_> {
    /// `disk: { fail: sync, nth: 2 }` and its like.
    pub(super) fn disk(&mut self, node: &Node) {
        self.needs_simulation = true;
        let Some(mut entries) = self.map(node, "disk") else { return };
        let is_fault = |entry: &&Entry| DISK_FAULTS.iter().any(|(word, _)| *word == entry.key);
        let known: Vec<_> = entries.iter().copied().filter(is_fault).collect();
        let [head] = known.as_slice() else {
            let wrong = known.get(1).or(entries.first());
            let span = wrong.map_or(node.span.clone(), |entry| entry.key_span.clone());
            let mut problem = Problem::new(span, "a `disk` step has one fault of the disk");
            let words = DISK_FAULTS.iter().map(|(word, _)| *word);
            problem.help = suggest(wrong.map_or("", |entry| entry.key.as_str()), words);
            self.report(problem);
            return;
        };
        let head = *head;
        entries.retain(|entry| entry.key != head.key);
        let fault = self.disk_fault(head, &mut entries);
        // What a broken fault leaves behind is no mistake of its own.
        for entry in entries.iter().filter(|_| fault.is_some()) {
            let why = format!("the disk's fault `{}` has no `{}`", head.key, entry.key);
            self.report(Problem::new(entry.key_span.clone(), why));
        }
        if let Some(fault) = fault {
            self.push(Action::Disk(fault));
        }
    }

    fn disk_fault(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<DiskFault> {
        match head.key.as_str() {
            "fail" => {
                let operation = self.operation(head, &DiskOperation::ALL);
                let (nth, times) = (self.ordinal(entries, "nth"), self.ordinal(entries, "times"));
                Some(DiskFault::Fails { operation: operation?, nth: nth?, times: times? })
            }
            "tear" => {
                let operation = self.operation(head, &[DiskOperation::Append]);
                let nth = self.ordinal(entries, "nth");
                operation.and(nth).map(|nth| DiskFault::Torn { nth })
            }
            "lose" => {
                let syncs = [DiskOperation::Sync, DiskOperation::SyncDirectory];
                let operation = self.operation(head, &syncs);
                let (nth, times) = (self.ordinal(entries, "nth"), self.ordinal(entries, "times"));
                Some(DiskFault::Lost { operation: operation?, nth: nth?, times: times? })
            }
            "full_after" => {
                let bytes = self.number(&head.value, "`full_after`", 0, u64::MAX)?;
                Some(DiskFault::Full { bytes })
            }
            _ => {
                if head.value.as_text() != Some("all") {
                    self.report(
                        Problem::new(head.value.span.clone(), "a disk is healed as a whole")
                            .help("heal: all"),
                    );
                    return None;
                }
                Some(DiskFault::Heal)
            }
        }
    }

    fn operation(&mut self, head: &Entry, possible: &[DiskOperation]) -> Option<DiskOperation> {
        let word = head.value.as_text().unwrap_or_default();
        let found = possible.iter().copied().find(|operation| operation.word() == word);
        if found.is_none() {
            let words: Vec<&str> = possible.iter().map(|operation| operation.word()).collect();
            let why = format!("`{}` takes one of {}", head.key, words.join(", "));
            self.report(Problem::new(head.value.span.clone(), why));
        }
        found
    }

    /// `nth: 2` or `times: 2`; 1 where it is not said.
    fn ordinal(&mut self, entries: &mut Vec<&Entry>, key: &str) -> Option<u32> {
        let Some(entry) = take(entries, key) else { return Some(1) };
        self.count(&entry.value, &format!("`{key}`"))
    }

    /// `power_loss: {}`.
    pub(super) fn power_loss(&mut self, node: &Node) {
        self.needs_simulation = true;
        self.broker(node, &[BrokerFault::PowerLoss]);
    }

    /// `start_broker: {}`, or `start_broker: { fails: true }` where the disk does not let it.
    pub(super) fn start_broker(&mut self, node: &Node) {
        let entries = self.map(node, "start_broker").unwrap_or_default();
        self.known_keys(&entries, "start_broker", &["fails"]);
        let fails = entries.iter().find(|entry| entry.key == "fails");
        let fails = fails.and_then(|entry| self.bit(&entry.value, "`fails`")).unwrap_or(false);
        self.needs_simulation |= fails;
        let start = if fails { BrokerFault::StartInVain } else { BrokerFault::Start };
        self.push(Action::Broker(start));
    }
}
