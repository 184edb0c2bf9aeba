//! Everybody who reads: each is given a stream and says how many packets were in it.

use amq_protocol::frame::parse_frame;
use bytes::BytesMut;
use mqspec_broker_core::amqp::codec::{ContentHeader, FrameType, Method, split_frame};
use mqspec_broker_core::mqtt::codec::frame::Cut;
use mqspec_broker_core::mqtt::codec::{Frame, Packet, Version};

use crate::streams::{
    PACKETS, acknowledgements, five_properties, message, publish, table_properties, two_properties,
};

/// Reads a whole stream; the number of its packets.
pub(crate) type Reader = Box<dyn Fn(&[u8]) -> usize>;

/// A stream, and who reads it.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) stream: Vec<u8>,
    pub(crate) packets: usize,
    pub(crate) readers: Vec<(&'static str, Reader)>,
}

/// All of them.
pub(crate) fn workloads() -> Vec<Workload> {
    use Version::{V50, V311};
    let five = five_properties();
    vec![
        mqtt("publish-311-64", V311, publish(&[], 64)),
        mqtt("publish-311-1024", V311, publish(&[], 1024)),
        mqtt("acks-311", V311, acknowledgements()),
        mqtt("publish-50-64", V50, publish(&[0], 64)),
        mqtt("publish-50-1024", V50, publish(&[0], 1024)),
        mqtt("publish-50-properties", V50, publish(&five, 64)),
        mqtt("acks-50", V50, acknowledgements()),
        amqp("amqp-64", message(&two_properties(), 64)),
        amqp("amqp-1024", message(&two_properties(), 1024)),
        amqp("amqp-16384", message(&two_properties(), 16_384)),
        amqp("amqp-table", message(&table_properties(), 64)),
    ]
}

fn mqtt(name: &'static str, version: Version, stream: Vec<u8>) -> Workload {
    let size = stream.len() / PACKETS;
    let mut readers: Vec<(&'static str, Reader)> = vec![
        ("memcpy", copying()),
        ("header", Box::new(mqtt_headers)),
        ("own", Box::new(move |stream| mqtt_own(stream, version))),
    ];
    match version {
        Version::V311 => {
            readers.push(("mqttbytes", Box::new(mqttbytes_v4)));
            readers.push(("mqttrs", Box::new(move |stream| mqttrs(stream, size))));
        }
        Version::V50 => readers.push(("mqttbytes", Box::new(mqttbytes_v5))),
    }
    Workload { name, stream, packets: PACKETS, readers }
}

fn amqp(name: &'static str, stream: Vec<u8>) -> Workload {
    let readers: Vec<(&'static str, Reader)> = vec![
        ("memcpy", copying()),
        ("header", Box::new(amqp_headers)),
        ("own", Box::new(amqp_own)),
        ("amq-protocol", Box::new(amq_protocol)),
    ];
    Workload { name, stream, packets: 3 * PACKETS, readers }
}

/// Copies the stream into a buffer that is there already; all packets at once.
fn copying() -> Reader {
    let target = std::cell::RefCell::new(vec![0; 4 << 20]);
    Box::new(move |stream| {
        let mut target = target.borrow_mut();
        let target = target.get_mut(..stream.len()).expect("room for any stream");
        target.copy_from_slice(stream);
        std::hint::black_box(&*target);
        // What is counted is told by the first byte: MQTT's packet types lie above AMQP's frame types.
        if stream.first().is_some_and(|first| *first < 0x10) { 3 * PACKETS } else { PACKETS }
    })
}

/// Fixed headers only: where a packet ends.
fn mqtt_headers(stream: &[u8]) -> usize {
    let (mut rest, mut packets) = (stream, 0);
    while let [first, behind @ ..] = rest {
        let (mut length, mut shift) = (0_usize, 0);
        let mut behind = behind;
        while let [byte, more @ ..] = behind {
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            behind = more;
            if byte & 0x80 == 0 {
                break;
            }
        }
        std::hint::black_box(first);
        rest = behind.get(length..).unwrap_or_default();
        packets += 1;
    }
    packets
}

fn mqtt_own(stream: &[u8], version: Version) -> usize {
    let (mut rest, mut packets) = (stream, 0);
    while let Ok(Cut::Whole { frame, size }) = Frame::cut(rest, 1 << 20) {
        std::hint::black_box(&Packet::decode(&frame, version)).as_ref().expect("a packet");
        rest = rest.get(size..).unwrap_or_default();
        packets += 1;
    }
    packets
}

fn mqttbytes_v4(stream: &[u8]) -> usize {
    let mut rest = BytesMut::from(stream);
    std::iter::from_fn(|| mqttbytes::v4::read(&mut rest, 1 << 20).ok().map(std::hint::black_box)).count()
}

fn mqttbytes_v5(stream: &[u8]) -> usize {
    let mut rest = BytesMut::from(stream);
    std::iter::from_fn(|| mqttbytes::v5::read(&mut rest, 1 << 20).ok().map(std::hint::black_box)).count()
}

/// It does not say how many bytes it took: all packets of a stream have the same size.
fn mqttrs(stream: &[u8], size: usize) -> usize {
    let read = |packet: &&[u8]| matches!(std::hint::black_box(mqttrs::decode_slice(packet)), Ok(Some(_)));
    stream.chunks_exact(size).filter(read).count()
}

/// Frame headers only.
fn amqp_headers(stream: &[u8]) -> usize {
    let (mut rest, mut frames) = (stream, 0);
    while let [kind, _, _, a, b, c, d, behind @ ..] = rest {
        std::hint::black_box(kind);
        let size = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        rest = behind.get(size + 1..).unwrap_or_default();
        frames += 1;
    }
    frames
}

fn amqp_own(stream: &[u8]) -> usize {
    let (mut rest, mut frames) = (stream, 0);
    while let Ok(Some((frame, size))) = split_frame(rest, 131_072) {
        match frame.frame_type {
            FrameType::Method => {
                std::hint::black_box(&Method::decode(frame.payload)).as_ref().expect("a method");
            }
            FrameType::Header => {
                std::hint::black_box(&ContentHeader::decode(frame.payload)).as_ref().expect("a header");
            }
            FrameType::Body | FrameType::Heartbeat => {
                std::hint::black_box(frame.payload);
            }
        }
        rest = rest.get(size..).unwrap_or_default();
        frames += 1;
    }
    frames
}

fn amq_protocol(stream: &[u8]) -> usize {
    let (mut rest, mut frames) = (stream, 0);
    while let Ok((behind, frame)) = parse_frame(rest) {
        std::hint::black_box(frame);
        rest = behind;
        frames += 1;
    }
    frames
}
