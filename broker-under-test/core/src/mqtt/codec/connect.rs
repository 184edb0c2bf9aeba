//! CONNECT (§3.1).

use super::super::topic;
use super::super::violation::Violation;
use super::frame::{Frame, PacketType};
use super::property::{self, Properties, once};
use super::publish::PublishProperties;
use super::reader::{Field, Reader};
use super::{Qos, Version};

/// A CONNECT as a client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// By protocol name and level.
    pub version: Version,
    /// Clean Start; 3.1.1 calls it Clean Session.
    pub clean_start: bool,
    /// 0 turns it off.
    pub keep_alive_secs: u16,
    /// None of them in 3.1.1.
    pub properties: ConnectProperties<'a>,
    /// May be empty.
    pub client_identifier: &'a str,
    /// What to publish if the client vanishes.
    pub will: Option<ConnectWill<'a>>,
    /// Who the client says it is.
    pub user_name: Option<&'a str>,
    /// Any bytes.
    pub password: Option<&'a [u8]>,
}

/// The will fields of a CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectWill<'a> {
    /// Its QoS.
    pub qos: Qos,
    /// Whether to publish it as a retained message.
    pub retain: bool,
    /// Seconds between the end of the connection and the will.
    pub delay_secs: u32,
    /// Not empty, without wildcards.
    pub topic: &'a str,
    /// As of a PUBLISH.
    pub properties: PublishProperties<'a>,
    /// The application's bytes.
    pub payload: &'a [u8],
}

/// The properties of a CONNECT (MQTT 5.0 §3.1.2.11); absent ones have the standard's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectProperties<'a> {
    /// How long the session outlives the connection, in seconds; `u32::MAX` is for ever. Absent: 0.
    pub session_expiry_secs: Option<u32>,
    /// How many unfinished QoS 1 and 2 messages the client takes. Absent: 65,535.
    pub receive_maximum: Option<u16>,
    /// The largest packet that the client takes, in bytes. Absent: no limit.
    pub maximum_packet_size: Option<u32>,
    /// How many topic aliases the client takes. Absent: none.
    pub topic_alias_maximum: Option<u16>,
    /// Whether the client asks for Response Information. Absent: no.
    pub request_response_information: Option<bool>,
    /// Whether reason strings may stand everywhere. Absent: yes.
    pub request_problem_information: Option<bool>,
    /// Name of the enhanced authentication to use.
    pub authentication_method: Option<&'a str>,
    /// What the method begins with.
    pub authentication_data: Option<&'a [u8]>,
}

/// The connect flags (§3.1.2.3 and on).
#[derive(Clone, Copy)]
struct ConnectFlags(u8);

impl ConnectFlags {
    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    fn clean_start(self) -> bool {
        self.has(0x02)
    }

    fn user_name(self) -> bool {
        self.has(0x80)
    }

    fn password(self) -> bool {
        self.has(0x40)
    }

    /// QoS and retain flag of the will, if there is one.
    fn will(self) -> Result<Option<(Qos, bool)>, Violation> {
        let qos_bits = self.0 >> 3 & 0b11;
        let retain = self.has(0x20);
        if !self.has(0x04) {
            return match (qos_bits, retain) {
                (0, false) => Ok(None),
                (0, true) => Err(Violation::WillRetainWithoutWill),
                (_, _) => Err(Violation::WillQosWithoutWill),
            };
        }
        let qos = Qos::from_bits(qos_bits).ok_or(Violation::WillQosThree)?;
        Ok(Some((qos, retain)))
    }

    fn check(self, version: Version) -> Result<(), Violation> {
        if self.has(0x01) {
            return Err(Violation::ConnectReservedFlag);
        }
        // 5.0 dropped this rule: a password may stand alone there.
        if version == Version::V311 && self.password() && !self.user_name() {
            return Err(Violation::PasswordWithoutUserName);
        }
        Ok(())
    }
}

/// The version that the body of a CONNECT announces, if it is one of the two. Needs the first 7 bytes.
pub fn announced_version(body: &[u8]) -> Option<Version> {
    match body {
        [0, 4, b'M', b'Q', b'T', b'T', 4, ..] => Some(Version::V311),
        [0, 4, b'M', b'Q', b'T', b'T', 5, ..] => Some(Version::V50),
        _ => None,
    }
}

/// Protocol name and level.
fn read_version(reader: &mut Reader<'_>) -> Result<Version, Violation> {
    let name = reader.binary(Field::ConnectHeader)?;
    let level = reader.byte(Field::ConnectHeader)?;
    match (name, level) {
        (b"MQTT", 4) => Ok(Version::V311),
        (b"MQTT", 5) => Ok(Version::V50),
        // MQIsdp is how MQTT 3.1 calls itself: a version that is not spoken here, not a foreign protocol.
        (b"MQTT", _) | (b"MQIsdp", 3) => Err(Violation::ProtocolLevel(level)),
        (_, _) => Err(Violation::ProtocolName),
    }
}

impl<'a> Connect<'a> {
    /// Reads the packet in a frame.
    ///
    /// # Errors
    /// The first rule that the packet breaks, in the order of its fields.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, Violation> {
        let mut reader = Reader::new(frame.body);
        let version = read_version(&mut reader)?;
        if version == Version::V50 {
            frame.require_minimal_length()?;
        }
        let flags = ConnectFlags(reader.byte(Field::ConnectHeader)?);
        flags.check(version)?;
        let will_flags = flags.will()?;
        let keep_alive_secs = reader.two_byte(Field::ConnectHeader)?;
        let properties = match version {
            Version::V311 => ConnectProperties::default(),
            Version::V50 => ConnectProperties::decode(&mut reader)?,
        };
        let client_identifier = reader.string(Field::ClientIdentifier)?;
        let will = match will_flags {
            Some((qos, retain)) => Some(ConnectWill::decode(&mut reader, version, qos, retain)?),
            None => None,
        };
        let user_name = if flags.user_name() { Some(reader.string(Field::UserName)?) } else { None };
        let password = if flags.password() { Some(reader.binary(Field::Password)?) } else { None };
        if !reader.is_empty() {
            return Err(surplus(flags));
        }
        if version == Version::V311 && client_identifier.is_empty() && !flags.clean_start() {
            return Err(Violation::EmptyClientIdentifierWithoutCleanSession);
        }
        let clean_start = flags.clean_start();
        Ok(Self {
            version,
            clean_start,
            keep_alive_secs,
            properties,
            client_identifier,
            will,
            user_name,
            password,
        })
    }
}

/// What bytes behind the last announced field mean, by the first flag that is not set.
fn surplus(flags: ConnectFlags) -> Violation {
    match (flags.user_name(), flags.password()) {
        (false, false) => Violation::UserNameWithoutFlag,
        (true, false) => Violation::PasswordWithoutFlag,
        (_, true) => Violation::TrailingBytes(PacketType::Connect),
    }
}

impl<'a> ConnectWill<'a> {
    fn decode(reader: &mut Reader<'a>, version: Version, qos: Qos, retain: bool) -> Result<Self, Violation> {
        let mut delay_secs = None;
        let mut properties = PublishProperties::default();
        if version == Version::V50 {
            let mut block = Properties::cut(reader, PacketType::Connect, Field::WillProperties)?;
            properties.raw = block.raw();
            while let Some(identifier) = block.next()? {
                if identifier == property::WILL_DELAY_INTERVAL {
                    once(&mut delay_secs, identifier, block.four_byte()?)?;
                } else {
                    properties.message_property(identifier, &mut block)?;
                }
            }
        }
        let topic = reader.string(Field::WillTopic)?;
        if topic.is_empty() {
            return Err(Violation::EmptyWillTopic);
        }
        if topic::has_wildcard(topic) {
            return Err(Violation::WildcardInWillTopic);
        }
        let payload = reader.binary(Field::WillPayload)?;
        Ok(Self { qos, retain, delay_secs: delay_secs.unwrap_or(0), topic, properties, payload })
    }
}

impl<'a> ConnectProperties<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        let mut properties = Properties::cut(reader, PacketType::Connect, Field::Property)?;
        let mut read = Self::default();
        while let Some(identifier) = properties.next()? {
            match identifier {
                property::SESSION_EXPIRY_INTERVAL => {
                    once(&mut read.session_expiry_secs, identifier, properties.four_byte()?)?;
                }
                property::RECEIVE_MAXIMUM => {
                    let number = properties.non_zero_two_byte(identifier)?;
                    once(&mut read.receive_maximum, identifier, number)?;
                }
                property::MAXIMUM_PACKET_SIZE => {
                    let number = properties.non_zero_four_byte(identifier)?;
                    once(&mut read.maximum_packet_size, identifier, number)?;
                }
                property::TOPIC_ALIAS_MAXIMUM => {
                    once(&mut read.topic_alias_maximum, identifier, properties.two_byte()?)?;
                }
                property::REQUEST_RESPONSE_INFORMATION => {
                    let flag = properties.flag(identifier)?;
                    once(&mut read.request_response_information, identifier, flag)?;
                }
                property::REQUEST_PROBLEM_INFORMATION => {
                    let flag = properties.flag(identifier)?;
                    once(&mut read.request_problem_information, identifier, flag)?;
                }
                property::AUTHENTICATION_METHOD => {
                    let method = properties.string(Field::Property)?;
                    once(&mut read.authentication_method, identifier, method)?;
                }
                property::AUTHENTICATION_DATA => {
                    once(&mut read.authentication_data, identifier, properties.binary()?)?;
                }
                property::USER_PROPERTY => properties.user_property()?,
                _ => return Err(properties.not_allowed(identifier)),
            }
        }
        if read.authentication_data.is_some() && read.authentication_method.is_none() {
            return Err(Violation::AuthenticationDataWithoutMethod);
        }
        Ok(read)
    }
}
