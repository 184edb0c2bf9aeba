//! CONNECT: who is let in, who is not, and what each is told.

use std::collections::BTreeMap;

use mqspec_broker_core::mqtt::MqttConfig;
use mqspec_broker_core::mqtt::codec::Qos;

use crate::client::{World, connect_50, connect_311, expiry, packet, publish_311, subscribe_311};

fn config() -> MqttConfig {
    MqttConfig { reason_strings: false, ..MqttConfig::default() }
}

/// Sends bytes on a new connection; what comes back, before the close that must follow.
#[track_caller]
fn refused(world: &mut World, bytes: &[u8], expected: &[&[u8]]) {
    let client = world.open();
    world.exchange(client, bytes, expected);
    assert!(world.is_closed(client), "{bytes:02x?}");
}

#[test]
fn what_is_not_connect_is_closed_without_a_word() {
    for bytes in [&b"\xc0\x00"[..], b"\x30\x03\x00\x01t", b"\xe0\x00", b"\x00", b"GET / HTTP/1.1\r\n"] {
        refused(&mut World::new(), bytes, &[]);
    }
}

#[test]
fn a_second_connect_ends_the_connection() {
    let mut world = World::with(config());
    let old = world.connect_311("a", true);
    world.exchange(old, &connect_311("a", true, 0), &[]);
    assert!(world.is_closed(old));
    let new = world.connect_50("b", true, &[]);
    world.exchange(new, &connect_50("b", true, 0, &[]), &[b"\xe0\x01\x82"]);
    assert!(world.is_closed(new));
}

#[test]
fn unknown_levels_get_return_code_1() {
    for level in [0, 3, 6, 0x84] {
        let connect = packet(0x10, &[b"\x00\x04MQTT", &[level], b"\x02\x00\x00\x00\x01a"]);
        refused(&mut World::new(), &connect, &[b"\x20\x02\x00\x01"]);
    }
    refused(&mut World::new(), b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x00\x00\x01a", &[b"\x20\x02\x00\x01"]);
}

#[test]
fn a_malformed_connect_of_3_1_1_is_closed_without_connack() {
    refused(&mut World::new(), b"\x10\x0c\x00\x04MQTT\x04\x03\x00\x00\x00\x00", &[]);
    refused(&mut World::new(), b"\x10\x0c\x00\x04MQTX\x04\x02\x00\x00\x00\x00", &[]);
}

#[test]
fn a_malformed_connect_of_5_0_gets_0x81_and_a_protocol_error_0x82() {
    let mut world = World::with(config());
    refused(&mut world, b"\x10\x0d\x00\x04MQTT\x05\x03\x00\x00\x00\x00\x00", &[b"\x20\x03\x00\x81\x00"]);
    refused(
        &mut world,
        b"\x10\x10\x00\x04MQTT\x05\x02\x00\x00\x03\x21\x00\x00\x00\x00",
        &[b"\x20\x03\x00\x82\x00"],
    );
}

#[test]
fn a_refusal_says_in_words_which_statement_was_broken() {
    let mut world = World::new();
    let client = world.open();
    world.send(client, b"\x10\x0d\x00\x04MQTT\x05\x03\x00\x00\x00\x00\x00");
    let sent = world.take_sent(client);
    let text = String::from_utf8_lossy(sent.first().expect("a CONNACK"));
    assert!(text.contains("(mqtt-5.0/MQTT-3.1.2-3)"), "{text}");
}

#[test]
fn words_are_left_out_where_the_client_takes_no_packet_so_large() {
    let mut world = World::with(MqttConfig { maximum_qos: Qos::AtMostOnce, ..MqttConfig::default() });
    // Maximum Packet Size 20, a will of QoS 1
    let connect =
        b"\x10\x19\x00\x04MQTT\x05\x0e\x00\x00\x05\x27\x00\x00\x00\x14\x00\x00\x00\x00\x01w\x00\x01m";
    refused(&mut world, connect, &[b"\x20\x03\x00\x9b\x00"]);
}

#[test]
fn an_empty_client_id_of_3_1_1_needs_clean_session() {
    let mut world = World::new();
    refused(&mut world, &connect_311("", false, 0), &[b"\x20\x02\x00\x02"]);
    let (first, second) = (world.connect_311("", true), world.connect_311("", true));
    assert!(!world.is_closed(first) && !world.is_closed(second));
}

#[test]
fn an_empty_client_id_of_5_0_is_assigned_one_that_works() {
    let mut world = World::new();
    let client = world.open();
    world.send(client, &connect_50("", false, 0, &expiry(100)));
    let sent = world.take_sent(client);
    let text = String::from_utf8_lossy(sent.first().expect("a CONNACK")).into_owned();
    let assigned = text.split("mqspec-").nth(1).map(|number| format!("mqspec-{number}")).expect("an id");
    world.cut(client);
    let again = world.open();
    world.send(again, &connect_50(&assigned, false, 0, &[]));
    let sent = world.take_sent(again);
    assert_eq!(sent.first().and_then(|connack| connack.get(2)), Some(&1), "session present");
    let other = world.connect_50("", true, &[]);
    assert!(!world.is_closed(again) && !world.is_closed(other));
}

#[test]
fn passwords_are_asked_for_where_users_are_configured() {
    let users = BTreeMap::from([("u".to_owned(), "p".to_owned())]);
    let mut world = World::with(MqttConfig { users: Some(users), ..config() });
    refused(&mut world, &connect_311("a", true, 0), &[b"\x20\x02\x00\x05"]);
    refused(&mut world, &connect_50("a", true, 0, &[]), &[b"\x20\x03\x00\x87\x00"]);
    let with_311 =
        |password| packet(0x10, &[b"\x00\x04MQTT\x04\xc2\x00\x00\x00\x01a\x00\x01u\x00\x01", password]);
    let with_50 =
        |password| packet(0x10, &[b"\x00\x04MQTT\x05\xc2\x00\x00\x00\x00\x01a\x00\x01u\x00\x01", password]);
    refused(&mut world, &with_311(b"x"), &[b"\x20\x02\x00\x04"]);
    refused(&mut world, &with_50(b"x"), &[b"\x20\x03\x00\x86\x00"]);
    let client = world.open();
    world.exchange(client, &with_311(b"p"), &[b"\x20\x02\x00\x00"]);
    assert!(!world.is_closed(client));
}

#[test]
fn what_follows_a_refused_connect_is_ignored() {
    let mut world = World::with(MqttConfig { users: Some(BTreeMap::new()), ..config() });
    let mut bytes = connect_311("a", true, 0);
    bytes.extend(publish_311(0b0011, "t", 1, b"x"));
    bytes.extend(subscribe_311(2, "#", 0));
    refused(&mut world, &bytes, &[b"\x20\x02\x00\x05"]);
}

#[test]
fn a_connection_without_connect_is_closed_in_time() {
    let mut world = World::new();
    let client = world.open();
    world.wait_secs(9);
    assert!(!world.is_closed(client));
    world.wait_secs(1);
    assert!(world.is_closed(client));
    world.expect(client, &[]);
}

#[test]
fn limited_servers_say_so_and_refuse_wills_above_their_limits() {
    let mut world = World::with(MqttConfig {
        maximum_qos: Qos::AtLeastOnce,
        retain_available: false,
        wildcard_subscription_available: false,
        shared_subscription_available: false,
        subscription_identifiers_available: false,
        server_keep_alive_secs: Some(30),
        session_expiry_maximum_secs: 60,
        receive_maximum: u16::MAX,
        topic_alias_maximum: 0,
        ..config()
    });
    let client = world.open();
    world.exchange(
        client,
        &connect_50("a", true, 10, &expiry(61)),
        &[b"\x20\x1a\x00\x00\x17\x11\x00\x00\x00\x3c\x24\x01\x27\x01\x00\x00\x00\x13\x00\x1e\
            \x25\x00\x28\x00\x29\x00\x2a\x00"],
    );
    // Will QoS 2; Will Retain
    refused(
        &mut world,
        b"\x10\x14\x00\x04MQTT\x05\x16\x00\x00\x00\x00\x00\x00\x00\x01w\x00\x01m",
        &[b"\x20\x03\x00\x9b\x00"],
    );
    refused(
        &mut world,
        b"\x10\x14\x00\x04MQTT\x05\x26\x00\x00\x00\x00\x00\x00\x00\x01w\x00\x01m",
        &[b"\x20\x03\x00\x9a\x00"],
    );
}

#[test]
fn response_information_is_for_those_who_ask() {
    let mut world = World::with(MqttConfig { response_information: Some("replies/".to_owned()), ..config() });
    for (properties, expected) in [(&b"\x19\x01"[..], true), (b"\x19\x00", false), (b"", false)] {
        let client = world.open();
        world.send(client, &connect_50("a", true, 0, properties));
        let sent = world.take_sent(client);
        let text = String::from_utf8_lossy(sent.first().expect("a CONNACK"));
        assert_eq!(text.contains("replies/"), expected, "{properties:02x?}");
    }
}

#[test]
fn a_connect_above_maximum_packet_size_is_refused_before_it_has_arrived() {
    let mut world = World::with(config());
    refused(&mut world, b"\x10\xff\xff\xff\x7f\x00\x04MQTT\x05", &[b"\x20\x03\x00\x95\x00"]);
    refused(&mut world, b"\x10\xff\xff\xff\x7f\x00\x04MQTT\x04", &[]);
}

#[test]
fn the_older_connection_of_the_same_client_is_taken_over() {
    let mut world = World::with(config());
    let first = world.connect_50("a", true, &[]);
    let second = world.connect_311("a", true);
    world.expect(first, &[b"\xe0\x01\x8e"]);
    assert!(world.is_closed(first));
    let third = world.connect_311("a", true);
    world.expect(second, &[]);
    assert!(world.is_closed(second) && !world.is_closed(third));
}
