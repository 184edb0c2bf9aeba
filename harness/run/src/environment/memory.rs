//! The world in memory: pipes instead of a network, tasks on one thread, everything from one seed.
//!
//! There is no runtime around the tasks: nothing here waits for the system, so all that one would do is to park, and
//! to keep a clock of its own. For sweeps over many seeds: no hosts to step, so a run costs a fraction of a simulated one. The same
//! broker shell, actors and fault layer run in it. What it lacks is turmoil's network (latency, the order
//! in which hosts run); its verdicts must be the simulator's, and a test compares them.

use std::cell::RefCell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use mqspec_broker_core::{Broker, Config, Protocol};
use mqspec_broker_server::{Accept, Accepted, Listener, Server};
use mqspec_conformance::plan::{BrokerFault, DiskFault, Plan};
use mqspec_wire::Spec;
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, LocalSet};

use super::machine::{Machine, Reporter};
use super::pipe::pipe;
use super::simulated::{EPOCH, Settings, bindings, broken, guarded};
use super::virtual_clock::{SharedVirtualClock, TimeOfDay, VirtualClock};
use super::{BrokerControl, Carriage, Chance, Connected, Environment, Network, NotDone};
use crate::script::{self, RunResult};
use crate::sut::doorkeeper::{Doorkeeper, Nobody};
use crate::sut::reference;

/// Runs a plan against the reference broker. Time always jumps here. A panic on the way is an inconclusive
/// run, and says so.
pub fn run(plan: &Plan, settings: &Settings) -> RunResult {
    let nobody: Rc<dyn Doorkeeper> = Rc::new(Nobody);
    run_behind(plan, settings, &nobody)
}

/// Runs a plan against the reference broker behind something that rewrites its inputs or effects.
pub fn run_behind(plan: &Plan, settings: &Settings, doorkeeper: &Rc<dyn Doorkeeper>) -> RunResult {
    run_between(plan, settings, doorkeeper, Carriage::Weathered)
}

/// Runs a plan against the reference broker with something else between actors and pipes than usual.
pub fn run_over(plan: &Plan, settings: &Settings, carriage: Carriage) -> RunResult {
    let nobody: Rc<dyn Doorkeeper> = Rc::new(Nobody);
    run_between(plan, settings, &nobody, carriage)
}

fn run_between(
    plan: &Plan,
    settings: &Settings,
    doorkeeper: &Rc<dyn Doorkeeper>,
    carriage: Carriage,
) -> RunResult {
    guarded(|| match reference::config(&plan.broker) {
        Ok(config) => run_in_memory(plan, config, (settings.seed, carriage), doorkeeper),
        Err(why) => broken(why),
    })
}

fn run_in_memory(
    plan: &Plan,
    config: Config,
    (seed, carriage): (u64, Carriage),
    doorkeeper: &Rc<dyn Doorkeeper>,
) -> RunResult {
    let mut tasks = LocalSet::new();
    end_on_panic(&mut tasks);
    let clock = Rc::new(VirtualClock::default());
    let script = async {
        let reporter = Rc::new(Reporter::default());
        let machine = Machine::new(Chance::new(seed), &reporter);
        let config = Config { durable: true, ..config };
        let (doorkeeper, running) = (Rc::clone(doorkeeper), RefCell::default());
        let host = Rc::new(Host { config, doorkeeper, clock: Rc::clone(&clock), machine, running });
        if let Err(why) = host.start() {
            return broken(why);
        }
        let environment = Environment {
            network: Rc::<Host>::clone(&host),
            clock: Rc::new(SharedVirtualClock(Rc::clone(&clock))),
            control: host,
            reporter,
            chance: Chance::new(seed),
            bindings: bindings(),
            mqtt_login: None,
            patience: Duration::from_secs(10),
            settle: Duration::from_millis(50),
            carriage,
        };
        script::run(plan, environment).await
    };
    let run = pin!(tasks.run_until(script));
    drive(run, &clock).unwrap_or_else(broken)
}

/// Goes on with a run until it ends; whenever everybody waits, time jumps to the next timer.
fn drive<T>(mut run: Pin<&mut impl Future<Output = T>>, clock: &VirtualClock) -> Result<T, String> {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    loop {
        if let Poll::Ready(ended) = run.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Ok(ended);
        }
        if bell.0.swap(false, Ordering::Relaxed) {
            continue;
        }
        let deadline = clock.next_deadline();
        clock.jump_to(deadline.ok_or("everybody waits, and nobody for a time: a deadlock")?);
        clock.wake_due();
    }
}

/// Rings when somebody can go on.
#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A panic in any task ends the run instead of leaving the others to wait for it.
#[cfg(tokio_unstable)]
fn end_on_panic(tasks: &mut LocalSet) {
    tasks.unhandled_panic(tokio::runtime::UnhandledPanic::ShutdownRuntime);
}

/// Without the flag nothing runs at all: see [`guarded`].
#[cfg(not(tokio_unstable))]
fn end_on_panic(_: &mut LocalSet) {}

/// The machine that the broker runs on.
struct Host {
    config: Config,
    doorkeeper: Rc<dyn Doorkeeper>,
    clock: Rc<VirtualClock>,
    machine: Machine,
    running: RefCell<Option<Process>>,
}

/// A broker process.
struct Process {
    task: JoinHandle<()>,
    mqtt: mpsc::UnboundedSender<Accepted>,
    amqp: mpsc::UnboundedSender<Accepted>,
    stop: Rc<Notify>,
}

impl Host {
    /// The error says why the broker gave up.
    fn start(&self) -> Result<(), String> {
        let door = self.doorkeeper.to_clients(Broker::new(self.config.clone()));
        let door = self.machine.start(door, &*self.doorkeeper, EPOCH + self.clock.now())?;
        let (mqtt, mqtt_door) = mpsc::unbounded_channel();
        let (amqp, amqp_door) = mpsc::unbounded_channel();
        let stop = Rc::new(Notify::new());
        let stopped = Rc::clone(&stop);
        let clock = TimeOfDay { clock: Rc::clone(&self.clock), epoch: EPOCH };
        let server = Server::new(door, Rc::new(clock))
            .listen(Protocol::Mqtt, Box::new(Pipes(mqtt_door)))
            .listen(Protocol::Amqp, Box::new(Pipes(amqp_door)));
        let machine = self.machine.clone();
        let task = tokio::task::spawn_local(async move {
            machine.ended(server.run(stopped.notified()).await);
        });
        self.running.replace(Some(Process { task, mqtt, amqp, stop }));
        Ok(())
    }
}

/// Where the broker's end of new pipes comes in.
struct Pipes(mpsc::UnboundedReceiver<Accepted>);

impl Listener for Pipes {
    fn accept(&mut self) -> Accept<'_> {
        Box::pin(async {
            match self.0.recv().await {
                Some(accepted) => Ok(accepted),
                // Nobody can connect any more; this listener has nothing left to say.
                None => std::future::pending().await,
            }
        })
    }
}

impl Network for Host {
    fn connect(&self, spec: Spec) -> LocalBoxFuture<'static, io::Result<Connected>> {
        let (ours, theirs) = pipe();
        let accepted = Accepted { stream: Box::new(theirs), peer: String::from("an actor") };
        let running = self.running.borrow();
        let reached = running.as_ref().is_some_and(|process| {
            let door = if spec.is_mqtt() { &process.mqtt } else { &process.amqp };
            !process.task.is_finished() && door.send(accepted).is_ok()
        });
        Box::pin(async move {
            if !reached {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (reader, writer) = ours.split();
            Ok(Connected { reader: Box::new(reader), writer: Box::new(writer), abort: Box::new(|| {}) })
        })
    }
}

impl BrokerControl for Host {
    fn act(self: Rc<Self>, fault: BrokerFault) -> LocalBoxFuture<'static, Result<(), NotDone>> {
        Box::pin(async move {
            match fault {
                BrokerFault::Start | BrokerFault::StartInVain => {
                    self.start().map_err(NotDone::DoesNotStart)?;
                }
                BrokerFault::Kill | BrokerFault::PowerLoss => {
                    if let Some(process) = self.running.take() {
                        process.task.abort();
                        // Cancelled, as was asked for; or it had ended before.
                        drop(process.task.await);
                    }
                    if fault == BrokerFault::PowerLoss {
                        self.machine.lose_power();
                    }
                }
                BrokerFault::Stop => {
                    if let Some(process) = self.running.borrow().as_ref() {
                        process.stop.notify_one();
                    }
                }
            }
            Ok(())
        })
    }

    fn plan_disk(&self, fault: &DiskFault) -> Result<(), String> {
        self.machine.plan(fault);
        Ok(())
    }

    fn waits_for(&self) -> Vec<String> {
        self.machine.waits_for()
    }
}
