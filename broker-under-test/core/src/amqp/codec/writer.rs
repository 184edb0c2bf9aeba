//! What the server writes: method frames, content frames, heartbeats.

use bytes::{BufMut, Bytes, BytesMut};

use super::content::CLASS_BASIC;
use super::frame::{FRAME_END, FRAME_OVERHEAD};
use super::method::MethodId;

/// A method that the server sends.
pub(crate) trait Reply {
    /// Its class and method.
    const ID: MethodId;

    /// Writes the arguments.
    fn write(&self, writer: &mut Writer);
}

/// Grows the octets of frames and tables.
#[derive(Debug)]
pub(crate) struct Writer {
    bytes: BytesMut,
}

impl Writer {
    /// Room for most method frames, so that writing one allocates once.
    pub(crate) fn new() -> Self {
        Self { bytes: BytesMut::with_capacity(64) }
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.put_u8(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes.put_u16(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.put_u32(value);
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.put_u64(value);
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) {
        self.bytes.put_slice(octets);
    }

    /// An 8-bit length and the octets.
    ///
    /// # Panics
    /// If there are more than 255, which nothing that was read as a short string can have.
    pub(crate) fn short_string(&mut self, octets: &[u8]) {
        self.u8(u8::try_from(octets.len()).expect("a short string has at most 255 octets"));
        self.octets(octets);
    }

    /// A 32-bit length and the octets: a long string, or the fields of a table.
    ///
    /// # Panics
    /// If there are 4 GiB, which no frame holds.
    pub(crate) fn long_octets(&mut self, octets: &[u8]) {
        self.u32(u32::try_from(octets.len()).expect("a long string is shorter than 4 GiB"));
        self.octets(octets);
    }

    /// A named long string field of a table.
    pub(crate) fn string_field(&mut self, name: &str, value: &[u8]) {
        self.short_string(name.as_bytes());
        self.u8(b'S');
        self.long_octets(value);
    }

    /// A named table field of a table.
    pub(crate) fn table_field(&mut self, name: &str, entries: &[u8]) {
        self.short_string(name.as_bytes());
        self.u8(b'F');
        self.long_octets(entries);
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes.freeze()
    }

    /// A frame whose payload is what `payload` writes.
    fn frame(&mut self, frame_type: u8, channel: u16, payload: impl FnOnce(&mut Self)) {
        self.u8(frame_type);
        self.u16(channel);
        let size_at = self.bytes.len();
        self.u32(0);
        payload(self);
        let size = self.bytes.len() - size_at - 4;
        let size = u32::try_from(size).expect("a frame is shorter than frame-max, which has 32 bits");
        if let Some(field) = self.bytes.get_mut(size_at..size_at + 4) {
            field.copy_from_slice(&size.to_be_bytes());
        }
        self.u8(FRAME_END);
    }

    fn method<R: Reply>(&mut self, channel: u16, reply: &R) {
        self.frame(1, channel, |writer| {
            writer.u16(R::ID.class_id);
            writer.u16(R::ID.method_id);
            reply.write(writer);
        });
    }
}

/// One method frame.
pub(crate) fn method_frame<R: Reply>(channel: u16, reply: &R) -> Bytes {
    let mut writer = Writer::new();
    writer.method(channel, reply);
    writer.into_bytes()
}

/// A method that carries content, its header and as many body frames as `frame_max` asks for (§4.2.6).
///
/// `properties` are flags and property list as they came.
pub(crate) fn content_frames<R: Reply>(
    channel: u16,
    reply: &R,
    properties: &[u8],
    body: &[u8],
    frame_max: u32,
) -> Bytes {
    let body_max = (frame_max as usize).saturating_sub(FRAME_OVERHEAD).max(1);
    let mut writer = Writer { bytes: BytesMut::with_capacity(128 + properties.len() + body.len()) };
    writer.method(channel, reply);
    writer.frame(2, channel, |writer| {
        writer.u16(CLASS_BASIC);
        writer.u16(0);
        writer.u64(body.len() as u64);
        writer.octets(properties);
    });
    for piece in body.chunks(body_max) {
        writer.frame(3, channel, |writer| writer.octets(piece));
    }
    writer.into_bytes()
}

/// A heartbeat: `08 0000 00000000 CE`.
pub(crate) fn heartbeat_frame() -> Bytes {
    Bytes::from_static(&[8, 0, 0, 0, 0, 0, 0, FRAME_END])
}
