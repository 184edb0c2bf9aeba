//! What the shell needs of a broker.

use bytes::Bytes;
use mqspec_broker_core::durable::BadRecord;
use mqspec_broker_core::{Broker, Effects, Input, Now};

use crate::durable::StorageError;

/// The broker's one door. The reference broker is one; so is a reference broker behind something that
/// rewrites its inputs or effects, or that keeps its records.
pub trait Door {
    /// Takes one input and appends what must happen because of it, in order.
    fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects);

    /// When [`Input::TimePassed`] is due next. Always after the `now` of the latest [`Door::handle`].
    fn next_deadline(&self) -> Option<Now>;

    /// Applies one record of an earlier life, as `Broker::restore` says.
    ///
    /// # Errors
    ///
    /// A record that no broker wrote.
    fn restore(&mut self, record: &[u8]) -> Result<(), BadRecord>;

    /// Ends the restoring, as `Broker::restored` says.
    fn restored(&mut self, now: Now, effects: &mut Effects);

    /// Records that build the durable state again in an empty broker.
    fn snapshot(&self) -> Vec<Bytes>;

    /// Ends a batch: takes the records out of its effects and makes them durable. The shell lets nothing of
    /// the batch leave before. A door that keeps nothing leaves everything as it is.
    ///
    /// # Errors
    ///
    /// The records are not durable, or nobody knows. Nothing of the batch may leave, and nothing after it.
    fn commit(&mut self, _now: Now, _effects: &mut Effects) -> Result<(), StorageError> {
        Ok(())
    }
}

impl Door for Broker {
    fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects) {
        Broker::handle(self, now, input, effects);
    }

    fn next_deadline(&self) -> Option<Now> {
        Broker::next_deadline(self)
    }

    fn restore(&mut self, record: &[u8]) -> Result<(), BadRecord> {
        Broker::restore(self, record)
    }

    fn restored(&mut self, now: Now, effects: &mut Effects) {
        Broker::restored(self, now, effects);
    }

    fn snapshot(&self) -> Vec<Bytes> {
        Broker::snapshot(self)
    }
}

impl<D: Door + ?Sized> Door for Box<D> {
    fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects) {
        (**self).handle(now, input, effects);
    }

    fn next_deadline(&self) -> Option<Now> {
        (**self).next_deadline()
    }

    fn restore(&mut self, record: &[u8]) -> Result<(), BadRecord> {
        (**self).restore(record)
    }

    fn restored(&mut self, now: Now, effects: &mut Effects) {
        (**self).restored(now, effects);
    }

    fn snapshot(&self) -> Vec<Bytes> {
        (**self).snapshot()
    }

    fn commit(&mut self, now: Now, effects: &mut Effects) -> Result<(), StorageError> {
        (**self).commit(now, effects)
    }
}
