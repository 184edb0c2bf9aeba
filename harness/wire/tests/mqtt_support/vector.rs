//! Reads the files in `mqtt_vectors/`: sender | bytes | statements | what it is.

use std::collections::BTreeSet;

use mqspec_wire::{Side, Spec};

use super::bytes;

/// One line of a vector file.
pub(crate) struct Vector {
    /// Who sends it.
    pub(crate) sender: Side,
    /// The packet.
    pub(crate) bytes: Vec<u8>,
    /// Full ids of what it breaks.
    pub(crate) statements: BTreeSet<String>,
    /// The line as it stands.
    pub(crate) line: &'static str,
}

/// Every vector of a file.
pub(crate) fn vectors(spec: Spec, file: &'static str) -> Vec<Vector> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| vector(spec, line)).collect()
}

fn vector(spec: Spec, line: &'static str) -> Vector {
    let columns: Vec<_> = line.split('|').map(str::trim).collect();
    let [sender, hex, statements, _] = columns.as_slice() else {
        panic!("not four columns: {line}");
    };
    let sender = match *sender {
        "client" => Side::Client,
        "server" => Side::Server,
        other => panic!("no side {other}: {line}"),
    };
    let hex = match hex.split_once("LL") {
        Some((first, body)) => {
            let length = bytes(body).len();
            assert!(length < 128, "the length needs a second byte: {line}");
            format!("{first}{length:02X}{body}")
        }
        None => (*hex).to_owned(),
    };
    let statements = statements.split_whitespace().map(|id| format!("{spec}/{id}")).collect();
    Vector { sender, bytes: bytes(&hex), statements, line }
}
