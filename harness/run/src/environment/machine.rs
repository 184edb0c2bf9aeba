//! The machine that a simulated broker runs on: what outlives the broker's process.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use mqspec_broker_log::{Disk, Options};
use mqspec_broker_server::{Door, Durable, StorageError};
use mqspec_conformance::plan::DiskFault;
use mqspec_conformance::trace::What;

use super::chance::Chance;
use super::disk::FaultDisk;
use crate::recorder::Recorder;
use crate::sut::doorkeeper::Doorkeeper;

/// Limits that a scenario reaches.
const OPTIONS: Options = Options { salt: 0, ballast: 16 * 1024, compact_from: 16 * 1024 };

/// Where a machine tells what happened to it: the trace, once there is one.
#[derive(Default)]
pub struct Reporter(RefCell<Option<Rc<Recorder>>>);

impl Reporter {
    /// From now on everything goes into this trace.
    pub fn attach(&self, recorder: &Rc<Recorder>) {
        self.0.replace(Some(Rc::clone(recorder)));
    }

    fn tell(&self, what: What) {
        // Before a plan begins there is an empty disk, of which there is nothing to tell.
        if let Some(recorder) = &*self.0.borrow() {
            recorder.record(what);
        }
    }
}

/// A broker that keeps its state on a machine's disk.
type Kept = Durable<Box<dyn Door>, Box<dyn Disk>>;

/// A disk and a way to tell of it.
#[derive(Clone)]
pub(super) struct Machine {
    disk: FaultDisk,
    reporter: Rc<Reporter>,
    salt: u64,
}

impl Machine {
    /// A machine that has never run a broker.
    pub(super) fn new(chance: Chance, reporter: &Rc<Reporter>) -> Self {
        let teller = Rc::clone(reporter);
        let tell = move |text| teller.tell(What::Fault { actor: None, text });
        let salt = chance.stream("log salt").below(u64::MAX);
        let disk = FaultDisk::new(chance.stream("disk"), tell);
        Self { disk, reporter: Rc::clone(reporter), salt }
    }

    /// Starts a broker's process on what the disk holds. The error says why it cannot go on from there, and so
    /// does the trace.
    pub(super) fn start(
        &self,
        door: Box<dyn Door>,
        doorkeeper: &dyn Doorkeeper,
        now: Duration,
    ) -> Result<Kept, String> {
        let options = Options { salt: self.salt, ..OPTIONS };
        let teller = Rc::clone(&self.reporter);
        let notices = move |notice| {
            teller.tell(What::Fault { actor: None, text: format!("the broker warns: {notice}") });
        };
        let disk = doorkeeper.to_disk(Box::new(self.disk.clone()));
        let started = Durable::open(door, disk, options, now, notices);
        started.map_err(|why| self.tell_failure("does not start", &why))
    }

    /// A broker's process has ended by itself.
    pub(super) fn ended<D>(&self, served: Result<D, StorageError>) {
        if let Err(why) = served {
            let _told = self.tell_failure("stops", &why);
        }
    }

    /// The power is cut; the process must have been ended.
    pub(super) fn lose_power(&self) {
        self.disk.power_loss();
    }

    /// Plans a fault of the disk.
    pub(super) fn plan(&self, fault: &DiskFault) {
        self.disk.plan(fault);
    }

    /// Planned faults of the disk that have not struck, in words.
    pub(super) fn waits_for(&self) -> Vec<String> {
        self.disk.waits_for()
    }

    /// Tells of a failure; gives its reason.
    fn tell_failure(&self, what: &str, why: &StorageError) -> String {
        let mut text = why.to_string();
        let mut cause = std::error::Error::source(why);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        self.reporter.tell(What::Broker { text: format!("{what}: {text}") });
        text
    }
}
