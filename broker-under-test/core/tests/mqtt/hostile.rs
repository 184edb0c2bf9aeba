//! Any bytes in any split: no panic, nothing for a connection that is not there, the same outcome, and records that
//! lead to the state that there was.

use proptest::collection::vec;
use proptest::prelude::*;

use mqspec_broker_core::Config;
use mqspec_broker_core::mqtt::MqttConfig;

use crate::client::{
    Client, World, connect_50, connect_311, packet, publish_50, publish_311, subscribe_50, subscribe_311,
    text,
};

fn config() -> MqttConfig {
    MqttConfig {
        receive_maximum: 3,
        maximum_packet_size: 200,
        queued_messages_maximum: 4,
        high_water_bytes: 300,
        echo_authentication: true,
        ..MqttConfig::default()
    }
}

fn client_id() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["c", "d"])
}

/// A packet that a client might send, or nearly.
fn nearly_a_packet() -> impl Strategy<Value = Vec<u8>> {
    let id = 1_u16..4;
    let topic = prop::sample::select(vec!["a", "a/b", "$SYS/x", "+", "", "a/#", "$share/g/a", "$share/g/#"]);
    let whole = prop_oneof![
        (client_id(), any::<bool>(), 0_u16..3)
            .prop_map(|(client_id, clean, keep)| connect_311(client_id, clean, keep)),
        (
            client_id(),
            any::<bool>(),
            0_u16..3,
            prop::sample::select(vec![
                &b""[..],
                b"\x11\x00\x00\x00\x05",
                b"\x21\x00\x01\x11\xff\xff\xff\xff",
                b"\x27\x00\x00\x00\x30",
                b"\x15\x00\x0bmqspec-echo",
            ])
        )
            .prop_map(|(client_id, clean, keep, props)| connect_50(client_id, clean, keep, props)),
        (client_id(), any::<bool>(), 0_u8..3, 0_u8..3).prop_map(|(client_id, clean, expiry, delay)| {
            let expiry = [5, 0x11, 0, 0, 0, expiry];
            let delay = [5, 0x18, 0, 0, 0, delay];
            let flags = if clean { 0x2E } else { 0x2C };
            let head = [flags, 0, 0];
            let will = [text("a"), text("gone")].concat();
            packet(0x10, &[b"\x00\x04MQTT\x05", &head, &expiry, &text(client_id), &delay, &will])
        }),
        (0_u8..16, topic.clone(), id.clone(), vec(any::<u8>(), 0..40))
            .prop_map(|(flags, topic, id, payload)| publish_311(flags, topic, id, &payload)),
        (
            0_u8..16,
            topic.clone(),
            id.clone(),
            prop::sample::select(vec![
                &b""[..],
                b"\x23\x00\x01",
                b"\x02\x00\x00\x00\x01",
                b"\x26\x00\x01k\x00\x01v",
            ])
        )
            .prop_map(|(flags, topic, id, props)| publish_50(flags, topic, id, props, b"x")),
        (id.clone(), topic.clone(), any::<u8>())
            .prop_map(|(id, topic, options)| subscribe_311(id, topic, options)),
        (id.clone(), topic, any::<u8>()).prop_map(|(id, topic, options)| subscribe_50(
            id,
            &[],
            topic,
            options
        )),
        (prop::sample::select(vec![0x40_u8, 0x50, 0x62, 0x70]), id)
            .prop_map(|(first, id)| crate::client::ack(first, id)),
        Just(b"\xc0\x00".to_vec()),
        Just(b"\xe0\x00".to_vec()),
        Just(b"\xe0\x01\x04".to_vec()),
        vec(any::<u8>(), 0..20),
    ];
    (whole, any::<prop::sample::Index>(), any::<u8>(), 0_u8..8).prop_map(|(mut bytes, at, byte, damage)| {
        if damage == 0 && !bytes.is_empty() {
            let index = at.index(bytes.len());
            if let Some(slot) = bytes.get_mut(index) {
                *slot = byte;
            }
        }
        bytes
    })
}

/// Something that happens to one of a few connections.
#[derive(Clone, Debug)]
enum Event {
    Open,
    Bytes(usize, Vec<u8>),
    Cut(usize),
    Taken(usize, usize),
    Wait(u64),
    /// The process ends, and another one goes on with the records.
    Crash,
    Compact,
    Storage {
        full: bool,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Open),
        12 => (0_usize..4, nearly_a_packet()).prop_map(|(client, bytes)| Event::Bytes(client, bytes)),
        1 => (0_usize..4).prop_map(Event::Cut),
        1 => (0_usize..4, 0_usize..2_000).prop_map(|(client, bytes)| Event::Taken(client, bytes)),
        1 => (0_u64..8_000).prop_map(Event::Wait),
        1 => Just(Event::Crash),
        1 => Just(Event::Compact),
        1 => any::<bool>().prop_map(|full| Event::Storage { full }),
    ]
}

/// The four youngest connections are the ones that things happen to.
fn pick(clients: &[Client], index: usize) -> Option<Client> {
    clients.iter().rev().nth(index).copied()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_events_make_it_panic_or_speak_to_the_absent(
        network_takes in any::<bool>(),
        events in vec(event(), 1..60),
    ) {
        let mut world = World::of(Config { mqtt: config(), durable: true, ..Config::default() });
        world.network_takes = network_takes;
        let mut clients = Vec::new();
        for event in events {
            match event {
                Event::Open => clients.push(world.open()),
                Event::Bytes(index, bytes) => if let Some(client) = pick(&clients, index) {
                    world.send(client, &bytes);
                },
                Event::Cut(index) => if let Some(client) = pick(&clients, index) {
                    world.cut(client);
                },
                Event::Taken(index, bytes) => if let Some(client) = pick(&clients, index) {
                    world.take(client, bytes);
                },
                Event::Wait(millis) => world.wait(std::time::Duration::from_millis(millis)),
                Event::Crash => world.crash(),
                Event::Compact => world.compact(),
                Event::Storage { full } => world.storage(full),
            }
        }
        world.crash();
        clients.extend([world.connect_311("c", false), world.connect_311("d", true)]);
        world.shut_down();
        prop_assert!(clients.iter().all(|client| world.is_closed(*client)));
        world.crash();
    }

    #[test]
    fn any_split_of_the_bytes_gives_the_same_replies(
        packets in vec(nearly_a_packet(), 1..12),
        cuts in vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut bytes = connect_50("c", true, 0, &[]);
        bytes.extend(packets.concat());
        let mut whole = World::with(config());
        let at_once = whole.open();
        whole.send(at_once, &bytes);
        let mut split = World::with(config());
        let in_parts = split.open();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let mut start = 0;
        for end in ends {
            split.send(in_parts, bytes.get(start..end).expect("in order"));
            start = end;
        }
        prop_assert_eq!(whole.take_sent(at_once), split.take_sent(in_parts));
        prop_assert_eq!(whole.is_closed(at_once), split.is_closed(in_parts));
    }

    #[test]
    fn any_bytes_in_a_frame_decode_without_a_panic(bytes in vec(any::<u8>(), 0..64), v5 in any::<bool>()) {
        use mqspec_broker_core::mqtt::codec::{Frame, Packet, Version, frame::Cut};
        let version = if v5 { Version::V50 } else { Version::V311 };
        if let Ok(Cut::Whole { frame, size }) = Frame::cut(&bytes, 100) {
            prop_assert!(size <= bytes.len());
            if let Err(violation) = Packet::decode(&frame, version) {
                prop_assert!(violation.statement(version).starts_with("mqtt-"));
            }
        }
    }
}
