//! Text: files that a user names, and numbers in sentences.

use std::fmt::Display;
use std::path::Path;
use std::{fs, io, str};

/// Reads a file that must be UTF-8.
///
/// # Errors
///
/// What the system says; for other bytes than text ([`io::ErrorKind::InvalidData`]) the place of the first one, and
/// what to do.
pub fn read(path: &Path) -> io::Result<String> {
    let bytes = fs::read(path)?;
    str::from_utf8(&bytes).map(str::to_owned).map_err(|why| not_text(&bytes, why))
}

fn not_text(bytes: &[u8], why: str::Utf8Error) -> io::Error {
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return io::Error::new(io::ErrorKind::InvalidData, "it is UTF-16; save it as UTF-8");
    }
    let (good, rest) = bytes.split_at(why.valid_up_to());
    let good = str::from_utf8(good).unwrap_or_default();
    let line = good.matches('\n').count() + 1;
    let column = good.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let byte = rest.first().copied().unwrap_or_default();
    let what = format!("line {line}, column {column}: byte 0x{byte:02x} is not UTF-8; save it as UTF-8 text");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A number of things: `1 run`, `2 runs`.
pub fn count<N: Copy + Display + PartialEq + From<u8>>(number: N, thing: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_things() {
        assert_eq!([0, 1, 2].map(|number: u64| count(number, "run")), ["0 runs", "1 run", "2 runs"]);
    }

    #[test]
    fn what_is_no_text_is_pointed_at() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("latin-1.yaml");
        fs::write(&file, b"title: a\nabout: b\xf6se\n").expect("it can be written");
        let told = read(&file).expect_err("0xf6 begins four bytes").to_string();
        assert!(told.starts_with("line 2, column 9: byte 0xf6 is not UTF-8"), "{told}");
        fs::write(&file, b"\xff\xfet\0").expect("it can be written");
        assert!(read(&file).expect_err("it is UTF-16").to_string().contains("UTF-16"));
        fs::write(&file, "title: böse\n").expect("it can be written");
        assert_eq!(read(&file).expect("it is UTF-8"), "title: böse\n");
    }
}
