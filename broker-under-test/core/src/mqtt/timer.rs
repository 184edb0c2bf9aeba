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

    /// Takes out the next one that is due by a time, earliest first.
    pub(crate) fn pop_due(&mut self, by: Now) -> Option<Timer> {
        if self.next_due()? > by {
            return None;
        }
        let (_, timer) = self.by_time.pop_first()?;
        self.by_timer.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn timers_come_out_in_the_order_of_their_times_and_not_early() {
        let mut timers = Timers::default();
        timers.set(Timer::Session("a".into()), 3 * SECOND);
        timers.set(Timer::Will("a".into()), 3 * SECOND);
        timers.set(Timer::Silence(ConnectionId(1)), 2 * SECOND);
        assert_eq!(timers.next_due(), Some(2 * SECOND));
        assert_eq!(timers.pop_due(SECOND), None);
        let due: Vec<Timer> = std::iter::from_fn(|| timers.pop_due(3 * SECOND)).collect();
        assert_eq!(
            due,
            [Timer::Silence(ConnectionId(1)), Timer::Will("a".into()), Timer::Session("a".into())],
            "a will goes before the end of its session"
        );
        assert_eq!(timers.next_due(), None);
    }

    #[test]
    fn a_timer_that_is_set_again_moves() {
        let mut timers = Timers::default();
        timers.set(Timer::Silence(ConnectionId(1)), SECOND);
        timers.set(Timer::Silence(ConnectionId(1)), 2 * SECOND);
        assert_eq!(timers.pop_due(SECOND), None);
        timers.clear(&Timer::Silence(ConnectionId(1)));
        assert_eq!(timers.pop_due(9 * SECOND), None);
    }
}
