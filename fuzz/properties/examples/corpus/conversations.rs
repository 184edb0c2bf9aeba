//! Several packets that belong together, which bytes alone seldom hit upon.

use bytes::Bytes;
use mqspec_wire::{Draft, Side, Spec, Value, encode};

use crate::Corpus;

/// Scripts for the broker in which one client says what it has to in its own bytes.
pub(crate) fn scripts(corpus: &mut Corpus) {
    let data = || Value::Bytes(Bytes::from_static(b"data"));
    let number = |number: i32| Value::Integer(number.into());
    let connect = Draft::new("connect").with("client_id", "c").with("clean_start", true);
    let authenticates = [
        connect.clone().with("authentication_method", "m").with("authentication_data", data()),
        Draft::new("auth")
            .with("reason_code", number(0x19))
            .with("authentication_method", "m")
            .with("authentication_data", data()),
        Draft::new("auth").with("reason_code", number(0x19)).with("authentication_method", "other"),
    ];
    let filters = |qos: i32| {
        Value::List(vec![Value::Map(vec![(named("filter"), Value::text("a")), (named("qos"), number(qos))])])
    };
    let publish = Draft::new("publish")
        .with("topic", "a")
        .with("topic_alias", number(1))
        .with("payload_format_indicator", number(1))
        .with("message_expiry_interval", number(9))
        .with("content_type", "t")
        .with("response_topic", "r")
        .with("correlation_data", data())
        .with("user_property", Value::Map(vec![(named("k"), Value::text("v"))]))
        .with("payload", "p".repeat(150).as_str());
    let publishes = [
        connect,
        Draft::new("subscribe").with("packet_id", number(1)).with("subscriptions", filters(1)),
        publish.clone(),
        publish.with("qos", number(1)).with("packet_id", number(2)),
    ];
    for (name, drafts) in [("authenticates", &authenticates[..]), ("forwards-properties", &publishes[..])] {
        corpus.write("broker_mqtt", &format!("says-{name}"), &script(Spec::Mqtt50, drafts));
    }

    let on = |name: &str| Draft::new(name).with("channel", number(1));
    let notify = Value::Map(vec![(named("consumer_cancel_notify"), Value::Bool(true))]);
    let published = on("basic.publish").with("routing_key", "q").with("body", data());
    let receives = [
        Draft::new("protocol-header"),
        Draft::new("connection.start-ok")
            .with("mechanism", "PLAIN")
            .with("response", "\0guest\0guest")
            .with("client_properties", Value::Map(vec![(named("capabilities"), notify)])),
        Draft::new("connection.tune-ok").with("channel_max", 8).with("frame_max", 4096).with("heartbeat", 0),
        Draft::new("connection.open").with("virtual_host", "/"),
        on("channel.open"),
        on("queue.declare").with("queue", "q"),
        published.clone(),
        published,
        on("basic.get").with("queue", "q"),
        on("channel.flow").with("active", false),
        on("channel.flow").with("active", true),
        on("basic.consume").with("queue", "q").with("consumer_tag", "t"),
        on("queue.purge").with("queue", "q"),
        on("queue.delete").with("queue", "q"),
    ];
    corpus.write("broker_amqp", "says-gets-and-consumes", &script(Spec::Amqp091, &receives));
}

/// A connection that is left to say hello by itself (step 0), then packets in their own bytes (step 4).
fn script(spec: Spec, drafts: &[Draft]) -> Vec<u8> {
    let version = u8::from(spec == Spec::Mqtt50);
    let mut script = vec![0, 0x0E | version];
    for draft in drafts {
        let pieces = encode(spec, Side::Client, draft);
        let bytes = pieces.unwrap_or_else(|why| panic!("{why}")).concat();
        script.extend([4, u8::try_from(bytes.len()).expect("a packet of at most 255 bytes")]);
        script.extend(bytes);
    }
    script
}

/// Frames of contents in order and out of it.
pub(crate) fn contents(corpus: &mut Corpus) {
    let draft = Draft::new("basic.deliver").with("channel", 1).with("body", "body");
    let pieces = encode(Spec::Amqp091, Side::Server, &draft).expect("a message can be written");
    let [method, header, body] = &*pieces else { panic!("a message of {} frames", pieces.len()) };
    for (name, frames) in [
        ("in-order", &[method, header, body][..]),
        ("two-headers", &[method, header, header]),
        ("body-first", &[method, body, header]),
        ("two-bodies", &[method, header, body, body]),
        ("method-after-method", &[method, method, header, body]),
        ("method-after-header", &[method, header, method]),
    ] {
        let octets: Vec<u8> = frames.iter().flat_map(|frame| frame.iter().copied()).collect();
        corpus.packet(&format!("content-{name}"), Spec::Amqp091, Side::Server, &octets);
    }
    // A body that is longer than its header says, in which a bit of the header is odd.
    let mut short = header.to_vec();
    if let Some(size) = short.get_mut(FRAME_HEAD + 11) {
        *size = 2;
    }
    if let Some(weight) = short.get_mut(FRAME_HEAD + 3) {
        *weight = 1;
    }
    let octets = [&method[..], &short, body].concat();
    corpus.packet("content-longer-than-said", Spec::Amqp091, Side::Server, &octets);
}

/// Octets before the payload of a frame.
const FRAME_HEAD: usize = 7;

fn named(name: &'static str) -> Bytes {
    Bytes::from_static(name.as_bytes())
}
