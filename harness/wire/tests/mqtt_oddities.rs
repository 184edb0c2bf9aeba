//! Packets that break exactly the statements that are said, and packets that break none.
//!
//! The vectors are in `mqtt_vectors/`, one a line, so that other codecs can be asked about them too.

mod mqtt_support;

use std::collections::BTreeSet;

use mqspec_wire::{Oddity, Spec};
use mqtt_support::decode;
use mqtt_support::vector::{Vector, vectors};

/// The statements that the bytes break, and every oddity behind them.
fn broken(spec: Spec, vector: &Vector) -> (BTreeSet<String>, Vec<Oddity>) {
    let (packets, rest) = decode(spec, vector.sender, &[&vector.bytes]);
    assert_eq!((packets.len(), rest), (1, 0), "not one packet: {}", vector.line);
    let oddities: Vec<_> = packets.into_iter().flat_map(|packet| packet.oddities).collect();
    (oddities.iter().map(|oddity| oddity.statement.to_owned()).collect(), oddities)
}

fn check(spec: Spec, file: &'static str, at_least: usize, odd: bool) {
    let vectors = vectors(spec, file);
    assert!(vectors.len() >= at_least, "{} vectors", vectors.len());
    let mut wrong = Vec::new();
    for vector in &vectors {
        assert_eq!(!vector.statements.is_empty(), odd, "in the wrong file: {}", vector.line);
        let (statements, oddities) = broken(spec, vector);
        if statements != vector.statements {
            wrong.push(format!("{}\n    {oddities:?}", vector.line));
        }
        for Oddity { span, message, .. } in oddities {
            let inside = span.start <= span.end && span.end <= vector.bytes.len();
            assert!(inside, "{span:?} is not inside: {}", vector.line);
            let message = message.to_string();
            let is_sentence = !message.is_empty() && !message.ends_with('.') && !message.contains("{}");
            assert!(is_sentence, "{message:?}: {}", vector.line);
        }
    }
    assert!(wrong.is_empty(), "{} of {} in {spec}:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
}

#[test]
fn odd_packets_of_3_1_1_break_what_is_said() {
    check(Spec::Mqtt311, include_str!("mqtt_vectors/odd-3.1.1.txt"), 60, true);
}

#[test]
fn odd_packets_of_5_0_break_what_is_said() {
    check(Spec::Mqtt50, include_str!("mqtt_vectors/odd-5.0.txt"), 60, true);
}

#[test]
fn plain_packets_of_3_1_1_break_nothing() {
    check(Spec::Mqtt311, include_str!("mqtt_vectors/plain-3.1.1.txt"), 20, false);
}

#[test]
fn plain_packets_of_5_0_break_nothing() {
    check(Spec::Mqtt50, include_str!("mqtt_vectors/plain-5.0.txt"), 20, false);
}
