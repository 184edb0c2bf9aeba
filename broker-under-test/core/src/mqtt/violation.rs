//! What a client can do wrong: which statement it breaks, what it is answered, and how far that reaches.

mod answer;
mod statement;

use thiserror::Error;

pub use answer::{Answer, Reach};

use super::codec::PacketType;
use super::codec::reader::Field;

/// A rule that a client broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// Type 0, or 15 in 3.1.1.
    #[error("the packet type is reserved")]
    ReservedPacketType,
    /// The lower four bits of the first byte.
    #[error("the flags in the fixed header of {0:?} are not the required ones")]
    FixedHeaderFlags(PacketType),
    /// More than four bytes.
    #[error("Remaining Length is longer than four bytes")]
    RemainingLengthTooLong,
    /// More than four bytes, in a property.
    #[error("a variable byte integer is longer than four bytes")]
    VariableByteIntegerTooLong,
    /// Padded with zero bits.
    #[error("a variable byte integer takes more bytes than it needs")]
    LengthNotMinimal,
    /// Above the server's Maximum Packet Size.
    #[error("the packet is larger than the server's Maximum Packet Size")]
    PacketTooLarge,
    /// CONNACK, SUBACK, UNSUBACK or PINGRESP.
    #[error("{0:?} is never sent by a client")]
    PacketOnlyServersSend(PacketType),
    /// The packet ends too early.
    #[error("the packet ends before or within {0:?}")]
    FieldMissing(Field),
    /// The packet goes on too long.
    #[error("{0:?} has bytes behind its last field")]
    TrailingBytes(PacketType),
    /// Also for surrogates.
    #[error("{0:?} is not valid UTF-8")]
    NotUtf8(Field),
    /// U+0000.
    #[error("{0:?} contains U+0000")]
    NulCharacter(Field),
    /// The identifier is unknown, or belongs into other packets.
    #[error("{packet_type:?} must not carry property {identifier:#04x}")]
    PropertyNotAllowed {
        /// As found.
        identifier: u8,
        /// Where.
        packet_type: PacketType,
    },
    /// Only user properties repeat.
    #[error("property {0:#04x} stands twice")]
    PropertyRepeated(u8),
    /// 0 or above 1 where that is ruled out.
    #[error("property {identifier:#04x} of {packet_type:?} has a value that is ruled out")]
    PropertyValue {
        /// As found.
        identifier: u8,
        /// Where.
        packet_type: PacketType,
    },
    /// Where one is needed, there must be one.
    #[error("the packet identifier of {0:?} is 0")]
    PacketIdentifierZero(PacketType),
    /// Not in this packet's table, or only for servers.
    #[error("the reason code of {0:?} is not one that a client may send")]
    ReasonCodeUnknown(PacketType),

    /// Anything else first.
    #[error("the first packet is not CONNECT")]
    FirstPacketNotConnect,
    /// No CONNECT within the time that the operator allows.
    #[error("no CONNECT came in time")]
    ConnectTimeout,
    /// One per connection.
    #[error("a second CONNECT on one connection")]
    SecondConnect,
    /// Neither MQTT nor MQIsdp.
    #[error("the protocol name is not MQTT")]
    ProtocolName,
    /// Neither 4 nor 5.
    #[error("protocol level {0} is not spoken here")]
    ProtocolLevel(u8),
    /// Bit 0.
    #[error("the reserved connect flag is set")]
    ConnectReservedFlag,
    /// QoS bits without Will Flag.
    #[error("Will QoS is set without Will Flag")]
    WillQosWithoutWill,
    /// Retain bit without Will Flag.
    #[error("Will Retain is set without Will Flag")]
    WillRetainWithoutWill,
    /// There is no QoS 3.
    #[error("Will QoS is 3")]
    WillQosThree,
    /// 3.1.1 only.
    #[error("a password without a user name")]
    PasswordWithoutUserName,
    /// Bytes where a user name would stand.
    #[error("bytes are left where a user name would stand, and User Name Flag is 0")]
    UserNameWithoutFlag,
    /// Bytes where a password would stand.
    #[error("bytes are left where a password would stand, and Password Flag is 0")]
    PasswordWithoutFlag,
    /// 3.1.1 only.
    #[error("an empty client identifier asks for a session that is kept")]
    EmptyClientIdentifierWithoutCleanSession,
    /// A will needs a topic.
    #[error("the will topic is empty")]
    EmptyWillTopic,
    /// Wildcards are for filters.
    #[error("the will topic contains a wildcard")]
    WildcardInWillTopic,
    /// Above what the server announces.
    #[error("Will QoS is above the server's Maximum QoS")]
    WillQosNotSupported,
    /// The server keeps none.
    #[error("Will Retain is set and the server keeps no retained messages")]
    WillRetainNotSupported,
    /// Wrong or unknown.
    #[error("user name or password are wrong")]
    BadUserNameOrPassword,
    /// Credentials are needed and none came.
    #[error("the server needs a user name and password")]
    CredentialsMissing,
    /// Too many sessions.
    #[error("the server takes no more sessions")]
    TooManySessions,
    /// The method's data without the method.
    #[error("Authentication Data without Authentication Method")]
    AuthenticationDataWithoutMethod,
    /// Not offered here.
    #[error("the authentication method is not supported")]
    BadAuthenticationMethod,
    /// Every AUTH names it.
    #[error("AUTH without Authentication Method")]
    AuthenticationMethodMissing,
    /// CONNECT named none.
    #[error("AUTH on a connection whose CONNECT named no authentication method")]
    AuthWithoutMethod,
    /// It stays the same for the whole connection.
    #[error("AUTH names another authentication method than CONNECT")]
    AuthenticationMethodChanged,
    /// 0x18 and 0x19 have their places.
    #[error("AUTH has a reason code that does not fit the state of the authentication")]
    AuthOutOfPlace,
    /// Only AUTH and DISCONNECT.
    #[error("{0:?} before the authentication is complete")]
    PacketDuringAuthentication(PacketType),
    /// The method says no.
    #[error("the authentication failed")]
    AuthenticationFailed,
    /// The same on a connection that was accepted before.
    #[error("the re-authentication failed")]
    ReAuthenticationFailed,
    /// 1.5 times.
    #[error("nothing arrived for one and a half keep alive times")]
    KeepAliveTimeout,

    /// There is no QoS 3.
    #[error("the QoS of PUBLISH is 3")]
    PublishQosThree,
    /// Nothing is sent twice with QoS 0.
    #[error("DUP is set on a QoS 0 PUBLISH")]
    DupOnQosZero,
    /// Wildcards are for filters.
    #[error("the topic name contains a wildcard")]
    WildcardInTopicName,
    /// And no alias, in 5.0.
    #[error("the topic name is empty")]
    EmptyTopicName,
    /// 0 is ruled out.
    #[error("the topic alias is 0")]
    TopicAliasZero,
    /// Above what the server announced.
    #[error("the topic alias is above the server's Topic Alias Maximum")]
    TopicAliasTooLarge,
    /// Not mapped on this connection.
    #[error("the topic alias stands for no topic yet")]
    TopicAliasUnknown,
    /// Wildcards are for filters.
    #[error("the response topic contains a wildcard")]
    WildcardInResponseTopic,
    /// Topics have at least one character.
    #[error("the response topic is empty")]
    EmptyResponseTopic,
    /// Only servers send it in PUBLISH.
    #[error("a client's PUBLISH carries a subscription identifier")]
    SubscriptionIdentifierFromClient,
    /// Too many unfinished.
    #[error("more unfinished PUBLISHes than the server's Receive Maximum")]
    ReceiveMaximumExceeded,
    /// Above what the server announced.
    #[error("the QoS of PUBLISH is above the server's Maximum QoS")]
    QosNotSupported,
    /// The server said that it keeps none.
    #[error("RETAIN is set and the server keeps no retained messages")]
    RetainNotSupported,
    /// It called itself text.
    #[error("the payload is not UTF-8 although it says so")]
    PayloadFormatInvalid,
    /// PUBACK for QoS 2 and the like.
    #[error("{0:?} for a PUBLISH that waits for another acknowledgement")]
    AcknowledgementOfWrongKind(PacketType),
    /// Below $SYS.
    #[error("the topic belongs to the server")]
    TopicOwnedByServer,
    /// Of an unfinished exchange.
    #[error("the packet identifier is in use")]
    PacketIdentifierInUse,
    /// As many as the operator allows.
    #[error("the server keeps no more retained messages")]
    TooManyRetainedMessages,
    /// What would have to be kept cannot be.
    #[error("the server has no room left to keep anything in")]
    StorageFull,

    /// At least one.
    #[error("{0:?} without a topic filter")]
    NoTopicFilter(PacketType),
    /// The upper bits of the options.
    #[error("reserved bits of the subscription options are set")]
    SubscriptionOptionsReserved,
    /// There is no QoS 3.
    #[error("a subscription asks for QoS 3")]
    SubscriptionQosThree,
    /// There is no such handling.
    #[error("Retain Handling is 3")]
    RetainHandlingThree,
    /// At least one character.
    #[error("a topic filter of {0:?} is empty")]
    EmptyTopicFilter(PacketType),
    /// Alone at the end.
    #[error("# does not stand alone in the last level of a topic filter")]
    MultiLevelWildcardMisplaced,
    /// Alone in its level.
    #[error("+ does not stand alone in its level of a topic filter")]
    SingleLevelWildcardMisplaced,
    /// `$share//…`.
    #[error("a shared subscription without a share name")]
    ShareNameMissing,
    /// `$share/a+b/…`.
    #[error("the share name contains a wildcard")]
    WildcardInShareName,
    /// `$share/name` or `$share/name/`.
    #[error("a shared subscription without a topic filter behind the share name")]
    SharedFilterMissing,
    /// A group has no local.
    #[error("No Local on a shared subscription")]
    NoLocalOnShared,
    /// The server said so.
    #[error("the server has no wildcard subscriptions")]
    WildcardSubscriptionsNotSupported,
    /// The server said so.
    #[error("the server has no shared subscriptions")]
    SharedSubscriptionsNotSupported,
    /// The server said so.
    #[error("the server has no subscription identifiers")]
    SubscriptionIdentifiersNotSupported,
    /// As many, and as deep, as the operator allows.
    #[error("the server takes no more subscriptions of this client, or none of so many levels")]
    SubscriptionQuotaExceeded,

    /// 0 is final.
    #[error("DISCONNECT gives a session time that CONNECT said would end with the connection")]
    SessionExpiryAfterZero,
    /// Replies are not being read.
    #[error("the client does not read what it asked for")]
    RepliesNotRead,
}
