//! What RabbitMQ 3.10.8 sent in a session over TCP, a message a line: a stream that no codec of ours wrote.

use bytes::Bytes;
use mqspec_wire::{Packet, Side, Value};

use crate::support::{assemble, entry, hex};

fn session() -> Vec<Packet> {
    assemble(Side::Server, &hex(include_str!("rabbitmq-3.10.8.hex")))
}

#[test]
fn rabbitmq_sends_nothing_odd() {
    for packet in session() {
        assert_eq!(packet.oddities, [], "{}", packet.name);
    }
}

#[test]
fn the_session_is_read_message_by_message() {
    let names: Vec<_> = session().iter().map(|packet| packet.name).collect();
    let expected = "connection.start connection.tune connection.open-ok channel.open-ok confirm.select-ok \
                    queue.declare-ok basic.ack basic.ack basic.get-ok basic.qos-ok basic.consume-ok \
                    basic.deliver basic.return basic.ack exchange.declare-ok exchange.bind-ok \
                    exchange.unbind-ok queue.bind-ok queue.unbind-ok queue.purge-ok basic.get-empty \
                    basic.recover-ok queue.delete-ok basic.cancel basic.cancel-ok channel.flow-ok \
                    channel.close channel.open-ok tx.select-ok tx.commit-ok tx.rollback-ok channel.close-ok \
                    connection.update-secret-ok connection.close-ok";
    assert_eq!(names.join(" "), expected);
}

#[test]
fn the_greeting_tells_capabilities() {
    let session = session();
    let Some(Value::Map(properties)) = session.first().and_then(|start| start.get("server_properties"))
    else {
        panic!("connection.start comes first")
    };
    let find = |name: &str| properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.untagged());
    assert_eq!(find("version").and_then(Value::as_text), Some("3.10.8"));
    let Some(Value::Map(capabilities)) = find("capabilities") else { panic!("capabilities") };
    assert_eq!(capabilities.len(), 9);
    assert!(capabilities.iter().all(|(_, value)| value.as_bool() == Some(true)));
}

#[test]
fn headers_come_back_as_they_were_published() {
    let element = |tag, value| Value::Tagged(tag, Box::new(value));
    let array =
        vec![element(b'b', Value::from(-1)), element(b'S', Value::text("x")), element(b'V', Value::Void)];
    let published = Value::Map(vec![
        entry("a", b'A', Value::List(array)),
        entry("d", b'D', Value::List(vec![Value::from(2), Value::from(-314)])),
        entry("f", b'd', Value::Float(1.5)),
        entry("s", b's', Value::from(-2)),
        entry("u", b'u', Value::from(65_535)),
        entry("i", b'i', Value::Integer(4_294_967_295)),
        entry("B", b'B', Value::from(255)),
        entry("x", b'x', Value::text("yy")),
        entry("T", b'T', Value::from(1)),
        entry("n", b'F', Value::Map(vec![entry("z", b'l', Value::Integer(1 << 40))])),
    ]);
    let session = session();
    for name in ["basic.get-ok", "basic.deliver"] {
        let message = session.iter().find(|packet| packet.name == name).expect("a message");
        assert_eq!(message.get("headers"), Some(&published), "{name}");
        assert_eq!(message.bytes("body"), Some(&Bytes::from_static(b"hello world")), "{name}");
        assert_eq!(message.integer("delivery_mode"), Some(2), "{name}");
    }
}
