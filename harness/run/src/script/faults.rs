//! What a step does to a connection, to the broker or to its disk.

use std::rc::Rc;

use mqspec_conformance::plan::{ActorId, BrokerFault, DiskFault, Fault, Step, StreamFault};
use mqspec_conformance::trace::What;
use mqspec_conformance::verdict::Stop;

use super::Script;
use crate::environment::NotDone;
use crate::fault::words;

impl Script {
    pub(super) fn plan_fault(&self, step: &Step, fault: &Fault) -> Result<(), Stop> {
        let fault = fault
            .evaluate(&self.bindings.borrow())
            .map_err(|why| self.ours(step, "a fault whose numbers are known", why))?;
        let text = words::fault(&fault);
        let whom = match &fault {
            Fault::Packet { actor, .. } | Fault::Stream { actor, .. } | Fault::Connect { actor, .. } => {
                Some(*actor)
            }
            Fault::Heal { actor } => *actor,
        };
        // What it was planned for is in the trace before what it does.
        self.recorder.record(What::Fault { actor: whom, text });
        match fault {
            Fault::Packet { actor, direction, packet, when, fault } => {
                self.actor(step, actor)?.layer.plan_packet(direction, packet, when, fault);
            }
            Fault::Stream { actor, direction, fault } => {
                let actor = self.actor(step, actor)?;
                if matches!(fault, StreamFault::HalfOpen { .. }) && !actor.is_open() {
                    // Whether a client is connected just now is not for the plan to know.
                    if self.clients.contains_key(&actor.id) {
                        return Ok(());
                    }
                    let actual = String::from("there is none");
                    return Err(self.ours(step, "an open connection that can become half-open", actual));
                }
                actor.layer.plan_stream(direction, &fault);
                if let StreamFault::HalfOpen { for_whom, .. } = fault {
                    actor.half_open(for_whom);
                }
            }
            Fault::Connect { actor, fault, times } => {
                self.actor(step, actor)?.layer.plan_connect(fault, times);
            }
            Fault::Heal { actor } => {
                let healed = |id: &ActorId| actor.is_none_or(|actor| actor == *id);
                self.actors.iter().filter(|actor| healed(&actor.id)).for_each(|actor| actor.layer.heal());
            }
        }
        Ok(())
    }

    pub(super) async fn control_broker(&self, step: &Step, fault: BrokerFault) -> Result<(), Stop> {
        let text = words::broker(fault).to_owned();
        let starts = matches!(fault, BrokerFault::Start | BrokerFault::StartInVain);
        // A kill is in the trace before what it causes; a start when the broker listens.
        if !starts {
            self.recorder.record(What::Broker { text: text.clone() });
        }
        let done = Rc::clone(&self.environment.control).act(fault).await;
        match (done, fault) {
            (Ok(()), BrokerFault::StartInVain) => {
                let actual = String::from("it listens");
                if self.environment.control.waits_for().is_empty() {
                    Err(self.stop(step, String::from("the broker not to start on this disk"), actual))
                } else {
                    Err(self.ours(step, "a disk that does not let the broker start", actual))
                }
            }
            (Ok(()), _) => {
                if starts {
                    self.recorder.record(What::Broker { text });
                }
                Ok(())
            }
            (Err(NotDone::DoesNotStart(_)), BrokerFault::StartInVain) => Ok(()),
            (Err(NotDone::DoesNotStart(why)), _) => {
                Err(self.stop(step, String::from("the broker to start with what its disk holds"), why))
            }
            (Err(NotDone::Impossible(why)), _) => Err(self.ours(step, &format!("the broker {text}"), why)),
        }
    }

    pub(super) fn plan_disk_fault(&self, step: &Step, fault: &DiskFault) -> Result<(), Stop> {
        self.recorder.record(What::Fault { actor: None, text: format!("the disk: {fault}") });
        let planned = self.environment.control.plan_disk(fault);
        planned.map_err(|why| self.ours(step, "a disk that can fail", why))
    }
}
