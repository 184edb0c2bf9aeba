//! The faults that a case may have, a line each.

use mqspec_wire::Spec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::Act;
use super::write::START_IN_VAIN;
use Part::{Broker, Disk, Line, Reset, Wait};

/// A kind of fault that is drawn at a level of its own.
#[derive(Debug)]
pub struct Kind {
    /// Its name in what was drawn.
    pub name: &'static str,
    /// How often it is drawn, compared with the others, in MQTT and in AMQP; 0: never.
    pub weight: [usize; 2],
    /// What happens: groups of parts, and between two groups the clients may do something else.
    pub parts: &'static [&'static [Part]],
}

/// A part of a fault.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// A fault in the scenario's words, with places for what is drawn: `{pass}` is a packet with its way and its
    /// client, `{again}` one from the client that may be repeated, `{framed}` one from it with a bit that no broker can overlook, `{client}` the client alone, `{n}` 1 to 4, `{bytes}`
    /// 0 to 200, `{ms}` 10 ms to 3 s, `{short}` 10 to 200 ms: what a healed fault still holds back must come
    /// before the run is called quiet.
    Line(&'static str),
    /// A fault of the disk.
    Disk(&'static str),
    /// Something that happens to the broker.
    Broker(&'static str),
    /// Time passes: so many milliseconds, or 10 ms to 3 s.
    Wait(Option<u64>),
    /// The client resets its connection.
    Reset,
}

/// The broker's process dies, and is started again.
const CRASH: &[Part] = &[Broker("kill_broker"), Wait(None), Broker("start_broker")];
/// Its machine loses its power, and gets it back.
const POWER_LOSS: &[Part] = &[Broker("power_loss"), Wait(None), Broker("start_broker")];

/// Its process dies, and cannot read what it left when it is started again; the next time it can.
const UNREADABLE: &[Part] = &[
    Broker("kill_broker"),
    Wait(None),
    Disk("fail: read"),
    Broker(START_IN_VAIN),
    Wait(None),
    Broker("start_broker"),
];

const fn kind(name: &'static str, weight: [usize; 2], parts: &'static [&'static [Part]]) -> Kind {
    Kind { name, weight, parts }
}

/// Every kind; `explore` needs nothing else to draw one. A disk that lies about its syncs is none of them: no broker can
/// keep what such a disk loses.
pub const KINDS: &[Kind] = &[
    kind("drop", [4, 4], &[&[Line("drop: {pass}, nth: {n}, then: cut")]]),
    kind("cut", [4, 4], &[&[Line("cut_after: {pass}, nth: {n}")]]),
    kind("delay", [2, 2], &[&[Line("delay: {pass}, nth: {n}, by: {short}")]]),
    kind("truncate", [2, 2], &[&[Line("truncate: {pass}, nth: {n}, bytes: {bytes}")]]),
    kind("duplicate", [2, 0], &[&[Line("duplicate: {again}, nth: {n}")]]),
    kind("reorder", [1, 0], &[&[Line("reorder: publish, from: {client}, nth: {n}")]]),
    kind("reset", [3, 2], &[&[Line("reset: {client}, after_bytes: {bytes}, direction: {way}")]]),
    kind("fin", [2, 2], &[&[Line("fin: {client}, after_bytes: {bytes}, direction: {way}")]]),
    kind("hang-up", [3, 2], &[&[Reset]]),
    kind("fragment", [1, 1], &[&[Line("fragment: {client}, sizes: [{n}, {n}]")]]),
    kind("stall", [2, 2], &[&[Line("stall: {client}, for: {ms}, direction: {way}")]]),
    kind("partition", [2, 2], &[&[Line("partition: {client}, for: {ms}")]]),
    kind(
        "half-open",
        [2, 1],
        &[&[Line("connect_timeout: {client}"), Line("half_open: {client}, for: 9s")], &[Wait(Some(9000))]],
    ),
    kind("lossy", [2, 2], &[&[Line("drop: {pass}, probability: 0.05, times: {n}, then: cut")]]),
    kind("coalesce", [1, 1], &[&[Line("coalesce: {client}, within: {short}, direction: {way}")]]),
    kind("latency", [2, 2], &[&[Line("latency: {client}, by: {short}, for: {ms}")]]),
    kind("loss", [2, 2], &[&[Line("loss: {client}, probability: 0.1, reset_after: 2, for: {ms}")]]),
    kind(
        "bandwidth",
        [1, 1],
        &[&[Line("bandwidth: {client}, bytes_per_second: 400, direction: {way}, for: {ms}")]],
    ),
    kind("slow-reader", [1, 1], &[&[Line("slow_reader: {client}, bytes_per_second: 400, for: {ms}")]]),
    kind("refuse", [2, 2], &[&[Line("refuse: {client}, times: {n}"), Reset]]),
    kind("absence", [3, 3], &[&[Line("connect_timeout: {client}"), Reset], &[Wait(Some(9000))]]),
    kind("connect-timeout", [1, 1], &[&[Line("connect_timeout: {client}")]]),
    kind("restart", [2, 2], &[&[Broker("restart_broker")]]),
    kind("outage", [4, 3], &[&[Broker("kill_broker")], &[Wait(None)], &[Broker("start_broker")]]),
    kind("crash", [4, 4], &[CRASH]),
    kind("power", [3, 3], &[POWER_LOSS]),
    kind("disk", [2, 2], &[&[Disk("fail: sync, nth: {n}")], CRASH]),
    kind("torn", [1, 1], &[&[Disk("tear: append, nth: {n}")], POWER_LOSS]),
    kind("unreadable", [1, 1], &[UNREADABLE]),
    kind("flip", [1, 1], &[&[Line("flip: {framed}")]]),
    kind("full", [1, 0], &[&[Disk("full_after: {bytes}")], &[Wait(None)], &[Disk("heal: all")]]),
];

/// The levels of a case: how many faults of which kinds. Most cases have a few kinds only (swarm testing): what a mixture
/// would hide shows in one of them.
pub(super) fn levels(spec: Spec) -> impl Strategy<Value = Vec<(&'static str, u32)>> {
    let protocol = usize::from(!spec.is_mqtt());
    let weight = move |kind: &Kind| kind.weight.get(protocol).copied().unwrap_or(0);
    let lots: Vec<&'static str> =
        KINDS.iter().flat_map(|kind| std::iter::repeat_n(kind.name, weight(kind))).collect();
    let how_many = prop_oneof![1 => Just(0_usize), 5 => Just(1), 6 => Just(2), 5 => Just(3), 2 => Just(5)];
    how_many
        .prop_flat_map(move |kinds| {
            proptest::collection::vec((proptest::sample::select(lots.clone()), 1..=4_u32), kinds)
        })
        .prop_map(|mut drawn| {
            drawn.sort_unstable();
            drawn.dedup_by_key(|(name, _)| *name);
            drawn
        })
}

/// The groups of faults at these levels, each on one of the clients with these names.
pub(super) fn acts(
    spec: Spec,
    levels: &[(&'static str, u32)],
    names: &[&'static str],
) -> impl Strategy<Value = Vec<Vec<Vec<Act>>>> + use<> {
    let mut faults: Vec<&'static [&'static [Part]]> = Vec::new();
    for (name, level) in levels {
        let kind = KINDS.iter().find(|kind| kind.name == *name);
        faults.extend(kind.iter().flat_map(|kind| (0..*level).map(|_| kind.parts)));
    }
    let names = names.to_vec();
    let draws = proptest::collection::vec(any::<[u16; 8]>(), faults.len());
    draws.prop_map(move |draws| {
        let fault = |(groups, draws): (&&[&[Part]], &[u16; 8])| -> Vec<Vec<Act>> {
            let group = |parts: &&[Part]| parts.iter().map(|part| act(spec, *part, &names, draws)).collect();
            groups.iter().map(group).collect()
        };
        faults.iter().zip(&draws).map(fault).collect()
    })
}

/// Puts faults among steps, the groups of each in their order.
pub(super) fn scatter(mut storm: Vec<Act>, faults: Vec<Vec<Vec<Act>>>, places: &[Index]) -> Vec<Act> {
    let mut places = places.iter().cycle();
    for fault in faults {
        let mut earliest = 0;
        for group in fault {
            let Some(place) = places.next() else { return storm };
            let at = earliest + place.index(storm.len() + 1 - earliest);
            earliest = at + group.len();
            storm.splice(at..at, group);
        }
    }
    storm
}

/// A part with everything drawn.
fn act(spec: Spec, part: Part, names: &[&'static str], draws: &[u16; 8]) -> Act {
    let client = usize::from(draws[0]) % names.len().max(1);
    let time = 10 + u64::from(draws[6]) % 3000;
    match part {
        Broker(word) => Act::Broker(word),
        Wait(millis) => Act::Wait(millis.unwrap_or(time)),
        Reset => Act::Do { client, verb: "reset", fields: Vec::new() },
        Disk(text) => Act::Disk(filled(spec, text, "", draws)),
        Line(text) => {
            let name = names.get(client).copied().unwrap_or_default();
            Act::Fault { client, text: filled(spec, text, name, draws) }
        }
    }
}

/// A line with everything drawn.
fn filled(spec: Spec, text: &str, name: &str, draws: &[u16; 8]) -> String {
    let [_, packet, way, first, second, bytes, millis, _] = draws.map(usize::from);
    let one_of = |packets: &[&'static str]| packets.get(packet % packets.len().max(1)).copied();
    let from = way % 2 == 0;
    let pass = one_of(packets(spec, from)).unwrap_or("any");
    text.replace("{pass}", &format!("{pass}, {}: {name}", if from { "from" } else { "to" }))
        .replace("{again}", &format!("{}, from: {name}", one_of(REPEATABLE).unwrap_or("publish")))
        .replace("{framed}", &flip(spec, name, packet, first))
        .replace("{client}", name)
        .replace("{way}", ["from", "to", "both"].get(way % 3).copied().unwrap_or("both"))
        .replacen("{n}", &(1 + first % 4).to_string(), 1)
        .replace("{n}", &(1 + second % 9).to_string())
        .replace("{bytes}", &(bytes % 200).to_string())
        .replace("{short}", &format!("{}ms", 10 + millis % 190))
        .replace("{ms}", &format!("{}ms", 10 + millis % 3000))
}

/// Faults of a client that say plainly what they strike, for what breaks by some other one: a packet's loss, which keeps
/// its place when other packets go.
pub(super) fn plain(spec: Spec, name: &str) -> Vec<String> {
    let ways = [("from", true), ("to", false)];
    let strikes = ways.into_iter().flat_map(|(way, from)| {
        packets(spec, from).iter().map(move |packet| format!("drop: {packet}, {way}: {name}, then: cut"))
    });
    strikes.filter(|strike| !strike.starts_with("drop: any")).collect()
}

/// A packet from a client and one of its bits without which it is none: a reserved flag of MQTT, an AMQP frame's type. With any
/// other bit it would be a packet that nobody sent, and nobody could say what should come of it.
fn flip(spec: Spec, name: &str, packet: usize, bit: usize) -> String {
    let (packets, bit): (&[&str], _) = if spec.is_mqtt() {
        (&["subscribe", "unsubscribe", "pubrel"], 4 + bit % 4)
    } else {
        (&["basic.publish", "basic.ack", "queue.declare", "basic.consume"], bit % 6)
    };
    let packet = packets.get(packet % packets.len()).copied().unwrap_or("any");
    format!("{packet}, from: {name}, bit: {bit}")
}

/// What may arrive twice from a client without anybody confusing it with something else: packets that the client has
/// numbered itself.
const REPEATABLE: &[&str] = &["publish", "publish", "pubrel", "subscribe", "pingreq"];

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
