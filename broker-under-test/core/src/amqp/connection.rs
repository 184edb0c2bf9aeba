//! A connection: how far it has come, what was agreed, its channels (§2.2.4).

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::BytesMut;

use super::channel::Channel;
use super::codec::frame::FRAME_MIN_SIZE;
use super::config::AmqpConfig;
use super::message::Name;
use crate::effect::Now;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing but the protocol header may come.
    AwaitingHeader,
    /// Start was sent.
    AwaitingStartOk,
    /// Tune was sent.
    AwaitingTuneOk,
    /// Tune-Ok came.
    AwaitingOpen,
    /// Open-Ok was sent.
    Open,
    /// Close was sent: all but Close and Close-Ok is discarded.
    Closing {
        /// When the server stops waiting for Close-Ok.
        until: Now,
    },
    /// Whatever comes is discarded, and then the socket ends without a word.
    Draining {
        /// When.
        until: Now,
    },
}

/// One client.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stage: Stage,
    /// Octets that are not yet a whole frame.
    pub(crate) inbox: BytesMut,
    pub(crate) channels: BTreeMap<u16, Channel>,
    pub(crate) user: Name,
    pub(crate) virtual_host: Name,
    pub(crate) capabilities: Capabilities,
    /// It has published something.
    pub(crate) publishes: bool,
    /// It was told that publishes are refused, and not yet that they are taken again.
    pub(crate) knows_blocked: bool,
    pub(crate) channel_max: u16,
    pub(crate) frame_max: u32,
    /// The agreed interval; zero is none.
    pub(crate) heartbeat: Duration,
    /// Octets sent that the network has not taken.
    pub(crate) backlog: usize,
    pub(crate) opened_at: Now,
    pub(crate) last_received: Now,
    pub(crate) last_sent: Now,
}

/// What the client announced that it understands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Capabilities {
    /// `consumer_cancel_notify`: wants Basic.Cancel from the server.
    pub(crate) consumer_cancel_notify: bool,
    /// `authentication_failure_close`: wants Connection.Close when its login fails.
    pub(crate) authentication_failure_close: bool,
    /// `connection.blocked`: wants Connection.Blocked and Unblocked.
    pub(crate) blocked: bool,
}

impl Connection {
    /// A socket that was just opened.
    pub(crate) fn new(now: Now) -> Self {
        Self {
            stage: Stage::AwaitingHeader,
            inbox: BytesMut::new(),
            channels: BTreeMap::new(),
            user: Name::from(""),
            virtual_host: Name::from(""),
            capabilities: Capabilities::default(),
            publishes: false,
            knows_blocked: false,
            channel_max: 0,
            frame_max: FRAME_MIN_SIZE,
            heartbeat: Duration::ZERO,
            backlog: 0,
            opened_at: now,
            last_received: now,
            last_sent: now,
        }
    }

    /// Whether deliveries may go out: open, and not too far behind.
    pub(crate) fn may_deliver(&self, config: &AmqpConfig) -> bool {
        self.stage == Stage::Open && self.backlog < config.backlog_max
    }

    /// Whether so many answers wait to be taken that nothing more is to be asked.
    pub(crate) fn is_held_back(&self, config: &AmqpConfig) -> bool {
        self.backlog >= config.answers_max
    }

    /// When its socket ends if nothing comes before.
    pub(crate) fn ends_at(&self, config: &AmqpConfig) -> Option<Now> {
        let silent = (!self.heartbeat.is_zero()).then(|| self.last_received + self.heartbeat * 2);
        match self.stage {
            Stage::AwaitingHeader | Stage::AwaitingStartOk | Stage::AwaitingTuneOk => {
                Some(self.opened_at + config.handshake_timeout)
            }
            Stage::AwaitingOpen => {
                silent.into_iter().chain([self.opened_at + config.handshake_timeout]).min()
            }
            Stage::Open => silent,
            Stage::Closing { until } | Stage::Draining { until } => Some(until),
        }
    }

    /// When a heartbeat has to go out if nothing else does: after half the interval, as RabbitMQ does, which
    /// leaves room for a late one.
    pub(crate) fn heartbeat_at(&self) -> Option<Now> {
        let beats = match self.stage {
            Stage::AwaitingHeader
            | Stage::AwaitingStartOk
            | Stage::AwaitingTuneOk
            | Stage::Draining { .. } => false,
            Stage::AwaitingOpen | Stage::Open | Stage::Closing { .. } => !self.heartbeat.is_zero(),
        };
        beats.then(|| self.last_sent + self.heartbeat / 2)
    }

    /// The earlier of the two.
    pub(crate) fn deadline(&self, config: &AmqpConfig) -> Option<Now> {
        [self.ends_at(config), self.heartbeat_at()].into_iter().flatten().min()
    }
}
