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
    /// As published.
    pub(crate) routing_key: Name,
    /// Property flags and property list, as on the wire.
    pub(crate) properties: Bytes,
    /// The content.
    pub(crate) body: Bytes,
    /// From the priority property; 0 without.
    pub(crate) priority: u8,
    /// From the expiration property.
    pub(crate) time_to_live: Option<Duration>,
}
