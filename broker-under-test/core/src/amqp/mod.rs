//! AMQP as a server. (In the making.)

use crate::effect::{Effects, Input, Now};

/// What an operator can choose of AMQP.
#[derive(Clone, Debug, Default)]
pub struct AmqpConfig {}

/// The AMQP half of the broker.
#[derive(Debug)]
pub struct Amqp {}

impl Amqp {
    /// Without connections.
    pub fn new(_config: AmqpConfig) -> Self {
        Self {}
    }

    /// Takes one input that concerns a AMQP connection, or all of them.
    pub fn handle(&mut self, _now: Now, _input: Input<'_>, _effects: &mut Effects) {}

    /// When something is due.
    pub fn next_deadline(&self) -> Option<Now> {
        None
    }
}
