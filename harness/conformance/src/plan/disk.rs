//! Faults of the disk under a simulated broker, as data.

use std::fmt;

/// Something that goes wrong with the disk of a simulated broker. It lies in wait until its moment comes, also
/// over a restart of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// An operation fails with an input/output error (EIO) and has done nothing; a sync that fails drops what
    /// it was to make durable, and the next one succeeds without it.
    Fails {
        /// What fails.
        operation: DiskOperation,
        /// Which one: 1 is the next. Never 0.
        nth: u32,
        /// How many in a row fail. Never 0.
        times: u32,
    },
    /// An append writes a part of its bytes, and fails with an input/output error.
    Torn {
        /// Which append: 1 is the next. Never 0.
        nth: u32,
    },
    /// A sync says that it succeeded, and has done nothing.
    Lost {
        /// Of a file or of the directory.
        operation: DiskOperation,
        /// Which one: 1 is the next. Never 0.
        nth: u32,
        /// How many in a row are lost. Never 0.
        times: u32,
    },
    /// Only so many more bytes fit on the disk.
    Full {
        /// How many, counted from now.
        bytes: u64,
    },
    /// Takes back all of this: nothing fails any more, and there is room.
    Heal,
}

/// What a broker does with its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskOperation {
    /// Appends to a file.
    Append,
    /// Makes a file's bytes durable.
    Sync,
    /// Makes the names of files durable.
    SyncDirectory,
    /// Reads a file, as a broker does when it starts.
    Read,
}

impl DiskOperation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Append, Self::Sync, Self::SyncDirectory, Self::Read];

    /// Its word in a scenario.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Sync => "sync",
            Self::SyncDirectory => "directory_sync",
            Self::Read => "read",
        }
    }
}

impl fmt::Display for DiskFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fails { operation, nth, times } => {
                write!(f, "{} {} from now fails", operation.word(), numbers(*nth, *times))
            }
            Self::Torn { nth } => write!(f, "append {nth} from now writes a part and fails"),
            Self::Lost { operation, nth, times } => {
                write!(
                    f,
                    "{} {} from now does nothing and says it did",
                    operation.word(),
                    numbers(*nth, *times)
                )
            }
            Self::Full { bytes } => write!(f, "{bytes} more bytes fit"),
            Self::Heal => f.write_str("is well again"),
        }
    }
}

/// `3`, or `3 to 5`.
fn numbers(nth: u32, times: u32) -> String {
    if times == 1 { nth.to_string() } else { format!("{nth} to {}", u64::from(nth) + u64::from(times) - 1) }
}
