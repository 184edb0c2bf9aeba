//! Class Queue: declare, bind, unbind, purge, delete.

use super::Turn;
use super::exchange::{check_headers_match, entity_name};
use crate::amqp::binding::Destination;
use crate::amqp::codec::method::queue::{
    Bind, BindOk, Declare, DeclareOk, Delete, DeleteOk, Method, Purge, PurgeOk, UnbindOk,
};
use crate::amqp::consumer::ChannelKey;
use crate::amqp::message::Name;
use crate::amqp::queue::{Queue, QueueId};
use crate::amqp::queue_arguments::QueueArguments;
use crate::amqp::reply_to::{PSEUDO_QUEUE, is_reply_name};
use crate::amqp::violation::{Entity, Violation};
use crate::effect::ConnectionId;

impl Turn<'_> {
    pub(super) fn on_queue(&mut self, key: ChannelKey, method: Method<'_>) -> Result<(), Violation> {
        match method {
            Method::Declare(declare) => self.on_queue_declare(key, &declare),
            Method::Bind(bind) => {
                self.on_queue_bind(key, &bind)?;
                self.reply_unless(bind.no_wait, key, &BindOk);
                Ok(())
            }
            Method::Unbind(bind) => {
                self.on_queue_unbind(key, &bind)?;
                self.reply(key, &UnbindOk);
                Ok(())
            }
            Method::Purge(purge) => self.on_queue_purge(key, &purge),
            Method::Delete(delete) => self.on_queue_delete(key, &delete),
        }
    }

    fn on_queue_declare(&mut self, key: ChannelKey, declare: &Declare<'_>) -> Result<(), Violation> {
        let virtual_host = self.vhost_name(key.connection);
        let mut name = entity_name(declare.queue);
        if &*name == PSEUDO_QUEUE || self.requester(&virtual_host, &name).is_some() {
            // [rabbitmq/RMQ-drt-passive-declare-alive]
            let living = DeclareOk { queue: &name, message_count: 0, consumer_count: 1 };
            self.reply_unless(declare.no_wait, key, &living);
            return Ok(());
        }
        let existing = self.state.vhost(&virtual_host).queues.get(&name).copied();
        let id = match existing {
            Some(id) => {
                self.check_redeclare(key.connection, id, declare)?;
                id
            }
            None if declare.passive => {
                return Err(Violation::PassiveNotFound { entity: Entity::Queue, name: name.to_string() });
            }
            None if name.starts_with("amq.") => {
                return Err(Violation::ReservedName { entity: Entity::Queue, name: name.to_string() });
            }
            None => {
                let arguments = QueueArguments::read(declare.arguments)?;
                if name.is_empty() {
                    name = self.invent_queue_name(&virtual_host);
                }
                // [rabbitmq/RMQ-exclusive-durable-ignored]
                let durable = declare.durable && !declare.exclusive;
                self.check_room(durable)?;
                let mut queue = Queue::new(name.clone(), virtual_host, arguments, self.now);
                queue.durable = durable;
                queue.exclusive_to = declare.exclusive.then_some(key.connection);
                queue.auto_delete = declare.auto_delete;
                self.state.declare_queue(queue)
            }
        };
        self.channel(key).current_queue = Some(name.clone());
        let now = self.now;
        let Some(queue) = self.state.queues.get_mut(&id) else { return Ok(()) };
        queue.last_used = now; // [rabbitmq/RMQ-expires-redeclare-renews]
        let (message_count, consumer_count) = (queue.message_count(), queue.consumer_count());
        self.state.touched.insert(id);
        self.reply_unless(declare.no_wait, key, &DeclareOk { queue: &name, message_count, consumer_count });
        Ok(())
    }

    /// An existing queue has to be as it is declared again; a passive declare only looks at the lock.
    fn check_redeclare(
        &mut self,
        connection: ConnectionId,
        id: QueueId,
        declare: &Declare<'_>,
    ) -> Result<(), Violation> {
        let Some(queue) = self.state.queues.get(&id) else { return Ok(()) };
        // [rabbitmq/RMQ-exclusive-checked-first]
        check_lock(queue, connection)?;
        if declare.passive {
            return Ok(());
        }
        if queue.exclusive_to.is_some() != declare.exclusive {
            return Err(Violation::QueueLocked(queue.name.to_string()));
        }
        let inequivalent = |argument| Violation::QueueInequivalent { argument, name: queue.name.to_string() };
        if queue.durable != (declare.durable && !declare.exclusive) {
            return Err(inequivalent("durable"));
        }
        if queue.auto_delete != declare.auto_delete {
            return Err(inequivalent("auto_delete"));
        }
        let arguments = QueueArguments::read(declare.arguments)?;
        queue.arguments.difference(&arguments).map_or(Ok(()), |argument| Err(inequivalent(argument)))
    }

    fn invent_queue_name(&mut self, virtual_host: &Name) -> Name {
        loop {
            let name = Name::from(format!("amq.gen-{:016x}", self.state.next_serial()));
            if !self.state.vhost(virtual_host).queues.contains_key(&name) {
                return name;
            }
        }
    }

    fn on_queue_bind(&mut self, key: ChannelKey, bind: &Bind<'_>) -> Result<(), Violation> {
        let virtual_host = self.vhost_name(key.connection);
        let name = self.queue_name(key, bind.queue)?;
        // [amqp-0-9-1/AMQP-queue.bind.routing-key-both-empty]
        let both_empty = bind.queue.is_empty() && bind.routing_key.is_empty();
        let routing_key = if both_empty { name.clone() } else { Name::from(bind.routing_key) };
        let exchange = entity_name(bind.exchange);
        if exchange.is_empty() {
            return Err(Violation::DefaultExchange);
        }
        if is_reply_name(&name) {
            return Err(Violation::ReplyBind);
        }
        let missing = |name: &Name| Violation::BindNotFound { entity: Entity::Queue, name: name.to_string() };
        let id = self.accessible_queue(key, &name, missing)?;
        let source = self.state.vhost(&virtual_host).exchanges.get(&exchange);
        if source.is_none() {
            return Err(Violation::BindNotFound { entity: Entity::Exchange, name: exchange.to_string() });
        }
        check_headers_match(source, bind.arguments)?;
        let destination = Destination::Queue(id);
        self.check_room(self.state.binds_anew(
            &virtual_host,
            &exchange,
            &routing_key,
            &destination,
            bind.arguments,
        ))?;
        self.state.bind(&virtual_host, &exchange, &routing_key, destination, bind.arguments);
        Ok(())
    }

    /// [rabbitmq/RMQ-unbind-idempotent] what is not bound, or does not exist, is no error.
    fn on_queue_unbind(&mut self, key: ChannelKey, bind: &Bind<'_>) -> Result<(), Violation> {
        let virtual_host = self.vhost_name(key.connection);
        let name = self.queue_name(key, bind.queue)?;
        let exchange = entity_name(bind.exchange);
        if exchange.is_empty() {
            return Err(Violation::DefaultExchange);
        }
        let both_empty = bind.queue.is_empty() && bind.routing_key.is_empty();
        let routing_key = if both_empty { &*name } else { bind.routing_key };
        let vhost = self.state.vhost(&virtual_host);
        let Some(&id) = vhost.queues.get(&name) else { return Ok(()) };
        let destination = Destination::Queue(id);
        let is_bound = vhost
            .exchanges
            .get(&exchange)
            .is_some_and(|source| source.is_bound(routing_key, &destination, bind.arguments));
        if !is_bound {
            return Ok(());
        }
        if let Some(queue) = self.state.queues.get(&id) {
            check_lock(queue, key.connection)?;
        }
        self.state.unbind(&virtual_host, &exchange, routing_key, &destination, bind.arguments);
        Ok(())
    }

    fn on_queue_purge(&mut self, key: ChannelKey, purge: &Purge<'_>) -> Result<(), Violation> {
        let name = self.queue_name(key, purge.queue)?;
        let id = self.accessible_queue(key, &name, |name| Violation::PurgeNotFound(name.to_string()))?;
        let message_count = self.state.purge(id);
        self.reply_unless(purge.no_wait, key, &PurgeOk { message_count });
        Ok(())
    }

    fn on_queue_delete(&mut self, key: ChannelKey, delete: &Delete<'_>) -> Result<(), Violation> {
        let virtual_host = self.vhost_name(key.connection);
        let name = self.queue_name(key, delete.queue)?;
        // [rabbitmq/RMQ-delete-idempotent] a missing queue is no error.
        let mut message_count = 0;
        if let Some(&id) = self.state.vhost(&virtual_host).queues.get(&name) {
            if let Some(queue) = self.state.queues.get(&id) {
                check_lock(queue, key.connection)?;
                if delete.if_unused && !queue.consumers.is_empty() {
                    return Err(Violation::QueueInUse(name.to_string()));
                }
                if delete.if_empty && queue.message_count() > 0 {
                    return Err(Violation::QueueNotEmpty(name.to_string()));
                }
            }
            message_count = self.delete_queue(id);
        }
        self.reply_unless(delete.no_wait, key, &DeleteOk { message_count });
        Ok(())
    }

    /// The queue that a method means: an empty name is the one that the channel declared last.
    pub(super) fn queue_name(&mut self, key: ChannelKey, name: &str) -> Result<Name, Violation> {
        if name.is_empty() {
            return self.channel(key).current_queue.clone().ok_or(Violation::NoCurrentQueue);
        }
        Ok(entity_name(name))
    }

    /// A queue that exists and that this connection may use.
    pub(super) fn accessible_queue(
        &mut self,
        key: ChannelKey,
        name: &Name,
        missing: impl FnOnce(&Name) -> Violation,
    ) -> Result<QueueId, Violation> {
        let virtual_host = self.vhost_name(key.connection);
        let id = self.state.vhost(&virtual_host).queues.get(name).copied();
        let id = id.ok_or_else(|| missing(name))?;
        if let Some(queue) = self.state.queues.get(&id) {
            check_lock(queue, key.connection)?;
        }
        Ok(id)
    }
}

/// An exclusive queue is for its connection only.
fn check_lock(queue: &Queue, connection: ConnectionId) -> Result<(), Violation> {
    if queue.exclusive_to.is_some_and(|owner| owner != connection) {
        return Err(Violation::QueueLocked(queue.name.to_string()));
    }
    Ok(())
}
