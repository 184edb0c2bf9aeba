//! Plans made by hand, run in the simulator: the least that must work before scenarios can.

#![allow(clippy::expect_used, reason = "a test may stop where it cannot go on")]

use std::time::Duration;

use mqspec_conformance::plan::{
    Action, ActorId, ActorPlan, BrokerFault, Ending, Expect, Expression, Field, Matcher, Origin, Pattern,
    Plan, Role, Step, Take, Template, Worlds,
};
use mqspec_conformance::trace::hash::hash;
use mqspec_conformance::verdict::Cause;
use mqspec_run::RunResult;
use mqspec_run::environment::simulated::{Settings, run};
use mqspec_wire::{Spec, Value};

const ALICE: ActorId = ActorId(0);

fn literal(value: impl Into<Value>) -> Expression {
    Expression::Literal(value.into())
}

fn send(name: &'static str, fields: Vec<(&'static str, Expression)>) -> Action {
    let fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Action::Send { actor: ALICE, packet: Template { name: name.into(), fields, malformed: Vec::new() } }
}

fn expect(name: &str, fields: Vec<(&str, Value)>) -> Action {
    let fields = fields
        .into_iter()
        .map(|(name, value)| Field {
            name: name.into(),
            matcher: Matcher::Equals(Expression::Literal(value)),
        })
        .collect();
    let pattern =
        Pattern::Packet { name: name.into(), channel: None, fields, should: Vec::new(), bind: Vec::new() };
    Action::Expect(Expect { actor: ALICE, alternatives: vec![pattern], take: Take::Next, within: None })
}

fn plan(actions: Vec<Action>) -> Plan {
    let steps = actions
        .into_iter()
        .enumerate()
        .map(|(index, action)| Step {
            action,
            origin: Origin { line: index + 1, text: format!("step {}", index + 1) },
            proves: None,
        })
        .collect();
    Plan {
        address: String::from("by-hand@mqtt-5.0"),
        title: String::from("A plan made by hand"),
        spec: Spec::Mqtt50,
        statements: vec![String::from("mqtt-5.0/MQTT-3.1.4-5")],
        needs: Vec::new(),
        worlds: Worlds::Both,
        broker: Vec::new(),
        actors: vec![ActorPlan { name: String::from("alice"), spec: Spec::Mqtt50, role: Role::Scripted }],
        steps,
    }
}

fn connect(keep_alive: i32) -> Vec<Action> {
    vec![
        Action::Open { actor: ALICE },
        send("connect", vec![("client_id", literal("alice")), ("keep_alive", literal(keep_alive))]),
        expect("connack", vec![("reason_code", Value::Integer(0))]),
    ]
}

fn ping() -> Vec<Action> {
    vec![send("pingreq", vec![]), expect("pingresp", vec![])]
}

fn simulate(plan: &Plan, seed: u64, time_jumps: bool) -> RunResult {
    run(plan, &Settings { seed, time_jumps })
}

#[test]
fn a_ping_is_answered() {
    let result = simulate(&plan([connect(0), ping()].concat()), 1, true);
    assert_eq!(result.stop, None);
    assert_eq!(result.disagreements, Vec::<String>::new());
}

#[test]
fn nobody_blames_the_broker_where_the_plan_left_no_connection() {
    let unopened = vec![send("pingreq", vec![]), expect("pingresp", vec![])];
    let stop = simulate(&plan(unopened), 1, true).stop.expect("there is no connection");
    assert_eq!((stop.cause, stop.actual.as_str()), (Cause::Environment, "there is no open connection"));

    let mut closed = connect(0);
    closed.extend([Action::Close { actor: ALICE, how: Ending::Fin }, expect("pingresp", vec![])]);
    let stop = simulate(&plan(closed), 1, true).stop.expect("the connection is closed");
    assert_eq!((stop.cause, stop.actual.contains("from our side")), (Cause::Environment, true));
}

#[test]
fn an_expectation_that_does_not_hold_stops_the_script_and_says_what_came() {
    let mut actions = connect(0);
    actions.extend([send("pingreq", vec![]), expect("suback", vec![])]);
    let stop = simulate(&plan(actions), 1, true).stop.expect("a PINGREQ is not answered by a SUBACK");
    assert_eq!(stop.cause, Cause::Broker);
    assert_eq!((stop.origin.line, stop.expected.as_str()), (5, "suback"));
    assert!(stop.actual.starts_with("pingresp"), "{}", stop.actual);
}

#[test]
fn quiet_time_is_jumped_over_and_leaves_the_same_trace() {
    let mut actions = connect(20);
    actions.push(Action::Wait(Duration::from_secs(25)));
    actions.extend(ping());
    actions.push(Action::Expect(Expect {
        actor: ALICE,
        alternatives: vec![Pattern::Closed { farewell: Vec::new(), should: Vec::new(), silent: false }],
        take: Take::Next,
        within: Some(Duration::from_secs(60)),
    }));
    let plan = plan(actions);
    let jumping = simulate(&plan, 3, true);
    assert_eq!(jumping.stop, None);
    let end = jumping.trace.events.last().expect("events").at;
    assert!((Duration::from_secs(55)..Duration::from_secs(56)).contains(&end), "closed at {end:?}");
    assert_eq!(hash(&jumping.trace), hash(&simulate(&plan, 3, false).trace));
}

#[test]
fn a_killed_broker_ends_connections_and_comes_back() {
    let mut actions = connect(0);
    actions.push(Action::Broker(BrokerFault::Kill));
    actions.push(Action::Expect(Expect {
        actor: ALICE,
        alternatives: vec![Pattern::Closed { farewell: Vec::new(), should: Vec::new(), silent: true }],
        take: Take::Next,
        within: None,
    }));
    actions.push(Action::Broker(BrokerFault::Start));
    actions.extend(connect(0));
    actions.extend(ping());
    assert_eq!(simulate(&plan(actions), 1, true).stop, None);
}

#[test]
fn a_stopped_broker_says_goodbye() {
    let mut actions = connect(0);
    actions.push(Action::Broker(BrokerFault::Stop));
    actions.push(expect("disconnect", vec![("reason_code", Value::Integer(0x8b))]));
    actions.push(Action::Broker(BrokerFault::Start));
    actions.extend(connect(0));
    assert_eq!(simulate(&plan(actions), 1, true).stop, None);
}

#[test]
fn without_an_answer_the_patience_ends_in_virtual_time() {
    let mut actions = connect(0);
    actions.push(expect("publish", vec![]));
    let result = simulate(&plan(actions), 1, true);
    let stop = result.stop.expect("nobody publishes");
    assert_eq!((stop.cause, stop.actual.as_str()), (Cause::Broker, "nothing within 10 s"));
}

#[test]
fn a_reset_connection_can_be_opened_again() {
    let mut actions = connect(0);
    actions.push(Action::Close { actor: ALICE, how: Ending::Reset });
    actions.extend(connect(0));
    actions.extend(ping());
    assert_eq!(simulate(&plan(actions), 1, true).stop, None);
}

#[test]
fn a_seed_gives_one_trace_and_another_seed_another() {
    let plan = plan([connect(0), ping(), ping(), ping(), ping(), ping(), ping(), ping()].concat());
    let hashes: Vec<String> = (0..20).map(|seed| hash(&simulate(&plan, seed, true).trace)).collect();
    let again: Vec<String> = (0..20).map(|seed| hash(&simulate(&plan, seed, true).trace)).collect();
    assert_eq!(hashes, again);
    let distinct: std::collections::BTreeSet<&String> = hashes.iter().collect();
    assert!(distinct.len() > 10, "seeds hardly matter: {} traces of 20", distinct.len());
}
