//! What outlives the process as it is now, as the fewest changes that lead there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::change::{Change, Place, Route};
use crate::amqp::channel::{Mode, Unacked};
use crate::amqp::message::Message;
use crate::amqp::queue::{Position, QueueId, Queued};
use crate::amqp::state::State;

impl State {
    /// Exchanges and queues first, as bindings and messages refer to them.
    pub(super) fn durable_state(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        changes.extend(self.generation.map(|generation| Change::Started { generation }));
        self.add_exchanges(&mut changes);
        self.add_queues(&mut changes);
        self.add_bindings(&mut changes);
        self.add_messages(&mut changes);
        changes
    }

    fn add_exchanges(&self, changes: &mut Vec<Change>) {
        for (virtual_host, vhost) in &self.vhosts {
            // The predeclared ones are there in every broker, and nobody else may use their prefix.
            let own = vhost.exchanges.iter().filter(|(name, _)| !name.starts_with("amq."));
            for (name, exchange) in own.filter(|(_, exchange)| exchange.settings.durable) {
                changes.push(Change::ExchangeDeclared {
                    virtual_host: virtual_host.clone(),
                    name: name.clone(),
                    settings: exchange.settings.clone(),
                });
            }
        }
    }

    fn add_queues(&self, changes: &mut Vec<Change>) {
        for (id, queue) in self.queues.iter().filter(|(_, queue)| queue.durable) {
            changes.push(Change::QueueDeclared {
                id: *id,
                virtual_host: queue.virtual_host.clone(),
                name: queue.name.clone(),
                auto_delete: queue.auto_delete,
                arguments: queue.arguments.clone(),
            });
        }
    }

    fn add_bindings(&self, changes: &mut Vec<Change>) {
        for (virtual_host, vhost) in &self.vhosts {
            for (source, exchange) in vhost.exchanges.iter().filter(|(_, source)| source.settings.durable) {
                for (key, binding) in exchange.bindings() {
                    if self.has_durable(virtual_host, &binding.destination) {
                        changes.push(Change::Bound(Route {
                            virtual_host: virtual_host.clone(),
                            source: source.clone(),
                            key: key.clone(),
                            destination: binding.destination.clone(),
                            arguments: binding.arguments.clone(),
                        }));
                    }
                }
            }
        }
    }

    /// Each message once, with all its places, in the order of its first.
    fn add_messages(&self, changes: &mut Vec<Change>) {
        let mut index_of = BTreeMap::new();
        for ((queue, position), (queued, redelivered)) in self.durable_messages() {
            let place = Place { queue, position, expires_at: queued.expires_at, redelivered };
            let index = *index_of.entry(Arc::as_ptr(&queued.message)).or_insert(changes.len());
            if let Some(Change::Enqueued { places, .. }) = changes.get_mut(index) {
                places.push(place);
            } else {
                changes.push(Change::Enqueued { message: queued.message.clone(), places: vec![place] });
            }
        }
    }

    /// Persistent messages in durable queues, ready or unacked, each with whether it counts as delivered.
    fn durable_messages(&self) -> BTreeMap<(QueueId, Position), (&Queued, bool)> {
        let durable = |id: &QueueId, message: &Arc<Message>| {
            message.persistent && self.queues.get(id).is_some_and(|queue| queue.durable)
        };
        let ready = self.queues.iter().flat_map(|(id, queue)| {
            queue.ready().map(|(position, queued)| ((*id, *position), (queued, queued.redelivered)))
        });
        let unacked =
            self.unacked().map(|unacked| ((unacked.queue, unacked.position), (&unacked.queued, true)));
        ready.chain(unacked).filter(|((id, _), (queued, _))| durable(id, &queued.message)).collect()
    }

    /// All deliveries that are not settled, or only in a transaction that is still open.
    fn unacked(&self) -> impl Iterator<Item = &Unacked> {
        let channels = self.connections.values().flat_map(|connection| connection.channels.values());
        channels.flat_map(|channel| {
            let open = match &channel.mode {
                Mode::Plain | Mode::Confirm { .. } => None,
                Mode::Transaction(transaction) => Some(transaction),
            };
            let held = open.into_iter().flat_map(|open| &open.settlements).map(|(_, unacked, _)| unacked);
            channel.unacked.values().chain(held)
        })
    }
}
