//! A directory of the real file system as the log's disk.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::disk::Disk;

/// Held by the broker that uses the directory; the system lets go of it when the process ends, however it ends.
const LOCK: &str = "lock";

/// Why a directory cannot be a broker's data directory.
#[derive(Debug, Error)]
pub enum FilesError {
    /// Another process has it.
    #[error("another broker uses the data directory {}", .0.display())]
    InUse(PathBuf),
    /// It is something else.
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// It cannot be made, or not be used.
    #[error("cannot {doing} the data directory {}", path.display())]
    Io {
        /// What was tried: `make`, `open`, `lock`.
        doing: &'static str,
        /// Which directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Files below one directory, which this process has to itself.
#[derive(Debug)]
pub struct Files {
    directory: PathBuf,
    /// The directory itself, to sync the names in it.
    handle: File,
    /// Files that were appended to, open for more.
    open: BTreeMap<String, File>,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Files {
    /// Opens a directory, which is made if there is none, and locks it.
    ///
    /// # Errors
    ///
    /// Another process uses it, or the system does not let us.
    pub fn open(directory: &Path) -> Result<Self, FilesError> {
        let path = || directory.to_owned();
        let failed = |doing| move |source| FilesError::Io { doing, path: path(), source };
        if directory.exists() && !directory.is_dir() {
            return Err(FilesError::NotADirectory(path()));
        }
        make(directory).map_err(failed("make"))?;
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .open(directory.join(LOCK))
            .map_err(failed("open"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FilesError::InUse(path())),
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        let handle = File::open(directory).map_err(failed("open"))?;
        Ok(Self { directory: path(), handle, open: BTreeMap::new(), _lock: lock })
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    /// The file, open for appending; it is made if there is none.
    fn appendable(&mut self, file: &str) -> io::Result<&mut File> {
        if !self.open.contains_key(file) {
            let opened = OpenOptions::new().create(true).append(true).open(self.path(file))?;
            self.open.insert(file.to_owned(), opened);
        }
        self.open.get_mut(file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Makes a directory and every missing one above it, all of them durable.
fn make(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let above = directory.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new("."));
    make(above)?;
    match fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(above)?.sync_all(),
    }
}

/// `None` where there is no such file.
fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Disk for Files {
    fn length(&mut self, file: &str) -> io::Result<Option<u64>> {
        Ok(if_there(fs::metadata(self.path(file)))?.map(|metadata| metadata.len()))
    }

    fn read(&mut self, file: &str) -> io::Result<Option<Vec<u8>>> {
        if_there(fs::read(self.path(file)))
    }

    fn append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.appendable(file)?.write_all(bytes)
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        self.appendable(file)?.sync_data()
    }

    fn truncate(&mut self, file: &str, length: u64) -> io::Result<()> {
        self.appendable(file)?.set_len(length)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))?;
        self.open.remove(to);
        if let Some(file) = self.open.remove(from) {
            self.open.insert(to.to_owned(), file);
        }
        Ok(())
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.open.remove(file);
        fs::remove_file(self.path(file))
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.handle.sync_all()
    }
}
