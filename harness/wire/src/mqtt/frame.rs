//! Cuts a byte stream into packets by their remaining length.

use bytes::Bytes;

use super::decode;
use super::varint::{self, Varint};
use crate::incoming::Incoming;
use crate::packet::Packet;
use crate::spec::{Side, Spec};

/// Cuts a stream into packets; see [`crate::Decoder`] for the promises.
#[derive(Debug)]
pub struct Decoder {
    spec: Spec,
    sender: Side,
    buffer: Incoming,
    /// Set once a length cannot be read: nothing behind it can be framed any more.
    lost: bool,
}

impl Decoder {
    /// A decoder for what `sender` writes on a connection that speaks `spec`.
    pub fn new(spec: Spec, sender: Side) -> Self {
        Self { spec, sender, buffer: Incoming::default(), lost: false }
    }

    /// Appends bytes as they arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    /// Appends bytes as they arrived; what is whole of them is not copied.
    pub fn push_bytes(&mut self, bytes: Bytes) {
        self.buffer.push_bytes(bytes);
    }

    /// The next whole packet. A remaining length of five bytes makes one packet `unknown` of itself and
    /// everything behind it; what arrives later comes out as `unknown` too, without the oddity.
    pub fn next_packet(&mut self) -> Option<Packet> {
        if self.lost {
            let raw = self.take(self.rest().len())?;
            return Some(decode::later_rest(raw));
        }
        match varint::read(self.rest().get(1..)?) {
            Varint::Whole(length, width) => {
                let header = 1 + width;
                let raw = self.take(header + usize::try_from(length).ok()?)?;
                Some(decode::packet(self.spec, self.sender, &raw, header))
            }
            Varint::Cut => None,
            Varint::TooLong => {
                self.lost = true;
                let raw = self.take(self.rest().len())?;
                Some(decode::unframed(self.spec, &raw))
            }
        }
    }

    /// The bytes of a packet that is not complete yet.
    pub fn rest(&self) -> &[u8] {
        self.buffer.bytes()
    }

    fn take(&mut self, length: usize) -> Option<Bytes> {
        if length == 0 { None } else { self.buffer.take(length) }
    }
}
