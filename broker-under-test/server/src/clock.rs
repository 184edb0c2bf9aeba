//! The one clock that the shell asks.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A timer that ends once its time has come.
pub type Sleep = Pin<Box<dyn Future<Output = ()>>>;

/// Tells the time of day and waits for one.
pub trait Clock {
    /// The time since 1970-01-01T00:00:00Z. Never goes backwards.
    fn now(&self) -> Duration;

    /// Waits until [`Clock::now`] is at least `deadline`.
    fn sleep_until(&self, deadline: Duration) -> Sleep;
}

/// The operating system's clock, read once; from then on it runs evenly, whatever is done to the system's
/// time. Follows tokio's paused time in tests.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    time_of_day: Duration,
    started: Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is the Clock that the rest of the shell asks")]
impl SystemClock {
    /// A clock that is right now. A system clock before 1970 counts as 1970.
    pub fn new() -> Self {
        let time_of_day = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { time_of_day, started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the Clock that the rest of the shell asks")]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.time_of_day + self.started.elapsed()
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        let instant = self.started + deadline.saturating_sub(self.time_of_day);
        Box::pin(tokio::time::sleep_until(instant))
    }
}
