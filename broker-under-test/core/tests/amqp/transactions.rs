//! Class Tx.

use crate::client::{Bench, args, plain, publish_octets};
use mqspec_broker_core::ConnectionId;

fn transactional(bench: &mut Bench) -> ConnectionId {
    let client = bench.client();
    bench.call(client, 1, (90, 10), &args());
    assert_eq!(bench.seen(client), ["1 tx.select-ok"]);
    client
}

fn commit(bench: &mut Bench, client: ConnectionId) -> Vec<String> {
    bench.call(client, 1, (90, 20), &args());
    bench.seen(client)
}

fn rollback(bench: &mut Bench, client: ConnectionId) {
    bench.call(client, 1, (90, 30), &args());
    assert_eq!(bench.seen(client), ["1 tx.rollback-ok"]);
}

#[test]
fn publishes_take_effect_at_commit() {
    let mut bench = Bench::new();
    let (client, other) = (transactional(&mut bench), bench.client());
    bench.queue(client, "q", &args());
    bench.publish(client, "", "q", "one");
    bench.publish(client, "", "q", "two");
    assert_eq!(bench.get(other, "q", true), "1 basic.get-empty");
    assert_eq!(commit(&mut bench, client), ["1 tx.commit-ok"]);
    assert_eq!(bench.get(other, "q", true), "1 basic.get-ok #1 [] q left=1 = one");
    assert_eq!(bench.get(other, "q", true), "1 basic.get-ok #2 [] q left=0 = two");
}

#[test]
fn rollback_forgets_publishes() {
    let mut bench = Bench::new();
    let client = transactional(&mut bench);
    bench.queue(client, "q", &args());
    bench.publish(client, "", "q", "never");
    rollback(&mut bench, client);
    assert_eq!(commit(&mut bench, client), ["1 tx.commit-ok"]);
    assert_eq!(bench.get(client, "q", true), "1 basic.get-empty");
}

#[test]
fn acks_take_effect_at_commit_and_rollback_keeps_the_deliveries() {
    let mut bench = Bench::new();
    let client = transactional(&mut bench);
    bench.queue(client, "q", &args());
    bench.publish(client, "", "q", "one");
    assert_eq!(commit(&mut bench, client), ["1 tx.commit-ok"]);
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #1 [] q left=0 = one");
    bench.ack(client, 1, false);
    rollback(&mut bench, client);
    bench.ack(client, 1, false);
    assert_eq!(bench.seen(client), Vec::<String>::new(), "the delivery may be settled anew");
    bench.ack(client, 1, false);
    bench.channel_closed(client, 406, (60, 80));
    assert_eq!(bench.get(client, "q", true), "1 basic.get-ok #1 again [] q left=0 = one", "not committed");
}

#[test]
fn requeue_in_a_transaction_waits_for_the_commit() {
    let mut bench = Bench::new();
    let (client, other) = (transactional(&mut bench), bench.client());
    bench.queue(client, "q", &args());
    bench.publish(other, "", "q", "one");
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #1 [] q left=0 = one");
    bench.nack(client, 1, false, true);
    assert_eq!(bench.get(other, "q", true), "1 basic.get-empty");
    assert_eq!(commit(&mut bench, client), ["1 tx.commit-ok"]);
    assert_eq!(bench.get(other, "q", true), "1 basic.get-ok #1 again [] q left=0 = one");
}

#[test]
fn connection_lost_before_the_commit_leaves_no_trace() {
    let mut bench = Bench::new();
    let (client, other) = (transactional(&mut bench), bench.client());
    bench.queue(client, "q", &args());
    bench.publish(other, "", "q", "acked only");
    assert_eq!(bench.get(client, "q", false), "1 basic.get-ok #1 [] q left=0 = acked only");
    bench.ack(client, 1, false);
    bench.publish(client, "", "q", "published only");
    bench.drop_socket(client);
    assert_eq!(bench.get(other, "q", true), "1 basic.get-ok #1 again [] q left=0 = acked only");
}

#[test]
fn errors_come_at_once_and_returns_before_commit_ok() {
    let mut bench = Bench::new();
    let client = transactional(&mut bench);
    bench.send(client, &publish_octets(1, ("", "nowhere"), 1, &plain(), "x"));
    assert_eq!(bench.seen(client), Vec::<String>::new());
    assert_eq!(commit(&mut bench, client), ["1 basic.return 312 [] nowhere = x", "1 tx.commit-ok"]);
    bench.publish(client, "missing", "k", "x");
    bench.channel_closed(client, 404, (60, 40));
}

#[test]
fn commit_and_rollback_need_a_select() {
    for id in [(90, 20), (90, 30)] {
        let mut bench = Bench::new();
        let client = bench.client();
        bench.call(client, 1, id, &args());
        bench.channel_closed(client, 406, id);
    }
}

#[test]
fn confirms_and_transactions_exclude_each_other() {
    let mut bench = Bench::new();
    let client = transactional(&mut bench);
    bench.call(client, 1, (90, 10), &args());
    assert_eq!(bench.seen(client), ["1 tx.select-ok"], "repeating is harmless");
    bench.call(client, 1, (85, 10), &args().u8(0));
    bench.channel_closed(client, 406, (85, 10));
    bench.call(client, 1, (85, 10), &args().u8(0));
    assert_eq!(bench.seen(client), ["1 confirm.select-ok"]);
    bench.call(client, 1, (90, 10), &args());
    bench.channel_closed(client, 406, (90, 10));
}
