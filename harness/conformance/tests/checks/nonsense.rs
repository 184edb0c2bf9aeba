//! Any sequence of events, however senseless, is judged without a panic and in linear time.

use std::time::{Duration, Instant};

use bytes::Bytes;
use mqspec_conformance::check::{GUARANTEES, always_on, run};
use mqspec_conformance::plan::{ActorId, Ending};
use mqspec_conformance::trace::{ConnectionNumber, EndedBy, Event, Fate, Trace, What};
use mqspec_wire::{Field, Oddity, Packet, Side, Spec, Value};
use proptest::prelude::*;
use proptest::sample::select;

const NAMES: &[&str] = &[
    "connect",
    "connack",
    "publish",
    "puback",
    "pubrec",
    "pubrel",
    "pubcomp",
    "subscribe",
    "suback",
    "unsubscribe",
    "unsuback",
    "pingreq",
    "pingresp",
    "disconnect",
    "auth",
    "unknown",
    "protocol-header",
    "connection.start",
    "connection.start-ok",
    "connection.tune",
    "connection.tune-ok",
    "connection.open",
    "connection.open-ok",
    "connection.close",
    "connection.close-ok",
    "channel.open",
    "channel.open-ok",
    "channel.close",
    "channel.close-ok",
    "channel.flow",
    "channel.flow-ok",
    "queue.declare",
    "queue.declare-ok",
    "queue.bind",
    "queue.bind-ok",
    "queue.delete",
    "exchange.declare",
    "exchange.declare-ok",
    "exchange.bind",
    "exchange.bind-ok",
    "basic.consume",
    "basic.consume-ok",
    "basic.cancel",
    "basic.cancel-ok",
    "basic.publish",
    "basic.deliver",
    "basic.return",
    "basic.get",
    "basic.get-ok",
    "basic.get-empty",
    "basic.ack",
    "basic.nack",
    "basic.reject",
    "basic.recover",
    "basic.qos",
    "basic.qos-ok",
    "confirm.select",
    "confirm.select-ok",
    "tx.select",
    "tx.commit",
    "content-header",
    "content-body",
    "heartbeat",
];

const FIELDS: &[&str] = &[
    "client_id",
    "clean_start",
    "session_present",
    "reason_code",
    "reason_codes",
    "packet_id",
    "qos",
    "dup",
    "retain",
    "topic",
    "payload",
    "subscriptions",
    "filters",
    "topic_alias",
    "topic_alias_maximum",
    "receive_maximum",
    "maximum_packet_size",
    "session_expiry_interval",
    "subscription_identifier",
    "will_topic",
    "will_payload",
    "channel",
    "queue",
    "exchange",
    "routing_key",
    "type",
    "arguments",
    "source",
    "destination",
    "consumer_tag",
    "delivery_tag",
    "multiple",
    "requeue",
    "redelivered",
    "mandatory",
    "no_wait",
    "no_ack",
    "prefetch_count",
    "global",
    "body_size",
    "body",
    "active",
    "headers",
    "channel_max",
    "frame_max",
    "passive",
    "durable",
    "client_properties",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        (0_i128..4).prop_map(Value::Integer),
        select(vec![-1, 65_535, 1 << 62, i128::MAX, i128::MIN]).prop_map(Value::Integer),
        select(vec!["", "a", "a/b", "#", "+/b", "$share/x/a", "direct", "topic", "q"]).prop_map(Value::text),
        Just(Value::Void),
    ];
    leaf.prop_recursive(3, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec((select(vec!["filter", "qos", "x-match", "capabilities"]), inner), 0..4)
                .prop_map(|entries| {
                    Value::Map(
                        entries
                            .into_iter()
                            .map(|(key, value)| (Bytes::from_static(key.as_bytes()), value))
                            .collect(),
                    )
                }),
        ]
    })
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let fields = prop::collection::vec((select(FIELDS), value()), 0..6);
    (select(NAMES), fields, prop::bool::weighted(0.05)).prop_map(|(name, fields, odd)| Packet {
        name,
        fields: fields
            .into_iter()
            .map(|(name, value)| Field { name, value, label: None, span: 0..1 })
            .collect(),
        oddities: if odd {
            vec![Oddity { statement: "mqtt-5.0/MQTT-2.1.3-1", span: 0..1, message: "odd".into() }]
        } else {
            Vec::new()
        },
        raw: Bytes::from_static(b"raw"),
    })
}

fn what() -> impl Strategy<Value = What> {
    let place = || ((0_usize..4).prop_map(ActorId), (0_u32..3).prop_map(ConnectionNumber));
    let fate = || {
        select(vec![
            Fate::Passed,
            Fate::Passed,
            Fate::Passed,
            Fate::Lost,
            Fate::Late,
            Fate::Swallowed,
            Fate::Copy,
            Fate::Cut,
            Fate::Reordered,
            Fate::Flipped,
            Fate::AfterEnd,
        ])
    };
    let by = select(vec![EndedBy::Fault, EndedBy::Peer(Side::Client), EndedBy::Peer(Side::Server)]);
    prop_oneof![
        1 => place().prop_map(|(actor, connection)| What::Opened { actor, connection }),
        6 => (place(), any_packet(), fate())
            .prop_map(|((actor, connection), packet, fate)| What::Sent { actor, connection, packet, fate }),
        6 => (place(), any_packet(), fate()).prop_map(|((actor, connection), packet, fate)| {
            What::Received { actor, connection, packet, fate }
        }),
        1 => (place(), by).prop_map(|((actor, connection), by)| What::Ended {
            actor, connection, by, how: Ending::Reset, rest: 0,
        }),
        1 => Just(What::Broker { text: String::from("killed") }),
    ]
}

fn trace_of(events: Vec<What>) -> Trace {
    // The fourth actor of `what` has no entry here: an id that nobody has.
    let actors = [("a", Spec::Mqtt311), ("b", Spec::Mqtt50), ("c", Spec::Amqp091)];
    Trace {
        actors: actors.into_iter().map(|(name, spec)| (name.to_owned(), spec)).collect(),
        events: events
            .into_iter()
            .zip(0_u64..)
            .map(|(what, sequence)| Event { sequence, at: Duration::from_millis(sequence), what })
            .collect(),
    }
}

proptest! {
    #[test]
    fn any_events_are_judged_without_a_panic(events in prop::collection::vec(what(), 0..120)) {
        let trace = trace_of(events);
        let mut findings = always_on(&trace);
        for guarantee in GUARANTEES {
            let all = guarantee.parameters.iter().map(|name| ((*name).to_owned(), Value::Bool(true)));
            let all: Vec<_> = all.collect();
            for parameters in [&all[..], &[]] {
                findings.extend(run(guarantee.name, parameters, &trace).expect("its own parameters"));
            }
        }
        // Whatever was found points at an event of the trace and names what is broken.
        for finding in findings {
            prop_assert!(finding.event.is_some_and(|event| event < trace.events.len() as u64));
            prop_assert!(!finding.statements.is_empty());
        }
    }
}

/// A broker that answers wrongly for ever, with all state growing. 120,000 events take about a second in a
/// debug build; a check that looks at all earlier events for each one would take many minutes.
#[test]
#[allow(clippy::disallowed_methods, reason = "the time that judging takes is what is measured")]
fn judging_is_linear() {
    let actor = ActorId(1);
    let connection = ConnectionNumber(1);
    let number = |name, value| Field { name, value: Value::Integer(value), label: None, span: 0..0 };
    let packet = |name, fields| Packet { name, fields, oddities: Vec::new(), raw: Bytes::from_static(b"x") };
    let mut events = vec![
        What::Opened { actor, connection },
        What::Sent { actor, connection, packet: packet("connect", vec![]), fate: Fate::Passed },
        What::Received { actor, connection, packet: packet("connack", vec![]), fate: Fate::Passed },
    ];
    for round in 0..30_000 {
        let sent = packet("publish", vec![number("qos", 2), number("packet_id", round)]);
        events.push(What::Sent { actor, connection, packet: sent, fate: Fate::Passed });
        for name in ["publish", "pubrel", "suback"] {
            let packet = packet(name, vec![number("qos", 2), number("packet_id", round)]);
            events.push(What::Received { actor, connection, packet, fate: Fate::Passed });
        }
    }
    let trace = trace_of(events);
    let start = Instant::now();
    assert!(!always_on(&trace).is_empty());
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?} for {} events",
        start.elapsed(),
        trace.events.len()
    );
}
