//! AMQP field tables that the layouts have no example of.

use mqspec_wire::{Side, Spec};

use crate::Corpus;

/// Tables in tables, as deep as they may be and one deeper: more than a fuzzer thinks of.
pub(crate) fn nested_tables(corpus: &mut Corpus) {
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
pub(crate) fn every_table_value(corpus: &mut Corpus) {
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
