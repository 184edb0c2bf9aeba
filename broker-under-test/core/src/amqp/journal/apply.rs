//! A change made again, on a state that is being restored.

use std::sync::Arc;

use super::change::{Change, Place, Route};
use crate::amqp::binding::Destination;
use crate::amqp::exchange::{Exchange, ExchangeSettings};
use crate::amqp::message::{Message, Name};
use crate::amqp::queue::{Queue, QueueId, Queued};
use crate::amqp::state::State;
use crate::amqp::vhost::Vhost;
use crate::durable::BadRecord;
use crate::effect::Now;

impl State {
    /// Makes a change again. One that takes away what is not there changes nothing: what came and went within one
    /// input has left no record of its coming.
    ///
    /// # Errors
    /// [`BadRecord::Content`] where something comes that is there already, or leads to what is not there.
    pub(super) fn apply(&mut self, change: Change) -> Result<(), BadRecord> {
        match change {
            Change::Started { generation } => {
                self.generation = Some(generation);
                Ok(())
            }
            Change::ExchangeDeclared { virtual_host, name, settings } => {
                self.restore_exchange(&virtual_host, name, settings)
            }
            Change::ExchangeDeleted { virtual_host, name } => {
                self.restored_vhost(&virtual_host)?.take_exchange(&name);
                Ok(())
            }
            Change::QueueDeclared { id, virtual_host, name, auto_delete, arguments } => {
                let mut queue = Queue::new(name, virtual_host, arguments, Now::ZERO);
                queue.durable = true;
                queue.auto_delete = auto_delete;
                self.restore_queue(id, queue)
            }
            Change::QueueDeleted { id } => {
                if let Some(queue) = self.queues.remove(&id) {
                    let vhost = self.restored_vhost(&queue.virtual_host)?;
                    vhost.queues.remove(&queue.name);
                    vhost.unbind_destination(&Destination::Queue(id));
                }
                Ok(())
            }
            Change::Bound(route) => self.restore_binding(&route),
            Change::Unbound(route) => {
                let vhost = self.restored_vhost(&route.virtual_host)?;
                if let Some(exchange) = vhost.exchanges.get_mut(&route.source) {
                    exchange.unbind(&route.key, &route.destination, route.arguments());
                }
                Ok(())
            }
            Change::Enqueued { message, places } => {
                places.into_iter().try_for_each(|place| self.restore_message(&message, &place))
            }
            Change::Delivered { queue, position } => {
                if let Some(queue) = self.queues.get_mut(&queue) {
                    queue.mark_redelivered(position);
                }
                Ok(())
            }
            Change::Discarded { queue, positions } => {
                if let Some(queue) = self.queues.get_mut(&queue) {
                    for position in positions {
                        queue.remove(position);
                    }
                }
                Ok(())
            }
        }
    }

    fn restored_vhost(&mut self, name: &Name) -> Result<&mut Vhost, BadRecord> {
        self.vhosts.get_mut(name).ok_or(BadRecord::Content("no such virtual host is configured"))
    }

    fn restore_exchange(
        &mut self,
        virtual_host: &Name,
        name: Name,
        settings: ExchangeSettings,
    ) -> Result<(), BadRecord> {
        let vhost = self.restored_vhost(virtual_host)?;
        if name.is_empty() || vhost.exchanges.contains_key(&name) {
            return Err(BadRecord::Content("an exchange of that name is there already"));
        }
        vhost.exchanges.insert(name, Exchange::new(settings));
        Ok(())
    }

    fn restore_queue(&mut self, id: QueueId, queue: Queue) -> Result<(), BadRecord> {
        let there = self.queues.contains_key(&id);
        let vhost = self.restored_vhost(&queue.virtual_host)?;
        if there || vhost.queues.contains_key(&queue.name) {
            return Err(BadRecord::Content("a queue of that name or number is there already"));
        }
        vhost.queues.insert(queue.name.clone(), id);
        self.queues.insert(id, queue);
        self.skip_serials(id.0);
        Ok(())
    }

    fn restore_binding(&mut self, route: &Route) -> Result<(), BadRecord> {
        if !self.has_durable(&route.virtual_host, &route.destination) {
            return Err(BadRecord::Content("a binding leads to what is not there"));
        }
        let vhost = self.restored_vhost(&route.virtual_host)?;
        let exchange = vhost.exchanges.get_mut(&route.source);
        let exchange = exchange.ok_or(BadRecord::Content("a binding comes from what is not there"))?;
        exchange.bind(&route.key, route.destination.clone(), route.arguments());
        Ok(())
    }

    /// Everything that is restored is ready: who had it is gone.
    fn restore_message(&mut self, message: &Arc<Message>, place: &Place) -> Result<(), BadRecord> {
        let queue = self.queues.get_mut(&place.queue);
        let queue = queue.ok_or(BadRecord::Content("a message lies in a queue that is not there"))?;
        let queued = Queued {
            message: message.clone(),
            redelivered: place.redelivered,
            enqueued_at: Now::ZERO,
            expires_at: place.expires_at,
        };
        if queue.restore(place.position, queued) {
            Ok(())
        } else {
            Err(BadRecord::Content("two messages lie in one place"))
        }
    }
}
