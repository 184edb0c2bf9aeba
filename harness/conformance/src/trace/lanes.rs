//! A trace as text: one line per event, a lane per actor.
//!
//! The text is for reviewers and snapshots: no addresses, no wall time, and no field that says what is
//! usual anyway. The bytes, where they are shown, are complete up to [`SHOWN_BYTES`].

use std::fmt::Write as _;

use mqspec_wire::{Packet, Side, Value};

use super::{EndedBy, Event, Fate, Trace, What};
use crate::plan::{ActorId, Ending};

/// How many bytes of a packet are shown; the rest is counted.
pub const SHOWN_BYTES: usize = 64;

/// More actors than this share one lane, as lines would not fit a screen.
const MOST_LANES: usize = 4;

/// How much a rendering shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The bytes of each packet below its line.
    pub bytes: bool,
    /// The steps of the script between the packets.
    pub steps: bool,
}

/// Renders events, one line each, with virtual time, lane, arrow, packet and fields.
pub fn render<'a>(trace: &Trace, events: impl IntoIterator<Item = &'a Event>, detail: Detail) -> String {
    let mut text = String::new();
    for event in events {
        text.push_str(&render_event(trace, event, detail));
    }
    text
}

/// Renders one event: no line at all (a step, where these are not asked for), one, or several.
pub fn render_event(trace: &Trace, event: &Event, detail: Detail) -> String {
    let mut lines = Lines { trace, at: event.at.as_secs_f64(), text: String::new() };
    match &event.what {
        What::Step { line, text } if detail.steps => lines.remark(&format!("{line:>3} │ {text}")),
        What::Bound { name, value } if detail.steps => lines.remark(&format!("    │ ${name} = {value}")),
        What::Step { .. } | What::Bound { .. } => {}
        What::Opened { actor, connection } => {
            let again = if connection.0 == 1 { "" } else { " again" };
            lines.event(Some(*actor), "═══", &format!("connected{again}"));
        }
        What::OpenFailed { actor, why } => {
            lines.event(Some(*actor), "═╳═", &format!("cannot connect: {why}"));
        }
        What::Sent { actor, packet, fate, .. } => {
            let arrow = if *fate == Fate::Lost { "──╳" } else { "──▶" };
            lines.packet(*actor, arrow, packet, *fate, detail);
        }
        What::Received { actor, packet, fate, .. } => {
            let arrow = if *fate == Fate::Lost { "╳──" } else { "◀──" };
            lines.packet(*actor, arrow, packet, *fate, detail);
            for oddity in &packet.oddities {
                lines.below(&format!("! {} [{}]", oddity.message, oddity.statement));
            }
        }
        What::Ended { actor, by, how, rest, .. } => {
            lines.event(Some(*actor), "═══", &show_end(trace, *actor, *by, *how, *rest));
        }
        What::Fault { actor, text } => lines.event(*actor, " ⚡ ", text),
        What::Broker { text } => lines.event(None, " ⚡ ", &format!("broker {text}")),
    }
    lines.text
}

/// A packet on one line: its name and the fields that say something.
///
/// A set bit shows as its name; a bit that is not set, an empty list and what every packet of the kind says
/// (`protocol_name=MQTT`) are left out.
pub fn show_packet(packet: &Packet) -> String {
    let mut line = packet.name.to_owned();
    for field in packet.fields.iter().filter(|field| says_something(field.name, &field.value)) {
        // Writing to a String cannot fail.
        let _ = match (field.label, &field.value) {
            (Some(label), _) => write!(line, " {}={label}", field.name),
            (None, Value::Bool(_)) => write!(line, " {}", field.name),
            (None, value) => write!(line, " {}={value}", field.name),
        };
    }
    line
}

fn says_something(name: &str, value: &Value) -> bool {
    let usual = match value {
        Value::Bool(bit) => !bit,
        Value::Integer(number) => match name {
            // The fixed header's length and AMQP's frame size and reserved fields follow from the rest.
            "remaining_length" | "property_length" | "size" => true,
            "protocol_level" | "protocol_version" => matches!(number, 4 | 5),
            name => name.starts_with("reserved"),
        },
        Value::Bytes(bytes) => {
            name == "protocol_name" && bytes.as_ref() == b"MQTT" || name.starts_with("reserved")
        }
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Float(_) | Value::Tagged(..) | Value::Void => false,
    };
    !usual
}

fn show_end(trace: &Trace, actor: ActorId, by: EndedBy, how: Ending, rest: usize) -> String {
    let how = match how {
        Ending::Fin => "closed",
        Ending::Reset => "reset",
    };
    let by = match by {
        EndedBy::Peer(Side::Client) => trace.actor_name(actor),
        EndedBy::Peer(Side::Server) => "the broker",
        EndedBy::Fault => "a fault",
    };
    let rest = match rest {
        0 => String::new(),
        1 => String::from(", after 1 byte of a packet that never became whole"),
        rest => format!(", after {rest} bytes of a packet that never became whole"),
    };
    format!("connection {how} by {by}{rest}")
}

fn show_fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Passed => "",
        Fate::Lost => "   (lost by a fault)",
        Fate::Copy => "   (copy made by a fault)",
        Fate::Cut => "   (cut by a fault)",
    }
}

/// The lines of one event.
struct Lines<'a> {
    trace: &'a Trace,
    at: f64,
    text: String,
}

impl Lines<'_> {
    /// A line with a time, in the actor's lane.
    fn event(&mut self, actor: Option<ActorId>, arrow: &str, what: &str) {
        let lanes = self.lanes(actor, arrow);
        let line = format!("{:>8.3}s  {lanes}  {what}", self.at);
        self.push(&line);
    }

    fn packet(&mut self, actor: ActorId, arrow: &str, packet: &Packet, fate: Fate, detail: Detail) {
        self.event(Some(actor), arrow, &format!("{}{}", show_packet(packet), show_fate(fate)));
        if detail.bytes && !packet.raw.is_empty() {
            self.below(&show_hex(&packet.raw));
        }
    }

    /// A line of the script.
    fn remark(&mut self, text: &str) {
        self.push(&format!("      {text}"));
    }

    /// A line that continues the one above.
    fn below(&mut self, text: &str) {
        let indent = self.lanes(None, "").chars().count() + 13;
        self.push(&format!("{:indent$}{text}", ""));
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// All lanes with an arrow in one of them: `alice ──▶             `.
    fn lanes(&self, actor: Option<ActorId>, arrow: &str) -> String {
        let width = |name: &str| name.chars().count();
        let actors = &self.trace.actors;
        if actors.len() > MOST_LANES {
            let widest = actors.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
            let name = actor.map_or("", |actor| self.trace.actor_name(actor));
            return format!("{name:<widest$} {arrow:<3}");
        }
        let mut text = String::new();
        for (index, (name, _)) in actors.iter().enumerate() {
            let gap = if index == 0 { "" } else { "  " };
            let width = width(name);
            let _ = if actor == Some(ActorId(index)) {
                write!(text, "{gap}{name} {arrow:<3}")
            } else {
                write!(text, "{gap}{:width$}    ", "")
            };
        }
        // What concerns nobody in particular still shows its arrow, in the first lane.
        if actor.is_none() && !arrow.is_empty() {
            let rest: String = text.chars().skip(width(arrow)).collect();
            return format!("{arrow}{rest}");
        }
        text
    }
}

/// Bytes as hex digits, the first [`SHOWN_BYTES`] of them.
pub fn show_hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (index, byte) in bytes.iter().take(SHOWN_BYTES).enumerate() {
        let _ = write!(text, "{}{byte:02x}", if index == 0 { "" } else { " " });
    }
    if bytes.len() > SHOWN_BYTES {
        let _ = write!(text, " … {} bytes in all", bytes.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use mqspec_wire::{Field, Oddity, Spec};

    use super::*;
    use crate::trace::ConnectionNumber;

    const BYTES_AND_STEPS: Detail = Detail { bytes: true, steps: true };

    fn field(name: &'static str, value: impl Into<Value>) -> Field {
        Field { name, value: value.into(), label: None, span: 0..0 }
    }

    fn publish() -> Packet {
        Packet {
            name: "publish",
            fields: vec![
                field("dup", true),
                field("qos", 1),
                field("retain", false),
                field("topic", "t"),
                field("packet_id", 7),
            ],
            oddities: Vec::new(),
            raw: Bytes::from_static(&[0x3a, 0x05, 0x00, 0x01, 0x74, 0x00, 0x07]),
        }
    }

    fn trace(what: Vec<What>) -> Trace {
        let actors = ["alice", "bob"].map(|name| (name.to_owned(), Spec::Mqtt311)).to_vec();
        let events = what.into_iter().zip(0..).map(|(what, sequence)| Event {
            sequence,
            at: Duration::from_millis(sequence * 5),
            what,
        });
        Trace { actors, events: events.collect() }
    }

    fn shown(what: Vec<What>, detail: Detail) -> String {
        let trace = trace(what);
        render(&trace, &trace.events, detail)
    }

    #[test]
    fn each_actor_has_a_lane_and_usual_fields_are_left_out() {
        let sent = |actor, fate| What::Sent {
            actor: ActorId(actor),
            connection: ConnectionNumber(1),
            packet: publish(),
            fate,
        };
        let text = shown(vec![sent(0, Fate::Passed), sent(1, Fate::Lost)], BYTES_AND_STEPS);
        let bytes = format!("{:31}3a 05 00 01 74 00 07", "");
        let expected = [
            "   0.000s  alice ──▶           publish dup qos=1 topic=\"t\" packet_id=7",
            &bytes,
            "   0.005s             bob ──╳  publish dup qos=1 topic=\"t\" packet_id=7   (lost by a fault)",
            &bytes,
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn steps_show_only_where_asked_for() {
        let step = || What::Step { line: 12, text: String::from("- alice: { ping: {} }") };
        assert_eq!(shown(vec![step()], BYTES_AND_STEPS), "       12 │ - alice: { ping: {} }\n");
        assert_eq!(shown(vec![step()], Detail { bytes: true, steps: false }), "");
    }

    #[test]
    fn an_oddity_stands_below_its_packet_with_its_statement() {
        let mut packet = publish();
        packet.oddities.push(Oddity {
            statement: "mqtt-3.1.1/MQTT-3.3.1-2",
            span: 0..1,
            message: String::from("DUP is set at QoS 0"),
        });
        let received =
            What::Received { actor: ActorId(1), connection: ConnectionNumber(2), packet, fate: Fate::Passed };
        let text = shown(vec![received], Detail { bytes: false, steps: false });
        assert!(text.ends_with("! DUP is set at QoS 0 [mqtt-3.1.1/MQTT-3.3.1-2]\n"), "{text}");
    }

    #[test]
    fn the_end_of_a_connection_says_who_ended_it() {
        let ended = |by| What::Ended {
            actor: ActorId(0),
            connection: ConnectionNumber(1),
            by,
            how: Ending::Reset,
            rest: 3,
        };
        let text = shown(vec![ended(EndedBy::Peer(Side::Server))], BYTES_AND_STEPS);
        assert!(text.contains("connection reset by the broker, after 3 bytes"), "{text}");
        let text = shown(vec![ended(EndedBy::Peer(Side::Client))], BYTES_AND_STEPS);
        assert!(text.contains("reset by alice"), "{text}");
    }

    #[test]
    fn long_packets_are_cut_short_and_counted() {
        assert_eq!(show_hex(&[0xab; 3]), "ab ab ab");
        let text = show_hex(&[0; 70]);
        assert!(text.ends_with("00 … 70 bytes in all"), "{text}");
        assert_eq!(text.matches("00").count(), SHOWN_BYTES);
    }
}
