//! Whichever operation of the disk fails, what was acknowledged before is there after the loss of power that follows.

#![allow(clippy::expect_used, reason = "a test may stop where it cannot go on")]

use std::collections::BTreeMap;

use mqspec_conformance::plan::ActorId;
use mqspec_conformance::scenario;
use mqspec_conformance::trace::{Trace, What};
use mqspec_run::environment::memory;
use mqspec_run::environment::simulated::Settings;

const ALICE: ActorId = ActorId(0);
const BOB: ActorId = ActorId(1);

/// More than a broker does with its disk while bob publishes: the last ones never come.
const OPERATIONS: u32 = 34;

/// Bob publishes, one message after the other and long enough that the broker compacts its log on the way,
/// until a fault of the disk stops the broker; then its machine loses its power, too.
fn scenario_with(fault: &str) -> String {
    format!(
        r#"
title: Whatever fails, what was acknowledged is there
protocols: [mqtt-5.0]
statements: [MQTT-3.1.2-23]
actors:
  alice: {{ clean_start: false, session_expiry: 1h }}
  bob: {{}}
steps:
  - alice: {{ connect: {{ session_present: false }} }}
  - alice: {{ subscribe: {{ filter: "${{run}}/+", qos: 1 }} }}
  - alice: {{ disconnect: {{}} }}
  - bob: {{ connect: {{}} }}
  - disk: {fault}
  - repeat:
      times: 25
      counter: i
      steps:
        - bob: {{ send: publish, topic: "${{run}}/${{i}}", qos: 1, packet_id: $i, payload: {{ fill: x, times: 900 }} }}
        - wait: 10ms
  - disk: {{ heal: all }}
  - power_loss: {{}}
  - start_broker: {{}}
  - alice: {{ connect: {{ session_present: true }} }}
  - wait: 1s
"#
    )
}

/// Numbers of messages, in order: those that bob saw acknowledged, and those that alice was sent.
fn acknowledged_and_delivered(trace: &Trace) -> (Vec<i128>, Vec<i128>) {
    let acknowledged = trace.received(BOB).filter(|(_, packet)| packet.name == "puback");
    let acknowledged = acknowledged.filter_map(|(_, packet)| packet.integer("packet_id")).collect();
    let delivered = trace.received(ALICE).filter(|(_, packet)| packet.name == "publish");
    let number = |topic: &str| topic.rsplit('/').next().and_then(|number| number.parse().ok());
    let delivered = delivered.filter_map(|(_, packet)| number(packet.get("topic")?.as_text()?)).collect();
    (acknowledged, delivered)
}

fn stopped(trace: &Trace) -> bool {
    trace
        .events
        .iter()
        .any(|event| matches!(&event.what, What::Broker { text } if text.starts_with("stops: ")))
}

#[test]
fn what_was_acknowledged_outlives_a_crash_at_any_operation_of_the_disk() {
    let mut stops = BTreeMap::new();
    for fault in ["fail: append", "tear: append", "fail: sync", "fail: directory_sync"] {
        for nth in 1..=OPERATIONS {
            let text = scenario_with(&format!("{{ {fault}, nth: {nth} }}"));
            let plans = scenario::load("scenarios/crash.yaml", &text).expect("a scenario");
            let plan = plans.first().expect("one version");
            let result = memory::run(plan, &Settings { seed: nth.into(), ..Settings::default() });
            assert_eq!(result.stop, None, "{fault} {nth}");
            let (acknowledged, delivered) = acknowledged_and_delivered(&result.trace);
            let expected: Vec<i128> = (1..).take(delivered.len()).collect();
            assert_eq!(delivered, expected, "{fault} {nth}: each once, in order");
            // The one that was under way may be there, too.
            let more = delivered.len().checked_sub(acknowledged.len());
            assert!(more.is_some_and(|more| more <= 1), "{fault} {nth}: {acknowledged:?}, {delivered:?}");
            *stops.entry(fault).or_insert(0) += u32::from(stopped(&result.trace));
        }
    }
    assert!(stops.values().all(|stops| (1..OPERATIONS).contains(stops)), "{stops:?}");
    assert!(stops.get("fail: sync").is_some_and(|stops| *stops > 25), "one for each message: {stops:?}");
}
