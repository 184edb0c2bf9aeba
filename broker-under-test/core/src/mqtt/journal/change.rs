//! The changes of durable state, and each as a record: an octet for its kind, then the fields in the order in which
//! [`Change::write`] has them. Times are seconds (64 bits) and nanoseconds (32 bits) since 1970-01-01T00:00:00Z.

use std::sync::Arc;

use super::fields::{
    read_exchange, read_flag, read_message, read_qos_above_0, read_string, read_subscription,
    read_subscription_identifiers, read_time, read_will, write_message, write_subscription,
    write_subscription_identifiers, write_time, write_will,
};
use crate::durable::{BadRecord, RecordReader, RecordWriter};
use crate::effect::Now;
use crate::mqtt::codec::{PacketIdentifier, Qos};
use crate::mqtt::message::{Delivery, Message};
use crate::mqtt::session::HeldSubscription;
use crate::mqtt::will::Will;

/// Writes the kinds of records, their octets and their names from one table.
macro_rules! kinds {
    ($($name:ident = $octet:literal, $text:literal;)*) => {
        /// What a record is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind { $($name),* }

        impl Kind {
            fn of(octet: u8) -> Option<Self> {
                match octet { $($octet => Some(Self::$name),)* _ => None }
            }

            /// The second octet of its records.
            pub(crate) fn octet(self) -> u8 {
                match self { $(Self::$name => $octet),* }
            }

            fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

kinds! {
    Message = 1, "mqtt.message";
    Retained = 2, "mqtt.retained";
    RetainedCleared = 3, "mqtt.retained-cleared";
    Connected = 4, "mqtt.connected";
    Expiry = 5, "mqtt.session-expiry";
    Disconnected = 6, "mqtt.disconnected";
    SessionEnded = 7, "mqtt.session-ended";
    WillTaken = 8, "mqtt.will-taken";
    Subscribed = 9, "mqtt.subscribed";
    Unsubscribed = 10, "mqtt.unsubscribed";
    Queued = 11, "mqtt.queued";
    Dropped = 12, "mqtt.dropped";
    Sent = 13, "mqtt.sent";
    AwaitingPubComp = 14, "mqtt.awaiting-pubcomp";
    Settled = 15, "mqtt.settled";
    AwaitingPubRel = 16, "mqtt.awaiting-pubrel";
    Released = 17, "mqtt.released";
}

/// What a kind of record is called.
pub(crate) fn record_name(kind: u8) -> Option<&'static str> {
    Kind::of(kind).map(Kind::name)
}

/// A change of what must outlive the process. `client` is always the client identifier of a session; a change to a
/// session or message that is not there changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// Nothing changes: a number stands for this message from now on.
    Message { number: u64, message: Arc<Message> },
    /// A message became the retained one of its topic.
    Retained { number: u64 },
    /// The topic has no retained message any more.
    RetainedCleared { topic_name: &'a str },
    /// A client came, and its session began or goes on. A session that ends with its connection has no more
    /// to it than a will.
    Connected { client: &'a str, expiry_secs: u32, will: Option<Will> },
    /// The client changed how long the session shall outlive the connection.
    Expiry { client: &'a str, expiry_secs: u32 },
    /// The connection ended: the session's time, and its will's, begin to run.
    Disconnected { client: &'a str, at: Now },
    /// Nothing of the session is left, nor of its will.
    SessionEnded { client: &'a str },
    /// The will was published, or is not wanted any more.
    WillTaken { client: &'a str },
    /// A subscription was made or replaced. `filter` is as the client wrote it.
    Subscribed { client: &'a str, filter: &'a str, held: HeldSubscription },
    /// A subscription ended.
    Unsubscribed { client: &'a str, filter: &'a str },
    /// A copy of a message waits, behind the others; never with QoS 0.
    Queued { client: &'a str, number: u64, qos: Qos, retain: bool, subscription_identifiers: Vec<u32> },
    /// The copy in front will never be sent.
    Dropped { client: &'a str },
    /// The copy in front is being sent under a packet identifier.
    Sent { client: &'a str, packet_identifier: PacketIdentifier },
    /// PUBREC came: only PUBREL and PUBCOMP are left.
    AwaitingPubComp { client: &'a str, packet_identifier: PacketIdentifier },
    /// A delivery is over, whether finished, refused or given up.
    Settled { client: &'a str, packet_identifier: PacketIdentifier },
    /// A QoS 2 message of the client was taken and must not be taken again.
    AwaitingPubRel { client: &'a str, packet_identifier: PacketIdentifier },
    /// PUBREL came: the packet identifier may stand for another message.
    Released { client: &'a str, packet_identifier: PacketIdentifier },
}

impl<'a> Change<'a> {
    /// A copy waits for a client; `number` stands for its message.
    pub(super) fn queued(number: u64, client: &'a str, delivery: &Delivery) -> Self {
        Self::Queued {
            client,
            number,
            qos: delivery.qos,
            retain: delivery.retain,
            subscription_identifiers: delivery.subscription_identifiers.clone(),
        }
    }

    /// What it is about.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Message { .. } => Kind::Message,
            Self::Retained { .. } => Kind::Retained,
            Self::RetainedCleared { .. } => Kind::RetainedCleared,
            Self::Connected { .. } => Kind::Connected,
            Self::Expiry { .. } => Kind::Expiry,
            Self::Disconnected { .. } => Kind::Disconnected,
            Self::SessionEnded { .. } => Kind::SessionEnded,
            Self::WillTaken { .. } => Kind::WillTaken,
            Self::Subscribed { .. } => Kind::Subscribed,
            Self::Unsubscribed { .. } => Kind::Unsubscribed,
            Self::Queued { .. } => Kind::Queued,
            Self::Dropped { .. } => Kind::Dropped,
            Self::Sent { .. } => Kind::Sent,
            Self::AwaitingPubComp { .. } => Kind::AwaitingPubComp,
            Self::Settled { .. } => Kind::Settled,
            Self::AwaitingPubRel { .. } => Kind::AwaitingPubRel,
            Self::Released { .. } => Kind::Released,
        }
    }

    /// Writes the fields, without the kind.
    pub(crate) fn write(&self, fields: &mut RecordWriter) {
        match self {
            Self::Message { number, message } => {
                fields.u64(*number);
                write_message(message, fields);
            }
            Self::Retained { number } => fields.u64(*number),
            Self::RetainedCleared { topic_name } => fields.text(topic_name),
            Self::Connected { client, expiry_secs, will } => {
                fields.text(client);
                fields.u32(*expiry_secs);
                fields.u8(u8::from(will.is_some()));
                if let Some(will) = will {
                    write_will(will, fields);
                }
            }
            Self::Expiry { client, expiry_secs } => {
                fields.text(client);
                fields.u32(*expiry_secs);
            }
            Self::Disconnected { client, at } => {
                fields.text(client);
                write_time(*at, fields);
            }
            Self::SessionEnded { client } | Self::WillTaken { client } | Self::Dropped { client } => {
                fields.text(client);
            }
            Self::Subscribed { client, filter, held } => {
                fields.text(client);
                write_subscription(filter, held, fields);
            }
            Self::Unsubscribed { client, filter } => {
                fields.text(client);
                fields.text(filter);
            }
            Self::Queued { client, number, qos, retain, subscription_identifiers } => {
                fields.text(client);
                fields.u64(*number);
                fields.u8(qos.bits());
                fields.u8(u8::from(*retain));
                write_subscription_identifiers(subscription_identifiers, fields);
            }
            Self::Sent { client, packet_identifier }
            | Self::AwaitingPubComp { client, packet_identifier }
            | Self::Settled { client, packet_identifier }
            | Self::AwaitingPubRel { client, packet_identifier }
            | Self::Released { client, packet_identifier } => {
                fields.text(client);
                fields.u16(packet_identifier.get());
            }
        }
    }

    /// Reads the fields of a record, all of them.
    ///
    /// # Errors
    /// An unknown kind, fields that end too early or too late, or a value that [`Change::write`] never writes.
    pub(crate) fn read(kind: u8, mut fields: RecordReader<'a>) -> Result<Self, BadRecord> {
        let kind = Kind::of(kind).ok_or(BadRecord::Kind { protocol: 1, kind })?;
        let change = match kind {
            Kind::Message => {
                Self::Message { number: fields.u64()?, message: read_message(&mut fields)?.into() }
            }
            Kind::Retained => Self::Retained { number: fields.u64()? },
            Kind::RetainedCleared => Self::RetainedCleared { topic_name: read_string(&mut fields)? },
            Kind::Connected => Self::Connected {
                client: read_string(&mut fields)?,
                expiry_secs: fields.u32()?,
                will: if read_flag(&mut fields)? { Some(read_will(&mut fields)?) } else { None },
            },
            Kind::Expiry => Self::Expiry { client: read_string(&mut fields)?, expiry_secs: fields.u32()? },
            Kind::Disconnected => {
                Self::Disconnected { client: read_string(&mut fields)?, at: read_time(&mut fields)? }
            }
            Kind::SessionEnded => Self::SessionEnded { client: read_string(&mut fields)? },
            Kind::WillTaken => Self::WillTaken { client: read_string(&mut fields)? },
            Kind::Subscribed => {
                let client = read_string(&mut fields)?;
                let (filter, held) = read_subscription(&mut fields)?;
                Self::Subscribed { client, filter, held }
            }
            Kind::Unsubscribed => {
                Self::Unsubscribed { client: read_string(&mut fields)?, filter: read_string(&mut fields)? }
            }
            Kind::Queued => Self::Queued {
                client: read_string(&mut fields)?,
                number: fields.u64()?,
                qos: read_qos_above_0(&mut fields)?,
                retain: read_flag(&mut fields)?,
                subscription_identifiers: read_subscription_identifiers(&mut fields)?,
            },
            Kind::Dropped => Self::Dropped { client: read_string(&mut fields)? },
            Kind::Sent => {
                let (client, packet_identifier) = read_exchange(&mut fields)?;
                Self::Sent { client, packet_identifier }
            }
            Kind::AwaitingPubComp => {
                let (client, packet_identifier) = read_exchange(&mut fields)?;
                Self::AwaitingPubComp { client, packet_identifier }
            }
            Kind::Settled => {
                let (client, packet_identifier) = read_exchange(&mut fields)?;
                Self::Settled { client, packet_identifier }
            }
            Kind::AwaitingPubRel => {
                let (client, packet_identifier) = read_exchange(&mut fields)?;
                Self::AwaitingPubRel { client, packet_identifier }
            }
            Kind::Released => {
                let (client, packet_identifier) = read_exchange(&mut fields)?;
                Self::Released { client, packet_identifier }
            }
        };
        fields.end()?;
        Ok(change)
    }
}
