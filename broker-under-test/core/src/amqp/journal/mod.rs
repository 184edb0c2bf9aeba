//! What AMQP keeps over a restart: each change of it as a record, and the state made of records again.
//!
//! The doors of `state.rs` note a [`Change`] in [`Notes`] when something durable comes or goes: durable exchanges, durable
//! queues, the bindings between those, and the persistent messages in durable queues. When an input has been handled,
//! the notes become records. After a crash, [`Amqp::restore`] applies them one by one, without the consequences that
//! some had when they were made, as those were noted too: an auto-delete exchange goes by its own record.
//!
//! What is not here is gone with the process: connections, channels and consumers, exclusive queues, transient entities
//! and their bindings, messages that are not persistent.

mod apply;
mod change;
mod fields;
mod notes;
mod snapshot;

use bytes::Bytes;

use super::Amqp;
use super::handle::Turn;
pub(crate) use change::{Change, Place, Route, record_name};
pub(crate) use notes::Notes;

use crate::durable::{BadRecord, RecordReader};
use crate::effect::{Effects, Now, Protocol};

impl Amqp {
    /// Applies a record.
    ///
    /// # Errors
    /// [`BadRecord`] for one that cannot be read, or that refers to what is not there.
    pub(crate) fn restore(&mut self, kind: u8, fields: RecordReader<'_>) -> Result<(), BadRecord> {
        let change = Change::read(kind, fields)?;
        self.state.apply(change)
    }

    /// The last record has been applied: what was delivered is ready again, and what is due meanwhile is done.
    pub(crate) fn restored(&mut self, now: Now, effects: &mut Effects) {
        self.state.begin_generation();
        for (id, queue) in &mut self.state.queues {
            queue.last_used = now;
            self.state.touched.insert(*id);
        }
        let mut turn = Turn { now, state: &mut self.state, effects };
        turn.settle();
        turn.on_time();
        self.state.flush_notes(effects);
    }

    /// Records that build the durable state again.
    pub(crate) fn snapshot(&self) -> Vec<Bytes> {
        let mut journal = crate::durable::Journal::new(Protocol::Amqp, true);
        for change in self.state.durable_state() {
            journal.note(change.kind(), |fields| change.write(fields));
        }
        journal.take()
    }
}
