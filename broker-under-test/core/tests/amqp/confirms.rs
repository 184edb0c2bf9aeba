//! Publisher confirms and returns.

use crate::client::{Bench, args, plain, publish_octets};

fn confirming(bench: &mut Bench) -> mqspec_broker_core::ConnectionId {
    let client = bench.client();
    bench.call(client, 1, (85, 10), &args().u8(0));
    assert_eq!(bench.seen(client), ["1 confirm.select-ok"]);
    client
}

#[test]
fn every_publish_is_numbered_and_confirmed_unroutable_ones_too() {
    let mut bench = Bench::new();
    let client = confirming(&mut bench);
    bench.queue(client, "q", &args());
    bench.publish(client, "", "q", "routed");
    bench.publish(client, "", "nowhere", "dropped");
    bench.call(client, 1, (85, 10), &args().u8(0));
    bench.publish(client, "", "q", "routed");
    assert_eq!(
        bench.seen(client),
        ["1 basic.ack 1", "1 basic.ack 2", "1 confirm.select-ok", "1 basic.ack 3"],
        "selecting again does not restart the numbers"
    );
}

#[test]
fn numbers_begin_with_the_select() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.publish(client, "", "nowhere", "before");
    bench.call(client, 1, (85, 10), &args().u8(1));
    bench.publish(client, "", "nowhere", "after");
    assert_eq!(bench.seen(client), ["1 basic.ack 1"], "and no-wait leaves select-ok out");
}

#[test]
fn refused_publish_gets_no_confirm() {
    let mut bench = Bench::new();
    let client = confirming(&mut bench);
    bench.publish(client, "missing", "k", "x");
    bench.channel_closed(client, 404, (60, 40));
}

#[test]
fn unroutable_message_is_returned_only_if_mandatory() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.publish(client, "amq.direct", "nowhere", "x");
    assert_eq!(bench.seen(client), Vec::<String>::new());
    bench.send(client, &publish_octets(1, ("amq.direct", "nowhere"), 1, &plain(), ""));
    assert_eq!(bench.seen(client), ["1 basic.return 312 [amq.direct] nowhere"]);
}

#[test]
fn immediate_is_540() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.send(client, &publish_octets(1, ("", "q"), 2, &plain(), "x"));
    bench.connection_closed(client, 540, (60, 40));
}

#[test]
fn internal_exchange_takes_nothing_from_clients() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.exchange(client, "inner", "fanout", 8, &args());
    assert_eq!(bench.seen(client), ["1 exchange.declare-ok"]);
    bench.publish(client, "inner", "", "x");
    bench.channel_closed(client, 403, (60, 40));
}

#[test]
fn user_id_has_to_be_the_connections_user() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.send(client, &publish_octets(1, ("", "q"), 0, &args().u16(0x0010).short("guest"), "x"));
    assert_eq!(bench.get(client, "q", true), "1 basic.get-ok #1 [] q left=0 = x");
    bench.send(client, &publish_octets(1, ("", "q"), 0, &args().u16(0x0010).short("other"), "x"));
    bench.channel_closed(client, 406, (60, 40));
}

#[test]
fn message_above_the_limit_is_406_at_its_header() {
    let mut bench = Bench::with(mqspec_broker_core::amqp::AmqpConfig {
        message_size_max: 4,
        ..mqspec_broker_core::amqp::AmqpConfig::default()
    });
    let client = bench.client();
    bench.publish(client, "", "q", "four");
    assert_eq!(bench.seen(client), Vec::<String>::new());
    bench.publish(client, "", "q", "fives");
    bench.channel_closed(client, 406, (60, 40));
}
