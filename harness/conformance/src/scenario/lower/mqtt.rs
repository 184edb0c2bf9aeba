//! MQTT's composite verbs: a request with its answer, lowered to primitive actions.

use mqspec_wire::{Name, Shape, Spec, shape};

use super::packet::{Demands, Verb, draft, equals, take};
use super::value::literal;
use super::{Lowering, run_name};
use crate::plan::{Action, ActorId, Ending, Expect, Expression, Field, Matcher, Pattern, Take, Template};
use crate::scenario::diagnostic::Problem;
use crate::scenario::node::{Entry, Kind, Node};

/// MQTT verbs, each with what it stands for.
pub(crate) const VERBS: &[(&str, &str)] = &[
    ("connect", "opens the network connection, sends CONNECT, expects CONNACK"),
    ("subscribe", "sends SUBSCRIBE, expects its SUBACK"),
    ("unsubscribe", "sends UNSUBSCRIBE, expects its UNSUBACK"),
    ("publish", "sends PUBLISH and does the whole exchange of its QoS"),
    ("receive", "expects the next PUBLISH and does our side of its exchange"),
    ("ping", "sends PINGREQ, expects PINGRESP"),
    ("disconnect", "sends DISCONNECT, then closes"),
];

/// The largest reason code that is no error (5.0 §2.4).
pub(super) const LAST_SUCCESS: i128 = 0x7f;

impl Lowering<'_> {
    pub(super) fn mqtt_verb(&mut self, verb: &Verb<'_>) {
        self.nothing_beside(verb);
        match verb.head.key.as_str() {
            "connect" => self.mqtt_connect(verb),
            "subscribe" => self.mqtt_subscribe(verb),
            "unsubscribe" => self.mqtt_unsubscribe(verb),
            "publish" => self.mqtt_publish(verb),
            "receive" => self.mqtt_receive(verb),
            "ping" => {
                let within = self.settings_only(verb);
                self.push(Action::Send { actor: verb.actor, packet: draft("pingreq", vec![]) });
                self.answer(verb.actor, "pingresp", Demands::default(), within);
            }
            _ => {
                let entries = self.map(&verb.head.value, "disconnect").unwrap_or_default();
                self.send_fields(verb.actor, "disconnect", Vec::new(), &entries);
                self.push(Action::Close { actor: verb.actor, how: Ending::Fin });
            }
        }
    }

    /// A verb whose map has nothing but `within`.
    fn settings_only(&mut self, verb: &Verb<'_>) -> Option<std::time::Duration> {
        let mut entries = self.map(&verb.head.value, &verb.head.key).unwrap_or_default();
        let within = self.within(&mut entries);
        for entry in entries {
            self.report(Problem::new(
                entry.key_span.clone(),
                format!("`{}` has no field `{}`", verb.head.key, entry.key),
            ));
        }
        within
    }

    fn mqtt_connect(&mut self, verb: &Verb<'_>) {
        let Some(mut entries) = self.map(&verb.head.value, "connect") else { return };
        let within = self.within(&mut entries);
        let bind = take(&mut entries, "bind");
        let should = take(&mut entries, "should");
        let connack = take(&mut entries, "connack");
        let (Some(connect_shape), Some(connack_shape)) =
            (shape(self.spec, "connect"), shape(self.spec, "connack"))
        else {
            return;
        };
        // A name that both packets have belongs to CONNECT; those that only CONNACK has are expectations.
        let is_answer = |entry: &&Entry| {
            connect_shape.fields.iter().all(|field| field.name != entry.key)
                && connack_shape.fields.iter().any(|field| field.name == entry.key)
        };
        let (mut expected, entries): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_answer);
        if let Some(inner) = connack.and_then(|entry| self.map(&entry.value, "connack")) {
            expected.extend(inner);
        }
        expected.extend(bind);
        expected.extend(should);

        self.push(Action::Open { actor: verb.actor });
        let defaults = self.actors.get(verb.actor.0).map(|actor| actor.defaults.clone()).unwrap_or_default();
        let overridden = |entry: &&&Entry| entries.iter().all(|own| own.key != entry.key);
        let mut all: Vec<&Entry> = defaults.iter().filter(overridden).copied().collect();
        all.extend(entries.iter().copied());
        let packet = self.connect_packet(verb.actor, all);
        self.push(Action::Send { actor: verb.actor, packet });
        let mut demands = self.demands(connack_shape, expected);
        if !names(&demands, "reason_code") {
            demands.fields.insert(0, equals("reason_code", literal(0)));
        }
        self.answer(verb.actor, "connack", demands, within);
    }

    /// Reports what `connect` could not use of an actor's defaults.
    pub(super) fn check_connect(&mut self, actor: ActorId, defaults: &[&Entry]) {
        if self.spec.is_mqtt() {
            self.connect_packet(actor, defaults.to_vec());
        } else {
            self.amqp_settings(defaults);
        }
    }

    /// CONNECT with an actor's ways and the author's words.
    pub(super) fn connect_packet(&mut self, actor: ActorId, mut entries: Vec<&Entry>) -> Template {
        let session_expiry = take(&mut entries, "session_expiry");
        let will = take(&mut entries, "will");
        let says = |key: &str| entries.iter().any(|entry| entry.key == key);
        let mut fields = Vec::new();
        if !says("client_id") {
            let name = self.actors.get(actor.0).map_or("", |actor| actor.name);
            fields.push(("client_id", run_name(name)));
        }
        if !says("clean_start") {
            fields.push(("clean_start", literal(true)));
        }
        if !says("keep_alive") {
            fields.push(("keep_alive", literal(0)));
        }
        let mut packet = draft("connect", fields);
        if let Some(shape) = shape(self.spec, "connect") {
            packet.fields.extend(self.template(shape, &entries).fields);
        }
        if let Some(entry) = session_expiry
            && let Some(expiry) = self.duration(&entry.value)
            && self.spec == Spec::Mqtt50
        {
            if expiry.subsec_nanos() != 0 || u32::try_from(expiry.as_secs()).is_err() {
                self.report(
                    Problem::new(entry.value.span.clone(), "no Session Expiry Interval can say this")
                        .help("it counts whole seconds, 4294967295 at most"),
                );
            }
            let seconds = literal(i128::from(expiry.as_secs()));
            packet.fields.push((Name::from("session_expiry_interval"), seconds));
        }
        if let Some(entry) = will {
            packet.fields.extend(self.will(&entry.value));
        }
        packet
    }

    /// `will: { topic, payload, qos, retain, … }`: CONNECT's `will_` fields.
    fn will(&mut self, node: &Node) -> Vec<(Name, Expression)> {
        let Some(connect) = shape(self.spec, "connect") else { return Vec::new() };
        let mut fields = Vec::new();
        for entry in self.map(node, "will").unwrap_or_default() {
            let prefixed = Entry { key: format!("will_{}", entry.key), ..entry.clone() };
            if let Some(field) = self.field_shape(connect, &prefixed)
                && let Some(value) = self.expression(&entry.value, field)
            {
                fields.push((field.name.into(), value));
            }
        }
        fields
    }

    fn mqtt_subscribe(&mut self, verb: &Verb<'_>) {
        let Some((subscriptions, mut entries)) = self.subscriptions(&verb.head.value) else { return };
        let granted = subscriptions.iter().map(|one| requested_qos(one).unwrap_or_else(|| literal(0)));
        let granted = granted.collect();
        let within = self.within(&mut entries);
        let suback = take(&mut entries, "suback");
        let bind = take(&mut entries, "bind");
        let id = self.packet_identifier(verb.actor, &entries);
        let own = vec![("packet_id", id.clone()), ("subscriptions", Expression::List(subscriptions))];
        entries.retain(|entry| entry.key != "packet_id");
        self.send_fields(verb.actor, "subscribe", own, &entries);

        let mut demands = self.inner_demands("suback", suback, bind);
        demands.fields.insert(0, equals("packet_id", id));
        if !names(&demands, "reason_codes") {
            let matcher = Matcher::EachAtMost(granted);
            demands.fields.push(Field { name: String::from("reason_codes"), matcher });
        }
        self.answer(verb.actor, "suback", demands, within);
    }

    /// What `subscribe` is about: one filter, a list of them, or `subscriptions` with other fields beside it.
    pub(super) fn subscriptions<'n>(&mut self, node: &'n Node) -> Option<(Vec<Expression>, Vec<&'n Entry>)> {
        let (list, entries): (Vec<&Node>, Vec<&Entry>) = match &node.kind {
            Kind::List(items) => (items.iter().collect(), Vec::new()),
            Kind::Map(entries) => match entries.iter().find(|entry| entry.key == "subscriptions") {
                Some(list) => {
                    let rest = entries.iter().filter(|entry| entry.key != "subscriptions").collect();
                    let rest = self.of_this_version(rest);
                    (list.value.as_list().unwrap_or_default().iter().collect(), rest)
                }
                None => (vec![node], Vec::new()),
            },
            Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Text(_) => {
                (vec![node], Vec::new())
            }
        };
        if list.is_empty() {
            self.report(
                Problem::new(node.span.clone(), "a subscription to nothing").help(
                    "an empty SUBSCRIBE is malformed; write it with `send: subscribe, subscriptions: []`",
                ),
            );
            return None;
        }
        let subscribe = shape(self.spec, "subscribe")?;
        let field = subscribe.fields.iter().find(|field| field.name == "subscriptions")?;
        let Shape::List(entry_shape) = &field.shape else { return None };
        let mut subscriptions = Vec::new();
        for item in list {
            subscriptions.extend(if item.as_text().is_some() {
                let filter = entry_shape.iter().find(|field| field.name == "filter").unwrap_or(field);
                let filter = self.expression(item, filter);
                filter.map(|filter| Expression::Map(vec![(String::from("filter"), filter)]))
            } else {
                self.item(item, field, entry_shape)
            });
        }
        Some((subscriptions, entries))
    }

    fn mqtt_unsubscribe(&mut self, verb: &Verb<'_>) {
        let Some((filters, mut entries)) = self.filters(&verb.head.value) else { return };
        let within = self.within(&mut entries);
        let unsuback = take(&mut entries, "unsuback");
        let bind = take(&mut entries, "bind");
        let id = self.packet_identifier(verb.actor, &entries);
        let answers = filters.len();
        entries.retain(|entry| entry.key != "packet_id");
        let own = vec![("packet_id", id.clone()), ("filters", Expression::List(filters))];
        self.send_fields(verb.actor, "unsubscribe", own, &entries);

        let mut demands = self.inner_demands("unsuback", unsuback, bind);
        demands.fields.insert(0, equals("packet_id", id));
        if self.spec == Spec::Mqtt50 && !names(&demands, "reason_codes") {
            let matcher = Matcher::EachAtMost(vec![literal(LAST_SUCCESS); answers]);
            demands.fields.push(Field { name: String::from("reason_codes"), matcher });
        }
        self.answer(verb.actor, "unsuback", demands, within);
    }

    /// What `unsubscribe` is about: one filter, a list of them, or `filters` with other fields beside it.
    pub(super) fn filters<'n>(&mut self, node: &'n Node) -> Option<(Vec<Expression>, Vec<&'n Entry>)> {
        let (list, entries): (Vec<&Node>, Vec<&Entry>) = match &node.kind {
            Kind::List(items) => (items.iter().collect(), Vec::new()),
            Kind::Map(entries) => {
                let filters = entries.iter().find(|entry| entry.key == "filters");
                let rest = entries.iter().filter(|entry| entry.key != "filters").collect();
                let rest = self.of_this_version(rest);
                (filters.and_then(|entry| entry.value.as_list()).unwrap_or_default().iter().collect(), rest)
            }
            Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Text(_) => {
                (vec![node], Vec::new())
            }
        };
        if list.is_empty() {
            self.report(
                Problem::new(node.span.clone(), "an end of no subscription")
                    .help("unsubscribe: \"${run}/a\", [\"${run}/a\", \"${run}/b\"], or { filters: […] }"),
            );
            return None;
        }
        let filters = list.iter().filter_map(|item| self.octets(item, &super::value::VALUE)).collect();
        Some((filters, entries))
    }

    /// The author's packet identifier, or the actor's next free one.
    pub(super) fn packet_identifier(&mut self, actor: ActorId, entries: &[&Entry]) -> Expression {
        let own = entries.iter().find(|entry| entry.key == "packet_id");
        if let Some(entry) = own {
            let field = shape(self.spec, "puback")
                .and_then(|shape| shape.fields.iter().find(|field| field.name == "packet_id"));
            if let Some(value) = field.and_then(|field| self.expression(&entry.value, field)) {
                return value;
            }
        }
        literal(i128::from(self.next_identifier(actor)))
    }

    /// Sends a packet with fields made here and fields of the author's.
    pub(super) fn send_fields(
        &mut self,
        actor: ActorId,
        name: &'static str,
        own: Vec<(&'static str, Expression)>,
        entries: &[&Entry],
    ) {
        let mut packet = draft(name, own);
        if let Some(shape) = shape(self.spec, name) {
            packet.fields.extend(self.template(shape, entries).fields);
        }
        self.limit_frames(actor, &mut packet);
        self.push(Action::Send { actor, packet });
    }

    /// Demands written inside a verb's map: `puback: { … }`, with a `bind` beside it.
    pub(super) fn inner_demands(&mut self, name: &str, own: Option<&Entry>, bind: Option<&Entry>) -> Demands {
        let mut inner = own.and_then(|entry| self.map(&entry.value, name)).unwrap_or_default();
        inner.extend(bind);
        match shape(self.spec, name) {
            Some(shape) => self.demands(shape, inner),
            None => Demands::default(),
        }
    }

    /// Expects the answer inside a composite verb: unrelated packets may come before it.
    pub(super) fn answer(
        &mut self,
        actor: ActorId,
        name: &str,
        demands: Demands,
        within: Option<std::time::Duration>,
    ) {
        let pattern = packet_pattern(name, None, demands);
        self.push(Action::Expect(Expect {
            actor,
            alternatives: vec![pattern],
            take: Take::Matching,
            within,
        }));
    }

    pub(super) fn expect_next(
        &mut self,
        actor: ActorId,
        name: &str,
        demands: Demands,
        within: Option<std::time::Duration>,
    ) {
        let pattern = packet_pattern(name, None, demands);
        self.push(Action::Expect(Expect { actor, alternatives: vec![pattern], take: Take::Next, within }));
    }
}

/// A pattern for a packet.
pub(super) fn packet_pattern(name: &str, channel: Option<u16>, demands: Demands) -> Pattern {
    let Demands { fields, should, bind } = demands;
    Pattern::Packet { name: name.to_owned(), channel, fields, should, bind }
}

/// Whether a field is spoken of.
pub(super) fn names(demands: &Demands, field: &str) -> bool {
    demands.fields.iter().any(|own| own.name == field)
}

fn requested_qos(subscription: &Expression) -> Option<Expression> {
    let Expression::Map(fields) = subscription else { return None };
    fields.iter().find(|(name, _)| name == "qos").map(|(_, value)| value.clone())
}
