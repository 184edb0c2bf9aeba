//! PUBLISH from clients: identifiers, aliases, properties, refusals.

use mqspec_broker_core::mqtt::MqttConfig;

use crate::client::{World, ack, connect_50, publish_50, publish_311, subscribe_50, subscribe_311};

fn quiet() -> MqttConfig {
    MqttConfig { reason_strings: false, ..MqttConfig::default() }
}

#[test]
fn after_puback_the_same_identifier_is_a_new_message_whatever_dup_says() {
    let mut world = World::new();
    let alice = world.connect_311("alice", true);
    world.exchange(alice, &subscribe_311(1, "t", 0), &[b"\x90\x03\x00\x01\x00"]);
    for _ in 0..2 {
        world.exchange(
            alice,
            &publish_311(0b1010, "t", 7, b"x"),
            &[b"\x30\x04\x00\x01tx", b"\x40\x02\x00\x07"],
        );
    }
}

#[test]
fn the_publishers_dup_is_not_passed_on() {
    let mut world = World::new();
    let alice = world.connect_311("alice", true);
    world.exchange(alice, &subscribe_311(1, "t", 1), &[b"\x90\x03\x00\x01\x01"]);
    world.send(alice, &publish_311(0b1010, "t", 7, b"x"));
    world.expect(alice, &[b"\x32\x06\x00\x01t\x00\x01x", b"\x40\x02\x00\x07"]);
}

#[test]
fn properties_are_passed_on_unaltered_and_in_order() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.subscribe_50(alice, "t", 0);
    let properties = b"\x26\x00\x01b\x00\x011\x09\x00\x02\x00\xff\x26\x00\x01a\x00\x012\x08\x00\x01r\
                       \x26\x00\x01b\x00\x011\x01\x01\x03\x00\x01c";
    let sent = publish_50(0, "t", 0, properties, b"x");
    world.exchange(alice, &sent, &[&sent]);
}

#[test]
fn an_alias_stands_for_its_topic_on_its_connection_only() {
    let mut world = World::with(quiet());
    let alice = world.connect_50("alice", true, &[]);
    world.subscribe_50(alice, "#", 0);
    let alias = |number: u8| [0x23, 0, number];
    world.exchange(alice, &publish_50(0, "a", 0, &alias(64), b"1"), &[b"\x30\x05\x00\x01a\x001"]);
    world.exchange(alice, &publish_50(0, "", 0, &alias(64), b"2"), &[b"\x30\x05\x00\x01a\x002"]);
    world.exchange(alice, &publish_50(0, "b", 0, &alias(64), b"3"), &[b"\x30\x05\x00\x01b\x003"]);
    world.exchange(alice, &publish_50(0, "", 0, &alias(64), b"4"), &[b"\x30\x05\x00\x01b\x004"]);
    world.exchange(alice, &publish_50(0, "", 0, &alias(1), b"5"), &[b"\xe0\x01\x82"]);
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &publish_50(0, "", 0, &alias(64), b"6"), &[b"\xe0\x01\x82"]);
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &publish_50(0, "a", 0, &alias(65), b"7"), &[b"\xe0\x01\x94"]);
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &publish_50(0, "a", 0, &alias(0), b"8"), &[b"\xe0\x01\x94"]);
    assert!(world.is_closed(alice));
}

#[test]
fn nobody_subscribing_is_a_success_of_its_own() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &publish_50(0b0010, "t", 1, &[], b""), &[b"\x40\x03\x00\x01\x10"]);
    world.exchange(alice, &publish_50(0b0100, "t", 2, &[], b""), &[b"\x50\x03\x00\x02\x10"]);
    world.exchange(alice, &ack(0x62, 2), &[b"\x70\x02\x00\x02"]);
    let old = world.connect_311("old", true);
    world.exchange(old, &publish_311(0b0010, "t", 1, b""), &[b"\x40\x02\x00\x01"]);
}

#[test]
fn the_servers_own_topics_cannot_be_published_to() {
    let mut world = World::with(quiet());
    let old = world.connect_311("old", true);
    world.exchange(old, &subscribe_311(1, "$SYS/#", 0), &[b"\x90\x03\x00\x01\x00"]);
    world.exchange(old, &publish_311(0b0010, "$SYS/x", 1, b""), &[b"\x40\x02\x00\x01"]);
    let new = world.connect_50("new", true, &[]);
    world.exchange(new, &publish_50(0b0010, "$SYS/x", 1, &[], b""), &[b"\x40\x03\x00\x01\x87"]);
    world.exchange(new, &publish_50(0b0100, "$SYS/x", 1, &[], b""), &[b"\x50\x03\x00\x01\x87"]);
    world.exchange(new, &ack(0x62, 1), &[b"\x70\x03\x00\x01\x92"]);
    world.exchange(new, &publish_50(0, "$SYS/x", 0, &[], b""), &[]);
    world.expect(old, &[]);
    assert!(!world.is_closed(new) && !world.is_closed(old));
}

#[test]
fn an_acknowledgement_says_why_only_to_those_who_want_to_know() {
    for (wanted, expected) in [(1, true), (0, false)] {
        let mut world = World::new();
        let alice = world.connect_50("alice", true, &[0x17, wanted]);
        world.send(alice, &publish_50(0b0010, "$SYS/x", 1, &[], b""));
        let sent = world.take_sent(alice);
        let words = sent.first().is_some_and(|puback| puback.len() > 5);
        assert_eq!(words, expected, "{sent:02x?}");
        // DISCONNECT may always say it.
        world.send(alice, b"\x82\x03\x00\x01\x00");
        let sent = world.take_sent(alice);
        assert!(sent.first().is_some_and(|disconnect| disconnect.len() > 5), "{sent:02x?}");
    }
}

#[test]
fn a_topic_with_a_wildcard_is_delivered_to_nobody() {
    let mut world = World::with(quiet());
    let watcher = world.connect_311("watcher", true);
    world.exchange(watcher, &subscribe_311(1, "#", 0), &[b"\x90\x03\x00\x01\x00"]);
    let old = world.connect_311("old", true);
    world.exchange(old, &publish_311(0b0010, "a/+", 1, b""), &[]);
    let new = world.connect_50("new", true, &[]);
    world.exchange(new, &publish_50(0b0010, "a/+", 1, &[], b""), &[b"\xe0\x01\x90"]);
    assert!(world.is_closed(old) && world.is_closed(new));
    world.expect(watcher, &[]);
}

#[test]
fn acknowledgements_of_what_was_never_sent() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &ack(0x40, 9), &[]);
    world.exchange(alice, &ack(0x70, 9), &[]);
    world.exchange(alice, &ack(0x50, 9), &[b"\x62\x03\x00\x09\x92"]);
    world.exchange(alice, b"\x50\x03\x00\x09\x80", &[]);
    let old = world.connect_311("old", true);
    world.exchange(old, &ack(0x50, 9), &[b"\x62\x02\x00\x09"]);
    world.exchange(old, &ack(0x62, 9), &[b"\x70\x02\x00\x09"]);
    assert!(!world.is_closed(alice) && !world.is_closed(old));
}

#[test]
fn the_wrong_kind_of_acknowledgement_is_a_protocol_error() {
    let mut world = World::with(quiet());
    let alice = world.connect_50("alice", true, &[]);
    world.subscribe_50(alice, "t", 2);
    world.send(alice, &publish_50(0b0100, "t", 1, &[], b"x"));
    assert_eq!(world.take_sent(alice).len(), 2);
    world.exchange(alice, &ack(0x40, 1), &[b"\xe0\x01\x82"]);
    assert!(world.is_closed(alice));
}

#[test]
fn payload_that_calls_itself_text_is_checked_where_the_operator_wants_it() {
    let mut world = World::with(MqttConfig { validate_payload_format: true, ..quiet() });
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &publish_50(0b0010, "t", 1, b"\x01\x00", b"\xff"), &[b"\x40\x03\x00\x01\x10"]);
    world.exchange(alice, &publish_50(0b0010, "t", 1, b"\x01\x01", b"\xff"), &[b"\xe0\x01\x99"]);
    assert!(world.is_closed(alice));
}

#[test]
fn a_byte_order_mark_is_a_character_like_any_other() {
    let mut world = World::new();
    let alice = world.connect_311("alice", true);
    world.exchange(alice, &subscribe_311(1, "\u{FEFF}a", 0), &[b"\x90\x03\x00\x01\x00"]);
    let publish: &[u8] = b"\x30\x06\x00\x04\xef\xbb\xbfa";
    world.exchange(alice, publish, &[publish]);
    world.exchange(alice, &publish_311(0, "a", 0, b""), &[]);
}

#[test]
fn messages_of_one_publisher_keep_their_order_through_a_small_receive_maximum() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, b"\x21\x00\x02");
    world.exchange(alice, &subscribe_50(1, &[], "t", 1), &[b"\x90\x04\x00\x01\x00\x01"]);
    let bob = world.connect_50("bob", true, &[]);
    for payload in b'1'..=b'6' {
        world.send(bob, &publish_50(0b0010, "t", 1, &[], &[payload]));
    }
    let mut payloads = Vec::new();
    for id in 1..=6 {
        let sent = world.take_sent(alice);
        payloads.extend(sent.iter().filter_map(|publish| publish.last().copied()));
        world.send(alice, &ack(0x40, id));
    }
    assert_eq!(payloads, b"123456");
}

#[test]
fn a_qos_2_message_refused_by_the_client_is_settled() {
    let mut world = World::new();
    let alice = world.connect_50("alice", false, b"\x11\x00\x00\x00\x64\x21\x00\x01");
    world.subscribe_50(alice, "t", 2);
    let bob = world.connect_50("bob", true, &[]);
    for payload in [b"1", b"2"] {
        world.send(bob, &publish_50(0b0100, "t", u16::from(payload[0]), &[], payload));
    }
    world.expect(alice, &[b"\x34\x07\x00\x01t\x00\x01\x001"]);
    world.exchange(alice, b"\x50\x03\x00\x01\x97", &[b"\x34\x07\x00\x01t\x00\x02\x002"]);
    world.cut(alice);
    let alice = world.open();
    world.send(alice, &connect_50("alice", false, 0, &[]));
    let sent = world.take_sent(alice);
    assert_eq!(sent.len(), 2, "CONNACK and the second message only: {sent:02x?}");
}
