//! Publish, consume, get, settle.

use crate::client::{Bench, args, plain, publish_octets};

#[test]
fn published_message_is_delivered_and_gone_once_acked() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.publish(client, "", "q", "hello");
    bench.consume(client, "q", "ct", 0, &args());
    assert_eq!(bench.seen(client), ["1 basic.consume-ok ct", "1 basic.deliver ct #1 [] q = hello"]);
    bench.ack(client, 1, false);
    bench.drop_socket(client);
    let other = bench.client();
    assert_eq!(bench.get(other, "q", true), "1 basic.get-empty");
}

#[test]
fn got_message_returns_marked_when_its_connection_drops() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.publish(client, "", "q", "hello");
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #1 [] q left=0 = hello");
    bench.drop_socket(client);
    let other = bench.client();
    assert_eq!(bench.get(other, "q", false), "1 basic.get-ok #1 again [] q left=0 = hello");
}

#[test]
fn mandatory_message_without_a_route_returns_before_its_confirm() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.call(client, 1, (85, 10), &args().u8(0));
    bench.send(client, &publish_octets(1, ("", "nowhere"), 1, &plain(), "hello"));
    assert_eq!(
        bench.seen(client),
        ["1 confirm.select-ok", "1 basic.return 312 [] nowhere = hello", "1 basic.ack 1"]
    );
}
