//! Any history of publishing, cuts and crashes: what was acknowledged arrives, with QoS 2 once, and in order.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use crate::client::{World, publish_311, subscribe_311};
use crate::dutiful::{Dutiful, Message};
use crate::mourned::Mourned;

/// What happens next. Numbers of clients are taken modulo how many there are.
#[derive(Clone, Debug)]
enum Event {
    /// One of the publishers publishes, or loses its connection while it does.
    Publish { publisher: usize, qos: u8, topic: bool, retain: bool, arrives: bool },
    /// A client handles the next packet that it was sent.
    Step(usize),
    /// It does, and its answer is lost with its connection.
    StepInVain(usize),
    /// A client connects, if it is not.
    Connect(usize),
    /// A connection breaks.
    Cut(usize),
    /// The broker's process ends; some seconds later another one goes on with the records.
    Crash { down_secs: u8 },
    /// The log is written anew.
    Compact,
    /// Some seconds pass.
    Wait(u8),
    /// A client with a will comes, if it is not there; or it goes, with or without a goodbye.
    Mourned { at: usize, goodbye: bool },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0_usize..2, 0_u8..3, any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.9)).prop_map(
            |(publisher, qos, topic, retain, arrives)| Event::Publish { publisher, qos, topic, retain, arrives }
        ),
        16 => (0_usize..6).prop_map(Event::Step),
        2 => (0_usize..6).prop_map(Event::StepInVain),
        4 => (0_usize..6).prop_map(Event::Connect),
        2 => (0_usize..6).prop_map(Event::Cut),
        2 => (0_u8..4).prop_map(|down_secs| Event::Crash { down_secs }),
        1 => Just(Event::Compact),
        1 => (0_u8..5).prop_map(Event::Wait),
        3 => (0_usize..4, prop::bool::weighted(0.3)).prop_map(|(at, goodbye)| Event::Mourned { at, goodbye }),
    ]
}

/// What was published: with which QoS, by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Published {
    qos: u8,
    publisher: usize,
}

const PUBLISHERS: std::ops::Range<usize> = 0..2;
/// "#" with QoS 2 over 3.1.1.
const EVERYTHING_TWICE: usize = 2;
/// "#" with QoS 1 over 5.0, two at a time.
const EVERYTHING_ONCE: usize = 3;
/// Two members of "$share/g/#" with QoS 2 over 5.0.
const GROUP: std::ops::Range<usize> = 4..6;
/// The number of clients with a will, as publishers.
const MOURNED: usize = 9;

/// The broker, its clients, and what is known of their history.
struct History {
    world: World,
    clients: Vec<Dutiful>,
    mourned: Vec<Mourned>,
    published: BTreeMap<Vec<u8>, Published>,
    last_number: u32,
}

impl History {
    fn new() -> Self {
        let mut world = World::durable();
        let mut clients: Vec<Dutiful> = [
            ("p1", None),
            ("p2", Some(50)),
            ("s1", None),
            ("s2", Some(2)),
            ("g1", Some(3)),
            ("g2", Some(50)),
        ]
        .into_iter()
        .map(|(client_id, receive_maximum)| Dutiful::new(client_id, receive_maximum))
        .collect();
        for (at, client) in clients.iter_mut().enumerate() {
            client.connect(&mut world);
            match at {
                EVERYTHING_TWICE => client.subscribe(&mut world, "#", 2),
                EVERYTHING_ONCE => client.subscribe(&mut world, "#", 1),
                at if GROUP.contains(&at) => client.subscribe(&mut world, "$share/g/#", 2),
                _ => {}
            }
        }
        let mourned = vec![
            Mourned::clean("m1"),
            Mourned::kept("m2", 20, 0),
            Mourned::kept("m3", 20, 4),
            Mourned::kept("m4", 3, 20),
        ];
        Self { world, clients, mourned, published: BTreeMap::new(), last_number: 0 }
    }

    fn next_payload(&mut self) -> Vec<u8> {
        self.last_number += 1;
        self.last_number.to_be_bytes().to_vec()
    }

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Publish { publisher, qos, topic, retain, arrives } => {
                let payload = self.next_payload();
                self.published.insert(payload.clone(), Published { qos, publisher });
                let topic = if topic { "a" } else { "b" };
                let flags = qos << 1 | u8::from(retain);
                if let Some(client) = self.clients.get_mut(publisher) {
                    client.publish(&mut self.world, flags, topic, &payload, arrives);
                }
            }
            Event::Step(at) => self.with(at, |client, world| {
                client.step(world);
            }),
            Event::StepInVain(at) => self.with(at, Dutiful::step_in_vain),
            Event::Connect(at) => self.with(at, Dutiful::connect),
            Event::Cut(at) => self.with(at, Dutiful::cut),
            Event::Crash { down_secs } => self.crash(down_secs),
            Event::Compact => self.world.compact(),
            Event::Wait(seconds) => self.world.wait(Duration::from_secs(u64::from(seconds))),
            Event::Mourned { at, goodbye } => self.come_or_go(at, goodbye),
        }
    }

    fn with(&mut self, at: usize, act: impl FnOnce(&mut Dutiful, &mut World)) {
        if let Some(client) = self.clients.get_mut(at) {
            act(client, &mut self.world);
        }
    }

    fn crash(&mut self, down_secs: u8) {
        self.world.now += Duration::from_secs(u64::from(down_secs));
        self.world.crash();
        self.clients.iter_mut().for_each(Dutiful::lose);
        self.mourned.iter_mut().for_each(|client| client.lose(self.world.now));
    }

    fn come_or_go(&mut self, at: usize, goodbye: bool) {
        let will = self.next_payload();
        let Some(client) = self.mourned.get_mut(at) else { return };
        let published = if client.is_there() {
            if goodbye {
                client.leave(&mut self.world);
            } else {
                client.cut(&mut self.world);
            }
            client.take_published(self.world.now)
        } else {
            client.come(&mut self.world, will)
        };
        self.note_will(published);
    }

    fn note_will(&mut self, published: Option<Vec<u8>>) {
        self.published.extend(published.map(|will| (will, Published { qos: 2, publisher: MOURNED })));
    }

    /// All wills that wait are due.
    fn bury(&mut self) {
        self.world.wait(Duration::from_secs(30));
        for at in 0..self.mourned.len() {
            let now = self.world.now;
            let published = self.mourned.get_mut(at).and_then(|client| client.take_published(now));
            self.note_will(published);
        }
    }

    /// Everybody connects and goes on until nobody has anything left to do.
    fn drain(&mut self) {
        for client in &mut self.clients {
            client.connect(&mut self.world);
        }
        let mut went_on = true;
        while went_on {
            went_on = false;
            for client in &mut self.clients {
                while client.step(&mut self.world) {
                    went_on = true;
                }
            }
        }
        assert!(self.clients.iter().all(Dutiful::is_done), "something published is never acknowledged");
    }

    fn taken_by(&self, at: usize) -> &[Message] {
        self.clients.get(at).map_or(&[], |client| &client.taken)
    }

    fn judge(&self) {
        let group: Vec<Message> = GROUP.flat_map(|at| self.taken_by(at).to_vec()).collect();
        self.judge_one(self.taken_by(EVERYTHING_TWICE), 2, "with QoS 2");
        self.judge_one(self.taken_by(EVERYTHING_ONCE), 1, "with QoS 1");
        self.judge_one(&group, 2, "as a group");
        for at in [EVERYTHING_TWICE, EVERYTHING_ONCE] {
            self.judge_order(self.taken_by(at));
        }
    }

    fn judge_one(&self, taken: &[Message], granted: u8, whom: &str) {
        let mut times: BTreeMap<&[u8], usize> = BTreeMap::new();
        for message in taken {
            assert!(self.published.contains_key(&message.payload), "{whom}: {message:?} was never published");
            *times.entry(&message.payload).or_default() += 1;
        }
        for (payload, published) in &self.published {
            let times = times.get(payload.as_slice()).copied().unwrap_or_default();
            let right = match published.qos.min(granted) {
                0 => times <= 1,
                1 => times >= 1,
                _ => times == 1,
            };
            assert!(right, "{payload:?}, {published:?}, was taken {times} times by the subscriber {whom}");
        }
    }

    /// What one publisher sent with one QoS is first taken in the order in which it was sent.
    fn judge_order(&self, taken: &[Message]) {
        for publisher in PUBLISHERS {
            for qos in 1..=2 {
                let mut first: Vec<&[u8]> = Vec::new();
                for message in taken {
                    let published = self.published.get(&message.payload);
                    let is_meant = published == Some(&Published { qos, publisher });
                    if is_meant && !first.contains(&message.payload.as_slice()) {
                        first.push(&message.payload);
                    }
                }
                assert!(first.is_sorted(), "publisher {publisher} with QoS {qos}: {first:?}");
            }
        }
    }

    /// A newcomer gets the message that was retained last on each topic, after crashes with an old log and a new one.
    fn judge_retained(&mut self) {
        let mut retained: Vec<_> = self.clients.iter().flat_map(|client| client.retained.clone()).collect();
        retained.sort_by_key(|(input, _, _)| *input);
        let last: BTreeMap<&str, Vec<u8>> =
            retained.into_iter().map(|(_, topic, payload)| (topic, payload)).collect();
        let mut expected = vec![b"\x90\x03\x00\x01\x00".to_vec()];
        expected.extend(last.iter().map(|(topic, payload)| publish_311(1, topic, 0, payload)));
        for compacted in [false, true] {
            self.crash(1);
            assert_eq!(self.retained(), expected, "retained with a log that was written anew: {compacted}");
            self.world.compact();
        }
    }

    fn retained(&mut self) -> Vec<Vec<u8>> {
        let newcomer = self.world.connect_311("newcomer", true);
        self.world.send(newcomer, &subscribe_311(1, "#", 0));
        self.world.take_sent(newcomer)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_cuts_and_crashes_leave_every_promise_kept(events in prop::collection::vec(event(), 1..120)) {
        let mut history = History::new();
        for event in &events {
            history.apply(event);
        }
        history.drain();
        history.crash(0);
        history.bury();
        history.drain();
        history.judge();
        history.judge_retained();
    }
}
