//! Which rewrite fits what passes the door.

use mqspec_conformance::mutant::{Circumstance, Condition, Occasion, PacketMatch, Rewrite, remembered_as};
use mqspec_conformance::plan::Bindings;
use mqspec_wire::{Packet, Side, Spec, Value};

use super::connection::Connection;
use super::memory::{History, Past};

/// The rewrites, how often each has fitted on any connection, and what they may look at.
#[derive(Debug)]
pub(super) struct Fitter<'a> {
    pub(super) rewrites: &'a [Rewrite],
    pub(super) overall: &'a mut [u64],
    pub(super) history: &'a History,
    /// What the mutant lies in.
    pub(super) spec: Spec,
}

impl<'a> Fitter<'a> {
    /// The first rewrite that fits a packet; counts those that would, up to it.
    pub(super) fn packet(
        &mut self,
        connection: &mut Connection,
        packet: &Packet,
        sender: Side,
    ) -> Option<&'a Rewrite> {
        let bindings = bindings(packet, connection);
        self.first(connection, false, |rewrite| match &rewrite.on {
            Occasion::FromClient(wanted) => sender == Side::Client && matches(wanted, packet, &bindings),
            Occasion::FromBroker(wanted) => sender == Side::Server && matches(wanted, packet, &bindings),
            Occasion::BrokerCloses | Occasion::ClientCloses | Occasion::Record(_) => false,
        })
    }

    /// The first rewrite that fits the end of a connection.
    pub(super) fn close(&mut self, connection: &mut Connection, occasion: &Occasion) -> Option<&'a Rewrite> {
        self.first(connection, true, |rewrite| rewrite.on == *occasion)
    }

    /// The first rewrite that fits a record, written because of something on this connection, if on any.
    pub(super) fn record(&mut self, cause: Option<&Connection>, name: &str) -> Option<&'a Rewrite> {
        let wanted = |rewrite: &Rewrite| match &rewrite.on {
            Occasion::Record(names) => names.is_empty() || names.iter().any(|wanted| wanted == name),
            Occasion::FromClient(_)
            | Occasion::FromBroker(_)
            | Occasion::BrokerCloses
            | Occasion::ClientCloses => false,
        };
        let latest = cause.and_then(|connection| connection.latest.as_ref());
        let nothing = Past::default();
        let past = cause.map_or(&nothing, |connection| &connection.past);
        for (rewrite, everywhere) in self.rewrites.iter().zip(self.overall.iter_mut()) {
            let when = rewrite.when.iter().all(|word| self.history.holds(*word, past, self.spec.is_mqtt()));
            if when && wanted(rewrite) && follows(rewrite, latest) {
                *everywhere += 1;
                if rewrite.nth.is_none_or(|nth| nth == *everywhere) {
                    return Some(rewrite);
                }
            }
        }
        None
    }

    fn first(
        &mut self,
        connection: &mut Connection,
        at_end: bool,
        fits: impl Fn(&Rewrite) -> bool,
    ) -> Option<&'a Rewrite> {
        let Connection { latest, past, fitted, .. } = connection;
        for ((rewrite, here), everywhere) in self.rewrites.iter().zip(fitted).zip(self.overall.iter_mut()) {
            let when = rewrite.when.iter().all(|word| {
                if at_end && *word == Circumstance::Cut {
                    return past.is_unfinished();
                }
                self.history.holds(*word, past, self.spec.is_mqtt())
            });
            let previous = rewrite.previous.as_ref().is_none_or(|wanted| {
                past.previous.as_ref().is_some_and(|connect| matches(wanted, connect, &Bindings::new()))
            });
            if !when || !previous || !follows(rewrite, latest.as_ref()) || !fits(rewrite) {
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
}

fn follows(rewrite: &Rewrite, latest: Option<&Packet>) -> bool {
    rewrite
        .after
        .as_ref()
        .is_none_or(|wanted| latest.is_some_and(|latest| matches(wanted, latest, &own_fields(latest))))
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

/// Each field of a packet under its name; with `client_` before it that of the latest packet from the client,
/// with a packet's name that of the latest such packet, with `previous_` that of the client's previous CONNECT.
pub(super) fn bindings(packet: &Packet, connection: &Connection) -> Bindings {
    let mut bindings = remembered(connection);
    bind(&mut bindings, "", packet);
    bindings
}

/// What of [`bindings`] does not need a packet at hand.
pub(super) fn remembered(connection: &Connection) -> Bindings {
    let mut bindings: Bindings = [("run", "run"), ("user", "guest"), ("password", "guest"), ("vhost", "/")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::text(value)))
        .collect();
    for packet in connection.past.said.values() {
        bind(&mut bindings, &format!("{}_", remembered_as(packet.name)), packet);
    }
    if let Some(connect) = &connection.past.previous {
        bind(&mut bindings, "previous_", connect);
    }
    if let Some(latest) = &connection.latest {
        bind(&mut bindings, "client_", latest);
    }
    bindings
}

fn own_fields(packet: &Packet) -> Bindings {
    let mut bindings = Bindings::new();
    bind(&mut bindings, "", packet);
    bind(&mut bindings, "client_", packet);
    bindings
}

fn bind(bindings: &mut Bindings, prefix: &str, packet: &Packet) {
    for field in &packet.fields {
        bindings.insert(format!("{prefix}{}", field.name), field.value.clone());
    }
}
