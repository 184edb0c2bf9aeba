//! The layout tables in the form that scenarios and diagnostics ask for.

use std::sync::LazyLock;

use super::layout::{self, FieldLayout, METHODS, PROPERTIES, Wire};
use crate::shape::{FieldShape, PacketShape, Senders, Shape};

static SHAPES: LazyLock<Vec<PacketShape>> = LazyLock::new(|| {
    let mut shapes = vec![protocol_header(), content_header(), content_body(), heartbeat(), unknown()];
    shapes.extend(METHODS.iter().map(method));
    shapes
});

/// Every packet: the methods, and `protocol-header`, `content-header`, `content-body`, `heartbeat`,
/// `unknown`.
pub fn shapes() -> &'static [PacketShape] {
    &SHAPES
}

/// The deviations that `malformed` of a draft knows. Those of a frame apply to the last frame sent, those
/// of a method or content header to that frame.
///
/// | name | value | effect |
/// |---|---|---|
/// | `raw` | bytes | these bytes instead of everything |
/// | `only` | list of `method`, `header`, `body` | sends only these frames of a method with content |
/// | `frame_type` | u8 | the type octet |
/// | `frame_size` | u32 | the declared payload size |
/// | `frame_end` | u8 | the octet after the payload |
/// | `truncate` | count | drops the payload's last octets; the frame size follows |
/// | `append` | bytes | adds to the payload; the frame size follows |
/// | `cut` | count | sends only so many octets of the finished frame |
/// | `class_id`, `method_id` | u16 | the ids in a method frame |
/// | `arguments` | bytes | the octets after a method's ids, in place of its fields |
/// | `header_class_id`, `weight` | u16 | the same-named parts of a content header |
/// | `body_size` | u64 | the declared size in a content header |
/// | `property_flags` | u16 | the flags word, whatever properties follow |
/// | `properties` | bytes | the octets after the flags word, in place of the properties |
///
/// `append` acts after `truncate`, `cut` last of all.
pub fn malformations() -> &'static [FieldShape] {
    static MALFORMATIONS: [FieldShape; 16] = [
        deviation("raw", Shape::Binary),
        deviation("only", Shape::List(Vec::new())),
        deviation("frame_type", Shape::Unsigned(0xff)),
        deviation("frame_size", Shape::Unsigned(0xffff_ffff)),
        deviation("frame_end", Shape::Unsigned(0xff)),
        deviation("truncate", Shape::Unsigned(0xffff_ffff)),
        deviation("append", Shape::Binary),
        deviation("cut", Shape::Unsigned(0xffff_ffff)),
        deviation("class_id", Shape::Unsigned(0xffff)),
        deviation("method_id", Shape::Unsigned(0xffff)),
        deviation("arguments", Shape::Binary),
        deviation("header_class_id", Shape::Unsigned(0xffff)),
        deviation("weight", Shape::Unsigned(0xffff)),
        deviation("body_size", Shape::Unsigned(u64::MAX)),
        deviation("property_flags", Shape::Unsigned(0xffff)),
        deviation("properties", Shape::Binary),
    ];
    &MALFORMATIONS
}

const fn deviation(name: &'static str, shape: Shape) -> FieldShape {
    FieldShape { name, shape, labels: &[], optional: true }
}

fn plain(name: &'static str, shape: Shape) -> FieldShape {
    FieldShape { name, shape, labels: &[], optional: false }
}

fn optional(name: &'static str, shape: Shape) -> FieldShape {
    FieldShape { optional: true, ..plain(name, shape) }
}

fn channel() -> FieldShape {
    plain("channel", Shape::Unsigned(0xffff))
}

fn field(layout: &FieldLayout, optional: bool) -> FieldShape {
    let shape = match layout.wire {
        Wire::Bit => Shape::Bool,
        Wire::Octet => Shape::Unsigned(0xff),
        Wire::Short => Shape::Unsigned(0xffff),
        Wire::Long => Shape::Unsigned(0xffff_ffff),
        Wire::LongLong => Shape::Unsigned(u64::MAX),
        Wire::ShortString | Wire::LongString => Shape::Text,
        Wire::Table => Shape::Table,
    };
    FieldShape { name: layout.name, shape, labels: layout.labels(), optional }
}

fn properties() -> impl Iterator<Item = FieldShape> {
    PROPERTIES.iter().map(|layout| field(layout, true))
}

/// A method with content has the properties, `body` and, for writing, `frame_max`: the most octets of a
/// frame, header and end included, into which the body is split.
fn method(layout: &layout::MethodLayout) -> PacketShape {
    let mut fields = vec![channel()];
    fields.extend(layout.fields.iter().map(|layout| field(layout, false)));
    if layout.carries_content() {
        fields.extend(properties());
        fields.push(optional("body", Shape::Binary));
        fields.push(optional("frame_max", Shape::Unsigned(0xffff_ffff)));
    }
    PacketShape {
        name: layout.name,
        section: layout.section,
        sent_by: layout.sent_by,
        replies: layout.replies,
        fields,
    }
}

fn packet(name: &'static str, section: &'static str, fields: Vec<FieldShape>) -> PacketShape {
    PacketShape { name, section, sent_by: Senders::Both, replies: &[], fields }
}

fn protocol_header() -> PacketShape {
    let octet = |name| plain(name, Shape::Unsigned(0xff));
    let fields = ["protocol_id", "major", "minor", "revision"].map(octet).to_vec();
    PacketShape { replies: &["connection.start"], ..packet("protocol-header", "4.2.2", fields) }
}

fn content_header() -> PacketShape {
    let mut fields = vec![
        channel(),
        plain("class_id", Shape::Unsigned(0xffff)),
        plain("weight", Shape::Unsigned(0xffff)),
        plain("body_size", Shape::Unsigned(u64::MAX)),
        plain("property_flags", Shape::Unsigned(0xffff)),
    ];
    fields.extend(properties());
    fields.push(optional("properties", Shape::Binary));
    packet("content-header", "4.2.6.1", fields)
}

fn content_body() -> PacketShape {
    packet("content-body", "4.2.6.2", vec![channel(), plain("body", Shape::Binary)])
}

fn heartbeat() -> PacketShape {
    packet("heartbeat", "4.2.7", vec![channel(), optional("payload", Shape::Binary)])
}

/// Octets that no table explains: a frame of unknown type has `payload`, a method frame with unknown ids
/// has `class_id`, `method_id` and `arguments`.
fn unknown() -> PacketShape {
    let fields = vec![
        optional("frame_type", Shape::Unsigned(0xff)),
        optional("channel", Shape::Unsigned(0xffff)),
        optional("class_id", Shape::Unsigned(0xffff)),
        optional("method_id", Shape::Unsigned(0xffff)),
        optional("arguments", Shape::Binary),
        optional("payload", Shape::Binary),
    ];
    packet("unknown", "4.2.3", fields)
}
