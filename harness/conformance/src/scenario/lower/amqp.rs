//! AMQP's composite verbs: a method with its answer, lowered to primitive actions.

use std::time::Duration;

use mqspec_wire::{PacketShape, shape};

use super::Lowering;
use super::mqtt::packet_pattern;
use super::packet::{Demands, Verb, draft, take};
use super::value::literal;
use crate::plan::{Action, ActorId, Ending, Expect, Expression, Pattern, Take};
use crate::scenario::diagnostic::{Problem, list};
use crate::scenario::node::{Entry, Kind, Node};

/// AMQP verbs, each with what it stands for.
pub(crate) const VERBS: &[(&str, &str)] = &[
    ("connect", "opens the network connection, logs in, opens the vhost and the channels"),
    ("open_channel", "sends channel.open, expects channel.open-ok"),
    ("close_channel", "sends channel.close, expects channel.close-ok"),
    ("disconnect", "sends connection.close, expects connection.close-ok, then closes"),
    ("call", "sends a method, expects its answer on the same channel"),
    ("publish", "sends basic.publish with content; with `confirmed`, expects its confirm"),
    ("receive", "expects the next basic.deliver and acknowledges it"),
    ("expect_channel_error", "expects channel.close, answers channel.close-ok"),
    ("expect_connection_error", "expects connection.close and the end of the connection"),
];

/// What an actor's `connect` understands.
pub(crate) const CONNECT_KEYS: &[&str] =
    &["user", "password", "vhost", "heartbeat", "frame_max", "channel_max", "client_properties", "channels"];

impl Lowering<'_> {
    pub(super) fn amqp_verb(&mut self, mut verb: Verb<'_>) {
        match verb.head.key.as_str() {
            "call" => return self.call(verb),
            "expect_channel_error" | "expect_connection_error" => {}
            _ => self.nothing_beside(&verb),
        }
        let value = &verb.head.value;
        match verb.head.key.as_str() {
            "connect" => self.amqp_connect(&verb),
            "open_channel" => {
                if let Some(channel) = self.channel_number(value) {
                    self.open_channel(verb.actor, channel);
                }
            }
            "close_channel" => {
                if let Some(channel) = self.channel_number(value) {
                    self.closing(verb.actor, "channel.close", channel);
                }
            }
            "disconnect" => {
                self.map(value, "disconnect");
                self.closing(verb.actor, "connection.close", 0);
                self.push(Action::Close { actor: verb.actor, how: Ending::Fin });
            }
            "publish" => self.amqp_publish(&verb),
            "receive" => self.amqp_receive(&verb),
            "expect_channel_error" => self.channel_error(&mut verb),
            _ => self.connection_error(&mut verb),
        }
    }

    pub(super) fn channel_number(&mut self, node: &Node) -> Option<u16> {
        u16::try_from(self.number(node, "a channel", 1, u64::from(u16::MAX))?).ok()
    }

    /// `channel.close` or `connection.close` with 200, and its answer.
    fn closing(&mut self, actor: ActorId, method: &'static str, channel: u16) {
        let fields = vec![
            ("channel", literal(i128::from(channel))),
            ("reply_code", literal(200)),
            ("reply_text", literal("bye")),
        ];
        self.push(Action::Send { actor, packet: draft(method, fields) });
        let pattern = packet_pattern(&format!("{method}-ok"), Some(channel), Demands::default());
        self.push(matching(actor, vec![pattern], None));
    }

    /// `call: queue.declare, queue: q, reply: { … }, bind: { … }`.
    fn call(&mut self, mut verb: Verb<'_>) {
        let within = self.within(&mut verb.beside);
        let reply = take(&mut verb.beside, "reply");
        let bind = take(&mut verb.beside, "bind");
        let Some(method) = self.packet_shape(&verb.head.value) else { return };
        if method.replies.is_empty() {
            self.report(
                Problem::new(verb.head.value.span.clone(), format!("`{}` has no answer", method.name))
                    .help("use `send`"),
            );
        }
        if let Some(entry) =
            verb.beside.iter().find(|entry| entry.key == "no_wait" && entry.value.kind == Kind::Bool(true))
        {
            self.report(
                Problem::new(entry.key_span.clone(), "a method with `no_wait` has no answer")
                    .help("use `send`"),
            );
        }
        let channel = self.channel(method.name, &mut verb.beside);
        let own = channel.map(|channel| ("channel", literal(i128::from(channel))));
        self.send_fields(verb.actor, method.name, own.into_iter().collect(), &verb.beside);
        let alternatives = self.replies(method, reply, bind, channel);
        if !alternatives.is_empty() {
            self.push(matching(verb.actor, alternatives, within));
        }
    }

    /// The answers that a `reply` allows: all that the method has, one by name, or those with its fields.
    fn replies(
        &mut self,
        method: &PacketShape,
        reply: Option<&Entry>,
        bind: Option<&Entry>,
        channel: Option<u16>,
    ) -> Vec<Pattern> {
        let mut shapes: Vec<_> = method.replies.iter().filter_map(|name| shape(self.spec, name)).collect();
        let mut fields: Vec<&Entry> = Vec::new();
        match reply.map(|entry| &entry.value) {
            None => {}
            Some(node) => {
                let (named, inner) = match &node.kind {
                    Kind::Text(name) => (Some((name, node.span.clone())), None),
                    Kind::Map(entries) => match entries.as_slice() {
                        [only] if only.key.contains('.') => {
                            (Some((&only.key, only.key_span.clone())), Some(&only.value))
                        }
                        _ => (None, Some(node)),
                    },
                    Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::List(_) => {
                        (None, Some(node))
                    }
                };
                if let Some((name, span)) = named {
                    shapes.retain(|shape| shape.name == name);
                    if shapes.is_empty() {
                        self.report(
                            Problem::new(span, format!("`{name}` does not answer `{}`", method.name))
                                .help(format!("its answers: {}", list(method.replies))),
                        );
                        return Vec::new();
                    }
                }
                fields = inner.and_then(|node| self.map(node, "reply")).unwrap_or_default();
            }
        }
        let bound: Vec<&Entry> =
            bind.and_then(|entry| entry.value.as_map()).unwrap_or_default().iter().collect();
        let has_all = |shape: &&&PacketShape| {
            let has = |entry: &&Entry| {
                ["should", "bind"].contains(&entry.key.as_str())
                    || shape.fields.iter().any(|field| field.name == entry.key)
            };
            fields.iter().all(has) && bound.iter().all(has)
        };
        let fitting: Vec<_> = shapes.iter().filter(has_all).copied().collect();
        let fitting = if fitting.is_empty() { shapes.into_iter().take(1).collect() } else { fitting };
        fields.extend(bind);
        let several = fitting.len() > 1;
        let before = self.names.clone();
        let mut patterns = Vec::new();
        for shape in fitting {
            if several {
                self.names.clone_from(&before);
            }
            let demands = self.demands(shape, fields.clone());
            patterns.push(packet_pattern(shape.name, channel, demands));
        }
        patterns
    }

    fn amqp_publish(&mut self, verb: &Verb<'_>) {
        let Some(mut entries) = self.map(&verb.head.value, "publish") else { return };
        let within = self.within(&mut entries);
        let confirmed = take(&mut entries, "confirmed");
        let bind = take(&mut entries, "bind");
        let channel = self.channel("basic.publish", &mut entries);
        let channel_field = channel.map(|channel| ("channel", literal(i128::from(channel))));
        self.send_fields(verb.actor, "basic.publish", channel_field.into_iter().collect(), &entries);
        let Some(confirmed) = confirmed else {
            if let Some(bind) = bind {
                self.report(
                    Problem::new(
                        bind.key_span.clone(),
                        "without `confirmed` there is no answer to bind from",
                    )
                    .help("add `confirmed: ack`"),
                );
            }
            return;
        };
        let name = match confirmed.value.as_text() {
            Some("ack") => "basic.ack",
            Some("nack") => "basic.nack",
            _ => {
                self.report(Problem::new(confirmed.value.span.clone(), "`confirmed` is `ack` or `nack`"));
                return;
            }
        };
        if let Some(shape) = shape(self.spec, name) {
            let demands = self.demands(shape, bind.into_iter().collect());
            self.push(matching(verb.actor, vec![packet_pattern(name, channel, demands)], within));
        }
    }

    fn amqp_receive(&mut self, verb: &Verb<'_>) {
        let Some(mut entries) = self.map(&verb.head.value, "receive") else { return };
        let within = self.within(&mut entries);
        let ack = take(&mut entries, "ack");
        let ack = ack.and_then(|entry| self.bit(&entry.value, "`ack`")).unwrap_or(true);
        let channel = self.channel("basic.deliver", &mut entries);
        let Some(deliver) = shape(self.spec, "basic.deliver") else { return };
        let mut demands = self.demands(deliver, entries);
        let tag = self.internal(verb.actor, "delivery_tag");
        if ack {
            demands.bind.push((String::from("delivery_tag"), tag.clone()));
        }
        let pattern = packet_pattern("basic.deliver", channel, demands);
        self.push(Action::Expect(Expect {
            actor: verb.actor,
            alternatives: vec![pattern],
            take: Take::Next,
            within,
        }));
        if let (true, Some(channel)) = (ack, channel) {
            let fields =
                vec![("channel", literal(i128::from(channel))), ("delivery_tag", Expression::Name(tag))];
            self.push(Action::Send { actor: verb.actor, packet: draft("basic.ack", fields) });
        }
    }

    fn channel_error(&mut self, verb: &mut Verb<'_>) {
        let mut entries = self.map(&verb.head.value, &verb.head.key).unwrap_or_default();
        entries.append(&mut verb.beside);
        let within = self.within(&mut entries);
        let channel = self.channel("channel.close", &mut entries);
        let Some(close) = shape(self.spec, "channel.close") else { return };
        let demands = self.demands(close, entries);
        let pattern = packet_pattern("channel.close", channel, demands);
        self.push(Action::Expect(Expect {
            actor: verb.actor,
            alternatives: vec![pattern],
            take: Take::Next,
            within,
        }));
        if let Some(channel) = channel {
            let fields = vec![("channel", literal(i128::from(channel)))];
            self.push(Action::Send { actor: verb.actor, packet: draft("channel.close-ok", fields) });
        }
    }

    /// The run layer answers a farewell's `connection.close` with close-ok by itself.
    fn connection_error(&mut self, verb: &mut Verb<'_>) {
        let mut entries = self.map(&verb.head.value, &verb.head.key).unwrap_or_default();
        entries.append(&mut verb.beside);
        let within = self.within(&mut entries);
        if let Some(pattern) = self.pattern("closed", &verb.head.key_span, entries) {
            self.push(Action::Expect(Expect {
                actor: verb.actor,
                alternatives: vec![pattern],
                take: Take::Next,
                within,
            }));
        }
    }
}

pub(super) fn matching(actor: ActorId, alternatives: Vec<Pattern>, within: Option<Duration>) -> Action {
    Action::Expect(Expect { actor, alternatives, take: Take::Matching, within })
}
