//! Sessions: what outlives a connection, for how long, and how it goes on.

use crate::client::{
    Client, World, ack, connect_50, connect_311, expiry, publish_50, publish_311, subscribe_50, subscribe_311,
};
use mqspec_broker_core::mqtt::MqttConfig;

/// Reconnects; whether CONNACK says that there was a session.
fn session_present(world: &mut World, connect: &[u8]) -> (Client, bool) {
    let client = world.open();
    world.send(client, connect);
    let sent = world.take_sent(client);
    let connack = sent.first().expect("a CONNACK");
    (client, connack.get(2) == Some(&1))
}

#[test]
fn a_kept_session_of_3_1_1_queues_in_order_and_resumes() {
    let mut world = World::new();
    let alice = world.connect_311("alice", false);
    world.exchange(alice, &subscribe_311(1, "t", 1), &[b"\x90\x03\x00\x01\x01"]);
    world.send(alice, b"\xe0\x00");
    let bob = world.connect_311("bob", true);
    world.send(bob, &publish_311(0b0010, "t", 1, b"1"));
    world.send(bob, &publish_311(0, "t", 0, b"lost"));
    world.send(bob, &publish_311(0b0100, "t", 2, b"2"));
    world.wait_secs(1_000_000);
    let alice = world.open();
    world.exchange(
        alice,
        &connect_311("alice", false, 0),
        &[b"\x20\x02\x01\x00", b"\x32\x06\x00\x01t\x00\x011", b"\x32\x06\x00\x01t\x00\x022"],
    );
}

#[test]
fn clean_start_throws_the_old_session_away() {
    let mut world = World::new();
    let alice = world.connect_311("alice", false);
    world.exchange(alice, &subscribe_311(1, "t", 1), &[b"\x90\x03\x00\x01\x01"]);
    world.cut(alice);
    let (alice, present) = session_present(&mut world, &connect_311("alice", true, 0));
    assert!(!present);
    world.exchange(alice, &publish_311(0, "t", 0, b"x"), &[]);
    world.cut(alice);
    let (_, present) = session_present(&mut world, &connect_311("alice", false, 0));
    assert!(!present, "a clean session ends with its connection");
}

#[test]
fn a_5_0_session_lives_for_its_expiry_interval() {
    let mut world = World::new();
    let alice = world.connect_50("alice", false, &expiry(10));
    world.cut(alice);
    world.wait_secs(9);
    let (alice, present) = session_present(&mut world, &connect_50("alice", false, 0, &expiry(10)));
    assert!(present);
    world.cut(alice);
    world.wait_secs(10);
    let (alice, present) = session_present(&mut world, &connect_50("alice", false, 0, &expiry(u32::MAX)));
    assert!(!present);
    world.cut(alice);
    world.wait_secs(u64::from(u32::MAX) + 1);
    let (alice, present) = session_present(&mut world, &connect_50("alice", false, 0, &[]));
    assert!(present, "the largest interval is for ever");
    world.cut(alice);
    let (_, present) = session_present(&mut world, &connect_50("alice", false, 0, &[]));
    assert!(!present, "no interval: the session ends with the connection");
}

#[test]
fn disconnect_may_change_the_expiry_interval_but_not_from_0() {
    let mut world = World::with(MqttConfig { reason_strings: false, ..MqttConfig::default() });
    let alice = world.connect_50("alice", true, &expiry(10));
    world.send(alice, b"\xe0\x07\x00\x05\x11\x00\x00\x00\x00");
    let (alice, present) = session_present(&mut world, &connect_50("alice", false, 0, &[]));
    assert!(!present);
    world.exchange(alice, b"\xe0\x07\x00\x05\x11\x00\x00\x00\x01", &[b"\xe0\x01\x82"]);
    assert!(world.is_closed(alice));
}

#[test]
fn the_server_may_cap_the_expiry_interval() {
    let mut world = World::with(MqttConfig { session_expiry_maximum_secs: 5, ..MqttConfig::default() });
    let alice = world.connect_50("alice", false, &expiry(10));
    world.cut(alice);
    world.wait_secs(5);
    let (_, present) = session_present(&mut world, &connect_50("alice", false, 0, &[]));
    assert!(!present);
}

#[test]
fn unacknowledged_messages_come_again_in_their_order_with_dup() {
    let mut world = World::new();
    let alice = world.connect_311("alice", false);
    world.exchange(alice, &subscribe_311(1, "t", 2), &[b"\x90\x03\x00\x01\x02"]);
    for (flags, payload) in [(0b0010, b"1"), (0b0100, b"2"), (0b0010, b"3"), (0b0100, b"4")] {
        let bob = world.connect_311("bob", true);
        world.send(bob, &publish_311(flags, "t", 1, payload));
    }
    world.expect(
        alice,
        &[
            b"\x32\x06\x00\x01t\x00\x011",
            b"\x34\x06\x00\x01t\x00\x022",
            b"\x32\x06\x00\x01t\x00\x033",
            b"\x34\x06\x00\x01t\x00\x044",
        ],
    );
    world.exchange(alice, &ack(0x40, 3), &[]);
    world.exchange(alice, &ack(0x50, 4), &[b"\x62\x02\x00\x04"]);
    world.cut(alice);
    let alice = world.open();
    world.exchange(
        alice,
        &connect_311("alice", false, 0),
        &[
            b"\x20\x02\x01\x00",
            b"\x62\x02\x00\x04",
            b"\x3a\x06\x00\x01t\x00\x011",
            b"\x3c\x06\x00\x01t\x00\x022",
        ],
    );
    world.exchange(alice, &ack(0x70, 4), &[]);
    world.exchange(alice, &ack(0x50, 2), &[b"\x62\x02\x00\x02"]);
}

#[test]
fn nothing_is_sent_again_while_connected() {
    let mut world = World::new();
    let alice = world.connect_311("alice", false);
    world.exchange(alice, &subscribe_311(1, "t", 1), &[b"\x90\x03\x00\x01\x01"]);
    world.send(alice, &publish_311(0b0010, "t", 1, b"1"));
    assert_eq!(world.take_sent(alice).len(), 2);
    world.wait_secs(100_000);
    world.expect(alice, &[]);
}

#[test]
fn a_qos_2_publish_repeated_after_a_cut_is_delivered_once() {
    let mut world = World::new();
    let watcher = world.connect_311("watcher", true);
    world.exchange(watcher, &subscribe_311(1, "t", 0), &[b"\x90\x03\x00\x01\x00"]);
    let alice = world.connect_50("alice", false, &expiry(100));
    world.exchange(alice, &publish_50(0b0100, "t", 7, &[], b"x"), &[b"\x50\x02\x00\x07"]);
    world.expect(watcher, &[b"\x30\x04\x00\x01tx"]);
    world.cut(alice);
    let (alice, present) = session_present(&mut world, &connect_50("alice", false, 0, &expiry(100)));
    assert!(present);
    world.exchange(alice, &publish_50(0b1100, "t", 7, &[], b"x"), &[b"\x50\x02\x00\x07"]);
    world.expect(watcher, &[]);
    world.exchange(alice, &ack(0x62, 7), &[b"\x70\x02\x00\x07"]);
    world.exchange(alice, &ack(0x62, 7), &[b"\x70\x03\x00\x07\x92"]);
    world.exchange(alice, &publish_50(0b1100, "t", 7, &[], b"y"), &[b"\x50\x02\x00\x07"]);
    world.expect(watcher, &[b"\x30\x04\x00\x01ty"]);
}

#[test]
fn expired_messages_are_not_delivered_unless_begun_before() {
    let mut world = World::new();
    let alice = world.connect_50("alice", false, &[&expiry(1_000)[..], b"\x21\x00\x01"].concat());
    world.subscribe_50(alice, "t", 1);
    let bob = world.connect_50("bob", true, &[]);
    for payload in [b"1", b"2"] {
        world.send(bob, &publish_50(0b0010, "t", 1, b"\x02\x00\x00\x00\x05", payload));
    }
    world.send(bob, &publish_50(0b0010, "t", 1, b"\x02\x00\x00\x00\x63", b"3"));
    world.expect(alice, &[b"\x32\x0c\x00\x01t\x00\x01\x05\x02\x00\x00\x00\x051"]);
    world.cut(alice);
    world.wait_secs(6);
    let alice = world.open();
    world.send(alice, &connect_50("alice", false, 0, &expiry(1_000)));
    let sent = world.take_sent(alice);
    assert_eq!(sent.len(), 3, "{sent:02x?}");
    assert_eq!(sent.get(1).map(|publish| publish.ends_with(b"1")), Some(true), "begun before: sent again");
    assert_eq!(
        sent.get(2).map(Vec::as_slice),
        Some(&b"\x32\x0c\x00\x01t\x00\x02\x05\x02\x00\x00\x00\x5d3"[..]),
        "the second is gone, the third has 93 of 99 seconds left"
    );
}

#[test]
fn a_full_queue_drops_what_comes_last_and_keeps_the_session() {
    let mut world = World::with(MqttConfig { queued_messages_maximum: 2, ..MqttConfig::default() });
    let alice = world.connect_311("alice", false);
    world.exchange(alice, &subscribe_311(1, "t", 1), &[b"\x90\x03\x00\x01\x01"]);
    world.cut(alice);
    let bob = world.connect_311("bob", true);
    for payload in [b"1", b"2", b"3"] {
        world.exchange(bob, &publish_311(0b0010, "t", 1, payload), &[b"\x40\x02\x00\x01"]);
    }
    let alice = world.open();
    world.send(alice, &connect_311("alice", false, 0));
    let sent = world.take_sent(alice);
    let payloads: Vec<&u8> = sent.iter().skip(1).filter_map(|packet| packet.last()).collect();
    assert_eq!(payloads, [b'1', b'2'].iter().collect::<Vec<_>>());
}

#[test]
fn a_session_passes_from_one_version_to_the_other() {
    let mut world = World::new();
    let alice = world.connect_311("alice", false);
    world.exchange(alice, &subscribe_311(1, "t", 1), &[b"\x90\x03\x00\x01\x01"]);
    world.cut(alice);
    let (alice, present) = session_present(&mut world, &connect_50("alice", false, 0, &expiry(9)));
    assert!(present);
    world.exchange(alice, &subscribe_50(1, &[], "u", 1), &[b"\x90\x04\x00\x01\x00\x01"]);
    world.send(alice, &publish_50(0b0010, "t", 1, &[], b"x"));
    world.expect(alice, &[b"\x32\x07\x00\x01t\x00\x01\x00x", b"\x40\x02\x00\x01"]);
}
