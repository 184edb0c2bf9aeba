//! SUBSCRIBE and UNSUBSCRIBE, shared subscriptions, overlaps, and what the server refuses.

use mqspec_broker_core::mqtt::MqttConfig;
use mqspec_broker_core::mqtt::codec::Qos;

use crate::client::{World, ack, expiry, packet, publish_50, publish_311, subscribe_50, subscribe_311};

fn quiet() -> MqttConfig {
    MqttConfig { reason_strings: false, ..MqttConfig::default() }
}

#[test]
fn one_suback_has_a_code_for_each_filter_in_order() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(
        alice,
        b"\x82\x0f\x00\x09\x00\x00\x01a\x02\x00\x01b\x00\x00\x01c\x01",
        &[b"\x90\x06\x00\x09\x00\x02\x00\x01"],
    );
}

#[test]
fn granted_qos_is_capped_by_the_server() {
    let mut world = World::with(MqttConfig { maximum_qos: Qos::AtLeastOnce, ..quiet() });
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &subscribe_50(1, &[], "t", 2), &[b"\x90\x04\x00\x01\x00\x01"]);
    world.exchange(alice, &publish_50(0b0100, "t", 1, &[], b"x"), &[b"\xe0\x01\x9b"]);
    assert!(world.is_closed(alice));
}

#[test]
fn subscribing_again_replaces_options_and_identifier() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.send(alice, &subscribe_50(1, b"\x0b\x05", "t", 2));
    world.send(alice, &subscribe_50(2, &[], "t", 0));
    world.take_sent(alice);
    world.send(alice, &publish_50(0b0010, "t", 3, &[], b"x"));
    world.expect(alice, &[b"\x30\x05\x00\x01t\x00x", b"\x40\x02\x00\x03"]);
}

#[test]
fn overlapping_subscriptions_bring_one_copy_with_all_identifiers() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.send(alice, &subscribe_50(1, b"\x0b\x05", "a/#", 0));
    world.send(alice, &subscribe_50(2, b"\x0b\x03", "a/+", 1));
    world.send(alice, &subscribe_50(3, &[], "a/b", 2));
    world.take_sent(alice);
    world.send(alice, &publish_50(0b0010, "a/b", 3, &[], b"x"));
    world.expect(alice, &[b"\x32\x0d\x00\x03a/b\x00\x01\x04\x0b\x03\x0b\x05x", b"\x40\x02\x00\x03"]);
}

#[test]
fn no_local_keeps_a_clients_own_messages_away() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    let bob = world.connect_50("bob", true, &[]);
    world.send(alice, &subscribe_50(1, &[], "t", 0x04));
    world.take_sent(alice);
    world.exchange(alice, &publish_50(0, "t", 0, &[], b"own"), &[]);
    world.send(bob, &publish_50(0, "t", 0, &[], b"x"));
    world.expect(alice, &[b"\x30\x05\x00\x01t\x00x"]);
}

#[test]
fn shared_subscribers_take_turns_at_their_own_qos() {
    let mut world = World::new();
    let (alice, bob) = (world.connect_50("alice", true, &[]), world.connect_50("bob", true, &[]));
    world.exchange(alice, &subscribe_50(1, &[], "$share/g/t/#", 0), &[b"\x90\x04\x00\x01\x00\x00"]);
    world.exchange(bob, &subscribe_50(1, &[], "$share/g/t/#", 1), &[b"\x90\x04\x00\x01\x00\x01"]);
    let carol = world.connect_50("carol", true, &[]);
    for payload in [b"1", b"2", b"3"] {
        world.send(carol, &publish_50(0b0010, "t", 1, &[], payload));
    }
    world.expect(alice, &[b"\x30\x05\x00\x01t\x001", b"\x30\x05\x00\x01t\x003"]);
    world.expect(bob, &[b"\x32\x07\x00\x01t\x00\x01\x002"]);
    world.exchange(
        alice,
        &packet(0xa2, &[b"\x00\x02\x00\x00\x0c$share/g/t/#"]),
        &[b"\xb0\x04\x00\x02\x00\x00"],
    );
    world.send(carol, &publish_50(0, "t", 0, &[], b"4"));
    world.expect(alice, &[]);
    world.expect(bob, &[b"\x30\x05\x00\x01t\x004"]);
}

#[test]
fn a_shared_message_is_finished_with_the_client_that_began_it_or_with_nobody() {
    let mut world = World::new();
    let alice = world.connect_50("alice", false, &expiry(10));
    world.subscribe_50(alice, "$share/g/t", 2);
    let bob = world.connect_50("bob", true, &[]);
    world.exchange(bob, &publish_50(0b0100, "t", 1, &[], b"x"), &[b"\x50\x02\x00\x01"]);
    world.subscribe_50(bob, "$share/g/t", 2);
    world.expect(alice, &[b"\x34\x07\x00\x01t\x00\x01\x00x"]);
    world.cut(alice);
    world.wait_secs(11);
    world.expect(bob, &[]);
}

#[test]
fn a_refused_shared_message_goes_to_no_other_member() {
    let mut world = World::new();
    let (alice, bob) = (world.connect_50("alice", true, &[]), world.connect_50("bob", true, &[]));
    world.subscribe_50(alice, "$share/g/t", 2);
    world.subscribe_50(bob, "$share/g/t", 2);
    world.send(alice, &publish_50(0b0100, "t", 1, &[], b"x"));
    world.expect(alice, &[b"\x34\x07\x00\x01t\x00\x01\x00x", b"\x50\x02\x00\x01"]);
    world.exchange(alice, b"\x50\x03\x00\x01\x97", &[]);
    world.expect(bob, &[]);
}

#[test]
fn share_is_an_ordinary_word_in_3_1_1() {
    let mut world = World::new();
    let alice = world.connect_311("alice", true);
    world.exchange(alice, &subscribe_311(1, "$share/g/t", 0), &[b"\x90\x03\x00\x01\x00"]);
    world.exchange(alice, &publish_311(0, "t", 0, b"x"), &[]);
    let topic: &[u8] = b"\x30\x0d\x00\x0a$share/g/tx";
    world.exchange(alice, topic, &[topic]);
}

#[test]
fn bad_filters_end_the_connection_in_both_versions() {
    for filter in ["a/#/b", "a#", "a+", ""] {
        let mut world = World::with(quiet());
        let old = world.connect_311("old", true);
        world.exchange(old, &subscribe_311(1, filter, 0), &[]);
        assert!(world.is_closed(old), "{filter}");
        let new = world.connect_50("new", true, &[]);
        world.exchange(new, &subscribe_50(1, &[], filter, 0), &[b"\xe0\x01\x8f"]);
        assert!(world.is_closed(new), "{filter}");
    }
    for filter in ["$share//t", "$share/g", "$share/+/t", "$share/g/"] {
        let mut world = World::with(quiet());
        let new = world.connect_50("new", true, &[]);
        world.exchange(new, &subscribe_50(1, &[], filter, 0), &[b"\xe0\x01\x8f"]);
        assert!(world.is_closed(new), "{filter}");
    }
}

#[test]
fn a_bad_filter_leaves_the_good_ones_beside_it_undone() {
    let mut world = World::with(quiet());
    let alice = world.connect_50("alice", false, &expiry(100));
    world.exchange(alice, b"\x82\x0c\x00\x01\x00\x00\x01t\x01\x00\x02#a\x01", &[b"\xe0\x01\x8f"]);
    let bob = world.connect_50("bob", true, &[]);
    world.exchange(bob, &publish_50(0b0010, "t", 1, &[], b"x"), &[b"\x40\x03\x00\x01\x10"]);
}

#[test]
fn no_local_on_a_shared_subscription_is_a_protocol_error() {
    let mut world = World::with(quiet());
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &subscribe_50(1, &[], "$share/g/t", 0x04), &[b"\xe0\x01\x82"]);
    assert!(world.is_closed(alice));
}

#[test]
fn features_that_are_off_are_refused_with_their_codes() {
    let mut world = World::with(MqttConfig {
        wildcard_subscription_available: false,
        shared_subscription_available: false,
        subscription_identifiers_available: false,
        ..quiet()
    });
    for (subscribe, disconnect) in [
        (subscribe_50(1, &[], "a/+", 0), &b"\xe0\x01\xa2"[..]),
        (subscribe_50(1, &[], "$share/g/t", 0), b"\xe0\x01\x9e"),
        (subscribe_50(1, b"\x0b\x01", "t", 0), b"\xe0\x01\xa1"),
    ] {
        let client = world.connect_50("a", true, &[]);
        world.exchange(client, &subscribe, &[disconnect]);
        assert!(world.is_closed(client));
    }
    let old = world.connect_311("old", true);
    world.exchange(old, &subscribe_311(1, "#", 1), &[b"\x90\x03\x00\x01\x80"]);
    assert!(!world.is_closed(old));
}

#[test]
fn subscriptions_above_the_quota_fail_one_by_one() {
    let mut world = World::with(MqttConfig { subscriptions_maximum: 1, topic_levels_maximum: 2, ..quiet() });
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &subscribe_50(1, &[], "a/b/c", 0), &[b"\x90\x04\x00\x01\x00\x97"]);
    world.exchange(
        alice,
        b"\x82\x0b\x00\x01\x00\x00\x01a\x00\x00\x01b\x00",
        &[b"\x90\x05\x00\x01\x00\x00\x97"],
    );
    world.exchange(alice, &subscribe_50(1, &[], "a", 1), &[b"\x90\x04\x00\x01\x00\x01"]);
}

#[test]
fn unsubscribing_compares_character_by_character() {
    let mut world = World::new();
    let alice = world.connect_50("alice", true, &[]);
    world.subscribe_50(alice, "a/+", 0);
    world.exchange(
        alice,
        &packet(0xa2, &[b"\x00\x01\x00\x00\x03a/b\x00\x01#\x00\x03A/+"]),
        &[b"\xb0\x06\x00\x01\x00\x11\x11\x11"],
    );
    world.exchange(alice, &publish_50(0, "a/b", 0, &[], b"x"), &[b"\x30\x07\x00\x03a/b\x00x"]);
    let old = world.connect_311("old", true);
    world.exchange(old, b"\xa2\x05\x00\x07\x00\x01t", &[b"\xb0\x02\x00\x07"]);
}

#[test]
fn an_identifier_of_an_unfinished_exchange_is_refused_in_5_0() {
    let mut world = World::with(quiet());
    let alice = world.connect_50("alice", true, &[]);
    world.exchange(alice, &publish_50(0b0100, "t", 5, &[], b"x"), &[b"\x50\x03\x00\x05\x10"]);
    world.exchange(alice, &subscribe_50(5, &[], "t", 0), &[b"\x90\x04\x00\x05\x00\x91"]);
    world.exchange(alice, b"\xa2\x06\x00\x05\x00\x00\x01t", &[b"\xb0\x04\x00\x05\x00\x91"]);
    world.exchange(alice, &publish_50(0b0010, "t", 5, &[], b"x"), &[b"\x40\x03\x00\x05\x91"]);
    world.exchange(alice, &ack(0x62, 5), &[b"\x70\x02\x00\x05"]);
    world.exchange(alice, &subscribe_50(5, &[], "t", 0), &[b"\x90\x04\x00\x05\x00\x00"]);
}
