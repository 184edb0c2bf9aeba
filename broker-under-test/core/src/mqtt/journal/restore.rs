//! From records back to state: each change is made through the door that noted it.

use super::{Change, Changes};
use crate::durable::{BadRecord, RecordReader};
use crate::effect::{Effects, Now};
use crate::mqtt::Mqtt;
use crate::mqtt::codec::{PacketIdentifier, Qos};
use crate::mqtt::connection::Turn;
use crate::mqtt::message::{ClientId, Delivery};
use crate::mqtt::session::Session;
use crate::mqtt::will::Will;

impl Mqtt {
    /// Applies a record. A change to what is not there changes nothing, as an acknowledgement of what is not in
    /// flight does.
    ///
    /// # Errors
    /// A record that no broker writes.
    pub(crate) fn restore(&mut self, kind: u8, fields: RecordReader<'_>) -> Result<(), BadRecord> {
        match Change::read(kind, fields)? {
            Change::Message { number, message } => {
                self.numbered.insert(number, message);
            }
            Change::Retained { number } => return self.restore_retained(number),
            Change::RetainedCleared { topic_name } => self.retained.clear(topic_name, &mut silent()),
            Change::Connected { client, expiry_secs, will } => {
                self.restore_connected(client, expiry_secs, will);
            }
            Change::Expiry { client, expiry_secs } => self.restore_expiry(client, expiry_secs),
            Change::SessionEnded { client } => {
                let _unpublished = self.forget_session(&client.into(), &mut silent());
            }
            Change::Subscribed { client, filter, held } => {
                self.hold_subscription(&client.into(), filter, &held, &mut silent());
            }
            Change::Unsubscribed { client, filter } => {
                self.unsubscribe(&client.into(), filter, &mut silent());
            }
            Change::Queued { client, number, qos, retain, subscription_identifiers } => {
                let Some(message) = self.numbered.get(&number).cloned() else { return Ok(()) };
                let delivery = Delivery { message, qos, retain, subscription_identifiers };
                self.change_session(client, |session| {
                    session.enqueue(delivery, usize::MAX, &mut silent());
                });
            }
            Change::Disconnected { client, at } => {
                self.change_session(client, |session| session.on_disconnected(at, &mut silent()));
            }
            Change::WillTaken { client } => self.restore_without_will(client),
            Change::Dropped { client } => self.change_session(client, |session| {
                session.dequeue(&mut silent());
            }),
            Change::Sent { client, packet_identifier } => {
                self.change_session(client, |session| begin_front(session, packet_identifier));
            }
            Change::AwaitingPubComp { client, packet_identifier } => {
                self.change_session(client, |session| session.inflight_mut().release_as(packet_identifier));
            }
            Change::Settled { client, packet_identifier } => {
                self.change_session(client, |session| session.inflight_mut().abandon(packet_identifier));
            }
            Change::AwaitingPubRel { client, packet_identifier } => self.change_session(client, |session| {
                session.receive_exactly_once(packet_identifier, &mut silent());
            }),
            Change::Released { client, packet_identifier } => self.change_session(client, |session| {
                session.release(packet_identifier, &mut silent());
            }),
        }
        Ok(())
    }

    fn change_session(&mut self, client: &str, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.sessions.get_mut(client) {
            change(session);
        }
    }

    fn restore_retained(&mut self, number: u64) -> Result<(), BadRecord> {
        let Some(message) = self.numbered.get(&number) else { return Ok(()) };
        if message.payload.is_empty() {
            return Err(BadRecord::Content("an empty message that is retained"));
        }
        self.retained.store(message.clone(), &mut silent());
        Ok(())
    }

    fn restore_connected(&mut self, client: &str, expiry_secs: u32, will: Option<Will>) {
        let client: ClientId = client.into();
        if expiry_secs == 0 {
            // It ends with the connection that has just been lost: nothing is left to do for it but its will.
            let _older = self.forget_session(&client, &mut silent());
            if will.is_none() {
                return;
            }
        }
        let session = match self.sessions.get_mut(&client) {
            Some(session) => session,
            None => self.sessions.create(&client),
        };
        session.on_connected(expiry_secs, will, &mut silent());
    }

    fn restore_expiry(&mut self, client: &str, expiry_secs: u32) {
        if expiry_secs == 0 {
            let will = self.sessions.get(client).and_then(|session| session.will().cloned());
            self.restore_connected(client, 0, will);
        } else {
            self.change_session(client, |session| session.set_expiry(expiry_secs, &mut silent()));
        }
    }

    fn restore_without_will(&mut self, client: &str) {
        if self.sessions.get(client).is_some_and(Session::is_kept) {
            self.change_session(client, |session| {
                session.take_will(&mut silent());
            });
        } else {
            let _will = self.forget_session(&client.into(), &mut silent());
        }
    }

    /// The last record has been applied: what was connected is not any more. Its sessions begin to run out now, those
    /// of clients that had left before since then.
    pub(crate) fn restored(&mut self, now: Now, effects: &mut Effects) {
        self.numbered.clear();
        let turn = &mut Turn { now, effects, changes: Changes::new(self.durable) };
        let clients: Vec<ClientId> = self.sessions.iter().map(|(client, _)| client.clone()).collect();
        // All at once: no will of one of them is for another that is gone as well.
        for client in &clients {
            self.change_session(client, |session| {
                if session.away_since().is_none() {
                    session.on_disconnected(now, &mut turn.changes);
                }
            });
        }
        for client in &clients {
            let since = self.sessions.get(client).and_then(Session::away_since);
            self.begin_absence(client, since.unwrap_or(now), turn);
        }
        self.run_timers(now, turn);
        turn.changes.flush(turn.effects);
    }
}

/// What is restored is in the records already.
fn silent() -> Changes {
    Changes::new(false)
}

/// The copy in front is in flight from now on.
fn begin_front(session: &mut Session, packet_identifier: PacketIdentifier) {
    if let Some(delivery) = session.dequeue(&mut silent()) {
        assert!(delivery.qos != Qos::AtMostOnce, "records of QoS 0 messages that wait are refused when read");
        session.inflight_mut().begin_as(packet_identifier, delivery);
    }
}
