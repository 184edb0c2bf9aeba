//! Other people's codecs, asked about every well-formed packet on its way.
//!
//! Our codec judges brokers; these judge our codec. A packet that we find flawless and they refuse is a
//! disagreement for us to look into, never a broker's fault. mqttbytes speaks for MQTT 3.1.1 (its 5.0 half
//! stalls on valid packets), amq-protocol for AMQP, behind a limit of our own on nesting (it recurses).

use amq_protocol::frame::parse_frame;
use bytes::{Bytes, BytesMut};
use mqspec_wire::Spec;
use mqttbytes::v4;

/// The longest frame that is shown to amq-protocol: a table nested as deep as this allows cannot overflow
/// its stack.
const LONGEST_FRAME: usize = 4096;

/// What another codec has against a packet from the broker that we find flawless.
pub fn on_received(spec: Spec, raw: &Bytes) -> Option<String> {
    doubt(spec, raw).map(|why| format!("received {}: {why}", hex(raw)))
}

/// What another codec has against a packet of ours that is meant to be well-formed.
pub fn on_sent(spec: Spec, raw: &Bytes) -> Option<String> {
    doubt(spec, raw).map(|why| format!("sent {}: {why}", hex(raw)))
}

fn doubt(spec: Spec, raw: &Bytes) -> Option<String> {
    match spec {
        Spec::Mqtt50 => None,
        Spec::Mqtt311 => {
            let mut stream = BytesMut::from(raw.as_ref());
            match v4::read(&mut stream, raw.len()) {
                Ok(_) if stream.is_empty() => None,
                Ok(_) => Some(format!("mqttbytes leaves {} bytes", stream.len())),
                Err(error) => Some(format!("mqttbytes: {error:?}")),
            }
        }
        Spec::Amqp091 if raw.len() > LONGEST_FRAME || raw.first().is_none_or(|kind| *kind == b'A') => None,
        Spec::Amqp091 => match parse_frame(raw.as_ref()) {
            Ok(([], _)) => None,
            Ok((rest, _)) => Some(format!("amq-protocol leaves {} bytes", rest.len())),
            Err(error) => Some(format!("amq-protocol: {error:?}")),
        },
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
