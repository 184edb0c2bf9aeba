//! Makes the seeds and dictionaries: `cargo run --example corpus`, from any folder.
//!
//! Nothing is collected from elsewhere: seeds are cut from the test vectors and tables of the tester's codec and
//! written from its layouts, a file each in `corpus/TARGET/`, named after where it comes from. `cargo fuzz cmin`
//! shrinks what it has grown to afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mqspec_broker_log::{Disk, Log, MemoryDisk, Options};
use mqspec_wire::{Draft, FieldShape, PacketShape, Shape, Side, Spec, Value, encode, malformations, shapes};

mod conversations;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut corpus = Corpus { folder: root.join("fuzz/corpus"), written: 0 };
    mqtt_vectors(&root, &mut corpus);
    amqp_tables(&root, &mut corpus);
    nested_tables(&mut corpus);
    every_table_value(&mut corpus);
    conversations::contents(&mut corpus);
    conversations::scripts(&mut corpus);
    scripts(&mut corpus);
    witnesses(&mut corpus);
    logs(&mut corpus);
    scenarios(&root.join("scenarios"), &mut corpus);
    for spec in Spec::ALL {
        layouts(spec, &mut corpus);
        dictionary(spec, &root.join("fuzz/dictionaries"));
    }
    println!("{} seeds in {}", corpus.written, corpus.folder.display());
}

struct Corpus {
    folder: PathBuf,
    written: usize,
}

impl Corpus {
    /// A seed of the decoders and of the differential targets: who sends what in which version.
    fn packet(&mut self, name: &str, spec: Spec, sender: Side, bytes: &[u8]) {
        let targets = if spec.is_mqtt() {
            ["decode_mqtt", "differential_mqtt"]
        } else {
            ["decode_amqp", "differential_amqp"]
        };
        let choice = u8::from(sender == Side::Server) | u8::from(spec == Spec::Mqtt50) << 1;
        let fifth = (spec == Spec::Mqtt50).then_some("differential_mqtt5");
        for target in targets.into_iter().chain(fifth) {
            self.write(target, name, &[&[choice], bytes].concat());
        }
    }

    fn write(&mut self, target: &str, name: &str, input: &[u8]) {
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder).expect("the corpus can be written");
        fs::write(folder.join(name), input).expect("the corpus can be written");
        self.written += 1;
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

/// Tables in tables, as deep as they may be and one deeper: more than a fuzzer thinks of.
fn nested_tables(corpus: &mut Corpus) {
    for depth in [2, 63, 64, 65, 70_usize] {
        let mut payload = b"\x00\x32\x00\x0a\x00\x00\x01q\x00".to_vec();
        for level in (0..depth).rev() {
            let size = u32::try_from(6 * level).expect("a small table");
            payload.extend_from_slice(&size.to_be_bytes());
            if level > 0 {
                payload.extend_from_slice(b"\x00F");
            }
        }
        let size = u32::try_from(payload.len()).expect("a small frame").to_be_bytes();
        let octets = [&[1, 0, 1][..], &size, &payload, &[0xce]].concat();
        corpus.packet(&format!("nested-{depth:03}"), Spec::Amqp091, Side::Client, &octets);
    }
}

/// Values of each type, and each in an array and in a table, as headers of a message.
fn every_table_value(corpus: &mut Corpus) {
    let values: [&[u8]; 18] = [
        b"t\x01",
        b"b\xff",
        b"B\xff",
        b"s\xff\xff",
        b"U\xff\xff",
        b"u\xff\xff",
        b"I\xff\xff\xff\xff",
        b"i\xff\xff\xff\xff",
        b"l\0\0\0\0\0\0\0\x01",
        b"L\0\0\0\0\0\0\0\x01",
        b"f\x3f\x80\0\0",
        b"d\x3f\xf0\0\0\0\0\0\0",
        b"D\x02\0\0\0\x7b",
        b"S\0\0\0\x01a",
        b"x\0\0\0\x01\xff",
        b"T\0\0\0\0\0\0\0\x01",
        b"V",
        b"?",
    ];
    for (number, value) in values.into_iter().enumerate() {
        let size = |octets: &[u8]| u32::try_from(octets.len()).expect("a small table").to_be_bytes();
        let field = [b"\x01a", value].concat();
        let array = [b"\x01bA", &size(value)[..], value].concat();
        let table = [b"\x01cF", &size(&field)[..], &field].concat();
        let entries = [field, array, table].concat();
        let header = [&b"\0\x3c\0\0\0\0\0\0\0\0\0\0\x20\0"[..], &size(&entries), &entries].concat();
        let octets = [&[2, 0, 1][..], &size(&header), &header, &[0xce]].concat();
        corpus.packet(&format!("header-value-{number:02}"), Spec::Amqp091, Side::Client, &octets);
    }
}

/// Scripts of the witness (step 5), of crashes (6), of time (2) and of others who come and go (0).
fn witnesses(corpus: &mut Corpus) {
    let scripts: [&[u8]; 8] = [
        &[5, 0, 5, 0, 5, 8],
        &[5, 0, 5, 0, 6, 0, 5, 0, 5, 8, 6, 2, 5, 0],
        &[5, 0, 5, 4, 5, 0, 5, 8, 6, 0, 5, 0, 5, 5],
        &[5, 0, 5, 7, 5, 0, 5, 15, 5, 0],
        &[5, 0, 6, 5, 5, 0, 6, 1, 5, 0],
        &[5, 0, 0, 1, 5, 4, 5, 0, 2, 200, 5, 6, 5, 5],
        &[5, 0, 7, 1, 5, 0, 5, 8, 7, 0, 5, 0, 6, 2, 5, 0],
        &[5, 0, 5, 4, 5, 0, 5, 8, 5, 6, 5, 0, 5, 7, 6, 3, 5, 0, 5, 5],
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        for target in ["broker_mqtt", "broker_amqp"] {
            corpus.write(target, &format!("witness-{number:03}"), script);
        }
    }
}

/// Logs as they are, whole and damaged, and scripts that write and damage some.
fn logs(corpus: &mut Corpus) {
    let options = Options { salt: 7, ..Options::default() };
    let (mut log, _) = Log::open(MemoryDisk::new(), options).expect("an empty disk");
    for records in [&[&b"one"[..]][..], &[b"two", b""], &[&[1, 3, 0xff]]] {
        log.append(records).expect("there is room");
    }
    let read = log.disk_mut().read("log").expect("a disk in memory can be read");
    let whole = read.expect("an open log has its file");
    // The first entry has 20 bytes in front of a record of three behind its length.
    let (header, entries) = whole.split_at(24);
    let (first, others) = entries.split_at(27);
    corpus.write("log", "file-whole", &[&[0], header, entries].concat());
    corpus.write("log", "file-empty", &[0]);
    corpus.write("log", "entries-whole", &[&[2], entries].concat());
    corpus.write("log", "entries-cut", &[&[2], first, &[0x13, 0, 0]].concat());
    corpus.write("log", "entries-first-twice", &[&[2], entries, first].concat());
    corpus.write("log", "entries-first-gone", &[&[2], others].concat());
    let scripts: [&[u8]; 10] = [
        &[1, 3, b'o', b'n', b'e', 2, 1, b'x', 0, 0, 0, 20, 0, 60],
        &[3, 2, 1, 2, 1, 9, 4, 1, 1, b'z', 5, 0],
        &[1, 1, b'a', 1, 1, b'b', 1, 1, b'c', 0, 1, 0, 50, 0, 60],
        &[1, 1, b'a', 1, 1, b'b', 0, 2, 0, 24, 0, 49],
        &[1, 1, b'a', 1, 1, b'b', 0, 3, 0, 24, 0, 49, 3, 0, 24, 0, 49],
        &[1, 1, b'a', 0, 4, 0, 30, 0, 0, 255],
        &[1, 1, b'a', 0, 5, 0, 24, 0, 0, 3, 1, 2, 3],
        &[6, 6, 5, 0, 5, 0, 5, 8, 0, 0, 0, 60, 0, 80],
        &[0x47, 8, 5, 0, 5, 0, 6, 0, 5, 0, 4, 5, 0, 1, 0, 90, 0, 99],
        &[6, 8, 0, 1, 4, 9, 11, 1, 1, 0, 0x86, 6, 5, 0, 5, 4, 5, 0, 4, 5],
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        corpus.write("log", &format!("script-{number:03}"), &[&[1], script].concat());
    }
}

/// Scripts of any bytes: each is one, and a fuzzer grows from them. The generator is splitmix64.
fn scripts(corpus: &mut Corpus) {
    let mut state = 0_u64;
    for number in 0..60_usize {
        let mut byte = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed.to_be_bytes()[0]
        };
        let script: Vec<u8> = (0..40 + number * 4).map(|_| byte()).collect();
        for target in ["broker_mqtt", "broker_amqp", "checks"] {
            corpus.write(target, &format!("script-{number:03}"), &script);
        }
    }
    corpus.write("baseline", "sixty-four-bytes", &[b'.'; 64]);
}

/// The shipped scenarios.
fn scenarios(folder: &Path, corpus: &mut Corpus) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            scenarios(&path, corpus);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            let parts: Vec<_> = path.iter().rev().take(3).filter_map(|part| part.to_str()).collect();
            let name = parts.into_iter().rev().collect::<Vec<_>>().join("-");
            corpus.write("scenario_load", &name, read(&path).as_bytes());
        }
    }
}

/// `sender | bytes | statements | what it is`, where `LL` is the remaining length.
fn mqtt_vectors(root: &Path, corpus: &mut Corpus) {
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
fn amqp_tables(root: &Path, corpus: &mut Corpus) {
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

/// Each packet with every field, with each number that has a name, with each malformation, and from the wrong side.
fn layouts(spec: Spec, corpus: &mut Corpus) {
    for shape in shapes(spec).iter().filter(|shape| shape.name != "unknown") {
        let full = full(shape);
        for side in [Side::Client, Side::Server].into_iter().filter(|side| shape.sent_by.include(*side)) {
            let from = if side == Side::Client { "client" } else { "server" };
            let name = format!("{}-{}-{from}", spec.short(), shape.name);
            if let Ok(pieces) = encode(spec, side, &full) {
                let other = if side == Side::Client { Side::Server } else { Side::Client };
                corpus.packet(&name, spec, side, &pieces.concat());
                corpus.packet(&format!("{name}-to-its-like"), spec, other, &pieces.concat());
            }
            for (place, field) in shape.fields.iter().enumerate() {
                for (label, number) in field.labels {
                    let mut draft = full.clone();
                    draft.fields.retain(|(name, _)| name != field.name);
                    draft.fields.insert(
                        place.min(draft.fields.len()),
                        (field.name.to_owned(), Value::Integer(*number)),
                    );
                    if let Ok(pieces) = encode(spec, side, &draft) {
                        corpus.packet(&format!("{name}-{label}"), spec, side, &pieces.concat());
                    }
                }
            }
            for malformation in malformations(spec) {
                let draft = full.clone().malformed(malformation.name, value(malformation));
                if let Ok(pieces) = encode(spec, side, &draft) {
                    corpus.packet(&format!("{name}-{}", malformation.name), spec, side, &pieces.concat());
                }
            }
        }
    }
}

fn full(shape: &PacketShape) -> Draft {
    let follows =
        |name: &str| ["will_flag", "user_name_flag", "password_flag", "property_flags"].contains(&name);
    let fields = shape.fields.iter().filter(|field| !follows(field.name));
    let fields = fields.map(|field| (field.name.into(), value(field))).collect();
    Draft { name: shape.name.into(), fields, malformed: Vec::new() }
}

fn value(field: &FieldShape) -> Value {
    match &field.shape {
        Shape::Bool => Value::Bool(true),
        Shape::Unsigned(most) => Value::Integer(i128::from((*most).min(1))),
        Shape::Text => Value::text("a"),
        Shape::Binary => Value::Bytes(Bytes::from_static(&[0, 0xff])),
        Shape::Table => Value::Map(vec![(Bytes::from_static(b"a"), Value::text("b"))]),
        Shape::List(entry) if entry.is_empty() && field.name == "filters" => {
            Value::List(vec![Value::text("a/#")])
        }
        Shape::List(entry) if entry.is_empty() => Value::List(vec![Value::Integer(0)]),
        Shape::List(entry) => {
            let value = |field: &FieldShape| (Bytes::from_static(field.name.as_bytes()), value(field));
            Value::List(vec![Value::Map(entry.iter().map(value).collect())])
        }
    }
}

/// A libFuzzer dictionary: the first bytes of every packet, and the numbers that have names.
fn dictionary(spec: Spec, folder: &Path) {
    let mut words =
        vec![b"MQTT".to_vec(), b"AMQP\0\0\x09\x01".to_vec(), b"$share/g/#".to_vec(), b"x-match".to_vec()];
    for shape in shapes(spec) {
        let draft = Draft::new(shape.name);
        let side = if shape.sent_by.include(Side::Client) { Side::Client } else { Side::Server };
        let octets = encode(spec, side, &draft).map(|pieces| pieces.concat()).unwrap_or_default();
        let start = if spec.is_mqtt() { 0..1 } else { 7..11 };
        words.extend(octets.get(start).map(<[u8]>::to_vec));
        if octets.len() <= 32 {
            words.push(octets);
        }
        for (_, number) in shape.fields.iter().flat_map(|field| field.labels) {
            words.extend(u8::try_from(*number).ok().map(|byte| vec![byte]));
        }
    }
    words.retain(|word| !word.is_empty());
    words.sort();
    words.dedup();
    let escaped = |word: &Vec<u8>| {
        let octets: Vec<_> = word.iter().map(|octet| format!("\\x{octet:02x}")).collect();
        format!("\"{}\"\n", octets.concat())
    };
    fs::create_dir_all(folder).expect("the folder can be made");
    let text: String = words.iter().map(escaped).collect();
    fs::write(folder.join(format!("{}.dict", spec.short())), text).expect("the dictionary can be written");
}
