//! AMQP 0-9-1 as a server, with RabbitMQ's core extensions.
//!
//! Octets come in by [`Amqp::handle`], are split into frames and methods by [`codec`], and each method goes to
//! the file of its class in `handle/`. Those change the connection, the channel, and what all share (`state.rs`);
//! after each frame the queues that were touched hand out what they can (`delivery.rs`). So any split of the octets
//! gives the same effects.

mod binding;
mod channel;
pub mod codec;
mod config;
mod connection;
mod consumer;
mod dead_letter;
mod delivery;
mod exchange;
mod handle;
mod journal;
mod message;
mod queue;
mod queue_arguments;
mod reply_to;
mod state;
mod timers;
mod vhost;
pub mod violation;

pub use config::{AmqpConfig, User};
pub(crate) use journal::record_name;
pub use violation::Violation;

use crate::effect::{Effects, Input, Now};
use handle::Turn;
use state::State;

/// The AMQP half of the broker.
#[derive(Debug)]
pub struct Amqp {
    state: State,
}

impl Amqp {
    /// Without connections; each virtual host has its predeclared exchanges and no queue.
    /// Makes records of what must outlive the process if `durable`.
    pub fn new(config: AmqpConfig, durable: bool) -> Self {
        Self { state: State::new(config, durable) }
    }

    /// Takes one input that concerns an AMQP connection, or all of them.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an input is used up; both protocols' doors look alike"
    )]
    pub fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects) {
        let mut turn = Turn { now, state: &mut self.state, effects };
        match input {
            Input::Opened { connection, .. } => turn.on_opened(connection),
            Input::Received { connection, bytes } => turn.on_received(connection, bytes),
            Input::Taken { connection, bytes } => turn.on_taken(connection, bytes),
            Input::Closed { connection } => turn.on_closed(connection),
            Input::TimePassed => {}
            Input::Storage { full } => turn.on_storage(full),
            Input::ShutDown => turn.on_shut_down(),
        }
        turn.settle();
        turn.on_time();
        self.state.flush_notes(effects);
    }

    /// When [`Input::TimePassed`] is due next; after the `now` of the latest [`Amqp::handle`].
    pub fn next_deadline(&self) -> Option<Now> {
        self.state.timers.next()
    }
}
