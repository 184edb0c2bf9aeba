//! What stands at the two doors of a simulated broker: the one to its clients and the one to its disk.

use mqspec_broker_core::Broker;
use mqspec_broker_log::Disk;
use mqspec_broker_server::Door;

/// Asked each time that the broker's process starts. The default lets everything pass.
pub trait Doorkeeper {
    /// What the shell gets to see of the broker.
    fn to_clients(&self, broker: Broker) -> Box<dyn Door> {
        Box::new(broker)
    }

    /// What the broker's log gets to see of the disk.
    fn to_disk(&self, disk: Box<dyn Disk>) -> Box<dyn Disk> {
        disk
    }
}

/// Nobody is there: the broker as it is.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Doorkeeper for Nobody {}
