//! MQTT 3.1.1 and 5.0 as a server.
//!
//! [`codec`] turns bytes into packets; `handle` has a file for each family of them; sessions, subscriptions
//! and retained messages are what they change; `delivery` is the way back to the clients.
//!
//! Where the standards leave a choice, this broker
//! - sends one copy to a client whose subscriptions overlap, at the highest QoS granted, with the identifiers of
//!   all of them ascending; a shared subscription brings its own copy;
//! - serves the members of a shared subscription in turn, those that are connected first;
//! - keeps nothing of QoS 0 for a client that is away, and drops what comes last when a queue is full;
//! - lets QoS 0 pass messages that wait for an acknowledgement, as order holds only within a QoS;
//! - repeats PUBRELs before PUBLISHes when a client is back;
//! - closes the connection for a topic filter that is no filter (0x8F), and does nothing of its packet;
//! - refuses packet identifiers in use by a code (0x91) in 5.0, and not at all in 3.1.1, which has none;
//! - acknowledges and forgets what clients publish below `$SYS/` in 3.1.1, and refuses it (0x87) in 5.0;
//! - answers a protocol level that is neither 4 nor 5 with return code 0x01 in the 3.1.1 form;
//! - gives a client identifier to a 5.0 client without one, also for a session that is kept;
//! - takes `$share/` as shared only from 5.0 clients;
//! - never sends topic aliases;
//! - while its storage is full, refuses QoS 1 and 2 messages and what would have to be retained (3.1.1 has no code for
//!   this: the connection is closed), new sessions that are kept or have a will, and subscriptions in kept sessions;
//!   it goes on with sessions that there are, deliveries, acknowledgements, unretained QoS 0 and all that ends
//!   something.

pub mod codec;
pub mod config;
pub mod violation;

mod connection;
mod delivery;
mod handle;
mod inflight;
mod journal;
mod level;
mod message;
mod retained;
mod session;
mod sessions;
mod subscription;
mod timer;
mod topic;
mod will;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use config::{ECHO_METHOD, MqttConfig};
pub(crate) use journal::record_name;

use crate::effect::{ConnectionId, Effects, Input, Now};
use connection::{Connection, Phase, Turn};
use delivery::Limits;
use journal::Changes;
use message::{Delivery, Message};
use retained::RetainedStore;
use sessions::Sessions;
use subscription::SubscriptionTree;
use timer::{Timer, Timers};

/// The MQTT half of the broker.
#[derive(Debug)]
pub struct Mqtt {
    config: MqttConfig,
    connections: BTreeMap<ConnectionId, Connection>,
    sessions: Sessions,
    subscriptions: SubscriptionTree,
    retained: RetainedStore,
    timers: Timers,
    /// How many client identifiers have been invented.
    assigned_client_ids: u64,
    /// How many challenges have been invented.
    challenges: u64,
    /// Whether changes must outlive the process.
    durable: bool,
    /// While records are read: what the numbers in them stand for.
    numbered: BTreeMap<u64, Arc<Message>>,
    /// There is no room to keep anything more.
    storage_full: bool,
}

impl Mqtt {
    /// Without connections or sessions; with records of what must outlive the process if `durable`.
    ///
    /// # Panics
    /// If `receive_maximum` is 0.
    pub fn new(config: MqttConfig, durable: bool) -> Self {
        assert!(
            config.receive_maximum > 0,
            "a Receive Maximum of 0 would let nobody publish with QoS 1 or 2"
        );
        Self {
            config,
            connections: BTreeMap::new(),
            sessions: Sessions::default(),
            subscriptions: SubscriptionTree::new(),
            retained: RetainedStore::default(),
            timers: Timers::default(),
            assigned_client_ids: 0,
            challenges: 0,
            durable,
            numbered: BTreeMap::new(),
            storage_full: false,
        }
    }

    /// Takes one input that concerns a MQTT connection, or all of them.
    #[expect(clippy::needless_pass_by_value, reason = "an input is given away, as at the door of the broker")]
    pub fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects) {
        let turn = &mut Turn { now, effects, changes: Changes::new(self.durable) };
        // What comes in the very moment in which something is due comes in time.
        let just_before = now.saturating_sub(Duration::from_nanos(1));
        self.run_timers(just_before, turn);
        match input {
            Input::Opened { connection, .. } => self.on_opened(connection, turn),
            Input::Received { connection, bytes } => self.on_received(connection, bytes, turn),
            Input::Taken { connection, bytes } => self.on_taken(connection, bytes, turn),
            Input::Closed { connection } => self.end_connection(connection, turn),
            Input::TimePassed => {}
            Input::Storage { full } => self.storage_full = full,
            Input::ShutDown => self.shut_down(turn),
        }
        self.run_timers(now, turn);
        turn.changes.flush(turn.effects);
    }

    /// When something is due. Always after the latest `now`.
    pub fn next_deadline(&self) -> Option<Now> {
        self.timers.next_due()
    }

    fn run_timers(&mut self, by: Now, turn: &mut Turn<'_>) {
        while let Some(timer) = self.timers.pop_due(by) {
            match timer {
                Timer::Silence(connection) => self.on_silence(connection, turn),
                Timer::Will(client) => self.publish_will(&client, turn),
                Timer::Session(client) => self.end_session(&client, turn),
            }
        }
    }

    fn on_opened(&mut self, connection: ConnectionId, turn: &mut Turn<'_>) {
        self.connections.insert(connection, Connection::new(connection));
        self.timers.set(Timer::Silence(connection), turn.now + self.config.connect_timeout);
    }

    fn on_taken(&mut self, connection: ConnectionId, bytes: usize, turn: &mut Turn<'_>) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.outbound.on_taken(bytes);
        }
        self.pump(connection, turn);
    }

    fn limits(&self) -> Limits {
        Limits {
            high_water_bytes: self.config.high_water_bytes,
            queued_messages: self.config.queued_messages_maximum,
        }
    }

    /// Sends what a client may be sent by now.
    fn pump(&mut self, connection: ConnectionId, turn: &mut Turn<'_>) {
        let limits = self.limits();
        let Some(connection) = self.connections.get_mut(&connection) else { return };
        let Phase::Connected(client) = &connection.phase else { return };
        if let Some(session) = self.sessions.get_mut(&client.id) {
            delivery::pump(&mut connection.outbound, session, limits, turn);
        }
    }

    /// Stores a message where it is to be retained, and hands a copy to every session that wants one.
    /// Whether anybody did.
    fn accept_message(&mut self, message: &Arc<Message>, turn: &mut Turn<'_>) -> bool {
        if message.retain {
            // [mqtt-5.0/MQTT-3.3.1-6] an empty message clears the topic.
            if message.payload.is_empty() {
                self.retained.clear(&message.topic_name, &mut turn.changes);
            } else {
                self.retained.store(message.clone(), &mut turn.changes);
            }
        }
        let sessions = &self.sessions;
        let matches = self
            .subscriptions
            .matching(&message.topic_name, &message.publisher, |client| sessions.is_connected(client));
        let anybody = !matches.is_empty();
        for (client, copy) in matches {
            let delivery = Delivery {
                message: message.clone(),
                // [mqtt-5.0/MQTT-3.8.4-8] the lower of published and granted.
                qos: message.qos.min(copy.granted_qos),
                // [mqtt-5.0/MQTT-3.3.1-12] and -13: RETAIN only for those who want it as published.
                retain: message.retain && copy.retain_as_published,
                subscription_identifiers: copy.identifiers.into_iter().collect(),
            };
            self.deliver(&client, delivery, turn);
        }
        anybody
    }

    /// Hands a retained message to a client that just subscribed. One of QoS 0 waits for a slow reader, as it
    /// is asked for and not part of a stream.
    fn deliver_retained(&mut self, client: &str, delivery: Delivery, turn: &mut Turn<'_>) {
        let limits = self.limits();
        let Some(session) = self.sessions.get_mut(client) else { return };
        let Some(id) = session.connection else { return };
        session.enqueue(delivery, limits.queued_messages, &mut turn.changes);
        self.pump(id, turn);
    }

    /// Hands one copy to one session.
    fn deliver(&mut self, client: &str, delivery: Delivery, turn: &mut Turn<'_>) {
        let limits = self.limits();
        let Some(session) = self.sessions.get_mut(client) else { return };
        match session.connection.and_then(|connection| self.connections.get_mut(&connection)) {
            Some(connection) => {
                delivery::offer(&mut connection.outbound, session, delivery, limits, turn);
            }
            None => delivery::offer_offline(session, delivery, limits, turn),
        }
    }
}
