//! Tables of the reason codes, return codes and granted QoS: what each packet may say and what it is called.

use super::rule::Rule;
use crate::spec::Side;

/// The codes of one packet.
#[derive(Debug)]
pub(super) struct Codes {
    /// Names and values. Where a value has several names, decoded fields show the first.
    pub(super) labels: &'static [(&'static str, i128)],
    /// Codes that only one side may send.
    pub(super) one_sided: &'static [(u8, Side)],
    /// The code of a draft that gives none.
    pub(super) default: u8,
    /// What a code outside the table breaks.
    pub(super) rule: Rule,
}

impl Codes {
    /// The standard's name for a code.
    pub(super) fn label(&self, code: u8) -> Option<&'static str> {
        self.labels.iter().find(|(_, value)| *value == i128::from(code)).map(|(label, _)| *label)
    }

    /// The code of a name.
    pub(super) fn value(&self, label: &[u8]) -> Option<i128> {
        self.labels.iter().find(|(name, _)| name.as_bytes() == label).map(|(_, value)| *value)
    }

    /// Whether the table lets this side send the code.
    pub(super) fn allows(&self, code: u8, sender: Side) -> bool {
        self.label(code).is_some()
            && !self.one_sided.iter().any(|&(only, side)| only == code && side != sender)
    }
}

/// 3.1.1 table 3.1, the CONNACK return codes.
pub(super) static CONNACK_RETURN: Codes = Codes {
    labels: &[
        ("success", 0x00),
        ("accepted", 0x00),
        ("unacceptable_protocol_version", 0x01),
        ("identifier_rejected", 0x02),
        ("server_unavailable", 0x03),
        ("bad_user_name_or_password", 0x04),
        ("not_authorized", 0x05),
    ],
    one_sided: &[],
    default: 0x00,
    rule: Rule::ConnackCode,
};

/// 3.1.1 section 3.9.3.
pub(super) static SUBACK_RETURN: Codes = Codes {
    labels: &[("granted_qos_0", 0x00), ("granted_qos_1", 0x01), ("granted_qos_2", 0x02), ("failure", 0x80)],
    one_sided: &[],
    default: 0x00,
    rule: Rule::SubackCode,
};

/// 5.0 section 3.2.2.2.
pub(super) static CONNACK: Codes = Codes {
    labels: &[
        ("success", 0x00),
        ("unspecified_error", 0x80),
        ("malformed_packet", 0x81),
        ("protocol_error", 0x82),
        ("implementation_specific_error", 0x83),
        ("unsupported_protocol_version", 0x84),
        ("client_identifier_not_valid", 0x85),
        ("bad_user_name_or_password", 0x86),
        ("not_authorized", 0x87),
        ("server_unavailable", 0x88),
        ("server_busy", 0x89),
        ("banned", 0x8A),
        ("bad_authentication_method", 0x8C),
        ("topic_name_invalid", 0x90),
        ("packet_too_large", 0x95),
        ("quota_exceeded", 0x97),
        ("payload_format_invalid", 0x99),
        ("retain_not_supported", 0x9A),
        ("qos_not_supported", 0x9B),
        ("use_another_server", 0x9C),
        ("server_moved", 0x9D),
        ("connection_rate_exceeded", 0x9F),
    ],
    one_sided: &[],
    default: 0x00,
    rule: Rule::ConnackCode,
};

const RECEIVED: &[(&str, i128)] = &[
    ("success", 0x00),
    ("no_matching_subscribers", 0x10),
    ("unspecified_error", 0x80),
    ("implementation_specific_error", 0x83),
    ("not_authorized", 0x87),
    ("topic_name_invalid", 0x90),
    ("packet_identifier_in_use", 0x91),
    ("quota_exceeded", 0x97),
    ("payload_format_invalid", 0x99),
];
const NO_MATCHING_SUBSCRIBERS: &[(u8, Side)] = &[(0x10, Side::Server)];

/// 5.0 section 3.4.2.1.
pub(super) static PUBACK: Codes =
    Codes { labels: RECEIVED, one_sided: NO_MATCHING_SUBSCRIBERS, default: 0x00, rule: Rule::PubackCode };
/// 5.0 section 3.5.2.1.
pub(super) static PUBREC: Codes =
    Codes { labels: RECEIVED, one_sided: NO_MATCHING_SUBSCRIBERS, default: 0x00, rule: Rule::PubrecCode };

const RELEASED: &[(&str, i128)] = &[("success", 0x00), ("packet_identifier_not_found", 0x92)];

/// 5.0 section 3.6.2.1.
pub(super) static PUBREL: Codes =
    Codes { labels: RELEASED, one_sided: &[], default: 0x00, rule: Rule::PubrelCode };
/// 5.0 section 3.7.2.1.
pub(super) static PUBCOMP: Codes =
    Codes { labels: RELEASED, one_sided: &[], default: 0x00, rule: Rule::PubcompCode };

/// 5.0 section 3.9.3.
pub(super) static SUBACK: Codes = Codes {
    labels: &[
        ("granted_qos_0", 0x00),
        ("granted_qos_1", 0x01),
        ("granted_qos_2", 0x02),
        ("unspecified_error", 0x80),
        ("implementation_specific_error", 0x83),
        ("not_authorized", 0x87),
        ("topic_filter_invalid", 0x8F),
        ("packet_identifier_in_use", 0x91),
        ("quota_exceeded", 0x97),
        ("shared_subscriptions_not_supported", 0x9E),
        ("subscription_identifiers_not_supported", 0xA1),
        ("wildcard_subscriptions_not_supported", 0xA2),
    ],
    one_sided: &[],
    default: 0x00,
    rule: Rule::SubackCode,
};

/// 5.0 section 3.11.3.
pub(super) static UNSUBACK: Codes = Codes {
    labels: &[
        ("success", 0x00),
        ("no_subscription_existed", 0x11),
        ("unspecified_error", 0x80),
        ("implementation_specific_error", 0x83),
        ("not_authorized", 0x87),
        ("topic_filter_invalid", 0x8F),
        ("packet_identifier_in_use", 0x91),
    ],
    one_sided: &[],
    default: 0x00,
    rule: Rule::UnsubackCode,
};

/// 5.0 section 3.14.2.1. Bad authentication method stands only in the general table 2-6, for DISCONNECT too.
pub(super) static DISCONNECT: Codes = Codes {
    labels: &[
        ("normal_disconnection", 0x00),
        ("success", 0x00),
        ("disconnect_with_will_message", 0x04),
        ("unspecified_error", 0x80),
        ("malformed_packet", 0x81),
        ("protocol_error", 0x82),
        ("implementation_specific_error", 0x83),
        ("not_authorized", 0x87),
        ("server_busy", 0x89),
        ("server_shutting_down", 0x8B),
        ("bad_authentication_method", 0x8C),
        ("keep_alive_timeout", 0x8D),
        ("session_taken_over", 0x8E),
        ("topic_filter_invalid", 0x8F),
        ("topic_name_invalid", 0x90),
        ("receive_maximum_exceeded", 0x93),
        ("topic_alias_invalid", 0x94),
        ("packet_too_large", 0x95),
        ("message_rate_too_high", 0x96),
        ("quota_exceeded", 0x97),
        ("administrative_action", 0x98),
        ("payload_format_invalid", 0x99),
        ("retain_not_supported", 0x9A),
        ("qos_not_supported", 0x9B),
        ("use_another_server", 0x9C),
        ("server_moved", 0x9D),
        ("shared_subscriptions_not_supported", 0x9E),
        ("connection_rate_exceeded", 0x9F),
        ("maximum_connect_time", 0xA0),
        ("subscription_identifiers_not_supported", 0xA1),
        ("wildcard_subscriptions_not_supported", 0xA2),
    ],
    one_sided: &[
        (0x04, Side::Client),
        (0x87, Side::Server),
        (0x89, Side::Server),
        (0x8B, Side::Server),
        (0x8D, Side::Server),
        (0x8E, Side::Server),
        (0x8F, Side::Server),
        (0x9A, Side::Server),
        (0x9B, Side::Server),
        (0x9C, Side::Server),
        (0x9D, Side::Server),
        (0x9E, Side::Server),
        (0x9F, Side::Server),
        (0xA0, Side::Server),
        (0xA1, Side::Server),
        (0xA2, Side::Server),
    ],
    default: 0x00,
    rule: Rule::DisconnectCode,
};

/// 5.0 section 3.15.2.1.
pub(super) static AUTH: Codes = Codes {
    labels: &[("success", 0x00), ("continue_authentication", 0x18), ("re_authenticate", 0x19)],
    one_sided: &[(0x00, Side::Server), (0x19, Side::Client)],
    // The one code that either side may send.
    default: 0x18,
    rule: Rule::AuthCode,
};
