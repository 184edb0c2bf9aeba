//! What the standards ask of strings: UTF-8 everywhere, more of topic names and topic filters.

use super::rule::Rule;
use crate::message::{Message, Seen, message};
use crate::packet::Span;
use crate::spec::Spec;

/// What a string is used for, which decides what it must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// Nothing but UTF-8.
    Plain,
    /// The protocol name of CONNECT.
    ProtocolName,
    /// The client identifier.
    ClientId,
    /// The user name.
    UserName,
    /// Half of a user property.
    PairHalf,
    /// The content type of a PUBLISH.
    ContentType,
    /// The topic name of a PUBLISH. Whether it may be empty is for the packet as a whole to say.
    TopicName,
    /// The topic name of the will.
    WillTopic,
    /// The response topic of a PUBLISH.
    ResponseTopic,
    /// The response topic of the will.
    WillResponseTopic,
    /// A topic filter in SUBSCRIBE.
    SubscribeFilter,
    /// A topic filter in UNSUBSCRIBE.
    UnsubscribeFilter,
}

/// How the string is read beyond its characters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Words,
    Name { wildcard: Rule, may_be_empty: bool },
    Filter,
}

impl Text {
    /// The use of the same property among the will properties.
    pub(super) const fn in_will(self) -> Self {
        match self {
            Self::ResponseTopic => Self::WillResponseTopic,
            Self::ContentType => Self::Plain,
            Self::Plain
            | Self::ProtocolName
            | Self::ClientId
            | Self::UserName
            | Self::PairHalf
            | Self::TopicName
            | Self::WillTopic
            | Self::WillResponseTopic
            | Self::SubscribeFilter
            | Self::UnsubscribeFilter => self,
        }
    }

    const fn utf8_rule(self) -> Rule {
        match self {
            Self::Plain | Self::ProtocolName | Self::WillResponseTopic => Rule::Utf8,
            Self::ClientId => Rule::ClientIdUtf8,
            Self::UserName => Rule::UserNameUtf8,
            Self::PairHalf => Rule::PairUtf8,
            Self::ContentType => Rule::ContentTypeUtf8,
            Self::TopicName => Rule::TopicUtf8,
            Self::WillTopic => Rule::WillTopicUtf8,
            Self::ResponseTopic => Rule::ResponseTopicUtf8,
            Self::SubscribeFilter => Rule::SubscribeFilterUtf8,
            Self::UnsubscribeFilter => Rule::UnsubscribeFilterUtf8,
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Plain
            | Self::ProtocolName
            | Self::ClientId
            | Self::UserName
            | Self::PairHalf
            | Self::ContentType => Kind::Words,
            Self::TopicName => Kind::Name { wildcard: Rule::PublishTopicWildcard, may_be_empty: true },
            Self::WillTopic | Self::WillResponseTopic => {
                Kind::Name { wildcard: Rule::TopicWildcard, may_be_empty: false }
            }
            Self::ResponseTopic => Kind::Name { wildcard: Rule::ResponseTopicWildcard, may_be_empty: false },
            Self::SubscribeFilter | Self::UnsubscribeFilter => Kind::Filter,
        }
    }
}

/// Tells `note` of each rule that the string breaks, with the bytes inside the string and a message.
pub(super) fn check(
    text: Text,
    spec: Spec,
    name: &'static str,
    bytes: &[u8],
    mut note: impl FnMut(Rule, Span, Message),
) {
    if let Err(error) = std::str::from_utf8(bytes) {
        let start = error.valid_up_to();
        let end = start + error.error_len().unwrap_or(bytes.len() - start);
        let odd = bytes.get(start..end).unwrap_or_default();
        let octets = Seen::Octets(odd.into());
        let message = if is_surrogate(bytes.get(start..).unwrap_or_default()) {
            message!("`{}` is not UTF-8 at byte {}: {}, a surrogate", name, start, octets)
        } else {
            message!("`{}` is not UTF-8 at byte {}: {}", name, start, octets)
        };
        note(text.utf8_rule(), start..end, message);
    }
    // Without an early end, so that it takes many bytes at a time: almost no string has any of these.
    let special =
        bytes.iter().fold(0, |found, &byte| found | u8::from(byte == 0) | u8::from(is_wildcard(byte))) != 0;
    if special && let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        let rule = if text.kind() == Kind::Words { Rule::NullCharacter } else { Rule::TopicNullCharacter };
        note(rule, at..at + 1, message!("`{}` contains U+0000 at byte {}", name, at));
    }
    match text.kind() {
        Kind::Words => {}
        Kind::Name { wildcard, may_be_empty } => {
            if special && let Some(at) = bytes.iter().position(|&byte| is_wildcard(byte)) {
                note(
                    wildcard,
                    at..at + 1,
                    message!("the topic name `{}` contains a wildcard at byte {}", name, at),
                );
            }
            if bytes.is_empty() && !may_be_empty {
                note(Rule::TopicEmpty, 0..0, message!("the topic name `{}` is empty", name));
            }
        }
        Kind::Filter => check_filter(spec, bytes, &mut note),
    }
}

const fn is_wildcard(byte: u8) -> bool {
    matches!(byte, b'+' | b'#')
}

/// ED A0 80 to ED BF BF is where UTF-8 would put U+D800 to U+DFFF.
fn is_surrogate(bytes: &[u8]) -> bool {
    matches!(bytes, [0xED, 0xA0..=0xBF, ..])
}

/// Whether a filter is a shared subscription's (5.0 section 4.8.2).
pub(super) fn is_shared(filter: &[u8]) -> bool {
    filter.starts_with(b"$share/")
}

/// A filter, with the share name in front of it from 5.0 on.
fn check_filter(spec: Spec, filter: &[u8], note: &mut impl FnMut(Rule, Span, Message)) {
    let share = if matches!(spec, Spec::Mqtt50) { filter.strip_prefix(b"$share/") } else { None };
    let Some(share) = share else { return check_levels(filter, 0, note) };
    let start = filter.len() - share.len();
    let name_length = share.iter().position(|&byte| byte == b'/').unwrap_or(share.len());
    let (name, rest) = share.split_at_checked(name_length).unwrap_or((share, &[]));
    if name.is_empty() {
        note(Rule::ShareNameEmpty, start..start, "the share name is empty".into());
    }
    if let Some(at) = name.iter().position(|&byte| is_wildcard(byte)) {
        let at = start + at;
        note(Rule::ShareNameSyntax, at..at + 1, "the share name contains a wildcard".into());
    }
    let Some(levels) = rest.get(1..).filter(|levels| !levels.is_empty()) else {
        let end = filter.len();
        return note(Rule::ShareNameSyntax, end..end, "no topic filter follows the share name".into());
    };
    check_levels(levels, filter.len() - levels.len(), note);
}

/// The wildcards of a filter (section 4.7.1). `offset` is where it begins inside the field.
fn check_levels(filter: &[u8], offset: usize, note: &mut impl FnMut(Rule, Span, Message)) {
    if filter.is_empty() {
        return note(Rule::TopicEmpty, offset..offset, "the topic filter is empty".into());
    }
    let mut start = offset;
    let last = offset + filter.len();
    for level in filter.split(|&byte| byte == b'/') {
        let span = start..start + level.len();
        if level.contains(&b'#') && (level != b"#" || span.end != last) {
            note(Rule::FilterMultiLevel, span.clone(), "`#` is not the whole of the last level".into());
        }
        if level.contains(&b'+') && level != b"+" {
            note(Rule::FilterSingleLevel, span.clone(), "`+` is not the whole of its level".into());
        }
        start = span.end + 1;
    }
}
