//! `mqspec broker`: the reference broker on real sockets.

use std::io::Write;
use std::net::SocketAddr;

use mqspec_run::sut::reference;

use crate::arguments::BrokerArguments;
use crate::failure::{Conclusion, Failure};

/// A port that cannot be listened on.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{why}")]
#[diagnostic(help("choose another port, or 0 for any free one"))]
struct CannotListen {
    why: String,
}

/// Serves until Ctrl-C or SIGTERM, then says goodbye to every client. Prints where it listens.
///
/// # Errors
///
/// [`Failure::Environment`]: a port that cannot be listened on.
pub fn run(arguments: &BrokerArguments, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    let address = |port: Option<u16>| port.map(|port| SocketAddr::new(arguments.listen, port));
    let config = reference::config(&[]).map_err(|why| Failure::Environment(miette::miette!("{why}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut announced = Ok(());
    let served = runtime.block_on(reference::serve(
        config,
        address(arguments.mqtt),
        address(arguments.amqp),
        |listening| {
            announced = listening
                .iter()
                .try_for_each(|(protocol, address)| writeln!(out, "{protocol:?} on {address}"))
                .and_then(|()| out.flush());
        },
        |_| {},
        interrupted(),
    ));
    announced?;
    served
        .map(|()| Conclusion::Holds)
        .map_err(|why| Failure::environment(CannotListen { why: why.to_string() }))
}

/// Ends when somebody asks the process to end, by Ctrl-C or SIGTERM. Where the system lets nobody ask, never.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
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
