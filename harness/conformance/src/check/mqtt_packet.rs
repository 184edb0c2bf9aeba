//! Reading MQTT packets by field name, the same for both versions.

use std::collections::BTreeMap;

use bytes::Bytes;
use mqspec_wire::{Packet, Value};

/// An entry of a SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subscription {
    /// The filter as sent.
    pub(super) filter: Bytes,
    /// The maximum QoS asked for.
    pub(super) qos: u8,
    /// Retain As Published (5.0).
    pub(super) retain_as_published: bool,
    /// No Local (5.0).
    pub(super) no_local: bool,
    /// Retain Handling (5.0); 0 in 3.1.1.
    pub(super) retain_handling: u8,
}

/// The packet identifier; 0 where there is none.
pub(super) fn packet_id(packet: &Packet) -> i128 {
    packet.integer("packet_id").unwrap_or(0)
}

/// The QoS of a PUBLISH.
pub(super) fn qos(packet: &Packet) -> u8 {
    packet.integer("qos").map_or(0, small)
}

/// Whether a flag is set; an absent one is not.
pub(super) fn flag(packet: &Packet, name: &str) -> bool {
    packet.get(name).is_some_and(truth)
}

/// The reason code of CONNACK, DISCONNECT or an acknowledgement; success where it was left out.
pub(super) fn reason_code(packet: &Packet) -> i128 {
    packet.integer("reason_code").unwrap_or(0)
}

/// Whether the reason code is one of failure, from 0x80 on.
pub(super) fn failed(packet: &Packet) -> bool {
    reason_code(packet) >= 0x80
}

/// The text or bytes of a field; empty where it is absent.
pub(super) fn bytes(packet: &Packet, name: &str) -> Bytes {
    packet.bytes(name).cloned().unwrap_or_default()
}

/// The reason codes of SUBACK or UNSUBACK.
pub(super) fn reason_codes(packet: &Packet) -> Vec<i128> {
    list(packet, "reason_codes").iter().filter_map(Value::as_integer).collect()
}

/// The entries of a SUBSCRIBE, in order.
pub(super) fn subscriptions(packet: &Packet) -> Vec<Subscription> {
    list(packet, "subscriptions")
        .iter()
        .filter_map(|entry| {
            let Value::Map(fields) = entry.untagged() else { return None };
            let get = |name: &str| {
                fields.iter().find(|(key, _)| key.as_ref() == name.as_bytes()).map(|(_, value)| value)
            };
            Some(Subscription {
                filter: get("filter")?.as_bytes()?.clone(),
                qos: get("qos").and_then(Value::as_integer).map_or(0, small),
                retain_as_published: get("retain_as_published").is_some_and(truth),
                no_local: get("no_local").is_some_and(truth),
                retain_handling: get("retain_handling").and_then(Value::as_integer).map_or(0, small),
            })
        })
        .collect()
}

/// The filters of an UNSUBSCRIBE, in order.
pub(super) fn unsubscribed(packet: &Packet) -> Vec<Bytes> {
    list(packet, "filters").iter().filter_map(Value::as_bytes).cloned().collect()
}

fn list<'a>(packet: &'a Packet, name: &str) -> &'a [Value] {
    match packet.get(name).map(Value::untagged) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

fn truth(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_integer().is_some_and(|number| number != 0))
}

fn small(number: i128) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// The topic of a PUBLISH, its alias looked up.
pub(super) fn resolve(publish: &Packet, aliases: &mut BTreeMap<i128, Bytes>) -> Option<Bytes> {
    let topic = bytes(publish, "topic");
    let Some(alias) = publish.integer("topic_alias") else { return Some(topic) };
    if topic.is_empty() {
        return aliases.get(&alias).cloned();
    }
    aliases.insert(alias, topic.clone());
    Some(topic)
}
