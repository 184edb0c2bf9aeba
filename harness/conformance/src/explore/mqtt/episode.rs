//! Several things in a row that would seldom be drawn one by one: what they are about shows only together.

use proptest::prelude::*;
use proptest::sample::select;

use super::super::Act;
use super::theme::Theme;
use super::{NAMES, message, publish, subscribe, topic, unsubscribe, will};

/// Several messages of one client to one topic at one QoS.
pub(super) fn burst(theme: Theme) -> impl Strategy<Value = Vec<Act>> + use<> {
    (0..theme.clients, topic(theme), select(theme.qos), 2..=5_usize)
        .prop_map(|(client, topic, qos, count)| vec![message(client, topic, qos, Vec::new()); count])
}

/// The client with a keep alive loses its connection, comes back, and falls silent.
pub(super) fn silence() -> Vec<Act> {
    let [name, ..] = NAMES;
    vec![
        Act::Do { client: 0, verb: "reset", fields: Vec::new() },
        Act::Wait(200),
        Act::Fault { client: 0, text: format!("connect_timeout: {name}") },
        Act::Fault { client: 0, text: format!("half_open: {name}, for: 9s") },
        Act::Wait(9500),
    ]
}

/// The client that says at each connection whether it has a will.
pub(super) const fn parting_client(theme: Theme) -> usize {
    theme.clients - 1
}

/// A client connects with a will, loses its connection, comes back without one, and loses that connection, too.
pub(super) fn parting(theme: Theme) -> impl Strategy<Value = Vec<Act>> + use<> {
    let client = parting_client(theme);
    let name = NAMES.get(client).copied().unwrap_or_default();
    will(theme, name).prop_map(move |will| {
        let connect = |fields| Act::Do { client, verb: "connect", fields };
        let reset = || Act::Do { client, verb: "reset", fields: Vec::new() };
        vec![
            connect(vec![("will", will)]),
            Act::Wait(20),
            Act::Fault { client, text: format!("refuse: {name}, times: 1") },
            reset(),
            connect(Vec::new()),
            Act::Wait(400),
            reset(),
            Act::Wait(100),
        ]
    })
}

/// Something is done, and the broker crashes when it may just have answered.
pub(super) fn last_words(theme: Theme) -> impl Strategy<Value = Vec<Act>> + use<> {
    let one = |word: BoxedStrategy<Act>| word.prop_map(|act| vec![act]).boxed();
    let mut words = vec![
        (3, one(publish(theme).boxed())),
        (2, one(lonely(theme).boxed())),
        (1, one(subscribe(theme).boxed())),
        (1, one(unsubscribe(theme.clients).boxed())),
    ];
    if theme.retained {
        words.push((3, removed(theme).boxed()));
    }
    let words = proptest::strategy::Union::new_weighted(words);
    let crash = select(vec!["kill_broker", "power_loss"]);
    let late = proptest::option::weighted(0.5, late(theme));
    (late, words, 1..15_u64, crash, 10..500_u64).prop_map(|(late, words, answered, crash, outage)| {
        // What is left half done takes a few packets to get there.
        let answered = if late.is_some() { 4 * answered } else { answered };
        let mut acts = Vec::from_iter(late);
        acts.extend(words);
        let start = Act::Broker("start_broker");
        acts.extend([Act::Wait(answered), Act::Broker(crash), Act::Wait(outage), start]);
        acts
    })
}

/// An answer is under way when the crash comes, so that a handshake is left half done: one that the case's QoS has.
fn late(theme: Theme) -> impl Strategy<Value = Act> + use<> {
    let once = ["puback, from", "puback, to"].into_iter().filter(|_| theme.qos.contains(&1));
    let exactly_once = ["pubrec, from", "pubcomp, from", "pubcomp, from", "pubrel, from"];
    let exactly_once = exactly_once.into_iter().chain(["pubrec, to", "pubrel, to", "pubcomp, to"]);
    let exactly_once = exactly_once.filter(|_| theme.qos.contains(&2));
    let answer = select(once.chain(exactly_once).collect::<Vec<_>>());
    (0..theme.clients, answer).prop_map(|(client, answer)| {
        let name = NAMES.get(client).copied().unwrap_or_default();
        Act::Fault { client, text: format!("delay: {answer}: {name}, by: 150ms") }
    })
}

/// A message to a topic that nobody asks for by its name: no delivery follows that would bring anything else to the disk.
fn lonely(theme: Theme) -> impl Strategy<Value = Act> + use<> {
    (0..theme.clients, select(theme.qos)).prop_map(move |(client, qos)| {
        let retain = theme.retained.then(|| ("retain", String::from("true")));
        message(client, "kept", qos, retain.into_iter().collect())
    })
}

/// A message is kept for a topic, and taken away again when it has been there for a while.
fn removed(theme: Theme) -> impl Strategy<Value = Vec<Act>> + use<> {
    (0..theme.clients, select(theme.qos)).prop_map(move |(client, qos)| {
        let keep = ("retain", String::from("true"));
        let nothing = ("payload", String::from("\"\""));
        vec![
            message(client, "kept", qos, vec![keep.clone()]),
            Act::Wait(100),
            message(client, "kept", qos, vec![keep, nothing]),
        ]
    })
}
