//! A broker whose state outlives its process.
//!
//! [`Durable`] stands between the shell and a broker. At the end of a batch it writes the batch's records as
//! one entry of the log and syncs it; only then does the shell let anything of the batch leave. When the disk
//! is full it tells the broker to refuse new work. When the disk fails it says so, and the shell stops: what
//! was not acknowledged may be lost, and the next process finds out what is there.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use mqspec_broker_core::durable::{BadRecord, record_name};
use mqspec_broker_core::{Effects, Input, Now};
use mqspec_broker_log::{AppendError, Disk, Log, LogError, Options, Warning};
use thiserror::Error;

use crate::door::Door;

/// How long a broker on a full disk waits before it looks for room again.
pub const LOOK_FOR_ROOM: Duration = Duration::from_secs(1);

/// Why a broker cannot keep anything (any more).
#[derive(Debug, Error)]
pub enum StorageError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The disk is full, also without what was kept free for this case.
    #[error("the disk is full, and what was kept free for this case is used up")]
    Full,
    /// The log is in order, yet holds what this version of the broker cannot apply.
    #[error(
        "the data directory holds a record ({kind}) that this version cannot apply; another version wrote it"
    )]
    Record {
        /// Its kind, where that is known.
        kind: &'static str,
        /// Why not.
        source: BadRecord,
    },
}

/// Something about the storage that an operator may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageNotice {
    /// The log was not in order when it was opened.
    Recovered(Warning),
    /// A record behind damage speaks of something that was lost with it.
    RecordLost {
        /// Its kind.
        kind: &'static str,
        /// What it lacks.
        why: String,
    },
    /// The disk is full: new work is refused.
    Full,
    /// There is room again.
    RoomAgain,
}

impl fmt::Display for StorageNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recovered(warning) => write!(f, "{warning}"),
            Self::RecordLost { kind, why } => {
                write!(f, "a record ({kind}) behind the damage cannot be applied: {why}")
            }
            Self::Full => f.write_str("the disk is full; new work is refused until there is room"),
            Self::RoomAgain => f.write_str("the disk has room again"),
        }
    }
}

/// A door that keeps the records of the door behind it.
pub struct Durable<D, K> {
    door: D,
    log: Log<K>,
    notices: Box<dyn FnMut(StorageNotice)>,
    /// When to look for room again; the broker has been told that there is none.
    full_until: Option<Now>,
    /// What went wrong between two commits.
    failed: Option<StorageError>,
}

impl<D: Door, K: Disk> Durable<D, K> {
    /// Opens a disk's log and builds the state that it tells of in `door`, which has handled nothing yet.
    ///
    /// # Errors
    ///
    /// The disk fails, or holds what another version wrote.
    ///
    /// # Panics
    ///
    /// When the broker wants to send something to nobody.
    pub fn open(
        mut door: D,
        disk: K,
        options: Options,
        now: Now,
        mut notices: impl FnMut(StorageNotice) + 'static,
    ) -> Result<Self, StorageError> {
        let (log, recovery) = Log::open(disk, options)?;
        for warning in &recovery.warnings {
            notices(StorageNotice::Recovered(warning.clone()));
        }
        for (record, trusted) in recovery.records() {
            let Err(source) = door.restore(record) else { continue };
            let kind = record_name(record).unwrap_or("of an unknown kind");
            if trusted {
                return Err(StorageError::Record { kind, source });
            }
            notices(StorageNotice::RecordLost { kind, why: source.to_string() });
        }
        drop(recovery);
        let mut effects = Effects::new();
        door.restored(now, &mut effects);
        let changes = effects.take_records();
        assert!(effects.as_slice().is_empty(), "nobody is connected to a broker that has just been restored");
        let mut durable = Self { door, log, notices: Box::new(notices), full_until: None, failed: None };
        durable.begin_anew(&changes)?;
        durable.tell_if_full(now, &mut effects);
        durable.commit(now, &mut effects)?;
        Ok(durable)
    }

    /// Begins a new log with what was restored, so that all of it is durable for certain: a system may show
    /// bytes whose writing has failed.
    fn begin_anew(&mut self, changes: &[Bytes]) -> Result<(), StorageError> {
        let snapshot = self.door.snapshot();
        if self.compact(&snapshot)? {
            return Ok(());
        }
        self.log.give_up_ballast()?;
        if self.compact(&snapshot)? {
            return Ok(());
        }
        self.keep(changes)
    }

    /// Replaces the log by a snapshot; `false`: there is no room for it.
    fn compact(&mut self, snapshot: &[Bytes]) -> Result<bool, StorageError> {
        match self.log.compact(snapshot) {
            Ok(()) => Ok(true),
            Err(AppendError::Full) => Ok(false),
            Err(AppendError::Failed(why)) => Err(why.into()),
        }
    }

    /// Makes records durable, in whatever room there is.
    fn keep(&mut self, records: &[Bytes]) -> Result<(), StorageError> {
        match self.log.append(records) {
            Ok(()) => Ok(()),
            // The broker's state has these changes in it already, so a snapshot keeps them, too.
            Err(AppendError::Full) if self.compact(&self.door.snapshot())? => Ok(()),
            Err(AppendError::Full) => Err(StorageError::Full),
            Err(AppendError::Failed(why)) => Err(why.into()),
        }
    }

    /// Lets the broker refuse new work once the log has had to use what was kept free.
    fn tell_if_full(&mut self, now: Now, effects: &mut Effects) {
        if self.log.is_full() && self.full_until.is_none() {
            self.full_until = Some(now + LOOK_FOR_ROOM);
            (self.notices)(StorageNotice::Full);
            self.door.handle(now, Input::Storage { full: true }, effects);
        }
    }

    /// Looks whether there is room again.
    fn look_for_room(&mut self, now: Now, effects: &mut Effects) -> Result<(), StorageError> {
        let mut found = self.log.find_room()?;
        if !found {
            // What has been consumed or deleted meanwhile may make a much shorter log.
            let snapshot = self.door.snapshot();
            let bytes: usize = snapshot.iter().map(Bytes::len).sum();
            if (bytes as u64).saturating_mul(2) < self.log.length() && self.compact(&snapshot)? {
                found = self.log.find_room()?;
            }
        }
        if found {
            self.full_until = None;
            (self.notices)(StorageNotice::RoomAgain);
            self.door.handle(now, Input::Storage { full: false }, effects);
        } else {
            self.full_until = Some(now + LOOK_FOR_ROOM);
        }
        Ok(())
    }
}

impl<D: Door, K: Disk> Door for Durable<D, K> {
    fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects) {
        let look = input == Input::TimePassed && self.full_until.is_some_and(|due| due <= now);
        self.door.handle(now, input, effects);
        if look && self.failed.is_none() {
            self.failed = self.look_for_room(now, effects).err();
            if self.failed.is_some() {
                self.full_until = None; // the shell is about to stop
            }
        }
    }

    fn next_deadline(&self) -> Option<Now> {
        self.full_until.into_iter().chain(self.door.next_deadline()).min()
    }

    fn restore(&mut self, record: &[u8]) -> Result<(), BadRecord> {
        self.door.restore(record)
    }

    fn restored(&mut self, now: Now, effects: &mut Effects) {
        self.door.restored(now, effects);
    }

    fn snapshot(&self) -> Vec<Bytes> {
        self.door.snapshot()
    }

    fn commit(&mut self, now: Now, effects: &mut Effects) -> Result<(), StorageError> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        loop {
            let records = effects.take_records();
            if records.is_empty() {
                break;
            }
            self.keep(&records)?;
            self.tell_if_full(now, effects);
        }
        if self.log.wants_compaction() {
            // Without room for a snapshot the log goes on growing.
            let _without_room = self.compact(&self.door.snapshot())?;
        }
        Ok(())
    }
}
