//! What is known of one session: what it owes its client, and whether it must still be there.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::super::judge::{Findings, Rule};
use super::super::mqtt_packet::{flag, packet_id};
use super::{Key, MARGIN};
use crate::trace::Event;

const LOST: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.1.2-4", "mqtt-3.1.1/MQTT-3.2.2-2"],
    mqtt_5_0: &["mqtt-5.0/MQTT-3.1.2-23", "mqtt-5.0/MQTT-3.2.2-3"],
};
const KEPT_TOO_LONG: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.1.2-6", "mqtt-3.1.1/MQTT-3.2.2-3"],
    mqtt_5_0: &["mqtt-5.0/MQTT-4.1.0-2", "mqtt-5.0/MQTT-3.2.2-3"],
};
const NOT_MARKED: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.3.1-1"], mqtt_5_0: &["mqtt-5.0/MQTT-3.3.1-1"] };
const NEVER_SENT: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.3.2-1"], mqtt_5_0: &["mqtt-5.0/MQTT-4.3.2-2"] };
const RESENT_AFTER_ACK: Rule = Rule { mqtt_3_1_1: &[], mqtt_5_0: &["mqtt-5.0/MQTT-4.4.0-1"] };
const RESENT_AFTER_RELEASE: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-4.3.3-1"], mqtt_5_0: &["mqtt-5.0/MQTT-4.3.3-6"] };

/// How much longer than its expiry interval a broker may keep a session before it looks.
const SWEEP: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Session {
    pub(super) spec: Spec,
    /// The connection that serves it, and whether that one resumed it.
    pub(super) served_by: Option<(Key, bool)>,
    /// How long it outlives its connection; `None`: for ever.
    pub(super) kept: Option<Duration>,
    /// When its connection ended, at the earliest and at the latest; nothing while one is open.
    pub(super) away: Option<(Duration, Duration)>,
    /// The broker was told of the end of its last connection when that ended.
    pub(super) told: bool,
    /// The connection that was accepted last, and the event.
    pub(super) taken_over: Option<(Key, u64)>,
    /// When the connection ended before the one that serves it, and when that one was accepted: what was published
    /// between the two cannot have been sent before.
    pub(super) absence: Option<(Duration, Duration)>,
    /// A clean start was asked for that may have ended it.
    pub(super) ending: bool,
    /// What it is worth is not known: it may have ended, or be older than the trace.
    pub(super) unclear: bool,
    /// Deliveries at QoS 1 and 2 that the client has not answered.
    pub(super) open: BTreeMap<i128, Open>,
    /// PUBRELs that came and were not answered: the connection of the last one, and its event.
    pub(super) released: BTreeMap<i128, (Key, u64)>,
    /// Acknowledged deliveries: when, and whether the broker certainly knows.
    pub(super) done: BTreeMap<i128, Done>,
}

/// A delivery that the client has not answered.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) message: (Bytes, Bytes),
    pub(super) event: u64,
    /// The connection that it came on last.
    pub(super) on: Key,
}

#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) message: (Bytes, Bytes),
    pub(super) at: u64,
    pub(super) known: bool,
    /// The broker has sent PUBREL for it.
    pub(super) released: bool,
}

impl Session {
    pub(super) fn new(spec: Spec, key: Key, kept: Option<Duration>) -> Self {
        Self {
            spec,
            served_by: Some((key, false)),
            kept,
            away: None,
            told: false,
            taken_over: None,
            absence: None,
            ending: false,
            unclear: false,
            open: BTreeMap::new(),
            released: BTreeMap::new(),
            done: BTreeMap::new(),
        }
    }

    /// A CONNACK says whether the session is there: it must be while it is kept, and not long after.
    pub(super) fn judge_presence(&self, present: bool, event: &Event, findings: &mut Findings) {
        let (earliest, latest) = self.away.unwrap_or((event.at, event.at));
        let must = self.kept.is_none_or(|kept| event.at.saturating_sub(earliest) + MARGIN < kept);
        // One that ends with its connection is gone when the broker knows of that.
        let sweep = |kept: Duration| if kept.is_zero() { MARGIN } else { SWEEP };
        let must_not = self.away.is_some()
            && self.kept.is_some_and(|kept| event.at.saturating_sub(latest) > kept + sweep(kept));
        if must && !present {
            findings.rule(self.spec, LOST, event.sequence, "session_present = 1", "session_present = 0");
        } else if must_not && present {
            findings.rule(
                self.spec,
                KEPT_TOO_LONG,
                event.sequence,
                "session_present = 0",
                "session_present = 1",
            );
        }
    }

    pub(super) fn on_delivery(
        &mut self,
        key: Key,
        event: u64,
        packet: &Packet,
        message: (Bytes, Bytes),
        published: Option<(Duration, u64)>,
        findings: &mut Findings,
    ) {
        let (id, marked) = (packet_id(packet), flag(packet, "dup"));
        if let Some(open) = self.open.get_mut(&id)
            && open.message == message
        {
            if !marked && open.on != key && !self.unclear {
                let expected = format!("DUP on {}, which was sent before", show(&message));
                findings.rule(self.spec, NOT_MARKED, event, expected, "DUP = 0");
            }
            open.on = key;
            return;
        }
        // Another copy may have been sent meanwhile and lost on its way: of a retained message for another SUBSCRIBE, of one
        // that was published again.
        if marked
            && !flag(packet, "retain")
            && published.is_none_or(|(_, times)| times == 1)
            && let Some(done) = self.done.get(&id).filter(|done| done.known && done.message == message)
            && !self.unclear
        {
            let rule = if done.released { RESENT_AFTER_RELEASE } else { RESENT_AFTER_ACK };
            let expected = format!("{} not again, as event {} acknowledged it", show(&message), done.at);
            findings.rule(self.spec, rule, event, expected, "it was sent again");
        }
        if let (true, Some((gone, back)), Some((published, _))) = (marked, self.absence, published)
            && !self.unclear
            && published > gone.saturating_add(SWEEP)
            && published < back
        {
            let expected = format!("DUP = 0 on {}, which came while its client was away", show(&message));
            findings.rule(self.spec, NEVER_SENT, event, expected, "DUP = 1");
        }
        self.done.remove(&id);
        self.open.remove(&id);
        // What has expired a broker may give up.
        if packet.get("message_expiry_interval").is_some() {
            return;
        }
        self.open.insert(id, Open { message, event, on: key });
    }
}

pub(super) fn show((topic, payload): &(Bytes, Bytes)) -> String {
    format!(
        "{} on topic {}",
        mqspec_wire::Value::Bytes(payload.clone()),
        mqspec_wire::Value::Bytes(topic.clone())
    )
}
