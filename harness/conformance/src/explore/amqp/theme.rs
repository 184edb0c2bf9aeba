//! What AMQP cases are about.

use proptest::prelude::*;
use proptest::sample::select;

use super::{EXCHANGES, NAMES, QUEUES};

/// How the messages of a case are made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Safety {
    /// Not at all.
    None,
    /// By confirms.
    Confirms,
    /// By the transactions of the first client, and the others' confirms.
    Transactions,
}

/// An extension that a case has, at most one: each takes something away that could be judged otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    None,
    /// Queues are purged.
    Purges,
    /// Messages have a time to live.
    Expiring,
    /// Queues and messages have priorities.
    Ranked,
    /// What the direct exchange cannot route goes to the fanout.
    Alternate,
}

/// What a case is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    pub(super) clients: usize,
    /// How many queues and exchanges there are.
    pub(super) queues: usize,
    pub(super) exchanges: usize,
    pub(super) safety: Safety,
    /// Everything is durable, and most messages are persistent; otherwise that is drawn for each.
    pub(super) durable: bool,
    /// Each consumer has a limit.
    pub(super) limited: bool,
    /// Refused messages go to another queue.
    pub(super) dead_letters: bool,
    /// There are queues that go by themselves.
    pub(super) passing: bool,
    /// Queues are deleted, bindings removed.
    pub(super) demolition: bool,
    /// Consumers are cancelled, and what they hold is asked for again.
    pub(super) recovery: bool,
    /// Some are sent messages without having to acknowledge them, or get them one by one.
    pub(super) careless: bool,
    /// One client has a heartbeat.
    pub(super) timed: bool,
    /// Messages want to be returned.
    pub(super) mandatory: bool,
    pub(super) extension: Extension,
    /// What is said to deliveries.
    pub(super) answers: &'static str,
}

/// Themes.
pub(super) fn theme() -> impl Strategy<Value = Theme> {
    let weighted = proptest::bool::weighted;
    let safety =
        prop_oneof![1 => Just(Safety::None), 5 => Just(Safety::Confirms), 2 => Just(Safety::Transactions)];
    let extension = prop_oneof![
        20 => Just(Extension::None),
        1 => Just(Extension::Purges),
        1 => Just(Extension::Expiring),
        1 => Just(Extension::Ranked),
        1 => Just(Extension::Alternate),
    ];
    let answers = select(vec![
        "ack",
        "ack",
        "hold",
        "hold",
        "hold, ack",
        "ack, requeue",
        "requeue, hold, ack",
        "ack, ack, reject",
    ]);
    (
        (1..=NAMES.len(), 1..=QUEUES.len(), 1..=EXCHANGES.len(), safety, weighted(0.5)),
        (weighted(0.4), weighted(0.2), weighted(0.25), weighted(0.25), weighted(0.3)),
        (weighted(0.15), weighted(0.1), weighted(0.3), extension, answers),
    )
        .prop_map(
            |(
                (clients, queues, exchanges, safety, durable),
                (limited, dead_letters, passing, demolition, recovery),
                (careless, timed, mandatory, extension, answers),
            )| Theme {
                clients,
                queues,
                exchanges,
                safety,
                durable,
                limited,
                dead_letters,
                passing,
                demolition,
                recovery,
                careless,
                timed,
                mandatory,
                extension,
                answers: if dead_letters { "reject, ack" } else { answers },
            },
        )
}
