//! One door to both protocols' codecs, chosen by [`Spec`].

use bytes::{Bytes, BytesMut};

use crate::packet::{Draft, Packet};
use crate::shape::{FieldShape, PacketShape};
use crate::spec::{Side, Spec};
use crate::{amqp, mqtt};

/// Cuts a byte stream into packets, leniently: any bytes, in any split, without a panic, holding no more
/// memory than has arrived.
#[derive(Debug)]
pub enum Decoder {
    /// Reads MQTT control packets.
    Mqtt(mqtt::Decoder),
    /// Reads AMQP frames.
    Amqp(amqp::Decoder),
}

impl Decoder {
    /// A decoder for what `sender` writes on a connection that speaks `spec`.
    pub fn new(spec: Spec, sender: Side) -> Self {
        match spec {
            Spec::Mqtt311 | Spec::Mqtt50 => Self::Mqtt(mqtt::Decoder::new(spec, sender)),
            Spec::Amqp091 => Self::Amqp(amqp::Decoder::new(sender)),
        }
    }

    /// Appends bytes as they arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Mqtt(decoder) => decoder.push(bytes),
            Self::Amqp(decoder) => decoder.push(bytes),
        }
    }

    /// Appends bytes as they arrived; what is whole of them is not copied.
    pub fn push_bytes(&mut self, bytes: Bytes) {
        match self {
            Self::Mqtt(decoder) => decoder.push_bytes(bytes),
            Self::Amqp(decoder) => decoder.push_bytes(bytes),
        }
    }

    /// The next whole packet, once all of its bytes are there. After bytes that cannot be framed (a length
    /// field of five bytes, no frame end), one packet named `unknown` holds all the rest, now and later.
    pub fn next_packet(&mut self) -> Option<Packet> {
        match self {
            Self::Mqtt(decoder) => decoder.next_packet(),
            Self::Amqp(decoder) => decoder.next_packet(),
        }
    }

    /// The bytes of a packet that is not complete yet.
    pub fn rest(&self) -> &[u8] {
        match self {
            Self::Mqtt(decoder) => decoder.rest(),
            Self::Amqp(decoder) => decoder.rest(),
        }
    }
}

/// Why a draft cannot be written. The text names what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// No packet of this name exists in the standard.
    #[error("there is no packet `{0}` in {1}")]
    UnknownPacket(String, Spec),
    /// The packet has no such field.
    #[error("`{packet}` has no field `{field}`")]
    UnknownField {
        /// The packet's name.
        packet: String,
        /// What was asked for.
        field: String,
    },
    /// There is no such deviation.
    #[error("there is no malformation `{0}`")]
    UnknownMalformation(String),
    /// A value of the wrong form: text where a number is needed, a number that has no room.
    #[error("`{field}` of `{packet}` cannot be {value}: {why}")]
    Unwritable {
        /// The packet's name.
        packet: String,
        /// The field's name.
        field: String,
        /// The value as text.
        value: String,
        /// What would be right.
        why: String,
    },
}

/// Writes a packet as `sender` would: one piece per MQTT packet or AMQP frame.
///
/// # Errors
///
/// What cannot be put into bytes at all; what is merely forbidden is written.
pub fn encode(spec: Spec, sender: Side, draft: &Draft) -> Result<Vec<Bytes>, EncodeError> {
    match spec {
        Spec::Mqtt311 | Spec::Mqtt50 => mqtt::encode(spec, sender, draft).map(|packet| vec![packet]),
        Spec::Amqp091 => amqp::encode(draft),
    }
}

/// Writes one packet after another, as [`encode`] would: small ones share their memory, so that most cost no allocation.
#[derive(Debug)]
pub struct Encoder {
    spec: Spec,
    sender: Side,
    /// Room for the body of a packet in the making.
    room: Vec<u8>,
    /// What packets are cut off from.
    paper: BytesMut,
    pieces: Vec<Bytes>,
}

impl Encoder {
    /// An encoder for what `sender` writes on connections that speak `spec`.
    pub fn new(spec: Spec, sender: Side) -> Self {
        // As long as some dozens of ordinary packets; whoever keeps one of them keeps all that long.
        let paper = BytesMut::with_capacity(2048);
        Self { spec, sender, room: Vec::new(), paper, pieces: Vec::new() }
    }

    /// Writes a packet: one piece per MQTT packet or AMQP frame.
    ///
    /// # Errors
    ///
    /// As [`encode`].
    pub fn encode(&mut self, draft: &Draft) -> Result<impl Iterator<Item = Bytes> + '_, EncodeError> {
        match self.spec {
            Spec::Mqtt311 | Spec::Mqtt50 => {
                mqtt::encode_on(&mut self.paper, &mut self.room, self.spec, draft)?;
                self.pieces.push(self.paper.split().freeze());
            }
            Spec::Amqp091 => self.pieces = encode(self.spec, self.sender, draft)?,
        }
        Ok(self.pieces.drain(..))
    }
}

/// Every packet of a standard.
pub fn shapes(spec: Spec) -> &'static [PacketShape] {
    match spec {
        Spec::Mqtt311 | Spec::Mqtt50 => mqtt::shapes(spec),
        Spec::Amqp091 => amqp::shapes(),
    }
}

/// The shape of one packet.
pub fn shape(spec: Spec, name: &str) -> Option<&'static PacketShape> {
    shapes(spec).iter().find(|shape| shape.name == name)
}

/// The deviations that `malformed` of a [`Draft`] knows.
pub fn malformations(spec: Spec) -> &'static [FieldShape] {
    match spec {
        Spec::Mqtt311 | Spec::Mqtt50 => mqtt::malformations(),
        Spec::Amqp091 => amqp::malformations(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_writes_each_packet_as_if_it_were_the_first() {
        for (spec, drafts) in [
            (
                Spec::Mqtt50,
                vec![
                    Draft::new("publish").with("topic", "a/b").with("qos", 1).with("payload", "x"),
                    Draft::new("publish").with("payload", "long ".repeat(1000).as_str()),
                    Draft::new("subscribe").malformed("append", "behind it").malformed("cut", 5),
                    Draft::new("pingreq").malformed("remaining_length", 7),
                    Draft::new("unknown").with("packet_type", 15).with("body", "?"),
                    Draft::new("puback").with("topic", "it has none"),
                    Draft::new("subscribe").malformed("truncate", 1000),
                    Draft::new("pingreq"),
                ],
            ),
            (Spec::Amqp091, vec![Draft::new("heartbeat"), Draft::new("basic.publish").with("body", "x")]),
        ] {
            let mut encoder = Encoder::new(spec, Side::Client);
            for draft in drafts {
                let pieces = encoder.encode(&draft).map(Iterator::collect::<Vec<_>>);
                assert_eq!(pieces, encode(spec, Side::Client, &draft), "{draft:?}");
            }
        }
    }
}
