//! Wills: when they are published, when they are not, and what they look like.

use crate::client::{Client, World, connect_50, connect_311, packet, subscribe_311, text};

/// A 3.1.1 CONNECT with a will on "w".
fn with_will_311(client_id: &str, keep_alive: u8, flags: u8) -> Vec<u8> {
    packet(
        0x10,
        &[b"\x00\x04MQTT\x04", &[flags], &[0, keep_alive], &text(client_id), &text("w"), &text("gone")],
    )
}

/// A 5.0 CONNECT with session expiry and a will on "w" with delay, both in seconds.
fn with_will_50(client_id: &str, clean: bool, expiry: u8, delay: u8) -> Vec<u8> {
    let flags = if clean { 0x06 } else { 0x04 };
    let expiry = [0x05, 0x11, 0, 0, 0, expiry];
    let delay = [0x05, 0x18, 0, 0, 0, delay];
    packet(
        0x10,
        &[b"\x00\x04MQTT\x05", &[flags, 0, 0], &expiry, &text(client_id), &delay, &text("w"), &text("gone")],
    )
}

/// A world with a watcher of the will's topic.
fn watched() -> (World, Client) {
    let mut world = World::new();
    let watcher = world.connect_311("watcher", true);
    world.exchange(watcher, &subscribe_311(1, "w", 2), &[b"\x90\x03\x00\x01\x02"]);
    (world, watcher)
}

const WILL: &[u8] = b"\x30\x07\x00\x01wgone";

#[track_caller]
fn connect(world: &mut World, bytes: &[u8]) -> Client {
    let client = world.open();
    world.send(client, bytes);
    assert_eq!(world.take_sent(client).first().and_then(|connack| connack.get(3)), Some(&0));
    client
}

#[test]
fn a_cut_connection_publishes_the_will_once() {
    let (mut world, watcher) = watched();
    let client = connect(&mut world, &with_will_311("c", 0, 0x06));
    world.cut(client);
    world.expect(watcher, &[WILL]);
    let again = world.connect_311("c", true);
    world.cut(again);
    world.expect(watcher, &[]);
}

#[test]
fn a_normal_disconnect_takes_the_will_along() {
    let (mut world, watcher) = watched();
    let client = connect(&mut world, &with_will_311("c", 0, 0x06));
    world.send(client, b"\xe0\x00");
    let client = connect(&mut world, &with_will_50("c", true, 0, 0));
    world.send(client, b"\xe0\x02\x00\x00");
    world.wait_secs(100);
    world.expect(watcher, &[]);
}

#[test]
fn every_other_end_publishes_it() {
    let (mut world, watcher) = watched();
    for last_words in [&b"\xe0\x01\x04"[..], b"\xe0\x01\x80", b"\xe0\x01\xff", b"\x00", b"\x10\x00"] {
        let client = connect(&mut world, &with_will_50("c", true, 0, 0));
        world.send(client, last_words);
        assert!(world.is_closed(client));
        world.expect(watcher, &[WILL]);
    }
}

#[test]
fn silence_for_one_and_a_half_keep_alive_times_publishes_it() {
    let (mut world, watcher) = watched();
    let client = connect(&mut world, &with_will_311("c", 10, 0x06));
    world.wait_secs(14);
    world.exchange(client, b"\xc0\x00", &[b"\xd0\x00"]);
    world.wait_secs(14);
    world.expect(watcher, &[]);
    world.wait_secs(1);
    assert!(world.is_closed(client));
    world.expect(watcher, &[WILL]);
}

#[test]
fn takeover_publishes_it() {
    let (mut world, watcher) = watched();
    let old = connect(&mut world, &with_will_311("c", 0, 0x04));
    world.connect_311("c", false);
    assert!(world.is_closed(old));
    world.expect(watcher, &[WILL]);
}

#[test]
fn a_refused_connect_has_no_will() {
    let (mut world, watcher) = watched();
    let client = world.open();
    world.send(client, &with_will_311("", 0, 0x04));
    assert!(world.is_closed(client));
    world.expect(watcher, &[]);
}

#[test]
fn a_delayed_will_waits_and_a_timely_return_suppresses_it() {
    let (mut world, watcher) = watched();
    let client = connect(&mut world, &with_will_50("c", false, 100, 10));
    world.cut(client);
    world.wait_secs(9);
    let client = connect(&mut world, &with_will_50("c", false, 100, 10));
    world.wait_secs(50);
    world.expect(watcher, &[]);
    world.cut(client);
    world.wait_secs(9);
    world.expect(watcher, &[]);
    world.wait_secs(1);
    world.expect(watcher, &[WILL]);
    world.wait_secs(1_000);
    world.expect(watcher, &[]);
}

#[test]
fn takeover_within_the_delay_suppresses_it() {
    let (mut world, watcher) = watched();
    connect(&mut world, &with_will_50("c", false, 100, 10));
    connect(&mut world, &connect_50("c", false, 0, b"\x11\x00\x00\x00\x64"));
    world.wait_secs(50);
    world.expect(watcher, &[]);
}

#[test]
fn the_end_of_the_session_publishes_a_delayed_will_early() {
    let (mut world, watcher) = watched();
    let client = connect(&mut world, &with_will_50("c", false, 5, 10));
    world.cut(client);
    world.wait_secs(4);
    world.expect(watcher, &[]);
    world.wait_secs(1);
    world.expect(watcher, &[WILL]);
    // A session of 0 seconds ends at once; so does one that is started clean.
    let client = connect(&mut world, &with_will_50("d", false, 0, 10));
    world.cut(client);
    world.expect(watcher, &[WILL]);
    let client = connect(&mut world, &with_will_50("e", false, 100, 10));
    world.cut(client);
    world.expect(watcher, &[]);
    connect(&mut world, &connect_50("e", true, 0, &[]));
    world.expect(watcher, &[WILL]);
}

#[test]
fn a_retained_will_is_kept_for_later_subscribers_and_another_is_not() {
    let mut world = World::new();
    let client = connect(&mut world, &with_will_311("c", 0, 0x26));
    world.cut(client);
    let watcher = world.connect_311("watcher", true);
    world.exchange(watcher, &subscribe_311(1, "w", 0), &[b"\x90\x03\x00\x01\x00", b"\x31\x07\x00\x01wgone"]);
    let (mut world, watcher) = watched();
    let client = connect(&mut world, &with_will_311("c", 0, 0x06));
    world.cut(client);
    world.expect(watcher, &[WILL]);
    world.exchange(watcher, &subscribe_311(2, "w", 0), &[b"\x90\x03\x00\x02\x00"]);
}

#[test]
fn a_will_has_its_qos_and_its_properties_in_order() {
    let mut world = World::new();
    let watcher = world.connect_50("watcher", true, &[]);
    world.subscribe_50(watcher, "w", 2);
    let will_properties =
        b"\x18\x26\x00\x01b\x00\x011\x18\x00\x00\x00\x00\x26\x00\x01a\x00\x012\x02\x00\x00\x00\x09";
    let connect_bytes = packet(
        0x10,
        &[b"\x00\x04MQTT\x05\x0e\x00\x00\x00\x00\x01c", will_properties, &text("w"), &text("gone")],
    );
    let client = connect(&mut world, &connect_bytes);
    world.wait_secs(5);
    world.cut(client);
    world.expect(
        watcher,
        &[b"\x32\x1d\x00\x01w\x00\x01\x13\x02\x00\x00\x00\x09\x26\x00\x01b\x00\x011\x26\x00\x01a\x00\x012gone"],
    );
}

#[test]
fn the_servers_own_topics_take_no_will() {
    let mut world = World::new();
    let client = world.open();
    let bytes = packet(0x10, &[b"\x00\x04MQTT\x04\x06\x00\x00\x00\x01c", &text("$SYS/x"), &text("gone")]);
    world.exchange(client, &bytes, &[b"\x20\x02\x00\x05"]);
    assert!(world.is_closed(client));
}

#[test]
fn shutting_down_tells_everybody_and_publishes_to_nobody_gone() {
    let (mut world, watcher) = watched();
    let new = connect(&mut world, &connect_50("new", true, 0, &[]));
    let old = connect(&mut world, &connect_311("old", true, 0));
    let silent = world.open();
    world.shut_down();
    world.expect(new, &[b"\xe0\x01\x8b"]);
    world.expect(old, &[]);
    for client in [watcher, new, old, silent] {
        assert!(world.is_closed(client));
    }
}
