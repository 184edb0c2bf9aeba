//! Any octets in any split: no panic, nothing to strangers, the same effects.

use mqspec_broker_core::{ConnectionId, Input};
use proptest::prelude::*;

use crate::client::{Args, Bench, args, frame, method, plain, publish_octets};

/// One step of a client that mostly keeps to the rules.
fn step() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(&["q", "r", "amq.fanout", "", "x"][..]);
    let table = prop_oneof![
        3 => Just(args()),
        1 => Just(args().text("x-dead-letter-exchange", "amq.fanout").int("x-max-length", 1)),
        1 => Just(args().int("x-message-ttl", 0).text("x-dead-letter-exchange", "")),
        1 => Just(args().flag("x-single-active-consumer", true)),
    ];
    let any_method = (
        1..3_u16,
        prop::sample::select(
            &[
                (20, 10),
                (20, 20),
                (20, 40),
                (50, 10),
                (50, 20),
                (50, 30),
                (50, 40),
                (60, 10),
                (60, 20),
                (60, 30),
                (60, 70),
                (60, 80),
                (60, 90),
                (60, 110),
                (60, 120),
                (85, 10),
                (90, 10),
                (90, 20),
                (90, 30),
                (40, 30),
            ][..],
        ),
        name.clone(),
        name.clone(),
        0..32_u8,
        0..4_u64,
        table,
    );
    let well_formed = any_method.prop_map(|(channel, id, one, two, bits, tag, table)| {
        let arguments: Args = match id {
            (20, 10) => args().short(""),
            (20, 40) => args().u16(200).short("").u16(0).u16(0),
            (50, 10) => args().u16(0).short(one).u8(bits).table(&table),
            (50, 20) => args().u16(0).short(one).short(two).short("k").u8(bits & 1).table(&args()),
            (50, 30 | 40) | (60, 70) => args().u16(0).short(one).u8(bits & 1),
            (60, 10) => args().u32(0).u16(u16::from(bits)).u8(bits & 1),
            (60, 20) => args().u16(0).short(one).short(two).u8(bits & 0b1110).table(&args()),
            (60, 30) => args().short(two).u8(bits & 1),
            (60, 80 | 90 | 120) => args().u64(tag).u8(bits & 3),
            (40, 30) => args().u16(0).short(one).short(two).short("k").u8(0).table(&args()),
            (20, 20) | (85, 10) | (60, 110) => args().u8(1),
            _ => args(),
        };
        method(channel, id.0, id.1, &arguments)
    });
    let publish = (1..3_u16, name.clone(), name, "[a-z]{0,9}").prop_map(|(channel, exchange, key, body)| {
        publish_octets(channel, (exchange, key), 1, &plain(), &body)
    });
    let noise = prop_oneof![
        (1..9_u8, 0..3_u16, prop::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(kind, channel, payload)| frame(kind, channel, &payload)),
        prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop_oneof![20 => well_formed, 8 => publish, 1 => noise]
}

/// Opens a connection with two channels.
fn opened() -> (Bench, ConnectionId) {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.channel(client, 2);
    (bench, client)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_after_the_header_do_no_harm(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bench = Bench::new();
        let client = bench.socket();
        bench.send(client, b"AMQP\x00\x00\x09\x01");
        bench.send(client, &octets);
        bench.pass(std::time::Duration::from_secs(60));
        prop_assert!(bench.is_closed(client), "a handshake of noise ends");
    }

    #[test]
    fn any_octets_on_an_open_connection_do_no_harm(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..10),
    ) {
        let (mut bench, client) = opened();
        for piece in pieces {
            bench.send(client, &piece);
        }
        let other = bench.client();
        bench.queue(other, "still-works", &args());
    }

    #[test]
    fn any_split_of_the_octets_gives_the_same_answer(
        steps in prop::collection::vec(step(), 0..40),
        cuts in prop::collection::vec(1..30_usize, 1..40),
    ) {
        let octets = steps.concat();
        let (mut whole, client) = opened();
        whole.send(client, &octets);
        let (mut split, same_client) = opened();
        let mut rest = octets.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(rest.len().min(*cut));
            split.send(same_client, piece);
            rest = after;
        }
        prop_assert_eq!(whole.octets(client), split.octets(same_client));
        prop_assert_eq!(whole.is_closed(client), split.is_closed(same_client));
    }

    /// The bench itself panics on effects to a connection that was never opened or is closed.
    #[test]
    fn any_interleaving_of_clients_reaches_known_connections_only(
        steps in prop::collection::vec((0..3_usize, step(), any::<bool>()), 0..60),
    ) {
        let mut bench = Bench::new();
        let mut clients: Vec<ConnectionId> = (0..3).map(|_| bench.client()).collect();
        for (number, octets, drops) in steps {
            let client = *clients.get(number).expect("one of three");
            bench.send(client, &octets);
            if drops && octets.len() % 5 == 0 {
                bench.drop_socket(client);
                *clients.get_mut(number).expect("one of three") = bench.client();
            }
        }
        bench.input(Input::ShutDown);
        bench.pass(std::time::Duration::from_secs(30));
        for client in clients {
            prop_assert!(bench.is_closed(client), "after the wait for Close-Ok");
        }
    }
}
