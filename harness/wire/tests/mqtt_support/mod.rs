//! Short ways to write bytes and values in the MQTT tests.
#![allow(dead_code, reason = "each test binary uses its part of it")]

pub(crate) mod generate;
pub(crate) mod vector;

use bytes::Bytes;
use mqspec_wire::{Decoder, Packet, Side, Spec, Value};

/// The bytes of a hexadecimal dump; spaces mean nothing.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let letters = hex.chars().filter(|digit| !digit.is_whitespace()).count();
    assert!(digits.len() == letters && letters % 2 == 0, "not a dump: {hex}");
    let byte = |pair: &[u32]| pair.iter().fold(0, |byte, digit| byte << 4 | digit);
    digits.chunks(2).map(|pair| u8::try_from(byte(pair)).expect("two digits are a byte")).collect()
}

/// Every packet in these bytes, and how many bytes are left.
pub(crate) fn decode(spec: Spec, sender: Side, pieces: &[&[u8]]) -> (Vec<Packet>, usize) {
    let mut decoder = Decoder::new(spec, sender);
    let mut packets = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        while let Some(packet) = decoder.next_packet() {
            packets.push(packet);
        }
    }
    (packets, decoder.rest().len())
}

/// The one packet that these bytes are.
pub(crate) fn decode_one(spec: Spec, sender: Side, hex: &str) -> Packet {
    let (mut packets, rest) = decode(spec, sender, &[&bytes(hex)]);
    assert_eq!((packets.len(), rest), (1, 0), "{hex} is not one packet");
    packets.remove(0)
}

/// Text as a value.
pub(crate) fn text(text: &str) -> Value {
    Value::text(text)
}

/// A list as a value.
pub(crate) fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::List(items.into())
}

/// User properties as a value.
pub(crate) fn map(pairs: &[(&str, &str)]) -> Value {
    let pairs = pairs.iter().map(|(key, value)| (Bytes::copy_from_slice(key.as_bytes()), text(value)));
    Value::Map(pairs.collect())
}
