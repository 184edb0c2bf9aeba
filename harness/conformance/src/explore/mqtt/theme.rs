//! What MQTT cases are about.

use mqspec_wire::Spec;
use proptest::prelude::*;
use proptest::sample::select;

use super::TOPICS;

/// What a case is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    pub(super) spec: Spec,
    /// How many clients there are beside the watcher.
    pub(super) clients: usize,
    pub(super) watched: bool,
    pub(super) wills: bool,
    pub(super) retained: bool,
    /// Messages and sessions with a short life (5.0).
    pub(super) expiring: bool,
    /// Shared subscriptions, no local and the options about retained messages (5.0).
    pub(super) options: bool,
    /// Receive Maximum (5.0).
    pub(super) limited: bool,
    /// One client has a keep alive. With several there would always be a ping under way, and nothing ever quiet.
    pub(super) timed: bool,
    /// The broker crashes right after it has taken something over.
    pub(super) fragile: bool,
    /// Clients leave and come again, with other settings, and in place of themselves.
    pub(super) comings: bool,
    /// The QoS of messages and subscriptions.
    pub(super) qos: &'static [u8],
    /// How many topics there are.
    pub(super) topics: usize,
}

/// Themes for a version.
pub(super) fn theme(spec: Spec) -> impl Strategy<Value = Theme> {
    let weighted = proptest::bool::weighted;
    let qos = select(vec![&[1_u8][..], &[1], &[2], &[2], &[1, 2], &[0, 1, 2], &[0, 1, 2]]);
    (
        (2..=4_usize, weighted(0.7), weighted(0.4), weighted(0.45), weighted(0.25)),
        (weighted(0.2), weighted(0.25), weighted(0.25), weighted(0.25), weighted(0.4)),
        (qos, 1..=TOPICS.len()),
    )
        .prop_map(
            move |(
                (clients, watched, wills, retained, expiring),
                (options, limited, timed, fragile, comings),
                (qos, topics),
            )| {
                let new = spec == Spec::Mqtt50;
                Theme {
                    spec,
                    clients,
                    watched,
                    wills,
                    retained,
                    expiring: expiring && new,
                    options: options && new,
                    limited: limited && new,
                    timed,
                    fragile,
                    comings,
                    qos,
                    topics,
                }
            },
        )
}
