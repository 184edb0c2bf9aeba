//! `fault:` steps.

use super::Lowering;
use super::packet::take;
use crate::plan::{Action, ActorId, Direction, Fault, PacketFault, StreamFault};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Node};

/// The words that a fault begins with.
pub(crate) const FAULTS: &[&str] = &[
    "drop",
    "cut_after",
    "duplicate",
    "delay",
    "truncate",
    "reset",
    "fin",
    "fragment",
    "stall",
    "partition",
    "heal",
];

impl Lowering<'_> {
    /// `fault: { drop: pubrel, to: alice, then: cut }` and its like.
    pub(super) fn fault(&mut self, node: &Node) {
        let Some(mut entries) = self.map(node, "fault") else { return };
        let known: Vec<_> =
            entries.iter().copied().filter(|entry| FAULTS.contains(&entry.key.as_str())).collect();
        let head = match known.as_slice() {
            [head] => *head,
            [] => {
                let wrong = entries.first().copied();
                let span = wrong.map_or(node.span.clone(), |entry| entry.key_span.clone());
                let word = wrong.map_or("", |entry| entry.key.as_str());
                let mut problem = Problem::new(span, format!("there is no fault `{word}`"));
                problem.help = suggest(word, FAULTS.iter().copied());
                self.report(problem);
                return;
            }
            [first, second, ..] => {
                self.report(
                    Problem::new(second.key_span.clone(), "a `fault` step is one fault")
                        .also(first.key_span.clone(), "this is one already"),
                );
                return;
            }
        };
        entries.retain(|entry| entry.key != head.key);
        let fault = match head.key.as_str() {
            "drop" | "cut_after" | "duplicate" | "delay" | "truncate" => {
                self.packet_fault(head, &mut entries)
            }
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
        if let Some(fault) = fault {
            self.push(Action::Fault(fault));
        }
    }

    fn packet_fault(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<Fault> {
        let (actor, direction) = self.packet_way(head, entries)?;
        let nth = take(entries, "nth");
        let nth = nth.map_or(Some(1), |entry| self.number(&entry.value, "`nth`", 1, u64::from(u32::MAX)));
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
            _ => {
                let bytes = self.needed(head, entries, "bytes", "7")?;
                let bytes = self.number(&bytes.value, "`bytes`", 0, u64::from(u32::MAX))?;
                usize::try_from(bytes).ok().map(|bytes| PacketFault::CutAfter { bytes })
            }
        };
        self.spec = self.actors.get(actor.0).map_or(self.spec, |actor| actor.spec);
        let packet = match head.value.as_text() {
            Some("any") => None,
            _ => Some(self.packet_shape(&head.value)?.name.to_owned()),
        };
        Some(Fault::Packet { actor, direction, packet, nth: u32::try_from(nth?).ok()?, fault: fault? })
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

    fn stream_fault(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<Fault> {
        let actor = self.actor_named(&head.value);
        let direction = self.direction(take(entries, "direction"));
        let fault = match head.key.as_str() {
            "reset" => self.after_bytes(head, entries).map(|bytes| StreamFault::ResetAfter { bytes }),
            "fin" => self.after_bytes(head, entries).map(|bytes| StreamFault::FinAfter { bytes }),
            "fragment" => self.sizes(head, entries),
            word => {
                let duration = match take(entries, "for") {
                    Some(entry) => Some(self.duration(&entry.value)?),
                    None => None,
                };
                Some(if word == "stall" {
                    StreamFault::Stall { duration }
                } else {
                    StreamFault::Partition { duration }
                })
            }
        };
        Some(Fault::Stream { actor: actor?, direction: direction?, fault: fault? })
    }

    fn direction(&mut self, entry: Option<&Entry>) -> Option<Direction> {
        let Some(entry) = entry else { return Some(Direction::Both) };
        match entry.value.as_text() {
            Some("to") => Some(Direction::ToActor),
            Some("from") => Some(Direction::FromActor),
            Some("both") => Some(Direction::Both),
            _ => {
                self.report(
                    Problem::new(entry.value.span.clone(), "a direction is `to`, `from` or `both`")
                        .label("as the actor sees it"),
                );
                None
            }
        }
    }

    fn after_bytes(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<u64> {
        let bytes = self.needed(head, entries, "after_bytes", "137")?;
        self.number(&bytes.value, "`after_bytes`", 0, u64::MAX)
    }

    fn sizes(&mut self, head: &Entry, entries: &mut Vec<&Entry>) -> Option<StreamFault> {
        let entry = self.needed(head, entries, "sizes", "[1, 2, 3]")?;
        let Some(items @ [_, ..]) = entry.value.as_list() else {
            self.report(
                Problem::new(entry.value.span.clone(), "`sizes` is a list with at least one size")
                    .help("[1] passes every byte by itself"),
            );
            return None;
        };
        let sizes = items.iter().map(|item| self.number(item, "a size", 1, u64::from(u32::MAX)));
        let sizes: Vec<_> = sizes.collect();
        let sizes = sizes.into_iter().map(|size| usize::try_from(size?).ok()).collect::<Option<_>>()?;
        Some(StreamFault::Fragment { sizes })
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
