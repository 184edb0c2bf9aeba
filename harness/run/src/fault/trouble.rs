//! What befalls a connection from outside, and waiting for it.

use std::time::Duration;

use mqspec_conformance::plan::OpenFor;

use super::Layer;
use super::stream::{Opened, Over, Streams};

/// What befalls a connection from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A partition is over, and the connection with it.
    Dead,
    /// One of the peers has gone without a word; this one goes on.
    HalfOpen(OpenFor),
    /// Faults were planned or healed: what has been asked of the layer may be different now.
    News,
}

impl Layer {
    /// Ends when something befalls a connection.
    pub async fn trouble(&self, opened: Opened) -> Trouble {
        let changed = self.planned.changed.notified();
        let now = self.clock.now();
        let (half_open, partition) = {
            let streams = self.planned.streams.borrow();
            (streams.half_open(opened, now), streams.partition_end(opened, now))
        };
        if let Some(for_whom) = half_open {
            return Trouble::HalfOpen(for_whom);
        }
        match partition {
            Some(Over::Now) => Trouble::Dead,
            Some(Over::At(time)) => tokio::select! {
                biased;
                () = changed => Trouble::News,
                () = self.clock.sleep_until(time) => Trouble::Dead,
            },
            Some(Over::Unknown) | None => {
                changed.await;
                Trouble::News
            }
        }
    }

    /// Ends when the partition that struck a connection is over; never where none did.
    pub async fn partition_over(&self, opened: Opened) {
        self.until_over(|streams, now| streams.partition_end(opened, now)).await;
    }

    /// Ends when the peer that does not know is told that its half-open connection has ended.
    pub async fn half_open_over(&self) {
        self.until_over(|streams, now| Some(streams.half_open_end(now))).await;
    }

    pub(super) async fn until_over(&self, end: impl Fn(&Streams, Duration) -> Option<Over>) {
        loop {
            let over = end(&self.planned.streams.borrow(), self.clock.now());
            match over {
                Some(Over::Now) => return,
                Some(Over::At(time)) => tokio::select! {
                    biased;
                    () = self.planned.changed.notified() => {}
                    () = self.clock.sleep_until(time) => {}
                },
                Some(Over::Unknown) | None => self.planned.changed.notified().await,
            }
        }
    }
}
