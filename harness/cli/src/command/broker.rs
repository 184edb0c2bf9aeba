//! `mqspec broker`: the reference broker on real sockets.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;

use mqspec_run::sut::reference::{self, FilesError, LogError, Place, ServeError, StorageError};

use crate::arguments::BrokerArguments;
use crate::failure::{Conclusion, Failure};
use crate::interrupt::interrupted;

/// A broker that cannot serve (any more).
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{why}")]
struct CannotServe {
    why: String,
    #[help]
    help: &'static str,
}

impl From<&ServeError> for CannotServe {
    fn from(error: &ServeError) -> Self {
        let mut why = vec![error.to_string()];
        let mut cause = error.source();
        while let Some(error) = cause {
            why.push(error.to_string());
            cause = error.source();
        }
        let help = match error {
            ServeError::Bind(_) => "choose another port, or 0 for any free one",
            ServeError::Data(FilesError::InUse(_)) => "stop that broker first, or choose another directory",
            ServeError::Data(_) => "choose a directory that this user may write to",
            ServeError::Storage(StorageError::Full) => {
                "what was acknowledged is safe; make room on the disk and start the broker again"
            }
            ServeError::Storage(
                StorageError::Record { .. } | StorageError::Log(LogError::Version { .. }),
            ) => "nothing was changed; start the version that wrote it, or choose another directory",
            ServeError::Storage(StorageError::Log(_)) => {
                "the broker stopped at once, so that it acknowledges nothing that it may not keep; what was \
                 acknowledged before is read again when it starts"
            }
        };
        Self { why: why.join(": "), help }
    }
}

/// Serves until Ctrl-C or SIGTERM, then says goodbye to every client. Prints where it listens, and on
/// standard error what an operator must know of the data directory.
///
/// # Errors
///
/// [`Failure::Environment`]: a port or a data directory that cannot be had, a disk that fails.
/// [`Failure::Input`]: a data directory that is none.
pub fn run(arguments: &BrokerArguments, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    let address = |port: Option<u16>| port.map(|port| SocketAddr::new(arguments.listen, port));
    let config = reference::config(&[]).map_err(|why| Failure::Environment(miette::miette!("{why}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let interrupted = {
        let _inside = runtime.enter();
        interrupted()
    };
    let mut announced = Ok(());
    let served = runtime.block_on(reference::serve(
        config,
        Place { mqtt: address(arguments.mqtt), amqp: address(arguments.amqp), data: arguments.data.clone() },
        |listening| {
            announced = listening
                .iter()
                .try_for_each(|(protocol, address)| writeln!(out, "{protocol} on {address}"))
                .and_then(|()| out.flush());
        },
        |notice| {
            // A broker that nobody listens to goes on all the same.
            let _unheard = writeln!(std::io::stderr(), "warning: {notice}");
        },
        interrupted,
    ));
    announced?;
    served.map(|()| Conclusion::Holds).map_err(|error| {
        let diagnostic = CannotServe::from(&error);
        match error {
            ServeError::Data(FilesError::NotADirectory(_)) => Failure::input(diagnostic),
            ServeError::Bind(_) | ServeError::Data(_) | ServeError::Storage(_) => {
                Failure::environment(diagnostic)
            }
        }
    })
}
