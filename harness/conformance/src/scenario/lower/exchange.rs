//! The exchanges of a PUBLISH at each QoS, in both directions.

use mqspec_wire::{Spec, shape};

use super::Lowering;
use super::mqtt::{LAST_SUCCESS, names};
use super::packet::{Demands, Verb, constant, draft, equals, take};
use super::value::literal;
use crate::plan::{Action, Expression, Field, Matcher};
use crate::scenario::diagnostic::Problem;
use crate::scenario::node::Entry;

impl Lowering<'_> {
    pub(super) fn mqtt_publish(&mut self, verb: &Verb<'_>) {
        let Some(mut entries) = self.map(&verb.head.value, "publish") else { return };
        let within = self.within(&mut entries);
        let answers = ["puback", "pubrec", "pubcomp"].map(|name| take(&mut entries, name));
        let bind = take(&mut entries, "bind");
        let Some(qos) = self.quality(&entries, "publish", "send: publish") else { return };
        let of_qos: &[&str] = match qos {
            0 => &[],
            1 => &["puback"],
            _ => &["pubrec", "pubcomp"],
        };
        for entry in answers.iter().flatten().filter(|entry| !of_qos.contains(&entry.key.as_str())) {
            self.report(Problem::new(
                entry.key_span.clone(),
                format!("a PUBLISH of QoS {qos} is not answered by `{}`", entry.key),
            ));
        }
        let [puback, pubrec, pubcomp] = answers;
        if qos == 0 {
            self.identifier_is_absent(&entries);
            if let Some(bind) = bind {
                self.report(Problem::new(
                    bind.key_span.clone(),
                    "a PUBLISH of QoS 0 has no answer to bind from",
                ));
            }
            self.send_fields(verb.actor, "publish", Vec::new(), &entries);
            return;
        }
        let id = self.packet_identifier(verb.actor, &entries);
        entries.retain(|entry| entry.key != "packet_id");
        self.send_fields(verb.actor, "publish", vec![("packet_id", id.clone())], &entries);
        let (name, first) = if qos == 1 { ("puback", puback) } else { ("pubrec", pubrec) };
        let demands = self.acknowledgement(name, first, bind, &id);
        let refused = refuses(&demands);
        self.answer(verb.actor, name, demands, within);
        if qos == 1 || refused {
            return;
        }
        self.push(Action::Send {
            actor: verb.actor,
            packet: draft("pubrel", vec![("packet_id", id.clone())]),
        });
        let demands = self.acknowledgement("pubcomp", pubcomp, None, &id);
        self.answer(verb.actor, "pubcomp", demands, within);
    }

    fn identifier_is_absent(&mut self, entries: &[&Entry]) {
        if let Some(entry) = entries.iter().find(|entry| entry.key == "packet_id") {
            self.report(
                Problem::new(entry.key_span.clone(), "a QoS 0 PUBLISH carries a packet identifier")
                    .help("to send it on purpose, use `send: publish` with `malformed: true`"),
            );
        }
    }

    /// PUBACK, PUBREC or PUBCOMP of our own PUBLISH: its identifier, and in 5.0 no error unless one is asked for.
    fn acknowledgement(
        &mut self,
        name: &str,
        own: Option<&Entry>,
        bind: Option<&Entry>,
        id: &Expression,
    ) -> Demands {
        let mut demands = self.inner_demands(name, own, bind);
        if !names(&demands, "packet_id") {
            demands.fields.insert(0, equals("packet_id", id.clone()));
        }
        if self.spec == Spec::Mqtt50 && !names(&demands, "reason_code") {
            let matcher = Matcher::AtMost(literal(LAST_SUCCESS));
            demands.fields.push(Field { name: String::from("reason_code"), matcher });
        }
        demands
    }

    pub(super) fn mqtt_receive(&mut self, verb: &Verb<'_>) {
        let Some(mut entries) = self.map(&verb.head.value, "receive") else { return };
        let within = self.within(&mut entries);
        let Some(qos) = self.quality(&entries, "receive", "expect: publish") else { return };
        let Some(publish) = shape(self.spec, "publish") else { return };
        let mut demands = self.demands(publish, entries);
        if !names(&demands, "qos") {
            demands.fields.push(equals("qos", literal(0)));
        }
        let id = self.internal(verb.actor, "packet_id");
        if qos > 0 {
            demands.bind.push((String::from("packet_id"), id.clone()));
        }
        self.expect_next(verb.actor, "publish", demands, within);
        let reply = |name: &'static str| Action::Send {
            actor: verb.actor,
            packet: draft(name, vec![("packet_id", Expression::Name(id.clone()))]),
        };
        match qos {
            0 => {}
            1 => self.push(reply("puback")),
            _ => {
                self.push(reply("pubrec"));
                let fields = vec![equals("packet_id", Expression::Name(id.clone()))];
                self.answer(verb.actor, "pubrel", Demands { fields, ..Demands::default() }, within);
                self.push(reply("pubcomp"));
            }
        }
    }

    /// The QoS, which a composite verb must know to do the exchange.
    fn quality(&mut self, entries: &[&Entry], verb: &str, instead: &str) -> Option<u8> {
        let Some(entry) = entries.iter().find(|entry| entry.key == "qos") else { return Some(0) };
        let qos = entry.value.as_integer().and_then(|qos| u8::try_from(qos).ok()).filter(|qos| *qos <= 2);
        if qos.is_none() {
            self.report(
                Problem::new(entry.value.span.clone(), format!("`{verb}` must know its QoS: 0, 1 or 2"))
                    .help(format!("use `{instead}` and single packets for anything else")),
            );
        }
        qos
    }
}

/// Whether an error is demanded: then the exchange ends with this answer.
fn refuses(demands: &Demands) -> bool {
    let is_error = |value: &Expression| constant(value).is_some_and(|code| code > LAST_SUCCESS);
    demands.fields.iter().filter(|field| field.name == "reason_code").any(|field| match &field.matcher {
        Matcher::Equals(value) | Matcher::AtLeast(value) => is_error(value),
        Matcher::OneOf(values) => values.iter().all(is_error),
        Matcher::Not(_)
        | Matcher::AtMost(_)
        | Matcher::EachAtMost(_)
        | Matcher::Repeats(_)
        | Matcher::Present
        | Matcher::Absent
        | Matcher::Any
        | Matcher::Contains(_)
        | Matcher::Length(_)
        | Matcher::StartsWith(_) => false,
    })
}
