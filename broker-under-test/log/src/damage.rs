//! What is wrong with a log, in words for the one who runs the broker.

use std::fmt;

/// Something that the recovery of a log had to decide about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The end of the log is no whole entry, as a crash leaves it in the middle of a write. It was cut off.
    TailCut {
        /// Which file.
        file: String,
        /// Where the cut was made, in bytes from the file's start.
        offset: u64,
        /// How much was cut off.
        bytes: u64,
    },
    /// Bytes before whole entries are none: the disk has lost something that it had promised to keep.
    Damaged {
        /// Which file.
        file: String,
        /// Where the damage begins, in bytes from the file's start.
        offset: u64,
        /// Up to the next whole entry.
        bytes: u64,
        /// Under which name the damaged file was kept.
        kept_as: String,
    },
    /// The file does not begin as a log does, so nothing in it can be read.
    Unreadable {
        /// Which file.
        file: String,
        /// How long it is.
        bytes: u64,
        /// Under which name it was kept.
        kept_as: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TailCut { file, offset, bytes } => write!(
                f,
                "`{file}`: the last {bytes} bytes, from offset {offset}, are no whole entry and were cut off; a \
                 crash in the middle of a write leaves this"
            ),
            Self::Damaged { file, offset, bytes, kept_as } => write!(
                f,
                "`{file}`: {bytes} bytes from offset {offset} are damaged, and what they held is lost, though it \
                 may have been acknowledged; what stands before and behind them was recovered. The damaged file \
                 was kept as `{kept_as}`"
            ),
            Self::Unreadable { file, bytes, kept_as } => write!(
                f,
                "`{file}`: {bytes} bytes that do not begin as a log does; nothing could be recovered from them, \
                 and what they held is lost, though it may have been acknowledged. The file was kept as `{kept_as}`"
            ),
        }
    }
}
