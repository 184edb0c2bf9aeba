//! The durable state as the fewest records that lead to it, for a log that is written anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::{Change, LATEST};
use crate::durable::Journal;
use crate::effect::{Now, Protocol};
use crate::mqtt::Mqtt;
use crate::mqtt::message::{Delivery, Message};
use crate::mqtt::session::Session;

impl Mqtt {
    /// Records that build the durable state again: retained messages by topic, then sessions by client. Equal states
    /// have equal records, whatever led to them.
    pub(crate) fn snapshot(&self) -> Vec<Bytes> {
        let mut snapshot = Snapshot {
            journal: Journal::new(Protocol::Mqtt, true),
            numbers: BTreeMap::new(),
            last_number: LATEST,
        };
        for message in self.retained.iter() {
            let number = snapshot.number_of(message);
            snapshot.note(&Change::Retained { number });
        }
        for (client, session) in self.sessions.iter() {
            snapshot.session(client, session);
        }
        snapshot.journal.take()
    }
}

/// A snapshot in the making.
struct Snapshot<'a> {
    journal: Journal,
    /// Equal messages need only be written once. By time first, as it tells most of them apart.
    numbers: BTreeMap<(Now, &'a Message), u64>,
    last_number: u64,
}

impl<'a> Snapshot<'a> {
    fn note(&mut self, change: &Change<'_>) {
        self.journal.note(change.kind().octet(), |fields| change.write(fields));
    }

    /// The number that stands for a message, which is written where it has none yet.
    fn number_of(&mut self, message: &'a Arc<Message>) -> u64 {
        let key = (message.received_at, &**message);
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        self.last_number += 1;
        let number = self.last_number;
        self.numbers.insert(key, number);
        self.note(&Change::Message { number, message: message.clone() });
        number
    }

    fn session(&mut self, client: &'a str, session: &'a Session) {
        let expiry_secs = session.expiry_secs();
        if session.is_kept() || session.will().is_some() {
            self.note(&Change::Connected { client, expiry_secs, will: session.will().cloned() });
        }
        if !session.is_kept() {
            return;
        }
        if let Some(at) = session.away_since() {
            self.note(&Change::Disconnected { client, at });
        }
        for (filter, held) in session.subscriptions() {
            self.note(&Change::Subscribed { client, filter, held: held.clone() });
        }
        for packet_identifier in session.awaiting_pubrel() {
            self.note(&Change::AwaitingPubRel { client, packet_identifier });
        }
        for packet_identifier in session.inflight().releases() {
            self.note(&Change::AwaitingPubComp { client, packet_identifier });
        }
        for (packet_identifier, delivery) in session.inflight().publishes() {
            self.queued(client, delivery);
            self.note(&Change::Sent { client, packet_identifier });
        }
        for delivery in session.kept_queue() {
            self.queued(client, delivery);
        }
    }

    fn queued(&mut self, client: &str, delivery: &'a Delivery) {
        let number = self.number_of(&delivery.message);
        self.note(&Change::queued(number, client, delivery));
    }
}
