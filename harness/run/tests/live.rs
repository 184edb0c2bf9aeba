//! The live world against the reference broker on a real socket: what a run that stops early leaves behind.

#![allow(clippy::expect_used, reason = "a test may stop where it cannot go on")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::time::Duration;

use mqspec_broker_core::{Config, Protocol};
use mqspec_conformance::plan::Plan;
use mqspec_conformance::scenario;
use mqspec_conformance::trace::What;
use mqspec_run::RunResult;
use mqspec_run::environment::live::{self, Settings};
use mqspec_run::sut::external::Target;
use mqspec_run::sut::reference::{self, Place};
use tokio::sync::oneshot;

/// A broker on free ports, until it is dropped.
struct Broker {
    target: Target,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Broker {
    fn start() -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (listens, listening) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let any = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
            let served = tokio::task::LocalSet::new().block_on(
                &runtime.expect("a runtime"),
                reference::serve(
                    Config::default(),
                    Place { mqtt: any, amqp: any, data: None },
                    |addresses| listens.send(addresses.to_vec()).expect("the test waits"),
                    |_| {},
                    async { drop(stopped.await) },
                ),
            );
            served.expect("there are free ports");
        });
        let addresses = listening.recv().expect("it listens");
        let mut target = Target::default();
        for (protocol, address) in addresses {
            match protocol {
                Protocol::Mqtt => target.mqtt = parsed(&format!("mqtt://{address}")).mqtt,
                Protocol::Amqp => target.amqp = parsed(&format!("amqp://guest:guest@{address}")).amqp,
            }
        }
        Self { target, stop: Some(stop), thread: Some(thread) }
    }

    /// Runs the steps of a scenario. All runs here have one token and one address, so one `$run`.
    fn run(&self, protocol: &str, steps: &str, limit: Duration) -> RunResult {
        let settings =
            Settings { seed: 7, token: String::from("a test"), patience: Duration::from_secs(5), limit };
        live::run(&plan(protocol, steps), &self.target, &settings)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Dropping it ends the broker.
        self.stop = None;
        assert!(
            self.thread.take().is_some_and(|thread| thread.join().is_ok()),
            "the broker has not panicked"
        );
    }
}

fn parsed(url: &str) -> Target {
    Target::parse(url).expect("a URL")
}

fn plan(protocol: &str, steps: &str) -> Plan {
    let text = format!(
        "title: t\nprotocols: [{protocol}]\nstatements: []\nactors: {{ alice: {{}} }}\nsteps:\n{steps}"
    );
    let plans =
        scenario::load("left.yaml", &text).unwrap_or_else(|why| panic!("{:?}", miette::Report::new(why)));
    plans.into_iter().next().expect("for one version")
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn what_a_scenario_leaves_when_it_stops_early_is_taken_away() {
    let broker = Broker::start();
    for protocol in ["mqtt-3.1.1", "mqtt-5.0"] {
        let lasting = match protocol {
            "mqtt-5.0" => "clean_start: false, session_expiry_interval: 300",
            _ => "clean_start: false",
        };
        let left = broker.run(
            protocol,
            &format!(
                "  - alice: {{ connect: {{ {lasting}, session_present: false }} }}\n\
                 \x20 - alice: {{ publish: {{ topic: \"${{run}}/a\", payload: x, qos: 1, retain: true }} }}\n\
                 \x20 - alice: {{ expect: publish, within: 50ms }}\n"
            ),
            LONG,
        );
        assert!(left.stop.is_some_and(|stop| stop.origin.line == 8), "{protocol}: it stops at the last step");
        // The marker comes after what would be retained, so nothing was.
        let looked = broker.run(
            protocol,
            &format!(
                "  - alice: {{ connect: {{ {lasting}, session_present: false }} }}\n\
                 \x20 - alice: {{ subscribe: \"${{run}}/#\" }}\n\
                 \x20 - alice: {{ publish: {{ topic: \"${{run}}/marker\", payload: marker, qos: 0 }} }}\n\
                 \x20 - alice: {{ expect: publish, payload: marker }}\n"
            ),
            LONG,
        );
        assert_eq!(looked.stop, None, "{protocol}");
    }
}

#[test]
fn queues_and_exchanges_that_are_left_are_deleted() {
    let broker = Broker::start();
    let left = broker.run(
        "amqp-0-9-1",
        "  - alice: { connect: {} }\n\
         \x20 - alice: { call: queue.declare, queue: \"${run}-q\", durable: true }\n\
         \x20 - alice: { call: exchange.declare, exchange: \"${run}-x\", type: fanout }\n\
         \x20 - alice: { expect: basic.deliver, within: 50ms }\n",
        LONG,
    );
    assert!(left.stop.is_some(), "nothing is delivered");
    for (class, name) in [("queue", "q"), ("exchange", "x")] {
        let looked = broker.run(
            "amqp-0-9-1",
            &format!(
                "  - alice: {{ connect: {{}} }}\n\
                 \x20 - alice: {{ send: {class}.declare, channel: 1, {class}: \"${{run}}-{name}\", passive: true }}\n\
                 \x20 - alice: {{ expect: channel.close, channel: 1, reply_code: 404 }}\n"
            ),
            LONG,
        );
        assert_eq!(looked.stop, None, "{class}");
    }
}

#[test]
fn a_run_that_takes_too_long_keeps_what_happened_until_then() {
    let broker = Broker::start();
    let late = broker.run(
        "mqtt-5.0",
        "  - alice: { connect: {} }\n  - alice: { expect_nothing: 50s }\n",
        Duration::from_millis(300),
    );
    let stop = late.stop.expect("it has taken too long");
    assert_eq!((stop.origin.line, stop.expected.as_str()), (7, "the run to end within 0.3 s"));
    let connacks = late
        .trace
        .events
        .iter()
        .filter(|event| matches!(&event.what, What::Received { packet, .. } if packet.name == "connack"));
    assert_eq!(connacks.count(), 1, "the trace holds what was received");
}
