//! A case as a scenario.

use std::fmt::Write as _;

use mqspec_wire::Spec;

use super::{Act, Case};
use crate::plan::Plan;
use crate::scenario::{Diagnostics, load};

/// The client that comes when everything is quiet.
const PROBE: &str = "probe";
/// A broker is asked to start, and its disk does not let it.
pub(super) const START_IN_VAIN: &str = "start_in_vain";

impl Case {
    /// The scenario; `statements` are full ids that it is known to show the breach of.
    pub fn yaml(&self, statements: &[String]) -> String {
        let mut text = String::from("title: What clients do under faults keeps every guarantee\n");
        let _ =
            writeln!(text, "about: Drawn by mqspec explore; run it with seed {:#x} in memory.", self.seed);
        let _ = writeln!(text, "protocols: [{}]", self.spec);
        let mut short: Vec<_> =
            statements.iter().filter_map(|id| id.split_once('/').map(|(_, short)| short)).collect();
        if short.is_empty() && self.steps.iter().any(|act| matches!(act, Act::Broker(_))) {
            short.push(kept_over_a_start(self.spec));
        }
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
        if self.acts(self.clients.len()) {
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
        let mut machine = Machine::default();
        let mut lines: Vec<String> = Vec::new();
        for act in &self.steps {
            lines.extend(machine.before(act));
            if machine.take(act) {
                lines.push(self.line(act));
            }
        }
        if self.steps.iter().any(|act| matches!(act, Act::Fault { .. })) {
            lines.push(String::from("fault: { heal: all }"));
        }
        lines.extend(machine.repaired());
        lines.push(self.line(&Act::Settle));
        if !self.probe.is_empty() {
            lines.extend(self.probe.iter().map(|act| self.line(act)));
            lines.push(self.line(&Act::Settle));
        }
        lines.extend(self.checks.iter().map(|(name, parameters)| {
            let set: Vec<_> = parameters.iter().map(|parameter| format!("{parameter}: true")).collect();
            if set.is_empty() {
                format!("check: {name}")
            } else {
                format!("check: {{ {name}: {{ {} }} }}", set.join(", "))
            }
        }));
        lines
    }

    /// Whether a client does anything; one that does not is no actor of the scenario.
    fn acts(&self, index: usize) -> bool {
        self.steps.iter().chain(&self.probe).any(|act| match act {
            Act::Do { client, .. } | Act::Fault { client, .. } => *client == index,
            Act::Disk(_) | Act::Broker(_) | Act::Wait(_) | Act::Settle => false,
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
            Act::Disk(text) => format!("disk: {{ {text} }}"),
            Act::Broker(START_IN_VAIN) => String::from("start_broker: { fails: true }"),
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

/// What a broker breaks that does not start again with what its disk holds, or starts without being able to read it. Nothing
/// else in a drawn case fails under the scenario's own statements: clients wait for nothing, and the guarantees name theirs.
const fn kept_over_a_start(spec: Spec) -> &'static str {
    match spec {
        Spec::Mqtt311 => "MQTT-4.1.0-1",
        Spec::Mqtt50 => "MQTT-3.1.2-23",
        Spec::Amqp091 => "AMQP-3.1.1-persistent-guarantee",
    }
}

/// The broker's machine, as far as steps depend on it.
#[derive(Default)]
struct Machine {
    /// The broker's process has been ended.
    down: bool,
    /// The disk has a fault.
    sick: bool,
    /// What it holds cannot be read the next time.
    unreadable: bool,
    /// A fault of the disk may have ended the process.
    doubtful: bool,
}

impl Machine {
    /// What must come first: a broker cannot be asked to start from a sick disk.
    fn before(&mut self, act: &Act) -> Option<String> {
        let starts = matches!(act, Act::Broker("start_broker" | "restart_broker"));
        let heals = starts && std::mem::take(&mut self.sick);
        self.unreadable &= !heals;
        heals.then(heal_disk)
    }

    /// Whether a step can be done: a dead broker cannot die, and one that lives cannot be started.
    fn take(&mut self, act: &Act) -> bool {
        match act {
            Act::Disk(text) => {
                self.sick = text != "heal: all";
                self.unreadable = self.sick && (self.unreadable || text == "fail: read");
                self.doubtful |= self.sick;
                true
            }
            Act::Broker(START_IN_VAIN) => self.down && std::mem::take(&mut self.unreadable),
            Act::Broker(word) => {
                let possible = self.down == (*word == "start_broker");
                if possible {
                    self.down = *word == "kill_broker" || *word == "power_loss";
                    self.doubtful = false;
                }
                possible
            }
            Act::Do { .. } | Act::Fault { .. } | Act::Wait(_) | Act::Settle => true,
        }
    }

    /// What it takes to have a broker that runs on a disk that works.
    fn repaired(&self) -> Vec<String> {
        let broker = |word: &str| format!("{word}: {{}}");
        let end = (self.doubtful && !self.down).then(|| broker("kill_broker"));
        let start = (self.doubtful || self.down).then(|| broker("start_broker"));
        end.into_iter().chain(self.sick.then(heal_disk)).chain(start).collect()
    }
}

fn heal_disk() -> String {
    String::from("disk: { heal: all }")
}
