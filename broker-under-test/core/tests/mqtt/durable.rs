//! What outlives the process, state by state: each test crashes the broker where something would be lost.

use crate::client::{
    Client, World, ack, connect_50, connect_311, expiry, packet, publish_50, publish_311, subscribe_50,
    subscribe_311, text,
};

const RETAIN: u8 = 0b0001;
const CONNACK: &[u8] = b"\x20\x02\x00\x00";
const RESUMED: &[u8] = b"\x20\x02\x01\x00";

/// Alice, whose session is kept and subscribes to "t" with QoS 2, and Bob.
fn alice_and_bob() -> (World, Client, Client) {
    let mut world = World::durable();
    let alice = world.connect_311("alice", false);
    world.exchange(alice, &subscribe_311(1, "t", 2), &[b"\x90\x03\x00\x01\x02"]);
    let bob = world.connect_311("bob", false);
    (world, alice, bob)
}

/// Connects with a kept session of 3.1.1, and compares what comes.
#[track_caller]
fn back(world: &mut World, client_id: &str, expected: &[&[u8]]) -> Client {
    let client = world.open();
    world.exchange(client, &connect_311(client_id, false, 0), expected);
    client
}

#[test]
fn without_durability_nothing_is_recorded() {
    let mut world = World::new();
    let alice = world.connect_311("alice", false);
    world.send(alice, &subscribe_311(1, "t", 2));
    world.send(alice, &publish_311(RETAIN | 0b0100, "t", 7, b"x"));
    assert!(world.records.is_empty(), "{:02x?}", world.records);
}

#[test]
fn a_retained_message_is_there_until_it_is_replaced_or_cleared() {
    let (mut world, _, bob) = alice_and_bob();
    world.exchange(bob, &publish_311(RETAIN | 0b0010, "a", 1, b"1"), &[b"\x40\x02\x00\x01"]);
    world.send(bob, &publish_311(RETAIN, "a", 0, b"2"));
    world.send(bob, &publish_311(RETAIN, "b", 0, b"3"));
    world.send(bob, &publish_311(RETAIN, "b", 0, b""));
    world.crash();
    let carol = world.connect_311("carol", true);
    world.exchange(carol, &subscribe_311(1, "#", 2), &[b"\x90\x03\x00\x01\x02", b"\x31\x04\x00\x01a2"]);
}

#[test]
fn a_retained_message_expires_while_nobody_runs() {
    let mut world = World::durable();
    let alice = world.connect_50("alice", true, &[]);
    world.send(alice, &publish_50(RETAIN, "a", 0, b"\x02\x00\x00\x00\x0a", b"1"));
    world.send(alice, &publish_50(RETAIN, "b", 0, b"\x02\x00\x00\x00\x14", b"2"));
    world.now += std::time::Duration::from_secs(15);
    world.crash();
    let carol = world.connect_50("carol", true, &[]);
    let left: &[u8] = b"\x31\x0a\x00\x01b\x05\x02\x00\x00\x00\x052";
    world.exchange(carol, &subscribe_50(1, &[], "#", 0), &[b"\x90\x04\x00\x01\x00\x00", left]);
}

#[test]
fn subscriptions_of_a_kept_session_go_on() {
    let mut world = World::durable();
    let alice = world.connect_50("alice", false, &expiry(100));
    world.subscribe_50(alice, "a", 1);
    world.subscribe_50(alice, "b", 2);
    world.send(alice, &packet(0xA2, &[b"\x00\x09\x00", &text("a")]));
    // Subscription Identifier 5, Retain As Published, QoS 1
    world.send(alice, &subscribe_50(3, b"\x0b\x05", "c", 0x09));
    world.crash();
    let bob = world.connect_50("bob", true, &[]);
    for topic in ["a", "b"] {
        world.send(bob, &publish_50(0b0100, topic, 1, &[], b"x"));
        world.send(bob, &ack(0x62, 1));
    }
    world.send(bob, &publish_50(RETAIN | 0b0010, "c", 2, &[], b"y"));
    world.crash();
    let alice = world.open();
    world.send(alice, &connect_50("alice", false, 0, &expiry(100)));
    let sent = world.take_sent(alice);
    assert_eq!(sent.first().and_then(|connack| connack.get(2)), Some(&1), "the session is present");
    let messages: Vec<&[u8]> = sent.iter().skip(1).map(Vec::as_slice).collect();
    assert_eq!(messages, [&b"\x34\x07\x00\x01b\x00\x01\x00x"[..], b"\x33\x09\x00\x01c\x00\x02\x02\x0b\x05y"]);
}

#[test]
fn sessions_that_end_with_their_connection_are_gone() {
    let mut world = World::durable();
    let clean = world.connect_311("clean", true);
    world.send(clean, &subscribe_311(1, "t", 2));
    let short = world.connect_50("short", true, &[]);
    world.subscribe_50(short, "t", 2);
    let bob = world.connect_311("bob", true);
    world.send(bob, &publish_311(0b0010, "t", 1, b"x"));
    assert!(world.records.is_empty(), "nothing of them is worth a record: {:02x?}", world.records);
    world.crash();
    back(&mut world, "clean", &[CONNACK]);
    let short = world.open();
    world.send(short, &connect_50("short", false, 0, &expiry(9)));
    assert_eq!(world.take_sent(short).first().and_then(|connack| connack.get(2)), Some(&0));
}

#[test]
fn a_session_resumed_to_end_with_its_connection_is_gone() {
    let mut world = World::durable();
    let alice = world.connect_50("alice", false, &expiry(100));
    world.subscribe_50(alice, "t", 1);
    world.cut(alice);
    let _alice = world.connect_50("alice", false, &[]);
    world.crash();
    let alice = world.open();
    world.send(alice, &connect_50("alice", false, 0, &expiry(9)));
    assert_eq!(world.take_sent(alice).first().and_then(|connack| connack.get(2)), Some(&0));
}

#[test]
fn clean_start_is_remembered() {
    let (mut world, alice, _) = alice_and_bob();
    world.cut(alice);
    let alice = world.connect_311("alice", true);
    world.crash();
    assert!(world.is_closed(alice));
    back(&mut world, "alice", &[CONNACK]);
}

#[test]
fn messages_wait_in_their_order_without_those_of_qos_0() {
    let (mut world, alice, bob) = alice_and_bob();
    world.cut(alice);
    world.send(bob, &publish_311(0b0010, "t", 1, b"1"));
    world.send(bob, &publish_311(0, "t", 0, b"lost"));
    world.send(bob, &publish_311(0b0100, "t", 2, b"2"));
    world.crash();
    world.compact();
    world.crash();
    back(&mut world, "alice", &[RESUMED, b"\x32\x06\x00\x01t\x00\x011", b"\x34\x06\x00\x01t\x00\x022"]);
}

#[test]
fn what_was_sent_comes_again_under_its_packet_identifier_with_dup() {
    let (mut world, alice, bob) = alice_and_bob();
    for (flags, id, payload) in [(0b0010, 1, b"1"), (0b0100, 2, b"2"), (0b0010, 3, b"3")] {
        world.send(bob, &publish_311(flags, "t", id, payload));
    }
    let first: [&[u8]; 3] =
        [b"\x32\x06\x00\x01t\x00\x011", b"\x34\x06\x00\x01t\x00\x022", b"\x32\x06\x00\x01t\x00\x033"];
    world.expect(alice, &first);
    world.exchange(alice, &ack(0x40, 1), &[]);
    world.crash();
    let again: [&[u8]; 3] = [RESUMED, b"\x3c\x06\x00\x01t\x00\x022", b"\x3a\x06\x00\x01t\x00\x033"];
    let alice = back(&mut world, "alice", &again);
    world.exchange(alice, &ack(0x40, 3), &[]);
    world.compact();
    world.crash();
    back(&mut world, "alice", &[RESUMED, b"\x3c\x06\x00\x01t\x00\x022"]);
}

#[test]
fn a_pubrel_is_repeated_until_its_pubcomp() {
    let (mut world, alice, bob) = alice_and_bob();
    for id in 1..=2 {
        world.send(bob, &publish_311(0b0100, "t", id, b"x"));
    }
    assert_eq!(world.take_sent(alice).len(), 2);
    world.exchange(alice, &ack(0x50, 2), &[b"\x62\x02\x00\x02"]);
    world.crash();
    let again: [&[u8]; 3] = [RESUMED, b"\x62\x02\x00\x02", b"\x3c\x06\x00\x01t\x00\x01x"];
    let alice = back(&mut world, "alice", &again);
    world.exchange(alice, &ack(0x50, 1), &[b"\x62\x02\x00\x01"]);
    world.compact();
    world.crash();
    let alice = back(&mut world, "alice", &[RESUMED, b"\x62\x02\x00\x02", b"\x62\x02\x00\x01"]);
    world.exchange(alice, &ack(0x70, 2), &[]);
    world.exchange(alice, &ack(0x70, 1), &[]);
    world.crash();
    back(&mut world, "alice", &[RESUMED]);
}

#[test]
fn a_received_qos_2_message_is_not_taken_twice() {
    let (mut world, alice, bob) = alice_and_bob();
    world.exchange(bob, &publish_311(0b0100, "t", 9, b"x"), &[b"\x50\x02\x00\x09"]);
    world.expect(alice, &[b"\x34\x06\x00\x01t\x00\x01x"]);
    world.crash();
    let bob = back(&mut world, "bob", &[RESUMED]);
    world.exchange(bob, &publish_311(0b1100, "t", 9, b"x"), &[b"\x50\x02\x00\x09"]);
    world.exchange(bob, &ack(0x62, 9), &[b"\x70\x02\x00\x09"]);
    world.crash();
    let bob = back(&mut world, "bob", &[RESUMED]);
    world.exchange(bob, &publish_311(0b0100, "t", 9, b"y"), &[b"\x50\x02\x00\x09"]);
    let came: [&[u8]; 3] = [RESUMED, b"\x3c\x06\x00\x01t\x00\x01x", b"\x34\x06\x00\x01t\x00\x02y"];
    back(&mut world, "alice", &came);
}

#[test]
fn a_message_that_expired_while_nobody_ran_is_not_delivered() {
    let mut world = World::durable();
    let alice = world.connect_50("alice", false, &expiry(100));
    world.subscribe_50(alice, "t", 1);
    world.cut(alice);
    let bob = world.connect_50("bob", true, &[]);
    world.send(bob, &publish_50(0b0010, "t", 1, b"\x02\x00\x00\x00\x0a", b"1"));
    world.send(bob, &publish_50(0b0010, "t", 2, b"\x02\x00\x00\x00\x14", b"2"));
    world.now += std::time::Duration::from_secs(15);
    world.crash();
    let alice = world.connect_50("alice", false, &expiry(100));
    world.expect(alice, &[b"\x32\x0c\x00\x01t\x00\x01\x05\x02\x00\x00\x00\x052"]);
    world.crash();
    let alice = world.connect_50("alice", false, &expiry(100));
    world.expect(alice, &[b"\x3a\x0c\x00\x01t\x00\x01\x05\x02\x00\x00\x00\x052"]);
}

#[test]
fn a_session_runs_out_from_the_end_of_its_connection_on() {
    let mut world = World::durable();
    let away = world.connect_50("away", false, &expiry(10));
    let _connected = world.connect_50("connected", false, &expiry(10));
    world.cut(away);
    world.wait_secs(6);
    world.crash();
    world.wait_secs(5);
    world.crash();
    for (client_id, present) in [("away", 0), ("connected", 1)] {
        let client = world.open();
        world.send(client, &connect_50(client_id, false, 0, &expiry(10)));
        let sent = world.take_sent(client);
        assert_eq!(sent.first().and_then(|connack| connack.get(2)), Some(&present), "{client_id}");
    }
}

#[test]
fn disconnect_changes_the_expiry_for_good() {
    let mut world = World::durable();
    let longer = world.connect_50("longer", false, &expiry(10));
    world.send(longer, b"\xe0\x07\x00\x05\x11\x00\x00\x00\x64");
    let over = world.connect_50("over", false, &expiry(10));
    world.send(over, b"\xe0\x07\x00\x05\x11\x00\x00\x00\x00");
    world.crash();
    world.wait_secs(50);
    for (client_id, present) in [("longer", 1), ("over", 0)] {
        let client = world.open();
        world.send(client, &connect_50(client_id, false, 0, &expiry(10)));
        let sent = world.take_sent(client);
        assert_eq!(sent.first().and_then(|connack| connack.get(2)), Some(&present), "{client_id}");
    }
}

#[test]
fn members_of_a_shared_subscription_share_on() {
    let mut world = World::durable();
    for client_id in ["a", "b"] {
        let member = world.connect_50(client_id, false, &expiry(100));
        world.subscribe_50(member, "$share/g/t", 1);
    }
    world.crash();
    let publisher = world.connect_50("p", true, &[]);
    for (id, payload) in [(1, b"1"), (2, b"2"), (3, b"3"), (4, b"4")] {
        world.send(publisher, &publish_50(0b0010, "t", id, &[], payload));
    }
    world.crash();
    for _ in 0..2 {
        let payloads: Vec<Vec<u8>> = ["a", "b"]
            .map(|client_id| {
                let member = world.connect_50(client_id, false, &expiry(100));
                world.take_sent(member).iter().filter_map(|message| message.last().copied()).collect()
            })
            .to_vec();
        assert_eq!(payloads, [b"13", b"24"]);
        world.crash();
    }
}

#[test]
fn a_message_for_many_is_written_once() {
    let mut world = World::durable();
    for client_id in ["a", "b", "c"] {
        let client = world.connect_50(client_id, false, &expiry(100));
        world.subscribe_50(client, "t", 1);
    }
    let publisher = world.connect_50("p", true, &[]);
    let before = world.records.len();
    world.send(publisher, &publish_50(RETAIN | 0b0010, "t", 1, &[], b"x"));
    let names = |records: &[bytes::Bytes]| -> Vec<&str> {
        records.iter().filter_map(|record| mqspec_broker_core::durable::record_name(record)).collect()
    };
    let made = names(world.records.get(before..).expect("all since then"));
    let one_copy = ["mqtt.queued", "mqtt.sent"];
    let expected = [&["mqtt.message", "mqtt.retained"], &one_copy[..], &one_copy, &one_copy].concat();
    assert_eq!(made, expected);
    world.compact();
    assert_eq!(names(&world.records).iter().filter(|name| **name == "mqtt.message").count(), 1);
    world.crash();
}

/// A 5.0 CONNECT with session expiry and a QoS 1 will on "t" with delay, both in seconds.
fn with_will(client_id: &str, expiry: u8, delay: u8) -> Vec<u8> {
    let expiry = [0x05, 0x11, 0, 0, 0, expiry];
    let delay = [0x05, 0x18, 0, 0, 0, delay];
    let head = [0x0E, 0, 0];
    packet(
        0x10,
        &[b"\x00\x04MQTT\x05", &head, &expiry, &text(client_id), &delay, &text("t"), &text(client_id)],
    )
}

/// The payloads of the QoS 1 messages that wait for Alice.
#[track_caller]
fn came_to_alice(world: &mut World) -> Vec<String> {
    let alice = world.connect_311("alice", false);
    let sent = world.take_sent(alice);
    for message in &sent {
        let id = message.get(5..7).expect("a packet identifier");
        world.exchange(alice, &packet(0x40, &[id]), &[]);
    }
    world.send(alice, b"\xe0\x00");
    sent.iter()
        .map(|message| String::from_utf8_lossy(message.get(7..).expect("a payload")).into_owned())
        .collect()
}

#[test]
fn wills_of_lost_clients_are_published_by_their_rules() {
    let (mut world, _, _) = alice_and_bob();
    for (client_id, expiry, delay) in
        [("at once", 0, 0), ("session", 9, 30), ("kept", 90, 0), ("delayed", 90, 30), ("short", 0, 30)]
    {
        let client = world.open();
        world.send(client, &with_will(client_id, expiry, delay));
        assert_eq!(world.take_sent(client).first().and_then(|connack| connack.get(3)), Some(&0));
    }
    let client = world.open();
    world.send(client, &with_will("goodbye", 90, 0));
    world.send(client, b"\xe0\x02\x00\x00");
    world.crash();
    assert_eq!(came_to_alice(&mut world), ["at once", "kept", "short"]);
    world.compact();
    world.crash();
    world.wait_secs(9);
    assert_eq!(came_to_alice(&mut world), ["session"], "the end of the session ends the delay");
    world.crash();
    world.wait_secs(21);
    assert_eq!(came_to_alice(&mut world), ["delayed"]);
    world.crash();
    world.wait_secs(100);
    assert_eq!(came_to_alice(&mut world), [""; 0], "each once");
}
