//! Everything that outlives one input, and the few ways in which what is durable changes.
//!
//! `declare_*`, `delete_*`, `bind`, `unbind`, `enqueue`, `hold`, `purge` and `discard` are the only doors through which
//! exchanges, queues, bindings and queued messages come and go for good: each notes what has to outlive the process (see
//! `journal/`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::binding::Destination;
use super::channel::Unacked;
use super::codec::FieldTable;
use super::config::AmqpConfig;
use super::connection::Connection;
use super::consumer::ChannelKey;
use super::dead_letter::Death;
use super::exchange::{Exchange, ExchangeSettings};
use super::journal::{Change, Notes, Place, Route};
use super::message::{Message, Name};
use super::queue::{Position, Queue, QueueId, Queued};
use super::timers::{Timer, Timers};
use super::vhost::Vhost;
use crate::durable::Journal;
use crate::effect::{ConnectionId, Effects, Now, Protocol};

/// Where the number of a run stands in the serial numbers that it gives out: a run has 2^40 of them.
const GENERATION_SHIFT: u32 = 40;
/// The highest that leaves room: see `journal/fields.rs`.
const LAST_GENERATION: u32 = (1 << 21) - 1;

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
    /// How often the broker was started again on the records of an earlier run; none while it has no records.
    pub(crate) generation: Option<u32>,
    /// Records of what must outlive the process.
    journal: Journal,
    /// Changes that will become records.
    notes: Notes,
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
            generation: None,
            journal: Journal::new(Protocol::Amqp, durable),
            notes: Notes::default(),
            storage_full: false,
            last_serial: 0,
        }
    }

    /// A number that was never given out before, not even before a restart.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    /// Gives out greater numbers only from here on.
    pub(crate) fn skip_serials(&mut self, up_to: u64) {
        self.last_serial = self.last_serial.max(up_to);
    }

    /// Starts to count in a range of its own, so that a reply-to name of an earlier run leads nowhere.
    pub(crate) fn begin_generation(&mut self) {
        let generation = self.generation.map_or(0, |last| last.saturating_add(1).min(LAST_GENERATION));
        self.skip_serials(u64::from(generation) << GENERATION_SHIFT);
        self.generation = Some(generation);
        self.note(|| Change::Started { generation });
    }

    fn note(&mut self, change: impl FnOnce() -> Change) {
        if self.journal.is_durable() {
            self.notes.add(change());
        }
    }

    /// Makes records of what was noted.
    pub(crate) fn flush_notes(&mut self, effects: &mut Effects) {
        for change in self.notes.take() {
            self.journal.note(change.kind(), |fields| change.write(fields));
        }
        self.journal.flush(effects);
    }

    /// Whether there is such a queue or exchange, and it outlives the process.
    pub(crate) fn has_durable(&self, vhost: &Name, destination: &Destination) -> bool {
        match destination {
            Destination::Queue(id) => self.queues.get(id).is_some_and(|queue| queue.durable),
            Destination::Exchange(name) => {
                let exchange = self.vhosts.get(vhost).and_then(|vhost| vhost.exchanges.get(name));
                exchange.is_some_and(|exchange| exchange.settings.durable)
            }
        }
    }

    /// Whether what would have to be kept is to be refused, for want of room.
    pub(crate) fn refuses_new(&self) -> bool {
        self.storage_full && self.journal.is_durable()
    }

    /// Whether a message outlives the process in this queue.
    fn keeps(&self, id: QueueId, message: &Message) -> bool {
        self.journal.is_durable()
            && message.persistent
            && self.queues.get(&id).is_some_and(|queue| queue.durable)
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
        if settings.durable {
            let (virtual_host, name, settings) = (vhost.clone(), name.clone(), settings.clone());
            self.note(|| Change::ExchangeDeclared { virtual_host, name, settings });
        }
        self.vhost(vhost).exchanges.insert(name, Exchange::new(settings));
    }

    /// Removes an exchange and all bindings from and to it.
    pub(crate) fn delete_exchange(&mut self, vhost: &Name, name: &Name) {
        let removed = self.vhost(vhost).delete_exchange(name);
        self.note_removed(vhost, removed);
    }

    fn note_removed(&mut self, vhost: &Name, removed: Vec<(Name, Exchange)>) {
        for (name, _) in removed.into_iter().filter(|(_, exchange)| exchange.settings.durable) {
            self.note(|| Change::ExchangeDeleted { virtual_host: vhost.clone(), name });
        }
    }

    /// Creates a queue.
    pub(crate) fn declare_queue(&mut self, queue: Queue) -> QueueId {
        let id = QueueId(self.next_serial());
        if queue.durable {
            self.note(|| Change::QueueDeclared {
                id,
                virtual_host: queue.virtual_host.clone(),
                name: queue.name.clone(),
                auto_delete: queue.auto_delete,
                arguments: queue.arguments.clone(),
            });
        }
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
        if queue.durable {
            self.note(|| Change::QueueDeleted { id });
        }
        let vhost = self.vhost(&queue.virtual_host);
        vhost.queues.remove(&queue.name);
        let removed = vhost.forget_destination(&Destination::Queue(id));
        self.note_removed(&queue.virtual_host, removed);
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
        let route = self.durable_route(vhost, source, key, &destination, arguments);
        let Some(exchange) = self.vhost(vhost).exchanges.get_mut(source) else { return };
        let is_new = exchange.bind(key, destination, arguments);
        if let Some(route) = route.filter(|_| is_new) {
            self.note(|| Change::Bound(route));
        }
    }

    /// Whether that binding would be a new one that outlives the process.
    pub(crate) fn binds_anew(
        &self,
        vhost: &Name,
        source: &Name,
        key: &str,
        destination: &Destination,
        arguments: FieldTable<'_>,
    ) -> bool {
        let exchange = self.vhosts.get(vhost).and_then(|vhost| vhost.exchanges.get(source));
        let is_bound = exchange.is_some_and(|exchange| exchange.is_bound(key, destination, arguments));
        !is_bound && self.durable_route(vhost, source, key, destination, arguments).is_some()
    }

    /// A binding between two durable entities; `None` where it does not outlive the process.
    fn durable_route(
        &self,
        vhost: &Name,
        source: &Name,
        key: &str,
        destination: &Destination,
        arguments: FieldTable<'_>,
    ) -> Option<Route> {
        let from = Destination::Exchange(source.clone());
        let is_durable = self.journal.is_durable()
            && self.has_durable(vhost, &from)
            && self.has_durable(vhost, destination);
        is_durable.then(|| Route {
            virtual_host: vhost.clone(),
            source: source.clone(),
            key: Name::from(key),
            destination: destination.clone(),
            arguments: Bytes::copy_from_slice(arguments.octets()),
        })
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
        let route = self.durable_route(vhost, source, key, destination, arguments);
        let Some(exchange) = self.vhost(vhost).exchanges.get_mut(source) else { return };
        if !exchange.unbind(key, destination, arguments) {
            return;
        }
        let is_unused = exchange.settings.auto_delete && !exchange.has_bindings();
        if let Some(route) = route {
            self.note(|| Change::Unbound(route));
        }
        if is_unused {
            self.delete_exchange(vhost, source);
        }
    }

    /// Puts a message at the end of a queue, whose limits are looked at later.
    pub(crate) fn enqueue(&mut self, id: QueueId, message: &Arc<Message>, now: Now) {
        let is_kept = self.keeps(id, message);
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let (position, expires_at) = queue.push(message.clone(), now);
        self.touched.insert(id);
        if is_kept {
            let place = Place { queue: id, position, expires_at, redelivered: false };
            self.notes.enqueued(message, place);
        }
    }

    /// A message goes to a client, which is to settle it under this tag.
    pub(crate) fn hold(&mut self, key: ChannelKey, delivery_tag: u64, unacked: Unacked) {
        let (queue, position) = (unacked.queue, unacked.position);
        if !unacked.queued.redelivered && self.keeps(queue, &unacked.queued.message) {
            self.note(|| Change::Delivered { queue, position });
        }
        let connection = self.connections.get_mut(&key.connection);
        if let Some(channel) = connection.and_then(|connection| connection.channels.get_mut(&key.number)) {
            channel.unacked.insert(delivery_tag, unacked);
        }
    }

    /// Drops what is ready in a queue; says how much it was.
    pub(crate) fn purge(&mut self, id: QueueId) -> u32 {
        self.touched.insert(id);
        let Some(queue) = self.queues.get(&id) else { return 0 };
        let kept = queue.ready().filter(|(_, queued)| self.keeps(id, &queued.message));
        let positions = kept.map(|(position, _)| *position).collect();
        self.notes.discarded(id, positions);
        self.queues.get_mut(&id).map_or(0, Queue::purge)
    }

    /// A message has left its queue for good: delivered without ack, acknowledged, dropped or expired.
    #[expect(clippy::needless_pass_by_value, reason = "nothing is left of it")]
    pub(crate) fn discard(&mut self, queue: QueueId, position: Position, queued: Queued) {
        if self.keeps(queue, &queued.message) {
            self.notes.discarded(queue, vec![position]);
        }
    }
}
