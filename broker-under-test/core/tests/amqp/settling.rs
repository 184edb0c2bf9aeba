//! Ack, nack, reject, recover, and what comes back.

use crate::client::{Bench, args};
use mqspec_broker_core::ConnectionId;

/// A queue `q` with the messages 1 to `count`, all of them delivered to consumer `ct`.
fn delivered(bench: &mut Bench, count: usize) -> ConnectionId {
    let client = bench.client();
    bench.queue(client, "q", &args());
    for number in 1..=count {
        bench.publish(client, "", "q", &number.to_string());
    }
    bench.consume(client, "q", "ct", 0, &args());
    assert_eq!(bench.seen(client).len(), count + 1);
    client
}

/// Cancels the consumer and reads what is in the queue.
fn remaining(bench: &mut Bench, client: ConnectionId) -> Vec<String> {
    bench.drop_socket(client);
    let other = bench.client();
    let mut bodies = Vec::new();
    loop {
        let got = bench.get(other, "q", true);
        match got.split_once(" = ") {
            Some((head, body)) => {
                bodies.push(format!("{}{body}", if head.contains("again") { "again " } else { "" }));
            }
            None => return bodies,
        }
    }
}

#[test]
fn multiple_ack_settles_up_to_and_including_its_tag() {
    let mut bench = Bench::new();
    let client = delivered(&mut bench, 4);
    bench.ack(client, 2, true);
    assert_eq!(remaining(&mut bench, client), ["again 3", "again 4"]);
}

#[test]
fn multiple_ack_of_tag_zero_settles_everything_and_may_be_repeated() {
    let mut bench = Bench::new();
    let client = delivered(&mut bench, 3);
    bench.ack(client, 0, true);
    bench.ack(client, 0, true);
    assert_eq!(bench.seen(client), Vec::<String>::new());
    assert!(remaining(&mut bench, client).is_empty());
}

#[test]
fn unknown_tags_are_406_for_ack_nack_and_reject() {
    for (tag, multiple) in [(9, false), (9, true), (0, false), (1, false), (1, true)] {
        let mut bench = Bench::new();
        let client = delivered(&mut bench, 2);
        bench.ack(client, 1, false);
        bench.ack(client, tag, multiple);
        bench.channel_closed(client, 406, (60, 80));
    }
    let mut bench = Bench::new();
    let client = bench.client();
    bench.nack(client, 1, false, true);
    bench.channel_closed(client, 406, (60, 120));
    bench.call(client, 1, (60, 90), &args().u64(1).u8(1));
    bench.channel_closed(client, 406, (60, 90));
}

#[test]
fn no_ack_deliveries_have_nothing_to_settle() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.queue(client, "q", &args());
    bench.publish(client, "", "q", "gone");
    bench.consume(client, "q", "ct", 2, &args());
    assert_eq!(bench.seen(client), ["1 basic.consume-ok ct", "1 basic.deliver ct #1 [] q = gone"]);
    bench.ack(client, 1, false);
    bench.channel_closed(client, 406, (60, 80));
}

#[test]
fn tags_belong_to_their_channel() {
    let mut bench = Bench::new();
    let client = delivered(&mut bench, 1);
    bench.channel(client, 2);
    bench.call(client, 2, (60, 80), &args().u64(1).u8(0));
    assert_eq!(bench.seen(client), ["2 channel.close 406 60.80"]);
}

#[test]
fn requeued_messages_take_their_old_places() {
    let mut bench = Bench::new();
    let client = delivered(&mut bench, 4);
    bench.call(client, 1, (60, 30), &args().short("ct").u8(0));
    assert_eq!(bench.seen(client), ["1 basic.cancel-ok ct"]);
    for tag in [2, 1, 3] {
        bench.call(client, 1, (60, 90), &args().u64(tag).u8(1));
    }
    assert_eq!(remaining(&mut bench, client), ["again 1", "again 2", "again 3", "again 4"]);
}

#[test]
fn refused_messages_without_requeue_are_gone() {
    let mut bench = Bench::new();
    let client = delivered(&mut bench, 4);
    bench.call(client, 1, (60, 90), &args().u64(4).u8(0));
    bench.nack(client, 2, true, false);
    assert_eq!(remaining(&mut bench, client), ["again 3"]);
}

#[test]
fn lone_consumer_gets_its_requeued_message_again() {
    let mut bench = Bench::new();
    let client = delivered(&mut bench, 1);
    bench.nack(client, 1, false, true);
    assert_eq!(bench.seen(client), ["1 basic.deliver ct #2 again [] q = 1"]);
}

#[test]
fn recover_requeues_everything_after_recover_ok() {
    let mut bench = Bench::new();
    let client = delivered(&mut bench, 2);
    bench.call(client, 1, (60, 110), &args().u8(1));
    assert_eq!(
        bench.seen(client),
        [
            "1 basic.recover-ok",
            "1 basic.deliver ct #3 again [] q = 1",
            "1 basic.deliver ct #4 again [] q = 2"
        ]
    );
    bench.ack(client, 1, false);
    bench.channel_closed(client, 406, (60, 80));
}

#[test]
fn recover_async_requeues_without_an_answer() {
    let mut bench = Bench::new();
    let client = delivered(&mut bench, 1);
    bench.call(client, 1, (60, 100), &args().u8(1));
    assert_eq!(bench.seen(client), ["1 basic.deliver ct #2 again [] q = 1"]);
}

#[test]
fn recover_without_requeue_is_540() {
    for id in [(60, 100), (60, 110)] {
        let mut bench = Bench::new();
        let client = bench.client();
        bench.call(client, 1, id, &args().u8(0));
        bench.connection_closed(client, 540, id);
    }
}

#[test]
fn closing_the_channel_requeues_what_is_unsettled() {
    let mut bench = Bench::new();
    let client = delivered(&mut bench, 2);
    bench.ack(client, 2, false);
    bench.call(client, 1, (20, 40), &args().u16(200).short("").u16(0).u16(0));
    assert_eq!(bench.seen(client), ["1 channel.close-ok"]);
    assert_eq!(remaining(&mut bench, client), ["again 1"]);
}

#[test]
fn settling_deliveries_of_a_deleted_queue_is_no_error() {
    let mut bench = Bench::new();
    let client = delivered(&mut bench, 2);
    bench.call(client, 1, (50, 40), &args().u16(0).short("q").u8(0));
    assert_eq!(bench.seen(client), ["1 basic.cancel ct no-wait=1", "1 queue.delete-ok 0"]);
    bench.queue(client, "q", &args());
    bench.ack(client, 1, false);
    bench.nack(client, 2, false, true);
    bench.declare(client, "q", 1, &args());
    assert_eq!(bench.seen(client), ["1 queue.declare-ok q 0 0"], "nor does it fill the new one");
}
