//! The broker's strict codec accepts exactly what the tester's lenient one finds no oddity in.

use mqspec_broker_core::fuzz::{Reading, read_amqp, read_mqtt};
use mqspec_broker_core::mqtt::codec::Version;
use mqspec_wire::fuzz::{Whole, hex, is_lost};
use mqspec_wire::{Packet, Spec};

use crate::known::{Exception, LEFT_TO_THE_BROKER, REFUSED_AS_A_CHOICE};

/// Reads a client's MQTT bytes, of which the lenient codec has found these packets.
///
/// # Panics
/// Where they disagree, beyond what is known.
pub(crate) fn agree_mqtt(spec: Spec, bytes: &[u8], whole: &Whole) {
    let version = if spec == Spec::Mqtt50 { Version::V50 } else { Version::V311 };
    agree(spec, bytes, whole, |rest| read_mqtt(rest, version));
}

/// Reads a client's AMQP octets, of which the lenient codec has found these packets; protocol headers aside.
///
/// # Panics
/// Where they disagree, beyond what is known.
pub(crate) fn agree_amqp(octets: &[u8], whole: &Whole) {
    agree(Spec::Amqp091, octets, whole, read_amqp);
}

fn agree(spec: Spec, bytes: &[u8], whole: &Whole, strict: impl Fn(&[u8]) -> Reading) {
    let mut rest = bytes;
    for packet in &whole.packets {
        let reading = strict(rest);
        if packet.name != "protocol-header" {
            judge(spec, packet, reading);
        }
        rest = rest.get(packet.raw.len()..).unwrap_or_default();
    }
    assert!(
        whole.has_more || rest.is_empty() || !matches!(strict(rest), Reading::Accepted { .. }),
        "{spec}: the strict codec accepts what the lenient one waits to see the end of: {}",
        hex(rest)
    );
}

fn judge(spec: Spec, packet: &Packet, reading: Reading) {
    let is_known = |exceptions: &[Exception], statement: &str| {
        let concerns = |known: &Exception| known.packets.is_empty() || known.packets.contains(&packet.name);
        exceptions.iter().any(|known| known.statement == statement && concerns(known))
    };
    let mut oddities = packet.oddities.iter();
    let says = match reading {
        Reading::Accepted { size } if size != packet.raw.len() => {
            format!("takes {size} bytes of {}", packet.raw.len())
        }
        Reading::Accepted { .. } => {
            match oddities.find(|oddity| !is_known(LEFT_TO_THE_BROKER, oddity.statement)) {
                Some(oddity) => format!("accepts, against {}", oddity.statement),
                None if is_lost(packet) => "accepts what cannot be framed".to_owned(),
                None => return,
            }
        }
        Reading::Incomplete if is_lost(packet) && packet.oddities.is_empty() => return,
        Reading::Incomplete => "waits for more".to_owned(),
        Reading::Refused { .. } if !packet.oddities.is_empty() || is_lost(packet) => return,
        Reading::Refused { statement } if is_known(REFUSED_AS_A_CHOICE, statement) => return,
        Reading::Refused { statement } => format!("refuses by {statement} what has no oddity"),
    };
    panic!(
        "{spec} {}: the strict codec {says}\n  bytes: {}\n  lenient: {:?}\n  {:?}",
        packet.name,
        hex(&packet.raw),
        packet.oddities,
        packet.fields
    );
}
