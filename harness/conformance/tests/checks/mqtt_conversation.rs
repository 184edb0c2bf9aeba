//! `check::mqtt_conversation`: first who is guilty, then who is not.

use mqspec_conformance::check::always_on;
use mqspec_conformance::trace::{EndedBy, Fate};
use mqspec_wire::{Oddity, Packet, Side, Spec, Value};

use crate::story::{Story, map, number, packet, statements, story, text};

const OLD: Spec = Spec::Mqtt311;
const NEW: Spec = Spec::Mqtt50;

pub(crate) fn connect(client_id: &str, clean_start: bool) -> Packet {
    packet("connect", &[("client_id", text(client_id)), ("clean_start", clean_start.into())])
}

fn connect_with(client_id: &str, fields: &[(&'static str, Value)]) -> Packet {
    let mut all = vec![("client_id", text(client_id)), ("clean_start", true.into())];
    all.extend_from_slice(fields);
    packet("connect", &all)
}

pub(crate) fn connack(session_present: bool) -> Packet {
    packet("connack", &[("session_present", session_present.into()), ("reason_code", number(0))])
}

pub(crate) fn ack(name: &'static str, packet_id: i128) -> Packet {
    packet(name, &[("packet_id", number(packet_id))])
}

pub(crate) fn subscribe(packet_id: i128, filters: &[(&str, i128)]) -> Packet {
    let entries =
        filters.iter().map(|(filter, qos)| map(&[("filter", text(filter)), ("qos", number(*qos))])).collect();
    packet("subscribe", &[("packet_id", number(packet_id)), ("subscriptions", Value::List(entries))])
}

pub(crate) fn codes(name: &'static str, packet_id: i128, codes: &[i128]) -> Packet {
    let codes = codes.iter().copied().map(Value::Integer).collect();
    packet(name, &[("packet_id", number(packet_id)), ("reason_codes", Value::List(codes))])
}

pub(crate) fn publish(topic: &str, qos: i128, packet_id: i128, dup: bool) -> Packet {
    let mut fields =
        vec![("dup", dup.into()), ("qos", number(qos)), ("topic", text(topic)), ("payload", text("x"))];
    if qos > 0 {
        fields.push(("packet_id", number(packet_id)));
    }
    packet("publish", &fields)
}

/// One actor, connected with a new session.
pub(crate) fn connected(spec: Spec) -> Story {
    story(&[("alice", spec)]).open(0).sends(0, connect("alice", true)).gets(0, connack(false))
}

/// The same, subscribed to `a/#` with QoS 2.
fn subscribed(spec: Spec) -> Story {
    connected(spec).sends(0, subscribe(1, &[("a/#", 2)])).gets(0, codes("suback", 1, &[2]))
}

fn convicts(story: &Story, expected: &[&str]) {
    assert_eq!(statements(&always_on(story.trace())), expected);
}

fn acquits(story: &Story) {
    assert_eq!(always_on(story.trace()), []);
}

#[test]
fn connack_must_come_first() {
    for (spec, id) in [(OLD, "mqtt-3.1.1/MQTT-3.2.0-1"), (NEW, "mqtt-5.0/MQTT-3.2.0-1")] {
        let hasty = story(&[("alice", spec)]).open(0).sends(0, connect("alice", false));
        convicts(&hasty.gets(0, publish("a", 0, 0, false)), &[id]);
    }
}

#[test]
fn disconnect_before_connack_is_forbidden() {
    let story = story(&[("alice", NEW)]).open(0).sends(0, connect("alice", true));
    convicts(&story.gets(0, packet("disconnect", &[])), &["mqtt-5.0/MQTT-3.14.0-1"]);
}

#[test]
fn auth_may_precede_connack() {
    let auth = packet("auth", &[("authentication_method", text("SCRAM"))]);
    let method = [("authentication_method", text("SCRAM"))];
    acquits(
        &story(&[("alice", NEW)])
            .open(0)
            .sends(0, connect_with("alice", &method))
            .gets(0, auth.clone())
            .sends(0, auth.clone())
            .gets(0, connack(false)),
    );
    let unasked = story(&[("alice", NEW)]).open(0).sends(0, connect("alice", true)).gets(0, auth);
    convicts(&unasked, &["mqtt-5.0/MQTT-4.12.0-6"]);
}

#[test]
fn second_connack_is_convicted() {
    convicts(&connected(OLD).gets(0, connack(false)), &["mqtt-3.1.1/MQTT-3.2.0-1"]);
    convicts(&connected(NEW).gets(0, connack(false)), &["mqtt-5.0/MQTT-3.2.0-2"]);
    convicts(
        &connected(OLD).sends(0, connect("alice", true)).gets(0, connack(false)),
        &["mqtt-3.1.1/MQTT-3.1.0-2"],
    );
}

#[test]
fn nothing_follows_a_farewell() {
    let refused = packet("connack", &[("reason_code", number(0x87))]);
    let story = story(&[("alice", NEW)]).open(0).sends(0, connect("alice", true)).gets(0, refused);
    acquits(&story);
    convicts(&story.gets(0, packet("disconnect", &[])), &["mqtt-5.0/MQTT-3.2.2-7"]);
    let left = connected(NEW).sends(0, packet("pingreq", &[])).gets(0, packet("disconnect", &[]));
    acquits(&left);
    convicts(&left.gets(0, packet("pingresp", &[])), &["mqtt-5.0/MQTT-3.14.4-1"]);
}

#[test]
fn answers_need_a_question() {
    convicts(&connected(NEW).gets(0, ack("puback", 7)), &["mqtt-5.0/MQTT-2.2.1-5 mqtt-5.0/MQTT-4.3.2-4"]);
    convicts(
        &connected(OLD).sends(0, publish("a", 2, 3, false)).gets(0, ack("pubrec", 4)),
        &["mqtt-3.1.1/MQTT-2.3.1-6 mqtt-3.1.1/MQTT-4.3.3-2"],
    );
    convicts(
        &connected(OLD).sends(0, subscribe(5, &[("a", 0)])).gets(0, codes("suback", 6, &[0])),
        &["mqtt-3.1.1/MQTT-2.3.1-7 mqtt-3.1.1/MQTT-3.8.4-2"],
    );
    convicts(&connected(NEW).gets(0, packet("pingresp", &[])), &["mqtt-5.0/MQTT-3.12.4-1"]);
    convicts(
        &connected(NEW)
            .sends(0, publish("a", 1, 3, false))
            .gets(0, ack("puback", 3))
            .gets(0, ack("puback", 3)),
        &["mqtt-5.0/MQTT-2.2.1-5 mqtt-5.0/MQTT-4.3.2-4"],
    );
}

#[test]
fn whole_exchanges_are_innocent() {
    for spec in [OLD, NEW] {
        acquits(
            &subscribed(spec)
                .sends(0, publish("a", 2, 3, false))
                .gets(0, ack("pubrec", 3))
                .sends(0, ack("pubrel", 3))
                .gets(0, ack("pubcomp", 3))
                .gets(0, publish("a", 2, 1, false))
                .sends(0, ack("pubrec", 1))
                .gets(0, ack("pubrel", 1))
                .sends(0, ack("pubcomp", 1))
                .gets(0, publish("a/b", 1, 1, false))
                .sends(0, ack("puback", 1))
                .sends(0, packet("pingreq", &[]))
                .gets(0, packet("pingresp", &[])),
        );
    }
}

#[test]
fn suback_has_a_code_for_each_filter_and_grants_no_more_than_asked() {
    let asked = |spec| connected(spec).sends(0, subscribe(5, &[("a", 1), ("b", 0)]));
    convicts(&asked(OLD).gets(0, codes("suback", 5, &[1])), &["mqtt-3.1.1/MQTT-3.8.4-5"]);
    convicts(&asked(NEW).gets(0, codes("suback", 5, &[1])), &["mqtt-5.0/MQTT-3.8.4-6"]);
    convicts(&asked(NEW).gets(0, codes("suback", 5, &[2, 0])), &["mqtt-5.0/MQTT-3.8.4-7"]);
    acquits(&asked(NEW).gets(0, codes("suback", 5, &[0, 0x87])));
    let filters = Value::List(vec![text("a"), text("b")]);
    let unsubscribe = packet("unsubscribe", &[("packet_id", number(9)), ("filters", filters)]);
    convicts(
        &asked(NEW)
            .gets(0, codes("suback", 5, &[0, 0]))
            .sends(0, unsubscribe)
            .gets(0, codes("unsuback", 9, &[0])),
        &["mqtt-5.0/MQTT-3.11.3-1"],
    );
}

#[test]
fn two_requests_under_one_identifier_are_not_told_apart() {
    acquits(
        &connected(NEW)
            .sends(0, subscribe(5, &[("a", 0), ("b", 0)]))
            .sends(0, subscribe(5, &[("c", 0)]))
            .gets(0, codes("suback", 5, &[0]))
            .gets(0, codes("suback", 5, &[0, 0])),
    );
}

#[test]
fn deliveries_match_a_subscription_and_its_qos() {
    convicts(&subscribed(OLD).gets(0, publish("b", 0, 0, false)), &["mqtt-3.1.1/MQTT-3.3.2-3"]);
    let low = connected(NEW).sends(0, subscribe(1, &[("a/#", 2), ("+/x", 0)]));
    acquits(&low.gets(0, publish("a/x", 2, 1, false)));
    let granted = connected(NEW).sends(0, subscribe(1, &[("a/#", 2)])).gets(0, codes("suback", 1, &[1]));
    convicts(&granted.gets(0, publish("a/x", 2, 1, false)), &["mqtt-5.0/MQTT-3.8.4-8"]);
    let all = connected(NEW).sends(0, subscribe(1, &[("#", 0)]));
    convicts(&all.gets(0, publish("$SYS/uptime", 0, 0, false)), &["mqtt-5.0/MQTT-4.7.2-1"]);
    let shared = connected(NEW).sends(0, subscribe(1, &[("$share/group/a/+", 0)]));
    acquits(&shared.gets(0, publish("a/b", 0, 0, false)));
}

#[test]
fn a_session_older_than_the_trace_may_hold_any_subscription() {
    let old = story(&[("alice", NEW)]).open(0).sends(0, connect("alice", false)).gets(0, connack(true));
    acquits(
        &old.gets(0, publish("any", 2, 1, true))
            .gets(0, ack("pubrel", 9))
            .gets(0, ack("pubcomp", 8))
            .gets(0, publish("thing", 1, 2, false)),
    );
}

#[test]
fn packets_sent_before_the_connack_leave_the_session_unknown() {
    acquits(
        &story(&[("alice", NEW)])
            .open(0)
            .sends(0, connect("alice", true))
            .sends(0, subscribe(1, &[("b", 0)]))
            .gets(0, connack(false))
            .gets(0, codes("suback", 1, &[0]))
            .gets(0, publish("b", 0, 0, false)),
    );
}

#[test]
fn packet_identifiers_are_not_reused_while_unanswered() {
    let twice =
        |spec, dup| subscribed(spec).gets(0, publish("a", 1, 4, false)).gets(0, publish("a/b", 1, 4, dup));
    convicts(&twice(OLD, false), &["mqtt-3.1.1/MQTT-2.3.1-4"]);
    acquits(&twice(OLD, true));
    convicts(&twice(NEW, false), &["mqtt-5.0/MQTT-2.2.1-4"]);
    convicts(&twice(NEW, true), &["mqtt-5.0/MQTT-4.4.0-1"]);
}

#[test]
fn receive_maximum_bounds_unanswered_deliveries() {
    let limited = || {
        story(&[("alice", NEW)])
            .open(0)
            .sends(0, connect_with("alice", &[("receive_maximum", number(1))]))
            .gets(0, connack(false))
            .sends(0, subscribe(1, &[("a", 2)]))
            .gets(0, codes("suback", 1, &[2]))
            .gets(0, publish("a", 2, 1, false))
    };
    let expected = "mqtt-5.0/MQTT-3.3.4-9 mqtt-5.0/MQTT-4.9.0-2";
    convicts(&limited().gets(0, publish("a", 1, 2, false)), &[expected]);
    // PUBREC does not make room, PUBCOMP does.
    let received = || limited().sends(0, ack("pubrec", 1)).gets(0, ack("pubrel", 1));
    convicts(&received().gets(0, publish("a", 1, 2, false)), &[expected]);
    acquits(&received().sends(0, ack("pubcomp", 1)).gets(0, publish("a", 1, 2, false)));
    acquits(&limited().gets(0, publish("a", 0, 0, false)));
}

#[test]
fn a_first_delivery_has_no_dup() {
    convicts(&subscribed(OLD).gets(0, publish("a", 1, 4, true)), &["mqtt-3.1.1/MQTT-3.3.1-3"]);
    convicts(&subscribed(NEW).gets(0, publish("a", 1, 4, true)), &["mqtt-5.0/MQTT-3.3.1-3"]);
    let by_fault = subscribed(NEW).gets(0, publish("a", 1, 4, false));
    acquits(&by_fault.gets_with(0, publish("a", 1, 4, true), Fate::Copy));
}

/// A persistent 3.1.1 session that was sent a QoS 2 message, which is answered so far by `answers`.
fn interrupted(answers: &[&'static str]) -> Story {
    let mut story = story(&[("alice", OLD)])
        .open(0)
        .sends(0, connect("alice", false))
        .gets(0, connack(false))
        .sends(0, subscribe(1, &[("a", 2)]))
        .gets(0, codes("suback", 1, &[2]))
        .gets(0, publish("a", 2, 4, false));
    for name in answers {
        story = match *name {
            "pubrel" => story.gets(0, ack("pubrel", 4)),
            other => story.sends(0, ack(other, 4)),
        };
    }
    story.hangs_up(0).open(0).sends(0, connect("alice", false))
}

#[test]
fn a_resumed_delivery_has_dup() {
    let resumed = || interrupted(&[]).gets(0, connack(true));
    acquits(&resumed().gets(0, publish("a", 2, 4, true)));
    convicts(&resumed().gets(0, publish("a", 2, 4, false)), &["mqtt-3.1.1/MQTT-3.3.1-1"]);
}

#[test]
fn a_resumed_release_is_a_pubrel() {
    let resumed = || interrupted(&["pubrec", "pubrel"]).gets(0, connack(true));
    acquits(&resumed().gets(0, ack("pubrel", 4)));
    acquits(&interrupted(&["pubrec"]).gets(0, connack(true)).gets(0, ack("pubrel", 4)));
    // The PUBCOMP may have been lost with the connection; but one repeat answers for it.
    let completed = || interrupted(&["pubrec", "pubrel", "pubcomp"]).gets(0, connack(true));
    acquits(&completed().gets(0, ack("pubrel", 4)));
    acquits(&completed().gets(0, publish("a", 2, 4, false)));
    convicts(&resumed().gets(0, publish("a", 2, 4, true)), &["mqtt-3.1.1/MQTT-4.3.3-1"]);
    convicts(
        &interrupted(&[]).gets(0, connack(true)).gets(0, ack("pubrel", 4)),
        &["mqtt-3.1.1/MQTT-2.3.1-6"],
    );
}

#[test]
fn session_present_tells_the_truth() {
    convicts(
        &story(&[("alice", OLD)]).open(0).sends(0, connect("alice", true)).gets(0, connack(true)),
        &["mqtt-3.1.1/MQTT-3.2.2-1"],
    );
    convicts(
        &story(&[("alice", NEW)]).open(0).sends(0, connect("alice", true)).gets(0, connack(true)),
        &["mqtt-5.0/MQTT-3.2.2-2"],
    );
    convicts(&interrupted(&[]).gets(0, connack(false)), &["mqtt-3.1.1/MQTT-3.2.2-2"]);
    let reconnected = |spec, by| {
        connected(spec).ends(0, by).open(0).sends(0, connect("alice", false)).gets(0, connack(true))
    };
    convicts(&reconnected(OLD, EndedBy::Fault), &["mqtt-3.1.1/MQTT-3.1.2-6 mqtt-3.1.1/MQTT-3.2.2-3"]);
    convicts(&reconnected(NEW, EndedBy::Peer(Side::Server)), &["mqtt-5.0/MQTT-3.2.2-3"]);
    // The broker may not have noticed yet that the old connection is gone.
    acquits(&reconnected(NEW, EndedBy::Peer(Side::Client)));
}

#[test]
fn a_restarted_broker_may_have_forgotten() {
    let story = story(&[("alice", OLD)])
        .open(0)
        .sends(0, connect("alice", false))
        .gets(0, connack(false))
        .hangs_up(0)
        .broker("killed")
        .broker("started")
        .open(0)
        .sends(0, connect("alice", false));
    acquits(&story.gets(0, connack(false)));
}

#[test]
fn a_lost_connect_leaves_the_session_unknown() {
    let story = story(&[("alice", OLD)])
        .open(0)
        .sends(0, connect("alice", false))
        .gets(0, connack(false))
        .hangs_up(0)
        .open(0)
        .sends_with(0, connect("alice", true), Fate::Lost)
        .ends(0, EndedBy::Fault)
        .open(0)
        .sends(0, connect("alice", false));
    acquits(&story.gets(0, connack(false)));
}

#[test]
fn what_the_client_opted_out_of_stays_away() {
    let with = |fields: &[(&'static str, Value)]| {
        story(&[("alice", NEW)]).open(0).sends(0, connect_with("alice", fields))
    };
    let informed = packet("connack", &[("response_information", text("r/"))]);
    convicts(&with(&[]).gets(0, informed.clone()), &["mqtt-5.0/MQTT-3.1.2-28"]);
    acquits(&with(&[("request_response_information", number(1))]).gets(0, informed));
    let reasoned = packet("puback", &[("packet_id", number(1)), ("reason_string", text("no"))]);
    let published = |value: i128| {
        with(&[("request_problem_information", number(value))])
            .gets(0, connack(false))
            .sends(0, publish("a", 1, 1, false))
    };
    convicts(&published(0).gets(0, reasoned.clone()), &["mqtt-5.0/MQTT-3.1.2-29"]);
    acquits(&published(1).gets(0, reasoned));
}

#[test]
fn packets_fit_the_clients_maximum() {
    let small = story(&[("alice", NEW)])
        .open(0)
        .sends(0, connect_with("alice", &[("maximum_packet_size", number(20))]));
    let mut large = connack(false);
    large.raw = bytes::Bytes::from(vec![0; 21]);
    convicts(&small.gets(0, large), &["mqtt-5.0/MQTT-3.1.2-24"]);
}

#[test]
fn topic_aliases_are_known_and_within_the_maximum() {
    let alias = |topic: &str, alias: i128| {
        packet("publish", &[("qos", number(0)), ("topic", text(topic)), ("topic_alias", number(alias))])
    };
    let with = |maximum: i128| {
        story(&[("alice", NEW)])
            .open(0)
            .sends(0, connect_with("alice", &[("topic_alias_maximum", number(maximum))]))
            .gets(0, connack(false))
            .sends(0, subscribe(1, &[("a", 2)]))
    };
    acquits(&with(2).gets(0, alias("a", 2)).gets(0, alias("", 2)));
    convicts(&with(0).gets(0, alias("a", 1)), &["mqtt-5.0/MQTT-3.1.2-27"]);
    convicts(&with(2).gets(0, alias("a", 3)), &["mqtt-5.0/MQTT-3.1.2-26 mqtt-5.0/MQTT-3.3.2-11"]);
    convicts(&with(2).gets(0, alias("", 1)), &["mqtt-5.0/MQTT-3.3.2-7"]);
}

#[test]
fn subscription_identifiers_are_the_sessions_own() {
    let mut asked = subscribe(1, &[("a", 0)]);
    asked.fields.extend(packet("x", &[("subscription_identifier", number(7))]).fields);
    let delivery = |identifier: i128| {
        packet("publish", &[("topic", text("a")), ("subscription_identifier", number(identifier))])
    };
    let story = || connected(NEW).sends(0, asked.clone());
    acquits(&story().gets(0, delivery(7)));
    convicts(&story().gets(0, delivery(8)), &["mqtt-5.0/MQTT-3.3.4-3"]);
}

#[test]
fn pubrels_follow_the_order_of_pubrecs_in_3_1_1() {
    let story = |spec| {
        subscribed(spec)
            .gets(0, publish("a", 2, 1, false))
            .gets(0, publish("a", 2, 2, false))
            .sends(0, ack("pubrec", 1))
            .sends(0, ack("pubrec", 2))
    };
    convicts(&story(OLD).gets(0, ack("pubrel", 2)).gets(0, ack("pubrel", 1)), &["mqtt-3.1.1/MQTT-4.6.0-6"]);
    acquits(&story(OLD).gets(0, ack("pubrel", 1)).gets(0, ack("pubrel", 2)));
    acquits(&story(NEW).gets(0, ack("pubrel", 2)).gets(0, ack("pubrel", 1)));
}

#[test]
fn after_something_malformed_the_broker_may_do_as_it_likes() {
    let mut bad = publish("a", 1, 1, false);
    bad.oddities.push(Oddity { statement: "mqtt-5.0/MQTT-3.3.1-4", span: 0..1, message: "QoS 3".into() });
    acquits(&connected(NEW).sends(0, bad).gets(0, ack("puback", 1)).gets(0, publish("z", 1, 1, true)));
    let unknown = packet("unknown", &[]);
    acquits(&connected(NEW).sends(0, unknown).gets(0, ack("puback", 9)));
}

#[test]
fn who_asks_for_no_known_version_is_refused_in_any_form() {
    let refused = |level| {
        let mut refusal = connack(false);
        let statement = "mqtt-5.0/MQTT-3.2.2-8";
        refusal.oddities.push(Oddity { statement, span: 3..4, message: "a code of 3.1.1".into() });
        let asks = connect_with("alice", &[("protocol_level", number(level))]);
        story(&[("alice", NEW)]).open(0).sends(0, asks).gets(0, refusal)
    };
    acquits(&refused(6));
    convicts(&refused(5), &["mqtt-5.0/MQTT-3.2.2-8"]);
}
