//! One way of one connection: when bytes that enter it come out.

use std::time::Duration;

use super::stream::Shape;
use crate::environment::chance::Draws;

/// The most bytes that share the fate of one loss: a TCP segment on Ethernet.
pub const SEGMENT: usize = 1460;
/// After how long TCP sends a lost segment again; doubled from loss to loss.
const FIRST_RETRY: Duration = Duration::from_millis(200);

/// What has to be remembered from one piece of bytes to the next.
#[derive(Debug)]
pub struct Line {
    draws: Draws,
    /// When the last bytes came out: TCP keeps the order.
    last_due: Duration,
    /// When the last bytes will have left the bottleneck.
    link_free: Duration,
    /// When what is being gathered is passed on.
    gathered: Duration,
}

/// What becomes of a piece of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// When it comes out, or the connection is reset.
    pub due: Duration,
    /// How often it was lost.
    pub losses: u32,
    /// It was lost too often: TCP gives up.
    pub reset: bool,
}

impl Line {
    /// A line with chance of its own.
    pub fn new(draws: Draws) -> Self {
        Self { draws, last_due: Duration::ZERO, link_free: Duration::ZERO, gathered: Duration::ZERO }
    }

    /// Sends a piece of `bytes` bytes that was written at `written` on its journey.
    pub fn send(&mut self, shape: &Shape, bytes: usize, written: Duration) -> Journey {
        let mut due = written;
        if let Some(rate) = shape.bandwidth {
            self.link_free = due.max(self.link_free).saturating_add(takes(bytes, rate));
            due = self.link_free;
        }
        if let Some((base, jitter)) = shape.latency {
            let drawn =
                self.draws.below(u64::try_from(jitter.as_micros()).unwrap_or(u64::MAX).saturating_add(1));
            due += base + Duration::from_micros(drawn);
        }
        let mut journey = Journey { due, losses: 0, reset: false };
        if let Some((probability, reset_after)) = shape.loss {
            let mut retry = FIRST_RETRY;
            while !journey.reset && self.draws.happens(probability) {
                journey.losses += 1;
                journey.due = journey.due.saturating_add(retry);
                retry = retry.saturating_mul(2);
                journey.reset = journey.losses >= reset_after;
            }
        }
        self.last_due = self.last_due.max(journey.due);
        journey.due = self.last_due;
        journey
    }

    /// When what was written at `written` is passed on, where all that is written within a time is gathered.
    pub fn gather(&mut self, within: Duration, written: Duration) -> Duration {
        if written >= self.gathered {
            self.gathered = written + within;
        }
        self.gathered
    }

    /// When bytes that nothing makes late come out: behind those that something did.
    pub fn after_what_went_before(&self, written: Duration) -> Duration {
        self.last_due.max(written)
    }
}

/// How long so many bytes take at a rate in bytes per second (0 counts as 1).
pub fn takes(bytes: usize, rate: u64) -> Duration {
    let nanoseconds = u128::from(bytes as u64) * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use mqspec_conformance::plan::Probability;

    use super::*;
    use crate::environment::Chance;

    fn line() -> Line {
        Line::new(Chance::new(3).stream("line"))
    }

    fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn latency_is_a_time_under_way_and_not_a_queue() {
        let mut line = line();
        let shape = Shape { latency: Some((ms(100), ms(0))), ..Shape::default() };
        assert_eq!(line.send(&shape, 10, ms(0)).due, ms(100));
        assert_eq!(line.send(&shape, 10, ms(1)).due, ms(101));
    }

    #[test]
    fn jitter_stays_in_its_range_and_never_changes_the_order() {
        let mut line = line();
        let shape = Shape { latency: Some((ms(10), ms(40))), ..Shape::default() };
        let dues: Vec<_> = (0..200).map(|at| (ms(at), line.send(&shape, 1, ms(at)).due)).collect();
        assert!(dues.iter().all(|(at, due)| *due >= *at + ms(10) && *due <= *at + ms(50)), "{dues:?}");
        assert!(dues.iter().zip(dues.iter().skip(1)).all(|(before, after)| before.1 <= after.1));
        assert!(dues.iter().any(|(at, due)| *due > *at + ms(30)), "some are really late");
    }

    #[test]
    fn a_lost_piece_comes_after_delays_that_double_until_tcp_gives_up() {
        let always = Some((Probability::ALWAYS, 3));
        let shape = Shape { loss: always, ..Shape::default() };
        let journey = line().send(&shape, 1, ms(0));
        assert_eq!(journey, Journey { due: ms(200 + 400 + 800), losses: 3, reset: true });
        let never = Shape { loss: Some((Probability::millionths(0), 3)), ..Shape::default() };
        assert_eq!(line().send(&never, 1, ms(5)), Journey { due: ms(5), losses: 0, reset: false });
    }

    #[test]
    fn what_follows_a_lost_piece_waits_behind_it() {
        let mut line = line();
        let lossy = Shape { loss: Some((Probability::millionths(500_000), 60)), ..Shape::default() };
        let lost = (0..100).map(|_| line.send(&lossy, 1, ms(0))).find(|journey| journey.losses == 1);
        let lost = lost.expect("half of them are lost");
        assert!(line.after_what_went_before(ms(0)) >= lost.due);
    }

    #[test]
    fn a_bottleneck_passes_its_bytes_one_after_the_other() {
        let mut line = line();
        let shape = Shape { bandwidth: Some(1000), ..Shape::default() };
        assert_eq!(line.send(&shape, 500, ms(0)).due, ms(500));
        assert_eq!(line.send(&shape, 500, ms(0)).due, ms(1000));
        assert_eq!(line.send(&shape, 100, ms(5000)).due, ms(5100));
    }

    #[test]
    fn what_is_gathered_comes_out_together() {
        let mut line = line();
        let dues: Vec<_> = [0, 5, 19, 20].into_iter().map(|at| line.gather(ms(20), ms(at))).collect();
        assert_eq!(dues, [ms(20), ms(20), ms(20), ms(40)]);
    }
}
