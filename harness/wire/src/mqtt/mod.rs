//! The tester's codec for MQTT. (In the making: the layout tables come next.)

use bytes::Bytes;

use crate::codec::EncodeError;
use crate::packet::{Draft, Packet};
use crate::shape::{FieldShape, PacketShape};
use crate::spec::{Side, Spec};

/// Cuts a stream into packets.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
}

impl Decoder {
    /// A decoder for what the sender writes.
    pub fn new(_spec: Spec, _sender: Side) -> Self {
        Self { buffer: Vec::new() }
    }

    /// Appends bytes as they arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole packet.
    pub fn next_packet(&mut self) -> Option<Packet> {
        None
    }

    /// The bytes of a packet that is not complete yet.
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }
}

/// Writes a packet.
///
/// # Errors
///
/// What cannot be put into bytes.
pub fn encode(_spec: Spec, _sender: Side, draft: &Draft) -> Result<Bytes, EncodeError> {
    Err(EncodeError::UnknownPacket(draft.name.clone(), Spec::Amqp091))
}

/// Every packet.
pub fn shapes(_spec: Spec) -> &'static [PacketShape] {
    &[]
}

/// The deviations that a draft may ask for.
pub fn malformations() -> &'static [FieldShape] {
    &[]
}
