//! Writes the data types of §1.5 to the end of a buffer.

use bytes::Bytes;

/// How many bytes a variable byte integer takes.
pub(super) fn variable_byte_size(value: usize) -> usize {
    match value {
        0..=0x7F => 1,
        0x80..=0x3FFF => 2,
        0x4000..=0x1F_FFFF => 3,
        _ => 4,
    }
}

/// A packet, or a part of one, in the making.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Empty.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Empty, with room for a packet of known size.
    pub(super) fn with_capacity(size: usize) -> Self {
        Self { out: Vec::with_capacity(size) }
    }

    /// One byte.
    pub(super) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    /// Two Byte Integer.
    pub(super) fn two_byte(&mut self, number: u16) {
        self.out.extend_from_slice(&number.to_be_bytes());
    }

    /// Four Byte Integer.
    pub(super) fn four_byte(&mut self, number: u32) {
        self.out.extend_from_slice(&number.to_be_bytes());
    }

    /// Variable Byte Integer, in the fewest bytes.
    pub(super) fn variable_byte(&mut self, value: usize) {
        assert!(
            value <= 268_435_455,
            "a packet of {value} bytes cannot be written: Remaining Length has 28 bits"
        );
        let mut rest = value;
        loop {
            let low = u8::try_from(rest & 0x7F).unwrap_or_default();
            rest >>= 7;
            if rest == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80);
        }
    }

    /// UTF-8 Encoded String.
    pub(super) fn string(&mut self, text: &str) {
        self.binary(text.as_bytes());
    }

    /// Binary Data.
    pub(super) fn binary(&mut self, bytes: &[u8]) {
        let length = u16::try_from(bytes.len()).unwrap_or_else(|_| {
            panic!("a field of {} bytes cannot be written: its length has 16 bits", bytes.len())
        });
        self.two_byte(length);
        self.bytes(bytes);
    }

    /// Bytes as they are.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A property whose value is a string.
    pub(super) fn string_property(&mut self, identifier: u8, text: &str) {
        self.byte(identifier);
        self.string(text);
    }

    /// Another writer's bytes behind their length, as a variable byte integer.
    pub(super) fn behind_length(&mut self, properties: &Self) {
        self.variable_byte(properties.out.len());
        self.bytes(&properties.out);
    }

    /// What has been written.
    pub(super) fn finish(self) -> Bytes {
        Bytes::from(self.out)
    }

    /// What has been written, as the body of a packet: first byte and Remaining Length in front.
    pub(super) fn into_packet(self, first_byte: u8) -> Bytes {
        let mut packet = Self::with_capacity(5 + self.out.len());
        packet.byte(first_byte);
        packet.behind_length(&self);
        packet.finish()
    }
}
