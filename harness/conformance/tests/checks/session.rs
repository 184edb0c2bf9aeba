//! `check: session`: first who is guilty, then who is not.

use mqspec_conformance::check::run;
use mqspec_wire::{Packet, Spec};

use crate::mqtt_conversation::{ack, connack, connect, publish};
use crate::mqtt_guarantees::with;
use crate::story::{Story, number, packet, statements, story};

const OLD: Spec = Spec::Mqtt311;
const NEW: Spec = Spec::Mqtt50;

fn judge(story: &Story, drained: bool) -> Vec<String> {
    let parameters = if drained { vec![(String::from("drained"), true.into())] } else { Vec::new() };
    statements(&run("session", &parameters, story.trace()).expect("a guarantee with this parameter"))
}

fn lasting(spec: Spec, clean_start: bool) -> Packet {
    let connect = connect("alice", clean_start);
    if spec == NEW { with(connect, "session_expiry_interval", number(300)) } else { connect }
}

/// Alice has a session that outlives its connections.
fn alice(spec: Spec) -> Story {
    story(&[("alice", spec)]).open(0).sends(0, lasting(spec, false)).gets(0, connack(false))
}

/// Her connection ends, and she is back.
fn back(story: Story, spec: Spec, session_present: bool) -> Story {
    story.hangs_up(0).open(0).sends(0, lasting(spec, false)).gets(0, connack(session_present))
}

#[test]
fn a_session_that_is_to_be_kept_is_there() {
    assert_eq!(
        judge(&back(alice(OLD), OLD, false), false),
        ["mqtt-3.1.1/MQTT-3.1.2-4 mqtt-3.1.1/MQTT-3.2.2-2"]
    );
    assert_eq!(judge(&back(alice(NEW), NEW, false), false), ["mqtt-5.0/MQTT-3.1.2-23 mqtt-5.0/MQTT-3.2.2-3"]);
    assert_eq!(judge(&back(alice(OLD), OLD, true), false), [""; 0]);
    let clean = alice(OLD).hangs_up(0).open(0).sends(0, lasting(OLD, true)).gets(0, connack(false));
    assert_eq!(judge(&clean, false), [""; 0]);
}

#[test]
fn a_second_connect_begins_no_session() {
    let nobody = || story(&[("alice", NEW)]).open(0).sends(0, lasting(NEW, false));
    let nameless = || story(&[("alice", NEW)]).open(0).sends(0, connect("", true));
    let second = |story: Story| story.sends(0, lasting(NEW, false)).gets(0, connack(false)).hangs_up(0);
    let resumed =
        |story: Story, present| story.open(0).sends(0, lasting(NEW, false)).gets(0, connack(present));
    assert_eq!(judge(&resumed(second(nameless()), false), false), [""; 0], "the CONNACK was the first one's");
    let guilty = ["mqtt-5.0/MQTT-3.1.2-23 mqtt-5.0/MQTT-3.2.2-3"];
    assert_eq!(judge(&resumed(second(nobody()), false), false), guilty, "alice's session had begun");
}

#[test]
fn a_clean_start_without_answer_leaves_the_session_in_doubt() {
    let doubtful = || alice(OLD).hangs_up(0).open(0).sends(0, lasting(OLD, true)).hangs_up(0);
    for session_present in [false, true] {
        let story = doubtful().open(0).sends(0, lasting(OLD, false)).gets(0, connack(session_present));
        assert_eq!(judge(&story, true), [""; 0], "{session_present}");
    }
}

#[test]
fn a_session_ends_when_its_time_is_over() {
    // Each event takes a millisecond, so 7 s lie between.
    let later = (0..7_000).fold(alice(NEW).hangs_up(0), |story, _| story.fault(0, "time passes"));
    let ended = later.open(0).sends(0, lasting(NEW, false)).gets(0, connack(false));
    assert_eq!(judge(&ended, false), ["mqtt-5.0/MQTT-3.1.2-23 mqtt-5.0/MQTT-3.2.2-3"], "it had 300 s");

    let short = || {
        let connect = with(connect("alice", false), "session_expiry_interval", number(1));
        story(&[("alice", NEW)]).open(0).sends(0, connect.clone()).gets(0, connack(false)).hangs_up(0)
    };
    let later = |story: Story| (0..7_000).fold(story, |story, _| story.fault(0, "time passes"));
    let back = |story: Story, present| story.open(0).sends(0, lasting(NEW, false)).gets(0, connack(present));
    assert_eq!(judge(&back(later(short()), true), false), ["mqtt-5.0/MQTT-4.1.0-2 mqtt-5.0/MQTT-3.2.2-3"]);
    assert_eq!(judge(&back(later(short()), false), false), [""; 0]);
    for present in [true, false] {
        assert_eq!(judge(&back(short(), present), false), [""; 0], "both are possible at the very end");
    }
}

#[test]
fn what_was_not_answered_is_sent_again_and_says_so() {
    for (spec, resent, marked) in [
        (OLD, "mqtt-3.1.1/MQTT-4.4.0-1", "mqtt-3.1.1/MQTT-3.3.1-1"),
        (NEW, "mqtt-5.0/MQTT-4.4.0-1", "mqtt-5.0/MQTT-3.3.1-1"),
    ] {
        let interrupted = || back(alice(spec).gets(0, publish("a", 1, 3, false)), spec, true);
        assert_eq!(judge(&interrupted(), true), [resent]);
        assert_eq!(judge(&interrupted(), false), [""; 0], "it may still come");
        assert_eq!(judge(&interrupted().gets(0, publish("a", 1, 3, true)), true), [""; 0]);
        assert_eq!(judge(&interrupted().gets(0, publish("a", 1, 3, false)), true), [marked]);
        let answered = alice(spec).gets(0, publish("a", 1, 3, false)).sends(0, ack("puback", 3));
        assert_eq!(judge(&back(answered, spec, true), true), [""; 0]);
    }
}

#[test]
fn a_release_that_was_not_answered_is_sent_again() {
    let released = || {
        let story = alice(NEW).gets(0, publish("a", 2, 3, false)).sends(0, ack("pubrec", 3));
        back(story.gets(0, ack("pubrel", 3)), NEW, true)
    };
    assert_eq!(judge(&released(), true), ["mqtt-5.0/MQTT-4.4.0-1"]);
    assert_eq!(judge(&released().gets(0, ack("pubrel", 3)), true), [""; 0]);
}

#[test]
fn a_message_is_not_sent_again_once_it_was_released() {
    for (spec, statement) in [(OLD, "mqtt-3.1.1/MQTT-4.3.3-1"), (NEW, "mqtt-5.0/MQTT-4.3.3-6")] {
        let received = || alice(spec).gets(0, publish("a", 2, 3, false)).sends(0, ack("pubrec", 3));
        let again = |story: Story| back(story, spec, true).gets(0, publish("a", 2, 3, true));
        assert_eq!(judge(&again(received().gets(0, ack("pubrel", 3))), false), [statement]);
        assert_eq!(judge(&again(received()), false), [""; 0], "the PUBREC may have been lost");
    }
}

#[test]
fn what_the_broker_knows_to_be_acknowledged_is_not_sent_again() {
    let answered = || alice(NEW).gets(0, publish("a", 1, 3, false)).sends(0, ack("puback", 3));
    let asked = |story: Story| story.sends(0, packet("pingreq", &[])).gets(0, packet("pingresp", &[]));
    let again = |story: Story| back(story, NEW, true).gets(0, publish("a", 1, 3, true));
    assert_eq!(judge(&again(asked(answered())), true), ["mqtt-5.0/MQTT-4.4.0-1"]);
    assert_eq!(judge(&again(answered()), true), [""; 0], "the PUBACK may have been lost");
    // What is published again is another copy, and may have been lost on its way first.
    let copies = |times: usize| {
        let again = || publish("a", 1, 9, false);
        let story = (0..times).fold(alice(NEW), |story, _| story.sends(0, again()).gets(0, ack("puback", 9)));
        story.gets(0, publish("a", 1, 3, false)).sends(0, ack("puback", 3))
    };
    assert_eq!(judge(&again(asked(copies(1))), true), ["mqtt-5.0/MQTT-4.4.0-1"]);
    assert_eq!(judge(&again(asked(copies(2))), true), [""; 0]);
}

#[test]
fn a_connection_that_nobody_answered_may_have_taken_over_and_ended_the_session() {
    let lost = |unanswered: bool| {
        let connect = || with(connect("alice", false), "session_expiry_interval", number(2));
        let there = story(&[("alice", NEW)]).open(0).sends(0, connect()).gets(0, connack(false)).open(0);
        let asked = if unanswered { there.sends(0, connect()) } else { there };
        asked.hangs_up(0).later(4).open(0).sends(0, connect())
    };
    assert_eq!(judge(&lost(true).gets(0, connack(false)), false), [""; 0]);
    let guilty = ["mqtt-5.0/MQTT-3.1.2-23 mqtt-5.0/MQTT-3.2.2-3"];
    assert_eq!(judge(&lost(false).gets(0, connack(false)), false), guilty);
    // Or it has not, and since when its client was away cannot be told.
    let unanswered = back(alice(NEW), NEW, true).open(0).sends(0, lasting(NEW, false));
    let there = back(unanswered, NEW, true).sends(0, publish("a", 1, 9, false));
    assert_eq!(judge(&there.gets(0, publish("a", 1, 3, true)), false), [""; 0]);
}
