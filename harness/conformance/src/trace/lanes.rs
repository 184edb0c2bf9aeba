//! A trace as text: one line per event, a lane per actor. (Grows with the reports.)

use std::fmt::Write as _;

use mqspec_wire::Packet;

use super::{Event, Fate, Trace, What};
use crate::plan::Ending;

/// How much a rendering shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The bytes of each packet below its line.
    pub bytes: bool,
    /// The steps of the script between the packets.
    pub steps: bool,
}

/// Renders events, one line each, with virtual time, arrow, packet and fields.
pub fn render<'a>(trace: &Trace, events: impl IntoIterator<Item = &'a Event>, detail: Detail) -> String {
    let width = trace.actors.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(6);
    let mut text = String::new();
    for event in events {
        // Writing to a String cannot fail.
        let _ = render_event(trace, event, detail, width, &mut text);
    }
    text
}

fn render_event(
    trace: &Trace,
    event: &Event,
    detail: Detail,
    width: usize,
    text: &mut String,
) -> std::fmt::Result {
    let time = format!("{:>9.3}s", event.at.as_secs_f64());
    match &event.what {
        What::Step { line, text: step } => {
            if detail.steps {
                writeln!(text, "           ─ {line}: {step}")?;
            }
        }
        What::Opened { actor, connection } => {
            let name = trace.actor_name(*actor);
            writeln!(text, "{time} {name:<width$} ═══  connection {} opened", connection.0)?;
        }
        What::OpenFailed { actor, why } => {
            writeln!(text, "{time} {:<width$} ═╳═  cannot connect: {why}", trace.actor_name(*actor))?;
        }
        What::Sent { actor, packet, fate, .. } => {
            let arrow = if *fate == Fate::Lost { "──╳" } else { "──▶" };
            let name = trace.actor_name(*actor);
            writeln!(text, "{time} {name:<width$} {arrow}  {}{}", show_packet(packet), show_fate(*fate))?;
            show_bytes(packet, detail, width, text)?;
        }
        What::Received { actor, packet, fate, .. } => {
            let arrow = if *fate == Fate::Lost { "╳──" } else { "◀──" };
            let name = trace.actor_name(*actor);
            writeln!(text, "{time} {name:<width$} {arrow}  {}{}", show_packet(packet), show_fate(*fate))?;
            show_bytes(packet, detail, width, text)?;
            for oddity in &packet.oddities {
                writeln!(
                    text,
                    "{:width$}                   ! {} [{}]",
                    "", oddity.message, oddity.statement
                )?;
            }
        }
        What::Ended { actor, by, how, rest, .. } => {
            let name = trace.actor_name(*actor);
            let how = match how {
                Ending::Fin => "closed",
                Ending::Reset => "reset",
            };
            let by = match by {
                super::EndedBy::Peer(mqspec_wire::Side::Client) => name,
                super::EndedBy::Peer(mqspec_wire::Side::Server) => "the broker",
                super::EndedBy::Fault => "a fault",
            };
            let rest = if *rest == 0 { String::new() } else { format!(", {rest} bytes of a packet lost") };
            writeln!(text, "{time} {name:<width$} ═══  connection {how} by {by}{rest}")?;
        }
        What::Fault { actor, text: fault } => {
            let name = actor.map_or("", |actor| trace.actor_name(actor));
            writeln!(text, "{time} {name:<width$}  ⚡   {fault}")?;
        }
        What::Broker { text: event } => {
            writeln!(text, "{time} {:<width$}  ⚡   broker {event}", "")?;
        }
        What::Bound { name, value } => {
            if detail.steps {
                writeln!(text, "           ─ ${name} = {value}")?;
            }
        }
    }
    Ok(())
}

/// A packet on one line: its name and fields as a scenario would write them.
pub fn show_packet(packet: &Packet) -> String {
    let mut line = packet.name.to_owned();
    for field in &packet.fields {
        let _ = match field.label {
            Some(label) => write!(line, " {}={label}", field.name),
            None => write!(line, " {}={}", field.name, field.value),
        };
    }
    line
}

fn show_fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Passed => "",
        Fate::Lost => "   (lost by a fault)",
        Fate::Copy => "   (copy made by a fault)",
        Fate::Cut => "   (cut by a fault)",
    }
}

fn show_bytes(packet: &Packet, detail: Detail, width: usize, text: &mut String) -> std::fmt::Result {
    const SHOWN: usize = 48;
    if !detail.bytes {
        return Ok(());
    }
    write!(text, "{:width$}                 ", "")?;
    for byte in packet.raw.iter().take(SHOWN) {
        write!(text, "{byte:02x} ")?;
    }
    if packet.raw.len() > SHOWN {
        write!(text, "… {} bytes in all", packet.raw.len())?;
    }
    writeln!(text)
}
