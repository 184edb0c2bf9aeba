//! Waits for packets and compares them with what a step expects.

mod compare;
mod item;

use std::rc::Rc;
use std::time::Duration;

use mqspec_conformance::plan::{ActorId, Bindings, Expect, Pattern, Step, Take};
use mqspec_conformance::trace::lanes::show_packet;
use mqspec_conformance::trace::{EndedBy, Trace};
use mqspec_conformance::verdict::{Cause, Finding, Gravity, Stop};
use mqspec_wire::{Draft, Packet, Side};

use self::compare::{Held, compare, judge_end};
use self::item::{channel_of, is_farewell, matching_item, next_item};
use super::Script;
use crate::actor::Actor;
use crate::actor::inbox::Item;

/// What a plan may have done that leaves the broker nothing to answer on, and nothing to answer for.
const NOT_OPEN: &str = "there is no open connection";
const ENDED_BY_US: &str = "the connection had been ended from our side";

/// What a look into the inbox says.
enum Look<'a> {
    /// An alternative holds; this is what it takes along.
    Holds(Held<'a>),
    /// Something arrived that no alternative allows.
    Refuted(String),
    /// There is no connection on which anything could come, and that is the plan's doing.
    Cut(&'static str),
    /// The broker says goodbye; its end is still to come.
    Farewell(Packet),
    /// Nothing that counts has arrived yet.
    Wait,
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
                    let actual = self.nothing_in_time(actor, farewell.as_ref(), &passed_over, patience);
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
            let next = self.recorder.look(|trace| next_item(actor, channel, trace));
            match next.and_then(|index| actor.inbox.borrow_mut().remove(index)) {
                Some(arrived @ Item::Packet { .. }) => {
                    let matching = self.recorder.look(|trace| {
                        let bindings = self.bindings.borrow();
                        let packet = arrived.packet(trace)?;
                        let held = |pattern| compare(pattern, packet, &bindings).ok();
                        open.iter().enumerate().find_map(|(index, pattern)| Some((index, held(*pattern)?)))
                    });
                    let Some((index, held)) = matching else {
                        return Err(self.stop(step, expected(&open), self.show(&arrived)));
                    };
                    open.remove(index);
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
                        let actual = self.nothing_in_time(actor, None, &[], patience);
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
            let next = self.recorder.look(|trace| next_item(actor, channel, trace));
            if let Some(index) = next {
                return Err(match actor.inbox.borrow_mut().remove(index) {
                    Some(arrived @ Item::Packet { .. }) => self.stop(step, expected, self.show(&arrived)),
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
    fn look<'a>(
        &self,
        actor: &Actor,
        expect: &'a Expect,
        farewell: Option<&Packet>,
        passed_over: &mut Vec<String>,
    ) -> Look<'a> {
        let bindings = &*self.bindings.borrow();
        self.recorder.look(|trace| look(actor, expect, (farewell, passed_over), (trace, bindings)))
    }

    fn keep(&self, step: &Step, held: Held<'_>) {
        for (name, value) in held.bind {
            self.bind(name, value);
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

    fn show(&self, item: &Item) -> String {
        let packet = |trace: &Trace| item.packet(trace).map(show_packet);
        self.recorder.look(packet).unwrap_or_else(|| String::from("the end of the connection"))
    }

    fn nothing_in_time(
        &self,
        actor: &Actor,
        farewell: Option<&Packet>,
        passed_over: &[String],
        patience: Duration,
    ) -> String {
        let mut seen: Vec<String> = passed_over.to_vec();
        seen.extend(actor.inbox.borrow().items().map(|item| self.show(item)));
        let seconds = patience.as_secs_f64();
        match (farewell, seen.as_slice()) {
            (Some(packet), _) => {
                format!("{}, but the connection was still open after {seconds} s", show_packet(packet))
            }
            (None, []) => format!("nothing within {seconds} s"),
            (None, seen) => format!("nothing of the kind within {seconds} s, only: {}", seen.join("; ")),
        }
    }
}

/// Looks for the item that the expectation is about, and takes it out if it decides.
fn look<'a>(
    actor: &Actor,
    expect: &'a Expect,
    (farewell, passed_over): (Option<&Packet>, &mut Vec<String>),
    (trace, bindings): (&Trace, &Bindings),
) -> Look<'a> {
    let closed = expect.alternatives.iter().find(|pattern| matches!(pattern, Pattern::Closed { .. }));
    let only_closed = expect.alternatives.iter().all(|pattern| matches!(pattern, Pattern::Closed { .. }));
    loop {
        let channel = expect.alternatives.first().and_then(|pattern| channel_of(pattern, actor.spec));
        let index = match expect.take {
            Take::Next => next_item(actor, if only_closed { None } else { channel }, trace),
            Take::Matching => matching_item(actor, &expect.alternatives, channel, (trace, bindings)),
        };
        let Some(item) = index.and_then(|index| actor.inbox.borrow_mut().remove(index)) else {
            if !actor.is_open() && farewell.is_none() && actor.inbox.borrow().items().next().is_none() {
                // The broker's end of a connection is an item of the inbox, so a step has dealt with it.
                return Look::Cut(NOT_OPEN);
            }
            return Look::Wait;
        };
        if let Item::Ended { by, .. } = item {
            return match closed {
                Some(pattern) => judge_end(pattern, farewell, bindings),
                None if is_broker(by) => Look::Refuted(ended_text(farewell)),
                None => Look::Cut(ENDED_BY_US),
            };
        }
        let Some(packet) = item.packet(trace) else { continue };
        if closed.is_some() && is_farewell(packet) && !names(&expect.alternatives, packet.name) {
            return Look::Farewell(packet.clone());
        }
        if only_closed {
            // What was under way before the broker noticed may still arrive.
            passed_over.push(show_packet(packet));
            continue;
        }
        let mut mismatches = Vec::new();
        for pattern in &expect.alternatives {
            match compare(pattern, packet, bindings) {
                Ok(held) => return Look::Holds(held),
                Err(Some(mismatch)) => mismatches.push(mismatch.actual),
                Err(None) => {}
            }
        }
        let but = mismatches.first().map_or(String::new(), |mismatch| format!("{mismatch}, in: "));
        return Look::Refuted(format!("{but}{}", show_packet(packet)));
    }
}

fn is_broker(by: EndedBy) -> bool {
    by == EndedBy::Peer(Side::Server)
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
