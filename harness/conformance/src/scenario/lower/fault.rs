//! `fault:` steps: faults on packets, and which word is whose. `stream_fault` has those on bytes and connects.

use std::collections::BTreeSet;
use std::time::Duration;

use mqspec_wire::Spec;

use super::packet::take;
use super::scalar::reference;
use super::{Actor, Lowering};
use crate::plan::{
    Action, ActorId, Amount, Direction, Fault, PacketFault, Probability, Role, StreamFault, When,
};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Kind, Node};

/// The words that a fault begins with.
pub(crate) const FAULTS: &[(&str, &str)] = &[
    ("drop", "a packet never arrives, as its connection dies"),
    ("cut_after", "a packet arrives, then its connection dies"),
    ("duplicate", "a packet arrives twice"),
    ("delay", "a packet and what follows it arrive later"),
    ("truncate", "only the first bytes of a packet arrive, then its connection dies"),
    ("reorder", "packets behind it overtake a packet"),
    ("flip", "a packet arrives with one bit changed"),
    ("reset", "the stream is reset after so many bytes"),
    ("fin", "the stream ends in good order after so many bytes"),
    ("fragment", "bytes pass in pieces of these sizes"),
    ("coalesce", "what is written within a time passes as one piece"),
    ("latency", "bytes are under way for longer"),
    ("loss", "pieces are lost and sent again, later and later; in the end the stream is reset"),
    ("bandwidth", "no more than so many bytes pass in a second"),
    ("slow_reader", "the actor reads no faster than this"),
    ("stall", "nothing passes, nothing is lost"),
    ("partition", "nothing passes, nobody is told, and the connection is dead when it is over"),
    ("half_open", "one peer loses the connection, the other is not told"),
    ("refuse", "attempts to connect are refused"),
    ("connect_timeout", "attempts to connect are not answered"),
    ("heal", "takes back every fault of an actor, or of all"),
];

/// The words of [`FAULTS`] that are about packets.
const PACKET_FAULTS: &[&str] = &["drop", "cut_after", "duplicate", "delay", "truncate", "reorder", "flip"];

/// A list of faults about an actor `client`, for a proxy: what `fault:` steps say, but for what needs a step's
/// time.
pub(crate) fn faults(text: &str, root: &Node, spec: Spec) -> Result<Vec<Fault>, Vec<Problem>> {
    let mut lowering = Lowering::new(text, spec);
    lowering.actors.push(Actor {
        name: "client",
        spec,
        defaults: Vec::new(),
        role: Role::Scripted,
        taken: BTreeSet::new(),
        next_identifier: 1,
    });
    let Some(items) = root.as_list() else {
        return Err(vec![
            Problem::new(root.span.clone(), "the file is a list of faults")
                .help("- { drop: puback, to: client, then: cut }"),
        ]);
    };
    let mut faults = Vec::new();
    for item in items {
        match lowering.fault_of(item) {
            Some(Fault::Stream { fault: StreamFault::HalfOpen { .. }, .. } | Fault::Heal { .. }) => {
                lowering.report(
                    Problem::new(item.span.clone(), "this fault is not for a proxy, which plans all of them before anybody connects")
                        .help("`half_open` and `heal` need a connection that is open; `partition` with `for: 10s` does not"),
                );
            }
            fault => faults.extend(fault),
        }
    }
    if lowering.problems.is_empty() { Ok(faults) } else { Err(lowering.problems) }
}

impl Lowering<'_> {
    /// `fault: { drop: pubrel, to: alice, then: cut }` and its like.
    pub(super) fn fault(&mut self, node: &Node) {
        if let Some(fault) = self.fault_of(node) {
            self.push(Action::Fault(fault));
        }
    }

    /// The fault that a map says.
    pub(super) fn fault_of(&mut self, node: &Node) -> Option<Fault> {
        let mut entries = self.map(node, "fault")?;
        let is_fault = |entry: &&Entry| FAULTS.iter().any(|(word, _)| *word == entry.key);
        let known: Vec<_> = entries.iter().copied().filter(is_fault).collect();
        let head = match known.as_slice() {
            [head] => *head,
            [] => {
                self.no_such_fault(node, &entries);
                return None;
            }
            [first, second, ..] => {
                self.report(
                    Problem::new(second.key_span.clone(), "a `fault` step is one fault")
                        .also(first.key_span.clone(), "this is one already"),
                );
                return None;
            }
        };
        entries.retain(|entry| entry.key != head.key);
        let fault = match head.key.as_str() {
            word if PACKET_FAULTS.contains(&word) => self.packet_fault(head, &mut entries),
            "refuse" | "connect_timeout" => self.connect_fault(head, &mut entries),
            "heal" => self.heal(head),
            _ => self.stream_fault(head, &mut entries),
        };
        // What a broken fault leaves behind is no mistake of its own.
        for entry in entries.iter().filter(|_| fault.is_some()) {
            self.report(Problem::new(
                entry.key_span.clone(),
                format!("the fault `{}` has no `{}`", head.key, entry.key),
            ));
        }
        fault
    }

    fn no_such_fault(&mut self, node: &Node, entries: &[&Entry]) {
        let wrong = entries.first();
        let span = wrong.map_or(node.span.clone(), |entry| entry.key_span.clone());
        let word = wrong.map_or("", |entry| entry.key.as_str());
        let mut problem = Problem::new(span, format!("there is no fault `{word}`"));
        problem.help = suggest(word, FAULTS.iter().map(|(word, _)| *word));
        self.report(problem);
    }

    fn packet_fault(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<Fault> {
        let (actor, direction) = self.packet_way(head, entries)?;
        let when = self.when_struck(entries);
        let fault = match head.key.as_str() {
            "drop" => {
                let cut = take(entries, "then").filter(|entry| entry.value.as_text() == Some("cut"));
                if cut.is_none() {
                    self.report(
                        Problem::new(head.key_span.clone(), "`drop` does not say what follows")
                            .help("write `then: cut`: over TCP a packet is lost only with its connection"),
                    );
                }
                cut.map(|_| PacketFault::LostThenCut)
            }
            "cut_after" => Some(PacketFault::DeliveredThenCut),
            "duplicate" => {
                let set_dup = take(entries, "set_dup");
                let set_dup = set_dup.map_or(Some(false), |entry| self.bit(&entry.value, "`set_dup`"));
                set_dup.map(|set_dup| PacketFault::Duplicated { set_dup })
            }
            "delay" => {
                let by = self.needed(head, entries, "by", "200ms")?;
                self.duration(&by.value).map(PacketFault::Delayed)
            }
            "reorder" => {
                let behind = take(entries, "behind");
                let behind = behind.map_or(Some(1), |entry| self.count(&entry.value, "`behind`"));
                behind.map(|behind| PacketFault::Reordered { behind })
            }
            "flip" => match take(entries, "bit") {
                Some(entry) => {
                    self.amount(&entry.value, "`bit`").map(|bit| PacketFault::Flipped { bit: Some(bit) })
                }
                None => Some(PacketFault::Flipped { bit: None }),
            },
            _ => {
                let bytes = self.needed(head, entries, "bytes", "7")?;
                self.amount(&bytes.value, "`bytes`").map(|bytes| PacketFault::CutAfter { bytes })
            }
        };
        self.spec = self.actors.get(actor.0).map_or(self.spec, |actor| actor.spec);
        let packet = match head.value.as_text() {
            Some("any") => None,
            _ => Some(self.packet_shape(&head.value)?.name.to_owned()),
        };
        Some(Fault::Packet { actor, direction, packet, when: when?, fault: fault? })
    }

    /// `nth`, `every`, `probability`, `after`, `until`, `times`: which of the packets it strikes.
    ///
    /// A fault strikes once, unless it says how often, or is one of many by `every` or `probability`.
    fn when_struck(&mut self, entries: &mut Vec<&Entry>) -> Option<When> {
        let [nth, every, probability, after, until, times] =
            ["nth", "every", "probability", "after", "until", "times"].map(|key| take(entries, key));
        let once = every.is_none() && probability.is_none();
        let nth = nth.map_or(Some(1), |entry| self.count(&entry.value, "`nth`"));
        let every = every.map_or(Some(1), |entry| self.count(&entry.value, "`every`"));
        let probability = probability.map(|entry| self.probability(&entry.value));
        let begin = after.map_or(Some(Duration::ZERO), |entry| self.duration(&entry.value));
        let end = until.map(|entry| self.duration(&entry.value));
        if let (Some(begin), Some(Some(end)), Some(until)) = (begin, end, until)
            && begin >= end
        {
            self.report(
                Problem::new(until.value.span.clone(), "the fault ends before it begins")
                    .help("`after` and `until` both count from the fault's own step"),
            );
        }
        let times = match times {
            Some(entry) => Some(self.count(&entry.value, "`times`")?),
            None => once.then_some(1),
        };
        Some(When {
            nth: nth?,
            every: every?,
            probability: probability.map_or(Some(None), |given| given.map(Some))?,
            after: begin?,
            until: end.map_or(Some(None), |given| given.map(Some))?,
            times,
        })
    }

    /// A number, or the name of one: `7`, `$i`.
    pub(super) fn amount(&mut self, node: &Node, what: &str) -> Option<Amount> {
        match node.as_text().and_then(reference) {
            Some(name) => self.uses(name, &node.span).then(|| Amount::named(name)),
            None => self.number(node, what, 0, u64::from(u32::MAX)).map(Amount::from),
        }
    }

    /// A number of things, at least one.
    pub(super) fn count(&mut self, node: &Node, what: &str) -> Option<u32> {
        self.number(node, what, 1, u64::from(u32::MAX)).and_then(|number| u32::try_from(number).ok())
    }

    /// A probability: a number from 0 to 1, exact to a millionth.
    pub(super) fn probability(&mut self, node: &Node) -> Option<Probability> {
        let given = match node.kind {
            Kind::Float(number) => Some(number),
            Kind::Integer(0) => Some(0.0),
            Kind::Integer(1) => Some(1.0),
            Kind::Integer(_) | Kind::Null | Kind::Bool(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
                None
            }
        };
        let given = given.filter(|number| (0.0..=1.0).contains(number));
        if given.is_none() {
            self.report(
                Problem::new(node.span.clone(), "a probability is a number from 0 to 1")
                    .help("0.1 strikes one in ten"),
            );
        }
        given.map(millionths)
    }

    /// `to: alice` or `from: bob`.
    fn packet_way(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<(ActorId, Direction)> {
        let (to, from) = (take(entries, "to"), take(entries, "from"));
        match (to, from) {
            (Some(to), None) => Some((self.actor_named(&to.value)?, Direction::ToActor)),
            (None, Some(from)) => Some((self.actor_named(&from.value)?, Direction::FromActor)),
            _ => {
                self.report(
                    Problem::new(head.key_span.clone(), format!("`{}` does not say which way", head.key))
                        .help("write `to: alice` (from the broker) or `from: alice` (to the broker)"),
                );
                None
            }
        }
    }

    fn heal(&mut self, head: &Entry) -> Option<Fault> {
        if head.value.as_text() == Some("all") && self.actors.iter().all(|actor| actor.name != "all") {
            return Some(Fault::Heal { actor: None });
        }
        Some(Fault::Heal { actor: Some(self.actor_named(&head.value)?) })
    }

    /// A key that a word cannot do without.
    pub(super) fn needed<'a>(
        &mut self,
        head: &Entry,
        entries: &mut Vec<&'a Entry>,
        key: &str,
        example: &str,
    ) -> Option<&'a Entry> {
        let found = take(entries, key);
        if found.is_none() {
            self.report(
                Problem::new(head.key_span.clone(), format!("`{}` needs `{key}`", head.key))
                    .help(format!("for example `{key}: {example}`")),
            );
        }
        found
    }
}

/// The nearest number of millionths; the caller has checked that it is from 0 to 1.
fn millionths(number: f64) -> Probability {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to a million, and rounded to a whole number"
    )]
    Probability::millionths((number * 1_000_000.0).round() as u32)
}
