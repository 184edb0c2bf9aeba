//! What the shell needs of a broker.

use mqspec_broker_core::{Broker, Effects, Input, Now};

/// The broker's one door. The reference broker is one; so is a reference broker behind something that
/// rewrites its inputs or effects.
pub trait Door {
    /// Takes one input and appends what must happen because of it, in order.
    fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects);

    /// When [`Input::TimePassed`] is due next. Always after the `now` of the latest [`Door::handle`].
    fn next_deadline(&self) -> Option<Now>;
}

impl Door for Broker {
    fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects) {
        Broker::handle(self, now, input, effects);
    }

    fn next_deadline(&self) -> Option<Now> {
        Broker::next_deadline(self)
    }
}

impl<D: Door + ?Sized> Door for Box<D> {
    fn handle(&mut self, now: Now, input: Input<'_>, effects: &mut Effects) {
        (**self).handle(now, input, effects);
    }

    fn next_deadline(&self) -> Option<Now> {
        (**self).next_deadline()
    }
}
