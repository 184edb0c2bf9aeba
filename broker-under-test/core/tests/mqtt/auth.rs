//! Enhanced authentication by the built-in method that sends a challenge and wants it back.

use mqspec_broker_core::mqtt::MqttConfig;

use crate::client::{Client, World, connect_50, packet, properties, text};

fn with_echo() -> World {
    World::with(MqttConfig { echo_authentication: true, reason_strings: false, ..MqttConfig::default() })
}

fn method(name: &str) -> Vec<u8> {
    [&[0x15][..], &text(name)].concat()
}

fn auth(code: u8, name: &str, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("short").to_be_bytes();
    packet(0xf0, &[&[code], &properties(&[&method(name)[..], &[0x16], &length, data].concat())])
}

/// Connects up to the challenge, which is returned.
fn challenged(world: &mut World) -> (Client, Vec<u8>) {
    let client = world.open();
    world.send(client, &connect_50("a", true, 0, &method("mqspec-echo")));
    let challenge = challenge(world, client);
    (client, challenge)
}

/// The data of the AUTH that a client was just sent: code 0x18, method, data.
fn challenge(world: &mut World, client: Client) -> Vec<u8> {
    let sent = world.take_sent(client);
    let [packet] = sent.as_slice() else { panic!("one AUTH: {sent:02x?}") };
    assert_eq!((packet.first(), packet.get(2)), (Some(&0xf0), Some(&0x18)), "{packet:02x?}");
    let data = packet.get(4 + 14 + 3..).expect("method and data");
    assert!(!data.is_empty());
    data.to_vec()
}

fn accepted(world: &mut World) -> Client {
    let (client, challenge) = challenged(world);
    world.send(client, &auth(0x18, "mqspec-echo", &challenge));
    let sent = world.take_sent(client);
    let connack = sent.first().expect("a CONNACK");
    assert_eq!((connack.first(), connack.get(3)), (Some(&0x20), Some(&0)));
    assert!(connack.ends_with(b"\x15\x00\x0bmqspec-echo"), "CONNACK names the method: {connack:02x?}");
    client
}

#[test]
fn who_returns_the_challenge_is_accepted() {
    let mut world = with_echo();
    let client = accepted(&mut world);
    world.exchange(client, b"\xc0\x00", &[b"\xd0\x00"]);
}

#[test]
fn who_returns_something_else_is_refused() {
    let mut world = with_echo();
    let (client, _) = challenged(&mut world);
    world.exchange(client, &auth(0x18, "mqspec-echo", b"guess"), &[b"\x20\x03\x00\x87\x00"]);
    assert!(world.is_closed(client));
}

#[test]
fn an_unknown_method_is_refused_and_so_is_every_one_where_none_is_configured() {
    for (mut world, name) in [(with_echo(), "SCRAM-SHA-1"), (World::new(), "mqspec-echo")] {
        let client = world.open();
        world.send(client, &connect_50("a", true, 0, &method(name)));
        let sent = world.take_sent(client);
        assert_eq!(sent.first().and_then(|connack| connack.get(3)), Some(&0x8c));
        assert!(world.is_closed(client));
    }
}

#[test]
fn nothing_but_auth_and_disconnect_comes_before_connack() {
    let mut world = with_echo();
    for bytes in [&b"\xc0\x00"[..], b"\x30\x04\x00\x01t\x00", b"\x82\x07\x00\x01\x00\x00\x01#\x00"] {
        let (client, _) = challenged(&mut world);
        world.exchange(client, bytes, &[b"\x20\x03\x00\x82\x00"]);
        assert!(world.is_closed(client));
    }
    let (client, _) = challenged(&mut world);
    world.exchange(client, b"\xe0\x00", &[]);
    assert!(world.is_closed(client));
}

#[test]
fn auth_with_another_method_or_code_is_a_protocol_error() {
    let mut world = with_echo();
    for bytes in [auth(0x18, "other", b"x"), auth(0x19, "mqspec-echo", b"x"), b"\xf0\x00".to_vec()] {
        let (client, _) = challenged(&mut world);
        world.exchange(client, &bytes, &[b"\x20\x03\x00\x82\x00"]);
        assert!(world.is_closed(client));
    }
}

#[test]
fn auth_from_a_client_that_named_no_method_is_a_protocol_error() {
    let mut world = with_echo();
    for bytes in [auth(0x19, "mqspec-echo", b""), b"\xf0\x00".to_vec()] {
        let client = world.connect_50("a", true, &[]);
        world.exchange(client, &bytes, &[b"\xe0\x01\x82"]);
        assert!(world.is_closed(client));
    }
}

#[test]
fn a_client_re_authenticates_while_connected() {
    let mut world = with_echo();
    let client = accepted(&mut world);
    world.send(client, &auth(0x19, "mqspec-echo", b""));
    let data = challenge(&mut world, client);
    world.exchange(client, b"\xc0\x00", &[b"\xd0\x00"]);
    world.send(client, &auth(0x18, "mqspec-echo", &data));
    world.expect(client, &[b"\xf0\x10\x00\x0e\x15\x00\x0bmqspec-echo"]);
    assert!(!world.is_closed(client));
}

#[test]
fn a_failed_re_authentication_ends_the_connection() {
    let mut world = with_echo();
    let client = accepted(&mut world);
    world.send(client, &auth(0x19, "mqspec-echo", b""));
    challenge(&mut world, client);
    world.exchange(client, &auth(0x18, "mqspec-echo", b"guess"), &[b"\xe0\x01\x87"]);
    assert!(world.is_closed(client));
    let client = accepted(&mut world);
    world.exchange(client, &auth(0x19, "other", b""), &[b"\xe0\x01\x82"]);
    assert!(world.is_closed(client));
    let client = accepted(&mut world);
    world.exchange(client, &auth(0x18, "mqspec-echo", b""), &[b"\xe0\x01\x82"]);
    assert!(world.is_closed(client));
}

#[test]
fn an_authentication_that_does_not_go_on_is_given_up() {
    let mut world = with_echo();
    let (client, _) = challenged(&mut world);
    world.wait_secs(10);
    assert!(world.is_closed(client));
}
