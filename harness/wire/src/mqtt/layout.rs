//! Table of the MQTT control packets: what each consists of in 3.1.1 and in 5.0, field by field.

use super::property::{Sections, WILL};
use super::reason::{self, Codes};
use super::rule::Rule;
use super::text::Text;
use crate::shape::Senders;
use crate::spec::Spec;

/// One control packet.
#[derive(Debug)]
pub(super) struct Layout {
    /// The standard's name in lower case.
    pub(super) name: &'static str,
    /// The packet type, upper half of the first byte.
    pub(super) code: u8,
    /// The lower half of the first byte; `None` for PUBLISH, where it holds fields.
    pub(super) flags: Option<(u8, Rule)>,
    /// The section that defines it, the same in both versions.
    pub(super) section: &'static str,
    /// What a packet that it asks for is called.
    pub(super) replies: &'static [&'static str],
    /// The packet in 3.1.1, where it exists.
    pub(super) v311: Option<Version>,
    /// The packet in 5.0.
    pub(super) v50: Version,
}

/// What a packet is in one version.
#[derive(Debug)]
pub(super) struct Version {
    /// Who may send it.
    pub(super) sent_by: Senders,
    /// Variable header and payload, in wire order.
    pub(super) body: &'static [Part],
}

/// A piece of a body.
#[derive(Debug)]
pub(super) struct Part {
    /// The field's name, or the piece's where it holds several fields.
    pub(super) name: &'static str,
    /// Its form on the wire.
    pub(super) form: Form,
    /// On which condition it is there.
    pub(super) when: When,
    /// What the packet breaks when it ends before this piece.
    pub(super) missing: Rule,
}

/// The form of a piece on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// One byte, a number.
    Byte,
    /// Two bytes, a number, big-endian.
    TwoBytes,
    /// Two bytes, not zero unless this rule is broken (by a client, by a server).
    PacketId(Rule, Rule),
    /// A string with a two-byte length.
    Text(Text),
    /// Bytes with a two-byte length.
    Binary,
    /// All bytes that are left.
    Payload,
    /// The connect flags, section 3.1.2.3.
    ConnectFlags,
    /// The connect acknowledge flags, section 3.2.2.1.
    ConnackFlags,
    /// One code of this table.
    Code(&'static Codes),
    /// Codes up to the end; the rule is broken when there is none.
    Codes(&'static Codes, Rule),
    /// Properties of this section, with their length in front.
    Properties(Sections),
    /// Filters with options up to the end.
    Subscriptions,
    /// Filters up to the end.
    Filters,
}

/// On which condition a piece is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Always.
    Always,
    /// The QoS of the PUBLISH is not 0.
    QosAboveZero,
    /// The connect flags announce a will.
    WillFlag,
    /// They announce a user name.
    UserNameFlag,
    /// They announce a password.
    PasswordFlag,
    /// It may be left out at the end; then the code is 0, and there are no properties.
    Optional,
}

impl Layout {
    /// The packet in this version, where it exists.
    pub(super) fn version(&self, spec: Spec) -> Option<&Version> {
        if matches!(spec, Spec::Mqtt50) { Some(&self.v50) } else { self.v311.as_ref() }
    }

    /// The packet of a type, where the version has it.
    pub(super) fn by_code(spec: Spec, code: u8) -> Option<(&'static Self, &'static Version)> {
        let layout = PACKETS.get(usize::from(code).checked_sub(1)?)?;
        Some((layout, layout.version(spec)?))
    }

    /// The packet of a name, where the version has it.
    pub(super) fn by_name(spec: Spec, name: &str) -> Option<(&'static Self, &'static Version)> {
        let layout = PACKETS.iter().find(|layout| layout.name == name)?;
        Some((layout, layout.version(spec)?))
    }
}

const fn part(name: &'static str, form: Form) -> Part {
    Part { name, form, when: When::Always, missing: Rule::BodyTruncated }
}

const fn announced(name: &'static str, form: Form, when: When, missing: Rule) -> Part {
    Part { name, form, when, missing }
}

const fn properties(code: u8) -> Part {
    let missing = Rule::PropertyLengthMissing;
    Part { name: "properties", form: Form::Properties(1 << code), when: When::Always, missing }
}

const fn optional_properties(code: u8) -> Part {
    let missing = Rule::PropertyLengthMissing;
    Part { name: "properties", form: Form::Properties(1 << code), when: When::Optional, missing }
}

const fn code(codes: &'static Codes) -> Part {
    part("reason_code", Form::Code(codes))
}

const fn optional_code(codes: &'static Codes) -> Part {
    announced("reason_code", Form::Code(codes), When::Optional, Rule::BodyTruncated)
}

const fn codes(codes: &'static Codes, empty: Rule) -> Part {
    part("reason_codes", Form::Codes(codes, empty))
}

const PROTOCOL_NAME: Part = part("protocol_name", Form::Text(Text::ProtocolName));
const PROTOCOL_LEVEL: Part = part("protocol_level", Form::Byte);
const CONNECT_FLAGS: Part = part("connect_flags", Form::ConnectFlags);
const KEEP_ALIVE: Part = part("keep_alive", Form::TwoBytes);
const CLIENT_ID: Part =
    announced("client_id", Form::Text(Text::ClientId), When::Always, Rule::ClientIdMissing);
const WILL_PROPERTIES: Part =
    announced("will_properties", Form::Properties(WILL), When::WillFlag, Rule::WillMissing);
const WILL_TOPIC: Part =
    announced("will_topic", Form::Text(Text::WillTopic), When::WillFlag, Rule::WillMissing);
const WILL_PAYLOAD: Part = announced("will_payload", Form::Binary, When::WillFlag, Rule::WillMissing);
const USER_NAME: Part =
    announced("user_name", Form::Text(Text::UserName), When::UserNameFlag, Rule::UserNameMissing);
const PASSWORD: Part = announced("password", Form::Binary, When::PasswordFlag, Rule::PasswordMissing);
const CONNACK_FLAGS: Part = part("connack_flags", Form::ConnackFlags);
const TOPIC: Part = part("topic", Form::Text(Text::TopicName));
const PUBLISH_ID: Part = announced("packet_id", SENDER_ID, When::QosAboveZero, Rule::BodyTruncated);
const SENDER_ID: Form = Form::PacketId(Rule::ClientPacketIdZero, Rule::ServerPacketIdZero);
const REQUEST_ID: Part = part("packet_id", SENDER_ID);
const ANSWER_ID: Part =
    part("packet_id", Form::PacketId(Rule::AcknowledgedPacketIdZero, Rule::AcknowledgedPacketIdZero));
const PAYLOAD: Part = part("payload", Form::Payload);
const SUBSCRIPTIONS: Part = part("subscriptions", Form::Subscriptions);
const FILTERS: Part = part("filters", Form::Filters);

const CONNECT_311: &[Part] = &[
    PROTOCOL_NAME,
    PROTOCOL_LEVEL,
    CONNECT_FLAGS,
    KEEP_ALIVE,
    CLIENT_ID,
    WILL_TOPIC,
    WILL_PAYLOAD,
    USER_NAME,
    PASSWORD,
];
const CONNECT_50: &[Part] = &[
    PROTOCOL_NAME,
    PROTOCOL_LEVEL,
    CONNECT_FLAGS,
    KEEP_ALIVE,
    properties(1),
    CLIENT_ID,
    WILL_PROPERTIES,
    WILL_TOPIC,
    WILL_PAYLOAD,
    USER_NAME,
    PASSWORD,
];
const CONNACK_311: &[Part] = &[CONNACK_FLAGS, code(&reason::CONNACK_RETURN)];
const CONNACK_50: &[Part] = &[CONNACK_FLAGS, code(&reason::CONNACK), properties(2)];
const PUBLISH_311: &[Part] = &[TOPIC, PUBLISH_ID, PAYLOAD];
const PUBLISH_50: &[Part] = &[TOPIC, PUBLISH_ID, properties(3), PAYLOAD];
/// PUBACK, PUBREC, PUBREL, PUBCOMP and UNSUBACK in 3.1.1.
const ANSWER_311: &[Part] = &[ANSWER_ID];
const PUBACK_50: &[Part] = &[ANSWER_ID, optional_code(&reason::PUBACK), optional_properties(4)];
const PUBREC_50: &[Part] = &[ANSWER_ID, optional_code(&reason::PUBREC), optional_properties(5)];
const PUBREL_50: &[Part] = &[ANSWER_ID, optional_code(&reason::PUBREL), optional_properties(6)];
const PUBCOMP_50: &[Part] = &[ANSWER_ID, optional_code(&reason::PUBCOMP), optional_properties(7)];
const SUBSCRIBE_311: &[Part] = &[REQUEST_ID, SUBSCRIPTIONS];
const SUBSCRIBE_50: &[Part] = &[REQUEST_ID, properties(8), SUBSCRIPTIONS];
const SUBACK_311: &[Part] = &[ANSWER_ID, codes(&reason::SUBACK_RETURN, Rule::SubackEmpty)];
const SUBACK_50: &[Part] = &[ANSWER_ID, properties(9), codes(&reason::SUBACK, Rule::SubackEmpty)];
const UNSUBSCRIBE_311: &[Part] = &[REQUEST_ID, FILTERS];
const UNSUBSCRIBE_50: &[Part] = &[REQUEST_ID, properties(10), FILTERS];
const UNSUBACK_50: &[Part] = &[ANSWER_ID, properties(11), codes(&reason::UNSUBACK, Rule::UnsubackCode)];
const DISCONNECT_50: &[Part] = &[optional_code(&reason::DISCONNECT), optional_properties(14)];
/// Nothing is left out of AUTH, or everything (section 3.15.2).
const AUTH_50: &[Part] = &[optional_code(&reason::AUTH), properties(15)];

/// A packet that is the same on paper in both versions, its body apart.
const fn packet(
    (code, name, section): (u8, &'static str, &'static str),
    sent_by: Senders,
    flags: Option<(u8, Rule)>,
    (v311, v50): (&'static [Part], &'static [Part]),
    replies: &'static [&'static str],
) -> Layout {
    let v311 = Some(Version { sent_by, body: v311 });
    Layout { name, code, flags, section, replies, v311, v50: Version { sent_by, body: v50 } }
}

/// All flags of these packets are 0.
const NO_FLAGS: Option<(u8, Rule)> = Some((0, Rule::ReservedFlags));

/// Every packet, by packet type from 1 to 15 (section 2.1.2 of 5.0, 2.2.1 of 3.1.1).
pub(super) static PACKETS: [Layout; 15] = {
    use Senders::{Both, Client, Server};
    [
        packet((1, "connect", "3.1"), Client, NO_FLAGS, (CONNECT_311, CONNECT_50), &["connack"]),
        packet((2, "connack", "3.2"), Server, NO_FLAGS, (CONNACK_311, CONNACK_50), &[]),
        packet((3, "publish", "3.3"), Both, None, (PUBLISH_311, PUBLISH_50), &["puback", "pubrec"]),
        packet((4, "puback", "3.4"), Both, NO_FLAGS, (ANSWER_311, PUBACK_50), &[]),
        packet((5, "pubrec", "3.5"), Both, NO_FLAGS, (ANSWER_311, PUBREC_50), &["pubrel"]),
        packet(
            (6, "pubrel", "3.6"),
            Both,
            Some((2, Rule::PubrelFlags)),
            (ANSWER_311, PUBREL_50),
            &["pubcomp"],
        ),
        packet((7, "pubcomp", "3.7"), Both, NO_FLAGS, (ANSWER_311, PUBCOMP_50), &[]),
        packet(
            (8, "subscribe", "3.8"),
            Client,
            Some((2, Rule::SubscribeFlags)),
            (SUBSCRIBE_311, SUBSCRIBE_50),
            &["suback"],
        ),
        packet((9, "suback", "3.9"), Server, NO_FLAGS, (SUBACK_311, SUBACK_50), &[]),
        packet(
            (10, "unsubscribe", "3.10"),
            Client,
            Some((2, Rule::UnsubscribeFlags)),
            (UNSUBSCRIBE_311, UNSUBSCRIBE_50),
            &["unsuback"],
        ),
        packet((11, "unsuback", "3.11"), Server, NO_FLAGS, (ANSWER_311, UNSUBACK_50), &[]),
        packet((12, "pingreq", "3.12"), Client, NO_FLAGS, (&[], &[]), &["pingresp"]),
        packet((13, "pingresp", "3.13"), Server, NO_FLAGS, (&[], &[]), &[]),
        Layout {
            name: "disconnect",
            code: 14,
            flags: Some((0, Rule::DisconnectFlags)),
            section: "3.14",
            replies: &[],
            // The server's DISCONNECT came with 5.0.
            v311: Some(Version { sent_by: Client, body: &[] }),
            v50: Version { sent_by: Both, body: DISCONNECT_50 },
        },
        Layout {
            name: "auth",
            code: 15,
            flags: Some((0, Rule::AuthFlags)),
            section: "3.15",
            replies: &["auth", "connack"],
            v311: None,
            v50: Version { sent_by: Both, body: AUTH_50 },
        },
    ]
};
