//! What is due when: one deadline for each connection and queue.

use std::collections::{BTreeMap, BTreeSet};

use super::queue::QueueId;
use crate::effect::{ConnectionId, Now};

/// Whose deadline it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// Heartbeats, handshake, the wait for Close-Ok.
    Connection(ConnectionId),
    /// Expiry of its head or of itself.
    Queue(QueueId),
}

/// All deadlines, ordered by time.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeSet<(Now, Timer)>,
    armed: BTreeMap<Timer, Now>,
}

impl Timers {
    /// Sets, moves or (with `None`) removes a deadline.
    pub(crate) fn arm(&mut self, timer: Timer, at: Option<Now>) {
        if self.armed.get(&timer).copied() == at {
            return;
        }
        if let Some(before) = self.armed.remove(&timer) {
            self.due.remove(&(before, timer));
        }
        if let Some(at) = at {
            self.armed.insert(timer, at);
            self.due.insert((at, timer));
        }
    }

    /// Takes the earliest deadline that is not after `now`.
    pub(crate) fn pop_due(&mut self, now: Now) -> Option<Timer> {
        let (_, timer) = self.due.first().filter(|(at, _)| *at <= now).copied()?;
        self.arm(timer, None);
        Some(timer)
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Now> {
        self.due.first().map(|(at, _)| *at)
    }
}
