//! A clock above the simulator's own, that can jump over quiet time; in memory, the only one.
//!
//! Its time stands still while the hosts run and advances between two steps of the simulation: by one
//! tick, or, when nothing is under way, to the next timer. Timers fire at the first tick at or after their
//! deadline in either case, so that a run with jumps leaves the same trace as one without; those of one tick
//! fire in the order in which they were first asked.

use std::cell::{Cell, RefCell};
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
    /// Who waits, earliest deadline first. There are few at a time, and most begin and end at the back.
    timers: RefCell<Vec<(Key, Waker)>>,
}

/// A timer's deadline, and its number among all timers.
type Key = (Duration, u64);

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
        self.now.set(self.now.get().max(tick_of(time)));
    }

    /// Wakes whoever waits for a time that has come, earliest deadline first.
    pub fn wake_due(&self) {
        let now = self.now.get();
        let due: Vec<_> = {
            let mut timers = self.timers.borrow_mut();
            let later = timers.partition_point(|((deadline, _), _)| *deadline <= now);
            timers.drain(..later).collect()
        };
        for (_, waker) in due {
            waker.wake();
        }
    }

    /// The tick of the earliest deadline that somebody waits for.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.timers.borrow().first().map(|((deadline, _), _)| *deadline)
    }

    /// Ends at that time.
    pub fn sleep(self: &Rc<Self>, deadline: Duration) -> Sleep {
        Sleep { clock: Rc::clone(self), deadline, waits: None }
    }
}

/// The first tick at or after a time.
fn tick_of(time: Duration) -> Duration {
    let begun = time.subsec_nanos() % TICK.subsec_nanos();
    let rest = if begun == 0 { 0 } else { TICK.subsec_nanos() - begun };
    time.saturating_add(Duration::from_nanos(rest.into()))
}

/// A timer of a [`VirtualClock`].
#[derive(Debug)]
pub struct Sleep {
    clock: Rc<VirtualClock>,
    deadline: Duration,
    /// Its key among the clock's timers, once it has been asked before its time.
    waits: Option<Key>,
}

impl Sleep {
    /// Where its timer is, or would be.
    fn place(timers: &[(Key, Waker)], key: Key) -> Result<usize, usize> {
        match timers.last() {
            Some((last, _)) if *last > key => timers.binary_search_by_key(&key, |(key, _)| *key),
            Some((last, _)) if *last == key => Ok(timers.len() - 1),
            Some(_) | None => Err(timers.len()),
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = &self.clock;
        if clock.now.get() >= self.deadline {
            return Poll::Ready(());
        }
        let key = self.waits.unwrap_or_else(|| {
            let number = clock.next_timer.get();
            clock.next_timer.set(number + 1);
            (tick_of(self.deadline), number)
        });
        let mut timers = clock.timers.borrow_mut();
        let waker = context.waker().clone();
        match Self::place(&timers, key) {
            Ok(place) => timers.get_mut(place).map_or((), |timer| timer.1 = waker),
            Err(place) => timers.insert(place, (key, waker)),
        }
        drop(timers);
        self.waits = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.waits {
            let mut timers = self.clock.timers.borrow_mut();
            // It is not there any more once its time has come.
            if let Ok(place) = Self::place(&timers, key) {
                timers.remove(place);
            }
        }
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

/// The clock as the broker sees it: a time of day.
pub(super) struct TimeOfDay {
    pub(super) clock: Rc<VirtualClock>,
    /// When the run began, since 1970.
    pub(super) epoch: Duration,
}

impl mqspec_broker_server::Clock for TimeOfDay {
    fn now(&self) -> Duration {
        self.epoch + self.clock.now()
    }

    fn sleep_until(&self, deadline: Duration) -> mqspec_broker_server::Sleep {
        Box::pin(self.clock.sleep(deadline.saturating_sub(self.epoch)))
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
