//! What each packet is made of, in a form that scenarios, diagnostics and documentation can ask.
//!
//! The protocols' `layout.rs` tables are the source; this is their common face.

use crate::spec::Side;

/// A packet that a [`Draft`](crate::Draft) may name or a peer may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketShape {
    /// As in [`Packet::name`](crate::Packet::name).
    pub name: &'static str,
    /// The section of the standard that defines it.
    pub section: &'static str,
    /// Who may send it; both sides when empty of choice (`PUBLISH`, `basic.cancel`).
    pub sent_by: Senders,
    /// The packets that answer it, where the standard ties an answer to it (`subscribe` → `suback`,
    /// `queue.declare` → `queue.declare-ok`).
    pub replies: &'static [&'static str],
    /// Its fields in wire order, properties and content headers included.
    pub fields: Vec<FieldShape>,
}

/// A field that a scenario may set or expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldShape {
    /// As in [`Field::name`](crate::Field::name).
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Named values, where the standard names them: `("not_authorized", 0x87)`.
    pub labels: &'static [(&'static str, i128)],
    /// Whether a packet may leave it out (properties, will fields, …).
    pub optional: bool,
}

/// The form of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A bit.
    Bool,
    /// An integer from 0 to this, both included.
    Unsigned(u64),
    /// UTF-8 text (MQTT), or a short or long string (AMQP).
    Text,
    /// Any bytes.
    Binary,
    /// A list of entries, each with these fields (topic filters) or, when empty, plain values.
    List(Vec<FieldShape>),
    /// Names and values in order: user properties, AMQP field tables.
    Table,
}

/// Who may send a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Senders {
    /// Only a client.
    Client,
    /// Only a server.
    Server,
    /// Either.
    Both,
}

impl Senders {
    /// Whether this side may send it.
    pub const fn include(self, side: Side) -> bool {
        matches!((self, side), (Self::Both, _) | (Self::Client, Side::Client) | (Self::Server, Side::Server))
    }
}
