//! A clock that does not tell the broker the true time.

use std::cell::Cell;
use std::time::Duration;

use mqspec_broker_core::Now;
use mqspec_conformance::mutant::Pace;

/// The broker's clock, from the first time that it is read.
#[derive(Debug)]
pub(super) struct Clock {
    pace: Pace,
    began: Cell<Option<Now>>,
}

impl Clock {
    pub(super) const fn new(pace: Pace) -> Self {
        Self { pace, began: Cell::new(None) }
    }

    /// Whether it differs from the true one.
    pub(super) fn lies(&self) -> bool {
        self.pace != Pace::True
    }

    /// Whether it moves at all.
    pub(super) fn runs(&self) -> bool {
        self.pace != Pace::Stopped
    }

    /// What it says at a time.
    pub(super) fn told(&self, now: Now) -> Now {
        let began = self.began.get().unwrap_or(now);
        self.began.set(Some(began));
        let passed = now.saturating_sub(began);
        match self.pace {
            Pace::True => now,
            Pace::Stopped => began,
            Pace::Half => began + passed / 2,
            Pace::Double => began + passed * 2,
        }
    }

    /// When it will say so; `None`: never.
    pub(super) fn true_time(&self, told: Now) -> Option<Now> {
        let began = self.began.get().unwrap_or(told);
        let passes = told.saturating_sub(began);
        match self.pace {
            Pace::True => Some(told),
            Pace::Stopped => None,
            Pace::Half => Some(began + passes * 2),
            // Rounded up, so that the deadline is reached and not just missed.
            Pace::Double => Some(began + (passes + Duration::from_nanos(1)) / 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_reached_when_the_clock_says_so() {
        for pace in [Pace::True, Pace::Half, Pace::Double] {
            let clock = Clock::new(pace);
            assert_eq!(clock.told(Duration::from_secs(100)), Duration::from_secs(100));
            let deadline = Duration::new(107, 1);
            let reached = clock.true_time(deadline).expect("it runs");
            assert!(clock.told(reached) >= deadline, "{pace:?}");
            assert!(clock.told(reached.saturating_sub(Duration::from_nanos(2))) < deadline, "{pace:?}");
        }
    }

    #[test]
    fn a_stopped_clock_reaches_nothing() {
        let clock = Clock::new(Pace::Stopped);
        assert_eq!(clock.told(Duration::from_secs(1)), clock.told(Duration::from_secs(9)));
        assert_eq!(clock.true_time(Duration::from_secs(2)), None);
    }
}
