//! Faults in words, for the trace and the report.

use std::time::Duration;

use mqspec_conformance::plan::{
    BrokerFault, ConnectFault, Direction, Fault, OpenFor, PacketFault, StreamFault, When,
};

/// What is planned: `planned: the next pubrel to the actor is lost, then the connection is cut`.
pub fn fault(fault: &Fault) -> String {
    match fault {
        Fault::Packet { direction, packet, when, fault, .. } => {
            let packet = packet.as_deref().unwrap_or("packet");
            format!("planned: {} {} {}", which(*when, packet), way(*direction), packet_fault(fault))
        }
        Fault::Stream { direction, fault, .. } => {
            let stream = match fault {
                StreamFault::HalfOpen { .. } => String::from("the connection"),
                StreamFault::SlowReader { .. } => String::from("the actor"),
                StreamFault::ResetAfter { .. }
                | StreamFault::FinAfter { .. }
                | StreamFault::Fragment { .. }
                | StreamFault::Coalesce { .. }
                | StreamFault::Latency { .. }
                | StreamFault::Loss { .. }
                | StreamFault::Bandwidth { .. }
                | StreamFault::Stall { .. }
                | StreamFault::Partition { .. } => format!("the stream {}", way(*direction)),
            };
            format!("planned: {stream} {}", stream_fault(fault))
        }
        Fault::Connect { fault, times, .. } => {
            let which = match times {
                0 | 1 => String::from("the next attempt"),
                times => format!("each of the next {times} attempts"),
            };
            format!("planned: {which} to connect {}", connect_fault(*fault))
        }
        Fault::Heal { .. } => String::from("healed: every fault is taken back"),
    }
}

/// What happens to the broker.
pub fn broker(fault: BrokerFault) -> &'static str {
    match fault {
        BrokerFault::Kill => "killed",
        BrokerFault::Start => "started",
        BrokerFault::Stop => "stopped",
        BrokerFault::PowerLoss => "without power",
        BrokerFault::StartInVain => "started in vain",
    }
}

/// `1st`, `2nd`, `3rd`, `4th`, `11th`.
fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `the next publish`, `every 3rd publish from the 2nd on, within 2 s to 10 s, with a probability of 5 %`.
fn which(when: When, packet: &str) -> String {
    let packets = match (when.nth, when.every, when.times) {
        (0 | 1, 1, Some(1)) => format!("the next {packet}"),
        (nth, _, Some(1)) => format!("the {} next {packet}", ordinal(nth)),
        (0 | 1, 1, _) => format!("each {packet}"),
        (nth, every, _) => format!("every {} {packet} from the {} on", ordinal(every), ordinal(nth.max(1))),
    };
    let probability =
        when.probability.map_or(String::new(), |probability| format!(" with a probability of {probability}"));
    let window = match (when.after, when.until) {
        (Duration::ZERO, None) => String::new(),
        (after, None) => format!(" after {}", seconds(after)),
        (after, Some(until)) => format!(" from {} to {}", seconds(after), seconds(until)),
    };
    let times = match when.times {
        Some(times) if times > 1 => format!(", {times} times at most,"),
        Some(_) | None => String::new(),
    };
    format!("{packets}{probability}{window}{times}")
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::ToActor => "to the actor",
        Direction::FromActor => "from the actor",
        Direction::Both => "in both directions",
    }
}

/// What happens to a packet: `is lost, then the connection is cut`.
pub fn packet_fault(fault: &PacketFault) -> String {
    match fault {
        PacketFault::LostThenCut => String::from("is lost, then the connection is cut"),
        PacketFault::DeliveredThenCut => String::from("arrives, then the connection is cut"),
        PacketFault::Duplicated { set_dup: false } => String::from("arrives twice"),
        PacketFault::Duplicated { set_dup: true } => String::from("arrives twice, the copy with DUP"),
        PacketFault::Delayed(duration) => format!("arrives {} late", seconds(*duration)),
        PacketFault::CutAfter { bytes } => {
            format!("is cut after {} bytes, and the connection with it", bytes.number)
        }
        PacketFault::Reordered { behind: 1 } => String::from("is overtaken by the next packet"),
        PacketFault::Reordered { behind } => format!("is overtaken by {behind} packets"),
        PacketFault::Flipped { bit: None } => String::from("arrives with one bit changed"),
        PacketFault::Flipped { bit: Some(bit) } => {
            format!("arrives with bit {} of byte {} changed", 7 - bit.number % 8, bit.number / 8)
        }
    }
}

/// What happens to an attempt to connect.
pub fn connect_fault(fault: ConnectFault) -> &'static str {
    match fault {
        ConnectFault::Refused => "is refused",
        ConnectFault::TimedOut => "is not answered",
    }
}

fn stream_fault(fault: &StreamFault) -> String {
    match fault {
        StreamFault::ResetAfter { bytes } => format!("is reset after {} more bytes", bytes.number),
        StreamFault::FinAfter { bytes } => format!("ends after {} more bytes", bytes.number),
        StreamFault::Fragment { sizes } => format!("comes in pieces of {sizes:?} bytes"),
        StreamFault::Coalesce { within, duration } => {
            format!("gathers what is written within {} {}", seconds(*within), lasting(*duration))
        }
        StreamFault::Latency { base, jitter, duration } if jitter.is_zero() => {
            format!("takes {} longer {}", seconds(*base), lasting(*duration))
        }
        StreamFault::Latency { base, jitter, duration } => {
            format!("takes {} to {} longer {}", seconds(*base), seconds(*base + *jitter), lasting(*duration))
        }
        StreamFault::Loss { probability, reset_after, duration } => format!(
            "loses each piece with a probability of {probability} {}, and is reset after {reset_after} losses \
             in a row",
            lasting(*duration)
        ),
        StreamFault::Bandwidth { bytes_per_second, duration } => {
            format!("passes {bytes_per_second} bytes a second {}", lasting(*duration))
        }
        StreamFault::SlowReader { bytes_per_second, duration } => {
            format!("reads {bytes_per_second} bytes a second {}", lasting(*duration))
        }
        StreamFault::Stall { duration } => format!("stalls {}", lasting(*duration)),
        StreamFault::Partition { duration } => {
            format!("is partitioned {}: what is sent vanishes", lasting(*duration))
        }
        StreamFault::HalfOpen { for_whom: OpenFor::Broker, duration } => {
            format!("is gone for the actor, and open for the broker {}", lasting(*duration))
        }
        StreamFault::HalfOpen { for_whom: OpenFor::Actor, duration } => {
            format!("is gone for the broker, and open for the actor {}", lasting(*duration))
        }
    }
}

fn lasting(duration: Option<Duration>) -> String {
    duration.map_or(String::from("until healed"), |duration| format!("for {}", seconds(duration)))
}

/// A time in seconds: `0.2 s`.
pub fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_are_written_as_they_are_spoken() {
        let written: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 102, 112].map(ordinal).to_vec();
        assert_eq!(written, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "112th"]);
    }
}
