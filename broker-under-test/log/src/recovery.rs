//! Finds the entries in any bytes.

use std::ops::Range;

use crate::damage::Warning;
use crate::format::{ENTRY_HEADER, FILE_HEADER, Salt, read_entry_header, read_records};

/// How many bytes may be checksummed while looking for the next entry behind damage, as a multiple of the
/// file's length. Damage that is made to look like entries would else cost the square of its length.
const SEARCH_BUDGET: usize = 8;

/// What a log held when it was opened.
#[derive(Debug, Default)]
pub struct Recovery {
    bytes: Vec<u8>,
    records: Vec<Range<usize>>,
    /// How many records stand before the first damage.
    trusted: usize,
    /// What was wrong with it; empty after a clean end, and after a crash between two writes.
    pub warnings: Vec<Warning>,
}

impl Recovery {
    /// The records, oldest first, each with whether it stands before all damage. One behind damage is what
    /// its writer wrote, yet may speak of things whose own records are lost.
    pub fn records(&self) -> impl Iterator<Item = (&[u8], bool)> {
        self.records.iter().enumerate().filter_map(|(index, range)| {
            let record = self.bytes.get(range.clone())?;
            Some((record, index < self.trusted))
        })
    }
}

/// Bytes that are no entry, with whole entries behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) offset: usize,
    pub(crate) bytes: usize,
}

/// What a scan found behind a file's header.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) records: Vec<Range<usize>>,
    pub(crate) trusted: usize,
    pub(crate) gaps: Vec<Gap>,
    /// Where the last whole entry ends.
    pub(crate) end: usize,
    /// The sequence number of the entry to be written next.
    pub(crate) next_sequence: u64,
}

impl Scan {
    pub(crate) fn into_recovery(self, bytes: Vec<u8>, warnings: Vec<Warning>) -> Recovery {
        Recovery { bytes, records: self.records, trusted: self.trusted, warnings }
    }
}

/// Finds the whole entries of a file whose header is in order: its longest valid prefix and, behind damage,
/// whatever can be proved to have been written to this very file, in its order.
pub(crate) fn scan(salt: Salt, bytes: &[u8]) -> Scan {
    let mut scan = Scan { end: FILE_HEADER, ..Scan::default() };
    let mut budget = bytes.len().saturating_mul(SEARCH_BUDGET);
    let mut at = FILE_HEADER;
    while at < bytes.len() {
        let consecutive = at == scan.end;
        let found = read_entry_header(salt, bytes, at).and_then(|header| {
            let in_order = if consecutive && scan.gaps.is_empty() {
                header.sequence == scan.next_sequence
            } else {
                header.sequence >= scan.next_sequence
            };
            let affordable = in_order && (consecutive || take(&mut budget, header.length));
            let records = if affordable { read_records(salt, bytes, at, header) } else { None };
            records.map(|records| (header, records))
        });
        let Some((header, mut records)) = found else {
            at += 1;
            continue;
        };
        if !consecutive {
            scan.gaps.push(Gap { offset: scan.end, bytes: at - scan.end });
        }
        if scan.gaps.is_empty() {
            scan.trusted += records.len();
        }
        scan.records.append(&mut records);
        scan.next_sequence = header.sequence.saturating_add(1);
        at += ENTRY_HEADER + header.length;
        scan.end = at;
    }
    scan
}

fn take(budget: &mut usize, bytes: usize) -> bool {
    let left = budget.checked_sub(bytes);
    *budget = left.unwrap_or(0);
    left.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{entry, file_header};

    const SALT: Salt = Salt(7);

    fn file(entries: &[&[u8]]) -> Vec<u8> {
        let mut bytes = file_header(SALT);
        for (sequence, record) in (0..).zip(entries) {
            bytes.extend(entry(SALT, sequence, &[record]).expect("it is short"));
        }
        bytes
    }

    fn texts(bytes: &[u8]) -> (Vec<String>, Scan) {
        let scan = scan(SALT, bytes);
        let texts = scan
            .records
            .iter()
            .map(|range| String::from_utf8_lossy(bytes.get(range.clone()).expect("in the file")).into_owned())
            .collect();
        (texts, scan)
    }

    #[test]
    fn all_entries_of_a_whole_file_are_found() {
        let bytes = file(&[b"one", b"two"]);
        let (found, scan) = texts(&bytes);
        assert_eq!(found, ["one", "two"]);
        assert_eq!((scan.end, scan.next_sequence, scan.trusted), (bytes.len(), 2, 2));
        assert_eq!(scan.gaps, []);
    }

    #[test]
    fn a_file_cut_at_any_byte_keeps_its_whole_entries() {
        let bytes = file(&[b"one", b"two"]);
        let first_end = file(&[b"one"]).len();
        for length in FILE_HEADER..bytes.len() {
            let (found, scan) = texts(bytes.get(..length).expect("shorter"));
            assert_eq!(found.len(), usize::from(length >= first_end), "cut at {length}");
            assert_eq!(scan.end, if length >= first_end { first_end } else { FILE_HEADER });
        }
    }

    #[test]
    fn entries_behind_damage_are_found_and_not_trusted() {
        let mut bytes = file(&[b"one", b"two", b"three"]);
        let first_end = file(&[b"one"]).len();
        let byte = bytes.get_mut(first_end + 2).expect("the second entry");
        *byte ^= 0x10;
        let (found, scan) = texts(&bytes);
        assert_eq!(found, ["one", "three"]);
        assert_eq!(scan.trusted, 1);
        assert_eq!(scan.gaps, [Gap { offset: first_end, bytes: ENTRY_HEADER + 4 + 3 }]);
    }

    #[test]
    fn an_entry_inside_a_record_does_not_come_to_life() {
        let inner = entry(Salt(8), 1, &[b"evil"]).expect("it is short");
        let mut bytes = file(&[b"one", &inner]);
        let first_end = file(&[b"one"]).len();
        let byte = bytes.get_mut(first_end).expect("the second entry");
        *byte ^= 1;
        assert_eq!(texts(&bytes).0, ["one"]);
    }

    #[test]
    fn an_entry_that_stands_there_twice_counts_once() {
        let mut bytes = file(&[b"one"]);
        let again = bytes.get(FILE_HEADER..).expect("the entry").to_vec();
        bytes.extend(again);
        let (found, scan) = texts(&bytes);
        assert_eq!(found, ["one"]);
        assert!(scan.end < bytes.len());
    }
}
