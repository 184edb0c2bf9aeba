//! Independent pieces of work on several threads, their results on this one.

use std::sync::atomic::{AtomicU64, Ordering};
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
    mut take: impl FnMut(u64, R) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let next = AtomicU64::new(0);
    let threads = u64::try_from(jobs).unwrap_or(u64::MAX).min(pieces);
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..threads {
            let (sender, next, work) = (sender.clone(), &next, &work);
            let worker = move || {
                loop {
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
