//! Time for each packet, as the best of many short rounds.

use std::hint::black_box;
use std::time::Instant;

use crate::readers::Workload;

/// Rounds of each reader.
const ROUNDS: u32 = 400;
/// Packets of one round, at least.
const PACKETS: usize = 2_000;

/// Nanoseconds a packet for each reader of a workload, by its name.
pub(crate) type Times = Vec<(&'static str, f64)>;

/// Lets the readers of a workload take turns.
#[expect(clippy::disallowed_methods, reason = "time is what is measured here; the broker itself is told it")]
pub(crate) fn measure(workload: &Workload) -> Times {
    let passes = PACKETS.div_ceil(workload.packets);
    let mut best: Times = workload.readers.iter().map(|(name, _)| (*name, f64::INFINITY)).collect();
    for _ in 0..ROUNDS {
        for ((_, read), (_, best)) in workload.readers.iter().zip(&mut best) {
            let began = Instant::now();
            for _ in 0..passes {
                let packets = read(black_box(&workload.stream));
                assert_eq!(black_box(packets), workload.packets, "{}: not all was read", workload.name);
            }
            let packets = u32::try_from(passes * workload.packets).expect("a short round");
            *best = best.min(began.elapsed().as_secs_f64() * 1e9 / f64::from(packets));
        }
    }
    best
}

/// What was measured, a row for each workload.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(&'static str, Times)>,
}

impl Table {
    /// Adds a row.
    pub(crate) fn add(&mut self, workload: &'static str, times: Times) {
        self.rows.push((workload, times));
    }

    /// Nanoseconds a packet, where that was measured.
    pub(crate) fn time(&self, workload: &str, reader: &str) -> Option<f64> {
        let (_, times) = self.rows.iter().find(|(name, _)| *name == workload)?;
        times.iter().find(|(name, _)| *name == reader).map(|(_, time)| *time)
    }

    /// One line for each workload.
    #[expect(clippy::print_stdout, reason = "the result of a benchmark")]
    pub(crate) fn print(&self) {
        println!("nanoseconds a packet or frame, best of {ROUNDS} rounds");
        for (workload, times) in &self.rows {
            let times: Vec<_> = times.iter().map(|(name, time)| format!("{name} {time:.1}")).collect();
            println!("  {workload}: {}", times.join(", "));
        }
    }
}
