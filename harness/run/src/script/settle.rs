//! `settle`: waiting until no client has anything outstanding.

use std::time::Duration;

use mqspec_conformance::check::owed;
use mqspec_conformance::plan::Step;
use mqspec_conformance::trace::Event;
use mqspec_conformance::verdict::{Cause, Stop};

use super::Script;
use crate::actor::client::Outstanding;

/// How often we look.
const PERIOD: Duration = Duration::from_millis(100);
/// How long nothing must move before we call it quiet: longer than a round trip and a broker's own timers.
const QUIET: Duration = Duration::from_secs(1);

impl Script {
    /// Waits until every client is done and nothing has moved for a while.
    ///
    /// What a client still waits for when the time is over is the broker's failure where a sentence says that
    /// the broker owes it and no fault stands in its way; anything else says nothing about the broker.
    pub(super) async fn settle(&self, step: &Step, within: Duration) -> Result<(), Stop> {
        let clock = &self.environment.clock;
        let deadline = clock.now() + within;
        let mut quiet_since = clock.now();
        let mut latest = self.latest_work();
        loop {
            let moved = std::mem::replace(&mut latest, self.latest_work()) != latest;
            let open = self.outstanding();
            if moved || !open.is_empty() {
                quiet_since = clock.now();
            } else if clock.now() >= quiet_since + QUIET {
                return Ok(());
            }
            if clock.now() >= deadline {
                return Err(self.unsettled(step, within, &open));
            }
            self.sleep(PERIOD).await;
        }
    }

    /// The latest event that is no mere sign of life: heartbeats go on for as long as connections do.
    fn latest_work(&self) -> Option<u64> {
        self.recorder.look(|trace| {
            let work = trace.events.iter().rev().find(|event| !is_sign_of_life(event));
            work.map(|event| event.sequence)
        })
    }

    /// What clients wait for, each with the client's place in the plan.
    fn outstanding(&self) -> Vec<(usize, Outstanding)> {
        let all = self.clients.iter().map(|(id, (client, _))| (id.0, client.outstanding()));
        all.flat_map(|(id, open)| open.into_iter().map(move |open| (id, open))).collect()
    }

    fn unsettled(&self, step: &Step, within: Duration, open: &[(usize, Outstanding)]) -> Stop {
        let expected = format!("every client to be done within {} s", within.as_secs_f64());
        if open.is_empty() {
            return self.ours(step, &expected, String::from("the traffic did not end"));
        }
        let owed = open.iter().find_map(|(id, open)| {
            let actor = self.actors.get(*id)?;
            let statements = owed::statements(actor.spec, open.answer);
            // Nothing is owed on a connection that there is not.
            let owes = !statements.is_empty() && actor.is_open() && actor.layer.is_calm();
            owes.then_some((actor, open, statements))
        });
        let Some((actor, open, statements)) = owed else {
            let all = open.iter().map(|(id, open)| format!("actor {id}: {} {}", open.answer, open.about));
            let all: Vec<_> = all.collect();
            return self.ours(step, &expected, format!("they wait for: {}", all.join("; ")));
        };
        let name = self.recorder.look(|trace| trace.actor_name(actor.id).to_owned());
        let mut stop = self.stop(step, expected, format!("{name} got no {} {}", open.answer, open.about));
        stop.cause = Cause::Broker;
        stop.proves = Some(statements.iter().map(|id| (*id).to_owned()).collect());
        stop
    }
}

fn is_sign_of_life(event: &Event) -> bool {
    event.packet().is_some_and(|packet| packet.name == "heartbeat")
}
