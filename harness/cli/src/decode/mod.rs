//! Any bytes, packet by packet: what `mqspec decode` shows.

pub mod input;
pub mod json;
pub mod text;

use mqspec_wire::{Decoder, Oddity, Packet, Side, Spec};

/// Bytes, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// What they were read as.
    pub spec: Spec,
    /// Who sent them.
    pub from: Side,
    /// The packets with the offset of each one's first byte.
    pub packets: Vec<(usize, Packet)>,
    /// The bytes of a packet that is not whole, after the last one that is.
    pub rest: Vec<u8>,
}

impl Decoded {
    /// Reads bytes.
    pub fn read(spec: Spec, from: Side, bytes: &[u8]) -> Self {
        let mut decoder = Decoder::new(spec, from);
        decoder.push(bytes);
        let mut packets = Vec::new();
        let mut offset = 0;
        while offset < bytes.len() {
            let Some(packet) = decoder.next_packet() else { break };
            let length = packet.raw.len();
            packets.push((offset, packet));
            if length == 0 {
                break;
            }
            offset += length;
        }
        Self { spec, from, packets, rest: decoder.rest().to_vec() }
    }

    /// Everything that breaks a statement, with the offset of the first offending byte.
    pub fn violations(&self) -> impl Iterator<Item = (usize, &Oddity)> {
        self.packets.iter().flat_map(|(offset, packet)| {
            packet.oddities.iter().map(move |oddity| (offset + oddity.span.start, oddity))
        })
    }
}

/// The side in words.
pub(crate) const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}
