//! Two opinions about MQTT 5.0: mqtt-proto 0.4 and mqtt-protocol-core 0.7.9, each given what its own framing needs.

use mqspec_fuzz_script::sender;
use mqspec_wire::fuzz::{Difference, Known, Reading, check_decoder};
use mqspec_wire::{Packet, Spec, Value};
use mqtt_proto::v5::{ErrorV5, Header, Packet as ProtoPacket};
use mqtt_proto::{PollHeader, QoS};
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{PacketBuildResult, PacketBuilder, PacketData, RawPacket};
use mqtt_protocol_core::mqtt::packet::v5_0;

use super::{EITHER_SIDE, NOT_CHECKED};

/// MQTT 5.0 by mqtt-proto 0.4 and by mqtt-protocol-core 0.7. The first byte is the sender's, as for `decode_mqtt`; which
/// version it says is not looked at.
pub fn differential_mqtt5(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    check_decoder(Spec::Mqtt50, sender(*choice), MQTT_PROTO, bytes, mqtt_proto);
    check_decoder(Spec::Mqtt50, sender(*choice), MQTT_PROTOCOL_CORE, bytes, mqtt_protocol_core);
}

/// Subscription identifiers of a PUBLISH, where there are several.
fn has_several_identifiers(packet: &Packet) -> bool {
    packet.name == "publish"
        && packet.fields.iter().filter(|field| field.name == "subscription_identifier").count() > 1
}

const FLAGS: &str = "it drops the flags of all packets but PUBLISH";

#[rustfmt::skip]
const MQTT_PROTO: &[Known] = &[
    Known {
        difference: Difference::RefusesPlain,
        statement: "mqtt-5.0/MQTT-3.14.2-1",
        when: |packet| packet.name == "disconnect" && packet.integer("reason_code") == Some(0x8C),
        reason: "the standard has it both ways: the table of §2.4 gives 0x8C to DISCONNECT, that of §3.14.2.1 does not",
    },
    Known {
        difference: Difference::RefusesPlain,
        statement: "mqtt-5.0/MQTT-3.3.4-4",
        when: has_several_identifiers,
        reason: "it takes a second one for a repeated property; §3.3.2.3.8 has servers list those of all that match",
    },
    Known::lax("mqtt-5.0/MQSPEC-2.1.2-packet-direction", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQSPEC-2.1.4-trailing-bytes", "it drops what it does not understand of a frame"),
    Known::lax("mqtt-5.0/MQSPEC-3.1.2.11.10-authentication-data-without-method", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.1.2.11.3-receive-maximum-zero", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.1.2.11.4-maximum-packet-size-zero", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.15.2.2.2-authentication-method-missing", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.2.2.3.3-receive-maximum-zero", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.2.2.3.6-maximum-packet-size-zero", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.3.2.1-topic-empty-without-alias", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.3.2.3.8-subscription-identifier-zero", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.8.2.1.2-subscription-identifier-zero", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-1.5.4-2", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-1.5.5-1", "it reads lengths that take more bytes than they need"),
    Known::lax("mqtt-5.0/MQTT-3.1.2-13", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.1.2-16", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.1.2-18", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.11.3-2", "it takes a list of no reason codes"),
    Known::lax("mqtt-5.0/MQTT-3.14.2-1", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.14.2-2", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.15.2-1", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.2.2-6", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.3.1-2", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.3.2-8", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.3.4-6", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.4.2-1", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.5.2-1", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.8.3-4", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.8.4-6", "it takes a list of no reason codes"),
    Known::lax("mqtt-5.0/MQTT-4.7.1-2", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-4.7.3-1", NOT_CHECKED),
];

#[rustfmt::skip]
const MQTT_PROTOCOL_CORE: &[Known] = &[
    Known {
        difference: Difference::RefusesPlain,
        statement: "mqtt-5.0/MQTT-3.14.2-1",
        when: |packet| packet.name == "disconnect" && packet.integer("reason_code") == Some(0x8C),
        reason: "the standard has it both ways: the table of §2.4 gives 0x8C to DISCONNECT, that of §3.14.2.1 does not",
    },
    Known {
        difference: Difference::RefusesPlain,
        statement: "mqtt-5.0/MQTT-3.1.2-19",
        when: |packet| {
            packet.name == "connect" && packet.get("password").is_some() && packet.get("user_name").is_none()
        },
        reason: "it keeps 3.1.1's rule; §3.1.2.9 of 5.0 lets a password come without a user name",
    },
    Known::lax("mqtt-5.0/MQSPEC-2.1.2-packet-direction", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQSPEC-2.2.1-acknowledged-packet-id-zero", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-2.2.2.2-property-repeated", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.1.2.11.10-authentication-data-without-method", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.1.3.2.3-will-payload-format", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.15.2.2.2-authentication-method-missing", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.3.2.1-topic-empty-without-alias", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQSPEC-3.3.2.3.2-payload-format", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-1.5.4-2", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-1.5.5-1", "it reads lengths that take more bytes than they need"),
    Known::lax("mqtt-5.0/MQTT-2.1.3-1", FLAGS),
    Known::lax("mqtt-5.0/MQTT-2.2.1-3", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-2.2.1-4", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-2.2.2-1", "it takes packets without their Property Length"),
    Known::lax("mqtt-5.0/MQTT-3.1.2-11", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.1.2-12", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.1.2-13", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.1.2-3", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.10.1-1", FLAGS),
    Known::lax("mqtt-5.0/MQTT-3.14.1-1", FLAGS),
    Known::lax("mqtt-5.0/MQTT-3.14.2-1", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.14.2-2", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.15.1-1", FLAGS),
    Known::lax("mqtt-5.0/MQTT-3.15.2-1", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.2.2-1", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.2.2-6", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.3.1-2", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.3.2-14", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.3.2-2", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-3.3.4-6", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.4.2-1", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.5.2-1", EITHER_SIDE),
    Known::lax("mqtt-5.0/MQTT-3.6.1-1", FLAGS),
    Known::lax("mqtt-5.0/MQTT-3.8.1-1", FLAGS),
    Known::lax("mqtt-5.0/MQTT-3.8.3-4", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-4.7.0-1", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-4.7.1-1", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-4.7.1-2", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-4.7.3-1", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-4.7.3-2", NOT_CHECKED),
    Known::lax("mqtt-5.0/MQTT-4.8.2-2", NOT_CHECKED),
];

/// mqtt-proto, of which the function for one whole packet is asked: that for slices reads on behind the packet's end.
fn mqtt_proto(bytes: &[u8]) -> Reading {
    let header = match Header::decode(bytes) {
        Ok(header) => header,
        Err(ErrorV5::Common(error)) if error.is_eof() => return Reading::Incomplete,
        Err(_) => return Reading::Refused,
    };
    let remaining = PollHeader::remaining_len(&header);
    // The length of its own that it keeps is wrong for an empty packet with a length of several bytes.
    let ends = bytes.iter().skip(1).take_while(|byte| **byte & 0x80 != 0).count() + 2 + remaining;
    let Some(frame) = bytes.get(..ends) else { return Reading::Incomplete };
    let packet = match header.build_empty_packet() {
        Some(packet) => Ok(packet),
        None => header.decode_buffer(frame.get(ends - remaining..).unwrap_or_default(), &mut 0),
    };
    match packet {
        Ok(packet) => {
            let (name, fields) = read_by_proto(&packet);
            Reading::Packet { size: ends, name: Some(name), fields }
        }
        Err(_) => Reading::Refused,
    }
}

type Fields = Vec<(&'static str, Value)>;

fn read_by_proto(packet: &ProtoPacket) -> (&'static str, Fields) {
    match packet {
        ProtoPacket::Pingreq => ("pingreq", Vec::new()),
        ProtoPacket::Pingresp => ("pingresp", Vec::new()),
        ProtoPacket::Connect(connect) => {
            let mut fields = vec![
                ("clean_start", Value::Bool(connect.clean_start)),
                ("keep_alive", number(connect.keep_alive)),
                ("client_id", Value::text(&connect.client_id)),
            ];
            fields.extend(connect.username.iter().map(|name| ("user_name", Value::text(name))));
            fields.extend(connect.password.iter().map(|password| ("password", binary(password))));
            if let Some(will) = &connect.last_will {
                fields.push(("will_topic", Value::text(&will.topic_name)));
                fields.push(("will_payload", binary(&will.payload)));
            }
            ("connect", fields)
        }
        ProtoPacket::Connack(connack) => (
            "connack",
            vec![
                ("session_present", Value::Bool(connack.session_present)),
                ("reason_code", number(connack.reason_code as u8)),
            ],
        ),
        ProtoPacket::Publish(publish) => {
            let mut fields = vec![
                ("topic", Value::text(&publish.topic_name)),
                ("payload", binary(&publish.payload)),
                ("dup", Value::Bool(publish.dup)),
                ("retain", Value::Bool(publish.retain)),
                ("qos", quality(publish.qos_pid.qos())),
            ];
            fields.extend(publish.qos_pid.pid().map(|pid| ("packet_id", number(pid.value()))));
            let properties = &publish.properties;
            let expiry = properties.message_expiry_interval;
            fields.extend(expiry.map(|seconds| ("message_expiry_interval", number(seconds))));
            fields.extend(properties.topic_alias.map(|alias| ("topic_alias", number(alias))));
            ("publish", fields)
        }
        ProtoPacket::Puback(packet) => ("puback", acknowledged(packet.pid, packet.reason_code as u8)),
        ProtoPacket::Pubrec(packet) => ("pubrec", acknowledged(packet.pid, packet.reason_code as u8)),
        ProtoPacket::Pubrel(packet) => ("pubrel", acknowledged(packet.pid, packet.reason_code as u8)),
        ProtoPacket::Pubcomp(packet) => ("pubcomp", acknowledged(packet.pid, packet.reason_code as u8)),
        ProtoPacket::Subscribe(packet) => ("subscribe", vec![("packet_id", number(packet.pid.value()))]),
        ProtoPacket::Suback(packet) => {
            let codes = packet.topics.iter().map(|code| number(*code as u8)).collect();
            ("suback", vec![("packet_id", number(packet.pid.value())), ("reason_codes", Value::List(codes))])
        }
        ProtoPacket::Unsubscribe(packet) => {
            let filters = packet.topics.iter().map(|filter| Value::text(filter)).collect();
            (
                "unsubscribe",
                vec![("packet_id", number(packet.pid.value())), ("filters", Value::List(filters))],
            )
        }
        ProtoPacket::Unsuback(packet) => {
            let codes = packet.topics.iter().map(|code| number(*code as u8)).collect();
            (
                "unsuback",
                vec![("packet_id", number(packet.pid.value())), ("reason_codes", Value::List(codes))],
            )
        }
        ProtoPacket::Disconnect(packet) => {
            ("disconnect", vec![("reason_code", number(packet.reason_code as u8))])
        }
        ProtoPacket::Auth(packet) => ("auth", vec![("reason_code", number(packet.reason_code as u8))]),
    }
}

fn acknowledged(pid: mqtt_proto::Pid, reason_code: u8) -> Fields {
    vec![("packet_id", number(pid.value())), ("reason_code", number(reason_code))]
}

fn quality(qos: QoS) -> Value {
    number(qos as u8)
}

fn number(number: impl Into<i128>) -> Value {
    Value::Integer(number.into())
}

fn binary(bytes: &[u8]) -> Value {
    Value::Bytes(bytes::Bytes::copy_from_slice(bytes))
}

/// mqtt-protocol-core: its framing, then the parser of the packet, which must take all of it.
fn mqtt_protocol_core(bytes: &[u8]) -> Reading {
    let mut stream = Cursor::new(bytes);
    // It reserves what a length field says, so what is not there yet is refused.
    let longest = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let packet = match PacketBuilder::with_maximum_packet_size(longest).feed(&mut stream) {
        PacketBuildResult::Complete(packet) => packet,
        PacketBuildResult::Incomplete => return Reading::Incomplete,
        PacketBuildResult::Error(_) => return Reading::Refused,
    };
    let size = usize::try_from(stream.position()).unwrap_or(usize::MAX);
    match read_by_core(&packet) {
        Some((name, fields)) => Reading::Packet { size, name: Some(name), fields },
        None => Reading::Refused,
    }
}

/// `None`: its parser refuses it.
fn read_by_core(packet: &RawPacket) -> Option<(&'static str, Fields)> {
    let plain = |name, is_whole: bool| is_whole.then(|| (name, Vec::new()));
    match packet.packet_type() {
        1 => {
            let connect = packet.parse_exact(v5_0::Connect::parse).ok()?;
            let mut fields = vec![
                ("clean_start", Value::Bool(connect.clean_start())),
                ("keep_alive", number(connect.keep_alive())),
                ("client_id", Value::text(connect.client_id())),
            ];
            fields.extend(connect.user_name().map(|name| ("user_name", Value::text(name))));
            fields.extend(connect.password().map(|password| ("password", binary(password))));
            fields.extend(connect.will_topic().map(|topic| ("will_topic", Value::text(topic))));
            fields.extend(connect.will_payload().map(|payload| ("will_payload", binary(payload))));
            Some(("connect", fields))
        }
        2 => plain("connack", packet.parse_exact(v5_0::Connack::parse).is_ok()),
        3 => {
            let PacketData::Publish(data) = &packet.data else { return None };
            let (publish, size) = v5_0::Publish::parse(packet.flags(), data.clone()).ok()?;
            if size != data.len() {
                return None;
            }
            let mut fields = vec![
                ("topic", Value::text(publish.topic_name())),
                ("payload", binary(publish.payload().as_slice())),
                ("dup", Value::Bool(publish.dup())),
                ("retain", Value::Bool(publish.retain())),
                ("qos", number(publish.qos() as u8)),
            ];
            fields.extend(publish.packet_id().map(|identifier| ("packet_id", number(identifier))));
            Some(("publish", fields))
        }
        4 => plain("puback", packet.parse_exact(v5_0::Puback::parse).is_ok()),
        5 => plain("pubrec", packet.parse_exact(v5_0::Pubrec::parse).is_ok()),
        6 => plain("pubrel", packet.parse_exact(v5_0::Pubrel::parse).is_ok()),
        7 => plain("pubcomp", packet.parse_exact(v5_0::Pubcomp::parse).is_ok()),
        8 => plain("subscribe", packet.parse_exact(v5_0::Subscribe::parse).is_ok()),
        9 => plain("suback", packet.parse_exact(v5_0::Suback::parse).is_ok()),
        10 => plain("unsubscribe", packet.parse_exact(v5_0::Unsubscribe::parse).is_ok()),
        11 => plain("unsuback", packet.parse_exact(v5_0::Unsuback::parse).is_ok()),
        12 => plain("pingreq", packet.parse_exact(v5_0::Pingreq::parse).is_ok()),
        13 => plain("pingresp", packet.parse_exact(v5_0::Pingresp::parse).is_ok()),
        14 => plain("disconnect", packet.parse_exact(v5_0::Disconnect::parse).is_ok()),
        15 => plain("auth", packet.parse_exact(v5_0::Auth::parse).is_ok()),
        _ => None,
    }
}
