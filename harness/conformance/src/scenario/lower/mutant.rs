//! Mutants: lists of rewrites, lowered with the same words for packets, fields and matchers as scenarios.

use mqspec_wire::{FieldShape, PacketShape, Shape, Spec, shapes};

use super::packet::take;
use super::scalar::is_name;
use super::{Lowering, PROVIDED};
use crate::mutant::{Assignment, Change, Condition, Mutant, NewValue, Occasion, Pace, PacketMatch, Rewrite};
use crate::plan::{Expression, Template};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Kind, Node, Span};

/// What a mutant may say.
const KEYS: &[&str] = &["name", "lie", "breaks", "rewrites", "clock"];
/// What a rewrite may say.
const REWRITE_KEYS: &[&str] = &[
    "client",
    "broker",
    "close",
    "where",
    "breaks",
    "after",
    "nth",
    "overall",
    "only",
    "set",
    "unset",
    "malformed",
    "before",
    "drop",
    "twice",
    "then",
    "hold",
    "delay",
    "answer",
    "hang_up",
];
/// What begins a rewrite.
const OCCASIONS: &[&str] = &["client", "broker", "close"];

/// Lowers a file of mutants.
///
/// # Errors
///
/// Everything that is wrong with it, each thing once.
pub(crate) fn mutants(text: &str, root: &Node) -> Result<Vec<Mutant>, Vec<Problem>> {
    let Some(items) = root.as_list() else {
        return Err(vec![Problem::new(root.span.clone(), "a file of mutants is a list").help("- name: …")]);
    };
    let mut mutants = Vec::new();
    let mut problems: Vec<Problem> = Vec::new();
    for item in items {
        for (mutant, found) in versions(text, item) {
            mutants.extend(mutant);
            for problem in found {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
    }
    if problems.is_empty() { Ok(mutants) } else { Err(problems) }
}

/// A mutant for each version that it breaks statements of.
fn versions(text: &str, item: &Node) -> Vec<(Option<Mutant>, Vec<Problem>)> {
    let breaks = item.get("breaks").and_then(Node::as_map).unwrap_or_default();
    let specs: Vec<Spec> = breaks.iter().filter_map(|entry| Spec::parse(&entry.key)).collect();
    if specs.is_empty() {
        let problem = Problem::new(item.span.clone(), "a mutant says which statements it breaks")
            .help("breaks: { mqtt-5.0: [MQTT-4.4.0-1] }");
        return vec![(None, vec![problem])];
    }
    specs
        .into_iter()
        .map(|spec| {
            let mut lowering = Lowering::new(text, spec);
            lowering.bind_fields();
            let mutant = lowering.mutant(item);
            (mutant, lowering.problems)
        })
        .collect()
}

impl Lowering<'_> {
    /// Binds every field's name, and with `client_` before it that of the latest packet from the client.
    fn bind_fields(&mut self) {
        let fields = shapes(self.spec).iter().flat_map(|shape| &shape.fields);
        for name in fields.map(|field| field.name).filter(|name| is_name(name)) {
            if !PROVIDED.contains(&name) {
                self.names.insert(name.to_owned(), 0..0);
            }
            self.names.insert(format!("client_{name}"), 0..0);
        }
    }

    fn mutant(&mut self, item: &Node) -> Option<Mutant> {
        let entries = self.map(item, "a mutant")?;
        self.known_keys(&entries, "a mutant", KEYS);
        let name = self.required_text(item, "name");
        let lie = self.required_text(item, "lie");
        let statements = item.get("breaks").map(|node| self.statement_ids(node)).unwrap_or_default();
        let clock = item.get("clock").map_or(Pace::True, |node| self.pace(node));
        let rewrites = item.get("rewrites").map(|node| self.rewrites(node)).unwrap_or_default();
        // A rewrite with a mistake has been told of already.
        let none_is_right = item.get("rewrites").is_none() || self.problems.is_empty();
        if rewrites.is_empty() && clock == Pace::True && none_is_right {
            self.report(Problem::new(
                item.span.clone(),
                "a mutant rewrites something or has another `clock`",
            ));
        }
        Some(Mutant {
            name: format!("{}@{}", name?, self.spec),
            lie: lie?,
            spec: self.spec,
            statements,
            rewrites,
            clock,
        })
    }

    fn required_text(&mut self, item: &Node, key: &str) -> Option<String> {
        let text = item.get(key).and_then(Node::as_text).filter(|text| !text.is_empty());
        if text.is_none() {
            self.report(Problem::new(item.span.clone(), format!("a mutant needs `{key}`")));
        }
        text.map(str::to_owned)
    }

    fn pace(&mut self, node: &Node) -> Pace {
        match node.as_text() {
            Some("stopped") => Pace::Stopped,
            Some("half") => Pace::Half,
            Some("double") => Pace::Double,
            _ => {
                let problem = Problem::new(node.span.clone(), "this is no pace of a clock");
                self.report(problem.help("there is `stopped`, `half` and `double`"));
                Pace::True
            }
        }
    }

    fn rewrites(&mut self, node: &Node) -> Vec<Rewrite> {
        let Some(items) = node.as_list() else {
            self.report(Problem::new(node.span.clone(), "`rewrites` is a list"));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.rewrite(item)).collect()
    }

    /// One rewrite; `None` where it is for another version or makes no sense.
    fn rewrite(&mut self, node: &Node) -> Option<Rewrite> {
        let mut entries = self.map(node, "a rewrite")?;
        self.known_keys(&entries, "a rewrite", REWRITE_KEYS);
        if let Some(only) = take(&mut entries, "only")
            && self.protocol(&only.value).is_some_and(|only| only != self.spec)
        {
            return None;
        }
        let after = take(&mut entries, "after").and_then(|entry| self.after(&entry.value));
        let nth = take(&mut entries, "nth")
            .and_then(|entry| self.number(&entry.value, "`nth`", 1, u64::from(u32::MAX)));
        let overall = self.flag(&mut entries, "overall");
        let (on, shape) = self.occasion(node, &mut entries)?;
        let action = self.change(node, &mut entries, shape);
        Some(Rewrite { on, after, nth, overall, action })
    }

    /// What the rewrite looks at, and the packet that its change is about.
    fn occasion(
        &mut self,
        node: &Node,
        entries: &mut Vec<&Entry>,
    ) -> Option<(Occasion, Option<&'static PacketShape>)> {
        let Some(first) = entries.iter().find(|entry| OCCASIONS.contains(&entry.key.as_str())).copied()
        else {
            let problem = Problem::new(node.span.clone(), "a rewrite looks at something");
            self.report(
                problem.help("`client: PACKET`, `broker: PACKET`, `close: broker` or `close: client`"),
            );
            return None;
        };
        entries.retain(|entry| entry.key != first.key);
        if first.key == "close" {
            return match first.value.as_text() {
                Some("broker") => Some((Occasion::BrokerCloses, None)),
                Some("client") => Some((Occasion::ClientCloses, None)),
                _ => {
                    let problem =
                        Problem::new(first.value.span.clone(), "a connection is closed by one side");
                    self.report(problem.help("`close: broker` or `close: client`"));
                    None
                }
            };
        }
        let (packet, shape) = self.packets(&first.value, entries)?;
        let on =
            if first.key == "client" { Occasion::FromClient(packet) } else { Occasion::FromBroker(packet) };
        Some((on, shape))
    }

    /// `after: { packet: …, where: { … } }`.
    fn after(&mut self, node: &Node) -> Option<PacketMatch> {
        let mut entries = self.map(node, "after")?;
        self.known_keys(&entries, "after", &["packet", "where", "breaks"]);
        let Some(packet) = take(&mut entries, "packet") else {
            self.report(Problem::new(node.span.clone(), "`after` names a packet").help("or `packet: any`"));
            return None;
        };
        self.packets(&packet.value, &mut entries).map(|(found, _)| found)
    }

    /// A packet's name, a list of them or `any`, with its `where` and `breaks`.
    fn packets(
        &mut self,
        node: &Node,
        entries: &mut Vec<&Entry>,
    ) -> Option<(PacketMatch, Option<&'static PacketShape>)> {
        let named: Vec<&Node> = match node.as_list() {
            Some(items) => items.iter().collect(),
            None if node.as_text() == Some("any") => Vec::new(),
            None => vec![node],
        };
        let shapes: Vec<&'static PacketShape> =
            named.into_iter().map(|name| self.packet_shape(name)).collect::<Option<_>>()?;
        let shape = shapes.first().copied();
        let fields = match take(entries, "where") {
            Some(entry) => self.conditions(&entry.value, shape),
            None => Vec::new(),
        };
        let breaks = take(entries, "breaks").and_then(|entry| self.statement(&entry.value));
        let names = shapes.iter().map(|shape| shape.name.to_owned()).collect();
        Some((PacketMatch { names, fields, breaks }, shape))
    }

    fn conditions(&mut self, node: &Node, shape: Option<&'static PacketShape>) -> Vec<Condition> {
        let Some(shape) = shape else {
            self.report(Problem::new(node.span.clone(), "`where` needs a packet that has the fields"));
            return Vec::new();
        };
        let entries = self.map(node, "where").unwrap_or_default();
        let mut conditions = Vec::new();
        for entry in entries {
            let Some((list, field)) = self.place(shape, entry) else { continue };
            conditions.extend(self.field(entry, field).map(|field| Condition { list, field }));
        }
        conditions
    }

    /// A field, or `list.field` for a field of every entry of a list.
    fn place(
        &mut self,
        packet: &'static PacketShape,
        entry: &Entry,
    ) -> Option<(Option<String>, &'static FieldShape)> {
        let Some((list, inner)) = entry.key.split_once('.') else {
            return self.field_shape(packet, entry).map(|field| (None, field));
        };
        let fields = packet.fields.iter().find(|field| field.name == list).map(|field| &field.shape);
        if let Some(Shape::List(fields)) = fields
            && let Some(field) = fields.iter().find(|field| field.name == inner)
        {
            return Some((Some(list.to_owned()), field));
        }
        let message = format!("`{}` has no list with a field `{}`", packet.name, entry.key);
        self.report(Problem::new(entry.key_span.clone(), message));
        None
    }

    fn change(
        &mut self,
        node: &Node,
        entries: &mut Vec<&Entry>,
        shape: Option<&'static PacketShape>,
    ) -> Change {
        let change = Change {
            set: take(entries, "set").map(|entry| self.assignments(entry, shape)).unwrap_or_default(),
            unset: take(entries, "unset").map(|entry| self.unset(entry, shape)).unwrap_or_default(),
            malformed: take(entries, "malformed").map(|entry| self.deviations(entry)).unwrap_or_default(),
            before: take(entries, "before").map(|entry| self.templates(&entry.value)).unwrap_or_default(),
            drop: self.flag(entries, "drop"),
            twice: self.flag(entries, "twice"),
            then: take(entries, "then").map(|entry| self.templates(&entry.value)).unwrap_or_default(),
            hold: self.flag(entries, "hold"),
            delay: take(entries, "delay").and_then(|entry| self.duration(&entry.value)),
            answer: take(entries, "answer").map(|entry| self.templates(&entry.value)).unwrap_or_default(),
            hang_up: self.flag(entries, "hang_up"),
        };
        if change == Change::default() {
            let problem = Problem::new(node.span.clone(), "this rewrite changes nothing");
            self.report(problem.help("drop: true, set: { … }, then: [ … ], …: docs/MUTANTS.md"));
        }
        change
    }

    fn flag(&mut self, entries: &mut Vec<&Entry>, key: &str) -> bool {
        take(entries, key).is_some_and(|entry| self.bit(&entry.value, &format!("`{key}`")) == Some(true))
    }

    fn assignments(&mut self, entry: &Entry, shape: Option<&'static PacketShape>) -> Vec<Assignment> {
        let Some(shape) = self.needs_shape(shape, &entry.key_span) else { return Vec::new() };
        let entries = self.map(&entry.value, "set").unwrap_or_default();
        let mut assignments = Vec::new();
        for entry in entries {
            let Some((list, field)) = self.place(shape, entry) else { continue };
            let value = self.new_value(&entry.value, field);
            assignments.extend(value.map(|value| Assignment { list, field: field.name.to_owned(), value }));
        }
        assignments
    }

    fn new_value(&mut self, node: &Node, field: &FieldShape) -> Option<NewValue> {
        if let Kind::Map(entries) = &node.kind
            && let [Entry { key, value, .. }] = entries.as_slice()
        {
            match (key.as_str(), value.as_integer(), value.as_bool()) {
                ("plus", Some(number), _) => return Some(NewValue::Plus(number)),
                ("reversed", _, Some(true)) => return Some(NewValue::Reversed),
                ("shortened", _, Some(true)) => return Some(NewValue::Shortened),
                _ => {}
            }
        }
        self.expression(node, field).map(NewValue::Value)
    }

    fn unset(&mut self, entry: &Entry, shape: Option<&'static PacketShape>) -> Vec<String> {
        let Some(shape) = self.needs_shape(shape, &entry.key_span) else { return Vec::new() };
        let names: Vec<&Node> = entry.value.as_list().unwrap_or_default().iter().collect();
        if names.is_empty() {
            self.report(Problem::new(entry.value.span.clone(), "`unset` is a list of fields"));
        }
        let mut unset = Vec::new();
        for node in names {
            let name = node.as_text().unwrap_or_default();
            if shape.fields.iter().any(|field| field.name == name) {
                unset.push(name.to_owned());
            } else {
                let message = format!("`{}` has no field `{name}`", shape.name);
                let mut problem = Problem::new(node.span.clone(), message);
                problem.help = suggest(name, shape.fields.iter().map(|field| field.name));
                self.report(problem);
            }
        }
        unset
    }

    fn needs_shape(
        &mut self,
        shape: Option<&'static PacketShape>,
        span: &Span,
    ) -> Option<&'static PacketShape> {
        if shape.is_none() {
            self.report(Problem::new(span.clone(), "only a named packet has fields to change"));
        }
        shape
    }

    /// `[{ packet: puback, packet_id: $packet_id }]`.
    fn templates(&mut self, node: &Node) -> Vec<Template> {
        let Some(items) = node.as_list() else {
            self.report(
                Problem::new(node.span.clone(), "this is a list of packets")
                    .help("[{ packet: …, field: … }]"),
            );
            return Vec::new();
        };
        items.iter().filter_map(|item| self.one_template(item)).collect()
    }

    fn one_template(&mut self, node: &Node) -> Option<Template> {
        let mut entries = self.map(node, "a packet")?;
        let Some(name) = take(&mut entries, "packet") else {
            self.report(Problem::new(node.span.clone(), "a packet has a name").help("{ packet: puback, … }"));
            return None;
        };
        let shape = self.packet_shape(&name.value)?;
        let malformed = take(&mut entries, "malformed");
        let mut template = self.template(shape, &entries);
        let has_channel = entries.iter().any(|entry| entry.key == "channel");
        let of_a_channel = !shape.name.starts_with("connection.") && shape.name != "heartbeat";
        if !self.spec.is_mqtt() && of_a_channel && !has_channel {
            template.fields.push((String::from("channel"), Expression::Name(String::from("channel"))));
        }
        template.malformed = malformed.map(|entry| self.deviations(entry)).unwrap_or_default();
        Some(template)
    }
}
