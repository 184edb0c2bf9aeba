//! Seeds cut from the test vectors and tables of the tester's codec.

use std::path::Path;

use mqspec_wire::{Side, Spec};

use crate::{Corpus, read};

/// `sender | bytes | statements | what it is`, where `LL` is the remaining length.
pub(crate) fn mqtt_vectors(root: &Path, corpus: &mut Corpus) {
    for (file, spec) in [
        ("plain-3.1.1", Spec::Mqtt311),
        ("odd-3.1.1", Spec::Mqtt311),
        ("plain-5.0", Spec::Mqtt50),
        ("odd-5.0", Spec::Mqtt50),
    ] {
        let text = read(&root.join(format!("harness/wire/tests/mqtt_vectors/{file}.txt")));
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let mut columns = line.split('|').map(str::trim);
            let (Some(sender), Some(digits)) = (columns.next(), columns.next()) else { continue };
            let sender = if sender == "client" { Side::Client } else { Side::Server };
            let bytes = match digits.split_once("LL") {
                Some((first, body)) => {
                    let body = hex(body);
                    let length = u8::try_from(body.len()).expect("LL stands for lengths of one byte");
                    [hex(first), vec![length], body].concat()
                }
                None => hex(digits),
            };
            corpus.packet(&format!("{file}-line-{:03}", number + 1), spec, sender, &bytes);
        }
    }
}

/// Rows `(Client, 1, 1, "hexadecimal", …)` of the codec's tests, `declare!("…")` included; and the recording.
pub(crate) fn amqp_tables(root: &Path, corpus: &mut Corpus) {
    let folder = root.join("harness/wire/tests/amqp");
    for file in ["good", "oddities", "methods", "properties"] {
        for (number, line) in read(&folder.join(format!("{file}.rs"))).lines().enumerate() {
            let Some(row) = line.trim().strip_prefix('(') else { continue };
            let (sender, row) = match row.split_once(", ") {
                Some(("Client", row)) => (Side::Client, row),
                Some(("Server", row)) => (Side::Server, row),
                _ => continue,
            };
            let mut columns = row.splitn(3, ", ");
            let numbers = (columns.next().and_then(number_of), columns.next().and_then(number_of));
            let (Some(kind), Some(channel), Some(rest)) = (numbers.0, numbers.1, columns.next()) else {
                continue;
            };
            let Some(digits) = rest.split('"').nth(1) else { continue };
            let digits = if rest.starts_with("declare!") {
                format!("0032 000a 0000 01 71 00 {digits}")
            } else {
                digits.to_owned()
            };
            let payload = hex(&digits);
            let size = u32::try_from(payload.len()).expect("a row of a table");
            let kind = u8::try_from(kind).unwrap_or(u8::MAX);
            let octets =
                [&[kind][..], &channel.to_be_bytes(), &size.to_be_bytes(), &payload, &[0xce]].concat();
            corpus.packet(&format!("{file}-line-{:03}", number + 1), Spec::Amqp091, sender, &octets);
        }
    }
    for (number, line) in read(&folder.join("rabbitmq-3.10.8.hex")).lines().enumerate() {
        corpus.packet(&format!("recorded-{:03}", number + 1), Spec::Amqp091, Side::Server, &hex(line));
    }
    corpus.packet("protocol-header", Spec::Amqp091, Side::Client, b"AMQP\0\0\x09\x01\x08\0\0\0\0\0\0\xce");
}

fn number_of(text: &str) -> Option<u16> {
    match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}
