//! What happens when somebody interrupts mqspec: a broker that it runs goes first, and a server says goodbye.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mqspec_run::sut::process::Process;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// What shells report for a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// From now on Ctrl-C, SIGTERM and a closed terminal end the broker and then this process.
///
/// # Errors
///
/// [`Failure::Environment`]: the system refuses the thread or the handlers.
pub fn end_with(process: &Arc<Process>) -> Result<(), Failure> {
    let process = Arc::clone(process);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate, mut hang_up) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?)
    };
    std::thread::Builder::new().name(String::from("interrupt")).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                biased;
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
        });
        process.end_for_good();
        std::process::exit(INTERRUPTED);
    })?;
    Ok(())
}

/// What becomes true when somebody asks a long computation to end, by Ctrl-C or SIGTERM, so that it can tell what it
/// has found so far. Whoever asks twice does not want to hear it: the process ends at once.
///
/// # Errors
///
/// [`Failure::Environment`]: the system refuses the thread or the handlers.
pub fn asked_to_stop() -> Result<Arc<AtomicBool>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    std::thread::Builder::new().name(String::from("interrupt")).spawn(move || {
        loop {
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(INTERRUPTED);
            }
        }
    })?;
    Ok(stop)
}

/// From now on, inside a runtime, requests to end are listened for; what it gives ends with the first of them: Ctrl-C,
/// SIGTERM, or a closed terminal, unless the process was started to outlive that (`nohup`). Where the system lets
/// nobody ask, never.
///
/// Call it before saying that a server is there: whoever reads that may ask at once.
pub fn interrupted() -> impl Future<Output = ()> {
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    let hang_up = (!ignores_hang_up()).then(|| signal(SignalKind::hangup()));
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
            return std::future::pending().await;
        };
        let hang_up = async move {
            match hang_up {
                Some(Ok(mut hang_up)) => drop(hang_up.recv().await),
                Some(Err(_)) | None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = hang_up => {}
        }
    }
}

/// Whether SIGHUP was ignored when the process was started, as Linux tells it: a handler would undo that.
fn ignores_hang_up() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, 1))
}

/// Whether a signal is in the mask `SigIgn` of a process's status.
fn ignores(status: &str, signal: u32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_ignores_is_seen() {
        assert!(ignores("Name:\tx\nSigIgn:\t0000000000001001\n", 1));
        assert!(!ignores("SigIgn:\t0000000000001000\n", 1));
        assert!(!ignores("", 1));
    }
}
