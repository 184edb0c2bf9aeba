//! Frames to messages: a method with content, its header and its bodies become one packet (§4.2.6).

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};

use super::layout::carries_content;
use super::statement;
use crate::message::{Message as Text, message};
use crate::packet::{Field, Oddity, Packet};
use crate::value::Value;

/// Puts messages together, channel by channel, from the packets of one [`Decoder`](super::Decoder).
///
/// A message is named after its method (`basic.publish`, `basic.deliver`, `basic.return`, `basic.get-ok`)
/// and has the fields `channel`, the method's, the properties and `body`; `raw` is its frames in a row,
/// and all spans count from its first byte.
#[derive(Debug, Default)]
pub struct Assembler {
    open: BTreeMap<u16, Message>,
    broken_off: VecDeque<Packet>,
}

/// A message whose frames are not all there.
#[derive(Debug)]
struct Message {
    packet: Packet,
    frames: Vec<Bytes>,
    length: usize,
    /// The declared size, once the header is there.
    body_size: Option<u64>,
    received: u64,
    body: Vec<Bytes>,
    body_start: usize,
}

impl Assembler {
    /// An assembler that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next frame. Gives a message with its last frame, and any frame that belongs to none at
    /// once: methods without content, heartbeats, content that no method announced (noted).
    pub fn push(&mut self, mut frame: Packet) -> Option<Packet> {
        let channel = frame.integer("channel").and_then(|channel| u16::try_from(channel).ok());
        let Some(channel) = channel else { return Some(frame) };
        match frame.name {
            "content-header" => self.on_header(channel, frame),
            "content-body" => self.on_body(channel, frame),
            name if name.contains('.') || frame.get("method_id").is_some() => {
                if let Some(message) = self.open.remove(&channel) {
                    let message = self.break_off(message);
                    note(&mut frame, statement::CONTENT_MIXED, message);
                }
                if !carries_content(name) {
                    return Some(frame);
                }
                self.open.insert(channel, Message::new(frame));
                None
            }
            _ => Some(frame),
        }
    }

    /// The next message that a method on its channel cut short, as far as it got, in order of the cuts.
    pub fn next_broken_off(&mut self) -> Option<Packet> {
        self.broken_off.pop_front()
    }

    /// The messages whose frames are not all there, by channel.
    pub fn into_unfinished(self) -> impl Iterator<Item = Packet> {
        self.open.into_values().map(Message::finish)
    }

    fn on_header(&mut self, channel: u16, mut header: Packet) -> Option<Packet> {
        match self.open.get_mut(&channel) {
            None => {
                note(&mut header, statement::CONTENT_ORDER, "a content header that no method announced");
                Some(header)
            }
            Some(Message { body_size: Some(_), .. }) => {
                note(&mut header, statement::CONTENT_MIXED, "a second content header within a content");
                Some(header)
            }
            Some(message) => {
                message.add_header(header);
                self.complete(channel)
            }
        }
    }

    fn on_body(&mut self, channel: u16, mut body: Packet) -> Option<Packet> {
        match self.open.get_mut(&channel) {
            None => {
                note(&mut body, statement::CONTENT_ORDER, "a content body that belongs to no content");
                Some(body)
            }
            Some(Message { body_size: None, .. }) => {
                note(&mut body, statement::CONTENT_ORDER, "a content body before its header");
                Some(body)
            }
            Some(message) => {
                message.add_body(body);
                self.complete(channel)
            }
        }
    }

    fn complete(&mut self, channel: u16) -> Option<Packet> {
        let complete = |message: &Message| message.body_size.is_some_and(|size| message.received >= size);
        if self.open.get(&channel).is_some_and(complete) {
            self.open.remove(&channel).map(Message::finish)
        } else {
            None
        }
    }

    /// Keeps an interrupted message and says what was missing.
    fn break_off(&mut self, message: Message) -> Text {
        let name = message.packet.name;
        let text = match message.body_size {
            None => message!("a method within the content of {}, before its header", name),
            Some(size) => {
                let received = message.received;
                message!("a method within the content of {}, after {} of {} body bytes", name, received, size)
            }
        };
        self.broken_off.push_back(message.finish());
        text
    }
}

fn note(frame: &mut Packet, statement: &'static str, message: impl Into<Text>) {
    let oddity = Oddity { statement, span: 0..frame.raw.len(), message: message.into() };
    frame.oddities.insert(0, oddity);
}

impl Message {
    fn new(method: Packet) -> Self {
        let raw = method.raw.clone();
        Self {
            packet: method,
            length: raw.len(),
            frames: vec![raw],
            body_size: None,
            received: 0,
            body: Vec::new(),
            body_start: 0,
        }
    }

    /// Takes the properties; what says how the content is framed stays behind.
    fn add_header(&mut self, header: Packet) {
        // A header too short to have a size announces no body that one could wait for.
        self.body_size =
            Some(header.integer("body_size").and_then(|size| u64::try_from(size).ok()).unwrap_or(0));
        let shift = self.add_frame(&header.raw, header.oddities);
        let framing = ["channel", "class_id", "weight", "body_size", "property_flags"];
        let properties = header.fields.into_iter().filter(|field| !framing.contains(&field.name));
        self.packet.fields.extend(properties.map(|mut field| {
            field.span = field.span.start + shift..field.span.end + shift;
            field
        }));
        self.body_start = self.length;
    }

    fn add_body(&mut self, body: Packet) {
        let octets = body.bytes("body").cloned().unwrap_or_default();
        let length = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        self.received = self.received.saturating_add(length);
        let shift = self.add_frame(&body.raw, body.oddities);
        if let Some(size) = self.body_size.filter(|size| self.received > *size) {
            let message = message!("{} body bytes where the header declares {}", self.received, size);
            let span = shift..self.length;
            self.packet.oddities.push(Oddity { statement: statement::BODY_OVERRUN, span, message });
        }
        self.body.push(octets);
    }

    /// Appends a frame and its oddities; gives its offset in the message.
    fn add_frame(&mut self, raw: &Bytes, oddities: Vec<Oddity>) -> usize {
        let shift = self.length;
        self.packet.oddities.extend(oddities.into_iter().map(|mut oddity| {
            oddity.span = oddity.span.start + shift..oddity.span.end + shift;
            oddity
        }));
        self.frames.push(raw.clone());
        self.length += raw.len();
        shift
    }

    fn finish(self) -> Packet {
        let mut packet = self.packet;
        if self.body_size.is_some() {
            let body = Value::Bytes(joined(&self.body));
            let span = self.body_start..self.length;
            packet.fields.push(Field { name: "body", value: body, label: None, span });
        }
        packet.raw = joined(&self.frames);
        packet
    }
}

/// The pieces in a row; a single one is shared, not copied.
fn joined(pieces: &[Bytes]) -> Bytes {
    match pieces {
        [] => Bytes::new(),
        [only] => only.clone(),
        several => {
            let mut all = BytesMut::with_capacity(several.iter().map(Bytes::len).sum());
            for piece in several {
                all.extend_from_slice(piece);
            }
            all.freeze()
        }
    }
}
