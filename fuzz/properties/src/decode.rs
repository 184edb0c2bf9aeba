//! Both codecs over the same bytes.
//!
//! The fuzzer's time is short, so it has the first packets of the bytes read whole, once by each codec, and draws from
//! the input when a dearer check comes with it: a split, or each packet written again. What is replayed gets all of them.

use mqspec_fuzz_script::{sender, version};
use mqspec_wire::fuzz::{Whole, check_lenient, check_split, check_whole, check_written_again};
use mqspec_wire::{Side, Spec};

use crate::agree::{agree_amqp, agree_mqtt};

/// How many packets of one input the fuzzer has read: what a longer stream finds, a shorter one finds sooner.
const PACKETS: usize = 4;
/// One input in so many is split, and as many have their packets written again. A power of two.
const RARELY: u32 = 32;

/// The first byte says who sends (bit 0: the server) and in which version (bit 1: 5.0); the rest are MQTT bytes.
pub fn decode_mqtt(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    let (spec, sender) = (version(*choice), sender(*choice));
    let whole = check(spec, sender, bytes, PACKETS);
    if sender == Side::Client {
        agree_mqtt(spec, bytes, &whole);
    }
}

/// The first byte says who sends (bit 0: the server); the rest are AMQP octets.
pub fn decode_amqp(input: &[u8]) {
    let Some((choice, octets)) = input.split_first() else { return };
    let sender = sender(*choice);
    let whole = check(Spec::Amqp091, sender, octets, PACKETS);
    if sender == Side::Client {
        agree_amqp(octets, &whole);
    }
}

/// [`decode_mqtt`] with every check and of every packet.
pub fn replay_decode_mqtt(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    let (spec, sender) = (version(*choice), sender(*choice));
    check_lenient(spec, sender, bytes);
    let whole = check(spec, sender, bytes, usize::MAX);
    if sender == Side::Client {
        agree_mqtt(spec, bytes, &whole);
    }
}

/// [`decode_amqp`] with every check and of every packet.
pub fn replay_decode_amqp(input: &[u8]) {
    let Some((choice, octets)) = input.split_first() else { return };
    let sender = sender(*choice);
    check_lenient(Spec::Amqp091, sender, octets);
    let whole = check(Spec::Amqp091, sender, octets, usize::MAX);
    if sender == Side::Client {
        agree_amqp(octets, &whole);
    }
}

/// A target that only copies its input: how fast any can be.
pub fn baseline(input: &[u8]) {
    drop(std::hint::black_box(input.to_vec()));
}

/// Reads the bytes, and makes a dearer check where the last of them draw one.
fn check(spec: Spec, sender: Side, bytes: &[u8], most: usize) -> Whole {
    let whole = check_whole(spec, sender, bytes, most);
    // Fibonacci hashing: the top bits of the product depend on each of the bytes.
    let hash = bytes.last_chunk().map_or(0, |last| u32::from_le_bytes(*last)).wrapping_mul(0x9E37_79B1);
    match hash / (u32::MAX / RARELY + 1) {
        1 => {
            let read = if whole.has_more { bytes.len() - whole.rest } else { bytes.len() };
            let (read, _) = bytes.split_at(read);
            let place = usize::try_from(hash & 0xFFFF).unwrap_or_default() % (read.len() + 1);
            let (head, tail) = read.split_at(place);
            check_split(spec, sender, read, &whole.packets, [head, tail].into_iter());
        }
        2 => whole.packets.iter().for_each(|packet| check_written_again(spec, sender, packet)),
        _ => {}
    }
    whole
}
