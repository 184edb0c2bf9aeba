//! What the actors know of the world: `{ network, clock, random, broker control }`, and nothing else.

pub mod chance;
mod disk;
pub mod live;
mod machine;
pub mod memory;
mod pipe;
pub mod simulated;
pub mod virtual_clock;

use std::io;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use mqspec_conformance::plan::{Bindings, BrokerFault, DiskFault};
use mqspec_wire::Spec;
use tokio::io::{AsyncRead, AsyncWrite};

pub use self::chance::Chance;
pub use self::machine::Reporter;

/// A world to run a plan in.
pub struct Environment {
    /// Where connections come from.
    pub network: Rc<dyn Network>,
    /// The only clock.
    pub clock: Rc<dyn Clock>,
    /// Where the broker's machine tells what happened to it.
    pub reporter: Rc<Reporter>,
    /// Starts and stops the broker.
    pub control: Rc<dyn BrokerControl>,
    /// The only source of chance.
    pub chance: Chance,
    /// Names bound before the first step: `run`, `user`, `password`, `vhost`.
    pub bindings: Bindings,
    /// MQTT credentials for a CONNECT that names none.
    pub mqtt_login: Option<(String, String)>,
    /// How long an expectation waits that says nothing else.
    pub patience: Duration,
    /// How long to go on listening after the last step.
    pub settle: Duration,
    /// What stands between the actors and the network.
    pub carriage: Carriage,
}

/// What stands between the actors and the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// Nothing: no fault strikes packets or bytes. To measure what the fault layer costs.
    Bare,
    /// The fault layer.
    Layered,
    /// The fault layer, and a network that splits and delays what it carries, as real ones do.
    Weathered,
}

/// Opens network connections to the broker.
pub trait Network {
    /// Connects to the listener for a protocol.
    fn connect(&self, spec: Spec) -> LocalBoxFuture<'static, io::Result<Connected>>;
}

/// Both halves of an open connection.
pub struct Connected {
    /// What the broker sends.
    pub reader: Box<dyn AsyncRead + Unpin>,
    /// What we send.
    pub writer: Box<dyn AsyncWrite + Unpin>,
    /// Makes the coming drop of both halves an abortive close (RST) where the network knows one.
    pub abort: Box<dyn Fn()>,
}

/// Time since the run began.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Duration;
    /// Ends at that time.
    fn sleep_until(&self, deadline: Duration) -> LocalBoxFuture<'static, ()>;
}

/// Starts and stops the broker.
pub trait BrokerControl {
    /// Does it, and ends when it has taken effect (a started broker listens).
    fn act(self: Rc<Self>, fault: BrokerFault) -> LocalBoxFuture<'static, Result<(), NotDone>>;

    /// Plans a fault of the broker's disk.
    ///
    /// # Errors
    ///
    /// Why it cannot be done.
    fn plan_disk(&self, _fault: &DiskFault) -> Result<(), String> {
        Err(String::from("only a simulated broker has a disk that fails as it is told to"))
    }

    /// Planned faults of the disk that have not struck, in words.
    fn waits_for(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why a broker was not started or stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// It cannot be done here, by no fault of the broker.
    Impossible(String),
    /// The broker was started and gave up, for this reason.
    DoesNotStart(String),
}

impl From<String> for NotDone {
    fn from(why: String) -> Self {
        Self::Impossible(why)
    }
}
