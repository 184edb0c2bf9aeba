//! AMQP methods whose content comes in frames of its own: what happens to the method happens to all of it.

use std::collections::BTreeMap;

use mqspec_wire::{Packet, Side};

use super::rewrite::Outcome;

/// Methods that wait for their content, by direction and channel.
#[derive(Debug, Default)]
pub(super) struct Contents(BTreeMap<(bool, i128), Waiting>);

#[derive(Debug)]
struct Waiting {
    outcome: Outcome,
    /// How many octets of the body are missing; unknown before the content header.
    missing: Option<i128>,
}

/// What a frame is to the methods that wait.
#[derive(Debug)]
pub(super) enum Frame {
    /// Nothing: it stands for itself.
    Stranger,
    /// One of a content that is not whole yet.
    Part,
    /// The last one: this is to happen now.
    Last(Box<Outcome>),
}

impl Contents {
    /// Lets a method wait for its content.
    pub(super) fn begin(&mut self, sender: Side, method: &Packet, outcome: Outcome) {
        self.0.insert(key(sender, method), Waiting { outcome, missing: None });
    }

    /// Takes a frame, if a method waits for it.
    pub(super) fn take(&mut self, sender: Side, frame: &Packet) -> Frame {
        let key = key(sender, frame);
        let Some(waiting) = self.0.get_mut(&key) else { return Frame::Stranger };
        match frame.name {
            "content-header" => waiting.missing = frame.integer("body_size"),
            "content-body" => {
                let length = frame.bytes("body").map_or(0, bytes::Bytes::len);
                let length = i128::try_from(length).unwrap_or(i128::MAX);
                waiting.missing = waiting.missing.map(|missing| missing - length);
            }
            _ => return Frame::Stranger,
        }
        waiting.outcome.continue_with(&frame.raw);
        if waiting.missing.is_some_and(|missing| missing > 0) {
            return Frame::Part;
        }
        self.0.remove(&key).map_or(Frame::Stranger, |whole| Frame::Last(Box::new(whole.outcome)))
    }
}

fn key(sender: Side, packet: &Packet) -> (bool, i128) {
    (sender == Side::Client, packet.integer("channel").unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mqspec_wire::{Decoder, Draft, Spec, encode};

    use super::*;

    fn deliver(body: &str) -> Vec<Packet> {
        let draft = Draft::new("basic.deliver").with("channel", 1).with("delivery_tag", 1).with("body", body);
        let frames = encode(Spec::Amqp091, Side::Server, &draft).expect("a plain message");
        let mut decoder = Decoder::new(Spec::Amqp091, Side::Server);
        decoder.push(&frames.concat());
        std::iter::from_fn(|| decoder.next_packet()).collect()
    }

    #[test]
    fn a_method_is_done_with_when_its_content_is() {
        let packets = deliver("hi");
        let [method, header, body] = packets.as_slice() else { panic!("three frames: {packets:?}") };
        let mut contents = Contents::default();
        assert!(matches!(contents.take(Side::Server, header), Frame::Stranger), "nobody waits for it");
        contents.begin(Side::Server, method, Outcome::unchanged(method.raw.clone()));
        assert!(matches!(contents.take(Side::Client, header), Frame::Stranger), "the other direction");
        assert!(matches!(contents.take(Side::Server, header), Frame::Part));
        let Frame::Last(outcome) = contents.take(Side::Server, body) else { panic!("it is whole") };
        let whole: Vec<Bytes> = packets.iter().map(|packet| packet.raw.clone()).collect();
        assert_eq!(outcome.into_packets(), whole);
    }

    #[test]
    fn an_empty_body_has_no_frame() {
        let packets = deliver("");
        let [method, header] = packets.as_slice() else { panic!("two frames: {packets:?}") };
        let mut contents = Contents::default();
        contents.begin(Side::Server, method, Outcome::unchanged(method.raw.clone()));
        assert!(matches!(contents.take(Side::Server, header), Frame::Last(_)));
    }
}
