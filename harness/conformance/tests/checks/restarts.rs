//! Guarantees over restarts: a broker that promises to be durable is held to it, another one is not.

use mqspec_conformance::check::run;
use mqspec_conformance::trace::EndedBy;
use mqspec_wire::{Packet, Side, Spec};

use crate::amqp_guarantees::{Amqp, frame, people};
use crate::mqtt_conversation::{ack, codes, connack, connect, subscribe};
use crate::mqtt_guarantees::{audience, message, with};
use crate::story::{Story, number, statements, story, text};

const BROKER: EndedBy = EndedBy::Peer(Side::Server);

/// The broken statements with and without the promise.
fn judge(story: &Story, guarantee: &str) -> (Vec<String>, Vec<String>) {
    let judge = |durable: bool| {
        let mut parameters = vec![(String::from("drained"), true.into())];
        parameters.extend(durable.then(|| (String::from("durable"), true.into())));
        statements(&run(guarantee, &parameters, story.trace()).expect("a guarantee with these parameters"))
    };
    (judge(true), judge(false))
}

fn only_if_durable(story: &Story, guarantee: &str, statements: &str) {
    assert_eq!(judge(story, guarantee), (vec![statements.to_owned()], Vec::new()), "{guarantee}");
}

fn never(story: &Story, guarantee: &str) {
    assert_eq!(judge(story, guarantee), (Vec::new(), Vec::new()), "{guarantee}");
}

/// Alice comes back to her session after a crash.
fn crash_and_return(story: Story, session_present: bool) -> Story {
    story
        .broker("killed")
        .ends(0, BROKER)
        .ends(1, BROKER)
        .broker("started")
        .open(0)
        .sends(0, connect("alice", false))
        .gets(0, connack(session_present))
}

fn accepted(qos: i128) -> Story {
    audience(Spec::Mqtt311, qos).sends(1, message("t", "m", 1, 5)).gets(1, ack("puback", 5))
}

#[test]
fn an_acknowledged_message_outlives_a_crash() {
    let lost = || crash_and_return(accepted(1), true);
    only_if_durable(&lost(), "delivery", "mqtt-3.1.1/MQTT-4.5.0-1");
    never(&lost().gets(0, message("t", "m", 1, 1)), "delivery");
    let unanswered = audience(Spec::Mqtt311, 1).sends(1, message("t", "m", 1, 5));
    never(&crash_and_return(unanswered, true), "delivery");
}

#[test]
fn qos_2_stays_exactly_once_over_a_crash() {
    let taken = || {
        audience(Spec::Mqtt311, 2)
            .sends(1, message("t", "m", 2, 5))
            .gets(0, message("t", "m", 2, 1))
            .sends(0, ack("pubrec", 1))
    };
    let again = crash_and_return(taken(), true).gets(0, message("t", "m", 2, 2));
    let (durable, other) = judge(&again, "delivery");
    assert_eq!((durable.as_slice(), other.len()), (&[String::from("mqtt-3.1.1/MQTT-4.3.3-2")][..], 0));
    never(&crash_and_return(taken(), true).gets(0, ack("pubrel", 1)), "delivery");
}

#[test]
fn a_session_outlives_a_crash() {
    let lost = crash_and_return(accepted(1), false);
    only_if_durable(&lost, "session", "mqtt-3.1.1/MQTT-3.1.2-4 mqtt-3.1.1/MQTT-3.2.2-2");
    never(&crash_and_return(accepted(1), true), "session");
}

#[test]
fn a_session_is_away_from_the_crash_on_whenever_its_client_hears_of_it() {
    let lost = |seconds: i128| {
        let connect = || with(connect("alice", false), "session_expiry_interval", number(seconds));
        let there = story(&[("alice", Spec::Mqtt50)]).open(0).sends(0, connect()).gets(0, connack(false));
        let late = there.broker("killed").later(4).broker("started").ends(0, EndedBy::Fault);
        late.open(0).sends(0, connect()).gets(0, connack(false))
    };
    never(&lost(2), "session");
    // Its answer may come after the crash, too.
    let connect = || with(connect("alice", false), "session_expiry_interval", number(2));
    let asked = story(&[("alice", Spec::Mqtt50)]).open(0).sends(0, connect()).broker("killed").later(4);
    let answered = asked.broker("started").gets(0, connack(false)).ends(0, EndedBy::Fault);
    never(&answered.open(0).sends(0, connect()).gets(0, connack(false)), "session");
    only_if_durable(&lost(30), "session", "mqtt-5.0/MQTT-3.1.2-23 mqtt-5.0/MQTT-3.2.2-3");
}

#[test]
fn a_retained_message_outlives_a_crash() {
    let retained = || {
        audience(Spec::Mqtt311, 1)
            .sends(1, with(message("r", "kept", 1, 5), "retain", true.into()))
            .gets(1, ack("puback", 5))
    };
    let asked = |story: Story| {
        crash_and_return(story, true).sends(0, subscribe(2, &[("r", 1)])).gets(0, codes("suback", 2, &[1]))
    };
    only_if_durable(&asked(retained()), "retained", "mqtt-3.1.1/MQTT-3.3.1-6");
    never(&asked(retained()).gets(0, with(message("r", "kept", 1, 3), "retain", true.into())), "retained");
}

#[test]
fn a_will_outlives_a_crash_unless_the_goodbye_may_have_been_read() {
    let will = |mut connect: Packet| {
        for (name, value) in
            [("will_topic", text("t")), ("will_payload", text("gone")), ("will_qos", number(1))]
        {
            connect = with(connect, name, value);
        }
        connect
    };
    let watched = || {
        audience(Spec::Mqtt311, 1)
            .ends(1, EndedBy::Peer(Side::Client))
            .open(1)
            .sends(1, will(connect("bob", true)))
    };
    let connected = || watched().gets(1, connack(false));
    only_if_durable(&crash_and_return(connected(), true), "will", "mqtt-3.1.1/MQTT-3.1.2-8");
    let parting = || connected().sends(1, crate::story::packet("disconnect", &[]));
    never(&crash_and_return(parting(), true), "will");
    never(&crash_and_return(parting(), true).gets(0, message("t", "gone", 1, 1)), "will");
}

/// A confirmed persistent message that Bob was delivered from the durable queue `q`.
fn delivered() -> Story {
    let durable = [("queue", text("q")), ("durable", true.into())];
    let deliver = [
        ("consumer_tag", text("q")),
        ("delivery_tag", number(1)),
        ("redelivered", false.into()),
        ("exchange", text("")),
        ("routing_key", text("q")),
    ];
    people()
        .call("queue.declare", &durable, &[("queue", text("q"))])
        .sends(0, frame("confirm.select", &[]))
        .publish("", "q", "m", &[("delivery_mode", number(2))])
        .gets(0, frame("basic.ack", &[("delivery_tag", number(1))]))
        .consume("q")
        .gets(1, frame("basic.deliver", &deliver))
        .gets(1, frame("content-header", &[("body_size", number(1)), ("delivery_mode", number(2))]))
        .gets(1, frame("content-body", &[("body", text("m"))]))
}

fn crash(story: Story) -> Story {
    let story = story.broker("killed").ends(0, BROKER).ends(1, BROKER).broker("started").open(1);
    story.sends(1, frame("channel.open", &[])).gets(1, frame("channel.open-ok", &[])).consume("q")
}

#[test]
fn an_unacknowledged_message_comes_back_after_a_crash_and_says_so() {
    let back = "amqp-0-9-1/AMQP-basic-10 amqp-0-9-1/AMQP-4.5-unacked-redelivered";
    only_if_durable(&crash(delivered()), "redelivery", back);
    never(&crash(delivered()).deliver("q", 1, true, "", "q", "m"), "redelivery");
    let unmarked = crash(delivered()).deliver("q", 1, false, "", "q", "m");
    only_if_durable(&unmarked, "redelivery", "amqp-0-9-1/AMQP-3.1.4-one-client");
}

#[test]
fn an_acknowledgement_outlives_a_crash_once_the_broker_knows_it() {
    let acked = || delivered().sends(1, frame("basic.ack", &[("delivery_tag", number(1))]));
    let known = acked().sends(1, frame("basic.qos", &[])).gets(1, frame("basic.qos-ok", &[]));
    let again = |story: Story| crash(story).deliver("q", 1, true, "", "q", "m");
    only_if_durable(&again(known), "redelivery", "amqp-0-9-1/AMQP-3.1.8-explicit-ack");
    never(&again(acked()), "redelivery");
}

#[test]
fn a_transient_queue_gets_nothing_after_a_crash() {
    let transient = || people().queue("t").consume("t");
    let after = |story: Story| {
        let story = story.broker("killed").ends(0, BROKER).ends(1, BROKER).broker("started").open(0);
        story.sends(0, frame("channel.open", &[])).gets(0, frame("channel.open-ok", &[])).publish(
            "",
            "t",
            "m",
            &[],
        )
    };
    never(&after(transient()), "routing");
}
