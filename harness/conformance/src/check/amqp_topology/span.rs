//! From when to when something exists, as far as requests and their answers tell.

use super::super::amqp_history::Change;

/// From when to when something exists. Between a request and its reply nobody can tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    asked: u64,
    done: Option<u64>,
    removal_asked: Option<u64>,
    removal_done: Option<u64>,
    /// It was asked for without an answer: it may be made whenever that request gets there.
    open: bool,
}

impl Span {
    /// What a request makes.
    pub(super) fn of(change: &Change) -> Self {
        Self {
            asked: change.asked,
            done: change.done,
            removal_asked: None,
            removal_done: None,
            open: change.done.is_none(),
        }
    }

    /// It is asked for again.
    pub(super) fn again(&mut self, change: &Change) {
        self.done = self.done.or(change.done);
        self.open |= change.done.is_none();
    }

    /// It was made, and nothing that removes it has happened.
    pub(super) fn stays(&self) -> bool {
        self.done.is_some() && self.removal_asked.is_none()
    }

    /// Nothing that removes it has happened yet.
    pub(super) fn lasts(&self) -> bool {
        self.removal_asked.is_none()
    }

    /// Whether it was asked for by then.
    pub(super) fn begins_before(&self, event: u64) -> bool {
        self.asked < event
    }

    /// Whether it certainly exists during the whole of this time.
    pub(super) fn covers(&self, from: u64, to: u64) -> bool {
        self.done.is_some_and(|done| done < from) && self.removal_asked.is_none_or(|removal| removal > to)
    }

    /// Whether it may exist at some moment of this time.
    pub(super) fn touches(&self, from: u64, to: u64) -> bool {
        self.asked < to && (self.open || self.removal_done.is_none_or(|removal| removal > from))
    }

    /// A request removes it.
    pub(super) fn remove(&mut self, change: &Change) {
        self.may_end(change.asked);
        self.removal_done = self.removal_done.or(change.done);
    }

    /// It may be gone from here on.
    pub(super) fn may_end(&mut self, event: u64) {
        self.removal_asked = Some(self.removal_asked.map_or(event, |asked| asked.min(event)));
    }
}
