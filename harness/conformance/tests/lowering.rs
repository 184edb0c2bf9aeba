//! What each verb becomes: `lowering.txt` has steps and, below them, the primitive actions, one a line.

use mqspec_conformance::plan::{
    Action, ActorId, Expect, Expression, Field, Matcher, Pattern, Plan, Step, Take, Template,
    expression::TextPart,
};
use mqspec_conformance::scenario::load;
use mqspec_wire::Name;

const TABLE: &str = include_str!("lowering.txt");

#[test]
fn every_verb_becomes_its_primitive_actions() {
    let cases: Vec<_> = TABLE.split("\n=== ").skip(1).collect();
    assert!(cases.len() >= 20, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let (name, rest) = case.split_once('\n').expect("a case has a name");
        let (steps, expected) = rest.split_once("\n---\n").expect("a case has its actions below ---");
        let actual = shown(&plan(name, steps));
        if actual != expected.trim_end() {
            wrong.push(format!("=== {name}\n--- expected\n{}\n--- actual\n{actual}\n", expected.trim_end()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn plan(name: &str, steps: &str) -> Plan {
    let (protocol, _) = name.split_once(": ").expect("a case names its protocol");
    let steps = steps.lines().fold(String::new(), |steps, line| steps + "  " + line + "\n");
    let text = format!(
        "title: t\nprotocols: [{protocol}]\nstatements: []\nactors: {{ alice: {{}}, bob: {{}} }}\nsteps:\n\
         {steps}  - alice: {{ close: {{}} }}\n  - bob: {{ close: {{}} }}\n"
    );
    let mut plans =
        load("t.yaml", &text).unwrap_or_else(|error| panic!("{name}: {:?}", miette::Report::new(error)));
    let mut plan = plans.remove(0);
    plan.steps.truncate(plan.steps.len() - 2);
    plan
}

fn shown(plan: &Plan) -> String {
    steps(plan, &plan.steps).join("\n")
}

fn steps(plan: &Plan, steps: &[Step]) -> Vec<String> {
    steps.iter().flat_map(|step| action(plan, &step.action)).collect()
}

fn action(plan: &Plan, action: &Action) -> Vec<String> {
    let name = |actor: &ActorId| plan.actors.get(actor.0).expect("an actor of the plan").name.clone();
    let indented = |inner: &[Step]| steps(plan, inner).into_iter().map(|line| format!("    {line}"));
    vec![match action {
        Action::Open { actor } => format!("{} opens", name(actor)),
        Action::OpenFails { actor, how } => format!("{} fails to open: {how:?}", name(actor)),
        Action::Send { actor, packet } => format!("{} sends {}", name(actor), template(packet)),
        Action::SendBytes { actor, bytes } => format!("{} sends bytes {}", name(actor), expression(bytes)),
        Action::Expect(expect) => format!("{} {}", name(&expect.actor), expectation(expect)),
        Action::ExpectAll { actor, patterns, within } => {
            let all: Vec<_> = patterns.iter().map(pattern).collect();
            format!("{} expects all of: {}{}", name(actor), all.join(" | "), time(*within))
        }
        Action::ExpectNothing { actor, channel, quiet } => {
            let channel = channel.map_or(String::new(), |channel| format!(" on {channel}"));
            format!("{} expects nothing{channel} for {quiet:?}", name(actor))
        }
        Action::Close { actor, how } => format!("{} ends with {how:?}", name(actor)),
        Action::Do { actor, request } => format!("{} does {}", name(actor), template(request)),
        Action::Settle { within } => format!("settles within {within:?}"),
        Action::Bind { name, value } => format!("binds {name} = {}", expression(value)),
        Action::Wait(time) => format!("waits {time:?}"),
        Action::Fault(fault) => format!("{fault:?}"),
        Action::Disk(fault) => format!("{fault:?}"),
        Action::Broker(fault) => format!("broker: {fault:?}"),
        Action::Check { guarantee, .. } => format!("checks {guarantee}"),
        Action::Repeat { times, counter, steps } => {
            let head = format!("repeats {times} times, counter {}", counter.as_deref().unwrap_or("none"));
            return [head].into_iter().chain(indented(steps)).collect();
        }
        Action::Together(branches) => {
            let branches = branches.iter().enumerate();
            return branches
                .flat_map(|(index, branch)| {
                    [format!("together, branch {index}")]
                        .into_iter()
                        .chain(indented(branch))
                        .collect::<Vec<_>>()
                })
                .collect();
        }
    }]
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().concat()
}

fn time(within: Option<std::time::Duration>) -> String {
    within.map_or(String::new(), |within| format!(" within {within:?}"))
}

fn template(packet: &Template) -> String {
    let named = |fields: &[(Name, Expression)]| {
        joined(fields.iter().map(|(name, value)| format!(" {name}={}", expression(value))))
    };
    let malformed = if packet.malformed.is_empty() { "" } else { " malformed:" };
    format!("{}{}{malformed}{}", packet.name, named(&packet.fields), named(&packet.malformed))
}

fn expectation(expect: &Expect) -> String {
    let verb = match expect.take {
        Take::Next => "expects next",
        Take::Matching => "awaits",
    };
    let all: Vec<_> = expect.alternatives.iter().map(pattern).collect();
    format!("{verb} {}{}", all.join(" | "), time(expect.within))
}

fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Packet { name, channel, fields: demanded, should, bind } => {
            let channel = channel.map_or(String::new(), |channel| format!(" @{channel}"));
            let bind = joined(bind.iter().map(|(field, name)| format!(" {field}->{name}")));
            let should =
                if should.is_empty() { String::new() } else { format!(" should:{}", fields(should)) };
            format!("{name}{channel}{}{should}{bind}", fields(demanded))
        }
        Pattern::Closed { farewell, should, silent } => {
            let silent = if *silent { " silently" } else { "" };
            let should =
                if should.is_empty() { String::new() } else { format!(" should:{}", fields(should)) };
            format!("closed{silent}{}{should}", fields(farewell))
        }
    }
}

fn fields(fields: &[Field]) -> String {
    joined(fields.iter().map(|field| format!(" {}{}", field.name, matcher(&field.matcher))))
}

fn matcher(matcher: &Matcher) -> String {
    let all = |values: &[Expression]| values.iter().map(expression).collect::<Vec<_>>().join(", ");
    match matcher {
        Matcher::Equals(value) => format!("={}", expression(value)),
        Matcher::OneOf(values) => format!(" in [{}]", all(values)),
        Matcher::Not(value) => format!("!={}", expression(value)),
        Matcher::AtLeast(value) => format!(">={}", expression(value)),
        Matcher::AtMost(value) => format!("<={}", expression(value)),
        Matcher::EachAtMost(values) => format!(" each<=[{}]", all(values)),
        Matcher::Repeats(values) => format!(" repeats [{}]", all(values)),
        Matcher::Present => String::from(" present"),
        Matcher::Absent => String::from(" absent"),
        Matcher::Any => String::from(" any"),
        Matcher::Contains(entries) => format!(" contains {}", expression(&Expression::Map(entries.clone()))),
        Matcher::Length(length) => format!(" length {length}"),
        Matcher::StartsWith(value) => format!(" starts with {}", expression(value)),
    }
}

fn expression(value: &Expression) -> String {
    match value {
        Expression::Literal(value) => value.to_string(),
        Expression::Name(name) => format!("${name}"),
        Expression::Text(parts) => {
            let parts = parts.iter().map(|part| match part {
                TextPart::Literal(text) => text.replace('\0', "\\0"),
                TextPart::Name(name) => format!("${{{name}}}"),
            });
            format!("'{}'", parts.collect::<String>())
        }
        Expression::List(items) => {
            format!("[{}]", items.iter().map(expression).collect::<Vec<_>>().join(", "))
        }
        Expression::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key}: {}", expression(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Expression::Tagged(tag, value) => format!("{}:{}", char::from(*tag), expression(value)),
        Expression::Repeated { unit, times } => format!("{}*{times}", expression(unit)),
    }
}

#[test]
fn a_plan_knows_where_its_steps_come_from_and_what_they_prove() {
    let text = "title: t\nprotocols: [mqtt-3.1.1, mqtt-5.0]\nstatements:\n  mqtt-3.1.1: [MQTT-3.3.1-10]\n  \
                mqtt-5.0: [MQTT-3.3.1-6, MQTT-3.3.1-7]\nneeds: { maximum_qos: 1 }\nactors: [alice]\nsteps:\n  \
                - alice: { open: {} }\n    proves: []\n  - alice: { send: connect,\n      keep_alive: 5 } # five\n    \
                proves: { mqtt-3.1.1: [], mqtt-5.0: [MQTT-3.3.1-7] }\n  - alice: { reset: {} }\n    only: mqtt-5.0\n";
    let plans = load("/somewhere/scenarios/mqtt/retained/x.yaml", text).expect("it is right");
    let [v3, v5] = plans.as_slice() else { panic!("one plan each") };
    assert_eq!(v3.address, "mqtt/retained/x@mqtt-3.1.1");
    assert_eq!(v3.statements, ["mqtt-3.1.1/MQTT-3.3.1-10"]);
    assert_eq!(v5.statements, ["mqtt-5.0/MQTT-3.3.1-6", "mqtt-5.0/MQTT-3.3.1-7"]);
    assert_eq!(v3.steps.len(), 2);
    let [open, send, reset] = v5.steps.as_slice() else { panic!("the last step is for 5.0 only") };
    assert_eq!(send.origin.line, 11);
    assert_eq!(send.origin.text, "alice: { send: connect, keep_alive: 5 }");
    assert_eq!(open.proves, Some(Vec::new()));
    assert_eq!(send.proves, Some(vec![String::from("mqtt-5.0/MQTT-3.3.1-7")]));
    assert_eq!(reset.proves, None);
    assert_eq!(v5.needs.len(), 1);
}
