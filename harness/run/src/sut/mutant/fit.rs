//! Which rewrite fits what passes the door.

use mqspec_conformance::mutant::{Condition, Occasion, PacketMatch, Rewrite};
use mqspec_conformance::plan::Bindings;
use mqspec_wire::{Field, Packet, Side, Value};

use super::connection::Connection;

/// The first rewrite that fits a packet; counts those that would, up to it.
pub(super) fn packet<'a>(
    rewrites: &'a [Rewrite],
    connection: &mut Connection,
    overall: &mut [u64],
    packet: &Packet,
    sender: Side,
) -> Option<&'a Rewrite> {
    let bindings = bindings(packet, connection.latest.as_ref());
    first(rewrites, connection, overall, |rewrite| match &rewrite.on {
        Occasion::FromClient(wanted) => sender == Side::Client && matches(wanted, packet, &bindings),
        Occasion::FromBroker(wanted) => sender == Side::Server && matches(wanted, packet, &bindings),
        Occasion::BrokerCloses | Occasion::ClientCloses => false,
    })
}

/// The first rewrite that fits the end of a connection.
pub(super) fn close<'a>(
    rewrites: &'a [Rewrite],
    connection: &mut Connection,
    overall: &mut [u64],
    occasion: &Occasion,
) -> Option<&'a Rewrite> {
    first(rewrites, connection, overall, |rewrite| rewrite.on == *occasion)
}

fn first<'a>(
    rewrites: &'a [Rewrite],
    connection: &mut Connection,
    overall: &mut [u64],
    fits: impl Fn(&Rewrite) -> bool,
) -> Option<&'a Rewrite> {
    let latest = connection.latest.as_ref();
    for ((rewrite, here), everywhere) in rewrites.iter().zip(&mut connection.fitted).zip(overall) {
        let follows = rewrite.after.as_ref().is_none_or(|wanted| {
            latest.is_some_and(|latest| matches(wanted, latest, &bindings(latest, Some(latest))))
        });
        if !follows || !fits(rewrite) {
            continue;
        }
        *here += 1;
        *everywhere += 1;
        let count = if rewrite.overall { *everywhere } else { *here };
        if rewrite.nth.is_none_or(|nth| nth == count) {
            return Some(rewrite);
        }
    }
    None
}

fn matches(wanted: &PacketMatch, packet: &Packet, bindings: &Bindings) -> bool {
    let named = wanted.names.is_empty() || wanted.names.iter().any(|name| name == packet.name);
    let odd = wanted
        .breaks
        .as_ref()
        .is_none_or(|statement| packet.oddities.iter().any(|oddity| oddity.statement == statement));
    named && odd && wanted.fields.iter().all(|condition| holds(condition, packet, bindings))
}

fn holds(condition: &Condition, packet: &Packet, bindings: &Bindings) -> bool {
    let Some(list) = &condition.list else { return condition.field.compare(packet, bindings).is_ok() };
    let Some(Value::List(entries)) = packet.get(list) else { return false };
    entries.iter().any(|entry| {
        let value = entry_of(entry, &condition.field.name);
        condition.field.matcher.holds(value, bindings) == Ok(true)
    })
}

fn entry_of<'a>(entry: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Map(fields) = entry.untagged() else { return None };
    fields.iter().find(|(key, _)| key.as_ref() == name.as_bytes()).map(|(_, value)| value)
}

/// Each field under its name, and those of the client's latest packet with `client_` before it.
pub(super) fn bindings(packet: &Packet, latest: Option<&Packet>) -> Bindings {
    let mut bindings: Bindings = [("run", "run"), ("user", "guest"), ("password", "guest"), ("vhost", "/")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::text(value)))
        .collect();
    let mut bind = |prefix: &str, fields: &[Field]| {
        for field in fields {
            bindings.insert(format!("{prefix}{}", field.name), field.value.clone());
        }
    };
    bind("", &packet.fields);
    bind("client_", latest.map_or(&[], |latest| &latest.fields));
    bindings
}
