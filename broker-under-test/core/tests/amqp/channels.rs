//! Opening, pausing and closing channels.

use mqspec_broker_core::amqp::AmqpConfig;

use crate::client::{Bench, args};

fn close() -> crate::client::Args {
    args().u16(200).short("bye").u16(0).u16(0)
}

#[test]
fn channel_number_is_free_again_after_close_ok() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.call(client, 1, (20, 40), &close());
    assert_eq!(bench.seen(client), ["1 channel.close-ok"]);
    bench.channel(client, 1);
}

#[test]
fn open_channel_cannot_be_opened_again() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.call(client, 1, (20, 10), &args().short(""));
    bench.connection_closed(client, 504, (20, 10));
}

#[test]
fn channel_zero_is_for_the_connection() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.call(client, 0, (20, 10), &args().short(""));
    bench.connection_closed(client, 504, (20, 10));
}

#[test]
fn connection_method_on_a_channel_is_503_where_open_and_504_where_not() {
    for (channel, code) in [(1, 503), (2, 504)] {
        let mut bench = Bench::new();
        let client = bench.client();
        bench.call(client, channel, (10, 50), &close());
        bench.connection_closed(client, code, (10, 50));
    }
}

#[test]
fn number_of_channels_is_limited_and_not_their_numbers() {
    let mut bench = Bench::with(AmqpConfig { channel_max: 0, ..AmqpConfig::default() });
    let client = bench.socket();
    bench.send(client, b"AMQP\x00\x00\x09\x01");
    bench.call(client, 0, (10, 11), &crate::client::start_ok(&[], "PLAIN", b"\0guest\0guest"));
    bench.call(client, 0, (10, 31), &args().u16(2).u32(4096).u16(0));
    bench.call(client, 0, (10, 40), &args().short("/").short("").u8(0));
    assert_eq!(bench.seen(client).len(), 3);
    bench.channel(client, 65_535);
    bench.channel(client, 9);
    bench.call(client, 1, (20, 10), &args().short(""));
    bench.connection_closed(client, 530, (20, 10));
}

#[test]
fn unsolicited_close_ok_is_503() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.call(client, 1, (20, 41), &args());
    bench.connection_closed(client, 503, (20, 41));
}

#[test]
fn closed_channel_discards_all_but_close_and_close_ok() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.declare(client, "missing", 1, &args());
    assert_eq!(bench.seen(client), ["1 channel.close 404 50.10"]);
    bench.declare(client, "late", 0, &args());
    bench.publish(client, "", "late", "body frames too");
    assert_eq!(bench.seen(client), Vec::<String>::new());
    bench.call(client, 1, (20, 40), &close());
    assert_eq!(bench.seen(client), ["1 channel.close-ok"], "a crossing close is confirmed");
    bench.call(client, 1, (20, 41), &args());
    bench.channel(client, 1);
    bench.declare(client, "late", 1, &args());
    bench.channel_closed(client, 404, (50, 10));
}

#[test]
fn channel_error_leaves_other_channels_alone() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.channel(client, 2);
    bench.declare(client, "missing", 1, &args());
    assert_eq!(bench.seen(client), ["1 channel.close 404 50.10"]);
    bench.call(client, 2, (50, 10), &args().u16(0).short("q").u8(0).table(&args()));
    assert_eq!(bench.seen(client), ["2 queue.declare-ok q 0 0"]);
}

#[test]
fn flow_stops_deliveries_until_it_resumes_them_and_leaves_get_alone() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.consume(client, "q", "ct", 0, &args());
    bench.call(client, 1, (20, 20), &args().u8(0));
    bench.publish(client, "", "q", "one");
    bench.publish(client, "", "q", "two");
    assert_eq!(bench.seen(client), ["1 basic.consume-ok ct", "1 channel.flow-ok 0"]);
    assert_eq!(bench.get(client, "q", true), "1 basic.get-ok #1 [] q left=1 = one");
    bench.call(client, 1, (20, 20), &args().u8(1));
    assert_eq!(bench.seen(client), ["1 channel.flow-ok 1", "1 basic.deliver ct #2 [] q = two"]);
}

#[test]
fn access_request_is_answered_and_does_nothing() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.call(client, 1, (30, 10), &args().short("/data").u8(0));
    assert_eq!(bench.seen(client), ["1 access.request-ok"]);
}
