//! A small model of two durable queues, compared with the broker over crashes.

use std::collections::VecDeque;

use mqspec_broker_core::ConnectionId;
use proptest::prelude::*;

use crate::client::{Bench, args, publish_octets};

/// What a client does, or what befalls the broker.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Publishes the next number to a queue, with its own delivery mode.
    Publish { queue: usize, persistent: bool },
    /// Takes the head of a queue, to be acknowledged or not.
    Get { queue: usize, no_ack: bool },
    /// Settles one of the outstanding deliveries.
    Settle { which: usize, how: How },
    /// Drops what is ready.
    Purge { queue: usize },
    /// The connection is lost.
    Reconnect,
    /// The process dies; with or without a compaction of its log just before.
    Crash { compacted: bool },
}

#[derive(Clone, Copy, Debug)]
enum How {
    Ack,
    Requeue,
    Drop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Message {
    number: u32,
    persistent: bool,
    redelivered: bool,
}

/// What must be in the queues: all in the order of publishing, whatever comes back.
#[derive(Debug, Default)]
struct Model {
    ready: [VecDeque<Message>; 2],
    /// Tag, queue and message.
    unacked: Vec<(u64, usize, Message)>,
    last_tag: u64,
}

impl Model {
    fn put_back(&mut self, queue: usize, mut message: Message) {
        message.redelivered = true;
        let ready = self.ready.get_mut(queue).expect("one of two");
        let before = ready.partition_point(|other| other.number < message.number);
        ready.insert(before, message);
    }

    fn lose_connection(&mut self) {
        for (_, queue, message) in std::mem::take(&mut self.unacked) {
            self.put_back(queue, message);
        }
        self.last_tag = 0;
    }

    fn crash(&mut self) {
        self.lose_connection();
        for ready in &mut self.ready {
            ready.retain(|message| message.persistent);
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let how = prop::sample::select(&[How::Ack, How::Ack, How::Requeue, How::Drop][..]);
    prop_oneof![
        8 => (0..2_usize, prop::bool::weighted(0.7))
            .prop_map(|(queue, persistent)| Step::Publish { queue, persistent }),
        6 => (0..2_usize, any::<bool>()).prop_map(|(queue, no_ack)| Step::Get { queue, no_ack }),
        5 => (0..8_usize, how).prop_map(|(which, how)| Step::Settle { which, how }),
        1 => (0..2_usize).prop_map(|queue| Step::Purge { queue }),
        1 => Just(Step::Reconnect),
        2 => any::<bool>().prop_map(|compacted| Step::Crash { compacted }),
    ]
}

const QUEUES: [&str; 2] = ["q", "r"];

fn name(queue: usize) -> &'static str {
    QUEUES.get(queue).expect("one of two")
}

/// A broker and its one client, which is in confirm mode.
struct World {
    bench: Bench,
    client: ConnectionId,
    model: Model,
    published: u32,
    confirmed: u64,
}

impl World {
    fn new() -> Self {
        let mut bench = Bench::durable();
        let client = bench.client();
        for queue in QUEUES {
            bench.declare(client, queue, 2, &args());
        }
        bench.seen(client);
        let mut world = Self { bench, client, model: Model::default(), published: 0, confirmed: 0 };
        world.select();
        world
    }

    fn select(&mut self) {
        self.bench.call(self.client, 1, (85, 10), &args().u8(1));
        self.confirmed = 0;
    }

    fn connect(&mut self) {
        self.client = self.bench.client();
        self.select();
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Publish { queue, persistent } => self.publish(queue, persistent),
            Step::Get { queue, no_ack } => self.get(queue, no_ack),
            Step::Settle { which, how } => self.settle(which, how),
            Step::Purge { queue } => {
                self.bench.call(self.client, 1, (50, 30), &args().u16(0).short(name(queue)).u8(0));
                let ready = self.model.ready.get_mut(queue).expect("one of two");
                assert_eq!(self.bench.seen(self.client), [format!("1 queue.purge-ok {}", ready.len())]);
                ready.clear();
            }
            Step::Reconnect => {
                self.bench.drop_socket(self.client);
                self.model.lose_connection();
                self.connect();
            }
            Step::Crash { compacted } => {
                if compacted {
                    self.bench.compact_and_crash();
                } else {
                    self.bench.crash();
                }
                self.model.crash();
                self.connect();
            }
        }
    }

    fn publish(&mut self, queue: usize, persistent: bool) {
        self.published += 1;
        let message = Message { number: self.published, persistent, redelivered: false };
        let mode = args().u16(0x1000).u8(if persistent { 2 } else { 1 });
        let body = self.published.to_string();
        self.bench.send(self.client, &publish_octets(1, ("", name(queue)), 0, &mode, &body));
        self.confirmed += 1;
        assert_eq!(self.bench.seen(self.client), [format!("1 basic.ack {}", self.confirmed)]);
        self.model.ready.get_mut(queue).expect("one of two").push_back(message);
    }

    fn get(&mut self, queue: usize, no_ack: bool) {
        let got = self.bench.get(self.client, name(queue), no_ack);
        let ready = self.model.ready.get_mut(queue).expect("one of two");
        let Some(message) = ready.pop_front() else {
            assert_eq!(got, "1 basic.get-empty");
            return;
        };
        self.model.last_tag += 1;
        let tag = self.model.last_tag;
        let again = if message.redelivered { " again" } else { "" };
        let (left, number) = (ready.len(), message.number);
        assert_eq!(got, format!("1 basic.get-ok #{tag}{again} [] {} left={left} = {number}", name(queue)));
        if !no_ack {
            self.model.unacked.push((tag, queue, message));
        }
    }

    fn settle(&mut self, which: usize, how: How) {
        if self.model.unacked.is_empty() {
            return;
        }
        let (tag, queue, message) = self.model.unacked.remove(which % self.model.unacked.len());
        match how {
            How::Ack => self.bench.ack(self.client, tag, false),
            How::Requeue => {
                self.bench.nack(self.client, tag, false, true);
                self.model.put_back(queue, message);
            }
            How::Drop => self.bench.nack(self.client, tag, false, false),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Confirmed and persistent is there, settled is gone, order holds, and who had it once sees the mark.
    #[test]
    fn queues_are_as_the_model_says_over_any_crashes(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.take(Step::Crash { compacted: false });
        for queue in 0..QUEUES.len() {
            while world.model.ready.get(queue).is_some_and(|ready| !ready.is_empty()) {
                world.get(queue, true);
            }
            world.get(queue, true);
        }
    }
}
