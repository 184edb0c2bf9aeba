//! The witness as a 5.0 client with a session for ever, which subscribes to what it publishes.

use crate::broker::mqtt::{packet, string};

const TOPIC: &str = "witness/said";
/// The server's Receive Maximum, as the scripts' broker is set up.
const UNFINISHED_MAXIMUM: usize = 3;

/// A publication that is not finished.
struct Unfinished {
    identifier: u8,
    qos: u8,
    number: u8,
    /// PUBREC has come, and PUBREL is due or was sent.
    is_released: bool,
}

/// What the client knows.
#[derive(Default)]
pub(super) struct Speaker {
    pub(super) answers: Vec<u8>,
    /// Numbers of the messages that the broker took over.
    pub(super) acknowledged: Vec<u8>,
    /// Numbers of the messages that came.
    pub(super) received: Vec<u8>,
    has_session: bool,
    is_subscribed: bool,
    pub(super) is_connected: bool,
    unfinished: Vec<Unfinished>,
    /// Identifiers of QoS 2 messages that it has and that the broker has not released.
    awaiting_pubrel: Vec<u16>,
    last_number: u8,
    held: Option<Vec<u8>>,
}

impl Speaker {
    pub(super) fn hello() -> Vec<u8> {
        let mut out = Vec::new();
        packet(0x10, &mut out, |out| {
            string("MQTT", out);
            // Clean Start 0, keep alive off, a session that never expires.
            out.extend_from_slice(&[5, 0, 0, 0, 5, 0x11, 0xFF, 0xFF, 0xFF, 0xFF]);
            string("the-witness-of-the-script", out);
        });
        out
    }

    pub(super) fn publish(&mut self, choice: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let may = self.is_connected && self.is_subscribed && self.unfinished.len() < UNFINISHED_MAXIMUM;
        let free = (1..=8).find(|id| self.unfinished.iter().all(|unfinished| unfinished.identifier != *id));
        if let Some(identifier) = free.filter(|_| may && self.last_number < u8::MAX) {
            self.last_number += 1;
            let number = self.last_number;
            let unfinished = Unfinished { identifier, qos: 1 + (choice & 1), number, is_released: false };
            unfinished.write(false, &mut out);
            self.unfinished.push(unfinished);
        }
        out
    }

    pub(super) fn hold(&mut self, hold: bool) {
        match (hold, self.held.take()) {
            (true, held) => self.held = Some(held.unwrap_or_default()),
            (false, Some(held)) => self.answers.extend(held),
            (false, None) => {}
        }
    }

    pub(super) fn cut(&mut self) {
        self.is_connected = false;
        self.answers.clear();
        if let Some(held) = &mut self.held {
            held.clear();
        }
    }

    pub(super) fn hear(&mut self, mut bytes: &[u8]) {
        while let [first, rest @ ..] = bytes {
            let (length, rest) = remaining_length(rest);
            let (body, rest) = rest.split_at(length);
            self.packet(*first, body);
            bytes = rest;
        }
    }

    fn packet(&mut self, first: u8, body: &[u8]) {
        let identifier = match body {
            [high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        };
        let is_refused = body.get(2).is_some_and(|code| *code >= 0x80);
        match first >> 4 {
            2 => self.on_connack(body),
            3 => self.on_publish(first, body),
            4 => self.on_puback(identifier, is_refused),
            5 => self.on_pubrec(identifier, is_refused),
            6 => {
                self.awaiting_pubrel.retain(|waiting| *waiting != identifier);
                self.answer([0x70, 2], identifier);
            }
            7 => self.unfinished.retain(|unfinished| u16::from(unfinished.identifier) != identifier),
            // SUBACK: identifier, properties of no bytes or a reason, one code.
            9 => self.is_subscribed = body.last().is_some_and(|code| *code == 2),
            // Keep alive timeout: nobody waits for a client whose Keep Alive is 0 (§3.1.2.10).
            14 => assert_ne!(body.first(), Some(&0x8D), "the witness is sent away for its silence"),
            _ => {}
        }
    }

    fn on_connack(&mut self, body: &[u8]) {
        let [present, code, ..] = body else { return };
        if *code != 0 {
            return;
        }
        assert_eq!(*present == 1, self.has_session, "the session of the witness is not what it was");
        self.has_session = true;
        self.is_connected = true;
        for unfinished in &self.unfinished {
            unfinished.write(true, &mut self.answers);
        }
        if !self.is_subscribed {
            packet(0x82, &mut self.answers, |out| {
                out.extend_from_slice(&[0, 9, 0]);
                string(TOPIC, out);
                out.push(2);
            });
        }
    }

    fn on_publish(&mut self, first: u8, body: &[u8]) {
        let (qos, dup) = (first >> 1 & 3, first & 8 != 0);
        let behind_topic = body.get(2 + TOPIC.len()..).unwrap_or_default();
        let ([high, low, ..], Some(number)) = (behind_topic, body.last()) else { return };
        let identifier = u16::from_be_bytes([*high, *low]);
        let is_repeat = self.awaiting_pubrel.contains(&identifier);
        assert!(dup || !is_repeat, "identifier {identifier} of a message without its PUBREL is used again");
        if qos == 2 && !is_repeat {
            assert!(!self.received.contains(number), "message {number} of QoS 2 comes twice");
            self.awaiting_pubrel.push(identifier);
        }
        if !is_repeat {
            self.received.push(*number);
        }
        self.answer(if qos == 2 { [0x50, 2] } else { [0x40, 2] }, identifier);
    }

    fn on_puback(&mut self, identifier: u16, is_refused: bool) {
        let found = self.unfinished.iter().position(|one| u16::from(one.identifier) == identifier);
        if let Some(place) = found {
            let finished = self.unfinished.remove(place);
            if !is_refused {
                self.acknowledged.push(finished.number);
            }
        }
    }

    fn on_pubrec(&mut self, identifier: u16, is_refused: bool) {
        if is_refused {
            self.unfinished.retain(|unfinished| u16::from(unfinished.identifier) != identifier);
            return;
        }
        let found = self.unfinished.iter_mut().find(|one| u16::from(one.identifier) == identifier);
        if let Some(unfinished) = found {
            if !unfinished.is_released {
                self.acknowledged.push(unfinished.number);
            }
            unfinished.is_released = true;
            self.answers.extend_from_slice(&[0x62, 2, 0, unfinished.identifier]);
        }
    }

    fn answer(&mut self, first: [u8; 2], identifier: u16) {
        let out = self.held.as_mut().unwrap_or(&mut self.answers);
        out.extend_from_slice(&first);
        out.extend_from_slice(&identifier.to_be_bytes());
    }
}

impl Unfinished {
    /// PUBLISH, or PUBREL once that is due.
    fn write(&self, dup: bool, out: &mut Vec<u8>) {
        if self.is_released {
            out.extend_from_slice(&[0x62, 2, 0, self.identifier]);
        } else {
            packet(0x30 | u8::from(dup) << 3 | self.qos << 1, out, |out| {
                string(TOPIC, out);
                out.extend_from_slice(&[0, self.identifier, 0, self.number]);
            });
        }
    }
}

/// The length of a packet that the tester's decoder has found to be whole, and what is behind it.
fn remaining_length(bytes: &[u8]) -> (usize, &[u8]) {
    let last = bytes.iter().take(4).position(|byte| byte & 0x80 == 0).unwrap_or_default();
    let (digits, rest) = bytes.split_at((last + 1).min(bytes.len()));
    (digits.iter().rev().fold(0, |length, digit| length << 7 | usize::from(digit & 0x7F)), rest)
}
