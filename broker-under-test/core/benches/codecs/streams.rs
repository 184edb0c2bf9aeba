//! The bytes that are read: ordinary packets, written by hand from the standards.

/// Packets of one stream.
pub(crate) const PACKETS: usize = 64;

fn repeated(one: &[u8]) -> Vec<u8> {
    one.repeat(PACKETS)
}

fn mqtt(first_byte: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first_byte];
    let mut rest = body.len();
    while rest >= 0x80 {
        packet.push(u8::try_from(rest & 0x7F).expect("seven bits") | 0x80);
        rest >>= 7;
    }
    packet.push(u8::try_from(rest).expect("seven bits"));
    packet.extend_from_slice(body);
    packet
}

fn field(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short field");
    [&length.to_be_bytes()[..], bytes].concat()
}

/// PUBLISH at QoS 1 to a topic of 26 bytes. `properties` with their length in front, for 5.0.
pub(crate) fn publish(properties: &[u8], payload: usize) -> Vec<u8> {
    let topic = field(b"sensors/building-7/room-12");
    repeated(&mqtt(0x32, &[&topic[..], &[0x12, 0x34], properties, &vec![b'x'; payload]].concat()))
}

/// Format, lifetime, content type, response topic and correlation data.
pub(crate) fn five_properties() -> Vec<u8> {
    let content_type = field(b"application/json");
    let response_topic = field(b"replies/client-4");
    let correlation = field(&[1, 2, 3, 4, 5, 6, 7, 8]);
    let properties: Vec<u8> = [
        &[0x01, 1, 0x02, 0, 0, 0x0E, 0x10, 0x03][..],
        &content_type,
        &[0x08],
        &response_topic,
        &[0x09],
        &correlation,
    ]
    .concat();
    [vec![u8::try_from(properties.len()).expect("fewer than 128")], properties].concat()
}

/// PUBACK, PUBREC, PUBREL and PUBCOMP of four bytes each.
pub(crate) fn acknowledgements() -> Vec<u8> {
    let four = [0x40, 2, 0, 7, 0x50, 2, 0, 8, 0x62, 2, 0, 9, 0x70, 2, 0, 10];
    four.repeat(PACKETS / 4)
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).expect("a small frame");
    [&[kind, 0, 1][..], &size.to_be_bytes(), payload, &[0xCE]].concat()
}

/// basic.publish, its header and its body, of so many octets; three frames each.
pub(crate) fn message(properties: &[u8], body: usize) -> Vec<u8> {
    let method = frame(1, b"\x00\x3c\x00\x28\x00\x00\x0aamq.direct\x0dorders.europe\x00");
    let header = frame(
        2,
        &[&[0, 60, 0, 0][..], &u64::try_from(body).expect("a size").to_be_bytes(), properties].concat(),
    );
    let body = frame(3, &vec![b'x'; body]);
    repeated(&[method, header, body].concat())
}

/// content-type and delivery-mode.
pub(crate) fn two_properties() -> Vec<u8> {
    b"\x90\x00\x10application/json\x02".to_vec()
}

/// content-type, headers of four entries and delivery-mode.
pub(crate) fn table_properties() -> Vec<u8> {
    let entries: Vec<u8> = [
        &b"\x05traceS\x00\x00\x00\x10"[..],
        b"0123456789abcdef",
        b"\x05retryI\x00\x00\x00\x03",
        b"\x06urgentt\x01",
        b"\x02atT\x00\x00\x00\x00\x65\x53\xf1\x00",
    ]
    .concat();
    let size = u32::try_from(entries.len()).expect("a small table");
    [&b"\xb0\x00\x10application/json"[..], &size.to_be_bytes(), &entries, &[2]].concat()
}
