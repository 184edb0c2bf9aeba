//! Which of the things that have arrived a step looks at.

use mqspec_conformance::plan::{Bindings, Field, Matcher, Pattern};
use mqspec_conformance::trace::Trace;
use mqspec_wire::{Packet, Spec};

use crate::actor::Actor;

/// The channel that an AMQP pattern is about; `None` for MQTT and for the connection as a whole.
pub(super) fn channel_of(pattern: &Pattern, spec: Spec) -> Option<u16> {
    match pattern {
        Pattern::Packet { channel, .. } if !spec.is_mqtt() => *channel,
        Pattern::Packet { .. } | Pattern::Closed { .. } => None,
    }
}

/// The oldest item that concerns a channel: its own packets, and whatever ends the connection. Heartbeats
/// and `connection.blocked` come when they like and concern nobody who does not ask for them.
pub(super) fn next_item(actor: &Actor, channel: Option<u16>, trace: &Trace) -> Option<usize> {
    actor.inbox.borrow().items().position(|item| {
        let Some(packet) = item.packet(trace) else { return true };
        match channel {
            Some(wanted) => {
                packet.integer("channel").is_none_or(|actual| i128::from(wanted) == actual)
                    || ends_connection(packet)
            }
            None => !comes_unasked(packet),
        }
    })
}

/// The oldest item that one of the patterns is about: the right packet with the right identifier, or what
/// makes it impossible that this still comes.
pub(super) fn matching_item(
    actor: &Actor,
    patterns: &[Pattern],
    channel: Option<u16>,
    (trace, bindings): (&Trace, &Bindings),
) -> Option<usize> {
    actor.inbox.borrow().items().position(|item| {
        let Some(packet) = item.packet(trace) else { return true };
        let on_channel = channel.is_none_or(|channel| {
            packet.integer("channel").is_none_or(|actual| actual == i128::from(channel))
        });
        ends_connection(packet)
            || (on_channel && packet.name == "channel.close")
            || (on_channel && patterns.iter().any(|pattern| is_about(pattern, packet, bindings)))
    })
}

/// Whether a pattern waits for this packet, whatever its other fields say.
fn is_about(pattern: &Pattern, packet: &Packet, bindings: &Bindings) -> bool {
    let Pattern::Packet { name, fields, .. } = pattern else { return is_farewell(packet) };
    let identified = |field: &Field| {
        field.name != "packet_id"
            || !matches!(field.matcher, Matcher::Equals(_))
            || field.compare(packet, bindings).is_ok()
    };
    name == packet.name && fields.iter().all(identified)
}

/// Whether a packet announces that the broker is about to close the connection.
pub(super) fn is_farewell(packet: &Packet) -> bool {
    match packet.name {
        "connack" => packet.integer("reason_code").is_some_and(|code| code != 0),
        "disconnect" | "connection.close" | "protocol-header" => true,
        _ => false,
    }
}

fn ends_connection(packet: &Packet) -> bool {
    matches!(packet.name, "connection.close" | "disconnect" | "unknown")
}

fn comes_unasked(packet: &Packet) -> bool {
    matches!(packet.name, "heartbeat" | "connection.blocked" | "connection.unblocked")
}
