//! An AMQP broker's half of each conversation: the handshake, replies, content, deliveries and confirms.
//!
//! Always on, so it never accuses where it cannot be sure: it falls silent on a connection once the tester
//! itself broke the protocol, and it counts an acknowledgement as received by the broker from the moment
//! at which it was sent, unless the fault layer put something else in its place.

mod channel;
mod confirms;
mod connection;
mod consumers;
mod redelivered;
mod replies;

use std::collections::BTreeMap;

use mqspec_wire::Spec;

use super::judge::Findings;
use crate::plan::ActorId;
use crate::trace::{ConnectionNumber, Event, Fate, Trace, What};
use crate::verdict::Finding;
use connection::Connection;
use redelivered::Redelivered;

/// Judges the conversations of all AMQP actors.
pub fn check(trace: &Trace) -> Vec<Finding> {
    let mut walk = Walk {
        trace,
        connections: BTreeMap::new(),
        redelivered: Redelivered::default(),
        findings: Findings::new("amqp_conversation"),
    };
    for event in &trace.events {
        walk.on_event(event);
    }
    let Walk { redelivered, mut findings, .. } = walk;
    redelivered.judge(&mut findings);
    findings.into_vec()
}

struct Walk<'a> {
    trace: &'a Trace,
    connections: BTreeMap<(ActorId, ConnectionNumber), Connection>,
    redelivered: Redelivered,
    findings: Findings,
}

impl Walk<'_> {
    fn speaks_amqp(&self, actor: ActorId) -> bool {
        self.trace.actor_spec(actor) == Some(Spec::Amqp091)
    }

    fn on_event(&mut self, event: &Event) {
        match &event.what {
            What::Opened { actor, connection } if self.speaks_amqp(*actor) => {
                self.connections.insert((*actor, *connection), Connection::default());
            }
            What::Sent { actor, connection, packet, fate }
                if self.speaks_amqp(*actor) && fate.may_reach() =>
            {
                self.redelivered.on_sent((*actor, *connection), packet);
                self.connections.entry((*actor, *connection)).or_default().on_sent(packet);
            }
            What::Received { actor, connection, packet, fate } if self.speaks_amqp(*actor) => {
                let key = (*actor, *connection);
                // What is read after the client has closed its connection answers something that is not remembered.
                let Some(connection) = self.connections.get_mut(&key) else { return };
                if *fate == Fate::Cut {
                    connection.lose_sight();
                } else if fate.is_sent() {
                    self.redelivered.on_received(key, event.sequence, packet);
                    connection.on_received(event.sequence, packet, &mut self.findings);
                    if *fate == Fate::Flipped {
                        connection.mislead();
                    }
                }
            }
            What::Ended { actor, connection, by, .. } if self.speaks_amqp(*actor) => {
                self.redelivered.on_ended((*actor, *connection), *by);
                self.connections.remove(&(*actor, *connection));
            }
            What::Broker { text } if text != "started" => self.redelivered.on_disturbance(),
            What::Fault { .. } => self.redelivered.on_fault(),
            What::Opened { .. }
            | What::Sent { .. }
            | What::Received { .. }
            | What::Ended { .. }
            | What::Broker { .. }
            | What::Step { .. }
            | What::OpenFailed { .. }
            | What::Bound { .. } => {}
        }
    }
}
