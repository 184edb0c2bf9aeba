//! What the log needs of a disk: one flat directory of files that only grow, shrink or change their names.

use std::io;

/// A directory of files, each named by a plain word.
///
/// Nothing is durable before it was synced: bytes and lengths by [`Disk::sync`], names (of new, renamed and
/// removed files) by [`Disk::sync_directory`]. After an error in either of these two, nobody knows what is
/// durable, and asking again does not help: a system may report a failed write once and forget it.
pub trait Disk {
    /// How long a file is in bytes; `None` where there is none.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn length(&mut self, file: &str) -> io::Result<Option<u64>>;

    /// All of a file; `None` where there is none.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn read(&mut self, file: &str) -> io::Result<Option<Vec<u8>>>;

    /// Appends bytes to a file, which is made if there is none.
    ///
    /// # Errors
    ///
    /// What the system says; a part of the bytes may have been written. [`is_full`] tells whether the disk
    /// had no room.
    fn append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()>;

    /// Returns when the file's bytes and length are durable.
    ///
    /// # Errors
    ///
    /// What the system says. What was written since the latest sync may be durable, or not, or in part.
    fn sync(&mut self, file: &str) -> io::Result<()>;

    /// Cuts a file off behind so many bytes.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn truncate(&mut self, file: &str, length: u64) -> io::Result<()>;

    /// Gives a file another name, in one step: a file that had this name is gone.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn remove(&mut self, file: &str) -> io::Result<()>;

    /// Returns when the names of all files are durable.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn sync_directory(&mut self) -> io::Result<()>;
}

impl<D: Disk + ?Sized> Disk for Box<D> {
    fn length(&mut self, file: &str) -> io::Result<Option<u64>> {
        (**self).length(file)
    }

    fn read(&mut self, file: &str) -> io::Result<Option<Vec<u8>>> {
        (**self).read(file)
    }

    fn append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        (**self).append(file, bytes)
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        (**self).sync(file)
    }

    fn truncate(&mut self, file: &str, length: u64) -> io::Result<()> {
        (**self).truncate(file, length)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        (**self).rename(from, to)
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        (**self).remove(file)
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        (**self).sync_directory()
    }
}

/// Whether an error says that there is no room: the disk is full (ENOSPC), or its owner's share of it (EDQUOT).
pub fn is_full(error: &io::Error) -> bool {
    let kind = error.kind();
    kind == io::ErrorKind::StorageFull || kind == io::ErrorKind::QuotaExceeded
}
