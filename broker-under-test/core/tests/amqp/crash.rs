//! A bench whose broker keeps records, loses everything else in a crash, and comes back.

use mqspec_broker_core::{Broker, Config, Effects};

use crate::client::Bench;

/// A broker made of records, which have to fit.
pub(crate) fn restore(config: &Config, records: &[bytes::Bytes]) -> Broker {
    let mut broker = Broker::new(config.clone());
    for record in records {
        broker.restore(record).expect("the broker's own records fit");
    }
    broker
}

impl Bench {
    /// A broker that asks for records.
    pub(crate) fn durable() -> Self {
        Self::configured(Config { durable: true, ..Config::default() })
    }

    /// The records so far and a snapshot both build what the running broker has.
    pub(crate) fn assert_restorable(&self) {
        let now = self.broker.snapshot();
        assert_eq!(restore(&self.config, &self.records).snapshot(), now, "from the records");
        assert_eq!(restore(&self.config, &now).snapshot(), now, "from the snapshot");
    }

    /// The process dies and a new one starts on the records.
    pub(crate) fn crash(&mut self) {
        self.assert_restorable();
        self.broker = restore(&self.config, &self.records);
        self.start();
    }

    /// As [`Bench::crash`], with a log that was compacted just before.
    pub(crate) fn compact_and_crash(&mut self) {
        self.assert_restorable();
        self.records = self.broker.snapshot();
        self.crash();
    }

    fn start(&mut self) {
        self.closed.extend(self.open_connections());
        let mut effects = Effects::new();
        self.broker.restored(self.now, &mut effects);
        self.take_effects(effects);
        self.assert_restorable();
    }

    /// What the records so far are called.
    pub(crate) fn record_names(&self) -> Vec<&'static str> {
        let name = |record: &bytes::Bytes| mqspec_broker_core::durable::record_name(record);
        self.records.iter().map(|record| name(record).expect("every kind has a name")).collect()
    }
}
