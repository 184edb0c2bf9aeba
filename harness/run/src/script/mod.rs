//! Walks a plan's steps.
//!
//! The script stops at the first step that fails; why is left to the verdict. `expect` waits for and
//! compares packets, `open` opens connections, `faults` plans what goes wrong, `settle` waits for clients.

mod expect;
mod faults;
mod open;
mod settle;
mod together;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use mqspec_conformance::check;
use mqspec_conformance::plan::{
    Action, ActorId, Bindings, Expression, Form, Origin, Plan, Role, Step, Template,
};
use mqspec_conformance::trace::{Trace, What};
use mqspec_conformance::verdict::{Cause, Finding, Stop};
use mqspec_wire::{Draft, Name, Value};

use crate::actor::Actor;
use crate::actor::client::{Client, Running};
use crate::environment::Environment;
use crate::recorder::Recorder;

/// What a run leaves.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RunResult {
    /// Everything that happened.
    pub trace: Trace,
    /// Why the script ended early, if it did.
    pub stop: Option<Stop>,
    /// What steps saw that does not end a script: recommendations not followed, failed `check` steps.
    pub findings: Vec<Finding>,
    /// Where our codec and another one disagree: for us to look into, never a broker's fault.
    pub disagreements: Vec<String>,
}

/// Runs a plan from its first step to its last or to the first that fails, then listens a little longer.
pub async fn run(plan: &Plan, environment: Environment) -> RunResult {
    run_within(plan, environment, None).await
}

/// Runs a plan like [`run`], but gives it up when it takes longer than a limit; what happened until then is kept.
pub async fn run_within(plan: &Plan, environment: Environment, limit: Option<Duration>) -> RunResult {
    let environment = Rc::new(environment);
    let recorder = Rc::new(Recorder::new(plan, Rc::clone(&environment.clock)));
    environment.reporter.attach(&recorder);
    let actors = plan
        .actors
        .iter()
        .enumerate()
        .map(|(index, actor)| {
            Actor::new(ActorId(index), actor.spec, Rc::clone(&environment), Rc::clone(&recorder))
        })
        .collect();
    let mut script = Script {
        actors,
        clients: BTreeMap::new(),
        recorder: Rc::clone(&recorder),
        bindings: RefCell::new(environment.bindings.clone()),
        form: RefCell::default(),
        findings: RefCell::default(),
        environment: Rc::clone(&environment),
    };
    let walked = match (script.start_clients(plan), limit) {
        (Err(stop), _) => Err(stop),
        (Ok(()), None) => script.walk(&plan.steps).await,
        (Ok(()), Some(limit)) => script.walk_within(&plan.steps, limit).await,
    };
    let stop = walked.err().or_else(|| script.unstruck(plan));
    let settled = environment.clock.now() + environment.settle;
    environment.clock.sleep_until(settled).await;
    let disagreements =
        script.actors.iter().flat_map(|actor| actor.disagreements.borrow_mut().split_off(0)).collect();
    let mut findings = script.findings.take();
    for finding in findings.iter_mut().filter(|finding| finding.statements.is_empty()) {
        finding.statements.clone_from(&plan.statements);
    }
    RunResult { trace: recorder.take(), stop, findings, disagreements }
}

struct Script {
    environment: Rc<Environment>,
    recorder: Rc<Recorder>,
    actors: Vec<Rc<Actor>>,
    /// Those of the actors that have duties, and their tasks.
    clients: BTreeMap<ActorId, (Rc<Client>, Running)>,
    bindings: RefCell<Bindings>,
    /// What is sent is filled in here.
    form: RefCell<Form>,
    findings: RefCell<Vec<Finding>>,
}

impl Script {
    fn walk<'a>(&'a self, steps: &'a [Step]) -> LocalBoxFuture<'a, Result<(), Stop>> {
        Box::pin(async move {
            let mut line = 0;
            for step in steps {
                // A composite verb is several steps of one line; the trace shows it once.
                if step.origin.line != line {
                    line = step.origin.line;
                    let text = step.origin.text.clone();
                    self.recorder.record(What::Step { line, text });
                }
                self.act(step).await?;
            }
            Ok(())
        })
    }

    async fn walk_within(&self, steps: &[Step], limit: Duration) -> Result<(), Stop> {
        tokio::select! {
            biased;
            walked = self.walk(steps) => walked,
            () = self.sleep(limit) => {
                let at = self.recorder.look(|trace| {
                    trace.events.iter().rev().find_map(|event| {
                        let What::Step { line, text } = &event.what else { return None };
                        Some(Origin { line: *line, text: text.clone() })
                    })
                });
                Err(Stop {
                    origin: at.unwrap_or_default(),
                    proves: None,
                    cause: Cause::Environment,
                    expected: format!("the run to end within {} s", limit.as_secs_f64()),
                    actual: String::from("it was still at this step"),
                    event: self.recorder.latest(),
                })
            }
        }
    }

    async fn act(&self, step: &Step) -> Result<(), Stop> {
        match &step.action {
            Action::Open { actor } => self.open(step, *actor).await,
            Action::OpenFails { actor, how } => self.open_fails(step, *actor, *how).await,
            Action::Send { actor, packet } => self.send(step, *actor, packet),
            Action::SendBytes { actor, bytes } => {
                let value = self.evaluate(step, bytes)?;
                let Some(bytes) = value.as_bytes() else {
                    return Err(self.ours(step, "bytes to send", format!("{value}")));
                };
                self.actor(step, *actor)?.send_bytes(bytes);
                Ok(())
            }
            Action::Expect(expect) => self.expect(step, expect).await,
            Action::ExpectAll { actor, patterns, within } => {
                self.expect_all(step, *actor, patterns, *within).await
            }
            Action::ExpectNothing { actor, channel, quiet } => {
                self.expect_nothing(step, *actor, *channel, *quiet).await
            }
            Action::Close { actor, how } => {
                self.actor(step, *actor)?.close(*how).await;
                Ok(())
            }
            Action::Do { actor, request } => self.ask(step, *actor, request),
            Action::Settle { within } => self.settle(step, *within).await,
            Action::Fault(fault) => self.plan_fault(step, fault),
            Action::Disk(fault) => self.plan_disk_fault(step, fault),
            Action::Broker(fault) => self.control_broker(step, *fault).await,
            Action::Wait(duration) => {
                self.sleep(*duration).await;
                Ok(())
            }
            Action::Bind { name, value } => {
                let value = self.evaluate(step, value)?;
                self.bind(name, value);
                Ok(())
            }
            Action::Repeat { times, counter, steps } => {
                for round in 1..=*times {
                    if let Some(counter) = counter {
                        self.set(counter, Value::Integer(round.into()));
                    }
                    self.walk(steps).await?;
                }
                Ok(())
            }
            Action::Together(branches) => {
                together::all(branches.iter().map(|branch| self.walk(branch)).collect()).await
            }
            Action::Check { guarantee, parameters } => self.check(step, guarantee, parameters),
        }
    }

    /// A fault that never found its packet means that the plan has not shown what it says.
    fn unstruck(&self, plan: &Plan) -> Option<Stop> {
        let step = plan.steps.last()?;
        let of_disk = self.environment.control.waits_for();
        if !of_disk.is_empty() {
            let actual = format!("no such operation of the disk: {}", of_disk.join(", "));
            return Some(self.ours(step, "every planned fault to strike", actual));
        }
        let actor = self.actors.iter().find(|actor| !actor.layer.never_struck().is_empty())?;
        Some(self.ours(step, "every planned fault to strike", never_struck(actor)))
    }

    fn send(&self, step: &Step, actor: ActorId, packet: &Template) -> Result<(), Stop> {
        let mut form = self.form.borrow_mut();
        let draft = form
            .fill_in(packet, &self.bindings.borrow())
            .map_err(|unbound| self.ours(step, "bound names", unbound.to_string()))?;
        let actor = self.actor(step, actor)?;
        if actor.spec.is_mqtt() && draft.name == "connect" {
            self.log_in(draft);
        }
        actor.send(draft).map_err(|error| self.ours(step, "a packet that can be written", error.to_string()))
    }

    /// Adds the credentials that the environment has for a CONNECT that is well-formed and names none.
    fn log_in(&self, draft: &mut Draft) {
        let named = draft.fields.iter().any(|(name, _)| name == "user_name" || name == "password");
        if let (Some((user, password)), false, true) =
            (&self.environment.mqtt_login, named, draft.malformed.is_empty())
        {
            draft.fields.push((Name::from("user_name"), Value::text(user)));
            draft.fields.push((Name::from("password"), Value::text(password)));
        }
    }

    fn start_clients(&mut self, plan: &Plan) -> Result<(), Stop> {
        let nowhere = Step { action: Action::Wait(Duration::ZERO), origin: Origin::default(), proves: None };
        for (actor, planned) in self.actors.iter().zip(&plan.actors) {
            let Role::Client { connect } = &planned.role else { continue };
            let mut connect = connect
                .evaluate(&self.bindings.borrow())
                .map_err(|unbound| self.ours(&nowhere, "bound names", unbound.to_string()))?;
            if actor.spec.is_mqtt() {
                self.log_in(&mut connect);
            }
            self.clients.insert(actor.id, Client::start(actor, connect, &self.environment));
        }
        Ok(())
    }

    /// Asks a client for something.
    fn ask(&self, step: &Step, actor: ActorId, request: &Template) -> Result<(), Stop> {
        let mut draft = request
            .evaluate(&self.bindings.borrow())
            .map_err(|unbound| self.ours(step, "bound names", unbound.to_string()))?;
        let (client, _) = self.clients.get(&actor).ok_or_else(|| {
            self.ours(step, "an actor that is a client", format!("actor number {}", actor.0))
        })?;
        if draft.name == "connect" && self.actor(step, actor)?.spec.is_mqtt() {
            self.log_in(&mut draft);
        }
        client.ask(draft);
        Ok(())
    }

    fn check(&self, step: &Step, guarantee: &str, parameters: &[(String, Expression)]) -> Result<(), Stop> {
        let mut values = Vec::new();
        for (name, value) in parameters {
            values.push((name.clone(), self.evaluate(step, value)?));
        }
        let found = self
            .recorder
            .look(|trace| check::run(guarantee, &values, trace))
            .map_err(|why| self.ours(step, "a guarantee that can be judged", why))?;
        self.findings.borrow_mut().extend(found.into_iter().map(|mut finding| {
            finding.origin = Some(step.origin.clone());
            finding
        }));
        Ok(())
    }

    fn bind(&self, name: &str, value: Value) {
        self.recorder.record(What::Bound { name: name.to_owned(), value: value.clone() });
        self.set(name, value);
    }

    /// Binds a value without a word: most names are bound over and over.
    fn set(&self, name: &str, value: Value) {
        let mut bindings = self.bindings.borrow_mut();
        match bindings.get_mut(name) {
            Some(bound) => *bound = value,
            None => drop(bindings.insert(name.to_owned(), value)),
        }
    }

    async fn sleep(&self, duration: Duration) {
        let clock = &self.environment.clock;
        clock.sleep_until(clock.now() + duration).await;
    }

    fn actor(&self, step: &Step, id: ActorId) -> Result<&Rc<Actor>, Stop> {
        self.actors
            .get(id.0)
            .ok_or_else(|| self.ours(step, "an actor of the plan", format!("actor number {}", id.0)))
    }

    fn evaluate(&self, step: &Step, expression: &Expression) -> Result<Value, Stop> {
        expression
            .evaluate(&self.bindings.borrow())
            .map_err(|unbound| self.ours(step, "bound names", unbound.to_string()))
    }

    /// The broker did not do what the step demands.
    fn stop(&self, step: &Step, expected: String, actual: String) -> Stop {
        Stop {
            origin: step.origin.clone(),
            proves: step.proves.clone(),
            cause: Cause::Broker,
            expected,
            actual,
            event: self.recorder.latest(),
        }
    }

    /// The plan cannot be carried out, for reasons that are not the broker's doing.
    fn ours(&self, step: &Step, expected: &str, actual: String) -> Stop {
        let mut stop = self.stop(step, expected.to_owned(), actual);
        stop.cause = Cause::Environment;
        stop
    }
}

fn never_struck(actor: &Actor) -> String {
    format!("no such packet passed: {}", actor.layer.never_struck().join(", "))
}
