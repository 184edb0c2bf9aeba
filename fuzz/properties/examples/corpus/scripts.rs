//! Scripts: for the broker, for its log, for the checks.

use mqspec_broker_log::{Disk, Log, MemoryDisk, Options};

use crate::Corpus;

/// Scripts of the witness (step 5), of crashes (6), of time (2) and of others who come and go (0).
pub(crate) fn witnesses(corpus: &mut Corpus) {
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
pub(crate) fn logs(corpus: &mut Corpus) {
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
pub(crate) fn scripts(corpus: &mut Corpus) {
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
