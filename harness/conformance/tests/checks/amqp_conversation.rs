//! `check::amqp_conversation`: first who is guilty, then who is not.

use bytes::Bytes;
use mqspec_conformance::check::always_on;
use mqspec_conformance::trace::{EndedBy, Fate};
use mqspec_wire::{Packet, Side, Spec, Value};

use crate::story::{Story, map, number, packet, statements, story, text};

const AMQP: Spec = Spec::Amqp091;

/// A frame on channel 1.
fn on_channel(name: &'static str, fields: &[(&'static str, Value)]) -> Packet {
    let mut all = vec![("channel", number(1))];
    all.extend_from_slice(fields);
    packet(name, &all)
}

fn plain(name: &'static str) -> Packet {
    packet(name, &[("channel", number(0))])
}

/// The handshake up to connection.open-ok.
fn connected() -> Story {
    let capabilities = map(&[("capabilities", map(&[("consumer_cancel_notify", true.into())]))]);
    story(&[("alice", AMQP)])
        .open(0)
        .sends(0, plain("protocol-header"))
        .gets(0, plain("connection.start"))
        .sends(0, packet("connection.start-ok", &[("client_properties", capabilities)]))
        .gets(0, packet("connection.tune", &[("channel_max", number(2047)), ("frame_max", number(8192))]))
        .sends(0, packet("connection.tune-ok", &[("channel_max", number(10)), ("frame_max", number(4096))]))
        .sends(0, plain("connection.open"))
        .gets(0, plain("connection.open-ok"))
}

/// The same with channel 1 open.
fn opened() -> Story {
    connected().sends(0, on_channel("channel.open", &[])).gets(0, on_channel("channel.open-ok", &[]))
}

fn consume(tag: &str) -> Packet {
    on_channel("basic.consume", &[("queue", text("q")), ("consumer_tag", text(tag))])
}

fn tagged(name: &'static str, tag: &str) -> Packet {
    on_channel(name, &[("consumer_tag", text(tag))])
}

/// The same with a consumer `c`.
fn consuming() -> Story {
    opened().sends(0, consume("c")).gets(0, tagged("basic.consume-ok", "c"))
}

fn content(size: i128) -> Packet {
    on_channel("content-header", &[("body_size", number(size))])
}

fn body(octets: &'static [u8]) -> Packet {
    on_channel("content-body", &[("body", Value::Bytes(Bytes::from_static(octets)))])
}

fn deliver(tag: &str, delivery_tag: i128, redelivered: bool) -> Packet {
    on_channel(
        "basic.deliver",
        &[
            ("consumer_tag", text(tag)),
            ("delivery_tag", number(delivery_tag)),
            ("redelivered", redelivered.into()),
            ("exchange", text("")),
            ("routing_key", text("q")),
        ],
    )
}

fn publish(mandatory: bool) -> Packet {
    on_channel(
        "basic.publish",
        &[("exchange", text("")), ("routing_key", text("q")), ("mandatory", mandatory.into())],
    )
}

fn confirm(name: &'static str, tag: i128, multiple: bool) -> Packet {
    on_channel(name, &[("delivery_tag", number(tag)), ("multiple", multiple.into())])
}

/// A channel in confirm mode with this many publishes.
fn published(count: usize, mandatory: bool) -> Story {
    let mut story =
        opened().sends(0, on_channel("confirm.select", &[])).gets(0, on_channel("confirm.select-ok", &[]));
    for _ in 0..count {
        story = story.sends(0, publish(mandatory)).sends(0, content(0));
    }
    story
}

fn convicts(story: &Story, expected: &[&str]) {
    assert_eq!(statements(&always_on(story.trace())), expected);
}

fn acquits(story: &Story) {
    assert_eq!(always_on(story.trace()), []);
}

#[test]
fn an_ordinary_conversation_is_innocent() {
    acquits(
        &consuming()
            .sends(0, publish(false))
            .sends(0, content(2))
            .sends(0, body(b"hi"))
            .gets(0, deliver("c", 1, false))
            .gets(0, content(2))
            .gets(0, body(b"h"))
            .gets(0, plain("heartbeat"))
            .gets(0, body(b"i"))
            .sends(0, confirm("basic.ack", 1, false))
            .sends(0, tagged("basic.cancel", "c"))
            .gets(0, deliver("c", 2, false))
            .gets(0, content(0))
            .gets(0, tagged("basic.cancel-ok", "c"))
            .sends(0, on_channel("channel.close", &[]))
            .gets(0, on_channel("channel.close-ok", &[]))
            .sends(0, plain("connection.close"))
            .gets(0, plain("connection.close-ok"))
            .gets(0, plain("heartbeat"))
            .ends(0, EndedBy::Peer(Side::Server)),
    );
}

#[test]
fn the_handshake_has_an_order() {
    let order = "amqp-0-9-1/AMQP-2.2.4-open-sequence";
    let header = || story(&[("alice", AMQP)]).open(0).sends(0, plain("protocol-header"));
    convicts(&header().gets(0, plain("connection.tune")), &[order]);
    convicts(&header().gets(0, plain("connection.start")).gets(0, plain("connection.start")), &[order]);
    convicts(&header().gets(0, plain("connection.start")).gets(0, plain("connection.open-ok")), &[order]);
    convicts(&connected().gets(0, plain("connection.open-ok")), &[order]);
    acquits(&header().gets(0, plain("protocol-header")));
}

#[test]
fn frames_fit_what_was_agreed() {
    let mut large = body(b"x");
    large.raw = Bytes::from(vec![0; 4097]);
    convicts(
        &consuming().gets(0, deliver("c", 1, false)).gets(0, content(1)).gets(0, large),
        &["amqp-0-9-1/AMQP-4.2.3-frame-max-sender"],
    );
}

#[test]
fn replies_answer_a_request() {
    let unique = "amqp-0-9-1/AMQP-2.2.1-sync-reply-unique";
    convicts(&opened().gets(0, on_channel("queue.declare-ok", &[])), &[unique]);
    let declare =
        |no_wait: bool| on_channel("queue.declare", &[("queue", text("q")), ("no_wait", no_wait.into())]);
    let declared = |name| on_channel("queue.declare-ok", &[("queue", text(name))]);
    acquits(&opened().sends(0, declare(false)).gets(0, declared("q")));
    convicts(
        &opened().sends(0, declare(false)).gets(0, declared("r")),
        &["amqp-0-9-1/AMQP-queue.declare-ok.queue"],
    );
    convicts(
        &opened().sends(0, declare(true)).gets(0, declared("q")),
        &["amqp-0-9-1/AMQP-queue.declare.no-wait"],
    );
    let twice = opened().sends(0, declare(false)).gets(0, declared("q")).gets(0, declared("q"));
    convicts(&twice, &[unique]);
    acquits(&opened().sends(0, on_channel("basic.get", &[])).gets(0, on_channel("basic.get-empty", &[])));
}

#[test]
fn a_closed_channel_is_silent() {
    let closed = "amqp-0-9-1/AMQP-4.5-closed-when";
    convicts(&connected().gets(0, on_channel("basic.qos-ok", &[])), &[closed]);
    let by_client = || {
        consuming()
            .sends(0, on_channel("channel.close", &[]))
            .gets(0, deliver("c", 1, false))
            .gets(0, content(0))
    };
    acquits(&by_client().gets(0, on_channel("channel.close-ok", &[])));
    convicts(
        &by_client().gets(0, on_channel("channel.close-ok", &[])).gets(0, deliver("c", 2, false)),
        &[closed],
    );
    let by_broker = || consuming().gets(0, on_channel("channel.close", &[]));
    convicts(&by_broker().gets(0, deliver("c", 1, false)), &[closed]);
    acquits(
        &by_broker()
            .sends(0, confirm("basic.ack", 1, false))
            .sends(0, on_channel("channel.close-ok", &[]))
            .sends(0, on_channel("channel.open", &[]))
            .gets(0, on_channel("channel.open-ok", &[])),
    );
    // Both close at once.
    acquits(
        &opened()
            .sends(0, on_channel("channel.close", &[]))
            .gets(0, on_channel("channel.close", &[]))
            .sends(0, on_channel("channel.close-ok", &[]))
            .gets(0, on_channel("channel.close-ok", &[])),
    );
}

#[test]
fn a_closed_connection_is_silent() {
    let handshake = "amqp-0-9-1/AMQP-2.3.7-handshake-close";
    let closed = || opened().gets(0, plain("connection.close"));
    acquits(&closed().sends(0, plain("connection.close")).gets(0, plain("connection.close-ok")));
    convicts(&closed().gets(0, on_channel("basic.qos-ok", &[])), &[handshake]);
}

#[test]
fn contents_are_whole() {
    convicts(
        &consuming().gets(0, deliver("c", 1, false)).gets(0, deliver("c", 2, false)),
        &["amqp-0-9-1/AMQP-4.2.6-no-mixing"],
    );
    convicts(&consuming().gets(0, content(0)), &["amqp-0-9-1/AMQP-4.2.6-content-order"]);
    convicts(
        &consuming().gets(0, deliver("c", 1, false)).gets(0, content(1)).gets(0, body(b"xy")),
        &["amqp-0-9-1/AMQP-4.2.6.1-body-overrun"],
    );
}

#[test]
fn delivery_tags_grow() {
    let next = |tag| {
        consuming().gets(0, deliver("c", 1, false)).gets(0, content(0)).gets(0, deliver("c", tag, false))
    };
    convicts(&next(1), &["amqp-0-9-1/AMQP-basic.deliver-tag-increases"]);
    acquits(&next(2));
}

#[test]
fn deliveries_go_to_a_live_consumer() {
    convicts(&consuming().gets(0, deliver("d", 1, false)), &["amqp-0-9-1/AMQP-3.1.6-consumer-channel-scope"]);
    convicts(
        &opened().sends(0, consume("c")).gets(0, deliver("c", 1, false)),
        &["amqp-0-9-1/AMQP-4.6-effects-after-reply"],
    );
    convicts(
        &consuming()
            .sends(0, tagged("basic.cancel", "c"))
            .gets(0, tagged("basic.cancel-ok", "c"))
            .gets(0, deliver("c", 1, false)),
        &["amqp-0-9-1/AMQP-basic.cancel-stops"],
    );
    let named = opened().sends(0, consume("")).gets(0, tagged("basic.consume-ok", "amq.ctag-1"));
    acquits(&named.gets(0, deliver("amq.ctag-1", 1, false)));
}

#[test]
fn prefetch_bounds_unacknowledged_deliveries() {
    let qos = |count: i128| on_channel("basic.qos", &[("prefetch_count", number(count))]);
    let limited = || {
        opened()
            .sends(0, qos(1))
            .gets(0, on_channel("basic.qos-ok", &[]))
            .sends(0, consume("c"))
            .gets(0, tagged("basic.consume-ok", "c"))
            .gets(0, deliver("c", 1, false))
            .gets(0, content(0))
    };
    convicts(
        &limited().gets(0, deliver("c", 2, false)),
        &["amqp-0-9-1/AMQP-basic.qos.prefetch-count-01 amqp-0-9-1/AMQP-3.1.7-prefetch-window"],
    );
    acquits(
        &limited().sends_with(0, confirm("basic.ack", 1, false), Fate::Lost).gets(0, deliver("c", 2, false)),
    );
    // What a second setting does to a running consumer differs between brokers.
    acquits(&limited().sends(0, qos(1)).gets(0, deliver("c", 2, false)));
}

#[test]
fn confirms_settle_each_publish_once() {
    acquits(
        &published(4, false)
            .gets(0, confirm("basic.ack", 2, false))
            .gets(0, confirm("basic.ack", 3, true))
            .gets(0, confirm("basic.nack", 4, false)),
    );
    let again = "rabbitmq/RMQ-confirm-all-acknowledged";
    let acked = || published(2, false).gets(0, confirm("basic.ack", 1, false));
    convicts(&acked().gets(0, confirm("basic.ack", 1, false)), &[again]);
    convicts(&acked().gets(0, confirm("basic.nack", 1, false)), &["rabbitmq/RMQ-confirm-never-both"]);
    convicts(&acked().gets(0, confirm("basic.ack", 3, true)), &["rabbitmq/RMQ-confirm-sequence-from-one"]);
    let unasked = opened().sends(0, publish(false)).sends(0, content(0));
    convicts(&unasked.gets(0, confirm("basic.ack", 1, false)), &["rabbitmq/RMQ-capabilities-absent"]);
}

#[test]
fn a_return_precedes_its_confirm() {
    let returned = || on_channel("basic.return", &[("exchange", text("")), ("routing_key", text("q"))]);
    acquits(
        &published(1, true).gets(0, returned()).gets(0, content(0)).gets(0, confirm("basic.ack", 1, false)),
    );
    convicts(
        &published(1, true).gets(0, confirm("basic.ack", 1, false)).gets(0, returned()),
        &["rabbitmq/RMQ-confirm-return-before-ack"],
    );
    convicts(
        &published(1, false).gets(0, returned()),
        &["amqp-0-9-1/AMQP-basic.publish.mandatory-clear-dropped"],
    );
}

#[test]
fn extension_methods_need_a_capability() {
    acquits(&consuming().gets(0, tagged("basic.cancel", "c")));
    convicts(&consuming().gets(0, plain("connection.blocked")), &["rabbitmq/RMQ-capabilities-absent"]);
}

#[test]
fn flow_stops_deliveries() {
    let flow = |name, active: bool| on_channel(name, &[("active", active.into())]);
    let paused = || consuming().sends(0, flow("channel.flow", false)).gets(0, flow("channel.flow-ok", false));
    convicts(
        &paused().gets(0, deliver("c", 1, false)),
        &["amqp-0-9-1/AMQP-channel.flow.active-stops-delivery"],
    );
    acquits(&paused().sends(0, flow("channel.flow", true)).gets(0, deliver("c", 1, false)));
}

#[test]
fn a_first_delivery_is_not_redelivered() {
    let delivered =
        |story: Story| story.gets(0, deliver("c", 1, true)).gets(0, content(1)).gets(0, body(b"m"));
    let published = || consuming().sends(0, publish(false)).sends(0, content(1)).sends(0, body(b"m"));
    convicts(&delivered(published()), &["amqp-0-9-1/AMQP-basic.deliver-fields"]);
    convicts(&delivered(published()).hangs_up(0), &["amqp-0-9-1/AMQP-basic.deliver-fields"]);
    // Not published in this trace: it may be old.
    acquits(&delivered(consuming()));
    acquits(&delivered(published().broker("killed")));
    // The broker lost another connection, and the news came late.
    acquits(&delivered(published()).ends(0, EndedBy::Peer(Side::Server)));
    // Somebody is cut off from the broker, which gave up waiting and took its messages back.
    acquits(&delivered(published().fault(0, "partitioned")));
}

#[test]
fn after_a_fault_of_the_tester_the_broker_may_do_as_it_likes() {
    let out_of_turn = connected().sends(0, on_channel("basic.qos", &[]));
    acquits(&out_of_turn.gets(0, on_channel("basic.qos-ok", &[])).gets(0, deliver("c", 9, true)));
    let cut_short = consuming().sends(0, publish(false)).sends(0, on_channel("basic.qos", &[]));
    acquits(&cut_short.gets(0, deliver("z", 1, false)));
}
