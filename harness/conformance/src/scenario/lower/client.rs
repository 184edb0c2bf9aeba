//! Steps of a client (`role: client`): what it is asked for. It does the rest by itself, so nothing is expected here.

use mqspec_wire::{Name, shape};

use super::packet::{Verb, draft, take};
use super::value::literal;
use super::{Lowering, amqp, mqtt};
use crate::plan::{Action, ActorId, Expression, Role, Template};
use crate::scenario::diagnostic::{Problem, suggest};
use crate::scenario::node::{Entry, Node};

/// What an MQTT client can be asked for.
const MQTT: &[&str] = &["connect", "subscribe", "unsubscribe", "publish", "disconnect", "close", "reset"];
/// What an AMQP client can be asked for.
const AMQP: &[&str] = &["connect", "call", "publish", "disconnect", "close", "reset"];
/// What an AMQP client can say to a delivery; `hold` says nothing. A message that comes again it acknowledges.
pub(in crate::scenario) const ANSWERS: &[&str] = &["ack", "reject", "requeue", "hold"];
/// Fields that a client chooses by itself.
const ITS_OWN: &[&str] = &["packet_id", "dup", "topic_alias"];

impl Lowering<'_> {
    /// `role: client`.
    pub(super) fn role(&mut self, node: &Node) -> Role {
        match node.as_text() {
            Some("scripted") => Role::Scripted,
            Some("client") => Role::Client { connect: Template::default() },
            _ => {
                self.report(Problem::new(node.span.clone(), "a role is `client` or `scripted`").help(
                    "a client keeps its side of the protocol by itself; without a role an actor is scripted",
                ));
                Role::Scripted
            }
        }
    }

    pub(super) fn is_client(&self, actor: ActorId) -> bool {
        self.actors.get(actor.0).is_some_and(|actor| actor.role != Role::Scripted)
    }

    /// How a client connects when nobody says anything else.
    pub(super) fn client_connect(&mut self, actor: ActorId, entries: Vec<&Entry>) -> Template {
        if self.spec.is_mqtt() {
            return self.connect_packet(actor, entries);
        }
        let mut entries = entries;
        let answers = take(&mut entries, "answers");
        self.amqp_settings(&entries);
        let mut connect = draft("connect", Vec::new());
        for (key, place) in [
            ("user", ("connection.start-ok", "response")),
            ("password", ("connection.start-ok", "response")),
            ("vhost", ("connection.open", "virtual_host")),
        ] {
            let value = self.setting(&entries, key, place);
            let value = value.unwrap_or_else(|| Expression::Name(key.to_owned()));
            connect.fields.push((key.into(), value));
        }
        for (key, place) in [
            ("heartbeat", ("connection.tune-ok", "heartbeat")),
            ("frame_max", ("connection.tune-ok", "frame_max")),
            ("channel_max", ("connection.tune-ok", "channel_max")),
        ] {
            let value = self.setting(&entries, key, place);
            connect.fields.extend(value.map(|value| (key.into(), value)));
        }
        let channels = self.channels(&entries).into_iter().map(|channel| literal(i128::from(channel)));
        connect.fields.push((Name::from("channels"), Expression::List(channels.collect())));
        let answers = answers.map(|entry| self.answers(&entry.value));
        connect.fields.extend(answers.map(|answers| (Name::from("answers"), Expression::List(answers))));
        connect
    }

    /// `answers: [ack, requeue]`: what a client says to deliveries, over and over.
    fn answers(&mut self, node: &Node) -> Vec<Expression> {
        let words = node.as_list().unwrap_or(std::slice::from_ref(node));
        let mut answers = Vec::new();
        for word in words {
            match word.as_text() {
                Some(known) if ANSWERS.contains(&known) => answers.push(literal(known)),
                _ => self.report(
                    Problem::new(word.span.clone(), "a client does not say this to a delivery")
                        .help(format!("answers: a list of {}", ANSWERS.join(", "))),
                ),
            }
        }
        answers
    }

    /// `alice: { verb: … }` of a client.
    pub(super) fn client_action(&mut self, actor: ActorId, head: &Entry) {
        let verbs = if self.spec.is_mqtt() { MQTT } else { AMQP };
        let Some([first, beside @ ..]) = head.value.as_map() else {
            let message = format!("`{}` does nothing here", head.key);
            let help = format!("{}: {{ verb: … }}, with {}", head.key, verbs.join(", "));
            self.report(Problem::new(head.value.span.clone(), message).help(help));
            return;
        };
        let beside = self.of_this_version(beside.iter().collect());
        let verb = Verb { actor, head: first, beside };
        if !verbs.contains(&first.key.as_str()) {
            let known = super::steps::VERBS.iter().chain(mqtt::VERBS).chain(amqp::VERBS);
            let mut problem = Problem::new(
                first.key_span.clone(),
                format!("`{}` is not something that a client is asked for", first.key),
            );
            problem.help = if known.clone().any(|(verb, _)| *verb == first.key) {
                Some(format!(
                    "it does that by itself, or a scripted actor does it; ask it to {}",
                    verbs.join(", ")
                ))
            } else {
                suggest(&first.key, verbs.iter().copied())
            };
            self.report(problem);
            return;
        }
        if first.key != "call" {
            self.nothing_beside(&verb);
        }
        match first.key.as_str() {
            "close" | "reset" => self.connection(&verb),
            _ => {
                let request =
                    if self.spec.is_mqtt() { self.mqtt_request(&verb) } else { self.amqp_request(&verb) };
                if let Some(request) = request {
                    self.push(Action::Do { actor, request });
                }
            }
        }
    }

    fn mqtt_request(&mut self, verb: &Verb<'_>) -> Option<Template> {
        let node = &verb.head.value;
        let name = verb.head.key.as_str();
        let (own, entries) = match name {
            "connect" => {
                let entries = self.map(node, name)?;
                let defaults =
                    self.actors.get(verb.actor.0).map(|actor| actor.defaults.clone()).unwrap_or_default();
                let mut all: Vec<&Entry> = defaults
                    .into_iter()
                    .filter(|entry| entries.iter().all(|own| own.key != entry.key))
                    .collect();
                all.extend(entries);
                return Some(self.connect_packet(verb.actor, all));
            }
            "subscribe" => {
                let (subscriptions, entries) = self.subscriptions(node)?;
                (vec![("subscriptions", Expression::List(subscriptions))], entries)
            }
            "unsubscribe" => {
                let (filters, entries) = self.filters(node)?;
                (vec![("filters", Expression::List(filters))], entries)
            }
            _ => (Vec::new(), self.map(node, name)?),
        };
        self.fields_of_its_own(&entries);
        let shape = shape(self.spec, name)?;
        let mut request = draft(shape.name, own);
        request.fields.extend(self.template(shape, &entries).fields);
        Some(request)
    }

    fn amqp_request(&mut self, verb: &Verb<'_>) -> Option<Template> {
        let node = &verb.head.value;
        match verb.head.key.as_str() {
            "connect" => {
                let mut entries = self.map(node, "connect")?;
                let defaults = self.actors.get(verb.actor.0).map(|actor| actor.defaults.clone());
                let inherited = defaults.into_iter().flatten();
                let inherited: Vec<&Entry> =
                    inherited.filter(|entry| entries.iter().all(|own| own.key != entry.key)).collect();
                entries.extend(inherited);
                Some(self.client_connect(verb.actor, entries))
            }
            "disconnect" => {
                self.map(node, "disconnect")?;
                Some(draft("connection.close", Vec::new()))
            }
            "publish" => {
                let mut entries = self.map(node, "publish")?;
                self.amqp_template("basic.publish", &mut entries)
            }
            _ => {
                let name = self.packet_name(node)?;
                let method = self.named_shape(name, &node.span)?;
                let mut entries = verb.beside.clone();
                self.amqp_template(method.name, &mut entries)
            }
        }
    }

    fn amqp_template(&mut self, name: &str, entries: &mut Vec<&Entry>) -> Option<Template> {
        let channel = self.channel(name, entries)?;
        let mut request = self.template(shape(self.spec, name)?, entries);
        request.fields.push((Name::from("channel"), literal(i128::from(channel))));
        Some(request)
    }

    /// Reports fields that a client fills in by itself.
    fn fields_of_its_own(&mut self, entries: &[&Entry]) {
        for entry in entries.iter().filter(|entry| ITS_OWN.contains(&entry.key.as_str())) {
            self.report(
                Problem::new(entry.key_span.clone(), format!("a client chooses `{}` by itself", entry.key))
                    .help("take it out, or let a scripted actor send the packet"),
            );
        }
    }
}
