//! Disagreements that have been looked into, as data.

/// A statement about which the broker's codec and the tester's differ on purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exception {
    /// The statement, with its standard.
    pub(crate) statement: &'static str,
    /// In which packets; in all where none is named.
    pub(crate) packets: &'static [&'static str],
    /// Why.
    #[expect(dead_code, reason = "for the reader")]
    pub(crate) reason: &'static str,
}

const fn exception(
    statement: &'static str,
    packets: &'static [&'static str],
    reason: &'static str,
) -> Exception {
    Exception { statement, packets, reason }
}

const SUBSCRIBING: &[&str] = &["subscribe", "unsubscribe"];
const FILTERS: &str = "the handler looks at filters, as it answers them one by one";
const CHANNELS: &str = "the handler knows which channel it is on";
const LENIENT_RECEIVER: &str = "binds the sender; RabbitMQ takes it, and so does this broker";

const PASSED_ON: &str = "properties pass as octets; reasons and reserved fields are not read, as in RabbitMQ";

/// What the lenient codec notes and the strict one accepts.
#[rustfmt::skip]
pub(crate) const LEFT_TO_THE_BROKER: &[Exception] = &[
    exception("mqtt-3.1.1/MQSPEC-2.2.3-remaining-length-minimal", &[], "3.1.1 obliges no receiver to refuse it"),
    exception("mqtt-3.1.1/MQTT-4.7.1-2", SUBSCRIBING, FILTERS),
    exception("mqtt-3.1.1/MQTT-4.7.1-3", SUBSCRIBING, FILTERS),
    exception("mqtt-3.1.1/MQTT-4.7.3-1", SUBSCRIBING, FILTERS),
    exception("mqtt-5.0/MQTT-4.7.1-1", SUBSCRIBING, FILTERS),
    exception("mqtt-5.0/MQTT-4.7.1-2", SUBSCRIBING, FILTERS),
    exception("mqtt-5.0/MQTT-4.7.3-1", SUBSCRIBING, FILTERS),
    exception("mqtt-5.0/MQTT-4.8.2-1", SUBSCRIBING, FILTERS),
    exception("mqtt-5.0/MQTT-4.8.2-2", SUBSCRIBING, FILTERS),
    exception("mqtt-5.0/MQTT-3.8.3-4", &["subscribe"], FILTERS),
    exception("mqtt-5.0/MQSPEC-3.1.3.2.3-will-payload-format", &["connect"], "looking at payloads is a choice of the operator"),
    exception("mqtt-5.0/MQSPEC-3.3.2.3.2-payload-format", &["publish"], "looking at payloads is a choice of the operator"),
    exception("mqtt-5.0/MQTT-3.4.2-1", &["puback"], "0x10 of a client is an acknowledgement all the same"),
    exception("mqtt-5.0/MQTT-3.5.2-1", &["pubrec"], "0x10 of a client is an acknowledgement all the same"),
    exception("mqtt-5.0/MQTT-3.15.2-1", &["auth"], "the handler knows which reason code is due"),
    exception("mqtt-5.0/MQSPEC-3.15.2.2.2-authentication-method-missing", &["auth"], "the handler compares it with CONNECT's"),

    exception("amqp-0-9-1/AMQP-4.2.3-connection-channel-zero", &[], CHANNELS),
    exception("amqp-0-9-1/AMQP-4.2.3-channel-zero-global", &[], CHANNELS),
    exception("amqp-0-9-1/AMQP-4.2.6.1-channel-nonzero", &[], CHANNELS),
    exception("amqp-0-9-1/AMQP-4.2.7-heartbeat-channel", &[], CHANNELS),
    exception("amqp-0-9-1/MQSPEC-ref-1-reserved-fields", &[], LENIENT_RECEIVER),
    exception("amqp-0-9-1/MQSPEC-4.2.5.2-unused-bits", &[], LENIENT_RECEIVER),
    exception("amqp-0-9-1/MQSPEC-4.2.1-boolean-octet", &[], "any octet but zero is true"),
    exception("amqp-0-9-1/AMQP-4.2.5.5-field-name-form", &[], "x-match itself breaks it"),
    exception("amqp-0-9-1/AMQP-4.2.5.5-duplicate-fields", &[], LENIENT_RECEIVER),
    exception("rabbitmq/RMQ-table-types", &[], "U and L of the standard's own list are understood"),
    exception("amqp-0-9-1/AMQP-4.2.1-property-flags-continuation", &["content-header"], "a word of flags that is empty says nothing"),
    exception("amqp-0-9-1/AMQP-exchange-name-length", &[], LENIENT_RECEIVER),
    exception("amqp-0-9-1/AMQP-queue-name-length", &[], LENIENT_RECEIVER),
    exception("amqp-0-9-1/AMQP-path-length", &["connection.open"], "no such virtual host is configured"),
    exception("amqp-0-9-1/AMQP-exchange.declare.exchange-notnull", &["exchange.declare"], "the handler answers for the default exchange"),
    exception("amqp-0-9-1/AMQP-exchange.delete.exchange-notnull", &["exchange.delete"], "the handler answers for the default exchange"),
    exception("amqp-0-9-1/AMQP-connection.tune-ok.frame-max-minimum", &["connection.tune-ok"], "the handler agrees on limits"),
    exception("amqp-0-9-1/AMQP-reply-code-present", &["channel.close", "connection.close"], LENIENT_RECEIVER),
    exception("amqp-0-9-1/AMQP-4.8.2-reply-code-format", &["channel.close", "connection.close"], LENIENT_RECEIVER),
    exception("amqp-0-9-1/AMQP-reply-text-present", &["channel.close", "connection.close"], LENIENT_RECEIVER),
    exception("amqp-0-9-1/AMQP-4.2.1-shortstr-no-nul", &["content-header", "channel.open", "channel.close", "connection.close"], PASSED_ON),
    exception("amqp-0-9-1/AMQP-4.2.5.3-shortstr", &["content-header", "channel.open", "channel.close", "connection.close"], PASSED_ON),
    exception("amqp-0-9-1/AMQP-basic.delivery-mode-values", &["content-header"], LENIENT_RECEIVER),
    exception("amqp-0-9-1/AMQP-basic.priority-range", &["content-header"], LENIENT_RECEIVER),
    exception("amqp-0-9-1/AMQP-basic.reserved-empty", &["content-header"], LENIENT_RECEIVER),
    exception("rabbitmq/RMQ-ttl-expiration-malformed", &["content-header"], "the handler of publish looks at it"),
];

/// What the strict codec refuses although no rule is broken.
pub(crate) const REFUSED_AS_A_CHOICE: &[Exception] = &[];
