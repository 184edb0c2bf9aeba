//! Making a failing case small: whatever can go and leaves the failure as it is, goes.
//!
//! Greedy delta debugging over the case's own parts: first stretches of steps (half of them, a quarter, …, one),
//! then clients with all that they do, checks, faults for which there is a plainer one, settings and fields, and last
//! time itself.

use super::{Act, Case, fault};

/// A case that is as small as we could make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The case.
    pub case: Case,
    /// How many candidates were tried.
    pub tried: u32,
}

/// Shrinks a case for as long as `fails` says that a smaller one still fails the same way, and at most so many
/// times.
pub fn shrink(case: &Case, most: u32, fails: impl FnMut(&Case) -> bool) -> Shrunk {
    let mut search = Search { best: case.clone(), tried: 0, most, fails };
    loop {
        let before = search.best.clone();
        search.steps();
        search.clients();
        search.checks();
        search.faults();
        search.details();
        search.time();
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

    /// A client goes with all that it does; whoever does nothing any more goes, too.
    fn clients(&mut self) {
        for client in (0..self.best.clients.len()).rev() {
            let mut candidate = self.best.clone();
            candidate.clients.remove(client);
            candidate.steps.retain(|act| client_of(act) != Some(client));
            candidate.probe.retain(|act| client_of(act) != Some(client));
            for act in candidate.steps.iter_mut().chain(&mut candidate.probe) {
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
            self.offer(candidate);
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

    /// Shorter waits.
    fn time(&mut self) {
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

const fn client_of(act: &Act) -> Option<usize> {
    match act {
        Act::Do { client, .. } | Act::Fault { client, .. } => Some(*client),
        Act::Disk(_) | Act::Broker(_) | Act::Wait(_) | Act::Settle => None,
    }
}
