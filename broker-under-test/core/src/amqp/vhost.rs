//! A virtual host: its exchanges, its queues' names, and routing through them (§3.1.2).

use std::collections::{BTreeMap, BTreeSet};

use super::binding::Destination;
use super::codec::FieldTable;
use super::consumer::ChannelKey;
use super::exchange::{Exchange, ExchangeSettings, ExchangeType};
use super::message::Name;
use super::queue::QueueId;

/// Entities that cannot be seen from other virtual hosts.
#[derive(Debug)]
pub(crate) struct Vhost {
    pub(crate) exchanges: BTreeMap<Name, Exchange>,
    pub(crate) queues: BTreeMap<Name, QueueId>,
    /// Who waits for direct replies under which generated name.
    pub(crate) reply_addresses: BTreeMap<Name, ChannelKey>,
}

/// `amq.` and type for each type (XML rule required-instances), and the prose's name for headers.
const PREDECLARED: [(&str, ExchangeType); 5] = [
    ("amq.direct", ExchangeType::Direct),
    ("amq.fanout", ExchangeType::Fanout),
    ("amq.topic", ExchangeType::Topic),
    ("amq.headers", ExchangeType::Headers),
    ("amq.match", ExchangeType::Headers),
];

impl Vhost {
    /// With the predeclared exchanges, which are durable. The default exchange is not in the map: every queue is
    /// bound to it under its own name, so the queues' names are its bindings.
    pub(crate) fn new() -> Self {
        let exchanges = PREDECLARED.map(|(name, exchange_type)| {
            let settings = ExchangeSettings {
                exchange_type,
                durable: true,
                auto_delete: false,
                internal: false,
                alternate: None,
            };
            (Name::from(name), Exchange::new(settings))
        });
        Self {
            exchanges: BTreeMap::from(exchanges),
            queues: BTreeMap::new(),
            reply_addresses: BTreeMap::new(),
        }
    }

    /// The queues that a message goes to: each once, over any number of bindings, exchanges and cycles.
    pub(crate) fn route(
        &self,
        exchange: &Name,
        routing_keys: &[Name],
        headers: FieldTable<'_>,
    ) -> BTreeSet<QueueId> {
        let mut queues = BTreeSet::new();
        let mut visited = BTreeSet::new();
        let mut open = vec![exchange.clone()];
        while let Some(name) = open.pop() {
            if name.is_empty() {
                queues.extend(routing_keys.iter().filter_map(|key| self.queues.get(key)));
                continue;
            }
            // [rabbitmq/RMQ-ae-missing] an alternate exchange may be missing.
            let Some(exchange) = self.exchanges.get(&name) else { continue };
            if !visited.insert(name) {
                continue; // [rabbitmq/RMQ-e2e-bind-cyclical] cycles are allowed and do not loop.
            }
            let destinations = exchange.destinations(routing_keys, headers);
            if destinations.is_empty() {
                open.extend(exchange.settings.alternate.clone());
            }
            for destination in destinations {
                match destination {
                    Destination::Queue(queue) => {
                        queues.insert(queue);
                    }
                    Destination::Exchange(next) => open.push(next),
                }
            }
        }
        queues
    }

    /// Removes what leads to a destination that is gone, and auto-delete exchanges with their last binding; hands out
    /// the latter.
    pub(crate) fn forget_destination(&mut self, destination: &Destination) -> Vec<(Name, Exchange)> {
        let mut removed = Vec::new();
        let mut gone = vec![destination.clone()];
        while let Some(destination) = gone.pop() {
            let mut unused = Vec::new();
            for (name, exchange) in &mut self.exchanges {
                let lost = exchange.unbind_all(&destination);
                if lost && exchange.settings.auto_delete && !exchange.has_bindings() {
                    unused.push(name.clone());
                }
            }
            for name in unused {
                removed.extend(self.exchanges.remove_entry(&name));
                gone.push(Destination::Exchange(name));
            }
        }
        removed
    }

    /// Removes an exchange, its bindings and the bindings to it; hands out all exchanges that go with it.
    pub(crate) fn delete_exchange(&mut self, name: &Name) -> Vec<(Name, Exchange)> {
        let mut removed: Vec<_> = self.exchanges.remove_entry(name).into_iter().collect();
        removed.extend(self.forget_destination(&Destination::Exchange(name.clone())));
        removed
    }

    /// Removes what leads to a destination, and nothing else.
    pub(crate) fn unbind_destination(&mut self, destination: &Destination) {
        for exchange in self.exchanges.values_mut() {
            exchange.unbind_all(destination);
        }
    }

    /// Removes an exchange, its bindings and the bindings to it, and nothing else.
    pub(crate) fn take_exchange(&mut self, name: &Name) {
        self.exchanges.remove(name);
        self.unbind_destination(&Destination::Exchange(name.clone()));
    }
}
