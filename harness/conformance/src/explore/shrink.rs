//! Making a failing case small: whatever can go and leaves the failure as it is, goes.
//!
//! Greedy delta debugging over the case's own parts: first stretches of steps (half of them, a quarter, …, one),
//! then clients with all that they do, exchanges on the way to a queue, checks, faults for which there is a plainer one, settings and fields, and last
//! time itself. Where that leads no further, two things go at once, or one with another seed for the run: how long a client waits
//! before it connects again is drawn from that, and a step may be there only to make up for it.

use super::{Act, Case, fault};

/// A case that is as small as we could make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The case.
    pub case: Case,
    /// How many candidates were tried.
    pub tried: u32,
}

/// Up to so many things can be tried two by two.
const FEW: usize = 24;
/// How many other seeds a step's absence is tried with.
const OTHER_SEEDS: u64 = 8;

/// Shrinks a case for as long as `fails` says that a smaller one still fails the same way, and at most so many
/// times.
pub fn shrink(case: &Case, most: u32, fails: impl FnMut(&Case) -> bool) -> Shrunk {
    let mut search = Search { best: case.clone(), tried: 0, most, fails };
    loop {
        let before = search.best.clone();
        search.steps();
        search.clients();
        search.routes();
        search.checks();
        search.faults();
        search.details();
        search.time();
        if search.best == before {
            search.pairs();
        }
        if search.best == before {
            search.seeds();
        }
        if search.best == before || search.tried >= most {
            return Shrunk { case: search.best, tried: search.tried };
        }
    }
}

struct Search<F> {
    best: Case,
    tried: u32,
    most: u32,
    fails: F,
}

impl<F: FnMut(&Case) -> bool> Search<F> {
    /// Takes a candidate if it fails the same way.
    fn offer(&mut self, candidate: Case) -> bool {
        if self.tried >= self.most || candidate == self.best || candidate.clients.is_empty() {
            return false;
        }
        self.tried += 1;
        let taken = (self.fails)(&candidate);
        if taken {
            self.best = candidate;
        }
        taken
    }

    /// Faults first (a simpler world explains more), then everything.
    fn steps(&mut self) {
        let is_fault = |act: &Act| matches!(act, Act::Fault { .. } | Act::Disk(_) | Act::Broker(_));
        let without_faults = self.with_steps(|act| !is_fault(act));
        self.offer(without_faults);
        let mut stretch = self.best.steps.len().div_ceil(2);
        while stretch > 0 {
            let mut start = 0;
            while start < self.best.steps.len() {
                let mut candidate = self.best.clone();
                let end = (start + stretch).min(candidate.steps.len());
                candidate.steps.drain(start..end);
                if !self.offer(candidate) {
                    start += stretch;
                }
            }
            stretch /= 2;
        }
        let candidate = Case { probe: Vec::new(), ..self.best.clone() };
        self.offer(candidate);
        for act in (0..self.best.probe.len()).rev() {
            let mut candidate = self.best.clone();
            candidate.probe.remove(act);
            self.offer(candidate);
        }
    }

    fn with_steps(&self, keep: impl Fn(&Act) -> bool) -> Case {
        let mut candidate = self.best.clone();
        candidate.steps.retain(keep);
        candidate
    }

    /// A client goes with all that it does, or somebody else does it; whoever does nothing any more goes, too.
    fn clients(&mut self) {
        for client in (0..self.best.clients.len()).rev() {
            let mut candidate = self.best.clone();
            candidate.steps.retain(|act| client_of(act) != Some(client));
            candidate.probe.retain(|act| client_of(act) != Some(client));
            if self.offer(without_client(candidate, client)) {
                continue;
            }
            for other in 0..client {
                let mut candidate = self.best.clone();
                let acts = candidate.steps.iter_mut().chain(&mut candidate.probe);
                acts.for_each(|act| {
                    if let Act::Do { client: of, .. } = act
                        && *of == client
                    {
                        *of = other;
                    }
                });
                // A fault names its client, and goes with it.
                candidate.steps.retain(|act| client_of(act) != Some(client));
                if self.offer(without_client(candidate, client)) {
                    break;
                }
            }
        }
    }

    /// Messages that go to a queue by its name, without the exchanges and bindings on the way: all of them, or one.
    fn routes(&mut self) {
        for queue in declared_queues(&self.best) {
            let mut candidate = self.best.clone();
            candidate.steps.retain(|act| !builds_routes(act));
            candidate.steps.iter_mut().for_each(|act| send_to(act, &queue));
            if self.offer(candidate) {
                return;
            }
            for step in 0..self.best.steps.len() {
                let mut candidate = self.best.clone();
                candidate.steps.iter_mut().skip(step).take(1).for_each(|act| send_to(act, &queue));
                self.offer(candidate);
            }
        }
    }

    fn checks(&mut self) {
        for check in (0..self.best.checks.len()).rev() {
            let mut candidate = self.best.clone();
            candidate.checks.remove(check);
            self.offer(candidate);
        }
    }

    /// Plainer faults: where the bytes stand that one strikes depends on everything that was written before.
    fn faults(&mut self) {
        for step in 0..self.best.steps.len() {
            let Some(Act::Fault { client, text }) = self.best.steps.get(step).cloned() else { continue };
            let Some(name) = self.best.clients.get(client).map(|client| client.name) else { continue };
            let plainer = fault::plain(self.best.spec, name);
            if plainer.contains(&text) {
                continue;
            }
            for text in plainer {
                let mut candidate = self.best.clone();
                if let Some(act) = candidate.steps.get_mut(step) {
                    *act = Act::Fault { client, text };
                }
                if self.offer(candidate) {
                    break;
                }
            }
        }
    }

    /// Settings and fields that are not needed.
    fn details(&mut self) {
        for client in 0..self.best.clients.len() {
            let settings = self.best.clients.get(client).map_or(0, |client| client.settings.len());
            for setting in (0..settings).rev() {
                let mut candidate = self.best.clone();
                if let Some(client) = candidate.clients.get_mut(client) {
                    client.settings.remove(setting);
                }
                self.offer(candidate);
            }
        }
        for step in 0..self.best.steps.len() {
            let count = match self.best.steps.get(step) {
                Some(Act::Do { fields, .. }) => fields.len(),
                Some(Act::Fault { .. } | Act::Disk(_) | Act::Broker(_) | Act::Wait(_) | Act::Settle)
                | None => 0,
            };
            for field in (0..count).rev() {
                let mut candidate = self.best.clone();
                if let Some(Act::Do { fields, .. }) = candidate.steps.get_mut(step) {
                    fields.remove(field);
                }
                // Fields that a packet cannot do without make no scenario.
                if candidate.plan("explore/shrinking").is_ok() {
                    self.offer(candidate);
                }
            }
        }
    }

    /// Two things at once: what one does, the other may undo.
    fn pairs(&mut self) {
        let count = self.best.steps.len() + self.best.probe.len();
        if count > FEW {
            return;
        }
        for second in (1..count).rev() {
            for first in (0..second).rev() {
                if self.offer(without(without(self.best.clone(), second), first)) {
                    return;
                }
            }
        }
    }

    /// One thing less, under another seed.
    fn seeds(&mut self) {
        for number in (0..self.best.steps.len() + self.best.probe.len()).rev() {
            for seed in 1..=OTHER_SEEDS {
                if self.offer(Case { seed, ..without(self.best.clone(), number) }) {
                    return;
                }
            }
        }
    }

    /// Fewer and shorter waits.
    fn time(&mut self) {
        for step in (1..self.best.steps.len()).rev() {
            let mut candidate = self.best.clone();
            if let (Some(Act::Wait(before)), Some(Act::Wait(after))) =
                (self.best.steps.get(step - 1), self.best.steps.get(step))
            {
                candidate.steps.splice(step - 1..=step, [Act::Wait(before + after)]);
                self.offer(candidate);
            }
        }
        for step in 0..self.best.steps.len() {
            while let Some(Act::Wait(millis)) = self.best.steps.get(step)
                && *millis > 1
            {
                let shorter = millis / 2;
                let mut candidate = self.best.clone();
                if let Some(act) = candidate.steps.get_mut(step) {
                    *act = Act::Wait(shorter);
                }
                if !self.offer(candidate) {
                    break;
                }
            }
        }
    }
}

/// A case without a client that does nothing.
fn without_client(mut case: Case, client: usize) -> Case {
    case.clients.remove(client);
    for act in case.steps.iter_mut().chain(&mut case.probe) {
        match act {
            Act::Do { client: other, .. } | Act::Fault { client: other, .. } if *other > client => {
                *other -= 1;
            }
            Act::Do { .. }
            | Act::Fault { .. }
            | Act::Disk(_)
            | Act::Broker(_)
            | Act::Wait(_)
            | Act::Settle => {}
        }
    }
    case
}

/// The names of the queues that a case declares, as it writes them.
fn declared_queues(case: &Case) -> Vec<String> {
    let declared = case.steps.iter().filter_map(|act| match act {
        Act::Do { verb: "call queue.declare", fields, .. } => {
            fields.iter().find(|(name, _)| *name == "queue")
        }
        Act::Do { .. } | Act::Fault { .. } | Act::Disk(_) | Act::Broker(_) | Act::Wait(_) | Act::Settle => {
            None
        }
    });
    declared.map(|(_, queue)| queue.clone()).collect()
}

fn builds_routes(act: &Act) -> bool {
    matches!(act, Act::Do { verb: "call exchange.declare" | "call queue.bind" | "call queue.unbind", .. })
}

/// A message to an exchange goes to a queue instead.
fn send_to(act: &mut Act, queue: &str) {
    let Act::Do { verb: "publish", fields, .. } = act else { return };
    if fields.iter().any(|(name, _)| *name == "exchange") {
        fields.retain(|(name, _)| !matches!(*name, "exchange" | "routing_key"));
        fields.push(("routing_key", queue.to_owned()));
    }
}

/// A case without the thing of this number, those that are done in the end counted behind the steps.
fn without(mut case: Case, number: usize) -> Case {
    match number.checked_sub(case.steps.len()) {
        None => drop(case.steps.remove(number)),
        Some(number) => drop(case.probe.remove(number)),
    }
    case
}

const fn client_of(act: &Act) -> Option<usize> {
    match act {
        Act::Do { client, .. } | Act::Fault { client, .. } => Some(*client),
        Act::Disk(_) | Act::Broker(_) | Act::Wait(_) | Act::Settle => None,
    }
}
