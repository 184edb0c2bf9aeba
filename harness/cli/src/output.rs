//! Where results go: standard output that may lose its reader, and files that are looked at before the work begins.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::failure::Failure;

/// An output whose reader may go (`mqspec test | head -1`) without taking the verdict along.
///
/// From then on nothing is written; the run goes to its end all the same, its reports are written, and the exit
/// code says what it found.
#[derive(Debug)]
pub struct Patient<W> {
    inner: W,
    unheard: bool,
}

impl<W> Patient<W> {
    /// An output that somebody reads, so far.
    pub const fn new(inner: W) -> Self {
        Self { inner, unheard: false }
    }

    /// What came of an attempt to write; `done` where nobody reads any more.
    fn or_unheard<T>(&mut self, attempt: io::Result<T>, done: T) -> io::Result<T> {
        match attempt {
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => {
                self.unheard = true;
                Ok(done)
            }
            attempt => attempt,
        }
    }
}

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.unheard {
            return Ok(bytes.len());
        }
        let attempt = self.inner.write(bytes);
        self.or_unheard(attempt, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.unheard {
            return Ok(());
        }
        let attempt = self.inner.flush();
        self.or_unheard(attempt, ())
    }
}

/// Looks whether a report can be written to a file, before the runs that it is to tell of. The file is left as it
/// is.
///
/// # Errors
///
/// [`Failure::Environment`]: it cannot.
pub fn expect_writable(path: &Path) -> Result<(), Failure> {
    let attempt = match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        // Opening a pipe and closing it again would tell its reader that all is said.
        Ok(found) if !found.is_file() => Ok(()),
        Ok(_) => OpenOptions::new().append(true).open(path).map(drop),
        Err(_) => OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map(drop)
            .and_then(|()| fs::remove_file(path)),
    };
    attempt.map_err(|why| cannot_write(path, &why))
}

/// A report that cannot be written.
pub fn cannot_write(path: &Path, why: &io::Error) -> Failure {
    Failure::Environment(miette::miette!("cannot write the report {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads one write, and is gone.
    struct Head(Vec<u8>);

    impl Write for Head {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !self.0.is_empty() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            if self.0.is_empty() { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
        }
    }

    #[test]
    fn a_reader_that_goes_stops_nothing() {
        let mut out = Patient::new(Head(Vec::new()));
        for line in ["first\n", "second\n", "third\n"] {
            out.write_all(line.as_bytes()).expect("nobody has to listen");
            out.flush().expect("nobody has to listen");
        }
        assert_eq!(out.inner.0, b"first\n");
    }

    #[test]
    fn a_full_disk_is_still_an_error() {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("this system has it");
        assert!(Patient::new(full).write_all(b"text").is_err());
    }

    #[test]
    fn a_file_that_can_be_written_is_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("report.json");
        expect_writable(&file).expect("it can be made");
        assert!(!file.exists(), "and is not made yet");
        fs::write(&file, "old").expect("it can be written");
        expect_writable(&file).expect("it can be written");
        assert_eq!(fs::read_to_string(&file).expect("it is there"), "old");
        for wrong in [folder.path().to_owned(), folder.path().join("no/such/folder.json")] {
            assert!(matches!(expect_writable(&wrong), Err(Failure::Environment(_))), "{}", wrong.display());
        }
    }
}
