//! What a broker owes a client that has asked for something: the statements that say so, by the answer.

use mqspec_wire::Spec;

use super::judge::Rule;

const CONNACK: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.1.4-4"], mqtt_5_0: &["mqtt-5.0/MQTT-3.1.4-5"] };
const PUBACK: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.3.2-2"], mqtt_5_0: &["mqtt-5.0/MQTT-4.3.2-4"] };
const PUBREC: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.3.3-2"], mqtt_5_0: &["mqtt-5.0/MQTT-4.3.3-8"] };
const PUBREL: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.3.3-1", "mqtt-3.1.1/MQTT-4.4.0-1"],
    mqtt_5_0: &["mqtt-5.0/MQTT-4.3.3-4", "mqtt-5.0/MQTT-4.4.0-1"],
};
const PUBCOMP: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.3.3-2"], mqtt_5_0: &["mqtt-5.0/MQTT-4.3.3-11"] };
const SUBACK: Rule = Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.8.4-1"], mqtt_5_0: &["mqtt-5.0/MQTT-3.8.4-1"] };
const UNSUBACK: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.10.4-4"], mqtt_5_0: &["mqtt-5.0/MQTT-3.10.4-4"] };
const PINGRESP: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.12.4-1"], mqtt_5_0: &["mqtt-5.0/MQTT-3.12.4-1"] };

/// Full ids of the statements that a broker breaks that never sends this packet to a client that has done what
/// asks for it, on a connection that lives. None: no sentence demands it.
pub fn statements(spec: Spec, answer: &str) -> &'static [&'static str] {
    if spec == Spec::Amqp091 {
        return match answer {
            "confirm" => &["rabbitmq/RMQ-confirm-all-acknowledged"],
            name if name.ends_with("-ok") => &["amqp-0-9-1/AMQP-2.2.1-sync-reply-unique"],
            _ => &[],
        };
    }
    let rule = match answer {
        "connack" => CONNACK,
        "puback" => PUBACK,
        "pubrec" => PUBREC,
        "pubrel" => PUBREL,
        "pubcomp" => PUBCOMP,
        "suback" => SUBACK,
        "unsuback" => UNSUBACK,
        "pingresp" => PINGRESP,
        _ => return &[],
    };
    rule.statements(spec)
}
