//! What holds for any draft, any bytes and any split of them.

mod mqtt_support;

use mqspec_wire::{Draft, Field, Packet, Side, Spec, Value, encode};
use mqtt_support::decode;
use mqtt_support::generate::any_draft;
use proptest::collection::vec;
use proptest::prelude::*;

fn any_spec() -> impl Strategy<Value = Spec> {
    prop_oneof![Just(Spec::Mqtt311), Just(Spec::Mqtt50)]
}

fn any_side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Client), Just(Side::Server)]
}

/// Any bytes, and often enough bytes that begin as packets do.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let framed = (any::<u8>(), vec(any::<u8>(), 0..60)).prop_map(|(first, body)| {
        let length = u8::try_from(body.len()).expect("fewer than 60");
        [vec![first, length], body].concat()
    });
    // Small numbers are lengths, codes and identifiers that mean something.
    let likely = (any::<u8>(), vec(prop_oneof![0_u8..0x2B, any::<u8>()], 0..60)).prop_map(|(first, body)| {
        let length = u8::try_from(body.len()).expect("fewer than 60");
        [vec![first, length], body].concat()
    });
    let connect = vec(any::<u8>(), 0..40).prop_map(|rest| {
        let length = u8::try_from(rest.len() + 7).expect("fewer than 47");
        [vec![0x10, length, 0, 4], b"MQTT".to_vec(), vec![5], rest].concat()
    });
    vec(prop_oneof![framed, likely, connect, vec(any::<u8>(), 0..20)], 0..4).prop_map(|parts| parts.concat())
}

/// Whether the packet that a draft asks for says where its fields are: an identifier at QoS 0 is payload.
fn says_what_it_has(draft: &Draft) -> bool {
    let is = |name: &str, value: &Value| draft.fields.iter().any(|(given, is)| given == name && is == value);
    let has = |name: &str| draft.fields.iter().any(|(given, _)| given == name);
    !(draft.name == "publish" && is("qos", &Value::Integer(0)) && has("packet_id"))
}

/// The packets, with what cannot be framed as one piece however it arrived.
fn joined(packets: Vec<Packet>) -> (Vec<Packet>, Vec<u8>) {
    let lost = packets.iter().position(|packet| {
        packet.oddities.iter().any(|oddity| {
            oddity.span == (1..5) && packet.name == "unknown" && oddity.statement.ends_with("-size")
        })
    });
    let mut packets = packets;
    let rest = lost.map(|lost| packets.split_off(lost)).unwrap_or_default();
    (packets, rest.iter().flat_map(|packet| packet.raw.to_vec()).collect())
}

proptest! {
    #[test]
    fn any_draft_is_read_as_it_was_written(
        (spec, draft) in any_spec().prop_flat_map(|spec| (Just(spec), any_draft(spec))),
        side in any_side(),
    ) {
        prop_assume!(says_what_it_has(&draft));
        let written = encode(spec, side, &draft).expect("each value has room");
        let (packets, rest) = decode(spec, side, &[&written.concat()]);
        prop_assert_eq!((packets.len(), rest), (1, 0));
        let packet = packets.first().expect("there is one");
        prop_assert_eq!(packet.name, &draft.name);
        for (name, value) in &draft.fields {
            prop_assert_eq!(packet.get(name), Some(value), "{} in {:?}", name, packet);
        }
        // And back: what was read writes the same bytes, but for a code that was only implied.
        let implied = |field: &Field| field.name == "reason_code" && field.span.is_empty();
        let fields = packet.fields.iter().filter(|field| !implied(field));
        let again = Draft {
            name: draft.name.clone(),
            fields: fields.map(|field| (field.name.into(), field.value.clone())).collect(),
            malformed: Vec::new(),
        };
        prop_assert_eq!(encode(spec, side, &again).expect("it was read"), written);
    }

    #[test]
    fn any_split_of_the_bytes_gives_the_same_packets(
        spec in any_spec(),
        side in any_side(),
        bytes in any_bytes(),
        cuts in vec(any::<proptest::sample::Index>(), 0..8),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pairs = cuts.iter().zip(cuts.iter().skip(1));
        let pieces: Vec<_> = pairs.map(|(from, to)| bytes.get(*from..*to).expect("cuts are sorted")).collect();
        let (whole, whole_rest) = decode(spec, side, &[&bytes]);
        let (split, split_rest) = decode(spec, side, &pieces);
        prop_assert_eq!(joined(split), joined(whole));
        prop_assert_eq!(split_rest, whole_rest);
    }

    #[test]
    fn any_bytes_are_told_in_full(spec in any_spec(), side in any_side(), bytes in any_bytes()) {
        let (packets, rest) = decode(spec, side, &[&bytes]);
        let raw: Vec<u8> = packets.iter().flat_map(|packet| packet.raw.to_vec()).collect();
        prop_assert_eq!(Some(raw.as_slice()), bytes.get(..bytes.len() - rest));
        for packet in &packets {
            let spans = packet.fields.iter().map(|field| &field.span);
            for span in spans.chain(packet.oddities.iter().map(|oddity| &oddity.span)) {
                prop_assert!(span.start <= span.end && span.end <= packet.raw.len(), "{:?} in {:?}", span, packet);
            }
            let prefix = format!("{spec}/");
            prop_assert!(packet.oddities.iter().all(|oddity| oddity.statement.starts_with(&prefix)));
        }
    }
}
