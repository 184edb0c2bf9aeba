//! The faults that a case may have, a line each.

use mqspec_wire::Spec;
use proptest::prelude::*;

use super::Act;

/// A kind of fault that is drawn at a level of its own.
#[derive(Debug)]
pub struct Kind {
    /// Its name in what was drawn.
    pub name: &'static str,
    /// The scenario's words, with places for what is drawn: `{pass}` is a packet with its way and its client,
    /// `{client}` the client alone, `{n}` 1 to 4, `{bytes}` 0 to 200, `{ms}` 10 ms to 3 s, `{short}` 10 to
    /// 200 ms: what a healed fault still holds back must come before the run is called quiet.
    /// Words of the language (`restart_broker`) stand for themselves.
    pub text: &'static str,
}

/// Every kind; `explore` needs nothing else to draw one.
pub const KINDS: &[Kind] = &[
    Kind { name: "drop", text: "drop: {pass}, nth: {n}, then: cut" },
    Kind { name: "cut", text: "cut_after: {pass}, nth: {n}" },
    Kind { name: "delay", text: "delay: {pass}, nth: {n}, by: {short}" },
    Kind { name: "truncate", text: "truncate: {pass}, nth: {n}, bytes: {bytes}" },
    Kind { name: "reset", text: "reset: {client}, after_bytes: {bytes}, direction: {way}" },
    Kind { name: "fin", text: "fin: {client}, after_bytes: {bytes}, direction: {way}" },
    Kind { name: "fragment", text: "fragment: {client}, sizes: [{n}, {n}]" },
    Kind { name: "stall", text: "stall: {client}, for: {ms}, direction: {way}" },
    Kind { name: "partition", text: "partition: {client}, for: {ms}" },
    Kind { name: "lossy", text: "drop: {pass}, probability: 0.05, times: {n}, then: cut" },
    Kind { name: "coalesce", text: "coalesce: {client}, within: {short}, direction: {way}" },
    Kind { name: "latency", text: "latency: {client}, by: {short}, for: {ms}" },
    Kind { name: "loss", text: "loss: {client}, probability: 0.1, reset_after: 2, for: {ms}" },
    Kind {
        name: "bandwidth",
        text: "bandwidth: {client}, bytes_per_second: 400, direction: {way}, for: {ms}",
    },
    Kind { name: "slow_reader", text: "slow_reader: {client}, bytes_per_second: 400, for: {ms}" },
    Kind { name: "refuse", text: "refuse: {client}, times: {n}" },
    Kind { name: "connect_timeout", text: "connect_timeout: {client}" },
    Kind { name: "restart", text: "restart_broker" },
    Kind { name: "outage", text: "kill_broker start_broker" },
];

/// The levels of a case: most kinds are off, the others differ.
pub(super) fn levels() -> impl Strategy<Value = Vec<(&'static str, u32)>> {
    let level = prop_oneof![5 => Just(0_u32), 2 => 1..3_u32, 1 => 3..6_u32];
    proptest::collection::vec(level, KINDS.len())
        .prop_map(|levels| KINDS.iter().map(|kind| kind.name).zip(levels).collect())
}

/// Steps for faults at these levels, on any of so many clients with these names.
pub(super) fn acts(
    spec: Spec,
    levels: &[(&'static str, u32)],
    names: &[&'static str],
) -> impl Strategy<Value = Vec<Vec<Act>>> + use<> {
    let mut texts = Vec::new();
    for (kind, (_, level)) in KINDS.iter().zip(levels) {
        texts.extend((0..*level).map(|_| kind.text));
    }
    let names = names.to_vec();
    let draws = proptest::collection::vec(any::<[u16; 8]>(), texts.len());
    draws.prop_map(move |draws| {
        texts.iter().zip(&draws).map(|(text, draws)| filled(spec, text, &names, draws)).collect()
    })
}

/// A kind's text with everything drawn.
fn filled(spec: Spec, text: &str, names: &[&'static str], draws: &[u16; 8]) -> Vec<Act> {
    let [client, packet, way, first, second, bytes, millis, _] = draws.map(usize::from);
    if text.ends_with("_broker") {
        let outage = u64::try_from(10 + millis % 3000).unwrap_or(10);
        return match text {
            "restart_broker" => vec![Act::Broker("restart_broker")],
            _ => vec![Act::Broker("kill_broker"), Act::Wait(outage), Act::Broker("start_broker")],
        };
    }
    let client = client % names.len().max(1);
    let name = names.get(client).copied().unwrap_or_default();
    let from = way % 2 == 0;
    let packets = packets(spec, from);
    let packet = packets.get(packet % packets.len().max(1)).copied().unwrap_or("any");
    let pass = format!("{packet}, {}: {name}", if from { "from" } else { "to" });
    let text = text
        .replace("{pass}", &pass)
        .replace("{client}", name)
        .replace("{way}", ["from", "to", "both"].get(way % 3).copied().unwrap_or("both"))
        .replacen("{n}", &(1 + first % 4).to_string(), 1)
        .replace("{n}", &(1 + second % 9).to_string())
        .replace("{bytes}", &(bytes % 200).to_string())
        .replace("{short}", &format!("{}ms", 10 + millis % 190))
        .replace("{ms}", &format!("{}ms", 10 + millis % 3000));
    vec![Act::Fault { client, text }]
}

/// The packets that are worth a fault, from a client or to it.
fn packets(spec: Spec, from: bool) -> &'static [&'static str] {
    match (spec.is_mqtt(), from) {
        (true, true) => &[
            "any",
            "connect",
            "publish",
            "puback",
            "pubrec",
            "pubrel",
            "pubcomp",
            "subscribe",
            "unsubscribe",
        ],
        (true, false) => &["any", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "suback"],
        (false, true) => &[
            "any",
            "basic.publish",
            "content-body",
            "basic.ack",
            "basic.nack",
            "basic.reject",
            "basic.consume",
            "queue.declare",
            "tx.commit",
        ],
        (false, false) => &[
            "any",
            "basic.deliver",
            "content-body",
            "basic.ack",
            "basic.consume-ok",
            "queue.declare-ok",
            "tx.commit-ok",
        ],
    }
}
