//! The disk of a simulated broker's machine: it outlives the broker's process, and fails as the plan says.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use mqspec_broker_log::{Disk, MemoryDisk};
use mqspec_conformance::plan::{DiskFault, DiskOperation};

use super::chance::Draws;

/// A file whose use by the broker is no operation in the sense of [`DiskFault`]: nothing depends on it.
const BALLAST: &str = "ballast";

/// The disk; all clones are the same one.
#[derive(Clone)]
pub(super) struct FaultDisk(Rc<RefCell<State>>);

struct State {
    memory: MemoryDisk,
    faults: Vec<Planned>,
    chance: Draws,
    tell: Box<dyn FnMut(String)>,
}

struct Planned {
    fault: DiskFault,
    /// How many operations of its kind there have been.
    counted: u32,
    struck: u32,
}

/// What becomes of an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Succeeds,
    Fails,
    Torn,
    Lost,
}

impl Planned {
    /// What the fault makes of an operation, where it strikes it.
    fn meet(&mut self, operation: DiskOperation) -> Option<Outcome> {
        let (of, nth, times, outcome) = match self.fault {
            DiskFault::Fails { operation, nth, times } => (operation, nth, times, Outcome::Fails),
            DiskFault::Lost { operation, nth, times } => (operation, nth, times, Outcome::Lost),
            DiskFault::Torn { nth } => (DiskOperation::Append, nth, 1, Outcome::Torn),
            DiskFault::Full { .. } | DiskFault::Heal => return None,
        };
        if of != operation {
            return None;
        }
        self.counted += 1;
        if self.counted < nth || self.struck >= times {
            return None;
        }
        self.struck += 1;
        Some(outcome)
    }

    fn is_over(&self) -> bool {
        match self.fault {
            DiskFault::Fails { times, .. } | DiskFault::Lost { times, .. } => self.struck >= times,
            DiskFault::Torn { .. } => self.struck > 0,
            DiskFault::Full { .. } | DiskFault::Heal => true,
        }
    }
}

impl State {
    /// An operation takes place: what becomes of it.
    fn meet(&mut self, operation: DiskOperation, file: &str) -> Outcome {
        if file == BALLAST {
            return Outcome::Succeeds;
        }
        // Every fault counts the operation; the one that was planned first has its way.
        let met: Vec<Outcome> =
            self.faults.iter_mut().filter_map(|planned| planned.meet(operation)).collect();
        self.faults.retain(|planned| !planned.is_over());
        let outcome = met.first().copied().unwrap_or(Outcome::Succeeds);
        let what = match outcome {
            Outcome::Succeeds => return outcome,
            Outcome::Fails => "fails",
            Outcome::Torn => "writes a part and fails",
            Outcome::Lost => "does nothing and says it did",
        };
        (self.tell)(format!("the disk: {} of {file} {what}", operation.word()));
        outcome
    }

    fn torn_append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        let part = usize::try_from(self.chance.below(bytes.len() as u64)).unwrap_or(0);
        self.memory.append(file, bytes.get(..part).unwrap_or_default())
    }
}

fn broken() -> io::Error {
    io::Error::other("input/output error")
}

impl FaultDisk {
    /// An empty disk that works; `tell` hears what it does to the broker.
    pub(super) fn new(chance: Draws, tell: impl FnMut(String) + 'static) -> Self {
        let (memory, faults) = (MemoryDisk::new(), Vec::new());
        Self(Rc::new(RefCell::new(State { memory, faults, chance, tell: Box::new(tell) })))
    }

    /// Plans a fault, or takes all of them back.
    pub(super) fn plan(&self, fault: &DiskFault) {
        let mut state = self.0.borrow_mut();
        match fault {
            DiskFault::Full { bytes } => {
                let capacity = state.memory.used().saturating_add(*bytes);
                state.memory.set_capacity(Some(capacity));
            }
            DiskFault::Heal => {
                state.faults.clear();
                state.memory.set_capacity(None);
            }
            DiskFault::Fails { .. } | DiskFault::Torn { .. } | DiskFault::Lost { .. } => {
                state.faults.push(Planned { fault: fault.clone(), counted: 0, struck: 0 });
            }
        }
    }

    /// The faults that have not struck as often as they were to, in words.
    pub(super) fn waits_for(&self) -> Vec<String> {
        self.0.borrow().faults.iter().map(|planned| planned.fault.to_string()).collect()
    }

    /// The machine loses its power: what was not synced is there, or not, or in part.
    pub(super) fn power_loss(&self) {
        let State { memory, chance, .. } = &mut *self.0.borrow_mut();
        memory.power_loss(&mut |below| chance.below(below));
    }
}

impl Disk for FaultDisk {
    fn length(&mut self, file: &str) -> io::Result<Option<u64>> {
        self.0.borrow_mut().memory.length(file)
    }

    fn read(&mut self, file: &str) -> io::Result<Option<Vec<u8>>> {
        let mut state = self.0.borrow_mut();
        match state.meet(DiskOperation::Read, file) {
            Outcome::Succeeds | Outcome::Torn | Outcome::Lost => state.memory.read(file),
            Outcome::Fails => Err(broken()),
        }
    }

    fn append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        match state.meet(DiskOperation::Append, file) {
            Outcome::Succeeds | Outcome::Lost => {
                let appended = state.memory.append(file, bytes);
                if appended.is_err() && file != BALLAST {
                    (state.tell)(format!("the disk: append of {file} finds no room"));
                }
                appended
            }
            Outcome::Fails => Err(broken()),
            Outcome::Torn => {
                state.torn_append(file, bytes)?;
                Err(broken())
            }
        }
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        match state.meet(DiskOperation::Sync, file) {
            Outcome::Succeeds | Outcome::Torn => state.memory.sync(file),
            Outcome::Lost => Ok(()),
            Outcome::Fails => {
                state.memory.fail_sync(file);
                Err(broken())
            }
        }
    }

    fn truncate(&mut self, file: &str, length: u64) -> io::Result<()> {
        self.0.borrow_mut().memory.truncate(file, length)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.0.borrow_mut().memory.rename(from, to)
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.0.borrow_mut().memory.remove(file)
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        match state.meet(DiskOperation::SyncDirectory, "the directory") {
            Outcome::Succeeds | Outcome::Torn => state.memory.sync_directory(),
            Outcome::Lost => Ok(()),
            Outcome::Fails => Err(broken()),
        }
    }
}
