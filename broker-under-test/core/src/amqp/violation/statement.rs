//! Which statement of the catalogue a violation breaks.

use super::{Entity, Violation};

impl Violation {
    /// The broken statement, with its standard: `amqp-0-9-1/AMQP-…` or `rabbitmq/RMQ-…`.
    #[expect(clippy::too_many_lines, reason = "one row a rule: a table reads best in one piece")]
    pub fn statement(&self) -> &'static str {
        match self {
            Self::UnknownProtocol => "amqp-0-9-1/AMQP-4.2.2-reject-unknown-protocol",
            Self::UnsupportedVersion => "amqp-0-9-1/AMQP-4.2.2-reject-unknown-version",
            Self::FrameEnd(_) => "amqp-0-9-1/AMQP-4.2.3-frame-end-checked",
            Self::FrameType(_) => "amqp-0-9-1/AMQP-4.2.3-unknown-type",
            Self::FrameTooLarge { .. } => "amqp-0-9-1/AMQP-4.2.3-frame-max-receiver",
            Self::HeartbeatPayload => "amqp-0-9-1/AMQP-4.2.7-invalid-heartbeat",
            Self::HeartbeatChannel(_) => "amqp-0-9-1/AMQP-4.2.7-heartbeat-channel",
            Self::ConnectionMethodOnChannel(_) => "amqp-0-9-1/AMQP-4.2.3-connection-nonzero-channel",
            Self::ChannelMethodOnChannelZero => "amqp-0-9-1/AMQP-4.2.3-channel-zero-global",
            Self::ContentOnChannelZero => "amqp-0-9-1/AMQP-4.2.6.1-channel-nonzero",
            Self::Arguments => "amqp-0-9-1/AMQP-4.2.4-arguments-exact",
            Self::ShortStringNotUtf8 => "amqp-0-9-1/AMQP-4.2.5.3-shortstr",
            Self::ShortStringNul => "amqp-0-9-1/AMQP-4.2.1-shortstr-no-nul",
            Self::FieldType(_) => "amqp-0-9-1/AMQP-4.2.1-field-types",
            Self::TableLayout | Self::TableDepth => "amqp-0-9-1/AMQP-4.2.5.5-table-layout",
            Self::UnknownMethod(_) => "amqp-0-9-1/AMQP-4.2.4-unknown-method",
            Self::ServerOnlyMethod(_) => "amqp-0-9-1/AMQP-4.2.4-server-only-method",
            Self::ContentWithoutMethod | Self::ContentOrder => "amqp-0-9-1/AMQP-4.2.6-content-order",
            Self::MethodInsideContent => "amqp-0-9-1/AMQP-4.2.6-no-mixing",
            Self::ContentHeaderTruncated | Self::ContentProperties => {
                "amqp-0-9-1/AMQP-4.2.6-malformed-content"
            }
            Self::ContentClass(_) => "amqp-0-9-1/AMQP-4.2.6.1-class-match",
            Self::ContentWeight(_) => "amqp-0-9-1/AMQP-4.2.6.1-weight-zero",
            Self::BodyOverrun => "amqp-0-9-1/AMQP-4.2.6.1-body-overrun",
            Self::HandshakeOrder(_) => "amqp-0-9-1/AMQP-2.2.4-open-sequence",
            Self::Mechanism => "amqp-0-9-1/AMQP-connection.start-ok.mechanism-validity",
            Self::SaslResponse => "amqp-0-9-1/AMQP-constant-502-syntax-error",
            Self::LoginFailed => "amqp-0-9-1/AMQP-connection.start-ok-auth-failure",
            Self::LoginRefused(_) => "rabbitmq/RMQ-auth-failure-close",
            Self::FrameMaxTooHigh(_) => "amqp-0-9-1/AMQP-connection.tune-ok.frame-max-upper-limit",
            Self::FrameMaxTooLow(_) => "amqp-0-9-1/AMQP-connection.tune-ok.frame-max-minimum",
            Self::ChannelMaxTooHigh(_) => "amqp-0-9-1/AMQP-connection.tune-ok.channel-max-upper-limit",
            Self::UnknownVhost(_) => "amqp-0-9-1/AMQP-connection.open.virtual-host-unknown",
            Self::ConnectionAlreadyOpen(_) => "amqp-0-9-1/AMQP-3.1.2-single-vhost",
            Self::ChannelNotOpen => "amqp-0-9-1/AMQP-channel.open-required",
            Self::ChannelAlreadyOpen => "amqp-0-9-1/AMQP-channel.open-state",
            Self::TooManyChannels(_) => "rabbitmq/RMQ-channel-max-count",
            Self::UnsolicitedCloseOk => "amqp-0-9-1/AMQP-channel.close.unsolicited-close-ok",
            Self::PassiveNotFound { entity: Entity::Exchange, .. } => {
                "amqp-0-9-1/AMQP-exchange.declare.passive-not-found"
            }
            Self::PassiveNotFound { entity: Entity::Queue, .. } => {
                "amqp-0-9-1/AMQP-queue.declare.passive-passive"
            }
            Self::BindNotFound { entity: Entity::Exchange, .. } => {
                "amqp-0-9-1/AMQP-queue.bind.exchange-exchange-existence"
            }
            Self::BindNotFound { entity: Entity::Queue, .. } => "amqp-0-9-1/AMQP-queue.bind.queue-must-exist",
            Self::ExchangeBindNotFound(_) => "rabbitmq/RMQ-e2e-bind.source-exchange-existence",
            Self::PurgeNotFound(_) => "amqp-0-9-1/AMQP-queue.purge.queue-must-exist",
            Self::ConsumeNotFound(_) => "amqp-0-9-1/AMQP-basic.consume.queue-missing",
            Self::GetNotFound(_) => "amqp-0-9-1/AMQP-basic.get.queue-missing",
            Self::PublishNotFound(_) => "amqp-0-9-1/AMQP-basic.publish.exchange-must-exist",
            Self::NoCurrentQueue => "amqp-0-9-1/AMQP-queue-name-no-current",
            Self::ReservedName { entity: Entity::Exchange, .. } => {
                "amqp-0-9-1/AMQP-exchange.declare.exchange-reserved"
            }
            Self::ReservedName { entity: Entity::Queue, .. } => {
                "amqp-0-9-1/AMQP-queue.declare.queue-reserved"
            }
            Self::PredeclaredExchange(_) => "amqp-0-9-1/AMQP-2.1.3.2-predeclared-indestructible",
            Self::DefaultExchange => "amqp-0-9-1/AMQP-exchange-default-access",
            Self::InternalExchange(_) => "amqp-0-9-1/AMQP-basic.publish.exchange-02",
            Self::QueueLocked(_) => "amqp-0-9-1/AMQP-queue.declare.exclusive-exclusive",
            Self::ExchangeType(_) => "amqp-0-9-1/AMQP-exchange.declare.type-support",
            Self::ExchangeInequivalent { .. } => "amqp-0-9-1/AMQP-exchange.declare.passive-equivalent",
            Self::QueueInequivalent { .. } => "amqp-0-9-1/AMQP-queue.declare.passive-equivalent",
            Self::ExchangeInUse(_) => "amqp-0-9-1/AMQP-exchange.delete.if-unused-in-use",
            Self::QueueInUse(_) => "amqp-0-9-1/AMQP-queue.delete.if-unused-in-use",
            Self::QueueNotEmpty(_) => "amqp-0-9-1/AMQP-queue.delete.if-empty-not-empty",
            Self::HeadersMatch => "amqp-0-9-1/AMQP-3.1.3.4-headers-x-ignored",
            Self::AlternateExchange(_) => "rabbitmq/RMQ-ae-argument-type",
            Self::QueueType => "rabbitmq/RMQ-quorum-declare",
            Self::QueueMode => "rabbitmq/RMQ-queue-type-argument-invalid",
            Self::MessageTtl => "rabbitmq/RMQ-ttl-argument-negative",
            Self::Expires => "rabbitmq/RMQ-expires-zero",
            Self::MaxLength(_) => "rabbitmq/RMQ-maxlen-negative",
            Self::Overflow => "rabbitmq/RMQ-overflow-invalid",
            Self::DeadLetterArgument(_) => "rabbitmq/RMQ-dlx-argument-type",
            Self::DeadLetterKeyWithoutExchange => "rabbitmq/RMQ-dlx-key-without-exchange",
            Self::MaxPriority => "rabbitmq/RMQ-priority-range",
            Self::SingleActiveConsumer => "rabbitmq/RMQ-sac-argument-type",
            Self::PrefetchSize(_) => "rabbitmq/RMQ-qos-prefetch-size",
            Self::ConsumerTagInUse(_) => "amqp-0-9-1/AMQP-basic.consume.consumer-tag-01",
            Self::ExclusiveConsumer(_) => "amqp-0-9-1/AMQP-basic.consume.exclusive-01",
            Self::ExclusiveSingleActive(_) => "rabbitmq/RMQ-sac-exclusive-consume",
            Self::ConsumerPriority => "rabbitmq/RMQ-consumer-priority-type",
            Self::Immediate => "amqp-0-9-1/AMQP-basic.publish.immediate-01",
            Self::AckUnknownTag(_) => "amqp-0-9-1/AMQP-basic.ack.multiple-exists",
            Self::NackUnknownTag(_) => "rabbitmq/RMQ-nack.multiple-exists",
            Self::RejectUnknownTag(_) => "amqp-0-9-1/AMQP-basic.reject-unknown-tag",
            Self::RecoverWithoutRequeue => "rabbitmq/RMQ-recover-no-requeue",
            Self::MessageTooLarge { .. } => "rabbitmq/RMQ-max-message-size",
            Self::Expiration(_) => "rabbitmq/RMQ-ttl-expiration-malformed",
            Self::SenderSelected(_) => "rabbitmq/RMQ-cc-type",
            Self::UserId { .. } => "rabbitmq/RMQ-user-id-mismatch",
            Self::ConfirmOnTx | Self::TxOnConfirm => "rabbitmq/RMQ-confirm-tx-exclusive",
            Self::CommitWithoutTx => "amqp-0-9-1/AMQP-tx.commit-transacted",
            Self::RollbackWithoutTx => "amqp-0-9-1/AMQP-tx.rollback-transacted",
            Self::ReplyConsumerAcks => "rabbitmq/RMQ-drt-consume-needs-no-ack",
            Self::ReplyConsumerExists => "rabbitmq/RMQ-drt-one-per-channel",
            Self::ReplyConsumerMissing => "rabbitmq/RMQ-drt-publish-without-consumer",
            Self::ReplyBind => "rabbitmq/RMQ-drt-bind-refused",
            Self::StorageFull => "amqp-0-9-1/AMQP-constant-506-resource-error",
            Self::ShutDown => "amqp-0-9-1/AMQP-constant-320-connection-forced",
        }
    }
}
