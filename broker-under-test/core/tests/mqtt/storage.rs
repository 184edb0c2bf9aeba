//! A full disk: what is refused, by which code, and what goes on.

use mqspec_broker_core::Config;
use mqspec_broker_core::mqtt::MqttConfig;

use crate::client::{
    World, ack, connect_50, connect_311, expiry, packet, publish_50, publish_311, subscribe_50,
    subscribe_311, text,
};

const RETAIN: u8 = 0b0001;

/// A durable broker that does not explain itself.
fn world() -> World {
    let mqtt = MqttConfig { reason_strings: false, ..MqttConfig::default() };
    World::of(Config { mqtt, durable: true, ..Config::default() })
}

#[test]
fn what_must_be_kept_is_refused_with_quota_exceeded_in_5_0() {
    let mut world = world();
    let alice = world.connect_50("alice", false, &expiry(100));
    world.storage(true);
    let records = world.records.len();
    world.exchange(alice, &publish_50(0b0010, "t", 1, &[], b"x"), &[b"\x40\x03\x00\x01\x97"]);
    world.exchange(alice, &publish_50(0b0100, "t", 2, &[], b"x"), &[b"\x50\x03\x00\x02\x97"]);
    world.exchange(alice, &subscribe_50(3, &[], "t", 1), &[b"\x90\x04\x00\x03\x00\x97"]);
    world.exchange(alice, &publish_50(RETAIN, "t", 0, &[], b"x"), &[]);
    let newcomer = world.open();
    world.exchange(newcomer, &connect_50("new", false, 0, &expiry(9)), &[b"\x20\x03\x00\x97\x00"]);
    assert!(world.is_closed(newcomer) && !world.is_closed(alice));
    assert_eq!(world.records.len(), records, "nothing was kept of all this");
    world.storage(false);
    world.exchange(alice, &publish_50(0b0100, "t", 2, &[], b"x"), &[b"\x50\x03\x00\x02\x10"]);
    world.exchange(alice, &subscribe_50(3, &[], "t", 1), &[b"\x90\x04\x00\x03\x00\x01"]);
    world.connect_50("new", false, &expiry(9));
}

#[test]
fn in_3_1_1_a_publish_that_cannot_be_kept_ends_the_connection() {
    for qos in [0b0010, 0b0100] {
        let mut world = world();
        let alice = world.connect_311("alice", false);
        let watcher = world.connect_311("watcher", true);
        world.exchange(watcher, &subscribe_311(1, "t", 2), &[b"\x90\x03\x00\x01\x02"]);
        world.storage(true);
        world.exchange(alice, &subscribe_311(3, "t", 1), &[b"\x90\x03\x00\x03\x80"]);
        world.exchange(alice, &publish_311(qos, "t", 1, b"x"), &[]);
        assert!(world.is_closed(alice));
        world.expect(watcher, &[]);
        let newcomer = world.open();
        world.exchange(newcomer, &connect_311("new", false, 0), &[b"\x20\x02\x00\x03"]);
        let again = world.open();
        world.exchange(again, &connect_311("alice", false, 0), &[b"\x20\x02\x01\x00"]);
        world.storage(false);
        let again_flags = 0b1000 | qos;
        world.send(again, &publish_311(again_flags, "t", 1, b"x"));
        assert_eq!(world.take_sent(watcher).len(), 1, "nothing had been taken before");
    }
}

#[test]
fn a_will_needs_room_and_a_passing_client_none() {
    let mut world = world();
    world.storage(true);
    let with_will = world.open();
    let connect = packet(0x10, &[b"\x00\x04MQTT\x04\x06\x00\x00", &text("c"), &text("w"), &text("gone")]);
    world.exchange(with_will, &connect, &[b"\x20\x02\x00\x03"]);
    let alice = world.connect_311("alice", true);
    world.exchange(alice, &subscribe_311(1, "t", 2), &[b"\x90\x03\x00\x01\x02"]);
    world.exchange(alice, &publish_311(0, "t", 0, b"x"), &[b"\x30\x04\x00\x01tx"]);
    assert!(world.records.is_empty(), "{:02x?}", world.records);
}

#[test]
fn what_there_is_is_served_and_what_ends_something_is_done() {
    let mut world = world();
    let alice = world.connect_311("alice", false);
    world.exchange(alice, &subscribe_311(1, "t", 2), &[b"\x90\x03\x00\x01\x02"]);
    world.exchange(alice, &subscribe_311(2, "u", 2), &[b"\x90\x03\x00\x02\x02"]);
    world.cut(alice);
    let bob = world.connect_311("bob", false);
    world.exchange(bob, &publish_311(RETAIN | 0b0010, "r", 1, b"x"), &[b"\x40\x02\x00\x01"]);
    world.exchange(bob, &publish_311(0b0010, "t", 1, b"1"), &[b"\x40\x02\x00\x01"]);
    world.exchange(bob, &publish_311(0b0100, "t", 9, b"2"), &[b"\x50\x02\x00\x09"]);
    world.storage(true);
    world.exchange(bob, &publish_311(0b1100, "t", 9, b"2"), &[b"\x50\x02\x00\x09"]);
    world.exchange(bob, &ack(0x62, 9), &[b"\x70\x02\x00\x09"]);
    world.exchange(bob, &publish_311(RETAIN, "r", 0, b""), &[]);
    let alice = world.open();
    let resumed: [&[u8]; 3] =
        [b"\x20\x02\x01\x00", b"\x32\x06\x00\x01t\x00\x011", b"\x34\x06\x00\x01t\x00\x022"];
    world.exchange(alice, &connect_311("alice", false, 0), &resumed);
    world.exchange(alice, &ack(0x40, 1), &[]);
    world.exchange(alice, &ack(0x50, 2), &[b"\x62\x02\x00\x02"]);
    world.exchange(alice, &packet(0xA2, &[&[0, 7], &text("t")]), &[b"\xb0\x02\x00\x07"]);
    world.crash();
    let alice = world.open();
    world.exchange(alice, &connect_311("alice", false, 0), &[b"\x20\x02\x01\x00", b"\x62\x02\x00\x02"]);
    let carol = world.connect_311("carol", true);
    world.exchange(carol, &subscribe_311(1, "#", 2), &[b"\x90\x03\x00\x01\x02"]);
    world.send(carol, &publish_311(0, "t", 0, b"x"));
    world.expect(alice, &[]);
}

#[test]
fn clean_start_refused_for_want_of_room_leaves_the_old_session_alone() {
    let mut world = world();
    let alice = world.connect_50("alice", false, &expiry(100));
    world.subscribe_50(alice, "t", 1);
    world.storage(true);
    let again = world.open();
    world.exchange(again, &connect_50("alice", true, 0, &expiry(100)), &[b"\x20\x03\x00\x97\x00"]);
    assert!(!world.is_closed(alice), "nobody took the session over");
    world.crash();
    let alice = world.open();
    world.send(alice, &connect_50("alice", false, 0, &expiry(100)));
    assert_eq!(world.take_sent(alice).first().and_then(|connack| connack.get(2)), Some(&1));
}
