//! What must outlive the broker's process: changes as records, and a broker made of records again.
//!
//! While `Config::durable` is set, a handler notes in its `Journal` each change of state that has to survive, and the
//! door hands the notes out as [`Effect::Record`](crate::Effect::Record). The shell writes them into a log, all those
//! of one `handle` as one entry, before anything that the same call asked for leaves. After a crash the records build
//! the state again: see `Broker::restore`.
//!
//! A record is one octet for the protocol (1 MQTT, 2 AMQP), one for its kind, then its fields: integers little-endian,
//! octets and text behind their length as 32 bits.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use crate::effect::{Effects, Protocol};

/// Why a record cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadRecord {
    /// It ends in the middle of a field, or has octets left over.
    #[error("a record of {length} octets ends in the wrong place")]
    Length {
        /// How long it is.
        length: usize,
    },
    /// No such protocol or kind.
    #[error("a record of the unknown kind {protocol}.{kind}")]
    Kind {
        /// Its first octet.
        protocol: u8,
        /// Its second.
        kind: u8,
    },
    /// A field holds what no broker writes, or something refers to what is not there.
    #[error("a record does not fit what came before: {0}")]
    Content(&'static str),
}

/// The first octet of a protocol's records.
pub(crate) const fn protocol_octet(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Mqtt => 1,
        Protocol::Amqp => 2,
    }
}

/// What the kind of a record is called: `mqtt.retained`; for logs, and for those who tamper with some.
pub fn record_name(record: &[u8]) -> Option<&'static str> {
    match record {
        [1, kind, ..] => crate::mqtt::record_name(*kind),
        [2, kind, ..] => crate::amqp::record_name(*kind),
        _ => None,
    }
}

/// Records made while one input is handled.
#[derive(Debug)]
pub(crate) struct Journal {
    protocol: Protocol,
    durable: bool,
    records: Vec<Bytes>,
}

impl Journal {
    /// Empty; one that is not durable stays so.
    pub(crate) fn new(protocol: Protocol, durable: bool) -> Self {
        Self { protocol, durable, records: Vec::new() }
    }

    /// Whether anything is kept at all; saves the work of finding out what to note.
    pub(crate) fn is_durable(&self) -> bool {
        self.durable
    }

    /// Notes a change.
    pub(crate) fn note(&mut self, kind: u8, fields: impl FnOnce(&mut RecordWriter)) {
        if self.durable {
            let mut writer = RecordWriter { bytes: BytesMut::with_capacity(64) };
            writer.u8(protocol_octet(self.protocol));
            writer.u8(kind);
            fields(&mut writer);
            self.records.push(writer.bytes.freeze());
        }
    }

    /// Hands out what was noted, oldest first.
    pub(crate) fn take(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.records)
    }

    /// Asks for what was noted to be written.
    pub(crate) fn flush(&mut self, effects: &mut Effects) {
        for record in self.records.drain(..) {
            effects.record(record);
        }
    }
}

/// Writes the fields of a record.
#[derive(Debug)]
pub(crate) struct RecordWriter {
    bytes: BytesMut,
}

impl RecordWriter {
    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.put_u8(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes.put_u16_le(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.put_u32_le(value);
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.put_u64_le(value);
    }

    /// # Panics
    /// Beyond 4 GiB: no packet of either protocol gets there.
    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.u32(u32::try_from(value.len()).expect("no field of either protocol is longer than 4 GiB"));
        self.bytes.put_slice(value);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }
}

/// Reads the fields of a record, whatever it holds.
#[derive(Debug)]
pub(crate) struct RecordReader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> RecordReader<'a> {
    /// Protocol and kind of a record, and a reader for its fields.
    pub(crate) fn open(record: &'a [u8]) -> Result<(u8, u8, Self), BadRecord> {
        let [protocol, kind, rest @ ..] = record else {
            return Err(BadRecord::Length { length: record.len() });
        };
        Ok((*protocol, *kind, Self { rest, length: record.len() }))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadRecord> {
        let (head, rest) =
            self.rest.split_first_chunk::<N>().ok_or(BadRecord::Length { length: self.length })?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, BadRecord> {
        self.array::<1>().map(|[octet]| octet)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, BadRecord> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, BadRecord> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, BadRecord> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], BadRecord> {
        let length = usize::try_from(self.u32()?).map_err(|_| BadRecord::Length { length: self.length })?;
        let (head, rest) =
            self.rest.split_at_checked(length).ok_or(BadRecord::Length { length: self.length })?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, BadRecord> {
        std::str::from_utf8(self.bytes()?).map_err(|_| BadRecord::Content("text that is not UTF-8"))
    }

    /// Whether all has been read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may be left over.
    pub(crate) fn end(self) -> Result<(), BadRecord> {
        if self.rest.is_empty() { Ok(()) } else { Err(BadRecord::Length { length: self.length }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(fields: impl FnOnce(&mut RecordWriter)) -> Bytes {
        let mut journal = Journal::new(Protocol::Amqp, true);
        journal.note(7, fields);
        journal.take().remove(0)
    }

    #[test]
    fn fields_come_back_in_order() {
        let record = note(|fields| {
            fields.u16(0x0102);
            fields.text("topic");
            fields.u64(9);
        });
        let (protocol, kind, mut fields) = RecordReader::open(&record).expect("a whole record");
        assert_eq!((protocol, kind), (2, 7));
        assert_eq!(fields.u16(), Ok(0x0102));
        assert_eq!(fields.text(), Ok("topic"));
        assert_eq!(fields.u64(), Ok(9));
        assert_eq!(fields.end(), Ok(()));
    }

    #[test]
    fn a_length_beyond_the_record_is_an_error_and_reserves_nothing() {
        let record = note(|fields| fields.u32(u32::MAX));
        let (.., mut fields) = RecordReader::open(&record).expect("a whole record");
        assert_eq!(fields.bytes(), Err(BadRecord::Length { length: 6 }));
    }

    #[test]
    fn without_durability_nothing_is_noted() {
        let mut journal = Journal::new(Protocol::Mqtt, false);
        journal.note(1, |_| unreachable!("nobody asks for the fields"));
        assert!(journal.take().is_empty());
    }
}
