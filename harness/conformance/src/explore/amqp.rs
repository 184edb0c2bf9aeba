//! AMQP cases.

use mqspec_wire::Spec;
use proptest::prelude::*;

use super::{Case, fault};

/// Cases.
pub(super) fn cases() -> BoxedStrategy<Case> {
    fault::levels().prop_map(|levels| Case { levels, ..Case::empty(Spec::Amqp091) }).boxed()
}
