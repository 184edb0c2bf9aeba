//! Bytes as a script: each step is chosen by the next byte, so that a small change of the input is a small change of
//! what happens. Packets are written from the codec's own layouts, with values that meet each other.

use bytes::Bytes;
use mqspec_wire::{Draft, FieldShape, PacketShape, Shape, Side, Spec, Value, encode, malformations, shapes};

/// What is left of a script. Where it has ended every choice is the first.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    rest: &'a [u8],
}

pub(crate) const TOPICS: &[&str] = &["a", "a/b", "a/#", "+", "$share/g/a", "$SYS/x", ""];
pub(crate) const NAMES: &[&str] =
    &["q", "r", "", "amq.topic", "amq.direct", "amq.fanout", "x", "amq.headers"];
pub(crate) const KEYS: &[&str] = &["q", "r", "a.b", "#", "*.b", ""];
pub(crate) const IDS: &[&str] = &["c", "d", ""];
pub(crate) const ARGUMENTS: &[(&str, i32)] = &[
    ("x-max-length", 1),
    ("x-message-ttl", 100),
    ("x-expires", 1_000),
    ("x-max-priority", 4),
    ("x-priority", 2),
];
pub(crate) const TEXT_ARGUMENTS: &[(&str, &str)] = &[
    ("x-dead-letter-exchange", "amq.fanout"),
    ("x-dead-letter-exchange", ""),
    ("x-dead-letter-routing-key", "r"),
    ("x-overflow", "reject-publish"),
    ("alternate-exchange", "amq.fanout"),
    ("x-match", "any"),
    ("CC", "q"),
];

/// One of four, by the last two bits of a choice.
pub(crate) fn one_of<T>([first, second, third, fourth]: [T; 4], choice: u8) -> T {
    match choice & 3 {
        0 => first,
        1 => second,
        2 => third,
        _ => fourth,
    }
}

impl<'a> Choices<'a> {
    /// A script of these bytes.
    pub const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// Whether nothing is left to choose.
    pub const fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next byte; 0 behind the end.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// As many of the next bytes as the next one says.
    pub fn bytes(&mut self) -> &'a [u8] {
        let size = usize::from(self.byte()).min(self.rest.len());
        let (taken, rest) = self.rest.split_at(size);
        self.rest = rest;
        taken
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let choice = usize::from(self.byte());
        of.get(choice.checked_rem(of.len())?).copied()
    }

    /// A packet that a client may send, most of its fields with values of its kind.
    pub(crate) fn packet(&mut self, spec: Spec, channel: u16) -> Option<Vec<u8>> {
        self.packet_of(spec, Side::Client, channel)
    }

    /// A packet that this side may send, most of its fields with values of its kind.
    pub fn any_packet(&mut self, spec: Spec, side: Side) -> Option<Vec<u8>> {
        let channel = u16::from(self.byte() & 3);
        self.packet_of(spec, side, channel)
    }

    fn packet_of(&mut self, spec: Spec, side: Side, channel: u16) -> Option<Vec<u8>> {
        let sendable = |shape: &&PacketShape| shape.sent_by.include(side) && shape.name != "unknown";
        let count = shapes(spec).iter().filter(sendable).count();
        let choice = usize::from(self.byte()).checked_rem(count)?;
        let shape = shapes(spec).iter().filter(sendable).nth(choice)?;
        let draft = self.draft(shape, channel);
        let draft = self.deform(spec, draft);
        encode(spec, side, &draft).ok().map(|pieces| pieces.concat())
    }

    /// A packet of this name with these fields, the others chosen.
    pub(crate) fn named(&mut self, spec: Spec, name: &str, channel: u16) -> Option<Vec<u8>> {
        let draft = self.draft(mqspec_wire::shape(spec, name)?, channel);
        encode(spec, Side::Client, &draft).ok().map(|pieces| pieces.concat())
    }

    fn draft(&mut self, shape: &PacketShape, channel: u16) -> Draft {
        let mut draft = Draft::new(shape.name);
        for field in &shape.fields {
            let follows =
                ["will_flag", "user_name_flag", "password_flag", "property_flags"].contains(&field.name);
            if follows
                || field.name.starts_with("reserved")
                || field.name == "class_id"
                || field.name == "weight"
            {
                continue;
            }
            if field.name == "channel" {
                draft = draft.with("channel", i32::from(channel));
                continue;
            }
            // Every other optional field is there, so that packets stay short.
            if field.optional && self.byte() & 3 != 1 {
                continue;
            }
            let value = self.value(field);
            draft = draft.with(field.name, value);
        }
        draft
    }

    /// One packet in sixteen has a flaw.
    fn deform(&mut self, spec: Spec, draft: Draft) -> Draft {
        if self.byte() & 15 != 15 {
            return draft;
        }
        let choice = usize::from(self.byte());
        let all = malformations(spec);
        let Some(flaw) = choice.checked_rem(all.len()).and_then(|choice| all.get(choice)) else {
            return draft;
        };
        let value = self.value(flaw);
        draft.malformed(flaw.name, value)
    }

    fn value(&mut self, field: &FieldShape) -> Value {
        match &field.shape {
            Shape::Bool => Value::Bool(self.byte() & 1 == 1),
            Shape::Unsigned(most) => {
                let byte = self.byte();
                let number = if byte < 0xF0 { u64::from(byte & 7) } else { most >> (byte & 15) };
                Value::Integer(number.min(*most).into())
            }
            Shape::Text => self.text(field.name),
            Shape::Binary => Value::Bytes(Bytes::copy_from_slice(self.bytes())),
            Shape::Table => self.table(),
            Shape::List(entry) => {
                let count = self.byte() & 3;
                Value::List((0..count).map(|_| self.entry(field.name, entry)).collect())
            }
        }
    }

    fn entry(&mut self, name: &str, entry: &[FieldShape]) -> Value {
        if entry.is_empty() {
            return if name == "filters" { self.text("filter") } else { Value::Integer(self.byte().into()) };
        }
        let fields = entry.iter().map(|field| (Bytes::from_static(field.name.as_bytes()), self.value(field)));
        Value::Map(fields.collect())
    }

    fn text(&mut self, name: &str) -> Value {
        let pool = match name {
            "client_id" | "user_name" | "consumer_tag" => IDS,
            "queue" | "exchange" | "source" | "destination" | "reply_to" => NAMES,
            "routing_key" => KEYS,
            "type" => &["direct", "fanout", "topic", "headers", "x"],
            "expiration" => &["0", "100", "", "-1"],
            _ => TOPICS,
        };
        self.one(pool).map_or(Value::Void, Value::text)
    }

    fn table(&mut self) -> Value {
        let count = self.byte() & 3;
        let mut entries = Vec::new();
        for _ in 0..count {
            if self.byte() & 1 == 0 {
                let (name, number) = self.one(ARGUMENTS).unwrap_or_default();
                entries.push((Bytes::from_static(name.as_bytes()), Value::from(number)));
            } else {
                let (name, text) = self.one(TEXT_ARGUMENTS).unwrap_or_default();
                entries.push((Bytes::from_static(name.as_bytes()), Value::text(text)));
            }
        }
        Value::Map(entries)
    }
}
