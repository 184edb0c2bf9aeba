//! What the broker sends, held against the tester's decoder.

use std::cell::RefCell;

use mqspec_broker_core::mqtt::codec::Version;
use mqspec_broker_core::mqtt::codec::connect::announced_version;
use mqspec_wire::fuzz::hex;
use mqspec_wire::{Decoder, Side, Spec};

/// How many bits of a hash say where it is remembered.
const PLACE_BITS: u32 = 16;

thread_local! {
    /// Hashes of what has been found plain before, each at the place that its first bits say; 0 is none. Most answers are
    /// like others, and to look at each anew takes longer than the broker takes to give it.
    static PLAIN: RefCell<Vec<u64>> = RefCell::new(vec![0; 1 << PLACE_BITS]);
}

/// The bytes of one effect are whole packets without an oddity.
///
/// # Panics
/// Where they are not.
pub(super) fn assert_plain(spec: Spec, bytes: &[u8]) {
    let hash = hash(spec, bytes);
    let place = usize::try_from(hash >> (u64::BITS - PLACE_BITS)).unwrap_or_default();
    if PLAIN.with_borrow(|plain| plain.get(place) == Some(&hash)) {
        return;
    }
    let mut decoder = Decoder::new(spec, Side::Server);
    decoder.push(bytes);
    while let Some(packet) = decoder.next_packet() {
        assert!(
            packet.oddities.is_empty() && packet.name != "unknown",
            "{spec}: the broker sends {}: {:?}",
            hex(&packet.raw),
            packet.oddities
        );
    }
    assert!(decoder.rest().is_empty(), "{spec}: half a packet: {}", hex(bytes));
    PLAIN.with_borrow_mut(|plain| {
        if let Some(remembered) = plain.get_mut(place) {
            *remembered = hash;
        }
    });
}

/// Eight bytes a step: the standard library's hash, made to withstand enemies, takes a sixteenth of the time of an AMQP
/// script.
fn hash(spec: Spec, bytes: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| (hash.rotate_left(26) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (words, rest) = bytes.as_chunks::<8>();
    let last = rest.iter().fold(0, |last, byte| last << 8 | u64::from(*byte));
    let start = mix(spec as u64 + 1, bytes.len() as u64);
    mix(words.iter().fold(start, |hash, word| mix(hash, u64::from_le_bytes(*word))), last)
}

/// The version of the answers: what the first packet announced, else 3.1.1 (§3.1.2.2 of 5.0).
pub(crate) fn spoken(spec: Spec, first: &[u8]) -> Spec {
    if spec == Spec::Amqp091 {
        return Spec::Amqp091;
    }
    let behind = first.get(1..).unwrap_or_default();
    let length = behind.iter().take(4).take_while(|byte| **byte & 0x80 != 0).count() + 1;
    match announced_version(behind.get(length..).unwrap_or_default()) {
        Some(Version::V50) => Spec::Mqtt50,
        Some(Version::V311) | None => Spec::Mqtt311,
    }
}
