//! A disk that fails when it is told to, and something to keep in a log.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use mqspec_broker_log::{Disk, Log, LogError, MemoryDisk, Options, Recovery};

/// A small log, so that its limits are within reach.
pub(crate) const OPTIONS: Options = Options { salt: 0x5eed, ballast: 4096, compact_from: 2048 };

/// A disk that is shared between a process and the next one.
#[derive(Clone, Default)]
pub(crate) struct SharedDisk(pub(crate) Rc<RefCell<State>>);

/// What is behind a [`SharedDisk`].
#[derive(Default)]
pub(crate) struct State {
    /// The disk.
    pub(crate) disk: MemoryDisk,
    /// How many more operations succeed; `None`: all.
    pub(crate) healthy: Option<u32>,
    /// How many operations there have been.
    pub(crate) operations: u32,
}

impl SharedDisk {
    /// Counts an operation; fails when its time has come.
    fn operate(&self) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.operations += 1;
        match &mut state.healthy {
            None => Ok(()),
            Some(0) => Err(io::Error::other("the machine is off")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    /// Opens the log on it.
    pub(crate) fn open(&self) -> Result<(Log<Self>, Recovery), LogError> {
        Log::open(self.clone(), OPTIONS)
    }
}

impl Disk for SharedDisk {
    fn length(&mut self, file: &str) -> io::Result<Option<u64>> {
        self.operate()?;
        self.0.borrow_mut().disk.length(file)
    }

    fn read(&mut self, file: &str) -> io::Result<Option<Vec<u8>>> {
        self.operate()?;
        self.0.borrow_mut().disk.read(file)
    }

    fn append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        match self.operate() {
            Ok(()) => self.0.borrow_mut().disk.append(file, bytes),
            Err(error) => {
                let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
                self.0.borrow_mut().disk.append(file, half)?;
                Err(error)
            }
        }
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        if let Err(error) = self.operate() {
            self.0.borrow_mut().disk.fail_sync(file);
            return Err(error);
        }
        self.0.borrow_mut().disk.sync(file)
    }

    fn truncate(&mut self, file: &str, length: u64) -> io::Result<()> {
        self.operate()?;
        self.0.borrow_mut().disk.truncate(file, length)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.operate()?;
        self.0.borrow_mut().disk.rename(from, to)
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.operate()?;
        self.0.borrow_mut().disk.remove(file)
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.operate()?;
        self.0.borrow_mut().disk.sync_directory()
    }
}

/// A process's state: what was last written under each key.
pub(crate) type Table = BTreeMap<u8, Vec<u8>>;

/// The record that sets one entry of a [`Table`].
pub(crate) fn record(key: u8, value: &[u8]) -> Vec<u8> {
    let mut record = vec![key];
    record.extend_from_slice(value);
    record
}

/// Carries a record out.
pub(crate) fn set(table: &mut Table, record: &[u8]) {
    let (key, value) = record.split_first().expect("a record has its key");
    table.insert(*key, value.to_vec());
}

/// The table that a log's records make.
pub(crate) fn table(recovery: &Recovery) -> Table {
    let mut table = Table::new();
    for (record, _) in recovery.records() {
        set(&mut table, record);
    }
    table
}

/// Records that make the table.
pub(crate) fn snapshot(table: &Table) -> Vec<Vec<u8>> {
    table.iter().map(|(key, value)| record(*key, value)).collect()
}
