//! The fixed header (§2.1 of 5.0, §2.2 of 3.1.1): where one packet ends and the next begins.

use super::super::violation::Violation;

/// The kinds of control packet, by the upper four bits of the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacketType {
    /// 1, client to server.
    Connect,
    /// 2, server to client.
    ConnAck,
    /// 3, both ways.
    Publish,
    /// 4, both ways.
    PubAck,
    /// 5, both ways.
    PubRec,
    /// 6, both ways.
    PubRel,
    /// 7, both ways.
    PubComp,
    /// 8, client to server.
    Subscribe,
    /// 9, server to client.
    SubAck,
    /// 10, client to server.
    Unsubscribe,
    /// 11, server to client.
    UnsubAck,
    /// 12, client to server.
    PingReq,
    /// 13, server to client.
    PingResp,
    /// 14, both ways in 5.0, client to server in 3.1.1.
    Disconnect,
    /// 15, both ways in 5.0, reserved in 3.1.1.
    Auth,
}

impl PacketType {
    /// The type of a first byte; none for the forbidden 0.
    #[inline]
    fn of(first_byte: u8) -> Option<Self> {
        match first_byte >> 4 {
            1 => Some(Self::Connect),
            2 => Some(Self::ConnAck),
            3 => Some(Self::Publish),
            4 => Some(Self::PubAck),
            5 => Some(Self::PubRec),
            6 => Some(Self::PubRel),
            7 => Some(Self::PubComp),
            8 => Some(Self::Subscribe),
            9 => Some(Self::SubAck),
            10 => Some(Self::Unsubscribe),
            11 => Some(Self::UnsubAck),
            12 => Some(Self::PingReq),
            13 => Some(Self::PingResp),
            14 => Some(Self::Disconnect),
            15 => Some(Self::Auth),
            _ => None,
        }
    }

    /// The flags that a packet of this type must carry; none for PUBLISH, whose flags mean something.
    #[inline]
    fn required_flags(self) -> Option<u8> {
        match self {
            Self::Publish => None,
            Self::PubRel | Self::Subscribe | Self::Unsubscribe => Some(0b0010),
            Self::Connect
            | Self::ConnAck
            | Self::PubAck
            | Self::PubRec
            | Self::PubComp
            | Self::SubAck
            | Self::UnsubAck
            | Self::PingReq
            | Self::PingResp
            | Self::Disconnect
            | Self::Auth => Some(0),
        }
    }
}

/// One packet as it stands in the stream: what the fixed header says, and everything behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The upper four bits of the first byte.
    pub packet_type: PacketType,
    /// The lower four bits of the first byte: as required, or those of a PUBLISH.
    pub flags: u8,
    /// Variable header and payload: as many bytes as Remaining Length says.
    pub body: &'a [u8],
    /// Whether Remaining Length was written in as few bytes as possible.
    pub minimal_length: bool,
}

/// What the bytes at hand begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut<'a> {
    /// The start of a packet; more bytes are needed to say anything.
    Incomplete,
    /// The start of a packet whose size is above the limit. Nothing of it should be kept.
    TooLarge {
        /// Its type.
        packet_type: PacketType,
        /// As much of variable header and payload as has arrived.
        arrived: &'a [u8],
    },
    /// A whole packet.
    Whole {
        /// The packet.
        frame: Frame<'a>,
        /// Its size in bytes, fixed header included.
        size: usize,
    },
}

impl<'a> Frame<'a> {
    /// Looks for one packet at the start of `bytes`. `limit` is the largest whole packet taken, in bytes.
    ///
    /// # Errors
    /// Wrong flags, a reserved type, or a Remaining Length of more than four bytes.
    #[inline]
    pub fn cut(bytes: &'a [u8], limit: usize) -> Result<Cut<'a>, Violation> {
        let Some((first_byte, behind)) = bytes.split_first() else { return Ok(Cut::Incomplete) };
        let packet_type = PacketType::of(*first_byte).ok_or(Violation::ReservedPacketType)?;
        let flags = first_byte & 0x0F;
        if packet_type.required_flags().is_some_and(|required| required != flags) {
            return Err(Violation::FixedHeaderFlags(packet_type));
        }
        let Some(length) = RemainingLength::read(behind)? else { return Ok(Cut::Incomplete) };
        let arrived = behind.get(length.bytes..).unwrap_or_default();
        let size = 1 + length.bytes + length.value;
        if size > limit {
            return Ok(Cut::TooLarge { packet_type, arrived });
        }
        Ok(match arrived.get(..length.value) {
            Some(body) => {
                Cut::Whole { frame: Frame { packet_type, flags, body, minimal_length: length.minimal }, size }
            }
            None => Cut::Incomplete,
        })
    }

    /// [mqtt-5.0/MQTT-1.5.5-1] lengths take as few bytes as possible; 3.1.1 has no such rule.
    #[inline]
    pub(super) fn require_minimal_length(&self) -> Result<(), Violation> {
        if self.minimal_length { Ok(()) } else { Err(Violation::LengthNotMinimal) }
    }
}

/// Remaining Length as found in the stream.
struct RemainingLength {
    value: usize,
    bytes: usize,
    minimal: bool,
}

impl RemainingLength {
    /// One to four bytes of seven bits, lowest first; the top bit says that another follows.
    #[inline]
    fn read(bytes: &[u8]) -> Result<Option<Self>, Violation> {
        let mut value = 0_usize;
        for (index, byte) in bytes.iter().take(4).enumerate() {
            value |= usize::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                let minimal = index == 0 || *byte != 0;
                return Ok(Some(Self { value, bytes: index + 1, minimal }));
            }
        }
        if bytes.len() < 4 { Ok(None) } else { Err(Violation::RemainingLengthTooLong) }
    }
}
