//! The MQTT guarantees about time: wills that are taken back, connections that fall silent, messages that expire.

use mqspec_conformance::check::run;
use mqspec_conformance::trace::{Fate, UNTOLD};
use mqspec_wire::{Packet, Spec, Value};

use crate::mqtt_conversation::{ack, codes, connack, connect, subscribe};
use crate::mqtt_guarantees::{audience, message, with};
use crate::story::{Story, number, packet, statements, text};

const NEW: Spec = Spec::Mqtt50;

fn judge(story: &Story, guarantee: &str) -> Vec<String> {
    statements(&run(guarantee, &[], story.trace()).expect("a guarantee"))
}

fn judge_drained(story: &Story, guarantee: &str) -> Vec<String> {
    let drained = [(String::from("drained"), true.into())];
    statements(&run(guarantee, &drained, story.trace()).expect("a guarantee with this parameter"))
}

/// Bob's CONNECT with the will `gone` on topic `t`.
fn willing(delay: i128, keep_alive: i128) -> Packet {
    let will = with(with(connect("bob", false), "will_topic", text("t")), "will_payload", text("gone"));
    let will = with(with(will, "will_qos", number(1)), "session_expiry_interval", number(3600));
    let will = if delay > 0 { with(will, "will_delay_interval", number(delay)) } else { will };
    with(will, "keep_alive", number(keep_alive))
}

fn gone() -> Packet {
    message("t", "gone", 1, 1)
}

#[test]
fn a_will_that_waits_is_not_published_when_its_session_goes_on_in_time() {
    let cut = |seconds| {
        let willing = audience(NEW, 1).hangs_up(1).open(1).sends(1, willing(10, 0)).gets(1, connack(false));
        willing.hangs_up(1).later(seconds).open(1).sends(1, connect("bob", false))
    };
    let back = cut(5).gets(1, connack(true));
    assert_eq!(judge(&back, "will"), [""; 0]);
    let published = cut(5).gets(1, connack(true)).gets(0, gone());
    assert_eq!(judge(&published, "will"), ["mqtt-5.0/MQTT-3.1.3-9"]);
    let too_late = cut(11).gets(1, connack(true)).gets(0, gone());
    assert_eq!(judge(&too_late, "will"), [""; 0]);
    let another_session = cut(5).gets(1, connack(false)).gets(0, gone());
    assert_eq!(judge(&another_session, "will"), [""; 0]);
}

#[test]
fn what_never_left_takes_no_will_back() {
    let farewell = |fate| {
        let bob = audience(NEW, 1).hangs_up(1).open(1).sends(1, willing(0, 0)).gets(1, connack(false));
        bob.sends_with(1, packet("disconnect", &[]), fate).hangs_up(1).gets(0, gone())
    };
    let broken = ["mqtt-5.0/MQTT-3.14.4-3 mqtt-5.0/MQTT-3.1.2-10"];
    assert_eq!(judge(&farewell(Fate::Passed), "will"), broken);
    assert_eq!(judge(&farewell(Fate::Swallowed), "will"), [""; 0]);
    assert_eq!(judge(&farewell(Fate::Late), "will"), [""; 0]);
}

#[test]
fn a_client_that_falls_silent_is_given_up_in_time() {
    let silent = || audience(NEW, 1).hangs_up(1).open(1).sends(1, willing(0, 4)).gets(1, connack(false));
    assert_eq!(judge(&silent().later(6).gets(0, gone()), "will"), [""; 0]);
    let broken = ["mqtt-5.0/MQTT-3.1.2-22"];
    assert_eq!(judge(&silent().later(8).gets(0, gone()), "will"), broken);
    // It spoke meanwhile.
    let spoke = silent().later(5).sends(1, packet("pingreq", &[])).later(5).gets(0, gone());
    assert_eq!(judge(&spoke, "will"), [""; 0]);
    let unheard = silent().later(5).sends_with(1, packet("pingreq", &[]), Fate::Swallowed);
    assert_eq!(judge(&unheard.later(5).gets(0, gone()), "will"), broken);
    // What Alice gets late may be a fault of her own connection, or of a broker that was down.
    assert_eq!(judge(&silent().later(8).fault(0, "stalls").gets(0, gone()), "will"), [""; 0]);
    assert_eq!(judge(&silent().broker("killed").later(8).gets(0, gone()), "will"), [""; 0]);
}

#[test]
fn a_connection_that_has_ended_is_given_up_in_time() {
    let ended = || {
        let bob = audience(NEW, 1).hangs_up(1).open(1).sends(1, willing(0, 0)).gets(1, connack(false));
        bob.hangs_up(1)
    };
    assert_eq!(judge(&ended().later(4).gets(0, gone()), "will"), [""; 0]);
    assert_eq!(judge(&ended().later(6).gets(0, gone()), "will"), ["mqtt-5.0/MQTT-3.1.2-8"]);
    let vanished = audience(NEW, 1).hangs_up(1).open(1).sends(1, willing(0, 0)).gets(1, connack(false));
    let vanished = vanished.fault(1, &format!("struck: Bob has gone; {UNTOLD}")).hangs_up(1);
    assert_eq!(judge(&vanished.later(6).gets(0, gone()), "will"), [""; 0]);
}

#[test]
fn an_older_connection_is_closed() {
    let twice = || audience(NEW, 1).open(1).sends(1, connect("bob", false)).gets(1, connack(true)).later(2);
    assert_eq!(judge_drained(&twice(), "session"), ["mqtt-5.0/MQTT-3.1.4-3"]);
    assert_eq!(judge(&twice(), "session"), [""; 0]);
    let closed = audience(NEW, 1).hangs_up(1).open(1).sends(1, connect("bob", false)).gets(1, connack(true));
    assert_eq!(judge_drained(&closed, "session"), [""; 0]);
    // Whoever vanishes on a newer connection hears no end of the older one, whether or not a CONNECT left.
    let vanished = |left: Fate| {
        let again = audience(NEW, 1).open(1).sends_with(1, connect("bob", false), left);
        let gone = again.fault(1, &format!("struck: Bob has gone; {UNTOLD}")).hangs_up(1);
        gone.open(1).sends(1, connect("bob", false)).gets(1, connack(true)).later(2)
    };
    for left in [Fate::Passed, Fate::Swallowed] {
        assert_eq!(judge_drained(&vanished(left), "session"), [""; 0], "{left:?}");
    }
}

#[test]
fn what_came_while_a_client_was_away_is_no_repeat() {
    let forever = |client: &str| with(connect(client, false), "session_expiry_interval", number(3600));
    let away = |seconds| {
        let alice = audience(NEW, 1).hangs_up(0).open(0).sends(0, forever("alice")).gets(0, connack(false));
        let missed =
            alice.hangs_up(0).later(seconds).sends(1, message("t", "m", 1, 5)).gets(1, ack("puback", 5));
        missed.open(0).sends(0, forever("alice")).gets(0, connack(true))
    };
    let marked = || with(message("t", "m", 1, 1), "dup", true.into());
    assert_eq!(judge(&away(9).gets(0, marked()), "session"), ["mqtt-5.0/MQTT-4.3.2-2"]);
    assert_eq!(judge(&away(9).gets(0, message("t", "m", 1, 1)), "session"), [""; 0]);
    // It may have been sent to a connection that the broker did not know to be dead.
    assert_eq!(judge(&away(2).gets(0, marked()), "session"), [""; 0]);
}

#[test]
fn nothing_comes_for_a_subscription_that_has_ended() {
    let unsubscribe =
        || packet("unsubscribe", &[("packet_id", number(2)), ("filters", Value::List(vec![text("t")]))]);
    let ended = audience(NEW, 1).sends(0, unsubscribe()).gets(0, codes("unsuback", 2, &[0]));
    let late = ended.sends(1, message("t", "m", 1, 5)).gets(0, message("t", "m", 1, 1));
    assert_eq!(judge(&late, "delivery"), ["mqtt-5.0/MQTT-3.10.4-2"]);
    let before = audience(NEW, 1).sends(1, message("t", "m", 1, 5)).gets(0, message("t", "m", 1, 1));
    assert_eq!(judge(&before, "delivery"), [""; 0]);
    // A shared subscription with the same filter inside goes on.
    let shared =
        audience(NEW, 1).sends(0, subscribe(3, &[("$share/g/t", 1)])).gets(0, codes("suback", 3, &[1]));
    let ended = shared.sends(0, unsubscribe()).gets(0, codes("unsuback", 2, &[0]));
    let shares = ended.sends(1, message("t", "m", 1, 5)).gets(0, message("t", "m", 1, 1));
    assert_eq!(judge(&shares, "delivery"), [""; 0]);
}

#[test]
fn a_message_expires_while_its_client_is_away() {
    let expiring =
        |payload: &str, id, left| with(message("t", payload, 1, id), "message_expiry_interval", number(left));
    let missed = |seconds| {
        let away = audience(NEW, 1).hangs_up(0).sends(1, expiring("m", 5, 10)).gets(1, ack("puback", 5));
        away.later(seconds).open(0).sends(0, connect("alice", false)).gets(0, connack(true))
    };
    assert_eq!(judge(&missed(5).gets(0, expiring("m", 1, 5)), "expiry"), [""; 0]);
    assert_eq!(judge(&missed(5).gets(0, expiring("m", 1, 10)), "expiry"), ["mqtt-5.0/MQTT-3.3.2-6"]);
    assert_eq!(judge(&missed(13).gets(0, expiring("m", 1, 1)), "expiry"), ["mqtt-5.0/MQTT-3.3.2-5"]);
    // A delivery that had begun goes on.
    let begun = with(expiring("m", 1, 1), "dup", true.into());
    assert_eq!(judge(&missed(13).gets(0, begun), "expiry"), [""; 0]);
    // Never answered: when the broker had it nobody knows.
    let unanswered = audience(NEW, 1).hangs_up(0).sends(1, expiring("m", 5, 10)).later(13);
    let came = unanswered.open(0).sends(0, connect("alice", false)).gets(0, connack(true));
    assert_eq!(judge(&came.gets(0, expiring("m", 1, 1)), "expiry"), [""; 0]);
}
