//! The guarantees that a scenario asks for by name (`check: delivery`), each with its parameters.

use mqspec_wire::Value;

use super::{
    confirmed, dead_letter, delivery, entities, expiry, fifo, order, redelivery, retained, routing, session,
    will,
};
use crate::trace::Trace;
use crate::verdict::Finding;

/// A judgement over the whole history, that a scenario asks for at the point where it is due.
#[derive(Debug)]
pub struct Guarantee {
    /// What a scenario calls it.
    pub name: &'static str,
    /// The names of its parameters. Each is a bit, and false where a scenario does not give it.
    pub parameters: &'static [&'static str],
    /// What it demands, in one sentence.
    pub gist: &'static str,
    pub(super) judge: fn(&Trace, Parameters<'_>) -> Vec<Finding>,
}

/// Parameters as given, every one of them known to the guarantee and a bit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a>(&'a [(String, Value)]);

impl Parameters<'_> {
    /// Whether a bit is set; one that is not given is not.
    pub(super) fn is_set(self, name: &str) -> bool {
        self.0.iter().any(|(given, value)| given == name && value.as_bool() == Some(true))
    }
}

/// The guarantee of this name.
pub fn guarantee(name: &str) -> Option<&'static Guarantee> {
    GUARANTEES.iter().find(|guarantee| guarantee.name == name)
}

/// Judges a trace by a guarantee.
///
/// # Errors
///
/// A name or a parameter that does not exist, or a parameter that is no bit, in words.
pub fn run(name: &str, parameters: &[(String, Value)], trace: &Trace) -> Result<Vec<Finding>, String> {
    let guarantee = guarantee(name).ok_or_else(|| {
        let known: Vec<_> = GUARANTEES.iter().map(|guarantee| guarantee.name).collect();
        format!("there is no guarantee `{name}`; there are: {}", known.join(", "))
    })?;
    for (given, value) in parameters {
        if !guarantee.parameters.contains(&given.as_str()) {
            let known = guarantee.parameters.join(", ");
            return Err(format!("`{name}` has no parameter `{given}`; it has: {known}"));
        }
        if value.as_bool().is_none() {
            return Err(format!("`{given}` of `{name}` is true or false, not {value}"));
        }
    }
    Ok((guarantee.judge)(trace, Parameters(parameters)))
}

/// Every guarantee that [`run`] knows. With `durable`, the broker promises that what it acknowledged outlives a restart;
/// without, a restart excuses a loss.
pub static GUARANTEES: &[Guarantee] = &[
    Guarantee {
        name: "delivery",
        parameters: &["drained", "durable"],
        gist: "Each MQTT message reaches each earlier subscription as often as its QoS allows, and nothing is \
               invented; with `drained`, nothing is missing either.",
        judge: delivery::judge,
    },
    Guarantee {
        name: "order",
        parameters: &[],
        gist: "MQTT messages of one client to one topic at one QoS arrive in the order of their publication.",
        judge: order::judge,
    },
    Guarantee {
        name: "retained",
        parameters: &["drained", "durable"],
        gist: "A new MQTT subscription gets no retained message but the last one of each topic; with `drained`, \
               it gets that.",
        judge: retained::judge,
    },
    Guarantee {
        name: "will",
        parameters: &["drained", "durable"],
        gist: "A will is published at most once and not after DISCONNECT; with `drained`, it is published when \
               its connection ended without one.",
        judge: will::judge,
    },
    Guarantee {
        name: "session",
        parameters: &["drained", "durable"],
        gist: "An MQTT session is there as long as it must be and no longer, and what was sent again says so; with \
               `drained`, everything unfinished has been sent again.",
        judge: session::judge,
    },
    Guarantee {
        name: "expiry",
        parameters: &["durable"],
        gist: "An MQTT 5.0 message is not delivered after its expiry interval, and tells what is left of it.",
        judge: expiry::judge,
    },
    Guarantee {
        name: "redelivery",
        parameters: &["drained", "durable"],
        gist: "An AMQP message that is delivered again says so; with `drained`, what was not acknowledged has \
               come back.",
        judge: redelivery::judge,
    },
    Guarantee {
        name: "routing",
        parameters: &["drained", "durable"],
        gist: "An AMQP message comes, once and unchanged, only to queues that its exchange and bindings name; \
               with `drained`, to all of them.",
        judge: routing::judge,
    },
    Guarantee {
        name: "fifo",
        parameters: &[],
        gist: "AMQP messages of one publishing channel, exchange, queue and consuming channel keep their order.",
        judge: fifo::judge,
    },
    Guarantee {
        name: "confirmed",
        parameters: &["drained", "durable"],
        gist: "With `drained`, every AMQP message that the broker confirmed came out of its queues, after a \
               restart too if it was persistent and they durable.",
        judge: confirmed::judge,
    },
    Guarantee {
        name: "dead_letter",
        parameters: &["drained"],
        gist: "With `drained`, every AMQP message that a consumer refused for good came to its queue's dead-letter \
               exchange.",
        judge: dead_letter::judge,
    },
    Guarantee {
        name: "entities",
        parameters: &["durable"],
        gist: "AMQP exchanges and queues are there as long as they must be, and no longer.",
        judge: entities::judge,
    },
];
