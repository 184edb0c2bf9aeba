//! The one door: hands each input to the protocol that its connection speaks.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::amqp::{Amqp, AmqpConfig};
use crate::durable::{BadRecord, RecordReader};
use crate::effect::{ConnectionId, Effects, Input, Now, Protocol};
use crate::mqtt::{Mqtt, MqttConfig};

/// What an operator can choose.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The MQTT side.
    pub mqtt: MqttConfig,
    /// The AMQP side.
    pub amqp: AmqpConfig,
    /// Whether state is to outlive the process: asks for records, which somebody must then keep.
    pub durable: bool,
}

/// Both protocols behind one door.
#[derive(Debug)]
pub struct Broker {
    protocols: BTreeMap<ConnectionId, Protocol>,
    mqtt: Mqtt,
    amqp: Amqp,
}

impl Broker {
    /// A broker without connections, sessions or queues.
    pub fn new(config: Config) -> Self {
        Self {
            protocols: BTreeMap::new(),
            mqtt: Mqtt::new(config.mqtt, config.durable),
            amqp: Amqp::new(config.amqp, config.durable),
        }
    }

    /// Applies one record of the log, oldest first, to a broker that has handled nothing yet.
    ///
    /// # Errors
    ///
    /// A record that no broker wrote, or not after those before it. The state is then of no use.
    pub fn restore(&mut self, record: &[u8]) -> Result<(), BadRecord> {
        match RecordReader::open(record)? {
            (1, kind, fields) => self.mqtt.restore(kind, fields),
            (2, kind, fields) => self.amqp.restore(kind, fields),
            (protocol, kind, _) => Err(BadRecord::Kind { protocol, kind }),
        }
    }

    /// Ends the restoring, once, after the last record: every connection of that time counts as lost now.
    pub fn restored(&mut self, now: Now, effects: &mut Effects) {
        self.mqtt.restored(now, effects);
        self.amqp.restored(now, effects);
    }

    /// Records that build the durable state again in an empty broker, in place of all records so far.
    pub fn snapshot(&self) -> Vec<Bytes> {
        let mut records = self.mqtt.snapshot();
        records.extend(self.amqp.snapshot());
        records
    }

    /// Takes one input and appends what must happen because of it, in order.
    pub fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects) {
        let protocol = match &input {
            Input::Opened { connection, protocol } => {
                self.protocols.insert(*connection, *protocol);
                Some(*protocol)
            }
            Input::Received { connection, .. } | Input::Taken { connection, .. } => {
                match self.protocols.get(connection) {
                    Some(protocol) => Some(*protocol),
                    None => return, // closed already; see Effect::Close
                }
            }
            Input::Closed { connection } => match self.protocols.remove(connection) {
                Some(protocol) => Some(protocol),
                None => return,
            },
            Input::TimePassed | Input::Storage { .. } | Input::ShutDown => None,
        };
        let first_new = effects.as_slice().len();
        if protocol != Some(Protocol::Amqp) {
            self.mqtt.handle(now, input.clone(), effects);
        }
        if protocol != Some(Protocol::Mqtt) {
            self.amqp.handle(now, input, effects);
        }
        for effect in effects.as_slice().iter().skip(first_new) {
            if let crate::Effect::Close { connection } = effect {
                self.protocols.remove(connection);
            }
        }
    }

    /// When [`Input::TimePassed`] is due next, if nothing else happens before. Always after the `now` of the
    /// latest [`Broker::handle`].
    pub fn next_deadline(&self) -> Option<Now> {
        [self.mqtt.next_deadline(), self.amqp.next_deadline()].into_iter().flatten().min()
    }
}
