//! What an AMQP client has set up, to be set up again on its next connection, in the same order.

use mqspec_wire::{Draft, Value};

use super::request::{field, number};

/// Methods that are done again.
const KEPT: [&str; 9] = [
    "exchange.declare",
    "exchange.bind",
    "queue.declare",
    "queue.bind",
    "confirm.select",
    "tx.select",
    "basic.qos",
    "basic.consume",
    "channel.flow",
];

/// Methods that set things up, in the order in which they were sent.
#[derive(Debug, Default)]
pub(super) struct Topology(Vec<Draft>);

impl Topology {
    /// Notes a method that sets something up or takes it down.
    pub(super) fn note(&mut self, method: &Draft) {
        match &*method.name {
            "queue.delete" => self.drop_all("queue", method),
            "exchange.delete" => self.drop_all("exchange", method),
            "basic.cancel" => {
                let tag = field(method, "consumer_tag").cloned();
                self.0.retain(|kept| {
                    kept.name != "basic.consume" || field(kept, "consumer_tag") != tag.as_ref()
                });
            }
            "queue.unbind" => self.0.retain(|kept| {
                kept.name != "queue.bind"
                    || !["queue", "exchange", "routing_key"].iter().all(|name| same(kept, method, name))
            }),
            name if KEPT.contains(&name) => {
                // A new setting replaces the old one; anything else is kept once.
                let replaces = matches!(name, "basic.qos" | "channel.flow");
                let channel = number(method, "channel");
                self.0.retain(|kept| {
                    kept != method && !(replaces && kept.name == name && number(kept, "channel") == channel)
                });
                self.0.push(method.clone());
            }
            _ => {}
        }
    }

    /// Forgets a method that the broker has refused.
    pub(super) fn forget(&mut self, method: &Draft) {
        self.0.retain(|kept| kept != method);
    }

    /// Everything.
    pub(super) fn all(&self) -> impl Iterator<Item = Draft> {
        self.0.iter().cloned()
    }

    /// What belongs to a channel and not to the broker: its modes and consumers.
    pub(super) fn of_channel(&self, channel: i128) -> impl Iterator<Item = Draft> {
        let lives = move |kept: &&Draft| {
            number(kept, "channel") == channel
                && !kept.name.starts_with("queue.")
                && !kept.name.starts_with("exchange.")
        };
        self.0.iter().filter(lives).cloned()
    }

    /// Its consumers.
    pub(super) fn consumers(&self) -> impl Iterator<Item = &Draft> {
        self.0.iter().filter(|kept| kept.name == "basic.consume")
    }

    fn drop_all(&mut self, what: &str, method: &Draft) {
        let name: Option<Value> = field(method, what).cloned();
        self.0.retain(|kept| field(kept, what) != name.as_ref() || name.is_none());
    }
}

fn same(one: &Draft, other: &Draft, name: &str) -> bool {
    field(one, name) == field(other, name)
}
