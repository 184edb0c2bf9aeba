//! The MQTT guarantees that scenarios ask for: first who is guilty, then who is not.

use mqspec_conformance::check::run;
use mqspec_conformance::trace::{EndedBy, Fate};
use mqspec_wire::{Packet, Spec, Value};

use crate::mqtt_conversation::{ack, codes, connack, connect, subscribe};
use crate::story::{Story, number, packet, statements, story, text};

const OLD: Spec = Spec::Mqtt311;
const NEW: Spec = Spec::Mqtt50;

pub(crate) fn message(topic: &str, payload: &str, qos: i128, packet_id: i128) -> Packet {
    packet(
        "publish",
        &[
            ("qos", number(qos)),
            ("topic", text(topic)),
            ("payload", text(payload)),
            ("packet_id", number(packet_id)),
        ],
    )
}

pub(crate) fn with(mut packet: Packet, name: &'static str, value: Value) -> Packet {
    packet.fields.extend(crate::story::packet("x", &[(name, value)]).fields);
    packet
}

/// Alice (0) subscribed to `t` at this QoS; Bob (1) connected.
pub(crate) fn audience(spec: Spec, qos: i128) -> Story {
    story(&[("alice", spec), ("bob", spec)])
        .open(0)
        .sends(0, connect("alice", false))
        .gets(0, connack(false))
        .sends(0, subscribe(1, &[("t", qos)]))
        .gets(0, codes("suback", 1, &[qos]))
        .open(1)
        .sends(1, connect("bob", true))
        .gets(1, connack(false))
}

fn judge(story: &Story, guarantee: &str, drained: bool) -> Vec<String> {
    let parameters = if drained { vec![(String::from("drained"), true.into())] } else { Vec::new() };
    statements(&run(guarantee, &parameters, story.trace()).expect("a guarantee with this parameter"))
}

#[test]
fn unknown_guarantees_and_parameters_are_errors() {
    let story = story(&[]);
    assert!(run("delivrey", &[], story.trace()).is_err_and(|text| text.contains("delivery")));
    let wrong = [(String::from("draned"), true.into())];
    assert!(run("delivery", &wrong, story.trace()).is_err_and(|text| text.contains("drained")));
    let wrong = [(String::from("drained"), number(1))];
    assert!(run("delivery", &wrong, story.trace()).is_err());
}

#[test]
fn an_accepted_message_arrives() {
    for (spec, id) in [(OLD, "mqtt-3.1.1/MQTT-4.5.0-1"), (NEW, "mqtt-5.0/MQTT-4.5.0-1")] {
        let accepted = || audience(spec, 1).sends(1, message("t", "m", 1, 5)).gets(1, ack("puback", 5));
        assert_eq!(judge(&accepted(), "delivery", true), [id]);
        assert_eq!(judge(&accepted(), "delivery", false), [""; 0]);
        let lost = accepted().gets_with(0, message("t", "m", 1, 1), Fate::Lost);
        assert_eq!(judge(&lost, "delivery", true), [id]);
        assert_eq!(judge(&accepted().gets(0, message("t", "m", 1, 1)), "delivery", true), [""; 0]);
    }
}

#[test]
fn what_is_sent_again_in_a_session_that_may_be_another_was_published_nobody_knows_when() {
    let sent = |dup: bool| {
        let first = story(&[("alice", NEW), ("bob", NEW)]).open(1).sends(1, connect("bob", false));
        let first = first.gets(1, connack(false)).sends(1, message("t", "m", 2, 5)).hangs_up(1);
        let unanswered = first.open(1).sends(1, connect("bob", true)).hangs_up(1);
        let alice = unanswered.open(0).sends(0, connect("alice", false)).gets(0, connack(false));
        let alice = alice.sends(0, subscribe(1, &[("t", 2)])).gets(0, codes("suback", 1, &[2]));
        let back = alice.open(1).sends(1, connect("bob", false)).gets(1, connack(true));
        let again = with(message("t", "m", 2, 5), "dup", dup.into());
        back.sends(1, again).gets(1, ack("pubrec", 5))
    };
    assert_eq!(judge(&sent(true), "delivery", true), [""; 0]);
    assert_eq!(judge(&sent(false), "delivery", true), ["mqtt-5.0/MQTT-4.5.0-1"]);
}

#[test]
fn what_was_never_accepted_is_indeterminate() {
    let unanswered = audience(NEW, 1).sends(1, message("t", "m", 1, 5));
    assert_eq!(judge(&unanswered, "delivery", true), [""; 0]);
    let at_most_once = audience(NEW, 1).sends(1, message("t", "m", 0, 0));
    assert_eq!(judge(&at_most_once, "delivery", true), [""; 0]);
    let elsewhere = audience(NEW, 1).sends(1, message("u", "m", 1, 5)).gets(1, ack("puback", 5));
    assert_eq!(judge(&elsewhere, "delivery", true), [""; 0]);
}

#[test]
fn a_resumed_session_gets_what_it_missed() {
    let away = || {
        audience(OLD, 1)
            .hangs_up(0)
            .sends(1, message("t", "m", 1, 5))
            .gets(1, ack("puback", 5))
            .open(0)
            .sends(0, connect("alice", false))
    };
    let missed = "mqtt-3.1.1/MQTT-4.5.0-1";
    assert_eq!(judge(&away().gets(0, connack(true)), "delivery", true), [missed]);
    let got = away().gets(0, connack(true)).gets(0, message("t", "m", 1, 1));
    assert_eq!(judge(&got, "delivery", true), [""; 0]);
    assert_eq!(judge(&away().gets(0, connack(false)), "delivery", true), [""; 0]);
}

#[test]
fn qos_2_arrives_once() {
    let sent = |spec| {
        audience(spec, 2)
            .sends(1, message("t", "m", 2, 5))
            .sends_with(1, with(message("t", "m", 2, 5), "dup", true.into()), Fate::Copy)
            .gets(1, ack("pubrec", 5))
            .gets(0, message("t", "m", 2, 1))
    };
    assert_eq!(judge(&sent(NEW), "delivery", true), [""; 0]);
    let twice = |spec| sent(spec).gets(0, message("t", "m", 2, 2));
    assert_eq!(judge(&twice(NEW), "delivery", false), ["mqtt-5.0/MQTT-4.3.3-10"]);
    assert_eq!(judge(&twice(OLD), "delivery", false), ["mqtt-3.1.1/MQTT-4.3.3-2"]);
    let resumed = sent(OLD)
        .hangs_up(0)
        .open(0)
        .sends(0, connect("alice", false))
        .gets(0, connack(true))
        .gets(0, with(message("t", "m", 2, 1), "dup", true.into()));
    assert_eq!(judge(&resumed, "delivery", true), [""; 0]);
    let again = sent(NEW).sends(1, ack("pubrel", 5)).sends(1, message("t", "m", 2, 5));
    assert_eq!(judge(&again.gets(0, message("t", "m", 2, 2)), "delivery", false), [""; 0]);
}

#[test]
fn qos_0_arrives_at_most_once() {
    let sent = || audience(NEW, 0).sends(1, message("t", "m", 0, 0)).gets(0, message("t", "m", 0, 0));
    assert_eq!(judge(&sent(), "delivery", false), [""; 0]);
    let twice = sent().gets(0, message("t", "m", 0, 0));
    assert_eq!(judge(&twice, "delivery", false), ["mqtt-5.0/MQTT-4.3.1-1"]);
    let overlapping = audience(NEW, 0)
        .sends(0, subscribe(2, &[("+", 0)]))
        .sends(1, message("t", "m", 0, 0))
        .gets(0, message("t", "m", 0, 0))
        .gets(0, message("t", "m", 0, 0));
    assert_eq!(judge(&overlapping, "delivery", false), [""; 0]);
}

#[test]
fn nothing_is_invented() {
    let sent = || audience(NEW, 0).sends(1, message("t", "m", 0, 0));
    assert_eq!(judge(&sent().gets(0, message("t", "n", 0, 0)), "delivery", false), ["mqtt-5.0/MQTT-4.5.0-1"]);
    let retained = with(message("t", "old", 0, 0), "retain", true.into());
    assert_eq!(judge(&sent().gets(0, retained), "delivery", false), [""; 0]);
}

#[test]
fn messages_keep_their_order() {
    let sent = |spec| {
        let mut story = audience(spec, 1);
        for (payload, id) in [("a", 1), ("b", 2), ("c", 3)] {
            story = story.sends(1, message("t", payload, 1, id)).gets(1, ack("puback", id));
        }
        story
    };
    let got = |spec, payloads: [&str; 3]| {
        payloads
            .iter()
            .zip(1..)
            .fold(sent(spec), |story, (payload, id)| story.gets(0, message("t", payload, 1, id)))
    };
    for spec in [OLD, NEW] {
        assert_eq!(judge(&got(spec, ["a", "b", "c"]), "order", false), [""; 0]);
        assert_eq!(judge(&got(spec, ["a", "a", "c"]), "order", false), [""; 0]);
    }
    assert_eq!(
        judge(&got(NEW, ["a", "c", "b"]), "order", false),
        ["mqtt-5.0/MQTT-4.6.0-5 mqtt-5.0/MQTT-4.6.0-6"]
    );
    assert_eq!(
        judge(&got(OLD, ["b", "a", "c"]), "order", false),
        ["mqtt-3.1.1/MQTT-4.6.0-6 mqtt-3.1.1/MQTT-4.6.0-5"]
    );
}

#[test]
fn order_is_per_topic() {
    let two = audience(NEW, 1)
        .sends(0, subscribe(2, &[("u", 1)]))
        .gets(0, codes("suback", 2, &[1]))
        .sends(1, message("t", "a", 1, 1))
        .sends(1, message("u", "b", 1, 2))
        .gets(0, message("u", "b", 1, 1))
        .gets(0, message("t", "a", 1, 2));
    assert_eq!(judge(&two, "order", false), [""; 0]);
}

#[test]
fn a_new_subscription_gets_the_last_retained_message() {
    let retained = |payload: &str, id| with(message("r", payload, 1, id), "retain", true.into());
    let replayed = |payload: &str| with(message("r", payload, 1, 7), "retain", true.into());
    let subscribed_at = |qos, spec, second: &str| {
        audience(spec, 1)
            .sends(1, retained("old", 1))
            .gets(1, ack("puback", 1))
            .sends(1, retained(second, 2))
            .gets(1, ack("puback", 2))
            .sends(0, subscribe(2, &[("r", qos)]))
            .gets(0, codes("suback", 2, &[qos]))
    };
    let subscribed = |spec, second: &str| subscribed_at(1, spec, second);
    assert_eq!(judge(&subscribed(NEW, "new").gets(0, replayed("new")), "retained", true), [""; 0]);
    assert_eq!(judge(&subscribed(NEW, "new"), "retained", true), ["mqtt-5.0/MQTT-3.3.1-9"]);
    assert_eq!(judge(&subscribed(OLD, "new"), "retained", true), ["mqtt-3.1.1/MQTT-3.3.1-6"]);
    let at_most_once = subscribed_at(0, NEW, "new");
    assert_eq!(judge(&at_most_once, "retained", true), [""; 0], "it may be lost with its connection");
    assert_eq!(
        judge(&subscribed(NEW, "new").gets(0, replayed("old")), "retained", true),
        ["mqtt-5.0/MQTT-3.3.1-5"]
    );
    assert_eq!(judge(&subscribed(OLD, ""), "retained", true), [""; 0]);
    assert_eq!(
        judge(&subscribed(OLD, "").gets(0, replayed("old")), "retained", true),
        ["mqtt-3.1.1/MQTT-3.3.1-10 mqtt-3.1.1/MQTT-3.3.1-11"]
    );
    // The second write was never answered: either may be stored.
    let unanswered = audience(NEW, 1)
        .sends(1, retained("old", 1))
        .gets(1, ack("puback", 1))
        .sends(1, retained("new", 2))
        .sends(0, subscribe(2, &[("r", 0)]))
        .gets(0, codes("suback", 2, &[0]))
        .gets(0, replayed("old"));
    assert_eq!(judge(&unanswered, "retained", true), [""; 0]);
}

#[test]
fn a_will_is_published_unless_the_client_disconnects() {
    let willing = |spec| {
        let will = with(with(connect("carol", true), "will_topic", text("t")), "will_payload", text("gone"));
        let mut will = with(will, "will_qos", number(1));
        will.fields.retain(|field| field.name != "client_id");
        audience(spec, 1).hangs_up(1).open(1).sends(1, will).gets(1, connack(false))
    };
    let published = || message("t", "gone", 1, 1);
    for (spec, missing, forbidden) in [
        (OLD, "mqtt-3.1.1/MQTT-3.1.2-8", "mqtt-3.1.1/MQTT-3.14.4-3 mqtt-3.1.1/MQTT-3.1.2-10"),
        (NEW, "mqtt-5.0/MQTT-3.1.2-8", "mqtt-5.0/MQTT-3.14.4-3 mqtt-5.0/MQTT-3.1.2-10"),
    ] {
        assert_eq!(judge(&willing(spec).hangs_up(1), "will", true), [missing]);
        assert_eq!(judge(&willing(spec).hangs_up(1), "will", false), [""; 0]);
        assert_eq!(judge(&willing(spec).hangs_up(1).gets(0, published()), "will", true), [""; 0]);
        let left = || willing(spec).sends(1, packet("disconnect", &[])).hangs_up(1);
        assert_eq!(judge(&left(), "will", true), [""; 0]);
        assert_eq!(judge(&left().gets(0, published()), "will", true), [forbidden]);
    }
    let lost = willing(NEW).sends_with(1, packet("disconnect", &[]), Fate::Lost).hangs_up(1);
    assert_eq!(judge(&lost, "will", true), [""; 0]);
    let overtaken =
        willing(NEW).sends(1, packet("disconnect", &[])).ends(1, EndedBy::Fault).gets(0, published());
    assert_eq!(judge(&overtaken, "will", true), [""; 0]);
    let twice =
        willing(NEW).hangs_up(1).gets(0, message("t", "gone", 2, 1)).gets(0, message("t", "gone", 2, 2));
    assert_eq!(judge(&twice, "will", true), ["mqtt-5.0/MQTT-3.1.2-10"]);
}
