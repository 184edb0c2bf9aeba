//! Both codecs over the same bytes.

use mqspec_wire::fuzz::check_lenient;
use mqspec_wire::{Side, Spec};

use crate::agree::{agree_amqp, agree_mqtt};

/// The first byte says who sends (bit 0: the server) and in which version (bit 1: 5.0); the rest are MQTT bytes.
pub fn decode_mqtt(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    let spec = if choice & 2 == 0 { Spec::Mqtt311 } else { Spec::Mqtt50 };
    let sender = sender(*choice);
    check_lenient(spec, sender, bytes);
    if sender == Side::Client {
        agree_mqtt(spec, bytes);
    }
}

/// The first byte says who sends (bit 0: the server); the rest are AMQP octets.
pub fn decode_amqp(input: &[u8]) {
    let Some((choice, octets)) = input.split_first() else { return };
    let sender = sender(*choice);
    check_lenient(Spec::Amqp091, sender, octets);
    if sender == Side::Client {
        agree_amqp(octets);
    }
}

pub(crate) fn sender(choice: u8) -> Side {
    if choice & 1 == 0 { Side::Client } else { Side::Server }
}
