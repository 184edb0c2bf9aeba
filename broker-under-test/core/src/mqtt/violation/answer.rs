//! What each violation is answered, and how far it reaches, in each version.

use super::Violation;
use crate::mqtt::codec::{ConnectReturnCode, ReasonCode, Version};

/// What a client is told about its violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 5.0: in CONNACK before the connection is accepted, else in DISCONNECT or an acknowledgement.
    ReasonCode(ReasonCode),
    /// 3.1.1: in CONNACK.
    ReturnCode(ConnectReturnCode),
    /// Nothing.
    Silence,
}

/// How much a violation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The one request; the connection goes on.
    Request,
    /// The connection.
    Connection,
}

impl Violation {
    /// What goes on the wire.
    pub fn answer(self, version: Version) -> Answer {
        match version {
            Version::V311 => self.return_code().map_or(Answer::Silence, Answer::ReturnCode),
            Version::V50 => self.reason_code().map_or(Answer::Silence, Answer::ReasonCode),
        }
    }

    /// How far it reaches.
    pub fn reach(self, version: Version) -> Reach {
        match self {
            Self::TopicOwnedByServer
            | Self::PacketIdentifierInUse
            | Self::TooManyRetainedMessages
            | Self::SubscriptionQuotaExceeded => Reach::Request,
            // 3.1.1 has no code that says that a PUBLISH was not taken: its end must.
            Self::StorageFull => match version {
                Version::V311 => Reach::Connection,
                Version::V50 => Reach::Request,
            },
            // 5.0 announces these three in CONNACK; in 3.1.1 the client could not know.
            Self::RetainNotSupported
            | Self::WildcardSubscriptionsNotSupported
            | Self::SharedSubscriptionsNotSupported
                if version == Version::V311 =>
            {
                Reach::Request
            }
            Self::ReservedPacketType
            | Self::FixedHeaderFlags(_)
            | Self::RemainingLengthTooLong
            | Self::VariableByteIntegerTooLong
            | Self::LengthNotMinimal
            | Self::PacketTooLarge
            | Self::PacketOnlyServersSend(_)
            | Self::FieldMissing(_)
            | Self::TrailingBytes(_)
            | Self::NotUtf8(_)
            | Self::NulCharacter(_)
            | Self::PropertyNotAllowed { .. }
            | Self::PropertyRepeated(_)
            | Self::PropertyValue { .. }
            | Self::PacketIdentifierZero(_)
            | Self::ReasonCodeUnknown(_)
            | Self::FirstPacketNotConnect
            | Self::ConnectTimeout
            | Self::SecondConnect
            | Self::ProtocolName
            | Self::ProtocolLevel(_)
            | Self::ConnectReservedFlag
            | Self::WillQosWithoutWill
            | Self::WillRetainWithoutWill
            | Self::WillQosThree
            | Self::PasswordWithoutUserName
            | Self::UserNameWithoutFlag
            | Self::PasswordWithoutFlag
            | Self::EmptyClientIdentifierWithoutCleanSession
            | Self::EmptyWillTopic
            | Self::EmptyResponseTopic
            | Self::WildcardInWillTopic
            | Self::WillQosNotSupported
            | Self::WillRetainNotSupported
            | Self::BadUserNameOrPassword
            | Self::CredentialsMissing
            | Self::TooManySessions
            | Self::AuthenticationDataWithoutMethod
            | Self::BadAuthenticationMethod
            | Self::AuthenticationMethodMissing
            | Self::AuthWithoutMethod
            | Self::AuthenticationMethodChanged
            | Self::AuthOutOfPlace
            | Self::PacketDuringAuthentication(_)
            | Self::AuthenticationFailed
            | Self::ReAuthenticationFailed
            | Self::KeepAliveTimeout
            | Self::PublishQosThree
            | Self::DupOnQosZero
            | Self::WildcardInTopicName
            | Self::EmptyTopicName
            | Self::TopicAliasZero
            | Self::TopicAliasTooLarge
            | Self::TopicAliasUnknown
            | Self::WildcardInResponseTopic
            | Self::SubscriptionIdentifierFromClient
            | Self::ReceiveMaximumExceeded
            | Self::QosNotSupported
            | Self::RetainNotSupported
            | Self::PayloadFormatInvalid
            | Self::AcknowledgementOfWrongKind(_)
            | Self::NoTopicFilter(_)
            | Self::SubscriptionOptionsReserved
            | Self::SubscriptionQosThree
            | Self::RetainHandlingThree
            | Self::EmptyTopicFilter(_)
            | Self::MultiLevelWildcardMisplaced
            | Self::SingleLevelWildcardMisplaced
            | Self::ShareNameMissing
            | Self::WildcardInShareName
            | Self::SharedFilterMissing
            | Self::NoLocalOnShared
            | Self::WildcardSubscriptionsNotSupported
            | Self::SharedSubscriptionsNotSupported
            | Self::SubscriptionIdentifiersNotSupported
            | Self::SessionExpiryAfterZero
            | Self::RepliesNotRead => Reach::Connection,
        }
    }

    /// The code of 5.0; none where not even the version is known to be understood.
    fn reason_code(self) -> Option<ReasonCode> {
        Some(match self {
            Self::FirstPacketNotConnect | Self::ConnectTimeout => return None,
            Self::ReservedPacketType
            | Self::FixedHeaderFlags(_)
            | Self::RemainingLengthTooLong
            | Self::VariableByteIntegerTooLong
            | Self::LengthNotMinimal
            | Self::FieldMissing(_)
            | Self::TrailingBytes(_)
            | Self::NotUtf8(_)
            | Self::NulCharacter(_)
            | Self::PropertyNotAllowed { .. }
            | Self::ReasonCodeUnknown(_)
            | Self::ConnectReservedFlag
            | Self::WillQosWithoutWill
            | Self::WillRetainWithoutWill
            | Self::WillQosThree
            | Self::UserNameWithoutFlag
            | Self::PasswordWithoutFlag
            | Self::PublishQosThree
            | Self::DupOnQosZero
            | Self::SubscriptionOptionsReserved => ReasonCode::MalformedPacket,
            Self::PacketOnlyServersSend(_)
            | Self::PropertyRepeated(_)
            | Self::PropertyValue { .. }
            | Self::PacketIdentifierZero(_)
            | Self::SecondConnect
            | Self::PasswordWithoutUserName
            | Self::AuthenticationDataWithoutMethod
            | Self::AuthenticationMethodMissing
            | Self::AuthWithoutMethod
            | Self::AuthenticationMethodChanged
            | Self::AuthOutOfPlace
            | Self::PacketDuringAuthentication(_)
            | Self::EmptyTopicName
            | Self::TopicAliasUnknown
            | Self::WildcardInResponseTopic
            | Self::SubscriptionIdentifierFromClient
            | Self::AcknowledgementOfWrongKind(_)
            | Self::NoTopicFilter(_)
            | Self::SubscriptionQosThree
            | Self::RetainHandlingThree
            | Self::NoLocalOnShared
            | Self::SessionExpiryAfterZero => ReasonCode::ProtocolError,
            Self::ProtocolName | Self::ProtocolLevel(_) => ReasonCode::UnsupportedProtocolVersion,
            Self::EmptyClientIdentifierWithoutCleanSession => ReasonCode::ClientIdentifierNotValid,
            Self::EmptyWillTopic
            | Self::EmptyResponseTopic
            | Self::WildcardInWillTopic
            | Self::WildcardInTopicName => ReasonCode::TopicNameInvalid,
            Self::BadUserNameOrPassword => ReasonCode::BadUserNameOrPassword,
            Self::CredentialsMissing
            | Self::AuthenticationFailed
            | Self::ReAuthenticationFailed
            | Self::TopicOwnedByServer => ReasonCode::NotAuthorized,
            Self::BadAuthenticationMethod => ReasonCode::BadAuthenticationMethod,
            Self::KeepAliveTimeout => ReasonCode::KeepAliveTimeout,
            Self::EmptyTopicFilter(_)
            | Self::MultiLevelWildcardMisplaced
            | Self::SingleLevelWildcardMisplaced
            | Self::ShareNameMissing
            | Self::WildcardInShareName
            | Self::SharedFilterMissing => ReasonCode::TopicFilterInvalid,
            Self::PacketIdentifierInUse => ReasonCode::PacketIdentifierInUse,
            Self::ReceiveMaximumExceeded => ReasonCode::ReceiveMaximumExceeded,
            Self::TopicAliasZero | Self::TopicAliasTooLarge => ReasonCode::TopicAliasInvalid,
            Self::PacketTooLarge => ReasonCode::PacketTooLarge,
            Self::TooManySessions
            | Self::TooManyRetainedMessages
            | Self::StorageFull
            | Self::SubscriptionQuotaExceeded
            | Self::RepliesNotRead => ReasonCode::QuotaExceeded,
            Self::PayloadFormatInvalid => ReasonCode::PayloadFormatInvalid,
            Self::WillRetainNotSupported | Self::RetainNotSupported => ReasonCode::RetainNotSupported,
            Self::WillQosNotSupported | Self::QosNotSupported => ReasonCode::QosNotSupported,
            Self::SharedSubscriptionsNotSupported => ReasonCode::SharedSubscriptionsNotSupported,
            Self::SubscriptionIdentifiersNotSupported => ReasonCode::SubscriptionIdentifiersNotSupported,
            Self::WildcardSubscriptionsNotSupported => ReasonCode::WildcardSubscriptionsNotSupported,
        })
    }

    /// The code of 3.1.1, which has few and only in CONNACK.
    ///
    /// [mqtt-3.1.1/MQTT-3.2.2-6] where none fits, and [mqtt-3.1.1/MQTT-3.1.4-1] for a CONNECT that breaks the
    /// format, the connection is closed without a CONNACK.
    fn return_code(self) -> Option<ConnectReturnCode> {
        if let Self::ProtocolLevel(_) = self {
            return Some(ConnectReturnCode::UnacceptableProtocolVersion);
        }
        match self.reason_code() {
            Some(ReasonCode::ClientIdentifierNotValid) => Some(ConnectReturnCode::IdentifierRejected),
            Some(ReasonCode::BadUserNameOrPassword) => Some(ConnectReturnCode::BadUserNameOrPassword),
            Some(ReasonCode::NotAuthorized) => Some(ConnectReturnCode::NotAuthorized),
            Some(ReasonCode::QuotaExceeded) => Some(ConnectReturnCode::ServerUnavailable),
            Some(_) | None => None,
        }
    }
}
