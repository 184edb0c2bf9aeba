//! The reference broker's durable log: what was acknowledged is still there after a crash.
//!
//! A broker hands over the records of one batch; [`Log::append`] writes them as one checksummed entry and
//! returns once the disk has said that it keeps them. After a crash at any point [`Log::open`] finds the
//! longest run of whole entries, cuts off what a crash left half-written, and says so. [`Log::compact`]
//! replaces the log by a snapshot, in a new file that takes the old one's place in one step.
//!
//! The log knows files only as a [`Disk`]: a directory of the real file system ([`Files`]) or a disk in
//! memory that forgets at a loss of power what a real one may forget ([`MemoryDisk`]). It knows nothing of
//! what the records say.

mod damage;
mod disk;
mod error;
mod files;
mod format;
mod log;
mod memory;
mod recovery;

pub use damage::Warning;
pub use disk::{Disk, is_full};
pub use error::{AppendError, LogError};
pub use files::{Files, FilesError};
pub use log::{Log, Options};
pub use memory::{MemoryDisk, SECTOR};
pub use recovery::Recovery;
