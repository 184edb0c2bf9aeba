//! How a scenario may set up the reference broker.

use mqspec_wire::{Shape, Value};

/// A setting of the reference broker, as `broker: { name: value }` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// The form of its value.
    pub shape: Shape,
    /// The smallest number that it takes.
    pub least: u64,
    /// What it takes, in words.
    pub takes: &'static str,
}

impl Setting {
    /// The setting of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// Whether it can have this value.
    pub fn accepts(&self, value: &Value) -> bool {
        match &self.shape {
            Shape::Bool => value.as_bool().is_some(),
            Shape::Unsigned(most) => value
                .as_integer()
                .is_some_and(|number| (i128::from(self.least)..=i128::from(*most)).contains(&number)),
            Shape::Table => matches!(value, Value::Map(entries)
                if entries.iter().all(|(_, password)| password.as_text().is_some())),
            Shape::Text | Shape::Binary => value.as_bytes().is_some(),
            Shape::List(_) => matches!(value, Value::List(_)),
        }
    }
}

const fn bit(name: &'static str) -> Setting {
    Setting { name, shape: Shape::Bool, least: 0, takes: "true or false" }
}

const fn number(name: &'static str, least: u64, most: u64, takes: &'static str) -> Setting {
    Setting { name, shape: Shape::Unsigned(most), least, takes }
}

const TWO_BYTES: u64 = u16::MAX as u64;
const FOUR_BYTES: u64 = u32::MAX as u64;

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "users",
        shape: Shape::Table,
        least: 0,
        takes: "a map of MQTT user names to passwords; without it everybody is let in",
    },
    number("maximum_qos", 0, 2, "0, 1 or 2"),
    bit("retain_available"),
    bit("wildcard_subscription_available"),
    bit("subscription_identifiers_available"),
    bit("shared_subscription_available"),
    number("receive_maximum", 1, TWO_BYTES, "a number from 1 to 65535"),
    number("maximum_packet_size", 1, FOUR_BYTES, "a number of bytes, at least 1"),
    number("topic_alias_maximum", 0, TWO_BYTES, "a number from 0 to 65535"),
    number("server_keep_alive", 0, TWO_BYTES, "a number of seconds from 0 to 65535"),
    number("session_expiry_maximum", 0, FOUR_BYTES, "a number of seconds"),
    bit("echo_authentication"),
    bit("validate_payload_format"),
    number("queued_messages_maximum", 1, FOUR_BYTES, "a number of messages, at least 1"),
    number("retained_messages_maximum", 1, FOUR_BYTES, "a number of messages, at least 1"),
    number("sessions_maximum", 1, FOUR_BYTES, "a number of sessions, at least 1"),
    number("subscriptions_maximum", 1, FOUR_BYTES, "a number of subscriptions of one session, at least 1"),
    number("channel_max", 1, TWO_BYTES, "a number from 1 to 65535"),
    number("frame_max", 4096, FOUR_BYTES, "a number of bytes, at least 4096"),
    number("heartbeat", 0, TWO_BYTES, "a number of seconds from 0 to 65535"),
];
