//! mqttbytes reads what we write in 3.1.1, and we read what it writes: two readings of one standard.
//!
//! It is more lenient than the standard and never stricter, but for passwords, which it takes for text.

mod mqtt_support;

use bytes::{Bytes, BytesMut};
use mqspec_wire::{Draft, Packet, Side, Spec, Value, encode};
use mqtt_support::generate::any_draft;
use mqtt_support::vector::vectors;
use mqtt_support::{decode, list, text};
use mqttbytes::QoS;
use mqttbytes::v4;
use proptest::prelude::*;

const MAXIMUM_SIZE: usize = 1 << 20;

/// Some fields of a packet.
type Fields = Vec<(&'static str, Value)>;

/// What mqttbytes makes of one packet, under our names.
fn second_opinion(bytes: &[u8]) -> Result<(&'static str, Fields), mqttbytes::Error> {
    let mut stream = BytesMut::from(bytes);
    let packet = v4::read(&mut stream, MAXIMUM_SIZE)?;
    assert!(stream.is_empty(), "it leaves {stream:?}");
    let id = |id: u16| vec![("packet_id", Value::Integer(id.into()))];
    Ok(match packet {
        v4::Packet::Connect(connect) => ("connect", connect_fields(connect)),
        v4::Packet::ConnAck(connack) => (
            "connack",
            vec![
                ("session_present", Value::Bool(connack.session_present)),
                ("reason_code", Value::Integer(connack.code as i128)),
            ],
        ),
        v4::Packet::Publish(publish) => ("publish", publish_fields(publish)),
        v4::Packet::PubAck(ack) => ("puback", id(ack.pkid)),
        v4::Packet::PubRec(ack) => ("pubrec", id(ack.pkid)),
        v4::Packet::PubRel(ack) => ("pubrel", id(ack.pkid)),
        v4::Packet::PubComp(ack) => ("pubcomp", id(ack.pkid)),
        v4::Packet::Subscribe(subscribe) => {
            let entry = |filter: &v4::SubscribeFilter| {
                let qos = Value::Integer(filter.qos as i128);
                Value::Map(vec![("filter".into(), text(&filter.path)), ("qos".into(), qos)])
            };
            let mut fields = id(subscribe.pkid);
            fields.push(("subscriptions", Value::List(subscribe.filters.iter().map(entry).collect())));
            ("subscribe", fields)
        }
        v4::Packet::SubAck(suback) => {
            let code = |code: &v4::SubscribeReasonCode| match code {
                v4::SubscribeReasonCode::Success(qos) => Value::Integer(*qos as i128),
                v4::SubscribeReasonCode::Failure => Value::Integer(0x80),
            };
            let mut fields = id(suback.pkid);
            fields.push(("reason_codes", Value::List(suback.return_codes.iter().map(code).collect())));
            ("suback", fields)
        }
        v4::Packet::Unsubscribe(unsubscribe) => {
            let mut fields = id(unsubscribe.pkid);
            let filters = unsubscribe.topics.iter().map(|filter| text(filter)).collect();
            fields.push(("filters", Value::List(filters)));
            ("unsubscribe", fields)
        }
        v4::Packet::UnsubAck(ack) => ("unsuback", id(ack.pkid)),
        v4::Packet::PingReq => ("pingreq", Vec::new()),
        v4::Packet::PingResp => ("pingresp", Vec::new()),
        v4::Packet::Disconnect => ("disconnect", Vec::new()),
    })
}

fn connect_fields(connect: v4::Connect) -> Fields {
    let mut fields = vec![
        ("clean_start", Value::Bool(connect.clean_session)),
        ("will_flag", Value::Bool(connect.last_will.is_some())),
        ("keep_alive", Value::Integer(connect.keep_alive.into())),
        ("client_id", text(&connect.client_id)),
    ];
    if let Some(will) = connect.last_will {
        fields.extend([
            ("will_topic", text(&will.topic)),
            ("will_payload", Value::Bytes(will.message)),
            ("will_qos", Value::Integer(will.qos as i128)),
            ("will_retain", Value::Bool(will.retain)),
        ]);
    }
    if let Some(login) = connect.login {
        fields.push(("user_name", text(&login.username)));
        // Its empty password may be none at all.
        if !login.password.is_empty() {
            fields.push(("password", text(&login.password)));
        }
    }
    fields
}

fn publish_fields(publish: v4::Publish) -> Fields {
    let mut fields = vec![
        ("dup", Value::Bool(publish.dup)),
        ("qos", Value::Integer(publish.qos as i128)),
        ("retain", Value::Bool(publish.retain)),
        ("topic", text(&publish.topic)),
        ("payload", Value::Bytes(publish.payload)),
    ];
    if publish.qos != QoS::AtMostOnce {
        fields.push(("packet_id", Value::Integer(publish.pkid.into())));
    }
    fields
}

/// Whether the password, if there is one, is text.
fn password_is_text(packet: &Packet) -> bool {
    packet.get("password").is_none_or(|password| password.as_text().is_some())
}

fn agree(packet: &Packet) {
    let (name, fields) = second_opinion(&packet.raw).unwrap_or_else(|error| panic!("{error:?}: {packet:?}"));
    assert_eq!(name, packet.name);
    for (name, value) in fields {
        assert_eq!(packet.get(name), Some(&value), "{name} of {packet:?}");
    }
}

#[test]
fn plain_vectors_read_the_same() {
    let vectors = vectors(Spec::Mqtt311, include_str!("mqtt_vectors/plain-3.1.1.txt"));
    let packets = vectors.iter().flat_map(|vector| decode(Spec::Mqtt311, vector.sender, &[&vector.bytes]).0);
    let (asked, left): (Vec<_>, Vec<_>) = packets.partition(password_is_text);
    asked.iter().for_each(agree);
    assert!(asked.len() >= 20 && left.len() == 1, "{} asked, {} left", asked.len(), left.len());
}

#[test]
fn its_packets_read_without_an_oddity() {
    let mut written = Vec::new();
    let mut connect = v4::Connect::new("c");
    connect.set_login("u", "p");
    connect.last_will = Some(v4::LastWill::new("w", "gone", QoS::ExactlyOnce, true));
    written.push((Side::Client, write(|out| connect.write(out))));
    let connack = v4::ConnAck::new(v4::ConnectReturnCode::NotAuthorized, false);
    written.push((Side::Server, write(|out| connack.write(out))));
    let mut publish = v4::Publish::new("a/b", QoS::AtLeastOnce, "x");
    publish.pkid = 300;
    written.push((Side::Server, write(|out| publish.write(out))));
    written.push((Side::Client, write(|out| v4::PubAck::new(1).write(out))));
    written.push((Side::Client, write(|out| v4::PubRec::new(2).write(out))));
    written.push((Side::Client, write(|out| v4::PubRel::new(3).write(out))));
    written.push((Side::Client, write(|out| v4::PubComp::new(4).write(out))));
    let mut subscribe = v4::Subscribe::new("a/#", QoS::ExactlyOnce);
    subscribe.pkid = 5;
    written.push((Side::Client, write(|out| subscribe.write(out))));
    let codes = vec![v4::SubscribeReasonCode::Success(QoS::AtLeastOnce), v4::SubscribeReasonCode::Failure];
    written.push((Side::Server, write(|out| v4::SubAck::new(6, codes).write(out))));
    let mut unsubscribe = v4::Unsubscribe::new("+");
    unsubscribe.pkid = 7;
    written.push((Side::Client, write(|out| unsubscribe.write(out))));
    written.push((Side::Server, write(|out| v4::UnsubAck::new(8).write(out))));
    for (sender, bytes) in written {
        let (packets, rest) = decode(Spec::Mqtt311, sender, &[&bytes]);
        let [packet] = packets.as_slice() else { panic!("{bytes:?} is not one packet") };
        assert_eq!((rest, packet.oddities.as_slice()), (0, [].as_slice()), "{packet:?}");
        agree(packet);
    }
}

fn write(packet: impl FnOnce(&mut BytesMut) -> Result<usize, mqttbytes::Error>) -> Bytes {
    let mut out = BytesMut::new();
    packet(&mut out).expect("it can be written");
    out.freeze()
}

#[test]
fn a_filter_list_reads_the_same() {
    let draft = Draft::new("unsubscribe").with("filters", list([text("a"), text("$share/g/#")]));
    let written = encode(Spec::Mqtt311, Side::Client, &draft).expect("it can be written").concat();
    let (packets, _) = decode(Spec::Mqtt311, Side::Client, &[&written]);
    assert_eq!(packets.len(), 1);
    packets.iter().for_each(agree);
}

proptest! {
    #[test]
    fn any_draft_without_an_oddity_reads_the_same(draft in any_draft(Spec::Mqtt311)) {
        let written = encode(Spec::Mqtt311, Side::Client, &draft).expect("each value has room").concat();
        for sender in [Side::Client, Side::Server] {
            let (packets, _) = decode(Spec::Mqtt311, sender, &[&written]);
            let plain = packets.iter().filter(|packet| packet.oddities.is_empty());
            plain.filter(|packet| password_is_text(packet)).for_each(agree);
        }
    }
}
