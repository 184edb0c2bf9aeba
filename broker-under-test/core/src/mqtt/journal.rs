//! A change of MQTT state as a record, and back (see [`crate::durable`]).

#![expect(clippy::unused_self, reason = "for the changes to come")]

use bytes::Bytes;

use super::Mqtt;
use crate::durable::{BadRecord, RecordReader};
use crate::effect::{Effects, Now};

/// What a kind of record is called.
pub(crate) fn record_name(_kind: u8) -> Option<&'static str> {
    None
}

impl Mqtt {
    /// Applies a record.
    pub(crate) fn restore(&mut self, kind: u8, _fields: RecordReader<'_>) -> Result<(), BadRecord> {
        Err(BadRecord::Kind { protocol: 1, kind })
    }

    /// The last record has been applied: what was connected is not any more.
    pub(crate) fn restored(&mut self, _now: Now, effects: &mut Effects) {
        self.journal.flush(effects);
    }

    /// Records that build the durable state again.
    pub(crate) fn snapshot(&self) -> Vec<Bytes> {
        Vec::new()
    }
}
