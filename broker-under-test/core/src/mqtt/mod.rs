//! MQTT as a server. (In the making.)

use crate::effect::{Effects, Input, Now};

/// What an operator can choose of MQTT.
#[derive(Clone, Debug, Default)]
pub struct MqttConfig {}

/// The MQTT half of the broker.
#[derive(Debug)]
pub struct Mqtt {}

impl Mqtt {
    /// Without connections.
    pub fn new(_config: MqttConfig) -> Self {
        Self {}
    }

    /// Takes one input that concerns a MQTT connection, or all of them.
    pub fn handle(&mut self, _now: Now, _input: Input<'_>, _effects: &mut Effects) {}

    /// When something is due.
    pub fn next_deadline(&self) -> Option<Now> {
        None
    }
}
