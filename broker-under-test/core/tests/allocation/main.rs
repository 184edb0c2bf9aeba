//! What the codecs and the broker allocate, counted: nothing to read a packet, nothing because a length field says so,
//! and no more than a few times its size to keep one.

use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cap::Cap;
use mqspec_broker_core::amqp::Violation;
use mqspec_broker_core::amqp::codec::{
    ContentHeader, FieldTable, FrameType, Method, Properties, split_frame,
};
use mqspec_broker_core::mqtt::codec::frame::Cut;
use mqspec_broker_core::mqtt::codec::{Frame, Packet, Version};
use mqspec_broker_core::{Broker, Config, ConnectionId, Effects, Input, Now, Protocol};

mod packets;

use packets::{frame, message, mqtt, nested, publish};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// One test at a time: the others' memory would be counted, too.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs it some times and says how little was allocated: the test runner's other threads only ever add to it.
fn allocated_by(mut run: impl FnMut()) -> usize {
    let once = |_| {
        let before = ALLOCATOR.total_allocated();
        run();
        ALLOCATOR.total_allocated() - before
    };
    (0..20).map(once).min().unwrap_or_default()
}

/// How much more is held after `run` has made something and before that is dropped, at least.
fn kept_by<T>(mut run: impl FnMut() -> T) -> usize {
    let once = |_| {
        let before = ALLOCATOR.allocated();
        let kept = run();
        let held = ALLOCATOR.allocated().saturating_sub(before);
        drop(kept);
        held
    };
    (0..5).map(once).min().unwrap_or_default()
}

const CONNECTION: ConnectionId = ConnectionId(1);
const NOW: Now = Now::from_secs(1_700_000_000);

/// A broker with one connection that has sent `first`.
fn broker(protocol: Protocol, first: &[u8]) -> Broker {
    let mut broker = Broker::new(Config::default());
    let mut effects = Effects::new();
    broker.handle(NOW, Input::Opened { connection: CONNECTION, protocol }, &mut effects);
    broker.handle(NOW, Input::Received { connection: CONNECTION, bytes: first }, &mut effects);
    broker
}

fn receive(broker: &mut Broker, bytes: &[u8]) {
    let mut effects = Effects::new();
    broker.handle(NOW, Input::Received { connection: CONNECTION, bytes }, &mut effects);
}

#[test]
fn mqtt_packets_are_read_without_an_allocation() {
    let _turn = turn();
    for version in [Version::V311, Version::V50] {
        for packet in mqtt::plain(version) {
            let allocated = allocated_by(|| {
                let Ok(Cut::Whole { frame, size }) = Frame::cut(&packet, 1 << 20) else {
                    panic!("a whole packet: {packet:x?}")
                };
                assert_eq!(size, packet.len());
                assert!(Packet::decode(&frame, version).is_ok(), "{version:?}: {packet:x?}");
            });
            assert_eq!(allocated, 0, "{version:?}: {packet:x?}");
        }
    }
}

#[test]
fn amqp_frames_are_read_without_an_allocation() {
    let _turn = turn();
    let stream = message(&packets::table(), &[0; 1_000]);
    let allocated = allocated_by(|| {
        let (mut rest, mut fields) = (&stream[..], 0);
        while let Ok(Some((frame, size))) = split_frame(rest, 131_072) {
            match frame.frame_type {
                FrameType::Method => assert!(Method::decode(frame.payload).is_ok()),
                FrameType::Header => {
                    let header = ContentHeader::decode(frame.payload).expect("a header");
                    fields += header.properties.headers().iter().count();
                }
                FrameType::Body | FrameType::Heartbeat => {}
            }
            rest = rest.get(size..).expect("the size lies inside");
        }
        assert!(rest.is_empty() && fields == 4, "{fields} fields, {} octets left", rest.len());
    });
    assert_eq!(allocated, 0);
}

#[test]
fn refusals_of_the_codecs_allocate_nothing() {
    let _turn = turn();
    let padded = allocated_by(|| {
        assert!(Frame::cut(b"\x30\xff\xff\xff\xff\x01", 1 << 20).is_err());
        assert!(matches!(Frame::cut(b"\x30\xff\xff\xff\x7f\x00\x01t", usize::MAX), Ok(Cut::Incomplete)));
    });
    let deep = nested(20_000);
    let deep = allocated_by(|| assert_eq!(FieldTable::from_entries(&deep), Err(Violation::TableDepth)));
    let flags = allocated_by(|| assert!(Properties::decode(b"\x20\x00\xff\xff\xff\xff").is_err()));
    assert_eq!((padded, deep, flags), (0, 0, 0));
}

#[test]
fn a_length_field_reserves_nothing_in_the_broker() {
    let _turn = turn();
    let connect = mqtt::connect();
    // 268,435,455 bytes announced, eleven there; the broker takes packets of that size here.
    let mut config = Config::default();
    config.mqtt.maximum_packet_size = u32::MAX;
    let announced = b"\x30\xff\xff\xff\x7f\x00\x01tsome";
    let mqtt = allocated_by(|| {
        let mut broker = Broker::new(config.clone());
        let mut effects = Effects::new();
        let opened = Input::Opened { connection: CONNECTION, protocol: Protocol::Mqtt };
        broker.handle(NOW, opened, &mut effects);
        broker.handle(NOW, Input::Received { connection: CONNECTION, bytes: &connect }, &mut effects);
        broker.handle(NOW, Input::Received { connection: CONNECTION, bytes: announced }, &mut effects);
    });
    assert!(mqtt < 64 << 10, "{mqtt} bytes for a PUBLISH of which eleven bytes came");

    // A frame of 128 KiB less its header, and a content of 64 MiB.
    let hello = packets::hello();
    let announced = b"\x01\x00\x01\x00\x01\xff\xf8\x00\x3c";
    let frame = allocated_by(|| receive(&mut broker(Protocol::Amqp, &hello), announced));
    let body = frame_pair(1 << 26);
    let content = allocated_by(|| receive(&mut broker(Protocol::Amqp, &hello), &body));
    assert!(frame < 128 << 10, "{frame} octets for a frame of which nine came");
    assert!(content < 128 << 10, "{content} octets for a content of which none came");
}

/// basic.publish and a header that announces so many octets.
fn frame_pair(body_size: u64) -> Vec<u8> {
    let method = frame(1, b"\x00\x3c\x00\x28\x00\x00\x00\x01q\x00");
    let header = [&[0, 60, 0, 0][..], &body_size.to_be_bytes(), &[0, 0]].concat();
    [method, frame(2, &header)].concat()
}

#[test]
fn a_message_that_is_kept_takes_at_most_four_times_its_bytes() {
    let _turn = turn();
    let connect = mqtt::connect();
    let hello = packets::hello();
    let empty_mqtt = kept_by(|| broker(Protocol::Mqtt, &connect));
    let empty_amqp = kept_by(|| broker(Protocol::Amqp, &hello));
    // Retained: 20,000 user properties without a name or a value; and a payload of 100,000 bytes.
    let properties = [0x26, 0, 0, 0, 0].repeat(20_000);
    for packet in [publish(0x31, &properties, b"."), publish(0x31, b"", &vec![b'.'; 100_000])] {
        let kept = kept_by(|| {
            let mut broker = broker(Protocol::Mqtt, &connect);
            receive(&mut broker, &packet);
            broker
        });
        let kept = kept.saturating_sub(empty_mqtt);
        assert!(kept <= 4 * packet.len(), "{kept} bytes for a retained message of {}", packet.len());
        assert!(kept >= packet.len() / 2, "{kept} bytes cannot be a retained message of {}", packet.len());
    }
    // In a queue: headers of 30,000 fields without a name or a value; and a body of 100,000 octets.
    let fields = [0, b'V'].repeat(30_000);
    let body = vec![b'.'; 100_000];
    for (table, body) in [(&fields[..], &b"."[..]), (&[], &body)] {
        let octets = [packets::declare_queue(), message(table, body)].concat();
        let kept = kept_by(|| {
            let mut broker = broker(Protocol::Amqp, &hello);
            receive(&mut broker, &octets);
            broker
        });
        let kept = kept.saturating_sub(empty_amqp);
        assert!(kept <= 4 * octets.len(), "{kept} octets for a message of {} in a queue", octets.len());
        assert!(kept >= octets.len() / 2, "{kept} octets cannot be a message of {}", octets.len());
    }
}

#[test]
fn sixty_four_kib_of_stack_are_enough_for_any_nesting() {
    let _turn = turn();
    let mut arguments = b"\x00\x32\x00\x0a\x00\x00\x01q\x00".to_vec();
    let entries = nested(20_000);
    arguments.extend_from_slice(&u32::try_from(entries.len()).expect("below 128 KiB").to_be_bytes());
    arguments.extend_from_slice(&entries);
    assert!(arguments.len() > 100_000, "as much as a frame of 128 KiB holds");
    let thread = std::thread::Builder::new().stack_size(64 << 10);
    let refused =
        thread.spawn(move || Method::decode(&arguments).map(|_| ())).expect("a thread can be started");
    assert_eq!(refused.join().expect("it ends by itself"), Err(Violation::TableDepth));
}
