//! The AMQP guarantees that scenarios ask for: first who is guilty, then who is not.

use mqspec_conformance::check::run;
use mqspec_wire::{Packet, Spec, Value};

use crate::story::{Story, map, number, packet, statements, story, text};

pub(crate) fn frame(name: &'static str, fields: &[(&'static str, Value)]) -> Packet {
    let mut all = vec![("channel", number(1))];
    all.extend_from_slice(fields);
    packet(name, &all)
}

/// Alice publishes, Bob consumes.
pub(crate) fn people() -> Story {
    (0..2).fold(story(&[("alice", Spec::Amqp091), ("bob", Spec::Amqp091)]), |story, actor| {
        story.open(actor).sends(actor, frame("channel.open", &[])).gets(actor, frame("channel.open-ok", &[]))
    })
}

pub(crate) trait Amqp: Sized {
    fn call(
        self,
        name: &'static str,
        fields: &[(&'static str, Value)],
        reply: &[(&'static str, Value)],
    ) -> Self;
    fn queue(self, name: &str) -> Self;
    fn bind(self, queue: &str, exchange: &str, key: &str, arguments: &[(&str, Value)]) -> Self;
    fn publish(
        self,
        exchange: &str,
        key: &str,
        body: &'static str,
        properties: &[(&'static str, Value)],
    ) -> Self;
    fn deliver(
        self,
        queue: &str,
        tag: i128,
        redelivered: bool,
        exchange: &str,
        key: &str,
        body: &'static str,
    ) -> Self;
    /// What follows a delivery to bob.
    fn content(self, properties: &[(&'static str, Value)], body: &'static str) -> Self;
    fn consume(self, queue: &str) -> Self;
}

impl Amqp for Story {
    fn call(
        self,
        name: &'static str,
        fields: &[(&'static str, Value)],
        reply: &[(&'static str, Value)],
    ) -> Self {
        let answer = match name {
            "queue.declare" => "queue.declare-ok",
            "queue.bind" => "queue.bind-ok",
            "queue.unbind" => "queue.unbind-ok",
            "exchange.declare" => "exchange.declare-ok",
            "exchange.bind" => "exchange.bind-ok",
            _ => "basic.qos-ok",
        };
        self.sends(0, frame(name, fields)).gets(0, frame(answer, reply))
    }

    fn queue(self, name: &str) -> Self {
        self.call("queue.declare", &[("queue", text(name))], &[("queue", text(name))])
    }

    fn bind(self, queue: &str, exchange: &str, key: &str, arguments: &[(&str, Value)]) -> Self {
        let fields = [
            ("queue", text(queue)),
            ("exchange", text(exchange)),
            ("routing_key", text(key)),
            ("arguments", map(arguments)),
        ];
        self.call("queue.bind", &fields, &[])
    }

    /// A publish whose effect is certain, by something asked afterwards.
    fn publish(
        self,
        exchange: &str,
        key: &str,
        body: &'static str,
        properties: &[(&'static str, Value)],
    ) -> Self {
        let mut header = vec![("body_size", number(1))];
        header.extend_from_slice(properties);
        self.sends(0, frame("basic.publish", &[("exchange", text(exchange)), ("routing_key", text(key))]))
            .sends(0, frame("content-header", &header))
            .sends(0, frame("content-body", &[("body", text(body))]))
            .call("basic.qos", &[], &[])
    }

    fn deliver(
        self,
        queue: &str,
        tag: i128,
        redelivered: bool,
        exchange: &str,
        key: &str,
        body: &'static str,
    ) -> Self {
        let fields = [
            ("consumer_tag", text(queue)),
            ("delivery_tag", number(tag)),
            ("redelivered", redelivered.into()),
            ("exchange", text(exchange)),
            ("routing_key", text(key)),
        ];
        self.gets(1, frame("basic.deliver", &fields)).content(&[], body)
    }

    fn content(self, properties: &[(&'static str, Value)], body: &'static str) -> Self {
        let mut header = vec![("body_size", number(1))];
        header.extend_from_slice(properties);
        self.gets(1, frame("content-header", &header)).gets(1, frame("content-body", &[("body", text(body))]))
    }

    /// Bob consumes, with the queue's name as the tag.
    fn consume(self, queue: &str) -> Self {
        let fields = [("queue", text(queue)), ("consumer_tag", text(queue))];
        self.sends(1, frame("basic.consume", &fields))
            .gets(1, frame("basic.consume-ok", &[("consumer_tag", text(queue))]))
    }
}

pub(crate) fn judge(story: &Story, guarantee: &str) -> Vec<String> {
    let mut parameters = Vec::new();
    if !matches!(guarantee, "fifo" | "entities") {
        parameters.push((String::from("drained"), true.into()));
    }
    statements(&run(guarantee, &parameters, story.trace()).expect("a guarantee with this parameter"))
}

/// Queues `p` and `q`, both consumed.
fn two_queues() -> Story {
    people().queue("p").queue("q").consume("p").consume("q")
}

#[test]
fn the_nameless_exchange_routes_by_queue_name() {
    let sent = || two_queues().publish("", "q", "m", &[]);
    assert_eq!(judge(&sent().deliver("q", 1, false, "", "q", "m"), "routing"), [""; 0]);
    let bound = "amqp-0-9-1/AMQP-3.1.3.1-queues-auto-bound";
    assert_eq!(judge(&sent(), "routing"), [bound]);
    assert_eq!(judge(&sent().deliver("p", 1, false, "", "q", "m"), "routing"), [bound, bound]);
}

#[test]
fn direct_fanout_and_topic_follow_their_bindings() {
    for (exchange, key, matching, other, statement) in [
        ("amq.direct", "k", "k", "K", "amqp-0-9-1/AMQP-3.1.3.1-direct-match"),
        (
            "amq.topic",
            "a.b.c",
            "a.#",
            "a.*",
            "amqp-0-9-1/AMQP-3.1.3.3-topic-star amqp-0-9-1/AMQP-3.1.3.3-topic-hash",
        ),
    ] {
        let sent = || {
            let bound = two_queues().bind("p", exchange, matching, &[]).bind("q", exchange, other, &[]);
            bound.publish(exchange, key, "m", &[])
        };
        assert_eq!(judge(&sent().deliver("p", 1, false, exchange, key, "m"), "routing"), [""; 0]);
        assert_eq!(judge(&sent(), "routing"), [statement]);
        let both =
            sent().deliver("p", 1, false, exchange, key, "m").deliver("q", 2, false, exchange, key, "m");
        assert_eq!(judge(&both, "routing"), [statement]);
    }
    let fanned = two_queues().bind("p", "amq.fanout", "x", &[]).bind("q", "amq.fanout", "y", &[]);
    let sent = fanned.publish("amq.fanout", "z", "m", &[]).deliver("p", 1, false, "amq.fanout", "z", "m");
    assert_eq!(judge(&sent, "routing"), ["amqp-0-9-1/AMQP-3.1.3.2-fanout-unconditional"]);
}

#[test]
fn headers_follow_their_arguments() {
    let bound = || {
        two_queues()
            .bind("p", "amq.match", "", &[("x-match", text("all")), ("a", text("1")), ("b", text("2"))])
            .bind("q", "amq.match", "", &[("x-match", text("any")), ("a", text("1")), ("b", text("2"))])
    };
    let headers = || [("headers", map(&[("a", text("1"))]))];
    let one = || bound().publish("amq.match", "", "m", &headers());
    let come = |queue| {
        let fields =
            [("consumer_tag", text(queue)), ("delivery_tag", number(1)), ("exchange", text("amq.match"))];
        one().gets(1, frame("basic.deliver", &fields))
    };
    assert_eq!(judge(&come("q").content(&headers(), "m"), "routing"), [""; 0]);
    let guilty = "amqp-0-9-1/AMQP-3.1.3.4-headers-all amqp-0-9-1/AMQP-3.1.3.4-headers-any";
    assert_eq!(judge(&one(), "routing"), [guilty]);
    assert_eq!(judge(&come("p").content(&headers(), "m"), "routing"), [guilty, guilty]);
    assert_eq!(judge(&come("q").content(&[], "m"), "routing"), ["amqp-0-9-1/AMQP-basic.headers-passed"]);
}

#[test]
fn exchanges_route_to_exchanges() {
    let declared = || {
        two_queues()
            .call("exchange.declare", &[("exchange", text("x")), ("type", text("fanout"))], &[])
            .call(
                "exchange.bind",
                &[("source", text("amq.direct")), ("destination", text("x")), ("routing_key", text("k"))],
                &[],
            )
            .call("exchange.bind", &[("source", text("x")), ("destination", text("x"))], &[])
            .bind("p", "x", "", &[])
            .publish("amq.direct", "k", "m", &[])
    };
    assert_eq!(judge(&declared().deliver("p", 1, false, "amq.direct", "k", "m"), "routing"), [""; 0]);
    assert_eq!(judge(&declared(), "routing"), ["rabbitmq/RMQ-e2e-bind"]);
}

#[test]
fn routing_is_indeterminate_while_bindings_change() {
    let unanswered = |name| {
        let fields = [("queue", text("p")), ("exchange", text("amq.fanout")), ("routing_key", text("x"))];
        frame(name, &fields)
    };
    let binding = || two_queues().sends(0, unanswered("queue.bind")).publish("amq.fanout", "", "m", &[]);
    assert_eq!(judge(&binding(), "routing"), [""; 0]);
    assert_eq!(judge(&binding().deliver("p", 1, false, "amq.fanout", "", "m"), "routing"), [""; 0]);
    let unbinding = || {
        let bound = two_queues().bind("p", "amq.fanout", "x", &[]);
        bound.sends(0, unanswered("queue.unbind")).publish("amq.fanout", "", "m", &[])
    };
    assert_eq!(judge(&unbinding(), "routing"), [""; 0]);
    assert_eq!(judge(&unbinding().deliver("p", 1, false, "amq.fanout", "", "m"), "routing"), [""; 0]);
}

#[test]
fn a_queue_gets_one_unchanged_copy() {
    let sent = || {
        two_queues().bind("p", "amq.direct", "k", &[]).publish(
            "amq.direct",
            "k",
            "m",
            &[("content_type", text("text/plain"))],
        )
    };
    assert_eq!(
        judge(&sent().deliver("p", 1, false, "amq.direct", "k", "m"), "routing"),
        ["amqp-0-9-1/AMQP-basic.properties-passed"]
    );
    let plain = || two_queues().bind("p", "amq.direct", "k", &[]).publish("amq.direct", "k", "m", &[]);
    let twice =
        plain().deliver("p", 1, false, "amq.direct", "k", "m").deliver("p", 2, false, "amq.direct", "k", "m");
    assert_eq!(judge(&twice, "routing"), ["amqp-0-9-1/AMQP-queue.bind-unique"]);
    let renamed = plain().deliver("p", 1, false, "amq.direct", "K", "m");
    assert_eq!(judge(&renamed, "routing"), ["amqp-0-9-1/AMQP-basic.deliver-fields"]);
}

#[test]
fn unacknowledged_deliveries_come_back_and_say_so() {
    let back = "amqp-0-9-1/AMQP-basic-10 amqp-0-9-1/AMQP-4.5-unacked-redelivered";
    let requeued = || {
        two_queues()
            .publish("", "q", "m", &[])
            .deliver("q", 1, false, "", "q", "m")
            .sends(1, frame("basic.nack", &[("delivery_tag", number(1)), ("requeue", true.into())]))
    };
    assert_eq!(judge(&requeued(), "redelivery"), [back]);
    assert_eq!(judge(&requeued().deliver("q", 2, true, "", "q", "m"), "redelivery"), [""; 0]);
    assert_eq!(
        judge(&requeued().deliver("q", 2, false, "", "q", "m"), "redelivery"),
        ["amqp-0-9-1/AMQP-3.1.4-one-client"]
    );
    let orphaned =
        || two_queues().publish("", "q", "m", &[]).deliver("q", 1, false, "", "q", "m").hangs_up(1);
    assert_eq!(judge(&orphaned(), "redelivery"), [back]);
    let acked = two_queues()
        .publish("", "q", "m", &[])
        .deliver("q", 1, false, "", "q", "m")
        .sends(1, frame("basic.ack", &[("delivery_tag", number(0)), ("multiple", true.into())]))
        .hangs_up(1);
    assert_eq!(judge(&acked, "redelivery"), [""; 0]);
}

#[test]
fn one_path_keeps_its_order() {
    let sent = || two_queues().publish("", "q", "a", &[]).publish("", "q", "b", &[]);
    let in_order = sent().deliver("q", 1, false, "", "q", "a").deliver("q", 2, false, "", "q", "b");
    assert_eq!(judge(&in_order, "fifo"), [""; 0]);
    let swapped = sent().deliver("q", 1, false, "", "q", "b").deliver("q", 2, false, "", "q", "a");
    assert_eq!(judge(&swapped, "fifo"), ["amqp-0-9-1/AMQP-4.7-content-order amqp-0-9-1/AMQP-3.1.4-fifo"]);
    let redelivered = sent().deliver("q", 1, false, "", "q", "b").deliver("q", 2, true, "", "q", "a");
    assert_eq!(judge(&redelivered, "fifo"), [""; 0]);
}

#[test]
fn what_was_confirmed_is_not_lost() {
    let durable = [("queue", text("q")), ("durable", true.into())];
    let published = |mode: i128| {
        people()
            .call("queue.declare", &durable, &[("queue", text("q"))])
            .sends(0, frame("confirm.select", &[]))
            .publish("", "q", "m", &[("delivery_mode", number(mode))])
    };
    let confirmed = |mode| published(mode).gets(0, frame("basic.ack", &[("delivery_tag", number(1))]));
    assert_eq!(judge(&confirmed(1).consume("q"), "confirmed"), ["rabbitmq/RMQ-confirm-all-queues"]);
    assert_eq!(judge(&confirmed(1).consume("q").deliver("q", 1, false, "", "q", "m"), "confirmed"), [""; 0]);
    assert_eq!(judge(&published(1).consume("q"), "confirmed"), [""; 0]);
    assert_eq!(judge(&confirmed(1).broker("killed").consume("q"), "confirmed"), [""; 0]);
    assert_eq!(
        judge(&confirmed(2).broker("killed").consume("q"), "confirmed"),
        ["rabbitmq/RMQ-confirm-persistent-durable"]
    );
}

#[test]
fn what_was_acknowledged_stays_away() {
    let acked = || {
        two_queues()
            .publish("", "q", "m", &[])
            .deliver("q", 1, false, "", "q", "m")
            .sends(1, frame("basic.ack", &[("delivery_tag", number(1))]))
    };
    let asked = |story: Story| story.sends(1, frame("basic.qos", &[])).gets(1, frame("basic.qos-ok", &[]));
    let again = |story: Story| story.deliver("q", 2, true, "", "q", "m");
    assert_eq!(judge(&again(asked(acked())), "redelivery"), ["amqp-0-9-1/AMQP-3.1.8-explicit-ack"]);
    assert_eq!(judge(&again(acked()), "redelivery"), [""; 0], "the ack may have been on its way");
}
