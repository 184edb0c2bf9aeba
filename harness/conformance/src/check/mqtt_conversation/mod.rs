//! An MQTT broker's half of each conversation: which packet may follow which, and within what limits.
//!
//! Always on, so it never accuses where it cannot be sure. It falls silent on a connection once the tester
//! itself sent something malformed or out of turn, it treats everything sent as possibly seen by the broker
//! unless the fault layer put something else in its place, and it knows a session only if the trace has seen
//! it begin.

mod answers;
mod connection;
mod deliveries;
mod limits;
mod session;

use std::collections::BTreeMap;

use bytes::Bytes;
use mqspec_wire::Spec;

use super::judge::Findings;
use crate::plan::ActorId;
use crate::trace::{ConnectionNumber, Event, Fate, Trace, What};
use crate::verdict::Finding;
use connection::Connection;
use session::Session;

/// Judges the conversations of all MQTT actors.
pub fn check(trace: &Trace) -> Vec<Finding> {
    let mut walk = Walk {
        trace,
        connections: BTreeMap::new(),
        sessions: BTreeMap::new(),
        holders: BTreeMap::new(),
        findings: Findings::new("mqtt_conversation"),
    };
    for event in &trace.events {
        walk.on_event(event);
    }
    walk.findings.into_vec()
}

type Key = (ActorId, ConnectionNumber);

struct Walk<'a> {
    trace: &'a Trace,
    connections: BTreeMap<Key, Connection>,
    /// Sessions without a connection, by client identifier.
    sessions: BTreeMap<Bytes, Session>,
    /// The connection that last used a client identifier.
    holders: BTreeMap<Bytes, Key>,
    findings: Findings,
}

impl Walk<'_> {
    fn mqtt(&self, actor: ActorId) -> Option<Spec> {
        self.trace.actor_spec(actor).filter(|spec| spec.is_mqtt())
    }

    fn connection(&mut self, spec: Spec, key: Key) -> &mut Connection {
        self.connections.entry(key).or_insert_with(|| Connection::new(spec))
    }

    fn on_event(&mut self, event: &Event) {
        match &event.what {
            What::Opened { actor, connection } => {
                if let Some(spec) = self.mqtt(*actor) {
                    self.connections.insert((*actor, *connection), Connection::new(spec));
                }
            }
            What::Sent { actor, connection, packet, fate } => {
                if !fate.may_reach() {
                    return;
                }
                let Some(spec) = self.mqtt(*actor) else { return };
                let key = (*actor, *connection);
                if packet.name == "connect" {
                    let earlier = session::client_id(packet).and_then(|id| self.claim(id, key));
                    self.connection(spec, key).on_connect(packet, earlier);
                } else {
                    self.connection(spec, key).on_sent(event.sequence, packet);
                }
            }
            What::Received { actor, connection, packet, fate } => {
                let Some(spec) = self.mqtt(*actor) else { return };
                let key = (*actor, *connection);
                if *fate == Fate::Cut {
                    self.connection(spec, key).lose_sight();
                } else if fate.is_sent() {
                    let connection = self.connections.entry(key).or_insert_with(|| Connection::new(spec));
                    connection.on_received(event, packet, &mut self.findings);
                    if *fate == Fate::Flipped {
                        connection.mislead();
                    }
                    if let Some(assigned) = connection.assigned.take() {
                        self.holders.insert(assigned, key);
                    }
                }
            }
            What::Ended { actor, connection, by, .. } => {
                let key = (*actor, *connection);
                let Some(ended) = self.connections.remove(&key) else { return };
                if let Some((id, mut session)) = ended.into_session()
                    && self.holders.get(&id) == Some(&key)
                {
                    session.ended = Some((event.at, *by));
                    self.sessions.insert(id, session);
                }
            }
            // What a broker still knows after a crash or a restart is for scenarios to say.
            What::Broker { .. } => {
                self.sessions.clear();
                self.holders.clear();
            }
            What::Step { .. } | What::OpenFailed { .. } | What::Fault { .. } | What::Bound { .. } => {}
        }
    }

    /// Moves a client identifier's session to a new connection. Nothing is left behind: what an older
    /// connection may still be sent, or what becomes of the session if this CONNECT fails, is not known.
    fn claim(&mut self, id: Bytes, by: Key) -> Option<Session> {
        let stored = self.sessions.remove(&id);
        let holder = self.holders.insert(id, by).filter(|holder| *holder != by);
        let live =
            holder.and_then(|holder| self.connections.get_mut(&holder)).and_then(Connection::take_session);
        stored.or(live)
    }
}
