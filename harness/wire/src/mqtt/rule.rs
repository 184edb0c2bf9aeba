//! The rules that the decoder watches, each with the statements that a breach of it breaks.
//!
//! Equal numbers mean different things in the two versions, so each row lists both. A rule with an empty
//! list does not exist in that version, and a breach of it is not noted there. Numbers that begin with
//! `MQSPEC` are ours, for sentences without an official one; `unnumbered.tsv` describes them.

use crate::spec::Spec;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident: [$($old:literal),*] [$($new:literal),*];)*) => {
        /// Something that a single packet can break.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// Every rule, for the tests that compare the table with the catalogues.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The full ids of the statements behind it, the most general one first.
            pub(super) const fn statements(self, spec: Spec) -> &'static [&'static str] {
                let (old, new): (&'static [&'static str], &'static [&'static str]) = match self {
                    $(Self::$name => (
                        &[$(concat!("mqtt-3.1.1/", $old)),*],
                        &[$(concat!("mqtt-5.0/", $new)),*],
                    ),)*
                };
                if matches!(spec, Spec::Mqtt50) { new } else { old }
            }
        }
    };
}

rules! {
    // The fixed header.
    /// The flags nibble has the value of the table.
    ReservedFlags: ["MQTT-2.2.2-1"] ["MQTT-2.1.3-1"];
    /// The same, said again for PUBREL.
    PubrelFlags: ["MQTT-2.2.2-1", "MQTT-3.6.1-1"] ["MQTT-2.1.3-1", "MQTT-3.6.1-1"];
    /// The same, said again for SUBSCRIBE.
    SubscribeFlags: ["MQTT-2.2.2-1", "MQTT-3.8.1-1"] ["MQTT-2.1.3-1", "MQTT-3.8.1-1"];
    /// The same, said again for UNSUBSCRIBE.
    UnsubscribeFlags: ["MQTT-2.2.2-1", "MQTT-3.10.1-1"] ["MQTT-2.1.3-1", "MQTT-3.10.1-1"];
    /// The same, said again for DISCONNECT.
    DisconnectFlags: ["MQTT-2.2.2-1", "MQTT-3.14.1-1"] ["MQTT-2.1.3-1", "MQTT-3.14.1-1"];
    /// The same, said again for AUTH.
    AuthFlags: [] ["MQTT-2.1.3-1", "MQTT-3.15.1-1"];
    /// The packet type is one that the table names.
    PacketTypeReserved: ["MQSPEC-2.2.1-packet-type-reserved"] ["MQSPEC-2.1.2-packet-type-reserved"];
    /// The packet flows in the direction that the table gives.
    PacketDirection: ["MQSPEC-2.2.1-packet-direction"] ["MQSPEC-2.1.2-packet-direction"];
    /// A length is at most four bytes long.
    LengthTooLong: ["MQSPEC-2.2.3-remaining-length-size"] ["MQSPEC-1.5.5-variable-byte-integer-size"];
    /// A length takes the fewest bytes that hold it.
    LengthNotMinimal: ["MQSPEC-2.2.3-remaining-length-minimal"] ["MQTT-1.5.5-1"];
    /// The remaining length covers every field.
    BodyTruncated: ["MQSPEC-2.2.3-body-truncated"] ["MQSPEC-2.1.4-body-truncated"];
    /// The remaining length covers nothing else.
    TrailingBytes: ["MQSPEC-2.2.3-trailing-bytes"] ["MQSPEC-2.1.4-trailing-bytes"];

    // Text.
    /// A string is well-formed UTF-8.
    Utf8: ["MQTT-1.5.3-1"] ["MQTT-1.5.4-1"];
    /// A string has no U+0000.
    NullCharacter: ["MQTT-1.5.3-2"] ["MQTT-1.5.4-2"];
    /// Nor does a topic name or filter.
    TopicNullCharacter: ["MQTT-1.5.3-2", "MQTT-4.7.3-2"] ["MQTT-1.5.4-2", "MQTT-4.7.3-2"];
    /// Both halves of a user property are well-formed UTF-8.
    PairUtf8: [] ["MQTT-1.5.4-1", "MQTT-1.5.7-1"];
    /// A client identifier is well-formed UTF-8.
    ClientIdUtf8: ["MQTT-1.5.3-1", "MQTT-3.1.3-4"] ["MQTT-1.5.4-1", "MQTT-3.1.3-4"];
    /// A will topic is well-formed UTF-8.
    WillTopicUtf8: ["MQTT-1.5.3-1", "MQTT-3.1.3-10"] ["MQTT-1.5.4-1", "MQTT-3.1.3-11"];
    /// A user name is well-formed UTF-8.
    UserNameUtf8: ["MQTT-1.5.3-1", "MQTT-3.1.3-11"] ["MQTT-1.5.4-1", "MQTT-3.1.3-12"];
    /// The topic name of a PUBLISH is well-formed UTF-8.
    TopicUtf8: ["MQTT-1.5.3-1", "MQTT-3.3.2-1"] ["MQTT-1.5.4-1", "MQTT-3.3.2-1"];
    /// A response topic is well-formed UTF-8.
    ResponseTopicUtf8: [] ["MQTT-1.5.4-1", "MQTT-3.3.2-13"];
    /// A content type is well-formed UTF-8.
    ContentTypeUtf8: [] ["MQTT-1.5.4-1", "MQTT-3.3.2-19"];
    /// A filter in SUBSCRIBE is well-formed UTF-8.
    SubscribeFilterUtf8: ["MQTT-1.5.3-1", "MQTT-3.8.3-1"] ["MQTT-1.5.4-1", "MQTT-3.8.3-1"];
    /// A filter in UNSUBSCRIBE is well-formed UTF-8.
    UnsubscribeFilterUtf8: ["MQTT-1.5.3-1", "MQTT-3.10.3-1"] ["MQTT-1.5.4-1", "MQTT-3.10.3-1"];

    // Topics.
    /// A topic name or filter has a character.
    TopicEmpty: ["MQTT-4.7.3-1"] ["MQTT-4.7.3-1"];
    /// An empty topic name in PUBLISH, with an alias from 5.0 on, is no breach; without one it is.
    PublishTopicEmpty: ["MQTT-4.7.3-1"] ["MQTT-4.7.3-1", "MQSPEC-3.3.2.1-topic-empty-without-alias"];
    /// The topic name of a PUBLISH has no wildcard.
    PublishTopicWildcard: ["MQTT-3.3.2-2", "MQTT-4.7.1-1"] ["MQTT-3.3.2-2", "MQTT-4.7.0-1"];
    /// No other topic name has one either.
    TopicWildcard: ["MQTT-4.7.1-1"] ["MQTT-4.7.0-1"];
    /// A response topic has none.
    ResponseTopicWildcard: [] ["MQTT-3.3.2-14"];
    /// `#` is the whole of the last level.
    FilterMultiLevel: ["MQTT-4.7.1-2"] ["MQTT-4.7.1-1"];
    /// `+` is the whole of its level.
    FilterSingleLevel: ["MQTT-4.7.1-3"] ["MQTT-4.7.1-2"];
    /// A share name has a character.
    ShareNameEmpty: [] ["MQTT-4.8.2-1"];
    /// A share name has no wildcard and a filter comes after it.
    ShareNameSyntax: [] ["MQTT-4.8.2-2"];

    // CONNECT.
    /// The protocol name is `MQTT`.
    ProtocolName: ["MQTT-3.1.2-1"] ["MQTT-3.1.2-1"];
    /// The protocol level is the version's.
    ProtocolLevel: ["MQTT-3.1.2-2"] ["MQTT-3.1.2-2"];
    /// Bit 0 of the connect flags is 0.
    ConnectFlagReserved: ["MQTT-3.1.2-3"] ["MQTT-3.1.2-3"];
    /// With a will flag there are will fields.
    WillMissing: ["MQTT-3.1.2-9"] ["MQTT-3.1.2-9"];
    /// Without one there are none, in 3.1.1.
    WillLeftOver: ["MQTT-3.1.2-11"] [];
    /// Without a will flag the will QoS is 0.
    WillQosWithoutWill: ["MQTT-3.1.2-11", "MQTT-3.1.2-13"] ["MQTT-3.1.2-11"];
    /// Without a will flag will retain is 0.
    WillRetainWithoutWill: ["MQTT-3.1.2-11", "MQTT-3.1.2-15"] ["MQTT-3.1.2-13"];
    /// The will QoS is not 3.
    WillQosThree: ["MQTT-3.1.2-14"] ["MQTT-3.1.2-12"];
    /// Without its flag there is no user name.
    UserNameLeftOver: ["MQTT-3.1.2-18"] ["MQTT-3.1.2-16"];
    /// With its flag there is one.
    UserNameMissing: ["MQTT-3.1.2-19"] ["MQTT-3.1.2-17"];
    /// Without its flag there is no password.
    PasswordLeftOver: ["MQTT-3.1.2-20"] ["MQTT-3.1.2-18"];
    /// With its flag there is one.
    PasswordMissing: ["MQTT-3.1.2-21"] ["MQTT-3.1.2-19"];
    /// Without a user name there is no password, in 3.1.1.
    PasswordWithoutUserName: ["MQTT-3.1.2-22"] [];
    /// The client identifier is there.
    ClientIdMissing: ["MQTT-3.1.3-3"] ["MQTT-3.1.3-3"];
    /// An empty client identifier goes with a clean session, in 3.1.1.
    ClientIdEmpty: ["MQTT-3.1.3-7"] [];
    /// Authentication data belongs to a method.
    AuthenticationData: [] ["MQSPEC-3.1.2.11.10-authentication-data-without-method"];
    /// A will payload that is said to be text is text.
    WillPayloadFormat: [] ["MQSPEC-3.1.3.2.3-will-payload-format"];

    // CONNACK.
    /// Bits 7 to 1 of the acknowledge flags are 0.
    ConnackFlags: ["MQSPEC-3.2.2.1-connack-flags-reserved"] ["MQTT-3.2.2-1"];
    /// A refusal has no session.
    SessionPresentOnError: ["MQTT-3.2.2-4"] ["MQTT-3.2.2-6"];
    /// The code is one of the table's.
    ConnackCode: ["MQTT-3.2.2-6"] ["MQTT-3.2.2-8"];

    // PUBLISH.
    /// At QoS 0 the DUP flag is 0.
    DupAtQosZero: ["MQTT-3.3.1-2"] ["MQTT-3.3.1-2"];
    /// The QoS is not 3.
    QosThree: ["MQTT-3.3.1-4"] ["MQTT-3.3.1-4"];
    /// A client's packet identifier is not 0.
    ClientPacketIdZero: ["MQTT-2.3.1-1"] ["MQTT-2.2.1-3"];
    /// Nor is the server's.
    ServerPacketIdZero: ["MQTT-2.3.1-1"] ["MQTT-2.2.1-4"];
    /// Nor is the one that an acknowledgement repeats.
    AcknowledgedPacketIdZero: ["MQSPEC-2.3.1-acknowledged-packet-id-zero"] ["MQSPEC-2.2.1-acknowledged-packet-id-zero"];
    /// A payload that is said to be text is text.
    PayloadFormat: [] ["MQSPEC-3.3.2.3.2-payload-format"];

    // Acknowledgements, DISCONNECT and AUTH.
    /// The code is one of the table's.
    PubackCode: [] ["MQTT-3.4.2-1"];
    /// The code is one of the table's.
    PubrecCode: [] ["MQTT-3.5.2-1"];
    /// The code is one of the table's.
    PubrelCode: [] ["MQTT-3.6.2-1"];
    /// The code is one of the table's.
    PubcompCode: [] ["MQTT-3.7.2-1"];
    /// Each code is one of the table's.
    SubackCode: ["MQTT-3.9.3-2"] ["MQTT-3.9.3-2"];
    /// There is a code for each filter, and so at least one.
    SubackEmpty: ["MQTT-3.8.4-5"] ["MQTT-3.8.4-6"];
    /// Each code is one of the table's, and there is one for each filter.
    UnsubackCode: [] ["MQTT-3.11.3-2"];
    /// The code is one of the table's, from a side that may use it.
    DisconnectCode: [] ["MQTT-3.14.2-1"];
    /// The code is one of the table's, from a side that may use it.
    AuthCode: [] ["MQTT-3.15.2-1"];
    /// AUTH names its method.
    AuthenticationMethodMissing: [] ["MQSPEC-3.15.2.2.2-authentication-method-missing"];

    // SUBSCRIBE and UNSUBSCRIBE.
    /// There is a filter.
    SubscribeEmpty: ["MQTT-3.8.3-3"] ["MQTT-3.8.3-2"];
    /// There is a filter.
    UnsubscribeEmpty: ["MQTT-3.10.3-2"] ["MQTT-3.10.3-2"];
    /// Reserved bits of the options are 0.
    SubscriptionOptionsReserved: ["MQTT-3-8.3-4"] ["MQTT-3.8.3-5"];
    /// The requested QoS is not 3.
    SubscriptionQosThree: ["MQTT-3-8.3-4"] ["MQSPEC-3.8.3.1-qos-three"];
    /// Retain handling is not 3.
    RetainHandlingThree: [] ["MQSPEC-3.8.3.1-retain-handling-three"];
    /// A shared subscription has no No Local.
    NoLocalOnShared: [] ["MQTT-3.8.3-4"];

    // Properties.
    /// The property length is there.
    PropertyLengthMissing: [] ["MQTT-2.2.2-1"];
    /// The property length ends inside the body and at the end of a property.
    PropertyLength: [] ["MQSPEC-2.2.2.1-property-length"];
    /// The identifier is one of the table's.
    PropertyUnknown: [] ["MQSPEC-2.2.2.2-property-unknown"];
    /// The table allows the property in this packet.
    PropertyNotAllowed: [] ["MQSPEC-2.2.2.2-property-not-allowed"];
    /// The property stands there once.
    PropertyRepeated: [] ["MQSPEC-2.2.2.2-property-repeated"];
    /// A client's PUBLISH has no subscription identifier.
    SubscriptionIdentifierFromClient: [] ["MQTT-3.3.4-6"];
    /// A server's DISCONNECT has no session expiry interval.
    SessionExpiryFromServer: [] ["MQTT-3.14.2-2"];
    /// A topic alias is not 0.
    TopicAliasZero: [] ["MQTT-3.3.2-8"];
    /// A subscription identifier in PUBLISH is not 0.
    PublishSubscriptionIdentifierZero: [] ["MQSPEC-3.3.2.3.8-subscription-identifier-zero"];
    /// Nor is it in SUBSCRIBE.
    SubscribeSubscriptionIdentifierZero: [] ["MQSPEC-3.8.2.1.2-subscription-identifier-zero"];
    /// A client's receive maximum is not 0.
    ConnectReceiveMaximumZero: [] ["MQSPEC-3.1.2.11.3-receive-maximum-zero"];
    /// Nor is the server's.
    ConnackReceiveMaximumZero: [] ["MQSPEC-3.2.2.3.3-receive-maximum-zero"];
    /// A client's maximum packet size is not 0.
    ConnectMaximumPacketSizeZero: [] ["MQSPEC-3.1.2.11.4-maximum-packet-size-zero"];
    /// Nor is the server's.
    ConnackMaximumPacketSizeZero: [] ["MQSPEC-3.2.2.3.6-maximum-packet-size-zero"];
    /// It is 0 or 1.
    PayloadFormatIndicator: [] ["MQSPEC-3.3.2.3.2-payload-format-indicator-value"];
    /// It is 0 or 1.
    WillPayloadFormatIndicator: [] ["MQSPEC-3.1.3.2.3-will-payload-format-indicator-value"];
    /// It is 0 or 1.
    RequestResponseInformation: [] ["MQSPEC-3.1.2.11.6-request-response-information-value"];
    /// It is 0 or 1.
    RequestProblemInformation: [] ["MQSPEC-3.1.2.11.7-request-problem-information-value"];
    /// It is 0 or 1.
    MaximumQos: [] ["MQSPEC-3.2.2.3.4-maximum-qos-value"];
    /// It is 0 or 1.
    RetainAvailable: [] ["MQSPEC-3.2.2.3.5-retain-available-value"];
    /// It is 0 or 1.
    WildcardSubscriptionAvailable: [] ["MQSPEC-3.2.2.3.11-wildcard-subscription-available-value"];
    /// It is 0 or 1.
    SubscriptionIdentifiersAvailable: [] ["MQSPEC-3.2.2.3.12-subscription-identifiers-available-value"];
    /// It is 0 or 1.
    SharedSubscriptionAvailable: [] ["MQSPEC-3.2.2.3.13-shared-subscription-available-value"];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Rule;
    use crate::spec::Spec;

    /// The ids of a table, with the standard before each that has none yet.
    fn ids(table: &str, spec: Option<Spec>) -> BTreeSet<String> {
        let ids = table.lines().skip(1).filter_map(|line| line.split('\t').next());
        ids.map(|id| spec.map_or_else(|| id.to_owned(), |spec| format!("{spec}/{id}"))).collect()
    }

    fn used() -> BTreeSet<String> {
        let both = [Spec::Mqtt311, Spec::Mqtt50];
        let rules = Rule::ALL.iter().flat_map(|rule| both.map(|spec| rule.statements(spec)));
        rules.flatten().map(|&id| id.to_owned()).collect()
    }

    #[test]
    fn every_rule_breaks_a_statement_of_some_version() {
        for rule in Rule::ALL {
            let ids = rule.statements(Spec::Mqtt311).len() + rule.statements(Spec::Mqtt50).len();
            assert!(ids > 0, "{rule:?} stands for nothing");
        }
    }

    #[test]
    fn numbered_statements_are_in_the_catalogues() {
        let mut known =
            ids(include_str!("../../../conformance/catalogue/mqtt-3.1.1.tsv"), Some(Spec::Mqtt311));
        known.extend(ids(include_str!("../../../conformance/catalogue/mqtt-5.0.tsv"), Some(Spec::Mqtt50)));
        for id in used().into_iter().filter(|id| !id.contains("/MQSPEC-")) {
            assert!(known.contains(&id), "{id} is in no catalogue");
        }
    }

    #[test]
    fn every_statement_has_a_packet_that_breaks_it() {
        let shown = |spec, file: &str| {
            let ids = file.lines().filter_map(|line| line.split('|').nth(2)).flat_map(str::split_whitespace);
            ids.map(|id| format!("{spec}/{id}")).collect::<BTreeSet<_>>()
        };
        let mut all = shown(Spec::Mqtt311, include_str!("../../tests/mqtt_vectors/odd-3.1.1.txt"));
        all.extend(shown(Spec::Mqtt50, include_str!("../../tests/mqtt_vectors/odd-5.0.txt")));
        let unseen: Vec<_> = used().difference(&all).cloned().collect();
        assert_eq!(unseen, Vec::<String>::new(), "no vector breaks these");
    }

    #[test]
    fn unnumbered_statements_are_described_and_used() {
        let ours: BTreeSet<_> = used().into_iter().filter(|id| id.contains("/MQSPEC-")).collect();
        assert_eq!(ours, ids(crate::mqtt::UNNUMBERED, None));
    }

    #[test]
    fn each_unnumbered_statement_has_seven_columns_and_names_its_section() {
        for line in crate::mqtt::UNNUMBERED.lines().skip(1) {
            let columns: Vec<_> = line.split('\t').collect();
            let [id, section, _, actor, observe, summary, _] = columns[..] else {
                panic!("not seven columns: {line}");
            };
            assert!(id.contains(&format!("/MQSPEC-{section}-")), "{id} is not of section {section}");
            assert!(["client", "server", "both"].contains(&actor), "{id}: actor {actor}");
            assert!(["wire", "wire-error"].contains(&observe), "{id}: observe {observe}");
            assert!((1..=160).contains(&summary.len()), "{id}: a summary of {} bytes", summary.len());
        }
    }
}
