//! A client that keeps its word, among all those that do not: what the broker acknowledged to it must arrive, and what
//! is to arrive once must do so once, whatever the others do and however often the broker dies.

use mqspec_broker_core::{ConnectionId, Protocol};
use mqspec_wire::Spec;

use super::Play;

mod amqp;
mod mqtt;

/// The witness of one protocol. It reads at once, and reconnects to what it had.
pub(super) struct Witness {
    /// Its connection, while it has one.
    pub(super) connection: Option<ConnectionId>,
    /// What it is sent does not reach it any more.
    pub(super) is_deaf: bool,
    has_spoken: bool,
    speaker: Speaker,
}

enum Speaker {
    Mqtt(mqtt::Speaker),
    Amqp(amqp::Speaker),
}

impl Witness {
    /// Not connected yet.
    pub(super) fn new(protocol: Protocol) -> Self {
        let speaker = match protocol {
            Protocol::Mqtt => Speaker::Mqtt(mqtt::Speaker::default()),
            Protocol::Amqp => Speaker::Amqp(amqp::Speaker::default()),
        };
        Self { connection: None, is_deaf: false, has_spoken: false, speaker }
    }

    /// What it speaks.
    pub(super) fn spec(&self) -> Spec {
        match self.speaker {
            Speaker::Mqtt(_) => Spec::Mqtt50,
            Speaker::Amqp(_) => Spec::Amqp091,
        }
    }

    /// Whether there ever was a witness.
    pub(super) fn is_known(&self) -> bool {
        self.has_spoken
    }

    /// Whether it has a connection on which it was let in.
    pub(super) fn is_ready(&self) -> bool {
        let is_ready = match &self.speaker {
            Speaker::Mqtt(speaker) => speaker.is_connected,
            Speaker::Amqp(speaker) => speaker.is_ready,
        };
        is_ready && self.connection.is_some()
    }

    /// What it says first on a new connection.
    pub(super) fn hello(&mut self) -> Vec<u8> {
        self.has_spoken = true;
        match &mut self.speaker {
            Speaker::Mqtt(_) => mqtt::Speaker::hello(),
            Speaker::Amqp(speaker) => speaker.hello(),
        }
    }

    /// A new message, or nothing where it must wait first.
    pub(super) fn publish(&mut self, choice: u8) -> Vec<u8> {
        match &mut self.speaker {
            Speaker::Mqtt(speaker) => speaker.publish(choice),
            Speaker::Amqp(speaker) => speaker.publish(),
        }
    }

    /// From now on it acknowledges what it gets, or keeps that for later.
    pub(super) fn hold(&mut self, hold: bool) {
        match &mut self.speaker {
            Speaker::Mqtt(speaker) => speaker.hold(hold),
            Speaker::Amqp(speaker) => speaker.hold(hold),
        }
    }

    /// Reads what the broker sent.
    ///
    /// # Panics
    /// At what must not arrive again, or not so.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        match &mut self.speaker {
            Speaker::Mqtt(speaker) => speaker.hear(bytes),
            Speaker::Amqp(speaker) => speaker.hear(bytes),
        }
    }

    /// What it answers; said as soon as this is asked for.
    pub(super) fn answers(&mut self) -> Vec<u8> {
        match &mut self.speaker {
            Speaker::Mqtt(speaker) => std::mem::take(&mut speaker.answers),
            Speaker::Amqp(speaker) => speaker.answers(),
        }
    }

    /// Its connection is gone, and what it had not said yet.
    pub(super) fn cut(&mut self) {
        self.connection = None;
        match &mut self.speaker {
            Speaker::Mqtt(speaker) => speaker.cut(),
            Speaker::Amqp(speaker) => speaker.cut(),
        }
    }

    /// Once everything is said: all that was acknowledged has arrived.
    ///
    /// # Panics
    /// Where a message is lost.
    pub(super) fn assert_nothing_lost(&self) {
        let (acknowledged, received) = match &self.speaker {
            Speaker::Mqtt(speaker) => (&speaker.acknowledged, &speaker.received),
            Speaker::Amqp(speaker) => (&speaker.acknowledged, &speaker.received),
        };
        let lost: Vec<_> = acknowledged.iter().filter(|number| !received.contains(number)).collect();
        assert!(
            lost.is_empty(),
            "messages {lost:?} were acknowledged and never arrived; of {acknowledged:?} arrived {received:?}"
        );
    }
}

/// Its part in a play.
impl Play<'_> {
    /// The witness publishes, changes its mind about acknowledging, or loses its connection.
    pub(super) fn witness_step(&mut self, choice: u8) {
        let Some(id) = self.witness.connection else { return self.witness_connects() };
        match choice & 7 {
            0..=3 => {
                let bytes = self.witness.publish(choice >> 3);
                self.send(id, &bytes);
            }
            4 | 5 => self.witness.hold(choice & 1 == 0),
            6 => {
                self.cut(id);
                self.witness.cut();
                self.witness_connects();
            }
            _ => {
                // What the broker answers to its last message is lost with the connection.
                let bytes = self.witness.publish(choice >> 3);
                self.witness.is_deaf = true;
                self.send(id, &bytes);
                if self.bench.is_open(id) {
                    self.cut(id);
                }
                self.witness.is_deaf = false;
                self.witness.cut();
            }
        }
    }

    pub(super) fn witness_connects(&mut self) {
        let spec = self.witness.spec();
        let id = self.connect(spec, true);
        self.witness.connection = Some(id);
        let hello = self.witness.hello();
        self.send(id, &hello);
    }

    /// The witness takes what it was sent and says what it has to.
    pub(super) fn hear_witness(&mut self) {
        while let Some(id) = self.witness.connection {
            let answers = self.witness.answers();
            if answers.is_empty() {
                return;
            }
            self.send(id, &answers);
        }
    }
}
