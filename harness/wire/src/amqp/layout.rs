//! The tables: every class and method with its fields, the content properties, the reply codes.
//!
//! Source: the standard's generated reference ("ref" in section numbers) and RabbitMQ's extended
//! definition for what 0-9-1 lacks (`ext`). Names are the definition's with underscores; the one
//! departure is `no_wait` of `confirm.select`, spelled `nowait` there.

use crate::shape::Senders;
use crate::shape::Senders::{Both, Client, Server};

/// How a field stands on the wire (§4.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// One bit; neighbours share octets from the low bit up (§4.2.5.2).
    Bit,
    /// 8 bits, unsigned.
    Octet,
    /// 16 bits, unsigned, big-endian like all integers here.
    Short,
    /// 32 bits, unsigned.
    Long,
    /// 64 bits, unsigned; timestamps are POSIX seconds.
    LongLong,
    /// 8-bit length, then as many octets of UTF-8 without NUL.
    ShortString,
    /// 32-bit length, then any octets.
    LongString,
    /// 32-bit length in octets, then name, tag and value of each entry.
    Table,
}

/// What a field's value must keep to beyond its form; `rules.rs` gives each its statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing.
    Free,
    /// Kept for compatibility: zero, empty, false.
    Reserved,
    /// An exchange name, where an empty one means the default exchange.
    Exchange,
    /// An exchange name that `exchange.declare` cannot do without.
    DeclaredExchange,
    /// An exchange name that `exchange.delete` cannot do without.
    DeletedExchange,
    /// A queue name, where an empty one means the current queue.
    Queue,
    /// A virtual host.
    Path,
    /// One of the standard's reply codes.
    ReplyCode,
    /// A non-empty text.
    ReplyText,
    /// The tag of a delivery: never 0.
    DeliveryTag,
    /// The tag that an acknowledgement is about: never 0 in a server's confirm.
    SettledTag,
    /// 0.
    VersionMajor,
    /// 9.
    VersionMinor,
    /// A non-empty list of SASL mechanisms.
    Mechanisms,
    /// A list of locales with `en_US`.
    Locales,
    /// 0 or at least 4096, in `connection.tune`.
    TuneFrameMax,
    /// 0 or at least 4096, in `connection.tune-ok`.
    TuneOkFrameMax,
    /// True when a server cancels a consumer.
    CancelNoWait,
    /// 1 or 2, from a publisher.
    DeliveryMode,
    /// 0 to 9, from a publisher.
    Priority,
    /// A decimal number of milliseconds, from a publisher.
    Expiration,
    /// The reserved fourteenth property: empty, from a publisher.
    ClusterId,
}

/// One field of a method or one content property.
#[derive(Debug)]
pub(super) struct FieldLayout {
    pub(super) name: &'static str,
    pub(super) wire: Wire,
    pub(super) rule: Rule,
}

/// One method.
#[derive(Debug)]
pub(super) struct MethodLayout {
    pub(super) class_id: u16,
    pub(super) method_id: u16,
    pub(super) name: &'static str,
    pub(super) section: &'static str,
    pub(super) sent_by: Senders,
    pub(super) replies: &'static [&'static str],
    pub(super) fields: &'static [FieldLayout],
}

impl MethodLayout {
    /// Whether a content header and bodies follow it (§2.3.5.2).
    pub(super) fn carries_content(&self) -> bool {
        carries_content(self.name)
    }
}

/// Whether a content header and bodies follow the method of this name (§2.3.5.2).
pub(super) fn carries_content(name: &str) -> bool {
    matches!(name, "basic.publish" | "basic.deliver" | "basic.return" | "basic.get-ok")
}

/// The connection class, which lives on channel 0.
pub(super) const CONNECTION: u16 = 10;
/// The only class with content.
pub(super) const BASIC: u16 = 60;

/// Frame types (§4.2.3). The text gives a heartbeat type 4, the constants and every implementation 8.
pub(super) const FRAME_METHOD: u8 = 1;
pub(super) const FRAME_HEADER: u8 = 2;
pub(super) const FRAME_BODY: u8 = 3;
pub(super) const FRAME_HEARTBEAT: u8 = 8;
/// The octet after every payload (§4.2.3).
pub(super) const FRAME_END: u8 = 0xce;
/// Octets of a frame before its payload: type, channel, payload size.
pub(super) const FRAME_HEAD: usize = 7;

macro_rules! fields {
    (@rule) => { Rule::Free };
    (@rule $rule:ident) => { Rule::$rule };
    ($($name:literal: $wire:ident $($rule:ident)?),*) => {
        &[$(FieldLayout { name: $name, wire: Wire::$wire, rule: fields!(@rule $($rule)?) }),*]
    };
}

macro_rules! methods {
    ($($class:literal $id:literal $name:literal $section:literal $sent_by:ident
       [$($reply:literal),*] { $($fields:tt)* })*) => {
        &[$(MethodLayout {
            class_id: $class, method_id: $id, name: $name, section: $section, sent_by: $sent_by,
            replies: &[$($reply),*], fields: fields!($($fields)*),
        }),*]
    };
}

/// Every method, ordered by class and method id.
pub(super) static METHODS: &[MethodLayout] = methods! {
    10 10 "connection.start" "ref 1.4.2.1" Server ["connection.start-ok"] {
        "version_major": Octet VersionMajor, "version_minor": Octet VersionMinor,
        "server_properties": Table, "mechanisms": LongString Mechanisms, "locales": LongString Locales }
    10 11 "connection.start-ok" "ref 1.4.2.2" Client ["connection.secure", "connection.tune"] {
        "client_properties": Table, "mechanism": ShortString, "response": LongString, "locale": ShortString }
    10 20 "connection.secure" "ref 1.4.2.3" Server ["connection.secure-ok"] { "challenge": LongString }
    10 21 "connection.secure-ok" "ref 1.4.2.4" Client ["connection.secure", "connection.tune"] {
        "response": LongString }
    10 30 "connection.tune" "ref 1.4.2.5" Server ["connection.tune-ok"] {
        "channel_max": Short, "frame_max": Long TuneFrameMax, "heartbeat": Short }
    10 31 "connection.tune-ok" "ref 1.4.2.6" Client [] {
        "channel_max": Short, "frame_max": Long TuneOkFrameMax, "heartbeat": Short }
    10 40 "connection.open" "ref 1.4.2.7" Client ["connection.open-ok"] {
        "virtual_host": ShortString Path, "reserved_1": ShortString Reserved, "reserved_2": Bit Reserved }
    10 41 "connection.open-ok" "ref 1.4.2.8" Server [] { "reserved_1": ShortString Reserved }
    10 50 "connection.close" "ref 1.4.2.9" Both ["connection.close-ok"] {
        "reply_code": Short ReplyCode, "reply_text": ShortString ReplyText, "class_id": Short, "method_id": Short }
    10 51 "connection.close-ok" "ref 1.4.2.10" Both [] {}
    10 60 "connection.blocked" "ext" Server [] { "reason": ShortString }
    10 61 "connection.unblocked" "ext" Server [] {}
    10 70 "connection.update-secret" "ext" Client ["connection.update-secret-ok"] {
        "new_secret": LongString, "reason": ShortString }
    10 71 "connection.update-secret-ok" "ext" Server [] {}

    20 10 "channel.open" "ref 1.5.2.1" Client ["channel.open-ok"] { "reserved_1": ShortString Reserved }
    20 11 "channel.open-ok" "ref 1.5.2.2" Server [] { "reserved_1": LongString Reserved }
    20 20 "channel.flow" "ref 1.5.2.3" Both ["channel.flow-ok"] { "active": Bit }
    20 21 "channel.flow-ok" "ref 1.5.2.4" Both [] { "active": Bit }
    20 40 "channel.close" "ref 1.5.2.5" Both ["channel.close-ok"] {
        "reply_code": Short ReplyCode, "reply_text": ShortString ReplyText, "class_id": Short, "method_id": Short }
    20 41 "channel.close-ok" "ref 1.5.2.6" Both [] {}

    30 10 "access.request" "ext" Client ["access.request-ok"] {
        "realm": ShortString, "exclusive": Bit, "passive": Bit, "active": Bit, "write": Bit, "read": Bit }
    30 11 "access.request-ok" "ext" Server [] { "reserved_1": Short }

    40 10 "exchange.declare" "ref 1.6.2.1" Client ["exchange.declare-ok"] {
        "reserved_1": Short Reserved, "exchange": ShortString DeclaredExchange, "type": ShortString,
        "passive": Bit, "durable": Bit, "auto_delete": Bit, "internal": Bit, "no_wait": Bit, "arguments": Table }
    40 11 "exchange.declare-ok" "ref 1.6.2.2" Server [] {}
    40 20 "exchange.delete" "ref 1.6.2.3" Client ["exchange.delete-ok"] {
        "reserved_1": Short Reserved, "exchange": ShortString DeletedExchange, "if_unused": Bit, "no_wait": Bit }
    40 21 "exchange.delete-ok" "ref 1.6.2.4" Server [] {}
    40 30 "exchange.bind" "ext" Client ["exchange.bind-ok"] {
        "reserved_1": Short Reserved, "destination": ShortString Exchange, "source": ShortString Exchange,
        "routing_key": ShortString, "no_wait": Bit, "arguments": Table }
    40 31 "exchange.bind-ok" "ext" Server [] {}
    40 40 "exchange.unbind" "ext" Client ["exchange.unbind-ok"] {
        "reserved_1": Short Reserved, "destination": ShortString Exchange, "source": ShortString Exchange,
        "routing_key": ShortString, "no_wait": Bit, "arguments": Table }
    40 51 "exchange.unbind-ok" "ext" Server [] {}

    50 10 "queue.declare" "ref 1.7.2.1" Client ["queue.declare-ok"] {
        "reserved_1": Short Reserved, "queue": ShortString Queue, "passive": Bit, "durable": Bit,
        "exclusive": Bit, "auto_delete": Bit, "no_wait": Bit, "arguments": Table }
    50 11 "queue.declare-ok" "ref 1.7.2.2" Server [] {
        "queue": ShortString Queue, "message_count": Long, "consumer_count": Long }
    50 20 "queue.bind" "ref 1.7.2.3" Client ["queue.bind-ok"] {
        "reserved_1": Short Reserved, "queue": ShortString Queue, "exchange": ShortString Exchange,
        "routing_key": ShortString, "no_wait": Bit, "arguments": Table }
    50 21 "queue.bind-ok" "ref 1.7.2.4" Server [] {}
    50 30 "queue.purge" "ref 1.7.2.7" Client ["queue.purge-ok"] {
        "reserved_1": Short Reserved, "queue": ShortString Queue, "no_wait": Bit }
    50 31 "queue.purge-ok" "ref 1.7.2.8" Server [] { "message_count": Long }
    50 40 "queue.delete" "ref 1.7.2.9" Client ["queue.delete-ok"] {
        "reserved_1": Short Reserved, "queue": ShortString Queue, "if_unused": Bit, "if_empty": Bit, "no_wait": Bit }
    50 41 "queue.delete-ok" "ref 1.7.2.10" Server [] { "message_count": Long }
    50 50 "queue.unbind" "ref 1.7.2.5" Client ["queue.unbind-ok"] {
        "reserved_1": Short Reserved, "queue": ShortString Queue, "exchange": ShortString Exchange,
        "routing_key": ShortString, "arguments": Table }
    50 51 "queue.unbind-ok" "ref 1.7.2.6" Server [] {}

    60 10 "basic.qos" "ref 1.8.3.1" Client ["basic.qos-ok"] {
        "prefetch_size": Long, "prefetch_count": Short, "global": Bit }
    60 11 "basic.qos-ok" "ref 1.8.3.2" Server [] {}
    60 20 "basic.consume" "ref 1.8.3.3" Client ["basic.consume-ok"] {
        "reserved_1": Short Reserved, "queue": ShortString Queue, "consumer_tag": ShortString,
        "no_local": Bit, "no_ack": Bit, "exclusive": Bit, "no_wait": Bit, "arguments": Table }
    60 21 "basic.consume-ok" "ref 1.8.3.4" Server [] { "consumer_tag": ShortString }
    60 30 "basic.cancel" "ref 1.8.3.5" Both ["basic.cancel-ok"] {
        "consumer_tag": ShortString, "no_wait": Bit CancelNoWait }
    60 31 "basic.cancel-ok" "ref 1.8.3.6" Both [] { "consumer_tag": ShortString }
    60 40 "basic.publish" "ref 1.8.3.7" Client [] {
        "reserved_1": Short Reserved, "exchange": ShortString Exchange, "routing_key": ShortString,
        "mandatory": Bit, "immediate": Bit }
    60 50 "basic.return" "ref 1.8.3.8" Server [] {
        "reply_code": Short ReplyCode, "reply_text": ShortString ReplyText, "exchange": ShortString Exchange,
        "routing_key": ShortString }
    60 60 "basic.deliver" "ref 1.8.3.9" Server [] {
        "consumer_tag": ShortString, "delivery_tag": LongLong DeliveryTag, "redelivered": Bit,
        "exchange": ShortString Exchange, "routing_key": ShortString }
    60 70 "basic.get" "ref 1.8.3.10" Client ["basic.get-ok", "basic.get-empty"] {
        "reserved_1": Short Reserved, "queue": ShortString Queue, "no_ack": Bit }
    60 71 "basic.get-ok" "ref 1.8.3.11" Server [] {
        "delivery_tag": LongLong DeliveryTag, "redelivered": Bit, "exchange": ShortString Exchange,
        "routing_key": ShortString, "message_count": Long }
    60 72 "basic.get-empty" "ref 1.8.3.12" Server [] { "reserved_1": ShortString Reserved }
    60 80 "basic.ack" "ref 1.8.3.13" Both [] { "delivery_tag": LongLong SettledTag, "multiple": Bit }
    60 90 "basic.reject" "ref 1.8.3.14" Client [] { "delivery_tag": LongLong, "requeue": Bit }
    60 100 "basic.recover-async" "ref 1.8.3.15" Client [] { "requeue": Bit }
    60 110 "basic.recover" "ref 1.8.3.16" Client ["basic.recover-ok"] { "requeue": Bit }
    60 111 "basic.recover-ok" "ref 1.8.3.17" Server [] {}
    60 120 "basic.nack" "ext" Both [] { "delivery_tag": LongLong SettledTag, "multiple": Bit, "requeue": Bit }

    85 10 "confirm.select" "ext" Client ["confirm.select-ok"] { "no_wait": Bit }
    85 11 "confirm.select-ok" "ext" Server [] {}

    90 10 "tx.select" "ref 1.9.2.1" Client ["tx.select-ok"] {}
    90 11 "tx.select-ok" "ref 1.9.2.2" Server [] {}
    90 20 "tx.commit" "ref 1.9.2.3" Client ["tx.commit-ok"] {}
    90 21 "tx.commit-ok" "ref 1.9.2.4" Server [] {}
    90 30 "tx.rollback" "ref 1.9.2.5" Client ["tx.rollback-ok"] {}
    90 31 "tx.rollback-ok" "ref 1.9.2.6" Server [] {}
};

/// The content properties of the basic class in the order of their flags, bit 15 first (§4.2.6.1).
pub(super) static PROPERTIES: &[FieldLayout] = fields! {
    "content_type": ShortString, "content_encoding": ShortString, "headers": Table,
    "delivery_mode": Octet DeliveryMode, "priority": Octet Priority, "correlation_id": ShortString,
    "reply_to": ShortString, "expiration": ShortString Expiration, "message_id": ShortString,
    "timestamp": LongLong, "type": ShortString, "user_id": ShortString, "app_id": ShortString,
    "cluster_id": ShortString ClusterId
};

/// The standard's reply codes (its constants) and 312, which RabbitMQ adds from AMQP 0-8.
pub(super) static REPLY_CODES: &[(&str, i128)] = &[
    ("success", 200),
    ("content_too_large", 311),
    ("no_route", 312),
    ("no_consumers", 313),
    ("connection_forced", 320),
    ("invalid_path", 402),
    ("access_refused", 403),
    ("not_found", 404),
    ("resource_locked", 405),
    ("precondition_failed", 406),
    ("frame_error", 501),
    ("syntax_error", 502),
    ("command_invalid", 503),
    ("channel_error", 504),
    ("unexpected_frame", 505),
    ("resource_error", 506),
    ("not_allowed", 530),
    ("not_implemented", 540),
    ("internal_error", 541),
];

static DELIVERY_MODES: &[(&str, i128)] = &[("transient", 1), ("persistent", 2)];

impl FieldLayout {
    /// The names that the standard gives to values of this field.
    pub(super) fn labels(&self) -> &'static [(&'static str, i128)] {
        match (self.rule, self.name) {
            (Rule::ReplyCode, _) => REPLY_CODES,
            (Rule::DeliveryMode, _) => DELIVERY_MODES,
            _ => &[],
        }
    }
}

/// What a draft's field holds unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preset {
    /// 0, false, empty.
    Zero,
    /// This number.
    Number(u8),
    /// This text.
    Text(&'static str),
}

impl FieldLayout {
    /// The most ordinary legal value: zero, unless zero breaks the field's rule or means nothing.
    pub(super) fn preset(&self) -> Preset {
        match (self.rule, self.name) {
            (Rule::VersionMinor, _) => Preset::Number(9),
            (Rule::ReplyCode, _) => Preset::Number(200),
            (Rule::DeliveryTag, _) => Preset::Number(1),
            (Rule::ReplyText, _) => Preset::Text("ok"),
            (Rule::Path, _) => Preset::Text("/"),
            (Rule::Mechanisms, _) | (_, "mechanism") => Preset::Text("PLAIN"),
            (Rule::Locales, _) | (_, "locale") => Preset::Text("en_US"),
            (_, "type") => Preset::Text("direct"),
            _ => Preset::Zero,
        }
    }
}

/// The method with these ids.
pub(super) fn method_by_id(class_id: u16, method_id: u16) -> Option<&'static MethodLayout> {
    let wanted = (class_id, method_id);
    let index = METHODS.binary_search_by_key(&wanted, |method| (method.class_id, method.method_id)).ok()?;
    METHODS.get(index)
}

/// The method of this name.
pub(super) fn method_by_name(name: &str) -> Option<&'static MethodLayout> {
    METHODS.iter().find(|method| method.name == name)
}

/// The flag bit of the `index`-th property: 0x8000, 0x4000, …
pub(super) const fn property_flag(index: usize) -> u16 {
    0x8000 >> index
}
