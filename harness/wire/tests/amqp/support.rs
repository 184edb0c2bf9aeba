//! What the tests share: hexadecimal octets, whole streams decoded at once.

use bytes::Bytes;
use mqspec_wire::amqp::{Assembler, Decoder};
use mqspec_wire::{Packet, Side, Value};

/// The octets of a text of hexadecimal digits and spaces.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .bytes()
        .filter(|digit| !digit.is_ascii_whitespace())
        .map(|digit| {
            u8::try_from(char::from(digit).to_digit(16).expect("hexadecimal digits")).expect("a digit")
        })
        .collect();
    assert!(digits.len().is_multiple_of(2), "an odd number of digits");
    digits.chunks(2).map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit)).collect()
}

/// A frame around a payload, both sizes right.
pub(crate) fn frame(frame_type: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).expect("a small payload");
    let mut octets = vec![frame_type];
    octets.extend(channel.to_be_bytes());
    octets.extend(size.to_be_bytes());
    octets.extend(payload);
    octets.push(0xce);
    octets
}

/// Every packet of a stream that arrives in one piece.
pub(crate) fn decode(sender: Side, octets: &[u8]) -> Vec<Packet> {
    let mut decoder = Decoder::new(sender);
    decoder.push(octets);
    let packets: Vec<Packet> = std::iter::from_fn(|| decoder.next_packet()).collect();
    let framed: usize = packets.iter().map(|packet| packet.raw.len()).sum();
    assert_eq!(framed + decoder.rest().len(), octets.len(), "every octet is in a packet or still waiting");
    packets
}

/// The only packet of a stream.
pub(crate) fn decode_one(sender: Side, octets: &[u8]) -> Packet {
    let mut packets = decode(sender, octets);
    assert_eq!(packets.len(), 1, "{packets:?}");
    packets.remove(0)
}

/// Every message and other frame of a stream.
pub(crate) fn assemble(sender: Side, octets: &[u8]) -> Vec<Packet> {
    let mut assembler = Assembler::new();
    decode(sender, octets).into_iter().filter_map(|packet| assembler.push(packet)).collect()
}

/// Names and values of a packet's fields.
pub(crate) fn fields(packet: &Packet) -> Vec<(&str, Value)> {
    packet.fields.iter().map(|field| (field.name, field.value.clone())).collect()
}

/// The broken statements.
pub(crate) fn statements(packet: &Packet) -> Vec<&str> {
    packet.oddities.iter().map(|oddity| oddity.statement).collect()
}

/// A table entry.
pub(crate) fn entry(name: &str, tag: u8, value: Value) -> (Bytes, Value) {
    (Bytes::copy_from_slice(name.as_bytes()), Value::Tagged(tag, Box::new(value)))
}
