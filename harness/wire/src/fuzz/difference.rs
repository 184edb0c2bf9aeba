//! Another decoder beside the lenient one: every difference is a known one, or a finding.

use crate::codec::Decoder;
use crate::packet::Packet;
use crate::spec::{Side, Spec};
use crate::value::Value;

use super::lenient::same_value;
use super::{hex, is_lost};

/// What a decoder makes of the start of some bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// More bytes are needed.
    Incomplete,
    /// It takes this for no packet.
    Refused,
    /// A whole packet.
    Packet {
        /// How many bytes it took.
        size: usize,
        /// The packet's name, where it is to be compared: as in [`Packet::name`].
        name: Option<&'static str>,
        /// Those of its fields that are to be compared, under the names of [`Packet::fields`].
        fields: Vec<(&'static str, Value)>,
    },
}

impl Reading {
    /// A packet of this many bytes of which nothing else is to be compared.
    pub const fn packet(size: usize) -> Self {
        Self::Packet { size, name: None, fields: Vec::new() }
    }
}

/// The ways in which two decoders can differ about one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It takes what breaks a rule.
    AcceptsOdd,
    /// It refuses what breaks none.
    RefusesPlain,
    /// It asks for more bytes where the packet is whole: on a quiet connection, for ever.
    Stalls,
    /// It takes a packet whose end is not there.
    AcceptsPrefix,
    /// It takes fewer or more bytes than the packet has.
    Size,
    /// It reads a field otherwise.
    Field,
    /// What follows the packet changes what it says.
    Follows,
}

/// A difference that has been looked into, so that it is no finding any more.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its kind.
    pub difference: Difference,
    /// The statement that decides, with its standard. For [`Difference::AcceptsOdd`] the one that the packet
    /// breaks: a packet is excused only when each of its oddities is known.
    pub statement: &'static str,
    /// Which packets it concerns.
    pub when: fn(&Packet) -> bool,
    /// Who is right, and why.
    pub reason: &'static str,
}

impl Known {
    /// The decoder does not check a rule.
    pub const fn lax(statement: &'static str, reason: &'static str) -> Self {
        Self { difference: Difference::AcceptsOdd, statement, when: |_| true, reason }
    }
}

/// Holds a decoder against the lenient one over a stream of bytes that `sender` might write, packet by packet.
///
/// `decode` is given the bytes from a packet's first one on, with whatever follows, and says what it makes of the
/// first packet. It must not keep anything between calls. Where framing is lost nothing more is compared.
///
/// # Panics
///
/// At the first difference that `known` does not list: the message holds the packet in hexadecimal digits, what
/// is expected and by which section, and what the decoder answered. (And where `decode` panics, of course.)
pub fn check_decoder(
    spec: Spec,
    sender: Side,
    known: &[Known],
    bytes: &[u8],
    mut decode: impl FnMut(&[u8]) -> Reading,
) {
    let mut ours = Decoder::new(spec, sender);
    ours.push(bytes);
    let mut rest = bytes;
    while let Some(packet) = ours.next_packet() {
        if is_lost(&packet) {
            return;
        }
        let reading = decode(rest);
        if let Some((difference, what)) = difference(&packet, &reading, &mut decode) {
            let excused = excused(&packet, difference, known);
            assert!(
                excused,
                "{spec} {}: {what} ({difference:?})\n  bytes: {}\n  decoder: {reading:?}\n  oddities: {:?}",
                packet.name,
                hex(&packet.raw),
                packet.oddities
            );
            if difference != Difference::AcceptsOdd {
                return; // what follows cannot be compared: the decoder is elsewhere in the stream
            }
        }
        rest = rest.get(packet.raw.len()..).unwrap_or_default();
    }
    if !rest.is_empty() {
        let reading = decode(rest);
        assert!(
            !matches!(reading, Reading::Packet { .. }),
            "{spec}: a packet where the bytes end inside one (AcceptsPrefix)\n  bytes: {}\n  decoder: {reading:?}",
            hex(rest)
        );
    }
}

fn excused(packet: &Packet, difference: Difference, known: &[Known]) -> bool {
    let mut fitting = known.iter().filter(|known| known.difference == difference && (known.when)(packet));
    if difference == Difference::AcceptsOdd {
        let known: Vec<_> = fitting.map(|known| known.statement).collect();
        packet.oddities.iter().all(|oddity| known.contains(&oddity.statement))
    } else {
        fitting.next().is_some()
    }
}

/// The first difference, with what was expected.
fn difference(
    packet: &Packet,
    reading: &Reading,
    decode: &mut impl FnMut(&[u8]) -> Reading,
) -> Option<(Difference, String)> {
    let plain = packet.oddities.is_empty();
    let (size, name, fields) = match reading {
        Reading::Incomplete => {
            return Some((Difference::Stalls, "more bytes wanted for a whole packet".to_owned()));
        }
        Reading::Refused if plain => {
            return Some((Difference::RefusesPlain, "a packet that breaks no rule is refused".to_owned()));
        }
        Reading::Refused => return None,
        Reading::Packet { size, name, fields } => (*size, *name, fields),
    };
    if size != packet.raw.len() {
        return Some((Difference::Size, format!("{size} bytes taken for {}", packet.raw.len())));
    }
    if let Some(difference) = prefix(packet, decode) {
        return Some(difference);
    }
    if !plain {
        let rules: Vec<_> = packet.oddities.iter().map(|oddity| oddity.statement).collect();
        return Some((Difference::AcceptsOdd, format!("accepted, against {}", rules.join(", "))));
    }
    if !same_reading(&decode(&packet.raw), reading) {
        return Some((Difference::Follows, "read otherwise when nothing follows".to_owned()));
    }
    if name.is_some_and(|name| name != packet.name) {
        return Some((Difference::Field, format!("read as {}", name.unwrap_or_default())));
    }
    let agrees = |(name, value): &(&str, Value)| packet.get(name).is_some_and(|ours| same_value(ours, value));
    let differing = fields.iter().find(|field| !agrees(field))?;
    let (name, value) = differing;
    let expected = packet.get(name).map_or_else(|| "nothing".to_owned(), ToString::to_string);
    Some((Difference::Field, format!("`{name}` is {expected} and was read as {value}")))
}

fn same_reading(one: &Reading, other: &Reading) -> bool {
    let (
        Reading::Packet { size: one_size, name: one_name, fields: one },
        Reading::Packet { size, name, fields },
    ) = (one, other)
    else {
        return one == other;
    };
    let same =
        |(one, other): (&(&str, Value), &(&str, Value))| one.0 == other.0 && same_value(&one.1, &other.1);
    (one_size, one_name) == (size, name) && one.len() == fields.len() && one.iter().zip(fields).all(same)
}

/// A packet without its end must not be taken for one; its last byte, half of it, all but its first.
fn prefix(packet: &Packet, decode: &mut impl FnMut(&[u8]) -> Reading) -> Option<(Difference, String)> {
    let size = packet.raw.len();
    [size.saturating_sub(1), size / 2, 1].into_iter().filter(|end| *end < size).find_map(|end| {
        let taken = matches!(decode(packet.raw.get(..end)?), Reading::Packet { .. });
        taken.then(|| (Difference::AcceptsPrefix, format!("accepted after {end} of {size} bytes")))
    })
}
