//! Class Tx: publishes and settlements wait for the commit.

use super::Turn;
use crate::amqp::channel::{Mode, Transaction};
use crate::amqp::codec::method::transaction::{CommitOk, Method, RollbackOk, SelectOk};
use crate::amqp::consumer::ChannelKey;
use crate::amqp::violation::Violation;

impl Turn<'_> {
    pub(super) fn on_transaction(&mut self, key: ChannelKey, method: Method) -> Result<(), Violation> {
        match method {
            Method::Select => self.on_select(key),
            Method::Commit => self.on_commit(key),
            Method::Rollback => self.on_rollback(key),
        }
    }

    fn on_select(&mut self, key: ChannelKey) -> Result<(), Violation> {
        let channel = self.channel(key);
        match channel.mode {
            Mode::Plain => channel.mode = Mode::Transaction(Transaction::default()),
            Mode::Transaction(_) => {} // [rabbitmq/RMQ-tx-select-repeat]
            Mode::Confirm { .. } => return Err(Violation::TxOnConfirm),
        }
        self.reply(key, &SelectOk);
        Ok(())
    }

    /// [rabbitmq/RMQ-tx-return-before-commit-ok] and everything is visible once Commit-Ok arrives.
    fn on_commit(&mut self, key: ChannelKey) -> Result<(), Violation> {
        self.check_room_to_commit(key)?;
        let work = self.take_work(key).ok_or(Violation::CommitWithoutTx)?;
        self.publish_committed(key, work.publishes);
        for (_, unacked, how) in work.settlements {
            self.settle_all(key, vec![unacked], how);
        }
        self.reply(key, &CommitOk);
        Ok(())
    }

    /// [amqp-0-9-1/AMQP-tx.rollback-no-redelivery] the deliveries stay with the client, to be settled anew.
    fn on_rollback(&mut self, key: ChannelKey) -> Result<(), Violation> {
        let work = self.take_work(key).ok_or(Violation::RollbackWithoutTx)?;
        let channel = self.channel(key);
        channel.unacked.extend(work.settlements.into_iter().map(|(tag, unacked, _)| (tag, unacked)));
        self.reply(key, &RollbackOk);
        Ok(())
    }

    fn take_work(&mut self, key: ChannelKey) -> Option<Transaction> {
        match &mut self.channel(key).mode {
            Mode::Transaction(transaction) => Some(std::mem::take(transaction)),
            Mode::Plain | Mode::Confirm { .. } => None,
        }
    }
}
