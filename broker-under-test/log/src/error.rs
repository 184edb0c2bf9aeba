//! What ends a broker's use of its log.

use std::io;

use thiserror::Error;

/// The log cannot be used (any more). The broker must stop: what it has not acknowledged may be lost.
#[derive(Debug, Error)]
pub enum LogError {
    /// The disk failed.
    #[error("{doing} the file `{file}` of the data directory failed")]
    Disk {
        /// What was tried: `appending to`, `syncing`, …
        doing: &'static str,
        /// With which file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// There is no room, and nothing left to make some.
    #[error("the disk is full: no room for {what}")]
    Full {
        /// For what.
        what: &'static str,
    },
    /// Another version of this program wrote the log.
    #[error(
        "the file `{file}` of the data directory is a log of version {version}; this program writes and reads version {}",
        crate::format::VERSION
    )]
    Version {
        /// Which file.
        file: String,
        /// Its version.
        version: u32,
    },
    /// One entry cannot be that large.
    #[error("one batch makes {bytes} bytes of records; an entry of the log holds at most {}", u32::MAX)]
    EntryTooLarge {
        /// How large it would be.
        bytes: usize,
    },
    /// An earlier failure.
    #[error("the log has failed before")]
    FailedBefore,
}

impl LogError {
    /// An error of the disk, told apart by whether it had room.
    pub(crate) fn of_disk(doing: &'static str, file: &str, source: io::Error) -> Self {
        Self::Disk { doing, file: file.to_owned(), source }
    }
}

/// Why an entry was not kept.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The disk is full, also without the ballast; the log is as it was before.
    #[error("the disk is full")]
    Full,
    /// The log cannot be used any more.
    #[error(transparent)]
    Failed(#[from] LogError),
}
