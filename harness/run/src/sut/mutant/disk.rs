//! A broker that is careless with its disk: what stands between its log and the disk.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use mqspec_broker_log::Disk;
use mqspec_conformance::mutant::DiskUse;

use super::Lies;

/// How the broker uses its disk, over all of its starts.
#[derive(Clone)]
pub(super) struct Promises {
    disk_use: DiskUse,
    lies: Lies,
    /// How long the files are in bytes, as far as the broker knows.
    lengths: Rc<RefCell<BTreeMap<String, u64>>>,
}

impl Promises {
    pub(super) fn new(disk_use: DiskUse, lies: &Lies) -> Self {
        Self { disk_use, lies: Rc::clone(lies), lengths: Rc::default() }
    }

    /// The disk as this broker uses it.
    pub(super) fn before(&self, disk: Box<dyn Disk>) -> Box<dyn Disk> {
        if self.disk_use == DiskUse::Careful {
            disk
        } else {
            Box::new(Careless { disk, promises: self.clone() })
        }
    }

    fn lie(&self) {
        self.lies.set(self.lies.get() + 1);
    }

    /// What becomes of something that may have failed.
    fn outcome(&self, outcome: io::Result<()>) -> io::Result<()> {
        if self.disk_use == DiskUse::FailuresIgnored && outcome.is_err() {
            self.lie();
            return Ok(());
        }
        outcome
    }

    /// Whether a file is shorter than the broker left it.
    fn is_damaged(&self, file: &str, length: u64) -> bool {
        self.lengths.borrow().get(file).is_some_and(|known| length < *known)
    }
}

struct Careless {
    disk: Box<dyn Disk>,
    promises: Promises,
}

impl Disk for Careless {
    fn length(&mut self, file: &str) -> io::Result<Option<u64>> {
        self.disk.length(file)
    }

    fn read(&mut self, file: &str) -> io::Result<Option<Vec<u8>>> {
        let read = self.disk.read(file);
        let damaged = matches!(&read, Ok(Some(bytes)) if self.promises.is_damaged(file, bytes.len() as u64));
        if self.promises.disk_use == DiskUse::DamageRefused && damaged {
            self.promises.lie();
            return Err(io::Error::other(format!("{file} is shorter than it was")));
        }
        if self.promises.disk_use == DiskUse::UnreadableIsEmpty && read.is_err() {
            self.promises.lie();
            return Ok(None);
        }
        read
    }

    fn append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        *self.promises.lengths.borrow_mut().entry(file.to_owned()).or_default() += bytes.len() as u64;
        self.promises.outcome(self.disk.append(file, bytes))
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        if self.promises.disk_use == DiskUse::NeverSynced {
            self.promises.lie();
            return Ok(());
        }
        self.promises.outcome(self.disk.sync(file))
    }

    fn truncate(&mut self, file: &str, length: u64) -> io::Result<()> {
        self.promises.lengths.borrow_mut().insert(file.to_owned(), length);
        self.disk.truncate(file, length)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut lengths = self.promises.lengths.borrow_mut();
        if let Some(length) = lengths.remove(from) {
            lengths.insert(to.to_owned(), length);
        }
        self.disk.rename(from, to)
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.promises.lengths.borrow_mut().remove(file);
        self.disk.remove(file)
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        if self.promises.disk_use == DiskUse::NeverSynced {
            self.promises.lie();
            return Ok(());
        }
        self.promises.outcome(self.disk.sync_directory())
    }
}
