//! `check: expiry`: a message does not outlive its expiry interval, and what is left of that is told (MQTT 5.0 section
//! 3.3.2.3.3).

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use mqspec_wire::Spec;

use super::guarantee::Parameters;
use super::judge::{Findings, Rule};
use super::mqtt_history::{History, Message, read};
use super::mqtt_packet;
use crate::plan::ActorId;
use crate::trace::{ConnectionNumber, Event, Trace, What};
use crate::verdict::Finding;

const DELIVERED: Rule = Rule { mqtt_3_1_1: &[], mqtt_5_0: &["mqtt-5.0/MQTT-3.3.2-5"] };
const NOT_COUNTED_DOWN: Rule = Rule { mqtt_3_1_1: &[], mqtt_5_0: &["mqtt-5.0/MQTT-3.3.2-6"] };

/// How much later than by the trace's clock a message may expire: an interval has whole seconds only.
const MARGIN: Duration = Duration::from_secs(2);

/// A message that expires.
#[derive(Clone, Copy, Debug)]
struct Expiring {
    /// When the broker had it, at the latest.
    taken: Duration,
    interval: Duration,
}

/// Judges the messages that can be told apart, sent once and answered; a message that waited did so from its answer until
/// the connection was asked for that it came on.
pub(super) fn judge(trace: &Trace, parameters: Parameters<'_>) -> Vec<Finding> {
    let history = read(trace, parameters.is_set("durable"));
    let expiring = expiring(trace, &history);
    let mut findings = Findings::new("expiry");
    let mut asked: BTreeMap<(ActorId, ConnectionNumber), Duration> = BTreeMap::new();
    let mut aliases: BTreeMap<(ActorId, ConnectionNumber), BTreeMap<i128, Bytes>> = BTreeMap::new();
    for event in trace.events.iter().filter(|_| !expiring.is_empty()) {
        match &event.what {
            What::Sent { actor, connection, packet, .. } if packet.name == "connect" => {
                asked.insert((*actor, *connection), event.at);
            }
            What::Received { actor, connection, packet, fate }
                if packet.name == "publish"
                    && fate.is_sent()
                    && trace.actor_spec(*actor) == Some(Spec::Mqtt50) =>
            {
                let key = (*actor, *connection);
                let topic = mqtt_packet::resolve(packet, aliases.entry(key).or_default());
                let message = topic.map(|topic| (topic, mqtt_packet::bytes(packet, "payload")));
                let known = message.and_then(|message| expiring.get(&message).copied());
                if let (Some(known), Some(asked)) = (known, asked.get(&key)) {
                    let left = packet.integer("message_expiry_interval");
                    // What is sent again is the PUBLISH that was sent before, and may say what was left then.
                    if !mqtt_packet::flag(packet, "dup") {
                        judge_delivery(known, *asked, left, event, &mut findings);
                    }
                }
            }
            What::Sent { .. }
            | What::Received { .. }
            | What::Opened { .. }
            | What::Ended { .. }
            | What::OpenFailed { .. }
            | What::Step { .. }
            | What::Fault { .. }
            | What::Broker { .. }
            | What::Bound { .. } => {}
        }
    }
    findings.into_vec()
}

fn expiring(trace: &Trace, history: &History) -> BTreeMap<Message, Expiring> {
    let at = |sequence: u64| usize::try_from(sequence).ok().and_then(|index| trace.events.get(index));
    let mut found: BTreeMap<Message, Option<Expiring>> = BTreeMap::new();
    for published in &history.published {
        let interval = at(published.event).and_then(message_expiry_interval);
        let taken = published.accepted.and_then(at).map(|event| event.at);
        let seconds = interval.and_then(|seconds| u64::try_from(seconds).ok());
        let once = published.sends == 1 && !history.otherwise.contains_key(&published.message);
        let expiring = match (seconds, taken) {
            (Some(seconds), Some(taken)) if once => {
                Some(Expiring { taken, interval: Duration::from_secs(seconds) })
            }
            (Some(_) | None, _) => None,
        };
        // What was published twice cannot be told apart.
        found.entry(published.message.clone()).and_modify(|known| *known = None).or_insert(expiring);
    }
    found.into_iter().filter_map(|(message, expiring)| Some((message, expiring?))).collect()
}

/// What a client asked for in the PUBLISH of this event, in seconds.
fn message_expiry_interval(event: &Event) -> Option<i128> {
    event.packet()?.integer("message_expiry_interval")
}

fn judge_delivery(
    message: Expiring,
    asked: Duration,
    left: Option<i128>,
    event: &Event,
    findings: &mut Findings,
) {
    let waited = asked.saturating_sub(message.taken);
    let interval = message.interval.as_secs();
    if waited > message.interval + MARGIN {
        let waited = waited.as_secs_f64();
        findings.rule(
            Spec::Mqtt50,
            DELIVERED,
            event.sequence,
            format!("no delivery of a message that expires after {interval} s"),
            format!("it began after {waited} s at the earliest"),
        );
        return;
    }
    let most = i128::from((message.interval + MARGIN).saturating_sub(waited).as_secs()).min(interval.into());
    if let Some(left) = left.filter(|left| *left > most) {
        findings.rule(
            Spec::Mqtt50,
            NOT_COUNTED_DOWN,
            event.sequence,
            format!("a Message Expiry Interval of {most} s at most"),
            format!("{left} s"),
        );
    }
}
