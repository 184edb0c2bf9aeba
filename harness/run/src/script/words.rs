//! Faults in words, for the trace and the report.

use std::time::Duration;

use mqspec_conformance::plan::{BrokerFault, Direction, Fault, PacketFault, StreamFault};

/// What is planned: `the next pubrel to the actor is lost, then the connection is cut`.
pub(super) fn fault(fault: &Fault) -> String {
    match fault {
        Fault::Packet { direction, packet, nth, fault, .. } => {
            let which = match nth {
                0 | 1 => String::from("next"),
                nth => format!("{nth}. next"),
            };
            let packet = packet.as_deref().unwrap_or("packet");
            format!("planned: the {which} {packet} {} {}", way(*direction), packet_fault(fault))
        }
        Fault::Stream { direction, fault, .. } => {
            format!("planned: the stream {} {}", way(*direction), stream_fault(fault))
        }
        Fault::Heal { .. } => String::from("healed: every fault is taken back"),
    }
}

/// What happens to the broker.
pub(super) fn broker(fault: BrokerFault) -> &'static str {
    match fault {
        BrokerFault::Kill => "killed",
        BrokerFault::Start => "started",
        BrokerFault::Stop => "stopped",
    }
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::ToActor => "to the actor",
        Direction::FromActor => "from the actor",
        Direction::Both => "in both directions",
    }
}

fn packet_fault(fault: &PacketFault) -> String {
    match fault {
        PacketFault::LostThenCut => String::from("is lost, then the connection is cut"),
        PacketFault::DeliveredThenCut => String::from("arrives, then the connection is cut"),
        PacketFault::Duplicated { set_dup: false } => String::from("arrives twice"),
        PacketFault::Duplicated { set_dup: true } => String::from("arrives twice, the copy with DUP"),
        PacketFault::Delayed(duration) => format!("arrives {} late", seconds(*duration)),
        PacketFault::CutAfter { bytes } => {
            format!("is cut after {bytes} bytes, and the connection with it")
        }
    }
}

fn stream_fault(fault: &StreamFault) -> String {
    match fault {
        StreamFault::ResetAfter { bytes } => format!("is reset after {bytes} more bytes"),
        StreamFault::FinAfter { bytes } => format!("ends after {bytes} more bytes"),
        StreamFault::Fragment { sizes } => format!("comes in pieces of {sizes:?} bytes"),
        StreamFault::Stall { duration } => format!("stalls {}", lasting(*duration)),
        StreamFault::Partition { duration } => {
            format!("is partitioned {}: what is sent vanishes", lasting(*duration))
        }
    }
}

fn lasting(duration: Option<Duration>) -> String {
    duration.map_or(String::from("until healed"), |duration| format!("for {}", seconds(duration)))
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
