//! What becomes due, and when.

use std::collections::{BTreeMap, BTreeSet};

use crate::effect::{ConnectionId, Now};

use super::message::ClientId;

/// Something that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A connection was silent for too long.
    Silence(ConnectionId),
    /// A will was delayed for long enough.
    Will(ClientId),
    /// A session's time after its connection is over.
    Session(ClientId),
}

/// Every timer that runs; each at most once.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(Now, Timer)>,
    by_timer: BTreeMap<Timer, Now>,
}

impl Timers {
    /// Starts a timer, or moves it.
    pub(crate) fn set(&mut self, timer: Timer, due: Now) {
        self.clear(&timer);
        self.by_timer.insert(timer.clone(), due);
        self.by_time.insert((due, timer));
    }

    /// Stops a timer, if it runs.
    pub(crate) fn clear(&mut self, timer: &Timer) {
        if let Some(due) = self.by_timer.remove(timer) {
            self.by_time.remove(&(due, timer.clone()));
        }
    }

    /// When the next one is due.
    pub(crate) fn next_due(&self) -> Option<Now> {
        self.by_time.first().map(|(due, _)| *due)
    }

    /// Takes out the next one that is due by now, earliest first.
    pub(crate) fn pop_due(&mut self, now: Now) -> Option<Timer> {
        if self.next_due()? > now {
            return None;
        }
        let (_, timer) = self.by_time.pop_first()?;
        self.by_timer.remove(&timer);
        Some(timer)
    }
}
