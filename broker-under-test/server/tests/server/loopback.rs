//! The whole reference broker over loopback TCP, spoken to in bytes worked out by hand.

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use mqspec_broker_core::{Broker, Config, Protocol};
use mqspec_broker_server::{Listener, SystemClock, TcpListener, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::support::LOOPBACK;

/// The one deadline of a test: nothing here waits, so only a hang gets near it.
const DEADLINE: Duration = Duration::from_secs(20);

/// Serves both protocols while the client acts.
async fn with_broker<A: Future<Output = ()>>(client: impl FnOnce(SocketAddr, SocketAddr) -> A) {
    let mqtt = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let amqp = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let act = client(mqtt.address(), amqp.address());
    let listeners: Vec<(Protocol, Box<dyn Listener>)> =
        vec![(Protocol::Mqtt, Box::new(mqtt)), (Protocol::Amqp, Box::new(amqp))];
    let (stop, stopped) = oneshot::channel::<()>();
    let server = serve(Broker::new(Config::default()), listeners, Rc::new(SystemClock::new()), async {
        drop(stopped.await);
    });
    let both = async {
        tokio::join!(server, async {
            act.await;
            drop(stop);
        })
    };
    let (served, ()) = tokio::time::timeout(DEADLINE, both).await.expect("the conversation ends by itself");
    drop(served.expect("a broker that keeps nothing"));
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("the broker listens")
}

async fn send(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.expect("the broker reads");
}

/// Reads as many bytes as are expected, and holds them against those.
async fn expect(stream: &mut TcpStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    stream.read_exact(&mut read).await.expect("the broker answers");
    assert_eq!(read, bytes);
}

/// Reads to the end of the stream, which is not a reset.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("an end, not a reset");
    rest
}

/// CONNECT for MQTT 3.1.1, clean session, keep alive 60 s, a client id of one letter.
fn connect_311(client_id: u8) -> [u8; 15] {
    [0x10, 0x0D, 0, 4, b'M', b'Q', b'T', b'T', 4, 0x02, 0, 60, 0, 1, client_id]
}

/// CONNECT for MQTT 5.0, clean start, keep alive 60 s, no properties, client id `c`.
const CONNECT_50: [u8; 16] = [0x10, 0x0E, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x02, 0, 60, 0, 0, 1, b'c'];

#[tokio::test]
async fn a_publication_reaches_a_subscriber() {
    with_broker(async |mqtt, _| {
        let (mut alice, mut bob) = (connect(mqtt).await, connect(mqtt).await);
        send(&mut alice, &connect_311(b'a')).await;
        expect(&mut alice, &[0x20, 2, 0, 0]).await;
        // SUBSCRIBE 1, filter `+/t`, QoS 1.
        send(&mut alice, &[0x82, 8, 0, 1, 0, 3, b'+', b'/', b't', 1]).await;
        expect(&mut alice, &[0x90, 3, 0, 1, 1]).await;
        // CONNECT and PUBLISH 7 at QoS 1, topic `s/t`, payload `21`, in one write.
        let mut both = connect_311(b'b').to_vec();
        both.extend_from_slice(&[0x32, 9, 0, 3, b's', b'/', b't', 0, 7, b'2', b'1']);
        send(&mut bob, &both).await;
        expect(&mut bob, &[0x20, 2, 0, 0, 0x40, 2, 0, 7]).await;
        expect(&mut alice, &[0x32, 9, 0, 3, b's', b'/', b't']).await;
        let identifier = alice.read_u16().await.expect("a packet identifier");
        assert_ne!(identifier, 0);
        expect(&mut alice, b"21").await;
        send(&mut alice, &[0x40, 2]).await;
        send(&mut alice, &identifier.to_be_bytes()).await;
        send(&mut alice, &[0xC0, 0]).await;
        expect(&mut alice, &[0xD0, 0]).await;
        send(&mut alice, &[0xE0, 0]).await;
        assert_eq!(rest(&mut alice).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_will_is_sent_when_a_client_vanishes() {
    with_broker(async |mqtt, _| {
        let (mut alice, mut bob) = (connect(mqtt).await, connect(mqtt).await);
        send(&mut alice, &connect_311(b'a')).await;
        send(&mut alice, &[0x82, 6, 0, 1, 0, 1, b'w', 0]).await;
        expect(&mut alice, &[0x20, 2, 0, 0, 0x90, 3, 0, 1, 0]).await;
        // CONNECT with a will: topic `w`, message `gone`, QoS 0.
        let will = [
            0x10, 0x16, 0, 4, b'M', b'Q', b'T', b'T', 4, 0x06, 0, 60, 0, 1, b'b', 0, 1, b'w', 0, 4, b'g',
            b'o', b'n', b'e',
        ];
        send(&mut bob, &will).await;
        expect(&mut bob, &[0x20, 2, 0, 0]).await;
        drop(bob);
        expect(&mut alice, &[0x30, 7, 0, 1, b'w', b'g', b'o', b'n', b'e']).await;
    })
    .await;
}

#[tokio::test]
async fn a_malformed_packet_is_answered_before_the_end() {
    with_broker(async |mqtt, _| {
        let mut client = connect(mqtt).await;
        send(&mut client, &CONNECT_50).await;
        let mut connack = [0; 2];
        client.read_exact(&mut connack).await.expect("a CONNACK");
        let [0x20, length @ 3..=0x7F] = connack else { panic!("a CONNACK of one length byte: {connack:?}") };
        let mut body = vec![0; length.into()];
        client.read_exact(&mut body).await.expect("the rest of it");
        assert_eq!(body.get(..2), Some(&[0, 0][..]), "no session present, success");
        // A SUBSCRIBE whose reserved flags are not 0010 (mqtt-5.0/MQTT-3.8.1-1), then much more to read.
        send(&mut client, &[0x80, 7, 0, 1, 0, 0, 1, b't', 0]).await;
        send(&mut client, &vec![0; 256 * 1024]).await;
        let last = rest(&mut client).await;
        assert_eq!(last.first(), Some(&0xE0), "DISCONNECT");
        assert_eq!(last.get(2), Some(&0x81), "Malformed Packet");
    })
    .await;
}

/// An AMQP method frame.
fn method(channel: u16, class: u16, method: u16, arguments: &[u8]) -> Vec<u8> {
    let size = u32::try_from(arguments.len() + 4).expect("a short method");
    let mut frame = vec![1];
    frame.extend_from_slice(&channel.to_be_bytes());
    frame.extend_from_slice(&size.to_be_bytes());
    frame.extend_from_slice(&class.to_be_bytes());
    frame.extend_from_slice(&method.to_be_bytes());
    frame.extend_from_slice(arguments);
    frame.push(0xCE);
    frame
}

/// Reads a method frame: its channel, class, method and arguments.
async fn read_method(stream: &mut TcpStream) -> (u16, u16, u16, Vec<u8>) {
    assert_eq!(stream.read_u8().await.expect("a frame"), 1, "a method frame");
    let channel = stream.read_u16().await.expect("a channel");
    let size = stream.read_u32().await.expect("a size");
    let class = stream.read_u16().await.expect("a class");
    let method = stream.read_u16().await.expect("a method");
    let mut arguments = vec![0; usize::try_from(size).expect("a small frame") - 4];
    stream.read_exact(&mut arguments).await.expect("the arguments");
    assert_eq!(stream.read_u8().await.expect("a frame end"), 0xCE);
    (channel, class, method, arguments)
}

#[tokio::test]
async fn an_amqp_connection_opens_and_closes() {
    with_broker(async |_, amqp| {
        let mut client = connect(amqp).await;
        send(&mut client, b"AMQP\x00\x00\x09\x01").await;
        let (channel, class, start, arguments) = read_method(&mut client).await;
        assert_eq!((channel, class, start), (0, 10, 10));
        assert_eq!(arguments.get(..2), Some(&[0, 9][..]), "version 0-9");
        // start-ok: no client properties, PLAIN, guest with password guest, en_US.
        let start_ok = b"\x00\x00\x00\x00\x05PLAIN\x00\x00\x00\x0c\x00guest\x00guest\x05en_US";
        send(&mut client, &method(0, 10, 11, start_ok)).await;
        let (channel, class, tune, limits) = read_method(&mut client).await;
        assert_eq!((channel, class, tune, limits.len()), (0, 10, 30, 8));
        // tune-ok: the broker's own limits, but no heartbeat; then open of "/".
        let mut tune_ok = limits.get(..6).expect("channel-max and frame-max").to_vec();
        tune_ok.extend_from_slice(&[0, 0]);
        send(&mut client, &method(0, 10, 31, &tune_ok)).await;
        send(&mut client, &method(0, 10, 40, b"\x01/\x00\x00")).await;
        assert_eq!(read_method(&mut client).await, (0, 10, 41, vec![0]));
        send(&mut client, &method(1, 20, 10, b"\x00")).await;
        let (channel, class, open_ok, _) = read_method(&mut client).await;
        assert_eq!((channel, class, open_ok), (1, 20, 11));
        // close: 200, no text, caused by no method.
        send(&mut client, &method(0, 10, 50, b"\x00\xc8\x00\x00\x00\x00\x00")).await;
        assert_eq!(read_method(&mut client).await, (0, 10, 51, Vec::new()));
        assert_eq!(rest(&mut client).await, []);
    })
    .await;
}

#[tokio::test]
async fn another_amqp_version_is_answered_with_ours() {
    with_broker(async |_, amqp| {
        let mut client = connect(amqp).await;
        send(&mut client, b"AMQP\x00\x01\x00\x00").await;
        assert_eq!(rest(&mut client).await, b"AMQP\x00\x00\x09\x01");
    })
    .await;
}
