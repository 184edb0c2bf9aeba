//! The plans that ask a live broker what it can do.

use mqspec_conformance::plan::{
    Action, ActorId, ActorPlan, Expect, Expression, Origin, Pattern, Plan, Role, Step, Take, Template, Worlds,
};
use mqspec_wire::{Spec, Value};

/// The only actor of these plans.
const PROBE: ActorId = ActorId(0);

/// Connects and, over MQTT, subscribes at QoS 2 to see what is granted.
pub(super) fn greeting(spec: Spec) -> Plan {
    if !spec.is_mqtt() {
        let actions = vec![
            Action::Open { actor: PROBE },
            send("protocol-header", Vec::new()),
            expect("connection.start"),
        ];
        return plan("capabilities", spec, actions);
    }
    let filter = Expression::Map(vec![
        (String::from("filter"), Expression::Name(String::from("run"))),
        (String::from("qos"), Expression::Literal(Value::Integer(2))),
    ]);
    let mut actions = connect(Expression::Name(String::from("run")));
    actions.push(send(
        "subscribe",
        vec![
            ("packet_id", Expression::Literal(Value::Integer(1))),
            ("subscriptions", Expression::List(vec![filter])),
        ],
    ));
    actions.push(expect("suback"));
    actions.push(send("disconnect", Vec::new()));
    plan("capabilities", spec, actions)
}

/// Connects over MQTT without a client identifier, which a server may refuse (3.1.1: section 3.1.3.1).
pub(super) fn nameless(spec: Spec) -> Plan {
    let mut actions = connect(Expression::Literal(Value::text("")));
    actions.push(send("disconnect", Vec::new()));
    plan("capabilities-nameless", spec, actions)
}

fn connect(client_id: Expression) -> Vec<Action> {
    let clean_start = Expression::Literal(Value::Bool(true));
    vec![
        Action::Open { actor: PROBE },
        send("connect", vec![("client_id", client_id), ("clean_start", clean_start)]),
        expect("connack"),
    ]
}

fn send(name: &'static str, fields: Vec<(&'static str, Expression)>) -> Action {
    let fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Action::Send { actor: PROBE, packet: Template { name: name.into(), fields, malformed: Vec::new() } }
}

fn expect(name: &str) -> Action {
    Action::Expect(Expect {
        actor: PROBE,
        alternatives: vec![Pattern::Packet {
            name: name.to_owned(),
            channel: None,
            fields: Vec::new(),
            should: Vec::new(),
            bind: Vec::new(),
        }],
        take: Take::Next,
        within: None,
    })
}

fn plan(address: &str, spec: Spec, actions: Vec<Action>) -> Plan {
    let step = |action| Step { action, origin: Origin::default(), proves: None };
    Plan {
        address: format!("{address}@{spec}"),
        title: String::from("What the broker says about itself"),
        spec,
        statements: vec![String::from("capabilities")],
        needs: Vec::new(),
        worlds: Worlds::Both,
        broker: Vec::new(),
        actors: vec![ActorPlan { name: String::from("probe"), spec, role: Role::Scripted }],
        steps: actions.into_iter().map(step).collect(),
    }
}
