//! What a scenario may need of a broker beyond what its standard demands of every broker.

use mqspec_wire::{FieldShape, Shape};

/// Something that a broker can do or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// The name in `needs`: MQTT 5.0's property where it has one, AMQP's server capability.
    pub name: &'static str,
    /// Whether it is MQTT's; AMQP's otherwise.
    pub mqtt: bool,
    /// The largest value of a number; `None` for something that is there or not.
    pub most: Option<u64>,
    /// What a broker with it does.
    pub gist: &'static str,
}

impl Capability {
    /// The form of its value in a scenario.
    pub fn field(&self) -> FieldShape {
        let shape = self.most.map_or(Shape::Bool, Shape::Unsigned);
        FieldShape { name: self.name, shape, labels: &[], optional: false }
    }
}

const fn mqtt(name: &'static str, most: Option<u64>, gist: &'static str) -> Capability {
    Capability { name, mqtt: true, most, gist }
}

const fn amqp(name: &'static str, most: Option<u64>, gist: &'static str) -> Capability {
    Capability { name, mqtt: false, most, gist }
}

/// Every capability.
pub const CAPABILITIES: &[Capability] = &[
    mqtt("maximum_qos", Some(2), "accepts PUBLISH up to this QoS"),
    mqtt("retain_available", None, "keeps retained messages"),
    mqtt("wildcard_subscription_available", None, "accepts `+` and `#` in filters"),
    mqtt("subscription_identifier_available", None, "accepts subscription identifiers"),
    mqtt("shared_subscription_available", None, "accepts `$share/…` filters"),
    mqtt("receive_maximum", Some(65_535), "takes this many unacknowledged PUBLISH at once"),
    mqtt("topic_alias_maximum", Some(65_535), "takes this many topic aliases"),
    mqtt("maximum_packet_size", Some(4_294_967_295), "takes packets of this many bytes"),
    mqtt("sessions", None, "keeps sessions beyond their connection"),
    mqtt("empty_client_id", None, "lets a client in that names no client identifier"),
    mqtt("anonymous", None, "lets clients in that name no user"),
    mqtt("authentication", None, "turns wrong credentials away"),
    mqtt("durable", None, "keeps sessions and retained messages when it restarts"),
    amqp("publisher_confirms", None, "knows confirm.select"),
    amqp("exchange_exchange_bindings", None, "knows exchange.bind"),
    amqp("basic.nack", None, "knows basic.nack"),
    amqp("consumer_cancel_notify", None, "tells a consumer that its queue is gone"),
    amqp("connection.blocked", None, "tells a publisher that it is blocked"),
    amqp("consumer_priorities", None, "knows x-priority"),
    amqp("authentication_failure_close", None, "says 403 before it turns a login away"),
    amqp("per_consumer_qos", None, "reads basic.qos' global bit as RabbitMQ does"),
    amqp("direct_reply_to", None, "knows amq.rabbitmq.reply-to"),
    amqp("transactions", None, "knows tx.select"),
    amqp("internal_exchanges", None, "knows internal exchanges"),
    amqp("message_ttl", None, "knows x-message-ttl, x-expires and expiration"),
    amqp("dead_lettering", None, "knows x-dead-letter-exchange"),
    amqp("length_limit", None, "knows x-max-length and x-overflow"),
    amqp("priority_queues", None, "knows x-max-priority"),
    amqp("alternate_exchange", None, "knows alternate-exchange"),
    amqp("authentication", None, "turns wrong credentials away"),
    amqp("durable", None, "keeps durable queues and persistent messages when it restarts"),
    amqp("channel_max", Some(65_535), "takes this many channels (0 counts as 65,535)"),
    amqp("frame_max", Some(4_294_967_295), "takes frames of this many octets (0 counts as no limit)"),
];
