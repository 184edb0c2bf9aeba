//! AMQP's way from an open network connection to open channels.

use super::Lowering;
use super::amqp::{CONNECT_KEYS, matching};
use super::mqtt::packet_pattern;
use super::packet::{Demands, Verb, draft};
use super::value::literal;
use crate::plan::expression::TextPart;
use crate::plan::{Action, ActorId, Expression};
use crate::scenario::diagnostic::Problem;
use crate::scenario::node::Entry;
use mqspec_wire::shape;

impl Lowering<'_> {
    pub(super) fn amqp_connect(&mut self, verb: &Verb<'_>) {
        let actor = verb.actor;
        let Some(mut entries) = self.map(&verb.head.value, "connect") else { return };
        let within = self.within(&mut entries);
        let defaults = self.actors.get(actor.0).map(|actor| actor.defaults.clone()).unwrap_or_default();
        let inherited: Vec<_> =
            defaults.into_iter().filter(|entry| entries.iter().all(|own| own.key != entry.key)).collect();
        entries.extend(inherited);
        self.known_keys(&entries, "connect", CONNECT_KEYS);

        let answer = |lowering: &mut Self, name: &str, bind: Vec<(String, String)>| {
            let pattern = packet_pattern(name, Some(0), Demands { bind, ..Demands::default() });
            lowering.push(matching(actor, vec![pattern], within));
        };
        self.push(Action::Open { actor });
        self.push(Action::Send { actor, packet: draft("protocol-header", vec![]) });
        answer(self, "connection.start", Vec::new());
        self.start_ok(actor, &entries);
        let offered =
            ["channel_max", "frame_max"].map(|field| (field.to_owned(), self.internal(actor, field)));
        self.names.extend(offered.iter().map(|(_, name)| (name.clone(), 0..0)));
        answer(self, "connection.tune", offered.to_vec());
        self.tune_ok(actor, &entries);
        let vhost = self.setting(&entries, "vhost", ("connection.open", "virtual_host"));
        let vhost = vhost.unwrap_or_else(|| Expression::Name(String::from("vhost")));
        let fields = vec![("channel", literal(0)), ("virtual_host", vhost)];
        self.push(Action::Send { actor, packet: draft("connection.open", fields) });
        answer(self, "connection.open-ok", Vec::new());
        for channel in self.channels(&entries) {
            self.open_channel(actor, channel);
        }
    }

    /// The response of PLAIN: NUL, user, NUL, password (RFC 4616).
    fn start_ok(&mut self, actor: ActorId, entries: &[&Entry]) {
        let mut response = vec![TextPart::Literal(String::from("\0"))];
        for (index, key) in ["user", "password"].into_iter().enumerate() {
            if index > 0 {
                response.push(TextPart::Literal(String::from("\0")));
            }
            match self.setting(entries, key, ("connection.start-ok", "response")) {
                None => response.push(TextPart::Name(key.to_owned())),
                Some(Expression::Name(name)) => response.push(TextPart::Name(name)),
                Some(Expression::Text(parts)) => response.extend(parts),
                Some(Expression::Literal(value)) => {
                    response.push(TextPart::Literal(value.as_text().unwrap_or_default().to_owned()));
                }
                Some(
                    Expression::List(_)
                    | Expression::Map(_)
                    | Expression::Tagged(..)
                    | Expression::Repeated { .. },
                ) => {}
            }
        }
        let mut fields = vec![
            ("channel", literal(0)),
            ("mechanism", literal("PLAIN")),
            ("response", Expression::Text(response)),
            ("locale", literal("en_US")),
        ];
        let properties =
            self.setting(entries, "client_properties", ("connection.start-ok", "client_properties"));
        fields.extend(properties.map(|value| ("client_properties", value)));
        self.push(Action::Send { actor, packet: draft("connection.start-ok", fields) });
    }

    /// What the broker offered, or what the author wants; and no heartbeat unless asked for.
    fn tune_ok(&mut self, actor: ActorId, entries: &[&Entry]) {
        let mut fields = vec![("channel", literal(0))];
        for key in ["channel_max", "frame_max"] {
            let name = self.internal(actor, key);
            let own = self.setting(entries, key, ("connection.tune-ok", key));
            if let Some(value) = &own {
                self.push(Action::Bind { name: name.clone(), value: value.clone() });
            }
            fields.push((key, own.unwrap_or(Expression::Name(name))));
        }
        let heartbeat = self.setting(entries, "heartbeat", ("connection.tune-ok", "heartbeat"));
        fields.push(("heartbeat", heartbeat.unwrap_or_else(|| literal(0))));
        self.push(Action::Send { actor, packet: draft("connection.tune-ok", fields) });
    }

    /// A setting of `connect`, read as the field that it ends up in.
    pub(super) fn setting(
        &mut self,
        entries: &[&Entry],
        key: &str,
        place: (&str, &str),
    ) -> Option<Expression> {
        let entry = entries.iter().find(|entry| entry.key == key)?;
        let field = shape(self.spec, place.0)?.fields.iter().find(|field| field.name == place.1)?;
        self.expression(&entry.value, field)
    }

    /// Reports what `connect` could not use.
    pub(super) fn amqp_settings(&mut self, entries: &[&Entry]) {
        self.known_keys(entries, "connect", CONNECT_KEYS);
        self.channels(entries);
        for key in ["user", "password"] {
            self.setting(entries, key, ("connection.start-ok", "response"));
        }
        self.setting(entries, "vhost", ("connection.open", "virtual_host"));
        self.setting(entries, "client_properties", ("connection.start-ok", "client_properties"));
        for key in ["heartbeat", "frame_max", "channel_max"] {
            self.setting(entries, key, ("connection.tune-ok", key));
        }
    }

    pub(super) fn channels(&mut self, entries: &[&Entry]) -> Vec<u16> {
        let Some(entry) = entries.iter().find(|entry| entry.key == "channels") else { return vec![1] };
        let Some(items) = entry.value.as_list() else {
            self.report(
                Problem::new(entry.value.span.clone(), "`channels` is a list of numbers")
                    .help("channels: [1, 2]"),
            );
            return Vec::new();
        };
        items.iter().filter_map(|item| self.channel_number(item)).collect()
    }

    pub(super) fn open_channel(&mut self, actor: ActorId, channel: u16) {
        let fields = vec![("channel", literal(i128::from(channel)))];
        self.push(Action::Send { actor, packet: draft("channel.open", fields) });
        let pattern = packet_pattern("channel.open-ok", Some(channel), Demands::default());
        self.push(matching(actor, vec![pattern], None));
    }
}
