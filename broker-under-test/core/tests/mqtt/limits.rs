//! What neither side may exceed: keep alive, Receive Maximum, Maximum Packet Size, and what a slow reader costs.

use std::time::Duration;

use mqspec_broker_core::mqtt::MqttConfig;

use crate::client::{
    Client, World, ack, connect_50, connect_311, expiry, publish_50, publish_311, subscribe_50, subscribe_311,
};

fn quiet() -> MqttConfig {
    MqttConfig { reason_strings: false, ..MqttConfig::default() }
}

#[test]
fn silence_for_one_and_a_half_keep_alive_times_ends_the_connection() {
    let mut world = World::with(quiet());
    let client = world.open();
    world.send(client, &connect_50("a", true, 10, &[]));
    world.take_sent(client);
    world.wait(Duration::from_millis(14_999));
    assert!(!world.is_closed(client));
    world.wait(Duration::from_millis(1));
    world.expect(client, &[b"\xe0\x01\x8d"]);
    assert!(world.is_closed(client));
}

#[test]
fn keep_alive_0_allows_silence_for_ever() {
    let mut world = World::new();
    let client = world.connect_311("a", true);
    world.wait_secs(1_000_000);
    assert!(!world.is_closed(client));
}

#[test]
fn a_server_keep_alive_replaces_the_clients() {
    let mut world = World::with(MqttConfig { server_keep_alive_secs: Some(2), ..quiet() });
    let new = world.open();
    world.send(new, &connect_50("new", true, 100, &[]));
    let old = world.open();
    world.send(old, &connect_311("old", true, 100));
    world.wait_secs(3);
    assert!(world.is_closed(new));
    assert!(!world.is_closed(old), "3.1.1 has no way to tell the client");
}

#[test]
fn only_whole_packets_break_the_silence() {
    let mut world = World::new();
    let client = world.open();
    world.send(client, &connect_311("a", true, 2));
    world.send(client, b"\xc0");
    world.wait_secs(2);
    world.send(client, b"\x00\x30");
    world.wait_secs(2);
    assert!(!world.is_closed(client));
    world.wait_secs(1);
    assert!(world.is_closed(client));
}

#[test]
fn more_unfinished_messages_than_receive_maximum_end_the_connection() {
    let mut world = World::with(MqttConfig { receive_maximum: 2, ..quiet() });
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &publish_50(0b0100, "t", 1, &[], b""), &[b"\x50\x03\x00\x01\x10"]);
    // a repeat does not count twice, and QoS 1 is finished at once
    world.exchange(alice, &publish_50(0b1100, "t", 1, &[], b""), &[b"\x50\x02\x00\x01"]);
    world.exchange(alice, &publish_50(0b0010, "t", 9, &[], b""), &[b"\x40\x03\x00\x09\x10"]);
    world.exchange(alice, &publish_50(0b0100, "t", 2, &[], b""), &[b"\x50\x03\x00\x02\x10"]);
    world.exchange(alice, &ack(0x62, 1), &[b"\x70\x02\x00\x01"]);
    world.exchange(alice, &publish_50(0b0100, "t", 3, &[], b""), &[b"\x50\x03\x00\x03\x10"]);
    world.exchange(alice, b"\xc0\x00", &[b"\xd0\x00"]);
    world.exchange(alice, &publish_50(0b0100, "t", 4, &[], b""), &[b"\xe0\x01\x93"]);
    assert!(world.is_closed(alice));
}

#[test]
fn a_client_is_sent_no_more_than_its_receive_maximum() {
    let mut world = World::new();
    let alice = world.connect_50("alice", false, &[&expiry(99)[..], b"\x21\x00\x01"].concat());
    world.subscribe_50(alice, "t", 2);
    let bob = world.connect_50("bob", true, &[]);
    for (id, payload) in [(1, b"1"), (2, b"2"), (3, b"3")] {
        world.send(bob, &publish_50(0b0100, "t", id, &[], payload));
    }
    world.send(bob, &publish_50(0, "t", 0, &[], b"0"));
    world.expect(alice, &[b"\x34\x07\x00\x01t\x00\x01\x001", b"\x30\x05\x00\x01t\x000"]);
    world.exchange(alice, &ack(0x50, 1), &[b"\x62\x02\x00\x01"]);
    world.exchange(alice, b"\xc0\x00", &[b"\xd0\x00"]);
    world.exchange(alice, &ack(0x70, 1), &[b"\x34\x07\x00\x01t\x00\x02\x002"]);
    world.cut(alice);
    // Also what is sent again counts.
    let alice = world.connect_50("alice", false, &[&expiry(99)[..], b"\x21\x00\x01"].concat());
    world.expect(alice, &[b"\x3c\x07\x00\x01t\x00\x02\x002"]);
    world.exchange(alice, &ack(0x50, 2), &[b"\x62\x02\x00\x02"]);
    world.exchange(alice, &ack(0x70, 2), &[b"\x34\x07\x00\x01t\x00\x03\x003"]);
}

#[test]
fn a_smaller_receive_maximum_holds_repeats_back_too() {
    let mut world = World::new();
    let alice = world.connect_50("alice", false, &expiry(99));
    world.subscribe_50(alice, "t", 1);
    for payload in [b"1", b"2"] {
        world.send(alice, &publish_50(0b0010, "t", 5, &[], payload));
    }
    world.cut(alice);
    let alice = world.connect_50("alice", false, b"\x21\x00\x01");
    world.expect(alice, &[b"\x3a\x07\x00\x01t\x00\x01\x001"]);
    world.exchange(alice, &ack(0x40, 1), &[b"\x3a\x07\x00\x01t\x00\x02\x002"]);
}

#[test]
fn what_is_too_large_for_a_client_is_dropped_as_if_delivered() {
    let mut world = World::new();
    let alice = world.open();
    world.exchange(alice, &connect_50("alice", true, 0, b"\x27\x00\x00\x00\x0f"), &[]);
    assert!(world.is_closed(alice), "not even CONNACK fits into 15 bytes");
    // Receive Maximum 1, Maximum Packet Size 24
    let alice = world.connect_50("alice", true, b"\x21\x00\x01\x27\x00\x00\x00\x18");
    world.subscribe_50(alice, "t", 1);
    let bob = world.connect_50("bob", true, &[]);
    // 8 bytes around the payload: 24 fits, 25 does not
    for (id, payload) in [(1, &[b'a'; 17][..]), (2, &[b'b'; 16]), (3, &[b'c'; 17]), (4, b"d")] {
        world.exchange(bob, &publish_50(0b0010, "t", id, &[], payload), &[&ack(0x40, id)]);
    }
    let sent = world.take_sent(alice);
    assert_eq!(sent.len(), 1, "{sent:02x?}");
    assert!(sent.first().is_some_and(|publish| publish.len() == 24 && publish.ends_with(b"b")));
    let identifier = u16::from(*sent.first().and_then(|publish| publish.get(6)).expect("an identifier"));
    world.send(alice, &ack(0x40, identifier));
    let sent = world.take_sent(alice);
    assert!(sent.first().is_some_and(|publish| publish.ends_with(b"d")), "{sent:02x?}");
    world.send(bob, &publish_50(0, "t", 0, &[], &[b'e'; 30]));
    world.expect(alice, &[]);
}

#[test]
fn packets_above_the_servers_maximum_are_refused_by_their_header() {
    let mut world = World::with(MqttConfig { maximum_packet_size: 100, ..quiet() });
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &publish_50(0b0010, "t", 1, &[], &[0; 92]), &[b"\x40\x03\x00\x01\x10"]);
    world.exchange(alice, b"\x30\x63", &[b"\xe0\x01\x95"]);
    assert!(world.is_closed(alice));
    let old = world.connect_311("old", true);
    world.exchange(old, b"\x30\x63", &[]);
    assert!(world.is_closed(old));
}

/// A subscriber of "t" with QoS 1 whose network takes nothing, and a publisher.
fn slow_reader() -> (World, Client, Client) {
    let mut world = World::with(MqttConfig { high_water_bytes: 60, ..quiet() });
    let alice = world.connect_311("alice", true);
    world.exchange(alice, &subscribe_311(1, "t", 1), &[b"\x90\x03\x00\x01\x01"]);
    let bob = world.connect_311("bob", true);
    world.network_takes = false;
    (world, alice, bob)
}

#[test]
fn a_slow_reader_misses_qos_0_and_gets_the_rest_later() {
    let (mut world, alice, bob) = slow_reader();
    world.send(bob, &publish_311(0b0010, "t", 1, &[b'1'; 60])); // 67 bytes: above the mark
    world.send(bob, &publish_311(0, "t", 0, b"missed"));
    world.send(bob, &publish_311(0b0010, "t", 2, b"2"));
    assert_eq!(world.take_sent(alice).len(), 1);
    world.take(alice, 6);
    world.expect(alice, &[]);
    world.take(alice, 1);
    world.expect(alice, &[b"\x32\x06\x00\x01t\x00\x022"]);
    world.send(bob, &publish_311(0, "t", 0, b"missed"));
    world.take(alice, 68);
    world.send(bob, &publish_311(0, "t", 0, b"seen"));
    world.expect(alice, &[b"\x30\x07\x00\x01tseen"]);
}

#[test]
fn retained_messages_wait_for_a_slow_reader_even_with_qos_0() {
    let (mut world, alice, bob) = slow_reader();
    for topic in ["r/1", "r/2", "r/3"] {
        world.send(bob, &publish_311(0b0001, topic, 0, &[b'x'; 60]));
    }
    world.send(alice, &subscribe_311(2, "r/#", 0));
    let mut sent = world.take_sent(alice);
    world.send(bob, &publish_311(0, "r/1", 0, b"live"));
    while let Some(last) = sent.last().map(Vec::len) {
        world.take(alice, last);
        let next = world.take_sent(alice);
        if next.is_empty() {
            break;
        }
        sent.extend(next);
    }
    world.take(alice, 1_000);
    sent.extend(world.take_sent(alice));
    let retained = sent.iter().filter(|packet| packet.first() == Some(&0x31)).count();
    assert_eq!(retained, 3, "{sent:02x?}");
}

#[test]
fn who_does_not_read_replies_is_cut_off() {
    let mut world = World::with(MqttConfig { unread_replies_bytes: 20, ..quiet() });
    let alice = world.connect_50("alice", true, &[]);
    world.network_takes = false;
    for _ in 0..10 {
        world.send(alice, b"\xc0\x00");
    }
    assert!(!world.is_closed(alice));
    world.take(alice, 20);
    for _ in 0..10 {
        world.send(alice, b"\xc0\x00");
    }
    assert!(!world.is_closed(alice));
    world.send(alice, b"\xc0\x00");
    assert!(world.is_closed(alice));
}

#[test]
fn no_more_sessions_than_the_operator_allows() {
    let mut world = World::with(MqttConfig { sessions_maximum: 1, ..quiet() });
    let alice = world.connect_311("alice", true);
    for (connect, expected) in [
        (connect_311("bob", true, 0), &b"\x20\x02\x00\x03"[..]),
        (connect_50("bob", true, 0, &[]), b"\x20\x03\x00\x97\x00"),
    ] {
        let bob = world.open();
        world.exchange(bob, &connect, &[expected]);
        assert!(world.is_closed(bob));
    }
    world.send(alice, b"\xe0\x00");
    let bob = world.connect_50("bob", true, &[]);
    world.exchange(bob, &subscribe_50(1, &[], "t", 0), &[b"\x90\x04\x00\x01\x00\x00"]);
}

#[test]
fn a_packet_in_the_very_moment_of_the_deadline_comes_in_time() {
    let mut world = World::new();
    let client = world.open();
    world.send(client, &connect_311("a", true, 10));
    world.take_sent(client);
    world.now += Duration::from_secs(15);
    world.exchange(client, b"\xc0\x00", &[b"\xd0\x00"]);
    world.now += Duration::from_millis(15_001);
    world.exchange(client, b"\xc0\x00", &[]);
    assert!(world.is_closed(client));
}
