//! What a sweep has done so far, on disk, so that a killed one can be taken up again.
//!
//! A text file of lines: the first says of which sweep it is, each other one holds the tally of a finished
//! chunk. A line counts once it has its end; a killed process leaves at most one without.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::extent::Extent;
use super::report::Subject;
use super::tally::Tally;
use crate::failure::Failure;

/// More than the first line ever has: what is longer is not ours, and is not read into memory.
const LONGEST_HEADER: u64 = 64 << 10;

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
    #[error("{path} is no ordinary file")]
    #[diagnostic(help("what is done is kept in a file of its own, which need not exist yet"))]
    NoFile { path: String },
    #[error("another mqspec is writing {path}")]
    InUse { path: String },
    #[error("cannot keep what is done in {path}: {why}")]
    Io { path: String, why: io::Error },
}

impl Journal {
    /// Opens the file of a sweep, or begins one. Nothing in a file is touched before all of it has been read and
    /// found to be of this sweep, as it may be somebody's that was named by mistake.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`]: the file is of another sweep, of none, or says what cannot be.
    /// [`Failure::Environment`]: it cannot be read or written, or another process does.
    pub fn open(path: &Path, header: &Header, extent: &Extent) -> Result<Self, Failure> {
        let io = |why| Failure::environment(JournalError::Io { path: path.display().to_string(), why });
        // A device or a pipe may never end, and holds nothing the next time.
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(Failure::input(JournalError::NoFile { path: path.display().to_string() }));
        }
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::environment(JournalError::InUse { path: path.display().to_string() }));
            }
            Err(TryLockError::Error(why)) => return Err(io(why)),
        }
        let mut journal = Self { path: path.to_owned(), file, done: BTreeMap::new(), seconds: 0.0 };
        let whole = journal.read(header, extent)?;
        // What has no end was being written when the process was killed.
        journal.file.set_len(whole).map_err(io)?;
        journal.file.seek(SeekFrom::Start(whole)).map_err(io)?;
        if whole == 0 {
            journal.write(header)?;
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

    /// Takes in the lines that have their end; gives how many bytes they are.
    fn read(&mut self, header: &Header, extent: &Extent) -> Result<u64, Failure> {
        let io = |why| Failure::environment(JournalError::Io { path: self.path.display().to_string(), why });
        let mut reader = BufReader::new(&self.file);
        let mut first = Vec::new();
        reader.by_ref().take(LONGEST_HEADER).read_until(b'\n', &mut first).map_err(io)?;
        let expected = serde_json::to_vec(header).map_err(|why| io(why.into()))?;
        if !first.ends_with(b"\n") && expected.starts_with(&first) {
            return Ok(0);
        }
        let found: Header = serde_json::from_slice(&first).map_err(|why| self.unreadable(1, &why))?;
        if found != *header {
            return Err(Failure::input(JournalError::OfAnother { path: self.path.display().to_string() }));
        }
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).map_err(io)?;
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let lines = rest.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n');
        for (number, text) in (2..).zip(lines) {
            let line: Line = serde_json::from_slice(text).map_err(|why| self.unreadable(number, &why))?;
            let Line { chunk, tally, seconds } = line;
            let (runs, expected) = (tally.runs(), extent.length_of(chunk));
            if runs == 0 || runs != expected {
                let why = format!("{runs} runs in chunk {chunk}, which has {expected}");
                return Err(self.unreadable(number, &why));
            }
            if self.done.insert(chunk, tally).is_some() {
                return Err(self.unreadable(number, &format!("chunk {chunk} for the second time")));
            }
            self.seconds += seconds;
        }
        Ok((first.len() + whole) as u64)
    }

    fn unreadable(&self, line: usize, why: &impl ToString) -> Failure {
        let path = self.path.display().to_string();
        Failure::input(JournalError::Unreadable { path, line, why: why.to_string() })
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

    /// 307 runs: three whole chunks and one of seven.
    fn extent() -> Extent {
        Extent::new(1, 0..307, None)
    }

    fn try_open(path: &Path, seeds: &str) -> Result<Journal, Failure> {
        Journal::open(path, &header(seeds), &extent())
    }

    fn open(path: &Path) -> Journal {
        try_open(path, "0..9").expect("it is of this sweep")
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
        assert!(matches!(try_open(&path, "0..10"), Err(Failure::Input(_))));
    }

    #[test]
    fn what_is_no_journal_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state");
        let binary: Vec<u8> = (0..=255).collect();
        for somebodys in [b"title: a scenario\n".as_slice(), b"no line end", b"two\nlines", &binary] {
            fs::write(&path, somebodys).expect("it can be written");
            assert!(matches!(try_open(&path, "0..9"), Err(Failure::Input(_))), "{somebodys:?}");
            assert_eq!(fs::read(&path).expect("it is there"), somebodys);
        }
        assert!(matches!(try_open(folder.path(), "0..9"), Err(Failure::Input(_))), "a folder");
        assert!(matches!(try_open(Path::new("/dev/zero"), "0..9"), Err(Failure::Input(_))), "a device");
    }

    #[test]
    fn a_line_that_cannot_be_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state");
        let mut journal = open(&path);
        journal.keep(0, tally(100), 1.5).expect("it can be written");
        drop(journal);
        let text = fs::read_to_string(&path).expect("it is there");
        let line = text.lines().last().expect("it has lines");
        for (wrong, why) in [
            (line.replace("100", "101"), "101 runs in chunk 0, which has 100"),
            (line.replace("\"chunk\":0", "\"chunk\":9"), "100 runs in chunk 9, which has 0"),
            (format!("{line}\n{line}"), "chunk 0 for the second time"),
        ] {
            fs::write(&path, text.replace(line, &wrong)).expect("it can be written");
            match try_open(&path, "0..9") {
                Err(Failure::Input(report)) => assert!(report.to_string().contains(why), "{report}"),
                other => panic!("{wrong}: {other:?}"),
            }
        }
    }

    #[test]
    fn two_processes_do_not_write_one_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state");
        let first = open(&path);
        assert!(matches!(try_open(&path, "0..9"), Err(Failure::Environment(_))));
        drop(first);
        open(&path);
    }
}
