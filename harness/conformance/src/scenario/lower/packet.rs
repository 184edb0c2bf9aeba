//! Single packets: what is sent as written, and what is expected.

use mqspec_wire::{FieldShape, Name, PacketShape, Shape, Side, Spec, Value, malformations, shape, shapes};

use super::Lowering;
use super::value::literal;
use crate::plan::{Action, ActorId, Expression, Field, Template};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Kind, Node, Span};

/// One action of an actor, taken apart.
pub(super) struct Verb<'a> {
    /// Whose it is.
    pub(super) actor: ActorId,
    /// The verb and its value.
    pub(super) head: &'a Entry,
    /// The keys beside it.
    pub(super) beside: Vec<&'a Entry>,
}

/// The parts of a pattern that packets of any kind have.
#[derive(Default)]
pub(super) struct Demands {
    pub(super) fields: Vec<Field>,
    pub(super) should: Vec<Field>,
    pub(super) bind: Vec<(String, String)>,
}

impl Lowering<'_> {
    /// `send: packet, fields…, malformed: { … }`.
    pub(super) fn send(&mut self, mut verb: Verb<'_>) {
        let malformed = take(&mut verb.beside, "malformed");
        let Some(shape) = self.packet_shape(&verb.head.value) else { return };
        if malformed.is_none() && !shape.sent_by.include(Side::Client) {
            self.report(
                Problem::new(
                    verb.head.value.span.clone(),
                    format!("a client does not send `{}`", shape.name),
                )
                .help("to send it on purpose, add `malformed: true`"),
            );
        }
        let channel = self.channel(shape.name, &mut verb.beside);
        let mut packet = self.template(shape, &verb.beside);
        if malformed.is_none() {
            self.identifier_has_a_use(shape.name, &verb.beside);
        }
        if let Some(channel) = channel {
            packet.fields.push((Name::from("channel"), literal(i128::from(channel))));
        }
        self.limit_frames(verb.actor, &mut packet);
        packet.malformed = malformed.map(|entry| self.deviations(entry)).unwrap_or_default();
        self.push(Action::Send { actor: verb.actor, packet });
    }

    /// Fields by name, each with its value.
    pub(super) fn template(&mut self, shape: &PacketShape, entries: &[&Entry]) -> Template {
        let mut packet = Template { name: shape.name.into(), ..Template::default() };
        for entry in entries {
            let Some(field) = self.field_shape(shape, entry) else { continue };
            // A list for a field that is none: the field stands there once for each value.
            let values = match (&entry.value.kind, &field.shape) {
                (Kind::List(items), Shape::Bool | Shape::Unsigned(_) | Shape::Text | Shape::Binary) => {
                    items.as_slice()
                }
                _ => std::slice::from_ref(&entry.value),
            };
            for value in values {
                packet.fields.extend(self.expression(value, field).map(|value| (field.name.into(), value)));
            }
        }
        packet
    }

    /// A body goes out in frames of the size that the actor's `connect` agreed on.
    pub(super) fn limit_frames(&self, actor: ActorId, packet: &mut Template) {
        let agreed = self.internal(actor, "frame_max");
        let says = packet.fields.iter().any(|(name, _)| name == "frame_max");
        if packet.name == "basic.publish" && !says && self.names.contains_key(&agreed) {
            packet.fields.push((Name::from("frame_max"), Expression::Name(agreed)));
        }
    }

    /// A PUBLISH of QoS 0 has no packet identifier.
    fn identifier_has_a_use(&mut self, name: &str, entries: &[&Entry]) {
        let at_most_once = entries
            .iter()
            .find(|entry| entry.key == "qos")
            .is_none_or(|entry| entry.value.kind == Kind::Integer(0));
        let identifier = entries.iter().find(|entry| entry.key == "packet_id");
        if let (Spec::Mqtt311 | Spec::Mqtt50, "publish", true, Some(entry)) =
            (self.spec, name, at_most_once, identifier)
        {
            self.report(
                Problem::new(entry.key_span.clone(), "a QoS 0 PUBLISH carries a packet identifier")
                    .label("to send it on purpose, add `malformed: true`"),
            );
        }
    }

    /// `malformed: true` only lifts checks; a map holds deviations.
    pub(super) fn deviations(&mut self, entry: &Entry) -> Vec<(Name, Expression)> {
        let Kind::Map(entries) = &entry.value.kind else {
            if entry.value.kind != Kind::Bool(true) {
                self.report(
                    Problem::new(entry.value.span.clone(), "`malformed` is `true` or a map")
                        .help("{ flags: 3 }, or `true` where only the loader's own check is in the way"),
                );
            }
            return Vec::new();
        };
        let known = malformations(self.spec);
        let mut deviations = Vec::new();
        for Entry { key, key_span, value } in entries {
            if let Some(shape) = known.iter().find(|shape| shape.name == key) {
                deviations.extend(self.expression(value, shape).map(|value| (shape.name.into(), value)));
            } else {
                let mut problem = Problem::new(key_span.clone(), format!("there is no malformation `{key}`"));
                problem.help = suggest(key, known.iter().map(|shape| shape.name));
                self.report(problem);
            }
        }
        deviations
    }

    /// `send_bytes: { hex: … }`.
    pub(super) fn send_bytes(&mut self, verb: &Verb<'_>) {
        if let Some(bytes) = self.octets(&verb.head.value, &super::value::VALUE) {
            self.push(Action::SendBytes { actor: verb.actor, bytes });
        }
    }

    /// The packet that a node names.
    pub(super) fn packet_shape(&mut self, node: &Node) -> Option<&'static PacketShape> {
        let name = self.packet_name(node)?;
        self.named_shape(name, &node.span)
    }

    pub(super) fn packet_name<'a>(&mut self, node: &'a Node) -> Option<&'a str> {
        if node.as_text().is_none() {
            self.report(Problem::new(
                node.span.clone(),
                format!("a packet's name belongs here, not {}", node.describe()),
            ));
        }
        node.as_text()
    }

    pub(super) fn named_shape(&mut self, name: &str, span: &Span) -> Option<&'static PacketShape> {
        let found = shape(self.spec, name);
        if found.is_none() {
            let mut problem = Problem::new(span.clone(), format!("there is no packet `{name}`"));
            let elsewhere = Spec::ALL.into_iter().find(|spec| shape(*spec, name).is_some());
            problem.help = match elsewhere {
                Some(spec) => Some(format!("it exists in {spec}; write `only: {spec}` beside the step")),
                None => suggest(name, shapes(self.spec).iter().map(|shape| shape.name)),
            };
            self.report(problem);
        }
        found
    }

    /// The field that a key names.
    pub(super) fn field_shape<'s>(
        &mut self,
        packet: &'s PacketShape,
        entry: &Entry,
    ) -> Option<&'s FieldShape> {
        let found = packet.fields.iter().find(|field| field.name == entry.key);
        if found.is_none() {
            self.no_such_field(packet, entry);
        }
        found
    }

    fn no_such_field(&mut self, packet: &PacketShape, entry: &Entry) {
        let message = format!("`{}` has no field `{}`", packet.name, entry.key);
        let mut problem = Problem::new(entry.key_span.clone(), message);
        let elsewhere = Spec::ALL.into_iter().filter(|spec| *spec != self.spec).find(|spec| {
            shape(*spec, packet.name)
                .is_some_and(|shape| shape.fields.iter().any(|field| field.name == entry.key))
        });
        problem.help = match elsewhere {
            Some(spec) => Some(format!("it has one in {spec}: write `{spec}: {{ {}: … }}`", entry.key)),
            None => suggest(&entry.key, packet.fields.iter().map(|field| field.name)),
        };
        self.report(problem);
    }

    /// The channel that an AMQP packet travels on: `channel: n`, or 0 for the connection's own, or 1.
    pub(super) fn channel(&mut self, name: &str, entries: &mut Vec<&Entry>) -> Option<u16> {
        if self.spec.is_mqtt() || name == "protocol-header" {
            return None;
        }
        let of_connection = name.starts_with("connection.") || name == "heartbeat";
        let implied = u16::from(!of_connection);
        let Some(entry) = take(entries, "channel") else { return Some(implied) };
        let channel = self.number(&entry.value, "`channel`", 0, u64::from(u16::MAX))?;
        u16::try_from(channel).ok()
    }

    /// `within: 5s`.
    pub(super) fn within(&mut self, entries: &mut Vec<&Entry>) -> Option<std::time::Duration> {
        let entry = take(entries, "within")?;
        self.duration(&entry.value)
    }

    /// The entries of a map; an empty place counts as an empty map.
    pub(super) fn map<'a>(&mut self, node: &'a Node, what: &str) -> Option<Vec<&'a Entry>> {
        match &node.kind {
            Kind::Map(entries) => Some(self.of_this_version(entries.iter().collect())),
            Kind::Null => Some(Vec::new()),
            Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Text(_) | Kind::List(_) => {
                self.report(
                    Problem::new(node.span.clone(), format!("`{what}` has a map, not {}", node.describe()))
                        .help(format!("{what}: {{ … }}")),
                );
                None
            }
        }
    }

    /// Reports keys that stand beside a verb that takes none.
    pub(super) fn nothing_beside(&mut self, verb: &Verb<'_>) {
        for entry in &verb.beside {
            self.report(
                Problem::new(
                    entry.key_span.clone(),
                    format!("`{}` does not belong beside `{}`", entry.key, verb.head.key),
                )
                .help(format!("perhaps inside: {}: {{ {}: … }}", verb.head.key, entry.key)),
            );
        }
    }
}

/// Takes an entry out.
pub(super) fn take<'a>(entries: &mut Vec<&'a Entry>, key: &str) -> Option<&'a Entry> {
    let at = entries.iter().position(|entry| entry.key == key)?;
    Some(entries.remove(at))
}

/// A field with a value that it must equal.
pub(super) fn equals(name: &str, value: Expression) -> Field {
    Field { name: name.to_owned(), matcher: crate::plan::Matcher::Equals(value) }
}

/// A packet to send, made here.
pub(super) fn draft(name: &'static str, fields: Vec<(&'static str, Expression)>) -> Template {
    Template {
        name: name.into(),
        fields: fields.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        malformed: Vec::new(),
    }
}

/// The integer, where an expression is one.
pub(super) fn constant(expression: &Expression) -> Option<i128> {
    match expression {
        Expression::Literal(Value::Integer(number)) => Some(*number),
        Expression::Literal(_)
        | Expression::Name(_)
        | Expression::Text(_)
        | Expression::List(_)
        | Expression::Map(_)
        | Expression::Tagged(..)
        | Expression::Repeated { .. } => None,
    }
}
