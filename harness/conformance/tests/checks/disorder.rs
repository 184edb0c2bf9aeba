//! Clients that keep no order: they answer what nobody asked, ask before they may, ask twice, and read on after their end.
//! What a broker makes of that, no check may hold against it.

use mqspec_conformance::check::{always_on, run};
use mqspec_conformance::trace::UNTOLD;
use mqspec_wire::{Packet, Spec, Value};

use crate::amqp_guarantees::{Amqp, frame, judge as judge_amqp, people};
use crate::mqtt_conversation::{ack, codes, connack, connect, connected, publish, subscribe};
use crate::mqtt_guarantees::{audience, message, with};
use crate::story::{Story, number, packet, statements, story, text};

const OLD: Spec = Spec::Mqtt311;
const NEW: Spec = Spec::Mqtt50;
const INNOCENT: [&str; 0] = [];

fn judge(story: &Story, guarantee: &str) -> Vec<String> {
    let drained = [(String::from("drained"), true.into())];
    statements(&run(guarantee, &drained, story.trace()).expect("a guarantee with this parameter"))
}

fn watched(story: &Story) -> Vec<String> {
    statements(&always_on(story.trace()))
}

#[test]
fn a_pubrec_that_answers_nothing_begins_no_exchange() {
    let begun = || story(&[("alice", NEW)]).open(0).sends(0, lasting(300)).gets(0, connack(false));
    let subscribed = || begun().sends(0, subscribe(1, &[("a", 2)])).gets(0, codes("suback", 1, &[2]));
    let released = |story: Story| story.sends(0, ack("pubrec", 4)).gets(0, ack("pubrel", 4));
    let back = |story: Story| story.hangs_up(0).open(0).sends(0, lasting(300)).gets(0, connack(true));
    let answered = back(released(subscribed())).gets(0, publish("a", 2, 4, false));
    assert_eq!(watched(&answered), INNOCENT);
    let exchange = back(released(subscribed().gets(0, publish("a", 2, 4, false))));
    assert_eq!(watched(&exchange.gets(0, publish("a", 2, 4, true))), ["mqtt-5.0/MQTT-4.3.3-6"]);
}

#[test]
fn an_answer_may_cross_its_question() {
    let limited = || {
        let connect = with(lasting(300), "receive_maximum", number(1));
        let begun = story(&[("alice", NEW)]).open(0).sends(0, connect).gets(0, connack(false));
        begun.sends(0, subscribe(1, &[("a", 2)])).gets(0, codes("suback", 1, &[2]))
    };
    let two = |story: Story| story.gets(0, publish("a", 1, 1, false)).gets(0, publish("a", 1, 2, false));
    let too_many = ["mqtt-5.0/MQTT-3.3.4-9 mqtt-5.0/MQTT-4.9.0-2"];
    assert_eq!(watched(&two(limited())), too_many);
    assert_eq!(watched(&two(limited().sends(0, ack("puback", 1)))), INNOCENT);
}

#[test]
fn a_second_connect_brings_no_other_session() {
    let heard = |story: Story| story.sends(1, message("t", "m", 1, 5)).gets(1, ack("puback", 5));
    let silent = heard(audience(OLD, 1));
    assert_eq!(judge(&silent, "delivery"), ["mqtt-3.1.1/MQTT-4.5.0-1"]);
    let sent_away = heard(audience(OLD, 1).sends(0, connect("carol", false)).hangs_up(0));
    assert_eq!(judge(&sent_away, "delivery"), INNOCENT);
}

#[test]
fn who_subscribes_before_the_connack_has_subscriptions_that_nobody_follows() {
    let heard = |story: Story| {
        story
            .sends(0, message("t", "m", 0, 0))
            .gets(0, message("t", "m", 0, 0))
            .gets(0, message("t", "m", 0, 0))
    };
    let once = connected(NEW).sends(0, subscribe(1, &[("t", 0)])).gets(0, codes("suback", 1, &[0]));
    assert_eq!(judge(&heard(once), "delivery"), ["mqtt-5.0/MQTT-4.3.1-1"]);
    let hasty = story(&[("alice", NEW)])
        .open(0)
        .sends(0, connect("alice", true))
        .sends(0, subscribe(1, &[("t", 0), ("+", 0)]))
        .gets(0, connack(false))
        .gets(0, codes("suback", 1, &[0, 0]));
    assert_eq!(judge(&heard(hasty), "delivery"), INNOCENT);
}

/// A CONNECT that wants its session kept for so many seconds.
fn lasting(seconds: i128) -> Packet {
    with(connect("alice", false), "session_expiry_interval", number(seconds))
}

#[test]
fn of_two_connects_under_way_nobody_knows_which_came_first() {
    let guilty = ["mqtt-5.0/MQTT-3.1.2-23 mqtt-5.0/MQTT-3.2.2-3"];
    let two = || story(&[("alice", NEW), ("alias", NEW)]).open(0).open(1);
    let crossing = two().sends(0, lasting(0)).sends(1, lasting(300));
    let crossed = crossing.gets(1, connack(false)).gets(0, connack(false));
    assert_eq!(judge(&crossed, "session"), INNOCENT, "the first was taken over before it heard so");
    let in_turn = two().sends(1, lasting(300)).gets(1, connack(false)).sends(0, lasting(0));
    assert_eq!(judge(&in_turn.gets(0, connack(false)), "session"), guilty);
}

#[test]
fn a_session_that_is_given_up_before_it_is_granted_need_not_last() {
    let leaves = packet("disconnect", &[("session_expiry_interval", number(0))]);
    let begins = || story(&[("alice", NEW)]).open(0).sends(0, lasting(300));
    let back = |story: Story| story.hangs_up(0).open(0).sends(0, lasting(300)).gets(0, connack(false));
    let given_up = begins().sends(0, leaves).gets(0, connack(false));
    assert_eq!(judge(&back(given_up), "session"), INNOCENT);
    let guilty = ["mqtt-5.0/MQTT-3.1.2-23 mqtt-5.0/MQTT-3.2.2-3"];
    assert_eq!(judge(&back(begins().gets(0, connack(false))), "session"), guilty);
}

#[test]
fn a_connection_that_was_never_answered_may_live_on_for_the_broker() {
    let away = |untold: bool| {
        let left = story(&[("alice", NEW)]).open(0).sends(0, lasting(2)).gets(0, connack(false)).hangs_up(0);
        let asked = left.open(0).sends(0, lasting(2));
        let gone = if untold { asked.fault(0, &format!("struck: alice has gone; {UNTOLD}")) } else { asked };
        gone.hangs_up(0).later(10).open(0).sends(0, lasting(2)).gets(0, connack(true))
    };
    assert_eq!(judge(&away(false), "session"), ["mqtt-5.0/MQTT-4.1.0-2 mqtt-5.0/MQTT-3.2.2-3"]);
    assert_eq!(judge(&away(true), "session"), INNOCENT);
}

#[test]
fn a_session_that_may_have_been_replaced_is_owed_nothing() {
    let back = |story: Story| story.open(0).sends(0, connect("alice", false)).gets(0, connack(true));
    let heard = |story: Story| story.sends(1, message("t", "m", 1, 5)).gets(1, ack("puback", 5));
    let replaced = audience(NEW, 1).open(0).sends(0, connect("alice", false)).hangs_up(0);
    assert_eq!(judge(&heard(back(replaced)), "delivery"), INNOCENT);
    assert_eq!(judge(&heard(back(audience(NEW, 1))), "delivery"), ["mqtt-5.0/MQTT-4.5.0-1"]);
}

/// The declaration of a queue whose name the broker chooses.
fn nameless() -> Packet {
    frame("queue.declare", &[("queue", text(""))])
}

fn named(name: &str) -> Packet {
    frame("queue.declare-ok", &[("queue", text(name))])
}

#[test]
fn an_empty_name_stands_for_the_queue_that_was_declared_last() {
    let consumes = frame("basic.consume", &[("queue", text("")), ("consumer_tag", text("c"))]);
    let begun = frame("basic.consume-ok", &[("consumer_tag", text("c"))]);
    let queue = || frame("queue.declare", &[("queue", text("q"))]);
    // All three requests are under way before the first is answered.
    let at_once = |first: Packet, name: &str, second: Packet, other: &str| {
        people()
            .sends(1, first)
            .sends(1, second)
            .sends(1, consumes.clone())
            .gets(1, named(name))
            .gets(1, named(other))
            .gets(1, begun.clone())
            .publish("", "q", "m", &[])
            .deliver("c", 1, false, "", "q", "m")
    };
    assert_eq!(judge_amqp(&at_once(nameless(), "g", queue(), "q"), "routing"), INNOCENT);
    assert_eq!(judge_amqp(&at_once(queue(), "q", nameless(), "g"), "routing"), INNOCENT, "unknown");
    let other = frame("queue.declare", &[("queue", text("p"))]);
    let guilty = "amqp-0-9-1/AMQP-3.1.3.1-queues-auto-bound";
    assert_eq!(judge_amqp(&at_once(queue(), "q", other, "p"), "routing"), [guilty]);
}

#[test]
fn who_has_declared_no_queue_is_not_found_to_lack_it() {
    let refused = |method: i128| {
        let about = [("reply_code", number(404)), ("class_id", number(50)), ("method_id", number(method))];
        frame("channel.close", &about)
    };
    let unbind = frame("queue.unbind", &[("queue", text("")), ("exchange", text(""))]);
    assert_eq!(judge_amqp(&people().sends(0, unbind).gets(0, refused(50)), "entities"), INNOCENT);
    // An empty name in a passive queue.declare stands for no queue.
    let asks = |name: &str| frame("queue.declare", &[("queue", text(name)), ("passive", Value::from(true))]);
    let there = || people().queue("q");
    assert_eq!(judge_amqp(&there().sends(0, asks("")).gets(0, refused(10)), "entities"), INNOCENT);
    let guilty = ["amqp-0-9-1/AMQP-3.1.4-lifetimes"];
    assert_eq!(judge_amqp(&there().sends(0, asks("q")).gets(0, refused(10)), "entities"), guilty);
}

#[test]
fn of_several_requests_one_that_wanted_no_reply_may_be_refused() {
    let asks = |name: &str, flag: &'static str| {
        frame(
            "queue.declare",
            &[("queue", text(name)), ("passive", Value::from(true)), (flag, Value::from(true))],
        )
    };
    let missing = || {
        let about = [("reply_code", number(404)), ("class_id", number(50)), ("method_id", number(10))];
        frame("channel.close", &about)
    };
    let guilty = ["amqp-0-9-1/AMQP-3.1.4-lifetimes"];
    let alone = people().queue("q").sends(0, asks("q", "durable")).gets(0, missing());
    assert_eq!(judge_amqp(&alone, "entities"), guilty);
    let second = people().queue("q").sends(0, asks("p", "no_wait")).sends(0, asks("q", "durable"));
    assert_eq!(judge_amqp(&second.gets(0, missing()), "entities"), INNOCENT);
}

#[test]
fn a_queue_that_ends_with_its_connection_may_be_deleted_before() {
    let exclusive = [("queue", text("q")), ("exclusive", Value::from(true))];
    let declared = || people().call("queue.declare", &exclusive, &[("queue", text("q"))]);
    let asks = |story: Story| {
        let asked = story.sends(0, frame("basic.get", &[("queue", text("q"))]));
        let about = [("reply_code", number(404)), ("class_id", number(60)), ("method_id", number(70))];
        asked.gets(0, frame("channel.close", &about)).hangs_up(0)
    };
    assert_eq!(judge_amqp(&asks(declared()), "entities"), ["amqp-0-9-1/AMQP-3.1.4-lifetimes"]);
    let delete = frame("queue.delete", &[("queue", text("q")), ("no_wait", Value::from(true))]);
    assert_eq!(judge_amqp(&asks(declared().sends(0, delete)), "entities"), INNOCENT);
}

#[test]
fn who_reads_on_after_hanging_up_reads_no_new_conversation() {
    let header = || packet("protocol-header", &[("channel", number(0))]);
    let start = || packet("connection.start", &[("channel", number(0))]);
    let begun = || story(&[("alice", Spec::Amqp091)]).open(0).sends(0, header());
    assert_eq!(watched(&begun().hangs_up(0).gets(0, start())), INNOCENT);
    let twice = begun().gets(0, start()).gets(0, start());
    assert_eq!(watched(&twice), ["amqp-0-9-1/AMQP-2.2.4-open-sequence"]);
}
