//! What holds for any draft, any bytes and any split of them.

mod mqtt_support;

use bytes::Bytes;
use mqspec_wire::{Draft, Field, FieldShape, Packet, PacketShape, Shape, Side, Spec, Value, encode, shapes};
use mqtt_support::decode;
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

fn any_text() -> impl Strategy<Value = Value> {
    prop_oneof!["[a-z/+#$]{0,8}", "\\PC{0,4}"].prop_map(|text| Value::text(&text))
}

fn any_raw() -> impl Strategy<Value = Value> {
    vec(any::<u8>(), 0..8).prop_map(|bytes| Value::Bytes(bytes.into()))
}

/// A value that has room in a field of this shape.
fn any_value(field: &FieldShape) -> BoxedStrategy<Value> {
    match &field.shape {
        Shape::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Shape::Unsigned(maximum) => (0..=*maximum).prop_map(|number| Value::Integer(number.into())).boxed(),
        Shape::Text => prop_oneof![any_text(), any_raw()].boxed(),
        Shape::Binary => any_raw().boxed(),
        Shape::Table => {
            let pair = (any_text(), any_text())
                .prop_map(|(key, value)| (key.as_bytes().cloned().unwrap_or_default(), value));
            vec(pair, 1..3).prop_map(Value::Map).boxed()
        }
        Shape::List(entry) if entry.is_empty() && field.name == "filters" => {
            vec(any_text(), 0..3).prop_map(Value::List).boxed()
        }
        Shape::List(entry) if entry.is_empty() => {
            vec((0_i128..256).prop_map(Value::Integer), 0..4).prop_map(Value::List).boxed()
        }
        Shape::List(entry) => {
            let keys: Vec<_> = entry.iter().map(|field| Bytes::from_static(field.name.as_bytes())).collect();
            let values: Vec<_> = entry.iter().map(any_value).collect();
            let map = values.prop_map(move |values| Value::Map(keys.iter().cloned().zip(values).collect()));
            vec(map, 0..3).prop_map(Value::List).boxed()
        }
    }
}

/// A draft with every field that must be there and some of those that may.
fn any_draft() -> impl Strategy<Value = (Spec, Draft)> {
    any_spec().prop_flat_map(|spec| {
        let named: Vec<_> = shapes(spec).iter().filter(|shape| shape.name != "unknown").collect();
        (Just(spec), proptest::sample::select(named).prop_flat_map(draft_of))
    })
}

fn draft_of(shape: &'static PacketShape) -> impl Strategy<Value = Draft> {
    // The flags of CONNECT follow from what is there.
    let follows = |name: &str| ["will_flag", "user_name_flag", "password_flag"].contains(&name);
    let fields: Vec<_> = shape
        .fields
        .iter()
        .filter(|field| !follows(field.name))
        .map(|field| {
            let given = any_value(field).prop_map(|value| Some((field.name.to_owned(), value)));
            if field.optional { prop_oneof![Just(None), given].boxed() } else { given.boxed() }
        })
        .collect();
    fields.prop_map(|fields| {
        let fields = fields.into_iter().flatten().collect();
        Draft { name: shape.name.to_owned(), fields, malformed: Vec::new() }
    })
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
    fn any_draft_is_read_as_it_was_written((spec, draft) in any_draft(), side in any_side()) {
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
            fields: fields.map(|field| (field.name.to_owned(), field.value.clone())).collect(),
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
