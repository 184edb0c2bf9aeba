//! Bad octets, each with the one statement that they break and the octets to blame.

use mqspec_wire::Side::{Client, Server};
use mqspec_wire::amqp::Decoder;
use mqspec_wire::{Packet, Side};

use crate::support::{decode, decode_one, frame, hex};

/// Sender, frame type, channel, payload, statement, offending octets.
type Row = (Side, u8, u16, &'static str, &'static str, &'static str);

/// A `queue.declare` of `q` up to its table, which is the rest of the payload.
macro_rules! declare {
    ($table:literal) => {
        concat!("0032 000a 0000 01 71 00 ", $table)
    };
}

#[rustfmt::skip]
const FRAMES: &[Row] = &[
    // Frames and channels.
    (Server, 4, 0, "", "amqp-0-9-1/AMQP-4.2.3-unknown-type", "04"),
    (Client, 0, 1, "0014 000a 00", "amqp-0-9-1/AMQP-4.2.3-unknown-type", "00"),
    (Server, 8, 1, "", "amqp-0-9-1/AMQP-4.2.7-heartbeat-channel", "0001"),
    (Server, 8, 0, "2a", "amqp-0-9-1/AMQP-4.2.7-invalid-heartbeat", "2a"),
    (Server, 1, 1, "000a 0033", "amqp-0-9-1/AMQP-4.2.3-connection-channel-zero", "0001"),
    (Client, 1, 0, "0014 000a 00", "amqp-0-9-1/AMQP-4.2.3-channel-zero-global", "0000"),
    (Client, 2, 0, "003c 0000 0000000000000000 0000", "amqp-0-9-1/AMQP-4.2.6.1-channel-nonzero", "0000"),
    (Server, 3, 0, "61", "amqp-0-9-1/AMQP-4.2.6.1-channel-nonzero", "0000"),
    // Methods.
    (Server, 1, 0, "000a 00", "amqp-0-9-1/AMQP-4.2.4-method-payload", "000a00"),
    (Server, 1, 1, "", "amqp-0-9-1/AMQP-4.2.4-method-payload", ""),
    (Client, 1, 1, "0000 000a", "amqp-0-9-1/AMQP-4.2.1-class-method-nonzero", "0000000a"),
    (Client, 1, 1, "0032 0000", "amqp-0-9-1/AMQP-4.2.1-class-method-nonzero", "00320000"),
    (Client, 1, 1, "0063 000a", "amqp-0-9-1/AMQP-4.2.4-unknown-method", "0063000a"),
    (Client, 1, 1, "0028 0029", "amqp-0-9-1/AMQP-4.2.4-unknown-method", "00280029"),
    (Client, 1, 1, "0014 000b 00000000", "amqp-0-9-1/AMQP-4.2.4-server-only-method", "0014000b"),
    (Server, 1, 1, "003c 005a 0000000000000001 00", "amqp-0-9-1/MQSPEC-4.2.4-client-only-method", "003c005a"),
    (Server, 1, 1, "0032 001f 000000", "amqp-0-9-1/AMQP-4.2.4-arguments-exact", "000000"),
    (Server, 1, 1, "0032 001f 00000000 00", "amqp-0-9-1/AMQP-4.2.4-arguments-exact", "00"),
    (Client, 1, 1, "003c 0028 0000 00 05 71", "amqp-0-9-1/AMQP-4.2.4-arguments-exact", "0571"),
    (Client, 1, 1, "003c 0050 0000000000000001", "amqp-0-9-1/AMQP-4.2.4-arguments-exact", ""),
    (Server, 1, 1, "0032 0033 01", "amqp-0-9-1/AMQP-4.2.4-arguments-exact", "01"),
    (Server, 1, 0, "000a 0014 00000005 6869", "amqp-0-9-1/AMQP-4.2.4-arguments-exact", "000000056869"),
    (Client, 1, 1, "003c 0028 0000 00 00 04", "amqp-0-9-1/MQSPEC-4.2.5.2-unused-bits", "04"),
    (Client, 1, 1, "0032 000a 0000 00 20 00000000", "amqp-0-9-1/MQSPEC-4.2.5.2-unused-bits", "20"),
    // Strings.
    (Server, 1, 1, "003c 0015 03 610062", "amqp-0-9-1/AMQP-4.2.1-shortstr-no-nul", "03610062"),
    (Server, 1, 1, "003c 0015 02 c328", "amqp-0-9-1/AMQP-4.2.5.3-shortstr", "02c328"),
    // Tables.
    (Client, 1, 1, declare!("00000009 01 61 56"), "amqp-0-9-1/AMQP-4.2.5.5-table-layout", "00000009"),
    (Client, 1, 1, declare!("00000003 05 61 62"), "amqp-0-9-1/AMQP-4.2.5.5-table-layout", "056162"),
    (Client, 1, 1, declare!("00000002 01 61"), "amqp-0-9-1/AMQP-4.2.5.5-table-layout", ""),
    (Client, 1, 1, declare!("00000005 01 61 49 0001"), "amqp-0-9-1/AMQP-4.2.5.5-table-layout", "490001"),
    (Client, 1, 1, declare!("00000008 01 61 53 00000009 62"), "amqp-0-9-1/AMQP-4.2.5.5-table-layout", "530000000962"),
    (Client, 1, 1, declare!("00000007 01 61 46 00000001"), "amqp-0-9-1/AMQP-4.2.5.5-table-layout", "00000001"),
    (Client, 1, 1, declare!("00000007 01 61 41 00000001"), "amqp-0-9-1/AMQP-4.2.1-field-array", "00000001"),
    (Client, 1, 1, declare!("00000008 01 61 41 00000001 00"), "amqp-0-9-1/AMQP-4.2.1-field-types", "00"),
    (Client, 1, 1, declare!("00000009 01 61 41 00000002 49 00"), "amqp-0-9-1/AMQP-4.2.1-field-array", "4900"),
    (Client, 1, 1, declare!("00000003 01 61 7a"), "amqp-0-9-1/AMQP-4.2.1-field-types", "7a"),
    (Client, 1, 1, declare!("00000005 01 61 55 0001"), "rabbitmq/RMQ-table-types", "55"),
    (Client, 1, 1, declare!("0000000b 01 61 4c 0000000000000001"), "rabbitmq/RMQ-table-types", "4c"),
    (Client, 1, 1, declare!("00000003 01 39 56"), "amqp-0-9-1/AMQP-4.2.5.5-field-name-form", "0139"),
    (Client, 1, 1, declare!("00000005 03 612062 56"), "amqp-0-9-1/AMQP-4.2.5.5-field-name-form", "03612062"),
    (Client, 1, 1, declare!("00000002 00 56"), "amqp-0-9-1/AMQP-4.2.5.5-field-name-form", "00"),
    (Client, 1, 1, declare!("00000006 01 61 56 01 61 56"), "amqp-0-9-1/AMQP-4.2.5.5-duplicate-fields", "0161"),
    (Client, 1, 1, declare!("00000004 01 61 74 02"), "amqp-0-9-1/MQSPEC-4.2.1-boolean-octet", "02"),
    // Content headers.
    (Client, 2, 1, "003c 0000 00000000", "amqp-0-9-1/AMQP-4.2.6-malformed-content", "003c000000000000"),
    (Client, 2, 1, "003c 0000 0000000000000000", "amqp-0-9-1/AMQP-4.2.6-malformed-content", ""),
    (Client, 2, 1, "003c 0000 0000000000000000 1000", "amqp-0-9-1/AMQP-4.2.6-malformed-content", ""),
    (Client, 2, 1, "003c 0000 0000000000000000 0000 01", "amqp-0-9-1/AMQP-4.2.6-malformed-content", "01"),
    (Client, 2, 1, "003c 0000 0000000000000000 0001", "amqp-0-9-1/AMQP-4.2.6-malformed-content", ""),
    (Client, 2, 1, "003c 0001 0000000000000000 0000", "amqp-0-9-1/AMQP-4.2.6.1-weight-zero", "0001"),
    (Client, 2, 1, "0032 0000 0000000000000000 0000", "amqp-0-9-1/AMQP-4.2.6.1-class-match", "0032"),
    (Client, 2, 1, "003c 0000 0000000000000000 0001 0000", "amqp-0-9-1/AMQP-4.2.1-property-flags-continuation", "00010000"),
    (Client, 2, 1, "003c 0000 0000000000000000 0002", "amqp-0-9-1/MQSPEC-4.2.6.1-undefined-flag", "0002"),
    (Client, 2, 1, "003c 0000 0000000000000000 1000 03", "amqp-0-9-1/AMQP-basic.delivery-mode-values", "03"),
    (Client, 2, 1, "003c 0000 0000000000000000 0800 0a", "amqp-0-9-1/AMQP-basic.priority-range", "0a"),
    (Client, 2, 1, "003c 0000 0000000000000000 0004 01 63", "amqp-0-9-1/AMQP-basic.reserved-empty", "0163"),
    (Client, 2, 1, "003c 0000 0000000000000000 0100 02 2d31", "rabbitmq/RMQ-ttl-expiration-malformed", "022d31"),
    // Values of fields.
    (Client, 1, 1, "003c 0046 0001 00 00", "amqp-0-9-1/MQSPEC-ref-1-reserved-fields", "0001"),
    (Client, 1, 0, "000a 0028 01 2f 01 78 00", "amqp-0-9-1/MQSPEC-ref-1-reserved-fields", "0178"),
    (Client, 1, 0, "000a 0028 01 2f 00 01", "amqp-0-9-1/MQSPEC-ref-1-reserved-fields", "01"),
    (Client, 1, 0, "000a 0028 00 00 00", "amqp-0-9-1/AMQP-path-length", "00"),
    (Client, 1, 1, "003c 0028 0000 01 21 00 00", "amqp-0-9-1/AMQP-exchange-name-length", "0121"),
    (Client, 1, 1, "0028 000a 0000 00 00 00 00000000", "amqp-0-9-1/AMQP-exchange.declare.exchange-notnull", "00"),
    (Client, 1, 1, "0028 0014 0000 00 00", "amqp-0-9-1/AMQP-exchange.delete.exchange-notnull", "00"),
    (Client, 1, 1, "0032 001e 0000 01 20 00", "amqp-0-9-1/AMQP-queue-name-length", "0120"),
    (Server, 1, 1, "0014 0028 0190 01 61 0000 0000", "amqp-0-9-1/AMQP-reply-code-present", "0190"),
    (Server, 1, 0, "000a 0032 0000 01 61 0000 0000", "amqp-0-9-1/AMQP-4.8.2-reply-code-format", "0000"),
    (Server, 1, 1, "0014 0028 0194 00 0000 0000", "amqp-0-9-1/AMQP-reply-text-present", "00"),
    (Server, 1, 1, "003c 003c 01 63 0000000000000000 00 00 00", "amqp-0-9-1/AMQP-delivery-tag-non-zero", "0000000000000000"),
    (Server, 1, 1, "003c 0050 0000000000000000 00", "rabbitmq/RMQ-confirm-sequence-from-one", "0000000000000000"),
    (Server, 1, 1, "003c 001e 01 63 00", "rabbitmq/RMQ-ccn-nowait-set", "00"),
    (Server, 1, 0, "000a 000a 00 08 00000000 00000001 61 00000005 656e5f5553", "amqp-0-9-1/AMQP-connection.start.version", "08"),
    (Server, 1, 0, "000a 000a 00 09 00000000 00000000 00000005 656e5f5553", "amqp-0-9-1/AMQP-connection.start.mechanisms-present", "00000000"),
    (Server, 1, 0, "000a 000a 00 09 00000000 00000001 61 00000002 656e", "amqp-0-9-1/AMQP-connection.start.locales-required-support", "00000002656e"),
    (Server, 1, 0, "000a 001e 0000 00000fff 0000", "amqp-0-9-1/AMQP-connection.tune.frame-max-minimum", "00000fff"),
    (Client, 1, 0, "000a 001f 0000 00000001 0000", "amqp-0-9-1/AMQP-connection.tune-ok.frame-max-minimum", "00000001"),
];

/// Asserts that a packet breaks exactly this statement, with exactly these octets.
fn assert_only(packet: &Packet, statement: &str, octets: &str, input: &str) {
    let found: Vec<_> = packet.oddities.iter().map(|oddity| oddity.statement).collect();
    assert_eq!(found, [statement], "{input}: {packet:?}");
    for oddity in &packet.oddities {
        let blamed = packet.raw.get(oddity.span.clone()).expect("a span within the packet");
        assert_eq!(blamed, hex(octets), "{input}: {}", oddity.message);
        let message = oddity.message.to_string();
        assert!(!message.is_empty() && !message.ends_with('.') && !message.contains("{}"), "{message}");
    }
}

#[test]
fn each_bad_frame_breaks_its_statement_and_no_other() {
    for (sender, frame_type, channel, payload, statement, octets) in FRAMES {
        let packet = decode_one(*sender, &frame(*frame_type, *channel, &hex(payload)));
        assert_only(&packet, statement, octets, payload);
    }
}

/// Sender, stream, statement, offending octets, names of the packets. The oddity is the last packet's.
#[rustfmt::skip]
const STREAMS: &[(Side, &str, &str, &str, &[&str])] = &[
    (Client, "414d5150 00000900", "amqp-0-9-1/AMQP-4.2.1-header-literal", "00000900", &["protocol-header"]),
    (Client, "414d5150 01010009", "amqp-0-9-1/AMQP-4.2.1-header-literal", "01010009", &["protocol-header"]),
    (Server, "08 0000 00000000 cd", "amqp-0-9-1/AMQP-4.2.3-frame-end", "cd", &["unknown"]),
    // The size is one too small, so that the end octet is looked for in the payload.
    (Server, "01 0001 00000004 0014000b00 000000 ce", "amqp-0-9-1/AMQP-4.2.3-frame-end", "00", &["unknown"]),
    (Server, "08 0000 00000000 ce 08 0000 00000000 00 08 0000", "amqp-0-9-1/AMQP-4.2.3-frame-end", "00", &["heartbeat", "unknown"]),
    // "HTTP/1.1 400": the type H claims a payload of a gigabyte.
    (Server, "485454502f312e3120343030", "amqp-0-9-1/AMQP-4.2.3-unknown-type", "48", &["unknown"]),
    // A protocol header after the first frame is no frame.
    (Client, "08 0000 00000000 ce 414d5150 00000901", "amqp-0-9-1/AMQP-4.2.3-unknown-type", "41", &["heartbeat", "unknown"]),
];

#[test]
fn each_bad_stream_ends_in_the_packet_to_blame() {
    for (sender, stream, statement, octets, names) in STREAMS {
        let mut packets = decode(*sender, &hex(stream));
        assert_eq!(packets.iter().map(|packet| packet.name).collect::<Vec<_>>(), *names, "{stream}");
        let last = packets.pop().expect("a packet");
        assert_only(&last, statement, octets, stream);
        assert!(packets.iter().all(|packet| packet.oddities.is_empty()), "{stream}");
    }
}

#[test]
fn a_frame_beyond_the_agreed_limit_is_noted() {
    for (limit, expected) in [(None, 0), (Some(0), 0), (Some(16), 0), (Some(15), 1)] {
        let mut decoder = Decoder::new(Server);
        decoder.set_frame_max(limit);
        decoder.push(&frame(3, 1, b"12345678"));
        let packet = decoder.next_packet().expect("a frame of 16 octets");
        assert_eq!(packet.oddities.len(), expected, "{limit:?}");
        if expected == 1 {
            assert_only(&packet, "amqp-0-9-1/AMQP-4.2.3-frame-max-sender", "00000008", "a body");
        }
    }
}

#[test]
fn bytes_after_a_lost_frame_are_unknown_too_and_blamed_once() {
    let mut decoder = Decoder::new(Server);
    decoder.push(&hex("08 0000 00000000 00"));
    let first = decoder.next_packet().expect("a frame without its end");
    assert_eq!((first.name, first.oddities.len()), ("unknown", 1));
    assert_eq!(decoder.next_packet(), None);
    decoder.push(&frame(8, 0, &[]));
    let later = decoder.next_packet().expect("the bytes that came later");
    assert_eq!((later.name, later.oddities.len(), later.raw.len()), ("unknown", 0, 8));
}

#[test]
fn a_size_field_reserves_no_memory_and_invents_no_packet() {
    let mut decoder = Decoder::new(Server);
    decoder.push(&hex("01 0001 ffffffff 0014"));
    assert_eq!(decoder.next_packet(), None);
    assert_eq!(decoder.rest(), hex("01 0001 ffffffff 0014"));
}

#[test]
fn what_publishers_wrote_is_not_blamed_on_the_server() {
    let rows = [
        // Headers: the name "9 x" twice, a boolean 2, a tag of the standard that RabbitMQ lacks.
        ("2000 0000000c 03 392078 74 02 03 392078 74 02", 5),
        ("2000 00000005 01 61 55 0001", 1),
        // Delivery mode 9, priority 77, a correlation id with a zero octet that is no UTF-8, a cluster id.
        ("1000 09", 1),
        ("0800 4d", 1),
        ("0400 02 00ff", 2),
        ("0004 01 63", 1),
    ];
    for (properties, blamed_on_client) in rows {
        let octets = frame(2, 1, &hex(&format!("003c 0000 0000000000000000 {properties}")));
        assert_eq!(decode_one(Server, &octets).oddities, [], "{properties}");
        assert_eq!(decode_one(Client, &octets).oddities.len(), blamed_on_client, "{properties}");
    }
}

#[test]
fn a_thousand_repeats_are_noted_sixteen_times_and_hide_nothing_else() {
    // Empty names, which are also the same name; at the end a tag that does not exist.
    let entries = "00 56".repeat(1000);
    let payload = format!("0032 000a 0000 00 00 000007d2 {entries} 00 7a");
    let packet = decode_one(Client, &frame(1, 1, &hex(&payload)));
    let count = |statement| packet.oddities.iter().filter(|oddity| oddity.statement == statement).count();
    assert_eq!(count("amqp-0-9-1/AMQP-4.2.5.5-field-name-form"), 16);
    assert_eq!(count("amqp-0-9-1/AMQP-4.2.5.5-duplicate-fields"), 16);
    assert_eq!(count("amqp-0-9-1/AMQP-4.2.1-field-types"), 1);
}

#[test]
fn a_repeated_name_is_found_in_large_tables_too() {
    let entries = (b'a'..=b'z')
        .chain([b'q'])
        .fold(String::new(), |entries, name| entries + &format!("01 {name:02x} 56"));
    let payload = format!("0032 000a 0000 00 00 00000051 {entries}");
    let packet = decode_one(Client, &frame(1, 1, &hex(&payload)));
    assert_only(&packet, "amqp-0-9-1/AMQP-4.2.5.5-duplicate-fields", "0171", "27 names");
}
