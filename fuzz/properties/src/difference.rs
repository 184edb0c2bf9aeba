//! Other people's codecs over the same bytes: every disagreement is a known one, or a finding (docs/FINDINGS.md).

mod mqtt5;

use amq_protocol::frame::parse_frame;
use bytes::BytesMut;
use mqspec_fuzz_script::sender;
use mqspec_wire::fuzz::{Difference, Known, Reading, check_decoder};
use mqspec_wire::{Packet, Spec, Value};
use mqttbytes::{Error, v4};

pub use mqtt5::differential_mqtt5;

/// mqttbytes 0.6 for 3.1.1; its 5.0 half stalls on valid packets and is not asked. The first byte is the sender's, as for
/// `decode_mqtt`.
pub fn differential_mqtt(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    check_decoder(Spec::Mqtt311, sender(*choice), MQTTBYTES, bytes, |bytes| {
        let mut stream = BytesMut::from(bytes);
        match v4::read(&mut stream, 1 << 20) {
            Ok(_) => Reading::packet(bytes.len() - stream.len()),
            Err(Error::InsufficientBytes(_)) => Reading::Incomplete,
            Err(_) => Reading::Refused,
        }
    });
}

/// Its parser recurses: a table nested deeply enough ends the process, so longer inputs are not shown to it.
const LONGEST: usize = 512;

/// amq-protocol 10.6. The first byte is the sender's, as for `decode_amqp`.
pub fn differential_amqp(input: &[u8]) {
    let Some((choice, octets)) = input.split_first().filter(|(_, octets)| octets.len() <= LONGEST) else {
        return;
    };
    check_decoder(Spec::Amqp091, sender(*choice), AMQ_PROTOCOL, octets, |octets| match parse_frame(octets) {
        Ok((rest, _)) => Reading::packet(octets.len() - rest.len()),
        Err(error) if error.is_incomplete() => Reading::Incomplete,
        Err(_) => Reading::Refused,
    });
}

const EITHER_SIDE: &str = "one decoder for what clients and servers send";
const NOT_CHECKED: &str = "decoded, not checked";

/// A message's properties and the names of its headers are its sender's affair: we do not hold the broker that passes
/// them on to any form.
fn has_binary_property(packet: &Packet) -> bool {
    fn has_binary_name(value: &Value) -> bool {
        match value {
            Value::Map(entries) => entries
                .iter()
                .any(|(name, value)| std::str::from_utf8(name).is_err() || has_binary_name(value)),
            Value::List(items) => items.iter().any(has_binary_name),
            Value::Tagged(_, inner) => has_binary_name(inner),
            Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Bytes(_) | Value::Void => false,
        }
    }
    let is_binary = |value: &Value| value.as_bytes().is_some() && value.as_text().is_none();
    packet.name == "content-header"
        && packet.fields.iter().any(|field| is_binary(&field.value) || has_binary_name(&field.value))
}

/// The second word of property flags.
const FURTHER_FLAGS: &str = "amqp-0-9-1/AMQP-4.2.1-property-flags-continuation";

/// What seems odd behind a second word of flags: it reads that word as a property, and all that follows otherwise.
const fn behind_further_flags(statement: &'static str) -> Known {
    Known {
        difference: Difference::AcceptsOdd,
        statement,
        when: |packet| packet.oddities.iter().any(|oddity| oddity.statement == FURTHER_FLAGS),
        reason: "it is elsewhere in the octets, as it knows one word of flags",
    }
}

/// The password of CONNECT is binary data (§3.1.3.5).
fn has_binary_password(packet: &Packet) -> bool {
    packet.get("password").is_some_and(|password| password.as_text().is_none())
}

#[rustfmt::skip]
const MQTTBYTES: &[Known] = &[
    Known {
        difference: Difference::RefusesPlain,
        statement: "mqtt-3.1.1/MQTT-3.1.3-11",
        when: has_binary_password,
        reason: "it takes the password for text; §3.1.3.5 says binary data",
    },
    Known::lax("mqtt-3.1.1/MQSPEC-2.2.1-packet-direction", EITHER_SIDE),
    Known::lax("mqtt-3.1.1/MQSPEC-2.2.3-remaining-length-minimal", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQSPEC-2.2.3-trailing-bytes", "it drops what it does not understand of a frame"),
    Known::lax("mqtt-3.1.1/MQSPEC-2.3.1-acknowledged-packet-id-zero", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQSPEC-3.2.2.1-connack-flags-reserved", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-1.5.3-2", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-2.2.2-1", "it drops the flags"),
    Known::lax("mqtt-3.1.1/MQTT-2.3.1-1", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3-8.3-4", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.1.2-11", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.1.2-18", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.1.2-2", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.1.2-20", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.1.2-22", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.1.2-3", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.1.3-7", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.10.1-1", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.10.3-2", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.14.1-1", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.2.2-4", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.3.1-2", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.3.2-2", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.6.1-1", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.8.1-1", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-3.8.3-3", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-4.7.1-1", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-4.7.1-2", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-4.7.1-3", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-4.7.3-1", NOT_CHECKED),
    Known::lax("mqtt-3.1.1/MQTT-4.7.3-2", NOT_CHECKED),
];

#[rustfmt::skip]
const AMQ_PROTOCOL: &[Known] = &[
    behind_further_flags("amqp-0-9-1/AMQP-4.2.5.5-table-layout"),
    behind_further_flags("amqp-0-9-1/AMQP-4.2.1-field-types"),
    behind_further_flags("amqp-0-9-1/AMQP-4.2.1-field-array"),
    behind_further_flags("amqp-0-9-1/AMQP-4.2.5.3-shortstr"),
    Known {
        difference: Difference::RefusesPlain,
        statement: "amqp-0-9-1/AMQP-4.2.5.3-shortstr",
        when: has_binary_property,
        reason: "it is right that they are UTF-8; brokers pass properties on as they are, so we let them",
    },
    Known {
        difference: Difference::RefusesPlain,
        statement: "amqp-0-9-1/AMQP-4.2.1-header-literal",
        when: |packet| packet.name == "protocol-header",
        reason: "it reads the header of some versions only; §4.2.2 has servers answer with theirs",
    },
    Known::lax("amqp-0-9-1/AMQP-4.2.1-header-literal", "it reads the version and leaves it to the caller"),
    Known::lax(
        FURTHER_FLAGS,
        "it knows one word of flags, and takes further ones for properties",
    ),
    Known::lax("amqp-0-9-1/AMQP-4.2.1-shortstr-no-nul", NOT_CHECKED),
    Known::lax("amqp-0-9-1/MQSPEC-4.2.5.5-nesting", "it recurses as deep as the octets go (docs/FINDINGS.md)"),
    Known::lax("amqp-0-9-1/AMQP-4.2.3-channel-zero-global", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-4.2.3-connection-channel-zero", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-4.2.4-server-only-method", EITHER_SIDE),
    Known::lax("amqp-0-9-1/AMQP-4.2.5.5-duplicate-fields", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-4.2.5.5-field-name-form", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-4.2.6-malformed-content", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-4.2.6.1-channel-nonzero", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-4.2.6.1-class-match", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-4.2.6.1-weight-zero", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-4.2.7-heartbeat-channel", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-4.2.7-invalid-heartbeat", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-4.8.2-reply-code-format", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-basic.delivery-mode-values", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-basic.priority-range", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-basic.reserved-empty", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-connection.start.locales-required-support", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-connection.start.mechanisms-present", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-connection.start.version", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-connection.tune-ok.frame-max-minimum", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-connection.tune.frame-max-minimum", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-delivery-tag-non-zero", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-exchange-name-length", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-exchange.declare.exchange-notnull", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-exchange.delete.exchange-notnull", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-path-length", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-queue-name-length", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-reply-code-present", NOT_CHECKED),
    Known::lax("amqp-0-9-1/AMQP-reply-text-present", NOT_CHECKED),
    Known::lax("amqp-0-9-1/MQSPEC-4.2.1-boolean-octet", NOT_CHECKED),
    Known::lax("amqp-0-9-1/MQSPEC-4.2.4-client-only-method", EITHER_SIDE),
    Known::lax("amqp-0-9-1/MQSPEC-4.2.5.2-unused-bits", NOT_CHECKED),
    Known::lax("amqp-0-9-1/MQSPEC-4.2.6.1-undefined-flag", NOT_CHECKED),
    Known::lax("amqp-0-9-1/MQSPEC-ref-1-reserved-fields", NOT_CHECKED),
    Known::lax("rabbitmq/RMQ-ccn-nowait-set", NOT_CHECKED),
    Known::lax("rabbitmq/RMQ-confirm-sequence-from-one", NOT_CHECKED),
    Known::lax("rabbitmq/RMQ-table-types", "it has the standard's own tags too"),
    Known::lax("rabbitmq/RMQ-ttl-expiration-malformed", NOT_CHECKED),
];
