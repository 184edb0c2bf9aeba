//! Both codecs over the same bytes.
//!
//! The fuzzer's time is short, so it has the bytes read whole each time, by both, and draws from the input which of the
//! dearer checks comes with it: one split, or each packet written again. What is replayed gets them all.

use mqspec_fuzz_script::{sender, version};
use mqspec_wire::fuzz::{check_lenient, check_split, check_whole, check_written_again};
use mqspec_wire::{Packet, Side, Spec};

use crate::agree::{agree_amqp, agree_mqtt};

/// The first byte says who sends (bit 0: the server) and in which version (bit 1: 5.0); the rest are MQTT bytes.
pub fn decode_mqtt(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    let (spec, sender) = (version(*choice), sender(*choice));
    let packets = check(spec, sender, bytes);
    if sender == Side::Client {
        agree_mqtt(spec, bytes, &packets);
    }
}

/// The first byte says who sends (bit 0: the server); the rest are AMQP octets.
pub fn decode_amqp(input: &[u8]) {
    let Some((choice, octets)) = input.split_first() else { return };
    let sender = sender(*choice);
    let packets = check(Spec::Amqp091, sender, octets);
    if sender == Side::Client {
        agree_amqp(octets, &packets);
    }
}

/// [`decode_mqtt`] with every check.
pub fn replay_decode_mqtt(input: &[u8]) {
    if let Some((choice, bytes)) = input.split_first() {
        check_lenient(version(*choice), sender(*choice), bytes);
    }
    decode_mqtt(input);
}

/// [`decode_amqp`] with every check.
pub fn replay_decode_amqp(input: &[u8]) {
    if let Some((choice, octets)) = input.split_first() {
        check_lenient(Spec::Amqp091, sender(*choice), octets);
    }
    decode_amqp(input);
}

/// A target that only copies its input: how fast any can be.
pub fn baseline(input: &[u8]) {
    drop(std::hint::black_box(input.to_vec()));
}

/// The last two bytes draw: half of the inputs are split in two, a quarter has its packets written again.
fn check(spec: Spec, sender: Side, bytes: &[u8]) -> Vec<Packet> {
    let packets = check_whole(spec, sender, bytes);
    if let [before @ .., second, last] = bytes {
        let draw = usize::from(second ^ last);
        match draw & 3 {
            0 | 1 => {
                let place = (usize::from(*second) << 8 | usize::from(*last)) % (before.len() + 2);
                let (head, tail) = bytes.split_at(place);
                check_split(spec, sender, bytes, &packets, [head, tail].into_iter());
            }
            2 => packets.iter().for_each(|packet| check_written_again(spec, sender, packet)),
            _ => {}
        }
    }
    packets
}
