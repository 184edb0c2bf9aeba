//! Independent pieces of work on several threads, their results on this one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use crate::failure::Failure;

/// Room for the deepest decoder on a thread that runs plans.
const STACK_BYTES: usize = 16 << 20;

/// Does the pieces `0..pieces` on at most `jobs` threads; hands each result over on this thread, in the order
/// in which they end.
///
/// # Errors
///
/// The first that `take` returns; or that a thread could not be started.
pub fn in_parallel<R: Send>(
    pieces: u64,
    jobs: usize,
    work: impl Fn(u64) -> R + Sync,
    take: impl FnMut(u64, R) -> Result<(), Failure>,
) -> Result<(), Failure> {
    in_parallel_until(&AtomicBool::new(false), pieces, jobs, work, take)
}

/// The same, until `stop` is set: then no piece is begun any more, and those under way are finished and handed over.
///
/// # Errors
///
/// As [`in_parallel`].
pub fn in_parallel_until<R: Send>(
    stop: &AtomicBool,
    pieces: u64,
    jobs: usize,
    work: impl Fn(u64) -> R + Sync,
    mut take: impl FnMut(u64, R) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let next = AtomicU64::new(0);
    let threads = u64::try_from(jobs).unwrap_or(u64::MAX).min(pieces);
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..threads {
            let (sender, next, work) = (sender.clone(), &next, &work);
            let worker = move || {
                while !stop.load(Ordering::Relaxed) {
                    let piece = next.fetch_add(1, Ordering::Relaxed);
                    if piece >= pieces || sender.send((piece, work(piece))).is_err() {
                        break;
                    }
                }
            };
            std::thread::Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, worker)
                .map_err(|why| Failure::Environment(miette::miette!("cannot start a thread: {why}")))?;
        }
        drop(sender);
        receiver.into_iter().try_for_each(|(piece, result)| take(piece, result))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stopped_finishes_what_it_has_begun() {
        let (stop, begun, mut taken) = (AtomicBool::new(false), AtomicU64::new(0), 0);
        let work = |_| begun.fetch_add(1, Ordering::Relaxed);
        let done = in_parallel_until(&stop, 1_000_000, 2, work, |_, _| {
            taken += 1;
            stop.store(true, Ordering::Relaxed);
            Ok(())
        });
        assert!(done.is_ok());
        assert_eq!(taken, begun.load(Ordering::Relaxed), "everything that was begun is handed over");
        assert!(taken < 1_000_000, "{taken}");
    }

    #[test]
    fn every_piece_is_done_once() {
        let mut done = Vec::new();
        let taken = in_parallel(
            100,
            4,
            |piece| piece * 2,
            |piece, result| {
                done.push((piece, result));
                Ok(())
            },
        );
        assert!(taken.is_ok());
        done.sort_unstable();
        assert_eq!(done, (0..100).map(|piece| (piece, piece * 2)).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_to_do_is_done() {
        let taken = in_parallel(0, 4, |piece| piece, |_, _| Err(Failure::Environment(miette::miette!("?"))));
        assert!(taken.is_ok());
    }
}
