//! What holds for any drafts and any bytes.

use bytes::Bytes;
use mqspec_wire::amqp::{Assembler, Decoder, encode, shapes};
use mqspec_wire::{Draft, Packet, Senders, Side, Value};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::drafts;
use crate::support::{assemble, decode, decode_one, frame, statements};

fn sender_of(name: &str) -> Side {
    let shape = shapes().iter().find(|shape| shape.name == name).expect("a packet of the standard");
    if shape.sent_by == Senders::Server { Side::Server } else { Side::Client }
}

fn octets_of(draft: &Draft) -> Vec<u8> {
    encode(draft).expect("a legal packet").concat()
}

/// What is read, written again as it was read.
fn draft_of(packet: &Packet) -> Draft {
    let fields = packet.fields.iter().map(|field| (field.name.into(), field.value.clone()));
    Draft { name: packet.name.into(), fields: fields.collect(), malformed: Vec::new() }
}

/// Pushes a stream in pieces that end at `cuts`.
fn decode_in_pieces(sender: Side, stream: &[u8], cuts: &[usize]) -> Vec<Packet> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.sort_unstable();
    let mut decoder = Decoder::new(sender);
    let mut packets = Vec::new();
    let mut start = 0;
    for end in cuts.into_iter().chain([stream.len()]) {
        decoder.push(stream.get(start..end).expect("cuts are sorted"));
        packets.extend(std::iter::from_fn(|| decoder.next_packet()));
        start = end;
    }
    packets
}

/// The packets before framing is lost, and what the first one after says is wrong.
fn framed(packets: Vec<Packet>) -> (Vec<Packet>, Vec<String>) {
    let (framed, lost): (Vec<_>, Vec<_>) =
        packets.into_iter().partition(|packet| packet.name != "unknown" || packet.get("channel").is_some());
    (framed, lost.iter().flat_map(statements).map(str::to_owned).collect())
}

/// A stream of legal packets with some octets changed, which reaches further into the decoder than noise.
fn damaged_stream() -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<usize>(), any::<u8>()), 0..4);
    (vec(drafts::method(), 1..4), changes).prop_map(|(drafts, changes)| {
        let mut stream: Vec<u8> = drafts.iter().flat_map(octets_of).collect();
        for (place, octet) in changes {
            let place = place % stream.len();
            if let Some(target) = stream.get_mut(place) {
                *target = octet;
            }
        }
        stream
    })
}

proptest! {
    #[test]
    fn a_legal_draft_reads_back_without_oddity(draft in drafts::method()) {
        let packets = assemble(sender_of(&draft.name), &octets_of(&draft));
        let [packet] = &packets[..] else { panic!("one packet: {packets:?}") };
        prop_assert_eq!(packet.name, &draft.name);
        prop_assert_eq!(&packet.oddities, &[]);
        for (name, value) in draft.fields.iter().filter(|(name, _)| name != "frame_max" || !packet.name.starts_with("basic")) {
            prop_assert_eq!(packet.get(name), Some(value), "{}", name);
        }
    }

    #[test]
    fn what_is_read_is_written_back_as_it_was(draft in drafts::method()) {
        let stream = octets_of(&draft);
        let packets = assemble(sender_of(&draft.name), &stream);
        prop_assert_eq!(packets.iter().flat_map(|packet| octets_of(&draft_of(packet))).collect::<Vec<_>>(), stream.clone());
        let frames = decode(sender_of(&draft.name), &stream);
        for frame in frames.iter().filter(|frame| !frame.name.contains('.')) {
            prop_assert_eq!(octets_of(&draft_of(frame)), &frame.raw[..]);
        }
    }

    #[test]
    fn any_split_gives_the_same_packets(
        stream in damaged_stream(), cuts in vec(any::<usize>(), 0..8), server in any::<bool>(),
    ) {
        let sender = if server { Side::Server } else { Side::Client };
        let whole = framed(decode(sender, &stream));
        prop_assert_eq!(framed(decode_in_pieces(sender, &stream, &cuts)), whole.clone());
        let every: Vec<usize> = (0..stream.len()).collect();
        prop_assert_eq!(framed(decode_in_pieces(sender, &stream, &every)), whole);
    }

    #[test]
    fn any_bytes_are_read_to_their_end(noise in vec(any::<u8>(), 0..300), server in any::<bool>()) {
        let sender = if server { Side::Server } else { Side::Client };
        let packets = decode(sender, &noise);
        prop_assert!(packets.len() <= noise.len());
    }

    #[test]
    fn any_payload_is_one_packet_with_spans_inside(
        frame_type in 0..10_u8, channel in 0..3_u16, ids in any::<prop::sample::Index>(),
        tail in vec(any::<u8>(), 0..120), server in any::<bool>(),
    ) {
        let sender = if server { Side::Server } else { Side::Client };
        let known: Vec<_> = shapes().iter().filter(|shape| shape.name.contains('.')).collect();
        let name = ids.get(&known).name;
        let head = encode(&Draft::new(name).malformed("arguments", Bytes::new())).expect("a method without arguments");
        let ids = head.first().and_then(|piece| piece.get(7..11)).expect("class and method id").to_vec();
        for payload in [[&ids[..], &tail].concat(), tail] {
            let packet = decode_one(sender, &frame(frame_type, channel, &payload));
            let spans = packet.fields.iter().map(|field| &field.span)
                .chain(packet.oddities.iter().map(|oddity| &oddity.span));
            for span in spans {
                prop_assert!(span.start <= span.end && span.end <= packet.raw.len(), "{:?}", packet);
            }
            prop_assert!(packet.oddities.is_sorted_by_key(|oddity| oddity.span.start));
        }
    }

    #[test]
    fn the_assembler_loses_no_byte(stream in damaged_stream()) {
        let mut assembler = Assembler::new();
        let mut total = 0;
        for packet in decode(Side::Client, &stream) {
            total += packet.raw.len();
            if let Some(packet) = assembler.push(packet) {
                total -= packet.raw.len();
            }
        }
        while let Some(packet) = assembler.next_broken_off() {
            total -= packet.raw.len();
        }
        total -= assembler.into_unfinished().map(|packet| packet.raw.len()).sum::<usize>();
        prop_assert_eq!(total, 0);
    }
}

/// A `queue.declare` whose table holds containers in containers, each the last thing in the outer one.
fn bomb(tag: u8, levels: u32) -> Vec<u8> {
    let (entry, per_level) = if tag == b'F' { (&[0, tag][..], 6) } else { (&[tag][..], 5) };
    let mut payload = b"\x00\x32\x00\x0a\x00\x00\x00\x00".to_vec();
    // The argument table itself holds one entry with an empty name.
    payload.extend((6 + per_level * (levels - 1)).to_be_bytes());
    payload.extend([0, tag]);
    for level in (0..levels).rev() {
        payload.extend((per_level * level).to_be_bytes());
        if level > 0 {
            payload.extend(entry);
        }
    }
    frame(1, 1, &payload)
}

#[test]
fn a_nested_table_bomb_is_noted_and_not_followed() {
    for tag in [b'F', b'A'] {
        let octets = bomb(tag, 20_000);
        let small_stack = std::thread::Builder::new().stack_size(256 * 1024);
        let thread =
            small_stack.spawn(move || (decode_one(Side::Client, &octets), octets)).expect("a thread");
        let (packet, octets) = thread.join().expect("the decoder needs no more stack than it has");
        assert!(
            statements(&packet).contains(&"amqp-0-9-1/MQSPEC-4.2.5.5-nesting"),
            "{:?}",
            statements(&packet)
        );
        assert_eq!(octets_of(&draft_of(&packet)), octets, "what was not followed is still there");
    }
}

#[test]
fn sixty_four_levels_are_followed() {
    // The argument table is the first level.
    let nesting = "amqp-0-9-1/MQSPEC-4.2.5.5-nesting";
    assert!(!statements(&decode_one(Side::Client, &bomb(b'A', 63))).contains(&nesting));
    assert!(statements(&decode_one(Side::Client, &bomb(b'A', 64))).contains(&nesting));
}

#[test]
fn untagged_values_get_their_natural_tags() {
    let entry = |name: &'static str, value: Value| (Bytes::from_static(name.as_bytes()), value);
    let table = Value::Map(vec![
        entry("a", Value::text("t")),
        entry("b", Value::from(1)),
        entry("c", Value::Integer(1 << 31)),
        entry("d", Value::Bool(true)),
        entry("e", Value::Map(Vec::new())),
        entry("f", Value::List(Vec::new())),
        entry("g", Value::Void),
        entry("h", Value::Float(0.5)),
    ]);
    let packet = decode_one(
        Side::Client,
        &octets_of(&Draft { fields: vec![("arguments".into(), table)], ..Draft::new("queue.declare") }),
    );
    let Some(Value::Map(entries)) = packet.get("arguments") else { panic!("a table: {packet:?}") };
    let tags: Vec<_> = entries
        .iter()
        .map(|(_, value)| if let Value::Tagged(tag, _) = value { char::from(*tag) } else { '?' })
        .collect();
    assert_eq!(tags, ['S', 'I', 'l', 't', 'F', 'A', 'V', 'd']);
}
