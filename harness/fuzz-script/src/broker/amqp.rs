//! Ordinary AMQP frames, written by hand: writing them from the layouts takes longer than the broker takes to handle
//! them. What is out of the ordinary comes from the layouts all the same (`crate::choices`).

use std::sync::LazyLock;

use mqspec_wire::{Draft, Side, Spec, encode};

use crate::choices::{ARGUMENTS, Choices, KEYS, NAMES, TEXT_ARGUMENTS, one_of};

/// The handshake, and channels 1 and 2, of a client that heartbeats every 3 s.
pub(super) static HELLO: LazyLock<Vec<u8>> = LazyLock::new(|| hello(3));
/// The same of one without heartbeats.
pub(super) static QUIET_HELLO: LazyLock<Vec<u8>> = LazyLock::new(|| hello(0));

fn hello(heartbeat: i32) -> Vec<u8> {
    let start_ok =
        Draft::new("connection.start-ok").with("mechanism", "PLAIN").with("response", "\0guest\0guest");
    let tune_ok = Draft::new("connection.tune-ok")
        .with("channel_max", 8)
        .with("frame_max", 4096)
        .with("heartbeat", heartbeat);
    let open = Draft::new("connection.open").with("virtual_host", "/");
    let channel = |number: i32| Draft::new("channel.open").with("channel", number);
    [Draft::new("protocol-header"), start_ok, tune_ok, open, channel(1), channel(2)]
        .iter()
        .flat_map(|draft| {
            encode(Spec::Amqp091, Side::Client, draft).expect("a handshake can be written").concat()
        })
        .collect()
}

/// Appends a method, with its content where it has one. `kind` is any number.
pub(super) fn write(kind: u8, channel: u16, script: &mut Choices<'_>, out: &mut Vec<u8>) {
    let choice = script.byte();
    let name = |shift: u8| NAMES.get(usize::from(choice >> shift & 7)).copied().unwrap_or_default();
    let bit = |shift: u8| choice >> shift & 1;
    match kind % 21 {
        0..=3 => {
            let more = script.byte();
            let exchange = NAMES.get(usize::from(more & 7)).copied().unwrap_or_default();
            // Most go to the default exchange, which brings them to a queue at once.
            let exchange = if more & 0x18 == 0 { exchange } else { "" };
            let body = [b'm'; 24];
            let body = body.get(..usize::from(more >> 5) * 3).unwrap_or_default();
            publish(channel, exchange, key(choice), choice >> 3 & 3, 1 + bit(5), body, out);
        }
        4 | 5 => method(channel, 50, 10, out, |out| {
            out.extend_from_slice(&[0, 0]);
            short(name(0), out);
            out.push(choice >> 3 & 0x1F & !1);
            table(script, out);
        }),
        6 => method(channel, 50, 20, out, |out| {
            out.extend_from_slice(&[0, 0]);
            short(name(0), out);
            short(name(3), out);
            short(key(choice >> 5), out);
            out.push(bit(7));
            table(script, out);
        }),
        7 => method(channel, 60, 20, out, |out| {
            out.extend_from_slice(&[0, 0]);
            short(name(0), out);
            short(one_of(["", "t", "u", "v"], choice >> 3), out);
            out.push(choice >> 4 & 0x0E | bit(4));
            table(script, out);
        }),
        8..=10 => settle(kind, channel, choice, out),
        11 => method(channel, 60, 70, out, |out| {
            out.extend_from_slice(&[0, 0]);
            short(name(0), out);
            out.push(bit(3));
        }),
        12 => method(channel, 60, 10, out, |out| {
            out.extend_from_slice(&[0, 0, 0, 0, 0, choice & 3, bit(2)]);
        }),
        13 => method(channel, 60, 100 + 10 * u16::from(bit(1)), out, |out| out.push(bit(0))),
        14 => method(channel, 90, one_of([10, 20, 20, 30], choice), out, |_| {}),
        15 => method(channel, 85, 10, out, |out| out.push(bit(0))),
        16 => method(channel, 40, 10, out, |out| {
            out.extend_from_slice(&[0, 0]);
            short(name(0), out);
            short(one_of(["direct", "fanout", "topic", "headers"], choice >> 3), out);
            out.push(choice >> 4 & 0x0E);
            table(script, out);
        }),
        17 => method(channel, 50, if bit(7) == 0 { 40 } else { 30 }, out, |out| {
            out.extend_from_slice(&[0, 0]);
            short(name(0), out);
            out.push(if bit(7) == 0 { choice >> 3 & 7 } else { bit(3) });
        }),
        18 if bit(0) == 0 => method(channel, 20, 10, out, |out| out.push(0)),
        18 => method(channel, 20, 40, out, |out| out.extend_from_slice(&[0, 200, 0, 0, 0, 0, 0])),
        19 => method(channel, 60, 30, out, |out| {
            short(one_of(["", "t", "u", "v"], choice), out);
            out.push(bit(2));
        }),
        _ => method(channel, 40, 20, out, |out| {
            out.extend_from_slice(&[0, 0]);
            short(name(0), out);
            out.push(bit(3));
        }),
    }
}

/// basic.ack, reject or nack of one of the first delivery tags.
fn settle(kind: u8, channel: u16, choice: u8, out: &mut Vec<u8>) {
    let id = match kind % 21 {
        8 => 80,
        9 => 90,
        _ => 120,
    };
    method(channel, 60, id, out, |out| {
        out.extend_from_slice(&u64::from(choice & 15).to_be_bytes());
        out.push(choice >> 4 & if id == 120 { 3 } else { 1 });
    });
}

/// A routing key.
fn key(choice: u8) -> &'static str {
    KEYS.get(usize::from(choice & 7)).copied().unwrap_or("q")
}

/// basic.publish with header and body; `delivery_mode` 2 is persistent.
pub(super) fn publish(
    channel: u16,
    exchange: &str,
    routing_key: &str,
    bits: u8,
    delivery_mode: u8,
    body: &[u8],
    out: &mut Vec<u8>,
) {
    method(channel, 60, 40, out, |out| {
        out.extend_from_slice(&[0, 0]);
        short(exchange, out);
        short(routing_key, out);
        out.push(bits);
    });
    frame(2, channel, out, |out| {
        out.extend_from_slice(&[0, 60, 0, 0]);
        out.extend_from_slice(&(body.len() as u64).to_be_bytes());
        out.extend_from_slice(&[0x10, 0, delivery_mode]);
    });
    if !body.is_empty() {
        frame(3, channel, out, |out| out.extend_from_slice(body));
    }
}

/// A method frame.
pub(super) fn method(
    channel: u16,
    class_id: u16,
    method_id: u16,
    out: &mut Vec<u8>,
    arguments: impl FnOnce(&mut Vec<u8>),
) {
    frame(1, channel, out, |out| {
        out.extend_from_slice(&class_id.to_be_bytes());
        out.extend_from_slice(&method_id.to_be_bytes());
        arguments(out);
    });
}

fn frame(kind: u8, channel: u16, out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    out.extend_from_slice(&channel.to_be_bytes());
    let size_at = out.len();
    out.extend_from_slice(&[0; 4]);
    payload(out);
    let size = u32::try_from(out.len() - size_at - 4).expect("a small frame");
    if let Some(field) = out.get_mut(size_at..size_at + 4) {
        field.copy_from_slice(&size.to_be_bytes());
    }
    out.push(0xCE);
}

/// A short string.
pub(super) fn short(text: &str, out: &mut Vec<u8>) {
    out.push(u8::try_from(text.len()).expect("a short string"));
    out.extend_from_slice(text.as_bytes());
}

/// No arguments, or one of those that mean something to somebody.
fn table(script: &mut Choices<'_>, out: &mut Vec<u8>) {
    let choice = script.byte();
    let size_at = out.len();
    out.extend_from_slice(&[0; 4]);
    if let Some((name, number)) = ARGUMENTS.get(usize::from(choice & 15)) {
        short(name, out);
        out.push(b'I');
        out.extend_from_slice(&number.to_be_bytes());
    }
    if let Some((name, text)) = TEXT_ARGUMENTS.get(usize::from(choice >> 4)) {
        short(name, out);
        out.push(b'S');
        out.extend_from_slice(&[0, 0, 0]);
        short(text, out);
    }
    let size = u32::try_from(out.len() - size_at - 4).expect("a small table");
    if let Some(field) = out.get_mut(size_at..size_at + 4) {
        field.copy_from_slice(&size.to_be_bytes());
    }
}
