//! A client with a will that comes and goes, and what must become of its will and its session.

use std::time::Duration;

use crate::client::{Client, World, packet, text};

/// A client with a QoS 2 will on "w".
pub(crate) struct Mourned {
    client_id: &'static str,
    /// How long its session is kept, and how long its will waits; none for a clean session of 3.1.1.
    times: Option<Times>,
    state: State,
}

#[derive(Clone, Copy)]
struct Times {
    expiry_secs: u8,
    delay_secs: u8,
}

enum State {
    /// Without a will that waits.
    Away { session_ends: Duration },
    /// With a will that waits.
    Lost { session_ends: Duration, will_due: Duration, will: Vec<u8> },
    /// There.
    Connected { client: Client, will: Vec<u8> },
}

impl Mourned {
    /// One whose session ends with its connection.
    pub(crate) fn clean(client_id: &'static str) -> Self {
        Self { client_id, times: None, state: State::Away { session_ends: Duration::ZERO } }
    }

    /// One whose session is kept, and whose will waits, for some seconds.
    pub(crate) fn kept(client_id: &'static str, expiry_secs: u8, delay_secs: u8) -> Self {
        let times = Some(Times { expiry_secs, delay_secs });
        Self { client_id, times, state: State::Away { session_ends: Duration::ZERO } }
    }

    /// Whether it is connected.
    pub(crate) fn is_there(&self) -> bool {
        matches!(self.state, State::Connected { .. })
    }

    /// It connects with a will. Returns the one that must have been published before.
    #[track_caller]
    pub(crate) fn come(&mut self, world: &mut World, will: Vec<u8>) -> Option<Vec<u8>> {
        let (session_ends, published) = match &self.state {
            State::Connected { .. } => panic!("{} is there", self.client_id),
            State::Away { session_ends } => (*session_ends, None),
            State::Lost { session_ends, will_due, will } => {
                (*session_ends, (*will_due <= world.now).then(|| will.clone()))
            }
        };
        let client = world.open();
        let no_delay: &[u8] = &[];
        let will_fields = |properties: &[u8]| [properties, &text("w"), &[0, 4], &will].concat();
        let connect = match self.times {
            None => packet(
                0x10,
                &[b"\x00\x04MQTT\x04\x16\x00\x00", &text(self.client_id), &will_fields(no_delay)],
            ),
            Some(Times { expiry_secs, delay_secs }) => packet(
                0x10,
                &[
                    b"\x00\x04MQTT\x05\x14\x00\x00\x05\x11\x00\x00\x00",
                    &[expiry_secs],
                    &text(self.client_id),
                    &will_fields(&[5, 0x18, 0, 0, 0, delay_secs]),
                ],
            ),
        };
        world.send(client, &connect);
        let sent = world.take_sent(client);
        let present = u8::from(world.now < session_ends);
        let connack = sent.first().expect("a CONNACK");
        assert_eq!(connack.get(2..4), Some(&[present, 0][..]), "{}: {connack:02x?}", self.client_id);
        self.state = State::Connected { client, will };
        published
    }

    /// It says goodbye, and takes its will along.
    pub(crate) fn leave(&mut self, world: &mut World) {
        if let State::Connected { client, .. } = self.state {
            let goodbye: &[u8] = b"\xe0\x00";
            world.send(client, goodbye);
            self.state = State::Away { session_ends: self.session_ends(world.now) };
        }
    }

    /// Its connection breaks.
    pub(crate) fn cut(&mut self, world: &mut World) {
        if let State::Connected { client, .. } = self.state {
            world.cut(client);
            self.lose(world.now);
        }
    }

    /// Its connection has been lost.
    pub(crate) fn lose(&mut self, now: Duration) {
        if let State::Connected { will, .. } = &self.state {
            let delay = self.times.map_or(0, |times| times.expiry_secs.min(times.delay_secs));
            self.state = State::Lost {
                session_ends: self.session_ends(now),
                will_due: now + Duration::from_secs(u64::from(delay)),
                will: will.clone(),
            };
        }
    }

    fn session_ends(&self, now: Duration) -> Duration {
        now + Duration::from_secs(self.times.map_or(0, |times| u64::from(times.expiry_secs)))
    }

    /// The will that must have been published by now, and has not been asked for before.
    pub(crate) fn take_published(&mut self, now: Duration) -> Option<Vec<u8>> {
        match &self.state {
            State::Lost { session_ends, will_due, will } if *will_due <= now => {
                let will = will.clone();
                self.state = State::Away { session_ends: *session_ends };
                Some(will)
            }
            State::Lost { .. } | State::Away { .. } | State::Connected { .. } => None,
        }
    }
}
