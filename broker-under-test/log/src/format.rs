//! The bytes of a log.
//!
//! All numbers are little-endian. A file begins with 24 bytes: `MQSPECLG`, version (u32), salt (u64), CRC-32
//! of these 20 bytes (u32). Entries follow, each with 20 bytes in front: length of its payload (u32),
//! sequence number (u64, 0 for a file's first), CRC-32 of the payload (u32), CRC-32 of these 16 bytes (u32).
//! The payload is the entry's records, each behind its length (u32).
//!
//! Both checksums of an entry begin from the file's salt, which nobody outside knows: a client could else
//! publish a message that holds the bytes of an entry, and see it come to life when a crash destroys the
//! entry around it.

use std::ops::Range;

use crc32fast::Hasher;

/// The version that this program writes and reads.
pub(crate) const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"MQSPECLG";

/// Length of a file's own header, in bytes.
pub(crate) const FILE_HEADER: usize = 24;

/// Length of what stands in front of an entry's payload, in bytes.
pub(crate) const ENTRY_HEADER: usize = 20;

/// What makes the checksums of one file its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Salt(pub(crate) u64);

impl Salt {
    fn checksum(self, of_payload: bool, bytes: &[u8]) -> u32 {
        let half = if of_payload { self.0 & u64::from(u32::MAX) } else { self.0 >> 32 };
        let mut hasher = Hasher::new_with_initial(u32::try_from(half).unwrap_or_default());
        hasher.update(bytes);
        hasher.finalize()
    }
}

/// What a file begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileHeader {
    /// A log that we can read.
    Ours(Salt),
    /// A log of another version.
    Version(u32),
    /// No log, or one whose header is damaged.
    Damaged,
}

/// A new file's header.
pub(crate) fn file_header(salt: Salt) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FILE_HEADER);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&salt.0.to_le_bytes());
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Reads a file's header.
pub(crate) fn read_file_header(bytes: &[u8]) -> FileHeader {
    let parts = bytes.get(..20).zip(u32_at(bytes, 20));
    let Some((covered, checksum)) = parts else { return FileHeader::Damaged };
    if !covered.starts_with(MAGIC) || crc32fast::hash(covered) != checksum {
        return FileHeader::Damaged;
    }
    match (u32_at(bytes, 8), u64_at(bytes, 12)) {
        (Some(VERSION), Some(salt)) => FileHeader::Ours(Salt(salt)),
        (Some(version), _) => FileHeader::Version(version),
        (None, _) => FileHeader::Damaged,
    }
}

/// An entry's bytes. `None`: it would be longer than its length field can say; the number of bytes is
/// [`payload_length`]'s.
pub(crate) fn entry<R: AsRef<[u8]>>(salt: Salt, sequence: u64, records: &[R]) -> Option<Vec<u8>> {
    let length = u32::try_from(payload_length(records)).ok()?;
    let mut payload = Vec::with_capacity(payload_length(records));
    for record in records {
        payload.extend_from_slice(&u32::try_from(record.as_ref().len()).ok()?.to_le_bytes());
        payload.extend_from_slice(record.as_ref());
    }
    let mut bytes = Vec::with_capacity(ENTRY_HEADER + payload.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(&salt.checksum(true, &payload).to_le_bytes());
    let checksum = salt.checksum(false, &bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.append(&mut payload);
    Some(bytes)
}

/// How long the payload of an entry with these records is, in bytes.
pub(crate) fn payload_length<R: AsRef<[u8]>>(records: &[R]) -> usize {
    records.iter().map(|record| 4 + record.as_ref().len()).sum()
}

/// What stands in front of an entry, as read: its own checksum holds, the payload's has not been looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryHeader {
    pub(crate) sequence: u64,
    /// Length of the payload in bytes; all of it is there.
    pub(crate) length: usize,
    checksum: u32,
}

/// Reads what stands in front of an entry. `None`: no entry begins here, or not all of it is there.
pub(crate) fn read_entry_header(salt: Salt, bytes: &[u8], at: usize) -> Option<EntryHeader> {
    let header = bytes.get(at..)?.get(..ENTRY_HEADER)?;
    if salt.checksum(false, header.get(..16)?) != u32_at(header, 16)? {
        return None;
    }
    let length = usize::try_from(u32_at(header, 0)?).ok()?;
    let room = bytes.len() - at - ENTRY_HEADER;
    // An entry without records is never written, so nothing that is all zeros can be one.
    (length > 0 && length <= room).then_some(EntryHeader {
        sequence: u64_at(header, 4)?,
        length,
        checksum: u32_at(header, 12)?,
    })
}

/// Where the records of an entry stand. `None`: the payload is not what its checksum says.
pub(crate) fn read_records(
    salt: Salt,
    bytes: &[u8],
    at: usize,
    header: EntryHeader,
) -> Option<Vec<Range<usize>>> {
    let start = at + ENTRY_HEADER;
    let end = start + header.length;
    if salt.checksum(true, bytes.get(start..end)?) != header.checksum {
        return None;
    }
    let mut records = Vec::new();
    let mut next = start;
    while next < end {
        let length = usize::try_from(u32_at(bytes, next)?).ok()?;
        let record = next + 4..(next + 4).checked_add(length)?;
        if record.end > end {
            return None;
        }
        next = record.end;
        records.push(record);
    }
    Some(records)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: Salt = Salt(0x0123_4567_89ab_cdef);

    #[test]
    fn a_header_is_24_bytes_and_reads_back() {
        let header = file_header(SALT);
        assert_eq!(header.len(), FILE_HEADER);
        assert_eq!(read_file_header(&header), FileHeader::Ours(SALT));
        assert_eq!(read_file_header(header.get(..23).expect("24 bytes")), FileHeader::Damaged);
    }

    #[test]
    fn a_header_of_another_version_says_which() {
        let mut header = file_header(SALT);
        header.splice(8..12, 7_u32.to_le_bytes());
        let checksum = crc32fast::hash(header.get(..20).expect("24 bytes"));
        header.splice(20..24, checksum.to_le_bytes());
        assert_eq!(read_file_header(&header), FileHeader::Version(7));
    }

    #[test]
    fn an_entry_reads_back_with_its_records() {
        let bytes = entry(SALT, 3, &[b"one".as_slice(), b"", b"three"]).expect("it is short");
        let header = read_entry_header(SALT, &bytes, 0).expect("it is whole");
        assert_eq!((header.sequence, header.length), (3, 7 + 4 + 9));
        let records = read_records(SALT, &bytes, 0, header).expect("it is whole");
        let records: Vec<&[u8]> = records.into_iter().filter_map(|record| bytes.get(record)).collect();
        assert_eq!(records, [b"one".as_slice(), b"", b"three"]);
    }

    #[test]
    fn an_entry_of_another_file_is_none() {
        let bytes = entry(SALT, 0, &[b"one"]).expect("it is short");
        assert!(read_entry_header(Salt(1), &bytes, 0).is_none());
    }

    #[test]
    fn zeros_are_no_entry() {
        assert!(read_entry_header(SALT, &[0; 64], 0).is_none());
        assert!(read_entry_header(Salt(0), &[0; 64], 0).is_none());
    }
}
