//! What a sweep has done so far, on disk, so that a killed one can be taken up again.
//!
//! A text file of lines: the first says of which sweep it is, each other one holds the tally of a finished
//! chunk. A line counts once it has its end; a killed process leaves at most one without.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::report::Subject;
use super::tally::Tally;
use crate::failure::Failure;

/// The finished chunks of a sweep.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    done: BTreeMap<u64, Tally>,
    seconds: f64,
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// What is swept.
    pub sweep: Subject,
    /// The part of it, as `--shard` takes it; none: all.
    pub shard: Option<String>,
    /// How many runs make a chunk.
    pub chunk: u64,
}

/// Any other line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    chunk: u64,
    /// Since the line before, or since the process began.
    seconds: f64,
    tally: Tally,
}

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
enum JournalError {
    #[error("{path} is of another sweep")]
    #[diagnostic(help(
        "the scenarios, seeds, shard, world or mutant differ, or the program does; give another file, or remove it to begin again"
    ))]
    OfAnother { path: String },
    #[error("{path} is not what a sweep has written: line {line}: {why}")]
    #[diagnostic(help("give another file, or remove it to begin again"))]
    Unreadable { path: String, line: usize, why: String },
    #[error("another mqspec is writing {path}")]
    InUse { path: String },
    #[error("cannot keep what is done in {path}: {why}")]
    Io { path: String, why: io::Error },
}

impl Journal {
    /// Opens the file of a sweep, or begins one.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`]: the file is of another sweep, or of none. [`Failure::Environment`]: it cannot be read
    /// or written, or another process does.
    pub fn open(path: &Path, header: &Header) -> Result<Self, Failure> {
        let io = |why| Failure::environment(JournalError::Io { path: path.display().to_string(), why });
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::environment(JournalError::InUse { path: path.display().to_string() }));
            }
            Err(TryLockError::Error(why)) => return Err(io(why)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(io)?;
        // What has no end was being written when the process was killed.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        text.truncate(whole);
        file.set_len(whole as u64).map_err(io)?;
        file.seek(SeekFrom::Start(whole as u64)).map_err(io)?;
        let mut journal = Self { path: path.to_owned(), file, done: BTreeMap::new(), seconds: 0.0 };
        if whole == 0 {
            journal.write(header)?;
        } else {
            journal.read(&text, header)?;
        }
        Ok(journal)
    }

    /// The tallies of the chunks that are done.
    pub const fn done(&self) -> &BTreeMap<u64, Tally> {
        &self.done
    }

    /// How long they took, in seconds.
    pub const fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Keeps a finished chunk, that took this long; it is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// [`Failure::Environment`]: it cannot be written.
    pub fn keep(&mut self, chunk: u64, tally: Tally, seconds: f64) -> Result<(), Failure> {
        let line = Line { chunk, seconds, tally };
        self.write(&line)?;
        self.done.insert(chunk, line.tally);
        self.seconds += seconds;
        Ok(())
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        let written = serde_json::to_string(line).map_err(io::Error::other).and_then(|text| {
            self.file.write_all(format!("{text}\n").as_bytes())?;
            self.file.sync_data()
        });
        written.map_err(|why| {
            Failure::environment(JournalError::Io { path: self.path.display().to_string(), why })
        })
    }

    fn read(&mut self, text: &[u8], header: &Header) -> Result<(), Failure> {
        let path = self.path.display().to_string();
        let unreadable = |line: usize, why: serde_json::Error| {
            let (path, why) = (path.clone(), why.to_string());
            Failure::input(JournalError::Unreadable { path, line, why })
        };
        for (index, text) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if index == 0 {
                let found: Header = serde_json::from_slice(text).map_err(|why| unreadable(1, why))?;
                if found != *header {
                    return Err(Failure::input(JournalError::OfAnother { path }));
                }
            } else {
                let line: Line = serde_json::from_slice(text).map_err(|why| unreadable(index + 1, why))?;
                self.done.insert(line.chunk, line.tally);
                self.seconds += line.seconds;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn header(seeds: &str) -> Header {
        Header { sweep: Subject { seeds: seeds.to_owned(), ..Subject::default() }, shard: None, chunk: 100 }
    }

    fn tally(passed: u64) -> Tally {
        Tally { passed, ..Tally::default() }
    }

    fn open(path: &Path) -> Journal {
        Journal::open(path, &header("0..9")).expect("it is of this sweep")
    }

    #[test]
    fn what_was_kept_is_there_again_and_what_was_cut_off_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state");
        let mut journal = open(&path);
        journal.keep(0, tally(100), 1.5).expect("it can be written");
        journal.keep(3, tally(7), 0.5).expect("it can be written");
        drop(journal);

        let text = fs::read(&path).expect("it is there");
        for cut in 1..40 {
            fs::write(&path, text.get(..text.len() - cut).expect("it is longer")).expect("it can be written");
            let mut journal = open(&path);
            assert_eq!(journal.done().keys().copied().collect::<Vec<_>>(), [0], "{cut} bytes cut off");
            journal.keep(3, tally(7), 0.5).expect("it can be written");
            assert_eq!((journal.done().len(), journal.seconds()), (2, 2.0));
        }
        assert_eq!(fs::read(&path).expect("it is there"), text, "as if nothing had happened");
    }

    #[test]
    fn a_file_of_another_sweep_or_of_none_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state");
        drop(open(&path));
        assert!(matches!(Journal::open(&path, &header("0..10")), Err(Failure::Input(_))));
        fs::write(&path, "title: a scenario\n").expect("it can be written");
        assert!(matches!(Journal::open(&path, &header("0..9")), Err(Failure::Input(_))));
    }

    #[test]
    fn two_processes_do_not_write_one_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state");
        let first = open(&path);
        assert!(matches!(Journal::open(&path, &header("0..9")), Err(Failure::Environment(_))));
        drop(first);
        open(&path);
    }
}
