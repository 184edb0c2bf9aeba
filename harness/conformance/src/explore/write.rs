//! A case as a scenario.

use std::fmt::Write as _;

use mqspec_wire::Spec;

use super::{Act, Case};
use crate::plan::Plan;
use crate::scenario::{Diagnostics, load};

/// The client that comes when everything is quiet.
const PROBE: &str = "probe";

impl Case {
    /// The scenario; `statements` are full ids that it is known to show the breach of.
    pub fn yaml(&self, statements: &[String]) -> String {
        let mut text = String::from("title: What clients do under faults keeps every guarantee\n");
        let _ =
            writeln!(text, "about: Drawn by mqspec explore; run it with seed {:#x} in memory.", self.seed);
        let _ = writeln!(text, "protocols: [{}]", self.spec);
        let short: Vec<_> =
            statements.iter().filter_map(|id| id.split_once('/').map(|(_, short)| short)).collect();
        let _ = writeln!(text, "statements: [{}]", short.join(", "));
        text.push_str("world: { simulated: it controls the broker and the time }\nactors:\n");
        for (index, client) in self.clients.iter().enumerate() {
            if !self.acts(index) {
                continue;
            }
            let _ = write!(text, "  {}: {{ role: client", client.name);
            for (key, value) in &client.settings {
                let _ = write!(text, ", {key}: {value}");
            }
            text.push_str(" }\n");
        }
        if !self.probe.is_empty() {
            let _ = writeln!(text, "  {PROBE}: {{ role: client }}");
        }
        text.push_str("steps:\n");
        for line in self.lines() {
            let _ = writeln!(text, "  - {line}");
        }
        text
    }

    /// How many steps it has, those of the end included.
    pub fn steps(&self) -> usize {
        self.lines().len()
    }

    /// The plan: what loading the scenario gives.
    ///
    /// # Errors
    ///
    /// A case that is no scenario; that is a mistake of ours.
    pub fn plan(&self, address: &str) -> Result<Plan, Diagnostics> {
        let text = self.yaml(&[]);
        let path = format!("scenarios/{address}.yaml");
        match load(&path, &text)?.into_iter().next() {
            Some(plan) => Ok(plan),
            None => Err(Diagnostics::new(&path, &text, Vec::new())),
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut down = false;
        let mut lines: Vec<String> =
            self.steps.iter().filter(|act| makes_sense(act, &mut down)).map(|act| self.line(act)).collect();
        if self.steps.iter().any(|act| matches!(act, Act::Fault { .. })) {
            lines.push(String::from("fault: { heal: all }"));
        }
        if down {
            lines.push(self.line(&Act::Broker("start_broker")));
        }
        lines.push(self.line(&Act::Settle));
        if !self.probe.is_empty() {
            lines.extend(self.probe.iter().map(|act| self.line(act)));
            lines.push(self.line(&Act::Settle));
        }
        lines.extend(self.checks.iter().map(|(name, drained)| {
            if *drained {
                format!("check: {{ {name}: {{ drained: true }} }}")
            } else {
                format!("check: {name}")
            }
        }));
        lines
    }

    /// Whether a client does anything; one that does not is no actor of the scenario.
    fn acts(&self, index: usize) -> bool {
        self.steps.iter().any(|act| match act {
            Act::Do { client, .. } | Act::Fault { client, .. } => *client == index,
            Act::Broker(_) | Act::Wait(_) | Act::Settle => false,
        })
    }

    fn line(&self, act: &Act) -> String {
        match act {
            Act::Do { client, verb, fields } => {
                let name = self.clients.get(*client).map_or(PROBE, |client| client.name);
                let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                match verb.strip_prefix("call ") {
                    Some(method) if fields.is_empty() => format!("{name}: {{ call: {method} }}"),
                    Some(method) => format!("{name}: {{ call: {method}, {} }}", fields.join(", ")),
                    None if fields.is_empty() => format!("{name}: {{ {verb}: {{}} }}"),
                    None => format!("{name}: {{ {verb}: {{ {} }} }}", fields.join(", ")),
                }
            }
            Act::Fault { text, .. } => format!("fault: {{ {text} }}"),
            Act::Broker(word) => format!("{word}: {{}}"),
            Act::Wait(millis) => format!("wait: {millis}ms"),
            Act::Settle => String::from("settle: 30s"),
        }
    }

    /// Whether the case is for a version of MQTT.
    pub fn is_mqtt(&self) -> bool {
        self.spec != Spec::Amqp091
    }
}

/// Whether a step can be done: a dead broker cannot die, and one that lives cannot be started.
fn makes_sense(act: &Act, down: &mut bool) -> bool {
    let Act::Broker(word) = act else { return true };
    let possible = *down == (*word == "start_broker");
    if possible {
        *down = *word == "kill_broker";
    }
    possible
}
