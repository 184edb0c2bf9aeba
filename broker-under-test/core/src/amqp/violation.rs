//! What an AMQP peer can do wrong, a variant per rule.
//!
//! Each violation answers three questions: [`Violation::statement`] (which rule) in one exhaustive match,
//! [`Violation::reply_code`] with [`Violation::reply_text`] (what goes on the wire) and [`Violation::reach`] (how far it
//! reaches) in another.

mod answer;
mod statement;

use thiserror::Error;

use super::codec::MethodId;
pub use answer::ReplyCode;

/// Which kind of entity a channel exception is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// An exchange.
    Exchange,
    /// A queue.
    Queue,
}

impl std::fmt::Display for Entity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Exchange => "exchange",
            Self::Queue => "queue",
        })
    }
}

/// How far a violation reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A soft error (§4.8.1): the channel is closed, the connection goes on.
    Channel,
    /// A hard error (§4.8.1): the connection is closed with the close handshake.
    Connection,
    /// The octet stream cannot be followed any more: Connection.Close goes out, no Close-Ok can be read.
    Stream,
    /// The socket is closed without a word (§2.2.4, §4.10.2).
    Drop,
}

/// A rule that a peer broke.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    // Protocol header and frames (§4.2.2, §4.2.3).
    /// The first octets are not those of any AMQP.
    #[error("not an AMQP protocol header")]
    UnknownProtocol,
    /// An AMQP protocol header of another version.
    #[error("unsupported AMQP version")]
    UnsupportedVersion,
    /// The octet after the payload is not 0xCE.
    #[error("invalid frame end marker 0x{0:02x}")]
    FrameEnd(u8),
    /// A frame type other than 1, 2, 3, 8.
    #[error("unknown frame type {0}")]
    FrameType(u8),
    /// Header, payload and end together exceed the agreed frame-max.
    #[error("frame of {size} octets exceeds frame-max {frame_max}")]
    FrameTooLarge {
        /// Octets of the whole frame, in u64 as the size field alone can hold 2^32 - 1.
        size: u64,
        /// The agreed limit.
        frame_max: u32,
    },
    /// A heartbeat with a payload.
    #[error("heartbeat with a payload")]
    HeartbeatPayload,
    /// A heartbeat on a channel other than 0.
    #[error("heartbeat on channel {0}")]
    HeartbeatChannel(u16),
    /// A method of class Connection on a channel other than 0.
    #[error("connection method on channel {0}")]
    ConnectionMethodOnChannel(u16),
    /// A method of another class on channel 0.
    #[error("channel method on channel 0")]
    ChannelMethodOnChannelZero,
    /// A content frame on channel 0.
    #[error("content on channel 0")]
    ContentOnChannelZero,

    // Methods and their arguments (§4.2.4, §4.2.5).
    /// Too few or too many octets for the method.
    #[error("arguments do not fit the method")]
    Arguments,
    /// A short string that is not UTF-8.
    #[error("short string is not UTF-8")]
    ShortStringNotUtf8,
    /// A short string with a zero octet.
    #[error("short string contains a zero octet")]
    ShortStringNul,
    /// A field whose tag no grammar knows.
    #[error("unknown field type 0x{0:02x} in a table")]
    FieldType(u8),
    /// A table or array whose parts do not fill it exactly.
    #[error("malformed field table")]
    TableLayout,
    /// Tables and arrays nested more than 64 deep.
    #[error("field table nested too deeply")]
    TableDepth,
    /// A class or method id that nobody defines.
    #[error("unknown method {0}")]
    UnknownMethod(MethodId),
    /// A method that only a server may send.
    #[error("method {0} is sent by servers only")]
    ServerOnlyMethod(MethodId),

    // Content (§4.2.6).
    /// A content header or body without a method that carries content.
    #[error("content frame without a method that carries content")]
    ContentWithoutMethod,
    /// A body where the header has to come first, or a second header.
    #[error("content frames out of order")]
    ContentOrder,
    /// A method in the middle of a content.
    #[error("method in the middle of a content")]
    MethodInsideContent,
    /// A content header frame that ends too early.
    #[error("truncated content header")]
    ContentHeaderTruncated,
    /// A content header of another class than its method.
    #[error("content header of class {0} for a basic method")]
    ContentClass(u16),
    /// A content header whose weight is not zero.
    #[error("content header with weight {0}")]
    ContentWeight(u16),
    /// Property flags or values that cannot be decoded.
    #[error("malformed content properties")]
    ContentProperties,
    /// Body frames that hold more than the header announced.
    #[error("content body longer than announced")]
    BodyOverrun,

    // Opening a connection (§2.2.4).
    /// A method out of turn before the connection is open.
    #[error("method {0} out of turn while the connection opens")]
    HandshakeOrder(MethodId),
    /// A SASL mechanism that was not offered.
    #[error("mechanism was not offered")]
    Mechanism,
    /// A SASL response that cannot be read.
    #[error("malformed SASL response")]
    SaslResponse,
    /// Wrong user or password, for a client that does not ask to be told.
    #[error("login was refused")]
    LoginFailed,
    /// Wrong user or password, for a client that announced `authentication_failure_close`.
    #[error("Login was refused using authentication mechanism {0}")]
    LoginRefused(&'static str),
    /// A frame-max above the server's.
    #[error("frame-max {0} above the server's")]
    FrameMaxTooHigh(u32),
    /// A frame-max below 4096.
    #[error("frame-max {0} below 4096")]
    FrameMaxTooLow(u32),
    /// A channel-max above the server's.
    #[error("channel-max {0} above the server's")]
    ChannelMaxTooHigh(u16),
    /// A virtual host that does not exist.
    #[error("vhost {0} not found")]
    UnknownVhost(String),
    /// A connection method of the opening sequence on an open connection.
    #[error("unexpected method {0} on an open connection")]
    ConnectionAlreadyOpen(MethodId),

    // Channels.
    /// A frame on a channel that is not open.
    #[error("expected 'channel.open'")]
    ChannelNotOpen,
    /// Channel.Open on an open channel.
    #[error("second 'channel.open' seen")]
    ChannelAlreadyOpen,
    /// More open channels than agreed.
    #[error("number of channels opened has reached the negotiated channel_max ({0})")]
    TooManyChannels(u16),
    /// Channel.Close-Ok without a Close.
    #[error("unexpected 'channel.close-ok'")]
    UnsolicitedCloseOk,

    // Entities.
    /// Passive declare of something that does not exist.
    #[error("no {entity} '{name}' in vhost")]
    PassiveNotFound {
        /// What kind.
        entity: Entity,
        /// Its name.
        name: String,
    },
    /// Binding something that does not exist.
    #[error("no {entity} '{name}' in vhost")]
    BindNotFound {
        /// What kind.
        entity: Entity,
        /// Its name.
        name: String,
    },
    /// Exchange.Bind of an exchange that does not exist.
    #[error("no exchange '{0}' in vhost")]
    ExchangeBindNotFound(String),
    /// Purging a queue that does not exist.
    #[error("no queue '{0}' in vhost")]
    PurgeNotFound(String),
    /// Consuming from a queue that does not exist.
    #[error("no queue '{0}' in vhost")]
    ConsumeNotFound(String),
    /// Getting from a queue that does not exist.
    #[error("no queue '{0}' in vhost")]
    GetNotFound(String),
    /// Publishing to an exchange that does not exist.
    #[error("no exchange '{0}' in vhost")]
    PublishNotFound(String),
    /// An empty queue name where the channel has not declared one yet.
    #[error("no previously declared queue")]
    NoCurrentQueue,
    /// A new exchange or queue named `amq.*`.
    #[error("{entity} name '{name}' contains reserved prefix 'amq.*'")]
    ReservedName {
        /// What kind.
        entity: Entity,
        /// Its name.
        name: String,
    },
    /// Deleting an `amq.*` exchange.
    #[error("operation not permitted on exchange '{0}'")]
    PredeclaredExchange(String),
    /// Declare, delete, bind or unbind of the default exchange.
    #[error("operation not permitted on the default exchange")]
    DefaultExchange,
    /// Publishing to an internal exchange.
    #[error("cannot publish to internal exchange '{0}'")]
    InternalExchange(String),
    /// Using an exclusive queue of another connection.
    #[error("cannot obtain exclusive access to locked queue '{0}'")]
    QueueLocked(String),
    /// An exchange type that does not exist.
    #[error("unknown exchange type '{0}'")]
    ExchangeType(String),
    /// Redeclaring an exchange otherwise than it is.
    #[error("inequivalent arg '{argument}' for exchange '{name}'")]
    ExchangeInequivalent {
        /// Which argument differs.
        argument: &'static str,
        /// The exchange.
        name: String,
    },
    /// Redeclaring a queue otherwise than it is.
    #[error("inequivalent arg '{argument}' for queue '{name}'")]
    QueueInequivalent {
        /// Which argument differs.
        argument: &'static str,
        /// The queue.
        name: String,
    },
    /// Exchange.Delete with if-unused of a bound exchange.
    #[error("exchange '{0}' in use")]
    ExchangeInUse(String),
    /// Queue.Delete with if-unused of a queue with consumers.
    #[error("queue '{0}' in use")]
    QueueInUse(String),
    /// Queue.Delete with if-empty of a queue with messages.
    #[error("queue '{0}' not empty")]
    QueueNotEmpty(String),
    /// An x-match that the headers exchange does not know.
    #[error("invalid x-match in the binding's arguments")]
    HeadersMatch,
    /// An alternate-exchange argument that is not a string.
    #[error("invalid arg 'alternate-exchange' for exchange '{0}'")]
    AlternateExchange(String),

    // Queue arguments of the extensions.
    /// A queue type that does not exist.
    #[error("invalid arg 'x-queue-type'")]
    QueueType,
    /// x-queue-mode is neither default nor lazy.
    #[error("invalid arg 'x-queue-mode'")]
    QueueMode,
    /// x-message-ttl is not a non-negative integer.
    #[error("invalid arg 'x-message-ttl'")]
    MessageTtl,
    /// x-expires is not a positive integer.
    #[error("invalid arg 'x-expires'")]
    Expires,
    /// x-max-length or x-max-length-bytes is not a non-negative integer.
    #[error("invalid arg '{0}'")]
    MaxLength(&'static str),
    /// x-overflow is none of drop-head, reject-publish, reject-publish-dlx.
    #[error("invalid arg 'x-overflow'")]
    Overflow,
    /// x-dead-letter-exchange or x-dead-letter-routing-key is not a string.
    #[error("invalid arg '{0}'")]
    DeadLetterArgument(&'static str),
    /// x-dead-letter-routing-key without x-dead-letter-exchange.
    #[error("x-dead-letter-routing-key without x-dead-letter-exchange")]
    DeadLetterKeyWithoutExchange,
    /// x-max-priority is not in 1 to 255.
    #[error("invalid arg 'x-max-priority'")]
    MaxPriority,
    /// x-single-active-consumer is not a boolean.
    #[error("invalid arg 'x-single-active-consumer'")]
    SingleActiveConsumer,

    // Basic.
    /// A prefetch-size other than 0.
    #[error("prefetch_size!=0 ({0})")]
    PrefetchSize(u32),
    /// A consumer tag in use on the channel.
    #[error("attempt to reuse consumer tag '{0}'")]
    ConsumerTagInUse(String),
    /// A consumer where another one is exclusive, or an exclusive one where there are others.
    #[error("queue '{0}' in exclusive use")]
    ExclusiveConsumer(String),
    /// An exclusive consumer on a queue with single active consumer.
    #[error("queue '{0}' has a single active consumer: no exclusive consume")]
    ExclusiveSingleActive(String),
    /// x-priority is not an integer.
    #[error("invalid arg 'x-priority'")]
    ConsumerPriority,
    /// The immediate flag.
    #[error("immediate=true")]
    Immediate,
    /// Settling a delivery tag that is not outstanding.
    #[error("unknown delivery tag {0}")]
    AckUnknownTag(u64),
    /// Basic.Nack of a tag that is not outstanding.
    #[error("unknown delivery tag {0}")]
    NackUnknownTag(u64),
    /// Basic.Reject of a tag that is not outstanding.
    #[error("unknown delivery tag {0}")]
    RejectUnknownTag(u64),
    /// Recover without requeue.
    #[error("requeue=false")]
    RecoverWithoutRequeue,
    /// A body above the server's limit.
    #[error("message size {size} is larger than configured max size {maximum}")]
    MessageTooLarge {
        /// Octets announced.
        size: u64,
        /// The server's limit in octets.
        maximum: u64,
    },
    /// An expiration that is not a decimal number of milliseconds.
    #[error("invalid expiration '{0}'")]
    Expiration(String),
    /// A CC or BCC header that is not an array of strings.
    #[error("unsupported type in header {0}")]
    SenderSelected(&'static str),
    /// A user-id other than the connection's user.
    #[error("user_id property set to '{claimed}' but authenticated user was '{user}'")]
    UserId {
        /// What the property says.
        claimed: String,
        /// Who it is.
        user: String,
    },

    // Confirms and transactions.
    /// confirm.select on a transactional channel.
    #[error("cannot switch from tx to confirm mode")]
    ConfirmOnTx,
    /// tx.select on a channel in confirm mode.
    #[error("cannot switch from confirm to tx mode")]
    TxOnConfirm,
    /// tx.commit on a channel that is not transactional.
    #[error("channel is not transactional")]
    CommitWithoutTx,
    /// tx.rollback on a channel that is not transactional.
    #[error("channel is not transactional")]
    RollbackWithoutTx,

    // Direct reply-to.
    /// Consuming from the reply-to pseudo-queue without no-ack.
    #[error("reply consumer cannot acknowledge")]
    ReplyConsumerAcks,
    /// A second reply consumer on the channel.
    #[error("reply consumer already set")]
    ReplyConsumerExists,
    /// A request with the reply-to pseudo-queue but no consumer for it.
    #[error("fast reply consumer does not exist")]
    ReplyConsumerMissing,
    /// Binding the reply-to pseudo-queue.
    #[error("the reply pseudo-queue cannot be bound")]
    ReplyBind,

    // Not a peer's fault, but it takes the same road out.
    /// What would have to be kept comes while there is no room for it.
    #[error("no room to keep it in")]
    StorageFull,
    /// The operator stops the broker.
    #[error("broker forced connection closure with reason 'shutdown'")]
    ShutDown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_text_is_a_short_string_even_for_the_longest_names() {
        let violation = Violation::ConsumeNotFound("\u{e9}".repeat(127));
        let text = violation.reply_text();
        assert!(text.starts_with("NOT_FOUND - no queue '\u{e9}"), "{text}");
        assert!((250..=255).contains(&text.len()), "{} octets", text.len());
    }

    #[test]
    fn soft_codes_close_the_channel_and_hard_ones_the_connection() {
        let name = String::from("q");
        let soft = Violation::QueueLocked(name.clone());
        assert_eq!((soft.reply_code().number(), soft.reach()), (405, Reach::Channel));
        let hard = Violation::ConsumerTagInUse(name);
        assert_eq!((hard.reply_code().number(), hard.reach()), (530, Reach::Connection));
        assert_eq!(hard.statement(), "amqp-0-9-1/AMQP-basic.consume.consumer-tag-01");
    }
}
