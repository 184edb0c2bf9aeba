//! From a session's queue to its client, as far as the client, its limits and the network allow.

use crate::effect::Now;

use super::codec::publish::Outgoing;
use super::codec::{PacketIdentifier, Qos};
use super::connection::{Outbound, Turn};
use super::message::Delivery;
use super::session::Session;

/// What an operator allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Backlog at which messages are held back, in bytes.
    pub(crate) high_water_bytes: usize,
    /// How many messages wait for one client.
    pub(crate) queued_messages: usize,
}

/// Hands a message to a session whose client is away: kept if its QoS says so.
pub(crate) fn offer_offline(session: &mut Session, delivery: Delivery, limits: Limits, turn: &mut Turn<'_>) {
    if delivery.qos != Qos::AtMostOnce {
        session.enqueue(delivery, limits.queued_messages, &mut turn.changes);
    }
}

/// Hands a message to a session whose client is connected.
pub(crate) fn offer(
    outbound: &mut Outbound,
    session: &mut Session,
    delivery: Delivery,
    limits: Limits,
    turn: &mut Turn<'_>,
) {
    if delivery.qos == Qos::AtMostOnce {
        if outbound.backlog() > limits.high_water_bytes {
            return; // "at most once": a slow reader misses some
        }
        if !session.has_queued_at_most_once() {
            send(outbound, None, &delivery, false, turn);
            return;
        }
    }
    session.enqueue(delivery, limits.queued_messages, &mut turn.changes);
    pump(outbound, session, limits, turn);
}

/// Sends what may be sent: first again what was sent before the client came back, then what waits.
pub(crate) fn pump(outbound: &mut Outbound, session: &mut Session, limits: Limits, turn: &mut Turn<'_>) {
    while outbound.backlog() <= limits.high_water_bytes {
        let went_on = if session.has_to_resend() {
            resend_next(outbound, session, turn)
        } else {
            send_next(outbound, session, turn)
        };
        if !went_on {
            return;
        }
    }
}

/// [mqtt-5.0/MQTT-4.4.0-1] sends an unacknowledged PUBLISH again, under its packet identifier and marked.
fn resend_next(outbound: &mut Outbound, session: &mut Session, turn: &mut Turn<'_>) -> bool {
    if !session.has_room(outbound.receive_maximum) {
        return false;
    }
    let Some((identifier, delivery)) = session.next_to_resend() else { return false };
    if !send(outbound, Some(identifier), &delivery, true, turn) {
        session.abandon_delivery(identifier, &mut turn.changes);
    }
    true
}

/// Sends the message whose turn it is, or drops it where it came too late or is too large.
fn send_next(outbound: &mut Outbound, session: &mut Session, turn: &mut Turn<'_>) -> bool {
    let Some(next) = session.next_queued() else { return false };
    // [mqtt-5.0/MQTT-3.3.2-5] an expired copy is deleted if its delivery has not begun.
    let expired = next.message.is_expired(turn.now);
    let unacknowledged = next.qos != Qos::AtMostOnce;
    if !expired && unacknowledged && !session.has_room(outbound.receive_maximum) {
        return false;
    }
    if expired || !unacknowledged {
        let Some(delivery) = session.dequeue(&mut turn.changes) else { return false };
        if !expired {
            send(outbound, None, &delivery, false, turn);
        }
        return true;
    }
    let Some((identifier, delivery)) = session.begin_next(&mut turn.changes) else { return false };
    if !send(outbound, Some(identifier), &delivery, false, turn) {
        // [mqtt-5.0/MQTT-3.1.2-25] too large for the client: as if it had been delivered.
        session.abandon_delivery(identifier, &mut turn.changes);
    }
    true
}

/// Sends one copy unless it is too large for the client. Whether it was sent.
fn send(
    outbound: &mut Outbound,
    packet_identifier: Option<PacketIdentifier>,
    delivery: &Delivery,
    dup: bool,
    turn: &mut Turn<'_>,
) -> bool {
    let packet = outgoing(packet_identifier, delivery, dup, turn.now);
    if !outbound.takes(packet.size(outbound.version)) {
        return false;
    }
    outbound.send_publish(packet.encode(outbound.version), turn);
    true
}

fn outgoing(
    packet_identifier: Option<PacketIdentifier>,
    delivery: &Delivery,
    dup: bool,
    now: Now,
) -> Outgoing<'_> {
    let message = &delivery.message;
    Outgoing {
        dup,
        qos: delivery.qos,
        retain: delivery.retain,
        topic_name: &message.topic_name,
        packet_identifier,
        message_expiry_secs: message.expiry_left_secs(now),
        forwarded: &message.forwarded,
        subscription_identifiers: &delivery.subscription_identifiers,
        payload: &message.payload,
    }
}
