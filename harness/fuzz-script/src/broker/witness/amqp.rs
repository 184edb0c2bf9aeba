//! The witness as a publisher with confirms and the consumer of a durable queue.

use std::collections::VecDeque;

use crate::broker::amqp::{QUIET_HELLO, method, publish, short};

const QUEUE: &str = "the-witness-of-the-script";

/// What the client knows.
#[derive(Default)]
pub(super) struct Speaker {
    answers: Vec<u8>,
    /// Numbers of the messages that the broker confirmed.
    pub(super) acknowledged: Vec<u8>,
    /// Numbers of the messages that came.
    pub(super) received: Vec<u8>,
    /// Numbers of the messages that it acknowledged.
    settled: Vec<u8>,
    has_queue: bool,
    pub(super) is_ready: bool,
    last_number: u8,
    /// Numbers not confirmed yet, from the lowest delivery tag on; a gap where one was confirmed out of turn.
    unconfirmed: VecDeque<Option<u8>>,
    first_unconfirmed: u64,
    /// A delivery whose body has not come yet: its tag and whether it says that it came before.
    delivery: Option<(u64, bool)>,
    /// Deliveries to acknowledge, by tag and number.
    due: Vec<(u64, u8)>,
    holds: bool,
}

impl Speaker {
    pub(super) fn hello(&mut self) -> Vec<u8> {
        let mut out = QUIET_HELLO.clone();
        if !self.has_queue {
            method(1, 50, 10, &mut out, |out| {
                out.extend_from_slice(&[0, 0]);
                short(QUEUE, out);
                out.extend_from_slice(&[2, 0, 0, 0, 0]); // durable, no arguments
            });
        }
        method(1, 60, 20, &mut out, |out| {
            out.extend_from_slice(&[0, 0]);
            short(QUEUE, out);
            out.extend_from_slice(&[0, 0, 0, 0, 0, 0]); // a tag of the server's, acknowledgements
        });
        method(1, 85, 10, &mut out, |out| out.push(0));
        self.first_unconfirmed = 1;
        out
    }

    pub(super) fn publish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.is_ready && self.last_number < u8::MAX {
            self.last_number += 1;
            self.unconfirmed.push_back(Some(self.last_number));
            publish(1, "", QUEUE, 0, 2, &[self.last_number], &mut out);
        }
        out
    }

    pub(super) fn hold(&mut self, hold: bool) {
        self.holds = hold;
    }

    pub(super) fn cut(&mut self) {
        self.is_ready = false;
        self.answers.clear();
        self.unconfirmed.clear();
        self.delivery = None;
        self.due.clear();
    }

    pub(super) fn answers(&mut self) -> Vec<u8> {
        if !self.holds {
            for (tag, number) in self.due.drain(..) {
                method(1, 60, 80, &mut self.answers, |out| {
                    out.extend_from_slice(&tag.to_be_bytes());
                    out.push(0);
                });
                self.settled.push(number);
            }
        }
        std::mem::take(&mut self.answers)
    }

    pub(super) fn hear(&mut self, mut bytes: &[u8]) {
        // The answer to another version's header is a header; the witness never causes one.
        while let [kind, _, channel, a, b, c, d, rest @ ..] = bytes {
            let size = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            let (payload, rest) = rest.split_at(size.min(rest.len()));
            match (kind, payload) {
                (1, [_, class_id, _, method_id, arguments @ ..]) => {
                    self.method(*channel, *class_id, *method_id, arguments);
                }
                (3, [number, ..]) => self.on_body(*number),
                _ => {}
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
    }

    fn method(&mut self, channel: u8, class_id: u8, method_id: u8, arguments: &[u8]) {
        match (class_id, method_id) {
            (50, 11) => self.has_queue = true,
            (85, 11) => self.is_ready = true,
            (60, 60) => self.on_deliver(arguments),
            (60, 80) => self.on_confirm(arguments, true),
            (60, 120) => self.on_confirm(arguments, false),
            (20, 40) => {
                self.is_ready = false;
                method(channel.into(), 20, 41, &mut self.answers, |_| {});
            }
            _ => {}
        }
    }

    /// basic.deliver: consumer tag, delivery tag, redelivered, exchange, routing key.
    fn on_deliver(&mut self, arguments: &[u8]) {
        let Some((length, rest)) = arguments.split_first() else { return };
        let rest = rest.get(usize::from(*length)..).unwrap_or_default();
        if let Some((tag, [redelivered, ..])) = rest.split_first_chunk::<8>() {
            self.delivery = Some((u64::from_be_bytes(*tag), *redelivered != 0));
        }
    }

    fn on_body(&mut self, number: u8) {
        let Some((tag, redelivered)) = self.delivery.take() else { return };
        assert!(!self.settled.contains(&number), "message {number} comes again after its acknowledgement");
        let came_before = self.received.contains(&number);
        assert!(redelivered || !came_before, "message {number} comes again and does not say so");
        if !came_before {
            self.received.push(number);
        }
        self.due.push((tag, number));
    }

    /// basic.ack or basic.nack of the broker: tag, multiple.
    fn on_confirm(&mut self, arguments: &[u8], is_taken: bool) {
        let Some((tag, [multiple, ..])) = arguments.split_first_chunk::<8>() else { return };
        let tag = u64::from_be_bytes(*tag);
        let first = if multiple & 1 == 1 { self.first_unconfirmed } else { tag };
        for tag in first..=tag {
            let place = tag.checked_sub(self.first_unconfirmed).and_then(|place| usize::try_from(place).ok());
            let number = place.and_then(|place| self.unconfirmed.get_mut(place)).and_then(Option::take);
            self.acknowledged.extend(number.filter(|_| is_taken));
        }
        while self.unconfirmed.front().is_some_and(Option::is_none) {
            self.unconfirmed.pop_front();
            self.first_unconfirmed += 1;
        }
    }
}
