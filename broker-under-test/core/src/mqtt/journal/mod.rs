//! What must outlive the process, as records (see [`crate::durable`]).
//!
//! `change` says which changes there are and what their records look like; here they are noted while an input is
//! handled; `restore` makes them again in an empty broker; `snapshot` writes the fewest that lead to a state.
//!
//! Kept are retained messages, the wills of connected clients, and sessions that outlive their connection: their
//! subscriptions, their QoS 1 and 2 messages waiting or in flight, and the packet identifiers of QoS 2 messages that
//! came in and are not released. Not kept are QoS 0, sessions that end with their connection, and whose turn it is
//! in a group that shares a subscription.

mod change;
mod fields;
mod restore;
mod snapshot;

use std::sync::Arc;

use crate::durable::Journal;
use crate::effect::{Effects, Protocol};

pub(crate) use change::{Change, record_name};

use super::message::{Delivery, Message};
use super::session::HeldSubscription;

/// The changes made while one input is handled.
#[derive(Debug)]
pub(crate) struct Changes {
    journal: Journal,
    /// What [`LATEST`] stands for in the records.
    latest: Option<Arc<Message>>,
}

/// The number of the message that was named last while inputs were handled. Snapshots have numbers above it.
const LATEST: u64 = 0;

impl Changes {
    /// None yet; and none ever, unless `durable`.
    pub(crate) fn new(durable: bool) -> Self {
        Self { journal: Journal::new(Protocol::Mqtt, durable), latest: None }
    }

    /// Notes a change.
    pub(crate) fn note(&mut self, change: &Change<'_>) {
        self.journal.note(change.kind().octet(), |fields| change.write(fields));
    }

    /// Notes that a message is retained from now on.
    pub(crate) fn note_retained(&mut self, message: &Arc<Message>) {
        if self.journal.is_durable() {
            self.name(message);
            self.note(&Change::Retained { number: LATEST });
        }
    }

    /// Notes that a copy waits for a client, behind those that wait already.
    pub(crate) fn note_queued(&mut self, client: &str, delivery: &Delivery) {
        if self.journal.is_durable() {
            self.name(&delivery.message);
            self.note(&Change::queued(LATEST, client, delivery));
        }
    }

    /// Notes a subscription of a client.
    pub(crate) fn note_subscribed(&mut self, client: &str, filter: &str, held: &HeldSubscription) {
        if self.journal.is_durable() {
            self.note(&Change::Subscribed { client, filter, held: held.clone() });
        }
    }

    /// Puts a message into the records, once for all that follows about it.
    fn name(&mut self, message: &Arc<Message>) {
        if self.latest.as_ref().is_none_or(|latest| !Arc::ptr_eq(latest, message)) {
            self.note(&Change::Message { number: LATEST, message: message.clone() });
            self.latest = Some(message.clone());
        }
    }

    /// Asks for what was noted to be written.
    pub(crate) fn flush(&mut self, effects: &mut Effects) {
        self.journal.flush(effects);
    }
}
