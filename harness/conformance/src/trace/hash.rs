//! One number for a whole trace: equal traces, and only they, hash alike.

use std::io::Write as _;
use std::time::Duration;

use mqspec_wire::{Packet, Value};

use super::{ConnectionNumber, Event, Fate, Trace, What};
use crate::decimal::Decimal;
use crate::plan::ActorId;

/// So many bytes are hashed at once: BLAKE3 is several times as fast where it has whole chunks to work on.
const AT_ONCE: usize = 1 << 15;

/// The BLAKE3 hash of a trace, as 32 hex digits.
///
/// Everything that the simulation can see goes in: order, virtual times, actors, raw bytes, fates, faults.
/// Rust's own hashing stays out of it, so that the number is the same in every build on every machine.
pub fn hash(trace: &Trace) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut lines = Vec::with_capacity(AT_ONCE + 1024);
    for (name, spec) in &trace.actors {
        // Writing to a Vec cannot fail, here and below.
        let _ = writeln!(lines, "actor {name} {spec}");
    }
    // Most events happen at the time of the one before.
    let mut time = (Duration::ZERO, nanoseconds(Duration::ZERO));
    for event in &trace.events {
        if event.at != time.0 {
            time = (event.at, nanoseconds(event.at));
        }
        write_event(event, &time.1, &mut lines);
        if lines.len() >= AT_ONCE {
            hasher.update(&lines);
            lines.clear();
        }
    }
    hasher.update(&lines);
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
///
/// Most events are packets, steps and bindings: these are written without the formatting machinery, which would cost more than the hashing.
fn write_event(event: &Event, time: &Decimal, line: &mut Vec<u8>) {
    write_number(event.sequence, line);
    line.push(b' ');
    line.extend_from_slice(time.as_bytes());
    line.push(b' ');
    let _ = match &event.what {
        What::Step { line: number, text } => {
            line.extend_from_slice(b"step ");
            write_number(*number as u64, line);
            line.push(b' ');
            line.extend_from_slice(text.as_bytes());
            Ok(())
        }
        What::Opened { actor, connection } => write!(line, "opened {} {}", actor.0, connection.0),
        What::OpenFailed { actor, why } => write!(line, "open-failed {} {why}", actor.0),
        What::Sent { actor, connection, packet, fate } => {
            line.extend_from_slice(b"sent ");
            write_packet((*actor, *connection), *fate, packet, line);
            Ok(())
        }
        What::Received { actor, connection, packet, fate } => {
            line.extend_from_slice(b"received ");
            write_packet((*actor, *connection), *fate, packet, line);
            Ok(())
        }
        What::Ended { actor, connection, by, how, rest } => {
            write!(line, "ended {} {} {by:?} {how:?} {rest}", actor.0, connection.0)
        }
        What::Fault { actor, text } => write!(line, "fault {:?} {text}", actor.map(|actor| actor.0)),
        What::Broker { text } => write!(line, "broker {text}"),
        What::Bound { name, value } => {
            line.extend_from_slice(b"bound ");
            line.extend_from_slice(name.as_bytes());
            line.push(b' ');
            if let Value::Integer(number) = value {
                line.extend_from_slice(Decimal::signed(*number).as_bytes());
                Ok(())
            } else {
                write!(line, "{value}")
            }
        }
    };
    line.push(b'\n');
}

fn write_packet(
    (actor, connection): (ActorId, ConnectionNumber),
    fate: Fate,
    packet: &Packet,
    line: &mut Vec<u8>,
) {
    write_number(actor.0 as u64, line);
    line.push(b' ');
    write_number(connection.0.into(), line);
    line.push(b' ');
    line.extend_from_slice(match fate {
        Fate::Passed => b"Passed",
        Fate::Late => b"Late",
        Fate::Swallowed => b"Swallowed",
        Fate::Reordered => b"Reordered",
        Fate::Lost => b"Lost",
        Fate::Copy => b"Copy",
        Fate::Cut => b"Cut",
        Fate::Flipped => b"Flipped",
        Fate::AfterEnd => b"AfterEnd",
    });
    line.push(b' ');
    write_hex(&packet.raw, line);
}

fn nanoseconds(time: Duration) -> Decimal {
    Decimal::signed(i128::try_from(time.as_nanos()).unwrap_or(i128::MAX))
}

/// A number in decimal.
fn write_number(number: u64, line: &mut Vec<u8>) {
    match u8::try_from(number) {
        Ok(digit @ 0..=9) => line.push(b'0' + digit),
        Ok(_) | Err(_) => line.extend_from_slice(Decimal::of(number).as_bytes()),
    }
}

/// The two hex digits of a byte. Without a table, so that the compiler can do many bytes at a time.
const fn hex(byte: u8) -> [u8; 2] {
    let halves = (byte as u16 >> 4) | (byte as u16 & 0xF) << 8;
    // A half from 10 on has a letter: as far behind the digits as `a` is behind `9`.
    let letters = (halves + 0x0606) >> 4 & 0x0101;
    (halves + 0x3030 + letters * (b'a' - b'9' - 1) as u16).to_le_bytes()
}

fn write_hex(bytes: &[u8], line: &mut Vec<u8>) {
    let begin = line.len();
    line.resize(begin + 2 * bytes.len(), 0);
    let (pairs, _) = line.get_mut(begin..).unwrap_or_default().as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = hex(*byte);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn line(what: What) -> String {
        let mut line = Vec::new();
        let at = Duration::from_millis(50);
        write_event(&Event { sequence: 1234, at, what }, &nanoseconds(at), &mut line);
        String::from_utf8(line).expect("text")
    }

    #[test]
    fn events_are_lines_that_no_build_writes_otherwise() {
        let raw = Bytes::from_static(&[0x30, 0x0a, 0xff]);
        for fate in
            [Fate::Passed, Fate::Reordered, Fate::Lost, Fate::Copy, Fate::Cut, Fate::Flipped, Fate::AfterEnd]
        {
            let packet =
                Packet { name: "publish", fields: Vec::new(), oddities: Vec::new(), raw: raw.clone() };
            let sent = What::Sent { actor: ActorId(0), connection: ConnectionNumber(10), packet, fate };
            assert_eq!(line(sent), format!("1234 50000000 sent 0 10 {fate:?} 300aff\n"));
        }
        assert_eq!(line(What::Step { line: 7, text: "wait: 5s".into() }), "1234 50000000 step 7 wait: 5s\n");
        let bound = What::Bound { name: "id".into(), value: 5.into() };
        assert_eq!(line(bound), "1234 50000000 bound id 5\n");
    }

    #[test]
    fn every_byte_has_its_two_digits() {
        for byte in 0..=u8::MAX {
            assert_eq!(hex(byte), format!("{byte:02x}").as_bytes());
        }
    }

    #[test]
    fn a_long_trace_is_hashed_as_one() {
        let text = "x".repeat(1000);
        let events = (0..100).map(|sequence| {
            let what = What::Broker { text: text.clone() };
            Event { sequence, at: Duration::from_secs(1 << 40), what }
        });
        let trace = Trace { actors: Vec::new(), events: events.collect() };
        let mut all = Vec::new();
        trace.events.iter().for_each(|event| write_event(event, &nanoseconds(event.at), &mut all));
        assert!(all.len() > 3 * AT_ONCE);
        assert_eq!(hash(&trace), blake3::hash(&all).to_hex().as_str().split_at(32).0);
    }
}
