//! Reason codes of 5.0 (§2.4) and return codes of 3.1.1 (§3.2.2.3).

use super::frame::PacketType;

/// Writes the enum of reason codes and its two conversions from one table.
macro_rules! reason_codes {
    ($($(#[$doc:meta])* $name:ident = $byte:literal),* $(,)?) => {
        /// A reason code of MQTT 5.0. Below 0x80 is success.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReasonCode { $($(#[$doc])* $name),* }

        impl ReasonCode {
            /// The code of a byte; none where the standard has none.
            pub fn of(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$name),)* _ => None }
            }

            /// The code as it is written.
            pub fn byte(self) -> u8 {
                match self { $(Self::$name => $byte),* }
            }
        }
    };
}

reason_codes! {
    /// Success, normal disconnection, or QoS 0 granted.
    Success = 0x00,
    /// QoS 1 granted.
    GrantedQos1 = 0x01,
    /// QoS 2 granted.
    GrantedQos2 = 0x02,
    /// The client leaves and wants its will published.
    DisconnectWithWill = 0x04,
    /// The message was taken and nobody subscribes to it.
    NoMatchingSubscribers = 0x10,
    /// There was no such subscription.
    NoSubscriptionExisted = 0x11,
    /// More authentication is needed.
    ContinueAuthentication = 0x18,
    /// A new authentication begins.
    ReAuthenticate = 0x19,
    /// No reason is given.
    UnspecifiedError = 0x80,
    /// The packet could not be read.
    MalformedPacket = 0x81,
    /// The packet must not come here or so.
    ProtocolError = 0x82,
    /// Valid, and not accepted.
    ImplementationSpecificError = 0x83,
    /// The protocol version is not spoken here.
    UnsupportedProtocolVersion = 0x84,
    /// The client identifier is not allowed.
    ClientIdentifierNotValid = 0x85,
    /// User name or password are wrong.
    BadUserNameOrPassword = 0x86,
    /// Not allowed to do this.
    NotAuthorized = 0x87,
    /// The server is not available.
    ServerUnavailable = 0x88,
    /// The server is busy.
    ServerBusy = 0x89,
    /// Banned by the operator.
    Banned = 0x8A,
    /// The server goes down.
    ServerShuttingDown = 0x8B,
    /// The authentication method is not supported.
    BadAuthenticationMethod = 0x8C,
    /// Nothing was heard for 1.5 keep alive times.
    KeepAliveTimeout = 0x8D,
    /// Another connection took the session over.
    SessionTakenOver = 0x8E,
    /// The topic filter is not accepted.
    TopicFilterInvalid = 0x8F,
    /// The topic name is not accepted.
    TopicNameInvalid = 0x90,
    /// The packet identifier is in use.
    PacketIdentifierInUse = 0x91,
    /// The packet identifier is not known.
    PacketIdentifierNotFound = 0x92,
    /// More unfinished messages than Receive Maximum.
    ReceiveMaximumExceeded = 0x93,
    /// The topic alias is not valid.
    TopicAliasInvalid = 0x94,
    /// The packet is larger than Maximum Packet Size.
    PacketTooLarge = 0x95,
    /// Too many messages.
    MessageRateTooHigh = 0x96,
    /// A limit of the server was reached.
    QuotaExceeded = 0x97,
    /// The operator's decision.
    AdministrativeAction = 0x98,
    /// The payload is not what it says it is.
    PayloadFormatInvalid = 0x99,
    /// No retained messages here.
    RetainNotSupported = 0x9A,
    /// The QoS is above Maximum QoS.
    QosNotSupported = 0x9B,
    /// Use another server for now.
    UseAnotherServer = 0x9C,
    /// Use another server.
    ServerMoved = 0x9D,
    /// No shared subscriptions here.
    SharedSubscriptionsNotSupported = 0x9E,
    /// Connections come too fast.
    ConnectionRateExceeded = 0x9F,
    /// Connected for as long as is allowed.
    MaximumConnectTime = 0xA0,
    /// No subscription identifiers here.
    SubscriptionIdentifiersNotSupported = 0xA1,
    /// No wildcards here.
    WildcardSubscriptionsNotSupported = 0xA2,
}

impl ReasonCode {
    /// Whether it says that something failed.
    pub fn is_error(self) -> bool {
        self.byte() >= 0x80
    }

    /// Whether a client may send it in a packet of this type: the tables of §3.4 to §3.7, §3.14 and §3.15,
    /// without the codes that only servers use. (Success of AUTH is let through: its exchange refuses it.)
    pub fn is_for(self, packet_type: PacketType) -> bool {
        match packet_type {
            PacketType::PubAck | PacketType::PubRec => {
                matches!(self.byte(), 0x00 | 0x10 | 0x80 | 0x83 | 0x87 | 0x90 | 0x91 | 0x97 | 0x99)
            }
            PacketType::PubRel | PacketType::PubComp => matches!(self.byte(), 0x00 | 0x92),
            PacketType::Disconnect => {
                // 0x8C is in §2.4's row for DISCONNECT and not in §3.14.2.1's list: taken, as the standard disagrees
                // with itself.
                matches!(self.byte(), 0x00 | 0x04 | 0x80..=0x83 | 0x8C | 0x90 | 0x93..=0x99)
            }
            PacketType::Auth => matches!(self.byte(), 0x00 | 0x18 | 0x19),
            PacketType::Connect
            | PacketType::ConnAck
            | PacketType::Publish
            | PacketType::Subscribe
            | PacketType::SubAck
            | PacketType::Unsubscribe
            | PacketType::UnsubAck
            | PacketType::PingReq
            | PacketType::PingResp => false,
        }
    }
}

/// A return code of a 3.1.1 CONNACK that refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectReturnCode {
    /// 0x01: the protocol level is not spoken here.
    UnacceptableProtocolVersion,
    /// 0x02: the client identifier is not allowed.
    IdentifierRejected,
    /// 0x03: the server cannot serve now.
    ServerUnavailable,
    /// 0x04: user name or password are wrong.
    BadUserNameOrPassword,
    /// 0x05: not allowed to connect.
    NotAuthorized,
}

impl ConnectReturnCode {
    /// The code as it is written.
    pub fn byte(self) -> u8 {
        match self {
            Self::UnacceptableProtocolVersion => 0x01,
            Self::IdentifierRejected => 0x02,
            Self::ServerUnavailable => 0x03,
            Self::BadUserNameOrPassword => 0x04,
            Self::NotAuthorized => 0x05,
        }
    }
}
