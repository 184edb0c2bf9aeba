//! Everything that outlives one input, and the few ways in which what is durable changes.
//!
//! `declare_*`, `delete_*`, `bind`, `unbind`, `enqueue`, `purge` and `discard` are the only doors through which exchanges,
//! queues, bindings and queued messages come and go for good, so that a log needs to be told in few places.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::binding::Destination;
use super::codec::FieldTable;
use super::config::AmqpConfig;
use super::connection::Connection;
use super::dead_letter::Death;
use super::exchange::{Exchange, ExchangeSettings};
use super::message::{Message, Name};
use super::queue::{Queue, QueueId, Queued};
use super::timers::{Timer, Timers};
use super::vhost::Vhost;
use crate::durable::Journal;
use crate::effect::{ConnectionId, Now, Protocol};

/// Connections, virtual hosts and queues.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: AmqpConfig,
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) vhosts: BTreeMap<Name, Vhost>,
    pub(crate) queues: BTreeMap<QueueId, Queue>,
    pub(crate) timers: Timers,
    /// Dropped messages that go on to a dead-letter exchange.
    pub(crate) deaths: VecDeque<Death>,
    /// Queues that may have something to hand out, drop or arm.
    pub(crate) touched: BTreeSet<QueueId>,
    /// Changes that must outlive the process.
    pub(crate) journal: Journal,
    /// There is no room to keep anything more.
    pub(crate) storage_full: bool,
    last_serial: u64,
}

impl State {
    pub(crate) fn new(config: AmqpConfig, durable: bool) -> Self {
        let vhosts = config.virtual_hosts.iter().map(|name| (Name::from(name.as_str()), Vhost::new()));
        Self {
            vhosts: vhosts.collect(),
            config,
            connections: BTreeMap::new(),
            queues: BTreeMap::new(),
            timers: Timers::default(),
            deaths: VecDeque::new(),
            touched: BTreeSet::new(),
            journal: Journal::new(Protocol::Amqp, durable),
            storage_full: false,
            last_serial: 0,
        }
    }

    /// A number that was never given out before.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    /// A virtual host by the name that an open connection holds.
    ///
    /// # Panics
    /// If it is gone: virtual hosts are never removed.
    pub(crate) fn vhost(&mut self, name: &Name) -> &mut Vhost {
        self.vhosts
            .get_mut(name)
            .expect("a connection opens existing virtual hosts only, and none is removed")
    }

    /// Creates an exchange.
    pub(crate) fn declare_exchange(&mut self, vhost: &Name, name: Name, settings: ExchangeSettings) {
        self.vhost(vhost).exchanges.insert(name, Exchange::new(settings));
    }

    /// Removes an exchange and all bindings from and to it.
    pub(crate) fn delete_exchange(&mut self, vhost: &Name, name: &Name) {
        self.vhost(vhost).delete_exchange(name);
    }

    /// Creates a queue.
    pub(crate) fn declare_queue(&mut self, queue: Queue) -> QueueId {
        let id = QueueId(self.next_serial());
        self.vhost(&queue.virtual_host.clone()).queues.insert(queue.name.clone(), id);
        self.queues.insert(id, queue);
        self.touched.insert(id);
        id
    }

    /// Removes a queue, its messages and the bindings to it; its consumers are the caller's.
    pub(crate) fn delete_queue(&mut self, id: QueueId) -> Option<Queue> {
        let queue = self.queues.remove(&id)?;
        self.timers.arm(Timer::Queue(id), None);
        self.touched.remove(&id);
        let vhost = self.vhost(&queue.virtual_host.clone());
        vhost.queues.remove(&queue.name);
        vhost.forget_destination(&Destination::Queue(id));
        Some(queue)
    }

    /// Adds a binding; the very same twice is one.
    pub(crate) fn bind(
        &mut self,
        vhost: &Name,
        source: &Name,
        key: &Name,
        destination: Destination,
        arguments: FieldTable<'_>,
    ) {
        if let Some(exchange) = self.vhost(vhost).exchanges.get_mut(source) {
            exchange.bind(key, destination, arguments);
        }
    }

    /// Removes a binding, and with its last one an auto-delete exchange.
    pub(crate) fn unbind(
        &mut self,
        vhost: &Name,
        source: &Name,
        key: &str,
        destination: &Destination,
        arguments: FieldTable<'_>,
    ) {
        let vhost = self.vhost(vhost);
        let Some(exchange) = vhost.exchanges.get_mut(source) else { return };
        let removed = exchange.unbind(key, destination, arguments);
        if removed && exchange.settings.auto_delete && !exchange.has_bindings() {
            vhost.delete_exchange(source);
        }
    }

    /// Puts a message at the end of a queue, whose limits are looked at later.
    pub(crate) fn enqueue(&mut self, id: QueueId, message: Arc<Message>, now: Now) {
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.push(message, now);
            self.touched.insert(id);
        }
    }

    /// Drops what is ready in a queue; says how much it was.
    pub(crate) fn purge(&mut self, id: QueueId) -> u32 {
        self.touched.insert(id);
        self.queues.get_mut(&id).map_or(0, Queue::purge)
    }

    /// A message has left its queue for good: delivered without ack, acknowledged, dropped or expired.
    #[expect(clippy::unused_self, reason = "the log of durable messages attaches here")]
    pub(crate) fn discard(&mut self, _queue: QueueId, queued: Queued) {
        drop(queued);
    }
}
