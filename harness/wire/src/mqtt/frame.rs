//! Cuts a byte stream into packets by their remaining length.

use bytes::{Bytes, BytesMut};

use super::decode;
use super::varint::{self, Varint};
use crate::packet::Packet;
use crate::spec::{Side, Spec};

/// Cuts a stream into packets; see [`crate::Decoder`] for the promises.
#[derive(Debug)]
pub struct Decoder {
    spec: Spec,
    sender: Side,
    buffer: BytesMut,
    /// Set once a length cannot be read: nothing behind it can be framed any more.
    lost: bool,
}

impl Decoder {
    /// A decoder for what `sender` writes on a connection that speaks `spec`.
    pub fn new(spec: Spec, sender: Side) -> Self {
        Self { spec, sender, buffer: BytesMut::new(), lost: false }
    }

    /// Appends bytes as they arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole packet. A remaining length of five bytes makes one packet `unknown` of itself and
    /// everything behind it; what arrives later comes out as `unknown` too, without the oddity.
    pub fn next_packet(&mut self) -> Option<Packet> {
        if self.lost {
            let raw = self.take(self.buffer.len())?;
            return Some(decode::later_rest(raw));
        }
        match varint::read(self.buffer.get(1..)?) {
            Varint::Whole(length, width) => {
                let header = 1 + width;
                let raw = self.take(header + usize::try_from(length).ok()?)?;
                Some(decode::packet(self.spec, self.sender, &raw, header))
            }
            Varint::Cut => None,
            Varint::TooLong => {
                self.lost = true;
                let raw = self.take(self.buffer.len())?;
                Some(decode::unframed(self.spec, &raw))
            }
        }
    }

    /// The bytes of a packet that is not complete yet.
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }

    fn take(&mut self, length: usize) -> Option<Bytes> {
        let whole = length > 0 && self.buffer.len() >= length;
        whole.then(|| self.buffer.split_to(length).freeze())
    }
}
