//! How the broker of a script is set up.

use mqspec_broker_core::Config;
use mqspec_broker_core::amqp::AmqpConfig;
use mqspec_broker_core::mqtt::MqttConfig;
use mqspec_wire::Spec;

/// Small limits, so that a short script reaches them.
pub(super) fn config() -> Config {
    Config {
        mqtt: MqttConfig {
            receive_maximum: 3,
            maximum_packet_size: 2_000,
            queued_messages_maximum: 4,
            retained_messages_maximum: 4,
            sessions_maximum: 6,
            subscriptions_maximum: 6,
            high_water_bytes: 300,
            unread_replies_bytes: 2_000,
            echo_authentication: true,
            validate_payload_format: true,
            ..MqttConfig::default()
        },
        amqp: AmqpConfig { backlog_max: 1_000, answers_max: 20_000, channel_max: 8, ..AmqpConfig::default() },
        durable: true,
    }
}

/// The same as settings of a scenario's broker. How much may wait for a slow reader is not among them: an actor reads
/// at once.
pub fn settings(spec: Spec) -> Vec<(&'static str, String)> {
    let Config { mqtt, amqp, .. } = config();
    if spec == Spec::Amqp091 {
        return vec![("channel_max", amqp.channel_max.to_string())];
    }
    vec![
        ("receive_maximum", mqtt.receive_maximum.to_string()),
        ("maximum_packet_size", mqtt.maximum_packet_size.to_string()),
        ("queued_messages_maximum", mqtt.queued_messages_maximum.to_string()),
        ("retained_messages_maximum", mqtt.retained_messages_maximum.to_string()),
        ("sessions_maximum", mqtt.sessions_maximum.to_string()),
        ("subscriptions_maximum", mqtt.subscriptions_maximum.to_string()),
        ("echo_authentication", mqtt.echo_authentication.to_string()),
        ("validate_payload_format", mqtt.validate_payload_format.to_string()),
    ]
}
