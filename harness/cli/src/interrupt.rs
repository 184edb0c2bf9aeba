//! What happens when somebody interrupts mqspec: a broker that it runs goes first, and a server says goodbye.

use std::sync::Arc;

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

/// Ends when somebody asks the process to end, by Ctrl-C or SIGTERM. Where the system lets nobody ask, never.
pub async fn interrupted() {
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                biased;
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        (Err(_), _) | (_, Err(_)) => std::future::pending().await,
    }
}
