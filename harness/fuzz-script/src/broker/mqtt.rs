//! Ordinary MQTT packets, written by hand: writing them from the layouts takes longer than the broker takes to
//! handle them. What is out of the ordinary comes from the layouts all the same (`crate::choices`).

use crate::choices::{Choices, IDS, TOPICS, one_of};

/// Appends a packet that a client may send. `kind` is any number; most of them are PUBLISH and its answers.
pub(super) fn write(kind: u8, version_5: bool, script: &mut Choices<'_>, out: &mut Vec<u8>) {
    match kind % 14 {
        0..=3 => publish(version_5, script, out),
        4 | 5 => subscribe(version_5, script, out),
        6 => unsubscribe(version_5, script, out),
        7 => connect(version_5, script, out),
        8 => acknowledge(0x40, script, out),
        9 => acknowledge(0x50, script, out),
        10 => acknowledge(0x62, script, out),
        11 => acknowledge(0x70, script, out),
        12 => out.extend_from_slice(&[0xC0, 0]),
        _ => out.extend_from_slice(&[0xE0, 0]),
    }
}

/// A packet of these flags whose body is shorter than 128 bytes.
pub(super) fn packet(first_byte: u8, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[first_byte, 0]);
    body(out);
    let length = u8::try_from(out.len() - start - 2).expect("a body of less than 128 bytes");
    assert!(length < 0x80, "a body of {length} bytes has a length of two");
    if let Some(field) = out.get_mut(start + 1) {
        *field = length;
    }
}

/// A string behind its length.
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    let length = u16::try_from(text.len()).expect("a short string");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// CONNECT: one byte chooses the session, one the will and the timing.
fn connect(version_5: bool, script: &mut Choices<'_>, out: &mut Vec<u8>) {
    let (session, timing) = (script.byte(), script.byte());
    let will = timing & 0x80 != 0;
    let clean = session & 4 != 0;
    packet(0x10, out, |out| {
        string("MQTT", out);
        out.push(if version_5 { 5 } else { 4 });
        let will_flags = if will { 0x04 | (timing & 1) << 3 | (timing & 2) << 4 } else { 0 };
        out.push(u8::from(clean) << 1 | will_flags);
        out.extend_from_slice(&[0, if timing & 4 == 0 { 0 } else { 2 }]);
        if version_5 {
            let expiry = one_of([0, 1, 60, u32::MAX], session >> 3);
            let maximum = one_of([1, 2, 3, u16::MAX], session >> 5);
            out.extend_from_slice(&[8, 0x11]);
            out.extend_from_slice(&expiry.to_be_bytes());
            out.push(0x21);
            out.extend_from_slice(&maximum.to_be_bytes());
        }
        string(IDS.get(usize::from(session & 3)).copied().unwrap_or("e"), out);
        if will {
            if version_5 {
                // The delay of the will, in seconds.
                out.extend_from_slice(&[5, 0x18, 0, 0, 0, timing >> 3 & 3]);
            }
            string("a", out);
            string("will", out);
        }
    });
}

/// PUBLISH: one byte for flags and topic, one for identifier, properties and payload.
fn publish(version_5: bool, script: &mut Choices<'_>, out: &mut Vec<u8>) {
    let (flags, more) = (script.byte(), script.byte());
    let qos = one_of([0, 1, 2, 2], flags);
    let dup = if qos == 0 { 0 } else { flags & 8 };
    packet(0x30 | dup | qos << 1 | (flags >> 2 & 1), out, |out| {
        string(topic(flags >> 4 & 1), out);
        if qos > 0 {
            out.extend_from_slice(&[0, 1 + (more & 3)]);
        }
        if version_5 {
            let (expires, alias) = (more & 4 != 0, more & 8 != 0);
            out.push(if expires { 5 } else { 0 } + if alias { 3 } else { 0 });
            if expires {
                out.extend_from_slice(&[0x02, 0, 0, 0, 1]);
            }
            if alias {
                out.extend_from_slice(&[0x23, 0, 1]);
            }
        }
        out.extend(std::iter::repeat_n(b'p', usize::from(more >> 4) * 6));
    });
}

/// A topic that can be published to.
fn topic(choice: u8) -> &'static str {
    if choice == 0 { "a" } else { "a/b" }
}

/// SUBSCRIBE with one filter.
fn subscribe(version_5: bool, script: &mut Choices<'_>, out: &mut Vec<u8>) {
    let (filter, options) = (script.byte(), script.byte());
    packet(0x82, out, |out| {
        out.extend_from_slice(&[0, 1 + (filter >> 6)]);
        if version_5 {
            let identifier = filter >> 4 & 3;
            out.push(if identifier == 0 { 0 } else { 2 });
            if identifier > 0 {
                out.extend_from_slice(&[0x0B, identifier]);
            }
        }
        string(TOPICS.get(usize::from(filter & 7)).copied().unwrap_or("#"), out);
        // Reserved bits and retain handling 3 are left to the layouts.
        let options = if version_5 { options & 0x1F } else { options & 3 };
        out.push(if options & 3 == 3 { options & !1 } else { options });
    });
}

/// UNSUBSCRIBE of one filter.
fn unsubscribe(version_5: bool, script: &mut Choices<'_>, out: &mut Vec<u8>) {
    let filter = script.byte();
    packet(0xA2, out, |out| {
        out.extend_from_slice(&[0, 1 + (filter >> 6)]);
        if version_5 {
            out.push(0);
        }
        string(TOPICS.get(usize::from(filter & 7)).copied().unwrap_or("#"), out);
    });
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP of success, for one of the first identifiers.
fn acknowledge(first_byte: u8, script: &mut Choices<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&[first_byte, 2, 0, 1 + (script.byte() & 7)]);
}
