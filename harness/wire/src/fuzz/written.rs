//! What this crate's encoder and its assembler of messages promise.

use bytes::Bytes;

use crate::amqp::Assembler;
use crate::codec::{encode, malformations};
use crate::packet::Packet;
use crate::shape::{FieldShape, Shape};
use crate::spec::{Side, Spec};
use crate::value::Value;

use super::hex;
use super::lenient::{check_packet, check_whole, draft_of};

/// The packet with each deviation that [`malformations`] has: it can be written, and then be read, or the error says
/// what would be right.
///
/// # Panics
///
/// Where bytes that were written break a promise of [`check_whole`].
pub fn check_malformed(spec: Spec, sender: Side, packet: &Packet) {
    let plain = draft_of(packet);
    for malformation in malformations(spec) {
        for value in values(malformation, packet) {
            let draft = plain.clone().malformed(malformation.name, value);
            match encode(spec, sender, &draft) {
                Ok(pieces) => drop(check_whole(spec, sender, &pieces.concat(), usize::MAX)),
                Err(why) => {
                    assert!(!why.to_string().is_empty(), "{spec}: an error says nothing of {draft:?}");
                }
            }
        }
    }
}

/// What a deviation can be set to: nothing much, much, and what it is not made for.
fn values(malformation: &FieldShape, packet: &Packet) -> Vec<Value> {
    let fitting = match &malformation.shape {
        Shape::Bool => vec![Value::Bool(true), Value::Bool(false)],
        Shape::Unsigned(most) => [1, 3, *most].map(|number| Value::Integer(number.into())).to_vec(),
        Shape::Text => vec![Value::text("a")],
        Shape::Binary => vec![Value::Bytes(Bytes::from_static(&[0, 0xff]))],
        Shape::Table => vec![Value::Map(vec![(Bytes::from_static(b"a"), Value::Void)])],
        Shape::List(_) => {
            let names = packet.fields.iter().map(|field| Value::text(field.name));
            let parts = ["body", "header", "method"].map(Value::text).to_vec();
            vec![Value::List(names.collect()), Value::List(parts)]
        }
    };
    [fitting, vec![Value::Void]].concat()
}

/// Every frame that goes into an [`Assembler`] comes out of it: alone, in a message, in one that was broken off, or in
/// one that is not finished.
///
/// # Panics
///
/// Where octets are lost, or where a message breaks a promise of [`check_whole`].
pub fn check_messages(packets: &[Packet]) {
    let mut assembler = Assembler::new();
    let mut messages = Vec::new();
    for packet in packets {
        messages.extend(assembler.push(packet.clone()));
        messages.extend(std::iter::from_fn(|| assembler.next_broken_off()));
    }
    messages.extend(assembler.into_unfinished());
    let octets = |packets: &[Packet]| packets.iter().map(|packet| packet.raw.len()).sum::<usize>();
    assert_eq!(
        octets(&messages),
        octets(packets),
        "frames are lost of {}",
        packets.iter().map(|packet| hex(&packet.raw)).collect::<String>()
    );
    for message in &messages {
        check_packet(Spec::Amqp091, message);
    }
}
