//! The log: one file that only grows, and the files that stand beside it for a moment.

mod ballast;

use std::io;

use crate::damage::Warning;
use crate::disk::{Disk, is_full};
use crate::error::{AppendError, LogError};
use crate::format::{FILE_HEADER, FileHeader, Salt, entry, file_header, payload_length, read_file_header};
use crate::recovery::{Recovery, Scan, scan};

/// The log itself.
const LOG: &str = "log";
/// Its successor while that is being written.
const NEXT: &str = "log.next";
/// What a damaged log is kept as; with `-2`, `-3`, … where that name is taken.
const DAMAGED: &str = "log.damaged";

/// How many bytes of records an entry of a snapshot holds before the next one begins.
const SNAPSHOT_ENTRY: usize = 256 * 1024;

/// How many bytes one write of a large file has.
const COPY: usize = 1024 * 1024;

/// Less room than this, in bytes, is none.
const LEAST_BALLAST: usize = 4096;

/// What the operator, or the simulator, chooses.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A number that nobody outside can guess; it makes this process's checksums its own. The simulator's
    /// comes from the seed.
    pub salt: u64,
    /// How much room is kept for the time when the disk is full, in bytes.
    pub ballast: usize,
    /// The log is compacted when it is longer than this, in bytes, and twice as long as after the last time.
    pub compact_from: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { salt: 0, ballast: 1024 * 1024, compact_from: 4 * 1024 * 1024 }
    }
}

/// An open log.
#[derive(Debug)]
pub struct Log<D> {
    disk: D,
    options: Options,
    salt: Salt,
    /// Where the next entry goes, in bytes from the file's start.
    end: u64,
    next_sequence: u64,
    /// How long the log was when it was new.
    compacted: u64,
    /// The ballast is there.
    ballast: bool,
    /// Nobody knows what is durable any more.
    failed: bool,
}

impl<D: Disk> Log<D> {
    /// Opens a disk's log, or begins one, and finds what it holds. The caller takes that in and then calls
    /// [`Log::compact`], so that what the last process left is durable whatever that process knew of it.
    ///
    /// # Errors
    ///
    /// The disk fails; another version wrote the log; a damaged log cannot be kept beside the new one.
    pub fn open(disk: D, options: Options) -> Result<(Self, Recovery), LogError> {
        let salt = Salt(options.salt);
        let options = Options { ballast: options.ballast.max(LEAST_BALLAST), ..options };
        let mut log = Self {
            disk,
            options,
            salt,
            end: 0,
            next_sequence: 0,
            compacted: 0,
            ballast: false,
            failed: false,
        };
        // What a crash left of a compaction that had not come to its end.
        log.remove_if_there(NEXT)?;
        let bytes = log.disk.read(LOG).map_err(|source| LogError::of_disk("reading", LOG, source))?;
        let recovery = match bytes {
            None => {
                log.begin()?;
                Recovery::default()
            }
            Some(bytes) => log.recover(bytes)?,
        };
        log.compacted = log.end;
        log.weigh_down()?;
        Ok((log, recovery))
    }

    /// Keeps records as one entry: all of them or none. When this returns, they are durable. Where the disk
    /// is full, the ballast makes room; [`Log::is_full`] then says so.
    ///
    /// # Errors
    ///
    /// No room even without the ballast: the log is as before, and compacting may help. Or a failure, after
    /// which nothing can be kept any more.
    pub fn append<R: AsRef<[u8]>>(&mut self, records: &[R]) -> Result<(), AppendError> {
        if self.failed {
            return Err(LogError::FailedBefore.into());
        }
        if records.is_empty() {
            return Ok(());
        }
        let Some(bytes) = entry(self.salt, self.next_sequence, records) else {
            self.failed = true;
            return Err(LogError::EntryTooLarge { bytes: payload_length(records) }.into());
        };
        let mut written = self.write_entry(&bytes);
        if matches!(written, Err(AppendError::Full)) && self.ballast {
            self.give_up_ballast()?;
            written = self.write_entry(&bytes);
        }
        written?;
        self.failing(|disk| disk.sync(LOG), "syncing", LOG)?;
        self.end += bytes.len() as u64;
        self.next_sequence += 1;
        Ok(())
    }

    /// Whether the log has grown so much that a snapshot is worth its writing.
    pub fn wants_compaction(&self) -> bool {
        self.end > self.options.compact_from.max(self.compacted.saturating_mul(2))
    }

    /// Replaces all entries by a snapshot that says the same. A crash at any point leaves the old log or the
    /// new one, each of them whole.
    ///
    /// # Errors
    ///
    /// No room: the old log stays. Or a failure, after which nothing can be kept any more.
    pub fn compact<R: AsRef<[u8]>>(&mut self, snapshot: &[R]) -> Result<(), AppendError> {
        if self.failed {
            return Err(LogError::FailedBefore.into());
        }
        // Another file has another salt, so that no entry of one can be taken for the other's.
        let salt = Salt(self.salt.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1));
        match self.write_next(salt, snapshot) {
            Ok((end, sequence)) => {
                self.failing(|disk| disk.rename(NEXT, LOG), "renaming", NEXT)?;
                self.failing(Disk::sync_directory, "syncing the names after renaming", NEXT)?;
                self.salt = salt;
                self.end = end;
                self.compacted = end;
                self.next_sequence = sequence;
                Ok(())
            }
            Err(AppendError::Full) => {
                self.failing_result(Self::remove_next)?;
                self.compacted = self.end; // until it has grown as much again
                Err(AppendError::Full)
            }
            Err(AppendError::Failed(why)) => {
                self.failed = true;
                Err(why.into())
            }
        }
    }

    /// How long the log is, in bytes.
    pub fn length(&self) -> u64 {
        self.end
    }

    /// Where the log is kept.
    pub fn disk_mut(&mut self) -> &mut D {
        &mut self.disk
    }

    /// Begins a log where there is none.
    fn begin(&mut self) -> Result<(), LogError> {
        let none: [&[u8]; 0] = [];
        match self.write_next(self.salt, &none) {
            Ok((end, sequence)) => {
                self.end = end;
                self.next_sequence = sequence;
                self.failing(|disk| disk.rename(NEXT, LOG), "renaming", NEXT)?;
                self.failing(Disk::sync_directory, "syncing the names after renaming", NEXT)
            }
            Err(AppendError::Full) => Err(LogError::Full { what: "a new log" }),
            Err(AppendError::Failed(why)) => Err(why),
        }
    }

    /// Takes in what an earlier process left.
    fn recover(&mut self, bytes: Vec<u8>) -> Result<Recovery, LogError> {
        let salt = match read_file_header(&bytes) {
            FileHeader::Ours(salt) => salt,
            FileHeader::Version(version) => {
                return Err(LogError::Version { file: LOG.to_owned(), version });
            }
            FileHeader::Damaged => {
                let kept_as = self.keep_damaged(&bytes)?;
                let length = bytes.len() as u64;
                self.begin()?;
                let warning = Warning::Unreadable { file: LOG.to_owned(), bytes: length, kept_as };
                return Ok(Scan::default().into_recovery(bytes, vec![warning]));
            }
        };
        let found = scan(salt, &bytes);
        let mut warnings = Vec::new();
        if !found.gaps.is_empty() {
            let kept_as = self.keep_damaged(&bytes)?;
            warnings.extend(found.gaps.iter().map(|gap| Warning::Damaged {
                file: LOG.to_owned(),
                offset: gap.offset as u64,
                bytes: gap.bytes as u64,
                kept_as: kept_as.clone(),
            }));
        }
        if let Some(bytes @ 1..) = bytes.len().checked_sub(found.end) {
            let offset = found.end as u64;
            warnings.push(Warning::TailCut { file: LOG.to_owned(), offset, bytes: bytes as u64 });
            self.failing(|disk| disk.truncate(LOG, offset), "cutting", LOG)?;
        }
        // What the last process wrote and never synced counts from now on, so it must stay.
        self.failing(|disk| disk.sync(LOG), "syncing", LOG)?;
        self.failing(Disk::sync_directory, "syncing the names beside", LOG)?;
        self.salt = salt;
        self.end = found.end as u64;
        self.next_sequence = found.next_sequence;
        Ok(found.into_recovery(bytes, warnings))
    }

    /// Writes the bytes of an entry behind the last one, or nothing.
    fn write_entry(&mut self, bytes: &[u8]) -> Result<(), AppendError> {
        let Err(error) = self.disk.append(LOG, bytes) else { return Ok(()) };
        if !is_full(&error) {
            self.failed = true;
            return Err(LogError::of_disk("appending to", LOG, error).into());
        }
        // A part of it may have found room.
        let end = self.end;
        self.failing(|disk| disk.truncate(LOG, end), "cutting", LOG)?;
        Err(AppendError::Full)
    }

    /// Writes and syncs the log's successor; gives its length and its next sequence number.
    fn write_next<R: AsRef<[u8]>>(&mut self, salt: Salt, records: &[R]) -> Result<(u64, u64), AppendError> {
        self.remove_if_there(NEXT)?;
        self.write_part(NEXT, &file_header(salt))?;
        let (mut end, mut sequence) = (FILE_HEADER as u64, 0);
        let mut rest = records;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(entry_worth(rest));
            let bytes = entry(salt, sequence, now)
                .ok_or_else(|| LogError::EntryTooLarge { bytes: payload_length(now) })?;
            self.write_part(NEXT, &bytes)?;
            end += bytes.len() as u64;
            sequence += 1;
            rest = later;
        }
        self.disk.sync(NEXT).map_err(|source| LogError::of_disk("syncing", NEXT, source))?;
        Ok((end, sequence))
    }

    fn write_part(&mut self, file: &str, bytes: &[u8]) -> Result<(), AppendError> {
        self.disk.append(file, bytes).map_err(|error| {
            if is_full(&error) {
                AppendError::Full
            } else {
                LogError::of_disk("appending to", file, error).into()
            }
        })
    }

    fn remove_next(&mut self) -> Result<(), LogError> {
        self.remove_if_there(NEXT)
    }

    /// Keeps a damaged log's bytes beside it; gives the copy's name.
    fn keep_damaged(&mut self, bytes: &[u8]) -> Result<String, LogError> {
        let mut name = DAMAGED.to_owned();
        let mut number = 1;
        while self.length_of(&name)?.is_some() {
            number += 1;
            name = format!("{DAMAGED}-{number}");
        }
        // Also a log of no bytes at all leaves its copy.
        let parts = std::iter::once(bytes.get(..0).unwrap_or_default()).chain(bytes.chunks(COPY));
        for part in parts {
            match self.write_part(&name, part) {
                Ok(()) => {}
                Err(AppendError::Full) => {
                    self.remove_if_there(&name)?;
                    return Err(LogError::Full {
                        what: "a copy of the damaged log, which must not get lost",
                    });
                }
                Err(AppendError::Failed(why)) => return Err(why),
            }
        }
        self.disk.sync(&name).map_err(|source| LogError::of_disk("syncing", &name, source))?;
        self.disk
            .sync_directory()
            .map_err(|source| LogError::of_disk("syncing the names beside", &name, source))?;
        Ok(name)
    }

    fn length_of(&mut self, file: &str) -> Result<Option<u64>, LogError> {
        self.disk.length(file).map_err(|source| LogError::of_disk("looking at", file, source))
    }

    fn remove_if_there(&mut self, file: &str) -> Result<(), LogError> {
        if self.length_of(file)?.is_some() {
            self.disk.remove(file).map_err(|source| LogError::of_disk("removing", file, source))?;
        }
        Ok(())
    }

    /// Does something after whose failure nobody knows what is durable.
    fn failing(
        &mut self,
        act: impl FnOnce(&mut D) -> io::Result<()>,
        doing: &'static str,
        file: &str,
    ) -> Result<(), LogError> {
        act(&mut self.disk).map_err(|source| {
            self.failed = true;
            LogError::of_disk(doing, file, source)
        })
    }

    fn failing_result<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let result = act(self);
        self.failed |= result.is_err();
        result
    }
}

/// How many of these records fill an entry of a snapshot; at least one.
fn entry_worth<R: AsRef<[u8]>>(records: &[R]) -> usize {
    let mut bytes = 0;
    let fitting = records.iter().take_while(|record| {
        bytes += 4 + record.as_ref().len();
        bytes <= SNAPSHOT_ENTRY
    });
    fitting.count().max(1)
}
