//! Packets and frames by hand, from the standards.

/// MQTT.
pub(crate) mod mqtt {
    use mqspec_broker_core::mqtt::codec::Version;

    /// CONNECT of 5.0, client identifier `c`.
    pub(crate) fn connect() -> Vec<u8> {
        b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01c".to_vec()
    }

    /// A packet of each type that a client sends.
    pub(crate) fn plain(version: Version) -> Vec<Vec<u8>> {
        let mut packets: Vec<&[u8]> = vec![
            b"\x40\x02\x00\x01",
            b"\x50\x02\x00\x01",
            b"\x62\x02\x00\x01",
            b"\x70\x02\x00\x01",
            b"\xc0\x00",
            b"\xe0\x00",
        ];
        let others: &[&[u8]] = match version {
            Version::V311 => &[
                b"\x10\x16\x00\x04MQTT\x04\xc6\x00\x0a\x00\x01c\x00\x01w\x00\x00\x00\x00\x00\x00",
                b"\x32\x08\x00\x03a/b\x00\x01x",
                b"\x82\x08\x00\x01\x00\x03a/#\x02",
                b"\xa2\x07\x00\x01\x00\x03a/#",
            ],
            Version::V50 => &[
                b"\x10\x13\x00\x04MQTT\x05\x02\x00\x0a\x05\x11\x00\x00\x00\x3c\x00\x01c",
                b"\x32\x15\x00\x03a/b\x00\x01\x0c\x01\x01\x26\x00\x01k\x00\x01v\x23\x00\x01x",
                b"\x82\x0b\x00\x01\x02\x0b\x07\x00\x03a/#\x2e",
                b"\xa2\x08\x00\x01\x00\x00\x03a/#",
                b"\x40\x04\x00\x01\x10\x00",
                b"\xe0\x02\x04\x00",
                b"\xf0\x0a\x18\x08\x15\x00\x05plain",
            ],
        };
        packets.extend(others);
        packets.into_iter().map(<[u8]>::to_vec).collect()
    }
}

/// A PUBLISH of 5.0 to `t`; with QoS 0, whatever the flags say besides.
pub(crate) fn publish(first_byte: u8, properties: &[u8], payload: &[u8]) -> Vec<u8> {
    let body = [&b"\x00\x01t"[..], &variable(properties.len()), properties, payload].concat();
    [&[first_byte][..], &variable(body.len()), &body].concat()
}

fn variable(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let digit = u8::try_from(value & 0x7F).expect("seven bits");
        value >>= 7;
        if value == 0 {
            bytes.push(digit);
            return bytes;
        }
        bytes.push(digit | 0x80);
    }
}

/// A frame on channel 1.
pub(crate) fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    frame_on(1, kind, payload)
}

fn frame_on(channel: u8, kind: u8, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).expect("a small frame");
    [&[kind, 0, channel][..], &size.to_be_bytes(), payload, &[0xCE]].concat()
}

/// Protocol header, start-ok of guest, tune-ok with frames of 128 KiB, open, channel 1.
pub(crate) fn hello() -> Vec<u8> {
    [
        b"AMQP\x00\x00\x09\x01".to_vec(),
        frame_on(
            0,
            1,
            b"\x00\x0a\x00\x0b\x00\x00\x00\x00\x05PLAIN\x00\x00\x00\x0c\x00guest\x00guest\x05en_US",
        ),
        frame_on(0, 1, b"\x00\x0a\x00\x1f\x00\x08\x00\x02\x00\x00\x00\x00"),
        frame_on(0, 1, b"\x00\x0a\x00\x28\x01/\x00\x00"),
        frame(1, b"\x00\x14\x00\x0a\x00"),
    ]
    .concat()
}

/// queue.declare of `q`.
pub(crate) fn declare_queue() -> Vec<u8> {
    frame(1, b"\x00\x32\x00\x0a\x00\x00\x01q\x00\x00\x00\x00\x00")
}

/// basic.publish to queue `q` by the default exchange, with these headers and this body.
pub(crate) fn message(headers: &[u8], body: &[u8]) -> Vec<u8> {
    let method = frame(1, b"\x00\x3c\x00\x28\x00\x00\x00\x01q\x00");
    let size = u64::try_from(body.len()).expect("a size");
    let table = u32::try_from(headers.len()).expect("a table");
    let header =
        [&[0, 60, 0, 0][..], &size.to_be_bytes(), &[0x20, 0], &table.to_be_bytes(), headers].concat();
    [method, frame(2, &header), frame(3, body)].concat()
}

/// Four fields.
pub(crate) fn table() -> Vec<u8> {
    b"\x01aS\x00\x00\x00\x02hi\x01bI\x00\x00\x00\x03\x01ct\x01\x01dT\x00\x00\x00\x00\x65\x53\xf1\x00".to_vec()
}

/// A table with `depth - 1` tables inside, each empty but for the next; its entries.
pub(crate) fn nested(depth: usize) -> Vec<u8> {
    let mut entries = Vec::new();
    for level in (1..depth).rev() {
        // From the outermost on: what is written later lies deeper.
        let length = u32::try_from(6 * (level - 1)).expect("short").to_be_bytes();
        entries.extend_from_slice(b"\x00F");
        entries.extend_from_slice(&length);
    }
    entries
}
