//! Retained messages and the subscription options that concern them.

use mqspec_broker_core::mqtt::MqttConfig;

use crate::client::{World, ack, publish_50, publish_311, subscribe_50, subscribe_311};

const RETAIN: u8 = 0b0001;

#[test]
fn the_last_retained_message_reaches_a_later_subscriber_with_its_qos() {
    let mut world = World::new();
    let alice = world.connect_311("alice", true);
    world.exchange(alice, &publish_311(RETAIN | 0b0010, "a/b", 1, b"1"), &[b"\x40\x02\x00\x01"]);
    world.exchange(alice, &publish_311(RETAIN | 0b0010, "a/b", 2, b"2"), &[b"\x40\x02\x00\x02"]);
    world.send(alice, &publish_311(0, "a/b", 0, b"3"));
    world.exchange(
        alice,
        &subscribe_311(5, "a/+", 2),
        &[b"\x90\x03\x00\x05\x02", b"\x33\x08\x00\x03a/b\x00\x012"],
    );
}

#[test]
fn an_empty_retained_message_is_delivered_and_clears() {
    let mut world = World::new();
    let alice = world.connect_311("alice", true);
    world.send(alice, &publish_311(RETAIN, "t", 0, b"1"));
    world.exchange(alice, &subscribe_311(1, "#", 0), &[b"\x90\x03\x00\x01\x00", b"\x31\x04\x00\x01t1"]);
    world.exchange(alice, &publish_311(RETAIN, "t", 0, b""), &[b"\x30\x03\x00\x01t"]);
    world.exchange(alice, &subscribe_311(2, "t", 0), &[b"\x90\x03\x00\x02\x00"]);
}

#[test]
fn retain_handling_says_when_retained_messages_come() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.send(alice, &publish_50(RETAIN, "t", 0, &[], b"1"));
    let suback: &[u8] = b"\x90\x04\x00\x01\x00\x00";
    let retained: &[u8] = b"\x31\x05\x00\x01t\x001";
    world.exchange(alice, &subscribe_50(1, &[], "t", 0x20), &[suback]);
    world.exchange(alice, &subscribe_50(1, &[], "t", 0x10), &[suback]);
    world.exchange(alice, &subscribe_50(1, &[], "t", 0x00), &[suback, retained]);
    world.exchange(alice, b"\xa2\x06\x00\x02\x00\x00\x01t", &[b"\xb0\x04\x00\x02\x00\x00"]);
    world.exchange(alice, &subscribe_50(1, &[], "t", 0x10), &[suback, retained]);
}

#[test]
fn retain_as_published_decides_over_the_flag_of_live_messages() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.subscribe_50(alice, "t", 0);
    world.exchange(alice, &publish_50(RETAIN, "t", 0, &[], b"1"), &[b"\x30\x05\x00\x01t\x001"]);
    world.exchange(alice, &subscribe_50(1, &[], "t", 0x28), &[b"\x90\x04\x00\x01\x00\x00"]);
    world.exchange(alice, &publish_50(RETAIN, "t", 0, &[], b"2"), &[b"\x31\x05\x00\x01t\x002"]);
    world.exchange(alice, &publish_50(0, "t", 0, &[], b"3"), &[b"\x30\x05\x00\x01t\x003"]);
}

#[test]
fn a_retained_message_expires_and_counts_down_until_then() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.send(alice, &publish_50(RETAIN, "t", 0, b"\x02\x00\x00\x00\x0a", b"1"));
    world.wait_secs(4);
    world.exchange(
        alice,
        &subscribe_50(1, &[], "t", 0),
        &[b"\x90\x04\x00\x01\x00\x00", b"\x31\x0a\x00\x01t\x05\x02\x00\x00\x00\x061"],
    );
    world.wait_secs(6);
    world.exchange(alice, &subscribe_50(1, &[], "t", 0), &[b"\x90\x04\x00\x01\x00\x00"]);
}

#[test]
fn a_retained_message_carries_the_new_subscriptions_identifier() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.send(alice, &publish_50(RETAIN, "t", 0, &[], b"1"));
    world.exchange(
        alice,
        &subscribe_50(1, b"\x0b\x80\x01", "t", 0),
        &[b"\x90\x04\x00\x01\x00\x00", b"\x31\x08\x00\x01t\x03\x0b\x80\x011"],
    );
}

#[test]
fn shared_subscriptions_get_no_retained_messages() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.send(alice, &publish_50(RETAIN, "t", 0, &[], b"1"));
    world.exchange(alice, &subscribe_50(1, &[], "$share/g/t", 0), &[b"\x90\x04\x00\x01\x00\x00"]);
}

#[test]
fn retained_messages_outlive_the_session_of_their_publisher() {
    let mut world = World::new();
    let alice = world.connect_311("alice", true);
    world.send(alice, &publish_311(RETAIN, "t", 0, b"1"));
    world.cut(alice);
    let bob = world.connect_311("bob", true);
    world.exchange(bob, &subscribe_311(1, "t", 0), &[b"\x90\x03\x00\x01\x00", b"\x31\x04\x00\x01t1"]);
}

#[test]
fn wildcards_at_the_front_find_nothing_that_begins_with_a_dollar() {
    let mut world = World::new();
    let alice = world.connect_311("alice", true);
    world.send(alice, &publish_311(RETAIN, "$app/t", 0, b"1"));
    world.exchange(alice, &subscribe_311(1, "#", 0), &[b"\x90\x03\x00\x01\x00"]);
    world.exchange(alice, &subscribe_311(1, "+/t", 0), &[b"\x90\x03\x00\x01\x00"]);
    world.exchange(
        alice,
        &subscribe_311(1, "$app/#", 0),
        &[b"\x90\x03\x00\x01\x00", b"\x31\x09\x00\x06$app/t1"],
    );
}

#[test]
fn no_more_retained_messages_are_kept_than_the_operator_allows() {
    let config = MqttConfig { retained_messages_maximum: 1, reason_strings: false, ..MqttConfig::default() };
    let mut world = World::with(config);
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &publish_50(RETAIN | 0b0100, "a", 1, &[], b"1"), &[b"\x50\x03\x00\x01\x10"]);
    world.exchange(alice, &ack(0x62, 1), &[b"\x70\x02\x00\x01"]);
    world.exchange(alice, &publish_50(RETAIN | 0b0100, "b", 2, &[], b"1"), &[b"\x50\x03\x00\x02\x97"]);
    world.exchange(alice, &ack(0x62, 2), &[b"\x70\x03\x00\x02\x92"]);
    world.exchange(alice, &publish_50(RETAIN | 0b0010, "a", 3, &[], b"2"), &[b"\x40\x03\x00\x03\x10"]);
}

#[test]
fn without_retain_5_0_is_refused_and_3_1_1_is_delivered_only() {
    let config = MqttConfig { retain_available: false, reason_strings: false, ..MqttConfig::default() };
    let mut world = World::with(config);
    let alice = world.connect_311("alice", true);
    world.send(alice, &publish_311(RETAIN, "t", 0, b"1"));
    world.exchange(alice, &subscribe_311(1, "t", 0), &[b"\x90\x03\x00\x01\x00"]);
    let bob = world.connect_50("bob", true, &[]);
    world.exchange(bob, &publish_50(RETAIN, "t", 0, &[], b"1"), &[b"\xe0\x01\x9a"]);
    assert!(world.is_closed(bob));
    world.expect(alice, &[]);
}
