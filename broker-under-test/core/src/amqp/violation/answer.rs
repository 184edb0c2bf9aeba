//! What a violation puts on the wire and how far it reaches.

use super::{Reach, Violation};

/// A reply code (§ constants) with the name that reply texts open with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyCode {
    /// 320: the operator intervened.
    ConnectionForced,
    /// 403: no right to the entity.
    AccessRefused,
    /// 404: no such entity.
    NotFound,
    /// 405: another client has the entity to itself.
    ResourceLocked,
    /// 406: a precondition failed.
    PreconditionFailed,
    /// 501: a frame that cannot be decoded.
    FrameError,
    /// 502: illegal values in a frame.
    SyntaxError,
    /// 503: an invalid sequence of frames or methods.
    CommandInvalid,
    /// 504: work on a channel that is not correctly opened.
    ChannelError,
    /// 505: a frame that was not expected.
    UnexpectedFrame,
    /// 506: no resources left to do it with.
    ResourceError,
    /// 530: prohibited use of an entity.
    NotAllowed,
    /// 540: functionality that the server lacks.
    NotImplemented,
}

impl ReplyCode {
    /// The three-digit number on the wire.
    pub fn number(self) -> u16 {
        match self {
            Self::ConnectionForced => 320,
            Self::AccessRefused => 403,
            Self::NotFound => 404,
            Self::ResourceLocked => 405,
            Self::PreconditionFailed => 406,
            Self::FrameError => 501,
            Self::SyntaxError => 502,
            Self::CommandInvalid => 503,
            Self::ChannelError => 504,
            Self::UnexpectedFrame => 505,
            Self::ResourceError => 506,
            Self::NotAllowed => 530,
            Self::NotImplemented => 540,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::ConnectionForced => "CONNECTION_FORCED",
            Self::AccessRefused => "ACCESS_REFUSED",
            Self::NotFound => "NOT_FOUND",
            Self::ResourceLocked => "RESOURCE_LOCKED",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::FrameError => "FRAME_ERROR",
            Self::SyntaxError => "SYNTAX_ERROR",
            Self::CommandInvalid => "COMMAND_INVALID",
            Self::ChannelError => "CHANNEL_ERROR",
            Self::UnexpectedFrame => "UNEXPECTED_FRAME",
            Self::ResourceError => "RESOURCE_ERROR",
            Self::NotAllowed => "NOT_ALLOWED",
            Self::NotImplemented => "NOT_IMPLEMENTED",
        }
    }
}

impl Violation {
    /// The reply code of the Close that answers it; where [`Violation::reach`] is a drop it is not sent.
    pub fn reply_code(&self) -> ReplyCode {
        self.answer().0
    }

    /// How far it reaches once the connection is open; before that, all but the variants that the standard or
    /// RabbitMQ answers in words end in a silent drop (§2.2.4).
    pub fn reach(&self) -> Reach {
        self.answer().1
    }

    fn answer(&self) -> (ReplyCode, Reach) {
        match self {
            Self::ShutDown => (ReplyCode::ConnectionForced, Reach::Connection),

            Self::Mechanism | Self::LoginFailed => (ReplyCode::AccessRefused, Reach::Drop),
            Self::LoginRefused(_) => (ReplyCode::AccessRefused, Reach::Connection),
            Self::ReservedName { .. }
            | Self::PredeclaredExchange(_)
            | Self::DefaultExchange
            | Self::InternalExchange(_)
            | Self::ExclusiveConsumer(_)
            | Self::ExclusiveSingleActive(_)
            | Self::ReplyBind => (ReplyCode::AccessRefused, Reach::Channel),

            Self::PassiveNotFound { .. }
            | Self::BindNotFound { .. }
            | Self::ExchangeBindNotFound(_)
            | Self::PurgeNotFound(_)
            | Self::ConsumeNotFound(_)
            | Self::GetNotFound(_)
            | Self::PublishNotFound(_)
            | Self::NoCurrentQueue => (ReplyCode::NotFound, Reach::Channel),

            Self::QueueLocked(_) => (ReplyCode::ResourceLocked, Reach::Channel),

            Self::ExchangeInequivalent { .. }
            | Self::QueueInequivalent { .. }
            | Self::ExchangeInUse(_)
            | Self::QueueInUse(_)
            | Self::QueueNotEmpty(_)
            | Self::HeadersMatch
            | Self::AlternateExchange(_)
            | Self::QueueType
            | Self::QueueMode
            | Self::MessageTtl
            | Self::Expires
            | Self::MaxLength(_)
            | Self::Overflow
            | Self::DeadLetterArgument(_)
            | Self::DeadLetterKeyWithoutExchange
            | Self::MaxPriority
            | Self::SingleActiveConsumer
            | Self::ConsumerPriority
            | Self::AckUnknownTag(_)
            | Self::NackUnknownTag(_)
            | Self::RejectUnknownTag(_)
            | Self::MessageTooLarge { .. }
            | Self::Expiration(_)
            | Self::SenderSelected(_)
            | Self::UserId { .. }
            | Self::ConfirmOnTx
            | Self::TxOnConfirm
            | Self::CommitWithoutTx
            | Self::RollbackWithoutTx
            | Self::ReplyConsumerAcks
            | Self::ReplyConsumerExists
            | Self::ReplyConsumerMissing => (ReplyCode::PreconditionFailed, Reach::Channel),

            Self::FrameEnd(_) | Self::FrameType(_) | Self::FrameTooLarge { .. } => {
                (ReplyCode::FrameError, Reach::Stream)
            }
            Self::HeartbeatPayload
            | Self::Arguments
            | Self::ShortStringNotUtf8
            | Self::ContentHeaderTruncated => (ReplyCode::FrameError, Reach::Connection),

            Self::SaslResponse => (ReplyCode::SyntaxError, Reach::Drop),
            Self::ShortStringNul | Self::FieldType(_) | Self::TableLayout | Self::TableDepth => {
                (ReplyCode::SyntaxError, Reach::Connection)
            }

            Self::UnknownProtocol | Self::UnsupportedVersion | Self::HandshakeOrder(_) => {
                (ReplyCode::CommandInvalid, Reach::Drop)
            }
            Self::ConnectionMethodOnChannel(_)
            // [amqp-0-9-1/AMQP-4.2.3-connection-nonzero-channel] names heartbeats too; RabbitMQ says 505.
            | Self::HeartbeatChannel(_)
            | Self::ServerOnlyMethod(_)
            | Self::UnsolicitedCloseOk
            // [amqp-0-9-1/AMQP-exchange.declare.type-support] 503 as in the XML and in RabbitMQ up to 3.13.0.
            | Self::ExchangeType(_) => (ReplyCode::CommandInvalid, Reach::Connection),

            // [amqp-0-9-1/AMQP-4.2.6.1-channel-nonzero] asks for 504 where RabbitMQ says 505.
            Self::ContentOnChannelZero
            | Self::ChannelMethodOnChannelZero
            | Self::ConnectionAlreadyOpen(_)
            | Self::ChannelNotOpen
            | Self::ChannelAlreadyOpen => (ReplyCode::ChannelError, Reach::Connection),

            Self::ContentWithoutMethod
            | Self::ContentOrder
            | Self::MethodInsideContent
            | Self::ContentClass(_)
            | Self::ContentWeight(_)
            | Self::ContentProperties
            | Self::BodyOverrun => (ReplyCode::UnexpectedFrame, Reach::Connection),

            Self::StorageFull => (ReplyCode::ResourceError, Reach::Connection),

            Self::FrameMaxTooHigh(_) | Self::FrameMaxTooLow(_) | Self::ChannelMaxTooHigh(_) => {
                (ReplyCode::NotAllowed, Reach::Drop)
            }
            Self::UnknownVhost(_) | Self::TooManyChannels(_) | Self::ConsumerTagInUse(_) => {
                (ReplyCode::NotAllowed, Reach::Connection)
            }

            Self::UnknownMethod(_)
            | Self::PrefetchSize(_)
            | Self::Immediate
            | Self::RecoverWithoutRequeue => (ReplyCode::NotImplemented, Reach::Connection),
        }
    }

    /// The reply text: the code's name and what happened, at most 255 octets as a short string must be.
    pub fn reply_text(&self) -> String {
        let mut text = format!("{} - {self}", self.reply_code().name());
        let mut end = text.len().min(255);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text
    }
}
