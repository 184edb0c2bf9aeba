//! Waits for packets and compares them with what a step expects.

use std::rc::Rc;
use std::time::Duration;

use mqspec_conformance::plan::{ActorId, Bindings, Expect, Field, Matcher, Mismatch, Pattern, Step, Take};
use mqspec_conformance::trace::EndedBy;
use mqspec_conformance::trace::lanes::show_packet;
use mqspec_conformance::verdict::{Cause, Finding, Gravity, Stop};
use mqspec_wire::{Draft, Packet, Side, Spec, Value};

use super::Script;
use crate::actor::Actor;
use crate::actor::inbox::Item;

/// What a plan may have done that leaves the broker nothing to answer on, and nothing to answer for.
const NOT_OPEN: &str = "there is no open connection";
const ENDED_BY_US: &str = "the connection had been ended from our side";

/// What a look into the inbox says.
enum Look {
    /// An alternative holds; this is what it takes along.
    Holds(Held),
    /// Something arrived that no alternative allows.
    Refuted(String),
    /// There is no connection on which anything could come, and that is the plan's doing.
    Cut(&'static str),
    /// The broker says goodbye; its end is still to come.
    Farewell(Packet),
    /// Nothing that counts has arrived yet.
    Wait,
}

/// What a pattern that holds leaves behind.
#[derive(Default)]
struct Held {
    bind: Vec<(String, Value)>,
    advice: Vec<Mismatch>,
}

impl Script {
    pub(super) async fn expect(&self, step: &Step, expect: &Expect) -> Result<(), Stop> {
        let actor = self.actor(step, expect.actor)?;
        let clock = &self.environment.clock;
        let patience = expect.within.unwrap_or(self.environment.patience);
        let deadline = clock.now() + patience;
        let mut farewell = None;
        let mut passed_over = Vec::new();
        loop {
            let news = actor.news.notified();
            match self.look(actor, expect, farewell.as_ref(), &mut passed_over) {
                Look::Holds(held) => {
                    self.keep(step, held);
                    return Ok(());
                }
                Look::Refuted(actual) => return Err(self.refuted(step, expect, actual)),
                Look::Cut(why) => {
                    let stop = self.refuted(step, expect, why.to_owned());
                    return Err(Stop { cause: Cause::Environment, ..stop });
                }
                Look::Farewell(packet) => {
                    answer_close(actor, &packet);
                    farewell = Some(packet);
                    continue;
                }
                Look::Wait => {}
            }
            tokio::select! {
                biased;
                () = news => {}
                () = clock.sleep_until(deadline) => {
                    let actual = nothing_in_time(actor, farewell.as_ref(), &passed_over, patience);
                    return Err(self.refuted(step, expect, actual));
                }
            }
        }
    }

    pub(super) async fn expect_all(
        &self,
        step: &Step,
        actor: ActorId,
        patterns: &[Pattern],
        within: Option<Duration>,
    ) -> Result<(), Stop> {
        let actor = self.actor(step, actor)?;
        let clock = &self.environment.clock;
        let patience = within.unwrap_or(self.environment.patience);
        let deadline = clock.now() + patience;
        let mut open: Vec<&Pattern> = patterns.iter().collect();
        while !open.is_empty() {
            let news = actor.news.notified();
            let channel = open.first().and_then(|pattern| channel_of(pattern, actor.spec));
            let expected = |open: &[&Pattern]| {
                let bindings = self.bindings.borrow();
                let all: Vec<String> = open.iter().map(|pattern| pattern.describe(&bindings)).collect();
                format!("in any order: {}", all.join("; "))
            };
            let next = next_item(actor, channel);
            match next.and_then(|index| actor.inbox.borrow_mut().remove(index)) {
                Some(Item::Packet { packet, .. }) => {
                    let bindings = self.bindings.borrow().clone();
                    let matching =
                        open.iter().position(|pattern| compare(pattern, &packet, &bindings).is_ok());
                    let Some(index) = matching else {
                        return Err(self.stop(step, expected(&open), show_packet(&packet)));
                    };
                    let held = compare(open.remove(index), &packet, &bindings).unwrap_or_default();
                    self.keep(step, held);
                }
                Some(Item::Ended { by, .. }) => {
                    return Err(if is_broker(by) {
                        self.stop(step, expected(&open), ended_text(None))
                    } else {
                        self.ours(step, &expected(&open), String::from(ENDED_BY_US))
                    });
                }
                None => tokio::select! {
                    biased;
                    () = news => {}
                    () = clock.sleep_until(deadline) => {
                        let actual = nothing_in_time(actor, None, &[], patience);
                        return Err(self.stop(step, expected(&open), actual));
                    }
                },
            }
        }
        Ok(())
    }

    pub(super) async fn expect_nothing(
        &self,
        step: &Step,
        actor: ActorId,
        channel: Option<u16>,
        quiet: Duration,
    ) -> Result<(), Stop> {
        let actor = self.actor(step, actor)?;
        let clock = &self.environment.clock;
        let deadline = clock.now() + quiet;
        let expected = format!("nothing for {} s, on an open connection", quiet.as_secs_f64());
        loop {
            let news = actor.news.notified();
            if let Some(index) = next_item(actor, channel) {
                return Err(match actor.inbox.borrow_mut().remove(index) {
                    Some(Item::Packet { packet, .. }) => self.stop(step, expected, show_packet(&packet)),
                    Some(Item::Ended { by, .. }) if !is_broker(by) => {
                        self.ours(step, &expected, String::from(ENDED_BY_US))
                    }
                    Some(Item::Ended { .. }) | None => self.stop(step, expected, ended_text(None)),
                });
            }
            if !actor.is_open() {
                return Err(self.ours(step, &expected, String::from(NOT_OPEN)));
            }
            tokio::select! {
                biased;
                () = news => {}
                () = clock.sleep_until(deadline) => return Ok(()),
            }
        }
    }

    /// Looks for the item that the expectation is about, and takes it out if it decides.
    fn look(
        &self,
        actor: &Rc<Actor>,
        expect: &Expect,
        farewell: Option<&Packet>,
        passed_over: &mut Vec<String>,
    ) -> Look {
        let bindings = self.bindings.borrow();
        let closed = expect.alternatives.iter().find(|pattern| matches!(pattern, Pattern::Closed { .. }));
        let only_closed = expect.alternatives.iter().all(|pattern| matches!(pattern, Pattern::Closed { .. }));
        loop {
            let channel = expect.alternatives.first().and_then(|pattern| channel_of(pattern, actor.spec));
            let index = match expect.take {
                Take::Next => next_item(actor, if only_closed { None } else { channel }),
                Take::Matching => matching_item(actor, &expect.alternatives, channel, &bindings),
            };
            let Some(item) = index.and_then(|index| actor.inbox.borrow_mut().remove(index)) else {
                if !actor.is_open() && farewell.is_none() && actor.inbox.borrow().items().next().is_none() {
                    // The broker's end of a connection is an item of the inbox, so a step has dealt with it.
                    return Look::Cut(NOT_OPEN);
                }
                return Look::Wait;
            };
            let packet = match item {
                Item::Ended { by, .. } => {
                    return match closed {
                        Some(pattern) => judge_end(pattern, farewell, &bindings),
                        None if is_broker(by) => Look::Refuted(ended_text(farewell)),
                        None => Look::Cut(ENDED_BY_US),
                    };
                }
                Item::Packet { packet, .. } => packet,
            };
            if closed.is_some() && is_farewell(&packet) && !names(&expect.alternatives, packet.name) {
                return Look::Farewell(packet);
            }
            if only_closed {
                // What was under way before the broker noticed may still arrive.
                passed_over.push(show_packet(&packet));
                continue;
            }
            let mut mismatches = Vec::new();
            for pattern in &expect.alternatives {
                match compare(pattern, &packet, &bindings) {
                    Ok(held) => return Look::Holds(held),
                    Err(Some(mismatch)) => mismatches.push(mismatch.actual),
                    Err(None) => {}
                }
            }
            let but = mismatches.first().map_or(String::new(), |mismatch| format!("{mismatch}, in: "));
            return Look::Refuted(format!("{but}{}", show_packet(&packet)));
        }
    }

    fn keep(&self, step: &Step, held: Held) {
        for (name, value) in held.bind {
            self.bind(&name, value);
        }
        let event = self.recorder.latest();
        self.findings.borrow_mut().extend(held.advice.into_iter().map(|mismatch| Finding {
            statements: step.proves.clone().unwrap_or_default(),
            gravity: Gravity::Should,
            origin: Some(step.origin.clone()),
            check: "step",
            expected: mismatch.expected,
            actual: mismatch.actual,
            event,
        }));
    }

    fn refuted(&self, step: &Step, expect: &Expect, actual: String) -> Stop {
        let bindings = self.bindings.borrow();
        let allowed: Vec<String> =
            expect.alternatives.iter().map(|pattern| pattern.describe(&bindings)).collect();
        self.stop(step, allowed.join(", or "), actual)
    }
}

/// The channel that an AMQP pattern is about; `None` for MQTT and for the connection as a whole.
fn channel_of(pattern: &Pattern, spec: Spec) -> Option<u16> {
    match pattern {
        Pattern::Packet { channel, .. } if !spec.is_mqtt() => *channel,
        Pattern::Packet { .. } | Pattern::Closed { .. } => None,
    }
}

/// The oldest item that concerns a channel: its own packets, and whatever ends the connection. Heartbeats
/// and `connection.blocked` come when they like and concern nobody who does not ask for them.
fn next_item(actor: &Actor, channel: Option<u16>) -> Option<usize> {
    actor.inbox.borrow().items().position(|item| match item {
        Item::Ended { .. } => true,
        Item::Packet { packet, .. } => match (channel, packet.integer("channel")) {
            (Some(wanted), Some(actual)) => i128::from(wanted) == actual || ends_connection(packet),
            (Some(_), None) => true,
            (None, _) => !comes_unasked(packet),
        },
    })
}

/// The oldest item that one of the patterns is about: the right packet with the right identifier, or what
/// makes it impossible that this still comes.
fn matching_item(
    actor: &Actor,
    patterns: &[Pattern],
    channel: Option<u16>,
    bindings: &Bindings,
) -> Option<usize> {
    actor.inbox.borrow().items().position(|item| match item {
        Item::Ended { .. } => true,
        Item::Packet { packet, .. } => {
            let on_channel = channel.is_none_or(|channel| {
                packet.integer("channel").is_none_or(|actual| actual == i128::from(channel))
            });
            ends_connection(packet)
                || (on_channel && packet.name == "channel.close")
                || (on_channel && patterns.iter().any(|pattern| is_about(pattern, packet, bindings)))
        }
    })
}

/// Whether a pattern waits for this packet, whatever its other fields say.
fn is_about(pattern: &Pattern, packet: &Packet, bindings: &Bindings) -> bool {
    let Pattern::Packet { name, fields, .. } = pattern else { return is_farewell(packet) };
    let identified = |field: &Field| {
        field.name != "packet_id"
            || !matches!(field.matcher, Matcher::Equals(_))
            || field.compare(packet, bindings).is_ok()
    };
    name == packet.name && fields.iter().all(identified)
}

/// `Err(None)`: another packet altogether.
fn compare(pattern: &Pattern, packet: &Packet, bindings: &Bindings) -> Result<Held, Option<Mismatch>> {
    let Pattern::Packet { name, fields, should, bind, .. } = pattern else { return Err(None) };
    if name != packet.name {
        return Err(None);
    }
    for field in fields {
        field.compare(packet, bindings).map_err(Some)?;
    }
    let mut held = Held {
        advice: should.iter().filter_map(|field| field.compare(packet, bindings).err()).collect(),
        ..Held::default()
    };
    for (field, name) in bind {
        let Some(value) = packet.get(field) else {
            return Err(Some(Mismatch {
                expected: format!("{field} present"),
                actual: format!("no {field}"),
            }));
        };
        held.bind.push((name.clone(), value.untagged().clone()));
    }
    Ok(held)
}

fn judge_end(pattern: &Pattern, farewell: Option<&Packet>, bindings: &Bindings) -> Look {
    let Pattern::Closed { farewell: demanded, should, silent } = pattern else { return Look::Wait };
    let Some(farewell) = farewell else {
        let advice = should
            .iter()
            .map(|field| Mismatch {
                expected: format!("a farewell with {}", field.name),
                actual: String::from("the connection was closed without one"),
            })
            .collect();
        return Look::Holds(Held { advice, ..Held::default() });
    };
    if *silent {
        return Look::Refuted(format!("a farewell: {}", show_packet(farewell)));
    }
    for field in demanded {
        if let Err(mismatch) = field.compare(farewell, bindings) {
            return Look::Refuted(format!("{}, in: {}", mismatch.actual, show_packet(farewell)));
        }
    }
    let advice = should.iter().filter_map(|field| field.compare(farewell, bindings).err()).collect();
    Look::Holds(Held { advice, ..Held::default() })
}

fn is_broker(by: EndedBy) -> bool {
    by == EndedBy::Peer(Side::Server)
}

/// Whether a packet announces that the broker is about to close the connection.
fn is_farewell(packet: &Packet) -> bool {
    match packet.name {
        "connack" => packet.integer("reason_code").is_some_and(|code| code != 0),
        "disconnect" | "connection.close" | "protocol-header" => true,
        _ => false,
    }
}

fn ends_connection(packet: &Packet) -> bool {
    matches!(packet.name, "connection.close" | "disconnect" | "unknown")
}

fn comes_unasked(packet: &Packet) -> bool {
    matches!(packet.name, "heartbeat" | "connection.blocked" | "connection.unblocked")
}

fn names(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| matches!(pattern, Pattern::Packet { name: named, .. } if named == name))
}

/// `connection.close` wants an answer before the broker closes the socket.
fn answer_close(actor: &Rc<Actor>, farewell: &Packet) {
    if farewell.name == "connection.close" {
        let answer = actor.send(&Draft::new("connection.close-ok"));
        debug_assert!(answer.is_ok(), "connection.close-ok has no fields that could be wrong");
    }
}

fn ended_text(farewell: Option<&Packet>) -> String {
    match farewell {
        None => String::from("the connection ended"),
        Some(packet) => format!("the connection ended after {}", show_packet(packet)),
    }
}

fn nothing_in_time(
    actor: &Actor,
    farewell: Option<&Packet>,
    passed_over: &[String],
    patience: Duration,
) -> String {
    let mut seen: Vec<String> = passed_over.to_vec();
    seen.extend(actor.inbox.borrow().items().map(|item| match item {
        Item::Packet { packet, .. } => show_packet(packet),
        Item::Ended { .. } => String::from("the end of the connection"),
    }));
    let seconds = patience.as_secs_f64();
    match (farewell, seen.as_slice()) {
        (Some(packet), _) => {
            format!("{}, but the connection was still open after {seconds} s", show_packet(packet))
        }
        (None, []) => format!("nothing within {seconds} s"),
        (None, seen) => format!("nothing of the kind within {seconds} s, only: {}", seen.join("; ")),
    }
}
