//! Steps: whose turn it is, and the words that are nobody's.

use mqspec_wire::Spec;

use super::packet::{Verb, take};
use super::{Lowering, amqp, mqtt};
use crate::plan::{Action, ActorId, BrokerFault, Ending, Origin};
use crate::scenario::diagnostic::{Problem, position, suggest};
use crate::scenario::node::{Entry, Node, Span};

/// Words that begin a step, with what they do.
pub(crate) const WORDS: &[(&str, &str)] = &[
    ("fault", "plans a fault on an actor's connection"),
    ("kill_broker", "the broker process dies"),
    ("power_loss", "the broker's machine goes off; what was not synced to its disk may be gone"),
    ("start_broker", "it starts again"),
    ("stop_broker", "it is asked to stop"),
    ("restart_broker", "it dies and starts again"),
    ("disk", "plans a fault of the broker's disk"),
    ("settle", "waits until no client has anything outstanding"),
    ("wait", "lets time pass"),
    ("bind", "gives values names"),
    ("repeat", "does steps several times"),
    ("together", "does lists of steps at the same time"),
    ("check", "judges everything so far by a guarantee"),
];

/// Keys that stand beside any step.
pub(crate) const BESIDE: &[(&str, &str)] = &[
    ("proves", "the statements that break if this step fails; [] if it only prepares"),
    ("only", "the version in which the step exists"),
    ("note", "why the step is there"),
];

/// Actions of an actor that are the same in every protocol.
pub(crate) const VERBS: &[(&str, &str)] = &[
    ("open", "opens the network connection and nothing more"),
    ("open_fails", "tries to, and a planned fault has it fail: `refused` or `timed_out`"),
    ("close", "ends it in good order (FIN)"),
    ("reset", "ends it abruptly (RST)"),
    ("send", "sends one packet as written"),
    ("send_bytes", "sends bytes as written"),
    ("expect", "the next packet, or the end of the connection, must match"),
    ("expect_any_of", "the next packet must match one of these"),
    ("expect_all", "as many packets must match these, in any order"),
    ("expect_nothing", "nothing may arrive for this long"),
];

/// How long the written form of a step may be in a report, in characters.
const LONGEST_TEXT: usize = 140;

impl<'a> Lowering<'a> {
    /// A list of steps, appended to those of the plan.
    pub(super) fn steps_of(&mut self, node: &'a Node) {
        match node.as_list() {
            Some(steps @ [_, ..]) => steps.iter().for_each(|step| self.step(step)),
            _ => self.report(Problem::new(node.span.clone(), "steps are a list with at least one step")),
        }
    }

    fn step(&mut self, node: &'a Node) {
        self.spec = self.plan_spec;
        let Some(entries) = node.as_map() else {
            self.report(
                Problem::new(node.span.clone(), format!("a step is a map, not {}", node.describe()))
                    .help("alice: { connect: {} }"),
            );
            return;
        };
        let mut entries: Vec<_> = entries.iter().collect();
        let beside = BESIDE.iter().map(|(key, _)| take(&mut entries, key)).collect::<Vec<_>>();
        let [proves, only, _note] = beside.as_slice() else { return };
        if let Some(only) = only
            && !self.exists_in(&only.value)
        {
            return;
        }
        let [head] = entries.as_slice() else {
            self.head_missing(node, &entries);
            return;
        };
        let outer = (self.origin.clone(), self.proves.clone());
        self.origin = self.origin_of(&(head.key_span.start..head.value.span.end));
        if let Some(proves) = proves {
            self.proves = Some(self.proves(&proves.value));
        }
        self.headed(head);
        (self.origin, self.proves) = outer;
    }

    fn head_missing(&mut self, node: &Node, entries: &[&Entry]) {
        match entries {
            [first, second, ..] => self.report(
                Problem::new(second.key_span.clone(), "a step begins with one actor or word, not two")
                    .also(first.key_span.clone(), "the step is about this")
                    .help("each step is an item of the list of its own"),
            ),
            _ => self.report(Problem::new(node.span.clone(), "a step begins with an actor or a word")),
        }
    }

    /// `only: mqtt-5.0`, or a list of versions.
    fn exists_in(&mut self, node: &Node) -> bool {
        let versions = node.as_list().unwrap_or(std::slice::from_ref(node));
        let mut exists = false;
        for version in versions {
            let name = version.as_text().unwrap_or_default();
            if let Some(spec) = Spec::ALL.into_iter().find(|spec| spec.id() == name) {
                exists |= spec == self.plan_spec;
            } else {
                let mut problem =
                    Problem::new(version.span.clone(), format!("there is no protocol `{name}`"));
                problem.help = suggest(name, Spec::ALL.into_iter().map(Spec::id));
                self.report(problem);
            }
        }
        exists
    }

    /// The step's line, and its text on one line.
    fn origin_of(&self, span: &Span) -> Origin {
        let (line, _) = position(self.text, span.start);
        let written = self.text.get(span.clone()).unwrap_or_default();
        let lines = written.lines().map(|line| line.split(" #").next().unwrap_or_default());
        let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
        let mut text = words.join(" ");
        if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
            text.truncate(end);
            text.push('…');
        }
        Origin { line, text }
    }

    fn headed(&mut self, head: &'a Entry) {
        if let Some(id) = self.actors.iter().position(|actor| actor.name == head.key) {
            return self.action(ActorId(id), head);
        }
        let value = &head.value;
        match head.key.as_str() {
            "fault" => self.fault(value),
            "kill_broker" => self.broker(value, &[BrokerFault::Kill]),
            "disk" => self.disk(value),
            "power_loss" => self.power_loss(value),
            "start_broker" => self.start_broker(value),
            "stop_broker" => self.broker(value, &[BrokerFault::Stop]),
            "restart_broker" => self.broker(value, &[BrokerFault::Kill, BrokerFault::Start]),
            "settle" => {
                if let Some(within) = self.duration(value) {
                    self.push(Action::Settle { within });
                }
            }
            "wait" => {
                if let Some(duration) = self.duration(value) {
                    self.push(Action::Wait(duration));
                }
            }
            "bind" => self.bind_values(value),
            "repeat" => self.repeat(value),
            "together" => self.together(value),
            "check" => self.check(value),
            other => {
                let words = WORDS.iter().map(|(word, _)| *word);
                let names: Vec<_> = self.actors.iter().map(|actor| actor.name).chain(words).collect();
                let message = format!("`{other}` is neither an actor nor a word of the language");
                let mut problem = Problem::new(head.key_span.clone(), message);
                problem.help = suggest(other, names.iter().copied());
                self.report(problem);
            }
        }
    }

    /// `alice: { verb: …, … }`.
    fn action(&mut self, actor: ActorId, head: &'a Entry) {
        self.used.insert(actor);
        self.spec = self.actors.get(actor.0).map_or(self.plan_spec, |actor| actor.spec);
        if self.is_client(actor) {
            return self.client_action(actor, head);
        }
        let composite = if self.spec.is_mqtt() { mqtt::VERBS } else { amqp::VERBS };
        let names = || VERBS.iter().chain(composite).map(|(verb, _)| *verb);
        let Some([first, beside @ ..]) = head.value.as_map() else {
            let message = format!("`{}` does nothing here", head.key);
            self.report(Problem::new(head.value.span.clone(), message).help(format!(
                "{}: {{ verb: … }}, with {}",
                head.key,
                names().collect::<Vec<_>>().join(", ")
            )));
            return;
        };
        let beside = self.of_this_version(beside.iter().collect());
        let verb = Verb { actor, head: first, beside };
        match first.key.as_str() {
            "open" | "close" | "reset" => self.connection(&verb),
            "open_fails" => {
                self.nothing_beside(&verb);
                if let Some(how) = self.connect_failure(&verb.head.value) {
                    self.push(Action::OpenFails { actor, how });
                }
            }
            "send" => self.send(verb),
            "send_bytes" => self.send_bytes(&verb),
            "expect" => self.expect(verb),
            "expect_any_of" => self.expect_any_of(verb),
            "expect_all" => self.expect_all(verb),
            "expect_nothing" => self.expect_nothing(&verb),
            other if composite.iter().any(|(verb, _)| *verb == other) => {
                if self.spec.is_mqtt() {
                    self.mqtt_verb(&verb);
                } else {
                    self.amqp_verb(verb);
                }
            }
            other => {
                let later = beside_verb(&verb, names());
                let (family, stranger, foreign) = if self.spec.is_mqtt() {
                    ("MQTT", "AMQP", amqp::VERBS)
                } else {
                    ("AMQP", "MQTT", mqtt::VERBS)
                };
                let message = format!("`{other}` is not something that an {family} client does here");
                let mut problem = Problem::new(first.key_span.clone(), message);
                problem.help = match later {
                    Some(verb) => Some(format!("the verb comes first: {{ {verb}: …, {other}: … }}")),
                    None if foreign.iter().any(|(verb, _)| *verb == other) => {
                        Some(format!("only {stranger} clients do"))
                    }
                    None => suggest(other, names()),
                };
                self.report(problem);
            }
        }
    }

    pub(super) fn connection(&mut self, verb: &Verb<'_>) {
        self.nothing_beside(verb);
        let entries = self.map(&verb.head.value, &verb.head.key).unwrap_or_default();
        self.known_keys(&entries, &verb.head.key, &[]);
        let actor = verb.actor;
        self.push(match verb.head.key.as_str() {
            "open" => Action::Open { actor },
            "close" => Action::Close { actor, how: Ending::Fin },
            _ => Action::Close { actor, how: Ending::Reset },
        });
    }

    /// `expect_nothing: 1s` or `expect_nothing: { for: 1s, channel: 2 }`.
    fn expect_nothing(&mut self, verb: &Verb<'_>) {
        self.nothing_beside(verb);
        let (quiet, channel) = match verb.head.value.as_map() {
            None => (self.duration(&verb.head.value), None),
            Some(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                let quiet = self.needed(verb.head, &mut entries, "for", "1s");
                let quiet = quiet.and_then(|entry| self.duration(&entry.value));
                let channel = if self.spec.is_mqtt() { None } else { take(&mut entries, "channel") };
                let channel =
                    channel.and_then(|entry| self.number(&entry.value, "`channel`", 0, u64::from(u16::MAX)));
                self.known_keys(&entries, "expect_nothing", &["for", "channel"]);
                (quiet, channel.and_then(|channel| u16::try_from(channel).ok()))
            }
        };
        if let Some(quiet) = quiet {
            self.push(Action::ExpectNothing { actor: verb.actor, channel, quiet });
        }
    }
}

/// A verb that stands behind another key.
fn beside_verb<'v>(verb: &Verb<'_>, mut names: impl Iterator<Item = &'v str>) -> Option<&'v str> {
    names.find(|name| verb.beside.iter().any(|entry| entry.key == *name))
}
