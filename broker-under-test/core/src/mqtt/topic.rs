//! Topic names and topic filters (§4.7, shared ones §4.8 of 5.0).

use super::codec::{PacketType, Version};
use super::violation::Violation;

/// Whether a text holds a character that only filters may hold.
#[inline]
pub(crate) fn has_wildcard(text: &str) -> bool {
    // Without an early end, so that it takes many bytes at a time.
    text.bytes().fold(0, |found, byte| found | u8::from(byte == b'#') | u8::from(byte == b'+')) != 0
}

/// Whether a topic is the server's own: clients may read below `$SYS/`, not write.
pub(crate) fn is_server_owned(topic_name: &str) -> bool {
    topic_name == "$SYS" || topic_name.starts_with("$SYS/")
}

/// A filter taken apart: what it matches, and the group that shares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopicFilter<'a> {
    /// What topics are compared with.
    pub(crate) pattern: &'a str,
    /// ShareName, in 5.0 only: 3.1.1 gives `$share/` no meaning.
    pub(crate) share_name: Option<&'a str>,
}

impl<'a> TopicFilter<'a> {
    /// Checks a filter as `version` has it.
    pub(crate) fn parse(
        filter: &'a str,
        version: Version,
        packet_type: PacketType,
    ) -> Result<Self, Violation> {
        let shared = match version {
            Version::V311 => None,
            Version::V50 => filter.strip_prefix("$share/"),
        };
        if version == Version::V50 && filter == "$share" {
            return Err(Violation::ShareNameMissing);
        }
        let Some(shared) = shared else {
            check_pattern(filter, packet_type)?;
            return Ok(Self { pattern: filter, share_name: None });
        };
        let (share_name, pattern) = match shared.split_once('/') {
            Some(("", _)) | None if shared.is_empty() || shared.starts_with('/') => {
                return Err(Violation::ShareNameMissing);
            }
            Some(parts) => parts,
            None => return Err(Violation::SharedFilterMissing),
        };
        if has_wildcard(share_name) {
            return Err(Violation::WildcardInShareName);
        }
        if pattern.is_empty() {
            return Err(Violation::SharedFilterMissing);
        }
        check_pattern(pattern, packet_type)?;
        Ok(Self { pattern, share_name: Some(share_name) })
    }

    /// Whether topics are matched by more than equality.
    pub(crate) fn has_wildcard(&self) -> bool {
        has_wildcard(self.pattern)
    }
}

fn check_pattern(pattern: &str, packet_type: PacketType) -> Result<(), Violation> {
    if pattern.is_empty() {
        return Err(Violation::EmptyTopicFilter(packet_type));
    }
    let mut levels = pattern.split('/').peekable();
    while let Some(level) = levels.next() {
        let last = levels.peek().is_none();
        if level.contains('#') && (level != "#" || !last) {
            return Err(Violation::MultiLevelWildcardMisplaced);
        }
        if level.contains('+') && level != "+" {
            return Err(Violation::SingleLevelWildcardMisplaced);
        }
    }
    Ok(())
}

/// Whether a topic name matches a pattern (§4.7.1 to §4.7.3), character by character.
pub(crate) fn matches(pattern: &str, topic_name: &str) -> bool {
    // [mqtt-5.0/MQTT-4.7.2-1] a leading wildcard never reaches a topic that begins with $.
    if topic_name.starts_with('$') && pattern.starts_with(['#', '+']) {
        return false;
    }
    let mut topic_levels = topic_name.split('/');
    for level in pattern.split('/') {
        if level == "#" {
            return true;
        }
        match topic_levels.next() {
            Some(topic_level) if level == "+" || level == topic_level => {}
            Some(_) | None => return false,
        }
    }
    topic_levels.next().is_none()
}

/// The part of a pattern that every topic which matches it begins with, byte for byte.
pub(crate) fn literal_prefix(pattern: &str) -> &str {
    let end = pattern.find(['#', '+']).unwrap_or(pattern.len());
    let prefix = pattern.get(..end).unwrap_or_default();
    // "a/#" matches "a" too.
    prefix.strip_suffix('/').filter(|_| pattern.ends_with('#')).unwrap_or(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_examples_of_the_standard_say() {
        for (pattern, topic_name, expected) in [
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
            ("sport/#", "sport", true),
            ("#", "anything/at/all", true),
            ("sport/tennis/+", "sport/tennis/player1", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("+", "/finance", false),
            ("#", "$SYS/uptime", false),
            ("+/monitor/Clients", "$SYS/monitor/Clients", false),
            ("$SYS/#", "$SYS/uptime", true),
            ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
            ("ACCOUNTS", "Accounts", false),
            ("a//b", "a/b", false),
            ("a/b", "a/b/", false),
            ("\u{FEFF}a", "a", false),
            ("a/+/c/#", "a/b/c", true),
        ] {
            assert_eq!(matches(pattern, topic_name), expected, "{pattern} against {topic_name}");
        }
    }

    #[test]
    fn a_literal_prefix_begins_every_topic_that_matches() {
        for (pattern, prefix) in
            [("a/#", "a"), ("a/b/+/c", "a/b/"), ("#", ""), ("+/a", ""), ("a/b", "a/b"), ("/#", "")]
        {
            assert_eq!(literal_prefix(pattern), prefix, "{pattern}");
        }
    }

    #[test]
    fn misplaced_wildcards_are_refused() {
        let parse = |filter| TopicFilter::parse(filter, Version::V50, PacketType::Subscribe);
        assert_eq!(parse("a/b#"), Err(Violation::MultiLevelWildcardMisplaced));
        assert_eq!(parse("a/#/b"), Err(Violation::MultiLevelWildcardMisplaced));
        assert_eq!(parse("#/a"), Err(Violation::MultiLevelWildcardMisplaced));
        assert_eq!(parse("a+"), Err(Violation::SingleLevelWildcardMisplaced));
        assert_eq!(parse("a/+b/c"), Err(Violation::SingleLevelWildcardMisplaced));
        assert_eq!(parse(""), Err(Violation::EmptyTopicFilter(PacketType::Subscribe)));
        assert!(parse("+/+/#").is_ok());
        assert!(parse("/").is_ok());
    }

    #[test]
    fn shared_filters_have_a_name_and_a_pattern() {
        let parse = |filter| TopicFilter::parse(filter, Version::V50, PacketType::Subscribe);
        assert_eq!(parse("$share/g/a/+"), Ok(TopicFilter { pattern: "a/+", share_name: Some("g") }));
        assert_eq!(parse("$share/g//a"), Ok(TopicFilter { pattern: "/a", share_name: Some("g") }));
        assert_eq!(parse("$share"), Err(Violation::ShareNameMissing));
        assert_eq!(parse("$share/"), Err(Violation::ShareNameMissing));
        assert_eq!(parse("$share//a"), Err(Violation::ShareNameMissing));
        assert_eq!(parse("$share/g"), Err(Violation::SharedFilterMissing));
        assert_eq!(parse("$share/g/"), Err(Violation::SharedFilterMissing));
        assert_eq!(parse("$share/g+/a"), Err(Violation::WildcardInShareName));
        assert_eq!(parse("$share/#/a"), Err(Violation::WildcardInShareName));
        assert_eq!(parse("$share/g/a#"), Err(Violation::MultiLevelWildcardMisplaced));
    }

    #[test]
    fn share_prefix_means_nothing_in_3_1_1() {
        assert_eq!(
            TopicFilter::parse("$share/g/a", Version::V311, PacketType::Subscribe),
            Ok(TopicFilter { pattern: "$share/g/a", share_name: None })
        );
    }
}
