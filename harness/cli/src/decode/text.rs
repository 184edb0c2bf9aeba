//! `decode` for people: a line for each field with its bytes, then what is broken.

use std::fmt::Write as _;

use mqspec_conformance::statement::Catalogue;
use mqspec_wire::{Oddity, Packet, Span, Spec, shape};

use super::{Decoded, side_name};
use crate::paint::Paint;
use crate::text::count;

/// Bytes of a field on one line; a longer field is cut short there and counted.
const BYTES_ON_A_LINE: usize = 12;

/// One line of a packet: bytes and what they mean.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    span: Span,
    name: String,
    value: String,
    /// The bytes were shown by the row above.
    repeated: bool,
}

/// The whole text, with line ends.
pub fn render(decoded: &Decoded, catalogue: &Catalogue, paint: Paint) -> String {
    let mut text = String::new();
    for (offset, packet) in &decoded.packets {
        // Writing to a String cannot fail.
        let _ = render_packet(decoded, *offset, packet, paint, &mut text);
        for oddity in &packet.oddities {
            let _ = render_oddity(*offset, oddity, catalogue, paint, &mut text);
        }
        text.push('\n');
    }
    if !decoded.rest.is_empty() {
        let _ = writeln!(
            text,
            "incomplete: {} of a packet that is not all there: {}\n",
            count(decoded.rest.len(), "byte"),
            hex(&decoded.rest, BYTES_ON_A_LINE),
        );
    }
    let broken = decoded.violations().count();
    let packets = count(decoded.packets.len(), "packet");
    let sender = side_name(decoded.from);
    let _ = if broken == 0 {
        writeln!(text, "{packets} from a {sender} in {}: {}", decoded.spec, paint.good("nothing broken"))
    } else {
        let broken = paint.bad(&format!("{} broken", count(broken, "statement")));
        writeln!(text, "{packets} from a {sender} in {}: {broken}", decoded.spec)
    };
    text
}

fn render_packet(
    decoded: &Decoded,
    offset: usize,
    packet: &Packet,
    paint: Paint,
    text: &mut String,
) -> std::fmt::Result {
    let section = shape(decoded.spec, packet.name).map_or_else(String::new, |shape| {
        let sign =
            if shape.section.starts_with(|first: char| first.is_ascii_digit()) { "section " } else { "" };
        format!(", {} {sign}{}", decoded.spec, shape.section)
    });
    let length = count(packet.raw.len(), "byte");
    writeln!(text, "{}  {length} at offset {offset}{section}", paint.strong(packet.name))?;
    let rows = rows(decoded.spec, packet);
    let widest = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for row in rows {
        let bytes = packet.raw.get(row.span.clone()).unwrap_or_default();
        let bytes = if row.repeated { String::new() } else { hex(bytes, BYTES_ON_A_LINE) };
        let at = if row.repeated { String::new() } else { (offset + row.span.start).to_string() };
        let name = format!("{:<widest$}", row.name);
        let width = BYTES_ON_A_LINE * 3 + 2;
        let line = format!("{at:>6}  {bytes:<width$}  {name}  {}", row.value);
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(())
}

fn render_oddity(
    offset: usize,
    oddity: &Oddity,
    catalogue: &Catalogue,
    paint: Paint,
    text: &mut String,
) -> std::fmt::Result {
    let at = offset + oddity.span.start;
    writeln!(text, "     {} byte {at}: {}", paint.bad("✗"), oddity.message)?;
    match catalogue.find(oddity.statement) {
        Some(statement) => writeln!(
            text,
            "       breaks {} ({}, section {}): {}",
            paint.strong(oddity.statement),
            statement.level,
            statement.section,
            statement.summary
        ),
        None => writeln!(text, "       breaks {}", paint.strong(oddity.statement)),
    }
}

/// Every byte of a packet once, in order: fields, and what stands between them.
fn rows(spec: Spec, packet: &Packet) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut fields: Vec<_> = packet.fields.iter().collect();
    fields.sort_by_key(|field| (field.span.start, std::cmp::Reverse(field.span.end)));
    let mut reached = 0;
    for field in fields {
        // A field that is not in the bytes (a reason code left out, which means success) has an empty span.
        if field.span.start > reached {
            rows.extend(framing(spec, packet, reached..field.span.start));
        }
        let value = match field.label {
            Some(label) => format!("{label} ({})", field.value),
            None => field.value.to_string(),
        };
        let repeated = field.span.end <= reached && !field.span.is_empty();
        let name = if field.span.is_empty() { format!("({})", field.name) } else { field.name.to_owned() };
        rows.push(Row { span: field.span.clone(), name, value, repeated });
        reached = reached.max(field.span.end);
    }
    rows.extend(framing(spec, packet, reached..packet.raw.len()));
    rows
}

/// The rows of bytes that no field stands for: fixed header, frame header, lengths, frame end.
fn framing(spec: Spec, packet: &Packet, gap: Span) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut rest = gap;
    let row = |span: Span, name: &str| Row {
        span,
        name: format!("({name})"),
        value: String::new(),
        repeated: false,
    };
    for (name, span) in landmarks(spec, packet) {
        let covered = rest.start.max(span.start)..rest.end.min(span.end);
        if covered.is_empty() {
            continue;
        }
        if rest.start < covered.start {
            rows.push(row(rest.start..covered.start, "length"));
        }
        rest.start = covered.end;
        rows.push(row(covered, name));
    }
    if !rest.is_empty() {
        rows.push(row(rest, "length"));
    }
    rows
}

/// Where the framing of a packet stands, in wire order.
fn landmarks(spec: Spec, packet: &Packet) -> Vec<(&'static str, Span)> {
    let length = packet.raw.len();
    if spec.is_mqtt() {
        let lengths = packet.raw.iter().skip(1).take(4).take_while(|byte| **byte & 0x80 != 0).count();
        return vec![("packet type and flags", 0..1), ("remaining length", 1..2 + lengths)];
    }
    match packet.name {
        "protocol-header" => vec![("literal AMQP", 0..4)],
        "unknown" => Vec::new(),
        _ => vec![
            ("frame type", 0..1),
            ("channel", 1..3),
            ("frame size", 3..7),
            ("class and method", 7..11),
            ("frame end", length.saturating_sub(1)..length),
        ],
    }
}

fn hex(bytes: &[u8], most: usize) -> String {
    let shown: Vec<String> = bytes.iter().take(most).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > most { format!("{} …", shown.join(" ")) } else { shown.join(" ") }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mqspec_wire::{Field, Side, Value};

    use super::*;

    /// DISCONNECT with reason code 4, and what a checker may say about it.
    fn disconnect() -> Packet {
        Packet {
            name: "disconnect",
            fields: vec![Field {
                name: "reason_code",
                value: Value::Integer(4),
                label: Some("disconnect_with_will_message"),
                span: 2..3,
            }],
            oddities: vec![Oddity {
                statement: "mqtt-5.0/MQTT-2.1.3-1",
                span: 0..1,
                message: "reserved flags are 1".into(),
            }],
            raw: Bytes::from_static(&[0xe1, 0x01, 0x04]),
        }
    }

    fn text(packets: Vec<(usize, Packet)>, rest: &[u8]) -> String {
        let decoded = Decoded { spec: Spec::Mqtt50, from: Side::Client, packets, rest: rest.to_vec() };
        render(&decoded, Catalogue::load(), Paint::plain())
    }

    #[test]
    fn every_byte_has_a_row_and_a_name() {
        let names: Vec<_> =
            rows(Spec::Mqtt50, &disconnect()).into_iter().map(|row| (row.span, row.name)).collect();
        let expected =
            [(0..1, "(packet type and flags)"), (1..2, "(remaining length)"), (2..3, "reason_code")];
        assert_eq!(names, expected.map(|(span, name)| (span, name.to_owned())));
    }

    #[test]
    fn a_broken_statement_is_quoted_with_its_gist() {
        let text = text(vec![(5, disconnect())], &[]);
        assert!(text.contains("byte 5: reserved flags are 1"), "{text}");
        assert!(text.contains("breaks mqtt-5.0/MQTT-2.1.3-1 (MUST, section 2.1.3): "), "{text}");
        assert!(text.ends_with("1 packet from a client in mqtt-5.0: 1 statement broken\n"), "{text}");
    }

    #[test]
    fn a_packet_that_is_not_all_there_is_named_so() {
        let text = text(Vec::new(), &[0x30, 0x05]);
        assert!(text.contains("incomplete: 2 bytes of a packet that is not all there: 30 05"), "{text}");
        assert!(text.ends_with("0 packets from a client in mqtt-5.0: nothing broken\n"), "{text}");
    }
}
