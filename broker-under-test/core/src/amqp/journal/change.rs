//! The changes, and the octets of each.

use std::sync::Arc;

use bytes::Bytes;

use super::fields::{
    read_destination, read_flag, read_message, read_name, read_place, read_position, read_queue,
    read_settings, write_destination, write_message, write_place, write_position, write_settings,
};
use crate::amqp::binding::Destination;
use crate::amqp::codec::FieldTable;
use crate::amqp::exchange::ExchangeSettings;
use crate::amqp::message::{Message, Name};
use crate::amqp::queue::{Position, QueueId};
use crate::amqp::queue_arguments::QueueArguments;
use crate::durable::{BadRecord, RecordReader, RecordWriter};
use crate::effect::Now;

/// One change of what outlives the process.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// The broker runs again, for the `generation`-th time after the first.
    Started { generation: u32 },
    /// There is a new exchange.
    ExchangeDeclared { virtual_host: Name, name: Name, settings: ExchangeSettings },
    /// An exchange is gone, with all bindings from and to it.
    ExchangeDeleted { virtual_host: Name, name: Name },
    /// There is a new queue.
    QueueDeclared {
        id: QueueId,
        virtual_host: Name,
        name: Name,
        auto_delete: bool,
        arguments: QueueArguments,
    },
    /// A queue is gone, with its messages and all bindings to it.
    QueueDeleted { id: QueueId },
    /// There is a new binding.
    Bound(Route),
    /// A binding is gone.
    Unbound(Route),
    /// A message has taken places in one or more queues.
    Enqueued { message: Arc<Message>, places: Vec<Place> },
    /// A message is on its way to a consumer that will settle it: if it comes back, it is redelivered.
    Delivered { queue: QueueId, position: Position },
    /// Messages are gone: acknowledged, delivered without ack, dropped, expired or purged.
    Discarded { queue: QueueId, positions: Vec<Position> },
}

/// A binding, with all that tells it from others.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) virtual_host: Name,
    pub(crate) source: Name,
    pub(crate) key: Name,
    pub(crate) destination: Destination,
    /// The fields of the arguments table.
    pub(crate) arguments: Bytes,
}

/// Where a message lies in a queue.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) queue: QueueId,
    pub(crate) position: Position,
    /// When it is not to be delivered any more.
    pub(crate) expires_at: Option<Now>,
    /// It was delivered before.
    pub(crate) redelivered: bool,
}

const STARTED: u8 = 1;
const EXCHANGE_DECLARED: u8 = 2;
const EXCHANGE_DELETED: u8 = 3;
const QUEUE_DECLARED: u8 = 4;
const QUEUE_DELETED: u8 = 5;
const BOUND: u8 = 6;
const UNBOUND: u8 = 7;
const ENQUEUED: u8 = 8;
const DELIVERED: u8 = 9;
const DISCARDED: u8 = 10;

/// What a kind of record is called.
pub(crate) fn record_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        STARTED => "amqp.started",
        EXCHANGE_DECLARED => "amqp.exchange-declared",
        EXCHANGE_DELETED => "amqp.exchange-deleted",
        QUEUE_DECLARED => "amqp.queue-declared",
        QUEUE_DELETED => "amqp.queue-deleted",
        BOUND => "amqp.bound",
        UNBOUND => "amqp.unbound",
        ENQUEUED => "amqp.enqueued",
        DELIVERED => "amqp.delivered",
        DISCARDED => "amqp.discarded",
        _ => return None,
    })
}

impl Change {
    /// The second octet of its record.
    pub(crate) fn kind(&self) -> u8 {
        match self {
            Self::Started { .. } => STARTED,
            Self::ExchangeDeclared { .. } => EXCHANGE_DECLARED,
            Self::ExchangeDeleted { .. } => EXCHANGE_DELETED,
            Self::QueueDeclared { .. } => QUEUE_DECLARED,
            Self::QueueDeleted { .. } => QUEUE_DELETED,
            Self::Bound(_) => BOUND,
            Self::Unbound(_) => UNBOUND,
            Self::Enqueued { .. } => ENQUEUED,
            Self::Delivered { .. } => DELIVERED,
            Self::Discarded { .. } => DISCARDED,
        }
    }

    /// Writes what follows the kind.
    pub(crate) fn write(&self, fields: &mut RecordWriter) {
        match self {
            Self::Started { generation } => fields.u32(*generation),
            Self::ExchangeDeclared { virtual_host, name, settings } => {
                fields.text(virtual_host);
                fields.text(name);
                write_settings(settings, fields);
            }
            Self::ExchangeDeleted { virtual_host, name } => {
                fields.text(virtual_host);
                fields.text(name);
            }
            Self::QueueDeclared { id, virtual_host, name, auto_delete, arguments } => {
                fields.u64(id.0);
                fields.text(virtual_host);
                fields.text(name);
                fields.u8(u8::from(*auto_delete));
                fields.bytes(&arguments.to_table());
            }
            Self::QueueDeleted { id } => fields.u64(id.0),
            Self::Bound(route) | Self::Unbound(route) => route.write(fields),
            Self::Enqueued { message, places } => {
                write_message(message, fields);
                for place in places {
                    write_place(place, fields);
                }
            }
            Self::Delivered { queue, position } => {
                fields.u64(queue.0);
                write_position(*position, fields);
            }
            Self::Discarded { queue, positions } => {
                fields.u64(queue.0);
                for position in positions {
                    write_position(*position, fields);
                }
            }
        }
    }

    /// Reads what follows the kind.
    ///
    /// # Errors
    /// [`BadRecord`] where that is not what [`Change::write`] writes.
    pub(crate) fn read(kind: u8, mut fields: RecordReader<'_>) -> Result<Self, BadRecord> {
        let change = match kind {
            STARTED => Self::Started { generation: fields.u32()? },
            EXCHANGE_DECLARED => Self::ExchangeDeclared {
                virtual_host: read_name(&mut fields)?,
                name: read_name(&mut fields)?,
                settings: read_settings(&mut fields)?,
            },
            EXCHANGE_DELETED => {
                Self::ExchangeDeleted { virtual_host: read_name(&mut fields)?, name: read_name(&mut fields)? }
            }
            QUEUE_DECLARED => Self::QueueDeclared {
                id: read_queue(&mut fields)?,
                virtual_host: read_name(&mut fields)?,
                name: read_name(&mut fields)?,
                auto_delete: read_flag(&mut fields)?,
                arguments: read_arguments(&mut fields)?,
            },
            QUEUE_DELETED => Self::QueueDeleted { id: read_queue(&mut fields)? },
            BOUND => Self::Bound(Route::read(&mut fields)?),
            UNBOUND => Self::Unbound(Route::read(&mut fields)?),
            ENQUEUED => Self::Enqueued {
                message: Arc::new(read_message(&mut fields)?),
                places: read_all(&mut fields, read_place)?,
            },
            DELIVERED => {
                Self::Delivered { queue: read_queue(&mut fields)?, position: read_position(&mut fields)? }
            }
            DISCARDED => Self::Discarded {
                queue: read_queue(&mut fields)?,
                positions: read_all(&mut fields, read_position)?,
            },
            _ => return Err(BadRecord::Kind { protocol: 2, kind }),
        };
        fields.end()?;
        Ok(change)
    }
}

impl Route {
    fn write(&self, fields: &mut RecordWriter) {
        fields.text(&self.virtual_host);
        fields.text(&self.source);
        fields.text(&self.key);
        write_destination(&self.destination, fields);
        fields.bytes(&self.arguments);
    }

    fn read(fields: &mut RecordReader<'_>) -> Result<Self, BadRecord> {
        Ok(Self {
            virtual_host: read_name(fields)?,
            source: read_name(fields)?,
            key: read_name(fields)?,
            destination: read_destination(fields)?,
            arguments: Bytes::copy_from_slice(read_table(fields)?.octets()),
        })
    }

    /// The arguments, to be read.
    pub(crate) fn arguments(&self) -> FieldTable<'_> {
        FieldTable::from_entries(&self.arguments).unwrap_or_default()
    }
}

fn read_table<'a>(fields: &mut RecordReader<'a>) -> Result<FieldTable<'a>, BadRecord> {
    FieldTable::from_entries(fields.bytes()?).map_err(|_| BadRecord::Content("a malformed table"))
}

fn read_arguments(fields: &mut RecordReader<'_>) -> Result<QueueArguments, BadRecord> {
    QueueArguments::read(read_table(fields)?)
        .map_err(|_| BadRecord::Content("arguments that no queue can have"))
}

/// Reads up to the record's end.
fn read_all<'a, T>(
    fields: &mut RecordReader<'a>,
    read: impl Fn(&mut RecordReader<'a>) -> Result<T, BadRecord>,
) -> Result<Vec<T>, BadRecord> {
    let mut all = Vec::new();
    while !fields.is_at_end() {
        all.push(read(fields)?);
    }
    Ok(all)
}
