//! Which statement each violation breaks, in each version.

use super::Violation;
use crate::mqtt::codec::reader::Field;
use crate::mqtt::codec::{PacketType, Version, property};

/// 3.1.1's rule for what has none of its own: a violation closes the connection.
const ANY_311: &str = "mqtt-3.1.1/MQTT-4.8.0-1";
/// The same of 5.0: a malformed packet or protocol error closes the connection.
const ANY_50: &str = "mqtt-5.0/MQTT-4.13.1-1";

impl Violation {
    /// The statement that is broken, with its standard: `mqtt-5.0/MQTT-3.3.1-4`. Where a version has no
    /// statement of its own for the rule, the one that says what any violation leads to.
    pub fn statement(self, version: Version) -> &'static str {
        let (in_311, in_50) = self.statements();
        match version {
            Version::V311 => in_311,
            Version::V50 => in_50,
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table with a row for each rule, not a procedure")]
    fn statements(self) -> (&'static str, &'static str) {
        match self {
            Self::ConnectTimeout
            | Self::AuthOutOfPlace
            | Self::TopicAliasUnknown
            | Self::TopicOwnedByServer
            | Self::TooManyRetainedMessages
            | Self::StorageFull
            | Self::TooManySessions
            | Self::SubscriptionQuotaExceeded
            | Self::WildcardSubscriptionsNotSupported
            | Self::SharedSubscriptionsNotSupported
            | Self::SubscriptionIdentifiersNotSupported
            | Self::SessionExpiryAfterZero
            | Self::RepliesNotRead => (ANY_311, ANY_50),
            Self::ReservedPacketType => {
                ("mqtt-3.1.1/MQSPEC-2.2.1-packet-type-reserved", "mqtt-5.0/MQSPEC-2.1.2-packet-type-reserved")
            }
            Self::PacketOnlyServersSend(_) => {
                ("mqtt-3.1.1/MQSPEC-2.2.1-packet-direction", "mqtt-5.0/MQSPEC-2.1.2-packet-direction")
            }
            Self::RemainingLengthTooLong => (
                "mqtt-3.1.1/MQSPEC-2.2.3-remaining-length-size",
                "mqtt-5.0/MQSPEC-1.5.5-variable-byte-integer-size",
            ),
            Self::VariableByteIntegerTooLong => (ANY_311, "mqtt-5.0/MQSPEC-1.5.5-variable-byte-integer-size"),
            Self::LengthNotMinimal => {
                ("mqtt-3.1.1/MQSPEC-2.2.3-remaining-length-minimal", "mqtt-5.0/MQTT-1.5.5-1")
            }
            Self::TrailingBytes(_) => {
                ("mqtt-3.1.1/MQSPEC-2.2.3-trailing-bytes", "mqtt-5.0/MQSPEC-2.1.4-trailing-bytes")
            }
            Self::PropertyNotAllowed { identifier, .. } => (ANY_311, property_not_allowed(identifier)),
            Self::PropertyRepeated(_) => (ANY_311, "mqtt-5.0/MQSPEC-2.2.2.2-property-repeated"),
            Self::PropertyValue { identifier, packet_type } => {
                (ANY_311, property_value(identifier, packet_type))
            }
            Self::AuthenticationDataWithoutMethod => {
                (ANY_311, "mqtt-5.0/MQSPEC-3.1.2.11.10-authentication-data-without-method")
            }
            Self::PayloadFormatInvalid => (ANY_311, "mqtt-5.0/MQSPEC-3.3.2.3.2-payload-format"),
            Self::FixedHeaderFlags(packet_type) => fixed_header_flags(packet_type),
            Self::PacketTooLarge => (ANY_311, "mqtt-5.0/MQTT-3.2.2-15"),
            Self::FieldMissing(field) => field_missing(field),
            Self::NotUtf8(field) => not_utf8(field),
            Self::NulCharacter(field) => nul_character(field),
            Self::PacketIdentifierZero(
                PacketType::PubAck | PacketType::PubRec | PacketType::PubRel | PacketType::PubComp,
            ) => (
                "mqtt-3.1.1/MQSPEC-2.3.1-acknowledged-packet-id-zero",
                "mqtt-5.0/MQSPEC-2.2.1-acknowledged-packet-id-zero",
            ),
            Self::PacketIdentifierZero(_) => ("mqtt-3.1.1/MQTT-2.3.1-1", "mqtt-5.0/MQTT-2.2.1-3"),
            Self::PacketIdentifierInUse => ("mqtt-3.1.1/MQTT-2.3.1-2", "mqtt-5.0/MQTT-2.2.1-3"),
            Self::ReasonCodeUnknown(packet_type) => (ANY_311, reason_code_table(packet_type)),
            Self::FirstPacketNotConnect => ("mqtt-3.1.1/MQTT-3.1.0-1", "mqtt-5.0/MQTT-3.1.0-1"),
            Self::SecondConnect => ("mqtt-3.1.1/MQTT-3.1.0-2", "mqtt-5.0/MQTT-3.1.0-2"),
            Self::ProtocolName => ("mqtt-3.1.1/MQTT-3.1.2-1", "mqtt-5.0/MQTT-3.1.2-1"),
            Self::ProtocolLevel(_) => ("mqtt-3.1.1/MQTT-3.1.2-2", "mqtt-5.0/MQTT-3.1.2-2"),
            Self::ConnectReservedFlag => ("mqtt-3.1.1/MQTT-3.1.2-3", "mqtt-5.0/MQTT-3.1.2-3"),
            Self::WillQosWithoutWill => ("mqtt-3.1.1/MQTT-3.1.2-13", "mqtt-5.0/MQTT-3.1.2-11"),
            Self::WillRetainWithoutWill => ("mqtt-3.1.1/MQTT-3.1.2-15", "mqtt-5.0/MQTT-3.1.2-13"),
            Self::WillQosThree => ("mqtt-3.1.1/MQTT-3.1.2-14", "mqtt-5.0/MQTT-3.1.2-12"),
            Self::PasswordWithoutUserName => ("mqtt-3.1.1/MQTT-3.1.2-22", ANY_50),
            Self::UserNameWithoutFlag => ("mqtt-3.1.1/MQTT-3.1.2-18", "mqtt-5.0/MQTT-3.1.2-16"),
            Self::PasswordWithoutFlag => ("mqtt-3.1.1/MQTT-3.1.2-20", "mqtt-5.0/MQTT-3.1.2-18"),
            Self::EmptyClientIdentifierWithoutCleanSession => ("mqtt-3.1.1/MQTT-3.1.3-8", ANY_50),
            Self::EmptyTopicName => {
                ("mqtt-3.1.1/MQTT-4.7.3-1", "mqtt-5.0/MQSPEC-3.3.2.1-topic-empty-without-alias")
            }
            Self::EmptyWillTopic | Self::EmptyResponseTopic | Self::EmptyTopicFilter(_) => {
                ("mqtt-3.1.1/MQTT-4.7.3-1", "mqtt-5.0/MQTT-4.7.3-1")
            }
            Self::WildcardInWillTopic => ("mqtt-3.1.1/MQTT-4.7.1-1", "mqtt-5.0/MQTT-4.7.0-1"),
            Self::WillQosNotSupported => ("mqtt-3.1.1/MQTT-3.2.2-6", "mqtt-5.0/MQTT-3.2.2-12"),
            Self::WillRetainNotSupported => ("mqtt-3.1.1/MQTT-3.2.2-6", "mqtt-5.0/MQTT-3.2.2-13"),
            Self::BadUserNameOrPassword | Self::CredentialsMissing => {
                ("mqtt-3.1.1/MQTT-3.2.2-5", "mqtt-5.0/MQTT-3.1.4-2")
            }
            Self::BadAuthenticationMethod => (ANY_311, "mqtt-5.0/MQTT-4.12.0-1"),
            Self::AuthenticationMethodMissing => {
                (ANY_311, "mqtt-5.0/MQSPEC-3.15.2.2.2-authentication-method-missing")
            }
            Self::AuthWithoutMethod => (ANY_311, "mqtt-5.0/MQTT-4.12.0-7"),
            Self::AuthenticationMethodChanged => (ANY_311, "mqtt-5.0/MQTT-4.12.1-1"),
            Self::PacketDuringAuthentication(_) => (ANY_311, "mqtt-5.0/MQTT-3.1.2-30"),
            Self::AuthenticationFailed => (ANY_311, "mqtt-5.0/MQTT-4.12.0-4"),
            Self::ReAuthenticationFailed => (ANY_311, "mqtt-5.0/MQTT-4.12.1-2"),
            Self::KeepAliveTimeout => ("mqtt-3.1.1/MQTT-3.1.2-24", "mqtt-5.0/MQTT-3.1.2-22"),
            Self::PublishQosThree => ("mqtt-3.1.1/MQTT-3.3.1-4", "mqtt-5.0/MQTT-3.3.1-4"),
            Self::DupOnQosZero => ("mqtt-3.1.1/MQTT-3.3.1-2", "mqtt-5.0/MQTT-3.3.1-2"),
            Self::WildcardInTopicName => ("mqtt-3.1.1/MQTT-3.3.2-2", "mqtt-5.0/MQTT-3.3.2-2"),
            Self::TopicAliasZero => (ANY_311, "mqtt-5.0/MQTT-3.3.2-8"),
            Self::TopicAliasTooLarge => (ANY_311, "mqtt-5.0/MQTT-3.3.2-9"),
            Self::WildcardInResponseTopic => (ANY_311, "mqtt-5.0/MQTT-3.3.2-14"),
            Self::SubscriptionIdentifierFromClient => (ANY_311, "mqtt-5.0/MQTT-3.3.4-6"),
            Self::ReceiveMaximumExceeded => (ANY_311, "mqtt-5.0/MQTT-3.3.4-7"),
            Self::QosNotSupported => (ANY_311, "mqtt-5.0/MQTT-3.2.2-11"),
            Self::RetainNotSupported => (ANY_311, "mqtt-5.0/MQTT-3.2.2-14"),
            Self::AcknowledgementOfWrongKind(_) => ("mqtt-3.1.1/MQTT-3.3.4-1", "mqtt-5.0/MQTT-3.3.4-1"),
            Self::NoTopicFilter(packet_type) => match_unsubscribe(
                packet_type,
                ("mqtt-3.1.1/MQTT-3.10.3-2", "mqtt-5.0/MQTT-3.10.3-2"),
                ("mqtt-3.1.1/MQTT-3.8.3-3", "mqtt-5.0/MQTT-3.8.3-2"),
            ),
            Self::SubscriptionOptionsReserved => ("mqtt-3.1.1/MQTT-3-8.3-4", "mqtt-5.0/MQTT-3.8.3-5"),
            Self::SubscriptionQosThree => ("mqtt-3.1.1/MQTT-3-8.3-4", "mqtt-5.0/MQSPEC-3.8.3.1-qos-three"),
            Self::RetainHandlingThree => {
                ("mqtt-3.1.1/MQTT-3-8.3-4", "mqtt-5.0/MQSPEC-3.8.3.1-retain-handling-three")
            }
            Self::MultiLevelWildcardMisplaced => ("mqtt-3.1.1/MQTT-4.7.1-2", "mqtt-5.0/MQTT-4.7.1-1"),
            Self::SingleLevelWildcardMisplaced => ("mqtt-3.1.1/MQTT-4.7.1-3", "mqtt-5.0/MQTT-4.7.1-2"),
            Self::ShareNameMissing => (ANY_311, "mqtt-5.0/MQTT-4.8.2-1"),
            Self::WildcardInShareName | Self::SharedFilterMissing => (ANY_311, "mqtt-5.0/MQTT-4.8.2-2"),
            Self::NoLocalOnShared => (ANY_311, "mqtt-5.0/MQTT-3.8.3-4"),
        }
    }
}

/// One statement for UNSUBSCRIBE, another for every other packet.
fn match_unsubscribe<T>(packet_type: PacketType, unsubscribe: T, other: T) -> T {
    if packet_type == PacketType::Unsubscribe { unsubscribe } else { other }
}

fn fixed_header_flags(packet_type: PacketType) -> (&'static str, &'static str) {
    match packet_type {
        PacketType::PubRel => ("mqtt-3.1.1/MQTT-3.6.1-1", "mqtt-5.0/MQTT-3.6.1-1"),
        PacketType::Subscribe => ("mqtt-3.1.1/MQTT-3.8.1-1", "mqtt-5.0/MQTT-3.8.1-1"),
        PacketType::Unsubscribe => ("mqtt-3.1.1/MQTT-3.10.1-1", "mqtt-5.0/MQTT-3.10.1-1"),
        PacketType::Disconnect => ("mqtt-3.1.1/MQTT-3.14.1-1", "mqtt-5.0/MQTT-3.14.1-1"),
        PacketType::Auth => (ANY_311, "mqtt-5.0/MQTT-3.15.1-1"),
        PacketType::Connect
        | PacketType::ConnAck
        | PacketType::Publish
        | PacketType::PubAck
        | PacketType::PubRec
        | PacketType::PubComp
        | PacketType::SubAck
        | PacketType::UnsubAck
        | PacketType::PingReq
        | PacketType::PingResp => ("mqtt-3.1.1/MQTT-2.2.2-2", "mqtt-5.0/MQTT-2.1.3-1"),
    }
}

fn property_not_allowed(identifier: u8) -> &'static str {
    if property::is_known(identifier) {
        "mqtt-5.0/MQSPEC-2.2.2.2-property-not-allowed"
    } else {
        "mqtt-5.0/MQSPEC-2.2.2.2-property-unknown"
    }
}

/// The rules on single values have a statement for each property, and for a will its own.
fn property_value(identifier: u8, packet_type: PacketType) -> &'static str {
    match identifier {
        property::RECEIVE_MAXIMUM => "mqtt-5.0/MQSPEC-3.1.2.11.3-receive-maximum-zero",
        property::MAXIMUM_PACKET_SIZE => "mqtt-5.0/MQSPEC-3.1.2.11.4-maximum-packet-size-zero",
        property::REQUEST_RESPONSE_INFORMATION => {
            "mqtt-5.0/MQSPEC-3.1.2.11.6-request-response-information-value"
        }
        property::REQUEST_PROBLEM_INFORMATION => {
            "mqtt-5.0/MQSPEC-3.1.2.11.7-request-problem-information-value"
        }
        property::PAYLOAD_FORMAT_INDICATOR if packet_type == PacketType::Connect => {
            "mqtt-5.0/MQSPEC-3.1.3.2.3-will-payload-format-indicator-value"
        }
        property::PAYLOAD_FORMAT_INDICATOR => "mqtt-5.0/MQSPEC-3.3.2.3.2-payload-format-indicator-value",
        property::SUBSCRIPTION_IDENTIFIER => "mqtt-5.0/MQSPEC-3.8.2.1.2-subscription-identifier-zero",
        _ => ANY_50,
    }
}

fn reason_code_table(packet_type: PacketType) -> &'static str {
    match packet_type {
        PacketType::PubAck => "mqtt-5.0/MQTT-3.4.2-1",
        PacketType::PubRec => "mqtt-5.0/MQTT-3.5.2-1",
        PacketType::PubRel => "mqtt-5.0/MQTT-3.6.2-1",
        PacketType::PubComp => "mqtt-5.0/MQTT-3.7.2-1",
        PacketType::Disconnect => "mqtt-5.0/MQTT-3.14.2-1",
        PacketType::Auth => "mqtt-5.0/MQTT-3.15.2-1",
        PacketType::Connect
        | PacketType::ConnAck
        | PacketType::Publish
        | PacketType::Subscribe
        | PacketType::SubAck
        | PacketType::Unsubscribe
        | PacketType::UnsubAck
        | PacketType::PingReq
        | PacketType::PingResp => ANY_50,
    }
}

fn field_missing(field: Field) -> (&'static str, &'static str) {
    match field {
        Field::ConnectHeader => ("mqtt-3.1.1/MQTT-3.1.4-1", "mqtt-5.0/MQTT-3.1.4-1"),
        Field::ClientIdentifier => ("mqtt-3.1.1/MQTT-3.1.3-3", "mqtt-5.0/MQTT-3.1.3-3"),
        Field::WillProperties | Field::WillTopic | Field::WillPayload => {
            ("mqtt-3.1.1/MQTT-3.1.2-9", "mqtt-5.0/MQTT-3.1.2-9")
        }
        Field::UserName => ("mqtt-3.1.1/MQTT-3.1.2-19", "mqtt-5.0/MQTT-3.1.2-17"),
        Field::Password => ("mqtt-3.1.1/MQTT-3.1.2-21", "mqtt-5.0/MQTT-3.1.2-19"),
        Field::PacketIdentifier
        | Field::TopicName
        | Field::SubscribeFilter
        | Field::UnsubscribeFilter
        | Field::ReasonCode => {
            ("mqtt-3.1.1/MQSPEC-2.2.3-body-truncated", "mqtt-5.0/MQSPEC-2.1.4-body-truncated")
        }
        Field::Property | Field::ResponseTopic | Field::ContentType | Field::UserProperty => {
            (ANY_311, "mqtt-5.0/MQSPEC-2.2.2.1-property-length")
        }
    }
}

fn not_utf8(field: Field) -> (&'static str, &'static str) {
    match field {
        Field::ClientIdentifier => ("mqtt-3.1.1/MQTT-3.1.3-4", "mqtt-5.0/MQTT-3.1.3-4"),
        Field::WillTopic => ("mqtt-3.1.1/MQTT-3.1.3-10", "mqtt-5.0/MQTT-3.1.3-11"),
        Field::UserName => ("mqtt-3.1.1/MQTT-3.1.3-11", "mqtt-5.0/MQTT-3.1.3-12"),
        Field::TopicName => ("mqtt-3.1.1/MQTT-3.3.2-1", "mqtt-5.0/MQTT-3.3.2-1"),
        Field::SubscribeFilter => ("mqtt-3.1.1/MQTT-3.8.3-1", "mqtt-5.0/MQTT-3.8.3-1"),
        Field::UnsubscribeFilter => ("mqtt-3.1.1/MQTT-3.10.3-1", "mqtt-5.0/MQTT-3.10.3-1"),
        Field::ResponseTopic => (ANY_311, "mqtt-5.0/MQTT-3.3.2-13"),
        Field::ContentType => (ANY_311, "mqtt-5.0/MQTT-3.3.2-19"),
        Field::UserProperty => (ANY_311, "mqtt-5.0/MQTT-1.5.7-1"),
        Field::ConnectHeader
        | Field::WillProperties
        | Field::WillPayload
        | Field::Password
        | Field::PacketIdentifier
        | Field::ReasonCode
        | Field::Property => ("mqtt-3.1.1/MQTT-1.5.3-1", "mqtt-5.0/MQTT-1.5.4-1"),
    }
}

fn nul_character(field: Field) -> (&'static str, &'static str) {
    match field {
        Field::TopicName | Field::WillTopic | Field::SubscribeFilter | Field::UnsubscribeFilter => {
            ("mqtt-3.1.1/MQTT-4.7.3-2", "mqtt-5.0/MQTT-4.7.3-2")
        }
        Field::ConnectHeader
        | Field::ClientIdentifier
        | Field::WillProperties
        | Field::WillPayload
        | Field::UserName
        | Field::Password
        | Field::PacketIdentifier
        | Field::Property
        | Field::ReasonCode
        | Field::ResponseTopic
        | Field::ContentType
        | Field::UserProperty => ("mqtt-3.1.1/MQTT-1.5.3-2", "mqtt-5.0/MQTT-1.5.4-2"),
    }
}
