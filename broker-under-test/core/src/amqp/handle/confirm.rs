//! Class Confirm: publishes are numbered from here on.

use super::Turn;
use crate::amqp::channel::Mode;
use crate::amqp::codec::method::ConfirmSelectOk;
use crate::amqp::consumer::ChannelKey;
use crate::amqp::violation::Violation;

impl Turn<'_> {
    pub(super) fn on_confirm_select(&mut self, key: ChannelKey, no_wait: bool) -> Result<(), Violation> {
        let channel = self.channel(key);
        match channel.mode {
            Mode::Plain => channel.mode = Mode::Confirm { published: 0 },
            // [rabbitmq/RMQ-confirm-select-repeat] the numbering goes on.
            Mode::Confirm { .. } => {}
            Mode::Transaction(_) => return Err(Violation::ConfirmOnTx),
        }
        self.reply_unless(no_wait, key, &ConfirmSelectOk);
        Ok(())
    }
}
