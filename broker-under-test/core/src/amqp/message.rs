//! A message as it lies in queues.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

/// A name or key: of an exchange, queue, consumer, virtual host.
pub(crate) type Name = Arc<str>;

/// A published message; queues share it.
#[derive(Debug)]
pub(crate) struct Message {
    /// Where it was published to.
    pub(crate) exchange: Name,
    /// The key as published, then those of the CC and BCC headers.
    pub(crate) routing_keys: Vec<Name>,
    /// Property flags and property list, as on the wire.
    pub(crate) properties: Bytes,
    /// The content.
    pub(crate) body: Bytes,
    /// From the priority property; 0 without.
    pub(crate) priority: u8,
    /// From the expiration property.
    pub(crate) time_to_live: Option<Duration>,
    /// Delivery mode 2: in a durable queue it outlives the process.
    pub(crate) persistent: bool,
}

impl Message {
    /// The key as published.
    pub(crate) fn routing_key(&self) -> &str {
        self.routing_keys.first().map_or("", |key| key)
    }
}
