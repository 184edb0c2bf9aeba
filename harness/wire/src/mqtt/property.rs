//! Table of the MQTT 5.0 properties (section 2.2.2.2, table 2-4): where each may stand and what it holds.

use super::rule::Rule;
use super::text::Text;
use crate::spec::Side;

/// A property section's owner: the bit of a packet type, or [`WILL`].
pub(super) type Sections = u16;

/// The will properties in the payload of CONNECT. No packet has type 0, so its bit is free.
pub(super) const WILL: Sections = 1;
const CONNECT: Sections = 1 << 1;
const CONNACK: Sections = 1 << 2;
const PUBLISH: Sections = 1 << 3;
/// PUBACK, PUBREC, PUBREL and PUBCOMP.
const PUBLISH_ACKS: Sections = 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7;
const SUBSCRIBE: Sections = 1 << 8;
const SUBACK: Sections = 1 << 9;
const UNSUBSCRIBE: Sections = 1 << 10;
const UNSUBACK: Sections = 1 << 11;
const DISCONNECT: Sections = 1 << 14;
const AUTH: Sections = 1 << 15;
const ALL: Sections = CONNECT | WILL | CONNACK | PUBLISH | SUBSCRIBE | UNSUBSCRIBE | ANSWERS;
/// What may carry a reason string, CONNACK apart.
const ANSWERS: Sections = PUBLISH_ACKS | SUBACK | UNSUBACK | DISCONNECT | AUTH;

/// The form of a property's value on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One byte.
    Byte,
    /// Two bytes, big-endian.
    TwoBytes,
    /// Four bytes, big-endian.
    FourBytes,
    /// A variable byte integer, up to 268,435,455.
    Variable,
    /// A string with a two-byte length.
    Text(Text),
    /// Bytes with a two-byte length.
    Binary,
    /// Two strings.
    Pair,
}

/// Values that a property may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// 0 is forbidden.
    NotZero,
    /// Anything above 1 is forbidden.
    ZeroOrOne,
}

impl Limit {
    /// Whether the value keeps it.
    pub(super) const fn allows(self, number: u32) -> bool {
        match self {
            Self::NotZero => number != 0,
            Self::ZeroOrOne => number <= 1,
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Property {
    /// The identifier on the wire.
    pub(super) id: u32,
    /// The field's name: the standard's, with underscores.
    pub(super) name: &'static str,
    /// Its name among the will properties.
    pub(super) will_name: &'static str,
    /// The form of its value.
    pub(super) form: Form,
    /// Where the table allows it.
    pub(super) sections: Sections,
    /// Where it may stand more than once.
    pub(super) repeats: Sections,
    /// Values that it may not have, by section.
    pub(super) limits: &'static [(Sections, Limit, Rule)],
    /// A side that may not send it in these sections.
    pub(super) never_from: Option<(Sections, Side, Rule)>,
}

impl Property {
    /// The field's name in a section.
    pub(super) const fn name_in(&self, section: Sections) -> &'static str {
        if section == WILL { self.will_name } else { self.name }
    }
}

/// The property of an identifier.
pub(super) fn by_id(id: u32) -> Option<&'static Property> {
    PROPERTIES.iter().find(|property| property.id == id)
}

/// A bit for each length that names of properties have: this tells most other fields from them.
const LENGTHS: u64 = {
    let (mut lengths, mut rest) = (0, PROPERTIES.as_slice());
    while let [first, others @ ..] = rest {
        lengths |= 1 << first.name.len() | 1 << first.will_name.len();
        rest = others;
    }
    lengths
};

/// The property that a field name stands for in a section of a packet, also one that the standard forbids
/// there. `will_delay_interval` belongs to the will wherever there is one.
pub(super) fn by_name(name: &str, section: Sections) -> Option<&'static Property> {
    if LENGTHS.checked_shr(u32::try_from(name.len()).ok()?)? & 1 == 0 {
        return None;
    }
    let found = PROPERTIES.iter().find(|property| property.name_in(section) == name)?;
    let of_the_will = section == CONNECT && found.name == found.will_name;
    (!of_the_will).then_some(found)
}

macro_rules! property {
    ($id:literal, $name:literal, $form:expr, $sections:expr) => {
        property!($id, $name, concat!("will_", $name), $form, $sections, 0, &[], None)
    };
    ($id:literal, $name:literal, $form:expr, $sections:expr, $limits:expr) => {
        property!($id, $name, concat!("will_", $name), $form, $sections, 0, $limits, None)
    };
    ($id:literal, $name:literal, $form:expr, $sections:expr, $repeats:expr, $limits:expr, $never_from:expr) => {
        property!($id, $name, concat!("will_", $name), $form, $sections, $repeats, $limits, $never_from)
    };
    ($id:literal, $name:expr, $will_name:expr, $form:expr, $sections:expr, $repeats:expr, $limits:expr, $from:expr) => {
        Property {
            id: $id,
            name: $name,
            will_name: $will_name,
            form: $form,
            sections: $sections,
            repeats: $repeats,
            limits: $limits,
            never_from: $from,
        }
    };
}

/// Every property, by identifier.
pub(super) static PROPERTIES: [Property; 27] = [
    property!(
        0x01,
        "payload_format_indicator",
        Form::Byte,
        PUBLISH | WILL,
        &[
            (PUBLISH, Limit::ZeroOrOne, Rule::PayloadFormatIndicator),
            (WILL, Limit::ZeroOrOne, Rule::WillPayloadFormatIndicator),
        ]
    ),
    property!(0x02, "message_expiry_interval", Form::FourBytes, PUBLISH | WILL),
    property!(0x03, "content_type", Form::Text(Text::ContentType), PUBLISH | WILL),
    property!(0x08, "response_topic", Form::Text(Text::ResponseTopic), PUBLISH | WILL),
    property!(0x09, "correlation_data", Form::Binary, PUBLISH | WILL),
    property!(
        0x0B,
        "subscription_identifier",
        Form::Variable,
        PUBLISH | SUBSCRIBE,
        PUBLISH,
        &[
            (PUBLISH, Limit::NotZero, Rule::PublishSubscriptionIdentifierZero),
            (SUBSCRIBE, Limit::NotZero, Rule::SubscribeSubscriptionIdentifierZero),
        ],
        Some((PUBLISH, Side::Client, Rule::SubscriptionIdentifierFromClient))
    ),
    property!(
        0x11,
        "session_expiry_interval",
        Form::FourBytes,
        CONNECT | CONNACK | DISCONNECT,
        0,
        &[],
        Some((DISCONNECT, Side::Server, Rule::SessionExpiryFromServer))
    ),
    property!(0x12, "assigned_client_identifier", Form::Text(Text::Plain), CONNACK),
    property!(0x13, "server_keep_alive", Form::TwoBytes, CONNACK),
    property!(0x15, "authentication_method", Form::Text(Text::Plain), CONNECT | CONNACK | AUTH),
    property!(0x16, "authentication_data", Form::Binary, CONNECT | CONNACK | AUTH),
    property!(
        0x17,
        "request_problem_information",
        Form::Byte,
        CONNECT,
        &[(CONNECT, Limit::ZeroOrOne, Rule::RequestProblemInformation),]
    ),
    property!(0x18, "will_delay_interval", "will_delay_interval", Form::FourBytes, WILL, 0, &[], None),
    property!(
        0x19,
        "request_response_information",
        Form::Byte,
        CONNECT,
        &[(CONNECT, Limit::ZeroOrOne, Rule::RequestResponseInformation),]
    ),
    property!(0x1A, "response_information", Form::Text(Text::Plain), CONNACK),
    property!(0x1C, "server_reference", Form::Text(Text::Plain), CONNACK | DISCONNECT),
    property!(0x1F, "reason_string", Form::Text(Text::Plain), CONNACK | ANSWERS),
    property!(
        0x21,
        "receive_maximum",
        Form::TwoBytes,
        CONNECT | CONNACK,
        &[
            (CONNECT, Limit::NotZero, Rule::ConnectReceiveMaximumZero),
            (CONNACK, Limit::NotZero, Rule::ConnackReceiveMaximumZero),
        ]
    ),
    property!(0x22, "topic_alias_maximum", Form::TwoBytes, CONNECT | CONNACK),
    property!(
        0x23,
        "topic_alias",
        Form::TwoBytes,
        PUBLISH,
        &[(PUBLISH, Limit::NotZero, Rule::TopicAliasZero)]
    ),
    property!(0x24, "maximum_qos", Form::Byte, CONNACK, &[(CONNACK, Limit::ZeroOrOne, Rule::MaximumQos)]),
    property!(
        0x25,
        "retain_available",
        Form::Byte,
        CONNACK,
        &[(CONNACK, Limit::ZeroOrOne, Rule::RetainAvailable),]
    ),
    property!(0x26, "user_property", "will_user_property", Form::Pair, ALL, ALL, &[], None),
    property!(
        0x27,
        "maximum_packet_size",
        Form::FourBytes,
        CONNECT | CONNACK,
        &[
            (CONNECT, Limit::NotZero, Rule::ConnectMaximumPacketSizeZero),
            (CONNACK, Limit::NotZero, Rule::ConnackMaximumPacketSizeZero),
        ]
    ),
    property!(
        0x28,
        "wildcard_subscription_available",
        Form::Byte,
        CONNACK,
        &[(CONNACK, Limit::ZeroOrOne, Rule::WildcardSubscriptionAvailable),]
    ),
    property!(
        0x29,
        "subscription_identifiers_available",
        Form::Byte,
        CONNACK,
        &[(CONNACK, Limit::ZeroOrOne, Rule::SubscriptionIdentifiersAvailable),]
    ),
    property!(
        0x2A,
        "shared_subscription_available",
        Form::Byte,
        CONNACK,
        &[(CONNACK, Limit::ZeroOrOne, Rule::SharedSubscriptionAvailable),]
    ),
];
