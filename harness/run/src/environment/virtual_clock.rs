//! A clock above the simulator's own, that can jump over quiet time.
//!
//! Its time stands still while the hosts run and advances between two steps of the simulation: by one
//! tick, or, when nothing is under way, to the next timer. Timers fire at the first tick at or after their
//! deadline in either case, so that a run with jumps leaves the same trace as one without.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::Clock;

/// The granularity of simulated time.
pub const TICK: Duration = Duration::from_millis(1);

/// A simulation's clock, shared by all of its hosts and the driver.
#[derive(Debug, Default)]
pub struct VirtualClock {
    now: Cell<Duration>,
    next_timer: Cell<u64>,
    timers: RefCell<BTreeMap<(Duration, u64), Waker>>,
}

impl VirtualClock {
    /// The time now.
    pub fn now(&self) -> Duration {
        self.now.get()
    }

    /// Moves on by one tick.
    pub fn advance(&self) {
        self.now.set(self.now.get() + TICK);
    }

    /// Moves on to the first tick at or after a time that lies ahead.
    pub fn jump_to(&self, time: Duration) {
        let begun = time.as_nanos() % TICK.as_nanos();
        // Less than one tick, so it fits.
        let begun = Duration::from_nanos(u64::try_from(begun).unwrap_or(0));
        let rest = if begun.is_zero() { Duration::ZERO } else { TICK.saturating_sub(begun) };
        self.now.set(self.now.get().max(time.saturating_add(rest)));
    }

    /// Wakes whoever waits for a time that has come, earliest deadline first.
    pub fn wake_due(&self) {
        let now = self.now.get();
        let due = {
            let mut timers = self.timers.borrow_mut();
            let later = timers.split_off(&(now + Duration::from_nanos(1), 0));
            std::mem::replace(&mut *timers, later)
        };
        for waker in due.into_values() {
            waker.wake();
        }
    }

    /// The earliest deadline that somebody waits for.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.timers.borrow().first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// Ends at that time.
    pub fn sleep(self: &Rc<Self>, deadline: Duration) -> Sleep {
        let number = self.next_timer.get();
        self.next_timer.set(number + 1);
        Sleep { clock: Rc::clone(self), key: (deadline, number) }
    }
}

/// A timer of a [`VirtualClock`].
#[derive(Debug)]
pub struct Sleep {
    clock: Rc<VirtualClock>,
    key: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.now.get() >= self.key.0 {
            return Poll::Ready(());
        }
        self.clock.timers.borrow_mut().insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.timers.borrow_mut().remove(&self.key);
    }
}

/// The clock as the actors see it.
#[derive(Clone, Debug)]
pub struct SharedVirtualClock(pub Rc<VirtualClock>);

impl Clock for SharedVirtualClock {
    fn now(&self) -> Duration {
        self.0.now.get()
    }

    fn sleep_until(&self, deadline: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(self.0.sleep(deadline))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_lands_on_the_tick_that_stepping_would_reach() {
        let clock = VirtualClock::default();
        clock.jump_to(Duration::from_micros(1500));
        assert_eq!(clock.now.get(), Duration::from_millis(2));
        clock.jump_to(Duration::from_micros(1900));
        assert_eq!(clock.now.get(), Duration::from_millis(2), "a jump never goes back");
        let years = Duration::from_secs(u64::from(u32::MAX)); // the longest Session Expiry Interval
        clock.jump_to(years);
        assert_eq!(clock.now.get(), years);
    }

    #[test]
    fn a_dropped_timer_is_not_waited_for() {
        let clock = Rc::new(VirtualClock::default());
        let mut sleep = Box::pin(clock.sleep(Duration::from_millis(5)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(sleep.as_mut().poll(&mut context).is_pending());
        assert_eq!(clock.next_deadline(), Some(Duration::from_millis(5)));
        drop(sleep);
        assert_eq!(clock.next_deadline(), None);
    }
}
