//! Packets to bytes, the forbidden ones too.

use bytes::Bytes;

use super::checked::Checked;
use super::layout::{
    self, BASIC, CONNECTION, FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD,
    MethodLayout, PROPERTIES, Wire, property_flag,
};
use crate::codec::EncodeError;
use crate::packet::Draft;
use crate::spec::Spec;
use crate::value::Value;

/// The frame limit that bodies are split by unless the draft says otherwise.
const FRAME_MAX: u64 = 131_072;
/// Octets of a frame around its payload.
const FRAME_OVERHEAD: u64 = 8;

/// Writes a packet, one piece per frame.
///
/// Fields not given are 0, empty or false, or the most ordinary value where that would be illegal or
/// mean nothing (virtual host `/`, locale `en_US`, mechanism `PLAIN`, exchange type `direct`, reply code
/// 200). The channel is 1, and 0 for the connection class and heartbeats. Properties not given are left
/// out; an empty body has no frame. Of a field given twice the last counts.
///
/// ```
/// use mqspec_wire::{Draft, amqp};
///
/// let publish = Draft::new("basic.publish").with("routing_key", "q").with("body", "hi");
/// let frames = amqp::encode(&publish)?;
/// assert_eq!(frames[0][..], *b"\x01\0\x01\0\0\0\x0a\0\x3c\0\x28\0\0\0\x01q\0\xce");
/// assert_eq!(frames[2][..], *b"\x03\0\x01\0\0\0\x02hi\xce");
///
/// let unframed = Draft::new("heartbeat").malformed("frame_end", 0);
/// assert_eq!(amqp::encode(&unframed)?, [b"\x08\0\0\0\0\0\0\0"[..].to_vec()]);
/// # Ok::<(), mqspec_wire::EncodeError>(())
/// ```
///
/// # Errors
///
/// An unknown packet, field or deviation; a value that has no room in its field; a deviation that the
/// packet has no place for.
pub fn encode(draft: &Draft) -> Result<Vec<Bytes>, EncodeError> {
    let draft = Checked::new(draft)?;
    if let Some((raw, value)) = draft.deviation("raw") {
        return Ok(vec![draft.octets(raw, value)?]);
    }
    let frames = match draft.name() {
        "protocol-header" => return protocol_header(&draft),
        "content-header" => vec![content_header(&draft, None)?],
        "content-body" => vec![frame(&draft, Part::Body, draft.octets_field("body")?)?],
        "heartbeat" => vec![frame(&draft, Part::Heartbeat, draft.octets_field("payload")?)?],
        "unknown" => vec![unknown(&draft)?],
        name => match layout::method_by_name(name) {
            Some(method) => method_frames(&draft, method)?,
            None => return Err(EncodeError::UnknownPacket(name.to_owned(), Spec::Amqp091)),
        },
    };
    finish(&draft, chosen(&draft, frames)?)
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Method,
    Header,
    Body,
    Heartbeat,
    Other(u8),
}

impl Part {
    const fn frame_type(self) -> u8 {
        match self {
            Self::Method => FRAME_METHOD,
            Self::Header => FRAME_HEADER,
            Self::Body => FRAME_BODY,
            Self::Heartbeat => FRAME_HEARTBEAT,
            Self::Other(frame_type) => frame_type,
        }
    }
}

/// A frame without its frame around it.
#[derive(Debug)]
struct Frame {
    part: Part,
    channel: [u8; 2],
    payload: Vec<u8>,
}

/// `AMQP` and four octets, without a frame (§4.2.2).
fn protocol_header(draft: &Checked<'_>) -> Result<Vec<Bytes>, EncodeError> {
    let mut octets = b"AMQP".to_vec();
    for (name, default) in [("protocol_id", 0), ("major", 0), ("minor", 9), ("revision", 1)] {
        octets.extend(draft.number_field(name, [default])?);
    }
    resize(draft, &mut octets)?;
    cut(draft, &mut octets)?;
    Ok(vec![octets.into()])
}

/// A method frame with ids of no method, or a frame of any type with any payload.
fn unknown(draft: &Checked<'_>) -> Result<Frame, EncodeError> {
    let [frame_type] = draft.number_field("frame_type", [FRAME_METHOD])?;
    let mut payload = Vec::new();
    if draft.field("class_id").is_some() || draft.field("method_id").is_some() {
        payload.extend(draft.number_field::<2>("class_id", [0; 2])?);
        payload.extend(draft.number_field::<2>("method_id", [0; 2])?);
    }
    payload.extend(draft.octets_field("arguments")?);
    payload.extend(draft.octets_field("payload")?);
    frame(draft, Part::Other(frame_type), payload)
}

/// A frame on the draft's channel.
fn frame(draft: &Checked<'_>, part: Part, payload: Vec<u8>) -> Result<Frame, EncodeError> {
    let on_zero = part == Part::Heartbeat
        || layout::method_by_name(draft.name()).is_some_and(|method| method.class_id == CONNECTION);
    let channel = draft.number_field("channel", u16::from(!on_zero).to_be_bytes())?;
    Ok(Frame { part, channel, payload })
}

/// The frames of a method: itself and, where it carries content, header and bodies (§4.2.6).
fn method_frames(draft: &Checked<'_>, method: &MethodLayout) -> Result<Vec<Frame>, EncodeError> {
    let mut payload = Vec::new();
    payload.extend(draft.number([draft.deviation("class_id"), None], method.class_id.to_be_bytes())?);
    payload.extend(draft.number([draft.deviation("method_id"), None], method.method_id.to_be_bytes())?);
    match draft.deviation("arguments") {
        Some((name, value)) => payload.extend(draft.octets(name, value)?),
        None => arguments(draft, method, &mut payload)?,
    }
    let mut frames = vec![frame(draft, Part::Method, payload)?];
    if method.carries_content() {
        let body = draft.octets_field("body")?;
        frames.push(content_header(draft, Some(body.len()))?);
        for chunk in body.chunks(chunk_size(draft)?) {
            frames.push(frame(draft, Part::Body, chunk.to_vec())?);
        }
    }
    Ok(frames)
}

fn arguments(draft: &Checked<'_>, method: &MethodLayout, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let mut used = 8;
    for layout in method.fields {
        if layout.wire != Wire::Bit {
            used = 8;
            draft.write(layout, out)?;
            continue;
        }
        if used == 8 {
            out.push(0);
            used = 0;
        }
        if let Some(octet) = out.last_mut() {
            *octet |= u8::from(draft.bit(layout.name)?) << used;
        }
        used += 1;
    }
    Ok(())
}

/// How many body octets a frame takes under the draft's `frame_max`, where 0 states no limit.
fn chunk_size(draft: &Checked<'_>) -> Result<usize, EncodeError> {
    let Some(value) = draft.field("frame_max") else {
        return Ok(usize::try_from(FRAME_MAX - FRAME_OVERHEAD).unwrap_or(usize::MAX));
    };
    let limit = draft.number_field("frame_max", [0; 4]).map(u32::from_be_bytes)?;
    let room = if limit == 0 { Some(u32::MAX.into()) } else { u64::from(limit).checked_sub(FRAME_OVERHEAD) };
    match room {
        None | Some(0) => {
            Err(draft.unwritable("frame_max", value, "a body frame takes at least 9 octets".to_owned()))
        }
        Some(room) => Ok(usize::try_from(room).unwrap_or(usize::MAX)),
    }
}

/// Class id, weight, body size, flags, properties (§4.2.6.1). `body` is the size of the body at hand; a
/// header drafted by itself has its own fields for all of these.
fn content_header(draft: &Checked<'_>, body: Option<usize>) -> Result<Frame, EncodeError> {
    let own = |name| if body.is_none() { draft.field(name).map(|value| (name, value)) } else { None };
    let size = u64::try_from(body.unwrap_or_default()).unwrap_or(u64::MAX);
    let mut properties = Vec::new();
    let mut flags = 0;
    for (index, layout) in PROPERTIES.iter().enumerate() {
        if draft.field(layout.name).is_some() {
            flags |= property_flag(index);
            draft.write(layout, &mut properties)?;
        }
    }
    let raw = draft.deviation("properties").or(own("properties"));
    if let Some((name, value)) = raw {
        properties = draft.octets(name, value)?.into();
    }
    let mut payload = Vec::with_capacity(14 + properties.len());
    let class_id = [draft.deviation("header_class_id"), own("class_id")];
    payload.extend(draft.number(class_id, BASIC.to_be_bytes())?);
    payload.extend(draft.number([draft.deviation("weight"), own("weight")], [0; 2])?);
    payload.extend(draft.number([draft.deviation("body_size"), own("body_size")], size.to_be_bytes())?);
    // A header of a class without content, read back, holds its flags within `properties`.
    if !(body.is_none() && own("properties").is_some() && own("property_flags").is_none()) {
        let places = [draft.deviation("property_flags"), own("property_flags")];
        payload.extend(draft.number(places, flags.to_be_bytes())?);
    }
    payload.extend(properties);
    frame(draft, Part::Header, payload)
}

/// The frames that `only` asks for.
fn chosen(draft: &Checked<'_>, mut frames: Vec<Frame>) -> Result<Vec<Frame>, EncodeError> {
    let Some((name, value)) = draft.deviation("only") else { return Ok(frames) };
    let wrong = || draft.unwritable(name, value, "it takes a list of `method`, `header`, `body`".to_owned());
    let Value::List(items) = value else { return Err(wrong()) };
    let mut parts = Vec::new();
    for item in items {
        parts.push(match item.as_text() {
            Some("method") => Part::Method,
            Some("header") => Part::Header,
            Some("body") => Part::Body,
            _ => return Err(wrong()),
        });
    }
    frames.retain(|frame| parts.contains(&frame.part));
    Ok(frames)
}

/// Puts the frames around their payloads, the last one with the deviations asked for.
fn finish(draft: &Checked<'_>, mut frames: Vec<Frame>) -> Result<Vec<Bytes>, EncodeError> {
    let last = frames.pop();
    let mut pieces = Vec::with_capacity(frames.len() + 1);
    for frame in frames {
        let size = declared_size(draft, &frame)?;
        pieces.push(framed(&frame, [frame.part.frame_type()], size, [FRAME_END]).into());
    }
    if let Some(mut frame) = last {
        resize(draft, &mut frame.payload)?;
        let frame_type = draft.number([draft.deviation("frame_type"), None], [frame.part.frame_type()])?;
        let size = declared_size(draft, &frame)?;
        let size = draft.number([draft.deviation("frame_size"), None], size)?;
        let end = draft.number([draft.deviation("frame_end"), None], [FRAME_END])?;
        let mut octets = framed(&frame, frame_type, size, end);
        cut(draft, &mut octets)?;
        pieces.push(octets.into());
    }
    Ok(pieces)
}

fn declared_size(draft: &Checked<'_>, frame: &Frame) -> Result<[u8; 4], EncodeError> {
    let size = i128::try_from(frame.payload.len()).unwrap_or(i128::MAX);
    draft.number([Some(("frame_size", &Value::Integer(size))), None], [0; 4])
}

fn framed(frame: &Frame, frame_type: [u8; 1], size: [u8; 4], end: [u8; 1]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(frame.payload.len() + 8);
    octets.extend(frame_type);
    octets.extend(frame.channel);
    octets.extend(size);
    octets.extend_from_slice(&frame.payload);
    octets.extend(end);
    octets
}

/// `truncate`, then `append`.
fn resize(draft: &Checked<'_>, payload: &mut Vec<u8>) -> Result<(), EncodeError> {
    if let Some(count) = draft.count("truncate")? {
        payload.truncate(payload.len().saturating_sub(count));
    }
    if let Some((name, value)) = draft.deviation("append") {
        payload.extend(draft.octets(name, value)?);
    }
    Ok(())
}

fn cut(draft: &Checked<'_>, octets: &mut Vec<u8>) -> Result<(), EncodeError> {
    if let Some(count) = draft.count("cut")? {
        octets.truncate(count);
    }
    Ok(())
}
