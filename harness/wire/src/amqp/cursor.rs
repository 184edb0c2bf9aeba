//! Reading within one packet: where we are, and what was odd on the way.

use bytes::Bytes;

use crate::message::Message;
use crate::packet::{Oddity, Span, insert_in_wire_order};
use crate::spec::Side;

/// How often one packet's oddities name the same statement. More tells nobody more, and the bound keeps
/// hostile bytes from costing many times their own size.
const MAX_REPEATS: usize = 16;

/// The oddities of one packet.
#[derive(Debug)]
pub(super) struct Notes {
    /// Who sent the packet.
    pub(super) sender: Side,
    /// What was found, in wire order.
    pub(super) found: Vec<Oddity>,
}

impl Notes {
    pub(super) fn new(sender: Side) -> Self {
        Self { sender, found: Vec::new() }
    }

    /// Notes that these bytes break this statement, unless it is known of enough others already.
    pub(super) fn note(&mut self, statement: &'static str, span: Span, message: impl Into<Message>) {
        let earlier = self.found.iter().filter(|oddity| oddity.statement == statement).count();
        if earlier < MAX_REPEATS {
            insert_in_wire_order(&mut self.found, Oddity { statement, span, message: message.into() });
        }
    }
}

/// A place in a packet's bytes and the end that reading may not cross.
#[derive(Debug)]
pub(super) struct Cursor<'packet> {
    raw: &'packet Bytes,
    at: usize,
    end: usize,
}

impl<'packet> Cursor<'packet> {
    /// Reads `span` of the packet; `span` must lie within it.
    pub(super) fn new(raw: &'packet Bytes, span: Span) -> Self {
        assert!(span.start <= span.end && span.end <= raw.len(), "a cursor stays within its packet");
        Self { raw, at: span.start, end: span.end }
    }

    /// The offset of the next byte, from the packet's first one.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.end - self.at
    }

    /// The bytes from `start` up to here.
    pub(super) fn since(&self, start: usize) -> Span {
        start..self.at
    }

    /// What is left, without reading it.
    pub(super) fn remainder(&self) -> Span {
        self.at..self.end
    }

    /// The next `N` bytes; nothing is read if there are fewer.
    pub(super) fn octets<const N: usize>(&mut self) -> Option<[u8; N]> {
        let octets = *self.raw.get(self.at..self.end)?.first_chunk::<N>()?;
        self.at += N;
        Some(octets)
    }

    /// The next octet.
    pub(super) fn octet(&mut self) -> Option<u8> {
        self.octets::<1>().map(|[octet]| octet)
    }

    /// The next 16 bits.
    pub(super) fn short(&mut self) -> Option<u16> {
        self.octets().map(u16::from_be_bytes)
    }

    /// The next 32 bits.
    pub(super) fn long(&mut self) -> Option<u32> {
        self.octets().map(u32::from_be_bytes)
    }

    /// The next 64 bits.
    pub(super) fn long_long(&mut self) -> Option<u64> {
        self.octets().map(u64::from_be_bytes)
    }

    /// The next `length` bytes, shared with the packet; nothing is read if there are fewer.
    pub(super) fn bytes(&mut self, length: usize) -> Option<Bytes> {
        if length > self.left() {
            return None;
        }
        let start = self.at;
        self.at += length;
        Some(self.raw.slice(start..self.at))
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> Bytes {
        let start = self.at;
        self.at = self.end;
        self.raw.slice(start..self.end)
    }

    /// A short string: 8-bit length and its octets. Nothing is read if they are not all there.
    pub(super) fn short_string(&mut self) -> Option<Bytes> {
        let start = self.at;
        let string = self.octet().and_then(|length| self.bytes(length.into()));
        if string.is_none() {
            self.at = start;
        }
        string
    }

    /// A long string: 32-bit length and its octets. Nothing is read if they are not all there.
    pub(super) fn long_string(&mut self) -> Option<Bytes> {
        let start = self.at;
        let string = self.long().and_then(|length| self.bytes(usize::try_from(length).ok()?));
        if string.is_none() {
            self.at = start;
        }
        string
    }

    /// A reader of the next `length` bytes only, or of all that is left where there are fewer; this
    /// cursor goes on behind them.
    pub(super) fn part(&mut self, length: usize) -> Self {
        let end = self.at + length.min(self.left());
        let part = Self { raw: self.raw, at: self.at, end };
        self.at = end;
        part
    }
}
