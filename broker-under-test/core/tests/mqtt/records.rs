//! Records that no broker wrote: an error that says why, or a state that can be served; never a panic.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use mqspec_broker_core::durable::{BadRecord, record_name};
use mqspec_broker_core::{Broker, Config, Effects};

use crate::client::{World, ack, connect_311, expiry, packet, publish_50, restored, subscribe_50, text};

fn config() -> Config {
    Config { durable: true, ..Config::default() }
}

/// Records of every kind, as a broker wrote them.
fn every_kind() -> Vec<Bytes> {
    let mut world = World::durable();
    let alice = world.connect_50("alice", false, &expiry(100));
    world.send(alice, &subscribe_50(1, b"\x0b\x05", "t", 2));
    world.send(alice, &subscribe_50(2, &[], "$share/g/s", 1));
    let connect = [b"\x00\x04MQTT\x05\x06\x00\x00".to_vec(), b"\x05\x11\x00\x00\x00\x09".to_vec()].concat();
    let will = [b"\x00".to_vec(), text("w"), text("gone")].concat();
    let bob = world.open();
    world.send(bob, &packet(0x10, &[&connect, &text("bob"), &will]));
    world.send(bob, &publish_50(0b0101, "t", 1, b"\x02\x00\x00\x00\x09\x26\x00\x01k\x00\x01v", b"x"));
    world.send(bob, &publish_50(1, "t", 0, &[], b""));
    world.send(bob, &ack(0x62, 1));
    world.send(alice, &ack(0x50, 1));
    world.send(alice, &ack(0x70, 1));
    world.send(alice, &packet(0xA2, &[b"\x00\x09\x00", &text("$share/g/s")]));
    world.cut(alice);
    world.send(bob, &publish_50(0b0010, "t", 1, b"\x02\x00\x00\x00\x01", b"too late"));
    world.send(bob, b"\xe0\x07\x00\x05\x11\x00\x00\x00\x03");
    world.wait(Duration::from_secs(5));
    world.connect_50("alice", false, &expiry(100));
    world.records
}

#[test]
fn every_kind_has_a_name_and_a_record_here() {
    let seen: BTreeSet<&str> = every_kind().iter().filter_map(|record| record_name(record)).collect();
    let all: BTreeSet<&str> = (0..=u8::MAX).filter_map(|kind| record_name(&[1, kind])).collect();
    assert_eq!(seen, all);
    assert_eq!(all.len(), 17);
}

#[test]
fn a_record_that_ends_early_or_late_is_an_error() {
    for record in every_kind() {
        for end in 0..record.len() {
            let mut broker = Broker::new(config());
            let part = record.get(..end).expect("a prefix");
            assert_eq!(broker.restore(part), Err(BadRecord::Length { length: end }), "{part:02x?}");
        }
        let longer = [&record[..], b"\0"].concat();
        let outcome = Broker::new(config()).restore(&longer);
        assert_eq!(outcome, Err(BadRecord::Length { length: longer.len() }), "{longer:02x?}");
    }
}

#[test]
fn what_no_broker_writes_is_an_error() {
    for (record, what) in [
        (&b"\x01\x00"[..], "kind 0"),
        (b"\x01\xff", "kind 255"),
        (b"\x01\x03\x01\x00\x00\x00\xff", "a topic that is not UTF-8"),
        (b"\x01\x04\x01\x00\x00\x00c\x09\x00\x00\x00\x02", "a flag that is 2"),
        (b"\x01\x09\x01\x00\x00\x00c\x01\x00\x00\x00t\x00\x03\x00", "subscription options with QoS 3"),
        (b"\x01\x09\x01\x00\x00\x00c\x01\x00\x00\x00t\x01\x02\x00", "shared without a share name"),
        (b"\x01\x09\x01\x00\x00\x00c\x01\x00\x00\x00t\x00\x02\x01\x00\x00\x00\x00", "identifier 0"),
        (b"\x01\x0d\x01\x00\x00\x00c\x00\x00", "packet identifier 0"),
        (
            b"\x01\x06\x01\x00\x00\x00c\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff",
            "4 seconds of nanoseconds",
        ),
    ] {
        assert!(Broker::new(config()).restore(record).is_err(), "{what}");
    }
    let queued_with_qos_0 = b"\x01\x0b\x01\x00\x00\x00c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    assert_eq!(
        Broker::new(config()).restore(queued_with_qos_0),
        Err(BadRecord::Content("a QoS 0 message that waits"))
    );
    let long = [b"\x01\x07\x00\x00\x01\x00", vec![b'c'; 65_536].as_slice()].concat();
    assert_eq!(
        Broker::new(config()).restore(&long),
        Err(BadRecord::Content("a string of more than 65,535 bytes"))
    );
}

#[test]
fn an_empty_message_is_never_retained() {
    let mut broker = Broker::new(config());
    let mut message = vec![1, 1];
    message.extend(0_u64.to_le_bytes());
    message.extend(b"\x01\x00\x00\x00t\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    message.extend([0; 12]);
    message.extend(b"\x01\x00\x00\x00p");
    assert_eq!(broker.restore(&message), Ok(()));
    assert_eq!(
        broker.restore(b"\x01\x02\x00\x00\x00\x00\x00\x00\x00\x00"),
        Err(BadRecord::Content("an empty message that is retained"))
    );
}

#[test]
fn a_change_to_what_is_not_there_changes_nothing() {
    for record in every_kind() {
        let mut broker = Broker::new(config());
        let name = record_name(&record);
        if name != Some("mqtt.connected") {
            assert_eq!(broker.restore(&record), Ok(()), "{name:?}");
            assert!(broker.snapshot().is_empty(), "{name:?}");
        }
    }
}

/// Serves what came of some records: the clients of that time come back, acknowledge, and go.
fn serve(records: &[Bytes], now: Duration) -> Result<(), TestCaseError> {
    let mut world = World::of(config());
    world.now = now;
    for record in records {
        // What is refused is left out, as a broker must not fall over what it has let through so far.
        let _refused = world.broker.restore(record);
    }
    let again = restored(config(), &world.broker.snapshot());
    prop_assert_eq!(again.snapshot(), world.broker.snapshot());
    world.broker.restored(now, &mut Effects::new());
    for client_id in ["alice", "bob"] {
        let client = world.open();
        world.send(client, &connect_311(client_id, false, 0));
        for id in 1..4 {
            world.send(client, &ack(0x62, id));
        }
        world.cut(client);
    }
    let carol = world.connect_50("carol", true, &[]);
    world.subscribe_50(carol, "#", 2);
    world.send(carol, &publish_50(0b0010, "t", 1, &[], b"x"));
    world.wait(Duration::from_secs(200));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_behind_a_kind_are_refused_or_served(
        bodies in vec((0_u8..20, vec(prop_oneof![Just(0), Just(1), any::<u8>()], 0..40)), 1..8),
    ) {
        let records: Vec<Bytes> =
            bodies.into_iter().map(|(kind, body)| [vec![1, kind], body].concat().into()).collect();
        serve(&records, Duration::from_secs(1_000_000))?;
    }

    #[test]
    fn records_with_a_wrong_byte_or_in_another_order_are_refused_or_served(
        damage in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..6),
        swaps in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..6),
    ) {
        let mut records: Vec<Vec<u8>> = every_kind().iter().map(|record| record.to_vec()).collect();
        let count = records.len();
        for (record, at, byte) in damage {
            if let Some(record) = records.get_mut(record.index(count)) {
                let at = at.index(record.len());
                if let Some(slot) = record.get_mut(at) {
                    *slot = byte;
                }
            }
        }
        for (one, other) in swaps {
            records.swap(one.index(count), other.index(count));
        }
        let records: Vec<Bytes> = records.into_iter().map(Bytes::from).collect();
        serve(&records, Duration::from_secs(1_000_020))?;
    }
}
