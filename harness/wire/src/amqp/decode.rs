//! Bytes to packets: cuts frames out of a stream (§4.2.3) and reads each along its layout.

use bytes::Bytes;

use super::cursor::{Cursor, Notes};
use super::layout::{
    self, BASIC, CONNECTION, FRAME_BODY, FRAME_END, FRAME_HEAD, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD,
    MethodLayout,
};
use super::{fields, statement};
use crate::incoming::Incoming;
use crate::message::{Message, Seen, message};
use crate::packet::{Field, Packet, Span};
use crate::shape::Senders;
use crate::spec::Side;
use crate::value::Value;

/// The first four octets of a protocol header (§4.2.2).
const LITERAL: &[u8; 4] = b"AMQP";
/// Octets of a protocol header.
const PROTOCOL_HEADER: usize = 8;
/// A frame of unknown type that claims more than this is no frame at all (text of another protocol, say).
const PLAUSIBLE_FRAME: usize = 131_072;

/// Cuts what one peer sends into frames and reads them.
///
/// A decoder holds the bytes that arrived and no more, whatever a size field claims. Where framing is
/// lost (no frame end where the size field says so, or octets that are no frame) the bytes at hand become
/// one packet named `unknown`; what arrives later makes further `unknown` packets, without an oddity.
/// These packets have no field but `payload`.
///
/// ```
/// use mqspec_wire::{Side, amqp::Decoder};
///
/// let mut decoder = Decoder::new(Side::Server);
/// decoder.push(b"\x08\0\x01\0\0\0\0");
/// assert_eq!(decoder.next_packet(), None);
/// decoder.push(b"\xce");
/// let heartbeat = decoder.next_packet().expect("the frame is complete");
/// assert_eq!(heartbeat.name, "heartbeat");
/// let oddity = &heartbeat.oddities[0];
/// assert_eq!(oddity.statement, "amqp-0-9-1/AMQP-4.2.7-heartbeat-channel");
/// assert_eq!((oddity.span.clone(), &*oddity.message.to_string()), (1..3, "a heartbeat on channel 1"));
/// ```
#[derive(Debug)]
pub struct Decoder {
    sender: Side,
    buffer: Incoming,
    frame_max: Option<u32>,
    started: bool,
    lost: bool,
}

impl Decoder {
    /// A decoder for what `sender` writes, from the first octet of the connection on.
    pub fn new(sender: Side) -> Self {
        Self { sender, buffer: Incoming::default(), frame_max: None, started: false, lost: false }
    }

    /// Sets the agreed limit in octets, frame header and end included: a bigger frame is noted from now
    /// on. `None` or `Some(0)` state no limit.
    pub fn set_frame_max(&mut self, frame_max: Option<u32>) {
        self.frame_max = frame_max.filter(|limit| *limit > 0);
    }

    /// Appends bytes as they arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    /// Appends bytes as they arrived; what is whole of them is not copied.
    pub fn push_bytes(&mut self, bytes: Bytes) {
        self.buffer.push_bytes(bytes);
    }

    /// The bytes of a frame that is not complete yet.
    pub fn rest(&self) -> &[u8] {
        self.buffer.bytes()
    }

    /// The next frame or protocol header, once all of its bytes are there.
    pub fn next_packet(&mut self) -> Option<Packet> {
        if self.lost {
            return (!self.rest().is_empty()).then(|| self.unframed(Notes::new(self.sender)));
        }
        if !self.started && self.may_be_protocol_header() {
            let raw = self.take(PROTOCOL_HEADER)?;
            return Some(protocol_header(raw, self.sender));
        }
        let head = Head::read(self.rest())?;
        if head.is_implausible(self.frame_max) {
            let message = message!("the frame type {} does not exist", head.frame_type);
            return Some(self.lose_framing(statement::FRAME_TYPE, 0..1, message));
        }
        let end_at = FRAME_HEAD.checked_add(head.size)?;
        let end = *self.rest().get(end_at)?;
        if end != FRAME_END {
            let message = message!("the frame ends with {} instead of 0xce", Seen::Hex(end.into()));
            return Some(self.lose_framing(statement::FRAME_END, end_at..end_at + 1, message));
        }
        let raw = self.take(end_at + 1)?;
        Some(self.frame(&head, raw))
    }

    /// Whether the stream begins, as far as it is there, with the protocol header's literal.
    fn may_be_protocol_header(&self) -> bool {
        !self.rest().is_empty() && self.rest().iter().zip(LITERAL).all(|(octet, expected)| octet == expected)
    }

    fn take(&mut self, length: usize) -> Option<Bytes> {
        let taken = self.buffer.take(length)?;
        self.started = true;
        Some(taken)
    }

    fn lose_framing(&mut self, statement: &'static str, span: Span, message: Message) -> Packet {
        self.lost = true;
        let mut notes = Notes::new(self.sender);
        notes.note(statement, span, message);
        self.unframed(notes)
    }

    fn unframed(&mut self, notes: Notes) -> Packet {
        let raw = self.buffer.take(self.rest().len()).unwrap_or_default();
        let everything = 0..raw.len();
        let fields = vec![field("payload", Value::Bytes(raw.clone()), everything)];
        Packet { name: "unknown", fields, oddities: notes.found, raw }
    }

    fn frame(&self, head: &Head, raw: Bytes) -> Packet {
        let mut notes = Notes::new(self.sender);
        if let Some(limit) = self.frame_max
            && raw.len() > usize::try_from(limit).unwrap_or(usize::MAX)
        {
            notes.note(
                statement::FRAME_MAX,
                3..7,
                message!("a frame of {} bytes where {} are agreed", raw.len(), limit),
            );
        }
        let payload = FRAME_HEAD..raw.len() - 1;
        let cursor = &mut Cursor::new(&raw, payload);
        let channel = field("channel", Value::Integer(head.channel.into()), 1..3);
        let (name, fields) = match head.frame_type {
            FRAME_METHOD => method(head.channel, channel, cursor, &mut notes),
            FRAME_HEADER => content_header(head.channel, channel, cursor, &mut notes),
            FRAME_BODY => content_body(head.channel, channel, cursor, &mut notes),
            FRAME_HEARTBEAT => heartbeat(head.channel, channel, cursor, &mut notes),
            other => unknown_frame(other, channel, cursor, &mut notes),
        };
        Packet { name, fields, oddities: notes.found, raw }
    }
}

/// The seven octets before a payload.
struct Head {
    frame_type: u8,
    channel: u16,
    size: usize,
}

impl Head {
    fn read(buffer: &[u8]) -> Option<Self> {
        let [frame_type, channel_high, channel_low, size @ ..] = *buffer.first_chunk::<FRAME_HEAD>()?;
        let channel = u16::from_be_bytes([channel_high, channel_low]);
        let size = usize::try_from(u32::from_be_bytes(size)).unwrap_or(usize::MAX);
        Some(Self { frame_type, channel, size })
    }

    fn is_implausible(&self, frame_max: Option<u32>) -> bool {
        let known = matches!(self.frame_type, FRAME_METHOD | FRAME_HEADER | FRAME_BODY | FRAME_HEARTBEAT);
        let limit = frame_max.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PLAUSIBLE_FRAME);
        !known && self.size > limit
    }
}

type Content = (&'static str, Vec<Field>);

fn field(name: &'static str, value: Value, span: Span) -> Field {
    Field { name, value, label: None, span }
}

/// `AMQP`, protocol id, major, minor, revision (§4.2.2). A server may answer with any version that it speaks.
fn protocol_header(raw: Bytes, sender: Side) -> Packet {
    const NAMES: [&str; 4] = ["protocol_id", "major", "minor", "revision"];
    let mut notes = Notes::new(sender);
    let version = raw.slice(LITERAL.len()..);
    if sender == Side::Client && &version[..] != b"\x00\x00\x09\x01" {
        let version_octets = Seen::Quoted((*version).into());
        let message = message!("the version octets {} are not those of 0-9-1", version_octets);
        notes.note(statement::HEADER_LITERAL, LITERAL.len()..PROTOCOL_HEADER, message);
    }
    let octets = NAMES.into_iter().zip(LITERAL.len()..).zip(&version);
    let fields = octets.map(|((name, at), octet)| field(name, Value::Integer((*octet).into()), at..at + 1));
    let fields = fields.collect();
    Packet { name: "protocol-header", fields, oddities: notes.found, raw }
}

fn method(number: u16, channel: Field, cursor: &mut Cursor<'_>, notes: &mut Notes) -> Content {
    let start = cursor.at();
    let Some([class_high, class_low, method_high, method_low]) = cursor.octets() else {
        notes.note(
            statement::METHOD_PAYLOAD,
            cursor.remainder(),
            "a method frame without class and method id",
        );
        let span = cursor.remainder();
        return ("unknown", vec![channel, field("payload", Value::Bytes(cursor.rest()), span)]);
    };
    let class_id = u16::from_be_bytes([class_high, class_low]);
    let method_id = u16::from_be_bytes([method_high, method_low]);
    let Some(layout) = layout::method_by_id(class_id, method_id) else {
        let zero = class_id == 0 || method_id == 0;
        let statement = if zero { statement::IDS_NONZERO } else { statement::UNKNOWN_METHOD };
        notes.note(statement, cursor.since(start), message!("there is no method {}.{}", class_id, method_id));
        let span = cursor.remainder();
        return (
            "unknown",
            vec![
                channel,
                field("class_id", Value::Integer(class_id.into()), start..start + 2),
                field("method_id", Value::Integer(method_id.into()), start + 2..start + 4),
                field("arguments", Value::Bytes(cursor.rest()), span),
            ],
        );
    };
    judge_direction(layout, cursor.since(start), notes);
    judge_channel(layout, number, notes);
    let mut fields = Vec::with_capacity(1 + layout.fields.len());
    fields.push(channel);
    fields::arguments(layout, cursor, &mut fields, notes);
    (layout.name, fields)
}

fn judge_direction(method: &MethodLayout, span: Span, notes: &mut Notes) {
    match (method.sent_by, notes.sender) {
        (Senders::Server, Side::Client) => {
            notes.note(statement::SERVER_ONLY, span, message!("a client sends {}", method.name));
        }
        (Senders::Client, Side::Server) => {
            notes.note(statement::CLIENT_ONLY, span, message!("a server sends {}", method.name));
        }
        (Senders::Both, _) | (Senders::Client, Side::Client) | (Senders::Server, Side::Server) => {}
    }
}

fn judge_channel(method: &MethodLayout, channel: u16, notes: &mut Notes) {
    let statement = match (method.class_id == CONNECTION, channel) {
        (true, 1..) => statement::CONNECTION_CHANNEL,
        (false, 0) => statement::CHANNEL_ZERO,
        (true, 0) | (false, 1..) => return,
    };
    notes.note(statement, 1..3, message!("{} on channel {}", method.name, channel));
}

/// Class id, weight, body size, flags, properties (§4.2.6.1).
fn content_header(number: u16, channel: Field, cursor: &mut Cursor<'_>, notes: &mut Notes) -> Content {
    judge_content_channel(number, "a content header", notes);
    let mut fields = Vec::with_capacity(8);
    fields.push(channel);
    let start = cursor.at();
    let (Some(class_id), Some(weight), Some(body_size)) =
        (cursor.short(), cursor.short(), cursor.long_long())
    else {
        let message = "a content header without class id, weight and body size";
        notes.note(statement::CONTENT_FORM, start..cursor.remainder().end, message);
        return ("content-header", fields);
    };
    fields.push(field("class_id", Value::Integer(class_id.into()), start..start + 2));
    fields.push(field("weight", Value::Integer(weight.into()), start + 2..start + 4));
    fields.push(field("body_size", Value::Integer(body_size.into()), start + 4..start + 12));
    if weight != 0 {
        notes.note(statement::CONTENT_WEIGHT, start + 2..start + 4, message!("the weight is {}", weight));
    }
    if class_id == BASIC {
        fields::properties(cursor, &mut fields, notes);
    } else {
        let message = message!("class {} has no content, only basic (60) has", class_id);
        notes.note(statement::CONTENT_CLASS, start..start + 2, message);
        let span = cursor.remainder();
        fields.push(field("properties", Value::Bytes(cursor.rest()), span));
    }
    ("content-header", fields)
}

fn content_body(number: u16, channel: Field, cursor: &mut Cursor<'_>, notes: &mut Notes) -> Content {
    judge_content_channel(number, "a content body", notes);
    let span = cursor.remainder();
    ("content-body", vec![channel, field("body", Value::Bytes(cursor.rest()), span)])
}

fn judge_content_channel(channel: u16, what: &'static str, notes: &mut Notes) {
    if channel == 0 {
        notes.note(statement::CONTENT_CHANNEL, 1..3, message!("{} on channel 0", what));
    }
}

/// §4.2.7: channel 0 and no payload.
fn heartbeat(number: u16, channel: Field, cursor: &mut Cursor<'_>, notes: &mut Notes) -> Content {
    let mut fields = vec![channel];
    if number != 0 {
        notes.note(statement::HEARTBEAT_CHANNEL, 1..3, message!("a heartbeat on channel {}", number));
    }
    if cursor.left() > 0 {
        let span = cursor.remainder();
        notes.note(statement::HEARTBEAT_PAYLOAD, span.clone(), "a heartbeat with a payload");
        fields.push(field("payload", Value::Bytes(cursor.rest()), span));
    }
    ("heartbeat", fields)
}

fn unknown_frame(frame_type: u8, channel: Field, cursor: &mut Cursor<'_>, notes: &mut Notes) -> Content {
    notes.note(statement::FRAME_TYPE, 0..1, message!("the frame type {} does not exist", frame_type));
    let span = cursor.remainder();
    let frame_type = field("frame_type", Value::Integer(frame_type.into()), 0..1);
    ("unknown", vec![frame_type, channel, field("payload", Value::Bytes(cursor.rest()), span)])
}
