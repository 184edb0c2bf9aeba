//! Class Basic: ack, reject, nack, recover.

use super::Turn;
use crate::amqp::channel::{Mode, Settlement, Unacked};
use crate::amqp::codec::method::basic::reply::RecoverOk;
use crate::amqp::codec::method::basic::{Refuse, Settle};
use crate::amqp::consumer::ChannelKey;
use crate::amqp::dead_letter::Reason;
use crate::amqp::violation::Violation;

impl Turn<'_> {
    pub(super) fn on_ack(&mut self, key: ChannelKey, ack: Settle) -> Result<(), Violation> {
        let unknown = Violation::AckUnknownTag(ack.delivery_tag);
        self.settle_tags(key, ack.delivery_tag, ack.multiple, Settlement::Acknowledged, unknown)
    }

    /// Reject and nack.
    pub(super) fn on_refuse(
        &mut self,
        key: ChannelKey,
        refuse: Refuse,
        unknown: fn(u64) -> Violation,
    ) -> Result<(), Violation> {
        let how = if refuse.requeue { Settlement::Requeued } else { Settlement::Rejected };
        let unknown = unknown(refuse.delivery_tag);
        self.settle_tags(key, refuse.delivery_tag, refuse.multiple, how, unknown)
    }

    /// Settles now, or at the commit; an unknown tag is an error at once in both cases.
    fn settle_tags(
        &mut self,
        key: ChannelKey,
        delivery_tag: u64,
        multiple: bool,
        how: Settlement,
        unknown: Violation,
    ) -> Result<(), Violation> {
        let tags = self.channel(key).tags(delivery_tag, multiple).ok_or(unknown)?;
        let channel = self.channel(key);
        let mut settled = Vec::new();
        for tag in tags {
            let Some(unacked) = channel.unacked.remove(&tag) else { continue };
            match &mut channel.mode {
                Mode::Transaction(transaction) => transaction.settlements.push((tag, unacked, how)),
                Mode::Plain | Mode::Confirm { .. } => settled.push(unacked),
            }
        }
        self.settle_all(key, settled, how);
        Ok(())
    }

    /// Settles deliveries and lets others take their place in the windows.
    pub(super) fn settle_all(&mut self, key: ChannelKey, settled: Vec<Unacked>, how: Settlement) {
        if settled.is_empty() {
            return;
        }
        for unacked in settled {
            if let Some(consumer) = unacked.consumer {
                self.channel(key).return_credit(consumer);
            }
            match how {
                Settlement::Requeued => self.put_back(unacked),
                Settlement::Rejected => {
                    self.dead_letter(unacked.queue, &unacked.queued.message, Reason::Rejected);
                    self.state.discard(unacked.queue, unacked.position, unacked.queued);
                }
                Settlement::Acknowledged => {
                    self.state.discard(unacked.queue, unacked.position, unacked.queued);
                }
            }
        }
        self.touch_subscribed(key);
    }

    /// [amqp-0-9-1/AMQP-basic.recover-requeues-all], after Recover-Ok; gets included.
    pub(super) fn on_recover(
        &mut self,
        key: ChannelKey,
        requeue: bool,
        answered: bool,
    ) -> Result<(), Violation> {
        if !requeue {
            return Err(Violation::RecoverWithoutRequeue);
        }
        let outstanding = std::mem::take(&mut self.channel(key).unacked);
        if answered {
            self.reply(key, &RecoverOk);
        }
        self.settle_all(key, outstanding.into_values().collect(), Settlement::Requeued);
        Ok(())
    }
}
