//! What becomes of messages that are published in transactions.

use std::collections::VecDeque;

use super::Published;

/// What became of a message in its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Transacted {
    /// Nobody has asked for it to be committed, or ever did.
    Open,
    /// A tx.rollback was sent.
    RolledBack,
    /// A tx.commit was sent; whether it counts nobody can tell.
    Asked,
    /// The commit was answered.
    Committed,
}

/// A channel's transactions.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// Publishes of the one that is open.
    open: Vec<usize>,
    /// Publishes of those whose tx.commit waits for its answer.
    asked: VecDeque<Vec<usize>>,
}

impl Transactions {
    /// A publish, by its place.
    pub(super) fn on_publish(&mut self, index: usize) -> Transacted {
        self.open.push(index);
        Transacted::Open
    }

    /// A tx.commit or tx.rollback.
    pub(super) fn on_sent(&mut self, method: &str, published: &mut [Published]) {
        let open = std::mem::take(&mut self.open);
        let commits = method == "tx.commit";
        let fate = if commits { Transacted::Asked } else { Transacted::RolledBack };
        for index in &open {
            if let Some(published) = published.get_mut(*index) {
                published.transacted = Some(fate);
            }
        }
        if commits {
            self.asked.push_back(open);
        }
    }

    /// A tx.commit-ok.
    pub(super) fn on_committed(&mut self, event: u64, published: &mut [Published]) {
        for index in self.asked.pop_front().unwrap_or_default() {
            if let Some(published) = published.get_mut(index) {
                published.transacted = Some(Transacted::Committed);
                published.done = Some(event);
            }
        }
    }
}
