//! The simulated world: turmoil hosts, a virtual clock, everything from one seed.
//!
//! Two hosts: the broker and, on one host, all actors (a host costs time on every tick). Links have a fixed
//! latency of one tick: less would deliver a packet before it was sent, by the hosts' clocks; variation is
//! drawn by ourselves, from a portable generator. Every stall, loss and cut is the fault layer's: turmoil's
//! TCP never retransmits, so its own message loss would mute a stream for ever.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use futures_util::future::LocalBoxFuture;
use mqspec_broker_core::{Broker, Config, Protocol};
use mqspec_broker_server::{Accept, Accepted, Listener, Server};
use mqspec_conformance::plan::{BrokerFault, DiskFault, Origin, Plan};
use mqspec_conformance::verdict::{Cause, Stop};
use mqspec_wire::{Spec, Value};
use tokio::sync::{Notify, oneshot};
use turmoil::net::{TcpListener, TcpStream};

use super::chance::Chance;
use super::machine::{Machine, Reporter};
use super::virtual_clock::{SharedVirtualClock, TICK, TimeOfDay, VirtualClock};
use super::{BrokerControl, Carriage, Connected, Environment, Network, NotDone};
use crate::script::{self, RunResult};
use crate::sut::doorkeeper::{Doorkeeper, Nobody};
use crate::sut::reference;

/// When a simulation begins, since 1970-01-01T00:00:00Z: 2026-01-01T00:00:00Z.
pub(super) const EPOCH: Duration = Duration::from_secs(1_767_225_600);
/// A step runs every host once; a plan that needs more than this never comes to rest.
const MOST_STEPS: u64 = 5_000_000;
/// turmoil loses the end of a stream behind a full queue of unread segments, and panics when as many
/// connections wait: far more room than any plan needs.
const TCP_CAPACITY: usize = 1 << 16;

const BROKER: &str = "broker";
const ACTORS: &str = "actors";

/// How to simulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where all chance comes from.
    pub seed: u64,
    /// Whether time jumps over stretches in which nothing happens. The trace is the same either way.
    pub time_jumps: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 0, time_jumps: true }
    }
}

/// Runs a plan against the reference broker. A panic on the way is an inconclusive run, and says so.
pub fn run(plan: &Plan, settings: &Settings) -> RunResult {
    let nobody: Rc<dyn Doorkeeper> = Rc::new(Nobody);
    run_behind(plan, settings, &nobody)
}

/// Runs a plan against the reference broker behind something that rewrites its inputs or effects.
pub fn run_behind(plan: &Plan, settings: &Settings, doorkeeper: &Rc<dyn Doorkeeper>) -> RunResult {
    guarded(|| simulate(plan, settings, doorkeeper))
}

/// Runs something that may panic, and that must not run where a panic in a task would go unnoticed.
pub(super) fn guarded(run: impl FnOnce() -> RunResult) -> RunResult {
    if !cfg!(tokio_unstable) {
        return broken(String::from(
            "mqspec was built without `--cfg tokio_unstable` (see .cargo/config.toml; a RUSTFLAGS variable \
             replaces it), so a panic inside the simulation would go unnoticed",
        ));
    }
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_else(|| String::from("(no message)"));
        broken(format!("the simulation panicked: {text}"))
    })
}

fn simulate(plan: &Plan, settings: &Settings, doorkeeper: &Rc<dyn Doorkeeper>) -> RunResult {
    let config = match reference::config(&plan.broker) {
        Ok(config) => Config { durable: true, ..config },
        Err(why) => return broken(why),
    };
    let clock = Rc::new(VirtualClock::default());
    let reporter = Rc::new(Reporter::default());
    let machine = Machine::new(Chance::new(settings.seed), &reporter);
    let control = Rc::new(Control::new(machine.clone()));
    let mut simulation = turmoil::Builder::new()
        .rng_seed(settings.seed)
        .epoch(SystemTime::UNIX_EPOCH + EPOCH)
        .tick_duration(TICK)
        .min_message_latency(TICK)
        .max_message_latency(TICK)
        .tcp_capacity(TCP_CAPACITY)
        .simulation_duration(Duration::MAX)
        .build();

    let (broker_clock, broker_control) = (Rc::clone(&clock), Rc::clone(&control));
    let doorkeeper = Rc::clone(doorkeeper);
    simulation.host(BROKER, move || {
        let (clock, control) = (Rc::clone(&broker_clock), Rc::clone(&broker_control));
        let door = doorkeeper.to_clients(Broker::new(config.clone()));
        let (doorkeeper, machine) = (Rc::clone(&doorkeeper), machine.clone());
        async move {
            let door = match machine.start(door, &*doorkeeper, EPOCH + clock.now()) {
                Ok(door) => door,
                // A host that fails would end the simulation; this one is only a broker that gave up.
                Err(why) => {
                    control.give_up(why);
                    return Ok(());
                }
            };
            let mqtt = TcpListener::bind(("0.0.0.0", port(Spec::Mqtt50))).await?;
            let amqp = TcpListener::bind(("0.0.0.0", port(Spec::Amqp091))).await?;
            let stop = Rc::new(Notify::new());
            *control.stop.borrow_mut() = Some(Rc::clone(&stop));
            control.listens.set(true);
            control.decided.notify_waiters();
            let broker = Server::new(door, Rc::new(TimeOfDay { clock, epoch: EPOCH }))
                .listen(Protocol::Mqtt, Box::new(SimulatedListener(mqtt)))
                .listen(Protocol::Amqp, Box::new(SimulatedListener(amqp)));
            let served = broker.run(stop.notified()).await;
            control.listens.set(false);
            machine.ended(served);
            Ok(())
        }
    });

    let result = Rc::new(RefCell::new(None));
    let environment = Environment {
        network: Rc::new(SimulatedNetwork),
        clock: Rc::new(SharedVirtualClock(Rc::clone(&clock))),
        reporter,
        control: Rc::<Control>::clone(&control),
        chance: Chance::new(settings.seed),
        bindings: bindings(),
        mqtt_login: None,
        patience: Duration::from_secs(10),
        settle: Duration::from_millis(50),
        carriage: Carriage::Weathered,
    };
    let (owned_plan, slot, listening) = (plan.clone(), Rc::clone(&result), Rc::clone(&control));
    simulation.client(ACTORS, async move {
        listening.until_listening().await?;
        let ran = script::run(&owned_plan, environment).await;
        slot.replace(Some(ran));
        Ok(())
    });

    let driven = drive(&mut simulation, &clock, &control, settings);
    drop(simulation);
    match (result.take(), driven) {
        (Some(result), _) => result,
        (None, Err(why)) => broken(why),
        (None, Ok(())) => broken(String::from("the simulation ended before the plan did")),
    }
}

/// Steps the simulation until the actors have finished.
fn drive(
    simulation: &mut turmoil::Sim<'_>,
    clock: &Rc<VirtualClock>,
    control: &Control,
    settings: &Settings,
) -> Result<(), String> {
    let mut quiet_steps = 0;
    for _ in 0..MOST_STEPS {
        clock.wake_due();
        if simulation.step().map_err(|error| error.to_string())? {
            return Ok(());
        }
        clock.advance();
        if control.carry_out(simulation) || in_flight(simulation) {
            quiet_steps = 0;
            continue;
        }
        // A packet that has just been delivered may be answered in the next step: two quiet ones it takes.
        quiet_steps += 1;
        if quiet_steps < 2 {
            continue;
        }
        match clock.next_deadline() {
            None => return Err(String::from("nothing is under way and nobody waits for a time: a deadlock")),
            Some(deadline) if settings.time_jumps => clock.jump_to(deadline),
            Some(_) => {}
        }
    }
    Err(format!("the plan had not come to an end after {MOST_STEPS} steps of {} ms", TICK.as_millis()))
}

fn in_flight(simulation: &turmoil::Sim<'_>) -> bool {
    let mut any = false;
    simulation.links(|links| any = links.into_iter().any(|mut link| link.next().is_some()));
    any
}

/// Names that every plan may use; fixed, so that a seed's trace is, too.
pub(super) fn bindings() -> mqspec_conformance::plan::Bindings {
    [("run", "run"), ("user", "guest"), ("password", "guest"), ("vhost", "/")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::text(value)))
        .collect()
}

const fn port(spec: Spec) -> u16 {
    match spec {
        Spec::Mqtt311 | Spec::Mqtt50 => 1883,
        Spec::Amqp091 => 5672,
    }
}

/// A run that says nothing about the broker.
pub(super) fn broken(why: String) -> RunResult {
    let stop = Stop {
        origin: Origin::default(),
        proves: None,
        cause: Cause::Environment,
        expected: String::from("a simulation that runs to its end"),
        actual: why,
        event: None,
    };
    RunResult { stop: Some(stop), ..RunResult::default() }
}

struct SimulatedListener(TcpListener);

impl Listener for SimulatedListener {
    fn accept(&mut self) -> Accept<'_> {
        Box::pin(async {
            let (stream, peer) = self.0.accept().await?;
            Ok(Accepted { stream: Box::new(stream), peer: peer.to_string() })
        })
    }
}

struct SimulatedNetwork;

impl Network for SimulatedNetwork {
    fn connect(&self, spec: Spec) -> LocalBoxFuture<'static, std::io::Result<Connected>> {
        Box::pin(async move {
            let (reader, writer) = TcpStream::connect((BROKER, port(spec))).await?.into_split();
            // turmoil knows no abortive close; a dropped stream ends with FIN, or RST over unread bytes.
            Ok(Connected { reader: Box::new(reader), writer: Box::new(writer), abort: Box::new(|| {}) })
        })
    }
}

/// Where the script asks and the driver, between two steps, acts: only it holds the simulation.
struct Control {
    machine: Machine,
    asked: RefCell<VecDeque<(BrokerFault, oneshot::Sender<()>)>>,
    /// Ends the running broker in good order.
    stop: RefCell<Option<Rc<Notify>>>,
    listens: Cell<bool>,
    /// Why the broker that was started last gave up.
    gave_up: RefCell<Option<String>>,
    /// It listens, or has given up.
    decided: Notify,
}

impl Control {
    fn new(machine: Machine) -> Self {
        Self {
            machine,
            asked: RefCell::default(),
            stop: RefCell::default(),
            listens: Cell::default(),
            gave_up: RefCell::default(),
            decided: Notify::new(),
        }
    }

    fn give_up(&self, why: String) {
        self.gave_up.replace(Some(why));
        self.decided.notify_waiters();
    }

    /// Does what has been asked for; says whether that was anything.
    fn carry_out(&self, simulation: &mut turmoil::Sim<'_>) -> bool {
        let Some((fault, done)) = self.asked.borrow_mut().pop_front() else { return false };
        match fault {
            BrokerFault::Kill => {
                self.listens.set(false);
                simulation.crash(BROKER);
            }
            BrokerFault::PowerLoss => {
                self.listens.set(false);
                simulation.crash(BROKER);
                self.machine.lose_power();
            }
            BrokerFault::Start | BrokerFault::StartInVain => {
                self.gave_up.take();
                simulation.bounce(BROKER);
            }
            BrokerFault::Stop => {
                if let Some(stop) = self.stop.borrow_mut().take() {
                    stop.notify_one();
                }
            }
        }
        // Nobody listens any more if the script has just been stopped.
        let _nobody_waits = done.send(());
        true
    }

    /// Ends when the broker listens; the error says why it never will.
    async fn until_listening(&self) -> Result<(), String> {
        while !self.listens.get() {
            if let Some(why) = self.gave_up.take() {
                return Err(why);
            }
            self.decided.notified().await;
        }
        Ok(())
    }
}

impl BrokerControl for Control {
    fn act(self: Rc<Self>, fault: BrokerFault) -> LocalBoxFuture<'static, Result<(), NotDone>> {
        Box::pin(async move {
            let (done, carried_out) = oneshot::channel();
            self.asked.borrow_mut().push_back((fault, done));
            carried_out.await.map_err(|_| String::from("the simulation has ended"))?;
            if matches!(fault, BrokerFault::Start | BrokerFault::StartInVain) {
                self.until_listening().await.map_err(NotDone::DoesNotStart)?;
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
