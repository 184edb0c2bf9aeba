//! The bytes of a client as steps of a scenario: a packet that the tester's codec would write itself as `send`, any
//! other bytes as they are.

use std::fmt::Write as _;

use mqspec_conformance::plan::{Action, Bindings};
use mqspec_conformance::scenario;
use mqspec_wire::fuzz::{draft_of, hex, is_lost};
use mqspec_wire::{Decoder, Draft, Packet, Side, Spec, Value, encode};

/// What one client sends, cut into steps.
#[derive(Debug)]
pub(super) struct Stream {
    spec: Spec,
    decoder: Decoder,
    /// Framing was lost, so nothing that follows is a packet.
    is_lost: bool,
}

impl Stream {
    /// Of a new connection.
    pub(super) fn new(spec: Spec) -> Self {
        Self { spec, decoder: Decoder::new(spec, Side::Client), is_lost: false }
    }

    /// What an actor does to send these bytes, a step each: `send: pingreq`, `send_bytes: { hex: "c0" } # …`.
    pub(super) fn steps(&mut self, bytes: &[u8]) -> Vec<(String, Option<String>)> {
        let whole_before = self.decoder.rest().is_empty() && !self.is_lost;
        if bytes.is_empty() {
            return Vec::new();
        }
        self.decoder.push(bytes);
        let packets: Vec<_> = std::iter::from_fn(|| self.decoder.next_packet()).collect();
        self.is_lost |= packets.iter().any(is_lost);
        let framed: usize = packets.iter().map(|packet| packet.raw.len()).sum();
        if !whole_before || framed > bytes.len() {
            return vec![raw(bytes, "behind the start of a packet")];
        }
        let mut steps = Vec::new();
        let mut rest = packets.as_slice();
        while let Some((first, behind)) = rest.split_first() {
            let parts = 1 + behind.iter().take_while(|part| is_content(part)).count();
            let (together, later) = rest.split_at(if is_method(first) { parts } else { 1 });
            if let Some(step) = content(self.spec, together) {
                steps.push((step, None));
            } else {
                steps.extend(together.iter().map(|packet| one(self.spec, packet)));
            }
            rest = later;
        }
        if let Some(unfinished @ [_, ..]) = bytes.get(framed..) {
            steps.push(raw(unfinished, "the start of a packet"));
        }
        steps
    }
}

fn is_method(packet: &Packet) -> bool {
    packet.name.contains('.')
}

fn is_content(packet: &Packet) -> bool {
    packet.name == "content-header" || packet.name == "content-body"
}

fn raw(bytes: &[u8], what: &str) -> (String, Option<String>) {
    (format!("send_bytes: {{ hex: \"{}\" }}", hex(bytes)), Some(what.to_owned()))
}

fn one(spec: Spec, packet: &Packet) -> (String, Option<String>) {
    let said = if packet.name == "unknown" { None } else { said(spec, &draft_of(packet), &packet.raw) };
    said.map_or_else(|| raw(&packet.raw, packet.name), |step| (step, None))
}

/// A method with its content as one step, where it is just what such a step would send.
fn content(spec: Spec, frames: &[Packet]) -> Option<String> {
    let [method, header, bodies @ ..] = frames else { return None };
    if spec != Spec::Amqp091 || header.name != "content-header" {
        return None;
    }
    let mut draft = draft_of(method);
    let follows = ["channel", "class_id", "weight", "body_size", "property_flags"];
    draft.fields.extend(draft_of(header).fields.into_iter().filter(|(name, _)| !follows.contains(&&**name)));
    let body: Vec<u8> = bodies.iter().filter_map(|body| body.bytes("body")).flatten().copied().collect();
    draft.fields.push(("body".into(), Value::Bytes(body.into())));
    let octets: Vec<u8> = frames.iter().flat_map(|frame| frame.raw.iter().copied()).collect();
    said(spec, &draft, &octets)
}

/// `send: …` for this packet, if loading that step and sending it gives these very bytes.
fn said(spec: Spec, draft: &Draft, bytes: &[u8]) -> Option<String> {
    let written = |draft: &Draft| encode(spec, Side::Client, draft).ok().map(|pieces| pieces.concat());
    // A field that was read may not have been there: 5.0's short acknowledgements have a reason code all the same.
    let without = |place: usize| {
        let mut shorter = draft.clone();
        shorter.fields.remove(place);
        shorter
    };
    let shorter = (0..draft.fields.len()).map(without);
    let mut draft = std::iter::once(draft.clone())
        .chain(shorter)
        .find(|draft| written(draft).is_some_and(|same| same == bytes))?;
    // What a field has anyway need not be said.
    for place in (0..draft.fields.len()).rev() {
        let field = draft.fields.remove(place);
        if written(&draft).is_none_or(|others| others != bytes) {
            draft.fields.insert(place, field);
        }
    }
    let mut step = format!("send: {}", draft.name);
    for (name, field) in &draft.fields {
        let _ = write!(step, ", {name}: {}", yaml(field)?);
    }
    [step.clone(), format!("{step}, malformed: true")]
        .into_iter()
        .find(|step| sends(spec, step).is_some_and(|sent| sent == bytes))
}

/// The bytes that a step sends, by way of the loader.
fn sends(spec: Spec, step: &str) -> Option<Vec<u8>> {
    let text = format!(
        "title: One step\nprotocols: [{spec}]\nstatements: []\nshared_names: tried out\nactors: [a]\nsteps:\n  \
         - a: {{ open: {{}} }}\n  - a: {{ {step} }}\n"
    );
    let plan = scenario::load("scenarios/one-step.yaml", &text).ok()?.into_iter().next()?;
    let Action::Send { packet, .. } = &plan.steps.last()?.action else { return None };
    let draft = packet.evaluate(&Bindings::default()).ok()?;
    encode(spec, Side::Client, &draft).ok().map(|pieces| pieces.concat())
}

/// A value as scenarios write it; `None` where they cannot.
fn yaml(value: &Value) -> Option<String> {
    let all = |items: &[Value]| items.iter().map(yaml).collect::<Option<Vec<_>>>();
    Some(match value {
        Value::Bool(bit) => bit.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.chars().any(char::is_control) => quoted(text),
            _ => format!("{{ hex: \"{}\" }}", hex(bytes)),
        },
        Value::List(items) => format!("[{}]", all(items)?.join(", ")),
        Value::Map(entries) => {
            let entry = |(name, value): &(bytes::Bytes, Value)| {
                Some(format!("{}: {}", quoted(std::str::from_utf8(name).ok()?), yaml(value)?))
            };
            let entries = entries.iter().map(entry).collect::<Option<Vec<_>>>()?;
            if entries.is_empty() { String::from("{}") } else { format!("{{ {} }}", entries.join(", ")) }
        }
        Value::Tagged(tag, inner) => {
            format!("{{ tag: {}, value: {} }}", quoted(&char::from(*tag).to_string()), yaml(inner)?)
        }
        Value::Float(_) | Value::Void => return None,
    })
}

/// Text between quotes, with what YAML and scenarios would take for something else made harmless.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${");
    let dollar = if text.starts_with('$') && !text.starts_with("${") { "$" } else { "" };
    format!("\"{dollar}{escaped}\"")
}
