//! CPU and wall time, paired and repeated.

use std::fmt;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One measurement goes on for at least this much CPU time: the kernel counts it in ticks of some milliseconds.
const LEAST: f64 = 0.4;

/// The median of several figures, the smallest and the largest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// Of at least one figure.
    pub(crate) fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        Self { median: at(figures.len() / 2), least: at(0), most: at(figures.len().saturating_sub(1)) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Enough digits for a ratio near one, few for a rate.
        let digits = if self.median < 20.0 { 2 } else { 0 };
        let Self { median, least, most } = self;
        write!(f, "{median:.digits$} ({least:.digits$} to {most:.digits$})")
    }
}

/// Measures both sides after each other, so many times; the medians of both, and the ratios left / right.
pub(crate) fn ratios(
    rounds: usize,
    mut left: impl FnMut() -> f64,
    mut right: impl FnMut() -> f64,
) -> (f64, f64, Spread) {
    let pairs: Vec<(f64, f64)> = (0..rounds).map(|_| (left(), right())).collect();
    let of = |side: fn(&(f64, f64)) -> f64| Spread::of(pairs.iter().map(side).collect()).median;
    (
        of(|pair| pair.0),
        of(|pair| pair.1),
        Spread::of(pairs.iter().map(|(left, right)| left / right).collect()),
    )
}

/// The CPU time of one call, in seconds: of so many calls, each with another number, that it can be measured.
pub(crate) fn cpu_of<R>(mut work: impl FnMut(u64) -> R) -> f64 {
    let begun = thread_cpu();
    let mut calls = 0_u32;
    loop {
        black_box(work(u64::from(calls)));
        calls += 1;
        let spent = thread_cpu().saturating_sub(begun).as_secs_f64();
        if spent >= LEAST {
            return spent / f64::from(calls);
        }
    }
}

/// The wall time that so many calls take on so many threads, in seconds.
pub(crate) fn wall_of<R>(threads: usize, calls: u64, work: impl Fn(u64) -> R + Sync) -> f64 {
    let next = AtomicU64::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let call = next.fetch_add(1, Ordering::Relaxed);
                    if call >= calls {
                        break;
                    }
                    black_box(work(call));
                }
            });
        }
    });
    begun.elapsed().as_secs_f64()
}

/// What this thread has computed so far, as Linux counts it (the first number of `schedstat`, in nanoseconds).
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanos.expect("benchmarks need Linux with CONFIG_SCHED_INFO"))
}
