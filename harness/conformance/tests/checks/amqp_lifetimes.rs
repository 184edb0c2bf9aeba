//! What lives how long in AMQP, and what a lost connection may take with it.

use mqspec_conformance::trace::{UNTOLD, What};
use mqspec_wire::{Packet, Value};

use crate::amqp_guarantees::{Amqp, frame, judge, people};
use crate::story::{Story, map, number, text};

const INNOCENT: [&str; 0] = [];

fn declared(queue: &str, flags: &[&'static str]) -> Story {
    let mut fields = vec![("queue", text(queue))];
    fields.extend(flags.iter().map(|flag| (*flag, Value::from(true))));
    people().call("queue.declare", &fields, &[("queue", text(queue))])
}

/// Bob asks whether a queue exists.
fn asks(story: Story, queue: &str) -> Story {
    story.sends(1, frame("queue.declare", &[("queue", text(queue)), ("passive", true.into())]))
}

fn yes(story: Story, queue: &str) -> Story {
    asks(story, queue).gets(1, frame("queue.declare-ok", &[("queue", text(queue))]))
}

fn close(code: i128, class: i128, method: i128) -> Packet {
    frame(
        "channel.close",
        &[("reply_code", number(code)), ("class_id", number(class)), ("method_id", number(method))],
    )
}

fn no(story: Story, queue: &str, code: i128) -> Story {
    asks(story, queue).gets(1, close(code, 50, 10))
}

#[test]
fn a_queue_is_there_until_it_is_deleted() {
    assert_eq!(judge(&yes(declared("q", &[]), "q"), "entities"), INNOCENT);
    assert_eq!(judge(&no(declared("q", &[]), "q", 404), "entities"), ["amqp-0-9-1/AMQP-3.1.4-lifetimes"]);
    assert_eq!(judge(&no(declared("q", &[]), "p", 404), "entities"), INNOCENT);
    let deleted = || {
        let story = declared("q", &[]).sends(0, frame("queue.delete", &[("queue", text("q"))]));
        story.gets(0, frame("queue.delete-ok", &[]))
    };
    assert_eq!(judge(&no(deleted(), "q", 404), "entities"), INNOCENT);
    assert_eq!(judge(&yes(deleted(), "q"), "entities"), ["amqp-0-9-1/AMQP-queue.delete-removes"]);
    let again = deleted().sends(0, frame("queue.declare", &[("queue", text("q"))]));
    assert_eq!(judge(&yes(again, "q"), "entities"), INNOCENT, "an unanswered declare may have made it");
}

#[test]
fn a_queue_that_expires_may_be_gone() {
    let expiring = |argument: &str| {
        let arguments = map(&[(argument, number(1000))]);
        people().call(
            "queue.declare",
            &[("queue", text("q")), ("arguments", arguments)],
            &[("queue", text("q"))],
        )
    };
    assert_eq!(judge(&no(expiring("x-expires"), "q", 404), "entities"), INNOCENT);
    let guilty = ["amqp-0-9-1/AMQP-3.1.4-lifetimes"];
    assert_eq!(judge(&no(expiring("x-max-length"), "q", 404), "entities"), guilty);
}

#[test]
fn an_exchange_is_there_for_all() {
    let declared =
        || people().call("exchange.declare", &[("exchange", text("x")), ("type", text("fanout"))], &[]);
    let refused = |story: Story| {
        story
            .sends(1, frame("basic.publish", &[("exchange", text("x"))]))
            .sends(1, frame("content-header", &[("body_size", number(1))]))
            .sends(1, frame("content-body", &[("body", text("m"))]))
            .gets(1, close(404, 60, 40))
    };
    let missing = "amqp-0-9-1/AMQP-3.1.3-temporary-until-shutdown";
    assert_eq!(judge(&refused(declared()), "entities"), [missing]);
    assert_eq!(judge(&refused(people()), "entities"), INNOCENT);
    let deleted = declared().sends(0, frame("exchange.delete", &[("exchange", text("x"))]));
    assert_eq!(judge(&refused(deleted), "entities"), INNOCENT);
}

/// The script waits until all is quiet.
fn settles(story: Story) -> Story {
    story.step("settle: 30s").step("bob: { call: queue.declare }")
}

#[test]
fn an_exclusive_queue_goes_with_its_connection() {
    let guilty = "amqp-0-9-1/AMQP-2.1.4.1-exclusive-lifetime \
                  amqp-0-9-1/AMQP-queue.declare.exclusive-deleted-on-close";
    let left = || settles(declared("q", &["exclusive"]).hangs_up(0));
    assert_eq!(judge(&no(left(), "q", 404), "entities"), INNOCENT);
    assert_eq!(judge(&no(left(), "q", 405), "entities"), [guilty]);
    assert_eq!(judge(&yes(left(), "q"), "entities"), [guilty]);
    let at_once = declared("q", &["exclusive"]).hangs_up(0);
    assert_eq!(judge(&no(at_once, "q", 405), "entities"), INNOCENT, "nobody need notice at once");
    let alive = settles(declared("q", &["exclusive"]));
    assert_eq!(judge(&no(alive, "q", 405), "entities"), INNOCENT);
    // A connection that is open keeps its queue, one that the broker is closing need not.
    let open = || settles(declared("q", &["exclusive"]));
    assert_eq!(judge(&no(open(), "q", 404), "entities"), ["amqp-0-9-1/AMQP-3.1.4-lifetimes"]);
    let closing = settles(declared("q", &["exclusive"]).gets(0, frame("connection.close", &[])));
    assert_eq!(judge(&no(closing, "q", 404), "entities"), INNOCENT);
}

#[test]
fn an_auto_delete_queue_goes_with_its_last_consumer() {
    let left = || settles(declared("q", &["auto_delete"]).consume("q").hangs_up(1)).open(1);
    let opened =
        |story: Story| story.sends(1, frame("channel.open", &[])).gets(1, frame("channel.open-ok", &[]));
    let guilty = "amqp-0-9-1/AMQP-queue.declare.auto-delete-last-consumer";
    assert_eq!(judge(&no(opened(left()), "q", 404), "entities"), INNOCENT);
    assert_eq!(judge(&yes(opened(left()), "q"), "entities"), [guilty]);
    let never_consumed = settles(declared("q", &["auto_delete"]));
    assert_eq!(judge(&yes(never_consumed, "q"), "entities"), INNOCENT);
}

#[test]
fn what_was_sent_without_acknowledgement_may_be_lost_with_its_connection() {
    let consumed = |no_ack: bool| {
        let fields = [("queue", text("q")), ("consumer_tag", text("c")), ("no_ack", no_ack.into())];
        declared("q", &[])
            .sends(1, frame("basic.consume", &fields))
            .gets(1, frame("basic.consume-ok", &[("consumer_tag", text("c"))]))
    };
    let published = |no_ack: bool| consumed(no_ack).publish("", "q", "m", &[]);
    let guilty = ["amqp-0-9-1/AMQP-3.1.3.1-queues-auto-bound"];
    assert_eq!(judge(&published(true).hangs_up(1), "routing"), INNOCENT);
    assert_eq!(judge(&published(false).hangs_up(1), "routing"), guilty);
    // A broker that does not know of the end goes on sending.
    let later = |story: Story| story.hangs_up(1).publish("", "q", "n", &[]);
    let untold = |story: Story| later(story.fault(1, &format!("struck: Bob has gone; {UNTOLD}")));
    assert_eq!(judge(&untold(consumed(true)), "routing"), INNOCENT);
    // It may not have noticed yet, either; when all is quiet it has.
    assert_eq!(judge(&later(consumed(true)), "routing"), INNOCENT);
    let noticed = settles(consumed(true).hangs_up(1)).publish("", "q", "n", &[]);
    assert_eq!(judge(&noticed, "routing"), guilty);
}

#[test]
fn deliveries_on_two_connections_are_in_no_order() {
    let delivery = |redelivered: bool| {
        let fields = [
            ("consumer_tag", text("q")),
            ("delivery_tag", number(1)),
            ("redelivered", redelivered.into()),
            ("routing_key", text("q")),
        ];
        frame("basic.deliver", &fields)
    };
    let both = |first: bool, second: bool| {
        let alice = [("queue", text("q")), ("consumer_tag", text("q"))];
        declared("q", &[])
            .sends(0, frame("basic.consume", &alice))
            .gets(0, frame("basic.consume-ok", &[("consumer_tag", text("q"))]))
            .consume("q")
            .publish("", "q", "m", &[])
            .gets(1, delivery(first))
            .content(&[], "m")
            .gets(0, delivery(second))
            .gets(0, frame("content-header", &[("body_size", number(1))]))
            .gets(0, frame("content-body", &[("body", text("m"))]))
    };
    assert_eq!(judge(&both(true, false), "redelivery"), INNOCENT);
    assert_eq!(judge(&both(false, true), "redelivery"), INNOCENT);
    assert_eq!(judge(&both(false, false), "redelivery"), ["amqp-0-9-1/AMQP-3.1.4-one-client"]);
    let settled = both(true, false).sends(1, frame("basic.ack", &[("delivery_tag", number(1))]));
    assert_eq!(judge(&settled.hangs_up(0), "redelivery"), INNOCENT, "bob's may have been the last");
    let back = "amqp-0-9-1/AMQP-basic-10 amqp-0-9-1/AMQP-4.5-unacked-redelivered";
    assert_eq!(judge(&both(true, false).hangs_up(0).hangs_up(1), "redelivery"), [back]);
}

/// Alice publishes in a transaction that ends with this method, or not at all.
fn transaction(end: Option<&'static str>) -> Story {
    let story = declared("q", &[("durable")])
        .sends(0, frame("tx.select", &[]))
        .gets(0, frame("tx.select-ok", &[]))
        .publish("", "q", "m", &[("delivery_mode", number(2))]);
    match end {
        Some("tx.commit") => story.sends(0, frame("tx.commit", &[])).gets(0, frame("tx.commit-ok", &[])),
        Some(end) => story.sends(0, frame(end, &[])),
        None => story,
    }
}

#[test]
fn a_transaction_counts_when_it_is_committed() {
    let come = |story: Story| story.consume("q").deliver("q", 1, false, "", "q", "m");
    let open = "amqp-0-9-1/AMQP-tx.commit-all-or-none-on-disconnect";
    assert!(judge(&come(transaction(None).hangs_up(0)), "routing").contains(&open.to_owned()));
    let rolled_back = "amqp-0-9-1/AMQP-tx.rollback-discards";
    assert!(judge(&come(transaction(Some("tx.rollback"))), "routing").contains(&rolled_back.to_owned()));
    for end in [None, Some("tx.rollback")] {
        assert_eq!(judge(&transaction(end).consume("q"), "routing"), INNOCENT);
        assert_eq!(judge(&transaction(end).consume("q"), "confirmed"), INNOCENT);
    }
    let committed = || transaction(Some("tx.commit"));
    assert_eq!(judge(&committed().consume("q"), "confirmed"), ["amqp-0-9-1/AMQP-tx.commit-applies"]);
    assert_eq!(
        judge(&committed().broker("killed").consume("q"), "confirmed"),
        ["rabbitmq/RMQ-tx-commit-responsibility"]
    );
}

#[test]
fn a_mandatory_message_comes_back() {
    let published = |returned: bool| {
        let fields = [("exchange", text("amq.direct")), ("mandatory", true.into())];
        let story = people()
            .sends(0, frame("confirm.select", &[]))
            .sends(0, frame("basic.publish", &fields))
            .sends(0, frame("content-header", &[("body_size", number(1))]))
            .sends(0, frame("content-body", &[("body", text("m"))]));
        let story = if returned {
            story
                .gets(0, frame("basic.return", &[("exchange", text("amq.direct"))]))
                .gets(0, frame("content-header", &[("body_size", number(1))]))
                .gets(0, frame("content-body", &[("body", text("m"))]))
        } else {
            story
        };
        story.gets(0, frame("basic.ack", &[("delivery_tag", number(1))]))
    };
    assert_eq!(judge(&published(true), "routing"), INNOCENT);
    assert_eq!(judge(&published(false), "routing"), ["amqp-0-9-1/AMQP-basic.publish.mandatory-returned"]);
}

#[test]
fn what_is_refused_goes_to_the_dead_letter_exchange() {
    let delivered = || {
        let arguments =
            map(&[("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("d"))]);
        declared("d", &[])
            .call("queue.declare", &[("queue", text("q")), ("arguments", arguments)], &[("queue", text("q"))])
            .consume("q")
            .consume("d")
            .publish("", "q", "m", &[])
            .deliver("q", 1, false, "", "q", "m")
    };
    let rejected = |story: Story| {
        story
            .sends(1, frame("basic.reject", &[("delivery_tag", number(1)), ("requeue", false.into())]))
            .sends(1, frame("basic.qos", &[]))
            .gets(1, frame("basic.qos-ok", &[]))
    };
    let refused = || rejected(delivered());
    assert_eq!(judge(&refused(), "dead_letter"), ["rabbitmq/RMQ-dlx-reason-rejected"]);
    let dead = [("headers", map(&[("x-death", text("rejected"))]))];
    let fields = [("consumer_tag", text("d")), ("delivery_tag", number(2)), ("routing_key", text("d"))];
    let come = refused().gets(1, frame("basic.deliver", &fields)).content(&dead, "m");
    assert_eq!(judge(&come, "dead_letter"), INNOCENT);
    let gone = rejected(delivered().call("queue.delete", &[("queue", text("q"))], &[]));
    assert_eq!(judge(&gone, "dead_letter"), INNOCENT);
}

#[test]
fn what_came_back_together_keeps_its_order() {
    let returned = || {
        declared("q", &[])
            .consume("q")
            .publish("", "q", "a", &[])
            .publish("", "q", "b", &[])
            .deliver("q", 1, false, "", "q", "a")
            .deliver("q", 2, false, "", "q", "b")
            .hangs_up(1)
            .open(1)
            .sends(1, frame("channel.open", &[]))
            .gets(1, frame("channel.open-ok", &[]))
            .consume("q")
    };
    let come = |first: &'static str, second: &'static str| {
        returned().deliver("q", 1, true, "", "q", first).deliver("q", 2, true, "", "q", second)
    };
    assert_eq!(judge(&come("a", "b"), "fifo"), INNOCENT);
    assert_eq!(judge(&come("b", "a"), "fifo"), ["amqp-0-9-1/AMQP-basic-10"]);
}

#[test]
fn what_was_on_its_way_before_its_holder_left_did_not_come_back() {
    let come = |early: bool| {
        let story = declared("q", &[]).publish("", "q", "a", &[]).publish("", "q", "b", &[]).consume("q");
        let alice = [("queue", text("q")), ("consumer_tag", text("q"))];
        let both = story
            .sends(0, frame("basic.consume", &alice))
            .gets(0, frame("basic.consume-ok", &[("consumer_tag", text("q"))]));
        let to_alice = |story: Story, tag: i128, body: &'static str| {
            let fields =
                [("consumer_tag", text("q")), ("delivery_tag", number(tag)), ("routing_key", text("q"))];
            let story = story.gets(0, frame("basic.deliver", &fields));
            let header = frame("content-header", &[("body_size", number(1))]);
            story.gets(0, header).gets(0, frame("content-body", &[("body", text(body))]))
        };
        let held = to_alice(to_alice(both, 1, "a"), 2, "b");
        let held = if early { held.deliver("q", 1, false, "", "q", "b") } else { held };
        let left = held.hangs_up(0);
        let left = if early { left } else { left.deliver("q", 1, true, "", "q", "b") };
        left.deliver("q", 2, true, "", "q", "a")
    };
    assert_eq!(judge(&come(true), "fifo"), INNOCENT);
    assert_eq!(judge(&come(false), "fifo"), ["amqp-0-9-1/AMQP-basic-10"]);
}

#[test]
fn what_was_recovered_may_go_to_its_old_channel_first_and_be_lost_there() {
    let recovered = |goes_on: bool| {
        let story = declared("q", &[])
            .consume("q")
            .publish("", "q", "a", &[])
            .publish("", "q", "b", &[])
            .deliver("q", 1, false, "", "q", "a")
            .deliver("q", 2, false, "", "q", "b");
        let story = if goes_on { story.sends(1, frame("basic.recover", &[])) } else { story };
        let opened = story.hangs_up(1).open(1).sends(1, frame("channel.open", &[]));
        let consuming = opened.gets(1, frame("channel.open-ok", &[])).consume("q");
        consuming.deliver("q", 1, true, "", "q", "b").deliver("q", 2, true, "", "q", "a")
    };
    assert_eq!(judge(&recovered(true), "fifo"), INNOCENT);
    assert_eq!(judge(&recovered(false), "fifo"), ["amqp-0-9-1/AMQP-basic-10"]);
}

impl Story {
    /// The script comes to a step.
    fn step(self, text: &str) -> Self {
        self.tell(What::Step { line: 1, text: text.to_owned() })
    }
}
