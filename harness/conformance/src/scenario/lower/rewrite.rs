//! One rewrite of a mutant: what it looks at, and what must hold.

use mqspec_wire::{FieldShape, PacketShape, Shape, shape};

use super::Lowering;
use super::packet::take;
use crate::mutant::{Circumstance, Condition, Occasion, PacketMatch, Rewrite};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Node};

/// What a rewrite may say.
const REWRITE_KEYS: &[&str] = &[
    "client",
    "broker",
    "close",
    "record",
    "where",
    "breaks",
    "after",
    "when",
    "previous",
    "nth",
    "overall",
    "only",
    "set",
    "unset",
    "malformed",
    "before",
    "older",
    "drop",
    "twice",
    "then",
    "hold",
    "exchange",
    "to_older",
    "delay",
    "answer",
    "hang_up",
];
/// What begins a rewrite.
const OCCASIONS: &[&str] = &["client", "broker", "close", "record"];

impl Lowering<'_> {
    /// Every rewrite of a mutant.
    pub(super) fn rewrites(&mut self, node: &Node) -> Vec<Rewrite> {
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
        let when = take(&mut entries, "when").map(|entry| self.when(&entry.value)).unwrap_or_default();
        let previous = take(&mut entries, "previous").and_then(|entry| self.previous(&entry.value));
        let nth = take(&mut entries, "nth")
            .and_then(|entry| self.number(&entry.value, "`nth`", 1, u64::from(u32::MAX)));
        let overall = self.flag(&mut entries, "overall");
        let (on, shape) = self.occasion(node, &mut entries)?;
        let action = self.change(node, &mut entries, shape);
        Some(Rewrite { on, after, when, previous, nth, overall, action })
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
            self.report(problem.help(
                "`client: PACKET`, `broker: PACKET`, `close: broker`, `close: client` or `record: NAME`",
            ));
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
        if first.key == "record" {
            return Some((Occasion::Record(texts(&first.value)), None));
        }
        let (packet, shape) = self.packets(&first.value, entries)?;
        let on =
            if first.key == "client" { Occasion::FromClient(packet) } else { Occasion::FromBroker(packet) };
        Some((on, shape))
    }

    /// `when: resumed`, or a list of such words.
    fn when(&mut self, node: &Node) -> Vec<Circumstance> {
        let mut found = Vec::new();
        for word in texts(node) {
            if let Some((_, circumstance)) = Circumstance::WORDS.iter().find(|(known, _)| *known == word) {
                found.push(*circumstance);
            } else {
                let mut problem = Problem::new(node.span.clone(), format!("`{word}` is no circumstance"));
                problem.help = suggest(&word, Circumstance::WORDS.iter().map(|(known, _)| *known));
                self.report(problem);
            }
        }
        found
    }

    /// `previous: { will_topic: … }`: fields of a CONNECT.
    fn previous(&mut self, node: &Node) -> Option<PacketMatch> {
        let Some(shape) = shape(self.spec, "connect") else {
            self.report(Problem::new(node.span.clone(), "only MQTT clients are known again"));
            return None;
        };
        let fields = self.conditions(node, Some(shape));
        Some(PacketMatch { fields, ..PacketMatch::default() })
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
    pub(super) fn place(
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
}

/// One text, or a list of them; `any` is none.
fn texts(node: &Node) -> Vec<String> {
    let one = node.as_text().filter(|text| *text != "any").map(str::to_owned);
    let several = node.as_list().unwrap_or_default().iter().filter_map(Node::as_text).map(str::to_owned);
    one.into_iter().chain(several).collect()
}
