//! Whole exchanges in both versions, packet by packet.

use crate::client::{World, ack, publish_50, publish_311, subscribe_50, subscribe_311};

#[test]
fn a_3_1_1_client_is_accepted_and_pinged() {
    let mut world = World::new();
    let client = world.open();
    world.exchange(client, b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a", &[b"\x20\x02\x00\x00"]);
    world.exchange(client, b"\xc0\x00", &[b"\xd0\x00"]);
    world.send(client, b"\xe0\x00");
    assert!(world.is_closed(client));
}

#[test]
fn a_5_0_client_is_told_the_limits_that_differ_from_the_defaults() {
    let mut world = World::new();
    let client = world.open();
    // Receive Maximum 100, Maximum Packet Size 16 MiB, Topic Alias Maximum 64
    world.exchange(
        client,
        b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01a",
        &[b"\x20\x0e\x00\x00\x0b\x21\x00\x64\x27\x01\x00\x00\x00\x22\x00\x40"],
    );
}

#[test]
fn qos_0_reaches_a_subscriber_of_the_other_version() {
    let mut world = World::new();
    let old = world.connect_311("old", true);
    let new = world.connect_50("new", true, &[]);
    world.exchange(old, &subscribe_311(1, "a/+", 0), &[b"\x90\x03\x00\x01\x00"]);
    world.exchange(new, &subscribe_50(2, &[], "a/#", 0), &[b"\x90\x04\x00\x02\x00\x00"]);
    world.send(old, &publish_311(0, "a/b", 0, b"x"));
    world.expect(old, &[b"\x30\x06\x00\x03a/bx"]);
    world.expect(new, &[b"\x30\x07\x00\x03a/b\x00x"]);
    world.send(new, &publish_50(0, "a/b", 0, b"\x01\x01\x03\x00\x01t", b"y"));
    world.expect(old, &[b"\x30\x06\x00\x03a/by"]);
    world.expect(new, &[b"\x30\x0d\x00\x03a/b\x06\x01\x01\x03\x00\x01ty"]);
}

#[test]
fn qos_1_is_acknowledged_on_both_legs() {
    let mut world = World::new();
    let alice = world.connect_311("alice", true);
    let bob = world.connect_311("bob", true);
    world.exchange(alice, &subscribe_311(1, "t", 1), &[b"\x90\x03\x00\x01\x01"]);
    world.exchange(bob, &publish_311(0b0010, "t", 7, b"x"), &[b"\x40\x02\x00\x07"]);
    world.expect(alice, &[b"\x32\x06\x00\x01t\x00\x01x"]);
    world.exchange(alice, &ack(0x40, 1), &[]);
    assert!(!world.is_closed(alice));
}

#[test]
fn qos_2_takes_four_packets_on_both_legs() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    let bob = world.connect_50("bob", true, &[]);
    world.subscribe_50(alice, "t", 2);
    world.exchange(bob, &publish_50(0b0100, "t", 9, &[], b"x"), &[b"\x50\x02\x00\x09"]);
    world.expect(alice, &[b"\x34\x07\x00\x01t\x00\x01\x00x"]);
    world.exchange(bob, &ack(0x62, 9), &[b"\x70\x02\x00\x09"]);
    world.exchange(alice, &ack(0x50, 1), &[b"\x62\x02\x00\x01"]);
    world.exchange(alice, &ack(0x70, 1), &[]);
}

#[test]
fn the_lower_of_published_and_granted_qos_is_delivered() {
    let mut world = World::new();
    let alice = world.connect_311("alice", true);
    world.exchange(alice, &subscribe_311(1, "t", 1), &[b"\x90\x03\x00\x01\x01"]);
    world.send(alice, &publish_311(0b0100, "t", 5, b"2"));
    world.expect(alice, &[b"\x32\x06\x00\x01t\x00\x012", b"\x50\x02\x00\x05"]);
    world.send(alice, &publish_311(0, "t", 0, b"0"));
    world.expect(alice, &[b"\x30\x04\x00\x01t0"]);
}

#[test]
fn after_unsubscribing_nothing_new_arrives_and_what_was_begun_is_finished() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.subscribe_50(alice, "t", 2);
    world.send(alice, &publish_50(0b0100, "t", 1, &[], b"x"));
    world.expect(alice, &[b"\x34\x07\x00\x01t\x00\x01\x00x", b"\x50\x02\x00\x01"]);
    // "t" is known, "u" is not
    world.exchange(alice, b"\xa2\x09\x00\x05\x00\x00\x01t\x00\x01u", &[b"\xb0\x05\x00\x05\x00\x00\x11"]);
    world.exchange(alice, &publish_50(0b0010, "t", 2, &[], b"y"), &[b"\x40\x03\x00\x02\x10"]);
    world.exchange(alice, &ack(0x50, 1), &[b"\x62\x02\x00\x01"]);
}
