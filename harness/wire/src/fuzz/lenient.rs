//! What the lenient decoder promises of any bytes.

use bytes::Bytes;

use crate::codec::{Decoder, EncodeError, encode};
use crate::packet::{Draft, Field, Packet};
use crate::spec::{Side, Spec};
use crate::value::Value;

use super::hex;
use super::written::{check_malformed, check_messages};

/// The heaviest that a packet may be: so many values for a byte that arrived (a bit of a flags byte is a value),
/// and so many more, for the names of a short packet.
const VALUES_PER_BYTE: usize = 8;
const VALUES_AT_LEAST: usize = 64;

/// Holds the lenient decoder to its promises over any bytes: [`check_whole`], [`check_split`] in two ways,
/// [`check_written_again`] and [`check_malformed`] of each packet, and [`check_messages`] of AMQP.
///
/// # Panics
///
/// Where one of these does not hold.
pub fn check_lenient(spec: Spec, sender: Side, bytes: &[u8]) {
    let packets = check_whole(spec, sender, bytes, usize::MAX).packets;
    for packet in &packets {
        check_written_again(spec, sender, packet);
        check_malformed(spec, sender, packet);
    }
    if spec == Spec::Amqp091 {
        check_messages(&packets);
    }
    let step = if bytes.len() <= 128 { 1 } else { 7 };
    check_split(spec, sender, bytes, &packets, bytes.chunks(step));
    check_split(spec, sender, bytes, &packets, Uneven { rest: bytes });
}

/// The first packets of some bytes.
#[derive(Debug)]
pub struct Whole {
    /// The packets.
    pub packets: Vec<Packet>,
    /// How many bytes are behind them.
    pub rest: usize,
    /// Whether there may be another packet in these.
    pub has_more: bool,
}

/// Reads the first packets of the bytes at once, `most` of them.
///
/// - Every byte is in a packet or still waiting.
/// - Fields and oddities point into their packet; oddities name a statement.
/// - A packet is no heavier than its bytes allow.
///
/// # Panics
///
/// Where one of these does not hold.
pub fn check_whole(spec: Spec, sender: Side, bytes: &[u8], most: usize) -> Whole {
    let mut decoder = Decoder::new(spec, sender);
    decoder.push(bytes);
    let mut packets = Vec::new();
    let mut framed = 0;
    while packets.len() < most
        && let Some(packet) = decoder.next_packet()
    {
        assert!(!packet.raw.is_empty(), "{spec}: a packet of no bytes");
        check_packet(spec, &packet);
        framed += packet.raw.len();
        packets.push(packet);
    }
    let rest = decoder.rest().len();
    assert_eq!(framed + rest, bytes.len(), "{spec}: bytes are lost of {}", hex(bytes));
    Whole { has_more: packets.len() == most, packets, rest }
}

/// The same bytes in these pieces are the same packets, up to where framing is lost.
///
/// # Panics
///
/// Where they are not.
pub fn check_split<'a>(
    spec: Spec,
    sender: Side,
    bytes: &[u8],
    packets: &[Packet],
    pieces: impl Iterator<Item = &'a [u8]>,
) {
    let split = decode(spec, sender, pieces);
    let framed: usize = packets.iter().map(|packet| packet.raw.len()).sum();
    assert_same(spec, bytes, packets, bytes.len() - framed, &split);
}

/// Whether framing was lost here: the packet holds all the rest, and says nothing of it.
pub fn is_lost(packet: &Packet) -> bool {
    // What is framed has a fixed header of two bytes at least, or a channel.
    let body = packet.fields.iter().find(|field| field.name == "body");
    let is_framed = packet.get("channel").is_some() || body.is_some_and(|body| body.span.start >= 2);
    packet.name == "unknown" && !is_framed
}

/// The packet as one would ask for it to be written.
pub fn draft_of(packet: &Packet) -> Draft {
    let field = |field: &Field| (field.name.into(), field.value.clone());
    Draft {
        name: packet.name.into(),
        fields: packet.fields.iter().map(field).collect(),
        malformed: Vec::new(),
    }
}

/// What came of some bytes.
struct Decoded {
    packets: Vec<Packet>,
    rest: usize,
}

fn decode<'a>(spec: Spec, sender: Side, pieces: impl Iterator<Item = &'a [u8]>) -> Decoded {
    let mut decoder = Decoder::new(spec, sender);
    let mut packets = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        while let Some(packet) = decoder.next_packet() {
            assert!(!packet.raw.is_empty(), "{spec}: a packet of no bytes");
            packets.push(packet);
        }
    }
    Decoded { packets, rest: decoder.rest().len() }
}

/// Pieces of 1 to 16 bytes, as the bytes themselves have it.
struct Uneven<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Uneven<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let size = usize::from(self.rest.first()? & 0x0F) + 1;
        let (piece, rest) = self.rest.split_at(size.min(self.rest.len()));
        self.rest = rest;
        Some(piece)
    }
}

fn assert_same(spec: Spec, bytes: &[u8], whole: &[Packet], rest: usize, split: &Decoded) {
    let framed = whole.iter().take_while(|packet| !is_lost(packet)).count();
    let lost = framed < whole.len();
    let (before, behind) = split.packets.split_at(framed.min(split.packets.len()));
    let same = same_packets(whole.get(..framed).unwrap_or_default(), before)
        && behind.first().is_some_and(is_lost) == lost
        && (lost || behind.is_empty() && rest == split.rest);
    assert!(
        same,
        "{spec}: a split changes what is read of {}\n  whole: {whole:?}\n  split: {:?}",
        hex(bytes),
        split.packets
    );
}

pub(super) fn check_packet(spec: Spec, packet: &Packet) {
    let size = packet.raw.len();
    let inside = |span: &crate::packet::Span| span.start <= span.end && span.end <= size;
    let fields = packet.fields.iter().all(|field| inside(&field.span));
    let oddities = packet.oddities.iter().all(|oddity| inside(&oddity.span) && !oddity.statement.is_empty());
    assert!(fields && oddities, "{spec}: a span outside of {}: {packet:?}", hex(&packet.raw));
    let values: usize = packet.fields.iter().map(|field| values(&field.value)).sum();
    assert!(
        values <= VALUES_PER_BYTE * size + VALUES_AT_LEAST,
        "{spec}: {values} values of {size} bytes: {}",
        hex(&packet.raw)
    );
    assert!(
        packet.oddities.len() <= VALUES_PER_BYTE * size + VALUES_AT_LEAST,
        "{spec}: {} oddities of {size} bytes: {}",
        packet.oddities.len(),
        hex(&packet.raw)
    );
}

fn values(value: &Value) -> usize {
    match value {
        Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Bytes(_) | Value::Void => 1,
        Value::List(items) => 1 + items.iter().map(values).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, value)| values(value)).sum::<usize>(),
        Value::Tagged(_, inner) => values(inner),
    }
}

/// decode(encode(decode(x))) = decode(x), of one frame where the encoder adds a content to its method. Bytes may
/// differ where the standard leaves room, as between 5.0's short and long forms of one acknowledgement.
///
/// # Panics
///
/// Where a packet without an oddity, written again, is not the same packet.
pub fn check_written_again(spec: Spec, sender: Side, packet: &Packet) {
    if !packet.oddities.is_empty() || packet.name == "unknown" {
        return;
    }
    // AUTH of no bytes (5.0 §3.15.2.1 allows it) has no authentication method, which §3.15.2.2.2 demands: it can
    // be read, but a draft that names its reason code is written in the form that needs a method.
    if packet.name == "auth" && packet.raw.len() == 2 {
        return;
    }
    let written: Result<Bytes, EncodeError> =
        encode(spec, sender, &draft_of(packet)).map(|pieces| pieces.into_iter().next().unwrap_or_default());
    let written = written.unwrap_or_else(|error| {
        panic!("{spec}: {error}, of a packet that was read\n  bytes: {}\n  {packet:?}", hex(&packet.raw))
    });
    let again = decode(spec, sender, [&*written].into_iter());
    let same = matches!(&*again.packets, [one] if one.name == packet.name
        && one.oddities.is_empty()
        && same_fields(&one.fields, &packet.fields));
    assert!(
        same && again.rest == 0,
        "{spec}: written again it is another packet\n  bytes: {}\n  again: {}\n  {packet:?}\n  {:?}",
        hex(&packet.raw),
        hex(&written),
        again.packets
    );
}

fn same_packets(one: &[Packet], other: &[Packet]) -> bool {
    let same = |(one, other): (&Packet, &Packet)| {
        (one.name, &one.raw, &one.oddities) == (other.name, &other.raw, &other.oddities)
            && same_fields(&one.fields, &other.fields)
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}

fn same_fields(one: &[Field], other: &[Field]) -> bool {
    let same =
        |(one, other): (&Field, &Field)| one.name == other.name && same_value(&one.value, &other.value);
    one.len() == other.len() && one.iter().zip(other).all(same)
}

/// Equality that holds of numbers by their bits, so that a NaN is itself.
pub(super) fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len()
                && pairs.all(|(one, other)| one.0 == other.0 && same_value(&one.1, &other.1))
        }
        (Value::Tagged(one_tag, one), Value::Tagged(other_tag, other)) => {
            one_tag == other_tag && same_value(one, other)
        }
        (one, other) => one == other,
    }
}
