//! Writes down what happens, in the order in which it happens.

use std::cell::RefCell;
use std::rc::Rc;

use mqspec_conformance::plan::{ActorId, Plan};
use mqspec_conformance::trace::{Event, Fate, Trace, What};

use mqspec_wire::Spec;

use crate::environment::Clock;

/// Room for the events of most scenarios, so that they are not moved while there come more.
const ROOM: usize = 512;

/// The trace in the making. One for all actors of a run: its counter is the global order.
pub struct Recorder {
    clock: Rc<dyn Clock>,
    trace: RefCell<Trace>,
}

impl Recorder {
    /// An empty trace for a plan's actors.
    pub fn new(plan: &Plan, clock: Rc<dyn Clock>) -> Self {
        let actors = plan.actors.iter().map(|actor| (actor.name.clone(), actor.spec)).collect();
        Self { clock, trace: RefCell::new(Trace { actors, events: Vec::with_capacity(ROOM) }) }
    }

    /// An empty trace without actors: they come one by one.
    pub fn empty(clock: Rc<dyn Clock>) -> Self {
        Self { clock, trace: RefCell::default() }
    }

    /// One more actor.
    pub fn add_actor(&self, spec: Spec, name: impl FnOnce(ActorId) -> String) -> ActorId {
        let mut trace = self.trace.borrow_mut();
        let id = ActorId(trace.actors.len());
        trace.actors.push((name(id), spec));
        id
    }

    /// Appends an event and returns its sequence number.
    pub fn record(&self, what: What) -> u64 {
        let mut trace = self.trace.borrow_mut();
        let sequence = trace.events.len() as u64;
        trace.events.push(Event { sequence, at: self.clock.now(), what });
        sequence
    }

    /// Says what has become of a packet that was recorded before.
    pub fn settle(&self, sequence: u64, became: Fate) {
        let mut trace = self.trace.borrow_mut();
        let index = usize::try_from(sequence).unwrap_or(usize::MAX);
        // The trace may have been taken while bytes were still under way.
        if let Some(What::Sent { fate, .. } | What::Received { fate, .. }) =
            trace.events.get_mut(index).map(|event| &mut event.what)
        {
            *fate = became;
        }
    }

    /// The latest event's sequence number.
    pub fn latest(&self) -> Option<u64> {
        self.trace.borrow().events.last().map(|event| event.sequence)
    }

    /// Lets a check look at what has happened so far.
    pub fn look<R>(&self, judge: impl FnOnce(&Trace) -> R) -> R {
        judge(&self.trace.borrow())
    }

    /// The trace so far, leaving an empty one.
    pub fn take(&self) -> Trace {
        std::mem::take(&mut *self.trace.borrow_mut())
    }
}
