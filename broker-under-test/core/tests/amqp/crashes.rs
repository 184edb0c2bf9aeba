//! Crashes between any two inputs: what is restored is what the records promise, and what the clients were told.

use std::time::Duration;

use mqspec_broker_core::{Broker, ConnectionId, Input};
use proptest::prelude::*;

use crate::client::{Args, Bench, args, method, publish_octets};

/// What happens next, to a broker with three clients.
#[derive(Clone, Debug)]
enum Step {
    /// A client sends a method or a whole publish.
    Send(usize, Vec<u8>),
    /// A client's socket ends, and another takes its place.
    Drop(usize),
    /// Milliseconds go by.
    Pass(u64),
    /// The room to keep things in ends, or is back.
    Storage(bool),
    /// The process dies and starts again.
    Crash,
    /// The log is compacted first.
    CompactAndCrash,
}

const CLIENTS: usize = 3;

fn queue_arguments() -> impl Strategy<Value = Args> {
    prop_oneof![
        4 => Just(args()),
        1 => Just(args().text("x-dead-letter-exchange", "").text("x-dead-letter-routing-key", "r")),
        1 => Just(args().text("x-dead-letter-exchange", "x").int("x-message-ttl", 50)),
        1 => Just(args().int("x-max-length", 2).int("x-max-priority", 3)),
        1 => Just(args().int("x-expires", 80).flag("x-single-active-consumer", true)),
        1 => Just(args().int("x-max-length-bytes", 4).text("x-overflow", "reject-publish-dlx")),
    ]
}

fn any_method() -> impl Strategy<Value = Vec<u8>> {
    let queue = prop::sample::select(&["q", "r", "s"][..]);
    let exchange = prop::sample::select(&["x", "y", "amq.fanout"][..]);
    let key = prop::sample::select(&["k", "q"][..]);
    let kind = prop::sample::select(
        &[
            (40, 10),
            (40, 10),
            (40, 20),
            (40, 30),
            (40, 40),
            (50, 10),
            (50, 10),
            (50, 20),
            (50, 20),
            (50, 30),
            (50, 40),
            (50, 50),
            (60, 20),
            (60, 30),
            (60, 70),
            (60, 70),
            (60, 80),
            (60, 80),
            (60, 90),
            (60, 110),
            (60, 120),
            (85, 10),
            (90, 10),
            (90, 20),
            (90, 30),
        ][..],
    );
    (kind, queue, exchange.clone(), exchange, key, any::<u8>(), 0..4_u64, queue_arguments()).prop_map(
        |(id, queue, exchange, other, key, bits, tag, table)| {
            // Durable three times out of four, auto-delete at times, exclusive never: others could not use it.
            let declared = u8::from(bits & 3 != 0) << 1;
            let arguments: Args = match id {
                (40, 10) => {
                    let bits = declared | u8::from(bits > 120) << 2 | 16;
                    args().u16(0).short(exchange).short("fanout").u8(bits).table(&args())
                }
                (40, 20) => args().u16(0).short(exchange).u8(2),
                (40, 30 | 40) => args().u16(0).short(exchange).short(other).short(key).u8(1).table(&args()),
                (50, 10) => {
                    let bits = declared | u8::from(bits > 200) << 3 | 16;
                    args().u16(0).short(queue).u8(bits).table(&table)
                }
                (50, 20) => args().u16(0).short(queue).short(exchange).short(key).u8(1).table(&args()),
                (50, 50) => args().u16(0).short(queue).short(exchange).short(key).table(&args()),
                (50, 30) => args().u16(0).short(queue).u8(1),
                (50, 40) => args().u16(0).short(queue).u8(4),
                (60, 20) => args().u16(0).short(queue).short("c").u8(bits & 2 | 8).table(&args()),
                (60, 30) => args().short("c").u8(1),
                (60, 70) => args().u16(0).short(queue).u8(bits & 1),
                (60, 80 | 90 | 120) => args().u64(tag).u8(bits & 3),
                (60, 110) | (85, 10) => args().u8(1),
                _ => args(),
            };
            method(1, id.0, id.1, &arguments)
        },
    )
}

fn any_publish() -> impl Strategy<Value = Vec<u8>> {
    let target =
        prop::sample::select(&[("", "q"), ("", "q"), ("", "r"), ("x", "k"), ("amq.fanout", "k")][..]);
    (target, 1..3_u8, 0..5_u8, prop::option::of(0..100_u32), "[a-z]{0,4}").prop_map(
        |(target, mode, priority, expiration, body)| {
            let flags = 0x1800 | if expiration.is_some() { 0x0100 } else { 0 };
            let properties = args().u16(flags).u8(mode).u8(priority);
            let properties = match expiration {
                Some(expiration) => properties.short(&expiration.to_string()),
                None => properties,
            };
            publish_octets(1, target, 0, &properties, &body)
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        24 => (0..CLIENTS, any_method()).prop_map(|(client, octets)| Step::Send(client, octets)),
        12 => (0..CLIENTS, any_publish()).prop_map(|(client, octets)| Step::Send(client, octets)),
        1 => (0..CLIENTS).prop_map(Step::Drop),
        2 => (1..100_u64).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Storage),
        1 => Just(Step::Crash),
        1 => Just(Step::CompactAndCrash),
    ]
}

/// A durable broker with a client for each number, and some things to work with.
struct World {
    bench: Bench,
    clients: Vec<ConnectionId>,
}

impl World {
    fn new() -> Self {
        let mut bench = Bench::durable();
        let client = bench.client();
        for queue in ["q", "r"] {
            bench.declare(client, queue, 2 | 16, &args());
            bench.bind(client, queue, "amq.fanout", "k", &args());
        }
        // Auto-delete: whether it is still there hangs on its bindings.
        bench.exchange(client, "x", "fanout", 2 | 4 | 16, &args());
        bench.bind(client, "r", "x", "k", &args());
        let mut world = Self { bench, clients: Vec::new() };
        world.connect();
        world
    }

    fn connect(&mut self) {
        self.clients = (0..CLIENTS).map(|_| self.bench.client()).collect();
    }

    fn replace(&mut self, number: usize) {
        *self.clients.get_mut(number).expect("one of them") = self.bench.client();
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Send(number, octets) => {
                let client = *self.clients.get(*number).expect("one of them");
                self.bench.send(client, octets);
                self.recover(*number, client);
            }
            Step::Drop(number) => {
                let client = *self.clients.get(*number).expect("one of them");
                self.bench.drop_socket(client);
                self.replace(*number);
            }
            Step::Pass(milliseconds) => self.bench.pass(Duration::from_millis(*milliseconds)),
            Step::Storage(full) => self.bench.input(Input::Storage { full: *full }),
            Step::Crash => {
                self.bench.crash();
                self.connect();
            }
            Step::CompactAndCrash => {
                self.bench.compact_and_crash();
                self.connect();
            }
        }
    }

    /// A client that was turned away comes back.
    fn recover(&mut self, number: usize, client: ConnectionId) {
        let seen = self.bench.seen(client);
        if seen.iter().any(|line| line.contains("connection.close")) {
            self.bench.drop_socket(client);
            self.replace(number);
        } else if seen.iter().any(|line| line.contains("channel.close")) {
            self.bench.call(client, 1, (20, 41), &args());
            self.bench.call(client, 1, (20, 10), &args().short(""));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn records_and_snapshot_build_the_same_state_after_every_input(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new();
        for step in steps {
            world.take(&step);
            world.bench.assert_restorable();
        }
    }

    #[test]
    fn no_octets_do_harm_as_a_record(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8)) {
        let mut broker = Broker::new(Bench::durable().config);
        for record in records {
            // The second octet is the kind: most of them should be one.
            let mut record = record;
            if let [protocol, kind, ..] = record.as_mut_slice() {
                (*protocol, *kind) = (2, *kind % 12);
            }
            let _: Result<(), _> = broker.restore(&record);
        }
        broker.restored(Duration::from_secs(1), &mut mqspec_broker_core::Effects::new());
    }

    #[test]
    fn damaged_records_are_errors_or_harmless(
        steps in prop::collection::vec(step(), 1..30),
        at in any::<prop::sample::Index>(),
        octet in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut world = World::new();
        for step in steps {
            world.take(&step);
        }
        let records = &world.bench.records;
        let damaged = at.index(records.len());
        let mut broker = Broker::new(world.bench.config.clone());
        for (number, record) in records.iter().enumerate() {
            if number == damaged {
                let cut = octet.index(record.len());
                let prefix = record.get(..cut).expect("inside");
                let whole_list = [8, 10].map(Some).contains(&record.get(1).copied());
                let outcome = Broker::new(world.bench.config.clone()).restore(prefix);
                prop_assert!(outcome.is_err() || whole_list, "a prefix of {cut} octets of {record:x?}");
                let mut other = record.to_vec();
                *other.get_mut(cut).expect("inside") = value;
                let _: Result<(), _> = broker.restore(&other);
            } else {
                let _: Result<(), _> = broker.restore(record);
            }
        }
        broker.restored(world.bench.now, &mut mqspec_broker_core::Effects::new());
        prop_assert!(broker.next_deadline().is_none_or(|at| at > world.bench.now));
    }
}
