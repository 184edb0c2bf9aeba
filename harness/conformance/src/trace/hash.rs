//! One number for a whole trace: equal traces, and only they, hash alike.

use std::fmt::Write as _;

use super::{Event, Trace, What};

/// The BLAKE3 hash of a trace, as 32 hex digits.
///
/// Everything that the simulation can see goes in: order, virtual times, actors, raw bytes, fates, faults.
/// Rust's own hashing stays out of it, so that the number is the same in every build on every machine.
pub fn hash(trace: &Trace) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut line = String::new();
    for (name, spec) in &trace.actors {
        line.clear();
        let _ = writeln!(line, "actor {name} {spec}");
        hasher.update(line.as_bytes());
    }
    for event in &trace.events {
        line.clear();
        write_event(event, &mut line);
        hasher.update(line.as_bytes());
    }
    let mut hex = hasher.finalize().to_hex().to_string();
    hex.truncate(32);
    hex
}

/// 128 bits of the BLAKE3 hash of some texts, told apart by their lengths.
pub fn digest(texts: &[&str]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut first = [0; 16];
    hasher.finalize_xof().fill(&mut first);
    u128::from_be_bytes(first)
}

/// One line per event. Packets go in by their bytes: what they decode to follows from these.
fn write_event(event: &Event, line: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(line, "{} {} ", event.sequence, event.at.as_nanos());
    let _ = match &event.what {
        What::Step { line: number, text } => write!(line, "step {number} {text}"),
        What::Opened { actor, connection } => write!(line, "opened {} {}", actor.0, connection.0),
        What::OpenFailed { actor, why } => write!(line, "open-failed {} {why}", actor.0),
        What::Sent { actor, connection, packet, fate } => {
            let written = write!(line, "sent {} {} {fate:?} ", actor.0, connection.0);
            write_hex(&packet.raw, line);
            written
        }
        What::Received { actor, connection, packet, fate } => {
            let written = write!(line, "received {} {} {fate:?} ", actor.0, connection.0);
            write_hex(&packet.raw, line);
            written
        }
        What::Ended { actor, connection, by, how, rest } => {
            write!(line, "ended {} {} {by:?} {how:?} {rest}", actor.0, connection.0)
        }
        What::Fault { actor, text } => write!(line, "fault {:?} {text}", actor.map(|actor| actor.0)),
        What::Broker { text } => write!(line, "broker {text}"),
        What::Bound { name, value } => write!(line, "bound {name} {value}"),
    };
    line.push('\n');
}

fn write_hex(bytes: &[u8], line: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('?');
    line.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}
