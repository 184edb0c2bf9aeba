//! The whole entries of a log, found without the log's own code.
//!
//! A file begins with `MQSPECLG`, version (u32), salt (u64), CRC-32 of these 20 bytes. An entry is the length of its payload
//! (u32), its number (u64), the payload's CRC-32, the CRC-32 of these 16 bytes, then the payload: records, each behind its
//! length (u32). Both checksums begin from halves of the salt. All numbers are little-endian.

use crc32fast::Hasher;

/// What stands in a log.
pub(super) struct Found {
    /// The records of the entries 0, 1, 2, … that follow each other from the start.
    pub(super) prefix: Vec<Vec<u8>>,
    /// The records of every whole entry, wherever it stands, in the order of their places.
    pub(super) all: Vec<Vec<u8>>,
    /// Where the entries that follow each other from the start end.
    pub(super) end: usize,
}

/// `None`: the bytes do not begin as a log of ours does.
pub(super) fn whole_entries(bytes: &[u8]) -> Option<Found> {
    let (header, checksum) = (bytes.get(..20)?, number(bytes, 20)?);
    if !header.starts_with(b"MQSPECLG\x01\0\0\0") || crc32fast::hash(header) != checksum {
        return None;
    }
    let salt = (number(bytes, 12)?, number(bytes, 16)?);
    let mut found = Found { prefix: Vec::new(), all: Vec::new(), end: 24 };
    let mut next = 0_u64;
    for at in 24..bytes.len() {
        let Some((sequence, end, records)) = entry(salt, bytes, at) else { continue };
        if at == found.end && sequence == next {
            found.prefix.extend(records.iter().cloned());
            (found.end, next) = (end, next + 1);
        }
        found.all.extend(records);
    }
    Some(found)
}

/// An entry that begins at a place: its number, where it ends, and its records.
fn entry(salt: (u32, u32), bytes: &[u8], at: usize) -> Option<(u64, usize, Vec<Vec<u8>>)> {
    let length = usize::try_from(number(bytes, at)?).ok()?;
    let payload = bytes.get(at + 20..)?.get(..length).filter(|payload| !payload.is_empty())?;
    if checksum(salt.1, bytes.get(at..at + 16)?) != number(bytes, at + 16)?
        || checksum(salt.0, payload) != number(bytes, at + 12)?
    {
        return None;
    }
    let sequence = u64::from(number(bytes, at + 8)?) << 32 | u64::from(number(bytes, at + 4)?);
    let (mut records, mut rest) = (Vec::new(), payload);
    while !rest.is_empty() {
        let size = usize::try_from(number(rest, 0)?).ok()?;
        records.push(rest.get(4..)?.get(..size)?.to_vec());
        rest = rest.get(4 + size..)?;
    }
    Some((sequence, at + 20 + length, records))
}

fn checksum(start: u32, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(start);
    hasher.update(bytes);
    hasher.finalize()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}
