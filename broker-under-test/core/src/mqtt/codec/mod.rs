//! Bytes to packets that a client may send, and back: typed, strict, and borrowed from the bytes that arrived.
//!
//! Decoding allocates nothing: a packet is a view over its frame, and a length field is only ever compared
//! with what is there. Every refusal is a [`Violation`], which names the rule.

pub mod acknowledge;
pub mod auth;
pub mod connack;
pub mod connect;
pub mod disconnect;
pub mod frame;
pub mod property;
pub mod publish;
pub mod reader;
pub mod reason;
pub mod subscribe;
pub mod writer;

use std::num::NonZeroU16;

pub use acknowledge::{Acknowledgement, AcknowledgementKind};
pub use auth::Auth;
pub use connect::Connect;
pub use disconnect::Disconnect;
pub use frame::{Frame, PacketType};
pub use publish::Publish;
pub use reason::{ConnectReturnCode, ReasonCode};
pub use subscribe::{Subscribe, Unsubscribe};

use super::violation::Violation;

/// Which of the two standards a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// MQTT 3.1.1, protocol level 4.
    V311,
    /// MQTT 5.0, protocol version 5.
    V50,
}

/// How often a message may arrive (§4.3 of both standards).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qos {
    /// QoS 0.
    AtMostOnce = 0,
    /// QoS 1.
    AtLeastOnce = 1,
    /// QoS 2.
    ExactlyOnce = 2,
}

impl Qos {
    /// The level for its two bits; none for 3.
    #[inline]
    pub fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }

    /// The level as its two bits.
    pub fn bits(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
            Self::ExactlyOnce => 2,
        }
    }
}

/// The non-zero number of a QoS 1 or 2 PUBLISH, a SUBSCRIBE or an UNSUBSCRIBE while it is unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketIdentifier(pub NonZeroU16);

impl PacketIdentifier {
    /// The identifier of a number; none for 0.
    #[inline]
    pub fn new(number: u16) -> Option<Self> {
        NonZeroU16::new(number).map(Self)
    }

    /// The number, 1 to 65,535.
    #[inline]
    pub fn get(self) -> u16 {
        self.0.get()
    }
}

/// A control packet that a client may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// CONNECT.
    Connect(Connect<'a>),
    /// PUBLISH.
    Publish(Publish<'a>),
    /// PUBACK.
    PubAck(Acknowledgement<'a>),
    /// PUBREC.
    PubRec(Acknowledgement<'a>),
    /// PUBREL.
    PubRel(Acknowledgement<'a>),
    /// PUBCOMP.
    PubComp(Acknowledgement<'a>),
    /// SUBSCRIBE.
    Subscribe(Subscribe<'a>),
    /// UNSUBSCRIBE.
    Unsubscribe(Unsubscribe<'a>),
    /// PINGREQ.
    PingReq,
    /// DISCONNECT.
    Disconnect(Disconnect<'a>),
    /// AUTH (5.0 only).
    Auth(Auth<'a>),
}

impl<'a> Packet<'a> {
    /// Reads the packet in a frame, as `version` has it. A CONNECT says its own version, so `version` is
    /// ignored there.
    ///
    /// ```
    /// use mqspec_broker_core::mqtt::codec::{Frame, Packet, Version, frame::Cut};
    ///
    /// // PUBLISH, QoS 0, topic "a/b", payload "hi"
    /// let bytes = b"\x30\x07\x00\x03a/bhi";
    /// let Ok(Cut::Whole { frame, size: 9 }) = Frame::cut(bytes, 1_000) else { panic!("a whole packet") };
    /// let Ok(Packet::Publish(publish)) = Packet::decode(&frame, Version::V311) else { panic!("a PUBLISH") };
    /// assert_eq!((publish.topic_name, publish.payload), ("a/b", &b"hi"[..]));
    ///
    /// // The same with QoS bits 11 breaks a rule, and the refusal says which.
    /// let Ok(Cut::Whole { frame, .. }) = Frame::cut(b"\x36\x07\x00\x03a/bhi", 1_000) else { panic!("whole") };
    /// let violation = Packet::decode(&frame, Version::V311).expect_err("QoS 3");
    /// assert_eq!(violation.statement(Version::V311), "mqtt-3.1.1/MQTT-3.3.1-4");
    /// ```
    ///
    /// # Errors
    /// The first rule that the packet breaks.
    #[inline]
    pub fn decode(frame: &Frame<'a>, version: Version) -> Result<Self, Violation> {
        if version == Version::V50 {
            frame.require_minimal_length()?;
        }
        match frame.packet_type {
            PacketType::Connect => Connect::decode(frame).map(Self::Connect),
            PacketType::Publish => Publish::decode(frame, version).map(Self::Publish),
            PacketType::PubAck => Acknowledgement::decode(frame, version).map(Self::PubAck),
            PacketType::PubRec => Acknowledgement::decode(frame, version).map(Self::PubRec),
            PacketType::PubRel => Acknowledgement::decode(frame, version).map(Self::PubRel),
            PacketType::PubComp => Acknowledgement::decode(frame, version).map(Self::PubComp),
            PacketType::Subscribe => Subscribe::decode(frame, version).map(Self::Subscribe),
            PacketType::Unsubscribe => Unsubscribe::decode(frame, version).map(Self::Unsubscribe),
            PacketType::PingReq => match frame.body {
                [] => Ok(Self::PingReq),
                [..] => Err(Violation::TrailingBytes(PacketType::PingReq)),
            },
            PacketType::Disconnect => Disconnect::decode(frame, version).map(Self::Disconnect),
            PacketType::Auth => match version {
                Version::V50 => Auth::decode(frame).map(Self::Auth),
                Version::V311 => Err(Violation::ReservedPacketType),
            },
            PacketType::ConnAck | PacketType::SubAck | PacketType::UnsubAck | PacketType::PingResp => {
                Err(Violation::PacketOnlyServersSend(frame.packet_type))
            }
        }
    }
}
